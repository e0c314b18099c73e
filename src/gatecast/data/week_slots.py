"""Times of a week in which rows occur: shops are closed on Sundays, offices at night.

A week has slots of one step each, numbered from 0 at midnight of Monday; a calendar is the tuple of those that occur.
"""

from __future__ import annotations

from itertools import groupby

import numpy as np
import numpy.typing as npt

from gatecast._utils.typing import IntArray

__all__ = ["MICROSECONDS_PER_WEEK", "find_week_slots", "format_slots", "parse_slots", "slot_positions", "slot_times"]

MICROSECONDS_PER_DAY = 86_400_000_000
MICROSECONDS_PER_WEEK = 7 * MICROSECONDS_PER_DAY

# Slots that never occur are closed only where chance cannot explain it.
MIN_WEEKS = 4
MIN_FILLED = 0.9
MAX_SLOTS = 2_016
MAX_CHANCE = 0.01


def slot_times(start: npt.ArrayLike, k: npt.ArrayLike, slots: tuple[int, ...], step: int) -> npt.NDArray[np.datetime64]:
    """Return the times of positions on a calendar.

    Args:
        start: Time of position 0, datetime64.
        k: Positions; broadcast against `start`.
        slots: Slots of the week that occur, ascending.
        step: Length of a slot in microseconds.

    >>> saturday = np.datetime64("2024-01-06")
    >>> slot_times(saturday, [0, 1], (0, 1, 2, 3, 4, 5), 86_400_000_000).astype("M8[D]").astype(str).tolist()
    ['2024-01-06', '2024-01-08']
    """
    monday, slot, phase = _split(np.asarray(start).astype("M8[us]"), step)
    table = np.array(slots, np.int64)
    position = np.searchsorted(table, slot) + np.asarray(k, np.int64)
    inside = position // len(table) * MICROSECONDS_PER_WEEK + table[position % len(table)] * step + phase
    return np.asarray(monday + inside.astype("m8[us]"))


def slot_positions(times: npt.ArrayLike, start: npt.ArrayLike, slots: tuple[int, ...], step: int) -> IntArray:
    """Return the positions of times on a calendar, the next one for a time between its slots; inverse of `slot_times`.

    Args:
        times: datetime64, any shape.
        start: Time of position 0; broadcast against `times`.
        slots: Slots of the week that occur, ascending.
        step: Length of a slot in microseconds.

    >>> days = np.array(["2024-01-06", "2024-01-08"], "M8[us]")
    >>> slot_positions(days, days[0], (0, 1, 2, 3, 4, 5), 86_400_000_000).tolist()
    [0, 1]
    """
    monday, slot, phase = _split(np.asarray(start).astype("M8[us]"), step)
    t = np.asarray(times).astype("M8[us]")
    other_monday = _monday(t)
    nearest = ((t - other_monday).astype(np.int64) - phase + step // 2) // step
    table = np.array(slots, np.int64)
    weeks = (other_monday - monday).astype(np.int64) // MICROSECONDS_PER_WEEK
    return np.asarray(weeks * len(table) + np.searchsorted(table, nearest) - np.searchsorted(table, slot))


def find_week_slots(times: npt.NDArray[np.datetime64], step: int) -> tuple[int, ...]:
    """Return the slots of the week that occur; () if all do, or if the others may be missing by chance.

    Args:
        times: Distinct datetime64[us], ascending, at equal distances but for gaps.
        step: Length of a slot in microseconds.

    >>> days = np.arange("2024-01-01", "2024-03-01", dtype="M8[D]")
    >>> open_days = days[(days.astype(int) + 3) % 7 != 6].astype("M8[us]")
    >>> find_week_slots(open_days, 86_400_000_000)
    (0, 1, 2, 3, 4, 5)
    """
    n_slots = MICROSECONDS_PER_WEEK // step
    n_weeks = int((times[-1] - times[0]).astype(np.int64)) / MICROSECONDS_PER_WEEK
    if MICROSECONDS_PER_WEEK % step or not 2 < n_slots <= MAX_SLOTS or n_weeks < MIN_WEEKS:
        return ()
    slots = np.unique(((times - _monday(times)).astype(np.int64)) // step)
    n_steps = slot_positions(times[-1:], times[0], tuple(slots.tolist()), step)[0] + 1
    filled = len(times) / int(n_steps)
    by_chance = n_slots * (1 - min(filled, 1.0)) ** n_weeks
    if len(slots) == n_slots or filled < MIN_FILLED or by_chance > MAX_CHANCE:
        return ()
    return tuple(slots.tolist())


def format_slots(slots: tuple[int, ...]) -> str:
    """Return slots as ranges.

    >>> format_slots((0, 1, 2, 5))
    '0-2,5'
    """
    runs = [[slot for _, slot in run] for _, run in groupby(enumerate(slots), lambda pair: pair[1] - pair[0])]
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def parse_slots(text: str) -> tuple[int, ...]:
    """Return the slots of ranges; the inverse of `format_slots`.

    Raises:
        ValueError: No ranges.

    >>> parse_slots("0-2,5")
    (0, 1, 2, 5)
    """
    bounds = [part.split("-") for part in text.split(",")]
    return tuple(slot for ends in bounds for slot in range(int(ends[0]), int(ends[-1]) + 1))


def _monday(t: npt.NDArray[np.datetime64]) -> npt.NDArray[np.datetime64]:
    """Midnight of the Monday at or before each time."""
    days = t.astype("M8[D]").astype(np.int64)
    return np.asarray((days - (days + 3) % 7).astype("M8[D]").astype("M8[us]"))


def _split(t: npt.NDArray[np.datetime64], step: int) -> tuple[npt.NDArray[np.datetime64], IntArray, IntArray]:
    """Monday, slot and time since the begin of the slot, in microseconds."""
    monday = _monday(t)
    inside = np.asarray((t - monday).astype(np.int64))
    return monday, inside // step, inside % step
