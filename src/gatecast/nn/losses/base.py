"""The interface of a loss: elementwise for training, and a mean over samples for its callers.

Shapes: M outputs of a network. A packed array has the feature axis second to last.
Notation: p prediction, y target, e = p - y.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast._utils.typing import Float32Array
from gatecast.errors import ConfigError
from gatecast.metrics.functions import align

__all__ = ["REDUCTIONS", "Loss"]

REDUCTIONS = ("sum_over_batch_size", "mean", "sum", "none", None)
"""What a loss makes of the losses of samples: their mean, the same, their sum, or nothing."""


class Loss:
    """The base of losses. To write one, derive from it and define `elementwise`; no gradient is derived for you.

    A shorter way is a function for `compile(loss=...)`: see `FunctionLoss`.
    """

    width: int = 1
    """Number of predictions per target value."""
    reduction: str | None = "sum_over_batch_size"
    """As in Keras; training takes the mean."""
    name: str = "loss"
    """Name in messages."""

    def elementwise(
        self,
        prediction: Float32Array,  # noqa: ARG002
        target: Float32Array,  # noqa: ARG002
    ) -> tuple[Float32Array, Float32Array]:
        """Return value and gradient, both in the shape of the prediction, whose second to last axis are features."""
        raise ConfigError(
            f"{type(self).__name__} has no gradient",
            fix="Define elementwise(self, prediction, target), which returns the loss of every value and its "
            "derivative with respect to the prediction: gatecast does not derive it from call().",
        )

    def __call__(self, y_true: npt.ArrayLike, y_pred: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> Any:
        """Return the loss of predictions, as in Keras: the mean over samples of ``weight loss``.

        Args:
            y_true: (N, ..., M), or (N, ...) if M = 1.
            y_pred: (N, ..., M).
            sample_weight: (N,) or (N, ...); None: all 1.
        """
        true, pred = align(y_true, y_pred)
        value, _ = self.elementwise(pred[..., None], true[..., None])
        values = value[..., 0].mean(axis=-1)
        if sample_weight is not None:
            weight = np.asarray(sample_weight, np.float64)
            values = values * weight.reshape(weight.shape + (1,) * (values.ndim - weight.ndim))
        if self.reduction in ("none", None):
            return values
        return np.float32(values.sum() if self.reduction == "sum" else values.mean())

    def check_reduction(self) -> None:
        """Raise an error unless the reduction is known."""
        if self.reduction not in REDUCTIONS:
            expected = "sum_over_batch_size, sum or none"
            what = f"Invalid reduction {self.reduction!r}"
            raise ConfigError(what, where=type(self).__name__, expected=expected, argument="reduction")
