"""Croston's method as a model of gatecast."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gatecast.forecasting import LocalModel, Task


@dataclass(frozen=True)
class Croston(LocalModel):
    """Croston's method for intermittent demand: smoothed demand over the smoothed interval between demands.

    Args:
        alpha: Smoothing weight of the newest demand and interval.

    Source: Croston 1972.

    Example:
        >>> from gatecast.testing import check_model
        >>> check_model(Croston())
    """

    name: ClassVar[str] = "croston"
    column: ClassVar[str] = "Croston"

    alpha: float = 0.1

    def forecast(self, values: np.ndarray, task: Task) -> np.ndarray:
        """Forecast each series from its demands, the values other than 0."""
        rate = np.array([self._rate(row[np.isfinite(row)]) for row in values])
        deviation = np.array([np.std(row[np.isfinite(row)]) if np.isfinite(row).any() else np.nan for row in values])
        point, spread = (np.repeat(column[:, None], task.horizon, axis=1) for column in (rate, deviation))
        return self.normal_quantiles(point, spread, task.quantiles)

    def _rate(self, y: np.ndarray) -> float:
        """Return the demand per step; NaN for a series without a value."""
        demands = np.flatnonzero(y)
        if not len(demands):
            return 0.0 if len(y) else float("nan")
        size, interval = y[demands[0]], demands[0] + 1.0
        for before, step in itertools.pairwise(demands):
            size += self.alpha * (y[step] - size)
            interval += self.alpha * (step - before - interval)
        return float(size / interval)
