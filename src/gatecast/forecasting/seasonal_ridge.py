"""Autoregression on the lags of the seasons, by ridge regression towards an airline-like prior, a series at a time.

    z[t] = c + sum_k b[k] z[t - k],  k in {1, 2, P, P + 1, 2 P} and, of a longer season M, {M, M + 1}

z is the logarithm of a positive series, standardized. Newer errors weigh more (halved every two cycles of the longest
season), and the coefficients are drawn to b[1] = .4, b[P] = .6, b[P + 1] = -.25: a few cycles are enough. Forecasts are
fed back, and cut half a standard deviation beyond the range of the past.

Shapes: n_series rows, T columns of the past, h steps, P season of a series, K lags.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gatecast._utils.arrays import history_lengths
from gatecast._utils.typing import FloatArray, IntArray
from gatecast.data.season_calendar import SeasonCalendar
from gatecast.forecasting.base import DatedModel, Task
from gatecast.forecasting.own_seasons import Point, by_own_season
from gatecast.forecasting.registry import register
from gatecast.forecasting.scaling import forward_fill, has_logarithm, without_zeros

__all__ = ["SeasonalRidge"]

PENALTY = 10.0
"""Weight of the prior, in observations."""

PRIOR = {"one": 0.4, "season": 0.6, "both": -0.25}

HALF_LIFE = 2
"""Cycles of the longest lag after which errors weigh half."""

MIN_CYCLES = 2

MIN_ROWS = 24
"""Equations below which a series has no forecast."""

MAX_BEYOND = 0.5
"""Standard deviations that a forecast may go beyond the past."""

MAX_LENGTH = 4096
"""Newest values of a series that are used."""

BATCH_NUMBERS = 4_000_000
"""Numbers in the equations of a batch."""


@register
@dataclass(frozen=True)
class SeasonalRidge(DatedModel):
    """Autoregression on seasonal lags.

    Example:
        >>> y = np.tile([1.0, 3.0, 2.0], 20)[None]
        >>> SeasonalRidge().forecast(y, Task(3, 3, (0.5,)))[..., 0].round(1).tolist()
        [[1.0, 2.9, 2.0]]
    """

    name: ClassVar[str] = "seasonal-ridge"
    column: ClassVar[str] = "SeasonalRidge"

    def forecast_dated(self, values: FloatArray, task: Task, calendar: SeasonCalendar | None) -> FloatArray:
        """Forecast each series from its own lags; seasonal naive for fewer than 24 equations."""
        return by_own_season(values, task, self._point(task), MIN_CYCLES, calendar)

    @staticmethod
    def _point(task: Task) -> Point:
        """Return the forecast of series with one season, next to the longest one of the task."""
        longest = max(task.seasons or (task.season_length,))

        def point(past: FloatArray, P: int, h: int) -> FloatArray:
            """Return forecasts, [n, h]."""
            past = past[:, -MAX_LENGTH:]
            n = history_lengths(past)
            size, lags = max(1, BATCH_NUMBERS // (past.shape[1] * 8)), _lags(P, longest, n)
            parts = [slice(start, start + size) for start in range(0, len(past), size)]
            return np.concatenate([_regress(past[part], n[part], lags, P, h) for part in parts])

        return point


def _lags(P: int, longest: int, n: IntArray) -> list[int]:
    """Return the lags of a season, and of a longer one that typical series hold three times."""
    lags = {1, 2, P, P + 1, 2 * P} if P > 1 else {1, 2}
    if longest > P and np.median(n) >= 3 * longest:
        lags |= {longest, longest + 1}
    return sorted(lags)


def _prior(lags: list[int], P: int) -> FloatArray:
    """Return the coefficients that the fitted ones are drawn to, the constant last."""
    prior = dict.fromkeys(lags, 0.0)
    prior[1] = PRIOR["one"] if P > 1 else 1.0
    if P > 1:
        prior[P] = prior[P] + PRIOR["season"]
        prior[P + 1] = prior[P + 1] + PRIOR["both"]
    return np.array([*prior.values(), 0.0])


def _regress(values: FloatArray, n: IntArray, lags: list[int], P: int, h: int) -> FloatArray:
    """Return forecasts of series with the same lags, [n_series, h]."""
    positive = has_logarithm(values)[:, None]
    values = without_zeros(values, positive[:, 0])
    observed = np.isfinite(values)
    z = np.where(positive, np.log(np.where(positive & observed, values, 1.0)), values)
    z = forward_fill(np.where(observed, z, np.nan))
    inside = np.arange(z.shape[1]) >= z.shape[1] - n[:, None]
    mean = np.where(inside, z, 0.0).sum(axis=1, keepdims=True) / n[:, None]
    deviation = np.sqrt((np.where(inside, z - mean, 0.0) ** 2).sum(axis=1, keepdims=True) / n[:, None])
    deviation = np.where(deviation > 0, deviation, 1.0)
    z = (z - mean) / deviation
    T, longest = z.shape[1], max(lags)
    if longest + MIN_ROWS > T:
        return np.full((len(values), h), np.nan)
    columns = [z[:, longest - lag : T - lag] for lag in lags]
    X = np.stack([*columns, np.ones_like(columns[0])], axis=2)
    y = z[:, longest:]
    age = np.arange(T - longest)[::-1]
    weight = 0.5 ** (age / (HALF_LIFE * longest)) * (age < (n - longest)[:, None])
    prior = _prior(lags, P)
    XtW = X.transpose(0, 2, 1) * weight[:, None]
    normal = XtW @ X + PENALTY * np.eye(len(prior))
    residual = (y - X @ prior)[..., None]
    b = prior + np.linalg.solve(normal, XtW @ residual)[..., 0]
    low, high = np.where(inside, z, np.inf).min(axis=1), np.where(inside, z, -np.inf).max(axis=1)
    path = np.concatenate([z, np.zeros((len(z), h))], axis=1)
    for k in range(h):
        path[:, T + k] = (path[:, [T + k - lag for lag in lags]] * b[:, :-1]).sum(axis=1) + b[:, -1]
        path[:, T + k] = np.clip(path[:, T + k], low - MAX_BEYOND, high + MAX_BEYOND)
    forecast = path[:, T:] * deviation + mean
    forecast = np.where(positive, np.exp(np.minimum(forecast, 700.0)), forecast)
    enough = n - longest >= MIN_ROWS
    return np.where(enough[:, None], forecast, np.nan)
