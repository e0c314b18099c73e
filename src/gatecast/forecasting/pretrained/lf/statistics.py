"""Running statistics of series at every step: level, unit, slopes, and simple forecasts with their past errors.

Everything at a step is made from values up to that step. At a missing value, what it was at the newest value stays.

Shapes: T steps, n series; x is a seasonally adjusted series.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gatecast._utils.arrays import accumulate
from gatecast._utils.typing import BoolArray, FloatArray, IntArray
from gatecast.forecasting.pretrained.lf.autoregression import fit_autoregression

__all__ = ["DAMPING", "N_ANCHORS", "SLOPES", "Observed", "Statistics", "damped_steps", "statistics_from"]

N_ANCHORS = 8
"""Simple forecasts: level; drift; damped trend of the newest changes; mean of the last two cycles; mean of all values
so far; line of least squares through them; last cycle; autoregression."""

LEVEL_LENGTHS, SEASONAL_LEVEL_LENGTHS = (3,), (3, 6, 12)
"""Values whose mean may be the level, instead of the last value: without season, with one."""

SLOPES = (4, 8, 16)
"""Steps over which slopes are measured; the damped trend goes on from the first."""

DAMPING = 0.9
"""Share of the damped trend that a step keeps."""

PSEUDO_CHANGES = 3.0
"""Weight of the typical unit, in changes."""

MAX_PRIOR = 8.0
"""Mean changes so far that the typical unit counts as, at most: series of small changes at a high level have theirs."""

MIN_UNIT = 1e-12
"""The smallest unit: smaller changes are of rounding."""

MIN_TOLD_UNIT = 1e-3
"""The smallest unit that the network learns of, as it was trained with none below a tenth of a percent."""

ROUNDING = 1e-9
"""Share by which an error has to be less than another one: what two means of equal values err differs by rounding."""

MIN_LINE = 4
"""Values, at least, that a line is fitted to; before there is the drift from the level."""

RECENT_CHANGES = 8
"""Changes that say how large the newest are."""


class Observed(NamedTuple):
    """Which values there are, with what follows from it."""

    values: FloatArray
    """(T, n) of 0 and 1."""
    so_far: FloatArray
    """(T, n): values so far."""
    last: IntArray | None
    """(T, n): step of the newest value, -1 before the first; None: nothing is missing."""

    @classmethod
    def of(cls, observed: BoolArray) -> Observed:
        """Return the counts of values.

        Args:
            observed: (T, n).
        """
        values = observed.astype(np.float64)
        steps: IntArray = np.arange(len(values))[:, None]
        last = None if observed.all() else accumulate(np.maximum, np.where(observed, steps, -1))
        return cls(values, accumulate(np.add, values), last)

    def columns(self, stop: int, columns: IntArray) -> Observed:
        """Return the first steps of some series."""
        last = None if self.last is None else self.last[:stop, columns]
        return Observed(self.values[:stop, columns], self.so_far[:stop, columns], last)

    def hold(self, statistic: FloatArray) -> FloatArray:
        """Return a statistic (T, n) with that of the newest value at missing ones."""
        return statistic if self.last is None else np.take_along_axis(statistic, np.maximum(self.last, 0), axis=0)

    def fill(self, x: FloatArray) -> FloatArray:
        """Return x (T, n) with that of the newest value at missing ones; before the first value with that of it."""
        if self.last is None:
            return x
        first = np.minimum((self.last < 0).sum(axis=0), len(x) - 1)
        return np.take_along_axis(x, np.where(self.last < 0, first, self.last), axis=0)

    def newest(self) -> IntArray:
        """Return the step of the newest value, 0 before the first, (T, n)."""
        steps = np.arange(len(self.values))[:, None]
        return np.broadcast_to(steps, self.values.shape) if self.last is None else np.maximum(self.last, 0)

    def gap(self) -> FloatArray:
        """Return the steps since the newest value, (T, n)."""
        if self.last is None:
            return np.zeros_like(self.values)
        return np.asarray(np.arange(float(len(self.values)))[:, None] - self.newest())


class Statistics(NamedTuple):
    """Statistics by step, (steps, n) each; differences in the scale of x."""

    level: FloatArray
    """The mean of the last 1, 3 or more values: whichever forecast the series best so far."""
    unit: FloatArray
    """Mean absolute change so far."""
    drift: FloatArray
    """Mean change so far."""
    slopes: FloatArray
    """(len(SLOPES), steps, n): mean change over the last steps."""
    recent: FloatArray
    """Mean of the last two cycles, or eight values."""
    mean: FloatArray
    """Mean so far."""
    line: FloatArray
    """What the line of least squares through the values so far is at the newest one."""
    line_slope: FloatArray
    """Its slope."""
    cycle_change: FloatArray
    """Change over a cycle."""
    errors: FloatArray
    """(2, N_ANCHORS, steps, n): mean absolute errors so far, one step ahead and a cycle (or four steps) ahead."""
    cycle_error: FloatArray
    """Mean absolute change over a cycle so far."""
    newest_unit: FloatArray
    """Mean absolute change of the newest steps."""
    autocorrelation: FloatArray
    """Lag-one autocorrelation of the changes so far."""
    autoregression: FloatArray
    """(S, steps, n): the autoregression of the values so far, in units and relative to the level."""
    autoregression_points: FloatArray
    """(len(HORIZONS), steps, n): its forecasts, likewise."""


def damped_steps(steps: FloatArray) -> FloatArray:
    """Return ``DAMPING + ... + DAMPING^j`` for j steps.

    >>> damped_steps(np.array([1.0, 2.0])).round(2).tolist()
    [0.9, 1.71]
    """
    return DAMPING * (1 - DAMPING**steps) / (1 - DAMPING)


def statistics_from(x: FloatArray, observed: Observed, m: int, typical_unit: float, first: int = 0) -> Statistics:
    """Compute the statistics of all steps from `first` on.

    Args:
        x: (T, n), without gaps.
        observed: Of the same shape.
        m: Season length; 1 for none.
        typical_unit: What the unit is drawn to while there are few changes, unless these are far smaller.
        first: First step of the results.

    Example:
        >>> x = np.arange(10.0)[:, None]
        >>> s = statistics_from(x, Observed.of(np.ones((10, 1), bool)), 1, typical_unit=1.0)
        >>> s.unit[-1].tolist(), s.drift[-1].tolist(), s.slopes[:, -1, 0].tolist()
        ([1.0], [1.0], [1.0, 1.0, 1.0])
    """
    # Between values the season goes on, and what was filled in for a missing one is not adjusted to its phase.
    x = observed.fill(x)
    o, changes = observed.values, np.maximum(observed.so_far - 1, 1.0)
    change = _difference(x, 1) * o
    size = np.abs(change)
    total = accumulate(np.add, size)
    prior = np.where(total > 0, np.minimum(MAX_PRIOR * total / changes, typical_unit), typical_unit)
    unit = np.maximum((total + PSEUDO_CHANGES * prior) / (changes + PSEUDO_CHANGES), MIN_UNIT)
    level = observed.hold(_level(x, o, SEASONAL_LEVEL_LENGTHS if m > 1 else LEVEL_LENGTHS))
    drift = observed.hold(_difference(x, len(x)) / _at_most(len(x) - 1, x))
    slopes = np.stack([observed.hold(_difference(x, k) / _at_most(k, x)) for k in SLOPES])
    recent = observed.hold(_moving_mean(x, 2 * m if m > 1 else 8))
    cycle = m if m > 1 else 4
    cycle_change = _difference(x, cycle)
    # Relative to the first value: before it there is no mean, and the unit of a series does not matter.
    mean = x[:1] + accumulate(np.add, (x - x[:1]) * o) / np.maximum(observed.so_far, 1.0)
    line, line_slope = (observed.hold(part) for part in _line(x, o, level, drift))
    # One step ahead the last cycle is the value after that of a cycle ago, a cycle ahead it is the newest value.
    copy = level.copy()
    copy[m - 1 :] = x[: max(len(x) - m + 1, 0)]
    forecasts = (level, drift, slopes[0], recent, mean, line, line_slope)
    fits = fit_autoregression(x, o, unit, level, cycle, first)
    errors = np.empty((2, N_ANCHORS, len(x) - first, x.shape[1]))
    for k, last, out in ((1, copy, errors[0]), (cycle, x, errors[1])):
        out[:-1] = _anchor_errors(x, observed, (*forecasts, last), k, first)
    errors[:, -1] = fits.errors
    cycle_error = accumulate(np.add, np.abs(cycle_change) * o)[first:] / changes[first:]
    squares = accumulate(np.add, change * change)[first:] + PSEUDO_CHANGES * prior[first:] ** 2
    products = change[1:] * change[:-1]
    covariance = accumulate(np.add, np.concatenate([np.zeros_like(x[:1]), products]))[first:]
    newest = (_difference(total, RECENT_CHANGES) / _at_most(RECENT_CHANGES, x))[first:]
    return Statistics(
        level[first:],
        unit[first:],
        drift[first:],
        slopes[:, first:],
        recent[first:],
        mean[first:],
        line[first:],
        line_slope[first:],
        observed.hold(cycle_change)[first:],
        errors,
        cycle_error,
        newest,
        covariance / squares,
        fits.state,
        fits.points,
    )


def _difference(x: FloatArray, k: int) -> FloatArray:
    """Return the change over the last k steps, or since the beginning."""
    out = np.empty_like(x)
    out[:k] = x[:k] - x[:1]
    out[k:] = x[k:] - x[:-k]
    return out


def _at_most(k: int, x: FloatArray) -> FloatArray:
    """Return the steps since the beginning, from 1 to k, (T, 1)."""
    return np.clip(np.arange(len(x), dtype=np.float64), 1, max(k, 1))[:, None]


def _moving_mean(x: FloatArray, k: int) -> FloatArray:
    """Return the mean of the last k values, or of all so far."""
    sums = accumulate(np.add, x)
    out = sums.copy()
    out[k:] -= sums[:-k]
    return np.asarray(out / np.clip(np.arange(1.0, len(x) + 1), 1, k)[:, None])


def _line(x: FloatArray, o: FloatArray, level: FloatArray, drift: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return what the line of least squares through the values so far is at each step, and its slope."""
    t = np.arange(float(len(x)))[:, None]
    start = x[:1]
    n, sum_t, sum_tt, sum_x, sum_tx = (
        accumulate(np.add, part) for part in (o, o * t, o * t * t, o * (x - start), o * t * (x - start))
    )
    spread, enough = n * sum_tt - sum_t * sum_t, n >= MIN_LINE
    slope = np.where(enough, (n * sum_tx - sum_t * sum_x) / np.where(enough, spread, 1.0), drift)
    fitted = start + (sum_x - slope * sum_t) / np.maximum(n, 1.0) + slope * t
    return np.where(enough, fitted, level), slope


def _level(x: FloatArray, o: FloatArray, lengths: tuple[int, ...]) -> FloatArray:
    """Return the mean of the last few values, as many as erred least one step ahead so far."""
    level, best = x, accumulate(np.add, np.abs(_difference(x, 1)) * o)
    for k in lengths:
        mean = _moving_mean(x, k)
        miss = np.zeros_like(x)
        miss[1:] = np.abs(x[1:] - mean[:-1]) * o[1:]
        errors = accumulate(np.add, miss)
        better = errors < best - ROUNDING * best
        level, best = np.where(better, mean, level), np.where(better, errors, best)
    return level


def _anchor_errors(
    x: FloatArray, observed: Observed, forecasts: tuple[FloatArray, ...], k: int, first: int
) -> FloatArray:
    """Return the mean absolute errors of all simple forecasts but the last k steps ahead, (N_ANCHORS - 1, steps, n).

    Args:
        x: The series.
        observed: What there is of it.
        forecasts: At every step: level, drift, newest slope, recent mean, mean, line and its slope, last cycle.
        k: Steps ahead.
        first: First step of the results.
    """
    errors = np.zeros((N_ANCHORS - 1, len(x) - first, x.shape[1]))
    if len(x) > k:
        level, drift, slope, recent, mean, line, line_slope, copy = (forecast[:-k] for forecast in forecasts)
        target, o = x[k:], observed.values[k:]
        count = np.maximum(accumulate(np.add, o), 1.0)[max(first - k, 0) :]
        damped = float(damped_steps(np.float64(k)))
        trends = (level + k * drift, level + damped * slope)
        simple = np.stack([level, *trends, recent, mean, line + k * line_slope, copy], axis=1)
        total = accumulate(np.add, np.abs(target[:, None] - simple) * o[:, None])[max(first - k, 0) :]
        errors[:, max(k - first, 0) :] = (total / count[:, None]).transpose(1, 0, 2)
    return errors
