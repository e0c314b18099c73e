"""Checks of a panel before anything is fitted: notes on what is unusual, errors for what cannot be used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast._utils.formatting import format_count
from gatecast._utils.typing import FloatArray
from gatecast.config import DataConfig
from gatecast.data.categories import MAX_CATEGORIES
from gatecast.data.frequency import Times
from gatecast.data.huge_values import HUGE_FACTOR, find_huge, find_outliers_of, without_outliers
from gatecast.data.last_values import find_unlike_last
from gatecast.data.messages import agree
from gatecast.data.panel import Panel, check_outputs, format_times
from gatecast.data.parsing.truth_values import are_truth_values
from gatecast.errors import DataError
from gatecast.evaluation.bounds import MIN_CONSTANT_VALUES
from gatecast.forecasting.ensemble import COMBINED
from gatecast.forecasting.presets import BASELINES, model_columns
from gatecast.forecasting.registry import AUTO, BUILT_IN_COLUMNS

__all__ = [
    "check_bounds",
    "check_series",
    "drop_unlike_last",
    "note_ended",
    "note_huge",
    "note_outside",
    "skip_outliers",
    "trim_unobserved",
]


def _output_columns(model: Any) -> tuple[str, ...]:
    """Return the columns that forecasts may have: of built-in models, and of others that the user asks for."""
    baselines = (baseline.column for baseline in BASELINES)
    return (COMBINED, *BUILT_IN_COLUMNS, *model_columns(model), *baselines, "cutoff")


NOTES: dict[str, Any] = {
    "unobserved": ("the {end} row has no value and is left out.", "the {end} {n} rows have no value and are left out."),
    "unobserved_end": (
        "no series has a value after {time}: one row is left out.",
        "no series has a value after {time}: {n} rows are left out.",
    ),
    "known_future": (
        "their column {columns} is known for {steps} ahead.",
        "their columns {columns} are known for {steps} ahead.",
    ),
    "unlike": (
        "the last value of {series}, {value:.6g} at {time}, is unlike all before, as when a period is incomplete or a "
        "value is wrong: it is treated as missing. To use it, set keep_last=True.",
        "the last values of {series}, the first of them {value:.6g} at {time}, are unlike all before, as when a period "
        "is incomplete or values are wrong: they are treated as missing. To use them, set keep_last=True.",
    ),
    "sudden": (
        "{series}: {value:.6g} at {time} is more than {factor} times as large as every value before it{more}: treated "
        "as missing. To use such values, set keep_outliers=True."
    ),
    "huge": (
        "{series}: {value:.6g} at {time} is more than {factor} times as large as nearly all other values, and "
        "distorts the forecast and its intervals. If it is wrong, empty its cell, or set missing_codes=[{code}]."
    ),
    "constant": (
        "{series} does not vary: its forecast{when} is the constant.",
        "{series} do not vary: their forecasts{when} are the constants.",
    ),
    "short_constant": (
        "{series} does not vary, but has fewer than {enough} values: its forecast may differ from the constant.",
        "{series} do not vary, but have fewer than {enough} values: their forecasts may differ from the constants.",
    ),
    "ended": (
        "{series} ends at {time}, {h} or more before others: its forecast begins there.",
        "{series} end {h} or more before others, the first of them at {time}: their forecasts begin there.",
    ),
    "holes": "column {column!r} has no value at {n:,} of {n_rows:,} times at which the target has one: {substitute}.",
    "rare": (
        "column {column!r} has {n:,} categories: only the {limit} most frequent have an indicator, and the other "
        "{n_rare:,}, in {share:.0%} of the {unit}, count as an empty cell. If they matter, group categories that are "
        "alike."
    ),
    "outside": (
        "column {column!r} is {value:.6g} at {time}{series}, far outside its past values, {low:.6g} to {high:.6g}: "
        "correct it if it is wrong, since its effect is extrapolated (such values in total: {n:,})."
    ),
    "unvaried": (
        "column {column!r} is {value:.6g} at {time}{series}, but {low:.6g} at all times before: nothing is known of "
        "its effect, and the forecast has none (such values in total: {n:,})."
    ),
    "empty": (
        "{series} has no value: there is no forecast of it.",
        "{series} have no value: there are no forecasts of them.",
    ),
}
"""Sentences of notes; those on series for a single one and for several."""


def trim_unobserved(panel: Panel, notes: list[str], last: Times | None = None) -> Panel:
    """Return a panel without the rows after the last value of all series, a single series without those before either.

    Adds a note for rows left out at either end. Their future exogenous columns become the panel's `known_future`.

    Args:
        panel: The series.
        notes: Are added to.
        last: Time of the last value of all series, shape (1,), where the panel is a part of more; None: it is not.
    """
    if last is not None:
        return _trim_shared_end(panel, notes, last)
    observed = np.flatnonzero(panel.mask)
    if not len(observed):
        return panel
    if len(panel) > 1:
        return _trim_shared_end(panel, notes)
    n_before, n_after = int(observed[0]), len(panel.values) - 1 - int(observed[-1])
    for n, end in ((n_before, "first"), (n_after, "last")):
        if n:
            notes.append(agree(n, *NOTES["unobserved"]).format(end=end, n=n))
    trimmed = _drop_rows(panel, np.array([n_after]), notes)
    return trimmed.keep_last(len(panel.values) - n_before - n_after)


def _trim_shared_end(panel: Panel, notes: list[str], last: Times | None = None) -> Panel:
    """The panel without rows after the last value of all series, its own or more; a note says from when on."""
    first, _ = panel.freq.index_of(panel.start, np.full(len(panel), panel.start.min()))
    position = np.arange(len(panel.values)) - np.repeat(panel.indptr[:-1] - first, panel.lengths)
    if last is None:
        stop = int(position[panel.mask].max()) + 1
    else:
        stop = int(panel.freq.index_of(last, panel.start.min()[None])[0][0]) + 1
    # A series that only begins after that has no value at all; it stays, to be named.
    n_after = np.where(first < stop, np.maximum(first + panel.lengths - stop, 0), 0)
    if not n_after.any():
        return panel
    time = format_times(panel.freq.at(panel.start.min(), np.array([stop - 1])))[0]
    n_rows = int(n_after.sum())
    notes.append(agree(n_rows, *NOTES["unobserved_end"]).format(time=time, n=n_rows))
    return _drop_rows(panel, n_after, notes)


def _drop_rows(panel: Panel, n_after: npt.NDArray[np.int64], notes: list[str]) -> Panel:
    """The panel without the last rows of each series; where they are equally many, what they hold of the future."""
    trimmed, n = panel.keep_first(panel.lengths - n_after), int(n_after[0])
    if not n or not panel.given_futr_exog or not (n_after == n).all():
        return trimmed
    rows = panel.indptr[1:, None] - n + np.arange(n)
    known_future = {name: panel.futr_exog[name][rows] for name in panel.given_futr_exog}
    facts = {"columns": ", ".join(map(repr, known_future)), "steps": format_count(n, "step")}
    notes.append(agree(len(known_future), *NOTES["known_future"]).format(**facts))
    return replace(trimmed, known_future=known_future)


def check_series(
    panel: Panel, notes: list[str], model: Any = AUTO, *, is_part: bool = False, is_reconciled: bool = False
) -> None:
    """Add notes on constant and empty series, by id, and on exogenous columns with missing values.

    Args:
        panel: The series.
        notes: Are added to.
        model: As in `Forecaster`: no column of the data may have the name of its forecasts.
        is_part: Whether these are a few of many series, which are counted elsewhere.
        is_reconciled: Whether forecasts are changed until they add up, those of constants too.

    Raises:
        ConfigError: A column has the name of a forecast.
        DataError: No series has two values.
    """
    check_outputs(panel.columns, _output_columns(model))
    if not is_part:
        _check_counts(panel)
    with_rows = np.flatnonzero(panel.lengths)
    smallest = np.full(len(panel), np.inf)
    largest = np.full(len(panel), -np.inf)
    first = panel.indptr[:-1][with_rows]
    smallest[with_rows] = np.fmin.reduceat(panel.values, first) if len(with_rows) else []
    largest[with_rows] = np.fmax.reduceat(panel.values, first) if len(with_rows) else []
    is_constant, is_long = smallest == largest, _count_values(panel) >= MIN_CONSTANT_VALUES
    for kind, selected in (
        ("constant", np.flatnonzero(is_constant & is_long)),
        ("short_constant", np.flatnonzero(is_constant & ~is_long)),
        ("empty", np.flatnonzero(~np.isfinite(largest))),
    ):
        if len(selected):
            when = " before reconciliation" if is_reconciled else ""
            facts = {"series": _series_text(panel, selected), "enough": MIN_CONSTANT_VALUES, "when": when}
            notes.append(agree(len(selected), *NOTES[kind]).format(**facts))
    _note_holes(panel, notes)
    _note_rare_categories(panel, notes)


def note_huge(panel: Panel, notes: list[str]) -> None:
    """Add a note on values that are far larger than all others of their series, unless most values are zeros.

    Args:
        panel: The series as they are forecast: a last value that is left out is none of them.
        notes: Are added to.
    """
    panel = without_outliers(panel)
    chosen = find_huge(panel)
    if not len(chosen):
        return
    s = int(chosen[0])
    row = int(np.nanargmax(np.abs(panel.series(s))))
    value, time = panel.series(s)[row], format_times(panel.times(s)[row : row + 1])[0]
    facts = {"value": value, "code": np.format_float_positional(value, trim="-"), "factor": HUGE_FACTOR}
    notes.append(NOTES["huge"].format(series=_series_text(panel, chosen), time=time, **facts))


def note_ended(panel: Panel, notes: list[str], h: int) -> None:
    """Add a note on series with values whose forecasts lie before the last time of the others.

    Args:
        panel: The series.
        notes: Are added to.
        h: Steps of a forecast.
    """
    if len(panel) == 1:
        return
    end = panel.freq.index_of(panel.start, np.full(len(panel), panel.start.min()))[0] + panel.lengths
    chosen = np.flatnonzero((_count_values(panel) > 0) & (end + h <= end.max()))
    if len(chosen):
        s = int(chosen[0])
        facts = {"series": _series_text(panel, chosen), "time": format_times(panel.times(s)[-1:])[0]}
        notes.append(agree(len(chosen), *NOTES["ended"]).format(h=format_count(h, "step"), **facts))


def _note_holes(panel: Panel, notes: list[str]) -> None:
    """Add a note for each exogenous column that has no value where the target has one."""
    for name, column in {**panel.futr_exog, **panel.hist_exog}.items():
        n = int(np.count_nonzero(np.isnan(column) & panel.mask))
        # An empty cell is a usual way to write that there is no event.
        if n and (name not in panel.categories or are_truth_values(panel.categories[name])):
            is_empty = not np.isfinite(column).any()
            substitute = "its mean takes their place" if not is_empty else "it has none at all, and tells nothing"
            substitute = "they count as neither" if name in panel.categories else substitute
            n_rows = int(np.count_nonzero(panel.mask))
            notes.append(NOTES["holes"].format(column=name, n=n, n_rows=n_rows, substitute=substitute))


def _note_rare_categories(panel: Panel, notes: list[str]) -> None:
    """Add a note for each column with more categories than models tell apart."""
    for columns, unit in (({**panel.futr_exog, **panel.hist_exog}, "rows"), (panel.stat_exog, "series")):
        for name, column in columns.items():
            n = len(panel.categories.get(name, ()))
            if n > MAX_CATEGORIES:
                facts = {"n": n, "limit": MAX_CATEGORIES, "n_rare": n - MAX_CATEGORIES}
                share = float(np.mean(column >= MAX_CATEGORIES))
                notes.append(NOTES["rare"].format(column=name, share=share, unit=unit, **facts))


def note_outside(panel: Panel, future: Mapping[str, FloatArray], notes: list[str]) -> None:
    """Add a note for each column of numbers or truth values whose future values are far outside those of the past.

    A value is far outside if it differs from all values of its series by more than these differ from one another; of a
    series whose values hardly differ, by more than those of the typical other series. Of a column that never varied in
    any series, every other value is.

    Args:
        panel: The series.
        future: Values of the future columns at the steps to forecast, by name, [n_series, h].
        notes: Are added to.
    """
    for name, values in future.items():
        past = panel.futr_exog[name]
        is_category = name in panel.categories and not are_truth_values(panel.categories[name])
        if is_category or not np.isfinite(past).any():
            continue
        low, high = _ranges(panel, past)
        width = high - low
        typical = float(np.median(width[width > 0])) if (width > 0).any() else 0.0
        margin = np.maximum(width, typical)[:, None]
        beyond = np.maximum(values - high[:, None], low[:, None] - values)
        rows, steps = np.nonzero(beyond > margin)
        if len(rows):
            worst = int(np.argmax(beyond[rows, steps]))
            s, k = int(rows[worst]), int(steps[worst])
            time = format_times(panel.freq.at(panel.start[s : s + 1], panel.lengths[s : s + 1] + k))[0]
            series = "" if panel.columns.id is None else f" in series {str(panel.ids[s])!r}"
            facts = {"value": values[s, k], "time": time, "low": low[s], "high": high[s], "n": len(rows)}
            kind = "outside" if np.nanmin(past) < np.nanmax(past) else "unvaried"
            notes.append(NOTES[kind].format(column=name, series=series, **facts))


def _ranges(panel: Panel, column: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the smallest and the largest value of a column in each series, [n_series]; of all where it has none."""
    with_rows = np.flatnonzero(panel.lengths)
    bounds = []
    for reduce in (np.fmin, np.fmax):
        of_series = np.full(len(panel), np.nan)
        of_series[with_rows] = reduce.reduceat(column, panel.indptr[:-1][with_rows])
        bounds.append(np.where(np.isfinite(of_series), of_series, reduce.reduce(column)))
    return bounds[0], bounds[1]


def drop_unlike_last(panel: Panel, notes: list[str]) -> Panel:
    """Return the panel without newest values that contradict all before, and add a note.

    With exogenous columns nothing is left out: they may explain such values, as holidays explain those next to them.
    """
    selected = np.zeros(0, np.int64) if panel.given_futr_exog or panel.hist_exog else find_unlike_last(panel)
    for column in panel.futr_exog.values():
        selected = selected[column[panel.indptr[selected + 1] - 1] == 0]
    if not len(selected):
        return panel
    rows, s = panel.indptr[selected + 1] - 1, int(selected[0])
    time = format_times(panel.times(s)[-1:])[0]
    facts = {"series": _series_text(panel, selected), "value": panel.values[rows[0]], "time": time}
    notes.append(agree(len(selected), *NOTES["unlike"]).format(**facts))
    values = panel.values.copy()
    values[rows] = np.nan
    return replace(panel, values=values)


def skip_outliers(panel: Panel, notes: list[str], *, keep_last: bool = False) -> Panel:
    """Return the panel such that models do not read values that are far larger than all before them, and add a note.

    As in `drop_unlike_last`, nothing is left out where exogenous columns may explain it. The values stay: rows that
    follow tell whether such values come again.

    Args:
        panel: The series.
        notes: Are added to.
        keep_last: Whether the newest value of each series is read all the same.
    """
    if panel.given_futr_exog or panel.hist_exog:
        return replace(panel, skips_outliers=False)
    panel = replace(panel, skips_outliers=True, keeps_last=keep_last)
    rows = find_outliers_of(panel)
    if len(rows):
        s, row = int(np.searchsorted(panel.indptr, rows[0], side="right")) - 1, int(rows[0])
        more = "" if len(rows) == 1 else ", as is another" if len(rows) == 2 else f", as are {len(rows) - 1:,} others"
        time = format_times(panel.times(s)[row - panel.indptr[s] :][:1])[0]
        facts = {"series": _series_text(panel, np.array([s])), "value": panel.values[row], "time": time, "more": more}
        notes.append(NOTES["sudden"].format(factor=HUGE_FACTOR, **facts))
    return panel


def _count_values(panel: Panel) -> npt.NDArray[np.int64]:
    """Return the number of known values of each series."""
    return np.diff(np.concatenate(([0], np.cumsum(panel.mask)))[panel.indptr])


def _check_counts(panel: Panel) -> None:
    """Refuse a panel in which nothing can be learned: not one series has two values."""
    if _count_values(panel).max(initial=0) < 2:
        raise DataError(
            "Too few values",
            where=f"column {panel.columns.target!r}",
            got="one value" if len(panel) == 1 else "no series with two values",
            expected="at least two times with a value each",
            fix="Provide more history.",
        )


def _series_text(panel: Panel, selected: npt.NDArray[np.int64]) -> str:
    """Return ids of series in a sentence, at most three of them."""
    if len(panel) == 1:
        return "the series"
    names = ", ".join(repr(str(name)) for name in panel.ids[selected[:3]])
    return f"series {names}" + (f" and {len(selected) - 3:,} more" if len(selected) > 3 else "")


def check_bounds(panel: Panel, data: DataConfig) -> None:
    """Check that values are within their bounds.

    Raises:
        DataError: A value outside, with its series and time.
    """
    if data.lower_bound is None and data.upper_bound is None and not data.integer:
        return
    values = panel.values
    lower = -np.inf if data.lower_bound is None else data.lower_bound
    upper = np.inf if data.upper_bound is None else data.upper_bound
    with np.errstate(invalid="ignore"):
        checks = (
            (values < lower, "below its lower bound", f"{lower} or more", "lower_bound"),
            (values > upper, "above its upper bound", f"{upper} or less", "upper_bound"),
            (
                data.integer & np.isfinite(values) & (values != np.round(values)),
                "not an integer",
                "integers, as integer=True states",
                "integer",
            ),
        )
    for is_invalid, problem, expected, argument in checks:
        rows = np.flatnonzero(is_invalid)
        if len(rows):
            s = int(np.searchsorted(panel.indptr, rows[0], side="right")) - 1
            time = format_times(panel.times(s)[rows[0] - panel.indptr[s] :][:1])[0]
            series = "" if panel.columns.id is None else f"series {str(panel.ids[s])!r}, "
            raise DataError(
                f"A value is {problem}",
                where=f"{series}{time}",
                got=f"{values[rows[0]]:g} ({len(rows)} such values)",
                expected=expected,
                fix=f"Correct the value, or change {argument}.",
                argument=argument,
            )
