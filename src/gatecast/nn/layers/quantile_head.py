"""QuantileHead: an output layer whose quantiles cannot cross."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast.errors import ConfigError
from gatecast.kernels import native
from gatecast.kernels.packing import Array, Params
from gatecast.kernels.training_stack import TrainingStack
from gatecast.nn.layers.base import BackwardResult, BaseLayer, CallContext, ForwardResult
from gatecast.nn.layers.checks import check_input
from gatecast.nn.layers.shapes import Shape

__all__ = ["QuantileHead"]


@dataclass(frozen=True, repr=False)
class QuantileHead(BaseLayer):
    """Quantiles that cannot cross: a middle one, and positive distances between neighbors.

    With r the Q inputs for one target value and ``positive(r) = exp(min(r, 0)) + max(r, 0)``::

        q[mid]   = r[mid]
        q[k + 1] = q[k] + positive(r[k + 1])     above the middle
        q[k - 1] = q[k] - positive(r[k - 1])     below it

    Args:
        quantiles: Number of quantiles Q of a target value, an odd number; the middle one has index Q // 2.
        input_shape: (T, K Q) or (K Q,) if this is the first layer of a network without `Input`.

    Raises:
        ConfigError: If `quantiles` is even or below 1.

    Example:
        >>> from gatecast.layers import CallContext
        >>> q, *_ = QuantileHead(3).forward({}, np.zeros((1, 1, 3, 16), np.float32), CallContext())
        >>> q[0, 0, :, 0].tolist()
        [-1.0, 0.0, 1.0]

    Source: the cumulative form of Gasthaus et al. 2019 (spline quantile functions), without the spline.
    """

    quantiles: int

    def __post_init__(self) -> None:
        self._check_base()
        if self.quantiles < 1 or self.quantiles % 2 == 0:
            raise ConfigError(
                "Invalid quantiles", where="QuantileHead", got=self.quantiles, expected="an odd number, 1, 3, 5, ..."
            )

    def output_shape(self, in_shape: Shape) -> Shape:
        """Return the shape of the input, K Q features."""
        if (in_shape[-1] or 0) % self.quantiles:
            raise ConfigError(
                "Invalid number of features",
                where="QuantileHead",
                got=in_shape[-1],
                expected=f"a multiple of {self.quantiles}",
                fix=f"Put Dense({self.quantiles}) in front of the QuantileHead.",
            )
        return in_shape

    def forward(self, _params: Params, x: Array, context: CallContext) -> ForwardResult:
        """Compute q [nb, T, K Q, L], increasing along the Q quantiles of each target value, for x of that shape."""
        if check_input(self, x).shape[2] % self.quantiles:
            check_input(self, x, self.quantiles)
        return native.quantiles_forward(x, self.quantiles), None, x if context.save_for_backward else None

    def backward(self, _params: Params, cache: Any, dy: Array | None, need_dx: bool) -> BackwardResult:
        """Compute the gradient of x: a distance moves all quantiles beyond it, the middle moves all of them."""
        if dy is None or not need_dx:
            return None, None, {}
        return native.quantiles_backward(cache, dy, self.quantiles), None, {}

    def add_to_stack(self, stack: TrainingStack, _params: Params, _grads: Params, /, *, residual: bool = False) -> bool:
        """Add the layer to a stack that is trained in block order."""
        if residual:
            return False
        stack.add_quantiles(self.quantiles)
        return True

    def inverse(self, q: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.floating[Any]]:
        """Return the input whose output is q, as for a bias that starts at known quantiles.

        Args:
            q: Quantiles, [K, Q], increasing along the last axis.

        Returns:
            The input, [K, Q].

        Example:
            >>> QuantileHead(3).inverse(np.array([[-1.0, 0.0, 3.0]])).tolist()
            [[0.0, 0.0, 2.0]]
        """
        mid = self.quantiles // 2
        gaps = np.maximum(np.diff(q, axis=-1), 1e-3)
        r = np.where(gaps > 1, gaps - 1, np.log(np.minimum(gaps, 1)))
        return np.concatenate([r[..., :mid], q[..., mid : mid + 1], r[..., mid:]], axis=-1)
