"""Seasonal ARIMA processes."""

from __future__ import annotations

import numpy as np

from gatecast._utils.typing import BoolArray, FloatArray, IntArray
from gatecast.data.synth.lf.levels import scaled_levels
from gatecast.data.synth.noise import chance, student_t

__all__ = ["lagged", "polynomials", "seasonal_arima", "seasonal_sum"]

BURN_IN = 60


def seasonal_arima(rng: np.random.Generator, count: int, length: int, season: IntArray) -> FloatArray:
    """Make series of seasonal ARIMA(p, d, q)(P, D, Q) processes.

    ``phi(B) Phi(B^m) (1 - B)^d (1 - B^m)^D y[t] = theta(B) Theta(B^m) e[t]``, p and q up to 3, P and Q up to 1, whose
    poles and zeros have the radius Beta(5, 1.5) and uniform angles; d is 0, 1, 2 with .6, .36, .04, D is 1 with .3,
    where Theta is -U(0.4, 0.95) as in the airline model; e is log-normal, gamma or Student t.

    Source: Box & Jenkins 1976, Time Series Analysis: Forecasting and Control.
    """
    seasonal = season > 1
    x = _skewed_shocks(rng, length + BURN_IN, count)
    theta, phi = polynomials(rng, count), polynomials(rng, count)
    x[3:] = x[3:] + theta[0] * x[2:-1] + theta[1] * x[1:-2] + theta[2] * x[:-3]
    differenced = chance(rng, 0.3, count) & seasonal
    free = rng.beta(5, 1.5, count) * rng.choice([-1, 1], count) * chance(rng, 0.3, count) * seasonal
    seasonal_theta = np.where(differenced, -rng.uniform(0.4, 0.95, count), free)
    x += seasonal_theta * lagged(x, season)
    x = _autoregress(x, phi, rng.beta(5, 2, count) * chance(rng, 0.35, count) * seasonal, season)
    differences = rng.choice(3, count, p=[0.6, 0.36, 0.04])
    x = _integrate(x[BURN_IN:], differences, differenced, season)
    return scaled_levels(rng, x, season)


def polynomials(rng: np.random.Generator, count: int) -> FloatArray:
    """Draw coefficients of lags 1 to 3 from roots inside the unit circle: a real one, a pair, both or none; (3, count).

    >>> c = polynomials(np.random.default_rng(0), 500)
    >>> bool(all(abs(np.roots([1, *-row])).max(initial=0) < 1 for row in c.T))
    True
    """
    kind = rng.choice(4, count, p=[0.2, 0.4, 0.2, 0.2])
    real = rng.beta(5, 1.5, count) * rng.choice([-1, 1], count, p=[0.35, 0.65]) * ((kind == 1) | (kind == 3))
    radius = rng.beta(5, 1.5, count) * (kind >= 2)
    a1, a2 = 2 * radius * np.cos(rng.uniform(0, np.pi, count)), -(radius**2)
    return np.stack([real + a1, a2 - real * a1, -real * a2])


def lagged(x: FloatArray, lag: IntArray) -> FloatArray:
    """Delay each column of (length, count) by its lag, with 0 before the start.

    >>> lagged(np.array([[1.0], [2.0], [3.0]]), np.array([2])).ravel().tolist()
    [0.0, 0.0, 1.0]
    """
    index = np.arange(len(x))[:, None] - lag
    return np.where(index >= 0, np.take_along_axis(x, np.maximum(index, 0), axis=0), 0)


def _skewed_shocks(rng: np.random.Generator, length: int, count: int) -> FloatArray:
    """Shocks of mean 0: a third each log-normal, gamma and Student t."""
    kind = rng.integers(0, 3, count)
    e = np.empty((length, count))
    for i, columns in enumerate(np.flatnonzero(kind == i) for i in range(3)):
        n = len(columns)
        if i == 0:
            spread = rng.uniform(0.1, 0.8, n)
            e[:, columns] = np.exp(spread * rng.standard_normal((length, n))) - np.exp(spread**2 / 2)
        elif i == 1:
            shape = rng.uniform(0.8, 10, n)
            e[:, columns] = rng.standard_gamma(shape, (length, n)) - shape
        else:
            e[:, columns] = student_t(rng, rng.uniform(2, 20, n), length)
    return np.asarray(e * rng.choice([-1, 1], count, p=[0.3, 0.7]))


def _autoregress(x: FloatArray, phi: FloatArray, seasonal_phi: FloatArray, season: IntArray) -> FloatArray:
    """The poles: three lags, then the seasonal one."""
    for t in range(3, len(x)):
        x[t] += phi[0] * x[t - 1] + phi[1] * x[t - 2] + phi[2] * x[t - 3]
    seasonal = np.flatnonzero(seasonal_phi)
    return seasonal_sum(x, seasonal, seasonal_phi[seasonal], season)


def _integrate(x: FloatArray, differences: IntArray, seasonal: BoolArray, season: IntArray) -> FloatArray:
    """Sum up what was differenced."""
    for order in (1, 2):
        columns = np.flatnonzero(differences >= order)
        x[:, columns] = np.cumsum(x[:, columns], axis=0)
    columns = np.flatnonzero(seasonal)
    return seasonal_sum(x, columns, np.ones(len(columns)), season)


def seasonal_sum(x: FloatArray, columns: IntArray, weight: FloatArray, season: IntArray) -> FloatArray:
    """Apply `y[t] = weight y[t-m] + x[t]` to some columns, one season length after the other."""
    for m in np.unique(season[columns]):
        chosen = season[columns] == m
        part = x[:, columns[chosen]]
        for start in range(m, len(x), m):
            end = min(start + m, len(x))
            part[start:end] += weight[chosen] * part[start - m : end - m]
        x[:, columns[chosen]] = part
    return x
