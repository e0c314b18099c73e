"""What a table was understood to be, before anything is fitted: columns, frequency, season, gaps, what is unusual."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gatecast._utils.typing import BoolArray, ColumnTable, FloatArray
from gatecast.config import ForecasterConfig
from gatecast.data.frequency import format_times
from gatecast.data.panel import Panel
from gatecast.data.reader import label_times
from gatecast.errors import GatecastError
from gatecast.pipeline.fit import plan_fit, prepare_panel
from gatecast.pipeline.read import read_source

__all__ = ["Inspection", "inspect_panel", "inspect_table"]


@dataclass(frozen=True, eq=False)
class Inspection:
    """What a table was understood to be.

    Args:
        time_col: Column of the times.
        target_col: Column of the values.
        id_cols: Columns that name the series; none if the table has a single series.
        exogenous: Roles of further columns that are used, by name: "futr_exog", "hist_exog" or "stat_exog".
        freq: Frequency, as `Forecaster(freq=...)` takes it.
        freq_label: The same in words.
        season_length: Steps in the season that a forecast uses; 1 for none, None if there would be no forecast.
        horizon: Steps that are forecast by default, or as the settings say; None if there would be no forecast.
        is_scored: Whether the series are long enough to hold rows back for a score.
        series: A row a series: "id", "first" and "last" time, "rows", "missing" values between its first and last
            rows, "longest_gap" in rows, "mean", "minimum", "maximum", NaN for a series without values.
        n_constant: Series with values that do not vary.
        n_empty: Series without values.
        notes: What was noticed, one sentence each; the first says which columns were used.
        problem: Why no forecast of this table can be made as it is; "" if one can.
    """

    time_col: str
    target_col: str
    id_cols: tuple[str, ...]
    exogenous: dict[str, str]
    freq: str
    freq_label: str
    season_length: int | None
    horizon: int | None
    is_scored: bool
    series: ColumnTable
    n_constant: int
    n_empty: int
    notes: tuple[str, ...]
    problem: str = ""

    @property
    def n_series(self) -> int:
        """Number of series."""
        return len(self.series["rows"])

    @property
    def summary(self) -> str:
        """What was understood, in a sentence or two."""
        season = ""
        if self.season_length is not None:
            length = f"Season of {self.season_length} steps" if self.season_length > 1 else "No season"
            season = f" {length}; horizon of {self.horizon} unless you set another."
        n_rows, n_missing = int(self.series["rows"].sum()), int(self.series["missing"].sum())
        missing = f" {n_missing:,} of {n_rows:,} values are missing." if n_missing else ""
        return f"{self.notes[0][:1].upper()}{self.notes[0][1:]}{season}{missing}"


def inspect_table(source: Any, config: ForecasterConfig) -> Inspection:
    """Read a table as a forecaster does, and say what it was understood to be; nothing is fitted.

    Frequency, season, horizon and notes are those of `Forecaster.fit` with the same settings.

    Args:
        source: As `gatecast.data.reader.read` takes it.
        config: Settings: which columns are which, frequency, season, horizon.

    Raises:
        ConfigError: An unknown column, or a frequency that does not fit the times.
        DataError: No table of times and values. Series that are too short are no error: `problem` says so.

    Example:
        >>> table = {"ds": np.arange("2020-01", "2024-01", dtype="M8[M]"), "y": np.arange(48) % 12}
        >>> inspection = inspect_table(table, ForecasterConfig())
        >>> inspection.freq, inspection.season_length, inspection.horizon, inspection.n_series
        ('MS', 12, 9, 1)
    """
    return inspect_panel(*read_source(source, config), config)


def inspect_panel(panel: Panel, remarks: Sequence[str], config: ForecasterConfig) -> Inspection:
    """Say what a panel is that was read by the same settings; as `inspect_table`.

    Args:
        panel: The series, as they were read.
        remarks: What reading them noticed; the first says which columns were used.
        config: Settings.
    """
    notes, season_length, horizon, is_scored, problem = list(remarks), None, None, False, ""
    try:
        prepared = prepare_panel(panel, notes, config)
        plan = plan_fit(prepared, config)
        season_length, horizon, is_scored = plan.season_length, plan.horizon, plan.is_scored
    except GatecastError as error:
        problem = str(error)
    mask, columns = panel.mask, panel.columns
    smallest, largest = _by_series(np.fmin, panel), _by_series(np.fmax, panel)
    roles = {"futr_exog": panel.given_futr_exog, "hist_exog": panel.hist_exog, "stat_exog": panel.stat_exog}
    return Inspection(
        columns.time,
        columns.target,
        columns.ids,
        {name: role for role, names in roles.items() for name in names},
        str(panel.freq),
        panel.freq.label,
        season_length,
        horizon,
        is_scored,
        _series_table(panel, mask, smallest, largest),
        int((smallest == largest).sum()),
        int(np.isnan(largest).sum()),
        tuple(notes),
        problem,
    )


def _by_series(reduce: np.ufunc, panel: Panel) -> FloatArray:
    """Return the smallest or largest value of each series, NaN for one without values."""
    result, with_rows = np.full(len(panel), np.nan), np.flatnonzero(panel.lengths)
    if len(with_rows):
        result[with_rows] = reduce.reduceat(panel.values, panel.indptr[:-1][with_rows])
    return result


def _series_table(panel: Panel, mask: BoolArray, smallest: FloatArray, largest: FloatArray) -> ColumnTable:
    """Return a row a series."""
    series = np.repeat(np.arange(len(panel)), panel.lengths)
    n_values = np.bincount(series[mask], minlength=len(panel))
    sums = np.bincount(series[mask], panel.values[mask], len(panel))
    last = panel.freq.at(panel.start, np.maximum(panel.lengths - 1, 0))
    ends = np.array(format_times(label_times(np.concatenate([panel.start, last]), panel)))
    with np.errstate(invalid="ignore"):
        means = np.where(n_values > 0, sums / np.maximum(n_values, 1), np.nan)
    return {
        "id": panel.ids,
        "first": ends[: len(panel)],
        "last": ends[len(panel) :],
        "rows": panel.lengths,
        "missing": panel.lengths - n_values,
        "longest_gap": _longest_gaps(mask, series, len(panel)),
        "mean": means,
        "minimum": smallest,
        "maximum": largest,
    }


def _longest_gaps(mask: BoolArray, series: Any, n_series: int) -> Any:
    """Return the length of the longest run of missing values of each series."""
    longest = np.zeros(n_series, np.int64)
    missing = np.flatnonzero(~mask)
    if len(missing):
        # A run ends where the next missing value is no neighbour, or one of another series.
        breaks = (np.diff(missing) > 1) | (np.diff(series[missing]) > 0)
        first = np.concatenate(([0], np.flatnonzero(breaks) + 1))
        lengths = np.diff(np.append(first, len(missing)))
        np.maximum.at(longest, series[missing[first]], lengths)
    return longest
