"""Operations of NumPy on values of a graph, by standard operators: same names, same meaning.

Axes of reductions are attributes of the operators up to version 17 and inputs from 18 on; all else is the same in both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast.nn.onnx_files.builder import Value
from gatecast.nn.onnx_files.types import ONNX_TYPES

__all__ = [
    "absolute",
    "arcsinh",
    "cast",
    "clip",
    "concatenate",
    "cumsum",
    "exp",
    "expand_dims",
    "flip",
    "full",
    "is_finite",
    "log",
    "maximum",
    "minimum",
    "pad",
    "power",
    "reduce_max",
    "reduce_mean",
    "reduce_min",
    "reshape",
    "sigmoid",
    "sinh",
    "size_of",
    "slice_of",
    "sort",
    "split",
    "sqrt",
    "squeeze",
    "take",
    "take_along_axis",
    "tanh",
    "total",
    "transpose",
    "where",
]

LAST = np.iinfo(np.int64).max
"""End of a slice that goes to the end."""


def cast(x: Value, dtype: npt.DTypeLike) -> Value:
    """Return x in another type."""
    wanted = np.dtype(dtype)
    return x if x.dtype == wanted else x.builder.op("Cast", x, dtype=wanted, to=ONNX_TYPES[wanted])


def where(condition: Value, a: Any, b: Any) -> Value:
    """Return a where the condition holds, else b; one of them is a value or an array, the other may be a number."""
    like = a if isinstance(a, Value | np.ndarray) else b
    first, second = (condition.builder.value(value, like.dtype) for value in (a, b))
    return condition.builder.op("Where", condition, first, second, dtype=first.dtype)


def exp(x: Value) -> Value:
    """Return e to the x."""
    return x.builder.op("Exp", x)


def log(x: Value) -> Value:
    """Return the natural logarithm."""
    return x.builder.op("Log", x)


def sqrt(x: Value) -> Value:
    """Return the square root."""
    return x.builder.op("Sqrt", x)


def tanh(x: Value) -> Value:
    """Return the hyperbolic tangent."""
    return x.builder.op("Tanh", x)


def sigmoid(x: Value) -> Value:
    """Return ``1 / (1 + exp(-x))``."""
    return x.builder.op("Sigmoid", x)


def absolute(x: Value) -> Value:
    """Return the absolute value."""
    return x.builder.op("Abs", x)


def sinh(x: Value) -> Value:
    """Return ``(exp(x) - exp(-x)) / 2``: the operator of this name is not made for float64 everywhere."""
    return 0.5 * (exp(x) - exp(-x))


def arcsinh(x: Value) -> Value:
    """Return ``sign(x) log(|x| + sqrt(x^2 + 1))``."""
    size = absolute(x)
    return x.builder.op("Sign", x) * log(size + sqrt(size * size + 1))


def maximum(a: Value, b: Any) -> Value:
    """Return the larger of two tensors."""
    return a.builder.op("Max", a, b)


def minimum(a: Value, b: Any) -> Value:
    """Return the smaller of two tensors."""
    return a.builder.op("Min", a, b)


def power(x: Value, exponent: Any) -> Value:
    """Return x to a power of its type."""
    return x.builder.op("Pow", x, exponent)


def clip(x: Value, low: Any, high: Any) -> Value:
    """Return x within limits."""
    return minimum(maximum(x, low), high)


def is_finite(x: Value) -> Value:
    """Return where x is neither NaN nor infinite."""
    return absolute(x) < np.inf


def total(x: Value, axis: int, *, keepdims: bool = False) -> Value:
    """Return the sum along an axis."""
    return x.builder.op("ReduceSum", x, np.array([axis]), keepdims=int(keepdims))


def reduce_max(x: Value, axis: int, *, keepdims: bool = False) -> Value:
    """Return the maximum along an axis."""
    return _reduce("ReduceMax", x, axis, keepdims)


def reduce_min(x: Value, axis: int, *, keepdims: bool = False) -> Value:
    """Return the minimum along an axis."""
    return _reduce("ReduceMin", x, axis, keepdims)


def reduce_mean(x: Value, axis: int, *, keepdims: bool = False) -> Value:
    """Return the mean along an axis."""
    return _reduce("ReduceMean", x, axis, keepdims)


def cumsum(x: Value, axis: int) -> Value:
    """Return running sums along an axis."""
    return x.builder.op("CumSum", x, np.array(axis))


def sort(x: Value, n: int | Value, axis: int) -> Value:
    """Return n numbers in ascending order along an axis, which has as many; none of them is NaN."""
    size = n if isinstance(n, Value) else np.array([n])
    return x.builder.ops("TopK", 2, x, size, axis=axis, largest=0, sorted=1)[0]


def take(x: Value, index: Any, axis: int) -> Value:
    """Return parts of x by their places along an axis; a single place drops the axis."""
    places = index if isinstance(index, Value) else np.asarray(index, np.int64)
    return x.builder.op("Gather", x, places, axis=axis)


def take_along_axis(x: Value, index: Value, axis: int) -> Value:
    """Return numbers by an array of their places along an axis."""
    return x.builder.op("GatherElements", x, index, axis=axis)


def slice_of(x: Value, axis: int, start: Any = 0, stop: Any = LAST, step: int = 1) -> Value:
    """Return a slice along an axis; start and stop are numbers or values of one number."""
    first, last = (v if isinstance(v, Value) else np.array([v], np.int64) for v in (start, stop))
    return x.builder.op("Slice", x, first, last, np.array([axis]), np.array([step]))


def flip(x: Value, axis: int) -> Value:
    """Return x in the opposite order along an axis."""
    return slice_of(x, axis, -1, -LAST, -1)


def split(x: Value, n: int, axis: int, size: int) -> list[Value]:
    """Return n parts of equal size along an axis."""
    return x.builder.ops("Split", n, x, np.full(n, size, np.int64), axis=axis) if n > 1 else [x]


def concatenate(parts: Sequence[Value], axis: int) -> Value:
    """Return tensors one after the other along an axis."""
    return parts[0].builder.op("Concat", *parts, axis=axis) if len(parts) > 1 else parts[0]


def transpose(x: Value, order: Sequence[int]) -> Value:
    """Return x with its axes in another order."""
    return x.builder.op("Transpose", x, perm=list(order))


def reshape(x: Value, shape: Any) -> Value:
    """Return the same numbers in another shape: 0 keeps a size, -1 is what is left; or a value with the sizes."""
    return x.builder.op("Reshape", x, shape if isinstance(shape, Value) else np.array(shape, np.int64))


def expand_dims(x: Value, axis: int) -> Value:
    """Return x with an axis of one number more."""
    return x.builder.op("Unsqueeze", x, np.array([axis]))


def squeeze(x: Value, axis: int) -> Value:
    """Return x without an axis of one number."""
    return x.builder.op("Squeeze", x, np.array([axis]))


def size_of(x: Value, axis: int) -> Value:
    """Return the size of an axis, a tensor of one number."""
    return x.builder.op("Shape", x, dtype=np.int64, start=axis, end=axis + 1)


def full(like: Value, sizes: Sequence[int | Value], value: float = 0.0, dtype: npt.DTypeLike | None = None) -> Value:
    """Return a constant of shape (batch, *sizes), with the batch of another value."""
    parts = [v if isinstance(v, Value) else like.builder.constant([v], np.int64) for v in sizes]
    shape = concatenate([size_of(like, 0), *parts], 0)
    return like.builder.op("Expand", like.builder.constant(value, dtype or like.dtype), shape)


def pad(x: Value, rank: int, axis: int, before: int, after: int, value: float = 0.0, mode: str = "constant") -> Value:
    """Return x with more numbers along an axis.

    Args:
        x: Of a float type.
        rank: Number of its axes.
        axis: Where they are added.
        before: How many in front.
        after: How many behind.
        value: What they are.
        mode: "constant", or "edge" for copies of the ends.
    """
    amounts = np.zeros(2 * rank, np.int64)
    amounts[axis], amounts[rank + axis] = before, after
    return x.builder.op("Pad", x, amounts, *([value] if mode == "constant" else []), mode=mode)


def _reduce(op: str, x: Value, axis: int, keepdims: bool) -> Value:
    """Return a reduction along one axis."""
    if x.builder.opset < 18:
        return x.builder.op(op, x, axes=[axis], keepdims=int(keepdims))
    return x.builder.op(op, x, np.array([axis]), keepdims=int(keepdims))
