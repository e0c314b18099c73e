"""Profiles of days: a level for each day, a shape for each kind of day, noise."""

from __future__ import annotations

import numpy as np

from gatecast._utils.typing import BoolArray, FloatArray, IntArray
from gatecast.data.synth.hf.levels import daily_levels, positive_scale, red_noise
from gatecast.data.synth.noise import chance, log_uniform
from gatecast.data.synth.shapes import centred, random_profiles

__all__ = [
    "bumps",
    "clouded_half_sines",
    "daily_profiles",
    "kinds_of_day",
    "plateaus",
    "seasonal_signal",
    "working_hours",
]

KINDS = 3


def daily_profiles(
    rng: np.random.Generator, count: int, length: int, season: IntArray, long_season: IntArray
) -> FloatArray:
    """Make series of a level for each day, a shape for each kind of day, and noise.

    ``y[t] = exp(level[day] + a s_kind[phase] + sigma r[t])``: one to three kinds of day in a weekly pattern, shapes
    from Fourier series or Gaussian bumps, which drift slowly in half; r autoregressive; noise does not grow with the
    level in half.

    Source: Gould et al. 2008, Forecasting time series with multiple seasonal patterns; Taylor 2003 (two seasons).
    """
    signal = rng.uniform(0.1, 1.2, count) * seasonal_signal(rng, length, season, long_season)
    level = daily_levels(rng, length, season)
    noise = log_uniform(rng, 0.005, 0.4, count) * red_noise(rng, length, _persistence(rng, count))
    grows = chance(rng, 0.5, count)
    y = np.exp(np.clip(level + signal + grows * noise, -8, 8))
    y += ~grows * noise * np.exp(level)
    return positive_scale(rng, np.maximum(y, 0))


def seasonal_signal(rng: np.random.Generator, length: int, season: IntArray, long_season: IntArray) -> FloatArray:
    """Draw shapes of days that depend on the kind of day and drift: (length, count), of about unit size.

    >>> seasonal_signal(np.random.default_rng(0), 9, np.array([3, 4]), np.array([0, 8])).shape
    (9, 2)
    """
    count = len(season)
    kind = kinds_of_day(rng, length, season, long_season)
    first, last = (_shapes(rng, season) for _ in range(2))
    phase = np.arange(length)[:, None] % season
    index = (kind, phase, np.arange(count))
    drift = np.linspace(0, 1, length)[:, None] * rng.uniform(0, 0.6, count) * chance(rng, 0.5, count)
    return np.asarray((1 - drift) * first[index] + drift * last[index])


def _persistence(rng: np.random.Generator, count: int) -> FloatArray:
    """Coefficients of noise: half of them above .9, as what real series deviate from their days by lasts for hours."""
    return np.asarray(1 - log_uniform(rng, 0.01, 1, count))


def _shapes(rng: np.random.Generator, season: IntArray) -> FloatArray:
    """Profiles of three kinds of day: (3, longest season, count); the others are changed first ones."""
    count = len(season)
    smooth = chance(rng, 0.5, count)
    base = _profiles(rng, season, smooth)
    shapes = [base]
    for _ in range(KINDS - 1):
        weight = rng.uniform(0, 0.8, count)
        changed = (1 - weight) * base + weight * _profiles(rng, season, smooth)
        shapes.append(changed + 0.6 * rng.standard_normal(count))
    return np.stack(shapes)


def _profiles(rng: np.random.Generator, season: IntArray, smooth: BoolArray) -> FloatArray:
    """Fourier series or bumps: (longest season, count)."""
    profile = np.zeros((int(season.max()), len(season)))
    for chosen, make in ((smooth, random_profiles), (~smooth, bumps)):
        if chosen.any():
            part = make(rng, season[chosen])
            profile[: len(part), chosen] = part
    return profile


def bumps(rng: np.random.Generator, season: IntArray) -> FloatArray:
    """Draw profiles of one to four Gaussian bumps on a circle, of mean 0 and unit size: (longest season, count).

    >>> bumps(np.random.default_rng(0), np.array([24])).shape
    (24, 1)
    """
    count, longest = len(season), int(season.max())
    phase = np.arange(longest)[:, None] / season
    wanted = rng.integers(1, 5, count)
    profile = np.zeros((longest, count))
    for k in range(4):
        distance = np.abs(phase - rng.random(count))
        distance = np.minimum(distance, 1 - distance)
        profile += (
            (k < wanted) * rng.uniform(0.3, 1, count) * np.exp(-0.5 * (distance / rng.uniform(0.03, 0.2, count)) ** 2)
        )
    return centred(profile, season)


def kinds_of_day(rng: np.random.Generator, length: int, season: IntArray, long_season: IntArray) -> IntArray:
    """Draw the kind of day, 0 to 2, of every step: (length, count); always 0 without a longer season.

    In a week the last two days are of other kinds; patterns of other lengths are random.

    >>> kinds_of_day(np.random.default_rng(0), 4, np.array([1]), np.array([0])).ravel().tolist()
    [0, 0, 0, 0]
    """
    count = len(season)
    days = np.maximum(long_season // season, 1)
    pattern = rng.integers(0, KINDS, (int(days.max()), count)) * chance(rng, 0.5, (int(days.max()), count))
    if len(pattern) >= 7:
        week = np.zeros((7, count), np.int64)
        week[5] = 1
        week[6] = rng.integers(1, 3, count)
        pattern[:7] = np.where(days == 7, week, pattern[:7])
    pattern *= days > 1
    shift = rng.integers(0, days)
    return np.take_along_axis(pattern, (np.arange(length)[:, None] // season + shift) % days, axis=0)


def plateaus(rng: np.random.Generator, season: IntArray) -> FloatArray:
    """Draw profiles that are 1 from one phase to another and 0 else, with soft edges: (longest season, count).

    >>> p = plateaus(np.random.default_rng(0), np.array([24]))
    >>> bool(0 <= p.min() and p.max() <= 1)
    True
    """
    count = len(season)
    phase = np.arange(int(season.max()))[:, None] / season
    start, width = rng.uniform(0.05, 0.6, count), rng.uniform(0.15, 0.6, count)
    edge = np.maximum(log_uniform(rng, 0.002, 0.05, count), 0.2 / season)
    return np.asarray(1 / (1 + np.exp(-np.clip(np.minimum(phase - start, start + width - phase) / edge, -30, 30))))


def working_hours(
    rng: np.random.Generator, count: int, length: int, season: IntArray, long_season: IntArray
) -> FloatArray:
    """Make series that are high from one hour to another on some kinds of day, and low else.

    ``y[t] = base + w_kind plateau[phase] exp(level[day]) exp(sigma r[t])``, w 1, U(0, 1) and U(0, 0.5) for the three
    kinds of day.

    Source: Richardson, Thomson & Infield 2008, A high-resolution domestic building occupancy model (occupied hours).
    """
    kind = kinds_of_day(rng, length, season, long_season)
    weight = np.stack([np.ones(count), rng.uniform(0, 1, count), rng.uniform(0, 0.5, count)])
    phase = np.arange(length)[:, None] % season
    columns = np.arange(count)
    active = weight[kind, columns] * plateaus(rng, season)[phase, columns]
    noise = log_uniform(rng, 0.005, 0.4, count) * red_noise(rng, length, _persistence(rng, count))
    y = (rng.uniform(0, 0.5, count) + active * np.exp(daily_levels(rng, length, season))) * np.exp(noise)
    return positive_scale(rng, y)


def clouded_half_sines(
    rng: np.random.Generator, count: int, length: int, season: IntArray, long_season: IntArray
) -> FloatArray:
    """Make half-sines that are cut off at 0, with clouds that differ from day to day, as of solar power.

    ``y[t] = max(0, sin(2 pi phase) - c)^p cloud[day] (1 - d[t])``; cloud is Beta(a, 1.5), d passing clouds.

    Source: Graham & Hollands 1990, A method to generate synthetic hourly solar radiation globally.
    """
    del long_season
    t = np.arange(length)[:, None]
    height = np.sin(2 * np.pi * (t / season + rng.random(count))) - rng.uniform(-0.3, 0.4, count)
    shape = np.maximum(height, 0) ** rng.uniform(0.7, 1.6, count)
    cloud = rng.beta(rng.uniform(1.5, 6, count), 1.5, ((length - 1) // int(season.min()) + 1, count))
    passing = np.maximum(red_noise(rng, length, rng.uniform(0.3, 0.95, count)), 0) * rng.uniform(0, 0.4, count)
    yearly = 1 + rng.uniform(0, 0.5, count) * np.sin(2 * np.pi * (t / season / 365 + rng.random(count)))
    y = shape * np.take_along_axis(cloud, t // season, axis=0) * np.maximum(1 - passing, 0.05) * yearly
    return positive_scale(rng, y)
