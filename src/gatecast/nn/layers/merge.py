"""Layers that join several outputs of equal shape: Add, Subtract, Multiply, Average, Maximum, Minimum.

They are called on a list of outputs, in a functional model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gatecast.errors import ConfigError
from gatecast.kernels.packing import Array, Params
from gatecast.nn.layers.base import BackwardResult, BaseLayer, CallContext, ForwardResult
from gatecast.nn.layers.checks import check_input
from gatecast.nn.layers.shapes import Shape

__all__ = [
    "Add",
    "Average",
    "Maximum",
    "MergeLayer",
    "Minimum",
    "Multiply",
    "Subtract",
    "add",
    "average",
    "maximum",
    "merged_mask",
    "minimum",
    "multiply",
    "subtract",
]


def merged_mask(layer: Any, masks: Sequence[Array | None], shapes: Sequence[Shape]) -> Array | None:
    """Return the mask of several inputs joined, as in Keras: a step counts if it does in any of them.

    Args:
        layer: The layer that joins them.
        masks: Of the inputs, (nb, T, L); None: all steps count.
        shapes: Of the samples.

    >>> ones = np.ones((1, 2, 1), np.float32)
    >>> merged_mask(Add(), [0 * ones, ones], [(2, 3), (2, 3)]).ravel().tolist()
    [1.0, 1.0]
    >>> merged_mask(Add(), [0 * ones, None], [(2, 3), (2, 3)]) is None
    True
    """
    known = [mask for mask in masks if mask is not None]
    if not known:
        return None
    if getattr(layer, "axis", -1) == 1 and len(shapes[0]) == 2:
        nb, _, L = known[0].shape
        parts = [
            np.ones((nb, shape[0] or 0, L), np.float32) if mask is None else mask
            for mask, shape in zip(masks, shapes, strict=True)
        ]
        return np.concatenate(parts, axis=1)
    if len(known) < len(masks):
        return None
    joined: Array = np.maximum.reduce(known)
    return joined


class MergeLayer(BaseLayer):
    """A layer with several inputs, which a graph of layers passes to `merge`."""

    @property
    def is_merge(self) -> bool:
        """Always True."""
        return True

    def merged_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return the shape of the output: that of all inputs."""
        if len(set(shapes)) != 1:
            fix = "Give the layers before it as many units, or use Concatenate."
            raise ConfigError("The inputs have different shapes", where=repr(self), got=str(list(shapes)), fix=fix)
        return shapes[0]

    def merge(self, arrays: Sequence[Array], rank: int) -> tuple[Array, Any]:
        """Join packed arrays of samples with `rank` axes; return the output and what `merge_backward` needs."""
        raise NotImplementedError

    def merge_backward(self, cache: Any, dy: Array) -> list[Array]:
        """Return the gradients of all inputs."""
        raise NotImplementedError

    def forward(self, _params: Params, x: Array, context: CallContext) -> ForwardResult:
        """Return the only input."""
        return self.merge([check_input(self, x)], 2)[0], None, x if context.save_for_backward else None

    def backward(self, _params: Params, cache: Any, dy: Array | None, need_dx: bool) -> BackwardResult:
        """Return the gradient of the only input."""
        if dy is None or not need_dx:
            return None, None, {}
        return self.merge_backward(self.merge([cache], 2)[1], dy)[0], None, {}


@dataclass(frozen=True, repr=False)
class Add(MergeLayer):
    """Sum of the inputs.

    Example:
        >>> from gatecast.layers import Dense, Input
        >>> x = Input((24, 1))
        >>> Add()([Dense(3)(x), Dense(3)(x)]).shape
        (None, 24, 3)
    """

    def merge(self, arrays: Sequence[Array], _rank: int) -> tuple[Array, Any]:
        """Add the arrays."""
        return sum(arrays[1:], arrays[0]), len(arrays)

    def merge_backward(self, cache: Any, dy: Array) -> list[Array]:
        """Return dy for every input."""
        return [dy] * int(cache)


@dataclass(frozen=True, repr=False)
class Subtract(MergeLayer):
    """First input minus second input."""

    def merged_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return the shape of both inputs."""
        if len(shapes) != 2:
            raise ConfigError("Subtract takes two inputs", got=f"{len(shapes)}")
        return super().merged_shape(shapes)

    def merge(self, arrays: Sequence[Array], _rank: int) -> tuple[Array, Any]:
        """Subtract the second array from the first."""
        return sum((-a for a in arrays[1:]), arrays[0]), len(arrays)

    def merge_backward(self, cache: Any, dy: Array) -> list[Array]:
        """Return dy and -dy."""
        return [dy, *([-dy] * (int(cache) - 1))]


@dataclass(frozen=True, repr=False)
class Multiply(MergeLayer):
    """Product of the inputs."""

    def merge(self, arrays: Sequence[Array], _rank: int) -> tuple[Array, Any]:
        """Multiply the arrays."""
        return _product(arrays), list(arrays)

    def merge_backward(self, cache: Any, dy: Array) -> list[Array]:
        """Multiply dy by the other inputs."""
        return [_product([dy, *cache[:k], *cache[k + 1 :]]) for k in range(len(cache))]


@dataclass(frozen=True, repr=False)
class Average(MergeLayer):
    """Mean of the inputs."""

    def merge(self, arrays: Sequence[Array], _rank: int) -> tuple[Array, Any]:
        """Average the arrays."""
        return sum(arrays[1:], arrays[0]) / np.float32(len(arrays)), len(arrays)

    def merge_backward(self, cache: Any, dy: Array) -> list[Array]:
        """Share dy out."""
        return [dy / np.float32(cache)] * int(cache)


class _Extreme(MergeLayer):
    """Largest or smallest of the inputs; an equal share of the gradient goes to each that has it."""

    def merge(self, arrays: Sequence[Array], _rank: int) -> tuple[Array, Any]:
        """Choose among the arrays."""
        stacked = np.stack(arrays)
        y: Array = self._choose(stacked)
        return y, (stacked, y)

    def merge_backward(self, cache: Any, dy: Array) -> list[Array]:
        """Return dy where an input was chosen."""
        stacked, y = cache
        chosen = (stacked == y).astype(np.float32)
        return list(dy * chosen / chosen.sum(axis=0))

    def _choose(self, stacked: Array) -> Array:
        """Return the extreme of the first axis."""
        raise NotImplementedError


@dataclass(frozen=True, repr=False)
class Maximum(_Extreme):
    """Largest of the inputs."""

    def _choose(self, stacked: Array) -> Array:
        return np.asarray(stacked.max(axis=0))


@dataclass(frozen=True, repr=False)
class Minimum(_Extreme):
    """Smallest of the inputs."""

    def _choose(self, stacked: Array) -> Array:
        return np.asarray(stacked.min(axis=0))


def add(inputs: Any, **options: Any) -> Any:
    """Return the sum of outputs; see `Add`, which takes the options."""
    return Add(**options)(inputs)


def average(inputs: Any, **options: Any) -> Any:
    """Return the mean of outputs; see `Average`, which takes the options."""
    return Average(**options)(inputs)


def maximum(inputs: Any, **options: Any) -> Any:
    """Return the largest of outputs; see `Maximum`, which takes the options."""
    return Maximum(**options)(inputs)


def minimum(inputs: Any, **options: Any) -> Any:
    """Return the smallest of outputs; see `Minimum`, which takes the options."""
    return Minimum(**options)(inputs)


def multiply(inputs: Any, **options: Any) -> Any:
    """Return the product of outputs; see `Multiply`, which takes the options."""
    return Multiply(**options)(inputs)


def subtract(inputs: Any, **options: Any) -> Any:
    """Return the difference of two outputs; see `Subtract`, which takes the options."""
    return Subtract(**options)(inputs)


def _product(arrays: Sequence[Array]) -> Array:
    """Return the product of arrays."""
    result = arrays[0]
    for array in arrays[1:]:
        result = result * array
    return result
