"""The pretrained network as a model: it forecasts any series at once, without having seen one like it.

It was trained on synthetic series alone (`gatecast.data.synth`): nothing of the series to forecast, nor of any public
collection, is in its weights.

Shapes: n_series rows, T columns of the past, h steps, Q quantiles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import ClassVar

import numpy as np

from gatecast._utils.typing import FloatArray, IntArray
from gatecast.forecasting.base import FittedLocalModel, LocalModel, SimpleWeights, Task
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.own_seasons import choose_own_seasons
from gatecast.forecasting.pretrained.head import BLOCK, LEVELS, THIRDS
from gatecast.forecasting.pretrained.lf.predict import MAX_LENGTH, predict_anchor_weights, predict_quantiles
from gatecast.forecasting.pretrained.released import load_released
from gatecast.forecasting.pretrained.shared_passes import shared_origins
from gatecast.forecasting.pretrained.lf.statistics import N_ANCHORS
from gatecast.forecasting.registry import register

__all__ = ["MAX_SEASON", "Pretrained"]

ANCHOR_NAMES = ("level", "drift", "damped trend", "recent mean")
"""Simple forecasts, in the order of the network's weights; the season is added to each."""

MAX_SEASON = 60
"""Longest season that the network was trained on."""


@register
@dataclass(frozen=True)
class Pretrained(LocalModel):
    """A recurrent network that was trained on synthetic series, and forecasts others as it is.

    Each series has its own season, the one of the calendar that repeats best in its past. Seasons longer than 60 steps
    are not seen.

    Source: docs/zero-shot.md has inputs, layers, training and its results.

    Example:
        >>> from gatecast.forecasting.context import PanelContext
        >>> model = Pretrained().fit(PanelContext.from_values(np.ones((1, 2))), Task(horizon=2))
        >>> model.predict_quantiles(PanelContext.from_values(np.full((1, 20), 7.0)))[0, :, 2].round(1).tolist()
        [7.0, 7.0]
    """

    name: ClassVar[str] = "pretrained"
    column: ClassVar[str] = "Pretrained"

    @property
    def fitted_class(self) -> type[FittedLocalModel]:
        """That which knows the weights of the simple forecasts."""
        return FittedPretrained

    def forecast(self, values: FloatArray, task: Task) -> FloatArray:
        """Forecast each series from its newest values."""
        n = len(values)
        return _forecast(values, task, np.stack([np.arange(n), np.zeros(n, np.int64)], axis=1))

    def forecast_rows(self, context: PanelContext, task: Task) -> FloatArray:
        """Forecast each row; rows that are a series as it was earlier share one pass over it."""
        can_share = task.horizon <= BLOCK and context.values.shape[1] <= MAX_LENGTH
        return (
            _forecast(context.values, task, shared_origins(context))
            if can_share
            else self.forecast(context.values, task)
        )


@dataclass(frozen=True)
class FittedPretrained(FittedLocalModel):
    """The pretrained network with its task."""

    def simple_weights(self, context: PanelContext) -> SimpleWeights:
        """Return how much each simple forecast counts at the ends of series."""
        released, size = load_released(), BLOCK // THIRDS
        seasons = _seasons(context.values, self.task)
        weights = np.empty((len(context), THIRDS, N_ANCHORS))
        for m in np.unique(seasons).tolist():
            rows = np.flatnonzero(seasons == m)
            weights[rows] = predict_anchor_weights(released.network, released.weights, context.values[rows], m)
        first = 1 + size * np.arange(THIRDS)
        return SimpleWeights(ANCHOR_NAMES, first, first + size - 1, weights)


def _forecast(values: FloatArray, task: Task, origins: IntArray) -> FloatArray:
    """Forecast from origins: a row and the number of its values that follow each, [n_rows, 2]."""
    released = load_released()
    forecasts = np.full((len(values), task.horizon, len(LEVELS)), np.nan)
    seasons = _seasons(values, task)
    for m in np.unique(seasons).tolist():
        rows = np.flatnonzero(seasons == m)
        holders, place = np.unique(origins[rows, 0], return_inverse=True)
        earlier = np.stack([place.ravel(), origins[rows, 1]], axis=1)
        forecasts[rows] = predict_quantiles(
            released.network, released.weights, values[holders], task.horizon, m, earlier
        )
    return at_levels(forecasts, task.quantiles)


def _seasons(values: FloatArray, task: Task) -> IntArray:
    """Return the season of each series, at most 60, [n_series]."""
    candidates = [m for m in task.seasons or (task.season_length,) if m <= MAX_SEASON] or [1]
    if max(candidates) == 1:
        return np.ones(len(values), np.int64)
    chosen = choose_own_seasons(values, candidates)
    return np.where(chosen <= MAX_SEASON, chosen, 1)


def at_levels(quantiles: FloatArray, levels: Sequence[float]) -> FloatArray:
    """Return quantiles of other levels than those of the network: linear in the normal score between and beyond them.

    Args:
        quantiles: Of `LEVELS`, [..., n_levels].
        levels: Increasing.

    Returns:
        [..., Q].

    Example:
        >>> z = np.array([NormalDist().inv_cdf(level) for level in LEVELS])
        >>> at_levels(10 + z, (0.01, 0.25, 0.5)).round(2).tolist()
        [7.67, 9.33, 10.0]
    """
    known = np.array([NormalDist().inv_cdf(level) for level in LEVELS])
    wanted = np.array([NormalDist().inv_cdf(level) for level in levels])
    right = np.clip(np.searchsorted(known, wanted), 1, len(known) - 1)
    share = (wanted - known[right - 1]) / (known[right] - known[right - 1])
    return np.asarray((1 - share) * quantiles[..., right - 1] + share * quantiles[..., right])
