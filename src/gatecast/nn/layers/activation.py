"""Activations as layers: Activation, ReLU, LeakyReLU, ELU, Softmax."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gatecast._utils.validation import check_non_negative, check_positive
from gatecast.errors import ConfigError
from gatecast.kernels.packing import Array, Params
from gatecast.nn.layers.arguments import canonical_activation
from gatecast.nn.layers.base import BackwardResult, BaseLayer, CallContext, ForwardResult
from gatecast.nn.layers.checks import check_input
from gatecast.nn.layers.functions import activate, activate_backward

__all__ = ["ELU", "Activation", "LeakyReLU", "ReLU", "Softmax"]


class _Elementwise(BaseLayer):
    """A function of every number, or of the features of a step."""

    def forward(self, _params: Params, x: Array, context: CallContext) -> ForwardResult:
        """Compute y, shaped like x."""
        y = self._value(check_input(self, x))
        return y, None, (x, y) if context.save_for_backward else None

    def backward(self, _params: Params, cache: Any, dy: Array | None, need_dx: bool) -> BackwardResult:
        """Compute the gradient of x."""
        x, y = cache
        dy = np.zeros_like(y) if dy is None else dy
        return (self._backward(x, y, dy) if need_dx else None), None, {}

    def _value(self, x: Array) -> Array:
        """Compute y."""
        raise NotImplementedError

    def _backward(self, x: Array, y: Array, dy: Array) -> Array:
        """Compute dx."""
        raise NotImplementedError


@dataclass(frozen=True, repr=False)
class Activation(_Elementwise):
    """An activation, ``y = f(x)``.

    Args:
        activation: ``"relu"``, ``"tanh"``, or another name in `gatecast.activations`; ``"softmax"`` is over features.

    Raises:
        ConfigError: If the name is unknown.

    Example:
        >>> Activation("relu").output_shape((24, 50))
        (24, 50)
    """

    activation: str

    def __post_init__(self) -> None:
        self._check_base()
        name = canonical_activation(self.activation, "Activation", softmax=True)
        object.__setattr__(self, "activation", name)

    def _value(self, x: Array) -> Array:
        return activate(x, self.activation)

    def _backward(self, x: Array, y: Array, dy: Array) -> Array:
        return activate_backward(x, y, dy, self.activation)


@dataclass(frozen=True, repr=False)
class Softmax(_Elementwise):
    """``y = exp(x) / sum exp(x)`` over the features of a step.

    Args:
        axis: Axis of the sum; only -1, the features.

    Raises:
        ConfigError: If it is another axis.

    Example:
        >>> Softmax().output_shape((3,))
        (3,)
    """

    axis: int = -1

    def __post_init__(self) -> None:
        self._check_base()
        if self.axis != -1:
            raise ConfigError("Invalid axis", where="Softmax", got=repr(self.axis), expected="-1, the features")

    def _value(self, x: Array) -> Array:
        return activate(x, "softmax")

    def _backward(self, x: Array, y: Array, dy: Array) -> Array:
        return activate_backward(x, y, dy, "softmax")


@dataclass(frozen=True, repr=False)
class ReLU(_Elementwise):
    """``y = x`` from `threshold` on and at most `max_value`; below, ``negative_slope * (x - threshold)``.

    Args:
        max_value: Largest output; None: no limit.
        negative_slope: Slope below the threshold.
        threshold: Where the function begins.

    Raises:
        ConfigError: If a number is negative.

    Example:
        >>> ReLU(6).output_shape((24, 50))
        (24, 50)
    """

    max_value: float | None = None
    negative_slope: float = 0.0
    threshold: float = 0.0

    def __post_init__(self) -> None:
        self._check_base()
        for name in ("max_value", "negative_slope", "threshold"):
            value = getattr(self, name)
            if name == "max_value" and value is None:
                continue
            object.__setattr__(self, name, check_non_negative(value or 0.0, name, where="ReLU"))

    def _value(self, x: Array) -> Array:
        start, slope = np.float32(self.threshold), np.float32(self.negative_slope)
        y = np.where(x >= start, x, slope * (x - start))
        return y if self.max_value is None else np.minimum(y, np.float32(self.max_value))

    def _backward(self, x: Array, _y: Array, dy: Array) -> Array:
        slope = np.where(x > self.threshold, np.float32(1), np.float32(self.negative_slope))
        if self.max_value is not None:
            slope[x >= self.max_value] = 0
        return np.asarray(dy * slope)


@dataclass(frozen=True, repr=False)
class LeakyReLU(_Elementwise):
    """``y = x`` above 0, ``negative_slope * x`` below.

    Args:
        negative_slope: Slope below 0.

    Raises:
        ConfigError: If it is negative.

    Example:
        >>> LeakyReLU(0.1).output_shape((24, 50))
        (24, 50)
    """

    negative_slope: float = 0.3

    def __post_init__(self) -> None:
        self._check_base()
        slope = check_non_negative(self.negative_slope, "negative_slope", where="LeakyReLU")
        object.__setattr__(self, "negative_slope", slope)

    def _value(self, x: Array) -> Array:
        return np.where(x > 0, x, np.float32(self.negative_slope) * x)

    def _backward(self, x: Array, _y: Array, dy: Array) -> Array:
        return np.where(x > 0, dy, np.float32(self.negative_slope) * dy)


@dataclass(frozen=True, repr=False)
class ELU(_Elementwise):
    """``y = x`` above 0, ``alpha * (exp(x) - 1)`` below (Clevert, Unterthiner & Hochreiter 2016).

    Args:
        alpha: Minus the limit of y far below 0.

    Raises:
        ConfigError: If it is not above 0.

    Example:
        >>> ELU().output_shape((24, 50))
        (24, 50)
    """

    alpha: float = 1.0

    def __post_init__(self) -> None:
        self._check_base()
        object.__setattr__(self, "alpha", check_positive(self.alpha, "alpha", where="ELU"))

    def _value(self, x: Array) -> Array:
        return np.where(x > 0, x, np.float32(self.alpha) * np.expm1(np.minimum(x, 0)))

    def _backward(self, x: Array, y: Array, dy: Array) -> Array:
        return np.where(x > 0, dy, dy * (y + np.float32(self.alpha)))
