"""Dense: an affine map of the features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from gatecast._utils.validation import check_positive_int
from gatecast.kernels import native
from gatecast.kernels.packing import Array, Params
from gatecast.kernels.reference import ACTIVATIONS
from gatecast.kernels.training_stack import TrainingStack
from gatecast.nn.initializers import glorot_uniform
from gatecast.nn.layers.base import (
    BackwardResult,
    BaseLayer,
    CallContext,
    ForwardResult,
    Shape,
    check_choice,
    feature_count,
    validate_shape,
)

__all__ = ["Dense"]


@dataclass(frozen=True)
class Dense(BaseLayer):
    """Affine map of the features, ``y = activation(x W + b)``; with a time axis, the same map at every step.

    Args:
        units: Number of outputs M, at least 1.
        activation: ``"linear"`` (also None), ``"relu"``, ``"tanh"`` or ``"sigmoid"``.
        input_shape: (T, F) or (F,) if this is the first layer of a network without `Input`.

    Raises:
        ConfigError: If `units` is below 1 or the activation is unknown.

    Example:
        >>> Dense(1).output_shape((24, 50)), Dense(3).output_shape((50,))
        ((24, 1), (3,))
    """

    units: int
    activation: Literal["linear", "relu", "tanh", "sigmoid"] | None = None
    input_shape: Shape | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "units", check_positive_int(self.units, "units", where="Dense"))
        object.__setattr__(self, "input_shape", validate_shape(self, self.input_shape))
        check_choice(self.activation, (None, *ACTIVATIONS), "Dense", "activation")

    @property
    def param_names(self) -> tuple[str, ...]:
        """Kernel W and bias b."""
        return ("W", "b")

    def output_shape(self, in_shape: Shape) -> Shape:
        """Return (..., M) for (..., F)."""
        return (*in_shape[:-1], self.units)

    def init(self, rng: np.random.Generator, in_shape: Shape) -> Params:
        """Draw the kernel from a Glorot uniform distribution, as Keras does; the bias is zero."""
        W = glorot_uniform(rng, feature_count(in_shape), self.units)
        return {"W": W, "b": np.zeros(self.units, np.float32)}

    def forward(self, params: Params, x: Array, context: CallContext) -> ForwardResult:
        """Compute y [nb, T, M, L] for x [nb, T, F, L]."""
        y = native.dense_forward(params, x, self._activation)
        return y, None, (x, y) if context.save_for_backward else None

    def backward(self, params: Params, cache: Any, dy: Array | None, need_dx: bool) -> BackwardResult:
        """Compute the gradients of x, W and b."""
        x, y = cache
        dy = np.zeros_like(y) if dy is None else dy
        dx, grads = native.dense_backward(params, x, dy, y, self._activation, need_dx=need_dx)
        return dx, None, grads

    def add_to_stack(self, stack: TrainingStack, params: Params, grads: Params, *, residual: bool = False) -> bool:
        """Add the layer to a stack that is trained in block order."""
        stack.add_dense(params, grads, self._activation, residual=residual)
        return True

    @property
    def _activation(self) -> str:
        """Name of the activation in `reference.ACTIVATIONS`."""
        return self.activation or "linear"
