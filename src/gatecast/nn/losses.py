"""Losses, elementwise, and the one place where weights and the mean come in.

Letters: M outputs of a network, Q quantiles, nb blocks of 16 lanes, p prediction, y target, e = p - y.

A loss is a frozen description that is called with (prediction, target) and returns (value, gradient), both in
the shape of the prediction, the gradient being that of the value with respect to the prediction. Feature axes
are second to last, as in packed arrays. A new loss is one more class and one more entry in `LOSSES`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np

from gatecast._utils.validation import check_positive
from gatecast.errors import ConfigError
from gatecast.kernels import native
from gatecast.kernels.packing import Array

__all__ = [
    "ALIASES",
    "LOSSES",
    "Huber",
    "Loss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Pinball",
    "get",
    "weighted_mean",
]


class Loss(Protocol):
    """What every loss offers."""

    @property
    def width(self) -> int:
        """Predictions per target value."""

    def __call__(self, prediction: Array, target: Array) -> tuple[Array, Array]:
        """Value and gradient, elementwise."""


@dataclass(frozen=True)
class MeanSquaredError:
    """Squared error, ``e^2``; its best constant is the mean.

    >>> value, gradient = MeanSquaredError()(np.array([3.0]), np.array([1.0]))
    >>> value.tolist(), gradient.tolist()
    ([4.0], [4.0])
    """

    width = 1

    def __call__(self, prediction: Array, target: Array) -> tuple[Array, Array]:
        """Value ``e^2``, gradient ``2 e``."""
        e = prediction - target
        return e * e, 2 * e


@dataclass(frozen=True)
class MeanAbsoluteError:
    """Absolute error, ``|e|``; its best constant is the median.

    >>> value, gradient = MeanAbsoluteError()(np.array([3.0]), np.array([1.0]))
    >>> value.tolist(), gradient.tolist()
    ([2.0], [1.0])
    """

    width = 1

    def __call__(self, prediction: Array, target: Array) -> tuple[Array, Array]:
        """Value ``|e|``, gradient ``sign(e)``, 0 where e is 0."""
        e = prediction - target
        return np.abs(e), np.sign(e)


@dataclass(frozen=True)
class Huber:
    """Squared near zero, absolute beyond: ``e^2 / 2`` if ``|e| <= delta``, else ``delta (|e| - delta / 2)``.

    Args:
        delta: Where the one becomes the other, in the unit of the target; above 0.

    Source: Huber 1964.

    >>> value, gradient = Huber(delta=1.0)(np.array([0.5, 3.0]), np.array([0.0, 0.0]))
    >>> value.tolist(), gradient.tolist()
    ([0.125, 2.5], [0.5, 1.0])
    """

    delta: float = 1.0
    width = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "delta", check_positive(self.delta, "Huber's delta"))

    def __call__(self, prediction: Array, target: Array) -> tuple[Array, Array]:
        """Value as above, gradient e cut to [-delta, delta]."""
        e = prediction - target
        slope = np.clip(e, -self.delta, self.delta)
        # With s = e cut to the limits, s (e - s / 2) is both branches at once.
        return slope * (e - 0.5 * slope), slope


@dataclass(frozen=True)
class Pinball:
    """Quantile loss, ``max(q (y - p), (q - 1) (y - p))`` for every q; its best constant is the q-quantile.

    A network gives M = h Q predictions for h target values: all quantiles of the first, then of the next.

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
                "these are not quantiles",
                got=str(list(levels)),
                expected="increasing numbers between 0 and 1",
                fix="Write, say, Pinball((0.1, 0.5, 0.9)).",
            )

    @property
    def width(self) -> int:
        """Q."""
        return len(self.quantiles)

    def __call__(self, prediction: Array, target: Array) -> tuple[Array, Array]:
        """Value as above, gradient ``-q`` below the target and ``1 - q`` above it, 0 on it."""
        *before, M, lanes = prediction.shape
        q = np.asarray(self.quantiles, prediction.dtype)[:, None]
        e = target[..., None, :] - prediction.reshape(*before, M // self.width, self.width, lanes)
        # Arithmetic with truth values: three times as fast as np.where.
        gradient = (e < 0) - q
        gradient *= e != 0
        value = -gradient * e
        return value.reshape(prediction.shape), gradient.reshape(prediction.shape)


def weighted_mean(loss: Loss, prediction: Array, target: Array, weight: Array, total: float) -> tuple[float, Array]:
    """Mean of a loss and its gradient.

    ``sum(weight * loss(prediction, target)) / sum(weight)``, with a weight for every prediction; sums in
    float64. A weight of 2 is the same as having the value twice, a weight of 0 the same as not having it,
    whatever it is.

    Args:
        loss: Elementwise loss.
        prediction: (nb, T, M, 16).
        target: (nb, T, M / width, 16), finite.
        weight: (nb, T, 1, 16), one for all values of a step, or (nb, T, M / width, 16), one for each; not
            negative, 0 in padding lanes.
        total: Sum of the weights.

    Returns:
        The mean, and its gradient with respect to the prediction, (nb, T, M, 16) float32; zero where no weight is.

    >>> p, y, w = (np.full((1, 1, 1, 16), a, np.float32) for a in (3.0, 1.0, 1.0))
    >>> mean, gradient = weighted_mean(MeanSquaredError(), p, y, w, total=16.0)
    >>> mean, float(gradient[0, 0, 0, 0])
    (4.0, 0.25)
    """
    count = (total or 1.0) * prediction.shape[2] / weight.shape[2]
    if type(loss) is Pinball:
        # The same in one pass over memory: otherwise the loss takes a small network as long as a layer.
        whole, gradient = native.pinball(prediction, target, weight, loss.quantiles, 1.0 / count)
        return whole / count, gradient
    value, gradient = loss(prediction, target)
    if weight.shape[2] > 1 and loss.width > 1:
        weight = np.repeat(weight, loss.width, axis=2)
    mean = float((value * weight).sum(dtype=np.float64)) / count
    return mean, gradient * (weight * np.float32(1.0 / count))


LOSSES: Mapping[str, type[MeanSquaredError] | type[MeanAbsoluteError] | type[Huber] | type[Pinball]] = {
    loss.__name__: loss for loss in (MeanSquaredError, MeanAbsoluteError, Huber, Pinball)
}
"""Every loss by its name."""

ALIASES: Mapping[str, Loss] = {
    "mean_squared_error": MeanSquaredError(),
    "mse": MeanSquaredError(),
    "mean_absolute_error": MeanAbsoluteError(),
    "mae": MeanAbsoluteError(),
    "huber": Huber(),
    "huber_loss": Huber(),
}
"""The names that Keras gives to losses without settings."""


def get(loss: str | Loss) -> Loss:
    """A loss by Keras' name, or the loss itself.

    Args:
        loss: "mean_squared_error" ("mse"), "mean_absolute_error" ("mae"), "huber", or a loss.

    Raises:
        ConfigError: An unknown name, or something that is no loss.

    >>> get("mse")
    MeanSquaredError()
    """
    if isinstance(loss, str):
        found = ALIASES.get(loss.lower())
        if found is None:
            raise ConfigError(
                "there is no loss of this name",
                got=repr(loss),
                expected=f"one of {', '.join(ALIASES)}",
                fix="Losses with settings are in gatecast.nn.losses: Huber(delta=2.0), Pinball((0.1, 0.9)).",
            )
        return found
    if isinstance(loss, type) or not (callable(loss) and hasattr(loss, "width")):
        raise ConfigError(
            "this is not a loss", got=repr(loss), expected='a name such as "mse" or a loss such as Huber(1.0)'
        )
    return loss
