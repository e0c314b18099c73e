"""Ray: `ray.data` in and out, worker processes that load the forecaster once each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from gatecast.data.sources.arrow_tables import (
    ArrowTable,
    bytes_table,
    check_arrow,
    divide_rows,
    from_bytes,
    join_tables,
    numbered_bytes,
    part_table,
    require_arrow,
    to_bytes,
)
from gatecast.distributed.engine import BlockTask, BytesTask, Parts, PartTask, Prepared, TableTask
from gatecast.distributed.worker_errors import plain_errors

__all__ = ["RayEngine", "RayParts"]

PART = "__gatecast_part"
"""Column of the part that a row belongs to."""

INSTALL = "Call ray.init(runtime_env={'pip': ['gatecast[ray]']}), or install gatecast[ray] on every node."


class RayEngine:
    """A Ray dataset.

    Args:
        dataset: Of `ray.data`.
    """

    def __init__(self, dataset: Any) -> None:
        require_arrow("ray")
        self.dataset = dataset

    def names(self) -> tuple[str, ...]:
        """Return the names of the columns."""
        with plain_errors(INSTALL):
            return tuple(self.dataset.columns() or ())

    def count_rows(self) -> int:
        """Return the number of rows."""
        with plain_errors(INSTALL):
            return int(self.dataset.count())

    def collect(self, task: BytesTask) -> list[bytes]:
        """Return what a task makes of each batch."""
        made = self.dataset.map_batches(_OnBatch(task), batch_format="pyarrow", batch_size=None)
        return _bytes_of(made, "bytes")

    def as_they_are(self, prepare: BlockTask) -> Parts:
        """Make parts of each block."""
        made = self.dataset.map_batches(_Prepared(prepare), batch_format="pyarrow", batch_size=None)
        with plain_errors(INSTALL):
            return RayParts(made.materialize())

    def by_id(self, ids: Sequence[str], n_parts: int, prepare: PartTask) -> Parts:
        """Divide the series: one shuffle, after which each part is one row that holds its table."""
        divided = self.dataset.map_batches(_Divided(tuple(ids), n_parts), batch_format="pyarrow", batch_size=None)
        grouped = divided.groupby(PART, num_partitions=n_parts)
        with plain_errors(INSTALL):
            return RayParts(grouped.map_groups(partial(_joined, prepare), batch_format="pyarrow").materialize())


class RayParts:
    """A Ray dataset of one row a part.

    Args:
        packed: Tables as bytes, and what is known of them, in the object store.
    """

    def __init__(self, packed: Any) -> None:
        self.packed = packed

    def facts(self) -> list[bytes]:
        """Return what is known of each part."""
        return _bytes_of(self.packed.select_columns(["facts"]), "facts")

    def with_part(self, part: Prepared) -> Parts:
        """Return these parts and another one."""
        import ray.data  # type: ignore[import-not-found]

        return RayParts(self.packed.union(ray.data.from_arrow(part_table([part]))))

    def release(self) -> None:
        """Do nothing: the object store counts references."""

    def map(self, task: TableTask, columns: Mapping[str, str | None]) -> Any:  # noqa: ARG002
        """Return a dataset of what worker processes make of each part; Ray does a part again whose process dies.

        The processes are those that have divided the series: actors would import everything once more.
        """
        return self.packed.map_batches(_OnPart(task), batch_format="pyarrow", batch_size=1, num_cpus=1)


class _Divided:
    """Divides a batch into tables of one part each, every one as bytes: what is shuffled is always of one schema."""

    def __init__(self, ids: tuple[str, ...], n_parts: int) -> None:
        self.ids, self.n_parts = ids, n_parts

    def __call__(self, table: ArrowTable) -> ArrowTable:
        """Return a row a part, with its number and the bytes of its rows."""
        check_arrow(table, self.ids)
        pieces = divide_rows(table, self.ids, self.n_parts)
        return numbered_bytes(PART, list(pieces), [to_bytes(piece) for piece in pieces.values()])


def _joined(prepare: PartTask, table: ArrowTable) -> ArrowTable:
    """Put what batches have of a part into one row: no engine divides it further."""
    pieces = [from_bytes(cell.as_buffer()) for cell in table.column("bytes")]
    return part_table([prepare(join_tables(pieces))])


class _Prepared:
    """Makes parts of a block."""

    def __init__(self, prepare: BlockTask) -> None:
        self.prepare = prepare

    def __call__(self, table: ArrowTable) -> ArrowTable:
        """Return a row a part."""
        return part_table(self.prepare(table))


class _OnBatch:
    """Applies a task to a batch."""

    def __init__(self, task: BytesTask) -> None:
        self.task = task

    def __call__(self, table: ArrowTable) -> ArrowTable:
        """Return a table of one row."""
        return bytes_table([self.task(table)])


class _OnPart:
    """Applies a task to a part on one thread: the other processors are for other parts."""

    def __init__(self, task: TableTask) -> None:
        self.task = task

    def __call__(self, table: ArrowTable) -> ArrowTable:
        """Return what the task makes of a part."""
        from gatecast.kernels.runtime import set_num_threads

        set_num_threads(1)
        return self.task(from_bytes(table.column("bytes")[0].as_buffer()))


def _bytes_of(dataset: Any, name: str) -> list[bytes]:
    """Return the bytes in a column of a dataset."""
    with plain_errors(INSTALL):
        return [
            cell.as_py()
            for batch in dataset.iter_batches(batch_format="pyarrow", batch_size=None)
            for cell in batch.column(name)
        ]
