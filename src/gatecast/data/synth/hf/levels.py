"""Scales and levels of series of high frequency. Arrays over time are (length, count): time first."""

from __future__ import annotations

import numpy as np

from gatecast._utils.typing import FloatArray, IntArray
from gatecast.data.synth.noise import autoregress, chance, log_uniform

__all__ = ["any_scale", "daily_levels", "positive_scale", "red_noise", "standardise"]

P_LINE = 0.2
"""Probability of a level that is a line."""


def any_scale(rng: np.random.Generator, x: FloatArray) -> FloatArray:
    """Shift and scale processes at random: (length, count) in, (count, length) out.

    ``y = c (x + N(0, 3))`` with c logU(0.01, 1e4); an offset of a half of the series keeps them above 0, as sensors
    often are.

    >>> any_scale(np.random.default_rng(0), np.zeros((4, 2))).shape
    (2, 4)
    """
    count = x.shape[1]
    offset = np.where(chance(rng, 0.5, count), 3 * rng.standard_normal(count), rng.uniform(0, 5, count) - x.min(axis=0))
    return np.ascontiguousarray((log_uniform(rng, 0.01, 1e4, count) * (x + offset)).T)


def positive_scale(rng: np.random.Generator, x: FloatArray) -> FloatArray:
    """Scale series that are not negative by logU(0.1, 1e5): (length, count) in, (count, length) out.

    >>> bool((positive_scale(np.random.default_rng(0), np.ones((4, 2))) > 0).all())
    True
    """
    return np.ascontiguousarray((log_uniform(rng, 0.1, 1e5, x.shape[1]) * x).T)


def standardise(x: FloatArray) -> FloatArray:
    """Give each column the mean 0 and unit standard deviation; constant columns become 0.

    >>> standardise(np.array([[1.0, 5.0], [3.0, 5.0]])).tolist()
    [[-1.0, 0.0], [1.0, 0.0]]
    """
    x = x - x.mean(axis=0)
    size = x.std(axis=0)
    return np.asarray(x / np.where(size > 1e-9, size, np.inf))


def red_noise(rng: np.random.Generator, length: int, phi: FloatArray) -> FloatArray:
    """Draw autoregressions of unit standard deviation: (length, count).

    >>> x = red_noise(np.random.default_rng(0), 5000, np.array([0.9]))
    >>> bool(abs(x.std() - 1) < 0.1)
    True
    """
    x = rng.standard_normal((length, len(phi)))
    x[1:] *= np.sqrt(1 - phi**2)
    return autoregress(x, phi)


def daily_levels(rng: np.random.Generator, length: int, season: IntArray) -> FloatArray:
    """Draw logarithms of levels that change from cycle to cycle: autoregressions, random walks, slow waves, lines.

    A fifth are lines, half of them level: of series that keep to their days, the mean of all of them is the best
    forecast. Values between the starts of two cycles are interpolated for half of the series; (length, count).

    >>> daily_levels(np.random.default_rng(0), 10, np.array([5, 2])).shape
    (10, 2)
    """
    count = len(season)
    cycles = (length - 1) // int(season.min()) + 2
    stationary = red_noise(rng, cycles, rng.uniform(0.3, 0.98, count)) * log_uniform(rng, 0.02, 0.4, count)
    walk = np.cumsum(rng.standard_normal((cycles, count)), axis=0) * log_uniform(rng, 0.005, 0.1, count)
    phase = np.arange(cycles)[:, None] / rng.uniform(10, 400, count) + rng.random(count)
    wave = log_uniform(rng, 0.05, 0.8, count) * np.sin(2 * np.pi * phase)
    line = (np.arange(cycles)[:, None] / cycles - 0.5) * 0.5 * rng.standard_normal(count) * chance(rng, 0.5, count)
    kind = np.where(chance(rng, P_LINE, count), 3, rng.integers(0, 3, count))
    levels = np.choose(kind, [stationary, walk, wave + 0.3 * stationary, line])
    time = np.arange(length)[:, None] / season
    day = time.astype(np.int64)
    before, after = (np.take_along_axis(levels, day + k, axis=0) for k in (0, 1))
    smooth = chance(rng, 0.5, count)
    return np.asarray(np.clip(before + smooth * (time - day) * (after - before), -4, 4))
