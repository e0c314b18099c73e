"""Values that do not fit: far from what was seen a season before and a season after.

Letters: T values of a series, m season.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["FAR", "find_outliers", "gaps"]

Floats = npt.NDArray[np.float64]

FAR = 4.0
"""Robust standard deviations of the seasonal changes; normal noise goes so far from both sides 2 times in a million."""

TO_SIGMA = 1.4826
"""Standard deviation of normal numbers over their median absolute deviation."""

FEWEST = 8
"""Changes below which nothing is called odd."""


def find_outliers(values: Floats, m: int) -> npt.NDArray[np.int64]:
    """Rows whose change from a season before and change to a season after are both far from usual, in one direction.

    ``d[t] = y[t] - y[t - m] - median``; row t is odd if ``min(d[t], -d[t + m]) > 4 s`` or
    ``max(d[t], -d[t + m]) < -4 s``, s being 1.4826 times the median of |d|. In the first and the last season the
    second change is that of the neighbour two seasons away. Series above 0 are taken as logarithms. A step to a new
    level is a change from one side alone, and is not called odd.

    Args:
        values: (T,) NaN is missing, and never odd.
        m: Season; 1 for none.

    Returns:
        Positions, ascending.

    Source: the median absolute deviation, Hampel 1974.

    >>> values = np.tile([10.0, 20.0, 30.0, 20.0], 10) + np.sin(np.arange(40))
    >>> values[17] = 60.0
    >>> find_outliers(values, 4).tolist()
    [17]
    """
    y = np.asarray(values, float)
    known = np.isfinite(y)
    if known.any() and y[known].min() > 0:
        y = np.log(y)
    change = _change(y, m)
    seen = change[np.isfinite(change)]
    if len(seen) < FEWEST:
        return np.empty(0, np.int64)
    middle = float(np.median(seen))
    size = TO_SIGMA * float(np.median(np.abs(seen - middle)))
    if size == 0:
        # More than half the changes are the same: then one value alone among many can still stand out.
        size = 1.2533 * float(np.mean(np.abs(seen - middle)))
    if size == 0:
        return np.empty(0, np.int64)
    before, after = change - middle, _shifted(middle - change, m)
    twice = _change(y, 2 * m) - 2 * middle
    first = np.where(np.isfinite(before), before, _shifted(-twice, 2 * m))
    second = np.where(np.isfinite(after), after, twice)
    with np.errstate(invalid="ignore"):
        far = (np.minimum(first, second) > FAR * size) | (np.maximum(first, second) < -FAR * size)
    return np.flatnonzero(far & known)


def gaps(values: Floats) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Runs of missing values: first and last position of each.

    >>> [ends.tolist() for ends in gaps(np.array([1.0, np.nan, np.nan, 2.0]))]
    [[1], [2]]
    """
    edges = np.diff(np.concatenate([[False], ~np.isfinite(values), [False]]).astype(np.int64))
    return np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1


def _change(y: Floats, m: int) -> Floats:
    """(T,) change over m steps, NaN in the first m."""
    found = np.full(len(y), np.nan)
    found[m:] = y[m:] - y[:-m] if m < len(y) else found[m:]
    return found


def _shifted(x: Floats, m: int) -> Floats:
    """What stands m steps later, NaN in the last m."""
    found = np.full(len(x), np.nan)
    found[: max(len(x) - m, 0)] = x[m:]
    return found
