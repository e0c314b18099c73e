"""Output layers that give a distribution instead of a number.

Letters: K target values a step, Q quantiles, nb blocks of L lanes; r what the layer below says, q quantiles.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast.errors import ConfigError
from gatecast.kernels import native
from gatecast.kernels.packing import Array, Params
from gatecast.nn.layers.base import BaseLayer, CallContext, Shape, State, checked_input, checked_shape

__all__ = ["QuantileHead"]


@dataclass(frozen=True)
class QuantileHead(BaseLayer):
    """Quantiles that cannot cross: a middle one and the distances to its neighbours, each positive.

    With r the Q numbers for one target value and ``positive(r) = exp(min(r, 0)) + max(r, 0)``::

        q[mid]   = r[mid]
        q[k + 1] = q[k] + positive(r[k + 1])     above the middle
        q[k - 1] = q[k] - positive(r[k - 1])     below it

    Args:
        quantiles: Q, an odd number of outputs a target value; the middle one is number Q // 2.
        input_shape: (T, K Q) or (K Q,) if this is the first layer of a network without `Input`.

    Raises:
        ConfigError: An even number, or one below 1.

    >>> from gatecast.nn.layers import CallContext
    >>> q, *_ = QuantileHead(3).forward({}, np.zeros((1, 1, 3, 16), np.float32), CallContext())
    >>> q[0, 0, :, 0].tolist()
    [-1.0, 0.0, 1.0]

    Source: the cumulative form of Gasthaus et al. 2019 (spline quantile functions), without the spline.
    """

    quantiles: int
    input_shape: Shape | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "input_shape", checked_shape(self, self.input_shape))
        if self.quantiles < 1 or self.quantiles % 2 == 0:
            raise ConfigError("QuantileHead needs a middle", got=f"{self.quantiles} quantiles", expected="1, 3, 5, ...")

    def output_shape(self, in_shape: Shape) -> Shape:
        """The shape of the input, K Q features."""
        if (in_shape[-1] or 0) % self.quantiles:
            raise ConfigError(
                "QuantileHead's input does not fit",
                got=f"{in_shape[-1]} features",
                expected=f"a multiple of {self.quantiles}",
            )
        return in_shape

    def forward(
        self,
        params: Params,  # noqa: ARG002
        x: Array,
        context: CallContext,
        state: State | None = None,  # noqa: ARG002
    ) -> tuple[Array, State | None, Any]:
        """(nb, T, K Q, L) -> the same shape, increasing along the Q numbers of each target value."""
        if checked_input(self, x).shape[2] % self.quantiles:
            checked_input(self, x, self.quantiles)
        return native.quantiles_forward(x, self.quantiles), None, x if context.save_for_backward else None

    def backward(
        self,
        params: Params,  # noqa: ARG002
        cache: Any,
        dy: Array | None,
        need_dx: bool,
        dstate: State | None = None,  # noqa: ARG002
    ) -> tuple[Array | None, State | None, Params]:
        """Each distance moves all quantiles beyond it; the middle moves all of them."""
        if dy is None or not need_dx:
            return None, None, {}
        return native.quantiles_backward(cache, dy, self.quantiles), None, {}

    def raw(self, q: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.floating[Any]]:
        """The numbers whose output is `q`: for a bias that starts at known quantiles.

        Args:
            q: (K, Q), increasing along the last axis.

        Returns:
            (K, Q).
        """
        mid = self.quantiles // 2
        gaps = np.maximum(np.diff(q, axis=-1), 1e-3)
        r = np.where(gaps > 1, gaps - 1, np.log(np.minimum(gaps, 1)))
        return np.concatenate([r[..., :mid], q[..., mid : mid + 1], r[..., mid:]], axis=-1)
