"""Running statistics of the pretrained network as operators: `pretrained.lf.statistics`, where all is explained.

Every block of steps that shares seasonal indices has its own adjusted series: statistics are computed of all of them.

Shapes: x [B, G, T], what is observed [B, 1, T]; B series, G blocks, T steps.
"""

from __future__ import annotations

from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from gatecast.forecasting.onnx_files.lf_autoregression import graph_autoregression
from gatecast.forecasting.onnx_files.running import at_most, difference, largest_so_far, moving_mean, shifted, so_far
from gatecast.forecasting.pretrained.lf.statistics import (
    LEVEL_LENGTHS,
    MAX_PRIOR,
    MIN_LINE,
    MIN_UNIT,
    N_ANCHORS,
    PSEUDO_CHANGES,
    RECENT_CHANGES,
    ROUNDING,
    SEASONAL_LEVEL_LENGTHS,
    SLOPES,
    damped_steps,
)
from gatecast.kernels.autoregression import STATE_SIZE
from gatecast.nn.onnx_files import operations as op
from gatecast.nn.onnx_files.builder import Value

__all__ = ["GraphObserved", "GraphStatistics", "graph_statistics"]

RANK = 3


class GraphObserved(NamedTuple):
    """Which values there are, with what follows from it, [B, 1, T] each."""

    values: Value
    """0 and 1, float64."""
    so_far: Value
    """Values so far."""
    last: Value
    """Step of the newest value, 0 before the first, float64."""
    source: Value
    """The same; before the first value its step."""
    T: int

    @classmethod
    def of(cls, observed: Value, T: int) -> GraphObserved:
        """Return the counts of values."""
        flags = op.cast(observed, np.float64)
        last = largest_so_far(op.where(observed, np.arange(float(T)), -1), RANK, T)
        first = op.minimum(op.total(op.cast(last < 0, np.float64), 2, keepdims=True), T - 1)
        return cls(flags, so_far(flags), op.maximum(last, 0), op.where(last < 0, first, last), T)

    def hold(self, statistic: Value) -> Value:
        """Return a statistic with that of the newest value at missing ones."""
        return _from_steps(statistic, self.last)

    def fill(self, x: Value) -> Value:
        """Return x with that of the newest value at missing ones; before the first value with that of it."""
        return _from_steps(x, self.source)

    def gap(self) -> Value:
        """Return the steps since the newest value."""
        return np.arange(float(self.T)) - self.last


def _from_steps(x: Value, step: Value) -> Value:
    """Return what stands at some steps, [B, G, T], of steps [B, 1, T]."""
    shape = x.builder.op("Shape", x, dtype=np.int64)
    return op.take_along_axis(x, x.builder.op("Expand", op.cast(step, np.int64), shape), 2)


class GraphStatistics(NamedTuple):
    """Statistics by step, as of `statistics.Statistics`, [B, G, T] each."""

    level: Value
    unit: Value
    drift: Value
    slopes: list[Value]
    recent: Value
    mean: Value
    line: Value
    line_slope: Value
    cycle_change: Value
    errors: list[Value]
    """One step ahead and a cycle ahead, each of the simple forecasts in turn."""
    cycle_error: Value
    newest_unit: Value
    autocorrelation: Value
    autoregression: list[Value]
    """As `GraphAutoregression.flat` returns it."""

    def flat(self) -> list[Value]:
        """Return all of them in a list."""
        return [part for item in self for part in (item if isinstance(item, list) else [item])]

    @classmethod
    def from_flat(cls, parts: list[Value]) -> GraphStatistics:
        """Return statistics from such a list."""
        rest = iter(parts)
        counts = {"slopes": len(SLOPES), "errors": 2 * N_ANCHORS, "autoregression": STATE_SIZE}
        named: dict[str, Any] = {
            name: list(islice(rest, counts[name])) if name in counts else next(rest) for name in cls._fields
        }
        return cls(**named)


def graph_statistics(x: Value, observed: GraphObserved, m: int, typical_unit: float) -> GraphStatistics:
    """Compute the statistics of all steps.

    Args:
        x: [B, G, T], without gaps.
        observed: Which values there are.
        m: Season length; 1 for none.
        typical_unit: What the unit is drawn to while there are few changes.
    """
    T, o, x = observed.T, observed.values, observed.fill(x)
    changes = op.maximum(observed.so_far - 1, 1)
    change = difference(x, RANK, 1, T) * o
    total = so_far(op.absolute(change))
    prior = op.where(total > 0, op.minimum(MAX_PRIOR * total / changes, typical_unit), typical_unit)
    unit = op.maximum((total + PSEUDO_CHANGES * prior) / (changes + PSEUDO_CHANGES), MIN_UNIT)
    level = observed.hold(_level(x, o, T, SEASONAL_LEVEL_LENGTHS if m > 1 else LEVEL_LENGTHS))
    drift = observed.hold(difference(x, RANK, T, T) / at_most(T - 1, T))
    slopes = [observed.hold(difference(x, RANK, k, T) / at_most(k, T)) for k in SLOPES]
    recent = observed.hold(moving_mean(x, RANK, 2 * m if m > 1 else 8, T))
    cycle = m if m > 1 else 4
    cycle_change = difference(x, RANK, cycle, T)
    start = op.slice_of(x, RANK - 1, 0, 1)
    mean = start + so_far((x - start) * o) / op.maximum(observed.so_far, 1)
    line, line_slope = (observed.hold(part) for part in _line(x, o, level, drift, T))
    copied = x.builder.constant((np.arange(T) >= m - 1)[None, None])
    copy = x if m == 1 else op.where(copied, shifted(x, RANK, m - 1, T), level)
    forecasts = (level, drift, slopes[0], recent, mean, line, line_slope)
    autoregression, of_autoregression = graph_autoregression(x, o, observed.hold, unit, level, cycle, T)
    errors = [
        error
        for k, last, newest in zip((1, cycle), (copy, x), of_autoregression, strict=True)
        for error in [*_anchor_errors(x, observed, (*forecasts, last), k), newest]
    ]
    cycle_error = so_far(op.absolute(cycle_change) * o) / changes
    squares = so_far(change * change) + PSEUDO_CHANGES * prior * prior
    covariance = so_far(change * shifted(change, RANK, 1, T))
    newest = difference(total, RANK, RECENT_CHANGES, T) / at_most(RECENT_CHANGES, T)
    held = observed.hold(cycle_change)
    return GraphStatistics(
        level,
        unit,
        drift,
        slopes,
        recent,
        mean,
        line,
        line_slope,
        held,
        errors,
        cycle_error,
        newest,
        covariance / squares,
        autoregression.flat(),
    )


def _line(x: Value, o: Value, level: Value, drift: Value, T: int) -> tuple[Value, Value]:
    """Return what the line of least squares through the values so far is at each step, and its slope."""
    t = np.arange(float(T))
    change = x - op.slice_of(x, RANK - 1, 0, 1)
    n, sum_t, sum_tt, sum_x, sum_tx = (so_far(part) for part in (o, o * t, o * (t * t), o * change, o * t * change))
    spread, enough = n * sum_tt - sum_t * sum_t, n >= MIN_LINE
    slope = op.where(enough, (n * sum_tx - sum_t * sum_x) / op.where(enough, spread, 1), drift)
    fitted = op.slice_of(x, RANK - 1, 0, 1) + (sum_x - slope * sum_t) / op.maximum(n, 1) + slope * t
    return op.where(enough, fitted, level), slope


def _level(x: Value, o: Value, T: int, lengths: tuple[int, ...]) -> Value:
    """Return the mean of the last few values, as many as erred least one step ahead so far."""
    level, best = x, so_far(op.absolute(difference(x, RANK, 1, T)) * o)
    is_later = (np.arange(T) > 0).astype(np.float64)
    for k in lengths:
        mean = moving_mean(x, RANK, k, T)
        errors = so_far(op.absolute(x - shifted(mean, RANK, 1, T)) * (o * is_later))
        # Not as a product with 1 - ROUNDING: onnxruntime takes a factor that is 1 in float32 for 1.
        better = errors < best - ROUNDING * best
        level, best = op.where(better, mean, level), op.where(better, errors, best)
    return level


def _anchor_errors(x: Value, observed: GraphObserved, forecasts: tuple[Value, ...], k: int) -> list[Value]:
    """Return the mean absolute errors of all simple forecasts but the last k steps ahead; 0 where there is none."""
    T = observed.T
    level, drift, slope, recent, mean, line, line_slope, copy = (shifted(part, RANK, k, T) for part in forecasts)
    o = observed.values * (np.arange(T) >= k).astype(np.float64)
    n = op.maximum(so_far(o), 1)
    damped = float(damped_steps(np.float64(k)))
    simple = (level, level + k * drift, level + damped * slope, recent, mean, line + k * line_slope, copy)
    return [so_far(op.absolute(x - forecast) * o) / n for forecast in simple]
