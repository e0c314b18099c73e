"""From times to their grid: which frequency they follow, and where on its grid each of them lies.

Letters: N times, k position on the grid.

Inference looks at the distances that occur most, so gaps do no harm, and asks the calendar before the clock:
months are not 30 days long, and banks are closed on Sundays.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast.data.frequency import MICROSECONDS, Freq, Positions, Times, format_times, parse, weekday
from gatecast.errors import DataError

__all__ = ["Freq", "TimeGrid", "Times", "format_times", "infer_freq", "parse", "place_on_grid"]

# Days from one time to the next when there is one a month, quarter or year, though not on a fixed day.
LOOSE_MONTHS = ((28, 31, "M"), (89, 93, "Q"), (360, 371, "Y"))
# A finer grid is believed only if at least this share of it is filled; else the stray times are moved.
FILLED = 1 / 3


class TimeGrid(NamedTuple):
    """Times of one series laid on a grid.

    Args:
        start: Time of position 0.
        k: (N,) position of each time, the first is 0.
        on_grid: (N,) whether the time lies exactly there, or was moved to the nearest position.
    """

    start: Times
    k: Positions
    on_grid: npt.NDArray[np.bool_]


def infer_freq(times: npt.ArrayLike) -> Freq:
    """The frequency that times follow, gaps notwithstanding.

    The distance that occurs most often, in the largest unit that holds: years, quarters, months (start, end
    or any fixed day), business days (no weekend at all), weeks with their weekday, days, clock units.

    Args:
        times: (N,) datetime64 or integers in any order, at least two different ones; no NaT.

    Raises:
        DataError: Fewer than two different times.

    >>> str(infer_freq(np.array(["2024-01-31", "2024-02-29", "2024-04-30", "2024-05-31"], "M8[D]")))
    'ME'
    >>> str(infer_freq([10, 20, 30, 50]))
    '10'
    """
    t: Times = np.unique(np.asarray(times))
    if len(t) < 2:
        raise DataError(
            "one time has no frequency",
            got=", ".join(format_times(t)) or "no time",
            expected="at least two different times",
            fix="Say what it is, as in freq='MS'.",
        )
    if t.dtype.kind != "M":
        whole: Positions = t.astype(np.int64)
        return Freq("step", _step(whole[1:] - whole[:-1]))
    t = t.astype("M8[us]")
    day = t.astype("M8[D]")
    if len(np.unique(t - day)) == 1:
        return _months(day) or _business_days(day) or _days(day)
    return _clock(t)


def place_on_grid(times: npt.ArrayLike, freq: Freq) -> TimeGrid:
    """Lay the times of one series on the grid of a frequency.

    Where the first time is off the phase that most times share, the grid follows the majority.

    Args:
        times: (N,) sorted, N at least 1.
        freq: The frequency.

    Returns:
        Start, positions and whether each time is exactly on the grid.

    >>> weekly = np.array(["2024-01-02", "2024-01-08", "2024-01-15", "2024-01-22"], "M8[us]")
    >>> grid = place_on_grid(weekly, Freq("W", anchor=0))
    >>> str(grid.start.astype("M8[D]")), grid.k.tolist(), grid.on_grid.tolist()
    ('2024-01-01', [0, 1, 2, 3], [False, True, True, True])
    """
    t = np.asarray(times)
    best = TimeGrid(t[0], *freq.index_of(t, t[0]))
    # The other phases that occur, tried at a few times spread over the series.
    for candidate in t[np.linspace(0, len(t) - 1, 7).astype(int)]:
        if 2 * np.count_nonzero(best.on_grid) >= len(t):
            break
        k, on_grid = freq.index_of(t, candidate)
        if np.count_nonzero(on_grid) > np.count_nonzero(best.on_grid):
            best = TimeGrid(freq.at(candidate, k[0]), k - k[0], on_grid)
    return best


def _step(distances: npt.NDArray[np.int64]) -> int:
    """The commonest distance; the greatest common divisor where that does not fit and the grid is filled."""
    sizes, counts = np.unique(distances, return_counts=True)
    most = sizes[counts == counts.max()]
    usual = int(most[np.abs(most - np.median(distances)).argmin()])
    if not (distances % usual).any():
        return usual
    common = int(np.gcd.reduce(distances))
    filled = (len(distances) + 1) * common / int(distances.sum())
    return common if filled >= FILLED else usual


def _months(day: Times) -> Freq | None:
    """Months, quarters or years, if no month has two times and all lie on the same day of it."""
    month = day.astype("M8[M]")
    gaps = np.diff(month).astype(np.int64)
    if not gaps.all():
        return None
    since = (day - month.astype("M8[D]")).astype(np.int64)
    until = ((month + 1).astype("M8[D]") - day).astype(np.int64) - 1
    number = int(month[0].astype(np.int64)) % 12 + 1
    if not until.any():
        return _of_months(_step(gaps), "E", number)
    if since[0] < 28 and (since == since[0]).all():
        return _of_months(_step(gaps), "S", number)
    return None


def _of_months(months: int, edge: str, number: int) -> Freq:
    """A number of months as years, quarters or months."""
    for size, unit in ((12, "Y"), (3, "Q")):
        if months % size == 0:
            return Freq(unit + edge, months // size, number)
    return Freq("M" + edge, months)


def _business_days(day: Times) -> Freq | None:
    """Business days, if most times are a day apart, a weekend is passed and none falls on one."""
    gaps = np.diff(day).astype(np.int64)
    weekends = np.diff((day.astype(np.int64) + 3) // 7).any()
    if _step(gaps) == 1 and (gaps == 1).any() and weekends and (weekday(day) < 5).all():
        return Freq("B")
    return None


def _days(day: Times) -> Freq:
    """Weeks or days; months without a fixed day if distances vary as months do."""
    gaps = np.diff(day).astype(np.int64)
    step = _step(gaps)
    middle = int(np.median(gaps))
    if (gaps % step).any():
        loose = [unit for low, high, unit in LOOSE_MONTHS if low <= middle <= high]
        if loose and len(day) > 2:
            return _loose(day, loose[0])
        # Distances scatter around the usual one (a holiday moves a weekly date): the usual one is the step.
        step = step if 2 * middle < 3 * step else middle
    if step % 7:
        return Freq("D", step)
    return Freq("W", step // 7, int(np.bincount(weekday(day)).argmax()))


def _loose(day: Times, letter: str) -> Freq:
    """One time a month, quarter or year on varying days: anchored at the edge of the month that is nearer."""
    month = day.astype("M8[M]")
    late = (day - month.astype("M8[D]")).astype(np.int64) > 14
    edge = "E" if 2 * np.count_nonzero(late) > len(day) else "S"
    number = int(np.bincount(month.astype(np.int64) % 12).argmax()) + 1
    return Freq(letter + edge, 1, None if letter == "M" else number)


def _clock(t: Times) -> Freq:
    """The largest unit of the clock that divides the usual distance."""
    step = _step(np.diff(t).astype(np.int64))
    for unit in ("D", "h", "min", "s", "ms"):
        if step % MICROSECONDS[unit] == 0:
            return Freq(unit, step // MICROSECONDS[unit])
    return Freq("us", step)
