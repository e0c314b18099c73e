"""Layers that only move numbers: Flatten, Reshape, RepeatVector, Permute.

In the packed layout a sample is [T, F] for every lane, row by row, so that most of them are another view of the array.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from gatecast._utils.validation import check_positive_int
from gatecast.errors import ConfigError
from gatecast.kernels.packing import Array, Params
from gatecast.nn.layers.base import BackwardResult, BaseLayer, CallContext, ForwardResult
from gatecast.nn.layers.checks import check_input
from gatecast.nn.layers.data_format import DataFormat
from gatecast.nn.layers.shapes import Shape

__all__ = ["Flatten", "Permute", "RepeatVector", "Reshape", "known_sizes", "packed_shape"]


def packed_shape(shape: Shape) -> tuple[int, int]:
    """Return steps and features of a packed array for the shape of a sample, (F,), (T, F) or (T, S, F).

    >>> packed_shape((3,)), packed_shape((24, 3)), packed_shape((4, 6, 3))
    ((1, 3), (24, 3), (4, 18))
    """
    sizes = [size or 0 for size in shape]
    return (1, sizes[0]) if len(sizes) == 1 else (sizes[0], prod(sizes[1:]))


def known_sizes(shape: Shape, layer: str) -> tuple[int, ...]:
    """Return a shape without None.

    Args:
        shape: Shape of a sample.
        layer: Layer that the error names.

    Raises:
        ConfigError: If the number of steps is open.

    >>> known_sizes((24, 3), "Flatten")
    (24, 3)
    """
    if None in shape:
        fix = "Give the model the number of steps: Input((24, 1)) instead of Input((None, 1))."
        raise ConfigError("The number of steps must be known", where=layer, got=str(shape), fix=fix)
    return tuple(size or 0 for size in shape)


class _Moved(BaseLayer):
    """A layer whose output is a reshaped input."""

    @property
    def supports_streaming(self) -> bool:
        """Always False: the layer needs all steps."""
        return False

    def backward(self, _params: Params, cache: Any, dy: Array | None, need_dx: bool) -> BackwardResult:
        """Reshape the gradient back."""
        if not need_dx:
            return None, None, {}
        return (np.zeros(cache, np.float32) if dy is None else np.ascontiguousarray(dy).reshape(cache)), None, {}

    def output_mask(self, _x: Array, _mask: Array | None, /) -> Array | None:
        """Return None: steps have changed."""
        return None


@dataclass(frozen=True, repr=False)
class Flatten(DataFormat, _Moved):
    """All steps side by side: (T F,) from (T, F), step by step.

    Args:
        data_format: None or ``"channels_last"``: (time, features); ``"channels_first"``: (features, time), whose
            axes are swapped before.

    Example:
        >>> Flatten().output_shape((24, 3))
        (72,)
    """

    data_format: str | None = None

    def output_shape(self, in_shape: Shape) -> Shape:
        """Return (T F,) for (T, F)."""
        if self._features_first and len(in_shape) > 2:
            fix = "Leave data_format out, and put Permute before the layers that make such steps."
            raise ConfigError("Flatten swaps two axes", where=repr(self), got=f"samples of {in_shape}", fix=fix)
        return (prod(known_sizes(in_shape, "Flatten")),)

    def forward(self, _params: Params, x: Array, context: CallContext) -> ForwardResult:
        """Compute y, [nb, 1, T F, L]."""
        nb, T, F, L = check_input(self, x).shape
        moved = np.ascontiguousarray(self._swapped(x))
        return moved.reshape(nb, 1, T * F, L), None, moved.shape if context.save_for_backward else None

    def backward(self, params: Params, cache: Any, dy: Array | None, need_dx: bool) -> BackwardResult:
        """Reshape the gradient back."""
        dx, _, grads = super().backward(params, cache, dy, need_dx)
        return self._swapped(dx), None, grads


@dataclass(frozen=True, repr=False)
class Reshape(_Moved):
    """The same numbers, step by step and feature by feature, in another shape.

    Args:
        target_shape: (F,), (T, F) or (T, S, F), without the samples; one of the sizes may be -1.

    Raises:
        ConfigError: If the target has no size that fits.

    Example:
        >>> Reshape((4, 6)).output_shape((24,)), Reshape((-1, 2)).output_shape((24, 1))
        ((4, 6), (12, 2))
    """

    target_shape: tuple[int, ...]

    def __post_init__(self) -> None:
        self._check_base()
        shape = self.target_shape if isinstance(self.target_shape, Sequence) else (self.target_shape,)
        is_integer = all(isinstance(size, int | np.integer) and (size >= 1 or size == -1) for size in shape)
        if not is_integer or not 1 <= len(shape) <= 3 or list(shape).count(-1) > 1:
            expected = "(features,) or (time, features), with at most one -1"
            raise ConfigError("Invalid target_shape", where="Reshape", got=repr(self.target_shape), expected=expected)
        object.__setattr__(self, "target_shape", tuple(int(size) for size in shape))

    def output_shape(self, in_shape: Shape) -> Shape:
        """Return the target shape."""
        size = prod(known_sizes(in_shape, "Reshape"))
        known = prod(s for s in self.target_shape if s != -1)
        shape = tuple(size // known if s == -1 else s for s in self.target_shape)
        if prod(shape) != size:
            got = f"{in_shape}, {size} numbers"
            raise ConfigError("The numbers do not fit the target_shape", where=repr(self), got=got, expected=str(known))
        return shape

    def forward(self, _params: Params, x: Array, context: CallContext) -> ForwardResult:
        """Compute y, packed by the target shape."""
        nb, T, F, L = check_input(self, x).shape
        y = np.ascontiguousarray(x).reshape(nb, *packed_shape(self.output_shape((T * F,))), L)
        return y, None, x.shape if context.save_for_backward else None


@dataclass(frozen=True, repr=False)
class RepeatVector(BaseLayer):
    """The same features at each of n steps: (n, F) from (F,).

    Args:
        n: Number of steps.

    Raises:
        ConfigError: If n is below 1.

    Example:
        >>> RepeatVector(12).output_shape((50,))
        (12, 50)
    """

    n: int

    def __post_init__(self) -> None:
        self._check_base()
        object.__setattr__(self, "n", check_positive_int(self.n, "n", where="RepeatVector"))

    @property
    def supports_streaming(self) -> bool:
        """Always False: n outputs come from one step."""
        return False

    def output_shape(self, in_shape: Shape) -> Shape:
        """Return (n, F) for (F,)."""
        if len(in_shape) != 1:
            fix = "Leave return_sequences out of the recurrent layer before it."
            raise ConfigError(
                "Invalid input shape", where=repr(self), got=str(in_shape), expected="(features,)", fix=fix
            )
        return (self.n, in_shape[0])

    def forward(self, _params: Params, x: Array, _context: CallContext) -> ForwardResult:
        """Compute y, [nb, n, F, L]."""
        nb, _, F, L = check_input(self, x).shape
        return np.ascontiguousarray(np.broadcast_to(x[:, :1], (nb, self.n, F, L))), None, None

    def backward(self, _params: Params, _cache: Any, dy: Array | None, need_dx: bool) -> BackwardResult:
        """Add the gradients of all steps."""
        dx = dy.sum(axis=1, keepdims=True) if dy is not None and need_dx else None
        return dx, None, {}


@dataclass(frozen=True, repr=False)
class Permute(BaseLayer):
    """Steps and features exchanged: (F, T) from (T, F).

    Args:
        dims: (2, 1); axes are counted from 1, without the samples.

    Raises:
        ConfigError: If it is no order of two axes.

    Example:
        >>> Permute((2, 1)).output_shape((24, 3))
        (3, 24)
    """

    dims: tuple[int, ...]

    def __post_init__(self) -> None:
        self._check_base()
        object.__setattr__(self, "dims", tuple(self.dims) if isinstance(self.dims, Sequence) else (self.dims,))
        if sorted(self.dims) != [1, 2]:
            raise ConfigError("Invalid dims", where="Permute", got=repr(self.dims), expected="(2, 1)")

    @property
    def supports_streaming(self) -> bool:
        """Always False: the layer needs all steps."""
        return False

    def output_shape(self, in_shape: Shape) -> Shape:
        """Return (F, T) for (T, F)."""
        if len(in_shape) != 2:
            raise ConfigError("Invalid input shape", where=repr(self), got=str(in_shape), expected="(time, features)")
        steps, features = known_sizes(in_shape, "Permute")
        return (features, steps) if self.dims == (2, 1) else (steps, features)

    def forward(self, _params: Params, x: Array, _context: CallContext) -> ForwardResult:
        """Compute y, [nb, F, T, L]."""
        return self._exchange(check_input(self, x)), None, None

    def backward(self, _params: Params, _cache: Any, dy: Array | None, need_dx: bool) -> BackwardResult:
        """Exchange the axes of the gradient back."""
        return (self._exchange(dy) if dy is not None and need_dx else None), None, {}

    def output_mask(self, _x: Array, mask: Array | None, /) -> Array | None:
        """Return None: steps have become features."""
        return mask if self.dims == (1, 2) else None

    def _exchange(self, x: Array) -> Array:
        """Return x with its axes in the order of `dims`."""
        return x if self.dims == (1, 2) else np.ascontiguousarray(x.swapaxes(1, 2))
