"""A panel RNN as operators: `forecasting.panel_rnn`, where all is explained.

Shapes: B series, C columns that the network reads, N origins, K trained steps, h steps, Q quantiles.
"""

from __future__ import annotations

import numpy as np

from gatecast._utils.typing import IntArray
from gatecast.forecasting.onnx_files.scaling import GraphScaler
from gatecast.forecasting.onnx_files.series import SeriesInput, count, fill_forward, row_median
from gatecast.forecasting.panel_rnn.model import HEAD_LAYERS, PanelRNN, PanelRNNConfig, context_length
from gatecast.forecasting.panel_rnn.windows import CLIP, MIN_SCALE, POSITION_WIDTH
from gatecast.forecasting.steps import interpolation
from gatecast.nn.model_layers import layer_names
from gatecast.nn.network import split_network
from gatecast.nn.onnx_files import operations as op
from gatecast.nn.onnx_files.builder import Value
from gatecast.nn.onnx_files.conversion import Call, CarriedStates
from gatecast.nn.onnx_files.layers import convert_stack

__all__ = ["panel_rnn_quantiles"]


def panel_rnn_quantiles(model: PanelRNN, series: SeriesInput) -> Value:
    """Return the quantiles of the steps after the end of each series, [B, h, Q] float64.

    Args:
        model: Without exogenous columns.
        series: The series.
    """
    config = model.config
    n_columns = context_length(config)
    values = series.newest(n_columns)
    scaler = _scaler(series, values, n_columns, config.season_length)
    x, level, scale, last = _inputs(config, series, scaler, values, n_columns)
    hidden = _run(model, series, x, body=True)
    output = _run(model, series, op.take(hidden, -1, 1), body=False)
    steps = interpolation(model.horizon)
    n_quantiles = len(config.quantiles)
    q = op.cast(op.reshape(output, (0, steps.shape[1], n_quantiles)), np.float64)
    z = series.builder.constant(steps) @ q + op.cast(level, np.float64)
    return scaler.inverse_transform(z * scale + last, model.horizon)


def _scaler(series: SeriesInput, values: Value, n_columns: int, m: int) -> GraphScaler:
    """Return the scaler of the newest columns; members of a median share it."""
    is_dated = series.calendar is not None and series.calendar.season_length == m

    def places(steps: IntArray) -> Value:
        """Return the places of steps in the season."""
        return series.season_places(m, steps)

    key = ("scaler", n_columns, m)
    scaler: GraphScaler = series.derive(
        key, lambda: GraphScaler.fit(values, n_columns, m, places if is_dated else None)
    )
    return scaler


def _run(model: PanelRNN, series: SeriesInput, x: Value, *, body: bool) -> Value:
    """Run the layers up to the head, or the head, which knows no other origin."""
    parts = split_network(model.network, model.weights, HEAD_LAYERS)
    network, weights = parts[0] if body else parts[1]
    shape = network.shapes[0] if body else network.shapes[0][1:]
    call = Call("body" if body else "head", shape, CarriedStates(series.builder))
    return convert_stack(network.layers, weights.views, layer_names(network.layers), x, call)


def _inputs(
    config: PanelRNNConfig, series: SeriesInput, scaler: GraphScaler, values: Value, n_columns: int
) -> tuple[Value, Value, Value, Value]:
    """Return what the network reads at the newest origins, [B, n, F], and level, scale and last value, [B, 1, 1]."""
    z = scaler.transform(values, n_columns)
    observed = op.is_finite(z)
    flags = op.cast(observed, np.float64)
    filled = fill_forward(z, n_columns)
    newer, older = op.slice_of(filled, 1, 1), op.slice_of(filled, 1, 0, -1)
    pairs = op.total(op.slice_of(flags, 1, 1) * op.slice_of(flags, 1, 0, -1), 1)
    n_observed = count(observed)
    change = op.total(op.absolute(newer - older), 1) / op.maximum(n_observed - 1, 1)
    scale = op.expand_dims(op.where(pairs > 0, change, 0) + MIN_SCALE, 1)
    last = op.slice_of(filled, 1, -1)
    scaled = (filled - last) / scale
    center = row_median(op.where(observed, scaled, np.nan), n_columns)
    deviation = op.where(observed, scaled - center, 0)
    spread = op.sqrt(op.total(deviation * deviation, 1, keepdims=True) / op.maximum(op.expand_dims(n_observed, 1), 1))
    scaled, flags, center, spread, log_scale = (
        op.cast(part, np.float32) for part in (scaled, flags, center, spread + MIN_SCALE, op.log(scale))
    )
    size, n_level = config.input_size, min(config.level_window, config.input_size)
    n_origins = config.n_origins
    origins = n_columns - 1 - config.stride * np.arange(n_origins)[::-1]
    columns = origins[:, None] + np.arange(1 - size, 1)
    windows, known = op.take(scaled, columns, 1), op.take(flags, columns, 1)
    level = op.reduce_mean(op.slice_of(windows, 2, size - n_level), 2, keepdims=True)
    centered = op.clip((windows - level) * known, -CLIP, CLIP)
    center, spread, log_scale = (op.expand_dims(part, 2) for part in (center, spread, log_scale))
    share = op.total(known, 2, keepdims=True) / size
    position = op.tanh((level - center) / (POSITION_WIDTH * spread)) * config.level_position_weight
    x = op.concatenate([centered, share, log_scale + 0 * share, position], 2)
    # As many origins as the columns that there are allow.
    n_steps = op.minimum(series.n_steps, n_columns)
    n = op.minimum((n_steps - 1) / config.stride + 1, n_origins)
    x = op.slice_of(x, 1, -n)
    return x, op.slice_of(level, 1, -1), op.expand_dims(scale, 2), op.expand_dims(last, 2)
