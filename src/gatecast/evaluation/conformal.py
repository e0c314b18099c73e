"""Conformal prediction intervals: any level from a few quantiles, moved outward or inward as past errors require.

Shapes: n_rows rows, each a series at an origin; horizon steps; Q quantiles, symmetric about the middle one.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from statistics import NormalDist

import numpy as np

from gatecast._utils.typing import BoolArray, FloatArray, IntArray

__all__ = ["fit_margins", "half_widths"]

SIDES_SHARE = 0.5
"""How much the two sides of an interval follow their own errors; the rest follows those of both: tails chose it."""

N_SAMPLE, BRACKET = 1024, 64
"""Values of a sample, and places on either side of its quantile between which that of all values is looked for: four
standard deviations."""

MIN_SCORES = 120
"""Scores of a step; with fewer, those of its neighbors count too."""


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
    right, share = _position(tuple(probabilities), level)
    above, below = quantiles[..., middle:], quantiles[..., middle::-1]
    bounds = [side[..., right - 1] + share * (side[..., right] - side[..., right - 1]) for side in (below, above)]
    median = quantiles[..., middle]
    return np.maximum(median - bounds[0], 0), np.maximum(bounds[1] - median, 0)


@cache
def _position(probabilities: tuple[float, ...], level: float) -> tuple[int, float]:
    """Return the quantile above the median that ends the line a level is on, and how far along it the level is."""
    normal = NormalDist()
    scores = [0.0, *(normal.inv_cdf(p) for p in probabilities[len(probabilities) // 2 + 1 :])]
    score = normal.inv_cdf(0.5 + level / 200)
    right = int(np.searchsorted(scores, score).clip(1, len(scores) - 1))
    return right, (score - scores[right - 1]) / (scores[right] - scores[right - 1])


def fit_margins(
    quantiles: FloatArray,
    probabilities: Sequence[float],
    actual: FloatArray,
    unit: FloatArray,
    weight: FloatArray,
    levels: Sequence[float],
) -> dict[float, FloatArray]:
    """Return by how much bounds move outward, so that past intervals would have covered as often as they state.

    A score says how far outside (inside if negative) of its interval a value lay, in units of its series: below
    ``(q[lo] - y) / unit``, above ``(y - q[hi]) / unit``. The margin of a side is the mean of two weighted quantiles of
    scores: of that side at (1 + level) / 2, and of the larger of both sides at the level. Scores are those of a step
    and, where they are few, its neighbors.

    Args:
        quantiles: Forecasts at past origins, [n_rows, horizon, Q].
        probabilities: Probabilities of the quantiles.
        actual: Actual values, [n_rows, horizon]; NaN where missing or not yet known.
        unit: Unit of each row, [n_rows]; NaN leaves a row out.
        weight: Weight of each row, [n_rows].
        levels: In percent.

    Returns:
        For each level, [horizon, 2]: margins below and above, in units; negative where intervals were too wide.

    Source: conformalized quantile regression (Romano, Patterson & Candes 2019), with weights (Barber et al. 2023).

    Example:
        >>> quantiles = np.tile([-1.0, 0.0, 1.0], (999, 1, 1))
        >>> actual = np.linspace(-4, 4, 999)[:, None]
        >>> fit_margins(quantiles, (0.1, 0.5, 0.9), actual, np.ones(999), np.ones(999), [80])[80].round(1).tolist()
        [[2.2, 2.2]]
    """
    horizon = actual.shape[1]
    known = (
        np.isfinite(actual) & np.isfinite(quantiles).all(axis=-1) & np.isfinite(unit)[:, None] & (weight > 0)[:, None]
    )
    median = quantiles[..., quantiles.shape[-1] // 2]
    reach = _neighbors(known.sum(axis=0))
    margins = {}
    for level in sorted(levels):
        below, above = half_widths(quantiles, probabilities, level)
        scores = np.stack([median - below - actual, actual - median - above]) / unit[:, None]
        margins[level] = np.array([_margin(scores, known, weight, level, k, reach) for k in range(horizon)])
    return margins


def _neighbors(counts: IntArray) -> int:
    """Return how many neighbors of a step on each side count, at least one, from the number of scores of each step."""
    typical = max(float(np.median(counts)), 1.0)
    return int(np.clip(np.ceil((MIN_SCORES / typical - 1) / 2), 1, len(counts)))


def _margin(
    scores: FloatArray, known: BoolArray, weight: FloatArray, level: float, step: int, reach: int
) -> tuple[float, float]:
    """Return the margins of a step, from the scores [2, n_rows, horizon] of it and its neighbors; 0 without any."""
    steps = slice(max(0, step - reach), step + reach + 1)
    counts = known[:, steps]
    if not counts.any():
        return 0.0, 0.0
    # To pick by a mask takes three times as long as a copy.
    inside = counts if not counts.all() else slice(None)
    below, above = (side[:, steps][inside].ravel() for side in scores)
    weights = np.broadcast_to(weight[:, None], counts.shape)[inside].ravel()
    both = _weighted_quantile(np.maximum(below, above), weights, level / 100)
    sides = [_weighted_quantile(side, weights, 0.5 + level / 200) for side in (below, above)]
    return tuple(SIDES_SHARE * side + (1 - SIDES_SHARE) * both for side in sides)  # type: ignore[return-value]


def _weighted_quantile(x: FloatArray, weight: FloatArray, probability: float) -> float:
    """Return the least value that at least this share of the weight, with one more observation, lies at or below."""
    total = weight.sum()
    n = total**2 / (weight**2).sum()
    needed = min(probability * (1 + 1 / n), 1.0) * total * (1 - 1e-12)
    inside, before = _bracket(x, weight, needed / total)
    candidates, weights = x[inside], weight[inside]
    order = np.argsort(candidates)
    share = before + np.cumsum(weights[order])
    return float(candidates[order][min(np.searchsorted(share, needed), len(order) - 1)])


def _bracket(x: FloatArray, weight: FloatArray, share: float) -> tuple[BoolArray, float]:
    """Return which values lie around a weighted quantile, and the weight below: only these have to be sorted.

    A sample says about where the quantile is; where it lies elsewhere, or values are few, all are returned.
    """
    everything = np.ones(len(x), np.bool_), 0.0
    if len(x) < 4 * N_SAMPLE:
        return everything
    sample = np.arange(0, len(x), len(x) // N_SAMPLE)
    sample = sample[np.argsort(x[sample])]
    place = np.searchsorted(np.cumsum(weight[sample]), share * weight[sample].sum())
    first, last = place - BRACKET, place + BRACKET
    low = x[sample[first]] if first >= 0 else -np.inf
    high = x[sample[last]] if last < len(sample) else np.inf
    below, inside = x < low, (x >= low) & (x <= high)
    before = float(weight[below].sum())
    needed, within = share * float(weight.sum()), before + float(weight[inside].sum())
    return (inside, before) if before < needed * (1 - 1e-9) and within > needed * (1 + 1e-9) else everything
