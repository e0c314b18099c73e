"""The zone of times with UTC offsets: a fixed offset, or a zone whose clocks change as the offsets do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import numpy.typing as npt

from gatecast._utils.dates import later
from gatecast._utils.typing import IntArray

__all__ = [
    "find_zone",
    "format_offset",
    "is_named",
    "keeps_offset",
    "may_repeat",
    "offsets_of_local",
    "offsets_of_utc",
    "same_time_of_day",
]

# One zone for each rule by which clocks change, the most common first.
_ZONES = (
    *("Europe/Berlin", "Europe/London", "Europe/Athens", "America/New_York", "America/Chicago", "America/Denver"),
    *("America/Los_Angeles", "America/Halifax", "America/St_Johns", "America/Anchorage", "Australia/Sydney"),
    *("Australia/Adelaide", "Pacific/Auckland", "America/Santiago", "America/Sao_Paulo", "Asia/Jerusalem"),
    *("Africa/Cairo", "Europe/Moscow", "Asia/Tehran", "Asia/Beirut", "America/Havana", "America/Asuncion"),
    "Africa/Casablanca",
)
MAX_COMPARED = 400
"""Times by which a zone is chosen."""
DAYS_AHEAD = 366
"""Days in which clocks that ever change do so."""


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
        for zone in _known_zones():
            if np.array_equal(offsets_of_utc(utc, zone), utc_offsets[rows]):
                return zone.key
    return format_offset(newest) if newest else "UTC"


def _known_zones() -> Iterator[ZoneInfo]:
    """The zones that this computer knows, one for each rule by which clocks change."""
    return (zone for zone in map(_find, _ZONES) if zone is not None)


def _find(name: str) -> ZoneInfo | None:
    """The zone of a name; None for a name that this computer does not know."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def may_repeat(local: npt.NDArray[np.datetime64]) -> bool:
    """Return whether there is a zone in which local times occur twice, because clocks are set back there.

    >>> may_repeat(np.array(["2023-10-29T02:30"], "M8[us]")), may_repeat(np.array(["2023-10-29T05:30"], "M8[us]"))
    (True, False)
    """
    times = np.unique(local.astype("M8[us]")).tolist()
    return any(all(_occurs_twice(time.replace(tzinfo=zone)) for time in times) for zone in _known_zones())


def _occurs_twice(time: datetime) -> bool:
    """Whether a local time occurs twice: the second time later from UTC."""
    first, second = time.replace(fold=0).utcoffset(), time.replace(fold=1).utcoffset()
    return first is not None and second is not None and first > second


def keeps_offset(zone: str, since: np.datetime64) -> bool:
    """Return whether the clocks of a zone stay at one offset from UTC for a year; also if the zone is unknown.

    >>> [keeps_offset(zone, np.datetime64("2024-01-01")) for zone in ("Europe/Berlin", "Asia/Tokyo", "+01:00")]
    [False, True, True]
    """
    rules = _find(zone)
    if rules is None:
        return True
    weeks = since.astype("M8[us]") + np.arange(0, DAYS_AHEAD, 7) * np.timedelta64(1, "D")
    return len(np.unique(offsets_of_utc(weeks, rules))) == 1


def same_time_of_day(
    local: npt.NDArray[np.datetime64], utc_offsets: IntArray, zone: str = ""
) -> npt.NDArray[np.datetime64] | None:
    """Return local times that share their time of day; None for others.

    On a day whose clocks skip that time, as midnight in Cairo, the first time after it stands for it.

    Args:
        local: Times, shape (n_rows,), at least one.
        utc_offsets: Minutes by which each is ahead of UTC, shape (n_rows,).
        zone: Their zone; empty: one that has these offsets.

    >>> days = np.array(["2024-04-25T00", "2024-04-26T01", "2024-04-27T00"], "M8[us]")
    >>> same_time_of_day(days, np.array([120, 180, 180]), "Africa/Cairo").astype("M8[h]").astype(str).tolist()
    ['2024-04-25T00', '2024-04-26T00', '2024-04-27T00']
    """
    days = local.astype("M8[D]")
    time_of_day = local - days
    shared, counts = np.unique(time_of_day[:MAX_COMPARED], return_counts=True)
    usual = shared[counts.argmax()]
    others = np.flatnonzero(time_of_day != usual)
    if not len(others):
        return local
    rules = _find(zone or find_zone(local, utc_offsets)) if 2 * len(others) < len(local) else None
    if rules is None:
        return None
    # A time that clocks skip is the instant of one after it; two times that exist are two instants.
    skipped = days[others] + usual
    utc = local[others] - utc_offsets[others].astype("m8[m]")
    if not np.array_equal(skipped - offsets_of_local(skipped, rules).astype("m8[m]"), utc):
        return None
    times: npt.NDArray[np.datetime64] = local.copy()
    times[others] = skipped
    return times


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
