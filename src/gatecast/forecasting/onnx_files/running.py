"""Running values of series as operators, along the last axis, of a known number of steps T.

Shapes: [..., T].
"""

from __future__ import annotations

import numpy as np

from gatecast._utils.typing import FloatArray
from gatecast.nn.onnx_files import operations as op
from gatecast.nn.onnx_files.builder import Value

__all__ = ["at_most", "difference", "largest_so_far", "moving_mean", "shifted", "so_far"]


def so_far(x: Value) -> Value:
    """Return running sums."""
    return op.cumsum(x, -1)


def shifted(x: Value, rank: int, k: int, T: int, fill: float = 0.0) -> Value:
    """Return the value k steps before each step; `fill` before the first one.

    Args:
        x: [..., T].
        rank: Number of its axes.
        k: Steps.
        T: Number of steps.
        fill: What precedes x.
    """
    return op.slice_of(op.pad(x, rank, rank - 1, k, 0, fill), -1, 0, T)


def largest_so_far(x: Value, rank: int, T: int) -> Value:
    """Return running maxima, by doubling: a power of two steps back at a time."""
    k = 1
    while k < T:
        x = op.maximum(x, shifted(x, rank, k, T, -np.inf))
        k *= 2
    return x


def difference(x: Value, rank: int, k: int, T: int) -> Value:
    """Return the change over the last k steps, or since the beginning."""
    first = op.slice_of(x, -1, 0, 1)
    if k >= T:
        return x - first
    since = op.slice_of(x, -1, 0, k) - first
    return op.concatenate([since, op.slice_of(x, -1, k) - op.slice_of(x, -1, 0, -k)], rank - 1)


def at_most(k: int, T: int) -> FloatArray:
    """Return the steps since the beginning, from 1 to k, [T]."""
    return np.clip(np.arange(T, dtype=np.float64), 1, max(k, 1))


def moving_mean(x: Value, rank: int, k: int, T: int) -> Value:
    """Return the mean of the last k values, or of all so far."""
    sums = so_far(x)
    total = sums - shifted(sums, rank, k, T) if k < T else sums
    n: FloatArray = np.clip(np.arange(1.0, T + 1), 1, k)
    return total / n
