"""Dropout: random zeros in training."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gatecast._utils.validation import check_fraction
from gatecast.kernels import native
from gatecast.kernels.packing import Array, Params
from gatecast.kernels.training_stack import TrainingStack
from gatecast.nn.layers.base import BackwardResult, BaseLayer, CallContext, ForwardResult
from gatecast.nn.layers.checks import check_input

__all__ = ["Dropout"]


@dataclass(frozen=True, repr=False)
class Dropout(BaseLayer):
    """In training, sets a fraction `rate` of the values to zero and divides the others by ``1 - rate``.

    Which values are dropped is a pure function of the key of the pass. Outside training the layer does nothing.

    Args:
        rate: Probability of a zero, from 0 to less than 1.
        variational: Whether to drop the same features at every step of a sequence (Gal & Ghahramani 2016).

    Raises:
        ConfigError: If the rate is outside [0, 1).

    Example:
        >>> Dropout(0.2).output_shape((24, 50))
        (24, 50)

    Source: Srivastava et al. 2014.
    """

    rate: float
    variational: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        self._check_base()
        object.__setattr__(self, "rate", check_fraction(self.rate, "rate", where="Dropout"))

    def forward(self, _params: Params, x: Array, context: CallContext) -> ForwardResult:
        """Compute y, shaped like x; the cache is the key, or None if nothing is dropped."""
        check_input(self, x)
        if not context.training or self.rate == 0:
            return x, None, None
        return self._apply_mask(x, context.key), None, context.key if context.save_for_backward else None

    def backward(self, _params: Params, cache: Any, dy: Array | None, need_dx: bool) -> BackwardResult:
        """Drop the same values from dy."""
        return (dy if cache is None or dy is None or not need_dx else self._apply_mask(dy, cache)), None, {}

    def add_to_stack(self, stack: TrainingStack, _params: Params, _grads: Params, /, *, residual: bool = False) -> bool:
        """Add the layer to a stack that is trained in block order."""
        if residual:
            return False
        stack.add_dropout(self.rate, all_steps=self.variational)
        return True

    def _apply_mask(self, x: Array, key: int) -> Array:
        """Return x with the values of a key dropped."""
        if not self.variational:
            return native.dropout(x, self.rate, key)
        nb, _, F, L = x.shape
        y: Array = x * native.dropout(np.ones((nb, 1, F, L), np.float32), self.rate, key)
        return y
