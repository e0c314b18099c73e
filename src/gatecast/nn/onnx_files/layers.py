"""Every layer as operators: one function a layer, in a table by the name of its class.

A function takes the layer, its parameters, its input and its call, and returns the output and the steps that the next
layer is to skip. Shapes: the input of a layer is (batch, *shape of a sample), with time before features.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from gatecast.errors import ConfigError
from gatecast.kernels.packing import Params
from gatecast.nn.layers import LAYERS
from gatecast.nn.layers.shapes import Shape, feature_count
from gatecast.nn.layers.wrapper import strip_prefix
from gatecast.nn.onnx_files import operations as op
from gatecast.nn.onnx_files.activations import activation
from gatecast.nn.onnx_files.builder import Value
from gatecast.nn.onnx_files.conversion import Call
from gatecast.nn.onnx_files.recurrent import last_step, run_recurrent

__all__ = ["CONVERTERS", "Converted", "Converter", "convert_layer", "convert_stack", "merge_values"]


class Converted(NamedTuple):
    """What a layer has become."""

    y: Value
    others: tuple[Value, ...] = ()
    """Its last state, if it returns that besides."""
    mask: Value | None = None
    """Of `Masking`."""


Converter = Callable[[Any, Params, Value, Call], Converted]


def convert_layer(layer: Any, params: Params, x: Value, call: Call) -> tuple[Converted, Value | None]:
    """Add a layer to a graph.

    Args:
        layer: One of `gatecast.layers`.
        params: Its parameters.
        x: Its input.
        call: How it is used.

    Returns:
        The output, and the mask of its steps.

    Raises:
        ConfigError: A layer of another kind.
    """
    converter = CONVERTERS.get(type(layer).__name__) if LAYERS.get(type(layer).__name__) is type(layer) else None
    if converter is None:
        raise ConfigError(
            "A layer cannot be exported to ONNX",
            got=repr(layer),
            expected="layers of gatecast.layers",
            fix="Replace it by layers of gatecast.layers, or export the model without it.",
        )
    converted: Converted = converter(layer, params, x, call)
    mask = call.mask if len(call.in_shape) > 1 else None
    return converted, converted.mask if converted.mask is not None else layer.output_mask(x, mask)


def convert_stack(layers: Sequence[Any], params: Sequence[Params], names: Sequence[str], x: Value, call: Call) -> Value:
    """Add layers that follow each other, and return the output of the last one.

    Args:
        layers: The layers.
        params: The parameters of each.
        names: Their names; "" for the name of the call.
        x: The input.
        call: Of the first layer.
    """
    shape, mask = call.in_shape, call.mask
    for layer, views, name in zip(layers, params, names, strict=True):
        # After a layer that drops the time axis there are no steps to skip.
        converted, mask = convert_layer(layer, views, x, call.inner(name, shape, mask if len(shape) > 1 else None))
        x, shape = converted.y, layer.output_shape(shape)
    return x


# ---- recurrent layers ----------------------------------------------------------------------------------------------


def _recurrent(layer: Any, params: Params, x: Value, call: Call) -> Converted:
    """LSTM, GRU, SimpleRNN, SLSTM, MinLSTM, MinGRU: all with a step in `cells`."""
    sizes = [call.rate * size for size in layer.state_sizes]
    initial = call.initial
    if initial is None:
        initial = call.states.begin(call.name, layer.stateful, layer.states, sizes)
    mask = call.mask
    if layer.go_backwards:
        x, mask = op.flip(x, 1), None if mask is None else op.flip(mask, 1)
    y, last = run_recurrent(layer, params, x, mask, initial, call.rate)
    call.states.end(call.name, last)
    if not layer.return_sequences:
        y = last[0] if call.rate == 1 else last_step(y, mask)
    return Converted(y, last if getattr(layer, "return_state", False) else ())


def _dilated(layer: Any, params: Params, x: Value, call: Call) -> Converted:
    """Run the inner layer with a ring of states."""
    return _recurrent(layer.layer, params, x, replace(call, rate=layer.rate))


def _bidirectional(layer: Any, params: Params, x: Value, call: Call) -> Converted:
    """Run both copies, one of them over the steps in opposite order."""
    timed = len(layer.layer.output_shape(call.in_shape)) == 2
    outputs = []
    for prefix, backward in (("forward", False), ("backward", True)):
        mask = op.flip(call.mask, 1) if backward and call.mask is not None else call.mask
        inner = call.inner(prefix, call.in_shape, mask)
        source = op.flip(x, 1) if backward else x
        converted, _ = convert_layer(layer.layer, strip_prefix(params, f"{prefix}."), source, inner)
        outputs.append(op.flip(converted.y, 1) if backward and timed else converted.y)
    if timed and call.mask is not None:
        outputs = [op.where(op.expand_dims(call.mask, 2), y, 0) for y in outputs]
    a, b = outputs
    merges: dict[str, Callable[[], Value]] = {
        "concat": lambda: op.concatenate([a, b], -1),
        "sum": lambda: a + b,
        "mul": lambda: a * b,
        "ave": lambda: (a + b) * 0.5,
    }
    return Converted(merges[layer.merge_mode]())


def _residual(layer: Any, params: Params, x: Value, call: Call) -> Converted:
    """Add the input to the output of the inner layer."""
    converted, _ = convert_layer(layer.layer, params, x, call)
    return Converted(x + converted.y)


def _time_distributed(layer: Any, params: Params, x: Value, call: Call) -> Converted:
    """Make every step a sample."""
    inner_shape = call.in_shape[1:]
    out_shape = layer.layer.output_shape(inner_shape)
    steps = op.reshape(x, (-1, *_sizes(inner_shape)))
    converted, _ = convert_layer(layer.layer, params, steps, call.inner("", inner_shape, None))
    front = op.concatenate([op.size_of(x, 0), op.size_of(x, 1)], 0)
    shape = op.concatenate([front, x.builder.constant(np.array(_sizes(out_shape), np.int64))], 0)
    return Converted(op.reshape(converted.y, shape))


def _concatenate(layer: Any, params: Params, x: Value, call: Call) -> Converted:
    """Run the branches side by side."""
    outputs = []
    for b, branch in enumerate(layer.branches):
        views = [strip_prefix(params, f"{b}.{k}.") for k in range(len(branch))]
        names = [f"{b}.{k}" for k in range(len(branch))]
        outputs.append(convert_stack(branch, views, names, x, call))
    return Converted(op.concatenate(outputs, -1))


# ---- layers of features --------------------------------------------------------------------------------------------


def _dense(layer: Any, params: Params, x: Value, _call: Call) -> Converted:
    """Compute y = activation(x W + b)."""
    z = x @ params["W"]
    return Converted(activation(z + params["b"] if layer.use_bias else z, layer._activation))


def _identity(_layer: Any, _params: Params, x: Value, _call: Call) -> Converted:
    """Do nothing: noise and dropout are for training."""
    return Converted(x)


def _embedding(_layer: Any, params: Params, x: Value, call: Call) -> Converted:
    """Look up the vectors of codes."""
    has_feature = len(call.in_shape) == 2
    codes = op.squeeze(x, 2) if has_feature else x
    if has_feature and call.mask is not None:
        codes = op.where(call.mask, codes, 0)
    table = x.builder.constant(params["E"])
    return Converted(op.take(table, op.cast(codes, np.int64), 0))


def _select(layer: Any, _params: Params, x: Value, call: Call) -> Converted:
    """Choose features, of the last step if that is wanted."""
    x = last_step(x, call.mask) if layer.last else x
    return Converted(op.take(x, layer.features, -1))


def _quantile_head(layer: Any, _params: Params, x: Value, call: Call) -> Converted:
    """Add the distances between neighbors up, from the middle outward."""
    Q, front = layer.quantiles, len(call.in_shape)
    mid = Q // 2
    r = op.reshape(x, (*(0,) * front, -1, Q))
    positive = op.exp(op.minimum(r, 0)) + op.maximum(r, 0)
    outward = np.zeros((Q, Q), np.float32)
    for k in range(Q):
        outward[mid + 1 : k + 1, k] = 1
        outward[k:mid, k] = -1
    q = op.slice_of(r, -1, mid, mid + 1) + positive @ outward
    return Converted(op.reshape(q, (*(0,) * front, feature_count(call.in_shape))))


def _affine(params: Params, u: Value) -> Value:
    """Return scale and offset of a normalized value."""
    u = u * params["gamma"] if "gamma" in params else u
    return u + params["beta"] if "beta" in params else u


def _layer_normalization(layer: Any, params: Params, x: Value, _call: Call) -> Converted:
    """Normalize over the features of a step."""
    u = x - op.reduce_mean(x, -1, keepdims=True)
    return Converted(_affine(params, u / op.sqrt(op.reduce_mean(u * u, -1, keepdims=True) + layer.epsilon)))


def _rms_norm(layer: Any, params: Params, x: Value, _call: Call) -> Converted:
    """Normalize by the root mean square of a step."""
    return Converted(_affine(params, x / op.sqrt(op.reduce_mean(x * x, -1, keepdims=True) + layer.epsilon)))


def _batch_normalization(layer: Any, params: Params, x: Value, _call: Call) -> Converted:
    """Normalize by moving averages."""
    scale = 1 / np.sqrt(params["moving_variance"] + np.float32(layer.epsilon))
    return Converted(_affine(params, (x - params["moving_mean"]) * scale))


def _activation(layer: Any, _params: Params, x: Value, _call: Call) -> Converted:
    """Activation and Softmax."""
    return Converted(activation(x, getattr(layer, "activation", "softmax")))


def _relu(layer: Any, _params: Params, x: Value, _call: Call) -> Converted:
    """Compute x from the threshold on, and a line below."""
    y = op.where(x >= layer.threshold, x, layer.negative_slope * (x - layer.threshold))
    return Converted(y if layer.max_value is None else op.minimum(y, layer.max_value))


def _leaky_relu(layer: Any, _params: Params, x: Value, _call: Call) -> Converted:
    """Compute x above 0, a line below."""
    return Converted(op.where(x > 0, x, layer.negative_slope * x))


def _elu(layer: Any, _params: Params, x: Value, _call: Call) -> Converted:
    """Compute x above 0, alpha (e^x - 1) below."""
    return Converted(x.builder.op("Elu", x, alpha=layer.alpha))


# ---- layers of steps -----------------------------------------------------------------------------------------------


def _masking(layer: Any, _params: Params, x: Value, call: Call) -> Converted:
    """Skip the steps whose features all have one value."""
    differs = op.cast(~x.equals(layer.mask_value), np.float32)
    used = op.reduce_max(differs, 2) > 0
    y = op.where(op.expand_dims(used, 2), x, 0)
    return Converted(y, mask=used if call.mask is None else used & call.mask)


def _conv1d(layer: Any, params: Params, x: Value, _call: Call) -> Converted:
    """Convolve over time; ONNX has features before time."""
    reach = (layer.kernel_size - 1) * layer.dilation_rate
    attributes: dict[str, Any] = {"strides": [layer.strides], "dilations": [layer.dilation_rate]}
    if layer.padding == "same" and layer.strides > 1:
        attributes["auto_pad"] = "SAME_UPPER"
    else:
        before = {"valid": 0, "causal": reach, "same": reach // 2}[layer.padding]
        attributes["pads"] = [before, reach - before if layer.padding == "same" else 0]
    W = np.ascontiguousarray(params["W"].transpose(2, 1, 0))
    bias = [params["b"]] if layer.use_bias else []
    z = _swapped(layer, x.builder.op("Conv", _swapped(layer, x), W, *bias, **attributes))
    return Converted(activation(z, layer._activation))


def _swapped(layer: Any, x: Value) -> Value:
    """Return x with features before time, and back; a layer may read it so."""
    return x if layer._features_first else op.transpose(x, (0, 2, 1))


def _pooling(layer: Any, _params: Params, x: Value, _call: Call) -> Converted:
    """Pool windows over time."""
    attributes: dict[str, Any] = {"kernel_shape": [layer.pool_size], "strides": [layer.strides or layer.pool_size]}
    if layer.padding == "same":
        attributes["auto_pad"] = "SAME_UPPER"
    name = "MaxPool" if layer._maximum else "AveragePool"
    return Converted(_swapped(layer, x.builder.op(name, _swapped(layer, x), **attributes)))


def _global_average(layer: Any, _params: Params, x: Value, call: Call) -> Converted:
    """Compute the mean over the steps that are not masked."""
    if call.mask is None:
        return Converted(op.reduce_mean(x, 2 if layer._features_first else 1, keepdims=layer.keepdims))
    used = op.expand_dims(op.cast(call.mask, np.float32), 2)
    n_steps = op.maximum(op.total(used, 1, keepdims=True), 1)
    return Converted(op.total(op.where(op.expand_dims(call.mask, 2), x, 0) / n_steps, 1, keepdims=layer.keepdims))


def _global_max(layer: Any, _params: Params, x: Value, call: Call) -> Converted:
    """Compute the maximum over the steps that are not masked."""
    if call.mask is None:
        return Converted(op.reduce_max(x, 2 if layer._features_first else 1, keepdims=layer.keepdims))
    y = op.reduce_max(op.where(op.expand_dims(call.mask, 2), x, -np.inf), 1, keepdims=layer.keepdims)
    return Converted(op.where(y.equals(-np.inf), 0, y))


def _reshape(layer: Any, _params: Params, x: Value, call: Call) -> Converted:
    """Flatten and Reshape."""
    if getattr(layer, "_features_first", False) and len(call.in_shape) == 2:
        x = op.transpose(x, (0, 2, 1))
    return Converted(op.reshape(x, (-1, *_sizes(layer.output_shape(call.in_shape)))))


def _repeat_vector(layer: Any, _params: Params, x: Value, _call: Call) -> Converted:
    """Repeat the features at every step."""
    return Converted(x.builder.op("Tile", op.expand_dims(x, 1), np.array([1, layer.n, 1])))


def _permute(layer: Any, _params: Params, x: Value, _call: Call) -> Converted:
    """Exchange steps and features."""
    return Converted(op.transpose(x, (0, *layer.dims)))


def _sizes(shape: Shape) -> tuple[int, ...]:
    """Return the sizes of a shape; -1 for an open one."""
    return tuple(-1 if size is None else size for size in shape)


# ---- layers with several inputs ------------------------------------------------------------------------------------


def merge_values(layer: Any, values: Sequence[Value], rank: int) -> Value:
    """Return several outputs joined by a merge layer.

    Args:
        layer: The layer.
        values: Its inputs.
        rank: Axes of a sample.
    """
    name, first, rest = type(layer).__name__, values[0], values[1:]
    if name == "Concatenate":
        return op.concatenate(values, 1 if layer.axis == 1 and rank == 2 else -1)
    if name == "Average":
        return first.builder.op("Mean", *values)
    function = {"Add": "Add", "Subtract": "Sub", "Multiply": "Mul", "Maximum": "Max", "Minimum": "Min"}[name]
    for value in rest:
        first = first.builder.op(function, first, value)
    return first


def merge_masks(layer: Any, masks: Sequence[Value | None], values: Sequence[Value], rank: int) -> Value | None:
    """Return the mask of several outputs joined: `nn.layers.merge.merged_mask`.

    Args:
        layer: The layer.
        masks: Of its inputs; None: all steps count.
        values: Its inputs.
        rank: Axes of a sample.
    """
    known = [mask for mask in masks if mask is not None]
    if not known:
        return None
    if getattr(layer, "axis", -1) == 1 and rank == 2:
        pairs = zip(masks, values, strict=True)
        parts = [op.take(x, 0, 2).equals(op.take(x, 0, 2)) if mask is None else mask for mask, x in pairs]
        return op.concatenate(parts, 1)
    if len(known) < len(masks):
        return None
    joined = known[0]
    for mask in known[1:]:
        joined = joined | mask
    return joined


def _merge(layer: Any, _params: Params, x: Value, call: Call) -> Converted:
    """Join the only input with nothing."""
    return Converted(merge_values(layer, [x], len(call.in_shape)))


def _graph(layer: Any, params: Params, x: Value, call: Call) -> Converted:
    """Run a graph of layers with one input and one output."""
    from gatecast.nn.onnx_files.graphs import convert_graph

    return Converted(convert_graph(layer, params, [x], call)[0])


CONVERTERS: Mapping[str, Converter] = {
    **dict.fromkeys(("LSTM", "GRU", "SimpleRNN", "SLSTM", "MinLSTM", "MinGRU"), _recurrent),
    **dict.fromkeys(("Dropout", "GaussianNoise", "SpatialDropout1D"), _identity),
    **dict.fromkeys(("Activation", "Softmax"), _activation),
    **dict.fromkeys(("AveragePooling1D", "MaxPooling1D"), _pooling),
    **dict.fromkeys(("Flatten", "Reshape"), _reshape),
    **dict.fromkeys(("Add", "Average", "Maximum", "Minimum", "Multiply", "Subtract"), _merge),
    "Dilated": _dilated,
    "Bidirectional": _bidirectional,
    "Residual": _residual,
    "TimeDistributed": _time_distributed,
    "Concatenate": _concatenate,
    "Graph": _graph,
    "Dense": _dense,
    "Embedding": _embedding,
    "Select": _select,
    "QuantileHead": _quantile_head,
    "LayerNormalization": _layer_normalization,
    "RMSNorm": _rms_norm,
    "BatchNormalization": _batch_normalization,
    "ReLU": _relu,
    "LeakyReLU": _leaky_relu,
    "ELU": _elu,
    "Masking": _masking,
    "Conv1D": _conv1d,
    "GlobalAveragePooling1D": _global_average,
    "GlobalMaxPooling1D": _global_max,
    "RepeatVector": _repeat_vector,
    "Permute": _permute,
}
"""What makes operators of a layer, by the name of its class: every layer of `LAYERS` has an entry."""
