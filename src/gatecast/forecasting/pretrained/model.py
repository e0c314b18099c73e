"""The pretrained network as a model: it forecasts any series at once, without having seen one like it.

It was trained on synthetic series alone (`gatecast.data.synth`): nothing of the series to forecast, nor of any public
collection, is in its weights.

Shapes: n_series rows, T columns of the past, h steps, Q quantiles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import NormalDist
from typing import Any, ClassVar

import numpy as np

from gatecast._utils.typing import Float32Array, FloatArray, IntArray
from gatecast.forecasting.base import (
    CarriedState,
    FittedLocalModel,
    LocalModel,
    ModelState,
    Overrides,
    PanelSummary,
    SimpleWeights,
    StepCallback,
    Task,
)
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.monitoring import ValidationMonitor
from gatecast.forecasting.own_seasons import choose_own_seasons
from gatecast.forecasting.pretrained import finetuning
from gatecast.forecasting.pretrained.head import BLOCK, LEVELS, THIRDS
from gatecast.forecasting.pretrained.predict import MAX_LENGTH, predict_anchor_weights, predict_quantiles
from gatecast.forecasting.pretrained.released import load_released
from gatecast.forecasting.pretrained.shared_passes import shared_origins
from gatecast.forecasting.pretrained.statistics import N_ANCHORS
from gatecast.forecasting.pretrained.streaming import forecast_step, from_arrays, to_arrays
from gatecast.forecasting.registry import register
from gatecast.nn.network import Network, Weights, load_weights, zeros_like

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

    Args:
        finetune: Whether `fit` trains the network further on the series, if their newest values say that it helps.

    Source: docs/zero-shot.md has inputs, layers, training and its results.

    Example:
        >>> from gatecast.forecasting.context import PanelContext
        >>> model = Pretrained().fit(PanelContext.from_values(np.ones((1, 2))), Task(horizon=2))
        >>> model.predict_quantiles(PanelContext.from_values(np.full((1, 20), 7.0)))[0, :, 2].round(1).tolist()
        [7.0, 7.0]
    """

    name: ClassVar[str] = "pretrained"
    column: ClassVar[str] = "Pretrained"

    finetune: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "needs_training", self.finetune)

    @property
    def max_steps(self) -> int:
        """Updates, at most."""
        return finetuning.MAX_STEPS if self.finetune else 0

    @classmethod
    def default_for(cls, panel: PanelSummary, task: Task, overrides: Overrides) -> Pretrained:
        """Return the released network, to be trained further if the user wants that."""
        config: Pretrained = overrides.apply(cls())
        return config

    def fit(
        self,
        context: PanelContext,
        task: Task,
        *,
        init: Any = None,
        monitor: ValidationMonitor | None = None,
        on_step: StepCallback | None = None,
    ) -> FittedPretrained:
        """Remember the task, and train the network further if that is wanted; tuned weights of `init` stay.

        Where training did not help, the config of the model says not to try again.
        """
        if init is not None:
            return FittedPretrained(self, task, init.tuned, init.findings)
        if not self.finetune:
            return FittedPretrained(self, task)
        released, values = load_released(), context.values
        tuned = finetuning.fine_tune(
            released.network,
            released.weights,
            values,
            _seasons(values, task),
            task.horizon,
            seed=task.seed,
            on_step=on_step,
        )
        config = self if tuned.vector is not None else replace(self, finetune=False)
        return FittedPretrained(config, task, tuned.vector, (tuned.finding,))

    def forecast(self, values: FloatArray, task: Task) -> FloatArray:
        """Forecast each series with the released weights."""
        return FittedPretrained(self, task).predict_quantiles(PanelContext.from_values(values))

    @classmethod
    def from_state(cls, state: ModelState, task: Task) -> FittedPretrained:
        """Restore a model from the fields of its config, with its tuned weights."""
        config = cls(finetune=bool(state.settings.get("finetune", False)))
        return FittedPretrained(config, task, state.arrays.get("weights"), tuple(state.settings.get("findings", ())))


@dataclass(frozen=True, eq=False)
class FittedPretrained(FittedLocalModel):
    """The pretrained network with its task.

    Args:
        config: As it was fitted.
        task: What it forecasts.
        tuned: Weights that were trained further; None: the released ones are used.
        findings: What fine-tuning came to, as sentences.
    """

    config: Pretrained
    tuned: Float32Array | None = None
    findings: tuple[str, ...] = ()

    @property
    def refits_to_series(self) -> bool:
        """Whether nothing of the series is in its weights."""
        return self.tuned is None

    @cached_property
    def network(self) -> tuple[Network, Weights]:
        """Layers and weights."""
        released = load_released()
        if self.tuned is None:
            return released.network, released.weights
        weights = zeros_like(released.weights)
        load_weights(weights, self.tuned)
        return released.network, weights

    def predict_quantiles(self, context: PanelContext) -> FloatArray:
        """Forecast each row; rows that are a series as it was earlier share one pass over it."""
        task, n = self.task, len(context)
        can_share = task.horizon <= BLOCK and context.values.shape[1] <= MAX_LENGTH
        ends = np.stack([np.arange(n), np.zeros(n, np.int64)], axis=1)
        return _forecast(self.network, context.values, task, shared_origins(context) if can_share else ends)

    def to_state(self) -> ModelState:
        """Return the config, and the tuned weights as float32."""
        settings = {"finetune": self.config.finetune, "findings": list(self.findings)}
        return ModelState(settings, {} if self.tuned is None else {"weights": self.tuned})

    def step_quantiles(self, context: PanelContext, state: CarriedState | None) -> tuple[FloatArray, CarriedState]:
        """Forecast one step later from the carried state of the network."""
        values = context.values
        before = None if state is None else from_arrays(state)
        forecasts, after = forecast_step(*self.network, values, self.task.horizon, _seasons(values, self.task), before)
        return at_levels(forecasts, self.task.quantiles), to_arrays(after)

    def simple_weights(self, context: PanelContext) -> SimpleWeights:
        """Return how much each simple forecast counts at the ends of series."""
        size = BLOCK // THIRDS
        seasons = _seasons(context.values, self.task)
        weights = np.empty((len(context), THIRDS, N_ANCHORS))
        for m in np.unique(seasons).tolist():
            rows = np.flatnonzero(seasons == m)
            weights[rows] = predict_anchor_weights(*self.network, context.values[rows], m)
        first = 1 + size * np.arange(THIRDS)
        return SimpleWeights(ANCHOR_NAMES, first, first + size - 1, weights)


def _forecast(network: tuple[Network, Weights], values: FloatArray, task: Task, origins: IntArray) -> FloatArray:
    """Forecast from origins: a row and the number of its values that follow each, [n_rows, 2]."""
    forecasts = np.full((len(values), task.horizon, len(LEVELS)), np.nan)
    seasons = _seasons(values, task)
    for m in np.unique(seasons).tolist():
        rows = np.flatnonzero(seasons == m)
        holders, place = np.unique(origins[rows, 0], return_inverse=True)
        earlier = np.stack([place.ravel(), origins[rows, 1]], axis=1)
        forecasts[rows] = predict_quantiles(*network, values[holders], task.horizon, m, earlier)
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
