"""Scales that make errors of different series comparable."""

from __future__ import annotations

import numpy as np

from gatecast._utils.batches import row_batches
from gatecast._utils.typing import FloatArray

__all__ = ["seasonal_naive_scale"]


def seasonal_naive_scale(values: FloatArray, m: int, *, squared: bool = False) -> FloatArray:
    """Compute the mean absolute error of in-sample seasonal naive forecasts: the scale of MASE.

    ``scale[s] = mean_t |values[s, t] - values[s, t - m]|``, or for RMSSE the root of the mean of their squares.

    Args:
        values: Series of shape (S, T), aligned on the right. Pairs with a NaN are left out.
        m: Season length; 1 for the naive forecast.
        squared: Whether errors are squared.

    Returns:
        The scales, shape (S,); NaN for a series without a pair, or whose values do not change.

    Source: Hyndman & Koehler 2006.

    >>> seasonal_naive_scale(np.array([[1.0, 2.0, 4.0], [1.0, np.nan, 4.0]]), 1).tolist()
    [1.5, nan]
    """
    if values.shape[1] <= m:
        return np.full(len(values), np.nan)
    mean = np.empty(len(values))
    for rows in row_batches(len(values)):
        changes = np.abs(values[rows, m:] - values[rows, :-m])
        known = ~np.isnan(changes)
        powers = np.where(known, changes, 0.0) ** (2 if squared else 1)
        mean[rows] = powers.sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    mean = np.sqrt(mean) if squared else mean
    return np.where(mean > 0, mean, np.nan)
