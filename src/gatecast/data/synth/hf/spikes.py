"""Spikes over a quiet base."""

from __future__ import annotations

import numpy as np

from gatecast._utils.typing import FloatArray, IntArray
from gatecast.data.synth.hf.levels import positive_scale, red_noise
from gatecast.data.synth.noise import autoregress, chance, log_uniform

__all__ = ["spike_trains"]


def spike_trains(
    rng: np.random.Generator, count: int, length: int, season: IntArray, long_season: IntArray
) -> FloatArray:
    """Make spikes at fixed phases, at random times or in clusters, which last or decay, over a quiet base.

    ``y[t] = base (1 + sigma r[t]) + sum_k h_k d^(t - t_k)``; a third each periodic (with probability U(0.5, 1) at one
    to three phases), Poisson, and Poisson in bursts; heights log-normal.

    Source: Cox & Isham 1980, Point Processes; shot noise: Campbell 1909.
    """
    del long_season
    t = np.arange(length)[:, None]
    periodic = np.zeros((length, count), bool)
    for k in range(3):
        at = (t % season) == rng.integers(0, season)
        periodic |= at & chance(rng, 1.0 if k == 0 else 0.3, count)
    periodic &= chance(rng, rng.uniform(0.5, 1, count), (length, count))
    rate = log_uniform(rng, 0.2, 3, count) / season
    random = chance(rng, rate, (length, count))
    gate = red_noise(rng, length, 1 - 0.3 / season) > 0.5
    clustered = chance(rng, np.minimum(5 * rate, 0.6), (length, count)) & gate
    times = np.choose(rng.integers(0, 3, count), [periodic, random, clustered])
    heights = times * np.exp(rng.uniform(0.05, 0.7, count) * rng.standard_normal((length, count)))
    decay = rng.uniform(0, 0.9, count) * chance(rng, 0.6, count)
    base = 1 + log_uniform(rng, 0.01, 0.3, count) * red_noise(rng, length, rng.uniform(0, 0.95, count))
    return positive_scale(rng, np.maximum(base, 0) + log_uniform(rng, 2, 50, count) * autoregress(heights, decay))
