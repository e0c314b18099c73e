"""The weighted mean of a loss over a batch of packed arrays, and its gradient.

Shapes: M outputs of a network, nb blocks of 16 lanes.
"""

from __future__ import annotations

import numpy as np

from gatecast._utils.typing import BoolArray, Float32Array
from gatecast.kernels import losses as loss_kernels
from gatecast.kernels.losses import LossKernel
from gatecast.nn.losses.base import Loss
from gatecast.nn.losses.regression import Huber, MeanAbsoluteError, MeanSquaredError, Pinball

__all__ = ["kernel_of", "mean_count", "weighted_mean"]

_WITH_KERNEL = (MeanSquaredError, MeanAbsoluteError, Huber, Pinball)


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
        value_sum, gradient = loss_kernels.loss(kernel, prediction, target, weight, 1.0 / count)
        return value_sum / count, gradient
    value, gradient = loss.of_lanes(prediction, target, _used_lanes(weight))
    if weight.shape[2] > 1 and loss.width > 1:
        weight = np.repeat(weight, loss.width, axis=2)
    # Padding may be outside of the domain of a loss, such as the logarithm of 0.
    used = weight != 0
    mean = float(np.where(used, value * weight, 0.0).sum(dtype=np.float64)) / count
    # The kernels take arrays in order, and losses may return views with other axes first.
    scaled = np.where(used, gradient * (weight * np.float32(1.0 / count)), np.float32(0))
    return mean, np.ascontiguousarray(scaled, np.float32)


def kernel_of(loss: Loss) -> LossKernel | None:
    """Return a loss as the kernels compute it; None for one without kernel, and for a class on top of one with.

    >>> kernel_of(MeanSquaredError())
    LossKernel(name='squared', parameters=())
    """
    return loss.kernel if type(loss) in _WITH_KERNEL else None  # type: ignore[attr-defined]


def _used_lanes(weight: Float32Array) -> BoolArray:
    """Return the lanes that hold a sample with weight, (nb, L)."""
    return np.asarray(weight.any(axis=(1, 2)))
