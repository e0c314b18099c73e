"""Clocks that change: on a local clock one hour occurs twice in autumn; times in UTC have no season of local clocks."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gatecast._utils.typing import FloatArray, IntArray
from gatecast.data.frequency import WITHIN_A_DAY, Times, format_times, weekday
from gatecast.data.panel import Panel
from gatecast.data.parsing.raw_table import ColumnType
from gatecast.data.parsing.time_zones import format_offset, keeps_offset, may_repeat

__all__ = ["ClockChange", "find_clock_changes", "note_seasons"]

# Clocks are mostly set back at night, on a Sunday, in autumn: September to November in the north, March or April in the
# south.
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
        autumn, or one that occurs twice in some zone; occurs exactly twice; and its series has one such day in half a
        year.

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
    is_sunday_night = (hours <= LAST_HOUR) & (weekday(days) == SUNDAY) & np.isin(months, MONTHS)
    if not is_sunday_night.all() and not may_repeat(t[first]):
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


_WITHOUT_ZONE = {
    "pandas": "df[{name!r}].dt.tz_localize(None), or df.tz_localize(None) where they are the index",
    "polars": "pl.col({name!r}).dt.replace_time_zone(None)",
    "pyarrow": "pyarrow.compute.local_timestamp(table[{name!r}])",
}
"""How to drop the zone of times in a library."""


def note_seasons(panel: Panel, time_type: ColumnType | None) -> tuple[str, ...]:
    """Return that seasons are those of a fixed offset from UTC, where the clocks of the source change.

    Args:
        panel: The panel, with the types of its source.
        time_type: Type of the time column in its library, if it has one.

    >>> from dataclasses import replace
    >>> from gatecast.data.panel import KeyTypes, from_values
    >>> panel = replace(from_values([1.0], start="2024-01-01", freq="h"), utc_offset_minutes=0)
    >>> note_seasons(replace(panel, key_types=KeyTypes("path", time_zone="UTC")), None)
    ()
    >>> note_seasons(replace(panel, key_types=KeyTypes("path", time_zone="Europe/Berlin", is_utc=True)), None)[0]
    'Seasons are counted in UTC: what follows the local clock comes an hour early or late after ...'
    """
    types, minutes = panel.key_types, panel.utc_offset_minutes
    if panel.freq.unit not in WITHIN_A_DAY or minutes is None:
        return ()
    if not types.is_utc and keeps_offset(types.time_zone, panel.start.max()):
        return ()
    call = _WITHOUT_ZONE.get(types.source, "") if time_type is not None and time_type.time_zone else ""
    fix = (
        f"drop the zone: {call.format(name=panel.columns.time)}"
        if call
        else "write local times without offsets or zones"
    )
    counted = f"UTC{format_offset(minutes)}" if minutes else "UTC"
    return (
        f"Seasons are counted in {counted}: what follows the local clock comes an hour early or late after a change of "
        f"the clocks. For seasons of the local clock, {fix}.",
    )


def _has_clock_hours(t: Times) -> bool:
    """Whether times have a time of day."""
    return bool((t != t.astype("M8[D]")).any())
