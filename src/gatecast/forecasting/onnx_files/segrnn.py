"""A SegRNN as operators: `forecasting.segrnn`, where all is explained.

Its scale is that of all values, so that the number of columns is open.

Shapes: B series, T columns, N segments of the look-back and K of the horizon, P steps in a segment, h steps, Q
quantiles.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from gatecast._utils.typing import IntArray
from gatecast.forecasting.onnx_files.scaling import GraphScaler
from gatecast.forecasting.onnx_files.series import GraphForecast, SeriesInput, hold_values
from gatecast.forecasting.segrnn.decoder import POSITIONS, ParallelDecoder
from gatecast.forecasting.segrnn.model import DECODER, SegRNN
from gatecast.forecasting.segrnn.windows import CLIP, MIN_SCALE, n_read
from gatecast.kernels.packing import Params
from gatecast.nn.model_layers import layer_names
from gatecast.nn.onnx_files import operations as op
from gatecast.nn.onnx_files.builder import Value
from gatecast.nn.onnx_files.conversion import Call, CarriedStates
from gatecast.nn.onnx_files.layers import convert_stack
from gatecast.nn.onnx_files.recurrent import run_recurrent

__all__ = ["segrnn_forecast"]


def segrnn_forecast(model: SegRNN, series: SeriesInput) -> GraphForecast:
    """Return the quantiles of the steps after the end of each series.

    Args:
        model: The network.
        series: The series.
    """
    config, m = model.config, model.config.season_length
    is_dated = series.calendar is not None and series.calendar.season_length == m

    def places(steps: IntArray | Value) -> Value:
        """Return the places of steps in the season."""
        return series.season_places(m, steps)

    scaler = series.derive(
        ("scaler of all values", m), lambda: GraphScaler.fit(series.values, m, places if is_dated else None)
    )
    z = scaler.transform(series.values)
    held = op.squeeze(hold_values(op.expand_dims(z, 2), 1), 2)
    filled = op.where(op.is_finite(held), held, 0)
    scale = _deviation(z, config.input_size) + MIN_SCALE
    last = op.slice_of(filled, 1, -1)
    scaled = op.cast((filled - last) / scale, np.float32)
    n = n_read(config)
    # Before a series begins stands its first value.
    window = op.slice_of(op.pad(scaled, 2, 1, n, 0, mode="edge"), 1, -n)
    level = op.reduce_mean(op.slice_of(window, 1, -config.level_window), 1, keepdims=True)
    x = op.reshape(op.clip(window - level, -CLIP, CLIP), (0, -1, config.segment_length))
    q = op.cast(op.reshape(_decoded(model, x), (0, -1, len(config.quantiles))), np.float64)
    q = op.slice_of(q, 1, 0, model.horizon) + op.expand_dims(op.cast(level, np.float64), 2)
    values = scaler.inverse_transform(q * op.expand_dims(scale, 2) + op.expand_dims(last, 2), model.horizon)
    return GraphForecast(values, series.is_empty())


def _deviation(z: Value, span: int) -> Value:
    """Return the standard deviation of each row within spans, counted from the end, on average, [B, 1]."""
    n_spans = (op.size_of(z, 1) + (span - 1)) / span
    padded = op.slice_of(op.pad(z, 2, 1, span, 0, np.nan), 1, -(n_spans * span))
    spans = op.reshape(padded, (0, -1, span))
    known = op.is_finite(spans)
    n = op.total(op.cast(known, np.float64), 2, keepdims=True)
    mean = op.total(op.where(known, spans, 0), 2, keepdims=True) / op.maximum(n, 1)
    rest = op.where(known, spans - mean, 0)
    deviations = op.sqrt(op.total(rest * rest, 2, keepdims=True) / op.maximum(n, 1))
    return op.total(op.squeeze(deviations * n, 2), 1, keepdims=True) / op.maximum(
        op.total(op.squeeze(n, 2), 1, keepdims=True), 1
    )


def _decoded(model: SegRNN, x: Value) -> Value:
    """Run the network over segments, [B, N, P]; return [B, K, P' Q]."""
    layers, views, names = model.network.layers, model.weights.views, layer_names(model.network.layers)
    shape, states = model.network.shapes, CarriedStates(x.builder)
    first, rest = slice(0, DECODER), slice(DECODER + 1, None)
    encoded = convert_stack(layers[first], views[first], names[first], x, Call("", shape[0], states))
    decoded = _decode(cast(ParallelDecoder, layers[DECODER]), views[DECODER], encoded)
    return convert_stack(layers[rest], views[rest], names[rest], decoded, Call("", shape[DECODER + 1], states))


def _decode(decoder: ParallelDecoder, params: Params, x: Value) -> Value:
    """Run the recurrent layer over the look-back, and one step from its end for every segment ahead, [B, K, R]."""
    layer, inner, K = decoder.layer, decoder.layer_params(params), decoder.steps
    _, state = run_recurrent(layer, inner, x, None, None)  # type: ignore[arg-type]
    # The steps ahead are sequences of one step: K of each series after the other.
    tiled = tuple(
        op.reshape(x.builder.op("Tile", op.expand_dims(part, 1), np.array([1, K, 1])), (-1, size))
        for part, size in zip(state, layer.state_sizes, strict=True)  # type: ignore[attr-defined]
    )
    positions = params[POSITIONS]
    shape = op.concatenate([op.size_of(x, 0), x.builder.constant(np.array(positions.shape))], 0)
    inputs = x.builder.op("Expand", x.builder.constant(positions[None]), shape)
    y, _ = run_recurrent(layer, inner, op.reshape(inputs, (-1, 1, positions.shape[1])), None, tiled)  # type: ignore[arg-type]
    return op.reshape(y, (-1, K, layer.output_size))  # type: ignore[attr-defined]
