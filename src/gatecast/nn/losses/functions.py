"""A loss that is a function of the user, with its gradient.

Shapes: N samples, T time, M outputs, nb blocks of L lanes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gatecast._utils.typing import BoolArray, Float32Array
from gatecast.errors import ConfigError
from gatecast.nn.losses.base import Loss

__all__ = ["FunctionLoss"]


@dataclass(frozen=True)
class FunctionLoss(Loss):
    """A function ``f(y_true, y_pred)`` that returns the losses and their gradient, as a loss.

    Losses are of samples, (N,) or (N, T), or of values, in the shape of y_pred. The gradient is the derivative of each
    loss with respect to y_pred, in the shape of y_pred: (N, M), or (N, T, M) for outputs with a time axis.

    Args:
        function: The function; it gets float32 arrays.
        has_time: Whether outputs have a time axis, also one of a single step; None: if there are several steps.

    Raises:
        ConfigError: When it is used: a function that returns something else.

    >>> def asymmetric(y_true, y_pred):
    ...     e = y_pred - y_true
    ...     factor = np.where(e < 0, 2.0, 1.0)
    ...     return factor * e**2, 2 * factor * e
    >>> FunctionLoss(asymmetric)(np.array([[1.0], [1.0]]), np.array([[0.0], [2.0]])).item()
    1.5
    """

    function: Callable[[Float32Array, Float32Array], Any]
    has_time: bool | None = field(default=None, repr=False, compare=False)

    @property
    def name(self) -> str:  # type: ignore[override]
        """Name of the function."""
        return getattr(self.function, "__name__", type(self.function).__name__)

    def for_outputs(self, shape: Sequence[int | None]) -> FunctionLoss:
        """Return the loss for outputs of samples of a shape, (M,) or (T, M)."""
        return replace(self, has_time=len(shape) > 1)

    def elementwise(self, prediction: Float32Array, target: Float32Array) -> tuple[Float32Array, Float32Array]:
        """Return value and gradient in the shape of the prediction, (..., M, L)."""
        pred, true = np.moveaxis(prediction, -1, 0), np.moveaxis(target, -1, 0)
        value, gradient = self._call(true.astype(np.float32), pred.astype(np.float32))
        return np.moveaxis(value, 0, -1), np.moveaxis(gradient, 0, -1)

    def of_lanes(
        self, prediction: Float32Array, target: Float32Array, used: BoolArray
    ) -> tuple[Float32Array, Float32Array]:
        """Return value and gradient of packed arrays; the function sees the samples in the used lanes alone.

        Args:
            prediction: (nb, T or 1, M, L).
            target: (nb, T or 1, M, L).
            used: (nb, L).
        """
        pred, true = (np.moveaxis(a, 3, 1)[used] for a in (prediction, target))
        if pred.shape[1] == 1 and not self.has_time:
            pred, true = pred[:, 0], true[:, 0]
        packed = np.zeros((2, *np.moveaxis(prediction, 3, 1).shape), np.float32)
        for rows, result in zip(packed, self._call(true, pred), strict=True):
            rows[used] = result.reshape(len(pred), *prediction.shape[1:3])
        value, gradient = np.moveaxis(packed, 2, 4)
        return value, gradient

    def _call(self, y_true: Float32Array, y_pred: Float32Array) -> tuple[Float32Array, Float32Array]:
        """Return losses and gradient in the shape of y_pred, so that the mean over values is that of the losses."""
        result = self.function(y_true, y_pred)
        if not (isinstance(result, tuple) and len(result) == 2):
            raise ConfigError(
                f"The loss {self.name} returned {type(result).__name__}",
                expected="(loss, gradient)",
                fix="Return the losses and their derivative with respect to y_pred, both as NumPy arrays: gatecast "
                "does not derive functions. Losses of Keras have one: loss='mse', 'mae', 'huber', 'log_cosh', ...",
                argument="loss",
            )
        value, gradient = (np.asarray(array, np.float32) for array in result)
        if gradient.shape != y_pred.shape or value.shape not in (y_pred.shape, y_pred.shape[:-1]):
            raise ConfigError(
                f"The loss {self.name} returned arrays that do not fit",
                got=f"losses {value.shape} and gradient {gradient.shape}",
                expected=f"losses {y_pred.shape[:-1]} or {y_pred.shape}, and gradient {y_pred.shape}",
                argument="loss",
            )
        if value.shape == y_pred.shape:
            return value, gradient
        return np.broadcast_to(value[..., None], y_pred.shape), gradient * np.float32(y_pred.shape[-1])
