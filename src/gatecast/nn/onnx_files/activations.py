"""Activations as operators, by the names of `gatecast.activations`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from gatecast.kernels.activations import SELU_ALPHA, SELU_SCALE
from gatecast.nn.onnx_files import operations as op
from gatecast.nn.onnx_files.builder import Value

__all__ = ["ACTIVATION_OPS", "RECURRENT_NAMES", "activation"]

MAX_EXPONENT = 87.0
"""The kernels limit the argument of "exponential" to it, so that float32 does not overflow."""


def _gelu(z: Value) -> Value:
    """Return z times the normal distribution function of z."""
    return z * (0.5 * (1 + z.builder.op("Erf", z * (1 / math.sqrt(2)))))


ACTIVATION_OPS: Mapping[str, Callable[[Value], Value]] = {
    "linear": lambda z: z,
    "relu": lambda z: z.builder.op("Relu", z),
    "sigmoid": op.sigmoid,
    "tanh": op.tanh,
    "exponential": lambda z: op.exp(op.minimum(z, MAX_EXPONENT)),
    "hard_sigmoid": lambda z: op.clip(z * (1 / 6) + 0.5, 0.0, 1.0),
    "softsign": lambda z: z.builder.op("Softsign", z),
    "elu": lambda z: z.builder.op("Elu", z),
    "selu": lambda z: z.builder.op("Selu", z, alpha=SELU_ALPHA, gamma=SELU_SCALE),
    "softplus": lambda z: z.builder.op("Softplus", z),
    "relu6": lambda z: op.clip(z, 0.0, 6.0),
    "leaky_relu": lambda z: z.builder.op("LeakyRelu", z, alpha=0.2),
    "gelu": _gelu,
    "silu": lambda z: z * op.sigmoid(z),
    "softmax": lambda z: z.builder.op("Softmax", z, axis=-1),
}
"""Activations by name; "softmax" is over the last axis."""

RECURRENT_NAMES: Mapping[str, tuple[str, tuple[float, ...], tuple[float, ...]]] = {
    "tanh": ("Tanh", (), ()),
    "sigmoid": ("Sigmoid", (), ()),
    "relu": ("Relu", (), ()),
    "linear": ("Affine", (1.0,), (0.0,)),
    "hard_sigmoid": ("HardSigmoid", (1 / 6,), (0.5,)),
    "softsign": ("Softsign", (), ()),
    "elu": ("Elu", (1.0,), ()),
    "softplus": ("Softplus", (), ()),
    "leaky_relu": ("LeakyRelu", (0.2,), ()),
}
"""Names of the activations that the operators LSTM, GRU and RNN know, with their alpha and beta, if they have any."""


def activation(z: Value, name: str) -> Value:
    """Return an activation of a value.

    Args:
        z: Any shape.
        name: Name in `ACTIVATION_OPS`.
    """
    return ACTIVATION_OPS[name](z)
