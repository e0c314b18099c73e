"""Embedding: a trained vector for each category."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gatecast._utils.validation import check_positive_int
from gatecast.errors import ConfigError, DataError
from gatecast.kernels.packing import Array, Params
from gatecast.nn.layers.base import BackwardResult, BaseLayer, CallContext, ForwardResult
from gatecast.nn.layers.checks import check_input
from gatecast.nn.layers.shapes import Shape

__all__ = ["Embedding"]


@dataclass(frozen=True, repr=False)
class Embedding(BaseLayer):
    """A trained vector for each code, ``y = E[x]``, as for the day of the week or the number of a series.

    Args:
        input_dim: Number of codes; x holds integers from 0 to ``input_dim - 1``.
        output_dim: Size D of a vector.
        input_shape: (T, 1) for one code per step, or (T,) for T codes.

    Raises:
        ConfigError: If a size is below 1, or the input has several features per step.
        DataError: In `forward`, if a code is not an integer or not in the table.

    Example:
        >>> Embedding(7, 3).output_shape((24, 1)), Embedding(7, 3).output_shape((5,))
        ((24, 3), (5, 3))
    """

    input_dim: int
    output_dim: int

    def __post_init__(self) -> None:
        for name in ("input_dim", "output_dim"):
            object.__setattr__(self, name, check_positive_int(getattr(self, name), name, where="Embedding"))
        self._check_base()

    @property
    def param_names(self) -> tuple[str, ...]:
        """Table E of the vectors."""
        return ("E",)

    def output_shape(self, in_shape: Shape) -> Shape:
        """Return (T, D) for (T, 1) or (T,)."""
        if len(in_shape) == 2 and in_shape[1] != 1:
            raise ConfigError(
                "Invalid input shape",
                where="Embedding",
                got=str(in_shape),
                expected="(time, 1), or (codes,)",
                fix="Pick the feature that holds the codes: put Select((k,)) in front of the Embedding.",
            )
        return (in_shape[0], self.output_dim)

    def init(self, rng: np.random.Generator, _in_shape: Shape) -> Params:
        """Draw the vectors uniformly within 0.05 of zero, as Keras does."""
        return {"E": rng.uniform(-0.05, 0.05, (self.input_dim, self.output_dim)).astype(np.float32)}

    def forward(self, params: Params, x: Array, context: CallContext) -> ForwardResult:
        """Compute y [nb, T, D, L] for x [nb, T, 1, L] or [nb, 1, T, L]."""
        if check_input(self, x).shape[1] > 1:
            check_input(self, x, 1)
        # One feature at every step, or features that are the steps.
        values = x[:, :, 0] if x.shape[2] == 1 else x[:, 0]
        if context.mask is not None and context.mask.shape == values.shape:
            values = np.where(context.mask > 0, values, 0)
        codes = np.clip(np.nan_to_num(values), 0, self.input_dim - 1).astype(np.int64)
        if (codes != values).any():
            invalid = values[codes != values][0]
            raise DataError(
                "Invalid code",
                where="Embedding",
                got=f"{invalid:g}",
                expected=f"an integer from 0 to {self.input_dim - 1}",
            )
        y = np.ascontiguousarray(params["E"][codes].transpose(0, 1, 3, 2))
        return y, None, (x.shape, codes) if context.save_for_backward else None

    def backward(self, params: Params, cache: Any, dy: Array | None, need_dx: bool) -> BackwardResult:
        """Add up the gradients of each vector over the steps that use it; the gradient of x is zero."""
        shape, codes = cache
        dE = np.zeros_like(params["E"])
        if dy is not None:
            rows = dy.transpose(0, 1, 3, 2).reshape(-1, self.output_dim)
            np.add.at(dE, codes.ravel(), rows)
        return np.zeros(shape, np.float32) if need_dx else None, None, {"E": dE}
