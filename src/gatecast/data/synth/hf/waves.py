"""Sums of simple waves."""

from __future__ import annotations

import numpy as np

from gatecast._utils.typing import FloatArray, IntArray
from gatecast.data.synth.hf.levels import any_scale
from gatecast.data.synth.noise import chance, log_uniform, shocks

__all__ = ["modulated_waves", "wave"]

WAVES = 4


def modulated_waves(
    rng: np.random.Generator, count: int, length: int, season: IntArray, long_season: IntArray
) -> FloatArray:
    """Make sums of sine, saw, square and triangle waves with modulated amplitude and frequency, and noise.

    ``y[t] = sum_k a_k (1 + m_k sin(w_k t)) wave_k(t / p_k + d_k sin(v_k t)) + sigma e[t]``; the periods p are the
    season, a half or a third of it, the longer season, and for a fifth another number from 4 on; m and d up to 10 %.

    Source: Oppenheim & Schafer 1989, Discrete-Time Signal Processing (waves); Carson 1922 (modulation).
    """
    t = np.arange(length)[:, None]
    y = np.zeros((length, count))
    for k in range(WAVES):
        period = np.where(chance(rng, 0.6, count), season, season / rng.integers(2, 4, count))
        if k:
            period = np.where((long_season > 0) & chance(rng, 0.3, count), long_season, period)
            period = np.where(chance(rng, 0.2, count), log_uniform(rng, 4, 200, count), period)
        slow = 2 * np.pi * (t / (period * rng.uniform(3, 30, count)) + rng.random(count))
        swing = np.sin(slow)
        phase = t / np.maximum(period, 2) + rng.random(count) + rng.uniform(0, 0.1, count) * swing
        size = rng.standard_gamma(1.0, count) * chance(rng, 1.0 if k == 0 else 0.5, count)
        y += size * (1 + rng.uniform(0, 0.1, count) * swing) * wave(phase, rng.integers(0, 4, count))
    return any_scale(rng, y + log_uniform(rng, 0.01, 0.5, count) * shocks(rng, length, count))


def wave(phase: FloatArray, kind: IntArray) -> FloatArray:
    """Evaluate sine (0), saw (1), square (2) or triangle waves (3) of period 1 between -1 and 1.

    >>> wave(np.array([[0.25] * 4]), np.arange(4)).tolist()
    [[1.0, -0.5, 1.0, 0.0]]
    """
    part = phase - np.floor(phase)
    return np.asarray(
        np.choose(
            kind, [np.sin(2 * np.pi * part), 2 * part - 1, np.where(part < 0.5, 1.0, -1.0), 4 * np.abs(part - 0.5) - 1]
        )
    )
