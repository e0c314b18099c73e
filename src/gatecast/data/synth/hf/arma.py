"""Autoregressions with two seasonal lags."""

from __future__ import annotations

import numpy as np

from gatecast._utils.typing import FloatArray, IntArray
from gatecast.data.synth.hf.levels import any_scale, standardise
from gatecast.data.synth.lf.arma import polynomials, seasonal_sum
from gatecast.data.synth.noise import autoregress, chance, shocks
from gatecast.data.synth.shapes import random_profiles, tile

__all__ = ["double_seasonal_arma"]


def double_seasonal_arma(
    rng: np.random.Generator, count: int, length: int, season: IntArray, long_season: IntArray
) -> FloatArray:
    """Make autoregressions with lags 1, the season and the longer season, next to a season that stays.

    ``(1 - a B) (1 - P B^m) (1 - R B^m2) y[t] = theta(B) e[t]``, a U(0, 0.99), P U(0, 0.95) and R U(0, 0.95), each for
    most of the series; it starts with a profile in the place of a first season.

    Source: Taylor 2003, Short-term electricity demand forecasting using double seasonal exponential smoothing (double
    seasonal ARMA).
    """
    e, theta = shocks(rng, length, count, correlated=0.0), polynomials(rng, count)
    e[3:] = e[3:] + theta[0] * e[2:-1] + theta[1] * e[1:-2] + theta[2] * e[:-3]
    x = autoregress(e, rng.uniform(0, 0.99, count) * chance(rng, 0.8, count))
    x = standardise(x)
    first = np.arange(length)[:, None] < season
    x += first * rng.uniform(0, 4, count) * tile(random_profiles(rng, season), season, length)
    weights = rng.uniform(0, 0.95, (2, count)) * chance(rng, 0.75, (2, count)) * [season > 1, long_season > 0]
    for weight, lag in zip(weights, (season, long_season), strict=True):
        columns = np.flatnonzero(weight)
        x = seasonal_sum(x, columns, weight[columns], lag)
    steady = rng.uniform(0, 2, count) * chance(rng, 0.7, count)
    return any_scale(rng, standardise(x) + steady * tile(random_profiles(rng, season), season, length))
