"""Weights of other libraries: lists as in Keras, and a state_dict of PyTorch.

A state_dict is read layer by layer; `torch_layers` has the layout of each. Modules are matched to layers by name, if
the layers with weights have the names of the modules, else by order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast._utils.typing import Float32Array
from gatecast.errors import ConfigError, DataError
from gatecast.kernels.packing import Params
from gatecast.nn.layers import Bidirectional, Concatenate, Graph, Layer
from gatecast.nn.layers.checks import check_weights, to_float32
from gatecast.nn.layers.wrapper import WrapperLayer, strip_prefix
from gatecast.nn.model_layers import layer_names
from gatecast.nn.network import Network, Weights
from gatecast.nn.torch_layers import COUNTER, MODULES, describe, exists_in_torch, from_roles, module_kind, to_roles

__all__ = ["get_weights", "load_torch", "set_weights", "to_torch"]

_ENTRY = re.compile(
    r"(?:(?P<module>.*)\.)?(?P<role>weight_ih|weight_hh|bias_ih|bias_hh|weight_hr)"
    r"(?:_l(?P<layer>\d+))?(?P<direction>_reverse)?"
)


class _Named(NamedTuple):
    """A layer with weights, and its name in the model."""

    layer: Layer
    name: str
    views: Params


class _TorchLayer(NamedTuple):
    """A layer of PyTorch: its name for messages, that of its module, and the names of its entries by role."""

    name: str
    module: str
    entries: dict[str, str]


def get_weights(network: Network, weights: Weights) -> list[Float32Array]:
    """Return copies of all weights in the order and layout of Keras: kernel, recurrent kernel, bias, ... by layer.

    Args:
        network: Layers and shapes.
        weights: The parameters.

    >>> from gatecast.nn.layers import Dense
    >>> from gatecast.nn.network import build, initial_weights
    >>> network = build([Dense(2)], (3,))
    >>> [w.shape for w in get_weights(network, initial_weights(network, 0))]
    [(3, 2), (2,)]
    """
    pairs = zip(network.layers, weights.views, strict=True)
    return [array for layer, views in pairs for array in layer.to_keras_weights(views)]


def set_weights(network: Network, weights: Weights, new_weights: Sequence[npt.ArrayLike]) -> None:
    """Set all weights, in the order and layout of `get_weights`.

    Args:
        network: Layers and shapes.
        weights: The parameters, changed in place.
        new_weights: Arrays, as `get_weights` returns them; finite.

    Raises:
        DataError: A wrong number of arrays, a wrong shape, NaN or infinity. No weight has changed then.
    """
    arrays = check_weights(new_weights, [a.shape for a in get_weights(network, weights)], "network")
    for layer, views in zip(network.layers, weights.views, strict=True):
        n_arrays = len(layer.to_keras_weights(views))
        for name, value in layer.from_keras_weights(arrays[:n_arrays]).items():
            views[name][...] = value
        arrays = arrays[n_arrays:]


def load_torch(network: Network, weights: Weights, state_dict: Mapping[str, Any]) -> None:
    """Set all weights from a PyTorch state_dict.

    Modules are matched by name if the layers with weights have the names of all modules, as `Dense(1, name="out")` for
    ``out.weight``; else by their order in the state_dict: each must fit the next layer with weights. The bias of a
    module without biases is zero.

    Args:
        network: Layers and shapes.
        weights: The parameters, changed in place.
        state_dict: Tensors or arrays by name; finite.

    Raises:
        ConfigError: A layer without a counterpart in PyTorch.
        DataError: Other layers, a wrong shape, NaN or infinity. No weight has changed then.

    >>> from gatecast.nn.layers import Dense
    >>> from gatecast.nn.network import build, initial_weights
    >>> network = build([Dense(2)], (3,))
    >>> weights = initial_weights(network, 0)
    >>> load_torch(network, weights, {"out.weight": np.ones((2, 3)), "out.bias": np.zeros(2)})
    >>> weights.views[0]["W"].tolist()
    [[1.0, 1.0], [1.0, 1.0], [1.0, 1.0]]
    """
    new_params: list[tuple[Params, Params]] = []
    for layer, views, torch_layer in _match_layers(network, weights, state_dict):
        expected = to_roles(layer, views)
        roles = {}
        for role, current in expected.items():
            entry = torch_layer.entries.get(role)
            if entry is None and not role.startswith("bias"):
                raise DataError(
                    "The state_dict lacks an entry",
                    where=torch_layer.name,
                    got=_join(torch_layer.entries.values()),
                    expected=f"{role} of shape {current.shape}, for {describe(layer)}",
                    fix="Pass the entries in the order of PyTorch's state_dict(); a file may have sorted them.",
                )
            shape = current.shape
            roles[role] = np.zeros_like(current) if entry is None else _read(state_dict[entry], entry, shape, layer)
        for role in torch_layer.entries.keys() - expected.keys():
            where = torch_layer.entries[role]
            raise DataError(f"{describe(layer)} has no such parameter", where=where, expected=_join(expected))
        new_params.append((views, from_roles(layer, roles)))
    for views, params in new_params:
        for name, value in params.items():
            views[name][...] = value


def to_torch(network: Network, weights: Weights, like: Mapping[str, Any] | None = None) -> dict[str, Float32Array]:
    """Return the weights as a PyTorch state_dict.

    Args:
        network: Layers and shapes.
        weights: The parameters.
        like: A state_dict whose names to use. None: consecutive layers of one kind and size become a module, called
            "rnn", "gru", "lstm", and any other a module of its own, "linear", "linear_1", "conv1d", ...

    Returns:
        Arrays by name, in the order of PyTorch; convert them with `torch.from_numpy`.

    Raises:
        ConfigError: A layer without a counterpart in PyTorch.
        DataError: `like` has other layers or shapes, or lacks a bias that is not zero.

    >>> from gatecast.nn.layers import LSTM, Dense
    >>> from gatecast.nn.network import build, initial_weights
    >>> network = build([LSTM(4), Dense(2)], (None, 1))
    >>> list(to_torch(network, initial_weights(network, 0)))[2:]
    ['lstm.bias_ih_l0', 'lstm.bias_hh_l0', 'linear.weight', 'linear.bias']
    """
    if like is None:
        return _to_new_state_dict(network, weights)
    state_dict: dict[str, Float32Array] = {}
    for layer, views, torch_layer in _match_layers(network, weights, like):
        for role, value in to_roles(layer, views).items():
            entry = torch_layer.entries.get(role)
            if entry is None and (value.any() or not role.startswith("bias")):
                what = f"The state_dict has no entry for {role} of {describe(layer)}"
                raise DataError(what, where=torch_layer.name, got=_join(torch_layer.entries.values()))
            if entry is not None:
                _check_shape(tuple(like[entry].shape), entry, value.shape, layer)
                state_dict[entry] = value
    return {entry: state_dict[entry] for entry in like if entry in state_dict}


def _match_layers(
    network: Network, weights: Weights, state_dict: Mapping[str, Any]
) -> list[tuple[Layer, Params, _TorchLayer]]:
    """Match layers with weights to the layers of a state_dict: by name if all names are the same, else by order."""
    layers, torch_layers = _layers_with_weights(network, weights), _torch_layers(state_dict)
    if len(layers) != len(torch_layers):
        raise DataError(
            "The state_dict has another number of layers",
            got=f"{len(torch_layers)}: {_join(torch_layer.name for torch_layer in torch_layers)}",
            expected=f"{len(layers)}: {_join(describe(layer) for layer, _, _ in layers)}",
        )
    by_name = {torch_layer.module: torch_layer for torch_layer in torch_layers}
    if len(by_name) == len(layers) and by_name.keys() == {named.name for named in layers}:
        torch_layers = [by_name[named.name] for named in layers]
    return [(named.layer, named.views, torch_layer) for named, torch_layer in zip(layers, torch_layers, strict=True)]


def _layers_with_weights(network: Network, weights: Weights) -> list[_Named]:
    """Return the layers that have weights; raise an error if PyTorch lacks one of them."""
    pairs = zip(network.layers, layer_names(network.layers), weights.views, strict=True)
    layers = [named for layer, name, views in pairs for named in _unwrapped(layer, name, views)]
    for layer, _, views in layers:
        if not exists_in_torch(layer, views):
            raise ConfigError(
                f"PyTorch has no module for {layer}",
                expected="SimpleRNN, GRU(reset_after=True), LSTM without peepholes, layer_norm and coupled, with the "
                'usual activations, Bidirectional(merge_mode="concat") of these, Dense, Conv1D, Embedding, '
                "BatchNormalization, LayerNormalization, RMSNorm",
                fix="Use get_weights and set_weights, which exchange the weights of any layer as a list.",
            )
    return layers


def _unwrapped(layer: Layer, name: str, views: Params) -> Iterator[_Named]:
    """Yield the layers with weights within a layer; a state_dict knows nothing of graphs, branches and shortcuts."""
    if not views:
        return
    if not isinstance(layer, WrapperLayer) or isinstance(layer, Bidirectional):
        yield _Named(layer, name, views)
        return
    inner = layer.inner_layers()
    names = layer_names([item for _, item in inner]) if isinstance(layer, Graph) else [name] * len(inner)
    for (prefix, item), inner_name in zip(inner, names, strict=True):
        yield from _unwrapped(item, inner_name, strip_prefix(views, prefix))


def _torch_layers(state_dict: Mapping[str, Any]) -> list[_TorchLayer]:
    """Return the layers of a state_dict, in the order of their first entries."""
    layers: dict[tuple[str, str], _TorchLayer] = {}
    for entry in state_dict:
        if str(entry).rpartition(".")[2] == COUNTER:
            continue
        match = _ENTRY.fullmatch(str(entry))
        if match is None:
            module, _, role = str(entry).rpartition(".")
            number = ""
        else:
            module, number = match["module"] or "", match["layer"] or ""
            role = match["role"] + (match["direction"] or "")
        name = f"{module or 'the module'}" + (f", layer {number}" if number else "")
        layers.setdefault((module, number), _TorchLayer(name, module, {})).entries[role] = entry
    modules = list(dict.fromkeys(module for module, _ in layers))
    # A file may have sorted the entries by name, l10 before l2.
    order = sorted(layers, key=lambda key: (modules.index(key[0]), int(key[1] or 0)))
    return [layers[key] for key in order]


def _to_new_state_dict(network: Network, weights: Weights) -> dict[str, Float32Array]:
    """Return a state_dict with default names."""
    state_dict: dict[str, Float32Array] = {}
    n_modules: dict[str, int] = {}
    # Layers of graphs and branches do not follow each other: each is a module of its own.
    follow = not any(isinstance(layer, Graph | Concatenate) for layer in network.layers)
    for kind, items in groupby(_layers_with_weights(network, weights), lambda named: module_kind(named.layer)):
        group, (base, stacks) = list(items), MODULES[kind[0]]
        # Recurrent modules stack layers of one kind; any other is one layer.
        for module in [group] if stacks and follow else [[named] for named in group]:
            name = f"{base}_{n_modules[base]}" if base in n_modules else base
            n_modules[base] = n_modules.get(base, 0) + 1
            for number, (layer, _, views) in enumerate(module):
                for role, value in to_roles(layer, views).items():
                    stem, reverse = role.removesuffix("_reverse"), "_reverse" * role.endswith("_reverse")
                    entry = f"{stem}_l{number}{reverse}" if stacks else role
                    state_dict[f"{name}.{entry}"] = value
    return state_dict


def _read(tensor: Any, entry: str, shape: tuple[int, ...], layer: Layer) -> Float32Array:
    """Return a tensor or array as float32 of a shape."""
    for method in ("detach", "cpu", "float"):  # NumPy knows neither gradients nor devices nor bfloat16
        tensor = getattr(tensor, method, lambda tensor=tensor: tensor)()
    try:
        array = to_float32(tensor)
    except (TypeError, ValueError) as error:
        raise DataError("An entry of the state_dict is not an array of numbers", where=entry, got=str(error)) from None
    _check_shape(array.shape, entry, shape, layer)
    if not np.isfinite(array).all():
        raise DataError("An entry of the state_dict is not finite", where=entry, expected="finite numbers")
    return array


def _check_shape(got: tuple[int, ...], entry: str, expected: tuple[int, ...], layer: Layer) -> None:
    """Raise an error if an entry has another shape."""
    if got != expected:
        what = "An entry of the state_dict has the wrong shape"
        raise DataError(what, where=entry, got=str(got), expected=f"{expected}, for {describe(layer)}")


def _join(names: Iterable[str]) -> str:
    """Return names as text."""
    return ", ".join(names) or "nothing"
