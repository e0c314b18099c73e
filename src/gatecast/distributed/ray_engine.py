"""Ray: `ray.data` in and out, actors that load the forecaster once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gatecast.data.sources.arrow_tables import (
    ArrowTable,
    bytes_table,
    check_arrow,
    divide_rows,
    from_bytes,
    join_tables,
    numbered_bytes,
    require_arrow,
    to_bytes,
)
from gatecast.distributed.engine import BytesTask, Parts, TableTask
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
        return _collect(self.dataset, _OnBatch(task))

    def by_id(self, ids: Sequence[str], n_parts: int) -> Parts:
        """Divide the series: one shuffle, after which each part is one row that holds its table."""
        divided = self.dataset.map_batches(_Divided(tuple(ids), n_parts), batch_format="pyarrow", batch_size=None)
        grouped = divided.groupby(PART, num_partitions=n_parts).map_groups(_joined, batch_format="pyarrow")
        with plain_errors(INSTALL):
            return RayParts(grouped.materialize())


class RayParts:
    """A Ray dataset of one row a part.

    Args:
        packed: Tables as bytes, in the object store.
    """

    def __init__(self, packed: Any) -> None:
        self.packed = packed

    def collect(self, task: BytesTask) -> list[bytes]:
        """Return what a task makes of each part."""
        return _collect(self.packed, _OnPacked(task))

    def map(self, make: Callable[[], TableTask], columns: Mapping[str, str | None]) -> Any:  # noqa: ARG002
        """Return a dataset of what actors make of each part; Ray starts another one where an actor dies."""
        import ray  # type: ignore[import-not-found]

        n_actors = max(1, min(int(ray.cluster_resources().get("CPU", 1)), self.packed.count()))
        return self.packed.map_batches(
            _Actor,
            fn_constructor_args=(make,),
            batch_format="pyarrow",
            batch_size=1,
            num_cpus=1,
            compute=ray.data.ActorPoolStrategy(min_size=1, max_size=n_actors),
        )


class _Divided:
    """Divides a batch into tables of one part each, every one as bytes: what is shuffled is always of one schema."""

    def __init__(self, ids: tuple[str, ...], n_parts: int) -> None:
        self.ids, self.n_parts = ids, n_parts

    def __call__(self, table: ArrowTable) -> ArrowTable:
        """Return a row a part, with its number and the bytes of its rows."""
        check_arrow(table, self.ids)
        pieces = divide_rows(table, self.ids, self.n_parts)
        return numbered_bytes(PART, list(pieces), [to_bytes(piece) for piece in pieces.values()])


def _joined(table: ArrowTable) -> ArrowTable:
    """Put what batches have of a part into one row: no engine divides it further."""
    pieces = [from_bytes(cell.as_buffer()) for cell in table.column("bytes")]
    return bytes_table([to_bytes(join_tables(pieces))])


class _OnBatch:
    """Applies a task to a batch."""

    def __init__(self, task: BytesTask) -> None:
        self.task = task

    def __call__(self, table: ArrowTable) -> ArrowTable:
        """Return a table of one row."""
        return bytes_table([self.task(table)])


class _OnPacked:
    """Applies a task to parts."""

    def __init__(self, task: BytesTask) -> None:
        self.task = task

    def __call__(self, table: ArrowTable) -> ArrowTable:
        """Return a row a part."""
        return bytes_table([self.task(from_bytes(cell.as_buffer())) for cell in table.column("bytes")])


class _Actor:
    """A worker that keeps what it has loaded, and leaves the other processors to other workers."""

    def __init__(self, make: Callable[[], TableTask]) -> None:
        from gatecast.kernels.runtime import set_num_threads

        set_num_threads(1)
        self.task = make()

    def __call__(self, table: ArrowTable) -> ArrowTable:
        """Return the forecasts of a part."""
        return self.task(from_bytes(table.column("bytes")[0].as_buffer()))


def _collect(dataset: Any, task: Any) -> list[bytes]:
    """Return the bytes that a task makes of a dataset."""
    made = dataset.map_batches(task, batch_format="pyarrow", batch_size=1 if isinstance(task, _OnPacked) else None)
    with plain_errors(INSTALL):
        return [
            cell.as_py()
            for batch in made.iter_batches(batch_format="pyarrow", batch_size=None)
            for cell in batch.column("bytes")
        ]
