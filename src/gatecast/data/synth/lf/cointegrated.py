"""Copies that follow another series at a distance."""

from __future__ import annotations

import numpy as np

from gatecast._utils.typing import FloatArray, IntArray
from gatecast.data.synth.lf.base import base_series
from gatecast.data.synth.noise import autoregress, log_uniform

__all__ = ["lagged_copies"]

MAX_LAG = 12


def lagged_copies(rng: np.random.Generator, count: int, length: int, season: IntArray) -> FloatArray:
    """Make the sum of a series and lagged, scaled copies of it, with a stationary distance.

    ``ln y[t] = a ln x[t-j] + b ln x[t-k] + u[t]``, ``u[t] = phi u[t-1] + e[t]``, lags j and k up to 12, a + b = 1.

    Source: Engle & Granger 1987, Co-integration and error correction.
    """
    x = np.log(base_series(rng, count, length + MAX_LAG, season))
    steps = np.arange(length) + MAX_LAG
    lags = rng.integers(0, MAX_LAG + 1, (2, count, 1))
    one, two = (np.take_along_axis(x, steps - lag, axis=1) for lag in lags)
    weight = rng.uniform(0.2, 1, (count, 1))
    change = np.abs(np.diff(x, axis=1)).mean(axis=1)
    noise = autoregress(rng.standard_normal((length, count)), rng.uniform(0, 0.95, count))
    return np.asarray(np.exp(weight * one + (1 - weight) * two + (noise * change * log_uniform(rng, 0.1, 1, count)).T))
