"""Files of networks: layers, weights and seed as data, with what a model adds to them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Annotated, Any, TypedDict

import numpy as np

from gatecast._utils import safefile
from gatecast._utils.schema import Count, Range, SchemaError, check_array, check_fields, from_json
from gatecast._utils.typing import Float32Array
from gatecast.errors import ConfigError
from gatecast.nn.constraints import CONSTRAINTS
from gatecast.nn.initializers import INITIALIZERS
from gatecast.nn.layers import LAYERS, BaseLayer, Input
from gatecast.nn.layers.base import given_name
from gatecast.nn.network import Network, Weights, build, initial_weights
from gatecast.nn.regularizers import REGULARIZERS
from gatecast.nn.stored_weights import check_stored_size

SETTINGS: Mapping[str, Any] = {**INITIALIZERS, **REGULARIZERS, **CONSTRAINTS}
"""Records that layers hold as settings, by name."""

__all__ = ["layer_from_config", "layer_to_config", "named_views", "read_network", "write_network"]

RENAMED: Mapping[str, Mapping[str, str]] = {"Bidirectional": {"merge": "merge_mode"}}
"""Arguments of layers that older files of schema 1 have under another name."""

MAX_LAYERS = 10_000
"""Layers of a file, at most."""

MAX_NAME = 40
"""Characters of an unknown name that a message shows."""


class NetworkSettings(TypedDict):
    """Settings of a file; what models add is checked by them."""

    input_shape: tuple[Count | None, ...]
    seed: Annotated[int, Range(0)]
    layers: Annotated[list[dict[str, dict[str, Any]]], Range(1, MAX_LAYERS)]


def write_network(
    path: str | os.PathLike[str],
    network: Network,
    weights: Weights,
    seed: int,
    settings: Mapping[str, Any],
    arrays: Mapping[str, Float32Array],
) -> None:
    """Write a network to a file.

    Args:
        path: The file; an existing one is replaced.
        network: Layers and shapes. The layers must be those of `gatecast.layers`.
        weights: The parameters.
        seed: The seed of the model.
        settings: What the model adds: data for JSON.
        arrays: Its arrays, whose names do not begin with a digit.

    Raises:
        ConfigError: The file cannot be written, or a layer is not one of `gatecast.layers`.
    """
    described = {
        "input_shape": network.shapes[0],
        "seed": seed,
        "layers": [layer_to_config(layer, LAYERS) for layer in network.layers],
    }
    safefile.write(path, "network", described | dict(settings), named_views(weights) | dict(arrays))


def read_network(
    path: str | os.PathLike[str],
) -> tuple[Network, Weights, int, dict[str, Any], dict[str, Float32Array]]:
    """Read a file that `write_network` has written.

    Args:
        path: The file.

    Returns:
        Network, weights, seed, all settings of the file, and the arrays that the model has added.

    Raises:
        FormatError: A missing, truncated, altered or foreign file, or one of a newer schema.
    """
    settings, arrays = safefile.read(path, "network")
    with safefile.describing("a network", path):
        names = NetworkSettings.__required_keys__
        checked = from_json(NetworkSettings, {name: settings[name] for name in names if name in settings}, "")
        layers = [layer_from_config(config, LAYERS) for config in checked["layers"]]
        network = build(layers, Input(checked["input_shape"]).sample_shape)
        params = {name: array for name, array in arrays.items() if name[:1].isdigit()}
        check_stored_size(network, sum(array.size for array in params.values()))
        weights = initial_weights(network, None)
        views = named_views(weights)
        if unknown := params.keys() - views.keys():
            raise SchemaError(f"array {min(unknown)[:MAX_NAME]!r} belongs to no layer")
        for name, view in views.items():
            view[...] = check_array(params, name, np.float32, view.shape)
    return network, weights, checked["seed"], settings, {name: a for name, a in arrays.items() if name not in params}


def layer_to_config(layer: Any, registry: Mapping[str, Any]) -> dict[str, Any]:
    """Return a layer or loss as data for JSON, with the layers inside it.

    Args:
        layer: A dataclass in the registry.
        registry: Classes by name, such as `LAYERS`.

    Raises:
        ConfigError: A class that is not in the registry.

    >>> layer_to_config(LAYERS["Dropout"](0.5), LAYERS)["Dropout"]["rate"]
    0.5
    """
    name = type(layer).__name__
    if SETTINGS.get(name, registry.get(name)) is not type(layer):
        expected, fix = f"one of {', '.join(registry)}", ""
        if isinstance(layer, BaseLayer):
            fix = f"Add it first, here and where the file is loaded: gatecast.layers.LAYERS[{name!r}] = {name}."
        raise ConfigError(f"Cannot save {layer!r}", expected=expected, fix=fix)
    values = {field.name: getattr(layer, field.name) for field in fields(layer)}
    if isinstance(layer, BaseLayer):
        values["name"] = given_name(layer)
    return {name: {key: _value_to_config(value, registry) for key, value in values.items()}}


def layer_from_config(config: Mapping[str, Any], registry: Mapping[str, Any]) -> Any:
    """Return the layer or loss that `layer_to_config` has described; see there.

    >>> layer_from_config({"Dropout": {"rate": 0.5}}, LAYERS) == LAYERS["Dropout"](0.5)
    True
    """
    if len(config) != 1 or not config.keys() <= registry.keys() | SETTINGS.keys():
        raise SchemaError(f"{', '.join(config)[:MAX_NAME]!r} is not one of {', '.join(registry)}")
    ((name, settings),) = config.items()
    renamed = RENAMED.get(name, {})
    values = {renamed.get(key, key): _value_from_config(value, registry) for key, value in settings.items()}
    kind = SETTINGS.get(name) or registry[name]
    return kind(**check_fields(kind, values, name))


def _value_to_config(value: Any, registry: Mapping[str, Any]) -> Any:
    """Return a setting as data for JSON."""
    if isinstance(value, tuple | list):
        return [_value_to_config(item, registry) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    return layer_to_config(value, registry) if is_dataclass(value) else value


def _value_from_config(value: Any, registry: Mapping[str, Any]) -> Any:
    """Return the setting that `_value_to_config` has described."""
    if isinstance(value, list):
        return tuple(_value_from_config(item, registry) for item in value)
    return layer_from_config(value, registry) if isinstance(value, dict) else value


def named_views(weights: Weights) -> dict[str, Float32Array]:
    """Return views of all parameters by "layer.name".

    >>> from gatecast.nn.layers import Dense
    >>> list(named_views(initial_weights(build([Dense(1)], (2,)), 0)))
    ['0.W', '0.b']
    """
    return {f"{k}.{name}": view for k, views in enumerate(weights.views) for name, view in views.items()}
