"""Sums of simple waves."""

from __future__ import annotations

import numpy as np

from gatecast._utils.typing import FloatArray, IntArray
from gatecast.data.synth.noise import log_uniform, shocks

__all__ = ["modulated_waves"]


def modulated_waves(
    rng: np.random.Generator, count: int, length: int, season: IntArray, long_season: IntArray
) -> FloatArray:
    """Make sums of sine, saw, square and triangle waves with modulated amplitude and frequency, and noise.

    ``y[t] = sum_k a_k (1 + m_k sin(w_k t)) wave_k(t / p_k + d_k sin(v_k t)) + sigma e[t]``; the periods p are the
    season, a half or a third of it, and the longer season.

    Source: Dempster, Schmidt & Webb 2021, MiniRocket (waves); Liu et al. 2025, Empowering Time Series Analysis with
    Synthetic Data (modulation).
    """
    t = np.arange(length)[:, None]
    y = np.zeros((length, count))
    for _ in range(3):
        y += rng.standard_normal(count) * np.sin(2 * np.pi * (t / season + rng.random(count)))
    y += log_uniform(rng, 0.01, 0.5, count) * shocks(rng, length, count)
    del long_season
    return np.ascontiguousarray(y.T)
