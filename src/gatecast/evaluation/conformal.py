"""Conformal prediction intervals: any level from a few quantiles, moved outward or inward as past errors require.

Shapes: n_rows rows, each a series at an origin; horizon steps; Q quantiles, symmetric about the middle one.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from statistics import NormalDist

import numpy as np

from gatecast._utils.typing import BoolArray, FloatArray, IntArray

__all__ = ["fit_margins", "half_widths", "level_position", "redundancy"]

SIDES_SHARE = 0.5
"""How much the two sides of an interval follow their own errors; the rest follows those of both: tails chose it."""

REDUNDANCY_POWER = 0.5
"""Power of the redundancy that the number of scores is divided by. With 1 intervals held too much, as the largest of
many scores that are alike is still larger than that of a few: tails of single and simulated series chose it."""

N_SAMPLE, BRACKET = 1024, 64
"""Values of a sample, and places on either side of its quantile between which that of all values is looked for: four
standard deviations."""

MIN_BRACKETED = 4 * N_SAMPLE
"""Values from which to look for that place takes less time than to sort all."""

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
    right, share = level_position(tuple(probabilities), level)
    above, below = quantiles[..., middle:], quantiles[..., middle::-1]
    bounds = [side[..., right - 1] + share * (side[..., right] - side[..., right - 1]) for side in (below, above)]
    median = quantiles[..., middle]
    return np.maximum(median - bounds[0], 0), np.maximum(bounds[1] - median, 0)


@cache
def level_position(probabilities: tuple[float, ...], level: float) -> tuple[int, float]:
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
    redundant: FloatArray | None = None,
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
        redundant: How many scores of a step tell as much as one that is independent of the others, [horizon]; None: 1.

    Returns:
        For each level, [horizon, 2]: margins below and above, in units; negative where intervals were too wide. {}
        where no error is known.

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
    if not known.any():
        return {}
    median = quantiles[..., quantiles.shape[-1] // 2]
    reach = _neighbors(known.sum(axis=0))
    # Neighboring steps of a forecast err alike: they show where a quantile lies, but it is not known better for that.
    effective = [_effective_number(weight[rows]) for rows in known.T] / (
        np.ones(horizon) if redundant is None else redundant**REDUNDANCY_POWER
    )
    scores = {}
    for level in sorted(levels):
        below, above = half_widths(quantiles, probabilities, level)
        scores[level] = np.stack([median - below - actual, actual - median - above]) / unit[:, None]
    if len(weight) * (2 * reach + 1) < MIN_BRACKETED:
        return _margins_together(scores, known, weight, reach, effective)
    return {
        level: np.array([_margin(each, known, weight, level, k, reach, effective[k]) for k in range(horizon)])
        for level, each in scores.items()
    }


def _neighbors(counts: IntArray) -> int:
    """Return how many neighbors of a step on each side count, at least one, from the number of scores of each step."""
    typical = max(float(np.median(counts)), 1.0)
    return int(np.clip(np.ceil((MIN_SCORES / typical - 1) / 2), 1, len(counts)))


def _margins_together(
    scores: dict[float, FloatArray], known: BoolArray, weight: FloatArray, reach: int, effective: FloatArray
) -> dict[float, FloatArray]:
    """Return the margins of all levels and steps, [horizon, 2] each, where scores are few.

    They are the same bits as those of `_margin`, a step at a time, most of which is the cost of calls. Unknown scores
    are sorted behind all others and have no weight.
    """
    sides = np.where(known, np.stack(list(scores.values()), axis=1), np.inf)
    weights = np.where(known, weight[:, None], 0.0)
    horizon, level = sides.shape[-1], np.array(list(scores)) / 100
    probability = np.stack([level, *2 * [0.5 + level / 2]])[:, :, None]
    margins = np.zeros((2, *sides.shape[1:2], horizon))
    start = np.maximum(np.arange(horizon) - reach, 0)
    width = np.minimum(np.arange(horizon) + reach + 1, horizon) - start
    for size in np.unique(width).tolist():
        steps = np.flatnonzero(width == size)
        columns = start[steps, None] + np.arange(size)
        # Scores [2, n_levels, n_steps, n_rows * size] and their weights [n_steps, n_rows * size].
        of_steps = sides[..., columns].transpose(0, 1, 3, 2, 4).reshape(*sides.shape[:2], len(steps), -1)
        of_weights = weights[:, columns].transpose(1, 0, 2).reshape(len(steps), -1)
        count = known[:, columns].sum(axis=(0, 2))
        x = np.concatenate([of_steps.max(axis=0)[None], of_steps])
        needed = np.minimum(probability * (1 + 1 / effective[steps]), 1.0) * of_weights.sum(axis=-1) * (1 - 1e-12)
        order = np.argsort(x, axis=-1)
        share = np.cumsum(of_weights[np.arange(len(steps))[:, None], order], axis=-1)
        place = np.minimum((share < needed[..., None]).sum(axis=-1), np.maximum(count - 1, 0))
        chosen = np.take_along_axis(order, place[..., None], axis=-1)
        both, below, above = np.where(count > 0, np.take_along_axis(x, chosen, axis=-1)[..., 0], 0.0)
        for side, margin in zip((below, above), margins, strict=True):
            margin[:, steps] = SIDES_SHARE * side + (1 - SIDES_SHARE) * both
    return {name: margins[:, k].T.copy() for k, name in enumerate(scores)}


def _margin(
    scores: FloatArray, known: BoolArray, weight: FloatArray, level: float, step: int, reach: int, effective: float
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
    both = _weighted_quantile(np.maximum(below, above), weights, level / 100, effective)
    sides = [_weighted_quantile(side, weights, 0.5 + level / 200, effective) for side in (below, above)]
    return tuple(SIDES_SHARE * side + (1 - SIDES_SHARE) * both for side in sides)  # type: ignore[return-value]


def _weighted_quantile(x: FloatArray, weight: FloatArray, probability: float, n: float) -> float:
    """Return the least value at or below which this share of the weight lies, with one more of n observations."""
    total = weight.sum()
    needed = min(probability * (1 + 1 / n), 1.0) * total * (1 - 1e-12)
    candidates, weights, before = x, weight, 0.0
    if len(x) >= MIN_BRACKETED:
        inside, before = _bracket(x, weight, needed / total)
        candidates, weights = x[inside], weight[inside]
    order = np.argsort(candidates)
    share = before + np.cumsum(weights[order])
    return float(candidates[order][min(np.searchsorted(share, needed), len(order) - 1)])


def _bracket(x: FloatArray, weight: FloatArray, share: float) -> tuple[BoolArray, float]:
    """Return which values lie around a weighted quantile, and the weight below: only these have to be sorted.

    A sample says about where the quantile is; where it lies elsewhere, all are returned.
    """
    everything = np.ones(len(x), np.bool_), 0.0
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


def _effective_number(weight: FloatArray) -> float:
    """Return how many equal weights tell as much."""
    return float(weight.sum() ** 2 / (weight**2).sum()) if len(weight) else 1.0


def redundancy(error: FloatArray, series: IntArray, length: IntArray) -> FloatArray:
    """Return how many past errors of a step tell as much as one that is independent of the others, [horizon].

    ``1 + 2 sum r[j]``, r the autocorrelation of the errors of a step from one origin of a series to the next, up to the
    first that is negative. Forecasts from overlapping horizons err alike, those of a random walk most of all.

    Args:
        error: [n_rows, horizon], in units of a series; NaN where unknown.
        series: The series of each row, [n_rows].
        length: Values before the origin, [n_rows].

    Example:
        >>> steps = np.random.default_rng(0).normal(size=400)
        >>> apart, overlapping = steps[:300], np.convolve(steps, np.ones(10))[9:309]
        >>> error = np.stack([apart, overlapping], axis=1)
        >>> redundancy(error, np.zeros(300, int), np.arange(300)).round().tolist()
        [1.0, 9.0]
    """
    order = np.lexsort((length, series))
    error, series = np.nan_to_num(error[order]), series[order]
    total = (error * error).sum(axis=0)
    out, going = np.ones(error.shape[1]), total > 0
    for lag in range(1, len(error)):
        same = series[lag:] == series[:-lag]
        if not same.any() or not going.any():
            break
        r = (error[lag:] * error[:-lag])[same].sum(axis=0) / np.where(total > 0, total, 1.0)
        going &= r > 0
        out += np.where(going, 2 * r, 0.0)
    return out
