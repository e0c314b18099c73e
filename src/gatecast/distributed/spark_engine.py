"""Spark: tables as Arrow in its Python workers, which load the forecaster once each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from gatecast.data.sources.arrow_tables import (
    bytes_table,
    divide_by,
    from_batch,
    from_bytes,
    in_utc,
    join_tables,
    part_table,
    require_arrow,
)
from gatecast.distributed.engine import BytesTask, Parts, PartTask, TableTask
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
    """A Spark table.

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

    def by_id(self, ids: Sequence[str], n_parts: int, prepare: PartTask) -> Parts:
        """Divide the series: one shuffle, after which each part is one row that holds its table, in memory and on disk.

        Rows are turned into Arrow once: Spark does that value by value.
        """
        from pyspark.sql import functions  # type: ignore[import-not-found]

        code = functions.pmod(functions.xxhash64(*ids), functions.lit(n_parts)).cast("int")
        divided = self.frame.withColumn(PART, code).repartition(n_parts, PART)
        packed = divided.mapInArrow(_preparing(prepare), PACKED).persist()
        return SparkParts(packed, {field.name: field for field in self.frame.schema.fields})


class SparkParts:
    """A Spark table of one row a part.

    Args:
        packed: Tables as bytes, and what is known of them.
        fields: Columns of the source by name.
    """

    def __init__(self, packed: Any, fields: Mapping[str, Any]) -> None:
        self.packed, self.fields = packed, fields

    def facts(self) -> list[bytes]:
        """Return what is known of each part."""
        with plain_errors(INSTALL):
            return [bytes(row[0]) for row in self.packed.select("facts").collect()]

    def map(self, make: Callable[[], TableTask], columns: Mapping[str, str | None]) -> Any:
        """Return a table of what workers make of each part; Spark runs a task again that has failed."""
        from pyspark.sql.types import DoubleType, StructField, StructType  # type: ignore[import-not-found]

        fields = [
            StructField(name, DoubleType() if source is None else self.fields[source].dataType)
            for name, source in columns.items()
        ]
        return self.packed.select("bytes").mapInArrow(_forecasting(make()), StructType(fields))


def _on_batches(task: BytesTask) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """Return a function of the batches of a partition of Spark."""

    def run(batches: Iterator[Any]) -> Iterator[Any]:
        for batch in batches:
            yield from bytes_table([task(from_batch(batch))], is_large=False).to_batches()

    return run


def _preparing(prepare: PartTask) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """Return a function of the rows of a partition of Spark, which holds all rows of one part or of several."""

    def run(batches: Iterator[Any]) -> Iterator[Any]:
        tables = [from_batch(batch) for batch in batches if batch.num_rows]
        for table in divide_by(join_tables(tables), PART) if tables else ():
            yield from part_table([prepare(table)], is_large=False).to_batches()

    return run


def _forecasting(task: TableTask) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """Return a function of parts, which leaves the other processors to other workers."""

    def run(batches: Iterator[Any]) -> Iterator[Any]:
        from gatecast.kernels.runtime import set_num_threads

        set_num_threads(1)
        for batch in batches:
            for cell in batch.column(0):
                yield from in_utc(task(from_bytes(cell.as_buffer()))).to_batches()

    return run
