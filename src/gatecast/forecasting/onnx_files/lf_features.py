"""What the pretrained network of low frequency reads, as operators: `pretrained.lf`, where all is explained.

Shapes: B series, T steps, G blocks of steps that share their seasonal indices, m season length. A series begins at
step 0; what lies behind its end is missing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gatecast._utils.typing import IntArray
from gatecast.forecasting.onnx_files.lf_autoregression import GraphAutoregression
from gatecast.forecasting.onnx_files.lf_statistics import GraphObserved, GraphStatistics, graph_statistics
from gatecast.forecasting.onnx_files.open_steps import soft
from gatecast.forecasting.onnx_files.running import largest_so_far, so_far
from gatecast.forecasting.onnx_files.series import row_median
from gatecast.forecasting.pretrained.lf import scaling, seasons
from gatecast.forecasting.pretrained.lf.features import OTHER_TYPICAL_UNIT, TYPICAL_UNITS, WINDOW
from gatecast.forecasting.pretrained.lf.statistics import MIN_TOLD_UNIT, SLOPES
from gatecast.nn.onnx_files import operations as op
from gatecast.nn.onnx_files.builder import Value

__all__ = ["GraphFeatures", "GraphScale", "GraphScaled", "graph_features"]


class GraphScaled(NamedTuple):
    """Series on the scale of the network, [B, T] each."""

    z: Value
    observed: Value
    at_floor: Value
    floor: Value
    """The place of zeros; 0 where there is none."""
    is_mostly_zero: Value
    is_count: Value


class GraphScale(NamedTuple):
    """How values become numbers of the network, and back."""

    negative: Value
    """[B, 1] bool."""
    size: Value
    """[B, 1]."""

    @classmethod
    def of(cls, values: Value, T: int) -> GraphScale:
        """Return the scale of series, [B, T]."""
        negative = op.reduce_max(op.cast(values < 0, np.float64), 1, keepdims=True) > 0
        size = op.absolute(values)
        median = row_median(op.where(size > 0, size, np.nan))
        return cls(negative, op.where(negative, median, 1))

    def transform(self, values: Value, T: int) -> GraphScaled:
        """Return series on the scale of the network."""
        seen = op.is_finite(values)
        y = op.where(seen, values, 0)
        positive = y > 0
        smallest = -largest_so_far(op.where(positive, -y, -np.inf), 2, T)
        at_floor = seen & ~positive & ~self.negative
        count = op.maximum(so_far(op.cast(seen, np.float64)), 1)
        floor = op.maximum(0.5 * smallest, scaling.MIN_SHARE * (so_far(y) / count))
        floor = op.maximum(floor, scaling.MIN_FLOOR)
        n_zeros = so_far(op.cast(at_floor, np.float64))
        n_broken = so_far(op.cast(~y.equals(y.builder.op("Round", y)), np.float64))
        has_zeros = n_zeros > 0
        is_mostly_zero = 2 * n_zeros > so_far(op.cast(seen, np.float64))
        observed = seen & (op.is_finite(smallest) | self.negative)
        logarithm = op.log(op.where(observed & ~self.negative, op.where(at_floor, floor, y), 1))
        ratio = op.maximum(op.minimum(y / self.size, scaling.MAX_RATIO), -scaling.MAX_RATIO)
        z = op.where(self.negative, op.arcsinh(ratio), logarithm)
        return GraphScaled(
            _fill_forward(z, observed, T),
            observed,
            at_floor & observed,
            op.where(has_zeros, floor, 0),
            is_mostly_zero,
            has_zeros & n_broken.equals(0),
        )

    def inverse(self, z: Value) -> Value:
        """Return values in the unit of the series, [B, h, Q]."""
        limit = scaling.MAX_EXPONENT
        negative, size = (op.expand_dims(part, 2) for part in self)
        hyperbolic = op.sinh(op.clip(z, -scaling.MAX_ASINH, scaling.MAX_ASINH)) * size
        return op.where(negative, hyperbolic, op.exp(op.clip(z, -limit, limit)))


def _fill_forward(z: Value, observed: Value, T: int) -> Value:
    """Return z with missing values replaced by the one before; before the first by that one; 0 without values."""
    steps = np.arange(float(T))[None]
    last = largest_so_far(op.where(observed, steps, -1), 2, T)
    first = op.reduce_min(op.where(observed, steps, np.inf), 1, keepdims=True)
    has_any = first < np.inf
    place = op.cast(op.where(last < 0, op.where(has_any, first, 0), last), np.int64)
    return op.where(has_any, op.take_along_axis(z, place, 1), 0)


class GraphIndices(NamedTuple):
    """Seasonal indices by block of steps."""

    values: Value
    """[B, G m]."""
    strength: Value
    """[B, G]."""
    starts: IntArray
    m: int

    def block(self, step: IntArray) -> IntArray:
        """Return the blocks of steps."""
        return np.asarray(np.searchsorted(self.starts, step, side="right") - 1)

    def places(self, step: IntArray, target: IntArray) -> IntArray:
        """Return where `values` has the indices of some steps, as they are known at others."""
        return self.block(step) * self.m + target % self.m


def _seasonal_indices(z: Value, n_values: Value, T: int, m: int) -> GraphIndices:
    """Estimate the indices at the beginning of cycles."""
    cycles = (T - 1) // m
    starts = seasons.starts_of_blocks(cycles, m) if m > 1 else np.zeros(1, np.int64)
    none = op.full(z, [1, m])
    if len(starts) == 1:
        return GraphIndices(op.reshape(none, (0, m)), op.full(z, [1]), starts, m)
    half, shape = m // 2, (0, cycles - 1, m)
    known = op.cast(op.slice_of(n_values, 1, 2 * half) > op.slice_of(n_values, 1, half, T - half), np.float64)
    rest, known = (
        op.reshape(op.slice_of(part, 1, 0, (cycles - 1) * m), shape) for part in (_detrended(z, T, m), known)
    )
    past = starts[1:] // m - 2
    sums = (op.cumsum(part, 1) for part in (rest * known, rest * rest * known, known))
    total, squares, count = (op.take(part, past, 1) for part in sums)
    mean, is_known = total / op.maximum(count, 1), op.cast(count > 0, np.float64)
    n_known = op.maximum(op.total(is_known, 2), 1)
    indices = (mean - op.expand_dims(op.total(mean, 2) / n_known, 2)) * is_known
    n_cycles = op.maximum(op.total(count, 2) / n_known, 1)
    degrees = op.maximum(op.total(count - is_known, 2), 1)
    within = op.maximum((op.total(squares, 2) - op.total(total * mean, 2)) / degrees, 0)
    has_few = n_cycles < seasons.MIN_CYCLES
    V = op.where(has_few, _first_noise(z, n_values, m), within) / n_cycles + seasons.MIN_VARIANCE
    spread = op.total(indices * indices, 2) / op.maximum(n_known - 1, 1)
    more = seasons.TEST_WIDTH * (1 + 1 / op.maximum(n_cycles - 1, 0.5))
    width = op.where(has_few, seasons.TEST_WIDTH_TWO_CYCLES, more)
    shown = spread > (1 + width * float(np.sqrt(2 / (m - 1)))) * V
    W = max(m - 3, 1) / max(m - 1, 3) * V / op.maximum(spread, V)
    keep = op.where(shown, 1 - W, 0)
    # The first value of what the moving average leaves is at step m // 2.
    rolled = op.take(indices * op.expand_dims(keep, 2), np.roll(np.arange(m), m // 2), 2)
    values = op.reshape(op.concatenate([none, rolled], 1), (0, len(starts) * m))
    return GraphIndices(values, op.concatenate([op.full(z, [1]), keep], 1), starts, m)


def _detrended(z: Value, T: int, m: int) -> Value:
    """Return z less its centred moving average, from step m // 2 on."""
    half = m // 2
    sums = op.pad(so_far(z), 2, 1, 1, 0)
    mean = (op.slice_of(sums, 1, m) - op.slice_of(sums, 1, 0, -m)) / m
    if m % 2 == 0:
        mean = 0.5 * (op.slice_of(mean, 1, 1) + op.slice_of(mean, 1, 0, -1))
    return op.slice_of(z, 1, half, T - half) - mean


def _first_noise(z: Value, n_values: Value, m: int) -> Value:
    """Return the variance within a phase of the first two cycles, [B, 1]; very large where less than half is known."""
    half = m // 2
    follows = op.slice_of(n_values, 1, m, 2 * m) > op.slice_of(n_values, 1, half, half + m)
    known = op.cast((op.slice_of(n_values, 1, 0, m) > 0) & follows, np.float64)
    count = op.total(known, 1, keepdims=True)
    change = (op.slice_of(z, 1, m, 2 * m) - op.slice_of(z, 1, 0, m)) * known
    change = (change - op.total(change, 1, keepdims=True) / op.maximum(count, 1)) * known
    variance = op.total(change * change, 1, keepdims=True) / (2 * op.maximum(count - 1, 1))
    return op.where(2 * count > m, variance, seasons.UNKNOWN_NOISE)


class GraphFeatures(NamedTuple):
    """Inputs of the network, and what turns its outputs into forecasts, [B, T] each."""

    inputs: Value
    """[B, T, N_INPUTS] float32."""
    level: Value
    unit: Value
    drift: Value
    slope: Value
    recent: Value
    mean: Value
    line: Value
    line_slope: Value
    autoregression: GraphAutoregression
    offset: Value
    z: Value
    last: Value
    """Step of the newest value, float64."""
    indices: GraphIndices


def graph_features(series: GraphScaled, T: int, m: int) -> GraphFeatures:
    """Compute the features of series with one season length at all steps.

    Args:
        series: On the scale of the network.
        T: Steps.
        m: Season length; 1 for none.
    """
    steps = np.arange(T)
    observed = GraphObserved.of(op.expand_dims(series.observed, 1), T)
    indices = _seasonal_indices(series.z, op.squeeze(observed.so_far, 1), T, m)
    typical = TYPICAL_UNITS.get(m, OTHER_TYPICAL_UNIT)
    G, block = len(indices.starts), indices.block(steps)
    by_block = op.take(op.reshape(indices.values, (0, G, m)), steps % m, 2)
    adjusted = graph_statistics(op.expand_dims(series.z, 1) - by_block, observed, m, typical)
    # At each step, the statistics of the series as it is adjusted there.
    chosen = block * T + steps
    s = GraphStatistics.from_flat([op.take(op.reshape(part, (0, G * T)), chosen, 1) for part in adjusted.flat()])
    n_zeros = so_far(op.cast(series.at_floor, np.float64))
    n = so_far(op.cast(series.observed, np.float64))
    strength = op.take(indices.strength, block, 1)
    at_floor = (2 * n_zeros > n) & strength.equals(0)
    level = op.where(at_floor, op.log(op.where(at_floor, series.floor, 1)), s.level)
    offset = (s.level - level) / s.unit
    s = s._replace(level=level)
    autoregression = GraphAutoregression.from_flat(s.autoregression)
    points = [part + offset for part in autoregression.horizons()]
    inputs = _inputs(series, observed, indices, s, points, n_zeros, typical, T, m)
    per_unit = 1 / s.unit
    recent, mean, line = ((part - s.level) * per_unit for part in (s.recent, s.mean, s.line))
    drift, slope, line_slope = (part * per_unit for part in (s.drift, s.slopes[0], s.line_slope))
    last = op.squeeze(observed.last, 1)
    return GraphFeatures(
        inputs,
        s.level,
        s.unit,
        drift,
        slope,
        recent,
        mean,
        line,
        line_slope,
        autoregression,
        offset,
        series.z,
        last,
        indices,
    )


def _inputs(
    series: GraphScaled,
    observed: GraphObserved,
    indices: GraphIndices,
    s: GraphStatistics,
    points: list[Value],
    n_zeros: Value,
    typical_unit: float,
    T: int,
    m: int,
) -> Value:
    """Return what the network reads, [B, T, N_INPUTS] float32."""
    steps = np.arange(T)
    lagged = steps[:, None] - np.arange(WINDOW - 1, -1, -1)
    inside, place = lagged >= 0, np.maximum(lagged, 0)
    index = op.take(indices.values, indices.places(np.repeat(steps[:, None], WINDOW, 1), lagged), 1)
    value = op.take(series.z, place, 1) - index - op.expand_dims(s.level, 2)
    known = op.take(op.cast(series.observed, np.float64), place, 1) * inside.astype(np.float64)
    per_unit = 1 / s.unit
    window = soft(value * op.expand_dims(per_unit, 2)) * known
    n_observed, gap = op.squeeze(observed.so_far, 1), op.squeeze(observed.gap(), 1)
    count = op.maximum(n_observed, 1)
    size = op.reduce_mean(op.absolute(op.reshape(indices.values, (0, len(indices.starts), m))), 2)
    block = indices.block(steps)
    zeros = 0 * count
    angle = 2 * np.pi * (steps % m) / m
    waves = [wave(k * angle) if m > 1 else np.zeros(T) for k in (1, 2) for wave in (np.sin, np.cos)]
    others = [
        *(slope * per_unit * k**0.5 for slope, k in zip(s.slopes, SLOPES, strict=True)),
        s.drift * per_unit * 4,
        soft(s.cycle_change * per_unit),
        *(soft(error * per_unit) for error in s.errors),
        op.log(count) / 3,
        zeros + float(np.log2(m) / 6),
        n_observed / (steps + 1.0),
        op.take(indices.strength, block, 1),
        0.5 * op.log(op.maximum(s.unit, MIN_TOLD_UNIT) / typical_unit),
        *(zeros + wave for wave in waves),
        op.log(1 + gap) / 3,
        s.newest_unit * per_unit,
        s.autocorrelation,
        n_zeros / count,
        soft(op.take(size, block, 1) * per_unit),
        soft(s.cycle_error * per_unit),
        soft((s.mean - s.level) * per_unit),
        soft((s.line - s.level) * per_unit),
        s.line_slope * per_unit * 4,
        *(soft(forecast) for forecast in points),
    ]
    return op.cast(op.concatenate([window, *(op.expand_dims(part, 2) for part in others)], 2), np.float32)
