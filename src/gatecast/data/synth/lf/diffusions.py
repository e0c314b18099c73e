"""Mean-reverting diffusions that switch between regimes."""

from __future__ import annotations

import numpy as np

from gatecast._utils.typing import FloatArray, IntArray
from gatecast.data.synth.lf.levels import grow, season_sizes, sigmas
from gatecast.data.synth.noise import chance, log_uniform
from gatecast.data.synth.shapes import random_profiles, tile

__all__ = ["regimes", "switching_diffusions"]


def switching_diffusions(rng: np.random.Generator, count: int, length: int, season: IntArray) -> FloatArray:
    """Make Ornstein-Uhlenbeck processes of two regimes around a trend, and a season.

    ``x[t+1] = x[t] + theta_r (mu[t] - x[t]) + sigma_r sqrt(max(x[t], 0)) e[t]`` for half, without the root for the
    others; the regime r changes with probability logU(0.001, 0.15): slow and wide, or fast and narrow.

    Source: Uhlenbeck & Ornstein 1930; Cox, Ingersoll & Ross 1985 (square root); Moroshan et al. 2025, TempoPFN
    (regime switching).
    """
    regime = regimes(rng, length, log_uniform(rng, 0.001, 0.15, count))
    theta = np.where(regime, log_uniform(rng, 0.1, 0.6, count), log_uniform(rng, 0.005, 0.1, count))
    wide = sigmas(rng, season)
    sigma = np.where(regime, wide * rng.uniform(0.2, 0.8, count), wide)
    t = np.arange(length)[:, None] / max(length, 2)
    mean = 1 + t * rng.normal(0.1, 0.4, count)
    seasonal = np.minimum(wide * season_sizes(rng, season), 0.6) * tile(random_profiles(rng, season), season, length)
    root = chance(rng, 0.5, count)
    noise = sigma * rng.standard_normal((length, count))
    x = mean[0].copy() + noise[0]
    for t_, shock in enumerate(noise):
        x += theta[t_] * (mean[t_] - x) + np.where(root, np.sqrt(np.maximum(x, 0)), 1) * shock
        noise[t_] = x
    return grow(rng, noise - 1 + seasonal, season)


def regimes(rng: np.random.Generator, length: int, switching: FloatArray) -> FloatArray:
    """Draw which of two regimes holds at every step: (length, count) of booleans as 0 and 1.

    >>> regimes(np.random.default_rng(0), 4, np.array([1.0])).ravel().tolist() in ([0, 1, 0, 1], [1, 0, 1, 0])
    True
    """
    switches = chance(rng, switching, (length, len(switching)))
    switches[0] = chance(rng, 0.5, len(switching))
    return np.asarray(np.cumsum(switches, axis=0) % 2, dtype=np.float64)
