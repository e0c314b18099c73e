"""Series as cycles of a season.

Shapes: n_series rows, T columns of the past, P season.
"""

from __future__ import annotations

import numpy as np

from gatecast._utils.typing import FloatArray

__all__ = ["known_mean", "newest_cycles"]

MAX_CYCLES = 64
"""Newest cycles that are read."""


def newest_cycles(values: FloatArray, P: int, *, complete_only: bool = True) -> FloatArray:
    """Return the newest 64 cycles, at most, [n_series, n_cycles, P]; a missing value is that of the cycle before.

    Args:
        values: Series aligned at their ends, [n_series, T]; NaN is missing.
        P: Season.
        complete_only: Whether a cycle that began before the series did is NaN as a whole; else these values alone are.

    Example:
        >>> newest_cycles(np.array([[1.0, 2.0, np.nan, 4.0]]), 2).tolist()
        [[[1.0, 2.0], [1.0, 4.0]]]
        >>> newest_cycles(np.array([[np.nan, 2.0, 3.0, 4.0]]), 2)[0, 0].tolist()
        [nan, nan]
    """
    n = min(-(-values.shape[1] // P) if not complete_only else values.shape[1] // P, MAX_CYCLES)
    padded = np.pad(values, ((0, 0), (max(n * P - values.shape[1], 0), 0)), constant_values=np.nan)
    cycles = padded[:, padded.shape[1] - n * P :].reshape(len(values), n, P)
    seen = np.isfinite(cycles)
    if seen.all():
        return cycles
    last = np.maximum.accumulate(np.where(seen, np.arange(n)[:, None], -1), axis=1)
    filled = np.where(last >= 0, np.take_along_axis(cycles, np.maximum(last, 0), axis=1), np.nan)
    return np.where(np.isfinite(filled).all(axis=2, keepdims=True), filled, np.nan) if complete_only else filled


def known_mean(values: FloatArray, axis: int) -> FloatArray:
    """Return the mean of what is known along an axis; NaN where nothing is.

    Example:
        >>> known_mean(np.array([[1.0, np.nan], [np.nan, np.nan]]), axis=1).tolist()
        [1.0, nan]
    """
    known = np.isfinite(values)
    n = known.sum(axis=axis)
    return np.where(n > 0, np.where(known, values, 0.0).sum(axis=axis) / np.maximum(n, 1), np.nan)
