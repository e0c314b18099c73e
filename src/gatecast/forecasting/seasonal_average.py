"""The mean of the newest seasons, each series with the season of its own.

Shapes: n_series rows, T columns of the past, h steps, P season of a series.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gatecast._utils.typing import FloatArray
from gatecast.forecasting.base import LocalModel, Task
from gatecast.forecasting.baselines import naive
from gatecast.forecasting.own_seasons import choose_own_seasons
from gatecast.forecasting.registry import register

__all__ = ["SeasonalAverage", "SeasonalCopy", "by_own_season", "newest_cycles", "season_spread"]

MAX_CYCLES = 64
"""Newest cycles that are read."""


@register
@dataclass(frozen=True)
class SeasonalAverage(LocalModel):
    """The mean of the same phase in the newest seasons.

    Args:
        n_cycles: Seasons, at most.

    Example:
        >>> y = np.array([[1.0, 5.0, 3.0, 7.0]])
        >>> SeasonalAverage(2).forecast(y, Task(2, 2, (0.5,)))[..., 0].tolist()
        [[2.0, 6.0]]
    """

    name: ClassVar[str] = "seasonal-average"
    column: ClassVar[str] = "SeasonalAverage"

    n_cycles: int = 4

    def forecast(self, values: FloatArray, task: Task) -> FloatArray:
        """Forecast each series from its own newest seasons."""

        def point(rows: FloatArray, P: int) -> FloatArray:
            """Return the mean cycle, repeated."""
            cycles = newest_cycles(rows, P)[:, -self.n_cycles :]
            return np.asarray(np.resize(np.nanmean(cycles, axis=1).T, (task.horizon, len(rows))).T)

        return by_own_season(values, task, point)


@register
@dataclass(frozen=True)
class SeasonalCopy(SeasonalAverage):
    """The newest season, repeated: seasonal naive with the season of each series.

    Example:
        >>> SeasonalCopy().forecast(np.array([[1.0, 5.0, 3.0, 7.0]]), Task(2, 2, (0.5,)))[..., 0].tolist()
        [[3.0, 7.0]]
    """

    name: ClassVar[str] = "seasonal-copy"
    column: ClassVar[str] = "SeasonalCopy"

    n_cycles: int = 1


def by_own_season(
    values: FloatArray, task: Task, point: Callable[[FloatArray, int], FloatArray], min_cycles: int = 1
) -> FloatArray:
    """Forecast series of the same season together.

    Args:
        values: Series aligned at their ends, [n_series, T]; NaN is missing.
        task: Horizon, seasons, quantiles.
        point: Maps values [n, T] of one season and this season to forecasts [n, h]; NaN is replaced by the last value.
        min_cycles: Cycles below which a series has no forecast.

    Returns:
        Quantiles with normal errors of the size of past changes over the season, [n_series, h, Q].
    """
    own = choose_own_seasons(values, task.seasons or (task.season_length,))
    forecasts, spread = np.full((2, len(values), task.horizon), np.nan)
    observed = np.isfinite(values)
    n = np.where(observed.any(axis=1), values.shape[1] - observed.argmax(axis=1), 0)
    for P in np.unique(own):
        rows = np.flatnonzero((own == P) & (n >= min_cycles * P) & (n > 0))
        if not len(rows):
            continue
        past = values[rows, -int(n[rows].max()) :]
        with np.errstate(all="ignore"):
            forecasts[rows] = point(past, int(P))
        spread[rows] = season_spread(past, task.horizon, int(P))
        unknown = ~np.isfinite(forecasts[rows])
        if unknown.any():
            forecasts[rows] = np.where(unknown, naive(past, task.horizon), forecasts[rows])
    return LocalModel.normal_quantiles(forecasts, spread, task.quantiles)


def newest_cycles(values: FloatArray, P: int, max_cycles: int = MAX_CYCLES) -> FloatArray:
    """Return the newest whole cycles, [n_series, n_cycles, P]; a missing value is that of the cycle before, if any.

    Example:
        >>> newest_cycles(np.array([[9.0, 1.0, 2.0, np.nan, 4.0]]), 2).tolist()
        [[[1.0, 2.0], [1.0, 4.0]]]
    """
    n = min(values.shape[1] // P, max_cycles)
    cycles = values[:, values.shape[1] - n * P :].reshape(len(values), n, P)
    seen = np.isfinite(cycles)
    if seen.all():
        return cycles
    last = np.maximum.accumulate(np.where(seen, np.arange(n)[:, None], -1), axis=1)
    filled = np.take_along_axis(cycles, np.maximum(last, 0), axis=1)
    return np.where(last >= 0, filled, np.nan)


def season_spread(values: FloatArray, h: int, P: int) -> FloatArray:
    """Return the root mean square change over a season, times the root of the seasons ahead, [n_series, h]."""
    changes = values[:, P:] - values[:, :-P] if values.shape[1] > P else values[:, :0]
    known = np.isfinite(changes)
    size = np.where(known, changes, 0.0)
    deviation = np.sqrt((size * size).sum(axis=1) / np.maximum(known.sum(axis=1), 1))
    return np.asarray(deviation[:, None] * np.sqrt(np.arange(h) // P + 1))
