"""The dynamic optimized theta method for a full panel at once: the statistical companion of the networks.

A line and exponential smoothing, mixed: with the level ``l[t] = alpha y[t] + (1 - alpha) l[t-1]``, the line A + B t
through the values so far, and w = 1 - 1 / theta::

    mu[t+1] = l[t] + w ((1 - alpha)^(t+1) A[t] + (1 - (1 - alpha)^(t+2)) / alpha B[t])

Given alpha, the errors are linear in w and in the first level, so both have a closed least-squares solution, and only
alpha is searched for: no local minima, and all series side by side. w is drawn to 1/2, the classical method.

Shapes: n_series rows, T columns, n values of a series, h steps, m season length, Q quantiles, n_alphas values of alpha.

Source: Fiorucci, Pellegrini, Louzada, Petropoulos & Koehler 2016; the recursion as in their package forecTheta.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from gatecast._utils.typing import FloatArray, IntArray
from gatecast.data.season_calendar import SeasonCalendar
from gatecast.forecasting.base import DatedModel, LocalModel, Task
from gatecast.forecasting.registry import register
from gatecast.forecasting.seasonal_adjustment import AdjustedSeries, forecast_adjusted
from gatecast.kernels.smoothing import theta_forecast, theta_sums

__all__ = ["DynamicOptimizedTheta", "dot"]

ALPHAS = np.linspace(0.1, 0.99, 24)
"""Smoothing weights that are tried first."""

ALPHA_STEPS = np.linspace(-0.04, 0.04, 9)
"""Steps from the best of them that are tried next."""

PAIRS = ("ee", "ed", "ep", "dd", "dp", "pp")
"""Products of e, D and P whose sums the normal equations need, in the order of `theta_sums`."""

N_WARM_UP = 3
"""First errors that do not count, where there are enough others."""

RIDGE = 1e-6
"""Share of the mean square added to the normal equations: a series of three values has no unique solution."""

CLASSICAL = 0.5
"""The w of the classical theta method, theta = 2, that w is drawn to."""

PRIOR_VARIANCE = 0.3
"""Variance of w around it: of .02 to infinity the best on most validation tails."""

BATCH_SERIES = 8192
"""Series at a time."""

MAX_LENGTH = 1024
"""Newest values of a series that are used, if these are ten seasons at least."""

MAX_CYCLES = 10
"""Seasons that are used, where they are more values."""

MAX_SEASONAL_LENGTH, MIN_CYCLES = 3650, 3
"""Values beyond which fewer seasons do, and how many at least: a season of minutes has 1,440."""


@register
@dataclass(frozen=True)
class DynamicOptimizedTheta(DatedModel):
    """The dynamic optimized theta method.

    Source: Fiorucci et al. 2016.

    Example:
        >>> from gatecast.forecasting.context import PanelContext
        >>> model = DynamicOptimizedTheta().fit(PanelContext.from_values(np.ones((1, 2))), Task(horizon=2))
        >>> model.predict_quantiles(PanelContext.from_values(np.arange(1.0, 25.0)[None]))[0, :, 2].round(1).tolist()
        [25.0, 26.0]
    """

    name: ClassVar[str] = "dot"
    column: ClassVar[str] = "DynamicOptimizedTheta"

    def forecast_dated(self, values: FloatArray, task: Task, calendar: SeasonCalendar | None) -> FloatArray:
        """Forecast each series from its newest 1024 values or up to ten seasons."""
        m = task.season_length
        n = max(MAX_LENGTH, min(MAX_CYCLES * m, MAX_SEASONAL_LENGTH), MIN_CYCLES * m)
        dates = None if calendar is None else calendar.for_season(m)
        return dot(values[:, -n:], task.horizon, m, task.quantiles, dates)


def dot(
    values: FloatArray,
    h: int,
    m: int = 1,
    quantiles: Sequence[float] = (0.5,),
    calendar: SeasonCalendar | None = None,
) -> FloatArray:
    """Forecast quantiles of the h steps after the end of each series.

    The median is the point forecast; errors are taken for normal with variance ``s^2 (1 + (k - 1) alpha^2)``.

    Args:
        values: Series aligned at their ends, [n_series, T]; NaN before the beginning; a missing value is taken for the
            one before it.
        h: Steps.
        m: Season length; classical indices are removed where the autocorrelation shows a season.
        quantiles: Levels, increasing.
        calendar: What the places in the season are counted by; None: by steps.

    Returns:
        [n_series, h, Q]; NaN for a series without a value, the constant for one that does not vary.

    Example:
        >>> dot(np.arange(1.0, 25.0)[None], 2)[0, :, 0].round(1).tolist()
        [25.0, 26.0]
    """
    return forecast_adjusted(values, h, m, quantiles, calendar, _forecast_batch, BATCH_SERIES)


def _forecast_batch(adjusted: AdjustedSeries, h: int, quantiles: Sequence[float]) -> FloatArray:
    """`dot` for series of similar lengths."""
    y, n = adjusted.values, adjusted.n
    # Sums of squares of small errors around a large level lose their digits; the method does not depend on the level.
    center = y[:, -1:].copy()
    spread = np.abs(y - center).max(axis=1, keepdims=True)
    spread[spread == 0] = 1.0
    y = (y - center) / spread
    coarse = _fit(y, n, np.broadcast_to(ALPHAS, (len(y), len(ALPHAS))))
    best = _fit(y, n, np.clip(coarse.alpha[:, None] + ALPHA_STEPS, ALPHAS[0], ALPHAS[-1]))
    point, deviation = _forecast(y, n, best, h)
    q = LocalModel.normal_quantiles(point, deviation, quantiles)
    return adjusted.restore(q * spread[..., None] + center[..., None])


class _Fit(NamedTuple):
    """Best parameters, [n_series] each."""

    alpha: FloatArray
    w: FloatArray
    first: FloatArray
    variance: FloatArray


def _fit(y: FloatArray, n: IntArray, alphas: FloatArray) -> _Fit:
    """Fit w in [0, 1] and the first level for each alpha [n_series, n_alphas]; return those of the best alpha."""
    n_warm_up = np.where(n > 3 * N_WARM_UP, N_WARM_UP, 1)
    sums = dict(zip(PAIRS, theta_sums(y, n, n_warm_up, alphas), strict=True))
    # Drawn to the classical method by a prior in units of the errors: what is a line without any stays one.
    _, _, error = _solve(sums, y[:, :1])
    prior = np.maximum(error, 0.0) / np.maximum(n - n_warm_up, 1)[:, None] / PRIOR_VARIANCE
    sums["ed"] += CLASSICAL * prior
    sums["dd"] += prior
    sums["ee"] += CLASSICAL**2 * prior
    w, first, error = _solve(sums, y[:, :1])
    best = error.argmin(axis=1)[:, None]
    alpha, w, first, error = (np.take_along_axis(x, best, axis=1)[:, 0] for x in (alphas, w, first, error))
    degrees = np.maximum(n - n_warm_up - 3, 1)
    return _Fit(alpha, w, first, np.maximum(error, 0.0) / degrees)


def _solve(sums: dict[str, FloatArray], start: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return w within [0, 1], the first level and the sum of squares from the sums of products of e, D and P.

    Args:
        sums: By pair, [n_series, n_alphas].
        start: First value, [n_series, 1].
    """
    ee, ed, ep, dd, dp, pp = (sums[name] for name in PAIRS)
    ridge = RIDGE * (dd + pp) + 1e-12
    ep_ridge, pp_ridge = ep + ridge * start, pp + ridge  # towards a first level of y[0]
    determinant = (dd + ridge) * pp_ridge - dp * dp
    w = np.clip((ed * pp_ridge - ep_ridge * dp) / determinant, 0.0, 1.0)
    first = (ep_ridge - w * dp) / pp_ridge
    error = ee - 2 * w * ed - 2 * first * ep + w * w * dd + 2 * w * first * dp + first * first * pp
    return w, first, error


def _forecast(y: FloatArray, n: IntArray, fit: _Fit, h: int) -> tuple[FloatArray, FloatArray]:
    """Return points and standard deviations, [n_series, h]."""
    point = theta_forecast(y, n, fit.alpha, fit.w, fit.first, h)
    k = np.arange(h)
    return point, np.sqrt(fit.variance[:, None] * (1 + k * (fit.alpha**2)[:, None]))
