"""Models that are called: on symbolic inputs, where their layers are called one by one, and on arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from gatecast.errors import ConfigError
from gatecast.nn.layers import Graph, Input
from gatecast.nn.layers.symbolic import SymbolicTensor, is_symbolic

__all__ = ["Symbolic", "call_model", "layer_inputs", "layer_outputs", "symbolic_of"]


class Symbolic(NamedTuple):
    """What a model is written with.

    Args:
        inputs: `Input` objects.
        outputs: Outputs of layers.
    """

    inputs: list[Any]
    outputs: list[Any]


def symbolic_of(shapes: Sequence[Any], names: Sequence[str | None], layers: Sequence[Any]) -> Symbolic:
    """Return inputs and outputs for the layers of a network.

    Args:
        shapes: Shape of a sample of each input.
        names: Names of the inputs; none for inputs without names.
        layers: Layers that follow each other, or one `Graph`.

    >>> from gatecast.layers import LSTM, Dense
    >>> symbolic_of([(24, 1)], [], [LSTM(8), Dense(1)]).outputs[0].shape
    (None, 1)
    """
    inputs = [Input(shape, name=names[k] if names else None) for k, shape in enumerate(shapes)]
    return Symbolic(inputs, call_layers(layers, inputs))


def call_model(model: Any, inputs: Any, *, training: Any = None, mask: Any = None) -> Any:
    """Return the outputs of a model for symbolic inputs, or for arrays.

    Args:
        model: A `Sequential` or functional model.
        inputs: `Input` objects or outputs of layers: one, a list, or a dict by name. Or arrays, as for `predict`.
        training: None or False: a model trains in `fit`.
        mask: As for `predict`, of arrays.

    Returns:
        An output, a list or a dict, as the model has them.

    Raises:
        ConfigError: `training=True`, another number of inputs, or a model that is not built.
    """
    if training:
        fix = "Dropout is active in fit and train_on_batch alone; for intervals train quantiles, as QuantileHead does."
        raise ConfigError("A model is called with training=True", fix=fix, argument="training")
    values = list(inputs.values()) if isinstance(inputs, dict) else inputs
    values = list(values) if isinstance(values, list | tuple) else [values]
    if not all(map(is_symbolic, values)):
        return model.predict(inputs, mask=mask)
    names = model._input_names or []
    if isinstance(inputs, dict):
        if set(inputs) != set(names):
            raise ConfigError("The inputs of the model have other names", got=str(list(inputs)), expected=str(names))
        values = [inputs[name] for name in names]
    if len(values) != max(len(names), 1):
        got, expected = str(len(values)), str(max(len(names), 1))
        raise ConfigError("A model is called with another number of inputs", got=got, expected=expected)
    if model._in_shape is None:
        model._in_shape = values[0].sample_shape
    outputs = call_layers(model._network_layers(), values)
    keys = model._output_keys
    if keys is not None:
        return dict(zip(keys, outputs, strict=True))
    return outputs[0] if len(outputs) == 1 else outputs


def call_layers(layers: Sequence[Any], inputs: Sequence[Any]) -> list[Any]:
    """Return the outputs of layers that follow each other, or of one `Graph`."""
    if len(layers) != 1 or not isinstance(layers[0], Graph):
        value = inputs[0]
        for layer in layers:
            value = layer(value)
        return [value]
    graph, values = layers[0], list(inputs)
    for number, reads, states in graph.calls:
        layer = graph.layers[number]
        read = [values[k] for k in reads]
        made = layer(read if layer.is_merge else read[0], initial_state=[values[k] for k in states] or None)
        values += made if isinstance(made, list) else [made]
    return [values[k] for k in graph.outputs]


def layer_outputs(symbolic: Symbolic, layer: Any) -> Any:
    """Return what a layer returns in its first call within a model: an output, or a list with states; None without."""
    call = _first_call(symbolic, layer)
    if call is None:
        return None
    output = SymbolicTensor(_shape_of(call), call, 0)
    if not getattr(layer, "return_state", False):
        return output
    return [output, *(SymbolicTensor((size,), call, 1 + k) for k, size in enumerate(layer.state_sizes))]


def layer_inputs(symbolic: Symbolic, layer: Any) -> Any:
    """Return what a layer reads in its first call within a model: a value, or a list; None without a call."""
    call = _first_call(symbolic, layer)
    if call is None:
        return None
    return call.inputs[0] if len(call.inputs) == 1 else list(call.inputs)


def _shape_of(call: Any) -> Any:
    """Return the shape of a sample of the output of a call."""
    shapes = [value.sample_shape for value in call.inputs]
    return call.layer.merged_shape(shapes) if call.layer.is_merge else call.layer.output_shape(shapes[0])


def _first_call(symbolic: Symbolic, layer: Any) -> Any:
    """Return the call of a layer that is nearest to the inputs; None if the outputs do not depend on it."""
    seen: set[int] = set()
    nearest = None
    waiting = list(symbolic.outputs)
    while waiting:
        value = waiting.pop()
        if not isinstance(value, SymbolicTensor) or id(value.call) in seen:
            continue
        seen.add(id(value.call))
        if value.call.layer is layer:
            nearest = value.call
        waiting += [*value.call.inputs, *value.call.states]
    return nearest
