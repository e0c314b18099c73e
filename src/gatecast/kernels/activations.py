"""Activation functions and their slopes in NumPy: the definition of what the kernels compute.

Names and constants are those of Keras. `z` is the argument of a function, `y` its value.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["ACTIVATIONS", "ALIASES", "Activation", "sigmoid"]

Array = npt.NDArray[Any]

SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


class Activation(NamedTuple):
    """A function, and how the kernels know it."""

    number: int
    """Number in ``native/include/types.h``."""
    value: Callable[[Array], Array]
    slope: Callable[[Array, Array], Array]
    """The derivative, as a function of z and y."""
    from_value: bool = True
    """Whether the derivative is a function of y alone."""


def sigmoid(z: Array) -> Array:
    """Compute the logistic function ``1 / (1 + exp(-z))``, in a form that cannot overflow.

    Args:
        z: Any shape; NaN stays NaN.

    Example:
        >>> sigmoid(np.array([-1000.0, 0.0, 1000.0])).tolist()
        [0.0, 0.5, 1.0]
    """
    return 0.5 * (1.0 + np.tanh(0.5 * z))


def _normal_distribution(z: Array) -> Array:
    """Compute the normal distribution function."""
    erf: Array = np.vectorize(math.erf, otypes=[np.float64])(np.asarray(z) / math.sqrt(2))
    return 0.5 * (1 + erf)


def _elu(z: Array) -> Array:
    """Compute z above 0, e^z - 1 below."""
    y: Array = np.where(z > 0, z, np.expm1(np.minimum(z, 0)))
    return y


def _gelu_slope(z: Array, _y: Array) -> Array:
    """Compute P(z) + z p(z), with the normal distribution P and its density p."""
    slope: Array = _normal_distribution(z) + z * np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    return slope


def _silu_slope(z: Array, _y: Array) -> Array:
    """Compute s (1 + z (1 - s)) with s = sigmoid(z)."""
    slope: Array = sigmoid(z) * (1 + z * (1 - sigmoid(z)))
    return slope


ACTIVATIONS = {
    "linear": Activation(0, lambda z: z, lambda _, y: np.ones_like(y)),
    "relu": Activation(1, lambda z: np.maximum(z, 0), lambda _, y: (y > 0).astype(y.dtype)),
    "sigmoid": Activation(2, sigmoid, lambda _, y: y * (1 - y)),
    "tanh": Activation(3, np.tanh, lambda _, y: 1 - y * y),
    "exponential": Activation(4, np.exp, lambda _, y: y),
    "hard_sigmoid": Activation(
        5, lambda z: np.clip(z / 6 + 0.5, 0, 1), lambda _, y: ((y > 0) & (y < 1)).astype(y.dtype) / 6
    ),
    "softsign": Activation(6, lambda z: z / (1 + np.abs(z)), lambda _, y: (1 - np.abs(y)) ** 2),
    "elu": Activation(7, _elu, lambda _, y: np.where(y > 0, 1, y + 1)),
    "selu": Activation(
        8,
        lambda z: SELU_SCALE * np.where(z > 0, z, SELU_ALPHA * _elu(z)),
        lambda _, y: np.where(y > 0, SELU_SCALE, y + SELU_SCALE * SELU_ALPHA),
    ),
    "softplus": Activation(9, lambda z: np.logaddexp(z, 0), lambda _, y: 1 - np.exp(-y)),
    "relu6": Activation(10, lambda z: np.clip(z, 0, 6), lambda _, y: ((y > 0) & (y < 6)).astype(y.dtype)),
    "leaky_relu": Activation(11, lambda z: np.where(z > 0, z, 0.2 * z), lambda _, y: np.where(y > 0, 1, 0.2)),
    "gelu": Activation(12, lambda z: z * _normal_distribution(z), _gelu_slope, from_value=False),
    "silu": Activation(13, lambda z: z * sigmoid(z), _silu_slope, from_value=False),
}
"""Activations by name. The kernels limit the argument of "exponential" to 87."""

ALIASES = {"swish": "silu", "leakyrelu": "leaky_relu"}
"""Further names in Keras."""
