"""Synthetic series for tests and examples, whose components are known.

Every function takes a random generator, so the same generator state gives the same series of n values.
"""

from __future__ import annotations

import numpy as np

from gatecast._utils.typing import FloatArray

__all__ = ["annual", "autoregression", "daily_example", "known_lag", "random_walk", "trend_season"]


def trend_season(
    rng: np.random.Generator,
    n: int,
    *,
    m: int = 12,
    level: float = 100.0,
    growth: float = 0.01,
    season: float = 0.2,
    noise: float = 0.03,
) -> FloatArray:
    """Generate growth times a season times noise, the shape of the airline passengers.

    ``y[t] = level (1 + growth)^t (1 + season sin(2 pi t / m)) exp(noise e[t])``

    >>> trend_season(np.random.default_rng(0), 4, m=4, noise=0.0).round(1).tolist()
    [100.0, 121.2, 102.0, 82.4]
    """
    t = np.arange(n)
    shape = level * (1 + growth) ** t * (1 + season * np.sin(2 * np.pi * t / m))
    return np.asarray(shape * np.exp(noise * rng.standard_normal(n)))


def random_walk(rng: np.random.Generator, n: int, *, level: float = 0.0, step: float = 1.0) -> FloatArray:
    """Generate a random walk, whose best forecast is its last value: ``y[t] = y[t-1] + step e[t]``.

    >>> random_walk(np.random.default_rng(0), 3, level=5.0, step=0.0).tolist()
    [5.0, 5.0, 5.0]
    """
    return np.asarray(level + step * rng.standard_normal(n).cumsum())


def autoregression(rng: np.random.Generator, n: int, *, phi: float = 0.8, sd: float = 1.0) -> FloatArray:
    """Generate a stationary first-order autoregression of standard deviation sd.

    ``y[t] = phi y[t-1] + sd sqrt(1 - phi^2) e[t]``

    >>> y = autoregression(np.random.default_rng(0), 10_000, phi=0.5)
    >>> round(float(np.corrcoef(y[1:], y[:-1])[0, 1]), 1)
    0.5
    """
    e = rng.standard_normal(n) * sd * np.sqrt(1 - phi**2)
    y = np.empty(n)
    state = sd * rng.standard_normal()
    for t in range(n):
        state = phi * state + e[t]
        y[t] = state
    return y


def annual(
    rng: np.random.Generator,
    n: int,
    *,
    days: float = 365.25,
    level: float = 11.0,
    amplitude: float = 4.0,
    phi: float = 0.6,
    sd: float = 2.5,
) -> FloatArray:
    """Generate daily temperatures: a yearly wave plus autocorrelated deviations.

    ``y[t] = level + amplitude cos(2 pi t / days) + a[t]``, where a is an `autoregression`

    >>> annual(np.random.default_rng(0), 3, sd=0.0).round(3).tolist()
    [15.0, 14.999, 14.998]
    """
    wave = level + amplitude * np.cos(2 * np.pi * np.arange(n) / days)
    return np.asarray(wave + autoregression(rng, n, phi=phi, sd=sd))


def known_lag(rng: np.random.Generator, n: int, *, lag: int = 7, weight: float = 0.95, sd: float = 1.0) -> FloatArray:
    """Generate a series that depends on its value `lag` steps ago, so a model needs that much memory.

    ``y[t] = weight y[t-lag] + sd sqrt(1 - weight^2) e[t]``; the minimum mean squared error is sd^2 (1 - weight^2).

    >>> y = known_lag(np.random.default_rng(0), 9, lag=3, weight=1.0)
    >>> bool((y[3:] == y[:-3]).all())
    True
    """
    y = rng.standard_normal(n) * sd
    y[lag:] *= np.sqrt(1 - weight**2)
    for t in range(lag, n):
        y[t] += weight * y[t - lag]
    return y


def daily_example(rng: np.random.Generator, n: int = 600) -> FloatArray:
    """Generate daily visitor counts: slow growth, a weekly and a yearly season, noise; always positive.

    ``examples/M50.csv`` was generated with ``default_rng(50)``, from 1 January 2021 on, to one decimal.

    >>> bool((daily_example(np.random.default_rng(0)) > 0).all())
    True
    """
    t = np.arange(n)
    week = np.resize([0.06, 0.02, 0.0, 0.03, 0.12, -0.05, -0.18], n)
    year = 0.15 * np.sin(2 * np.pi * (t - 100) / 365.25)
    drift = autoregression(rng, n, phi=0.85, sd=0.06)
    return np.asarray(1200 * np.exp(0.0004 * t + week + year + drift + 0.02 * rng.standard_normal(n)))
