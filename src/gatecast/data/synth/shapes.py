"""Seasons, slopes and levels that the families share. Arrays over time are (length, count): time first."""

from __future__ import annotations

import numpy as np

from gatecast._utils.typing import BoolArray, FloatArray, IntArray
from gatecast.data.synth.noise import chance, hold, log_uniform

__all__ = ["breaking_slopes", "centred", "random_profiles", "tile", "to_positive"]

MAX_LOG_RANGE = 18.0
"""Widest range of a logarithm: long yearly series grow that much."""


def breaking_slopes(rng: np.random.Generator, length: int, hazard: FloatArray) -> tuple[BoolArray, FloatArray]:
    """Draw the steps at which a slope is drawn anew, and slopes in units of the shocks: both (length, count).

    A break has the probability `hazard` a step. A slope is |N| U(0.1, 1.2), upward with probability 0.65: a slope
    says little about the next one, as in real yearly series, whose trends do not persist. Falls last less than rises,
    and steep slopes less than others: in 70 % of the series a falling slope has a further hazard of logU(0.05, 0.6),
    and one beyond 0.8 has `0.15 (|slope| - 0.8)` in all.

    >>> breaks, slopes = breaking_slopes(np.random.default_rng(0), 400, np.full(200, 0.1))
    >>> held = hold(breaks, slopes)
    >>> bool(abs((slopes > 0).mean() - 0.65) < 0.01), bool((held > 0).mean() > 0.7)
    (True, True)
    """
    shape = (length, len(hazard))
    breaks = chance(rng, hazard, shape)
    breaks[0] = True
    up = np.where(chance(rng, 0.65, shape), 1.0, -1.0)
    slopes = up * np.abs(rng.standard_normal(shape)) * rng.uniform(0.1, 1.2, len(hazard))
    held = hold(breaks, slopes)
    falling = log_uniform(rng, 0.05, 0.6, len(hazard)) * chance(rng, 0.7, len(hazard))
    breaks |= chance(rng, falling * (held < 0) + 0.15 * np.clip(np.abs(held) - 0.8, 0, 2), shape)
    return breaks, slopes


def random_profiles(rng: np.random.Generator, season: IntArray) -> FloatArray:
    """Draw seasonal profiles of mean 0 and unit standard deviation: (longest season, count); 0 where there is none.

    Half are Fourier series with amplitudes that fall as 1 / j^U(0.5, 2); half are random numbers, smoothed at random.

    >>> shape = random_profiles(np.random.default_rng(0), np.array([4, 1]))
    >>> shape.shape, abs(shape[:, 1]).tolist(), round(float(shape[:, 0].std()), 6)
    ((4, 2), [0.0, 0.0, 0.0, 0.0], 1.0)
    """
    longest, count = int(season.max()), len(season)
    profile = np.empty((longest, count))
    rough = chance(rng, 0.5, count)
    profile[:, rough] = _rough_profiles(rng, longest, season[rough])
    profile[:, ~rough] = _fourier_profiles(rng, longest, season[~rough])
    return centred(profile, season)


def centred(profile: FloatArray, season: IntArray) -> FloatArray:
    """Give profiles the mean 0 and unit size inside their season, and 0 behind it: (longest season, count).

    >>> centred(np.array([[1.0], [3.0], [9.0]]), np.array([2])).ravel().tolist()
    [-1.0, 1.0, 0.0]
    """
    inside = np.arange(len(profile))[:, None] < season
    profile = (profile - np.where(inside, profile, 0).sum(axis=0) / season) * inside
    size = np.sqrt((profile**2).sum(axis=0) / season)
    return np.asarray(profile / np.where((season > 1) & (size > 1e-9), size, np.inf))


def _fourier_profiles(rng: np.random.Generator, longest: int, season: IntArray) -> FloatArray:
    """Up to eight harmonics, of amplitudes that fall."""
    count = len(season)
    phase = np.arange(longest)[:, None] / season
    profile = np.zeros((longest, count))
    decay = rng.uniform(0.5, 2.0, count)
    for j in range(1, min(8, longest // 2) + 1):
        amplitude = rng.standard_normal(count) / j**decay * (2 * j <= season)
        profile += amplitude * np.cos(2 * np.pi * (j * phase + rng.random(count)))
    return profile


def _rough_profiles(rng: np.random.Generator, longest: int, season: IntArray) -> FloatArray:
    """Independent numbers for each step of the season, averaged with their neighbours in half of the series."""
    profile = rng.standard_normal((longest, len(season)))
    index = (np.arange(longest)[:, None] + 1) % season
    weight = rng.uniform(0, 0.5, len(season)) * chance(rng, 0.5, len(season))
    return (1 - weight) * profile + weight * np.take_along_axis(profile, index, axis=0)


def tile(profile: FloatArray, season: IntArray, length: int) -> FloatArray:
    """Repeat profiles along time: from (longest season, count) to (length, count).

    >>> tile(np.array([[1.0], [2.0]]), np.array([2]), 3).ravel().tolist()
    [1.0, 2.0, 1.0]
    """
    return np.take_along_axis(profile, np.arange(length)[:, None] % season, axis=0)


def to_positive(rng: np.random.Generator, z: FloatArray) -> FloatArray:
    """Turn deviations z relative to a level into positive series: (length, count) in, (count, length) out.

    `level (1 + z)` for half of the series that stay above 0.2 that way, else `level exp(z)`; z is scaled down where a
    series would grow more than exp(18)-fold. The level is logU(10, 1e5).

    >>> y = to_positive(np.random.default_rng(0), np.array([[0.0, 900.0], [0.1, 0.0]]))
    >>> bool((y > 0).all()), y.shape
    (True, (2, 2))
    """
    z = z * np.minimum(1, MAX_LOG_RANGE / np.maximum(np.ptp(z, axis=0), 1e-9))
    count = z.shape[1]
    linear = chance(rng, 0.5, count) & (z.min(axis=0) > -0.8)
    level = log_uniform(rng, 10, 1e5, count)
    return np.ascontiguousarray((level * np.where(linear, 1 + z, np.exp(z))).T)
