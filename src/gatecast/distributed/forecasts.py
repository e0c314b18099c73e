"""Forecasts and fits of the data sets of an engine, with the bits of one machine.

A forecast takes the blocks of a data set as its parts if each series is in one of them, and shuffles once otherwise;
counts in each part what the others have to know; and forecasts part by part. A fit fetches a sample of whole series,
drawn as on one machine, and is that of one machine.
"""

from __future__ import annotations

import heapq
import pickle
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gatecast._utils.validation import check_positive_int
from gatecast.config import ForecasterConfig
from gatecast.data.messages import list_columns
from gatecast.data.sources.arrow_tables import from_bytes, join_tables, sorted_series, to_columns
from gatecast.data.sources.parquet_series import SeriesColumns
from gatecast.distributed.engine import Engine, Parts, Prepared
from gatecast.distributed.tasks import DrawIds, ForecastPart, KnownPart, Model, PrepareBlock, PreparePart, SelectSeries
from gatecast.errors import ConfigError, DataError
from gatecast.pipeline.parts import check_divisible, panel_facts, series_columns
from gatecast.pipeline.sampling import SAMPLE, note_drawn
from gatecast.pipeline.state import FittedState
from gatecast.results import column_names

__all__ = ["check_arguments", "fetch_sample", "predict"]

MAX_ROWS = 2_000_000
"""Rows of a part, about: those of so many are in the memory of one worker at a time."""

MIN_SHARE = 0.5
"""Mean number of rows of the series in a block, relative to those of the fit, from which on they may be whole."""


def predict(
    engine: Engine,
    state: FittedState,
    config: ForecasterConfig,
    n_steps: int,
    levels: Sequence[float],
    *,
    partition_size: int,
) -> Any:
    """Forecast all series of a data set.

    Args:
        engine: The data set.
        state: What was fitted.
        config: Settings.
        n_steps: Steps.
        levels: Of the intervals, in percent.
        partition_size: Series of a part, about.

    Returns:
        A data set of the engine: ids, times, forecasts and intervals, in no order.

    Raises:
        ConfigError: A forecast that cannot be divided.
        DataError: Columns that are missing, no rows, or data that cannot be used.
    """
    check_positive_int(partition_size, "partition_size")
    check_divisible(state, config)
    columns = series_columns(state)
    _check_names(engine.names(), columns.all)
    model = Model.of(config, state)
    prepare = PreparePart(model, columns)
    typical = max(int(np.median(state.panel.lengths)), 1)
    size = max(1, min(partition_size, MAX_ROWS // typical))
    parts = engine.as_they_are(PrepareBlock(prepare, size, MIN_SHARE * typical))
    try:
        known = _known(parts)
        _check_types([part.types for part in known])
        if (edge := _join_edges(known, prepare)) is not None:
            parts, known = parts.with_part(edge), [part for part in known if part.edge is None]
            known.append(pickle.loads(edge[0]))
        if not _are_whole(known):
            parts.release()
            n_parts = max(1, round(engine.count_rows() / (size * typical)))
            parts = engine.by_id(columns.ids, n_parts, prepare)
            known = _known(parts)
            _check_types([part.types for part in known])
        if not known:
            raise DataError("The data set has no rows", expected="a row for each series and time")
        facts = panel_facts([part.facts for part in known if part.facts is not None], state, config)
    except BaseException:
        parts.release()
        raise
    types: dict[str, str | None] = {name: name for name in (*columns.ids, columns.time)}
    types |= dict.fromkeys(column_names(state.calibrator.name, tuple(levels)))
    task = ForecastPart(model, columns, facts, n_steps, tuple(levels), types)
    return parts.map(task, types)


def _known(parts: Parts) -> list[KnownPart]:
    """Return what is known of each part."""
    return [pickle.loads(content) for content in parts.facts()]


def _join_edges(known: Sequence[KnownPart], prepare: PreparePart) -> Prepared | None:
    """Return the series at the edges of blocks as a part; None if there are none, or too many for this process."""
    edges = [from_bytes(part.edge) for part in known if part.edge is not None]
    n_rows = sum(table.num_rows for table in edges)
    return prepare(join_tables(edges)) if 0 < n_rows <= MAX_ROWS else None


def _are_whole(known: Sequence[KnownPart]) -> bool:
    """Return whether each series is in one part."""
    hashes = np.concatenate([part.hashes for part in known]) if known else np.empty(0, np.uint64)
    return all(part.facts is not None for part in known) and len(np.unique(hashes)) == len(hashes)


def fetch_sample(
    engine: Engine, config: ForecasterConfig, sample: int | None
) -> tuple[dict[str, Any], ForecasterConfig, str | None]:
    """Fetch the series that a fit learns from.

    Args:
        engine: The data set.
        config: Settings, which name the columns; "unique_id", "ds" and "y" otherwise.
        sample: Series, at most; None: 10,000.

    Returns:
        Columns sorted by id and time, settings that name them, and a note where there are more series.

    Raises:
        ConfigError: A data set of several targets.
        DataError: Columns that are missing, or no rows.
    """
    n = SAMPLE if sample is None else check_positive_int(sample, "sample")
    columns = _columns_of(config)
    _check_names(engine.names(), columns.all)
    drawn: list[tuple[str, str]] = []
    # One more than are wanted tells whether there are more.
    for content in engine.collect(DrawIds(columns.ids, n + 1, config.seed)):
        drawn = heapq.nsmallest(n + 1, {*drawn, *pickle.loads(content)})
    wanted = frozenset(text for _, text in drawn[:n])
    if not wanted:
        raise DataError("The data set has no rows", expected="a row for each series and time")
    tables = [from_bytes(content) for content in engine.collect(SelectSeries(columns.ids, wanted))]
    table = join_tables([table.select(list(columns.all)) for table in tables])
    rows = to_columns(sorted_series(table, columns.all, columns.ids, columns.time), columns.time)
    names = columns.ids[0] if len(columns.ids) == 1 else columns.ids
    declared = _named(config, names, columns)
    return rows, declared, note_drawn(n, config.seed) if len(drawn) > n else None


def check_arguments(**given: Any) -> None:
    """Refuse arguments that a forecast of a data set does not have.

    Raises:
        ConfigError: One of them is not None.
    """
    fixes = {
        "futr_df": "Append the rows of the steps ahead to the data set, without a value of the target.",
        "folder": "Leave folder out, and write the result with the engine, as in write_parquet.",
        "output": "Leave output out: the result is of the kind of the source.",
    }
    for name, value in given.items():
        if value is not None:
            raise ConfigError(f"A data set of a cluster takes no {name}", fix=fixes[name], argument=name)


def _named(config: ForecasterConfig, ids: str | tuple[str, ...], columns: SeriesColumns) -> ForecasterConfig:
    """Return settings that name the columns."""
    return replace(config, id_col=ids, time_col=columns.time, target_col=columns.target)


def _columns_of(config: ForecasterConfig) -> SeriesColumns:
    """Return the columns that settings name, and the usual names where they do not."""
    ids, target = config.id_col or "unique_id", config.target_col or "y"
    if not isinstance(target, str) or target == "*":
        raise ConfigError(
            "A data set of a cluster has one target column",
            got=f"target_col={target!r}",
            expected="the name of a column",
            fix="Make the table long: a row for each series and time.",
            argument="target_col",
        )
    data = config.data
    others = (*data.futr_exog, *data.hist_exog, *data.stat_exog)
    return SeriesColumns((ids,) if isinstance(ids, str) else tuple(ids), config.time_col or "ds", target, others)


def _check_names(names: Sequence[str], wanted: Sequence[str]) -> None:
    """Refuse a data set without the columns that are needed."""
    for name in wanted:
        if name not in names:
            raise DataError(
                f"The data set has no column {name!r}",
                got=list_columns(tuple(names)) if names else "no columns",
                expected=list_columns(tuple(wanted)),
                fix="Name the columns with id_col, time_col and target_col, or rename them.",
            )


def _check_types(parts: Sequence[dict[str, str]]) -> None:
    """Refuse parts whose columns have different types."""
    for types in parts:
        for name, kind in types.items():
            if kind != parts[0][name]:
                raise DataError(
                    "The parts of the data have different schemas",
                    where=f"column {name!r}",
                    got=f"{kind} and {parts[0][name]}",
                    expected="one type",
                    fix="Cast the column to one type.",
                )
