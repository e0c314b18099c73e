"""What a SegRNN reads and is trained on: windows of a series, cut into segments, less their level.

Shapes: n_series rows, T columns of the past, B windows, N segments of the look-back and K of the horizon, P steps in a
segment; a segment of the horizon has P' = min(P, horizon) steps.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gatecast._utils.typing import Float32Array, FloatArray, IntArray
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.scaling import SeriesScaler, forward_fill
from gatecast.nn.random import generator

if TYPE_CHECKING:
    from gatecast.forecasting.segrnn.model import SegRNNConfig

__all__ = [
    "ScaledSeries",
    "TrainingWindows",
    "decoded_shape",
    "n_read",
    "read_windows",
    "scale_series",
    "training_windows",
    "window_inputs",
]

MIN_SCALE = 1e-3
"""Smallest scale of a series, which is transformed by then: so a constant is no division by zero."""

CLIP = 20.0
"""Scales from the level at which inputs are clipped; targets at twice as many."""

MIN_TRAINED = 2
"""Values before an origin of training, at least, where a series is shorter than the look-back."""


class ScaledSeries(NamedTuple):
    """Series as a network reads them, aligned at their ends."""

    z: Float32Array
    """Transformed values less the newest one, in units of `scale`, without gaps, [n_series, T]."""
    observed: Float32Array
    """1 where a value is observed, else 0, [n_series, T]."""
    scale: FloatArray
    """Mean standard deviation within a look-back, [n_series]."""
    last: FloatArray
    """Newest value, which is subtracted, [n_series]."""
    first: IntArray
    """Column at which a series begins, [n_series]."""
    scaler: SeriesScaler
    """Transform of the values."""


class TrainingWindows(NamedTuple):
    """Windows with what follows them."""

    x: Float32Array
    """Segments that are read, half of the windows mirrored, [B, N, P]."""
    y: Float32Array
    """What follows, less the level, [B, K, P']."""
    weight: Float32Array
    """1 where a value is known, else 0, [B, K, P']."""


def decoded_shape(horizon: int, segment_length: int) -> tuple[int, int]:
    """Return the segments of the horizon K, and the steps of each P'.

    Example:
        >>> decoded_shape(100, 24), decoded_shape(7, 24)
        ((5, 24), (1, 7))
    """
    return -(-horizon // segment_length), min(segment_length, horizon)


def n_read(config: SegRNNConfig) -> int:
    """Return how many values a network reads: full segments."""
    return -(-config.input_size // config.segment_length) * config.segment_length


def scale_series(context: PanelContext, config: SegRNNConfig) -> ScaledSeries:
    """Scale series: transform them, fill gaps with the last value before them, count from the newest one in scales.

    The transform is that of `SeriesScaler`: the logarithm, or asinh where values are not above 0, and the season is
    removed where a series shows it.

    Args:
        context: Series; NaN is missing.
        config: Of the network: its season and look-back.
    """
    key = ("segments", config.season_length, config.input_size)
    return context.derive(key, lambda: _scale_series(context, config))


def _scale_series(context: PanelContext, config: SegRNNConfig) -> ScaledSeries:
    """`scale_series`, computed."""
    scaler = context.scaler(config.season_length)
    z = scaler.transform(context.values)
    observed = np.isfinite(z)
    filled = forward_fill(z)
    scale = _deviation(z, config.input_size) + MIN_SCALE
    last = filled[:, -1].copy()
    scaled = (filled - last[:, None]) / scale[:, None]
    first = observed.argmax(axis=1)
    return ScaledSeries(scaled.astype(np.float32), observed.astype(np.float32), scale, last, first, scaler)


def _deviation(z: FloatArray, span: int) -> FloatArray:
    """Return the standard deviation of each row within spans, counted from the end, on average; 0 without values.

    A trend over years is no deviation.

    Example:
        >>> _deviation(np.array([[9.0, 1.0, 3.0, 1.0, 3.0]]), 2).tolist()
        [0.8]
    """
    n_series, T = z.shape
    span = min(span, T)
    spans = np.pad(z, ((0, 0), (-T % span, 0)), constant_values=np.nan).reshape(n_series, -1, span)
    known = np.isfinite(spans)
    n = known.sum(axis=2)
    mean = np.where(known, spans, 0.0).sum(axis=2) / np.maximum(n, 1)
    squares = np.where(known, spans - mean[:, :, None], 0.0) ** 2
    deviations = np.sqrt(squares.sum(axis=2) / np.maximum(n, 1))
    return np.asarray((deviations * n).sum(axis=1) / np.maximum(n.sum(axis=1), 1))


def read_windows(
    scaled: ScaledSeries, rows: IntArray, ends: IntArray, config: SegRNNConfig
) -> tuple[Float32Array, Float32Array]:
    """Return what a network reads at origins, and the levels that its forecasts are counted from.

    Before a series begins stands its first value.

    Args:
        scaled: Series.
        rows: Series of each window, [B].
        ends: Columns that are known at each origin, at least 1, [B].
        config: Of the network.

    Returns:
        Segments less their level, [B, N, P], and levels, [B].
    """
    columns = np.maximum(ends[:, None] + np.arange(-n_read(config), 0), 0)
    return window_inputs(scaled.z[rows[:, None], columns], config)


def window_inputs(window: Float32Array, config: SegRNNConfig) -> tuple[Float32Array, Float32Array]:
    """Cut look-backs into segments, less their level.

    Args:
        window: Look-backs, [B, N P].
        config: Of the network.

    Returns:
        Segments, [B, N, P], and levels, [B].
    """
    level = window[:, -config.level_window :].mean(axis=1)
    x = np.clip(window - level[:, None], -CLIP, CLIP)
    return x.reshape(len(window), -1, config.segment_length), level


def training_windows(scaled: ScaledSeries, horizon: int, config: SegRNNConfig, seed: int) -> Iterator[TrainingWindows]:
    """Yield windows for every update: origins anywhere in the series, those of long series after a full look-back.

    Half of the windows are mirrored at their level. A few months hold hundreds of windows but few changes of the level;
    mirrored, a network cannot overfit their direction, and what is fitted of the season is the same.

    Args:
        scaled: Series that are trained on.
        horizon: Steps ahead.
        config: Of the network.
        seed: Same seed, same windows.
    """
    rng = generator(seed, 1)
    n_series, T = scaled.z.shape
    n_segments, length = decoded_shape(horizon, config.segment_length)
    steps = np.arange(n_segments * length)
    # Half of a short series may stand before the first origin.
    lowest = np.minimum(scaled.first + np.clip((T - scaled.first) // 2, MIN_TRAINED, n_read(config)), T - 1)
    # Long series are drawn as often as they have origins.
    share = np.maximum(T - lowest, 0) * scaled.observed.any(axis=1)
    share = share / share.sum() if share.sum() else np.full(n_series, 1 / n_series)
    for _ in range(config.max_steps):
        rows = rng.choice(n_series, config.batch_size, p=share)
        ends = np.maximum(T - 1 - np.floor(rng.random(len(rows)) * (T - lowest[rows])).astype(np.int64), 1)
        x, level = read_windows(scaled, rows, ends, config)
        columns = ends[:, None] + steps
        inside = (columns < T) & (steps < horizon)
        columns = np.minimum(columns, T - 1)
        y = np.clip(scaled.z[rows[:, None], columns] - level[:, None], -2 * CLIP, 2 * CLIP)
        weight = scaled.observed[rows[:, None], columns] * inside
        shape = (len(rows), n_segments, length)
        sign = rng.choice(np.array([-1, 1], np.float32), len(rows))[:, None, None]
        yield TrainingWindows(sign * x, sign * y.reshape(shape), weight.astype(np.float32).reshape(shape))
