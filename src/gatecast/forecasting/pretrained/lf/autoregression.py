"""A simple forecast that goes on as a series has gone so far: an autoregression, fitted anew at every step.

At step t, with x less its first value and P lags, the coefficients are those of a ridge regression that draws them to
a random walk (Litterman 1986, Forecasting with Bayesian vector autoregressions: five years of experience)::

    minimize  sum_s (x[s] - c - sum_i a[i] x[s-i])^2 + sum_i ridge[i] unit[t]^2 (a[i] - [i = 1])^2 + ridge[P+1] c^2

over the steps s from 1 to t, where the unit is the size of changes so far (`statistics`), so that a series of any size
has the same coefficients, and distant lags count less. Among the lags a missing value is the one before it, and before
the first value the series is at it; steps without a value are in no sum. Forecasts go on from the newest value, and do
not leave the range of the values so far by more than `MARGIN` of it, so that one that explodes does no harm.

Shapes: T steps, n series; origins of any shape.
"""

from __future__ import annotations

import numpy as np

from gatecast._utils.typing import FloatArray, IntArray
from gatecast.kernels import autoregression as kernels
from gatecast.kernels.autoregression import LAGS, AutoregressionFits

__all__ = ["HORIZONS", "fit_autoregression", "forecast_autoregression"]

RIDGE = np.r_[4.0 * np.arange(1, LAGS + 1), 1e-6]
"""Penalties of the coefficients, as of so many squared units, and that of the constant, which only has to be there."""

MARGIN = 0.25
"""Share of the range so far by which forecasts may leave it."""

HORIZONS = (1, 8, 24)
"""Steps ahead whose forecasts the network reads, counted from the newest value."""

MAX_STEPS = 72
"""Steps behind the newest value that it goes on; then it stays where it is."""


def fit_autoregression(
    x: FloatArray, observed: FloatArray, unit: FloatArray, level: FloatArray, cycle: int, first: int
) -> AutoregressionFits:
    """Fit an autoregression at every step.

    Args:
        x: (T, n), without gaps.
        observed: 1 where there is a value, else 0, (T, n).
        unit: Size of changes so far, (T, n).
        level: What forecasts are relative to, (T, n).
        cycle: Steps ahead of the longer past errors.
        first: First step of the results.

    Example:
        >>> x = np.tile([0.0, 1.0], 20)[:, None]
        >>> fits = fit_autoregression(x, np.ones((40, 1)), np.ones((40, 1)), 0 * x, 4, 39)
        >>> fits.points[:, 0, 0].round(1).tolist()
        [0.1, 0.8, 0.6]
    """
    return kernels.autoregression(
        x, observed, unit, level, ridge=RIDGE, margin=MARGIN, cycle=cycle, horizons=HORIZONS, first=first
    )


def forecast_autoregression(state: FloatArray, gap: IntArray, n_steps: int) -> FloatArray:
    """Return the forecasts of steps behind origins, (n_steps, ...), in units and relative to the level.

    Args:
        state: As of `AutoregressionFits`, (S, ...).
        gap: Steps from the newest value to each origin, (...).
        n_steps: Steps to forecast.
    """
    j: IntArray = np.arange(n_steps).reshape(-1, *[1] * gap.ndim)
    step = np.minimum(j + gap, MAX_STEPS - 1)
    every = kernels.autoregression_forecast(state, int(step.max(initial=0)) + 1)
    return np.take_along_axis(every, step, axis=0) if gap.any() or n_steps > MAX_STEPS else every
