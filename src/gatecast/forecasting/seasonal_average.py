"""The newest season, and the mean of the newest seasons, each series with the season of its own.

Shapes: n_series rows, T columns of the past, h steps, P season of a series.
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

__all__ = ["SeasonalAverage", "SeasonalCopy"]


@register
@dataclass(frozen=True)
class SeasonalCopy(DatedModel):
    """The newest season, repeated: seasonal naive with the season of each series.

    Example:
        >>> SeasonalCopy().forecast(np.array([[1.0, 5.0, 3.0, 7.0]]), Task(2, 2, (0.5,)))[..., 0].tolist()
        [[3.0, 7.0]]
    """

    name: ClassVar[str] = "seasonal-copy"
    column: ClassVar[str] = "SeasonalCopy"

    def forecast_dated(self, values: FloatArray, task: Task, calendar: SeasonCalendar | None) -> FloatArray:
        """Forecast each series from its own newest season."""
        return by_own_season(values, task, calendar=calendar)


@register
@dataclass(frozen=True)
class SeasonalAverage(DatedModel):
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

    def forecast_dated(self, values: FloatArray, task: Task, calendar: SeasonCalendar | None) -> FloatArray:
        """Forecast each series from its own newest seasons."""
        return by_own_season(values, task, self._point, calendar=calendar)

    def _point(self, values: FloatArray, P: int, h: int) -> FloatArray:
        """Return the mean cycle, repeated, [n, h]."""
        cycle = known_mean(newest_cycles(values, P, complete_only=False)[:, -self.n_cycles :], axis=1)
        return cycle[:, np.arange(h) % P]
