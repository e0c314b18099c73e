"""Build a panel from a long table: sort the rows, align them to a grid, check them, and note what was changed.

Panels have up to a hundred thousand series and ten million rows. So nothing here loops over series, except over those
few whose times are off their grid, and sorted tables are not sorted again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast._utils.formatting import format_duration
from gatecast._utils.typing import BoolArray, FloatArray, IntArray
from gatecast.data.clock_changes import find_clock_changes
from gatecast.data.frequency import MONTHS, Freq, Times, format_times, parse
from gatecast.data.messages import abridge
from gatecast.data.panel import ColumnNames, Panel
from gatecast.data.panel_checks import (
    check_density,
    check_duplicates,
    check_finite,
    check_moved,
    check_same_frequency,
    check_values,
    constant_per_series,
    raise_if_other_frequency,
    raise_irregular,
)
from gatecast.data.parsing.exogenous import ExogenousColumns
from gatecast.data.parsing.raw_table import factorize
from gatecast.data.time_grid import TimeGrid, align_to_grid, infer_freq
from gatecast.errors import ConfigError

__all__ = ["build_panel", "note_constant_series"]

MAX_LISTED = 3
# Share of the rows of all series that must be on the days of the month of the longest one.
MIN_ON_DAYS = 0.9


def build_panel(
    times: npt.ArrayLike,
    values: npt.ArrayLike,
    ids: npt.ArrayLike | None = None,
    *,
    freq: str | int | Freq | None = None,
    columns: ColumnNames | None = None,
    describe_row: Callable[[int], str] = "row index {}".format,
    exogenous: ExogenousColumns | None = None,
) -> tuple[Panel, tuple[str, ...]]:
    """Build a panel from the columns of a long table.

    Rows may be in any order. Times without a row become missing values; off-grid times are moved to the nearest free
    position of the grid. An hour that occurs twice where clocks are set back is averaged.

    Args:
        times: datetime64 without NaT, or integers, shape (n_rows,).
        values: Numbers up to 1e150 in absolute value, shape (n_rows,); NaN is missing, infinity is refused.
        ids: Id of the series of each row, shape (n_rows,); None for a single series.
        freq: Frequency; inferred from the longest series if None.
        columns: Names of the columns, for messages and for tables of results.
        describe_row: Returns how messages refer to row i of the table, such as "row 17".
        exogenous: Exogenous columns; at times without a row they are missing too.

    Returns:
        The panel, with the series in order of appearance, and notes on the data, one sentence each.

    Raises:
        DataError: No row, fewer than two without `freq`, an infinite or huge value, no value at all, two rows of one
            time in a series, irregular times, series of different frequencies, or a static column that varies within
            a series.
        ConfigError: `freq` does not fit the type of the times.

    >>> panel, notes = build_panel(np.array(["2024-01-03", "2024-01-01"], "M8[D]"), [3, 1], freq="D")
    >>> panel.values.tolist()
    [1.0, nan, 3.0]
    >>> notes[1]
    '1 of 3 times has no row and is treated as missing: 2024-01-02.'
    """
    columns = columns or ColumnNames()
    exogenous = exogenous or ExogenousColumns({}, {}, {}, {})
    t, x = _to_times(times), np.asarray(values, np.float64)
    # One row that goes on with a known series is enough.
    check_values(t, x, columns, describe_row, min_rows=2 if freq is None else 1)
    for name, column in exogenous.columns.items():
        check_finite(t, column, name, describe_row)
    labels, codes = (np.array([""], object), np.zeros(len(t), np.int64)) if ids is None else factorize(np.asarray(ids))
    order, sort_notes = _sort_order(t, codes)
    change = find_clock_changes(t, codes) if _has_repeats(t, codes, order) else None
    if change is not None:
        rows = change.rows_to_keep(len(t))
        t, x, codes, exogenous = t[rows], change.average(x)[rows], codes[rows], exogenous.take(rows)
        describe_row = partial(_describe_kept, describe_row, rows)
        order, sort_notes = _sort_order(t, codes)[0], (*sort_notes, change.note)
    if order is not None:
        t, codes = t[order], codes[order]
    check_duplicates(t, codes, labels, order, columns, describe_row)
    bounds = np.searchsorted(codes, np.arange(len(labels) + 1))
    step, freq_notes = _resolve_freq(t, bounds, freq)
    if freq is not None and len(labels) > 1:
        _check_given(t, bounds, step, labels, columns)
    start, k, on_grid = _align(t, bounds, step, labels, columns)
    # Where most times are on the grid, no more than half of them can be far from it.
    if freq is None and 2 * np.count_nonzero(on_grid) < len(t):
        check_moved(t, step.at(np.repeat(start, np.diff(bounds)), k), step, columns)
    lengths = k[bounds[1:] - 1] + 1
    check_density(t, k, lengths, bounds, step, labels)
    check_same_frequency(t, k, bounds, step, labels)
    indptr = np.concatenate(([0], np.cumsum(lengths)))
    k += np.repeat(indptr[:-1], np.diff(bounds))
    place = _Placement(order, k, int(indptr[-1]))
    panel = Panel(
        place.on_grid(x),
        indptr,
        labels,
        start,
        step,
        columns,
        hist_exog={name: place.on_grid(column) for name, column in exogenous.hist_exog.items()},
        futr_exog={name: place.on_grid(column) for name, column in exogenous.futr_exog.items()},
        stat_exog={
            name: constant_per_series(place.sort(column), bounds, name, labels, exogenous.categories.get(name))
            for name, column in exogenous.stat_exog.items()
        },
        categories=exogenous.categories,
    )
    grid_notes = () if on_grid.all() else _note_moved(t, panel.all_times()[k], on_grid, step)
    value_notes = (*_note_gaps(panel, k), *_note_missing_rows(x), *note_constant_series(panel))
    return panel, (*sort_notes, *freq_notes, *grid_notes, *value_notes)


class _Placement(NamedTuple):
    """Where the rows of a table lie on the grids of all series.

    Args:
        order: How the rows are sorted by series and time; None if they are.
        positions: Position of each sorted row, shape (n_rows,).
        size: Length of all grids together.
    """

    order: IntArray | None
    positions: IntArray
    size: int

    def sort(self, column: FloatArray) -> FloatArray:
        """A column of the table sorted by series and time."""
        return column if self.order is None else column[self.order]

    def on_grid(self, column: FloatArray) -> FloatArray:
        """A column of the table on the grids."""
        grid = np.full(self.size, np.nan)
        grid[self.positions] = self.sort(column)
        return grid


def _describe_kept(describe_row: Callable[[int], str], rows: IntArray, i: int) -> str:
    """How messages refer to row i of those that were kept."""
    return describe_row(int(rows[i]))


def _has_repeats(t: Times, codes: IntArray, order: IntArray | None) -> bool:
    """Whether a series has two rows of one time."""
    if order is not None:
        t, codes = t[order], codes[order]
    return bool(((codes[1:] == codes[:-1]) & (t[1:] == t[:-1])).any())


def _to_times(times: npt.ArrayLike) -> Times:
    """Times as datetime64[us] or int64."""
    t = np.asarray(times)
    return t.astype("M8[us]", copy=False) if t.dtype.kind == "M" else t.astype(np.int64, copy=False)


def _sort_order(t: Times, codes: IntArray) -> tuple[IntArray | None, tuple[str, ...]]:
    """How to sort rows by series and time, None if they are; and a note if those of a series were not in order."""
    same_series = codes[1:] == codes[:-1]
    if (codes[1:] >= codes[:-1]).all() and (~same_series | (t[1:] >= t[:-1])).all():
        return None, ()
    ticks = t.astype(np.int64)
    first, last, n_series = int(ticks.min()), int(ticks.max()), int(codes.max()) + 1
    # One number for series and time, where it fits into 64 bits, is sorted in half the time.
    if (last - first + 1) * n_series < 2**63:
        order = np.argsort(codes * (last - first + 1) + (ticks - first), kind="stable")
    else:
        order = np.lexsort((t, codes))
    codes = codes[order]
    moved = ((codes[1:] == codes[:-1]) & (order[1:] < order[:-1])).any()
    return order, ("Rows were not in time order and have been sorted.",) if moved else ()


def _resolve_freq(t: Times, bounds: IntArray, freq: str | int | Freq | None) -> tuple[Freq, tuple[str, ...]]:
    """The requested frequency, anchored as the times are, or the one inferred from the longest series; and notes."""
    longest = int(np.diff(bounds).argmax())
    longest_times = t[bounds[longest] : bounds[longest + 1]]
    if freq is None:
        inferred = infer_freq(longest_times)
        if inferred.slots and not inferred.index_of(t, longest_times[0])[1].all():
            # Other series have rows when the longest has none.
            inferred = replace(inferred, slots=())
        if inferred.days and np.count_nonzero(inferred.index_of(t, longest_times[0])[1]) < MIN_ON_DAYS * len(t):
            # Other series are on other days of the month.
            inferred = infer_freq(longest_times, with_days=False)
        return inferred, _note_slots(inferred)
    requested = parse(freq)
    if (requested.unit == "step") != (t.dtype.kind != "M"):
        raise ConfigError(
            "freq does not fit the times",
            got=f"{str(requested)!r} and times such as {format_times(longest_times[:1])[0]}",
            expected="an integer for integer times, or an alias such as 'MS' for dates",
            fix="Omit freq to have it inferred.",
            argument="freq",
        )
    anchored = requested.anchored(longest_times[0])
    if anchored == requested:
        return requested, ()
    return anchored, (f"The times follow the frequency {anchored} rather than {requested}, so {anchored} is used.",)


def _check_given(t: Times, bounds: IntArray, freq: Freq, labels: npt.NDArray[Any], columns: ColumnNames) -> None:
    """Check that a frequency that the user gave fits the longest series: otherwise none of the others is at fault."""
    longest = int(np.diff(bounds).argmax())
    times, label = t[bounds[longest] : bounds[longest + 1]], labels[longest : longest + 1]
    alone = np.array([0, len(times)])
    _, k, _ = _align(times, alone, freq, label, columns)
    check_density(times, k, k[-1:] + 1, alone, freq, label)


def _align(
    t: Times, bounds: IntArray, freq: Freq, labels: npt.NDArray[Any], columns: ColumnNames
) -> tuple[Times, IntArray, BoolArray]:
    """Start of every series, grid position of every row, and whether each row is on the grid without a move."""
    n_rows = np.diff(bounds)
    start = t[bounds[:-1]].copy()
    n = int(n_rows[0])
    if (n_rows == n).all() and (t.reshape(-1, n) == t[:n]).all():
        # Months are expensive to count: series that share all their times are aligned as one.
        shared_k, shared_on_grid = freq.index_of(t[:n], start[0])
        k, on_grid = np.tile(shared_k, len(n_rows)), np.tile(shared_on_grid, len(n_rows))
    else:
        k, on_grid = freq.index_of(t, np.repeat(start, n_rows))
    off_grid_series = np.unique(np.searchsorted(bounds, np.flatnonzero(~on_grid), side="right") - 1)
    # Series of one panel mostly share their calendar, so most of them find their grid in this cache.
    grids: dict[bytes, TimeGrid] = {}
    for s in off_grid_series.tolist():
        rows = slice(bounds[s], bounds[s + 1])
        key = t[rows].tobytes()
        if key not in grids:
            grids[key] = grid = align_to_grid(t[rows], freq)
            if (np.diff(grid.positions) == 0).any():
                raise_if_other_frequency(t[rows], freq, labels, s)
                raise_irregular(t[rows], grid.positions, freq, labels, s, columns)
            if _follows_other_frequency(t[rows], grid, freq, labels):
                raise_if_other_frequency(t[rows], freq, labels, s)
        start[s], k[rows], on_grid[rows] = grids[key]
    return start, k, on_grid


def _follows_other_frequency(t: Times, grid: TimeGrid, freq: Freq, labels: npt.NDArray[Any]) -> bool:
    """Whether the times of a series, most of them off the grid, are all on the grid of another frequency."""
    if len(labels) < 2 or len(t) < 3:
        return False
    inferred = infer_freq(t)
    # Most months end on the 31st, so starts and ends of months coincide in most steps.
    other_edge = inferred.unit in MONTHS and freq.unit in MONTHS and inferred.unit[1] != freq.unit[1]
    mostly_off_grid = 2 * np.count_nonzero(grid.on_grid) < len(t)
    return (other_edge or mostly_off_grid) and bool(inferred.index_of(t, t[0])[1].all())


def _note_slots(freq: Freq) -> tuple[str, ...]:
    """That some times of the week never occur."""
    if not freq.slots:
        return ()
    every = str(replace(freq, slots=()))
    return (
        f"Some times of the week never occur and are not forecast: {freq.label}. To forecast all, set freq={every!r}.",
    )


def _note_moved(t: Times, moved_to: Times, on_grid: BoolArray, freq: Freq) -> tuple[str, ...]:
    """How many times were moved to the grid, and the first of them; of most, as of a logger, how far."""
    moved = np.flatnonzero(~on_grid)
    if 2 * len(moved) > len(t) and t.dtype.kind == "M":
        farthest = format_duration(np.abs(t - moved_to).max())
        share = f"{len(moved)} of {len(t)} times are up to {farthest} early or late"
        return (f"{share}, and are rounded to {freq.label}.",)
    verb, pronoun = ("does", "was") if len(moved) == 1 else ("do", "were")
    share = f"{len(moved)} of {len(t)} times {verb} not fit the frequency, {freq.label}, and {pronoun} moved"
    return (f"{share} to the nearest time that does; the first is {format_times(t[moved[:1]])[0]}.",)


def _note_gaps(panel: Panel, filled: IntArray) -> tuple[str, ...]:
    """How many times had no row, and the first of them."""
    is_absent = np.ones(len(panel.values), bool)
    is_absent[filled] = False
    absent = np.flatnonzero(is_absent)
    if not len(absent):
        return ()
    first = absent[:MAX_LISTED]
    s = np.searchsorted(panel.indptr, first, side="right") - 1
    listed = abridge(format_times(panel.freq.at(panel.start[s], first - panel.indptr[s])), len(absent))
    verb = "has no row and is" if len(absent) == 1 else "have no row and are"
    return (f"{len(absent)} of {len(is_absent)} times {verb} treated as missing: {listed}.",)


def _note_missing_rows(x: FloatArray) -> tuple[str, ...]:
    """How many rows have no value."""
    n_missing = int(np.isnan(x).sum())
    verb = "has" if n_missing == 1 else "have"
    return (f"{n_missing} of {len(x)} rows {verb} no value.",) if n_missing else ()


def note_constant_series(panel: Panel) -> tuple[str, ...]:
    """Series without values, and series without variation."""
    low = np.fmin.reduceat(panel.values, panel.indptr[:-1])
    high = np.fmax.reduceat(panel.values, panel.indptr[:-1])
    n_observed = np.add.reduceat(panel.mask, panel.indptr[:-1], dtype=np.int64)
    is_constant = (low == high) & (n_observed > 1)
    if len(panel) == 1:
        return (f"The series is constant: every value is {low[0]:g}.",) if is_constant[0] else ()
    notes = []
    for selected, singular, plural in (
        (n_observed == 0, "has no values", "have no values"),
        (is_constant, "is constant", "are constant"),
    ):
        indices = np.flatnonzero(selected)
        if len(indices):
            listed = abridge([repr(label) for label in panel.ids[indices[:MAX_LISTED]].tolist()], len(indices))
            verb = singular if len(indices) == 1 else plural
            notes.append(f"{len(indices)} of {len(panel)} series {verb}: {listed}.")
    return tuple(notes)
