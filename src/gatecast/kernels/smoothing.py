"""The compiled kernels of smoothing models: local and global trend, the theta method, levels and seasons.

All of them are in float64, and go through series or parameter sets a vector at a time.

Shapes: n_series series aligned at their beginnings, T columns, h steps; or B series with time first.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gatecast._utils.typing import BoolArray, FloatArray, IntArray
from gatecast.kernels import _native
from gatecast.kernels.packing import LANES

__all__ = [
    "TrendGrid",
    "local_trend",
    "seasonal_smoothing",
    "seasonal_smoothing_backward",
    "theta_forecast",
    "theta_sums",
]


class TrendGrid(NamedTuple):
    """Parameters of the models that `local_trend` averages: all combinations."""

    alpha: tuple[float, ...]
    """Smoothing of the level."""
    beta: tuple[float, ...]
    """Smoothing of the trend."""
    lam: tuple[float, ...]
    """Share of the local trend."""
    rho: tuple[float, ...]
    """Exponents of the global trend."""
    tau: tuple[float, ...]
    """Exponents of the size of errors: 0, 0.5 or 1; with rho 16 combinations at most."""


def local_trend(
    y: FloatArray, n: IntArray, linear: BoolArray, grid: TrendGrid, exponent: float, h: int
) -> tuple[FloatArray, FloatArray]:
    """Forecast with a local and a global trend, the mean over a grid of models weighted by their posterior.

    `forecasting.local_global_trend` has the equations; everything is in float64.

    Args:
        y: Series aligned at their beginnings, in units of their mean sizes, [n_series, T]; without NaN.
        n: Values of each, at least 2, [n_series].
        linear: Whether a series has rho = tau = 0 in all models, because it is not positive, [n_series].
        grid: The models.
        exponent: Of the posterior.
        h: Steps.

    Returns:
        Mean and variance of the forecasts, [n_series, h] each.

    Example:
        >>> grid = TrendGrid((0.5,), (0.1,), (1.0,), (0.0,), (0.0,))
        >>> mean, variance = local_trend(np.ones((1, 5)), np.array([5]), np.array([False]), grid, 0.5, 2)
        >>> mean.round(6).tolist()
        [[1.0, 1.0]]
    """
    lanes = [(rho, tau) for rho in grid.rho for tau in grid.tau]
    padded = lanes + lanes[:1] * (LANES - len(lanes))
    mean, variance = np.empty((len(y), h)), np.empty((len(y), h))
    alpha, beta, lam = (np.array(axis, np.float64) for axis in (grid.alpha, grid.beta, grid.lam))
    _native.local_trend(
        np.ascontiguousarray(y, np.float64),
        np.ascontiguousarray(n, np.int64),
        np.ascontiguousarray(linear, np.int64),
        alpha,
        beta,
        lam,
        np.array([rho for rho, _ in padded], np.float64),
        np.array([round(2 * tau) for _, tau in padded], np.int64),
        len(lanes),
        exponent,
        mean,
        variance,
    )
    return mean, variance


def theta_sums(y: FloatArray, n: IntArray, first: IntArray, alpha: FloatArray) -> FloatArray:
    """Sum products of e, D and P over the steps of each series: what the theta method's least squares need.

    `forecasting.theta` has the equations. With the level of smoothing from 0, ``e[t] = y[t] - level[t-1]``,
    ``P[t] = (1 - alpha)^t``, and D the part of the line; everything is in float64.

    Args:
        y: Series aligned at their beginnings, [n_series, T]; without NaN.
        n: Values of each, at least 1, [n_series].
        first: First step whose error counts, at least 1, [n_series].
        alpha: Smoothing weights of each series, above 0 and below 1, [n_series, n_alphas].

    Returns:
        Sums of e e, e D, e P, D D, D P and P P, [6, n_series, n_alphas].

    Example:
        >>> one = np.ones(1, np.int64)
        >>> theta_sums(np.array([[1.0, 3.0]]), 2 * one, one, np.array([[0.5]])).ravel().tolist()
        [6.25, 1.25, 1.25, 0.25, 0.25, 0.25]
    """
    sums = np.empty((6, *alpha.shape))
    _native.theta_sums(
        np.ascontiguousarray(y, np.float64),
        np.ascontiguousarray(n, np.int64),
        np.ascontiguousarray(first, np.int64),
        np.ascontiguousarray(alpha, np.float64),
        sums,
    )
    return sums


def theta_forecast(
    y: FloatArray, n: IntArray, alpha: FloatArray, w: FloatArray, first: FloatArray, h: int
) -> FloatArray:
    """Return the points of the theta method, which continue as if they had been observed.

    Args:
        y: Series aligned at their beginnings, [n_series, T]; without NaN.
        n: Values of each, at least 1, [n_series].
        alpha: Smoothing weight of each, [n_series].
        w: Weight of the line, [n_series].
        first: First level, [n_series].
        h: Steps.

    Returns:
        [n_series, h].

    Example:
        >>> half = np.array([0.5])
        >>> theta_forecast(np.array([[1.0, 3.0]]), np.array([2]), half, half, np.ones(1), 2).round(3).tolist()
        [[3.625, 4.038]]
    """
    point = np.empty((len(y), h))
    alpha, w, first = (np.ascontiguousarray(x, np.float64) for x in (alpha, w, first))
    y, n = np.ascontiguousarray(y, np.float64), np.ascontiguousarray(n, np.int64)
    _native.theta_forecast(y, n, alpha, w, first, point)
    return point


def seasonal_smoothing(
    z: FloatArray, observed: BoolArray, alpha: FloatArray, gamma: FloatArray, start: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Smooth levels and seasons of B series side by side, time first, in float64.

    `forecasting.es_rnn.smoothing` has the equations.

    Args:
        z: Values, finite, [T, B]; ignored where missing.
        observed: Whether a value is observed, [T, B].
        alpha: Weight of the newest value in the level, [B].
        gamma: Weight of the newest value in the season, [B].
        start: Seasons of the first m steps, [m, B].

    Returns:
        Levels [T, B], seasons [T + m, B], and the weight of each value in its level, [T, B].

    Example:
        >>> z = np.array([[1.0], [3.0]])
        >>> seasonal_smoothing(z, z > 0, np.array([0.5]), np.zeros(1), np.zeros((1, 1)))[0].ravel().tolist()
        [1.0, 2.0]
    """
    z, observed = np.ascontiguousarray(z, np.float64), np.ascontiguousarray(observed, np.bool_)
    level, season, gain = np.empty(z.shape), np.empty((len(z) + len(start), z.shape[1])), np.empty(z.shape)
    alpha, gamma, start = (np.ascontiguousarray(x, np.float64) for x in (alpha, gamma, start))
    _native.seasonal_smoothing(z, observed, alpha, gamma, start, level, season, gain)
    return level, season, gain


def seasonal_smoothing_backward(
    z: FloatArray,
    observed: BoolArray,
    gamma: FloatArray,
    smoothed: tuple[FloatArray, FloatArray, FloatArray],
    dlevel: FloatArray,
    dseason: FloatArray,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Backpropagate through `seasonal_smoothing` to the weights and the first seasons.

    Args:
        z: As for `seasonal_smoothing`.
        observed: As for `seasonal_smoothing`.
        gamma: As for `seasonal_smoothing`.
        smoothed: The result of `seasonal_smoothing`.
        dlevel: Gradient of the levels, [T, B].
        dseason: Gradient of the seasons, [T + m, B].

    Returns:
        dalpha [B], dgamma [B], dstart [m, B].

    Example:
        >>> z, zero = np.array([[1.0], [3.0]]), np.zeros(1)
        >>> smoothed = seasonal_smoothing(z, z > 0, np.array([0.5]), zero, np.zeros((1, 1)))
        >>> dlevel, dseason = np.array([[0.0], [1.0]]), np.zeros((3, 1))
        >>> seasonal_smoothing_backward(z, z > 0, zero, smoothed, dlevel, dseason)[0].tolist()
        [2.0]
    """
    n_series = z.shape[1]
    dalpha, dgamma, dstart = np.empty(n_series), np.empty(n_series), np.empty((len(dseason) - len(z), n_series))
    _native.seasonal_smoothing_backward(
        np.ascontiguousarray(z, np.float64),
        np.ascontiguousarray(observed, np.bool_),
        np.ascontiguousarray(gamma, np.float64),
        *smoothed,
        np.ascontiguousarray(dlevel, np.float64),
        np.ascontiguousarray(dseason, np.float64),
        dalpha,
        dgamma,
        dstart,
    )
    return dalpha, dgamma, dstart
