"""Files of networks: layers, weights, seed, loss and optimizer as data."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from gatecast._utils import safefile
from gatecast._utils.typing import Float32Array
from gatecast.errors import ConfigError, FormatError
from gatecast.nn import optim
from gatecast.nn.constraints import CONSTRAINTS
from gatecast.nn.initializers import INITIALIZERS
from gatecast.nn.layers import LAYERS, Input
from gatecast.nn.losses import LOSSES, Loss
from gatecast.nn.network import Network, Weights, build, initial_weights
from gatecast.nn.optim import GradientTransformation
from gatecast.nn.regularizers import REGULARIZERS

SETTINGS: Mapping[str, Any] = {**INITIALIZERS, **REGULARIZERS, **CONSTRAINTS}
"""Records that layers hold as settings, by name."""

__all__ = ["layer_from_config", "layer_to_config", "read_network", "write_network"]


def write_network(
    path: str | os.PathLike[str],
    network: Network,
    weights: Weights,
    seed: int,
    compiled: tuple[Loss, GradientTransformation] | None,
) -> None:
    """Write a network to a file.

    Args:
        path: The file; an existing one is replaced.
        network: Layers and shapes. The layers must be those of `gatecast.layers`.
        weights: The parameters.
        seed: The seed of the model.
        compiled: Loss and optimizer; not written if one of them contains a function of the user.

    Raises:
        ConfigError: The file cannot be written, or a layer is not one of `gatecast.layers`.
    """
    settings = {
        "input_shape": network.shapes[0],
        "seed": seed,
        "layers": [layer_to_config(layer, LAYERS) for layer in network.layers],
        "compiled": compiled and _compiled_to_config(*compiled),
    }
    safefile.write(path, "network", settings, _named_views(weights))


def read_network(
    path: str | os.PathLike[str],
) -> tuple[Network, Weights, int, tuple[Loss, GradientTransformation] | None]:
    """Read a file that `write_network` has written.

    Args:
        path: The file.

    Returns:
        Network, weights, seed, and loss and optimizer if the file has them.

    Raises:
        FormatError: A missing, truncated, altered or foreign file, or one of a newer schema.
    """
    settings, arrays = safefile.read(path, "network")
    try:
        layers = [layer_from_config(config, LAYERS) for config in settings["layers"]]
        network = build(layers, Input(tuple(settings["input_shape"])).shape)
        weights, seed = initial_weights(network, None), int(settings["seed"])
        stored, compiled = settings["compiled"], None
        if stored is not None:
            compiled = layer_from_config(stored["loss"], LOSSES), optim.get(optim.from_config(stored["optimizer"]))
        views = _named_views(weights)
        if {name: a.shape for name, a in views.items()} != {name: a.shape for name, a in arrays.items()}:
            raise ValueError("the arrays do not fit the layers")
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        got = f"{type(error).__name__}: {error}"
        raise FormatError("The file does not describe a network", where=str(path), got=got) from error
    for name, view in views.items():
        view[...] = arrays[name]
    return network, weights, seed, compiled


def layer_to_config(layer: Any, registry: Mapping[str, Any]) -> dict[str, Any]:
    """Return a layer or loss as data for JSON, with the layers inside it.

    Args:
        layer: A dataclass in the registry.
        registry: Classes by name: `LAYERS` or `LOSSES`.

    Raises:
        ConfigError: A class that is not in the registry.

    >>> layer_to_config(LOSSES["Huber"](0.5), LOSSES)
    {'Huber': {'delta': 0.5}}
    """
    name = type(layer).__name__
    if SETTINGS.get(name, registry.get(name)) is not type(layer):
        raise ConfigError(f"Cannot save {layer!r}", expected=f"one of {', '.join(registry)}")
    return {name: {field.name: _value_to_config(getattr(layer, field.name), registry) for field in fields(layer)}}


def layer_from_config(config: Mapping[str, Any], registry: Mapping[str, Any]) -> Any:
    """Return the layer or loss that `layer_to_config` has described; see there.

    >>> layer_from_config({"Huber": {"delta": 0.5}}, LOSSES)
    Huber(delta=0.5)
    """
    ((name, settings),) = config.items()
    return (SETTINGS.get(name) or registry[name])(
        **{key: _value_from_config(value, registry) for key, value in settings.items()}
    )


def _value_to_config(value: Any, registry: Mapping[str, Any]) -> Any:
    """Return a setting as data for JSON."""
    if isinstance(value, tuple | list):
        return [_value_to_config(item, registry) for item in value]
    return layer_to_config(value, registry) if is_dataclass(value) else value


def _value_from_config(value: Any, registry: Mapping[str, Any]) -> Any:
    """Return the setting that `_value_to_config` has described."""
    if isinstance(value, list):
        return tuple(_value_from_config(item, registry) for item in value)
    return layer_from_config(value, registry) if isinstance(value, dict) else value


def _compiled_to_config(loss: Loss, optimizer: GradientTransformation) -> dict[str, Any] | None:
    """Return loss and optimizer as data for JSON, or None if one of them contains a function of the user."""
    try:
        return {"loss": layer_to_config(loss, LOSSES), "optimizer": optim.to_config(optimizer)}
    except ConfigError:
        return None


def _named_views(weights: Weights) -> dict[str, Float32Array]:
    """Return views of all parameters by "layer.name"."""
    return {f"{k}.{name}": view for k, views in enumerate(weights.views) for name, view in views.items()}
