"""Sporadic demand: most steps have none, and what is asked for in the others is small, lumpy or comes in lots."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gatecast._utils.typing import BoolArray, FloatArray, IntArray
from gatecast.data.synth.noise import chance, log_uniform
from gatecast.data.synth.shapes import random_profiles, tile

__all__ = ["demand_sizes", "demand_steps", "sporadic_demand"]

LOTS = (2, 5, 6, 10, 12)
"""Pieces of a lot."""


def sporadic_demand(rng: np.random.Generator, count: int, length: int, season: IntArray) -> FloatArray:
    """Make sporadic demand: sizes at the steps with a demand, 0 at all others.

    ``y[t] = d[t] s[t]``, d 1 with a probability around logU(0.03, 0.6), s a size of at least 1, but for amounts. They
    are independent of each other, as the method of Croston has it; Syntetos and Boylan's categories by the mean
    interval of demands (1.32) and the squared coefficient of variation of sizes (0.49) all occur.

    Source: Croston 1972, Forecasting and stock control for intermittent demands; Syntetos, Boylan & Croston 2005, On
    the categorization of demand patterns; Teunter, Syntetos & Babai 2011 (obsolescence).
    """
    steps = demand_steps(rng, length, season)
    return np.ascontiguousarray((steps * demand_sizes(rng, length, count)).T)


def demand_steps(rng: np.random.Generator, length: int, season: IntArray) -> BoolArray:
    """Draw the steps with a demand, (length, count).

    The logit of the probability is constant for two fifths of the series; for the others it is a slow walk, has a
    season, or falls from a random step on. A seventh has intervals that are more regular than chance makes them.

    >>> steps = demand_steps(np.random.default_rng(0), 400, np.full(500, 12))
    >>> bool(0.1 < steps.mean() < 0.25)
    True
    """
    count = len(season)
    probability = log_uniform(rng, 0.03, 0.6, count)
    logit = np.tile(np.log(probability / (1 - probability)), (length, 1))
    kind = rng.choice(4, count, p=[0.4, 0.25, 0.2, 0.15])
    walk, seasonal, falling = (np.flatnonzero(kind == k) for k in (1, 2, 3))
    logit[:, walk] += np.cumsum(rng.standard_normal((length, len(walk))), axis=0) * log_uniform(
        rng, 0.02, 0.2, len(walk)
    )
    if len(seasonal):
        profile = tile(random_profiles(rng, season[seasonal]), season[seasonal], length)
        logit[:, seasonal] += rng.uniform(0.3, 2.0, len(seasonal)) * profile
    since = np.maximum(np.arange(length)[:, None] - rng.integers(0, length, len(falling)), 0)
    logit[:, falling] -= since * log_uniform(rng, 0.01, 0.2, len(falling))
    steps = rng.random((length, count)) < 1 / (1 + np.exp(-logit))
    regular = np.flatnonzero(chance(rng, 1 / 7, count))
    steps[:, regular] = _regular_steps(rng, length, probability[regular])
    return np.asarray(steps)


def _regular_steps(rng: np.random.Generator, length: int, probability: FloatArray) -> BoolArray:
    """Return steps at gamma intervals of shape U(2, 20), rounded, (length, count)."""
    count = len(probability)
    shape = rng.uniform(2, 20, count)
    intervals = np.rint(rng.standard_gamma(shape, (length, count)) / (shape * probability))
    at = np.cumsum(np.maximum(intervals, 1), axis=0) - 1 - np.floor(rng.random(count) / probability)
    at = np.where((at >= 0) & (at < length), at, length).astype(np.int64)
    steps = np.zeros((length + 1, count), bool)
    np.put_along_axis(steps, at, True, axis=0)
    return steps[:length]


def demand_sizes(rng: np.random.Generator, length: int, count: int) -> FloatArray:
    """Draw the size of the demand at every step, (length, count).

    >>> sizes = demand_sizes(np.random.default_rng(0), 200, 500)
    >>> bool((sizes > 0).all()), bool((sizes == 1).all(axis=0).mean() > 0.15)
    (True, True)
    """
    kind = rng.choice(len(_SIZES), count, p=_SIZE_SHARES)
    sizes = np.empty((length, count))
    for k, make in enumerate(_SIZES):
        columns = np.flatnonzero(kind == k)
        sizes[:, columns] = make(rng, (length, len(columns)))
    return sizes


Shape2 = tuple[int, int]


def _single(rng: np.random.Generator, shape: Shape2) -> FloatArray:
    """Return single pieces."""
    del rng
    return np.ones(shape)


def _geometric(rng: np.random.Generator, shape: Shape2) -> FloatArray:
    """Return geometric sizes of mean logU(1.1, 8)."""
    return np.asarray(rng.geometric(1 / log_uniform(rng, 1.1, 8, shape[1]), shape), np.float64)


def _negative_binomial(rng: np.random.Generator, shape: Shape2) -> FloatArray:
    """Return 1 + negative binomial sizes of mean logU(0.5, 20) and shape logU(0.3, 10)."""
    n = log_uniform(rng, 0.3, 10, shape[1])
    sizes = rng.poisson(rng.standard_gamma(n, shape) / n * log_uniform(rng, 0.5, 20, shape[1]))
    return np.asarray(1 + sizes, np.float64)


def _lumpy(rng: np.random.Generator, shape: Shape2) -> FloatArray:
    """Return log-normal sizes of median logU(1, 50) and spread U(0.5, 1.4), rounded up."""
    return np.ceil(_amounts(rng, shape))


def _lots(rng: np.random.Generator, shape: Shape2) -> FloatArray:
    """Return lots of a few pieces each, their number geometric of mean logU(1.05, 4)."""
    lots = rng.geometric(1 / log_uniform(rng, 1.05, 4, shape[1]), shape)
    return np.asarray(lots * rng.choice(LOTS, shape[1]), np.float64)


def _amounts(rng: np.random.Generator, shape: Shape2) -> FloatArray:
    """Return log-normal amounts of median logU(1, 50) and spread U(0.5, 1.4)."""
    spread = rng.uniform(0.5, 1.4, shape[1])
    return log_uniform(rng, 1, 50, shape[1]) * np.exp(spread * rng.standard_normal(shape))


_SIZES: tuple[Callable[[np.random.Generator, Shape2], FloatArray], ...] = (
    _single,
    _geometric,
    _negative_binomial,
    _lumpy,
    _lots,
    _amounts,
)
_SIZE_SHARES = (0.22, 0.28, 0.25, 0.1, 0.1, 0.05)
