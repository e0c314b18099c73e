"""Machines: duty cycles, thermostats, queues, and sensors that saturate or round."""

from __future__ import annotations

import numpy as np

from gatecast._utils.typing import FloatArray, IntArray
from gatecast.data.synth.hf.levels import any_scale, daily_levels, positive_scale, red_noise, standardise
from gatecast.data.synth.hf.profiles import plateaus, seasonal_signal
from gatecast.data.synth.noise import chance, log_uniform

__all__ = ["duty_cycles", "lindley", "queues", "sensors", "thermostats"]


def duty_cycles(
    rng: np.random.Generator, count: int, length: int, season: IntArray, long_season: IntArray
) -> FloatArray:
    """Make machines that are on for a share of a short period, more of it in working hours.

    ``y[t] = idle + p [t / period mod 1 < share[t]] + noise``, period U(3, 40) steps, not always a whole number.

    Source: Reyes Lua, Zotica & Skogestad 2018 (on-off control); share of the load: this project.
    """
    del long_season
    period = rng.uniform(3, 40, count)
    hours = plateaus(rng, season)[np.arange(length)[:, None] % season, np.arange(count)]
    share = np.clip(rng.uniform(0.1, 0.6, count) + hours * rng.uniform(0, 0.5, count), 0.05, 0.95)
    clock = np.cumsum(1 / period * (1 + 0.1 * red_noise(rng, length, np.full(count, 0.9))), axis=0) + rng.random(count)
    on = clock - np.floor(clock) < share
    power = on * np.exp(daily_levels(rng, length, season)) + rng.uniform(0, 0.3, count)
    return positive_scale(
        rng, power * np.exp(log_uniform(rng, 0.005, 0.1, count) * rng.standard_normal((length, count)))
    )


def thermostats(
    rng: np.random.Generator, count: int, length: int, season: IntArray, long_season: IntArray
) -> FloatArray:
    """Make temperatures between two bounds, as a heater with hysteresis keeps them.

    ``x[t+1] = x[t] + k (outside[t] - x[t]) + h on[t] + e[t]``; on below the lower bound, off above the upper one. A
    third shows the heater instead, averaged over a twentieth of the season.

    Source: Malhame & Chong 1985, Electric load model synthesis by diffusion approximation.
    """
    outside = 1.5 * seasonal_signal(rng, length, season, long_season) - rng.uniform(2, 8, count)
    loss, noise = log_uniform(rng, 0.01, 0.1, count), log_uniform(rng, 0.005, 0.1, count)
    heat, width = loss * rng.uniform(8, 20, count), rng.uniform(0.1, 1, count)
    x, on = np.zeros(count), chance(rng, 0.5, count)
    shock = noise * rng.standard_normal((length, count))
    heater = np.empty((length, count))
    for t in range(length):
        x = x + loss * (outside[t] - x) + heat * on + shock[t]
        on = np.where(x < -width, True, np.where(x > width, False, on))
        heater[t] = on
        outside[t] = x
    return any_scale(rng, np.where(chance(rng, 1 / 3, count), heater + 0.05 * shock, outside))


def queues(rng: np.random.Generator, count: int, length: int, season: IntArray, long_season: IntArray) -> FloatArray:
    """Make queues: what arrives by a daily profile waits until it is served.

    ``x[t] = max(0, x[t-1] + in[t] - out)``, in Poisson or gamma around a profile, out U(1.02, 1.6) times its mean.

    Source: Lindley 1952, The theory of queues with a single server.
    """
    load = np.exp(np.clip(rng.uniform(0.2, 1.2, count) * seasonal_signal(rng, length, season, long_season), -4, 4))
    load *= np.exp(daily_levels(rng, length, season))
    load *= rng.uniform(0.5, 30, count) / load.mean(axis=0)
    arrivals = np.where(chance(rng, 0.5, count), rng.poisson(load), rng.standard_gamma(2.0, load.shape) / 2 * load)
    return positive_scale(rng, lindley(arrivals - rng.uniform(1.02, 1.6, count) * load.mean(axis=0)))


def lindley(x: FloatArray) -> FloatArray:
    """Apply `y[t] = max(0, y[t-1] + x[t])` along time, without a loop.

    >>> lindley(np.array([[-1.0], [2.0], [-1.0], [-3.0]])).ravel().tolist()
    [0.0, 2.0, 1.0, 0.0]
    """
    path = np.cumsum(x, axis=0)
    return np.asarray(path - np.minimum(np.minimum.accumulate(path, axis=0), 0))


def sensors(rng: np.random.Generator, count: int, length: int, season: IntArray, long_season: IntArray) -> FloatArray:
    """Make sensors that saturate, have a dead band, or round to few levels.

    ``y = clip(x, a, b)``, ``y = sign(x) max(0, |x| - d)`` or ``y = q round(x / q)`` of a seasonal signal with noise.

    Source: Widrow & Kollar 2008, Quantization Noise; Khalil 2002, Nonlinear Systems (saturation, dead zone).
    """
    x = seasonal_signal(rng, length, season, long_season) + rng.uniform(0.1, 1.5, count) * red_noise(
        rng, length, rng.uniform(0.3, 0.99, count)
    )
    x = standardise(x)
    limit = rng.uniform(0.3, 1.5, count)
    dead = rng.uniform(0.2, 1.2, count)
    step = rng.uniform(0.1, 1, count)
    changed = [np.clip(x, -limit, limit), np.sign(x) * np.maximum(np.abs(x) - dead, 0), np.rint(x / step) * step]
    return any_scale(rng, np.asarray(np.choose(rng.integers(0, 3, count), changed)))
