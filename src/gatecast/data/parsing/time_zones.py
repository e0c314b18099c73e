"""The zone of times with UTC offsets: a fixed offset, or a zone whose clocks change as the offsets do."""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import numpy.typing as npt

from gatecast._utils.dates import later
from gatecast._utils.typing import IntArray

__all__ = ["find_zone", "format_offset", "is_named", "offsets_of_local", "offsets_of_utc"]

# One zone for each rule by which clocks change, the most common first.
_ZONES = (
    *("Europe/Berlin", "Europe/London", "Europe/Athens", "America/New_York", "America/Chicago", "America/Denver"),
    *("America/Los_Angeles", "America/Halifax", "America/St_Johns", "America/Anchorage", "Australia/Sydney"),
    *("Australia/Adelaide", "Pacific/Auckland", "America/Santiago", "America/Sao_Paulo", "Asia/Jerusalem"),
    *("Africa/Cairo", "Europe/Moscow", "Asia/Tehran", "Asia/Beirut", "America/Havana", "America/Asuncion"),
)
MAX_COMPARED = 400
"""Times by which a zone is chosen."""


def find_zone(local: npt.NDArray[np.datetime64], utc_offsets: IntArray) -> str:
    """Return the zone of local times with UTC offsets.

    Args:
        local: Times, shape (n_rows,).
        utc_offsets: Minutes by which each is ahead of UTC, shape (n_rows,).

    Returns:
        "UTC"; an offset, as "+05:30"; or, where offsets change, a zone that has these offsets at these times, and the
        offset of the newest time if there is none.

    >>> times = np.array(["2024-03-30T12", "2024-04-01T12"], "M8[us]")
    >>> find_zone(times, np.array([60, 60])), find_zone(times, np.array([60, 120])), find_zone(times, np.array([0, 90]))
    ('+01:00', 'Europe/Berlin', '+01:30')
    """
    if not len(local):
        return ""
    newest = int(utc_offsets[int(local.argmax())])
    if (utc_offsets != newest).any():
        rows = np.unique(np.linspace(0, len(local) - 1, MAX_COMPARED).round().astype(np.int64))
        changes = np.flatnonzero(np.diff(utc_offsets))[:MAX_COMPARED]
        rows = np.unique(np.concatenate([rows, changes, changes + 1]))
        utc = local[rows] - utc_offsets[rows].astype("m8[m]")
        for name in _ZONES:
            try:
                zone = ZoneInfo(name)
            except (ZoneInfoNotFoundError, OSError):
                continue
            if np.array_equal(offsets_of_utc(utc, zone), utc_offsets[rows]):
                return name
    return format_offset(newest) if newest else "UTC"


def is_named(zone: str) -> bool:
    """Return whether a zone is a place whose clocks may change, rather than UTC or an offset.

    >>> is_named("Europe/Berlin"), is_named("+05:30"), is_named("UTC")
    (True, False, False)
    """
    return "/" in zone


def format_offset(minutes: int) -> str:
    """Return an offset from UTC as text.

    >>> format_offset(330), format_offset(-90)
    ('+05:30', '-01:30')
    """
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def offsets_of_utc(utc: npt.NDArray[np.datetime64], zone: ZoneInfo) -> IntArray:
    """Return the minutes by which the clocks of a zone are ahead of UTC at times in UTC.

    >>> offsets_of_utc(np.array(["2024-07-01"], "M8[us]"), ZoneInfo("Europe/Berlin")).tolist()
    [120]
    """
    times = utc.astype("M8[us]")
    minutes = np.zeros(len(times), np.int64)
    known = np.flatnonzero(~np.isnat(times))
    # Clocks change on few days: only their times are taken one by one.
    days, codes = np.unique(times[known].astype("M8[D]"), return_inverse=True)
    at_start, at_end = (_offsets_of_each(day.astype("M8[us]"), zone) for day in (days, later(days, 1)))
    minutes[known] = at_start[codes]
    changing = known[(at_start != at_end)[codes]]
    unique, codes = np.unique(times[changing], return_inverse=True)
    minutes[changing] = _offsets_of_each(unique, zone)[codes]
    return minutes


def _offsets_of_each(utc: npt.NDArray[np.datetime64], zone: ZoneInfo) -> IntArray:
    """The same, time by time."""
    utc_zone = ZoneInfo("UTC")
    offsets = [time.replace(tzinfo=utc_zone).astimezone(zone).utcoffset() for time in utc.tolist()]
    return np.array([0 if offset is None else offset.total_seconds() // 60 for offset in offsets], np.int64)


def offsets_of_local(local: npt.NDArray[np.datetime64], zone: ZoneInfo) -> IntArray:
    """Return the minutes by which local times of a zone are ahead of UTC.

    >>> offsets_of_local(np.array(["2024-01-01"], "M8[us]"), ZoneInfo("Europe/Berlin")).tolist()
    [60]
    """
    unique, codes = np.unique(local.astype("M8[us]"), return_inverse=True)
    offsets = [time.replace(tzinfo=zone).utcoffset() for time in unique.tolist()]
    return np.array([0 if offset is None else offset.total_seconds() // 60 for offset in offsets], np.int64)[codes]
