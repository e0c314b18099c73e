"""The mean of a predictive distribution, from the bounds of its intervals.

The quantile function is linear in the normal score x between the bounds q[0] < ... < q[n] of a grid of levels, and
constant beyond them, as in sample paths. Its mean is then a weighted sum of the bounds:

``E[q(X)] = q[0] P(x[0]) + sum over k of the integral of q(x) p(x) from x[k] to x[k + 1] + q[n] (1 - P(x[n]))``

with P and p the distribution function and density of a standard normal X. Between the grid and the truth lie what
margins cannot tell, such as the share of zeros, so past errors scale the distance of the mean from the median.

Shapes: n_series series, n_steps steps, n_grid points of the grid, n_rows rows (a series at an origin).
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

__all__ = ["GRID_LEVELS", "POINTS", "fit_mean_factor", "grid_scores", "mean_of_grid", "sort_grid"]

FloatArray = npt.NDArray[np.float64]

POINTS = ("median", "mean")
"""What a point forecast can be."""

GRID_LEVELS = (10.0, 25.0, 50.0, 65.0, 80.0, 90.0, 95.0, 98.0, 99.0, 99.8)
"""Intervals whose bounds form the grid of probabilities."""

FACTOR_SPREAD = 0.5
"""Standard deviation of the factor of `fit_mean_factor` around 1 before any error is known."""

MAX_FACTOR = 2.0
"""Largest such factor."""


def sort_grid(sides: Sequence[FloatArray]) -> FloatArray:
    """Return the median and the bounds of `GRID_LEVELS` in ascending order, [n_series, n_steps, n_grid].

    Args:
        sides: The median, then the lower and the upper bound of each level, [n_series, n_steps] each.
    """
    return np.stack([*sides[1::2][::-1], sides[0], *sides[2::2]], axis=2)


def grid_scores() -> FloatArray:
    """Return the normal scores of the grid, [n_grid].

    Example:
        >>> grid_scores().round(2).tolist()[9:13]
        [-0.13, 0.0, 0.13, 0.32]
    """
    upper = [NormalDist().inv_cdf(0.5 + level / 200) for level in GRID_LEVELS]
    return np.array([*(-score for score in reversed(upper)), 0.0, *upper])


def mean_of_grid(grid: FloatArray) -> FloatArray:
    """Return the means of distributions with these bounds.

    Args:
        grid: Bounds in ascending order, [..., n_grid].

    Returns:
        Means, [...].

    Example:
        >>> mean_of_grid(100 + 15 * grid_scores()).round(6).item()
        100.0
    """
    return np.asarray(grid @ _weights(grid_scores()))


def fit_mean_factor(error: FloatArray, distance: FloatArray, weight: FloatArray) -> float:
    """Return the factor of the distance of means from medians that past errors of the medians tell.

    The posterior mean of f in ``error = f distance + noise``, over the means of rows, with a normal prior around 1.

    Args:
        error: Actual values less medians, in units of the series, [n_rows, n_steps]; NaN where unknown.
        distance: Means less medians, in the same units, [n_rows, n_steps].
        weight: Weight of each row, [n_rows].

    Returns:
        From 0 to 2; 1 without any known error.

    Example:
        >>> round(fit_mean_factor(np.full((500, 2), 0.4), np.ones((500, 2)), np.ones(500)), 2)
        0.4
    """
    known = np.isfinite(error) & np.isfinite(distance)
    n = known.sum(axis=1)
    row_error, row_distance = (np.where(known, part, 0.0).sum(axis=1) / np.maximum(n, 1) for part in (error, distance))
    weight = np.where(n > 0, weight, 0.0)
    evidence = (weight * row_distance**2).sum()
    if not evidence > 0:
        return 1.0
    noise = (weight * (row_error - row_distance) ** 2).sum() / weight.sum()
    prior = noise / FACTOR_SPREAD**2
    return float(np.clip(((weight * row_distance * row_error).sum() + prior) / (evidence + prior), 0.0, MAX_FACTOR))


def _weights(x: FloatArray) -> FloatArray:
    """Return how much each point of a grid of normal scores counts in a mean, [n_grid]."""
    normal = NormalDist()
    below, density = (np.array([f(score) for score in x.tolist()]) for f in (normal.cdf, normal.pdf))
    # Within a segment, P(b) - P(a) is its probability and p(a) - p(b) the integral of x p(x).
    probability = np.diff(below)
    right = (-np.diff(density) - x[:-1] * probability) / np.diff(x)
    weights = np.zeros(len(x))
    weights[:-1] += probability - right
    weights[1:] += right
    weights[0] += below[0]
    weights[-1] += 1 - below[-1]
    return weights
