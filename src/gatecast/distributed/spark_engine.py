"""Spark: tables as Arrow in its Python workers, which load the forecaster once each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from gatecast.data.sources.arrow_tables import (
    ArrowTable,
    bytes_table,
    divide_by,
    from_batch,
    from_bytes,
    in_utc,
    join_tables,
    part_table,
    require_arrow,
    to_bytes,
)
from gatecast.distributed.engine import BlockTask, BytesTask, Parts, PartTask, Prepared, TableTask
from gatecast.distributed.worker_errors import plain_errors

__all__ = ["SparkEngine", "SparkParts"]

PART = "__gatecast_part"
"""Column of the part that a row belongs to."""

BYTES = "bytes binary"
"""What comes back of a task that returns bytes, as Spark writes schemas."""

PACKED = "facts binary, bytes binary"
"""What is kept of parts."""

INSTALL = "Install gatecast[spark] in the environment that PYSPARK_PYTHON names on every node."


class SparkEngine:
    """A Spark table, whose rows are turned into Arrow once: Spark does that value by value.

    Args:
        frame: A `pyspark.sql.DataFrame`.
    """

    def __init__(self, frame: Any) -> None:
        require_arrow("spark")
        self.frame = frame

    def names(self) -> tuple[str, ...]:
        """Return the names of the columns."""
        return tuple(self.frame.columns)

    def count_rows(self) -> int:
        """Return the number of rows."""
        with plain_errors(INSTALL):
            return int(self.frame.count())

    def collect(self, task: BytesTask) -> list[bytes]:
        """Return what a task makes of each batch."""
        made = self.frame.mapInArrow(_on_batches(task), BYTES)
        with plain_errors(INSTALL):
            return [bytes(row[0]) for row in made.collect()]

    def as_they_are(self, prepare: BlockTask) -> Parts:
        """Make parts of each partition."""
        return self._packed(self.frame.mapInArrow(_preparing(prepare), PACKED))

    def by_id(self, ids: Sequence[str], n_parts: int, prepare: PartTask) -> Parts:
        """Divide the series: one shuffle, after which each part is one row that holds its table."""
        from pyspark.sql import functions  # type: ignore[import-not-found]

        code = functions.pmod(functions.xxhash64(*ids), functions.lit(n_parts)).cast("int")
        divided = self.frame.withColumn(PART, code).repartition(n_parts, PART)
        return self._packed(divided.mapInArrow(_preparing(partial(_of_parts, prepare)), PACKED))

    def _packed(self, packed: Any) -> SparkParts:
        """Return parts that are kept in memory and on disk."""
        return SparkParts(packed.persist(), {field.name: field for field in self.frame.schema.fields})


class SparkParts:
    """A Spark table of one row a part.

    Args:
        packed: Tables as bytes, and what is known of them.
        fields: Columns of the source by name.
        persisted: What Spark keeps of the table; None: all of it.
    """

    def __init__(self, packed: Any, fields: Mapping[str, Any], persisted: Any = None) -> None:
        self.packed, self.fields, self.persisted = packed, fields, packed if persisted is None else persisted

    def facts(self) -> list[bytes]:
        """Return what is known of each part."""
        with plain_errors(INSTALL):
            return [bytes(row[0]) for row in self.packed.select("facts").collect()]

    def with_part(self, part: Prepared) -> Parts:
        """Return these parts and another one."""
        facts, table = part
        row = self.packed.sparkSession.createDataFrame([(bytearray(facts), bytearray(to_bytes(table)))], PACKED)
        return SparkParts(self.packed.union(row), self.fields, self.persisted)

    def release(self) -> None:
        """Remove what is kept."""
        self.persisted.unpersist()

    def map(self, task: TableTask, columns: Mapping[str, str | None]) -> Any:
        """Return a table of what workers make of each part; Spark runs a task again that has failed."""
        from pyspark.sql.types import DoubleType, StructField, StructType  # type: ignore[import-not-found]

        fields = [
            StructField(name, DoubleType() if source is None else self.fields[source].dataType)
            for name, source in columns.items()
        ]
        return self.packed.select("bytes").mapInArrow(_forecasting(task), StructType(fields))


def _on_batches(task: BytesTask) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """Return a function of the batches of a partition of Spark."""

    def run(batches: Iterator[Any]) -> Iterator[Any]:
        for batch in batches:
            yield from bytes_table([task(from_batch(batch))], is_large=False).to_batches()

    return run


def _preparing(prepare: BlockTask) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """Return a function of the rows of a partition of Spark."""

    def run(batches: Iterator[Any]) -> Iterator[Any]:
        tables = [from_batch(batch) for batch in batches if batch.num_rows]
        if tables:
            yield from part_table(prepare(join_tables(tables)), is_large=False).to_batches()

    return run


def _of_parts(prepare: PartTask, table: ArrowTable) -> list[Prepared]:
    """Return the parts of a partition, which holds all rows of one or of several."""
    return [prepare(part) for part in divide_by(table, PART)]


def _forecasting(task: TableTask) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """Return a function of parts, which leaves the other processors to other workers."""

    def run(batches: Iterator[Any]) -> Iterator[Any]:
        from gatecast.kernels.runtime import set_num_threads

        set_num_threads(1)
        for batch in batches:
            for cell in batch.column(0):
                yield from in_utc(task(from_bytes(cell.as_buffer()))).to_batches()

    return run
