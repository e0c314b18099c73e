"""Losses of probabilities.

Shapes: M classes or labels; packed arrays have them on the second to last axis.
Notation: p prediction, y target.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from gatecast._utils.typing import Float32Array
from gatecast._utils.validation import check_fraction
from gatecast.nn.losses.base import Loss, check_last_axis

__all__ = ["BinaryCrossentropy", "CategoricalCrossentropy", "KLDivergence"]

EPSILON = 1e-7
"""Distance of probabilities from 0 and 1, as in Keras."""


@dataclass(frozen=True)
class BinaryCrossentropy(Loss):
    """Cross-entropy of labels 0 and 1, ``-y log(p) - (1 - y) log(1 - p)``.

    Args:
        from_logits: Whether the predictions are logits x, with ``p = sigmoid(x)``, instead of probabilities.
        label_smoothing: Moves the labels towards 0.5: ``y (1 - s) + s / 2``.
        axis: Only -1.
        reduction: As in Keras: what a call makes of the losses of samples.
        name: For scripts written for Keras.

    >>> value, gradient = BinaryCrossentropy().elementwise(np.array([0.5]), np.array([1.0]))
    >>> value.round(4).tolist(), gradient.tolist()
    ([0.6931], [-2.0])
    """

    from_logits: bool = False
    label_smoothing: float = 0.0
    axis: int = -1
    reduction: str | None = field(default="sum_over_batch_size", repr=False)
    name: str = field(default="binary_crossentropy", repr=False, compare=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_fraction(self.label_smoothing, "label_smoothing", where="BinaryCrossentropy")
        check_last_axis(self.axis, "BinaryCrossentropy")

    def elementwise(self, prediction: Float32Array, target: Float32Array) -> tuple[Float32Array, Float32Array]:
        """Return the value, and the gradient ``(p - y) / (p (1 - p))``, or ``p - y`` of logits."""
        y = target * (1 - self.label_smoothing) + 0.5 * self.label_smoothing
        if self.from_logits:
            # The exponential of a number below 0 is at most 1: neither branch overflows.
            small = np.exp(-np.abs(prediction))
            value = np.maximum(prediction, 0) - prediction * y + np.log1p(small)
            return value, np.where(prediction >= 0, 1, small) / (1 + small) - y
        p = np.clip(prediction, EPSILON, 1 - EPSILON)
        inside = (prediction >= EPSILON) & (prediction <= 1 - EPSILON)
        return -y * np.log(p) - (1 - y) * np.log(1 - p), (p - y) / (p * (1 - p)) * inside


@dataclass(frozen=True)
class CategoricalCrossentropy(Loss):
    """Cross-entropy of one-hot labels, ``-sum(y log(p))`` over the classes, with p scaled to the sum 1.

    Args:
        from_logits: Whether the predictions are logits x, with ``p = softmax(x)``, instead of probabilities.
        label_smoothing: Moves the labels towards 1 / M: ``y (1 - s) + s / M``.
        axis: Only -1.
        reduction: As in Keras: what a call makes of the losses of samples.
        name: For scripts written for Keras.

    >>> CategoricalCrossentropy()(np.array([[0.0, 1.0]]), np.array([[0.5, 0.5]])).round(4).item()
    0.6930999755859375
    """

    from_logits: bool = False
    label_smoothing: float = 0.0
    axis: int = -1
    reduction: str | None = field(default="sum_over_batch_size", repr=False)
    name: str = field(default="categorical_crossentropy", repr=False, compare=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_fraction(self.label_smoothing, "label_smoothing", where="CategoricalCrossentropy")
        check_last_axis(self.axis, "CategoricalCrossentropy")

    def elementwise(self, prediction: Float32Array, target: Float32Array) -> tuple[Float32Array, Float32Array]:
        """Return values whose mean over the classes is the loss, and their gradient."""
        M = prediction.shape[-2]
        y = target * (1 - self.label_smoothing) + self.label_smoothing / M
        labels = y.sum(axis=-2, keepdims=True)
        if self.from_logits:
            shifted = prediction - prediction.max(axis=-2, keepdims=True)
            total = np.exp(shifted).sum(axis=-2, keepdims=True)
            return -M * y * (shifted - np.log(total)), M * (np.exp(shifted) / total * labels - y)
        total = prediction.sum(axis=-2, keepdims=True)
        share = np.clip(prediction / total, EPSILON, 1 - EPSILON)
        return -M * y * np.log(share), M * (labels - y / share) / total


@dataclass(frozen=True)
class KLDivergence(Loss):
    """Kullback-Leibler divergence, ``sum(y log(y / p))`` over the classes, both clipped to [1e-7, 1].

    Args:
        reduction: As in Keras: what a call makes of the losses of samples.
        name: For scripts written for Keras.

    >>> KLDivergence()(np.array([[0.5, 0.5]]), np.array([[0.5, 0.5]])).item()
    0.0
    """

    reduction: str | None = field(default="sum_over_batch_size", repr=False)
    name: str = field(default="kl_divergence", repr=False, compare=False)

    def elementwise(self, prediction: Float32Array, target: Float32Array) -> tuple[Float32Array, Float32Array]:
        """Return values whose mean over the classes is the loss, and their gradient ``-y / p``."""
        M = prediction.shape[-2]
        y, p = np.clip(target, EPSILON, 1), np.clip(prediction, EPSILON, 1)
        inside = (prediction >= EPSILON) & (prediction <= 1)
        return M * y * np.log(y / p), -M * y / p * inside
