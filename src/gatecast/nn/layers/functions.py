"""Activations of layers, as passes over packed arrays: elementwise by the kernels, softmax over the features."""

from __future__ import annotations

import numpy as np

from gatecast.kernels import native
from gatecast.kernels.packing import Array

__all__ = ["activate", "activate_backward"]


def activate(z: Array, name: str) -> Array:
    """Compute an activation.

    Args:
        z: Packed array, [nb, T, F, L].
        name: Name in `kernels.activations.ACTIVATIONS`, or "softmax", over the features.

    >>> activate(np.zeros((1, 1, 2, 1), np.float32), "softmax").ravel().tolist()
    [0.5, 0.5]
    """
    if name == "linear":
        return z
    if name != "softmax":
        return native.activation_forward(z, name)
    e: Array = np.exp(z - z.max(axis=2, keepdims=True))
    e /= e.sum(axis=2, keepdims=True)
    return e


def activate_backward(z: Array, y: Array, dy: Array, name: str) -> Array:
    """Compute the gradient of `activate`.

    Args:
        z: As passed to `activate`.
        y: As returned by it.
        dy: Gradient of y.
        name: As passed to `activate`.

    >>> ones = np.ones((1, 1, 2, 1), np.float32)
    >>> activate_backward(0 * ones, 0.5 * ones, ones, "softmax").ravel().tolist()
    [0.0, 0.0]
    """
    if name == "linear":
        return dy
    if name != "softmax":
        return native.activation_backward(z, dy, name)
    dz: Array = y * (dy - (dy * y).sum(axis=2, keepdims=True))
    return dz
