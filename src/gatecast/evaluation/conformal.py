"""Conformal prediction intervals: any level from a few quantiles, as wide as past errors require.

Shapes: Q quantiles, symmetric about the middle one.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

__all__ = ["fit_width_factors", "half_widths"]

FloatArray = npt.NDArray[np.float64]

MIN_FACTOR = 0.5
MAX_FACTOR = 5.0
"""Limits of width factors."""

MIN_ROWS_PER_STEP = 100
"""Rows per step of the horizon from which every step has its own factor."""

HORIZONS_FOR_NARROWING = 8
"""Horizons of past errors, beyond the first, from which intervals may be narrowed fully."""


def half_widths(quantiles: FloatArray, probabilities: Sequence[float], level: float) -> tuple[FloatArray, FloatArray]:
    """Return the distances from the median to both bounds of an interval.

    Between the quantiles, and beyond the last, a half-width grows in proportion to the normal score of the level:
    straight lines through (score of p, q[p] - q[1/2]).

    Args:
        quantiles: Increasing along the last axis, [..., Q].
        probabilities: Probabilities of the quantiles, symmetric about 1/2, odd in number.
        level: In percent, above 0 and below 100.

    Returns:
        Distances below and above, [...] each, not negative.

    Example:
        >>> below, above = half_widths(np.array([-1.0, 0.0, 2.0]), (0.1, 0.5, 0.9), 80)
        >>> float(below), float(above)
        (1.0, 2.0)
    """
    middle = len(probabilities) // 2
    normal = NormalDist()
    scores = np.array([0.0, *(normal.inv_cdf(p) for p in probabilities[middle + 1 :])])
    score = normal.inv_cdf(0.5 + level / 200)
    right = np.searchsorted(scores, score).clip(1, len(scores) - 1)
    share = (score - scores[right - 1]) / (scores[right] - scores[right - 1])
    above, below = quantiles[..., middle:], quantiles[..., middle::-1]
    bounds = [side[..., right - 1] + share * (side[..., right] - side[..., right - 1]) for side in (below, above)]
    median = quantiles[..., middle]
    return np.maximum(median - bounds[0], 0), np.maximum(bounds[1] - median, 0)


def fit_width_factors(
    quantiles: FloatArray, probabilities: Sequence[float], actual: FloatArray, levels: Sequence[float], rows: int
) -> dict[float, FloatArray]:
    """Return factors that stretch intervals so that they would have covered past values as often as they state.

    ``factor[k] = the level (1 + 1 / rows) quantile of |actual - median| / half-width``, at most 5, not below the factor
    of a narrower level (so intervals are nested), and below 1 only as far as several horizons of past errors allow: the
    errors of one horizon are correlated, and a few of them do not justify narrowing. With many series every step has
    its own factor, from the errors of its neighbors too; otherwise all steps share one.

    Args:
        quantiles: Forecasts at n origins of any series, [n, horizon, Q].
        probabilities: Probabilities of the quantiles.
        actual: Actual values, [n, horizon]; NaN where missing or not yet known.
        levels: In percent.
        rows: Number of different times and series among the actual values: overlapping forecasts are no new evidence.

    Returns:
        Factors for each level, [horizon]; 1 where nothing is known.

    Source: split conformal prediction with a scaled score (Papadopoulos et al. 2002; Lei et al. 2018).

    Example:
        >>> quantiles = np.tile([-1.0, 0.0, 1.0], (99, 1, 1))
        >>> actual = np.linspace(-4, 4, 99)[:, None]
        >>> fit_width_factors(quantiles, (0.1, 0.5, 0.9), actual, [80], rows=99)[80].round(1).tolist()
        [3.3]
    """
    horizon = actual.shape[1]
    error = actual - quantiles[..., len(probabilities) // 2]
    known = np.isfinite(error)
    if not known.any():
        return {level: np.ones(horizon) for level in sorted(levels)}
    smallest = 1 - (1 - MIN_FACTOR) * min(max(rows / horizon - 1, 0) / HORIZONS_FOR_NARROWING, 1)
    by_step = rows >= MIN_ROWS_PER_STEP * horizon
    windows = [slice(max(0, k - 1), k + 2) for k in range(horizon)] if by_step else [slice(0, horizon)]
    factors: dict[float, FloatArray] = {}
    narrower = np.zeros(horizon)
    for level in sorted(levels):
        below, above = half_widths(quantiles, probabilities, level)
        ratio = np.abs(error) / np.maximum(np.where(error < 0, below, above), np.finfo(np.float64).tiny)
        n_rows = rows // horizon if by_step else rows
        ranks = [_conformal_quantile(ratio[:, steps][known[:, steps]], level, n_rows) for steps in windows]
        factors[level] = narrower = np.maximum(np.clip(np.resize(ranks, horizon), smallest, MAX_FACTOR), narrower)
    return factors


def _conformal_quantile(ratio: FloatArray, level: float, rows: int) -> float:
    """Return the quantile of the scores that covers a new one with the probability of the level; 1 without scores."""
    if not len(ratio):
        return 1.0
    return float(np.quantile(ratio, min(level / 100 * (1 + 1 / max(rows, 1)), 1.0), method="higher"))
