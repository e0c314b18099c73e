"""The pretrained network as a model: it forecasts any series at once, without having seen one like it.

It was trained on synthetic series alone (`gatecast.data.synth`): nothing of the series to forecast, nor of any public
collection, is in its weights.

Shapes: n_series rows, T columns of the past, h steps, Q quantiles.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache, partial
from statistics import NormalDist
from typing import Any, ClassVar

import numpy as np

from gatecast._utils.checkpoint import within
from gatecast._utils.schema import check_array, from_json
from gatecast._utils.typing import Float32Array, FloatArray, IntArray
from gatecast._utils.validation import check_positive_int
from gatecast.forecasting.base import (
    CarriedState,
    FittedLocalModel,
    LocalModel,
    ModelState,
    Overrides,
    PanelSummary,
    SimpleForecastWeights,
    StepCallback,
    Task,
)
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.held_results import held_results
from gatecast.forecasting.monitoring import ValidationMonitor
from gatecast.forecasting.pretrained import finetuning
from gatecast.forecasting.pretrained.choice import Choice, choose_networks, low_frequency
from gatecast.forecasting.pretrained.head import LEVELS
from gatecast.forecasting.pretrained.hf import predict as hf
from gatecast.forecasting.pretrained.hf.finetuning import HighSeries
from gatecast.forecasting.pretrained.lf import predict as lf
from gatecast.forecasting.pretrained.lf.features import BLOCK
from gatecast.forecasting.pretrained.lf.finetuning import LowSeries
from gatecast.forecasting.pretrained.lf.held_passes import HeldPasses
from gatecast.forecasting.pretrained.lf.streaming import check_carried, forecast_step, from_arrays, to_arrays
from gatecast.forecasting.pretrained.released import WEIGHTS, load_released
from gatecast.forecasting.pretrained.shared_passes import shared_origins
from gatecast.forecasting.pretrained.simple_forecast_weights import simple_forecast_weights
from gatecast.forecasting.registry import register
from gatecast.forecasting.training_checkpoint import train_once
from gatecast.nn.network import Network, Weights, load_weights, zeros_like

__all__ = ["Pretrained", "PretrainedLF"]

MAX_HELD = 1024
"""Series, at most, whose passes are held in memory: .1 MB each."""

DIGEST = "weights"
"""Name of the array that says which weights have left a state."""

_PASSES = "passes of the low-frequency network"

NAMES = {"lf": "low frequency", "hf": "high frequency"}
"""Networks as findings call them."""

TUNED = {"lf": "weights", "hf": "weights.hf"}
"""Names of tuned weights in a file."""


@register
@dataclass(frozen=True)
class Pretrained(LocalModel):
    """Recurrent networks that were trained on synthetic series, and forecast others as they are.

    One is for yearly to weekly series, one for days, hours and minutes. Each series has its own season, the one of the
    calendar that repeats best in its past.

    Args:
        finetune: Whether `fit` trains each network further on its series, if their newest values say that it helps.
        max_steps: Updates of such a training, at most.

    Raises:
        ConfigError: max_steps below 1.

    Source: docs/pretraining.md has inputs, layers, training and its results.

    Example:
        >>> from gatecast.forecasting.context import PanelContext
        >>> model = Pretrained().fit(PanelContext.from_values(np.ones((1, 2))), Task(horizon=2))
        >>> model.predict_quantiles(PanelContext.from_values(np.full((1, 20), 7.0)))[0, :, 2].round(1).tolist()
        [7.0, 7.0]
    """

    name: ClassVar[str] = "pretrained"
    column: ClassVar[str] = "Pretrained"
    is_calibrated: ClassVar[bool] = True
    finer_quantiles: ClassVar[tuple[float, ...]] = LEVELS

    finetune: bool = False
    max_steps: int = finetuning.MAX_STEPS

    def __post_init__(self) -> None:
        check_positive_int(self.max_steps, "max_steps of fine-tuning")
        object.__setattr__(self, "needs_training", self.finetune)

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
        series = _tuning_series(context.values, self.choose(context.values, task), task.horizon)
        results = {kind: self._fine_tune(kind, of_kind, task.seed, on_step) for kind, of_kind in series.items()}
        tuned = {kind: result.vector for kind, result in results.items() if result.vector is not None}
        config = self if tuned else replace(self, finetune=False)
        names = {kind: f"{NAMES[kind]}: " if len(results) > 1 else "" for kind in results}
        findings = tuple(names[kind] + result.finding for kind, result in results.items())
        return FittedPretrained(config, task, tuned, findings)

    def _fine_tune(
        self, kind: str, series: finetuning.TuningSeries, seed: int, on_step: StepCallback | None
    ) -> finetuning.FineTuned:
        """Train a network further on its series, or load what an interrupted run has trained."""
        released = load_released(WEIGHTS[kind])
        tune = partial(
            finetuning.fine_tune, released.network, released.weights, series, max_steps=self.max_steps, seed=seed
        )
        with within("network", kind):
            tuned: finetuning.FineTuned = train_once(
                lambda report: tune(on_step=report),
                on_step,
                lambda tuned: ({"finding": tuned.finding}, {} if tuned.vector is None else {"vector": tuned.vector}),
                lambda settings, arrays: finetuning.FineTuned(arrays.get("vector"), settings["finding"]),
            )
        return tuned

    def choose(self, values: FloatArray, task: Task) -> Choice:
        """Choose the network and the seasons of each series."""
        return choose_networks(values, task)

    def forecast(self, values: FloatArray, task: Task) -> FloatArray:
        """Forecast each series with the released weights."""
        return FittedPretrained(self, task).predict_quantiles(PanelContext.from_values(values))

    def read_ahead(self, context: PanelContext, task: Task) -> None:
        """Run the network of low frequency over whole series, where earlier origins can be answered from that."""
        held, values = held_results(), context.values
        is_short = values.shape[1] <= lf.MAX_LENGTH and task.horizon <= BLOCK
        if held is None or self.finetune or not is_short or len(values) > MAX_HELD:
            return
        passes = held.setdefault(_PASSES, HeldPasses())
        released = load_released(WEIGHTS["lf"])
        for rows, is_hf, m, _ in self.choose(values, task).groups():
            if not is_hf:
                lf.read_ahead(released.network, released.weights, values[rows], m, passes)

    @classmethod
    def from_state(cls, state: ModelState, task: Task) -> FittedPretrained:
        """Restore a model from the fields of its config, with its tuned weights."""
        settings = dict(state.settings)
        findings = from_json(tuple[str, ...], settings.pop("findings", []), "findings")
        config = from_json(cls, settings, "settings")
        tuned = {
            kind: check_array(state.arrays, name, np.float32, (load_released(WEIGHTS[kind]).weights.vector.size,))
            for kind, name in TUNED.items()
            if name in state.arrays
        }
        return FittedPretrained(config, task, tuned, findings)


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


@dataclass(frozen=True, eq=False)
class FittedPretrained(FittedLocalModel):
    """The pretrained networks with their task.

    Args:
        config: As it was fitted.
        task: What it forecasts.
        tuned: Weights that were trained further, by kind of network; of others the released ones are used.
        findings: What fine-tuning came to, as sentences.
    """

    config: Pretrained
    tuned: Mapping[str, Float32Array] = field(default_factory=dict)
    findings: tuple[str, ...] = ()

    @property
    def refits_to_series(self) -> bool:
        """Whether nothing of the series is in its weights."""
        return not self.tuned

    @cached_property
    def low(self) -> tuple[Network, Weights]:
        """Layers and weights of the low-frequency network."""
        return self._network("lf")

    @cached_property
    def high(self) -> tuple[Network, Weights]:
        """Layers and weights of the high-frequency network."""
        return self._network("hf")

    def _network(self, kind: str) -> tuple[Network, Weights]:
        """Return layers and weights of a network, tuned if they were."""
        released = load_released(WEIGHTS[kind])
        if kind not in self.tuned:
            return released.network, released.weights
        weights = zeros_like(released.weights)
        load_weights(weights, self.tuned[kind])
        return released.network, weights

    @cached_property
    def _digest(self) -> IntArray:
        """What tells these weights from others, (1,): states that others left mean nothing to them."""
        digest = hashlib.sha256(self.low[1].vector.tobytes()).digest()
        return np.frombuffer(digest[:8], "<i8").astype(np.int64)

    def predict_quantiles(self, context: PanelContext) -> FloatArray:
        """Forecast each row; rows that are a series as it was earlier share passes over it."""
        values, task = context.values, self.task
        origins = shared_origins(context)
        passes = None if "lf" in self.tuned else (held_results() or {}).get(_PASSES)
        forecasts = np.full((len(values), task.horizon, len(LEVELS)), np.nan)
        for rows, is_hf, m, long in self.config.choose(values, task).groups():
            if is_hf:
                forecasts[rows] = self._forecast_high(values, rows, m, long, origins[rows])
            else:
                forecasts[rows] = _forecast_low(self.low, values, task.horizon, m, rows, origins, passes)
        return at_levels(forecasts, task.quantiles)

    def _forecast_high(
        self, values: FloatArray, rows: IntArray, m: int, long: int, origins: IntArray | None = None
    ) -> FloatArray:
        """Return quantiles of the high-frequency network for some rows, which have the same seasons."""
        n, h = len(values), self.task.horizon
        return hf.predict_quantiles(*self.high, values[rows], h, m, long, origins, n_together=n)

    def to_state(self) -> ModelState:
        """Return the config, and the tuned weights as float32."""
        settings: dict[str, Any] = {"finetune": self.config.finetune, "max_steps": self.config.max_steps}
        settings["findings"] = list(self.findings)
        return ModelState(settings, {TUNED[kind]: vector for kind, vector in self.tuned.items()})

    def step_quantiles(self, context: PanelContext, state: CarriedState | None) -> tuple[FloatArray, CarriedState]:
        """Forecast one step later: from the carried state at low frequency, from the newest values at high."""
        values, task = context.values, self.task
        choice = self.config.choose(values, task)
        before = from_arrays(_without_digest(state)) if state is not None and self._has_left(state) else None
        low = np.where(choice.is_hf[:, None], np.nan, values)
        forecasts, after = forecast_step(*self.low, low, task.horizon, choice.season, before)
        for rows, is_hf, m, long in choice.groups():
            if is_hf:
                forecasts[rows] = self._forecast_high(values, rows, m, long)
        return at_levels(forecasts, task.quantiles), {**to_arrays(after), DIGEST: self._digest}

    def check_state(self, state: CarriedState, n_series: int) -> None:
        """Raise an error unless a state from a file is one of the low-frequency network for so many series.

        One that other weights have left, those of another version, is not read: the next step begins anew.
        """
        if self._has_left(state):
            check_carried(self.low[0], _without_digest(state), n_series)

    def _has_left(self, state: CarriedState) -> bool:
        """Return whether a state comes from these weights."""
        return np.array_equal(state.get(DIGEST, ()), self._digest)

    def simple_forecast_weights(self, context: PanelContext) -> SimpleForecastWeights:
        """Return how much each simple forecast counts at the ends of series."""
        return simple_forecast_weights(
            context.values, self.config.choose(context.values, self.task), self.low, self.high
        )


def _tuning_series(values: FloatArray, choice: Choice, h: int) -> dict[str, finetuning.TuningSeries]:
    """Return what each network that forecasts any series would learn from."""
    low, high = ~choice.is_hf, choice.is_hf
    series: dict[str, finetuning.TuningSeries] = {}
    if low.any():
        series["lf"] = LowSeries(values[low], choice.season[low], h)
    if high.any():
        series["hf"] = HighSeries(values[high], np.stack([choice.season, choice.long], axis=1)[high], h)
    return series


def _without_digest(state: CarriedState) -> dict[str, Any]:
    """Return what the network carries."""
    return {name: array for name, array in state.items() if name != DIGEST}


def _forecast_low(
    network: tuple[Network, Weights],
    values: FloatArray,
    h: int,
    m: int,
    rows: IntArray,
    origins: IntArray,
    passes: HeldPasses | None,
) -> FloatArray:
    """Return quantiles of the low-frequency network for some rows, from the passes over the series that hold them.

    Beyond a block, or beyond the values that are read, each has a pass of its own. So have series with negative values,
    whose size is that of the whole.
    """
    if h > BLOCK or values.shape[1] > lf.MAX_LENGTH:
        return lf.predict_quantiles(*network, values[rows], h, m, passes=passes)
    itself = np.stack([rows, np.zeros_like(rows)], axis=1)
    is_negative = (values[origins[rows, 0]] < 0).any(axis=1)
    of_rows = np.where(is_negative[:, None], itself, origins[rows])
    holders, place = np.unique(of_rows[:, 0], return_inverse=True)
    earlier = np.stack([place.ravel(), of_rows[:, 1]], axis=1)
    return lf.predict_quantiles(*network, values[holders], h, m, earlier, passes)


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
    right, share = _between_levels(tuple(levels))
    return np.asarray((1 - share) * quantiles[..., right - 1] + share * quantiles[..., right])


@lru_cache(maxsize=256)
def _between_levels(levels: tuple[float, ...]) -> tuple[IntArray, FloatArray]:
    """Return the level of the network after each level, and how far it is from the one before to that."""
    known = np.array([NormalDist().inv_cdf(level) for level in LEVELS])
    wanted = np.array([NormalDist().inv_cdf(level) for level in levels])
    right = np.clip(np.searchsorted(known, wanted), 1, len(known) - 1)
    return right, (wanted - known[right - 1]) / (known[right] - known[right - 1])
