"""From the few quantiles that a network says to an interval of any level, with the width that past errors ask for.

Letters: Q quantiles, symmetric about the middle one.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

__all__ = ["fit_width_factors", "half_widths"]

Floats = npt.NDArray[np.float64]

NARROWEST, WIDEST = 0.5, 5.0
"""Limits of the calibration."""

APART = 100
"""Errors of a step from which on it has a factor of its own."""

ENOUGH = 8
"""Horizons of past errors, beyond the first, after which intervals may be narrowed as far as that."""


def half_widths(quantiles: Floats, probabilities: Sequence[float], level: float) -> tuple[Floats, Floats]:
    """Distances from the median to both ends of an interval.

    Between the quantiles given, and beyond the last, a half-width grows in proportion to the normal score of the
    level: straight lines through (score of p, q[p] - q[1/2]).

    Args:
        quantiles: (..., Q), increasing along the last axis.
        probabilities: Q of them, symmetric about 1/2, odd in number.
        level: In percent, above 0 and below 100.

    Returns:
        Below and above, each (...), not negative.

    >>> below, above = half_widths(np.array([-1.0, 0.0, 2.0]), (0.1, 0.5, 0.9), 80)
    >>> float(below), float(above)
    (1.0, 2.0)
    """
    mid = len(probabilities) // 2
    normal = NormalDist()
    scores = np.array([0.0, *(normal.inv_cdf(p) for p in probabilities[mid + 1 :])])
    wanted = normal.inv_cdf(0.5 + level / 200)
    right = np.searchsorted(scores, wanted).clip(1, len(scores) - 1)
    share = (wanted - scores[right - 1]) / (scores[right] - scores[right - 1])
    above, below = quantiles[..., mid:], quantiles[..., mid::-1]
    ends = [side[..., right - 1] + share * (side[..., right] - side[..., right - 1]) for side in (below, above)]
    middle = quantiles[..., mid]
    return np.maximum(middle - ends[0], 0), np.maximum(ends[1] - middle, 0)


def fit_width_factors(
    quantiles: Floats, probabilities: Sequence[float], actual: Floats, levels: Sequence[float], rows: int
) -> dict[float, Floats]:
    """Factors by which to stretch intervals so that past values would have lain inside as often as they should.

    ``factor[k] = the level (1 + 1 / rows) quantile of |actual - median| / half-width``, at most 5, not below the factor
    of a narrower level (so intervals are nested), and below 1 only as far as several horizons of past errors allow: the
    errors of one horizon hang together, and few of them are no ground for narrowing. With many series every step has
    its own factor, from the errors of its neighbours too; otherwise all steps share one.

    Args:
        quantiles: (n, h, Q) said at n origins of any series.
        probabilities: Q of them.
        actual: (n, h) what came, NaN where missing or not yet known.
        levels: In percent.
        rows: Different times and series among the actual values: overlapping forecasts are no new evidence.

    Returns:
        (h,) factors for each level; 1 where nothing is known.

    Source: split conformal prediction with a scaled score (Papadopoulos et al. 2002; Lei et al. 2018).

    >>> said = np.tile([-1.0, 0.0, 1.0], (99, 1, 1))
    >>> factor = fit_width_factors(said, (0.1, 0.5, 0.9), np.linspace(-4, 4, 99)[:, None], [80], rows=99)[80]
    >>> factor.round(1).tolist()
    [3.3]
    """
    h = actual.shape[1]
    error = actual - quantiles[..., len(probabilities) // 2]
    known = np.isfinite(error)
    if not known.any():
        return {level: np.ones(h) for level in sorted(levels)}
    narrowest = 1 - (1 - NARROWEST) * min(max(rows / h - 1, 0) / ENOUGH, 1)
    apart = rows >= APART * h
    steps = [slice(max(0, k - 1), k + 2) for k in range(h)] if apart else [slice(0, h)]
    factors: dict[float, Floats] = {}
    before = np.zeros(h)
    for level in sorted(levels):
        below, above = half_widths(quantiles, probabilities, level)
        ratio = np.abs(error) / np.maximum(np.where(error < 0, below, above), np.finfo(np.float64).tiny)
        found = [_rank(ratio[:, part][known[:, part]], level, rows // h if apart else rows) for part in steps]
        factors[level] = before = np.maximum(np.clip(np.resize(found, h), narrowest, WIDEST), before)
    return factors


def _rank(ratio: Floats, level: float, rows: int) -> float:
    """The quantile of the scores that covers a new one with the probability of the level; 1 without scores."""
    if not len(ratio):
        return 1.0
    return float(np.quantile(ratio, min(level / 100 * (1 + 1 / max(rows, 1)), 1.0), method="higher"))
