"""The layers of a model: their names, their weights, and the shape that the first one gets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gatecast._utils.typing import Float32Array
from gatecast.errors import ConfigError
from gatecast.kernels.packing import Params
from gatecast.nn.inputs import sample_shape
from gatecast.nn.layers import Input, Layer, Shape
from gatecast.nn.layers.base import given_name
from gatecast.nn.named import layer_name, nearest
from gatecast.nn.network import build

__all__ = ["check_name", "find_layer", "inferred_input_shape", "layer_names", "params_of"]


def check_name(layers: Sequence[Layer], layer: Any) -> None:
    """Refuse a layer whose name another one has: names tell layers, losses and metrics apart.

    Raises:
        ConfigError: See above.
    """
    name = given_name(layer)
    if name is not None and any(other is not layer and given_name(other) == name for other in layers):
        fix = "Give each layer a name of its own, or none."
        raise ConfigError("Two layers of a model have the same name", got=repr(name), fix=fix, argument="name")


def layer_names(layers: Sequence[Layer]) -> list[str]:
    """Return the names of layers: their own, or that of the class with a number from the second one on.

    >>> from gatecast.nn.layers import LSTM, Dense
    >>> layer_names([LSTM(8, return_sequences=True), LSTM(8), Dense(1, name="out")])
    ['lstm', 'lstm_1', 'out']
    """
    names: list[str] = []
    for layer in layers:
        given = given_name(layer)
        base, number = "input_layer" if isinstance(layer, Input) else layer_name(type(layer).__name__), 0
        name = given or base
        while given is None and name in names:
            number += 1
            name = f"{base}_{number}"
        names.append(name)
    return names


def output_names(graph: Any) -> list[str]:
    """Return the names of the outputs of a `Graph`: those of the layers that they come from."""
    names = layer_names(graph.layers)
    return [names[graph.layer_of(value)] for value in graph.outputs]


def find_layer(layers: Sequence[Layer], name: str | None, index: int | None) -> Layer:
    """Return a layer by name or position; see `Sequential.get_layer`.

    >>> from gatecast.nn.layers import Dense
    >>> find_layer([Dense(2), Dense(1)], "dense_1", None)
    Dense(1)
    """
    names = layer_names(layers)
    if index is not None:
        if not -len(layers) <= index < len(layers):
            raise ConfigError(f"No layer {index}", expected=f"0 to {len(layers) - 1}", argument="index")
        return layers[index]
    if name not in names:
        fix = nearest(name, names)
        raise ConfigError(f"No layer {name!r}", expected=f"one of {', '.join(names)}", fix=fix, argument="name")
    return layers[names.index(name)]


def params_of(layers: Sequence[Layer], views: Sequence[Params], layer: Any) -> Params:
    """Return the parameters of a layer, which is found by identity: equal layers have weights of their own.

    >>> from gatecast.nn.layers import Dense
    >>> first, second = Dense(1), Dense(1)
    >>> params_of([first, second], [{}, {"W": 1}], second)
    {'W': 1}
    """
    for candidate, params in zip(layers, views, strict=True):
        if candidate is layer:
            return params
    raise ConfigError(f"{layer!r} is no longer a layer of its model")


def inferred_input_shape(layers: Sequence[Layer], x: Float32Array) -> Shape:
    """Return the input shape for samples: sequences of any length, unless a layer needs to know it.

    Args:
        layers: All layers.
        x: The samples.

    Raises:
        ConfigError: Layers that do not fit together.
        DataError: Another number of axes, or no features.

    >>> import numpy as np
    >>> from gatecast.nn.layers import LSTM, Flatten
    >>> x = np.zeros((5, 24, 1), np.float32)
    >>> inferred_input_shape([LSTM(8)], x), inferred_input_shape([Flatten()], x)
    ((None, 1), (24, 1))
    """
    shape = Input(sample_shape(x)).sample_shape
    try:
        build(layers, shape)
    except ConfigError:
        shape = Input(x.shape[1:]).sample_shape
        build(layers, shape)
    return shape
