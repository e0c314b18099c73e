"""Activations as functions of arrays, under the names of Keras."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast.kernels.activations import ACTIVATIONS
from gatecast.nn.layers.arguments import canonical_activation

__all__ = [
    "elu",
    "exponential",
    "gelu",
    "get",
    "hard_sigmoid",
    "leaky_relu",
    "linear",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "swish",
    "tanh",
]

Function = Callable[[npt.ArrayLike], Any]


def _named(name: str) -> Function:
    """Return the activation of a name."""

    def activation(x: npt.ArrayLike) -> Any:
        return ACTIVATIONS[name].value(np.asarray(x, np.float64))

    activation.__name__ = name
    activation.__doc__ = f"Compute the activation {name!r} of every number."
    return activation


elu, exponential, gelu, hard_sigmoid = map(_named, ("elu", "exponential", "gelu", "hard_sigmoid"))
leaky_relu, linear, relu, relu6, selu = map(_named, ("leaky_relu", "linear", "relu", "relu6", "selu"))
sigmoid, silu, softplus, softsign, tanh = map(_named, ("sigmoid", "silu", "softplus", "softsign", "tanh"))
swish = silu


def softmax(x: npt.ArrayLike, axis: int = -1) -> Any:
    """Compute ``exp(x) / sum exp(x)`` along an axis.

    >>> softmax([0.0, 0.0]).tolist()
    [0.5, 0.5]
    """
    values = np.asarray(x, np.float64)
    e = np.exp(values - values.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def get(identifier: Any) -> Function:
    """Return the activation that a name or function stands for; linear for None.

    Raises:
        ConfigError: An unknown activation.

    >>> get("relu")([-1.0, 2.0]).tolist()
    [0.0, 2.0]
    """
    name = canonical_activation(identifier, "activations.get", softmax=True)
    return softmax if name == "softmax" else _named(name)
