"""What is done with the tables of a data set; a task travels to the process that has them, with what it holds."""

from __future__ import annotations

import heapq
import pickle
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast.config import ForecasterConfig
from gatecast.data.panel_facts import PanelFacts, PartFacts, count_part
from gatecast.data.sources.arrow_tables import (
    ArrowTable,
    check_arrow,
    distinct_rows,
    empty_arrow,
    hashed_ids,
    join_tables,
    n_distinct,
    select_ids,
    series_starts,
    sorted_series,
    to_arrow,
    to_bytes,
    to_columns,
)
from gatecast.data.sources.parquet_series import SeriesColumns
from gatecast.distributed.engine import Prepared
from gatecast.errors import DataError
from gatecast.pipeline import serialization
from gatecast.pipeline.parts import check_part, first_known, forecast_part, joined_ids
from gatecast.pipeline.sampling import id_hash
from gatecast.pipeline.state import FittedState

__all__ = ["DrawIds", "ForecastPart", "KnownPart", "Model", "PrepareBlock", "PreparePart", "SelectSeries"]


MAX_EDGE_ROWS, MAX_EDGE_SHARE = 2_000, 0.25
"""Rows of the first and last series of a block, and their share of its rows, up to which they go to the process that
calls: of a thousand blocks it gets two million at most. Blocks with longer series, or with few, are shuffled."""


@dataclass(frozen=True)
class Model:
    """A fitted forecaster as the bytes of its file, which each process reads once.

    Args:
        content: The bytes.
    """

    content: bytes

    @property
    def loaded(self) -> tuple[ForecasterConfig, FittedState]:
        """The settings, and what was fitted."""
        return _load(self.content)

    @classmethod
    def of(cls, config: ForecasterConfig, state: FittedState) -> Model:
        """Return a fitted forecaster as bytes, without its scores, which no worker needs."""
        with tempfile.TemporaryDirectory(prefix="gatecast-") as folder:
            path = Path(folder) / "model.gatecast"
            serialization.write(path, config, replace(state, scored=None))
            return cls(path.read_bytes())


@lru_cache(maxsize=2)
def _load(content: bytes) -> tuple[ForecasterConfig, FittedState]:
    """Read a forecaster once in each process, however many tasks are sent there."""
    with tempfile.TemporaryDirectory(prefix="gatecast-") as folder:
        path = Path(folder) / "model.gatecast"
        path.write_bytes(content)
        config, state, *_ = serialization.read(path)
    return config, state


class KnownPart(NamedTuple):
    """What the caller has to know of a part.

    Args:
        facts: What all parts say together; None where series are not whole.
        types: Of its columns.
        hashes: Of the ids, [n_series].
        edge: Rows of the first and the last series of a block, which the blocks next to it may have too.
    """

    facts: PartFacts | None
    types: dict[str, str]
    hashes: npt.NDArray[np.uint64] = np.empty(0, np.uint64)
    edge: bytes | None = None


def _types(table: ArrowTable, columns: SeriesColumns) -> dict[str, str]:
    """Return the types of the columns that are read."""
    return {name: str(table.schema.field(name).type) for name in columns.all}


@dataclass(frozen=True)
class PreparePart:
    """Sorts a part, and counts what it has to say about the whole; refuses what no part can be forecast with.

    Args:
        model: The forecaster.
        columns: What it reads.
    """

    model: Model
    columns: SeriesColumns

    def __call__(self, table: ArrowTable) -> Prepared:
        """Return what is known of a part, pickled, and its rows."""
        return self.of_sorted(self.sort(table))

    def sort(self, table: ArrowTable) -> ArrowTable:
        """Return the columns that are read, with rows sorted by id and time."""
        columns = self.columns
        check_arrow(table, columns.all)
        return sorted_series(table, columns.all, columns.ids, columns.time)

    def has_times(self, table: ArrowTable) -> bool:
        """Return whether the times are of the kind that the forecaster was fitted on, dates or integers."""
        is_dated = self.model.loaded[1].panel.start.dtype.kind == "M"
        kind = str(table.schema.field(self.columns.time).type)
        return is_dated == kind.startswith(("timestamp", "date"))

    def of_sorted(self, table: ArrowTable) -> Prepared:
        """Return the facts of a sorted part, older rows of the forecaster included, and its rows."""
        columns = self.columns
        keys, first, stop = distinct_rows(table, columns.ids, columns.time)
        rows = to_columns(table.select([columns.time, columns.target]), columns.time)
        values = rows[columns.target]
        if values.dtype.kind not in "fiub":
            raise DataError(
                f"The column {columns.target!r} holds no numbers",
                got=str(table.schema.field(columns.target).type),
                expected="numbers",
                fix="Cast the column to numbers, or name another one with target_col.",
            )
        config, state = self.model.loaded
        if not self.has_times(table):
            raise DataError(
                f"The times in {columns.time!r} are not of the kind that the forecaster was fitted on",
                got=str(table.schema.field(columns.time).type),
                expected="dates or times" if state.panel.start.dtype.kind == "M" else "integers",
                fix="Cast the column to that kind.",
            )
        times = rows[columns.time]
        times = times.astype("M8[us]") if times.dtype.kind == "M" else times.astype("int64")
        if (times[1:] == times[:-1]).any():
            # Two rows of one time, or two series at whose border a time repeats: reading tells.
            check_part(state, config, to_columns(table, columns.time))
        facts = count_part(first_known(state, keys, first), stop, times, values.astype(float))
        names = [str(name).encode("utf-8", "surrogatepass") for name in joined_ids(keys, columns.ids)]
        hashes = np.frombuffer(b"".join(blake2b(name, digest_size=8).digest() for name in names), np.uint64)
        return pickle.dumps(KnownPart(facts, _types(table, columns), hashes)), table


@dataclass(frozen=True)
class PrepareBlock:
    """Makes parts of a block of rows, if it may hold whole series but for its first and last one.

    Args:
        prepare: Prepares a part.
        size: Series of a part, at most.
        min_rows: Mean number of rows of a series from which on they may be whole. Where the rows of all series are in
            all blocks, sorting them would be for nothing.
    """

    prepare: PreparePart
    size: int
    min_rows: float

    def __call__(self, table: ArrowTable) -> list[Prepared]:
        """Return parts, and one without rows: with those at the edges, or where series are not whole with nothing."""
        if not table.num_rows:
            return []
        columns = self.prepare.columns
        check_arrow(table, columns.all)
        about = KnownPart(None, _types(table, columns))
        n_series = n_distinct(table, columns.ids)
        if table.num_rows < self.min_rows * n_series or not self.prepare.has_times(table):
            return [(pickle.dumps(about), table.slice(0, 0))]
        rows = self.prepare.sort(table)
        starts = series_starts(rows, columns.ids, columns.time)
        first, last = (starts[1], starts[-1]) if len(starts) > 2 else (0, 0)
        edge = join_tables([rows.slice(0, first), rows.slice(last)])
        if edge.num_rows > min(MAX_EDGE_ROWS, MAX_EDGE_SHARE * rows.num_rows):
            return [(pickle.dumps(about), table.slice(0, 0))]
        parts = [(pickle.dumps(about._replace(edge=to_bytes(edge))), rows.slice(0, 0))]
        bounds = [*starts[1 : -1 : self.size], last]
        return parts + [self.prepare.of_sorted(rows.slice(a, b - a)) for a, b in pairwise(bounds) if b > a]


@dataclass(frozen=True)
class ForecastPart:
    """Forecasts a part that is prepared.

    Args:
        model: The forecaster.
        columns: What it reads.
        facts: What is known of all series.
        n_steps: Steps.
        levels: Of the intervals, in percent.
        types: Columns that come out, and the columns of the source whose types they have.
    """

    model: Model
    columns: SeriesColumns
    facts: PanelFacts
    n_steps: int
    levels: tuple[float, ...]
    types: Mapping[str, str | None]

    def __call__(self, table: ArrowTable) -> ArrowTable:
        """Return ids, times, forecasts and intervals."""
        if not table.num_rows:
            return empty_arrow(table, self.types)
        config, state = self.model.loaded
        rows = to_columns(table, self.columns.time)
        forecast, _ = forecast_part(state, config, rows, self.facts, self.n_steps, self.levels)
        return to_arrow(forecast, table, self.types)


@dataclass(frozen=True)
class DrawIds:
    """Returns the ids of a batch with the smallest hashes.

    Args:
        ids: Id columns.
        n: How many, at most.
        seed: Seed of the hash.
    """

    ids: tuple[str, ...]
    n: int
    seed: int

    def __call__(self, table: ArrowTable) -> bytes:
        """Return pairs of hash and id, pickled."""
        check_arrow(table, self.ids)
        hashes = hashed_ids(table, self.ids, lambda text: id_hash(text, self.seed))
        return pickle.dumps(heapq.nsmallest(self.n, ((code, text) for text, code in hashes.items())))


@dataclass(frozen=True)
class SelectSeries:
    """Returns the rows of some series.

    Args:
        ids: Id columns.
        wanted: Ids as text.
    """

    ids: tuple[str, ...]
    wanted: frozenset[str]

    def __call__(self, table: ArrowTable) -> bytes:
        """Return the rows as an Arrow stream."""
        check_arrow(table, self.ids)
        return to_bytes(select_ids(table, self.ids, self.wanted))
