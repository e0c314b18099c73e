"""The protocol of forecasting models: a config that can be fitted, and the fitted model that forecasts.

A config is a frozen dataclass: an unfitted model as plain data. Fitting it on a panel gives a model, which forecasts
quantiles of any series of the same frequency. Two methods each are required; what else a model can do is a protocol
of its own (`PredictsInsample`, `HasNetworks`, `IsDifferentiable`), and callers ask for that protocol, never for a kind
of model.

Shapes: n_series rows, T columns of the past, horizon steps, Q quantiles.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from gatecast._utils.schema import SchemaError, check_fields
from gatecast._utils.typing import FloatArray
from gatecast._utils.validation import MAX_STEPS
from gatecast.config import NetworkConfig, TrainingConfig
from gatecast.data.panel import Panel
from gatecast.data.season_calendar import SeasonCalendar
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.monitoring import ValidationMonitor
from gatecast.kernels.packing import Array
from gatecast.nn.network import Network, Weights
from gatecast.nn.training import StepRecord

if TYPE_CHECKING:
    from gatecast.forecasting.attribution import AttributionBins, AttributionTarget, DifferentiablePath

__all__ = [
    "QUANTILES",
    "CarriedState",
    "CarriesState",
    "ChecksCarriedState",
    "DatedModel",
    "Family",
    "FittedLocalModel",
    "ForecastModel",
    "HasFindings",
    "HasNetworks",
    "IsDifferentiable",
    "LocalModel",
    "MixesSimpleForecasts",
    "ModelConfig",
    "ModelState",
    "NetworkView",
    "Overrides",
    "PanelSummary",
    "PredictsInsample",
    "RefitsToSeries",
    "SimpleForecastWeights",
    "StepCallback",
    "Task",
    "restore_config",
]

Family = Literal["network", "statistical", "baseline"]

QUANTILES = (0.025, 0.1, 0.5, 0.9, 0.975)
"""Quantiles that models forecast unless a task says otherwise."""

MAX_SEASON = 10**6
"""Steps in a season of a file, at most: a year of minutes is shorter."""

MAX_SIZE = 10**9
"""Largest integer in the config of a file: no size or number of updates is larger."""

LIMITS = {"season_length": MAX_SEASON, "input_size": MAX_STEPS}
"""The same for some fields: memory is taken for each step of a window."""

StepCallback = Callable[[StepRecord], object]
"""Is called after every training step."""


class Task(NamedTuple):
    """What every model is asked to forecast.

    Args:
        horizon: Steps ahead.
        season_length: Steps in a season; 1 for none.
        quantiles: Levels, increasing and odd in number, 0.5 in the middle.
        seed: Same seed, same bits.
        seasons: All seasons that series may have, the shortest first: of hours, the day and the week; (): that of
            `season_length` alone.
        panel_season: Season that long series of a panel show to short ones; 1 for none.
        calendar_season: Shortest season of the calendar, whether the series show it or not: it tells days from years; 1
            for none, or where the user said what the season is.
    """

    horizon: int
    season_length: int = 1
    quantiles: tuple[float, ...] = QUANTILES
    seed: int = 0
    seasons: tuple[int, ...] = ()
    panel_season: int = 1
    calendar_season: int = 1


class PanelSummary(NamedTuple):
    """What defaults may depend on.

    Args:
        lengths: Values of each series, [n_series].
    """

    lengths: npt.NDArray[np.int64]

    @classmethod
    def of(cls, panel: Panel) -> PanelSummary:
        """Summarize a panel."""
        return cls(panel.lengths)

    @property
    def n_series(self) -> int:
        """Number of series."""
        return len(self.lengths)

    @property
    def typical_length(self) -> int:
        """Median number of values of a series."""
        return int(np.median(self.lengths))


class Overrides(NamedTuple):
    """Settings that the user fixed; a model applies those that it has."""

    network: NetworkConfig = NetworkConfig()
    training: TrainingConfig = TrainingConfig()

    def values(self) -> dict[str, Any]:
        """Return the fixed settings by name."""
        settings = {
            "input_size": self.network.input_size,
            "units": self.network.units,
            "n_layers": self.network.n_layers,
            "dropout": self.network.dropout,
            "max_steps": self.training.max_steps,
            "batch_size": self.training.batch_size,
            "learning_rate": self.training.learning_rate,
            # A number of steps that the user fixed is not cut short by early stopping.
            "min_improvement": None if self.training.max_steps is None else 1.0,
            "finetune": self.training.finetune or None,
        }
        return {name: value for name, value in settings.items() if value is not None}

    def apply(self, config: Any) -> Any:
        """Return a config with the fixed settings that it has in place of its own."""
        names = {item.name for item in fields(config)}
        return replace(config, **{name: value for name, value in self.values().items() if name in names})


@dataclass(frozen=True)
class ModelState:
    """A fitted model as it is saved: nothing in it is executed when it is loaded.

    Args:
        settings: JSON values.
        arrays: Arrays by name.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)


def restore_config(kind: Any, settings: Mapping[str, Any], task: Task) -> Any:
    """Return a config from a file, after a check of its fields.

    Args:
        kind: A config class, a dataclass.
        settings: Its fields.
        task: What the model forecasts.

    Raises:
        SchemaError: Fields that the class has not, values of other types, or quantiles that are not those of the task.
        ConfigError: Values that the class refuses.

    Example:
        >>> from gatecast.forecasting.baselines import Naive
        >>> restore_config(Naive, {}, Task(1)).name
        'naive'
    """
    fields_of_file = check_fields(kind, settings, "settings")
    for name, value in fields_of_file.items():
        limit = LIMITS.get(name, MAX_SIZE)
        if isinstance(value, int) and value > limit:
            raise SchemaError(f"settings.{name} is beyond {limit:,}")
    levels = fields_of_file.get("quantiles", task.quantiles)
    if tuple(levels) != tuple(task.quantiles):
        raise SchemaError(f"settings.quantiles are {list(levels)}, expected those of the task, {list(task.quantiles)}")
    return kind(**fields_of_file)


class ForecastModel(Protocol):
    """A fitted model."""

    @property
    def config(self) -> ModelConfig:
        """The config that it was fitted from."""

    def predict_quantiles(self, context: PanelContext) -> FloatArray:
        """Forecast the steps after the end of each series.

        Args:
            context: Any series, not only those of `fit`, with the exogenous columns known for the horizon.

        Returns:
            Quantiles in the unit of the series, increasing along the last axis, [n_series, horizon, Q]; NaN for a
            series without a forecast.
        """

    def to_state(self) -> ModelState:
        """Return what `from_state` needs besides the task."""


class ModelConfig(Protocol):
    """An unfitted model: a frozen dataclass.

    `name` is what users write and the key in files ("lstm"); `column` is the column of its forecasts ("LSTM");
    `family` says what a model reads: baselines see a series as it is, the others without the season of a panel.
    """

    @property
    def name(self) -> str:
        """Name in `model=`."""

    @property
    def column(self) -> str:
        """Column of its forecasts."""

    @property
    def family(self) -> Family:
        """Models of one family err alike."""

    @classmethod
    def default_for(cls, panel: PanelSummary, task: Task, overrides: Overrides) -> ModelConfig:
        """Return the defaults for a panel and a task, with the settings that the user fixed."""

    def fit(
        self,
        context: PanelContext,
        task: Task,
        *,
        init: Any = None,
        monitor: ValidationMonitor | None = None,
        on_step: StepCallback | None = None,
    ) -> ForecastModel:
        """Fit on a panel.

        Args:
            context: Series, with known effects of exogenous columns removed and columns standardized.
            task: Horizon, season length, quantiles, seed.
            init: A fitted model of this config to continue from; None: fit afresh.
            monitor: Measures errors on validation rows during training; models without training ignore it.
            on_step: Is called after every training step.
        """

    @classmethod
    def from_state(cls, state: ModelState, task: Task) -> ForecastModel:
        """Restore a fitted model from what `to_state` returned."""


class NetworkView(NamedTuple):
    """A network of a fitted model, for looking into it.

    Args:
        network: Layers.
        weights: Their parameters.
        inputs: Maps a context of one series to what the network reads before it forecasts, [1, n_origins, features].
        stride: Steps of the series from one input to the next.
        input_size: Values of the series in a window.
        settings: The config of the network.
        one_cycle: Whether the learning rate followed one cycle.
        n_other_parameters: Parameters besides the weights, such as those of each series.
    """

    network: Network
    weights: Weights
    inputs: Callable[[PanelContext], Array]
    stride: int
    input_size: int
    settings: Any
    one_cycle: bool = True
    n_other_parameters: int = 0

    @property
    def n_parameters(self) -> int:
        """Number of all parameters."""
        return self.weights.vector.size + self.n_other_parameters


@runtime_checkable
class PredictsInsample(Protocol):
    """A model that can forecast each past value one step ahead."""

    def predict_insample(self, context: PanelContext) -> FloatArray:
        """Return medians, [n_series, T]; NaN up to the first value of a series."""


@runtime_checkable
class RefitsToSeries(Protocol):
    """A model that is fitted anew to the past of each series wherever it forecasts.

    It may be asked at origins before the end of what `fit` saw: nothing later leaks into such a forecast.
    """

    @property
    def refits_to_series(self) -> bool:
        """True; what counts is that the model says so."""


@runtime_checkable
class HasNetworks(Protocol):
    """A model made of networks that can be looked into."""

    def networks(self) -> Sequence[NetworkView]:
        """Return its networks."""


@runtime_checkable
class HasFindings(Protocol):
    """A model whose fit has something to tell."""

    @property
    def findings(self) -> tuple[str, ...]:
        """What was noticed, as sentences."""


@runtime_checkable
class IsDifferentiable(Protocol):
    """A model whose forecast is a differentiable function of what it reads."""

    def attribution_columns(self) -> int:
        """Return how many of the newest values a forecast can depend on."""

    def attribution_path(
        self, context: PanelContext, target: AttributionTarget, bins: AttributionBins
    ) -> DifferentiablePath:
        """Return one number of a forecast as a function of what is read, for one series."""


CarriedState = Mapping[str, npt.NDArray[Any]]
"""What a model carries from one step of a stream to the next: arrays by name, as they are saved."""


@runtime_checkable
class CarriesState(Protocol):
    """A model that forecasts one step later at the cost of one step."""

    def step_quantiles(self, context: PanelContext, state: CarriedState | None) -> tuple[FloatArray, CarriedState]:
        """Forecast as `predict_quantiles` does, from the state that an earlier call returned.

        Args:
            context: The series.
            state: What this method returned for the same series without their newest step; None: nothing.

        Returns:
            Quantiles, [n_series, horizon, Q]; and what the next step needs. Arrays are never changed in place.
        """


@runtime_checkable
class ChecksCarriedState(Protocol):
    """A model that can tell whether a state from a file is one of its own."""

    def check_state(self, state: CarriedState, n_series: int) -> None:
        """Raise a ValueError that says why it is not."""


class SimpleForecastWeights(NamedTuple):
    """How much each simple forecast counts in a forecast, by steps ahead.

    Args:
        names: Of the simple forecasts.
        first: First step of each range of steps, [n_ranges].
        last: Last step of each, [n_ranges].
        weights: [n_series, n_ranges, n_names], which sum to 1 over the names.
    """

    names: tuple[str, ...]
    first: npt.NDArray[np.int64]
    last: npt.NDArray[np.int64]
    weights: FloatArray


@runtime_checkable
class MixesSimpleForecasts(Protocol):
    """A model that starts from simple forecasts, and can say how much each counts."""

    def simple_forecast_weights(self, context: PanelContext) -> SimpleForecastWeights:
        """Return the weights for series with a value each."""


@dataclass(frozen=True)
class LocalModel:
    """Base class of models that are fitted to each series by itself, when it is forecast.

    A subclass is a frozen dataclass with `name`, `column` and one method, `forecast`; everything else follows.

    Example:
        >>> @dataclass(frozen=True)
        ... class Last(LocalModel):
        ...     name: ClassVar[str] = "last"
        ...     column: ClassVar[str] = "Last"
        ...     def forecast(self, values, task):
        ...         last = np.repeat(values[:, -1:], task.horizon, axis=1)
        ...         return self.normal_quantiles(last, np.ones_like(last), task.quantiles)
        >>> task = Task(horizon=2, quantiles=(0.1, 0.5, 0.9))
        >>> model = Last().fit(PanelContext.from_values(np.array([[1.0, 2.0]])), task)
        >>> model.predict_quantiles(PanelContext.from_values(np.array([[3.0, 5.0]]))).round(2).tolist()
        [[[3.72, 5.0, 6.28], [3.72, 5.0, 6.28]]]
    """

    name: ClassVar[str]
    column: ClassVar[str]
    family: ClassVar[Family] = "statistical"
    needs_training: ClassVar[bool] = False
    """Whether `fit` has to come before any forecast."""
    is_quick: ClassVar[bool] = True
    """Whether a fit takes so little that past origins may be forecast as well, to learn from their errors."""
    is_calibrated: ClassVar[bool] = False
    """Whether its quantiles hold what they state without any error of these series measured."""
    reads_exogenous: ClassVar[bool] = False
    """Whether it reads exogenous columns itself; the effects of future ones are removed before in any case."""
    finer_quantiles: ClassVar[tuple[float, ...]] = ()
    """More levels than the usual ones that it gives at no cost, if there are any."""

    @classmethod
    def default_for(cls, panel: PanelSummary, task: Task, overrides: Overrides) -> LocalModel:
        """Return the defaults of the dataclass; fixed settings of networks do not matter here."""
        return cls()

    def forecast(self, values: FloatArray, task: Task) -> FloatArray:
        """Forecast each series from its own values.

        Args:
            values: Series aligned at their ends, [n_series, T]; NaN is missing, or before the series began.
            task: Horizon, season length and quantiles.

        Returns:
            Quantiles, increasing along the last axis, [n_series, horizon, Q]; NaN for a series without a forecast.
        """
        raise NotImplementedError

    def forecast_rows(self, context: PanelContext, task: Task) -> FloatArray:
        """Forecast series with all that is known of them, as `forecast`; by default from their values alone."""
        return self.forecast(context.values, task)

    @property
    def fitted_class(self) -> type[FittedLocalModel]:
        """The class of the fitted model, where it can do more than forecast."""
        return FittedLocalModel

    def fit(
        self,
        context: PanelContext,
        task: Task,
        *,
        init: Any = None,
        monitor: ValidationMonitor | None = None,
        on_step: StepCallback | None = None,
    ) -> FittedLocalModel:
        """Remember the task: the rest happens series by series in `forecast`."""
        return self.fitted_class(self, task)

    @classmethod
    def from_state(cls, state: ModelState, task: Task) -> FittedLocalModel:
        """Restore a model from the fields of its config."""
        config: LocalModel = restore_config(cls, state.settings, task)
        return config.fitted_class(config, task)

    @staticmethod
    def normal_quantiles(mean: FloatArray, deviation: FloatArray, quantiles: Sequence[float]) -> FloatArray:
        """Return quantiles of a normal distribution, ``mean + deviation * z(q)``, [..., Q]."""
        z = np.array([NormalDist().inv_cdf(q) for q in quantiles])
        return np.asarray(mean[..., None] + deviation[..., None] * z)


@dataclass(frozen=True)
class DatedModel(LocalModel):
    """Base class of local models that count a yearly season by dates, where series have them.

    A subclass has `forecast_dated` in place of `forecast`.
    """

    def forecast_dated(self, values: FloatArray, task: Task, calendar: SeasonCalendar | None) -> FloatArray:
        """Forecast each series from its own values and dates.

        Args:
            values: As for `forecast`.
            task: As for `forecast`.
            calendar: Dates of daily and weekly series; None: seasons are counted by steps.
        """
        raise NotImplementedError

    def forecast(self, values: FloatArray, task: Task) -> FloatArray:
        """Forecast each series from its own values alone."""
        return self.forecast_dated(values, task, None)

    def forecast_rows(self, context: PanelContext, task: Task) -> FloatArray:
        """Forecast each series, with a yearly season counted by its dates."""
        return self.forecast_dated(context.values, task, context.calendar)


@dataclass(frozen=True)
class FittedLocalModel:
    """A `LocalModel` with its task."""

    config: LocalModel
    task: Task

    @property
    def refits_to_series(self) -> bool:
        """Whether it may be asked at many past origins: it can, but not if a fit takes long."""
        return self.config.is_quick

    def predict_quantiles(self, context: PanelContext) -> FloatArray:
        """Forecast each series from its own values."""
        return self.config.forecast_rows(context, self.task)

    def to_state(self) -> ModelState:
        """Return the fields of the config."""
        return ModelState({item.name: getattr(self.config, item.name) for item in fields(self.config)})
