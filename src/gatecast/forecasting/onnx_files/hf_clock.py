"""The clock of the high-frequency network as operators: `pretrained.hf.clock` and `hf.detail`, where all is explained.

Seasons are numbers of the run: a series chooses its own. Steps that are averages of one step stay as they are.

Shapes: n series, T columns, B averaged steps, h steps, Q levels.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from gatecast.forecasting.onnx_files.open_steps import fraction, numbers_below
from gatecast.forecasting.pretrained.head import LEVELS
from gatecast.forecasting.pretrained.hf.clock import EDGE, MAX_STEPS, MAX_TOKENS, TOKENS
from gatecast.forecasting.pretrained.hf.copies import N_CYCLES
from gatecast.nn.onnx_files import operations as op
from gatecast.nn.onnx_files.builder import Value

__all__ = ["GraphClock", "add_detail", "average_steps", "spread_steps"]

MIDDLE = len(LEVELS) // 2


class GraphClock(NamedTuple):
    """How the steps of series become tokens; numbers of the run."""

    season: Value
    """In steps."""
    r: Value
    """Steps that are averaged to one, float64."""
    m: Value
    long: Value
    """Seasons, in averaged steps."""
    p: Value
    """Averaged steps of a token."""

    @classmethod
    def of(cls, season: Value, long: Value) -> GraphClock:
        """Return the clock of series with these seasons."""
        r = op.maximum(fraction(season) / MAX_STEPS, 1)
        m, long_rounded = _rounded(fraction(season) / r), _rounded(fraction(long) / r)
        return cls(season, r, m, long_rounded, op.maximum(_rounded(fraction(m) / TOKENS), 1))

    @property
    def history_length(self) -> Value:
        """Averaged steps before the first token that copies reach back to."""
        return N_CYCLES * op.maximum(self.m, self.long)

    @property
    def n_averages(self) -> Value:
        """Averaged steps that are read."""
        return MAX_TOKENS * self.p + self.history_length

    def newest(self, values: Value) -> Value:
        """Return the values that are read, [n, T]."""
        return op.slice_of(values, 1, -_upward(fraction(self.n_averages) * self.r))


def _rounded(x: Value) -> Value:
    """Return the nearest whole number, the even one of two."""
    return op.cast(x.builder.op("Round", x), np.int64)


def _upward(x: Value) -> Value:
    """Return the smallest whole number that is not below x."""
    return op.cast(x.builder.op("Ceil", x), np.int64)


def average_steps(values: Value, r: Value, n_bins: Value) -> Value:
    """Average r steps to one, the newest first; a part of a step counts as its part.

    Args:
        values: Aligned at their ends, [n, T]; NaN is missing.
        r: Steps that become one, at least 1.
        n_bins: Newest bins, at most.

    Returns:
        [n, B]; NaN where no value is.
    """
    n_steps = op.size_of(values, 1)
    T = fraction(n_steps)
    B = op.minimum(n_bins, _upward(T / r))
    edges = op.maximum(T - r * fraction(op.flip(numbers_below(B + 1), 0)), 0)
    left, right = op.slice_of(edges, 0, 0, -1), op.slice_of(edges, 0, 1)
    first = op.cast(edges.builder.op("Floor", left + EDGE), np.int64)
    count = op.expand_dims(op.maximum(_upward(right - EDGE) - first, 1), 1)
    place = numbers_below(_upward(r) + 1)
    step = op.minimum(op.expand_dims(first, 1) + place, n_steps - 1)
    begin, end = (op.expand_dims(edge, 1) for edge in (left, right))
    covered = op.minimum(fraction(step) + 1, end) - op.maximum(fraction(step), begin)
    share = op.where(place < count, op.maximum(covered, EDGE), 0)
    known = op.is_finite(values)
    total = op.total(op.take(op.where(known, values, 0), step, 1) * share, 2)
    weight = op.total(op.take(op.cast(known, np.float64), step, 1) * share, 2)
    return op.where(weight > 0, total / weight, np.nan)


def spread_steps(forecasts: Value, r: Value, h: Value) -> Value:
    """Interpolate forecasts of coarse steps to h steps, linearly between the middles, [n, h, Q].

    Args:
        forecasts: [n, B, Q], of bins of r steps.
        r: Steps of a bin.
        h: Steps, at most ``r B``.
    """
    last = op.size_of(forecasts, 1) - 1
    place = op.clip((fraction(numbers_below(h)) + 0.5) / r - 0.5, 0, fraction(last))
    left = op.minimum(op.cast(place, np.int64), op.maximum(last - 1, 0))
    right = op.minimum(left + 1, last)
    share = op.expand_dims(place - fraction(left), 1)
    return (1 - share) * op.take(forecasts, left, 1) + share * op.take(forecasts, right, 1)


def add_detail(quantiles: Value, values: Value, averages: Value, clock: GraphClock) -> Value:
    """Return the quantiles of values from those of averages, [n, h, Q]: course and scatter within averages added.

    Args:
        quantiles: [n, h, Q].
        values: Aligned at their ends, [n, T], of two cycles at least.
        averages: Of them, [n, B].
        clock: Says how many steps are averaged.
    """
    r, m = clock.r, clock.season
    n_steps = N_CYCLES * m
    newest, bins = _padded(values, n_steps), _padded(averages, _upward(fraction(n_steps) / r) + 1)
    line = op.squeeze(op.flip(spread_steps(op.expand_dims(op.flip(bins, 1), 2), r, n_steps), 1), 2)
    cycles = op.concatenate([op.size_of(values, 0), values.builder.constant(np.array([N_CYCLES])), m], 0)
    error = op.reshape(newest - line, cycles)
    known = op.is_finite(error)
    flags, error = op.cast(known, np.float64), op.where(known, error, 0)
    count = op.total(flags, 1)
    course = op.total(error, 1) / op.maximum(count, 1)
    rest = (error - op.expand_dims(course, 1)) * flags
    degrees = op.maximum(op.total(op.maximum(count - 1, 0), 1), 1)
    variance = op.total(op.total(rest * rest, 2), 1) / degrees
    chance = variance / op.maximum(op.reduce_mean(count, 1), 1)
    spread = op.reduce_mean(course * course, 1)
    keep = op.maximum(spread - chance, 0) / op.where(spread > 0, spread, 1)
    keep = op.where(op.reduce_max(count, 1) > 1, keep, 0)
    place = quantiles.builder.op("Mod", numbers_below(op.size_of(quantiles, 1)), m)
    course_after = op.take(course * op.expand_dims(keep, 1), place, 1)
    middle = op.slice_of(quantiles, 2, MIDDLE, MIDDLE + 1)
    z = np.array([NormalDist().inv_cdf(level) for level in LEVELS])
    scatter = op.expand_dims(op.expand_dims(op.sqrt(variance), 1), 2)
    size = _hypotenuse(quantiles - middle, np.abs(z) * scatter)
    detailed = middle + op.expand_dims(course_after, 2) + np.sign(z) * size
    return op.where(r > 1, detailed, quantiles)


def _padded(x: Value, n_columns: Value) -> Value:
    """Return the newest columns of x, NaN where it has no more, [n, n_columns]."""
    T = op.size_of(x, 1)
    column = numbers_below(n_columns) + (T - n_columns)
    return op.where(column >= 0, op.take(x, op.maximum(column, 0), 1), np.nan)


def _hypotenuse(a: Value, b: Value) -> Value:
    """Return the root of the sum of squares; neither is squared by itself, so that large numbers stay finite."""
    a = op.absolute(a)
    largest = op.maximum(a, b)
    ratio = op.minimum(a, b) / op.where(largest > 0, largest, 1)
    return largest * op.sqrt(1 + ratio * ratio)
