"""Level times shape: the mean shape of the newest cycles, and the level of a cycle forecast by its own past.

With the cycles of a series as rows and c[i] their means: the shape is the mean of cycle / c[i] over the newest four;
the level follows ``c[i] - c = r (c[i-1] - c)`` around the mean c of all, and stays the last one where r is near 1.

Shapes: n_series rows, T columns of the past, h steps, P season of a series.

Source: level and frozen shape as in FLAIR (arXiv 2605.07222).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gatecast._utils.typing import FloatArray
from gatecast.forecasting.base import LocalModel, Task
from gatecast.forecasting.registry import register
from gatecast.forecasting.seasonal_average import by_own_season, newest_cycles

__all__ = ["LevelShape"]

N_SHAPES = 4
"""Newest cycles that make the shape."""

MAX_REVERSION = 0.95
"""Coefficient from which the level is taken for a random walk."""

MIN_CYCLES = 3


@register
@dataclass(frozen=True)
class LevelShape(LocalModel):
    """The shape of the newest cycles at the level that is to be expected.

    Example:
        >>> y = np.tile([1.0, 3.0], 6)[None]
        >>> LevelShape().forecast(y, Task(2, 2, (0.5,)))[..., 0].tolist()
        [[1.0, 3.0]]
    """

    name: ClassVar[str] = "level-shape"
    column: ClassVar[str] = "LevelShape"

    def forecast(self, values: FloatArray, task: Task) -> FloatArray:
        """Forecast each series from its own cycles; NaN for fewer than three of them."""
        return by_own_season(values, task, lambda past, P: _point(past, P, task.horizon), MIN_CYCLES)


def _point(values: FloatArray, P: int, h: int) -> FloatArray:
    """Return forecasts of series with one season, [n, h]; NaN where a cycle's mean is 0."""
    cycles = newest_cycles(values, P)
    level = np.nanmean(cycles, axis=2)
    shape = np.nanmean(cycles[:, -N_SHAPES:] / level[:, -N_SHAPES:, None], axis=1)
    shape /= shape.mean(axis=1, keepdims=True)
    mean = np.nanmean(level, axis=1, keepdims=True)
    deviation = np.nan_to_num(level - mean)
    squares = (deviation[:, :-1] ** 2).sum(axis=1)
    reversion = (deviation[:, 1:] * deviation[:, :-1]).sum(axis=1) / np.where(squares > 0, squares, np.inf)
    reversion = np.clip(reversion, 0.0, 1.0)[:, None]
    ahead = np.arange(1, -(-h // P) + 1)
    levels = np.where(
        reversion < MAX_REVERSION,
        mean + reversion**ahead * (level[:, -1:] - mean),
        np.repeat(level[:, -1:], len(ahead), 1),
    )
    return np.asarray((levels[:, :, None] * shape[:, None]).reshape(len(values), -1)[:, :h])
