"""Several models side by side: fitted on a panel, forecasting together, and their weighted mean.

Shapes: n_series rows, horizon steps, Q quantiles.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from gatecast._utils.checkpoint import within
from gatecast._utils.typing import FloatArray
from gatecast.errors import ConfigError
from gatecast.forecasting.base import (
    CarriedState,
    CarriesState,
    Family,
    FittedLocalModel,
    ForecastModel,
    HasFindings,
    HasNetworks,
    IsDifferentiable,
    LocalModel,
    ModelConfig,
    ModelState,
    NetworkView,
    PredictsInsample,
    RefitsToSeries,
    StepCallback,
    Task,
)
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.median import FittedMedian, MedianOf, Refined, members_of
from gatecast.forecasting.monitoring import MonitorData, ValidationMonitor, mean_error
from gatecast.forecasting.panel_effects import PanelEffects
from gatecast.forecasting.presets import unique_columns
from gatecast.forecasting.training_checkpoint import train_once
from gatecast.nn.memory_limits import check_allocation
from gatecast.nn.training import StepRecord

__all__ = [
    "COMBINED",
    "FitCallback",
    "FittedEnsemble",
    "fit_models",
    "fit_untrained",
    "refine",
    "stops_early",
    "trial_configs",
    "update_models",
    "weighted_average",
]


COMBINED = "Ensemble"
"""Column of the weighted mean."""

FitCallback = Callable[[int, float, StepRecord], object]
"""Is called after every training step with the position of the model, the share of all trainings done, and the step."""

N_COPIES = 4
"""Copies of its forecasts that a model makes on the way, at least; the pretrained network makes seven."""

ROUNDING = 1e-6
"""Relative size of steps down from one quantile to the next that are rounding."""


@dataclass(frozen=True)
class FittedEnsemble:
    """Models that were fitted on a panel.

    Args:
        models: The fitted models.
        configs: What they are fitted from, also next time.
        columns: The column of each.
        effects: What the series share, which wraps all models.
        task: What they forecast.
    """

    models: tuple[ForecastModel, ...]
    configs: tuple[ModelConfig, ...]
    columns: tuple[str, ...]
    effects: PanelEffects
    task: Task

    @property
    def findings(self) -> tuple[str, ...]:
        """What the fits of the models noticed, as sentences."""
        return tuple(sentence for model in self.models if isinstance(model, HasFindings) for sentence in model.findings)

    def networks(self) -> list[tuple[str, NetworkView]]:
        """Return the networks of all models, with the columns of their models."""
        return [
            (column, view)
            for column, model in zip(self.columns, self.models, strict=True)
            if isinstance(model, HasNetworks)
            for view in model.networks()
        ]

    def refitting(self) -> FittedEnsemble | None:
        """Return the models that are fitted anew wherever they forecast; None: there is none."""
        chosen = [
            k for k, model in enumerate(self.models) if isinstance(model, RefitsToSeries) and model.refits_to_series
        ]
        return self.select([self.columns[k] for k in chosen]) if chosen else None

    def select(self, columns: Sequence[str]) -> FittedEnsemble:
        """Return some of the models."""
        chosen = [self.columns.index(column) for column in columns]
        models, configs = tuple(self.models[k] for k in chosen), tuple(self.configs[k] for k in chosen)
        return replace(self, models=models, configs=configs, columns=tuple(columns))

    def with_horizon(self, horizon: int) -> FittedEnsemble:
        """Return the models with another horizon, where none was trained for its own."""
        task = self.task._replace(horizon=horizon)
        models = tuple(type(model.config).from_state(model.to_state(), task) for model in self.models)
        return replace(self, models=models, task=task)

    def differentiable(self) -> tuple[str, Sequence[IsDifferentiable]] | None:
        """Return the column and the members of the first model whose forecast can be differentiated; None: no model."""
        for column, model in zip(self.columns, self.models, strict=True):
            members = model.members if isinstance(model, FittedMedian) else (model,)
            if all(isinstance(member, IsDifferentiable) for member in members):
                return column, members
        return None

    def predict_quantiles(self, context: PanelContext, n_steps: int | None = None) -> dict[str, FloatArray]:
        """Forecast with every model.

        Beyond the horizon, models that are fitted to each series by itself forecast all steps at once, as with a longer
        horizon. The others continue from their own medians; the distances to the median then grow as if errors of the
        stretches were independent: ``width[j h + k]^2 = j width[h]^2 + width[k]^2``.

        Args:
            context: Any series.
            n_steps: Steps ahead; None: the horizon.

        Returns:
            By column, [n_series, n_steps, Q]; NaN for a series without a forecast.

        Raises:
            DataError: More steps of more series than fit into memory.
        """
        n_steps = n_steps or self.task.horizon
        n_numbers = len(context) * n_steps * len(self.task.quantiles) * (len(self.models) + N_COPIES)
        what = f"A forecast of {n_steps:,} steps of {len(context):,} series"
        check_allocation(8 * n_numbers, what, "Forecast fewer steps, or fewer series at a time.")
        quantiles, clean = {}, dict[Family, PanelContext]()
        for column, model in zip(self.columns, self.models, strict=True):
            effects = self._read_by(model, context, clean)
            forecast = self._predict_steps(model, clean[model.config.family], n_steps)
            quantiles[column] = effects.restore(context, forecast)
        return quantiles

    def _read_by(self, model: ForecastModel, context: PanelContext, clean: dict[Family, PanelContext]) -> PanelEffects:
        """Return the effects that are removed before a model reads series; add the series without them to `clean`."""
        family = model.config.family
        effects = self.effects.for_baselines() if family == "baseline" else self.effects
        if family not in clean:
            clean[family] = effects.remove(context)
        return effects

    def step_quantiles(
        self, context: PanelContext, states: Sequence[CarriedState | None] | None = None
    ) -> tuple[dict[str, FloatArray], tuple[CarriedState | None, ...]]:
        """Forecast the horizon with every model, one step later than the last time.

        Models that carry their state go one step on; the others read the series anew.

        Args:
            context: The series.
            states: What this method returned for the series without their newest step; None: nothing.

        Returns:
            By column, [n_series, horizon, Q]; and what each model carries, None for those that carry nothing.
        """
        quantiles, after, clean = {}, [], dict[Family, PanelContext]()
        for column, model, before in zip(self.columns, self.models, states or [None] * len(self.models), strict=True):
            state: CarriedState | None = None
            effects = self._read_by(model, context, clean)
            series = clean[model.config.family]
            if isinstance(model, CarriesState):
                forecast, state = model.step_quantiles(series, before)
            else:
                forecast = _predict(model, series, self.task)
            quantiles[column] = effects.restore(context, forecast)
            after.append(state)
        return quantiles, tuple(after)

    def _predict_steps(self, model: ForecastModel, context: PanelContext, n_steps: int) -> FloatArray:
        """Forecast with one model; a network continues from its medians where the horizon ends."""
        if n_steps > self.task.horizon and isinstance(model, FittedLocalModel):
            task = self.task._replace(horizon=n_steps)
            return _predict(replace(model, task=task), context, task)
        middle, parts = len(self.task.quantiles) // 2, [_predict(model, context, self.task)]
        for _ in range(1, -(-n_steps // self.task.horizon)):
            context = context.append(parts[-1][..., middle])
            following, last = _predict(model, context, self.task), parts[-1][:, -1:]
            median = following[..., middle : middle + 1]
            width = np.hypot(last - last[..., middle : middle + 1], following - median)
            width[..., :middle] *= -1
            parts.append(median + width)
        return np.concatenate(parts, axis=1)[:, :n_steps]

    def predict_insample(self, context: PanelContext) -> tuple[str, FloatArray]:
        """Return the median of each past value one step ahead, by the first model that can.

        Returns:
            The column of that model; [n_series, T], NaN where no value precedes.

        Raises:
            ConfigError: No model has in-sample forecasts.
        """
        clean = self.effects.remove(context)
        for column, model in zip(self.columns, self.models, strict=True):
            if isinstance(model, FittedMedian) and not all(isinstance(m, PredictsInsample) for m in model.members):
                continue
            if isinstance(model, PredictsInsample):
                return column, self.effects.restore_insample(context, model.predict_insample(clean))
        raise ConfigError(
            "This model has no in-sample forecasts",
            got=", ".join(self.columns),
            expected="a model with in-sample forecasts, such as lstm, gru, rnn, es-lstm or segrnn",
        )


def _predict(model: ForecastModel, context: PanelContext, task: Task) -> FloatArray:
    """Forecast with one model, which may be another package's: what breaks the protocol is refused by its name."""
    quantiles: Any = model.predict_quantiles(context)
    name, expected = model.config.name, (len(context), task.horizon, len(task.quantiles))
    fix = "gatecast.testing.check_model shows what its package has to repair."
    shape, dtype = getattr(quantiles, "shape", None), getattr(quantiles, "dtype", None)
    if shape is None or dtype is None:
        raise ConfigError(f"Model {name!r} returned {type(quantiles).__name__}", expected="an array", fix=fix)
    if shape != expected:
        raise ConfigError(f"Model {name!r} returned shape {shape}", expected=str(expected), fix=fix)
    if dtype.kind != "f":
        raise ConfigError(f"Model {name!r} returned {dtype} numbers", expected="real ones", fix=fix)
    gaps = np.diff(quantiles, axis=-1)
    if (gaps < 0).any() and (gaps < -ROUNDING * np.abs(quantiles[..., 1:])).any():
        raise ConfigError(f"Model {name!r} returned quantiles that cross", expected="increasing ones", fix=fix)
    return np.asarray(quantiles, np.float64)


def trial_configs(configs: Sequence[ModelConfig]) -> list[ModelConfig]:
    """Return what is fitted where a validation part measures the models: fewer members."""
    return [config.trial() if isinstance(config, MedianOf) else config for config in configs]


def fit_models(
    configs: Sequence[ModelConfig],
    context: PanelContext,
    task: Task,
    *,
    init: FittedEnsemble | None = None,
    monitored: MonitorData | None = None,
    on_step: FitCallback | None = None,
) -> FittedEnsemble:
    """Fit models on a panel.

    Args:
        configs: The models.
        context: The series.
        task: What they forecast.
        init: Fitted models of these configs to continue from; None: fit afresh.
        monitored: What validation errors are measured on during training; None: they are not. The first network is
            monitored, and all others that stop early.
        on_step: Is called after every training step.
    """
    effects = PanelEffects.fit(context, task.season_length, task.panel_season)
    clean = effects.remove(context)
    monitor = None if monitored is None else ValidationMonitor(effects, monitored)
    n_steps = [getattr(config, "max_steps", 0) * getattr(config, "needs_training", True) for config in configs]
    models: list[ForecastModel] = []
    monitors_none_yet = True
    for k, config in enumerate(configs):
        uses_monitor = config.family == "network" and (monitors_none_yet or stops_early(config))
        monitors_none_yet &= config.family != "network"
        fit = partial(
            config.fit,
            clean,
            task,
            init=None if init is None else init.models[k],
            monitor=monitor if uses_monitor else None,
        )
        report = None if on_step is None else _reporter(k, n_steps, on_step)
        with within("model", k):
            models.append(_fit_once(config, fit, task, report))
    return FittedEnsemble(tuple(models), tuple(configs), tuple(unique_columns(configs)), effects, task)


def _fit_once(
    config: ModelConfig, fit: Callable[..., ForecastModel], task: Task, on_step: StepCallback | None
) -> ForecastModel:
    """Fit a model; one of another package, whose training is its own, is loaded if an interrupted run fitted it."""
    if isinstance(config, MedianOf | LocalModel) or type(config).__module__.partition(".")[0] == "gatecast":
        return fit(on_step=on_step)

    def to_data(model: ForecastModel) -> tuple[dict[str, Any], Mapping[str, Any]]:
        """Return a fitted model as it is saved."""
        state = model.to_state()
        return {"settings": dict(state.settings)}, {f"model.{name}": array for name, array in state.arrays.items()}

    def from_data(settings: Mapping[str, Any], arrays: Mapping[str, Any]) -> ForecastModel:
        """Return a fitted model."""
        model_arrays = {name.removeprefix("model."): array for name, array in arrays.items()}
        return config.from_state(ModelState(settings["settings"], model_arrays), task)

    return train_once(lambda report: fit(on_step=report), on_step, to_data, from_data)


def fit_untrained(configs: Sequence[ModelConfig], context: PanelContext, task: Task) -> FittedEnsemble | None:
    """Fit those models of an ensemble that need no training and are fitted anew wherever they forecast.

    Args:
        configs: All models.
        context: The series.
        task: What they forecast.

    Returns:
        The same models with the same columns as `refitting` of `fit_models`, without the training of the others; None:
        there is none.
    """
    chosen = [k for k, config in enumerate(configs) if not getattr(config, "needs_training", True)]
    columns = unique_columns(configs)
    fitted = fit_models([configs[k] for k in chosen], context, task)
    return replace(fitted, columns=tuple(columns[k] for k in chosen)).refitting()


def stops_early(config: ModelConfig) -> bool:
    """Return whether a training ends where the validation error is least."""
    return any(getattr(member, "min_improvement", 1.0) < 1.0 for member in members_of(config))


def _reporter(k: int, n_steps: Sequence[int], on_step: FitCallback) -> Callable[[StepRecord], object]:
    """Return a callback that adds which model is trained, and the share of all trainings that is done."""
    before, total = sum(n_steps[:k]), max(sum(n_steps), 1)
    return lambda step: on_step(k, (before + max(step.fraction, 0.0) * n_steps[k]) / total, step)


def update_models(
    fitted: FittedEnsemble, context: PanelContext, divisor: int, on_step: FitCallback | None = None
) -> FittedEnsemble:
    """Continue from fitted models on newer rows: networks train so many times fewer steps at a lower learning rate."""
    configs = [config.for_update(divisor) if isinstance(config, MedianOf) else config for config in fitted.configs]
    updated = fit_models(configs, context, fitted.task, init=fitted, on_step=on_step)
    return replace(updated, configs=fitted.configs, columns=fitted.columns)


def refine(
    fitted: FittedEnsemble, configs: Sequence[ModelConfig], past: PanelContext, actual: FloatArray
) -> tuple[FittedEnsemble, list[ModelConfig], int]:
    """Let a validation part choose among alternatives, and how long to train.

    A model may have a config that says more than the one it was fitted from: what its fit has shown not to help.

    Args:
        fitted: Models of `trial_configs(configs)`.
        configs: The models in full.
        past: Rows at origins of the validation part.
        actual: What followed, [n_rows, horizon]; NaN where unknown.

    Returns:
        The models with the chosen members, what is fitted from now on, and the first chosen member of the first model.
    """

    def error(model: Any) -> float:
        """Return the error of one model on the validation part."""
        return mean_error(fitted.effects, partial(type(model).predict_quantiles, model), past, actual)

    refined = [
        config.refine(model, error)
        if isinstance(config, MedianOf) and isinstance(model, FittedMedian)
        else Refined(model, model.config)
        for config, model in zip(configs, fitted.models, strict=True)
    ]
    models = tuple(item.model for item in refined)
    return replace(fitted, models=models), [item.config for item in refined], refined[0].member


def weighted_average(quantiles: Mapping[str, FloatArray], weights: Mapping[str, FloatArray]) -> FloatArray:
    """Return the weighted mean of the models' quantiles; a model without a forecast of a series is left out there.

    Args:
        quantiles: By model, [n_series, horizon, Q].
        weights: By model, [n_series].

    Example:
        >>> quantiles = {"a": np.ones((1, 1, 1)), "b": np.zeros((1, 1, 1))}
        >>> weighted_average(quantiles, {"a": np.array([0.75]), "b": np.array([0.25])}).item()
        0.75
    """
    total = weight_sum = np.zeros(1)
    for name, weight in weights.items():
        known = np.isfinite(quantiles[name])
        total = total + np.where(known, quantiles[name], 0.0) * weight[:, None, None]
        weight_sum = weight_sum + known * weight[:, None, None]
    with np.errstate(invalid="ignore"):
        return np.asarray(total / weight_sum)
