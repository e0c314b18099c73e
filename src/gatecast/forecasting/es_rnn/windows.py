"""Inputs and targets of an ES-RNN as functions of the smoothing parameters, and the way back of their gradients.

Shapes: n_series rows, T columns of the past, B series of a batch, C columns of a segment, K steps of the horizon that
are trained, m season length, P = 2 + m smoothing parameters of a series: logits of both smoothing weights, and the
first seasons, in units of the mean change; column 2 + j has the phase of step j + 1 after the end. Padded arrays have
input_size - 1 columns in front of the T. In memory series come last, as they do in the lanes of a packed batch: what
lies side by side is one step of all series.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast._utils.typing import BoolArray, FloatArray, IntArray
from gatecast.forecasting.batches import batches_by_length
from gatecast.forecasting.es_rnn.smoothing import Smoothed, gate, roughness, smooth, smooth_backward
from gatecast.forecasting.panel_rnn.windows import MIN_SCALE
from gatecast.forecasting.scaling import SeriesScaler, forward_fill
from gatecast.forecasting.seasonal_indices import seasonal_indices

__all__ = [
    "CONTEXT_SEASONS",
    "N_EXTRA_INPUTS",
    "Segment",
    "SegmentInputs",
    "SmoothedSeries",
    "cut_segment",
    "scale_series",
    "segment_inputs",
    "segment_inputs_backward",
]

sliding_window_view = np.lib.stride_tricks.sliding_window_view

CONTEXT_SEASONS = 10
"""Seasons before the first origin of a segment that are smoothed at least, if there are as many."""

N_EXTRA_INPUTS = 2
"""Inputs besides the window: share observed, log of the scale."""

ROWS = 1024
"""Series that are scaled at a time."""

CLIP = 50.0
"""Mean changes from the level at which inputs are clipped; targets at twice as many."""


class SmoothedSeries(NamedTuple):
    """Series as they are smoothed, padded in front."""

    z: FloatArray
    """Transformed values less the newest, in units of the mean change, without gaps, [n_series, input_size - 1 + T]."""
    observed: BoolArray
    """Whether a value is observed, [n_series, input_size - 1 + T]."""
    scale: FloatArray
    """Mean change without the season, [n_series]."""
    last: FloatArray
    """Newest value, which is subtracted, [n_series]."""
    season: FloatArray
    """Classical indices, in units of the mean change, [n_series, m]; 0 where no season shows."""
    seasonal: FloatArray
    """1 where a season shows, [n_series]; else 0: no season is smoothed."""


class Segment(NamedTuple):
    """A segment of each series of a batch, time first; row C - 1 is its last origin."""

    z: FloatArray
    """[C + horizon, B]"""
    observed: BoolArray
    """[C + horizon, B]"""
    phase: IntArray
    """Columns of the parameters, less 2, of the seasons of the first m rows, [B, m]."""
    rows: IntArray
    """Series of the panel, [B]."""
    n_origins: int
    input_size: int


class SegmentInputs(NamedTuple):
    """What network and loss read of a segment."""

    x: FloatArray
    """Windows less seasons and level, and the other inputs, [B, n_origins, input_size + 2]."""
    y: FloatArray
    """Targets less seasons and level, [B, n_origins, K]."""
    weight: FloatArray
    """1 where both origin and target are observed, else 0, [B, n_origins, K]."""
    smoothed: Smoothed
    """Levels and seasons of the first C rows."""


def scale_series(values: FloatArray, m: int, input_size: int) -> SmoothedSeries:
    """Scale series for smoothing.

    Args:
        values: Series aligned at their ends, [n_series, T]; NaN is missing.
        m: Season length; 1 for none.
        input_size: Values in a window: input_size - 1 columns of padding come first.

    Example:
        >>> scale_series(np.array([[1.0, np.e, np.e**3]]), 1, 2).z.round(2).tolist()
        [[0.0, -2.0, -1.33, 0.0]]
    """
    (n, T), pad = values.shape, input_size - 1
    scaled = SmoothedSeries(
        np.zeros((n, pad + T)),
        np.zeros((n, pad + T), np.bool_),
        np.full(n, MIN_SCALE),
        np.zeros(n),
        np.zeros((n, m)),
        np.zeros(n),
    )
    for rows, batch in batches_by_length(values, ROWS):
        z, observed, *of_rows = _scale_batch(batch, m)
        begin = pad + T - batch.shape[1]
        scaled.z[rows, pad:begin] = z[:, :1]
        scaled.z[rows, begin:] = z
        scaled.observed[rows, begin:] = observed
        for to, part in zip(scaled[2:], of_rows, strict=True):
            to[rows] = part
    return scaled


def _scale_batch(values: FloatArray, m: int) -> SmoothedSeries:
    """`scale_series` for series of similar lengths, without padding."""
    z = SeriesScaler.fit(values, 1).transform(values)
    observed, T = np.isfinite(z), z.shape[1]
    scaler = SeriesScaler.fit(values, m)
    index = np.log(np.where(scaler.positive[:, None], scaler.seasonal, 1.0))
    mixed = ~scaler.positive
    index[mixed] = seasonal_indices(z[mixed], m, np.zeros(int(mixed.sum()), np.bool_))
    filled = forward_fill(z)
    adjusted = filled if m == 1 else forward_fill(z - index[:, (np.arange(T) - T) % m])
    n_changes = np.maximum(observed.sum(axis=1) - 1, 1)
    scale = np.abs(np.diff(adjusted, axis=1)).sum(axis=1) / n_changes + MIN_SCALE
    last = filled[:, -1]
    scaled = (filled - last[:, None]) / scale[:, None]
    seasonal = (index != 0).any(axis=1).astype(np.float64)
    return SmoothedSeries(scaled, observed, scale, last, index / scale[:, None], seasonal)


def cut_segment(
    series: SmoothedSeries, rows: IntArray, last: IntArray, horizon: int, input_size: int, n_origins: int
) -> Segment:
    """Cut the columns that lead to the origins of a batch, and the horizon after them.

    Args:
        series: All series.
        rows: Series of the batch, [B].
        last: Columns of their last origins, [B].
        horizon: Steps ahead.
        input_size: Values in a window.
        n_origins: Origins, at most.
    """
    n_columns, m = series.z.shape[1], series.season.shape[1]
    n_origins = max(1, min(n_origins, n_columns - input_size))
    n_read = n_origins + input_size - 1
    C = max(n_read, min(n_columns, n_read + CONTEXT_SEASONS * m))
    columns = last + np.arange(1 - C, horizon + 1)[:, None]
    inside = (columns >= 0) & (columns < n_columns)
    columns = columns.clip(0, n_columns - 1)
    phase = (last[:, None] + 1 - C + np.arange(m) - n_columns) % m
    z = np.where(inside, series.z[rows, columns], 0.0)
    return Segment(z, inside & series.observed[rows, columns], phase, rows, n_origins, input_size)


def segment_inputs(segment: Segment, series: SmoothedSeries, parameters: FloatArray, steps: IntArray) -> SegmentInputs:
    """Return windows and targets of every origin.

    ``x = z[t - input_size + 1..t] - s - l[t]`` where observed, else 0; ``y = z[t+k] - s[t+k] - l[t]``, with the
    seasons that are known at t.

    Args:
        segment: Of a batch.
        series: All series.
        parameters: Smoothing parameters of all series, [n_series, P].
        steps: Steps of the horizon that are trained, [K].
    """
    rows, n_origins, input_size = segment.rows, segment.n_origins, segment.input_size
    B, m = segment.phase.shape
    C = len(segment.z) - int(steps[-1])
    alpha, gamma = _weights(parameters[rows], series.seasonal[rows])
    start = np.take_along_axis(parameters[rows, 2:], segment.phase, axis=1).T
    smoothed = smooth(segment.z[:C], segment.observed[:C], alpha, gamma, start)
    level = smoothed.level[C - n_origins :, None]
    first = C - n_origins - input_size + 1
    observed = _windows(segment.observed[first:C], input_size)
    x = np.empty((n_origins, input_size + N_EXTRA_INPUTS, B))
    window = x[:, :input_size]
    np.subtract(_windows(segment.z[first:C] - smoothed.season[first:C], input_size), level, out=window)
    window *= observed
    np.clip(window, -CLIP, CLIP, out=window)
    x[:, input_size] = observed.mean(axis=1)
    x[:, input_size + 1] = np.log(series.scale[rows])
    origins = np.arange(C - n_origins, C)[:, None]
    y = segment.z[origins + steps]
    y -= smoothed.season[origins + 1 + (steps - 1) % m]
    y -= level
    np.clip(y, -2 * CLIP, 2 * CLIP, out=y)
    weight = (segment.observed[origins + steps] & segment.observed[origins]).astype(np.float64)
    return SegmentInputs(_series_first(x), _series_first(y), _series_first(weight), smoothed)


def segment_inputs_backward(
    segment: Segment,
    series: SmoothedSeries,
    parameters: FloatArray,
    steps: IntArray,
    batch: SegmentInputs,
    dx: FloatArray,
    dy: FloatArray,
    level_penalty: float,
) -> FloatArray:
    """Backpropagate through `segment_inputs`, and add the gradient of the roughness of the levels.

    Args:
        segment: As for `segment_inputs`.
        series: As for `segment_inputs`.
        parameters: As for `segment_inputs`.
        steps: As for `segment_inputs`.
        batch: The result of `segment_inputs`.
        dx: Gradient of x, [B, n_origins, input_size + 2].
        dy: Gradient of y, [B, n_origins, K].
        level_penalty: Weight of the roughness.

    Returns:
        Gradient of the parameters of the batch, [B, P].
    """
    rows, n_origins, input_size, smoothed = segment.rows, segment.n_origins, segment.input_size, batch.smoothed
    B, m = segment.phase.shape
    C = len(smoothed.level)
    first = C - n_origins - input_size + 1
    x, y = _series_last(batch.x)[:, :input_size], _series_last(batch.y)
    observed = _windows(segment.observed[first:C], input_size)
    dwindow = (_series_last(dx)[:, :input_size] * (observed & (np.abs(x) < CLIP))).astype(np.float64)
    dtarget = (_series_last(dy) * (np.abs(y) < 2 * CLIP)).astype(np.float64)
    has_begun = np.cumsum(segment.observed[:C], axis=0) > 0
    counts = np.zeros((C, B))
    counts[2:] = has_begun[:-2]
    dlevel = level_penalty * roughness(smoothed.level, counts)[1] if level_penalty else np.zeros((C, B))
    dlevel[C - n_origins :] -= dwindow.sum(axis=1) + dtarget.sum(axis=1)
    dseason = np.zeros((C + m, B))
    for j in range(input_size):
        dseason[first + j : first + j + n_origins] -= dwindow[:, j]
    for k, step in enumerate(steps.tolist()):
        known_season = C - n_origins + 1 + (step - 1) % m
        dseason[known_season : known_season + n_origins] -= dtarget[:, k]
    alpha, gamma = _weights(parameters[rows], series.seasonal[rows])
    dalpha, dgamma, dstart = smooth_backward(segment.z[:C], segment.observed[:C], gamma, smoothed, dlevel, dseason)
    gradient = np.zeros((B, 2 + m))
    gradient[:, 0] = dalpha * alpha * (1 - alpha)
    gradient[:, 1] = dgamma * gamma * (1 - gamma)
    np.put_along_axis(gradient[:, 2:], segment.phase, dstart.T * series.seasonal[rows, None], axis=1)
    return gradient


def _windows(values: npt.NDArray[Any], size: int) -> npt.NDArray[Any]:
    """Return all windows of some columns of [C, B], as a view, [C - size + 1, size, B]."""
    return np.asarray(sliding_window_view(values, size, axis=0).transpose(0, 2, 1))


def _series_first(x: FloatArray) -> FloatArray:
    """Return [T, F, B] as a view, [B, T, F]."""
    return np.asarray(x.transpose(2, 0, 1))


def _series_last(x: FloatArray) -> FloatArray:
    """Return [B, T, F] as a view, [T, F, B]: the inverse of `_series_first`."""
    return np.asarray(x.transpose(1, 2, 0))


def _weights(parameters: FloatArray, seasonal: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the weights of the newest value in level and season, [B] each."""
    return gate(parameters[:, 0]), gate(parameters[:, 1]) * seasonal
