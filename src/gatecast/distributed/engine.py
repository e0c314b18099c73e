"""What is asked of an engine: columns, rows, all batches once, and series divided by id.

An engine distributes, retries and stores; what is done with a table is a task of `gatecast.distributed.tasks`, the same
one everywhere. So a further engine is the two classes of this file for its kind of data set.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from gatecast.data.sources.arrow_tables import ArrowTable

__all__ = ["BlockTask", "BytesTask", "Engine", "PartTask", "Parts", "Prepared", "TableTask", "engine_of"]

BytesTask = Callable[[ArrowTable], bytes]
TableTask = Callable[[ArrowTable], ArrowTable]
Prepared = tuple[bytes, ArrowTable]
"""What is to be known of a part, and the part as it is kept."""
PartTask = Callable[[ArrowTable], Prepared]
BlockTask = Callable[[ArrowTable], list[Prepared]]


class Parts(Protocol):
    """Series that are divided by id: each part holds all rows of its series."""

    def facts(self) -> list[bytes]:
        """Return what is known of each part that has rows."""

    def with_part(self, part: Prepared) -> Parts:
        """Return these parts and another one."""

    def release(self) -> None:
        """Free the memory of parts that are not needed."""

    def map(self, task: TableTask, columns: Mapping[str, str | None]) -> Any:
        """Return a data set of the engine, of what a task makes of each part; a part that is lost is done again.

        Args:
            task: Is sent to the workers.
            columns: For each column that comes out, the column of the source whose type it has; None for float64.
        """


@runtime_checkable
class Engine(Protocol):
    """A data set of an engine."""

    def names(self) -> tuple[str, ...]:
        """Return the names of the columns."""

    def count_rows(self) -> int:
        """Return the number of rows."""

    def collect(self, task: BytesTask) -> list[bytes]:
        """Return what a task makes of each batch, whatever rows are in it."""

    def as_they_are(self, prepare: BlockTask) -> Parts:
        """Make parts of each block of rows, without a shuffle: the caller sees whether these hold whole series."""

    def by_id(self, ids: Sequence[str], n_parts: int, prepare: PartTask) -> Parts:
        """Divide the series by a hash of their ids, and prepare each part where its rows come together."""


def engine_of(source: Any) -> Engine | None:
    """Return the engine of a data set; None for any other source.

    >>> engine_of({"y": [1.0]}) is None
    True
    """
    if isinstance(source, Engine):
        return source
    # The class tells, and its library is imported already.
    modules = {cls.__module__ for cls in type(source).__mro__}
    if any(module.startswith("ray.data") for module in modules) and type(source).__name__.endswith("Dataset"):
        from gatecast.distributed.ray_engine import RayEngine

        return RayEngine(source)
    if any(module.startswith("pyspark.sql") for module in modules) and type(source).__name__ == "DataFrame":
        from gatecast.distributed.spark_engine import SparkEngine

        return SparkEngine(source)
    return None
