"""Forecasts of a part of many series, with the bits that they have where all series are forecast at once.

A part holds whole series. What models see of it is made as wide as the longest series of all, its end is the end of
all, and numbers that stand for missing values are those of all: see `gatecast.data.panel_facts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gatecast._utils.typing import ColumnTable
from gatecast.config import ForecasterConfig
from gatecast.data.frequency import Times
from gatecast.data.panel import Panel
from gatecast.data.panel_facts import PanelFacts, PartFacts, join_facts
from gatecast.data.panel_update import prepend_history
from gatecast.data.parsing.series_keys import join_ids
from gatecast.data.reader import add_offsets, to_frame_like
from gatecast.data.sources.parquet_series import SeriesColumns
from gatecast.errors import ConfigError, DataError
from gatecast.forecasting.context import MAX_LENGTH
from gatecast.pipeline.data_checks import trim_unobserved
from gatecast.pipeline.fit import prepare_panel
from gatecast.pipeline.predict import forecast_context, forecast_table
from gatecast.pipeline.read import read_source
from gatecast.pipeline.state import FittedState

__all__ = [
    "check_divisible",
    "check_part",
    "first_known",
    "forecast_part",
    "joined_ids",
    "note_models",
    "panel_facts",
    "series_columns",
    "with_history",
]

SEPARATE = (
    *("naive", "seasonal-naive", "drift", "mean", "dot", "pretrained", "pretrained-lf"),
    *("lstm", "gru", "rnn", "lstm-peephole", "slstm", "es-lstm", "segrnn"),
)
"""Models that forecast each series to the same bits whichever others are with it; the others differ in the last bits,
and the autoregression and "level-shape", which learn from all series that they are given, in more."""

NOTE = (
    "{names} may differ from what one predict of all series returns: models other than networks learn from the series "
    "of a part, or sum in another order."
)


def series_columns(state: FittedState) -> SeriesColumns:
    """Return the columns that a fitted forecaster reads."""
    panel = state.panel
    others = (*panel.given_futr_exog, *panel.hist_exog, *panel.stat_exog)
    return SeriesColumns(panel.columns.ids, panel.columns.time, panel.columns.target, others)


def check_divisible(state: FittedState, config: ForecasterConfig) -> None:
    """Refuse what cannot be forecast in parts.

    Raises:
        ConfigError: Totals, several targets, or series without ids.
    """
    if config.hierarchy:
        raise ConfigError(
            "Totals cannot be forecast in parts: they need all series at once",
            got=f"hierarchy={config.hierarchy!r}",
            fix="Leave hierarchy out, or call predict without a folder on a table.",
            argument="hierarchy",
        )
    names = state.panel.columns
    is_wide = config.target_col is not None and config.target_col != names.target
    if names.id is None or is_wide:
        raise ConfigError(
            "Series are divided by their ids, and the forecaster was fitted without an id column",
            got="a column for each series" if is_wide else f"one series, in the column {names.target!r}",
            expected="a long table with a column of ids",
            fix="Fit on a table with a row for each series and time, and name its ids with id_col.",
            argument="id_col",
        )


def note_models(state: FittedState) -> list[str]:
    """Return a note if some model forecasts a series otherwise among others."""
    names = [config.name for config in state.ensemble.configs if config.name not in SEPARATE]
    return [NOTE.format(names="The forecasts of " + ", ".join(names))] if names else []


def panel_facts(parts: Sequence[PartFacts], state: FittedState, config: ForecasterConfig) -> PanelFacts:
    """Return what all parts say together.

    Raises:
        DataError: No series has a value.
    """
    facts = join_facts(parts, state.panel.freq, is_auto=config.data.missing_codes == "auto")
    if facts is None:
        raise DataError(
            "No series has a value",
            where=f"column {state.panel.columns.target!r}",
            expected="numbers",
            fix="Check that the column is the target.",
        )
    return facts._replace(length=min(facts.length, MAX_LENGTH))


def first_known(state: FittedState, keys: ColumnTable, first: Times) -> Times:
    """Return the first times of series, with what the forecaster has of them before.

    Args:
        state: Has the older rows.
        keys: Id columns of series, [n_series].
        first: First times of their new rows, [n_series].
    """
    old = state.panel
    place = {str(name): s for s, name in enumerate(old.ids.tolist())}
    matches = np.array([place.get(name, -1) for name in joined_ids(keys, old.columns.ids)], np.int64)
    known = matches >= 0
    earlier: Times = first.copy()
    earlier[known] = np.minimum(first[known], old.start[matches[known]])
    return earlier


def with_history(facts: PanelFacts, state: FittedState, keys: ColumnTable) -> PanelFacts:
    """Return what is known of all series, where some go on with what the forecaster has seen.

    Args:
        facts: Facts of the new rows.
        state: Has the older rows.
        keys: Id columns of series, with "first" and "stop".
    """
    earlier = first_known(state, keys, keys["first"])
    changed = earlier < keys["first"]
    if not changed.any():
        return facts
    stop = np.minimum(keys["stop"][changed], facts.last)
    steps = state.panel.freq.index_of(stop, earlier[changed])[0] + 1
    return facts._replace(length=min(max(facts.length, int(steps.max())), MAX_LENGTH))


def forecast_part(
    state: FittedState,
    config: ForecasterConfig,
    table: ColumnTable,
    facts: PanelFacts,
    n_steps: int,
    levels: Sequence[float],
) -> tuple[ColumnTable, list[str]]:
    """Forecast a part.

    Args:
        state: What was fitted.
        config: Settings of the forecaster.
        table: All rows of some of the series, by column.
        facts: What is known of all series.
        n_steps: Steps.
        levels: Of the intervals, in percent.

    Returns:
        Ids, times, and the columns of the forecast and its intervals; and notes on the data, as sentences.

    Raises:
        DataError: Data that cannot be used.
    """
    declared = _declared(state, config)
    if config.data.missing_codes == "auto":
        declared = replace(declared, data=replace(config.data, missing_codes=False))
        target = state.panel.columns.target
        values = np.asarray(table[target], np.float64)
        is_missing = np.isin(values, facts.missing_codes)
        table = {**table, target: np.where(is_missing, np.nan, values)}
    panel, notes = read_source(table, declared, state.panel)
    # The first note is about the columns and the number of series.
    findings = list(notes[1:])
    joined = prepend_history(trim_unobserved(panel, findings, facts.last), state.panel)
    prepared = prepare_panel(joined, findings, declared, facts)
    # A matrix of one row is summed in another order than a row of many, so a series alone is forecast twice.
    is_alone = len(prepared) == 1 and facts.n_series > 1
    rows = prepared.take(np.zeros(2, np.int64)) if is_alone else prepared
    context = forecast_context(state, rows, n_steps, None, findings, n_columns=facts.length)
    forecast = forecast_table(state, rows, context, n_steps, levels)
    if is_alone:
        forecast = {name: column[:n_steps] for name, column in forecast.items()}
    # The types of this source, whether or not the forecaster has seen some of these series in another one.
    read = panel.key_types
    types = replace(prepared.key_types, source=read.source, id=read.id, time=read.time, keys=read.keys)
    return _restored(forecast, replace(prepared, key_types=types)), findings


def check_part(state: FittedState, config: ForecasterConfig, table: ColumnTable) -> None:
    """Read a part for no other reason than to refuse it.

    Raises:
        DataError: Data that cannot be used, such as two rows of a series with one time.
    """
    read_source(table, _declared(state, config), state.panel)


def _declared(state: FittedState, config: ForecasterConfig) -> ForecasterConfig:
    """Return settings that name the columns that the forecaster was fitted on."""
    columns = state.panel.columns
    ids = columns.ids[0] if len(columns.ids) == 1 else columns.ids
    return replace(config, id_col=ids, time_col=columns.time, target_col=columns.target)


def _restored(columns: ColumnTable, panel: Panel) -> ColumnTable:
    """Return columns with ids and times in the types of the source."""
    restored: dict[str, Any] = to_frame_like("dict", columns, panel)
    return add_offsets(restored, panel)


def joined_ids(keys: ColumnTable, names: Sequence[str]) -> list[str]:
    """Return ids as text, several columns joined as panels do."""
    columns = [keys[name] for name in names]
    return [str(value) for value in columns[0].tolist()] if len(columns) == 1 else join_ids(columns).tolist()
