"""Clocks that are set back in autumn: on a local clock without an offset one hour occurs twice."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gatecast._utils.typing import FloatArray, IntArray
from gatecast.data.frequency import Times, format_times, weekday

__all__ = ["ClockChange", "find_clock_changes"]

# Clocks are set back at night, on a Sunday, in autumn: September to November in the north, March or April in the south.
LAST_HOUR = 3
SUNDAY = 6
MONTHS = (3, 4, 9, 10, 11)


class ClockChange(NamedTuple):
    """Rows of hours that occur twice.

    Args:
        first: Row of the first occurrence of each time, shape (n_repeated,).
        second: Row of the second one, shape (n_repeated,).
        note: A sentence that says what is done with them.
    """

    first: IntArray
    second: IntArray
    note: str

    def rows_to_keep(self, n_rows: int) -> IntArray:
        """Return the rows without the second occurrences."""
        return np.delete(np.arange(n_rows), self.second)

    def average(self, values: FloatArray) -> FloatArray:
        """Return values, shape (n_rows,), with the mean of both occurrences at the first; NaN is left out.

        >>> change = ClockChange(np.array([0]), np.array([1]), "")
        >>> change.average(np.array([1.0, 3.0, 7.0])).tolist()
        [2.0, 3.0, 7.0]
        """
        merged: FloatArray = values.copy()
        first, second = values[self.first], values[self.second]
        merged[self.first] = np.where(np.isnan(first), second, np.where(np.isnan(second), first, (first + second) / 2))
        return merged


def find_clock_changes(t: Times, codes: IntArray) -> ClockChange | None:
    """Find the hours that occur twice because clocks were set back.

    Args:
        t: Times of the rows, shape (n_rows,).
        codes: Series of each row, shape (n_rows,).

    Returns:
        The repeated rows; None unless every repeated time of every series is at most the fourth hour of a Sunday of
        autumn, occurs exactly twice, and its series has one such Sunday in half a year.

    >>> t = np.array(["2023-10-29T01", "2023-10-29T02", "2023-10-29T02", "2023-10-29T03"], "M8[us]")
    >>> change = find_clock_changes(t, np.zeros(4, int))
    >>> change.first.tolist(), change.second.tolist()
    ([1], [2])
    """
    if t.dtype.kind != "M":
        return None
    order = np.lexsort((np.arange(len(t)), t, codes))
    repeated = np.flatnonzero((np.diff(codes[order]) == 0) & (np.diff(t[order]) == np.timedelta64(0, "us")))
    if not len(repeated) or (np.diff(repeated) == 1).any():
        return None
    first, second = order[repeated], order[repeated + 1]
    days = t[first].astype("M8[D]")
    hours = (t[first] - days).astype("m8[h]").astype(np.int64)
    months = days.astype("M8[M]").astype(np.int64) % 12 + 1
    if not ((hours <= LAST_HOUR) & (weekday(days) == SUNDAY) & np.isin(months, MONTHS)).all():
        return None
    half_years = np.unique(np.stack([codes[first], days.astype("M8[M]").astype(np.int64) // 6]), axis=1)
    sundays = np.unique(np.stack([codes[first], days.astype(np.int64)]), axis=1)
    if half_years.shape != sundays.shape or not _has_clock_hours(t):
        return None
    example = format_times(t[first[:1]])[0]
    return ClockChange(
        first,
        second,
        f"{len(first)} of {len(t)} times occur twice, where clocks are set back from summer time, the first at "
        f"{example}: their values are averaged. Times with a UTC offset would keep both.",
    )


def _has_clock_hours(t: Times) -> bool:
    """Whether times have a time of day."""
    return bool((t != t.astype("M8[D]")).any())
