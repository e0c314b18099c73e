"""Series along a time axis, the second one, by numbers of steps that are known only when a graph runs.

A number is a tensor of one int64, or a number of Python.

Shapes: [n, T] or [n, T, ...].
"""

from __future__ import annotations

import operator
from collections.abc import Callable

import numpy as np

from gatecast.forecasting.onnx_files.series import numbers_along
from gatecast.forecasting.pretrained.soft_limit import SOFT_LIMIT
from gatecast.nn.onnx_files import operations as op
from gatecast.nn.onnx_files.builder import Value

__all__ = ["at_steps", "cumulative_max", "cumulative_sum", "earlier", "fraction", "numbers_below", "soft"]


def numbers_below(n: Value) -> Value:
    """Return 0 .. n - 1, int64."""
    zero, one = (n.builder.constant(np.array(number, np.int64)) for number in (0, 1))
    return n.builder.op("Range", zero, op.squeeze(n, 0), one)


def fraction(n: Value) -> Value:
    """Return a number in float64."""
    return op.cast(n, np.float64)


def at_steps(x: Value, steps: Value) -> Value:
    """Return what stands at some steps of all series, [n, *steps]; at the first one for negative steps."""
    return op.take(x, op.maximum(steps, 0), 1)


def earlier(x: Value, k: Value | int, fill: float = 0.0) -> Value:
    """Return x of k steps before each step, [n, T]; `fill` before the first."""
    steps = numbers_along(x, 1)
    return op.where(steps >= k, at_steps(x, steps - k), fill)


def cumulative_max(x: Value, longest: int, stride: Value | int = 1) -> Value:
    """Return the largest number so far, of every stride-th step back, [n, T].

    Args:
        x: [n, T] float64.
        longest: Strides of T, at most.
        stride: Steps.
    """
    return _by_doubling(op.maximum, -np.inf, x, longest, stride)


def cumulative_sum(x: Value, longest: int, stride: Value) -> Value:
    """Return the sum of every stride-th step back, [n, T].

    Args:
        x: [n, T] float64.
        longest: Strides of T, at most.
        stride: Steps.
    """
    return _by_doubling(operator.add, 0.0, x, longest, stride)


def _by_doubling(
    combine: Callable[[Value, Value], Value], neutral: float, x: Value, longest: int, stride: Value | int
) -> Value:
    """Return what numbers so far combine to: those of one stride, then of two, of four."""
    k = 1
    while k < longest:
        x = combine(x, earlier(x, k * stride, neutral))
        k *= 2
    return x


def soft(x: Value) -> Value:
    """Return x as `soft_limit` does."""
    return x / (1 + op.absolute(x) / SOFT_LIMIT)
