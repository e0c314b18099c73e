"""Masking: skips the steps whose features all have one value."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from gatecast.errors import ConfigError
from gatecast.kernels.packing import Array, Params
from gatecast.nn.layers.base import BackwardResult, BaseLayer, CallContext, ForwardResult
from gatecast.nn.layers.checks import check_input

__all__ = ["Masking"]


@dataclass(frozen=True, repr=False)
class Masking(BaseLayer):
    """Skips the steps whose features all equal `mask_value`: the layers behind it get a mask, and zeros there.

    A recurrent layer carries its state over a skipped step. `fit(mask=...)` does the same without a special value, and
    leaves the targets of skipped steps out of the loss besides.

    Args:
        mask_value: The value of a step to skip.

    Raises:
        ConfigError: If the value is not a number.

    Example:
        >>> Masking(-1.0).output_shape((24, 1))
        (24, 1)
    """

    mask_value: float = 0.0

    def __post_init__(self) -> None:
        self._check_base()
        value: Any = self.mask_value
        if not isinstance(value, Real):
            raise ConfigError("Invalid mask_value", where="Masking", got=repr(value), expected="a number")
        object.__setattr__(self, "mask_value", float(value))

    @property
    def supports_streaming(self) -> bool:
        """Always False: in a stream, `warm(x, mask)` names the steps to skip."""
        return False

    def forward(self, _params: Params, x: Array, context: CallContext) -> ForwardResult:
        """Compute y, shaped like x, with zeros in the skipped steps."""
        used = self._used(check_input(self, x))[:, :, None]
        return np.where(used, x, np.float32(0)), None, used if context.save_for_backward else None

    def backward(self, _params: Params, cache: Any, dy: Array | None, need_dx: bool) -> BackwardResult:
        """Return the gradient of y, zero in the skipped steps."""
        return (np.where(cache, dy, np.float32(0)) if need_dx and dy is not None else None), None, {}

    @property
    def makes_masks(self) -> bool:
        """Always True."""
        return True

    def output_mask(self, x: Array, mask: Array | None, /) -> Array | None:
        """Return the steps to use, [nb, T, L] of 0 and 1."""
        used: Array = self._used(x).astype(np.float32)
        return used if mask is None else np.asarray(used * mask)

    def _used(self, x: Array) -> Any:
        """Return which steps count, [nb, T, L]."""
        return (x != np.float32(self.mask_value)).any(axis=2)
