"""The compiled kernels of autoregressions that are fitted at every step of series, in float64.

Shapes: B series, T steps, `LAGS` lags.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gatecast._utils.typing import FloatArray
from gatecast.kernels import _native

__all__ = ["LAGS", "STATE_SIZE", "AutoregressionFits", "autoregression", "autoregression_forecast"]

LAGS = 8
"""Lags of an autoregression."""

STATE_SIZE = 2 * LAGS + 3
"""Rows of a fitted one: coefficients, constant, newest values, lower and upper limit."""


class AutoregressionFits(NamedTuple):
    """Autoregressions by step, in units of each series and relative to its level at the step."""

    state: FloatArray
    """[STATE_SIZE, steps, B]: what `autoregression_forecast` reads."""
    points: FloatArray
    """[n, steps, B]: forecasts of the horizons that were asked for."""
    errors: FloatArray
    """[2, steps, B]: mean absolute errors so far, one step and a cycle ahead, as if no value were missing in between;
    in the scale of x."""


def autoregression(
    x: FloatArray,
    observed: FloatArray,
    unit: FloatArray,
    level: FloatArray,
    *,
    ridge: FloatArray,
    margin: float,
    cycle: int,
    horizons: tuple[int, ...],
    first: int = 0,
) -> AutoregressionFits:
    """Fit an autoregression at every step of series to the values up to it, drawn to a random walk.

    `forecasting.pretrained.lf.autoregression` has the equations.

    Args:
        x: Values without gaps, finite, [T, B]; a missing value is that before it.
        observed: 1 where there is a value, else 0, [T, B].
        unit: Sizes of changes, from 1e-150 to 1e150, [T, B].
        level: What results are relative to, [T, B].
        ridge: Penalties of the coefficients in squared units, and that of the constant, [LAGS + 1]; positive.
        margin: By how much forecasts may leave the range of the values so far, in ranges.
        cycle: The longer of the two horizons of past errors, at most 2^20.
        horizons: Steps ahead of `points`, increasing, at most 2^20.
        first: First step of the results.

    Returns:
        The fits of the steps from `first` on.

    Raises:
        ValueError: Shapes that do not fit, or a number out of range.

    Example:
        >>> x, one = np.array([[0.0], [1.0], [0.0], [1.0], [0.0]]), np.ones((5, 1))
        >>> ridge = np.full(LAGS + 1, 1e-6)
        >>> fits = autoregression(x, one, one, 0 * x, ridge=ridge, margin=0.25, cycle=2, horizons=(1, 2))
        >>> fits.points[:, -1, 0].round(3).tolist()
        [1.0, 0.0]
    """
    B, n = x.shape[1], len(x) - first
    fits = AutoregressionFits(np.empty((STATE_SIZE, n, B)), np.empty((len(horizons), n, B)), np.empty((2, n, B)))
    x, observed, unit, level, ridge = (np.ascontiguousarray(a, np.float64) for a in (x, observed, unit, level, ridge))
    _native.autoregression(x, observed, unit, level, ridge, margin, cycle, np.array(horizons, np.int64), first, *fits)
    return fits


def autoregression_forecast(state: FloatArray, h: int) -> FloatArray:
    """Return the forecasts of the next steps, [h, ...], in units of each series and relative to its level.

    Args:
        state: Of fits, [STATE_SIZE, ...].
        h: Steps.

    Example:
        >>> state = np.zeros((STATE_SIZE, 1))
        >>> state[0], state[LAGS + 1], state[-1] = 0.5, 1.0, 2.0
        >>> autoregression_forecast(state, 3)[:, 0].tolist()
        [0.5, 0.25, 0.125]
    """
    points = np.empty((h, *state.shape[1:]))
    flat = np.ascontiguousarray(state, np.float64).reshape(len(state), -1)
    _native.autoregression_forecast(flat, points.reshape(h, flat.shape[1]))
    return points
