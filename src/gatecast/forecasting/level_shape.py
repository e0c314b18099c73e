"""Level times shape: the mean shape of the newest cycles, and the level of a cycle forecast by its own past.

With the cycles of a series as rows and c[i] their means: the shape is the mean of cycle / c[i] over the newest four;
the level follows ``c[i] - c = r (c[i-1] - c)`` around the mean c of all, and stays the last one where r is near 1.
Series that are not positive have level plus shape.

Shapes: n_series rows, T columns of the past, h steps, P season of a series.

Source: level and frozen shape as in FLAIR (arXiv 2605.07222).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gatecast._utils.typing import FloatArray
from gatecast.data.season_calendar import SeasonCalendar
from gatecast.forecasting.base import DatedModel, Task
from gatecast.forecasting.cycles import known_mean, newest_cycles
from gatecast.forecasting.own_seasons import by_own_season
from gatecast.forecasting.registry import register

__all__ = ["LevelShape"]

N_SHAPES = 4
"""Newest cycles that make the shape."""

MAX_REVERSION = 0.95
"""Coefficient from which the level is taken for a random walk."""

MIN_CYCLES = 3


@register
@dataclass(frozen=True)
class LevelShape(DatedModel):
    """The shape of the newest cycles at the level that is to be expected.

    Example:
        >>> y = np.tile([1.0, 3.0], 6)[None]
        >>> LevelShape().forecast(y, Task(2, 2, (0.5,)))[..., 0].tolist()
        [[1.0, 3.0]]
    """

    name: ClassVar[str] = "level-shape"
    column: ClassVar[str] = "LevelShape"

    def forecast_dated(self, values: FloatArray, task: Task, calendar: SeasonCalendar | None) -> FloatArray:
        """Forecast each series from its own cycles; seasonal naive for fewer than three of them."""
        return by_own_season(values, task, _point, MIN_CYCLES, calendar)


def _point(values: FloatArray, P: int, h: int) -> FloatArray:
    """Return forecasts of series with one season, [n, h]."""
    cycles = newest_cycles(values, P)
    level = cycles.mean(axis=2)
    positive = np.asarray((np.where(np.isfinite(values), values, 1.0) > 0).all(axis=1))[:, None]
    newest, base = cycles[:, -N_SHAPES:], level[:, -N_SHAPES:, None]
    shape = known_mean(np.where(positive[:, None], newest / base, newest - base), axis=1)
    levels = _levels(level, -(-h // P))[:, :, None]
    forecast = np.where(positive[:, None], levels * shape[:, None], levels + shape[:, None])
    return np.asarray(forecast.reshape(len(values), -1)[:, :h])


def _levels(level: FloatArray, n: int) -> FloatArray:
    """Return the levels of the next n cycles, from those of the past [n_series, n_cycles]."""
    mean, last = known_mean(level, axis=1)[:, None], level[:, -1:]
    deviation = np.nan_to_num(level - mean)
    squares = (deviation[:, :-1] ** 2).sum(axis=1)
    reversion = (deviation[:, 1:] * deviation[:, :-1]).sum(axis=1) / np.where(squares > 0, squares, np.inf)
    reversion = np.clip(reversion, 0.0, 1.0)[:, None]
    reverting = mean + reversion ** np.arange(1, n + 1) * (last - mean)
    return np.where(reversion < MAX_REVERSION, reverting, np.repeat(last, n, axis=1))
