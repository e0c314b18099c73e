"""From a panel to a fitted forecaster: split in time, fit, weight, calibrate, score, fit again.

Every series is cut in time order into a training, a validation and a test part:

1. Models fitted on the training parts are measured on the validation parts: their errors say what weight each model
   gets, how long networks train, and how wide the intervals have to be.
2. Models fitted on both are scored on the test parts.
3. Models fitted on everything forecast what comes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from gatecast.config import DataConfig, ForecasterConfig
from gatecast.data.panel import Panel
from gatecast.errors import ConfigError
from gatecast.evaluation.backtest import score_test_part
from gatecast.evaluation.bounds import Bounds
from gatecast.evaluation.calibration import (
    STANDARD_LEVELS,
    ConformalCalibrator,
    default_calibrator,
    with_ensemble,
)
from gatecast.evaluation.conformal import fit_width_factors, half_widths
from gatecast.evaluation.sample_paths import error_autocorrelation
from gatecast.evaluation.splits import MIN_TRAINING_ROWS, Split, check_split, default_horizon, split_panel
from gatecast.forecasting.base import ModelConfig, Overrides, PanelSummary, Task
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.ensemble import (
    FittedEnsemble,
    fit_models,
    inverse_error_weights,
    refine,
    trial_configs,
    update_models,
)
from gatecast.forecasting.median import members_of
from gatecast.forecasting.monitoring import MonitorData, make_monitor_data
from gatecast.forecasting.presets import model_configs, unique_columns
from gatecast.forecasting.season_selection import choose_season
from gatecast.metrics.scale import seasonal_naive_scale
from gatecast.pipeline.data_checks import check_bounds, check_series, drop_unlike_last, trim_unobserved
from gatecast.pipeline.progress import Progress, ProgressTracker
from gatecast.pipeline.state import FittedState
from gatecast.results import Evaluation

__all__ = ["fit", "overrides", "prepare_panel", "update"]

FloatArray = npt.NDArray[np.float64]
ProgressCallback = Callable[[Progress], None]

CALIBRATION_ORIGINS = 16
"""Origins in the validation part of a single series."""

MAX_VALIDATION_ROWS = 256
"""Rows of the validation part, at most, that errors are measured on during training."""

UPDATE_DIVISOR = 3
"""How many times fewer steps, at a lower learning rate, an update trains than a fit."""


NOTES = {
    "no_split": (
        "{n} rows are too few to hold any back: the forecast has not been scored, and its intervals are a guess."
    ),
    "short_training": (
        "only {n} rows precede the validation and test parts of {horizon} rows each: a shorter horizon would be fitted "
        "and measured better."
    ),
}
"""Sentences of notes."""


def overrides(config: ForecasterConfig) -> Overrides:
    """Return the settings of models that the user fixed."""
    return Overrides(config.network, config.training)


def prepare_panel(panel: Panel, notes: list[str], data: DataConfig) -> Panel:
    """Return the panel without unobserved ends, and add to `notes` what is worth knowing about it.

    Raises:
        ConfigError: A column that has the name of a forecast.
        DataError: Values outside their bounds.
    """
    panel = trim_unobserved(panel, notes)
    check_series(panel, notes)
    check_bounds(panel, data)
    return panel if data.keep_last else drop_unlike_last(panel, notes)


def fit(
    panel: Panel,
    config: ForecasterConfig,
    notes: list[str],
    progress: ProgressCallback | None,
    *,
    evaluate: bool,
) -> FittedState:
    """Fit, weight, calibrate and score.

    Args:
        panel: The series.
        config: Settings.
        notes: What was noticed about the data so far.
        progress: Is called now and then during training.
        evaluate: Whether to score the models on a test part first.

    Raises:
        ConfigError: Settings that these series are too short for.
        DataError: Series without values where values are needed.
    """
    began = time.perf_counter()
    panel = prepare_panel(panel, notes, config.data)
    run = _Fit(panel, config, progress, evaluate=evaluate)
    notes += run.notes()
    calibrator, evaluation = run.calibrator(), None
    if run.split is not None:
        calibrator = run.validate(calibrator)
        if evaluate:
            evaluation = replace(run.score(calibrator), findings=tuple(notes))
    ensemble = run.fit_models(run.context, run.configs)
    seconds = time.perf_counter() - began
    history = run.tracker.history
    return FittedState(panel, run.season_length, tuple(notes), ensemble, calibrator, evaluation, history, seconds)


class _Fit:
    """One fit: what its stages share.

    Args:
        panel: The series, prepared.
        config: Settings.
        progress: Is called now and then during training.
        evaluate: Whether there is a stage that scores.
    """

    def __init__(
        self, panel: Panel, config: ForecasterConfig, progress: ProgressCallback | None, *, evaluate: bool
    ) -> None:
        self.panel, self.config = panel, config
        self.context = PanelContext.from_panel(panel)
        self.typical_length = int(np.median(panel.lengths))
        # Rows without a target are those to forecast, if the columns that the models need of them are known.
        n_known = min((values.shape[1] for values in panel.known_future.values()), default=0)
        horizon = config.h or n_known or default_horizon(panel.freq, self.typical_length)
        self.split = split_panel(panel.lengths, horizon)
        if self.split is not None and len(panel) == 1:
            check_split(panel.series(0), self.split)
        _check_lengths(config, len(panel), self.typical_length, self.split)
        past = self.context if self.split is None else self.context.drop_last(self.split.test)
        m, self.season_length = choose_season(past.values, panel, horizon, config.season_length)
        self.task = Task(horizon, m, seed=config.seed)
        summary = PanelSummary.of(panel)
        self.configs = model_configs(config.model, summary, self.task, overrides(config))
        self.tracker = ProgressTracker(progress, 1 + (self.split is not None) * (1 + evaluate))

    def fit_models(
        self, context: PanelContext, configs: list[ModelConfig], monitored: MonitorData | None = None
    ) -> FittedEnsemble:
        """Fit models: one stage."""
        ensemble = fit_models(configs, context, self.task, monitored=monitored, on_step=self.tracker.on_step)
        self.tracker.next_stage()
        return ensemble

    def known_before(self, n_last: int) -> PanelContext:
        """Return the series with the categories that are known before the last rows."""
        panel = self.panel.restrict_categories(self.panel.categories_before(n_last))
        return self.context if panel is self.panel else PanelContext.from_panel(panel)

    def notes(self) -> list[str]:
        """Return notes on the split."""
        if self.split is None:
            return [NOTES["no_split"].format(n=self.typical_length)]
        if self.split.train < self.task.horizon:
            return [NOTES["short_training"].format(n=self.split.train, horizon=self.task.horizon)]
        return []

    def calibrator(self) -> ConformalCalibrator:
        """Return the calibrator before anything is measured."""
        levels, data = sorted({*STANDARD_LEVELS, *self.config.level}), self.config.data
        columns = unique_columns(self.configs)
        start = default_calibrator(columns, self.task.quantiles, levels, self.task.horizon)
        weights = start.weights
        if self.split is None and self.typical_length < MIN_TRAINING_ROWS:
            weights = _without_networks(columns, self.configs)
        bounds = Bounds(data.lower_bound, data.upper_bound, data.integer)
        return start._replace(bounds=bounds, weights=weights)

    def validate(self, calibrator: ConformalCalibrator) -> ConformalCalibrator:
        """Fit on the training parts, and let the validation parts choose, weight and calibrate."""
        split, horizon = self._split(), self.task.horizon
        before_test = self.known_before(split.validation + split.test).drop_last(split.test)
        past, actual = _validation_origins(before_test, split, horizon)
        sample = np.arange(0, len(past), -(-len(past) // MAX_VALIDATION_ROWS))
        training, trial = before_test.drop_last(split.validation), trial_configs(self.configs)
        monitored = make_monitor_data(past.take(sample), actual[sample], training, split.train, _stride(trial))
        ensemble = self.fit_models(training, trial, monitored)
        ensemble, self.configs, self.tracker.chosen = refine(ensemble, self.configs, past, actual)
        rows = split.validation if len(self.panel) == 1 else int(np.isfinite(actual).any(axis=1).sum()) * horizon
        return _calibrate(calibrator, ensemble, past, actual, rows)

    def score(self, calibrator: ConformalCalibrator) -> Evaluation:
        """Fit on all but the test parts, and score on these."""
        split = self._split()
        context = self.known_before(split.test)
        ensemble = self.fit_models(context.drop_last(split.test), self.configs)
        return score_test_part(calibrator, ensemble, self.panel, context, split, self.season_length, self.config.level)

    def _split(self) -> Split:
        """Return the split of a fit that holds rows back."""
        if self.split is None:
            raise ValueError("no split")
        return self.split


def update(
    state: FittedState, panel: Panel, config: ForecasterConfig, progress: ProgressCallback | None
) -> FittedState:
    """Continue training on newer rows, a third as long at a third of the learning rate; weights and widths stay.

    Args:
        state: What was fitted.
        panel: Its panel with new rows or series.
        config: Settings.
        progress: Is called now and then during training.
    """
    began = time.perf_counter()
    tracker = ProgressTracker(progress, 1)
    context = PanelContext.from_panel(panel, fitted_on=state.panel)
    task = state.ensemble.task._replace(seed=config.seed)
    ensemble = replace(state.ensemble, task=task)
    ensemble = update_models(ensemble, context, UPDATE_DIVISOR, tracker.on_step)
    seconds = time.perf_counter() - began
    return replace(
        state, panel=panel, ensemble=ensemble, evaluation=None, training_history=tracker.history, seconds=seconds
    )


def _without_networks(columns: list[str], configs: list[ModelConfig]) -> dict[str, float]:
    """Return weights for series too short to train a network on: the other models alone."""
    others = [config.family != "network" for config in configs]
    if not any(others):
        return dict.fromkeys(columns, 1 / len(columns))
    return {column: other / sum(others) for column, other in zip(columns, others, strict=True)}


def _stride(configs: list[ModelConfig]) -> int:
    """Return how far apart the origins of networks are."""
    return max(getattr(member, "stride", 1) for config in configs for member in members_of(config))


def _validation_origins(context: PanelContext, split: Split, horizon: int) -> tuple[PanelContext, FloatArray]:
    """Return the series at the origins of the validation part, and what followed."""
    n = split.validation
    if len(context) == 1:
        offsets = np.linspace(n, 1, min(CALIBRATION_ORIGINS, n)).round().astype(np.int64)
    else:
        offsets = np.arange(n, 0, -horizon)
    return context.rolling_origins(offsets, horizon)


def _calibrate(
    start: ConformalCalibrator, ensemble: FittedEnsemble, past: PanelContext, actual: FloatArray, rows: int
) -> ConformalCalibrator:
    """Return weights, width factors and the autocorrelation of the errors, from errors on `rows` values."""
    quantiles = ensemble.predict_quantiles(past)
    scale = seasonal_naive_scale(past.values, ensemble.task.season_length)
    weights = inverse_error_weights(quantiles, actual, scale, ensemble.families)
    weighted = start._replace(weights=weights)
    main = with_ensemble(weighted, quantiles)[start.name]
    factors = fit_width_factors(main, start.quantiles, actual, list(start.width_factors), rows=rows)
    below, above = half_widths(main, start.quantiles, 80.0)
    error = actual - main[..., main.shape[-1] // 2]
    scaled = error / np.maximum(np.where(error < 0, below, above), 1e-300)
    return weighted._replace(width_factors=factors, error_autocorrelation=error_autocorrelation(scaled), measured=True)


def _check_lengths(config: ForecasterConfig, n_series: int, typical_length: int, split: Split | None) -> None:
    """Refuse settings that these series are too short for."""
    train = typical_length if split is None else split.train
    limits = (
        ("season_length", config.season_length, typical_length // 2),
        ("input_size", config.network.input_size, train - 1),
    )
    for name, value, limit in limits:
        if value is not None and value > limit:
            raise ConfigError(
                f"Invalid {name} {value}: the series {'is' if n_series == 1 else 'are'} too short for it",
                argument=name,
                expected=f"at most {limit}, of {'its' if n_series == 1 else 'their typical'} {typical_length} rows",
                fix=f"Leave {name} out to have it chosen, or provide more rows.",
            )
