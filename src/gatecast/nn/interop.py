"""Weights of other libraries: lists as in Keras, and a PyTorch state_dict of RNN, GRU, LSTM and Linear modules.

PyTorch stores matrices as (out, in), orders gates along the first axis in its own way, and has two biases per
recurrent layer. An LSTM and an RNN use only the sum of the two: reading adds them, writing sets the second to zero. A
GRU uses both.

| gatecast                 | PyTorch                                                     |
|--------------------------|-------------------------------------------------------------|
| Wx (F, GH), Wh (R, GH)   | weight_ih_l0 (GH, F), weight_hh_l0 (GH, R)                  |
| b (GH,), of a GRU (2,3H) | bias_ih_l0 (GH,), bias_hh_l0 (GH,)                          |
| Wr (H, R)                | weight_hr_l0 (R, H)                                         |
| gates i f o g; z r g     | i f g o; r z n                                              |
| Bidirectional(layer)     | the same names, and again with _reverse                     |
| W (F, M), b (M,)         | weight (M, F), bias (M,)                                    |

Shapes: F features, H units, R recurrent outputs (H without projection), G gates, M outputs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast._utils.typing import Float32Array
from gatecast.errors import ConfigError, DataError
from gatecast.kernels.packing import Params
from gatecast.nn.layers import GRU, LSTM, Bidirectional, Dense, Layer, SimpleRNN
from gatecast.nn.layers.checks import check_weights, to_float32
from gatecast.nn.layers.recurrent import reorder_gates
from gatecast.nn.network import Network, Weights

__all__ = ["get_weights", "load_torch", "set_weights", "to_torch"]

_ENTRY = re.compile(
    r"(?:(?P<module>.*)\.)?(?P<role>weight_ih|weight_hh|bias_ih|bias_hh|weight_hr)"
    r"(?:_l(?P<layer>\d+))?(?P<direction>_reverse)?"
)
_GATE_ORDERS: dict[Any, tuple[str, str]] = {SimpleRNN: ("h", "h"), GRU: ("zrg", "rzg"), LSTM: ("ifog", "ifgo")}
"""Order of the gates in gatecast and in PyTorch, which calls the g of a GRU n."""
_MODULE_NAMES: dict[Any, str] = {SimpleRNN: "rnn", GRU: "gru", LSTM: "lstm", Dense: "linear"}


class _TorchLayer(NamedTuple):
    """A layer of PyTorch: its name, and the names of its entries by role."""

    name: str
    entries: dict[str, str]


def get_weights(network: Network, weights: Weights) -> list[Float32Array]:
    """Return copies of all weights in the order and layout of Keras: kernel, recurrent kernel, bias, ... by layer.

    Args:
        network: Layers and shapes.
        weights: The parameters.

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

    Modules are matched by their order in the state_dict, not by name: each must fit the next layer with weights. The
    bias of a module without biases is zero.

    Args:
        network: Layers and shapes.
        weights: The parameters, changed in place.
        state_dict: Tensors or arrays by name; finite.

    Raises:
        ConfigError: A layer without a counterpart in PyTorch.
        DataError: Other layers, a wrong shape, NaN or infinity. No weight has changed then.

    >>> from gatecast.nn.network import build, initial_weights
    >>> network = build([Dense(2)], (3,))
    >>> weights = initial_weights(network, 0)
    >>> load_torch(network, weights, {"out.weight": np.ones((2, 3)), "out.bias": np.zeros(2)})
    >>> weights.views[0]["W"].tolist()
    [[1.0, 1.0], [1.0, 1.0], [1.0, 1.0]]
    """
    new_params: list[tuple[Params, Params]] = []
    for layer, views, torch_layer in _match_layers(network, weights, state_dict):
        expected = _to_roles(layer, views)
        roles = {}
        for role, current in expected.items():
            entry = torch_layer.entries.get(role)
            if entry is None and not role.startswith("bias"):
                raise DataError(
                    "The state_dict lacks an entry",
                    where=torch_layer.name,
                    got=_join(torch_layer.entries.values()),
                    expected=f"{role} of shape {current.shape}, for {_describe(layer)}",
                    fix="Pass the entries in the order of PyTorch's state_dict(); a file may have sorted them.",
                )
            shape = current.shape
            roles[role] = np.zeros_like(current) if entry is None else _read(state_dict[entry], entry, shape, layer)
        for role in torch_layer.entries.keys() - expected.keys():
            where = torch_layer.entries[role]
            raise DataError(f"{_describe(layer)} has no such parameter", where=where, expected=_join(expected))
        new_params.append((views, _from_roles(layer, roles)))
    for views, params in new_params:
        for name, value in params.items():
            views[name][...] = value


def to_torch(network: Network, weights: Weights, like: Mapping[str, Any] | None = None) -> dict[str, Float32Array]:
    """Return the weights as a PyTorch state_dict.

    Args:
        network: Layers and shapes.
        weights: The parameters.
        like: A state_dict whose names to use. None: consecutive layers of one kind and size become a module, called
            "rnn", "gru", "lstm" or "linear", "linear_1", ...

    Returns:
        Arrays by name, in the order of PyTorch; convert them with `torch.from_numpy`.

    Raises:
        ConfigError: A layer without a counterpart in PyTorch.
        DataError: `like` has other layers or shapes, or lacks a bias that is not zero.

    >>> from gatecast.nn.network import build, initial_weights
    >>> network = build([LSTM(4), Dense(2)], (None, 1))
    >>> list(to_torch(network, initial_weights(network, 0)))[2:]
    ['lstm.bias_ih_l0', 'lstm.bias_hh_l0', 'linear.weight', 'linear.bias']
    """
    if like is None:
        return _to_new_state_dict(network, weights)
    state_dict: dict[str, Float32Array] = {}
    for layer, views, torch_layer in _match_layers(network, weights, like):
        for role, value in _to_roles(layer, views).items():
            entry = torch_layer.entries.get(role)
            if entry is None and (value.any() or not role.startswith("bias")):
                what = f"The state_dict has no entry for {role} of {_describe(layer)}"
                raise DataError(what, where=torch_layer.name, got=_join(torch_layer.entries.values()))
            if entry is not None:
                _check_shape(tuple(like[entry].shape), entry, value.shape, layer)
                state_dict[entry] = value
    return {entry: state_dict[entry] for entry in like if entry in state_dict}


def _match_layers(
    network: Network, weights: Weights, state_dict: Mapping[str, Any]
) -> list[tuple[Layer, Params, _TorchLayer]]:
    """Match layers with weights to the layers of a state_dict."""
    layers, torch_layers = _layers_with_weights(network, weights), _torch_layers(state_dict)
    if len(layers) != len(torch_layers):
        raise DataError(
            "The state_dict has another number of layers",
            got=f"{len(torch_layers)}: {_join(torch_layer.name for torch_layer in torch_layers)}",
            expected=f"{len(layers)}: {_join(_describe(layer) for layer, _ in layers)}",
        )
    return [(layer, views, torch_layer) for (layer, views), torch_layer in zip(layers, torch_layers, strict=True)]


def _layers_with_weights(network: Network, weights: Weights) -> list[tuple[Layer, Params]]:
    """Return the layers that have weights; raise an error if PyTorch lacks one of them."""
    layers = [(layer, views) for layer, views in zip(network.layers, weights.views, strict=True) if views]
    for layer, views in layers:
        if not _exists_in_torch(layer, views):
            raise ConfigError(
                f"PyTorch has no module for {layer}",
                expected="SimpleRNN, GRU(reset_after=True), LSTM without peepholes, layer_norm and coupled, "
                "with biases and the usual activations, "
                'Bidirectional(merge_mode="concat") of these, Dense',
                fix="Use get_weights and set_weights, which exchange the weights of any layer as a list.",
            )
    return layers


def _exists_in_torch(layer: Layer, views: Params) -> bool:
    """Return whether PyTorch has a module for a layer with these parameters."""
    inner: Any = layer.layer if isinstance(layer, Bidirectional) else layer
    if not isinstance(inner, (LSTM, GRU, SimpleRNN, Dense)):
        return False
    if not _is_plain(inner):
        return False
    if any("gain" in name or name[-1] == "P" for name in views):
        return False
    if not getattr(inner, "reset_after", True) or getattr(inner, "coupled", False):
        return False
    return not isinstance(layer, Bidirectional) or (layer.merge_mode == "concat" and not isinstance(inner, Dense))


def _is_plain(layer: Any) -> bool:
    """Return whether a layer has biases, the activations of PyTorch's cells, and reads from the beginning."""
    other = getattr(layer, "_activations", None) is not None or getattr(layer, "go_backwards", False)
    return bool(layer.use_bias) and not other


def _torch_layers(state_dict: Mapping[str, Any]) -> list[_TorchLayer]:
    """Return the layers of a state_dict, in the order of their first entries."""
    layers: dict[tuple[str, str], _TorchLayer] = {}
    for entry in state_dict:
        match = _ENTRY.fullmatch(str(entry))
        if match is None:
            module, _, role = str(entry).rpartition(".")
            number = ""
        else:
            module, number = match["module"] or "", match["layer"] or ""
            role = match["role"] + (match["direction"] or "")
        name = f"{module or 'the module'}" + (f", layer {number}" if number else "")
        layers.setdefault((module, number), _TorchLayer(name, {})).entries[role] = entry
    modules = list(dict.fromkeys(module for module, _ in layers))
    # A file may have sorted the entries by name, l10 before l2.
    order = sorted(layers, key=lambda key: (modules.index(key[0]), int(key[1] or 0)))
    return [layers[key] for key in order]


def _to_roles(layer: Layer, params: Params) -> dict[str, Float32Array]:
    """Return the parameters of a layer in the layout of PyTorch, by role, in the order of PyTorch."""
    if isinstance(layer, Dense):
        return {"weight": params["W"].T.copy(), "bias": params["b"].copy()}
    if isinstance(layer, Bidirectional):
        forward, backward = (_to_roles(layer.layer, _strip_prefix(params, name)) for name in ("forward", "backward"))
        return forward | {f"{role}_reverse": value for role, value in backward.items()}
    orders = _GATE_ORDERS[type(layer)]
    names = {"weight_ih": "Wx", "weight_hh": "Wh"}
    roles = {role: reorder_gates(params[name], *orders).T.copy() for role, name in names.items()}
    b = reorder_gates(params["b"], *orders)
    roles["bias_ih"], roles["bias_hh"] = (b[0].copy(), b[1].copy()) if b.ndim == 2 else (b, np.zeros_like(b))
    return roles | ({"weight_hr": params["Wr"].T.copy()} if "Wr" in params else {})


def _from_roles(layer: Layer, roles: Mapping[str, Float32Array]) -> Params:
    """Return the parameters that `_to_roles` has converted."""
    if isinstance(layer, Dense):
        return {"W": roles["weight"].T, "b": roles["bias"]}
    if isinstance(layer, Bidirectional):
        forward = {role: value for role, value in roles.items() if not role.endswith("_reverse")}
        backward = {role.removesuffix("_reverse"): roles[role] for role in roles.keys() - forward.keys()}
        directions = {"forward": _from_roles(layer.layer, forward), "backward": _from_roles(layer.layer, backward)}
        return {f"{name}.{key}": value for name, params in directions.items() for key, value in params.items()}
    own_order, torch_order = _GATE_ORDERS[type(layer)]
    biases = roles["bias_ih"], roles["bias_hh"]
    b = np.stack(biases) if isinstance(layer, GRU) else biases[0] + biases[1]
    params = {
        "Wx": reorder_gates(roles["weight_ih"].T, torch_order, own_order),
        "Wh": reorder_gates(roles["weight_hh"].T, torch_order, own_order),
        "b": reorder_gates(b, torch_order, own_order),
    }
    return params | ({"Wr": roles["weight_hr"].T} if "weight_hr" in roles else {})


def _to_new_state_dict(network: Network, weights: Weights) -> dict[str, Float32Array]:
    """Return a state_dict with default names."""
    state_dict: dict[str, Float32Array] = {}
    n_modules: dict[str, int] = {}
    for kind, pairs in groupby(_layers_with_weights(network, weights), _module_kind):
        group, base = list(pairs), _MODULE_NAMES[kind[0]]
        # A Linear module is one layer; the others stack layers of one kind.
        for module in [[pair] for pair in group] if kind[0] is Dense else [group]:
            name = f"{base}_{n_modules[base]}" if base in n_modules else base
            n_modules[base] = n_modules.get(base, 0) + 1
            for number, (layer, views) in enumerate(module):
                for role, value in _to_roles(layer, views).items():
                    stem, reverse = role.removesuffix("_reverse"), "_reverse" * role.endswith("_reverse")
                    entry = role if base == "linear" else f"{stem}_l{number}{reverse}"
                    state_dict[f"{name}.{entry}"] = value
    return state_dict


def _module_kind(pair: tuple[Layer, Params]) -> tuple[Any, ...]:
    """Return what the layers of one module of PyTorch have in common."""
    bidirectional = isinstance(pair[0], Bidirectional)
    layer: Any = pair[0].layer if isinstance(pair[0], Bidirectional) else pair[0]
    return type(layer), bidirectional, layer.units, getattr(layer, "projection", None), getattr(layer, "activation", "")


def _strip_prefix(params: Params, name: str) -> Params:
    """Return the parameters of a layer inside a layer."""
    return {key.removeprefix(f"{name}."): value for key, value in params.items() if key.startswith(f"{name}.")}


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
        raise DataError(what, where=entry, got=str(got), expected=f"{expected}, for {_describe(layer)}")


def _describe(layer: Any) -> str:
    """Return a layer as short text."""
    inner = _describe(layer.layer) if isinstance(layer, Bidirectional) else layer.units
    return f"{type(layer).__name__}({inner})"


def _join(names: Iterable[str]) -> str:
    """Return names as text."""
    return ", ".join(names) or "nothing"
