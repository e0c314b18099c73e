"""A user's network as operators: `forecasting.sequential_model`, where all is explained.

Shapes: B series, h steps, Q quantiles.
"""

from __future__ import annotations

import numpy as np

from gatecast.forecasting.onnx_files.network_scale import NetworkScale
from gatecast.forecasting.onnx_files.series import GraphForecast, SeriesInput
from gatecast.forecasting.sequential_model.model import SequentialModel
from gatecast.forecasting.sequential_model.windows import CLIP, n_features
from gatecast.nn.model_layers import layer_names
from gatecast.nn.onnx_files import operations as op
from gatecast.nn.onnx_files.builder import Value
from gatecast.nn.onnx_files.conversion import Call, CarriedStates
from gatecast.nn.onnx_files.layers import convert_stack

__all__ = ["sequential_forecast"]


def sequential_forecast(model: SequentialModel, series: SeriesInput) -> GraphForecast:
    """Return the quantiles of the steps after the end of each series.

    Args:
        model: Of layers of gatecast.
        series: The series.
    """
    config, h = model.config, model.horizon
    scaled = NetworkScale.of(series, model.attribution_columns(), config.season_length)
    network = model.network
    call = Call("", network.shapes[0], CarriedStates(series.builder))
    x = _window(model, scaled)
    output = convert_stack(network.layers, model.weights.views, layer_names(network.layers), x, call)
    # Steps that there were no targets for are forecast as the last one.
    steps = np.minimum(np.arange(h), model.trained_steps - 1)
    q = op.take(op.reshape(op.cast(output, np.float64), (-1, h, _n_outputs(model))), steps, 1)
    if model.quantile_offsets is not None:
        return GraphForecast(scaled.restore(q + model.quantile_offsets, h), series.is_empty())
    middle = len(config.quantiles) // 2
    median, factor = op.slice_of(q, 2, middle, middle + 1), np.sqrt((np.arange(h) + 1) / (steps + 1))[:, None]
    return GraphForecast(scaled.restore(median + factor * (q - median), h), series.is_empty())


def _n_outputs(model: SequentialModel) -> int:
    """Return how many numbers the network forecasts for a step: a point, or all quantiles."""
    return 1 if model.quantile_offsets is not None else len(model.config.quantiles)


def _window(model: SequentialModel, scaled: NetworkScale) -> Value:
    """Return what the network reads: values less the last one, and whether each is observed if it reads that."""
    n, shape = model.config.input_size, model.network.shapes[0]
    z = op.slice_of(scaled.z, 1, -n)
    parts = [op.clip(z - op.slice_of(z, 1, -1), -CLIP, CLIP)]
    if n_features(model.network, n) > 1:
        parts.append(op.cast(op.slice_of(scaled.observed, 1, -n), np.float32))
    if len(shape) == 1:
        return op.concatenate(parts, 1)
    return op.concatenate([op.expand_dims(part, 2) for part in parts], 2)
