"""Series as the high-frequency network reads them, as operators: `pretrained.hf.history`, where all is explained.

Shapes: n series, T steps; numbers of steps are those of the run.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gatecast.forecasting.onnx_files.open_steps import cumulative_max, cumulative_sum, earlier, fraction
from gatecast.forecasting.onnx_files.series import numbers_along
from gatecast.forecasting.pretrained.hf.history import MIN_RELATIVE_UNIT, MIN_UNIT_SHARE, PSEUDO_CYCLES
from gatecast.nn.onnx_files import operations as op
from gatecast.nn.onnx_files.builder import Value

__all__ = ["GraphHistory", "read_history"]


class GraphHistory(NamedTuple):
    """Series of one pair of seasons, as of `history.History`, [n, T] each."""

    m: Value
    long: Value
    """Longer season; 1 where there is none."""
    has_long: Value
    """Whether there is a longer season, a tensor of one bool."""
    observed: Value
    first: Value
    """Step of the first value; T without one, [n, 1] int64."""
    origin: Value
    """[n, 1]."""
    by_season: Value
    by_long: Value
    level: Value
    long_level: Value
    phase_mean: Value
    long_phase_mean: Value
    phase_level: Value
    deviation: Value
    persistence: Value
    trend: tuple[Value, Value, Value]
    """Mean, mean of the steps, and slope."""
    unit: Value
    spread: Value
    size: Value
    compared: Value
    longest: int
    """Steps, at most."""

    def newest(self) -> Value:
        """Return the step of the newest value at each step, [n, T] int64; 0 before the first."""
        steps = fraction(numbers_along(self.level, 1))
        last = cumulative_max(op.where(self.observed, steps, -1), self.longest)
        return op.cast(op.maximum(last, 0), np.int64)


def read_history(values: Value, m: Value, long: Value, longest: int, cycles: int) -> GraphHistory:
    """Fill gaps, and compute levels and units at every step.

    Args:
        values: [n, T], NaN where missing or before a series began.
        m: Season, at most 64.
        long: Longer season; 0 for none.
        longest: Steps, at most.
        cycles: Seasons in them, at most.
    """
    has_long, long = long > 0, op.maximum(long, 1)
    observed = op.is_finite(values)
    steps = numbers_along(values, 1)
    n_steps = op.size_of(values, 1)
    first = op.where(observed, fraction(steps), fraction(n_steps))
    first = op.cast(op.reduce_min(first, 1, keepdims=True), np.int64)
    origin = op.take_along_axis(values, op.minimum(first, n_steps - 1), 1)
    origin = op.where(op.is_finite(origin), origin, 0)
    z = op.where(observed, values - origin, 0)
    by_season = _filled(z, observed, m, cycles)
    level = _cycle_level(by_season, first, m)
    by_long = _filled_long(by_season, observed, first, long, cycles)
    newest = op.cast(op.maximum(cumulative_max(op.where(observed, fraction(steps), -1), longest), 0), np.int64)
    by_long = by_long + _newest_change(level, observed, first, newest, (m, long))
    by_long = op.where(has_long, by_long, by_season)
    flags = op.cast(observed, np.float64)
    distance = op.cumsum(op.absolute(z - level) * flags, 1)
    spread = distance / op.maximum(op.cumsum(flags, 1), 1)
    compared = flags * op.cast(steps - m >= first, np.float64)
    size = op.absolute(z - earlier(by_season, m)) * compared
    weight = PSEUDO_CYCLES * fraction(m)
    unit = (op.cumsum(size, 1) + weight * spread) / (op.cumsum(compared, 1) + weight)
    largest = cumulative_max(op.where(observed, op.absolute(values), 0), longest)
    unit = op.maximum(op.maximum(unit, MIN_UNIT_SHARE * spread), MIN_RELATIVE_UNIT * largest)
    unit = op.where(unit > 0, unit, 1)
    long_level = op.where(has_long, _cycle_level(by_long, first, m), level)
    phase_mean = _phase_mean(z, flags, by_season, m, cycles)
    long_phase_mean = op.where(has_long, _phase_mean(z, flags, phase_mean, long, cycles), phase_mean)
    persistence = _persistence(z, phase_mean, compared, m)
    return GraphHistory(
        m,
        long,
        has_long,
        observed,
        first,
        origin,
        by_season,
        by_long,
        level,
        long_level,
        phase_mean,
        long_phase_mean,
        _cycle_level(phase_mean, first, m),
        _deviation(z - long_phase_mean, persistence, observed, newest),
        persistence,
        _trend(z, flags, m),
        unit,
        spread,
        size,
        compared,
        longest,
    )


def _phase_mean(z: Value, flags: Value, instead: Value, m: Value, cycles: int) -> Value:
    """Return the mean of all values of the same phase so far; `instead` where there is none."""
    total, count = (cumulative_sum(x, cycles, m) for x in (z * flags, flags))
    return op.where(count > 0, total / op.maximum(count, 1), instead)


def _persistence(z: Value, phase_mean: Value, compared: Value, m: Value) -> Value:
    """Return the autocorrelation at a step of what values differ by from the mean of their phase before."""
    distance = (z - earlier(phase_mean, m)) * compared
    squares = op.cumsum(distance * distance, 1)
    products = op.cumsum(distance * earlier(distance, 1), 1)
    return op.clip(products / op.where(squares > 0, squares, 1), 0, 1)


def _deviation(deviation: Value, persistence: Value, observed: Value, newest: Value) -> Value:
    """Return the deviation of the newest value, which fades while values are missing; 0 before the first."""
    then, rate = (op.take_along_axis(x, newest, 1) for x in (deviation, persistence))
    steps = fraction(numbers_along(deviation, 1) - newest)
    began = op.cumsum(op.cast(observed, np.float64), 1) > 0
    return op.where(began, then * op.power(rate, steps), 0)


def _trend(z: Value, flags: Value, m: Value) -> tuple[Value, Value, Value]:
    """Return the lines of least squares through all values so far: mean, mean of the steps, slope."""
    step = fraction(numbers_along(z, 1)) / fraction(m)
    count = op.maximum(op.cumsum(flags, 1), 1)
    step_mean, mean = op.cumsum(step * flags, 1) / count, op.cumsum(z * flags, 1) / count
    variance = op.cumsum(step * step * flags, 1) / count - step_mean * step_mean
    covariance = op.cumsum(step * z * flags, 1) / count - step_mean * mean
    enough = count >= 2 * fraction(m)
    slope = op.where(enough, covariance / op.where(enough, variance, 1), 0)
    return mean, step_mean * fraction(m), slope / fraction(m)


def _cycle_level(x: Value, first: Value, m: Value) -> Value:
    """Return the mean of the newest m values, or of those since the first."""
    sums = op.cumsum(x, 1)
    count = op.clip(numbers_along(x, 1) + 1 - first, 1, m)
    return (sums - earlier(sums, m)) / fraction(count)


def _filled(z: Value, observed: Value, m: Value, cycles: int) -> Value:
    """Return z with the value of m steps before where it is missing; 0 where there was none."""
    steps = fraction(numbers_along(z, 1))
    last = op.cast(cumulative_max(op.where(observed, steps, -1), cycles, m), np.int64)
    return op.where(last >= 0, op.take_along_axis(z, op.maximum(last, 0), 1), 0)


def _filled_long(by_season: Value, observed: Value, first: Value, long: Value, cycles: int) -> Value:
    """Return series with the value of a longer cycle before where it is missing; of a season before without one."""
    steps = numbers_along(by_season, 1)
    stays = observed | (steps - long < first)
    last = op.cast(cumulative_max(op.where(stays, fraction(steps), -1), cycles, long), np.int64)
    return op.take_along_axis(by_season, op.maximum(last, 0), 1)


def _newest_change(level: Value, observed: Value, first: Value, newest: Value, seasons: tuple[Value, Value]) -> Value:
    """Return for missing values how the level has changed over a longer cycle at the newest value; else 0."""
    m, long = seasons
    known = ~observed & (numbers_along(level, 1) - long >= first) & (newest - long + 1 - first >= m)
    now, before = (op.take_along_axis(level, op.maximum(step, 0), 1) for step in (newest, newest - long))
    return op.where(known, now - before, 0)
