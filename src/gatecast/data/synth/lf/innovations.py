"""Innovations state-space models: level, trend and season that one error updates."""

from __future__ import annotations

import numpy as np

from gatecast._utils.typing import BoolArray, FloatArray, IntArray
from gatecast.data.synth.lf.levels import grow, season_sizes, sigmas, slopes, smoothing_rates
from gatecast.data.synth.noise import chance, shocks, student_t
from gatecast.data.synth.shapes import random_profiles

__all__ = ["exponential_smoothing", "local_global_trend"]


def exponential_smoothing(rng: np.random.Generator, count: int, length: int, season: IntArray) -> FloatArray:
    """Make series of exponential smoothing with a damped trend that breaks and a season.

    ``y[t] = l[t-1] + phi b[t-1] + s[t-m] + e[t]``, ``l[t] = l[t-1] + phi b[t-1] + alpha e[t]``,
    ``b[t] = phi b[t-1] + beta e[t]``, ``s[t] = s[t-m] + gamma e[t]``, relative to a level or in the logarithm. The
    slope b is drawn anew with hazard logU(0.01, 0.6).

    Source: Hyndman, Koehler, Ord & Snyder 2008, Forecasting with Exponential Smoothing; breaks: this project.
    """
    alpha = smoothing_rates(rng, season)
    beta = alpha * rng.uniform(0, 0.4, count) * chance(rng, 0.6, count)
    gamma = rng.uniform(0, 0.3, count) * chance(rng, 0.4, count) * (season > 1)
    phi = np.where(chance(rng, 0.5, count), 1.0, rng.uniform(0.8, 0.995, count))
    trend = slopes(rng, length, season)
    sigma = sigmas(rng, season)
    shape = random_profiles(rng, season) * season_sizes(rng, season)
    z = _smooth((alpha, beta, gamma, phi), trend, shape, shocks(rng, length, count), season)
    return grow(rng, z * sigma, season)


def _smooth(
    rates: tuple[FloatArray, FloatArray, FloatArray, FloatArray],
    trend: tuple[BoolArray, FloatArray],
    shape: FloatArray,
    e: FloatArray,
    season: IntArray,
) -> FloatArray:
    """The recursion, in units of the shocks e; e becomes the series."""
    alpha, beta, gamma, phi = rates
    breaks, fresh = trend
    columns = np.arange(len(season))
    level, slope = np.zeros(len(season)), fresh[0].copy()
    for t, error in enumerate(e):
        np.copyto(slope, fresh[t], where=breaks[t])
        slope *= phi
        level += slope
        phase = t % season
        indices = shape[phase, columns]
        shape[phase, columns] = indices + gamma * error
        value = level + indices + error
        level += alpha * error
        slope += beta * error
        e[t] = value
    return e


def local_global_trend(rng: np.random.Generator, count: int, length: int, season: IntArray) -> FloatArray:
    """Make series whose growth depends on their level, with heavy-tailed errors that do so too.

    ``y[t+1] = (l[t] + g l[t]^rho + lambda b[t]) s[t+1] + e[t+1]``, e Student t(2..20) of size sigma l^tau + xi, with
    ``l[t] = l[t-1] + alpha (y[t] / s[t] - l[t-1])`` and ``b[t] = b[t-1] + beta (l[t] - l[t-1] - b[t-1])``. rho in
    U(-0.5, 1) goes from linear to exponential growth; g is drawn anew with hazard logU(0.01, 0.3).

    Source: Smyl, Bergmeir, Dokumentov, Long, Wibowo & Schmidt 2025, Local and global trend
    Bayesian exponential smoothing models.
    """
    rho, tau = rng.uniform(-0.5, 1.0, count), rng.uniform(0, 1, count)
    alpha, beta, damping = smoothing_rates(rng, season), rng.beta(1, 3, count), rng.uniform(0, 0.9, count)
    sigma = np.minimum(sigmas(rng, season), 0.2)
    breaks, growth = slopes(rng, length, season, 0.3)
    error = student_t(rng, rng.uniform(2, 20, count), length)
    floor = sigma * rng.uniform(0, 0.5, count)
    strength = np.minimum(sigma * season_sizes(rng, season), 0.4)
    factor = np.exp(random_profiles(rng, season) * strength)
    level, slope, rate = np.ones(count), np.zeros(count), growth[0] * sigma
    columns = np.arange(count)
    for t in range(length):
        np.copyto(rate, growth[t] * sigma, where=breaks[t])
        index = factor[t % season, columns]
        mean = np.clip(level + rate * level**rho + damping * slope, 0.05, 1e3)
        # `error` becomes the series; a step is at most half of the level.
        size = sigma * mean**tau + floor
        value = np.maximum(mean + np.maximum(error[t] * size, -0.5 * mean), 0.02)
        change = alpha * (value - level)
        level += change
        slope += beta * (change - slope)
        error[t] = value * index
    return grow(rng, np.log(error), season)
