"""A panel RNN as operators: `forecasting.panel_rnn`, where all is explained.

Shapes: B series, C columns that the network reads, N origins, K trained steps, h steps, Q quantiles.
"""

from __future__ import annotations

import numpy as np

from gatecast._utils.typing import IntArray
from gatecast.forecasting.onnx_files.network_scale import NetworkScale
from gatecast.forecasting.onnx_files.series import GraphForecast, SeriesInput, count
from gatecast.forecasting.panel_rnn.model import HEAD_LAYERS, PanelRNN, context_length
from gatecast.forecasting.panel_rnn.windows import CLIP, MIN_SCALE, POSITION_WIDTH
from gatecast.forecasting.steps import direct_steps, interpolation
from gatecast.nn.model_layers import layer_names
from gatecast.nn.network import split_network
from gatecast.nn.onnx_files import operations as op
from gatecast.nn.onnx_files.builder import Value
from gatecast.nn.onnx_files.conversion import Call, CarriedStates
from gatecast.nn.onnx_files.layers import convert_stack

__all__ = ["panel_rnn_forecast"]


def panel_rnn_forecast(model: PanelRNN, series: SeriesInput) -> GraphForecast:
    """Return the quantiles of the steps after the end of each series.

    Args:
        model: The network.
        series: The series, with the columns that it reads in standard deviations.
    """
    config = model.config
    n_columns = context_length(config)
    scaled = NetworkScale.of(series, n_columns, config.season_length)
    x, level = _inputs(model, series, scaled, n_columns)
    hidden = _run(model, series, x, body=True)
    output = _run(model, series, op.take(hidden, -1, 1), body=False)
    steps = interpolation(model.horizon)
    n_quantiles = len(config.quantiles)
    q = op.cast(op.reshape(output, (0, steps.shape[1], n_quantiles)), np.float64)
    z = series.builder.constant(steps) @ q + op.cast(level, np.float64)
    empty = count(op.is_finite(series.newest(n_columns))).equals(0)
    return GraphForecast(scaled.restore(z, model.horizon), empty)


def _run(model: PanelRNN, series: SeriesInput, x: Value, *, body: bool) -> Value:
    """Run the layers up to the head, or the head, which knows no other origin."""
    parts = split_network(model.network, model.weights, HEAD_LAYERS)
    network, weights = parts[0] if body else parts[1]
    shape = network.shapes[0] if body else network.shapes[0][1:]
    call = Call("body" if body else "head", shape, CarriedStates(series.builder))
    return convert_stack(network.layers, weights.views, layer_names(network.layers), x, call)


def _inputs(model: PanelRNN, series: SeriesInput, scaled: NetworkScale, n_columns: int) -> tuple[Value, Value]:
    """Return what the network reads at the newest origins, [B, n, F], and the level at the last one, [B, 1, 1]."""
    config = model.config
    flags, center, spread, log_scale = (
        op.cast(part, np.float32)
        for part in (scaled.observed, scaled.center, scaled.spread + MIN_SCALE, op.log(scaled.scale))
    )
    size, n_level = config.input_size, min(config.level_window, config.input_size)
    n_origins = config.n_origins
    origins = n_columns - 1 - config.stride * np.arange(n_origins)[::-1]
    columns = origins[:, None] + np.arange(1 - size, 1)
    windows, known = op.take(scaled.z, columns, 1), op.take(flags, columns, 1)
    level = op.reduce_mean(op.slice_of(windows, 2, size - n_level), 2, keepdims=True)
    centered = op.clip((windows - level) * known, -CLIP, CLIP)
    center, spread, log_scale = (op.expand_dims(part, 2) for part in (center, spread, log_scale))
    share = op.total(known, 2, keepdims=True) / size
    position = op.tanh((level - center) / (POSITION_WIDTH * spread)) * config.level_position_weight
    parts = [centered, share, log_scale + 0 * share, position]
    parts += _exogenous_inputs(model, series, origins, n_columns)
    x = op.concatenate(parts, 2)
    # As many origins as the columns that there are allow.
    n_steps = op.minimum(series.n_steps, n_columns)
    n = op.minimum((n_steps - 1) / config.stride + 1, n_origins)
    return op.slice_of(x, 1, -n), op.slice_of(level, 1, -1)


def _exogenous_inputs(model: PanelRNN, series: SeriesInput, origins: IntArray, n_columns: int) -> list[Value]:
    """Return future columns at and after each origin, historic and static ones, [B, N, n_inputs] each."""
    futr, hist, stat = series.columns
    n_origins, parts = len(origins), []
    if futr is not None:
        steps = np.concatenate([[0], direct_steps(model.horizon)])
        newest = _newest_rows(futr, n_columns + model.horizon)
        at_steps = op.take(newest, origins[:, None] + steps, 1)
        parts.append(op.reshape(at_steps, (0, n_origins, len(steps) * model.config.n_futr_exog)))
    if hist is not None:
        parts.append(op.take(_newest_rows(hist, n_columns), origins, 1))
    if stat is not None:
        parts.append(series.builder.op("Tile", op.expand_dims(stat, 1), np.array([1, n_origins, 1])))
    return [op.cast(part, np.float32) for part in parts]


def _newest_rows(columns: Value, n: int) -> Value:
    """Return exactly n newest steps of columns, with zeros in front, [B, n, F]."""
    return op.slice_of(op.pad(columns, 3, 1, n, 0), 1, -n)
