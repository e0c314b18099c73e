"""From symbolic outputs to a network: the calls between inputs and outputs, in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from gatecast.errors import ConfigError
from gatecast.nn.layers import Graph, Input, Layer
from gatecast.nn.layers.symbolic import Call, SymbolicTensor, is_symbolic

__all__ = ["TracedModel", "as_list", "listed_layers", "output_keys", "trace_model"]


class TracedModel(NamedTuple):
    """The layers of a functional model."""

    layers: tuple[Layer, ...]
    """All layers, each once, in the order of their first call."""
    stack: tuple[Layer, ...]
    """What the network runs: the layers themselves if they follow each other, else one `Graph` of them."""


def trace_model(inputs: Sequence[Any], outputs: Sequence[Any]) -> TracedModel:
    """Return the layers between inputs and outputs.

    Args:
        inputs: `Input` objects.
        outputs: Outputs of layers.

    Raises:
        ConfigError: An output that depends on another input, an input that is not used, or anything else than that.

    >>> from gatecast.layers import LSTM, Dense
    >>> x = Input((24, 1))
    >>> trace_model([x], [Dense(1)(LSTM(8)(x))]).stack
    (LSTM(8), Dense(1))
    """
    _check_symbolic(inputs, outputs)
    calls = _ordered_calls(inputs, outputs)
    layers = [layer for layer in _as_in_keras(outputs, calls) if not isinstance(layer, Input)]
    if _is_chain(inputs, outputs, calls, layers):
        return TracedModel(tuple(layers), tuple(layers))
    return TracedModel(tuple(layers), (_graph(inputs, outputs, calls, layers),))


def _check_symbolic(inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
    """Raise an error for inputs that are no `Input`, or outputs that are no outputs of layers."""
    for value in inputs:
        if not isinstance(value, Input):
            raise ConfigError("Invalid input of a model", got=repr(value), expected="an Input", argument="inputs")
    for value in outputs:
        if not isinstance(value, SymbolicTensor):
            fix = "Call layers on the inputs: outputs = Dense(1)(LSTM(8)(inputs))."
            raise ConfigError("Invalid output of a model", got=repr(value), fix=fix, argument="outputs")
    if len({id(value) for value in inputs}) < len(inputs):
        raise ConfigError("An Input is given twice", argument="inputs")


def _ordered_calls(inputs: Sequence[Any], outputs: Sequence[Any]) -> list[Call]:
    """Return the calls that the outputs need, each after those that it reads; without recursion, for long chains."""
    known = {id(value) for value in inputs}
    ordered: list[Call] = []
    waiting = [value.call for value in reversed(outputs)]
    while waiting:
        call = waiting[-1]
        if id(call) in known:
            waiting.pop()
            continue
        missing = [v for v in (*call.inputs, *call.states) if not _is_known(v, known)]
        if not missing:
            known.add(id(call))
            ordered.append(call)
            waiting.pop()
            continue
        for value in reversed(missing):
            if isinstance(value, Input):
                fix = "List it among the inputs of the model; an Input of another model is in the inputs of that one."
                raise ConfigError(
                    "The outputs depend on an Input that the model does not have", got=repr(value), fix=fix
                )
            waiting.append(value.call)
    used = {id(value) for call in ordered for value in (*call.inputs, *call.states)}
    for value in inputs:
        if id(value) not in used:
            raise ConfigError("No output depends on an input of the model", got=repr(value), argument="inputs")
    return ordered


def listed_layers(inputs: Sequence[Any], outputs: Sequence[Any]) -> list[Any]:
    """Return inputs and layers in the order of Keras' `model.layers`.

    Args:
        inputs: `Input` objects.
        outputs: Outputs of layers.

    >>> from gatecast.layers import LSTM, Dense
    >>> x = Input((24, 1))
    >>> listed_layers([x], [Dense(1)(LSTM(8)(x))])
    [Input((24, 1)), LSTM(8), Dense(1)]
    """
    return _as_in_keras(outputs, _ordered_calls(inputs, outputs))


def _as_in_keras(outputs: Sequence[Any], calls: Sequence[Call]) -> list[Any]:
    """Return inputs and layers in the order of Keras' `get_weights`.

    That is by the longest way to an output, farthest first; among equals in the order in which a search from the
    outputs, depth first, meets them.
    """
    met: dict[int, Any] = {}
    waiting = [value for value in reversed(outputs)]
    seen: set[int] = set()
    while waiting:
        value = waiting.pop()
        if isinstance(value, Input):
            met.setdefault(id(value), value)
            continue
        if id(value.call) in seen:
            continue
        seen.add(id(value.call))
        met.setdefault(id(value.call.layer), value.call.layer)
        waiting.extend(reversed((*value.call.inputs, *value.call.states)))
    depth_of_call: dict[int, int] = {}
    depth_of_layer: dict[int, int] = {}
    for call in reversed(calls):
        depth = max(depth_of_call.get(id(call), 0), depth_of_layer.get(id(call.layer), 0))
        depth_of_call[id(call)] = depth_of_layer[id(call.layer)] = depth
        for value in (*call.inputs, *call.states):
            known, key = (
                (depth_of_call, id(value.call)) if isinstance(value, SymbolicTensor) else (depth_of_layer, id(value))
            )
            known[key] = max(depth + 1, known.get(key, 0))
    order = sorted(range(len(met)), key=lambda k: -depth_of_layer[list(met)[k]])
    return [list(met.values())[k] for k in order]


def _is_known(value: Any, known: set[int]) -> bool:
    """Return whether a value is there already."""
    return id(value.call if isinstance(value, SymbolicTensor) else value) in known


def _is_chain(inputs: Sequence[Any], outputs: Sequence[Any], calls: Sequence[Call], layers: Sequence[Any]) -> bool:
    """Return whether the layers follow each other as in `Sequential`."""
    if len(inputs) != 1 or len(outputs) != 1 or len(calls) != len(layers):
        return False
    before: Any = inputs[0]
    for call in calls:
        plain = len(call.inputs) == 1 and not call.states and not call.layer.is_merge
        if not plain or getattr(call.layer, "return_state", False):
            return False
        source = call.inputs[0]
        if source is not before and getattr(source, "call", None) is not before:
            return False
        before = call
    return outputs[0].call is before


def _graph(inputs: Sequence[Any], outputs: Sequence[Any], calls: Sequence[Call], layers: Sequence[Any]) -> Graph:
    """Return the layer that makes the calls."""
    number_of = {id(layer): k for k, layer in enumerate(layers)}
    first_value = {id(value): k for k, value in enumerate(inputs)}
    first = len(inputs)
    for call in calls:
        first_value[id(call)] = first
        first += 1 + (len(call.layer.state_sizes) if getattr(call.layer, "return_state", False) else 0)

    def value_of(value: Any) -> int:
        """Return the number of an input or of an output of a call."""
        if isinstance(value, SymbolicTensor):
            return first_value[id(value.call)] + value.index
        return first_value[id(value)]

    records = tuple(
        (number_of[id(call.layer)], tuple(map(value_of, call.inputs)), tuple(map(value_of, call.states)))
        for call in calls
    )
    shapes = tuple(value.sample_shape for value in inputs)
    return Graph(tuple(layers), records, shapes, tuple(map(value_of, outputs)))


def output_keys(outputs: Any) -> list[str] | None:
    """Return the keys of outputs that are a dict, in the order of the alphabet as in Keras; None for others.

    Raises:
        ConfigError: Keys that are not text, or none.

    >>> output_keys({"b": 1, "a": 2}), output_keys([1, 2])
    (['a', 'b'], None)
    """
    if not isinstance(outputs, Mapping):
        return None
    if not outputs or not all(isinstance(key, str) and key for key in outputs):
        expected = 'names, such as {"mean": ..., "spread": ...}'
        raise ConfigError("Invalid outputs of a model", got=repr(list(outputs)), expected=expected, argument="outputs")
    return sorted(outputs)


def as_list(value: Any) -> list[Any]:
    """Return one or several symbolic values as a list; a dict by its values.

    >>> as_list(Input((3,)))
    [Input((3,))]
    """
    if is_symbolic(value):
        return [value]
    return list(value.values()) if isinstance(value, dict) else list(value)
