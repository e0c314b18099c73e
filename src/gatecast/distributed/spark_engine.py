"""Spark: tables as Arrow in its Python workers, which load the forecaster once each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from gatecast.data.sources.arrow_tables import ArrowTable, bytes_table, from_batch, in_utc, require_arrow
from gatecast.distributed.engine import BytesTask, Parts, TableTask
from gatecast.distributed.worker_errors import plain_errors

__all__ = ["SparkEngine", "SparkParts"]

PART = "__gatecast_part"
"""Column of the part that a row belongs to."""

BYTES = "bytes binary"
"""What comes back of a task that returns bytes, as Spark writes schemas."""

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

    def by_id(self, ids: Sequence[str], n_parts: int) -> Parts:
        """Divide the series: one shuffle, whose result is kept in memory and on disk."""
        from pyspark.sql import functions  # type: ignore[import-not-found]

        code = functions.pmod(functions.xxhash64(*ids), functions.lit(n_parts)).cast("int")
        divided = self.frame.withColumn(PART, code).repartition(n_parts, PART).persist()
        return SparkParts(divided, {field.name: field for field in self.frame.schema.fields})


class SparkParts:
    """A Spark table whose rows know their parts.

    Args:
        frame: The table.
        fields: Columns of the source by name.
    """

    def __init__(self, frame: Any, fields: Mapping[str, Any]) -> None:
        self.frame, self.fields = frame, fields

    def collect(self, task: BytesTask) -> list[bytes]:
        """Return what a task makes of each part."""
        made = self.frame.groupBy(PART).applyInArrow(_on_part(task), BYTES)
        with plain_errors(INSTALL):
            return [bytes(row[0]) for row in made.collect()]

    def map(self, make: Callable[[], TableTask], columns: Mapping[str, str | None]) -> Any:
        """Return a table of what workers make of each part; Spark runs a task again that has failed."""
        from pyspark.sql.types import DoubleType, StructField, StructType  # type: ignore[import-not-found]

        fields = [
            StructField(name, DoubleType() if source is None else self.fields[source].dataType)
            for name, source in columns.items()
        ]
        return self.frame.groupBy(PART).applyInArrow(_forecasting(make()), StructType(fields))


def _on_batches(task: BytesTask) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """Return a function of the batches of a partition of Spark."""

    def run(batches: Iterator[Any]) -> Iterator[Any]:
        for batch in batches:
            yield from bytes_table([task(from_batch(batch))], is_large=False).to_batches()

    return run


def _on_part(task: BytesTask) -> Callable[[ArrowTable], ArrowTable]:
    """Return a function of a part."""

    def run(table: ArrowTable) -> ArrowTable:
        return bytes_table([task(table.drop_columns([PART]))], is_large=False)

    return run


def _forecasting(task: TableTask) -> Callable[[ArrowTable], ArrowTable]:
    """Return a function of a part, which leaves the other processors to other workers."""

    def run(table: ArrowTable) -> ArrowTable:
        from gatecast.kernels.runtime import set_num_threads

        set_num_threads(1)
        return in_utc(task(table.drop_columns([PART])))

    return run
