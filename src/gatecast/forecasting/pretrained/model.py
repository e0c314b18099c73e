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
from gatecast.forecasting.pretrained.choice import Choice, choose_networks, low_frequency
from gatecast.forecasting.pretrained.head import LEVELS
from gatecast.forecasting.pretrained.hf import predict as hf
from gatecast.forecasting.pretrained.lf import predict as lf
from gatecast.forecasting.pretrained.lf.features import BLOCK
from gatecast.forecasting.pretrained.released import WEIGHTS, load_released
from gatecast.forecasting.pretrained.shared_passes import shared_origins
from gatecast.forecasting.pretrained.simple_weights import simple_weights
from gatecast.forecasting.registry import register

__all__ = ["Pretrained", "PretrainedLF"]


@register
@dataclass(frozen=True)
class Pretrained(LocalModel):
    """Recurrent networks that were trained on synthetic series, and forecast others as they are.

    One is for yearly to weekly series, one for days, hours and minutes. Each series has its own season, the one of the
    calendar that repeats best in its past.

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

    def choose(self, values: FloatArray, task: Task) -> Choice:
        """Choose the network and the seasons of each series."""
        return choose_networks(values, task)

    def forecast(self, values: FloatArray, task: Task) -> FloatArray:
        """Forecast each series from its newest values."""
        n = len(values)
        return self._forecast(values, task, np.stack([np.arange(n), np.zeros(n, np.int64)], axis=1))

    def forecast_rows(self, context: PanelContext, task: Task) -> FloatArray:
        """Forecast each row; rows of low frequency that are a series as it was earlier share one pass over it."""
        can_share = task.horizon <= BLOCK and context.values.shape[1] <= lf.MAX_LENGTH
        return (
            self._forecast(context.values, task, shared_origins(context))
            if can_share
            else self.forecast(context.values, task)
        )

    def _forecast(self, values: FloatArray, task: Task, origins: IntArray) -> FloatArray:
        """Forecast from origins: a row and the number of its values that follow each, [n_rows, 2]."""
        forecasts = np.full((len(values), task.horizon, len(LEVELS)), np.nan)
        for rows, is_hf, m, long in self.choose(values, task).groups():
            forecast = _forecast_high if is_hf else _forecast_low
            forecasts[rows] = forecast(values, task.horizon, rows, origins, m, long)
        return at_levels(forecasts, task.quantiles)


@register
@dataclass(frozen=True)
class PretrainedLF(Pretrained):
    """The low-frequency network for all series: where levels drift it knows more of days and hours than copies do.

    Example:
        >>> hours = np.arange(200.0)[None]
        >>> PretrainedLF().forecast(hours, Task(2, 24, (0.5,)))[0, :, 0].round().tolist()
        [200.0, 201.0]
    """

    name: ClassVar[str] = "pretrained-lf"
    column: ClassVar[str] = "PretrainedLF"

    def choose(self, values: FloatArray, task: Task) -> Choice:
        """Choose low frequency, and the season of each series."""
        return low_frequency(values, task)


@dataclass(frozen=True)
class FittedPretrained(FittedLocalModel):
    """The pretrained networks with their task."""

    config: Pretrained

    def simple_weights(self, context: PanelContext) -> SimpleWeights:
        """Return how much each simple forecast counts at the ends of series."""
        return simple_weights(context.values, self.config.choose(context.values, self.task))


def _forecast_low(values: FloatArray, h: int, rows: IntArray, origins: IntArray, m: int, _long: int) -> FloatArray:
    """Return quantiles of the low-frequency network for some rows, from the passes over the series that hold them."""
    released = load_released(WEIGHTS["lf"])
    holders, place = np.unique(origins[rows, 0], return_inverse=True)
    earlier = np.stack([place.ravel(), origins[rows, 1]], axis=1)
    return lf.predict_quantiles(released.network, released.weights, values[holders], h, m, earlier)


def _forecast_high(values: FloatArray, h: int, rows: IntArray, _origins: IntArray, m: int, long: int) -> FloatArray:
    """Return quantiles of the high-frequency network for some rows, a pass each: tokens end where a series ends."""
    released = load_released(WEIGHTS["hf"])
    return hf.predict_quantiles(released.network, released.weights, values[rows], h, m, long)


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
