"""Exponential smoothing with a local and a global trend (LGT), averaged over a grid of models.

With a level l, a local trend b and a global trend ``gamma l^rho``, which lies between linear and exponential::

    f[t+1] = l[t] + gamma l[t]^rho + lambda b[t]
    l[t] = alpha y[t] + (1 - alpha) l[t-1],    b[t] = beta (l[t] - l[t-1]) + (1 - beta) b[t-1]

Errors follow Student's t with 5 degrees of freedom and a size ``sigma f^tau``. Smyl et al. draw from the posterior;
here it is summed over a grid of alpha, beta, lambda, rho and tau, given which gamma and sigma come from reweighted
least squares. The forecast is the mean over all models, weighted by the square root of their posterior: there are no
local minima, and what a short series cannot tell is averaged instead of guessed. The sums are a native kernel.

A series of n values tells nothing of more steps than n: beyond them the trend fades, ``f[n + k] = f[n] + b (phi + ...
+ phi^k)`` with b the last change and phi = 0.9, and variances grow in proportion to the steps.

Shapes: n_series rows, T columns, n values of a series, h steps, m season length, Q quantiles.

Source: Smyl, Bergmeir, Dokumentov, Long, Wibowo & Schmidt 2025, Local and global trend Bayesian exponential smoothing
models; their package Rlgt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gatecast._utils.typing import FloatArray, IntArray
from gatecast.data.season_calendar import SeasonCalendar
from gatecast.forecasting.base import DatedModel, LocalModel, Task
from gatecast.forecasting.registry import register
from gatecast.forecasting.seasonal_adjustment import AdjustedSeries, forecast_adjusted
from gatecast.kernels.smoothing import TrendGrid, local_trend

__all__ = ["LocalGlobalTrend", "lgt"]

GRID = TrendGrid(
    alpha=(0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 1.0),
    beta=(0.02, 0.15, 0.4, 0.8),
    lam=(0.0, 0.3, 0.6, 0.9, 1.0),
    rho=(-0.5, 0.0, 0.5, 0.8, 1.0),
    tau=(0.0, 0.5, 1.0),
)
"""2,100 models."""

EXPONENT = 0.5
"""Of the posterior: the models are no truth, and their errors not independent."""

MAX_LENGTH = 512
"""Newest values of a series that are used."""

BATCH_SERIES = 1024
"""Series at a time."""

DAMPING = 0.9
"""What a trend keeps from step to step beyond as many steps as there are values."""

MIN_VALUES = 4
"""Values below which a series is continued by its last value."""


@register
@dataclass(frozen=True)
class LocalGlobalTrend(DatedModel):
    """Exponential smoothing with a local and a global trend.

    Source: Smyl et al. 2025.

    Example:
        >>> from gatecast.forecasting.context import PanelContext
        >>> model = LocalGlobalTrend().fit(PanelContext.from_values(np.ones((1, 2))), Task(horizon=2))
        >>> model.predict_quantiles(PanelContext.from_values(np.arange(1.0, 25.0)[None]))[0, :, 2].round(1).tolist()
        [25.0, 26.0]
    """

    name: ClassVar[str] = "lgt"
    column: ClassVar[str] = "LocalGlobalTrend"

    def forecast_dated(self, values: FloatArray, task: Task, calendar: SeasonCalendar | None) -> FloatArray:
        """Forecast each series from its newest 512 values."""
        m = task.season_length
        dates = None if calendar is None else calendar.for_season(m)
        return lgt(values[:, -MAX_LENGTH:], task.horizon, m, task.quantiles, dates)


def lgt(
    values: FloatArray,
    h: int,
    m: int = 1,
    quantiles: Sequence[float] = (0.5,),
    calendar: SeasonCalendar | None = None,
) -> FloatArray:
    """Forecast quantiles of the h steps after the end of each series.

    The median is the posterior mean; errors are taken for normal with the variance within and between the models.

    Args:
        values: Series aligned at their ends, [n_series, T]; NaN before the beginning; a missing value is taken for the
            one before it.
        h: Steps.
        m: Season length; seasonal indices are removed where the series shows a season.
        quantiles: Levels, increasing.
        calendar: What the places in the season are counted by; None: by steps.

    Returns:
        [n_series, h, Q]; NaN for a series without a value. Series that are not positive have a linear global trend.

    Example:
        >>> lgt(np.array([[2.0, 2.0, 2.0, 2.0, 2.0]]), 2)[0, :, 0].round(3).tolist()
        [2.0, 2.0]
    """
    return forecast_adjusted(values, h, m, quantiles, calendar, _forecast_batch, BATCH_SERIES)


def _forecast_batch(adjusted: AdjustedSeries, h: int, quantiles: Sequence[float]) -> FloatArray:
    """`lgt` for series of similar lengths."""
    y, n = adjusted.values, adjusted.n
    inside = np.arange(y.shape[1]) < n[:, None]
    unit = np.where(inside, np.abs(y), 0.0).sum(axis=1, keepdims=True) / n[:, None]
    unit[unit == 0] = 1.0
    y = y / unit
    point = np.repeat(y[:, -1:], h, axis=1)
    variance = np.zeros_like(point)
    fitted = n >= MIN_VALUES
    if fitted.any():
        point[fitted], variance[fitted] = local_trend(
            y[fitted], n[fitted], ~adjusted.positive[fitted], GRID, EXPONENT, h
        )
    if h > n.min():
        point, variance = _fade(point, variance, n)
    q = LocalModel.normal_quantiles(point, np.sqrt(variance), quantiles)
    return adjusted.restore(q * unit[..., None])


def _fade(point: FloatArray, variance: FloatArray, n: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return medians and variances, [n_series, h] each, whose trend fades beyond as many steps as there are values."""
    h, rows = point.shape[1], np.arange(len(point))
    steps, last = np.arange(1, h + 1), np.minimum(n, h) - 1
    end = point[rows, last]
    change = end - point[rows, np.maximum(last - 1, 0)]
    beyond = np.maximum(steps - n[:, None], 0)
    faded = end[:, None] + change[:, None] * DAMPING * (1 - DAMPING**beyond) / (1 - DAMPING)
    wider = variance[rows, last][:, None] * steps / n[:, None]
    return np.where(beyond > 0, faded, point), np.where(beyond > 0, wider, variance)
