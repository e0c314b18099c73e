"""Values far above all others of their series, as a wrong decimal mark or unit makes them.

Shapes: n series, T columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from gatecast._utils.arrays import accumulate
from gatecast._utils.typing import BoolArray, FloatArray, IntArray
from gatecast.data.panel import Panel

__all__ = ["HUGE_FACTOR", "SuddenValues", "find_huge", "find_outliers_of", "find_sudden", "without_outliers"]

HUGE_FACTOR = 10
"""Values this many times as large as all others of their series are likely to be wrong."""

MIN_ROWS = 20
"""In shorter series no value is called huge."""

SAME_SIZE = 3.0
"""Ratio up to which two sudden values are of one size."""

MAX_SHIFT = 0.01
"""Share of a season by which values that come again may be early or late, as days of a year are."""

MAX_SLIPS = 2
"""Sudden values of one size, at most: more are how the series is."""

MAX_SHARE = 0.01
"""More values than this are no errors, but how the series is; a single one always may be an error."""

BATCH_NUMBERS = 1 << 22
"""Numbers of a batch of series."""


def find_huge(panel: Panel) -> IntArray:
    """Return the series with a value that is far larger than nearly all others, unless most values are zeros.

    Args:
        panel: The series; NaN is missing and never such a value.

    Returns:
        Indices of the series, ascending.

    >>> from gatecast.data.panel import from_values
    >>> find_huge(from_values([*range(1, 30), 3_000.0])).tolist(), find_huge(from_values(range(1, 30))).tolist()
    ([0], [])
    """
    with_rows = np.flatnonzero(panel.lengths)
    if not len(with_rows):
        return with_rows
    first, sizes = panel.indptr[:-1][with_rows], np.nan_to_num(np.abs(panel.values))
    largest = np.maximum.reduceat(sizes, first)
    is_huge = sizes > np.repeat(largest / HUGE_FACTOR, panel.lengths[with_rows])
    n_huge, n_positive, n_observed = (
        np.add.reduceat(each, first, dtype=np.int64) for each in (is_huge, sizes > 0, panel.mask)
    )
    are_few = n_huge <= np.maximum(1, MAX_SHARE * n_observed)
    return with_rows[are_few & (n_observed >= MIN_ROWS) & (2 * n_positive > n_observed)]


def without_outliers(panel: Panel) -> Panel:
    """Return the panel as models read it: without the values of `find_outliers_of` if it skips them.

    >>> from dataclasses import replace
    >>> from gatecast.data.panel import from_values
    >>> panel = replace(from_values([*range(1, 30), 3_000.0, 7.0]), skips_outliers=True)
    >>> without_outliers(panel).values[-3:].tolist()
    [29.0, nan, 7.0]
    """
    rows = find_outliers_of(panel) if panel.skips_outliers else np.zeros(0, np.int64)
    if not len(rows):
        return panel
    values = panel.values.copy()
    values[rows] = np.nan
    return replace(panel, values=values)


def find_outliers_of(panel: Panel) -> IntArray:
    """Return the rows of sudden values but on public holidays, and but the newest where the panel keeps those."""
    rows = find_sudden(panel)
    if panel.keeps_last:
        rows = rows[~np.isin(rows, panel.indptr[1:] - 1)]
    for column in panel.futr_exog.values():
        rows = rows[column[rows] == 0]
    return rows


def find_sudden(panel: Panel) -> IntArray:
    """Return the rows whose values are far larger than all before them.

    A value is sudden if it is more than ten times as large as each of the values before it, at least 20 and mostly not
    zeros. Not so is one that follows a sudden value, as where the level is a new one. Nor is one that comes again: of
    the size, up to a factor of three, of a sudden value some seasons of the calendar before, or of two at any time;
    where the calendar has no season, of one. What comes later does not matter, so that a backtest reads of the past
    what was read then.

    Args:
        panel: The series; NaN is missing and never such a value.

    Returns:
        Positions in the values of the panel, ascending.

    >>> from gatecast.data.panel import from_values
    >>> find_sudden(from_values([*range(1, 30), 3_000.0, 7.0])).tolist()
    [29]
    >>> find_sudden(from_values([*range(1, 30), 3_000.0, 3_000.0, 3_000.0])).tolist()
    [29]
    """
    sizes = np.abs(panel.values)
    candidates = _rising_series(panel, sizes)
    rows = []
    size = max(1, BATCH_NUMBERS // max(int(panel.lengths.max(initial=1)), 1))
    for series in (candidates[start : start + size] for start in range(0, len(candidates), size)):
        T = int(panel.lengths[series].max())
        column = np.arange(T)
        inside = column < panel.lengths[series, None]
        row = panel.indptr[series, None] + np.where(inside, column, 0)
        rows.append(row[_are_sudden(np.where(inside, sizes[row], np.nan), panel.freq.cycles)])
    return np.sort(np.concatenate(rows)) if rows else np.zeros(0, np.int64)


class SuddenValues(NamedTuple):
    """What the values so far tell of the next one of each series: it is sudden as in `find_sudden`, one step at a time.

    Its arrays are never changed in place, and grow by sudden values alone.

    Args:
        largest: Size of the largest usual value, [n]; 0 without any.
        n_usual: Number of usual values, [n].
        n_positive: Number of these that are not zero, [n].
        follows: Whether the newest known value is sudden, 0 or 1, [n].
        series: Series of each sudden value, [K].
        sizes: Its size, [K].
        ages: Steps from it to the next value of its series, [K].

    Example:
        >>> from gatecast.data.panel import from_values
        >>> before = SuddenValues.of(from_values(range(1, 30)))
        >>> is_sudden, after = before.step(np.array([3_000.0]), ())
        >>> is_sudden.tolist(), after.step(np.array([3_000.0]), ())[0].tolist()
        ([True], [False])
    """

    largest: FloatArray
    n_usual: IntArray
    n_positive: IntArray
    follows: IntArray
    series: IntArray
    sizes: FloatArray
    ages: IntArray

    @classmethod
    def of(cls, panel: Panel) -> SuddenValues:
        """Return what the values of a panel tell of those that follow."""
        n, rows = len(panel), find_sudden(panel)
        series_of = np.repeat(np.arange(n), panel.lengths)
        sizes, observed = np.abs(panel.values), np.flatnonzero(panel.mask)
        is_sudden = np.zeros(len(sizes), bool)
        is_sudden[rows] = True
        usual = observed[~is_sudden[observed]]
        largest = np.zeros(n)
        np.maximum.at(largest, series_of[usual], sizes[usual])
        n_usual, n_positive = (np.bincount(series_of[each], minlength=n) for each in (usual, usual[sizes[usual] > 0]))
        newest = np.full(n, -1)
        newest[series_of[observed]] = observed
        follows = np.isin(newest, rows).astype(np.int64)
        ages = panel.indptr[series_of[rows] + 1] - rows
        return cls(largest, n_usual, n_positive, follows, series_of[rows], sizes[rows], ages)

    def step(self, y: FloatArray, cycles: Sequence[int]) -> tuple[BoolArray, SuddenValues]:
        """Return which of the next values are sudden, and what is known after them.

        Args:
            y: The next value of each series, [n]; NaN is missing and not sudden.
            cycles: Seasons of the calendar, in steps, as `Freq.cycles`.
        """
        size, observed = np.abs(y), np.isfinite(y)
        stands_out = _stand_out(size, self.largest, self.n_usual, self.n_positive) & (self.follows == 0)
        same, in_season = _match(self.sizes, size[self.series], self.ages, cycles)
        n_same, n_in_season = (np.bincount(self.series[each], minlength=len(y)) for each in (same, same & in_season))
        is_sudden = stands_out & (n_in_season == 0) & (n_same < MAX_SLIPS)
        is_usual, new = observed & ~is_sudden, np.flatnonzero(is_sudden)
        after = SuddenValues(
            np.where(is_usual, np.maximum(self.largest, size), self.largest),
            self.n_usual + is_usual,
            self.n_positive + (is_usual & (size > 0)),
            np.where(observed, is_sudden, self.follows).astype(np.int64),
            np.concatenate([self.series, new]),
            np.concatenate([self.sizes, size[new]]),
            np.concatenate([self.ages, np.zeros(len(new), np.int64)]) + 1,
        )
        return is_sudden, after


def _rising_series(panel: Panel, sizes: FloatArray) -> IntArray:
    """Return the series with a value more than ten times as large as the observed one before it."""
    is_known = np.isfinite(sizes)
    observed = None if is_known.all() else np.flatnonzero(is_known)
    size = sizes if observed is None else sizes[observed]
    before = np.flatnonzero(size[1:] > HUGE_FACTOR * size[:-1])
    ends = (before, before + 1) if observed is None else (observed[before], observed[before + 1])
    first, second = (np.searchsorted(panel.indptr, rows, side="right") - 1 for rows in ends)
    return np.unique(second[first == second])


def _are_sudden(sizes: FloatArray, cycles: Sequence[int]) -> BoolArray:
    """Return which values of series are sudden, (n, T); one after the other, since each counts for those behind it."""
    observed = np.isfinite(sizes)
    sudden, recurs, usual = np.zeros_like(observed), np.zeros_like(observed), observed.copy()
    rows = np.arange(len(sizes))
    while len(rows):
        size = np.where(usual[rows], sizes[rows], 0.0)
        largest, count, positive = (
            _before(accumulate(ufunc, x.T).T)
            for ufunc, x in ((np.maximum, size), (np.add, usual[rows]), (np.add, size > 0))
        )
        newest = accumulate(np.maximum, np.where(observed[rows], np.arange(sizes.shape[1]), -1).T).T
        follows = np.take_along_axis(sudden[rows], np.maximum(_before(newest), 0), axis=1)
        is_next = _stand_out(size, largest, count, positive) & ~follows & ~recurs[rows]
        has_next = is_next.any(axis=1)
        rows, column = rows[has_next], is_next.argmax(axis=1)[has_next]
        sudden[rows, column] = True
        usual[rows, column] = False
        # One that comes again is usual: those behind it are compared with it.
        gap = column[:, None] - np.arange(sizes.shape[1])
        earlier = np.where(sudden[rows] & (gap > 0), sizes[rows], np.nan)
        same, in_season = _match(earlier, sizes[rows, column][:, None], gap, cycles)
        is_known = (same & in_season).any(axis=1) | (same.sum(axis=1) >= MAX_SLIPS)
        sudden[rows[is_known], column[is_known]] = False
        usual[rows[is_known], column[is_known]] = recurs[rows[is_known], column[is_known]] = True
    return sudden


def _stand_out(size: FloatArray, largest: FloatArray, count: Any, positive: Any) -> BoolArray:
    """Return which values are far larger than the usual ones before them, and these are enough and mostly not zeros."""
    return np.asarray((size > HUGE_FACTOR * largest) & (count >= MIN_ROWS) & (2 * positive > count))


def _match(
    earlier: FloatArray, size: FloatArray, gap: FloatArray | IntArray, cycles: Sequence[int]
) -> tuple[BoolArray, BoolArray]:
    """Return which earlier sudden values are of the size of a later one, and which are some seasons before it."""
    with np.errstate(divide="ignore"):
        ratio = earlier / size
    in_season = np.full(gap.shape, not cycles)
    for m in cycles:
        in_season |= np.abs(gap - np.maximum(np.rint(gap / m), 1) * m) <= round(MAX_SHIFT * m)
    return (ratio < SAME_SIZE) & (ratio > 1 / SAME_SIZE), in_season


def _before(x: FloatArray) -> FloatArray:
    """Return the columns one step later, 0 in the first."""
    out = np.zeros_like(x)
    out[:, 1:] = x[:, :-1]
    return out
