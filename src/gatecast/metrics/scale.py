"""The scale of scaled errors: the mean absolute change over a season, of many series at once."""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt

__all__ = ["seasonal_naive_scale"]


def seasonal_naive_scale(values: npt.NDArray[np.float64], m: int) -> npt.NDArray[np.float64]:
    """Return the mean absolute change over m steps of every series: the unit of MASE.

    Args:
        values: Series aligned at their ends, [n_series, T]; pairs with NaN are left out.
        m: Season length.

    Returns:
        [n_series]; NaN where there is no pair, or no change.

    Source: Hyndman & Koehler 2006.

    Example:
        >>> seasonal_naive_scale(np.array([[1.0, 2.0, 4.0]]), 1).tolist()
        [1.5]
    """
    if values.shape[1] <= m:
        return np.full(len(values), np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a series without a pair
        mean = np.nanmean(np.abs(values[:, m:] - values[:, :-m]), axis=1)
    return np.where(mean > 0, mean, np.nan)
