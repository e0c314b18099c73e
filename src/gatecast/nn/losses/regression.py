"""Losses of numbers and quantiles. Those with a kernel are computed in one pass over memory.

Shapes: M outputs of a network, Q quantiles.
Notation: p prediction, y target, e = p - y.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from gatecast._utils.typing import Float32Array
from gatecast._utils.validation import check_positive
from gatecast.errors import ConfigError
from gatecast.kernels.losses import LossKernel
from gatecast.nn.losses.base import Loss

__all__ = [
    "Huber",
    "LogCosh",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Pinball",
    "Poisson",
]

EPSILON = np.float32(1e-7)
"""The smallest divisor and argument of a logarithm, as in Keras."""


@dataclass(frozen=True)
class MeanSquaredError(Loss):
    """Squared error, ``e^2``; the mean minimizes it.

    Args:
        reduction: As in Keras: what a call makes of the losses of samples.
        name: For scripts written for Keras.

    >>> value, gradient = MeanSquaredError().elementwise(np.array([3.0]), np.array([1.0]))
    >>> value.tolist(), gradient.tolist()
    ([4.0], [4.0])
    """

    reduction: str | None = field(default="sum_over_batch_size", repr=False)
    name: str = field(default="mean_squared_error", repr=False, compare=False)
    kernel = LossKernel("squared")

    def elementwise(self, prediction: Float32Array, target: Float32Array) -> tuple[Float32Array, Float32Array]:
        """Return the value ``e^2`` and the gradient ``2 e``."""
        e = prediction - target
        return e * e, 2 * e


@dataclass(frozen=True)
class MeanAbsoluteError(Loss):
    """Absolute error, ``|e|``; the median minimizes it.

    Args:
        reduction: As in Keras: what a call makes of the losses of samples.
        name: For scripts written for Keras.

    >>> value, gradient = MeanAbsoluteError().elementwise(np.array([3.0]), np.array([1.0]))
    >>> value.tolist(), gradient.tolist()
    ([2.0], [1.0])
    """

    reduction: str | None = field(default="sum_over_batch_size", repr=False)
    name: str = field(default="mean_absolute_error", repr=False, compare=False)
    kernel = LossKernel("absolute")

    def elementwise(self, prediction: Float32Array, target: Float32Array) -> tuple[Float32Array, Float32Array]:
        """Return the value ``|e|`` and the gradient ``sign(e)``, 0 where e is 0."""
        e = prediction - target
        return np.abs(e), np.sign(e)


@dataclass(frozen=True)
class Huber(Loss):
    """Huber loss: ``e^2 / 2`` if ``|e| <= delta``, else ``delta (|e| - delta / 2)``.

    Args:
        delta: Error at which the loss turns from quadratic to linear, in the unit of the target; above 0.
        reduction: As in Keras: what a call makes of the losses of samples.
        name: For scripts written for Keras.

    Source: Huber 1964.

    >>> value, gradient = Huber(delta=1.0).elementwise(np.array([0.5, 3.0]), np.array([0.0, 0.0]))
    >>> value.tolist(), gradient.tolist()
    ([0.125, 2.5], [0.5, 1.0])
    """

    delta: float = 1.0
    reduction: str | None = field(default="sum_over_batch_size", repr=False)
    name: str = field(default="huber_loss", repr=False, compare=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "delta", check_positive(self.delta, "delta", where="Huber"))

    @property
    def kernel(self) -> LossKernel:
        """The loss for `kernels.losses.loss`."""
        return LossKernel("huber", (self.delta,))

    def elementwise(self, prediction: Float32Array, target: Float32Array) -> tuple[Float32Array, Float32Array]:
        """Return the value, and the gradient: e clipped to [-delta, delta]."""
        e = prediction - target
        slope = np.clip(e, -self.delta, self.delta)
        # With s = clip(e), s (e - s / 2) is both branches at once.
        return slope * (e - 0.5 * slope), slope


@dataclass(frozen=True)
class Pinball(Loss):
    """Quantile loss, ``max(q (y - p), (q - 1) (y - p))`` for every q; the q-quantile minimizes it.

    A network has M = h Q outputs for h target values: all quantiles of the first value, then of the next.

    Args:
        quantiles: Strictly increasing, each between 0 and 1.

    Source: Koenker & Bassett 1978.

    >>> loss = Pinball((0.1, 0.9))
    >>> value, gradient = loss.elementwise(np.array([[5.0], [5.0]]), np.array([[7.0]]))
    >>> value.round(3).tolist(), gradient.round(3).tolist()
    ([[0.2], [1.8]], [[-0.1], [-0.9]])
    """

    quantiles: tuple[float, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        levels = tuple(float(q) for q in self.quantiles)
        object.__setattr__(self, "quantiles", levels)
        increasing = all(a < b for a, b in pairwise(levels))
        if not (levels and increasing and levels[0] > 0 and levels[-1] < 1):
            raise ConfigError(
                f"Invalid quantiles {list(levels)}",
                where="Pinball",
                expected="increasing numbers between 0 and 1",
                fix="For example, Pinball((0.1, 0.5, 0.9)).",
                argument="quantiles",
            )

    @property
    def width(self) -> int:  # type: ignore[override]
        """Number of quantiles."""
        return len(self.quantiles)

    @property
    def kernel(self) -> LossKernel:
        """The loss for `kernels.losses.loss`."""
        return LossKernel("pinball", self.quantiles)

    def elementwise(self, prediction: Float32Array, target: Float32Array) -> tuple[Float32Array, Float32Array]:
        """Return the value, and the gradient: ``-q`` below the target, ``1 - q`` above it, 0 on it."""
        *before, M, lanes = prediction.shape
        q = np.asarray(self.quantiles, prediction.dtype)[:, None]
        e = target[..., None, :] - prediction.reshape(*before, M // self.width, self.width, lanes)
        # Arithmetic with booleans is three times as fast as np.where.
        gradient = (e < 0) - q
        gradient *= e != 0
        value = -gradient * e
        return value.reshape(prediction.shape), gradient.reshape(prediction.shape)


@dataclass(frozen=True)
class LogCosh(Loss):
    """Logarithm of the hyperbolic cosine, ``log(cosh(e))``: about ``e^2 / 2`` near 0, ``|e| - log 2`` far away.

    Args:
        reduction: As in Keras: what a call makes of the losses of samples.
        name: For scripts written for Keras.

    >>> value, gradient = LogCosh().elementwise(np.array([0.0, 100.0]), np.array([0.0, 0.0]))
    >>> value.round(4).tolist(), gradient.tolist()
    ([0.0, 99.3069], [0.0, 1.0])
    """

    reduction: str | None = field(default="sum_over_batch_size", repr=False)
    name: str = field(default="log_cosh", repr=False, compare=False)

    def elementwise(self, prediction: Float32Array, target: Float32Array) -> tuple[Float32Array, Float32Array]:
        """Return the value, and the gradient ``tanh(e)``."""
        e = prediction - target
        size = np.abs(e)
        return size + np.log1p(np.exp(-2 * size)) - np.log(prediction.dtype.type(2)), np.tanh(e)


@dataclass(frozen=True)
class MeanAbsolutePercentageError(Loss):
    """Absolute error in percent of the target, ``100 |e| / max(|y|, 1e-7)``.

    Args:
        reduction: As in Keras: what a call makes of the losses of samples.
        name: For scripts written for Keras.

    >>> value, gradient = MeanAbsolutePercentageError().elementwise(np.array([3.0]), np.array([2.0]))
    >>> value.tolist(), gradient.tolist()
    ([50.0], [50.0])
    """

    reduction: str | None = field(default="sum_over_batch_size", repr=False)
    name: str = field(default="mean_absolute_percentage_error", repr=False, compare=False)

    def elementwise(self, prediction: Float32Array, target: Float32Array) -> tuple[Float32Array, Float32Array]:
        """Return the value, and the gradient ``100 sign(e) / max(|y|, 1e-7)``."""
        e, unit = prediction - target, 100 / np.maximum(np.abs(target), EPSILON)
        return np.abs(e) * unit, np.sign(e) * unit


@dataclass(frozen=True)
class MeanSquaredLogarithmicError(Loss):
    """Squared error of logarithms, ``(log(1 + p) - log(1 + y))^2``; values below 1e-7 count as 1e-7.

    Args:
        reduction: As in Keras: what a call makes of the losses of samples.
        name: For scripts written for Keras.

    >>> value, gradient = MeanSquaredLogarithmicError().elementwise(np.array([1.0]), np.array([0.0]))
    >>> value.round(4).tolist(), gradient.round(4).tolist()
    ([0.4805], [0.6931])
    """

    reduction: str | None = field(default="sum_over_batch_size", repr=False)
    name: str = field(default="mean_squared_logarithmic_error", repr=False, compare=False)

    def elementwise(self, prediction: Float32Array, target: Float32Array) -> tuple[Float32Array, Float32Array]:
        """Return the value, and the gradient ``2 (log(1 + p) - log(1 + y)) / (1 + p)``, 0 below 1e-7."""
        above = prediction > EPSILON
        size = np.maximum(prediction, EPSILON)
        difference = np.log1p(size) - np.log1p(np.maximum(target, EPSILON))
        return difference * difference, 2 * difference / (1 + size) * above


@dataclass(frozen=True)
class Poisson(Loss):
    """Poisson loss of counts, ``p - y log(p + 1e-7)``.

    Args:
        reduction: As in Keras: what a call makes of the losses of samples.
        name: For scripts written for Keras.

    >>> value, gradient = Poisson().elementwise(np.array([1.0]), np.array([2.0]))
    >>> value.round(4).tolist(), gradient.round(4).tolist()
    ([1.0], [-1.0])
    """

    reduction: str | None = field(default="sum_over_batch_size", repr=False)
    name: str = field(default="poisson", repr=False, compare=False)

    def elementwise(self, prediction: Float32Array, target: Float32Array) -> tuple[Float32Array, Float32Array]:
        """Return the value, and the gradient ``1 - y / (p + 1e-7)``."""
        shifted = prediction + EPSILON
        return prediction - target * np.log(shifted), 1 - target / shifted
