"""An ES-RNN as operators: `forecasting.es_rnn`, where all is explained.

The smoothing parameters of the series that were fitted are constants of the graph: two inputs say which of these series
a row is, and how many steps have followed since. Any other row is smoothed with the median weights, as by `predict`.

Shapes: B series, T columns as they come, C columns that are smoothed, N origins, m season length, h steps, Q quantiles.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gatecast.forecasting.es_rnn.model import ESRNN, median_logits
from gatecast.forecasting.es_rnn.windows import CLIP, CONTEXT_SEASONS
from gatecast.forecasting.onnx_files.scaling import GraphScaler
from gatecast.forecasting.onnx_files.seasonal_indices import seasonal_indices
from gatecast.forecasting.onnx_files.series import (
    GraphForecast,
    SeriesInput,
    count,
    hold_values,
    numbers_along,
)
from gatecast.forecasting.panel_rnn.windows import MIN_SCALE
from gatecast.forecasting.steps import interpolation
from gatecast.nn.model_layers import layer_names
from gatecast.nn.onnx_files import operations as op
from gatecast.nn.onnx_files.builder import Value
from gatecast.nn.onnx_files.conversion import Call, CarriedStates
from gatecast.nn.onnx_files.layers import convert_stack

__all__ = ["es_rnn_forecast"]


class _Scaled(NamedTuple):
    """Series as they are smoothed, with missing values in front."""

    scaler: GraphScaler
    z: Value
    """Transformed values less the newest, in units of the mean change, without gaps, [B, C]."""
    observed: Value
    """1 where a value is observed, else 0, [B, C] float64."""
    scale: Value
    """Mean change without the season, [B, 1]."""
    last: Value
    """Newest value, which is subtracted, [B, 1]."""
    season: Value
    """Classical indices, in units of the mean change, [B, m]."""
    seasonal: Value
    """1 where a season shows, else 0, [B, 1]."""


class _Smoothed(NamedTuple):
    """Levels and seasons."""

    level: Value
    """At each column, [B, C]."""
    season: Value
    """Of each column as it was known before its value, [B, C]."""
    season_after: Value
    """Of the m steps after the end, [B, m]."""


def es_rnn_forecast(model: ESRNN, series: SeriesInput) -> GraphForecast:
    """Return the quantiles of the steps after the end of each series.

    Args:
        model: Smoothing and network.
        series: The series, with `rows` and `steps_since`.
    """
    config, m, h = model.config, model.season_length, model.horizon
    n_read = config.n_origins + config.input_size - 1
    scaled = _scaled(series, n_read + CONTEXT_SEASONS * m, m)
    smoothed = _smooth(scaled, *_parameters(model, series, scaled), m)
    x = op.cast(_inputs(scaled, smoothed, config.n_origins, config.input_size), np.float32)
    # As many origins as the columns that there are allow; the first column alone is none.
    n = op.clip(series.n_steps - 1, 1, config.n_origins)
    network = model.network
    call = Call("", network.shapes[0], CarriedStates(series.builder))
    output = convert_stack(
        network.layers, model.weights.views, layer_names(network.layers), op.slice_of(x, 1, -n), call
    )
    steps = interpolation(h)
    q = op.cast(op.reshape(op.take(output, -1, 1), (0, steps.shape[1], len(config.quantiles))), np.float64)
    base = op.slice_of(smoothed.level, 1, -1) + op.take(smoothed.season_after, np.arange(h) % m, 1)
    z = series.builder.constant(steps) @ q + op.expand_dims(base, 2)
    values = scaled.scaler.inverse_transform(z * op.expand_dims(scaled.scale, 2) + op.expand_dims(scaled.last, 2), h)
    return GraphForecast(values, series.is_empty())


def _scaled(series: SeriesInput, n_columns: int, m: int) -> _Scaled:
    """Scale the newest columns by what all of them say; members of a median share it."""
    scaled: _Scaled = series.derive(("smoothed", n_columns, m), lambda: _scale(series, n_columns, m))
    return scaled


def _scale(series: SeriesInput, n_columns: int, m: int) -> _Scaled:
    """Scale the newest columns by what all of them say."""
    values = series.values
    scaler = series.derive(("scaler of all values", 1), lambda: GraphScaler.fit(values, 1))
    z = scaler.transform(values)
    observed = op.is_finite(z)
    positive = op.expand_dims(scaler.positive, 1)
    indices = seasonal_indices(op.where(positive, op.where(values > 0, values, np.nan), z), m, scaler.positive)
    index = op.where(positive, op.log(op.where(positive, indices, 1)), indices)
    place = series.builder.op("Mod", numbers_along(values, 1) - series.n_steps, m)
    adjusted = op.expand_dims(z - op.take(index, place, 1), 2)
    held = hold_values(op.concatenate([op.expand_dims(z, 2), adjusted], 2), 2)
    held = op.where(op.is_finite(held), held, 0)
    filled, adjusted = op.take(held, 0, 2), op.take(held, 1, 2)
    change = op.absolute(op.slice_of(adjusted, 1, 1) - op.slice_of(adjusted, 1, 0, -1))
    scale = op.expand_dims(op.total(change, 1) / op.maximum(count(observed) - 1, 1) + MIN_SCALE, 1)
    last = op.slice_of(filled, 1, -1)
    padded = (op.pad(part, 2, 1, n_columns, 0) for part in ((filled - last) / scale, op.cast(observed, np.float64)))
    newest, flags = (op.slice_of(part, 1, -n_columns) for part in padded)
    seasonal = op.cast(op.reduce_max(op.absolute(index), 1, keepdims=True) > 0, np.float64)
    return _Scaled(scaler, newest, flags, scale, last, index / scale, seasonal)


def _parameters(model: ESRNN, series: SeriesInput, scaled: _Scaled) -> tuple[Value, Value, Value]:
    """Return the smoothing weights of level and season, [B] each, and the m seasons after the end, [B, m]."""
    builder, m = series.builder, model.season_length
    if series.rows is None or series.steps_since is None:
        raise ValueError("the graph has no inputs for the series that were fitted")
    known = op.expand_dims(series.rows >= 0, 1)
    row = op.maximum(series.rows, 0)
    fitted = op.take(builder.constant(model.smoothing[:, :2]), row, 0)
    logits = op.where(known, fitted, builder.constant(median_logits(model.smoothing)[None]))
    since = series.steps_since - op.take(builder.constant(model.end), row, 0)
    phase = builder.op("Mod", op.expand_dims(since, 1) + np.arange(m), m)
    first = op.take_along_axis(op.take(builder.constant(model.smoothing[:, 2:]), row, 0), phase, 1)
    season = op.where(known, first / scaled.scale * scaled.seasonal, scaled.season)
    weights = 0.5 * (1 + op.tanh(0.5 * logits))
    gamma = op.take(weights, 1, 1) * op.squeeze(scaled.seasonal, 1)
    return op.take(weights, 0, 1), gamma, season


def _smooth(scaled: _Scaled, alpha: Value, gamma: Value, season: Value, m: int) -> _Smoothed:
    """Smooth all columns: a missing value changes nothing, and the first observed value is the first level."""
    z, observed = scaled.z, scaled.observed
    builder, C = z.builder, z.builder.op("Shape", z, dtype=np.int64, start=1, end=2)
    # The seasons are those of the steps after the end: at the first column they are C steps earlier.
    start = op.take(season, builder.op("Mod", builder.constant(np.arange(m)) - C, m), 1)
    zeros = op.squeeze(op.full(z, [1]), 1)
    with builder.body() as body:
        level, begun = (builder.body_input(np.float64) for _ in range(2))
        seasons = builder.body_input(np.float64, (m,))
        value, known = (builder.body_input(np.float64) for _ in range(2))
        now = op.take(seasons, 0, 1)
        adjusted = value - now
        gain = known * op.where(begun > 0, alpha, 1)
        new_level = level + gain * (adjusted - level)
        after = now + gamma * known * (adjusted - new_level)
        builder.body_output(new_level)
        builder.body_output(op.maximum(begun, known))
        builder.body_output(op.concatenate([op.slice_of(seasons, 1, 1), op.expand_dims(after, 1)], 1), (m,))
        builder.body_output(new_level)
        builder.body_output(now)
    _, _, season_after, levels, now = builder.ops(
        "Scan",
        5,
        zeros,
        zeros,
        start,
        z,
        observed,
        body=body,
        num_scan_inputs=2,
        scan_input_axes=[1, 1],
        scan_output_axes=[1, 1],
    )
    return _Smoothed(levels, now, season_after)


def _inputs(scaled: _Scaled, smoothed: _Smoothed, n_origins: int, input_size: int) -> Value:
    """Return windows less seasons and level, share observed and log of the scale, [B, N, input_size + 2]."""
    n_read = n_origins + input_size - 1
    adjusted, flags = (op.slice_of(part, 1, -n_read) for part in (scaled.z - smoothed.season, scaled.observed))
    columns = np.arange(n_origins)[:, None] + np.arange(input_size)
    windows, known = op.take(adjusted, columns, 1), op.take(flags, columns, 1)
    level = op.expand_dims(op.slice_of(smoothed.level, 1, -n_origins), 2)
    share = op.reduce_mean(known, 2, keepdims=True)
    log_scale = op.expand_dims(op.log(scaled.scale), 2) + 0 * share
    return op.concatenate([op.clip((windows - level) * known, -CLIP, CLIP), share, log_scale], 2)
