"""Counts: whole numbers around a rate that changes, often with many zeros."""

from __future__ import annotations

import numpy as np

from gatecast._utils.typing import FloatArray, IntArray
from gatecast.data.synth.lf.base import base_series
from gatecast.data.synth.lf.diffusions import regimes
from gatecast.data.synth.noise import chance, log_uniform

__all__ = ["intermittent_counts", "negative_binomial_counts", "rates"]


def negative_binomial_counts(rng: np.random.Generator, count: int, length: int, season: IntArray) -> FloatArray:
    """Make Poisson and negative binomial counts, and counts in tens and hundreds.

    ``y[t] ~ Poisson(g[t] exp(x[t] U(0.2, 1.2) + U(-2, 4)))``, x a continuous series, standardised; g is 1 for half of
    the series, else gamma of mean 1 and shape logU(0.5, 20). A fifth is multiplied by 10 or 100.

    Source: Cameron & Trivedi 1998, Regression Analysis of Count Data; Salinas et al. 2020, DeepAR.
    """
    rate = rates(rng, count, length, season)
    shape = log_uniform(rng, 0.5, 20, count)
    mixed = np.flatnonzero(chance(rng, 0.5, count))
    rate[mixed] *= rng.standard_gamma(shape[mixed], (length, len(mixed))).T / shape[mixed, None]
    unit = rng.choice([1, 10, 100], count, p=[0.8, 0.1, 0.1])
    return np.asarray(rng.poisson(rate) * unit[:, None], dtype=np.float64)


def intermittent_counts(rng: np.random.Generator, count: int, length: int, season: IntArray) -> FloatArray:
    """Make intermittent demand: counts of at least 1 while a two-state chain is on, else 0.

    ``y[t] = r[t] (1 + Poisson(rate[t] / 4))``; r switches on with probability U(0.03, 0.6) and off with U(0.2, 0.97).

    Source: Croston 1972, Forecasting and stock control for intermittent demands; chain: Willemain, Smart & Schwarz
    2004.
    """
    rate = rates(rng, count, length, season) / 4
    on, off = rng.uniform(0.03, 0.6, count), rng.uniform(0.2, 0.97, count)
    state = chance(rng, on / (on + off), count)
    numbers = rng.random((length, count))
    active = np.empty((length, count))
    for t in range(length):
        state = np.where(state, numbers[t] >= off, numbers[t] < on)
        active[t] = state
    return np.asarray(active.T * (1 + rng.poisson(rate)), dtype=np.float64)


def rates(rng: np.random.Generator, count: int, length: int, season: IntArray) -> FloatArray:
    """Draw positive rates around exp(-2) to exp(4): (count, length).

    >>> bool((rates(np.random.default_rng(0), 3, 10, np.full(3, 4)) > 0).all())
    True
    """
    x = np.log(base_series(rng, count, length, season))
    x -= x.mean(axis=1, keepdims=True)
    x /= np.maximum(x.std(axis=1, keepdims=True), 1e-9)
    # A quarter varies in two regimes only, as products that come and go.
    coming = np.flatnonzero(chance(rng, 0.25, count))
    x[coming] = 2 * regimes(rng, length, log_uniform(rng, 0.005, 0.1, len(coming))).T - 1
    return np.asarray(np.exp(np.clip(x * rng.uniform(0.2, 1.2, (count, 1)), -5, 5) + rng.uniform(-2, 4, (count, 1))))
