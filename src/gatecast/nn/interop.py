"""Weights in and out: Keras' lists, and PyTorch's state_dict for stacks of RNN, GRU, LSTM and Linear.

Letters: F features, H units, R outputs (H without projection). PyTorch keeps matrices as (out, in), gates in an
order of its own along the first axis, and two biases for each recurrent layer. An LSTM and an RNN only ever see
the sum of the two: it is taken on the way in, and on the way out the second bias is zero. A GRU has both.

| gatecast                 | PyTorch                                                     |
|--------------------------|-------------------------------------------------------------|
| Wx (F, GH), Wh (R, GH)   | weight_ih_l0 (GH, F), weight_hh_l0 (GH, R)                  |
| b (GH,), of a GRU (2,3H) | bias_ih_l0 (GH,), bias_hh_l0 (GH,)                          |
| Wr (H, R)                | weight_hr_l0 (R, H)                                         |
| gates i f o g; z r g     | i f g o; r z n                                              |
| Bidirectional(layer)     | the same names, and once more with _reverse                 |
| W (F, M), b (M,)         | weight (M, F), bias (M,)                                    |
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast.errors import ConfigError, DataError
from gatecast.kernels.packing import Array, Params
from gatecast.nn.layers import GRU, LSTM, Bidirectional, Dense, Layer, SimpleRNN
from gatecast.nn.layers.recurrent import reorder_gates
from gatecast.nn.network import Network, Weights

__all__ = ["get_weights", "load_torch", "set_weights", "to_torch"]

_ROLES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
_ENTRY = re.compile(
    r"(?:(?P<module>.*)\.)?(?P<role>weight_ih|weight_hh|bias_ih|bias_hh|weight_hr)"
    r"(?:_l(?P<place>\d+))?(?P<way>_reverse)?"
)
_GATES = {SimpleRNN: ("h", "h"), GRU: ("zrg", "rzg"), LSTM: ("ifog", "ifgo")}
"""Order of the gates here and there; PyTorch calls a GRU's g n."""


class _Part(NamedTuple):
    """One of PyTorch's layers: its entries by role."""

    name: str
    entries: dict[str, str]


def get_weights(network: Network, weights: Weights) -> list[Array]:
    """Copies of all weights in Keras' order and layout: kernel, recurrent kernel, bias, ... by layer.

    Args:
        network: Layers and shapes.
        weights: Their parameters.

    >>> from gatecast.nn.network import initial_weights, build
    >>> network = build([Dense(2)], (3,))
    >>> [w.shape for w in get_weights(network, initial_weights(network, 0))]
    [(3, 2), (2,)]
    """
    pairs = zip(network.layers, weights.views, strict=True)
    return [array for layer, views in pairs for array in layer.get_weights(views)]


def set_weights(network: Network, weights: Weights, given: Sequence[npt.ArrayLike]) -> None:
    """Take over weights in the order and layout of `get_weights`; all of them, or none if something is wrong.

    Args:
        network: Layers and shapes.
        weights: Their parameters, written.
        given: As `get_weights` gives them; finite.

    Raises:
        DataError: Another number of arrays, another shape, or values that are not finite.
    """
    try:
        arrays = [_float32(w) for w in given]
    except (TypeError, ValueError) as error:
        raise DataError("these weights are not arrays of numbers", got=str(error)) from None
    own = get_weights(network, weights)
    if [w.shape for w in arrays] != [w.shape for w in own]:
        got, expected = str([w.shape for w in arrays]), str([w.shape for w in own])
        raise DataError("these weights are not those of this network", got=got, expected=expected)
    for k, array in enumerate(arrays):
        if not np.isfinite(array).all():
            raise DataError("some weights are not finite", where=f"array {k}", expected="finite numbers")
    for layer, views in zip(network.layers, weights.views, strict=True):
        count = len(layer.get_weights(views))
        for name, value in layer.set_weights(arrays[:count]).items():
            views[name][...] = value
        arrays = arrays[count:]


def load_torch(network: Network, weights: Weights, state: Mapping[str, Any]) -> None:
    """Take over a state_dict of PyTorch; all of it, or nothing if something is wrong.

    Modules are taken in the order of the state_dict, whatever their names: each must be the next layer here that
    has weights. A module without biases leaves zeros.

    Args:
        network: Layers and shapes.
        weights: Their parameters, written.
        state: Tensors or arrays by name; finite.

    Raises:
        ConfigError: A layer that PyTorch has no module for.
        DataError: Other layers, another shape, or values that are not finite.

    >>> from gatecast.nn.network import initial_weights, build
    >>> network = build([Dense(2)], (3,))
    >>> weights = initial_weights(network, 0)
    >>> load_torch(network, weights, {"out.weight": np.ones((2, 3)), "out.bias": np.zeros(2)})
    >>> weights.views[0]["W"].tolist()
    [[1.0, 1.0], [1.0, 1.0], [1.0, 1.0]]
    """
    new: list[tuple[Params, Params]] = []
    for layer, views, part in _paired(network, weights, state):
        expected = _to_roles(layer, views)
        given = {}
        for role, own in expected.items():
            if role not in part.entries and not role.startswith("bias"):
                raise DataError(
                    "the state_dict lacks an entry",
                    where=part.name,
                    got=_listed(part.entries.values()),
                    expected=f"{role} of shape {own.shape}, for {_told(layer)}",
                    fix="Modules count in the order of PyTorch's own state_dict(); a file may have sorted them.",
                )
            entry = part.entries.get(role)
            given[role] = np.zeros_like(own) if entry is None else _read(state[entry], entry, own.shape, layer)
        for role in part.entries.keys() - expected.keys():
            raise DataError(
                f"{_told(layer)} has no place for an entry", where=part.entries[role], expected=_listed(expected)
            )
        new.append((views, _from_roles(layer, given)))
    for views, params in new:
        for name, value in params.items():
            views[name][...] = value


def to_torch(network: Network, weights: Weights, like: Mapping[str, Any] | None = None) -> dict[str, Array]:
    """The weights as a state_dict of PyTorch.

    Args:
        network: Layers and shapes.
        weights: Their parameters.
        like: A state_dict whose names and shapes to use. None: layers of one kind and size that follow one another
            are one module, called "rnn", "gru", "lstm" or "linear", "linear_1", ...

    Returns:
        Arrays by name, in PyTorch's order; `torch.from_numpy` makes tensors of them.

    Raises:
        ConfigError: A layer that PyTorch has no module for.
        DataError: `like` is of other layers or shapes, or lacks a bias that is not zero.

    >>> from gatecast.nn.network import initial_weights, build
    >>> network = build([LSTM(4), Dense(2)], (None, 1))
    >>> list(to_torch(network, initial_weights(network, 0)))[2:]
    ['lstm.bias_ih_l0', 'lstm.bias_hh_l0', 'linear.weight', 'linear.bias']
    """
    if like is None:
        return _named(network, weights)
    found: dict[str, Array] = {}
    for layer, views, part in _paired(network, weights, like):
        for role, value in _to_roles(layer, views).items():
            entry = part.entries.get(role)
            if entry is None and (value.any() or not role.startswith("bias")):
                got = _listed(part.entries.values())
                raise DataError(
                    f"the state_dict has no place for the {role} of {_told(layer)}", where=part.name, got=got
                )
            if entry is not None:
                _require_shape(tuple(like[entry].shape), entry, value.shape, layer)
                found[entry] = value
    return {entry: found[entry] for entry in like if entry in found}


def _paired(network: Network, weights: Weights, state: Mapping[str, Any]) -> list[tuple[Layer, Params, _Part]]:
    """Layers with weights, each with its parameters and PyTorch's entries."""
    own = _own(network, weights)
    parts = _parts(state)
    if len(own) != len(parts):
        raise DataError(
            "the state_dict is of another number of layers",
            got=f"{len(parts)}: {_listed(part.name for part in parts)}",
            expected=f"{len(own)}: {_listed(_told(layer) for layer, _ in own)}",
        )
    return [(layer, views, part) for (layer, views), part in zip(own, parts, strict=True)]


def _own(network: Network, weights: Weights) -> list[tuple[Layer, Params]]:
    """Layers with weights, if PyTorch has them all."""
    own = [(layer, views) for layer, views in zip(network.layers, weights.views, strict=True) if views]
    for layer, views in own:
        inner: Any = layer.layer if isinstance(layer, Bidirectional) else layer
        plain = isinstance(inner, (LSTM, GRU, SimpleRNN, Dense)) and not any("gain" in n or n[-1] == "P" for n in views)
        plain &= getattr(inner, "reset_after", True) and not getattr(inner, "coupled", False)
        plain &= not isinstance(layer, Bidirectional) or (layer.merge == "concat" and not isinstance(inner, Dense))
        if not plain:
            raise ConfigError(
                "PyTorch has no module for this layer",
                got=str(layer),
                expected="SimpleRNN, GRU(reset_after=True), LSTM without peepholes, layer_norm and coupled, "
                'Bidirectional(merge="concat") of these, Dense',
                fix="get_weights and set_weights exchange any weights as a list.",
            )
    return own


def _parts(state: Mapping[str, Any]) -> list[_Part]:
    """PyTorch's layers in the order in which their entries first stand."""
    parts: dict[tuple[str, str], _Part] = {}
    for entry in state:
        match = _ENTRY.fullmatch(str(entry))
        if match is None:
            module, _, role = str(entry).rpartition(".")
            place = ""
        else:
            module, place = match["module"] or "", match["place"] or ""
            role = match["role"] + (match["way"] or "")
        name = f"{module or 'the module'}" + (f", layer {place}" if place else "")
        parts.setdefault((module, place), _Part(name, {})).entries[role] = entry
    modules = list(dict.fromkeys(module for module, _ in parts))
    # A file may have sorted the entries by name, l10 before l2.
    order = sorted(parts, key=lambda key: (modules.index(key[0]), int(key[1] or 0)))
    return [parts[key] for key in order]


def _to_roles(layer: Layer, params: Params) -> dict[str, Array]:
    """Parameters of a layer as PyTorch has them, by role, in PyTorch's order."""
    if isinstance(layer, Dense):
        return {"weight": params["W"].T.copy(), "bias": params["b"].copy()}
    if isinstance(layer, Bidirectional):
        ways = [_to_roles(layer.layer, _under(params, way)) for way in ("forward", "backward")]
        return ways[0] | {f"{role}_reverse": value for role, value in ways[1].items()}
    gates = _GATES[type(layer)]
    roles = {f"weight_{n}": reorder_gates(params[p], *gates).T.copy() for n, p in (("ih", "Wx"), ("hh", "Wh"))}
    b = reorder_gates(params["b"], *gates)
    roles["bias_ih"], roles["bias_hh"] = (b[0].copy(), b[1].copy()) if b.ndim == 2 else (b, np.zeros_like(b))
    return roles | ({"weight_hr": params["Wr"].T.copy()} if "Wr" in params else {})


def _from_roles(layer: Layer, roles: Mapping[str, Array]) -> Params:
    """The inverse of `_to_roles`."""
    if isinstance(layer, Dense):
        return {"W": roles["weight"].T, "b": roles["bias"]}
    if isinstance(layer, Bidirectional):
        forward = {role: value for role, value in roles.items() if not role.endswith("_reverse")}
        backward = {role.removesuffix("_reverse"): roles[role] for role in roles.keys() - forward.keys()}
        ways = {"forward": _from_roles(layer.layer, forward), "backward": _from_roles(layer.layer, backward)}
        return {f"{way}.{name}": value for way, params in ways.items() for name, value in params.items()}
    here, there = _GATES[type(layer)]
    both = roles["bias_ih"], roles["bias_hh"]
    params = {
        "Wx": reorder_gates(roles["weight_ih"].T, there, here),
        "Wh": reorder_gates(roles["weight_hh"].T, there, here),
        "b": reorder_gates(np.stack(both) if isinstance(layer, GRU) else both[0] + both[1], there, here),
    }
    return params | ({"Wr": roles["weight_hr"].T} if "weight_hr" in roles else {})


def _named(network: Network, weights: Weights) -> dict[str, Array]:
    """A state_dict under names of its own."""
    state: dict[str, Array] = {}
    seen: dict[str, int] = {}
    for kind, pairs in groupby(_own(network, weights), _kind):
        group = list(pairs)
        word = {SimpleRNN: "rnn", GRU: "gru", LSTM: "lstm", Dense: "linear"}[kind[0]]
        layers = [[pair] for pair in group] if kind[0] is Dense else [group]
        for module in layers:
            name = f"{word}_{seen[word]}" if word in seen else word
            seen[word] = seen.get(word, 0) + 1
            for place, (layer, views) in enumerate(module):
                for role, value in _to_roles(layer, views).items():
                    head, reverse = role.removesuffix("_reverse"), "_reverse" * role.endswith("_reverse")
                    state[f"{name}.{role}" if word == "linear" else f"{name}.{head}_l{place}{reverse}"] = value
    return state


def _kind(pair: tuple[Layer, Params]) -> tuple[Any, ...]:
    """What layers of one of PyTorch's modules have in common."""
    both = isinstance(pair[0], Bidirectional)
    layer: Any = pair[0].layer if isinstance(pair[0], Bidirectional) else pair[0]
    return type(layer), both, layer.units, getattr(layer, "projection", None), getattr(layer, "activation", None)


def _under(params: Params, name: str) -> Params:
    """Parameters of a layer within a layer."""
    return {key.removeprefix(f"{name}."): value for key, value in params.items() if key.startswith(f"{name}.")}


def _read(tensor: Any, entry: str, shape: tuple[int, ...], layer: Layer) -> Array:
    """A tensor or array as float32 of a shape."""
    for way in ("detach", "cpu", "float"):  # NumPy knows neither gradients nor devices nor bfloat16
        tensor = getattr(tensor, way, lambda tensor=tensor: tensor)()
    try:
        array = _float32(tensor)
    except (TypeError, ValueError) as error:
        raise DataError("an entry of the state_dict is no array of numbers", where=entry, got=str(error)) from None
    _require_shape(array.shape, entry, shape, layer)
    if not np.isfinite(array).all():
        raise DataError("an entry of the state_dict is not finite", where=entry, expected="finite numbers")
    return array


def _float32(value: Any) -> Array:
    """float32; not from text."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"values of type {array.dtype}")
    with np.errstate(over="ignore"):
        return array.astype(np.float32)


def _require_shape(got: tuple[int, ...], entry: str, expected: tuple[int, ...], layer: Layer) -> None:
    """Refuse an entry of another shape."""
    if got != expected:
        what = "an entry of the state_dict has the wrong shape"
        raise DataError(what, where=entry, got=str(got), expected=f"{expected}, for {_told(layer)}")


def _told(layer: Any) -> str:
    """A layer for people, in short."""
    inner = _told(layer.layer) if isinstance(layer, Bidirectional) else layer.units
    return f"{type(layer).__name__}({inner})"


def _listed(names: Any) -> str:
    """Names for people."""
    return ", ".join(names) or "nothing"
