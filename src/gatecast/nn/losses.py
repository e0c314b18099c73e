"""Elementwise losses, and their weighted mean.

A loss is a frozen dataclass that is called with (prediction, target) and returns (value, gradient), both in the shape
of the prediction; the gradient is that of the value with respect to the prediction. The feature axis is the second to
last, as in packed arrays. To add a loss, write its class and its kernel (`native/kernels/loss-inl.h`), and list it in
`LOSSES`; a loss of your own needs its class alone.

Shapes: M outputs of a network, Q quantiles, nb blocks of 16 lanes.
Notation: p prediction, y target, e = p - y.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np

from gatecast._utils.typing import Float32Array
from gatecast._utils.validation import check_positive
from gatecast.errors import ConfigError
from gatecast.kernels import native
from gatecast.kernels.native import LossKernel

__all__ = [
    "ALIASES",
    "LOSSES",
    "Huber",
    "Loss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Pinball",
    "get",
    "kernel_of",
    "mean_count",
    "weighted_mean",
]


class Loss(Protocol):
    """The interface of a loss."""

    @property
    def width(self) -> int:
        """Number of predictions per target value."""

    def __call__(self, prediction: Float32Array, target: Float32Array) -> tuple[Float32Array, Float32Array]:
        """Return value and gradient, elementwise."""


@dataclass(frozen=True)
class MeanSquaredError:
    """Squared error, ``e^2``; the mean minimizes it.

    >>> value, gradient = MeanSquaredError()(np.array([3.0]), np.array([1.0]))
    >>> value.tolist(), gradient.tolist()
    ([4.0], [4.0])
    """

    width = 1
    kernel = LossKernel("squared")

    def __call__(self, prediction: Float32Array, target: Float32Array) -> tuple[Float32Array, Float32Array]:
        """Return the value ``e^2`` and the gradient ``2 e``."""
        e = prediction - target
        return e * e, 2 * e


@dataclass(frozen=True)
class MeanAbsoluteError:
    """Absolute error, ``|e|``; the median minimizes it.

    >>> value, gradient = MeanAbsoluteError()(np.array([3.0]), np.array([1.0]))
    >>> value.tolist(), gradient.tolist()
    ([2.0], [1.0])
    """

    width = 1
    kernel = LossKernel("absolute")

    def __call__(self, prediction: Float32Array, target: Float32Array) -> tuple[Float32Array, Float32Array]:
        """Return the value ``|e|`` and the gradient ``sign(e)``, 0 where e is 0."""
        e = prediction - target
        return np.abs(e), np.sign(e)


@dataclass(frozen=True)
class Huber:
    """Huber loss: ``e^2 / 2`` if ``|e| <= delta``, else ``delta (|e| - delta / 2)``.

    Args:
        delta: Error at which the loss turns from quadratic to linear, in the unit of the target; above 0.

    Source: Huber 1964.

    >>> value, gradient = Huber(delta=1.0)(np.array([0.5, 3.0]), np.array([0.0, 0.0]))
    >>> value.tolist(), gradient.tolist()
    ([0.125, 2.5], [0.5, 1.0])
    """

    delta: float = 1.0
    width = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "delta", check_positive(self.delta, "delta", where="Huber"))

    @property
    def kernel(self) -> LossKernel:
        """The loss for `native.loss`."""
        return LossKernel("huber", (self.delta,))

    def __call__(self, prediction: Float32Array, target: Float32Array) -> tuple[Float32Array, Float32Array]:
        """Return the value, and the gradient: e clipped to [-delta, delta]."""
        e = prediction - target
        slope = np.clip(e, -self.delta, self.delta)
        # With s = clip(e), s (e - s / 2) is both branches at once.
        return slope * (e - 0.5 * slope), slope


@dataclass(frozen=True)
class Pinball:
    """Quantile loss, ``max(q (y - p), (q - 1) (y - p))`` for every q; the q-quantile minimizes it.

    A network has M = h Q outputs for h target values: all quantiles of the first value, then of the next.

    Args:
        quantiles: Strictly increasing, each between 0 and 1.

    Source: Koenker & Bassett 1978.

    >>> loss = Pinball((0.1, 0.9))
    >>> value, gradient = loss(np.array([[5.0], [5.0]]), np.array([[7.0]]))
    >>> value.round(3).tolist(), gradient.round(3).tolist()
    ([[0.2], [1.8]], [[-0.1], [-0.9]])
    """

    quantiles: tuple[float, ...]

    def __post_init__(self) -> None:
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
    def width(self) -> int:
        """Number of quantiles."""
        return len(self.quantiles)

    @property
    def kernel(self) -> LossKernel:
        """The loss for `native.loss`."""
        return LossKernel("pinball", self.quantiles)

    def __call__(self, prediction: Float32Array, target: Float32Array) -> tuple[Float32Array, Float32Array]:
        """Return the value, and the gradient: ``-q`` below the target, ``1 - q`` above it, 0 on it."""
        *before, M, lanes = prediction.shape
        q = np.asarray(self.quantiles, prediction.dtype)[:, None]
        e = target[..., None, :] - prediction.reshape(*before, M // self.width, self.width, lanes)
        # Arithmetic with booleans is three times as fast as np.where.
        gradient = (e < 0) - q
        gradient *= e != 0
        value = -gradient * e
        return value.reshape(prediction.shape), gradient.reshape(prediction.shape)


def mean_count(total: float, n_outputs: int, weight: Float32Array) -> float:
    """Return what the sum of weighted losses is divided by: the weights of all outputs, 1 if they are all 0.

    Args:
        total: Sum of the weights.
        n_outputs: M.
        weight: (nb, T, 1 or M / width, 16).

    >>> mean_count(32.0, 3, np.ones((1, 2, 1, 16), np.float32))
    96.0
    """
    return (total or 1.0) * n_outputs / float(weight.shape[2])


def weighted_mean(
    loss: Loss, prediction: Float32Array, target: Float32Array, weight: Float32Array, total: float
) -> tuple[float, Float32Array]:
    """Compute the weighted mean of a loss, and its gradient.

    ``sum(weight * loss(prediction, target)) / sum(weight)``, summed in float64. A weight of 2 counts a value twice; a
    weight of 0 ignores it.

    Args:
        loss: Elementwise loss.
        prediction: (nb, T, M, 16).
        target: (nb, T, M / width, 16), finite.
        weight: (nb, T, 1, 16) by step, or (nb, T, M / width, 16) by value; not negative, 0 in padding lanes.
        total: Sum of the weights.

    Returns:
        The mean, and its gradient with respect to the prediction, (nb, T, M, 16) float32; zero where the weight is 0.

    >>> p, y, w = (np.full((1, 1, 1, 16), a, np.float32) for a in (3.0, 1.0, 1.0))
    >>> mean, gradient = weighted_mean(MeanSquaredError(), p, y, w, total=16.0)
    >>> mean, float(gradient[0, 0, 0, 0])
    (4.0, 0.25)
    """
    count = mean_count(total, prediction.shape[2], weight)
    kernel = kernel_of(loss)
    if kernel is not None:
        # One pass over memory; in NumPy the loss of a small network takes as long as a layer.
        value_sum, gradient = native.loss(kernel, prediction, target, weight, 1.0 / count)
        return value_sum / count, gradient
    value, gradient = loss(prediction, target)
    if weight.shape[2] > 1 and loss.width > 1:
        weight = np.repeat(weight, loss.width, axis=2)
    mean = float((value * weight).sum(dtype=np.float64)) / count
    return mean, gradient * (weight * np.float32(1.0 / count))


LOSSES: Mapping[str, type[MeanSquaredError] | type[MeanAbsoluteError] | type[Huber] | type[Pinball]] = {
    loss.__name__: loss for loss in (MeanSquaredError, MeanAbsoluteError, Huber, Pinball)
}
"""All losses by name."""


def kernel_of(loss: Loss) -> LossKernel | None:
    """Return a loss as the kernels compute it; None for a loss that is not one of `LOSSES`, a class on top of one too.

    >>> kernel_of(MeanSquaredError())
    LossKernel(name='squared', parameters=())
    """
    return loss.kernel if type(loss) in LOSSES.values() else None  # type: ignore[attr-defined]


ALIASES: Mapping[str, Loss] = {
    "mean_squared_error": MeanSquaredError(),
    "mse": MeanSquaredError(),
    "mean_absolute_error": MeanAbsoluteError(),
    "mae": MeanAbsoluteError(),
    "huber": Huber(),
    "huber_loss": Huber(),
}
"""Losses by their names in Keras, with default settings."""


def get(loss: str | Loss) -> Loss:
    """Return a loss: by its name in Keras, with default settings, or the one passed.

    Args:
        loss: "mean_squared_error" ("mse"), "mean_absolute_error" ("mae"), "huber", or a loss.

    Raises:
        ConfigError: An unknown name, or another object.

    >>> get("mse")
    MeanSquaredError()
    """
    if isinstance(loss, str):
        if loss.lower() not in ALIASES:
            raise ConfigError(
                f"Unknown loss {loss!r}",
                expected=f"one of {', '.join(ALIASES)}",
                fix="Losses with settings are in gatecast.losses: Huber(delta=2.0), Pinball((0.1, 0.9)).",
                argument="loss",
            )
        return ALIASES[loss.lower()]
    if isinstance(loss, type) or not (callable(loss) and hasattr(loss, "width")):
        expected = 'a name such as "mse" or a loss such as Huber(1.0)'
        raise ConfigError(f"Invalid loss {loss!r}", expected=expected, argument="loss")
    return loss
