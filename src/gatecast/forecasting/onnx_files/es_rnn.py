"""An ES-RNN as operators: `forecasting.es_rnn`, where all is explained. The smoothing is a loop over the steps.

The smoothing weights and first seasons of all series that were fitted are in the file; the input `series` says which of
them a row has.

Shapes: B series, T columns as they come, C columns that are smoothed, N origins, m season length, h steps, Q quantiles.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from gatecast.forecasting.context import MAX_LENGTH
from gatecast.forecasting.es_rnn.model import ESRNN, median_logits
from gatecast.forecasting.es_rnn.windows import CLIP, CONTEXT_SEASONS
from gatecast.forecasting.onnx_files.scaling import GraphScaler
from gatecast.forecasting.onnx_files.seasonal_indices import seasonal_indices
from gatecast.forecasting.onnx_files.series import GraphForecast, SeriesInput, count, fill_forward, numbers_along
from gatecast.forecasting.panel_rnn.windows import MIN_SCALE
from gatecast.forecasting.steps import interpolation
from gatecast.nn.model_layers import layer_names
from gatecast.nn.onnx_files import operations as op
from gatecast.nn.onnx_files.builder import Value
from gatecast.nn.onnx_files.conversion import Call, CarriedStates
from gatecast.nn.onnx_files.layers import convert_stack

__all__ = ["es_rnn_forecast"]


class _Scaled(NamedTuple):
    """Series as they are smoothed: `es_rnn.windows.SmoothedSeries`."""

    scaler: GraphScaler
    z: Value
    """[B, T] float64"""
    observed: Value
    """[B, T] float64"""
    scale: Value
    """[B, 1]"""
    last: Value
    """[B, 1]"""
    season: Value
    """[B, m]"""
    seasonal: Value
    """[B, 1]"""


class _Smoothed(NamedTuple):
    """Levels and seasons: `es_rnn.smoothing.Smoothed`."""

    level: Value
    """[B, C]"""
    season: Value
    """As known before the value of each step, [B, C]."""
    next_season: Value
    """Of the m steps after the end, [B, m]."""


def es_rnn_forecast(model: ESRNN, series: SeriesInput) -> GraphForecast:
    """Return the quantiles of the steps after the end of each series.

    Args:
        model: Network and smoothing.
        series: The series, with their places among those that were fitted.
    """
    m, config = model.season_length, model.config
    scaled = series.derive(("es-rnn", m), lambda: _scaled(series, m))
    smoothed = _smoothed(model, series, scaled)
    x = _inputs(model, series, scaled, smoothed)
    call = Call("", model.network.shapes[0], CarriedStates(series.builder))
    names = layer_names(model.network.layers)
    output = op.take(convert_stack(model.network.layers, model.weights.views, names, x, call), -1, 1)
    steps = interpolation(model.horizon)
    q = op.cast(op.reshape(output, (0, steps.shape[1], len(config.quantiles))), np.float64)
    base = op.slice_of(smoothed.level, 1, -1) + op.take(smoothed.next_season, np.arange(model.horizon) % m, 1)
    z = series.builder.constant(steps) @ q + op.expand_dims(base, 2)
    restored = z * op.expand_dims(scaled.scale, 2) + op.expand_dims(scaled.last, 2)
    return GraphForecast(scaled.scaler.inverse_transform(restored, model.horizon), series.is_empty())


def _scaled(series: SeriesInput, m: int) -> _Scaled:
    """Scale series for smoothing: `es_rnn.windows.scale_series`."""
    scaler = GraphScaler.fit(series.values, 1)
    positive = op.expand_dims(scaler.positive, 1)
    z = scaler.transform(series.values)
    # Indices of the logarithm from factors of the values; of the asinh, from what is added to it.
    indices = seasonal_indices(op.where(positive & op.is_finite(z), series.values, z), m, scaler.positive)
    index = op.where(positive, op.log(op.where(positive, indices, 1)), indices)
    observed = op.is_finite(z)
    columns = series.builder.op("Mod", numbers_along(z, 1) - series.n_steps, m)
    adjusted = fill_forward(z - op.take(index, columns, 1), MAX_LENGTH)
    filled = fill_forward(z, MAX_LENGTH)
    change = op.total(op.absolute(op.slice_of(adjusted, 1, 1) - op.slice_of(adjusted, 1, 0, -1)), 1, keepdims=True)
    scale = change / op.maximum(op.expand_dims(count(observed), 1) - 1, 1) + MIN_SCALE
    last = op.slice_of(filled, 1, -1)
    has_season = op.reduce_max(op.absolute(index), 1, keepdims=True) > 0
    return _Scaled(
        scaler,
        (filled - last) / scale,
        op.cast(observed, np.float64),
        scale,
        last,
        index / scale,
        op.cast(has_season, np.float64),
    )


def _n_smoothed(model: ESRNN) -> int:
    """Return how many columns before the end are smoothed, at most: those before the first value change nothing."""
    return model.config.n_origins + model.config.input_size - 1 + CONTEXT_SEASONS * model.season_length


def _newest(columns: Value, n: int) -> Value:
    """Return exactly n newest columns, with zeros in front, [B, n]."""
    return op.slice_of(op.pad(columns, 2, 1, n, 0), 1, -n)


def _parameters(model: ESRNN, series: SeriesInput, scaled: _Scaled) -> tuple[Value, Value, Value]:
    """Return both smoothing weights, [B, 1] each, and the seasons of steps 1 to m after the end, [B, m]."""
    m = model.season_length
    if series.position is None or series.since_fit is None:
        raise ValueError("the graph has no inputs series and since_fit")
    known, row = op.expand_dims(series.position >= 0, 1), op.maximum(series.position, 0)
    own = op.take(series.builder.constant(model.smoothing[:, :2]), row, 0)
    logits = op.where(known, own, median_logits(model.smoothing))
    elapsed = series.since_fit - op.take(series.builder.constant(model.end), row, 0)
    phase = series.builder.op("Mod", np.arange(m)[None] + op.expand_dims(elapsed, 1), m)
    fitted = op.take_along_axis(op.take(series.builder.constant(model.smoothing[:, 2:]), row, 0), phase, 1)
    season = op.where(known, fitted / scaled.scale * scaled.seasonal, scaled.season)
    weights = op.sigmoid(logits)
    return op.slice_of(weights, 1, 0, 1), op.slice_of(weights, 1, 1) * scaled.seasonal, season


def _smoothed(model: ESRNN, series: SeriesInput, scaled: _Scaled) -> _Smoothed:
    """Smooth the newest columns: `es_rnn.smoothing.smooth`."""
    builder, m, n = series.builder, model.season_length, _n_smoothed(model)
    alpha, gamma, season = _parameters(model, series, scaled)
    first = op.take(season, (np.arange(m) - n) % m, 1)
    zero = 0 * scaled.scale
    with builder.body() as body:
        level, begun, seasons = (builder.body_input(np.float64, (size,)) for size in (1, 1, m))
        value, is_known = (op.expand_dims(builder.body_input(np.float64), 1) for _ in range(2))
        now = op.slice_of(seasons, 1, 0, 1)
        gain = is_known * op.where(begun > 0, alpha, 1)
        new_level = level + gain * (value - now - level)
        later = now + is_known * gamma * (value - new_level - now)
        builder.body_output(new_level, (1,))
        builder.body_output(op.maximum(begun, is_known), (1,))
        builder.body_output(op.concatenate([op.slice_of(seasons, 1, 1), later], 1), (m,))
        for column in (new_level, now):
            builder.body_output(op.squeeze(column, 1))
    columns = [_newest(x, n) for x in (scaled.z, scaled.observed)]
    axes: dict[str, Any] = {"num_scan_inputs": 2, "scan_input_axes": [1, 1], "scan_output_axes": [1, 1]}
    _, _, after, levels, known_before = builder.ops("Scan", 5, zero, zero, first, *columns, body=body, **axes)
    return _Smoothed(levels, known_before, after)


def _inputs(model: ESRNN, series: SeriesInput, scaled: _Scaled, smoothed: _Smoothed) -> Value:
    """Return what the network reads, [B, N, input_size + 2]: `es_rnn.windows.segment_inputs`."""
    config, n = model.config, _n_smoothed(model)
    n_origins = op.maximum(op.minimum(series.n_steps - 1, config.n_origins), 1)
    origins = n - config.n_origins + np.arange(config.n_origins)
    columns = origins[:, None] + np.arange(1 - config.input_size, 1)
    z, observed = _newest(scaled.z, n) - smoothed.season, _newest(scaled.observed, n)
    windows, known = op.take(z, columns, 1), op.take(observed, columns, 1)
    level = op.expand_dims(op.take(smoothed.level, origins, 1), 2)
    window = op.clip((windows - level) * known, -CLIP, CLIP)
    share = op.reduce_mean(known, 2, keepdims=True)
    log_scale = op.expand_dims(op.log(scaled.scale), 2) + 0 * share
    return op.slice_of(op.cast(op.concatenate([window, share, log_scale], 2), np.float32), 1, -n_origins)
