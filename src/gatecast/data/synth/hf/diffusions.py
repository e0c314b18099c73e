"""Ornstein-Uhlenbeck processes around a season, with jumps."""

from __future__ import annotations

import numpy as np

from gatecast._utils.typing import FloatArray, IntArray
from gatecast.data.synth.hf.levels import any_scale, red_noise
from gatecast.data.synth.hf.profiles import seasonal_signal
from gatecast.data.synth.noise import autoregress, chance, log_uniform
from gatecast.data.synth.shapes import random_profiles, tile

__all__ = ["seasonal_diffusions"]


def seasonal_diffusions(
    rng: np.random.Generator, count: int, length: int, season: IntArray, long_season: IntArray
) -> FloatArray:
    """Make Ornstein-Uhlenbeck processes with seasonal mean and volatility, and jumps that decay.

    ``x[t] = mu[t] + d[t]``, ``d[t] = (1 - theta) d[t-1] + sigma exp(v[phase]) e[t] + jumps``, theta logU(0.003, 0.8),
    jumps for half of the series with probability logU(0.0005, 0.02), exponential in size; prices of power do so.

    Source: Lucia & Schwartz 2002, Electricity prices and power derivatives; Cartea & Figueroa 2005 (jumps).
    """
    signal = seasonal_signal(rng, length, season, long_season) * rng.uniform(0.2, 2, count)
    slow = red_noise(rng, length, 1 - 1 / (season * log_uniform(rng, 2, 50, count) + 1))
    volatility = np.exp(rng.uniform(0, 0.7, count) * tile(random_profiles(rng, season), season, length))
    theta = log_uniform(rng, 0.003, 0.8, count)
    noise = volatility * rng.standard_normal((length, count)) * np.sqrt(1 - (1 - theta) ** 2)
    rare = chance(rng, log_uniform(rng, 5e-4, 0.02, count) * chance(rng, 0.5, count), (length, count))
    sign = np.where(chance(rng, 0.8, (length, count)), 1, -1)
    noise += rare * sign * rng.standard_exponential((length, count)) * rng.uniform(2, 6, count)
    d = autoregress(noise, 1 - theta)
    return any_scale(rng, signal + rng.uniform(0, 1, count) * slow + log_uniform(rng, 0.05, 1.5, count) * d)
