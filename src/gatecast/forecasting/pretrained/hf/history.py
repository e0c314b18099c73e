"""Series as the high-frequency network reads them: missing values filled with copies, levels, units.

All of it at a step is made from values up to that step.

Shapes: T steps, n series of the same season m and longer season M; time comes first.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gatecast._utils.arrays import accumulate
from gatecast._utils.typing import BoolArray, FloatArray, IntArray

__all__ = ["History", "cycle_level", "read_history"]

PSEUDO_CYCLES = 0.25
"""Weight of the spread around the level in the unit, in cycles of changes over the season."""

MIN_UNIT_SHARE = 0.02
"""The smallest unit, as a share of the mean distance to the level."""

MIN_RELATIVE_UNIT = 1e-12
"""The smallest unit, as a share of the largest value so far: smaller changes are of rounding."""


class Trend(NamedTuple):
    """Lines of least squares through all values so far, (T, n) each."""

    mean: FloatArray
    """Of the values."""
    middle: FloatArray
    """Mean of their steps, counted from the first value."""
    slope: FloatArray
    """By step; 0 as long as there are fewer than two cycles."""


class History(NamedTuple):
    """Series of one pair of seasons."""

    m: int
    long: int
    """Longer season; 0 without one."""
    observed: BoolArray
    """(T, n)."""
    first: IntArray
    """(n,): step of the first value; T without one."""
    origin: FloatArray
    """(n,): the first value, which is taken from all."""
    by_season: FloatArray
    """(T, n): a missing value is that of a cycle before; 0 before the first value."""
    by_long: FloatArray
    """(T, n): a missing value is that of a longer cycle before, where there is one, and of the newest level."""
    level: FloatArray
    """(T, n): mean of the newest cycle."""
    long_level: FloatArray
    """(T, n): the same of `by_long`: behind the end of a series it follows the days of a week."""
    phase_mean: FloatArray
    """(T, n): mean of all values of the same phase of the season so far."""
    long_phase_mean: FloatArray
    """(T, n): the same of the longer season; `phase_mean` where there is none, or no value of the phase yet."""
    phase_level: FloatArray
    """(T, n): mean of the newest cycle of `phase_mean`."""
    deviation: FloatArray
    """(T, n): newest value less `long_phase_mean`; where values are missing it fades with the persistence."""
    persistence: FloatArray
    """(T, n): autocorrelation at a step of the distances from the mean of their phase before, from 0 to 1."""
    trend: Trend
    """Of all values so far."""
    unit: FloatArray
    """(T, n): mean absolute change over the season so far."""
    spread: FloatArray
    """(T, n): mean distance to the level so far."""
    size: FloatArray
    """(T, n): absolute change over the season, 0 where not known."""
    compared: FloatArray
    """(T, n): 1 where a value and the one a season ago are known."""


def read_history(values: FloatArray, m: int, long: int) -> History:
    """Fill gaps, and compute levels and units at every step.

    Args:
        values: (T, n), NaN where missing or before a series began.
        m: Season, at most 64.
        long: Longer season; 0 for none.

    Example:
        >>> y = np.tile([1.0, 5.0, 3.0, 5.0], 6)[:, None]
        >>> history = read_history(y, 4, 0)
        >>> history.level[-1].tolist(), (history.level + history.origin)[-1].tolist()
        ([2.5], [3.5])
    """
    T, n = values.shape
    observed = np.isfinite(values)
    first = np.where(observed.any(axis=0), observed.argmax(axis=0), T)
    origin = np.where(first < T, values[np.minimum(first, T - 1), np.arange(n)], 0.0)
    z = np.where(observed, values - origin, 0.0)
    by_season = _filled(z, observed, m)
    steps = np.arange(T)[:, None]
    level = cycle_level(by_season, first, m)
    by_long, long_level = by_season, level
    if long and not observed.all():
        by_long = _filled(z, observed, long, by_season, first)
        by_long = by_long + _newest_change(level, observed, first, m, long)
        long_level = cycle_level(by_long, first, m)
    distance = accumulate(np.add, np.abs(z - level) * observed)
    count = np.maximum(accumulate(np.add, observed, np.float64), 1.0)
    spread = distance / count
    phase_mean = _phase_mean(z, observed, by_season, m)
    long_phase_mean = _phase_mean(z, observed, phase_mean, long) if long else phase_mean
    persistence = _persistence(z, phase_mean, observed, first, m)
    size, compared = np.zeros((T, n)), np.zeros((T, n))
    if m < T:
        compared[m:] = observed[m:] & (steps[:-m] >= first)
        size[m:] = np.abs(z[m:] - by_season[:-m]) * compared[m:]
    n_changes, weight = accumulate(np.add, compared), PSEUDO_CYCLES * m
    unit = (accumulate(np.add, size) + weight * spread) / (n_changes + weight)
    largest = accumulate(np.maximum, np.where(observed, np.abs(values), 0.0))
    unit = np.maximum(np.maximum(unit, MIN_UNIT_SHARE * spread), MIN_RELATIVE_UNIT * largest)
    unit = np.where(unit > 0, unit, 1.0)
    return History(
        m=m,
        long=long,
        observed=observed,
        first=first,
        origin=origin,
        by_season=by_season,
        by_long=by_long,
        level=level,
        long_level=long_level,
        phase_mean=phase_mean,
        long_phase_mean=long_phase_mean,
        phase_level=cycle_level(phase_mean, first, m),
        deviation=_deviation(z - long_phase_mean, persistence, observed),
        persistence=persistence,
        trend=_trend(z, observed, first, m),
        unit=unit,
        spread=spread,
        size=size,
        compared=compared,
    )


def _phase_mean(z: FloatArray, observed: BoolArray, instead: FloatArray, m: int) -> FloatArray:
    """Return the mean of all values of the same phase so far, (T, n); `instead` where there is none."""
    total, count = (_accumulate_phases(x, m) for x in (z * observed, observed.astype(np.float64)))
    return np.where(count > 0, total / np.maximum(count, 1.0), instead)


def _accumulate_phases(x: FloatArray, m: int) -> FloatArray:
    """Return sums of x over this step and all that lie whole cycles before it, (T, n)."""
    T, n = x.shape
    cycles = np.zeros((-(-T // m), m * n))
    cycles.reshape(-1, n)[:T] = x
    return np.asarray(accumulate(np.add, cycles).reshape(-1, n)[:T])


def _persistence(z: FloatArray, phase_mean: FloatArray, observed: BoolArray, first: IntArray, m: int) -> FloatArray:
    """Return the autocorrelation at a step of what values differ by from the mean of their phase before, (T, n)."""
    distance = np.zeros_like(z)
    began = np.arange(len(z) - m)[:, None] >= first if len(z) > m else np.zeros((0, z.shape[1]), bool)
    distance[m:] = (z[m:] - phase_mean[:-m]) * (observed[m:] & began)
    products = np.zeros_like(z)
    products[1:] = distance[1:] * distance[:-1]
    squares = accumulate(np.add, distance * distance)
    return np.clip(accumulate(np.add, products) / np.where(squares > 0, squares, 1.0), 0.0, 1.0)


def _deviation(deviation: FloatArray, persistence: FloatArray, observed: BoolArray) -> FloatArray:
    """Return the deviation of the newest value, which fades while values are missing, (T, n); 0 before the first."""
    if observed.all():
        return deviation
    steps: IntArray = np.arange(len(observed))[:, None]
    newest = accumulate(np.maximum, np.where(observed, steps, -1))
    at = np.maximum(newest, 0)
    then, rate = (np.take_along_axis(x, at, axis=0) for x in (deviation, persistence))
    return np.where(newest >= 0, then * rate ** (steps - at), 0.0)


def _trend(z: FloatArray, observed: BoolArray, first: IntArray, m: int) -> Trend:
    """Return the lines of least squares through all values so far."""
    step = (np.arange(len(z))[:, None] - first) / m
    count = np.maximum(accumulate(np.add, observed, np.float64), 1.0)
    step_mean, mean = accumulate(np.add, step * observed) / count, accumulate(np.add, z * observed) / count
    variance = accumulate(np.add, step**2 * observed) / count - step_mean**2
    covariance = accumulate(np.add, step * z * observed) / count - step_mean * mean
    enough = count >= 2 * m
    slope = np.where(enough, covariance / np.where(enough, variance, 1.0), 0.0)
    return Trend(mean, step_mean * m, slope / m)


def _newest_change(level: FloatArray, observed: BoolArray, first: IntArray, m: int, long: int) -> FloatArray:
    """Return for missing values how the level has changed over a longer cycle at the newest value, (T, n); else 0."""
    steps: IntArray = np.arange(len(level))[:, None]
    newest = np.maximum(accumulate(np.maximum, np.where(observed, steps, -1)), 0)
    known = ~observed & (steps - long >= first) & (newest - long + 1 - first >= m)
    now, before = (np.take_along_axis(level, np.maximum(step, 0), axis=0) for step in (newest, newest - long))
    return np.where(known, now - before, 0.0)


def cycle_level(x: FloatArray, first: IntArray, m: int) -> FloatArray:
    """Return the mean of the newest m values, or of those since the first, (T, n)."""
    sums = accumulate(np.add, x)
    out = sums.copy()
    out[m:] -= sums[:-m]
    return np.asarray(out / np.clip(np.arange(1, len(x) + 1)[:, None] - first, 1, m))


def _filled(
    z: FloatArray, observed: BoolArray, m: int, instead: FloatArray | None = None, first: IntArray | None = None
) -> FloatArray:
    """Return z with the value of m steps before where it is missing; `instead` where there was none then."""
    if observed.all():
        return z
    out = z.copy()
    for start in range(0, len(z), m):
        stop = min(start + m, len(z))
        before = out[start - m : stop - m] if start else np.zeros_like(out[:stop])
        if instead is not None and first is not None:
            known = np.arange(start, stop)[:, None] - m >= first
            before = np.where(known, before, instead[start:stop])
        out[start:stop] = np.where(observed[start:stop], z[start:stop], before)
    return np.asarray(out)
