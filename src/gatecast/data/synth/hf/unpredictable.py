"""Series that nobody can forecast: the right answer is flat and wide."""

from __future__ import annotations

import numpy as np

from gatecast._utils.typing import FloatArray, IntArray
from gatecast.data.synth.noise import log_uniform, shocks
from gatecast.data.synth.shapes import to_positive

__all__ = ["random_walks"]


def random_walks(
    rng: np.random.Generator, count: int, length: int, season: IntArray, long_season: IntArray
) -> FloatArray:
    """Make random walks, without a season: ``y[t] = y[t-1] + e[t]``, relative to a level or in the logarithm.

    Source: Pearson 1905, The problem of the random walk.
    """
    del season, long_season
    walk = np.cumsum(shocks(rng, length, count, correlated=0.0), axis=0)
    return to_positive(rng, walk * log_uniform(rng, 0.001, 0.03, count))
