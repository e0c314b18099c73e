"""The interface of a loss: elementwise for training, and a mean over samples for its callers.

Shapes: M outputs of a network. A packed array has the feature axis second to last.
Notation: p prediction, y target, e = p - y.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast._utils.keywords import CheckedKeywords
from gatecast._utils.typing import BoolArray, Float32Array
from gatecast.errors import ConfigError, DataError
from gatecast.metrics.functions import align

__all__ = ["REDUCTIONS", "Loss", "check_last_axis"]

REDUCTIONS = ("sum_over_batch_size", "mean", "sum", "none", None)
"""What a loss makes of the losses of samples: their mean, the same, their sum, or nothing."""


class Loss(metaclass=CheckedKeywords):
    """The base of losses. To write one, derive from it and define `elementwise`; no gradient is derived for you.

    A shorter way is a function for `compile(loss=...)`: see `FunctionLoss`.

    Args:
        name: Name in messages; None: the attribute of the class.
        reduction: What a call makes of the losses of samples: "sum_over_batch_size", "mean", "sum", "none" or None.

    Raises:
        ConfigError: An unknown reduction.
    """

    width: int = 1
    """Number of predictions per target value."""
    reduction: str | None = "sum_over_batch_size"
    """As in Keras; training takes the mean."""
    name: str = "loss"
    """Name in messages."""

    def __init__(
        self,
        name: str | None = None,
        reduction: str | None = "sum_over_batch_size",
    ) -> None:
        if name is not None:
            self.name = name
        if reduction != "sum_over_batch_size":
            self.reduction = reduction
        self.check_reduction()

    def __post_init__(self) -> None:
        """Check the reduction: losses that are dataclasses call this when they are made."""
        self.check_reduction()

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

    def of_lanes(
        self,
        prediction: Float32Array,
        target: Float32Array,
        used: BoolArray,  # noqa: ARG002
    ) -> tuple[Float32Array, Float32Array]:
        """Return value and gradient of a packed batch; losses that run functions of users give them the used lanes.

        Args:
            prediction: (nb, T or 1, M, L).
            target: (nb, T or 1, M / width, L).
            used: (nb, L), the lanes that hold a sample.
        """
        return self.elementwise(prediction, target)

    def for_outputs(self, shape: Sequence[int | None]) -> Loss:  # noqa: ARG002
        """Return the loss for outputs of samples of a shape: itself, unless it depends on the shape."""
        return self

    def __call__(self, y_true: npt.ArrayLike, y_pred: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> Any:
        """Return the loss of predictions, as in Keras: the mean over samples of ``weight loss``.

        Args:
            y_true: (N, ..., M / width), or (N, ...) if that is 1.
            y_pred: (N, ..., M).
            sample_weight: (N,), (N, 1), (N, ...) or (N, ..., 1); None: all 1.

        Returns:
            A number, or with `reduction="none"` the losses: (N, ...), and as in Keras (N, 1) for y_pred (N, M) and
            weights (N, 1).

        Raises:
            DataError: Shapes that do not fit.
        """
        true, pred = align(y_true, y_pred) if self.width == 1 else self._align_wide(y_true, y_pred)
        value, _ = self.for_outputs(pred.shape[1:]).elementwise(pred[..., None], true[..., None])
        values = value[..., 0].mean(axis=-1)
        if sample_weight is not None:
            weight = np.asarray(sample_weight, np.float64)
            if values.ndim == 1 and weight.ndim == 2 and weight.shape[-1] == 1:
                # As in Keras, losses of samples take the axis of their weights.
                values = values[:, None]
            values = values * _weights_of(weight, values.shape)
        if self.reduction in ("none", None):
            return values
        return np.float32(values.sum() if self.reduction == "sum" else values.mean())

    def _align_wide(self, y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> tuple[Any, Any]:
        """Return targets (N, ..., M / width) and predictions (N, ..., M) as floats."""
        true, pred = (a if a.dtype.kind == "f" else a.astype(np.float32) for a in map(np.asarray, (y_true, y_pred)))
        if true.ndim + 1 == pred.ndim:
            true = true[..., None]
        if pred.ndim < 2 or true.shape != (*pred.shape[:-1], pred.shape[-1] / self.width):
            expected = f"{self.width} predictions for every target, such as (N, 1) and (N, {self.width})"
            got = f"{np.shape(y_true)} and {np.shape(y_pred)}"
            raise DataError("y_true and y_pred do not fit", where=self.name, got=got, expected=expected)
        return true, pred

    def check_reduction(self) -> None:
        """Raise an error unless the reduction is known."""
        if self.reduction not in REDUCTIONS:
            expected = "sum_over_batch_size, sum or none"
            what = f"Invalid reduction {self.reduction!r}"
            raise ConfigError(what, where=type(self).__name__, expected=expected, argument="reduction")


def check_last_axis(axis: Any, where: str) -> None:
    """Raise an error unless an axis is the last one, along which classes lie.

    >>> check_last_axis(-1, "CategoricalCrossentropy")
    """
    if axis != -1:
        fix = "Leave axis out, and move the classes to the last axis: numpy.moveaxis(y, axis, -1)."
        raise ConfigError(f"Invalid axis {axis!r}", where=where, expected="-1", fix=fix, argument="axis")


def _weights_of(weight: npt.NDArray[np.float64], shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
    """Return weights of samples that multiply losses of a shape: (N,), (N, T), both also with an axis of 1 behind."""
    rows = weight[..., 0] if weight.ndim == len(shape) + 1 and weight.shape[-1] == 1 else weight
    if 0 < rows.ndim < len(shape):
        rows = rows.reshape(rows.shape + (1,) * (len(shape) - rows.ndim))
    fits = rows.ndim in (0, len(shape)) and all(n in (1, m) for n, m in zip(rows.shape, shape, strict=False))
    if not fits:
        expected = " or ".join(str(shape[:k]) for k in range(1, len(shape) + 1))
        raise DataError("sample_weight does not fit the losses", got=str(weight.shape), expected=expected)
    return rows
