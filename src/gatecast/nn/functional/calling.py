"""Models that are called like layers: on symbolic inputs, where their layers are called one by one, and on arrays."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast.errors import ConfigError
from gatecast.nn.data.windows import BatchArray
from gatecast.nn.layers import BaseLayer, Graph, Input, Shape
from gatecast.nn.layers.symbolic import SymbolicTensor, is_symbolic

__all__ = ["CalledModel", "Symbolic"]


class Symbolic(NamedTuple):
    """What a model is written with.

    Args:
        inputs: `Input` objects.
        outputs: Outputs of layers.
    """

    inputs: list[Any]
    outputs: list[Any]


class CalledModel:
    """A model as others are written with it: it is called like a layer, and has inputs and outputs.

    A class on top of it has `predict`, `_network_layers`, which returns the layers that follow each other or one
    `Graph`, and `_sample_shapes`, which returns the shape of a sample of each input.
    """

    predict: Callable[..., Any]
    _network_layers: Callable[[], Sequence[Any]]
    _sample_shapes: Callable[[], list[Shape]]
    _in_shape: Shape | None
    _input_names: list[str] | None
    _output_keys: list[str] | None
    _symbolic: Symbolic | None

    def __call__(self, inputs: Any, training: bool | None = None, mask: npt.ArrayLike | None = None) -> Any:
        """Return the outputs for an `Input` or the output of a layer, with the weights of this model; or for arrays.

        Args:
            inputs: An `Input` or output; several, in a list or a dict by name, for a model with several inputs. Arrays
                are predicted.
            training: None or False: a model trains in `fit`.
            mask: As for `predict`, of arrays.

        Raises:
            ConfigError: `training=True`, or another number of inputs.

        >>> from gatecast.layers import LSTM, Dense, Input
        >>> from gatecast.models import Model, Sequential
        >>> encoder, inputs = Sequential([LSTM(8)]), Input((24, 1))
        >>> Model(inputs, Dense(1)(encoder(inputs))).count_params()
        329
        """
        if training:
            fix = "Dropout is active in fit and train_on_batch alone; for intervals train a QuantileHead."
            raise ConfigError("A model is called with training=True", fix=fix, argument="training")
        values = list(inputs.values()) if isinstance(inputs, dict) else inputs
        values = list(values) if isinstance(values, list | tuple) else [values]
        if not all(map(is_symbolic, values)):
            outputs = self.predict(inputs, mask=mask)
            return outputs.view(BatchArray) if isinstance(outputs, np.ndarray) else outputs
        names = self._input_names or []
        if isinstance(inputs, dict):
            if set(inputs) != set(names):
                got, expected = str(list(inputs)), str(names)
                raise ConfigError("The inputs of the model have other names", got=got, expected=expected)
            values = [inputs[name] for name in names]
        n_inputs = max(len(names), 1)
        if len(values) != n_inputs:
            got, expected = str(len(values)), str(n_inputs)
            raise ConfigError("A model is called with another number of inputs", got=got, expected=expected)
        if self._in_shape is None:
            self._in_shape = values[0].sample_shape
        return self._arranged(_call_layers(self._network_layers(), values))

    @property
    def inputs(self) -> list[Any]:
        """The `Input` objects of the model, to make another model of them: `Model(model.inputs, layer.output)`."""
        return self._as_written().inputs

    @property
    def outputs(self) -> list[Any]:
        """The outputs of the model, to call further layers on."""
        return self._as_written().outputs

    @property
    def input(self) -> Any:
        """The `Input` of the model; of several, a list."""
        return self.inputs[0] if len(self.inputs) == 1 else self.inputs

    @property
    def output(self) -> Any:
        """The output of the model; of several, a list, or a dict if the model was made with one."""
        return self._arranged(self.outputs)

    def _as_written(self) -> Symbolic:
        """Return inputs and outputs as a functional model is written with them."""
        if self._symbolic is None:
            names = [None if re.fullmatch(r"input_\d+", name) else name for name in self._input_names or ()]
            self._symbolic = _symbolic_of(self._sample_shapes(), names, self._network_layers())
        return self._symbolic

    def layer_value(self, layer: BaseLayer, what: str) -> Any:
        """Return the "input" or "output" of one of the layers; see `BaseLayer.output`."""
        return (_layer_inputs if what == "input" else _layer_outputs)(self._as_written(), layer)

    def _arranged(self, outputs: list[Any]) -> Any:
        """Return outputs as the model has them: one, a list, or a dict."""
        if self._output_keys is not None:
            return dict(zip(self._output_keys, outputs, strict=True))
        return outputs[0] if len(outputs) == 1 else outputs


def _symbolic_of(shapes: Sequence[Any], names: Sequence[str | None], layers: Sequence[Any]) -> Symbolic:
    """Return inputs and outputs for the layers of a network.

    Args:
        shapes: Shape of a sample of each input.
        names: Names of the inputs; none for inputs without names.
        layers: Layers that follow each other, or one `Graph`.

    >>> from gatecast.layers import LSTM, Dense
    >>> _symbolic_of([(24, 1)], [], [LSTM(8), Dense(1)]).outputs[0].shape
    (None, 1)
    """
    inputs = [Input(shape, name=names[k] if names else None) for k, shape in enumerate(shapes)]
    return Symbolic(inputs, _call_layers(layers, inputs))


def _call_layers(layers: Sequence[Any], inputs: Sequence[Any]) -> list[Any]:
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


def _layer_outputs(symbolic: Symbolic, layer: Any) -> Any:
    """Return what a layer returns in its first call within a model: an output, or a list with states; None without."""
    call = _first_call(symbolic, layer)
    if call is None:
        return None
    output = SymbolicTensor(_shape_of(call), call, 0)
    if not getattr(layer, "return_state", False):
        return output
    return [output, *(SymbolicTensor((size,), call, 1 + k) for k, size in enumerate(layer.state_sizes))]


def _layer_inputs(symbolic: Symbolic, layer: Any) -> Any:
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
