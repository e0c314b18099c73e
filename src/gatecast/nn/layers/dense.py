"""Dense: an affine map of the features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gatecast._utils.validation import check_flag, check_positive_int
from gatecast.kernels import native
from gatecast.kernels.packing import Array, Params
from gatecast.kernels.training_stack import TrainingStack
from gatecast.nn.constraints import Constraint
from gatecast.nn.initializers import Initializer
from gatecast.nn.layers.activated import ActivatedLayer
from gatecast.nn.layers.base import BackwardResult, CallContext, ForwardResult
from gatecast.nn.layers.checks import check_plain_steps
from gatecast.nn.layers.functions import activate, activate_backward
from gatecast.nn.layers.shapes import Shape, feature_count
from gatecast.nn.regularizers import Regularizer

__all__ = ["Dense"]


@dataclass(frozen=True, repr=False)
class Dense(ActivatedLayer):
    """Affine map of the features, ``y = activation(x W + b)``; with a time axis, the same map at every step.

    Args:
        units: Number of outputs M, at least 1.
        activation: None for linear; ``"relu"``, ``"softmax"``, or another name in `gatecast.activations`.
        use_bias: Whether there is a bias b.
        kernel_initializer: Initial values of W: a name or an object of `gatecast.initializers`.
        bias_initializer: Initial values of b.
        kernel_regularizer: Penalty on W that is added to the loss: a name or an object of `gatecast.regularizers`.
        bias_regularizer: Penalty on b.
        activity_regularizer: Not available; None.
        kernel_constraint: Projection of W after every update: a name or an object of `gatecast.constraints`.
        bias_constraint: Projection of b.

    Raises:
        ConfigError: If `units` is below 1 or a name is unknown.

    Example:
        >>> Dense(1).output_shape((24, 50)), Dense(3, "relu").output_shape((50,))
        ((24, 1), (3,))
    """

    units: int
    activation: str | None = None
    use_bias: bool = True
    kernel_initializer: str | Initializer = "glorot_uniform"
    bias_initializer: str | Initializer = "zeros"
    kernel_regularizer: str | Regularizer | None = None
    bias_regularizer: str | Regularizer | None = None
    activity_regularizer: None = None
    kernel_constraint: str | Constraint | None = None
    bias_constraint: str | Constraint | None = None

    def __post_init__(self) -> None:
        self._check_base()
        self._check_weight_settings()
        object.__setattr__(self, "units", check_positive_int(self.units, "units", where="Dense"))
        object.__setattr__(self, "use_bias", check_flag(self.use_bias, "use_bias", where="Dense"))
        self._set_activation()

    @property
    def param_names(self) -> tuple[str, ...]:
        """Kernel W and bias b."""
        return ("W", "b") if self.use_bias else ("W",)

    def output_shape(self, in_shape: Shape) -> Shape:
        """Return (..., M) for (..., F)."""
        return (*in_shape[:-1], self.units)

    def init(self, rng: np.random.Generator, in_shape: Shape) -> Params:
        """Draw W and b as the initializers say: by default as Keras does."""
        check_plain_steps(self, in_shape)
        params = {"W": self._draw(rng, "W", (feature_count(in_shape), self.units), "glorot_uniform")}
        return params | ({"b": self._draw(rng, "b", (self.units,), "zeros")} if self.use_bias else {})

    def forward(self, params: Params, x: Array, context: CallContext) -> ForwardResult:
        """Compute y [nb, T, M, L] for x [nb, T, F, L]."""
        z = native.dense_forward(params if self.use_bias else self._with_bias(params, (self.units,)), x, self._fused)
        y = z if self._is_fused else activate(z, self._activation)
        return y, None, (x, z, y) if context.save_for_backward else None

    def backward(self, params: Params, cache: Any, dy: Array | None, need_dx: bool) -> BackwardResult:
        """Compute the gradients of x, W and b."""
        x, z, y = cache
        dy = np.zeros_like(y) if dy is None else dy
        if not self._is_fused:
            dy = activate_backward(z, y, dy, self._activation)
        dx, grads = native.dense_backward(params, x, dy, z, self._fused, need_dx=need_dx)
        if not self.use_bias:
            del grads["b"]
        return dx, None, grads

    def add_to_stack(self, stack: TrainingStack, params: Params, grads: Params, *, residual: bool = False) -> bool:
        """Add the layer to a stack that is trained in block order, if its activation is computed with the products."""
        if not self._is_fused:
            return False
        if not self.use_bias:
            params, grads = self._with_bias(params, (self.units,)), grads | {"b": np.empty(self.units, np.float32)}
        stack.add_dense(params, grads, self._fused, residual=residual)
        return True
