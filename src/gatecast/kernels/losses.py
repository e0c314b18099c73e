"""The compiled kernels of losses.

Shapes: arrays are packed as `packing` lays them out, float32 and C-contiguous, with nb blocks of L sequences, T steps,
K target values and Q predictions for each of them.
"""

from __future__ import annotations

from typing import NamedTuple

from gatecast.kernels import _native
from gatecast.kernels.packing import Array

__all__ = ["LossKernel", "loss"]

_LOSSES = {"squared": 0, "absolute": 1, "huber": 2, "pinball": 3}


class LossKernel(NamedTuple):
    """A loss of `nn.losses` that the kernels compute."""

    name: str
    """``"squared"``, ``"absolute"``, ``"huber"`` or ``"pinball"``."""
    parameters: tuple[float, ...] = ()
    """Levels of the pinball loss, delta of Huber's."""

    @property
    def number(self) -> int:
        """Number of the loss in the compiled module."""
        return _LOSSES[self.name]


def loss(kernel: LossKernel, p: Array, y: Array, weight: Array, scale: float) -> tuple[float, Array]:
    """Compute the weighted sum of a loss, as `nn.losses` defines it, and its scaled gradient.

    Args:
        kernel: The loss, with Q predictions for each target value.
        p: Predictions, [nb, T, K Q, L]; NaN makes the sum NaN.
        y: Targets, [nb, T, K, L].
        weight: Weights, [nb, T, K, L]; or [nb, T, 1, L] for one weight per step.
        scale: Factor of the gradient.

    Returns:
        The sum, added up in float64, and `scale` times its gradient with respect to p.

    Example:
        >>> import numpy as np
        >>> p, y, weight = (np.full((1, 1, 1, 1), a, np.float32) for a in (3, 1, 2))
        >>> total, gradient = loss(LossKernel("pinball", (0.5,)), p, y, weight, 10.0)
        >>> total, gradient.item()
        (2.0, 10.0)
    """
    return _native.loss(kernel.number, kernel.parameters, p, y, weight, scale)
