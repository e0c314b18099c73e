"""Noise in training: SpatialDropout1D and GaussianNoise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gatecast._utils.validation import check_fraction, check_non_negative
from gatecast.kernels.packing import Array, Params
from gatecast.kernels.training_stack import TrainingStack
from gatecast.nn.layers.base import BackwardResult, BaseLayer, CallContext, ForwardResult
from gatecast.nn.layers.checks import check_input
from gatecast.nn.layers.dropout import Dropout

__all__ = ["GaussianNoise", "SpatialDropout1D"]


@dataclass(frozen=True, repr=False)
class SpatialDropout1D(BaseLayer):
    """Dropout of whole features: the same ones at every step of a sequence, as ``Dropout(rate, variational=True)``.

    Args:
        rate: Probability of a zero, from 0 to less than 1.
        seed: Ignored: the seed of the model determines dropout.

    Raises:
        ConfigError: If the rate is outside [0, 1).

    Example:
        >>> SpatialDropout1D(0.2).output_shape((24, 50))
        (24, 50)

    Source: Tompson et al. 2015.
    """

    rate: float
    seed: int | None = None

    def __post_init__(self) -> None:
        self._check_base()
        object.__setattr__(self, "rate", check_fraction(self.rate, "rate", where="SpatialDropout1D"))

    def forward(self, params: Params, x: Array, context: CallContext) -> ForwardResult:
        """Compute y, shaped like x."""
        return self._dropout.forward(params, x, context)

    def backward(self, params: Params, cache: Any, dy: Array | None, need_dx: bool) -> BackwardResult:
        """Drop the same values from dy."""
        return self._dropout.backward(params, cache, dy, need_dx)

    def add_to_stack(self, stack: TrainingStack, params: Params, grads: Params, /, *, residual: bool = False) -> bool:
        """Add the layer to a stack that is trained in block order."""
        return self._dropout.add_to_stack(stack, params, grads, residual=residual)

    @property
    def _dropout(self) -> Dropout:
        """The same as dropout of the features of a sequence."""
        return Dropout(self.rate, variational=True)


@dataclass(frozen=True, repr=False)
class GaussianNoise(BaseLayer):
    """In training, adds normal numbers; outside of it the layer does nothing.

    Args:
        stddev: Standard deviation of the noise.
        seed: Ignored: the seed of the model determines the noise.

    Raises:
        ConfigError: If the standard deviation is negative.

    Example:
        >>> GaussianNoise(0.1).output_shape((24, 50))
        (24, 50)
    """

    stddev: float
    seed: int | None = None

    def __post_init__(self) -> None:
        self._check_base()
        object.__setattr__(self, "stddev", check_non_negative(self.stddev, "stddev", where="GaussianNoise"))

    def forward(self, _params: Params, x: Array, context: CallContext) -> ForwardResult:
        """Compute y, shaped like x."""
        check_input(self, x)
        if not context.training or self.stddev == 0:
            return x, None, None
        rng = np.random.Generator(np.random.Philox(key=context.key & 0xFFFFFFFFFFFFFFFF))
        return x + np.float32(self.stddev) * rng.standard_normal(x.shape, np.float32), None, None

    def backward(self, _params: Params, _cache: Any, dy: Array | None, need_dx: bool) -> BackwardResult:
        """Return the gradient of y."""
        return (dy if need_dx else None), None, {}
