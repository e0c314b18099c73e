"""Outliers: values far from those one season before and one season after."""

from __future__ import annotations

import numpy as np

from gatecast._utils.typing import FloatArray, IntArray

__all__ = ["THRESHOLD", "find_outliers", "gaps"]

THRESHOLD = 4.0
"""Distance of an outlier in robust standard deviations of the seasonal differences.

Gaussian noise exceeds it on both sides 2 times in a million.
"""

MAD_TO_SIGMA = 1.4826
"""Ratio of the standard deviation to the median absolute deviation of a normal distribution."""

MIN_CHANGES = 8
"""With fewer seasonal differences no value is called an outlier."""


def find_outliers(values: FloatArray, m: int) -> IntArray:
    """Find values that differ strongly, in the same direction, from those one season before and one season after.

    ``d[t] = y[t] - y[t - m] - median``; value t is an outlier if ``min(d[t], -d[t + m]) > 4 s`` or
    ``max(d[t], -d[t + m]) < -4 s``, where s is 1.4826 times the median of ``|d|``. In the first and the last season
    the second difference is the one to the neighbor two seasons away. Positive series are analyzed on the log scale. A
    step to a new level differs on one side only, and is not an outlier.

    Args:
        values: Values of a series, shape (n_values,); NaN is missing and never an outlier.
        m: Seasonal period; 1 for none.

    Returns:
        Indices of the outliers, ascending.

    Source: the median absolute deviation, Hampel 1974.

    >>> values = np.tile([10.0, 20.0, 30.0, 20.0], 10) + np.sin(np.arange(40))
    >>> values[17] = 60.0
    >>> find_outliers(values, 4).tolist()
    [17]
    """
    y = np.asarray(values, float)
    observed = np.isfinite(y)
    if observed.any() and y[observed].min() > 0:
        y = np.log(y)
    difference = _difference(y, m)
    finite = difference[np.isfinite(difference)]
    if len(finite) < MIN_CHANGES:
        return np.empty(0, np.int64)
    median = float(np.median(finite))
    sigma = MAD_TO_SIGMA * float(np.median(np.abs(finite - median)))
    if sigma == 0:
        # More than half the differences are equal: then a single value can still stand out.
        sigma = 1.2533 * float(np.mean(np.abs(finite - median)))
    if sigma == 0:
        return np.empty(0, np.int64)
    before, after = difference - median, _lead(median - difference, m)
    two_seasons = _difference(y, 2 * m) - 2 * median
    before = np.where(np.isfinite(before), before, _lead(-two_seasons, 2 * m))
    after = np.where(np.isfinite(after), after, two_seasons)
    with np.errstate(invalid="ignore"):
        is_outlier = np.minimum(before, after) > THRESHOLD * sigma
        is_outlier |= np.maximum(before, after) < -THRESHOLD * sigma
    return np.flatnonzero(is_outlier & observed)


def gaps(values: FloatArray) -> tuple[IntArray, IntArray]:
    """Find runs of missing values.

    Returns:
        First and last index of every run.

    >>> [ends.tolist() for ends in gaps(np.array([1.0, np.nan, np.nan, 2.0]))]
    [[1], [2]]
    """
    edges = np.diff(np.concatenate([[False], ~np.isfinite(values), [False]]).astype(np.int64))
    return np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1


def _difference(y: FloatArray, m: int) -> FloatArray:
    """Difference over m steps, NaN in the first m."""
    difference = np.full(len(y), np.nan)
    if m < len(y):
        difference[m:] = y[m:] - y[:-m]
    return difference


def _lead(x: FloatArray, m: int) -> FloatArray:
    """Values m steps later, NaN in the last m."""
    lead = np.full(len(x), np.nan)
    lead[: max(len(x) - m, 0)] = x[m:]
    return lead
