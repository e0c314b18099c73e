"""Layers that PyTorch has too: their parameters in the layout of its state_dict.

PyTorch stores matrices as (out, in), orders gates along the first axis in its own way, and has two biases per
recurrent layer. An LSTM and an RNN use only the sum of the two: reading adds them, writing sets the second to zero. A
GRU uses both.

| gatecast                        | PyTorch                                                     |
|---------------------------------|-------------------------------------------------------------|
| Wx (F, GH), Wh (R, GH)          | weight_ih_l0 (GH, F), weight_hh_l0 (GH, R)                  |
| b (GH,), of a GRU (2,3H)        | bias_ih_l0 (GH,), bias_hh_l0 (GH,)                          |
| Wr (H, R)                       | weight_hr_l0 (R, H)                                         |
| gates i f o g; z r g            | i f g o; r z n                                              |
| Bidirectional(layer)            | the same names, and again with _reverse                     |
| Dense: W (F, M), b (M,)         | weight (M, F), bias (M,)                                    |
| Conv1D: W (K, F, M), b (M,)     | weight (M, F, K), bias (M,)                                 |
| Embedding: E (N, D)             | weight (N, D)                                               |
| gamma (F,), beta (F,)           | weight (F,), bias (F,)                                      |
| moving_mean, moving_variance    | running_mean, running_var; num_batches_tracked is left out  |

Shapes: F features, H units, R recurrent outputs (H without projection), G gates, M outputs, K steps of a window, N
codes, D numbers a code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gatecast._utils.typing import Float32Array
from gatecast.kernels.packing import Params
from gatecast.nn.layers import (
    GRU,
    LSTM,
    BatchNormalization,
    Bidirectional,
    Conv1D,
    Dense,
    Embedding,
    Layer,
    LayerNormalization,
    RMSNorm,
    SimpleRNN,
)
from gatecast.nn.layers.recurrent import reorder_gates
from gatecast.nn.layers.wrapper import add_prefix, strip_prefix

__all__ = ["COUNTER", "MODULES", "describe", "exists_in_torch", "from_roles", "module_kind", "to_roles"]

COUNTER = "num_batches_tracked"
"""Entry of BatchNorm1d that has no part in its outputs."""

MODULES: Mapping[Any, tuple[str, bool]] = {
    SimpleRNN: ("rnn", True),
    GRU: ("gru", True),
    LSTM: ("lstm", True),
    Dense: ("linear", False),
    Conv1D: ("conv1d", False),
    Embedding: ("embedding", False),
    BatchNormalization: ("batch_norm", False),
    LayerNormalization: ("layer_norm", False),
    RMSNorm: ("rms_norm", False),
}
"""Name of a module for each class of layers, and whether one module stacks several of them."""

_GATE_ORDERS: Mapping[Any, tuple[str, str]] = {SimpleRNN: ("h", "h"), GRU: ("zrg", "rzg"), LSTM: ("ifog", "ifgo")}
"""Order of the gates in gatecast and in PyTorch, which calls the g of a GRU n."""

_ROLES: Mapping[str, str] = {
    "W": "weight",
    "b": "bias",
    "E": "weight",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
"""Roles of the parameters of layers that are not recurrent: the names in PyTorch."""


def exists_in_torch(layer: Layer, views: Params) -> bool:
    """Return whether PyTorch has a module for a layer with these parameters.

    >>> exists_in_torch(LSTM(8), {}), exists_in_torch(LSTM(8, coupled=True), {})
    (True, False)
    """
    inner: Any = layer.layer if isinstance(layer, Bidirectional) else layer
    if type(inner) not in MODULES:
        return False
    if type(inner) not in _GATE_ORDERS:
        return not isinstance(layer, Bidirectional)
    plain = getattr(inner, "_activations", None) is None and not inner.go_backwards
    if not plain or any("gain" in name or name[-1] == "P" for name in views):
        return False
    if not getattr(inner, "reset_after", True) or getattr(inner, "coupled", False):
        return False
    return not isinstance(layer, Bidirectional) or layer.merge_mode == "concat"


def to_roles(layer: Layer, params: Params) -> dict[str, Float32Array]:
    """Return the parameters of a layer in the layout of PyTorch, by role, in the order of PyTorch.

    >>> {role: value.shape for role, value in to_roles(Dense(2), {"W": np.ones((3, 2)), "b": np.ones(2)}).items()}
    {'weight': (2, 3), 'bias': (2,)}
    """
    if isinstance(layer, Bidirectional):
        forward, backward = (to_roles(layer.layer, strip_prefix(params, way)) for way in ("forward.", "backward."))
        return forward | {f"{role}_reverse": value for role, value in backward.items()}
    if type(layer) not in _GATE_ORDERS:
        axes_reversed = isinstance(layer, Dense | Conv1D)
        return {_ROLES[name]: np.array(params[name].T if axes_reversed else params[name], order="C") for name in params}
    orders = _GATE_ORDERS[type(layer)]
    names = {"weight_ih": "Wx", "weight_hh": "Wh"}
    roles = {role: reorder_gates(params[name], *orders).T.copy() for role, name in names.items()}
    if "b" in params:
        b = reorder_gates(params["b"], *orders)
        roles["bias_ih"], roles["bias_hh"] = (b[0].copy(), b[1].copy()) if b.ndim == 2 else (b, np.zeros_like(b))
    return roles | ({"weight_hr": params["Wr"].T.copy()} if "Wr" in params else {})


def from_roles(layer: Layer, roles: Mapping[str, Float32Array]) -> Params:
    """Return the parameters that `to_roles` has converted.

    >>> from_roles(Dense(2), {"weight": np.ones((2, 3)), "bias": np.ones(2)})["W"].shape
    (3, 2)
    """
    if isinstance(layer, Bidirectional):
        forward = {role: value for role, value in roles.items() if not role.endswith("_reverse")}
        backward = {role.removesuffix("_reverse"): roles[role] for role in roles.keys() - forward.keys()}
        forward_params, backward_params = from_roles(layer.layer, forward), from_roles(layer.layer, backward)
        return add_prefix(forward_params, "forward.") | add_prefix(backward_params, "backward.")
    if type(layer) not in _GATE_ORDERS:
        axes_reversed = isinstance(layer, Dense | Conv1D)
        params = {name: roles[_ROLES[name]] for name in layer.param_names}
        return {name: value.T if axes_reversed else value for name, value in params.items()}
    own_order, torch_order = _GATE_ORDERS[type(layer)]
    params = {
        "Wx": reorder_gates(roles["weight_ih"].T, torch_order, own_order),
        "Wh": reorder_gates(roles["weight_hh"].T, torch_order, own_order),
    }
    if "bias_ih" in roles:
        biases = roles["bias_ih"], roles["bias_hh"]
        b = np.stack(biases) if isinstance(layer, GRU) else biases[0] + biases[1]
        params["b"] = reorder_gates(b, torch_order, own_order)
    return params | ({"Wr": roles["weight_hr"].T} if "weight_hr" in roles else {})


def module_kind(layer: Layer) -> tuple[Any, ...]:
    """Return what the layers of one module of PyTorch have in common, the class first.

    >>> module_kind(Dense(2))[0] is Dense
    True
    """
    bidirectional = isinstance(layer, Bidirectional)
    inner: Any = layer.layer if isinstance(layer, Bidirectional) else layer
    settings = (getattr(inner, name, None) for name in ("units", "projection", "activation", "use_bias"))
    return type(inner), bidirectional, *settings


def describe(layer: Any) -> str:
    """Return a layer as short text.

    >>> describe(Bidirectional(LSTM(8, return_sequences=True))), describe(Conv1D(2, 3, padding="causal"))
    ('Bidirectional(LSTM(8))', 'Conv1D(2)')
    """
    if isinstance(layer, Bidirectional):
        return f"Bidirectional({describe(layer.layer)})"
    size = next((getattr(layer, name) for name in ("units", "filters", "output_dim") if hasattr(layer, name)), "")
    return f"{type(layer).__name__}({size})"
