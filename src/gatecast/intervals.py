"""From the few quantiles that a network says to an interval of any level, with the width that past errors ask for.

Letters: Q quantiles, symmetric about the middle one.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

__all__ = ["calibrate", "half_widths"]

Floats = npt.NDArray[np.float64]

NARROWEST, WIDEST = 0.5, 5.0
"""Limits of the calibration."""

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


def calibrate(
    quantiles: Floats, probabilities: Sequence[float], actual: Floats, levels: Sequence[float], rows: int
) -> dict[float, float]:
    """Factors by which to stretch intervals so that past values would have lain inside as often as they should.

    ``factor = the level (1 + 1 / rows) quantile of |actual - median| / half-width``, at most 5, not below the factor of
    a narrower level (so intervals are nested), and below 1 only as far as several horizons of past errors allow: the
    errors of one horizon hang together, and few of them are no ground for narrowing.

    Args:
        quantiles: (m, h, Q) said at m origins.
        probabilities: Q of them.
        actual: (m, h) what came, NaN where missing or not yet known.
        levels: In percent.
        rows: Different times among the actual values: overlapping forecasts are no new evidence.

    Returns:
        A factor for each level; 1 where nothing is known.

    Source: split conformal prediction with a scaled score (Papadopoulos et al. 2002; Lei et al. 2018).

    >>> said = np.tile([-1.0, 0.0, 1.0], (99, 1, 1))
    >>> factor = calibrate(said, (0.1, 0.5, 0.9), np.linspace(-4, 4, 99)[:, None], [80], rows=99)[80]
    >>> round(factor, 1)
    3.3
    """
    error = actual - quantiles[..., len(probabilities) // 2]
    seen = np.isfinite(error)
    if not seen.any():
        return dict.fromkeys(sorted(levels), 1.0)
    narrowest = 1 - (1 - NARROWEST) * min(max(rows / actual.shape[1] - 1, 0) / ENOUGH, 1)
    factors: dict[float, float] = {}
    for level in sorted(levels):
        below, above = half_widths(quantiles, probabilities, level)
        width = np.where(error < 0, below, above)[seen]
        ratio = np.abs(error[seen]) / np.maximum(width, np.finfo(np.float64).tiny)
        rank = min(level / 100 * (1 + 1 / rows), 1.0)
        factor = float(np.clip(np.quantile(ratio, rank, method="higher"), narrowest, WIDEST))
        factors[level] = max([factor, *factors.values()])
    return factors
