"""Infer the frequency of times and align them to its grid.

Inference rests on the distances that occur most often, so gaps do no harm, and tries the calendar before the clock:
months are not 30 days long, and banks are closed on Sundays.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast._utils.arrays import sorted_unique
from gatecast._utils.dates import later
from gatecast._utils.typing import BoolArray, IntArray
from gatecast.data.frequency import MICROSECONDS, Freq, Times, format_times, weekday
from gatecast.data.month_days import LAST_DAYS, find_month_days, find_year_days
from gatecast.data.week_slots import find_week_slots
from gatecast.errors import DataError

__all__ = ["TimeGrid", "align_to_grid", "infer_freq"]

# Range of days between times, one per month, quarter or year, that are not on a fixed day.
IRREGULAR_MONTHS = ((28, 31, "M"), (89, 93, "Q"), (360, 371, "Y"))
MIN_DISTANCES = 5
"""Distances from which it shows that they scatter."""
# A finer grid is accepted only if at least this fraction of it is filled; otherwise the off-grid times are moved.
MIN_FILLED_FRACTION = 1 / 3


class TimeGrid(NamedTuple):
    """Times of one series aligned to a grid.

    Args:
        start: Time of position 0.
        positions: Position of each time, shape (n_times,); the first is 0.
        on_grid: Whether each time is exactly on the grid rather than moved to the nearest position, shape (n_times,).
    """

    start: Times
    positions: IntArray
    on_grid: BoolArray


def infer_freq(times: npt.ArrayLike, *, with_days: bool = True) -> Freq:
    """Infer the frequency of times that may have gaps.

    The result is the distance that occurs most often, in the largest unit that fits: years, quarters, months (start,
    end or any fixed day), business days (no weekend at all), days of the month (the 1st and the 15th, the third Friday,
    the last business day), weeks with their weekday, days, clock units.

    Args:
        times: datetime64 or integers in any order, shape (n_times,); at least two distinct ones, no NaT.
        with_days: Whether days of the month, such as the third Friday, count.

    Raises:
        DataError: Fewer than two distinct times.

    >>> str(infer_freq(np.array(["2024-01-31", "2024-02-29", "2024-04-30", "2024-05-31"], "M8[D]")))
    'ME'
    >>> str(infer_freq([10, 20, 30, 50]))
    '10'
    """
    t: Times = sorted_unique(np.asarray(times))
    if len(t) < 2:
        raise DataError(
            "Cannot infer the frequency",
            got=", ".join(format_times(t)) or "no times",
            expected="at least two distinct times in the longest series",
            fix="Set freq, for example freq='MS' for the first of every month.",
            argument="freq",
        )
    if t.dtype.kind != "M":
        steps: IntArray = t.astype(np.int64)
        return Freq("step", _usual_distance(steps[1:] - steps[:-1]))
    t = t.astype("M8[us]")
    day = t.astype("M8[D]")
    if (t - day == t[0] - day[0]).all():
        freq = (
            _infer_months(day, with_days=with_days)
            or _infer_business_days(day)
            or (_infer_month_days(day) if with_days else None)
            or _infer_days(day)
        )
    else:
        freq = _infer_clock(t)
    if freq.unit not in MICROSECONDS or freq.unit == "W":
        return freq
    return replace(freq, slots=find_week_slots(t, freq.step_microseconds))


def align_to_grid(times: npt.ArrayLike, freq: Freq) -> TimeGrid:
    """Align the times of one series to the grid of a frequency.

    Where the first time is off the phase that most times share, the grid follows the majority.

    Args:
        times: Sorted times, shape (n_times,), at least one.
        freq: The frequency.

    Returns:
        The start of the grid, the positions, and whether each time is exactly on the grid.

    >>> weekly = np.array(["2024-01-02", "2024-01-08", "2024-01-15", "2024-01-22"], "M8[us]")
    >>> grid = align_to_grid(weekly, Freq("W", anchor=0))
    >>> str(grid.start.astype("M8[D]")), grid.positions.tolist(), grid.on_grid.tolist()
    ('2024-01-01', [0, 1, 2, 3], [False, True, True, True])
    """
    t = np.asarray(times)
    best = TimeGrid(t[0], *freq.index_of(t, t[0]))
    # Phases of other times, tried at seven of them spread over the series.
    for candidate in t[np.linspace(0, len(t) - 1, 7).astype(int)]:
        if 2 * np.count_nonzero(best.on_grid) >= len(t):
            break
        k, on_grid = freq.index_of(t, candidate)
        if np.count_nonzero(on_grid) > np.count_nonzero(best.on_grid):
            best = TimeGrid(freq.at(candidate, k[0]), k - k[0], on_grid)
    origin = _round_origin(t, freq) if 2 * np.count_nonzero(best.on_grid) < len(t) else None
    if origin is None:
        return best
    k, on_grid = freq.index_of(t, origin)
    return TimeGrid(freq.at(origin, k[0]), k - k[0], on_grid)


ONE_SIDED = 2.0
"""Standard deviations from the grid to the mean of times that are late by up to something: 1.73 in expectation."""


def _round_origin(t: Times, freq: Freq) -> Times | None:
    """The roundest time at which a grid may begin that times scatter around; None for a grid of the calendar."""
    if freq.unit not in ("D", "h", "min", "s", "ms") or freq.slots or len(t) < MIN_DISTANCES:
        return None
    step, midnight = freq.step_microseconds, t[0].astype("M8[D]").astype("M8[us]")
    angles = 2j * np.pi * ((t - midnight).astype(np.int64) % step) / step
    mean = complex(np.exp(angles).mean())
    phase = np.angle(mean) / (2 * np.pi) * step
    # The standard deviation of a wrapped normal distribution.
    scatter = np.sqrt(max(-2 * np.log(max(abs(mean), 1e-12)), 0.0)) / (2 * np.pi) * step
    for size in (step, *(MICROSECONDS[unit] for unit in ("h", "min", "s", "ms"))):
        shift = round(phase / size) * size
        if size <= step and abs(phase - shift) <= ONE_SIDED * scatter:
            return np.asarray(midnight + np.timedelta64(shift, "us"))
    return None


def _usual_distance(distances: IntArray) -> int:
    """The most frequent distance; the greatest common divisor where that does not fit and its grid is filled."""
    sizes, counts = np.unique(distances, return_counts=True)
    modes = sizes[counts == counts.max()]
    mode = int(modes[np.abs(modes - np.median(distances)).argmin()])
    if not (distances % mode).any():
        return mode
    divisor = int(np.gcd.reduce(distances))
    filled = (len(distances) + 1) * divisor / int(distances.sum())
    return divisor if filled >= MIN_FILLED_FRACTION else mode


def _infer_months(day: Times, *, with_days: bool) -> Freq | None:
    """Months, quarters or years, if no month has two times and all are on the same day of the month."""
    month = day.astype("M8[M]")
    gaps = np.diff(month).astype(np.int64)
    if not gaps.all() or (with_days and len(np.unique(gaps)) > 1 and find_year_days(day)):
        return None
    days_since_start = (day - month.astype("M8[D]")).astype(np.int64)
    days_until_end = (later(month, 1).astype("M8[D]") - day).astype(np.int64) - 1
    anchor = int(month[0].astype(np.int64)) % 12 + 1
    if not days_until_end.any():
        return _freq_of_months(_usual_distance(gaps), "E", anchor)
    if days_since_start[0] < 28 and (days_since_start == days_since_start[0]).all():
        return _freq_of_months(_usual_distance(gaps), "S", anchor)
    return None


def _freq_of_months(n_months: int, edge: str, anchor: int) -> Freq:
    """A number of months as years, quarters or months."""
    for size, unit in ((12, "Y"), (3, "Q")):
        if n_months % size == 0:
            return Freq(unit + edge, n_months // size, anchor)
    return Freq("M" + edge, n_months)


def _infer_business_days(day: Times) -> Freq | None:
    """Business days, if most times are a day apart and they span a weekend without falling on one."""
    gaps = np.diff(day).astype(np.int64)
    spans_weekend = np.diff((day.astype(np.int64) + 3) // 7).any()
    if _usual_distance(gaps) == 1 and (gaps == 1).any() and spans_weekend and (weekday(day) < 5).all():
        return Freq("B")
    return None


def _infer_month_days(day: Times) -> Freq | None:
    """Some days of each month, of every few months, or of each year."""
    days, n_months = find_month_days(day)
    if days:
        return Freq("ME" if days[-1] in LAST_DAYS else "MS", n_months, days=days)
    days = find_year_days(day)
    return Freq("YS", days=days) if days else None


def _infer_days(day: Times) -> Freq:
    """Weeks or days; months without a fixed day if distances vary as months do."""
    gaps = np.diff(day).astype(np.int64)
    step = _usual_distance(gaps)
    median = int(np.median(gaps))
    if (gaps % step).any():
        periods = [period for low, high, period in IRREGULAR_MONTHS if low <= median <= high]
        if periods and len(day) > 2:
            return _infer_irregular_months(day, periods[0])
        # Distances scatter around the usual one (a holiday moves a weekly date): the usual one is the step.
        step = step if 2 * median < 3 * step else median
    if step % 7:
        return Freq("D", step)
    return Freq("W", step // 7, int(np.bincount(weekday(day)).argmax()))


def _infer_irregular_months(day: Times, period: str) -> Freq:
    """One time per month ("M"), quarter ("Q") or year ("Y") on varying days, anchored at the nearer edge."""
    month = day.astype("M8[M]")
    in_second_half = (day - month.astype("M8[D]")).astype(np.int64) > 14
    edge = "E" if 2 * np.count_nonzero(in_second_half) > len(day) else "S"
    anchor = int(np.bincount(month.astype(np.int64) % 12).argmax()) + 1
    return Freq(period + edge, 1, None if period == "M" else anchor)


def _infer_scattered_clock(distances: IntArray) -> Freq | None:
    """The clock unit of times that a logger writes a little early or late; None where distances are mostly equal."""
    _, counts = np.unique(distances, return_counts=True)
    median = float(np.median(distances))
    n_steps = np.rint(distances / median)
    scatter = np.abs(distances - n_steps * median)
    if len(distances) < MIN_DISTANCES or 2 * counts.max() > len(distances) or np.quantile(scatter, 0.9) > median / 4:
        return None
    total, n_total = int(distances.sum()), float(n_steps.sum())
    for unit in ("D", "h", "min", "s", "ms"):
        size = MICROSECONDS[unit]
        count = round(total / n_total / size)
        # The grid must not drift away from the times by half a step from the first to the last.
        if count and abs(count * size * n_total - total) < count * size / 2:
            return Freq(unit, count)
    return None


def _infer_clock(t: Times) -> Freq:
    """The largest clock unit that divides the usual distance, or what distances scatter around."""
    distances = np.diff(t).astype(np.int64)
    scattered = _infer_scattered_clock(distances)
    if scattered is not None:
        return scattered
    step = _usual_distance(distances)
    for unit in ("D", "h", "min", "s", "ms"):
        if step % MICROSECONDS[unit] == 0:
            return Freq(unit, step // MICROSECONDS[unit])
    return Freq("us", step)
