"""From a panel to a fitted forecaster: split in time, fit, weight, calibrate, score, fit again.

Every series is cut in time order into a training, a validation and a test part:

1. Models fitted on the training parts are measured on the validation parts: their errors say what weight each model
   gets, how long networks train, and how wide the intervals have to be.
2. Models fitted on both are scored on the test parts.
3. Models fitted on everything forecast what comes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast._utils.checkpoint import start_clock, within, working_on
from gatecast._utils.deferred import Deferred
from gatecast.config import ForecasterConfig
from gatecast.data.hierarchy import add_totals, base_series
from gatecast.data.messages import agree
from gatecast.data.panel import Hierarchy, Panel
from gatecast.data.panel_facts import PanelFacts
from gatecast.errors import ConfigError
from gatecast.evaluation.backtest import MAX_PAST_VALUES, score_test_part
from gatecast.evaluation.bounds import Bounds
from gatecast.evaluation.calibration import (
    AssumedWidths,
    ConformalCalibrator,
    calibrate,
    default_calibrator,
    is_mostly_zero,
)
from gatecast.evaluation.coherent_forecasts import fit_reconciler, without_later_series
from gatecast.evaluation.model_weights import ModelWeights, equal_weights, fit_weights, leave_out
from gatecast.evaluation.online_margins import update_margins
from gatecast.evaluation.past_forecasts import (
    PastForecasts,
    count_horizons,
    older_origins,
    select_origins,
    short_origins,
)
from gatecast.evaluation.reconciliation import Reconciler
from gatecast.evaluation.splits import MIN_TRAINING_ROWS, Split, check_split, default_horizon, split_panel
from gatecast.forecasting.base import QUANTILES, ModelConfig, Overrides, PanelSummary, Task
from gatecast.forecasting.context import MAX_LENGTH, PanelContext, column_groups
from gatecast.forecasting.ensemble import (
    FittedEnsemble,
    fit_models,
    fit_untrained,
    refine,
    stops_early,
    trial_configs,
    update_models,
)
from gatecast.forecasting.held_results import ReadsAhead, holding_results
from gatecast.forecasting.median import members_of
from gatecast.forecasting.monitoring import MonitorData, make_monitor_data
from gatecast.forecasting.panel_rnn.presets import FEW_SERIES
from gatecast.forecasting.panel_season import MAX_CYCLES
from gatecast.forecasting.presets import model_configs, unique_columns
from gatecast.forecasting.pretrained.released import why_unavailable
from gatecast.forecasting.registry import AUTO
from gatecast.forecasting.season_selection import choose_season
from gatecast.forecasting.side_by_side import in_background
from gatecast.pipeline.data_checks import (
    check_bounds,
    check_series,
    drop_unlike_last,
    note_ended,
    note_huge,
    skip_outliers,
    trim_unobserved,
)
from gatecast.pipeline.progress import Progress, ProgressTracker
from gatecast.pipeline.state import FittedState
from gatecast.pipeline.units import count_trainings, environment, forecast_past_once
from gatecast.results import Evaluation

__all__ = ["FitPlan", "fit", "fit_unmeasured", "overrides", "plan_fit", "prepare_panel", "update"]

FloatArray = npt.NDArray[np.float64]
ProgressCallback = Callable[[Progress], None]

CALIBRATION_ORIGINS = 16
"""Origins in the validation part of a single series."""

MAX_VALIDATION_ROWS = 256
"""Rows of the validation part, at most, that errors are measured on during training."""

MIN_READ = 3
"""Times as many values are read, at least, as are held back."""

MAX_FINE_SERIES = 10_000
"""Series, at most, that have finer quantiles than the usual ones where these cost nothing but memory."""

MAX_DEFERRED_VALUES = 500_000
"""Values of the series and their columns, at most, whose scores can wait: until then what they need is kept, which is
some three times as large."""

UPDATE_DIVISOR = 3
"""How many times fewer steps, at a lower learning rate, an update trains than a fit."""


NOTES: dict[str, Any] = {
    "newest": "the models read the newest {read:,} of up to {n:,} values of a series.",
    "no_pretrained": "the pretrained network is left out: {reason}",
    "no_split": (
        "{n} rows are too few to hold any back: the forecast has not been scored, and its intervals are a guess."
    ),
    "panel_season": (
        "{n:,} of {n_series:,} series is shorter than {max_cycles} seasons of {m} steps: the season that the others "
        "show counts for it, as strongly as its own values say.",
        "{n:,} of {n_series:,} series are shorter than {max_cycles} seasons of {m} steps: the season that the others "
        "show counts for them, as strongly as their own values say.",
    ),
    "unmeasured": "the intervals are those of the model: no past error of these series was measured.",
    "slope_deviations": (
        "the effect of {columns} differs between series: each series has its own, drawn towards that of all."
    ),
    "unused": "no model here is trained, so that these settings of networks change nothing: {settings}.",
    "unread": (
        "no model here reads {columns}: historic and static columns are inputs of recurrent networks alone. To use "
        'them, write model="lstm" or model="auto".'
    ),
    "short_training": (
        "only {n} rows precede the validation and test parts of {horizon} rows each: a shorter horizon would be fitted "
        "and measured better."
    ),
    "no_training": (
        "half of the series or more have no row before the validation and test parts of {horizon} rows each: a shorter "
        "horizon would be fitted and measured better."
    ),
}
"""Sentences of notes."""


def overrides(config: ForecasterConfig) -> Overrides:
    """Return the settings of models that the user fixed."""
    return Overrides(config.network, config.training)


def prepare_panel(panel: Panel, notes: list[str], config: ForecasterConfig, facts: PanelFacts | None = None) -> Panel:
    """Return the panel without unobserved ends, with its totals, and add to `notes` what is worth knowing about it.

    Args:
        panel: The series.
        notes: Are added to.
        config: Settings.
        facts: What is known of all series, where the panel is a part of them.

    Raises:
        ConfigError: A column that has the name of a forecast, or levels that the series do not have.
        DataError: Values outside their bounds, or series that have no totals.
    """
    data = config.data
    panel = trim_unobserved(base_series(panel), notes, None if facts is None else facts.last)
    is_reconciled = bool(config.hierarchy) and config.reconciliation != "bottom-up"
    check_series(panel, notes, config.model, is_part=facts is not None, is_reconciled=is_reconciled)
    check_bounds(panel, data)
    panel = panel if data.keep_last else drop_unlike_last(panel, notes)
    if data.keep_outliers:
        panel = replace(panel, skips_outliers=False)
    else:
        panel = skip_outliers(panel, notes, keep_last=data.keep_last)
    note_huge(panel, notes)
    if not config.hierarchy:
        if facts is None:
            note_ended(panel, notes, config.h or default_horizon(panel.freq, int(np.median(panel.lengths))))
        return panel
    # A table with several targets has a series for each: what is summed has one unit.
    is_wide = config.target_col is not None and config.target_col != panel.columns.target
    unsummed = panel.columns.ids[-1:] if is_wide and len(panel.columns.ids) > 1 else ()
    return add_totals(panel, config.hierarchy, notes, unsummed)


@holding_results()
def fit(
    panel: Panel,
    config: ForecasterConfig,
    notes: list[str],
    progress: ProgressCallback | None,
    *,
    evaluate: bool,
    defer_scores: bool = False,
) -> FittedState:
    """Fit, weight, calibrate and score.

    Args:
        panel: The series.
        config: Settings.
        notes: What was noticed about the data so far.
        progress: Called every so often during training.
        evaluate: Whether to score the models on a test part first.
        defer_scores: Whether scores of few values are computed when they are first asked for.

    Raises:
        ConfigError: Settings that these series are too short for.
        DataError: Series without values where values are needed.
    """
    began = time.perf_counter()
    panel = prepare_panel(panel, notes, config)
    run = _Fit(panel, config, progress, evaluate=evaluate)
    with working_on("fit", panel, config, evaluate, environment(), total=(run.n_trainings, "training")):
        preparation, seconds = time.perf_counter() - began, start_clock()
        state = _fit(run, notes, evaluate=evaluate)
        n_columns = 1 + len(panel.futr_exog) + len(panel.hist_exog)
        if state.scored is not None and not (defer_scores and n_columns * len(panel.values) <= MAX_DEFERRED_VALUES):
            state.scored.compute()
        return replace(state, seconds=preparation + seconds())


def _fit(run: _Fit, notes: list[str], *, evaluate: bool) -> FittedState:
    """Run the stages of a fit."""
    notes += run.notes()
    run.read_ahead()
    calibrator, scored = run.calibrator(), None
    if run.split is not None:
        validated = run.validate(calibrator)
        calibrator, scored = run.score(calibrator, validated) if evaluate else (validated.value, None)
    ensemble = run.fit_models(run.context, run.configs)
    if run.split is None:
        calibrator = run.weigh(calibrator, ensemble)
    notes += (*_season_notes(ensemble, run.context), *_effect_notes(ensemble, run.panel))
    notes += ensemble.findings or run.findings
    findings, history = tuple(notes), run.tracker.history
    scored = None if scored is None else scored.then(lambda evaluation: replace(evaluation, findings=findings))
    return FittedState(run.panel, run.season_length, findings, ensemble, calibrator, scored, history, 0.0)


def fit_unmeasured(panel: Panel, config: ForecasterConfig, notes: list[str]) -> FittedState:
    """Fit models that need no training, and measure nothing: intervals are those of the models.

    It takes one pass where `fit` takes three. Models that do not know how much they err get intervals of assumed width.

    Args:
        panel: The series.
        config: Settings.
        notes: What was noticed about the data so far.

    Raises:
        ConfigError: Settings that these series are too short for.
        DataError: Series without values where values are needed.
    """
    began = time.perf_counter()
    panel = prepare_panel(panel, notes, config)
    run = _Fit(panel, config, None, evaluate=False)
    notes.append(NOTES["unmeasured"])
    ensemble = run.fit_models(run.context, run.configs)
    seconds = time.perf_counter() - began
    return FittedState(panel, run.season_length, tuple(notes), ensemble, run.calibrator(), None, {}, seconds)


class FitPlan(NamedTuple):
    """What a fit decides before it trains.

    Args:
        horizon: Steps to forecast.
        season_length: Of the seasonal naive forecast and of MASE; 1 for none.
        is_scored: Whether the series are long enough to hold rows back.
    """

    horizon: int
    season_length: int
    is_scored: bool


def plan_fit(panel: Panel, config: ForecasterConfig) -> FitPlan:
    """Return what a fit would decide before it trains.

    Args:
        panel: The series, prepared.
        config: Settings.

    Raises:
        ConfigError: Settings that these series are too short for.
        DataError: Series without values where values are needed.
    """
    run = _Fit(panel, config, None, evaluate=True)
    return FitPlan(run.task.horizon, run.season_length, run.split is not None)


class _Fit:
    """One fit: what its stages share.

    Args:
        panel: The series, prepared.
        config: Settings.
        progress: Called every so often during training.
        evaluate: Whether there is a stage that scores.
    """

    def __init__(
        self, panel: Panel, config: ForecasterConfig, progress: ProgressCallback | None, *, evaluate: bool
    ) -> None:
        self.panel, self.config = panel, config
        self.typical_length = int(np.median(panel.lengths))
        # Rows without a target are those to forecast, if the columns that the models need of them are known.
        n_known = min((values.shape[1] for values in panel.known_future.values()), default=0)
        horizon = config.h or n_known or default_horizon(panel.freq, self.typical_length)
        self.split = split_panel(panel.lengths, horizon)
        if self.split is not None and len(panel) == 1:
            check_split(panel.series(0), self.split)
        if self.split is not None and not evaluate:
            # What is not scored is used for validation.
            self.split = Split.of_typical(self.typical_length, self.split.validation, 0)
        _check_lengths(config, len(panel), self.typical_length, self.split)
        n_held_back = 0 if self.split is None else self.split.validation + self.split.test
        self.max_length = max(MAX_LENGTH, MIN_READ * n_held_back)
        self.context = PanelContext.from_panel(panel, max_length=self.max_length)
        past = self.context if self.split is None else self.context.drop_last(self.split.test)
        seasons = choose_season(past.values, panel, horizon, config.season_length)
        self.season_length = seasons.naive
        self.task = Task(horizon, seed=config.seed, **seasons.of_task())
        self.past: PastForecasts | None = None
        self.findings: tuple[str, ...] = ()
        summary = PanelSummary.of(panel)
        self.configs = model_configs(config.model, summary, self.task, overrides(config))
        if len(panel) <= MAX_FINE_SERIES:
            self.task = self.task._replace(quantiles=_shared_quantiles(self.configs))
        _check_finetune(config, self.configs)
        columns = list(zip(unique_columns(self.configs), self.configs, strict=True))
        self.stopped_early = [column for column, item in columns if stops_early(item)]
        self.of_means = [column for column, item in columns if not _forecasts_medians(item)]
        self.tracker = ProgressTracker(progress, 1 + (self.split is not None) * (1 + evaluate))

    @property
    def n_trainings(self) -> int:
        """Trainings of all stages."""
        full = count_trainings(self.configs)
        return (self.tracker.n_stages - (self.split is not None)) * full + (
            count_trainings(trial_configs(self.configs)) if self.split is not None else 0
        )

    def read_ahead(self) -> None:
        """Let models read the series once that can answer for earlier origins from that.

        Not where columns explain the series: what they explain is removed before, and is another at each origin.
        """
        if self.context.futr_exog.shape[-1] == 0:
            for config in self.configs:
                if isinstance(config, ReadsAhead):
                    config.read_ahead(self.context, self.task)

    def fit_models(
        self, context: PanelContext, configs: list[ModelConfig], monitored: MonitorData | None = None
    ) -> FittedEnsemble:
        """Fit models: one stage."""
        with within("stage", self.tracker.stage):
            ensemble = fit_models(configs, context, self.task, monitored=monitored, on_step=self.tracker.on_step)
        self.tracker.next_stage()
        return ensemble

    def known_before(self, n_last: int) -> PanelContext:
        """Return the series with the categories that are known before the last rows."""
        panel = self.panel.restrict_categories(self.panel.categories_before(n_last))
        return self.context if panel is self.panel else PanelContext.from_panel(panel, max_length=self.max_length)

    def notes(self) -> list[str]:
        """Return notes on the split, and on models that are missing."""
        reason = why_unavailable() if self.config.model == AUTO else ""
        notes = [NOTES["no_pretrained"].format(reason=reason)] if reason else []
        notes += _unused_notes(self.config, self.configs) + _unread_notes(self.configs, self.panel)
        longest = int(self.panel.lengths.max())
        if longest > self.max_length:
            notes.append(NOTES["newest"].format(read=self.max_length, n=longest))
        if self.split is None:
            notes.append(NOTES["no_split"].format(n=self.typical_length))
        elif self.split.train < self.task.horizon:
            which = "short_training" if self.split.train else "no_training"
            notes.append(NOTES[which].format(n=self.split.train, horizon=self.task.horizon))
        return notes

    def calibrator(self) -> ConformalCalibrator:
        """Return the calibrator before anything is measured."""
        data, columns = self.config.data, unique_columns(self.configs)
        start = default_calibrator(columns, self.task.quantiles, self.season_length)
        weights = start.weights
        if self.split is None and self.typical_length < MIN_TRAINING_ROWS:
            weights = _without_networks(columns, self.configs)
        weights = leave_out(weights, self.of_means, is_mostly_zero(self.context.values))
        bounds = Bounds(data.lower_bound, data.upper_bound, data.integer)
        if self.panel.hierarchy is not None:
            start = start._replace(reconciler=Reconciler(self.config.reconciliation, np.empty((0, len(self.panel)))))
        assumed = AssumedWidths.of([getattr(config, "is_calibrated", False) for config in self.configs])
        return start._replace(bounds=bounds, weights=weights, point=self.config.point, assumed=assumed)

    def validate(self, start: ConformalCalibrator) -> Deferred[ConformalCalibrator]:
        """Fit on the training parts, and let the validation parts choose, weight and calibrate."""
        split, horizon = self._split(), self.task.horizon
        before_test = self.known_before(split.validation + split.test).drop_last(split.test)
        past, actual = before_test.rolling_origins(_validation_offsets(before_test, split, horizon), horizon)
        sample = np.arange(0, len(past), -(-len(past) // MAX_VALIDATION_ROWS))
        training, trial = before_test.drop_last(split.validation), trial_configs(self.configs)
        quick = fit_untrained(trial, training, self.task) if len(training) < FEW_SERIES else None
        monitored = make_monitor_data(
            past.take(sample), actual[sample], training, min(split.train, training.values.shape[1]), _stride(trial)
        )
        forecast_older = partial(self._forecast_older, quick, before_test)
        # A thread costs a single series that needs no training more time than it saves.
        is_brief = len(training) == 1 and not count_trainings(trial)
        with nullcontext(forecast_older) if is_brief else in_background(forecast_older) as older_past:
            ensemble = self.fit_models(training, trial, monitored)
        ensemble, self.configs, self.tracker.chosen = refine(ensemble, self.configs, past, actual)
        self.findings = ensemble.findings
        offsets = _validation_offsets(before_test, split, horizon)
        self.past = forecast_past_once("validation", ensemble, before_test, offsets, self.season_length)
        older = self._complete_older(older_past(), ensemble.refitting(), before_test)
        self.past = self.past if older is None else self.past.join(older)
        return Deferred(self._calibration(start, self.past, before_test))

    def _forecast_older(self, quick: FittedEnsemble | None, before_test: PanelContext) -> PastForecasts | None:
        """Forecast from origins before the validation part, by models that are fitted anew at each; None: none."""
        seasons, horizon = self.task.seasons, self.task.horizon
        older = older_origins(before_test, self._split().validation, horizon, max(seasons, default=1))
        if quick is None or not len(older):
            return None
        return forecast_past_once("older", quick, before_test, older, self.season_length)

    def _complete_older(
        self, known: PastForecasts | None, refitting: FittedEnsemble | None, before_test: PanelContext
    ) -> PastForecasts | None:
        """Add the forecasts of models that did not say that they need no training; nothing is forecast twice."""
        if known is None or refitting is None:
            return self._forecast_older(refitting, before_test)
        missing = [column for column in refitting.columns if column not in known.quantiles]
        added = self._forecast_older(refitting.select(missing), before_test) if missing else None
        quantiles = known.quantiles if added is None else {**known.quantiles, **added.quantiles}
        return known._replace(quantiles={column: quantiles[column] for column in refitting.columns})

    def score(
        self, start: ConformalCalibrator, validated: Deferred[ConformalCalibrator]
    ) -> tuple[ConformalCalibrator, Deferred[Evaluation]]:
        """Fit on all but the test parts, score on these, and learn from their errors too."""
        split = self._split()
        context = self.known_before(split.test)
        ensemble = self.fit_models(context.drop_last(split.test), self.configs)
        newest, known = self._forecast_test_part(ensemble, context)
        panel, season_length, levels = self.panel, self.season_length, self.config.level
        scored = validated.then(
            lambda calibrator: score_test_part(
                calibrator, ensemble, panel, context, split, season_length, levels, known
            )
        )
        past = newest if self.past is None else newest.join(self.past)
        return self._calibration(start, past, context)(), scored

    def _forecast_test_part(
        self, ensemble: FittedEnsemble, context: PanelContext
    ) -> tuple[PastForecasts, dict[str, FloatArray] | None]:
        """Forecast the test part from the origins of margins, and in the same calls from those of scores.

        Returns:
            What margins are made from; quantiles by model for the scores, None where these are too many origins to be
            forecast at a time.
        """
        n_test, horizon = self._split().test, self.task.horizon
        offsets = _validation_offsets(context, self._split()._replace(validation=n_test), horizon)
        scored = np.arange(n_test, 0, -horizon)
        every = np.union1d(offsets, scored)[::-1]
        if len(every) > len(offsets) and len(every) * context.values.size > MAX_PAST_VALUES:
            return forecast_past_once("margins", ensemble, context, offsets, self.season_length), None
        past = forecast_past_once("test", ensemble, context, every, self.season_length)
        newest, tested = (select_origins(past, every, wanted, horizon) for wanted in (offsets, scored))
        return newest, tested.quantiles

    def weigh(self, calibrator: ConformalCalibrator, ensemble: FittedEnsemble) -> ConformalCalibrator:
        """Weight the models of series too short to hold a horizon back, by what is known of shorter ones.

        Networks, which have seen all rows, count as typical. Of fewer than 12 rows nothing is known.
        """
        quick = ensemble.refitting()
        origins = short_origins(self.context, max(self.task.seasons, default=1))
        if quick is None or not len(origins) or self.typical_length < MIN_TRAINING_ROWS:
            return calibrator
        # No more values than these follow an origin, and a horizon of a million steps takes gigabytes at each.
        horizon, n_known = self.task.horizon, int(origins.max())
        quick = quick.with_horizon(n_known) if n_known < horizon else quick
        past = forecast_past_once("short", quick, self.context, origins, self.season_length)
        past = past._replace(horizons=np.full(len(past.series), count_horizons(origins, horizon)))
        unknown = {name: np.full(len(past.series), np.nan) for name in ensemble.columns}
        weights = fit_weights({**unknown, **past.errors()}, past.series, past.horizons, len(self.context))
        weights = leave_out(weights, self.of_means, is_mostly_zero(self.context.values))
        return calibrator._replace(weights=weights)

    def _calibration(
        self, start: ConformalCalibrator, past: PastForecasts, context: PanelContext
    ) -> Callable[[], ConformalCalibrator]:
        """Return what learns from past errors; it holds no more of this fit than it needs."""
        hierarchy = self.panel.hierarchy
        return partial(
            _calibrate, start, past, context, self.config.level, self.stopped_early, self.of_means, hierarchy
        )

    def _split(self) -> Split:
        """Return the split of a fit that holds rows back."""
        if self.split is None:
            raise ValueError("no split")
        return self.split


def _calibrate(
    start: ConformalCalibrator,
    past: PastForecasts,
    context: PanelContext,
    levels: tuple[float, ...],
    stopped_early: list[str],
    of_means: list[str],
    hierarchy: Hierarchy | None,
) -> ConformalCalibrator:
    """Learn from past errors: weights, widths, and how the series of a hierarchy, None: no hierarchy, err together."""
    if hierarchy is None:
        return calibrate(start, past, context, levels, stopped_early, of_means)
    of_known = without_later_series(past, context.values, hierarchy)
    calibrator = calibrate(start, of_known, context, levels, stopped_early, of_means)
    # A total that a series has joined is hard to forecast for a while: with these errors it has little say.
    return calibrator._replace(reconciler=fit_reconciler(calibrator, past, len(context)))


def update(
    state: FittedState, panel: Panel, config: ForecasterConfig, progress: ProgressCallback | None
) -> FittedState:
    """Continue training on newer rows, a third as long at a third of the learning rate; intervals follow new values.

    Args:
        state: What was fitted.
        panel: Its panel with new rows or series.
        config: Settings.
        progress: Called every so often during training.
    """
    ensemble = state.ensemble
    total = (count_trainings(list(ensemble.configs)), "training")
    with working_on("update", ensemble, state.calibrator, panel, config, environment(), total=total):
        seconds = start_clock()
        tracker = ProgressTracker(progress, 1)
        context = PanelContext.from_panel(panel, fitted_on=state.panel, max_length=MAX_LENGTH)
        ensemble = replace(ensemble, task=ensemble.task._replace(seed=config.seed))
        calibrator = update_margins(state.calibrator, ensemble, context, np.where(context.series >= 0, context.end, 0))
        calibrator = calibrator.at_positions(context.series)
        ensemble = update_models(ensemble, context, UPDATE_DIVISOR, tracker.on_step)
        ensemble = replace(ensemble, effects=ensemble.effects.at_positions(context.series))
        return replace(
            state,
            panel=panel,
            ensemble=ensemble,
            calibrator=calibrator,
            scored=None,
            training_history=tracker.history,
            seconds=seconds(),
        )


def _season_notes(ensemble: FittedEnsemble, context: PanelContext) -> list[str]:
    """Return a note on the series that the season of the others counts for."""
    season = ensemble.effects.season
    n = int((season.strengths(context) != 0).sum())
    if n == 0:
        return []
    about = {"n": n, "n_series": len(context), "m": season.season_length, "max_cycles": MAX_CYCLES}
    return [agree(n, *NOTES["panel_season"]).format(**about)]


def _effect_notes(ensemble: FittedEnsemble, panel: Panel) -> list[str]:
    """Return a note on the columns whose effects differ between series."""
    differs = ensemble.effects.regression.slope_deviations.any(axis=0)
    groups = np.unique(column_groups(panel)[0][differs]) if differs.any() else np.empty(0, np.int64)
    names = [repr(name) for k, name in enumerate(panel.futr_exog) if k in groups]
    return [NOTES["slope_deviations"].format(columns=" and of ".join(names))] if names else []


def _unused_notes(config: ForecasterConfig, configs: Sequence[ModelConfig]) -> list[str]:
    """Return a note on settings of networks where no model is trained; one that does not say is taken to be."""
    given = {**vars(config.network), **vars(config.training)}
    settings = [f"{name}={value}" for name, value in given.items() if value not in (None, False)]
    if not settings or any(getattr(member, "needs_training", True) for item in configs for member in members_of(item)):
        return []
    return [NOTES["unused"].format(settings=", ".join(settings))]


def _unread_notes(configs: Sequence[ModelConfig], panel: Panel) -> list[str]:
    """Return a note on historic and static columns that no model reads; a model that does not say is taken to do."""
    names = [repr(name) for name in (*panel.hist_exog, *panel.stat_exog)]
    if not names or any(getattr(member, "reads_exogenous", True) for item in configs for member in members_of(item)):
        return []
    return [NOTES["unread"].format(columns=f"column{'s' if len(names) > 1 else ''} {', '.join(names)}")]


def _forecasts_medians(config: ModelConfig) -> bool:
    """Return whether a model was trained to forecast medians; the others forecast a mean."""
    if bool(getattr(config, "is_calibrated", False)):
        return True
    return config.family == "network" and all(
        getattr(member, "forecasts_medians", True) for member in members_of(config)
    )


def _without_networks(columns: list[str], configs: list[ModelConfig]) -> ModelWeights:
    """Return weights for series too short to train a network on: the other models alone."""
    others = [config.family != "network" for config in configs]
    if not any(others):
        return equal_weights(columns)
    return ModelWeights({column: other / sum(others) for column, other in zip(columns, others, strict=True)}, {})


def _shared_quantiles(configs: list[ModelConfig]) -> tuple[float, ...]:
    """Return finer quantiles that all models give at no cost, else the usual ones.

    Between the usual ones a quantile lies on a line. That of skewed values does not, and that of a count with many
    zeros is 0 up to the share of these.
    """
    levels = {getattr(config, "finer_quantiles", ()) for config in configs}
    return (levels.pop() or QUANTILES) if len(levels) == 1 else QUANTILES


def _check_finetune(config: ForecasterConfig, configs: list[ModelConfig]) -> None:
    """Refuse to fine-tune where no model is pretrained."""
    if config.training.finetune and not any(getattr(each, "finetune", False) for each in configs):
        raise ConfigError(
            "Invalid finetune=True: no model is pretrained",
            got=", ".join(each.name for each in configs),
            expected="a pretrained model",
            fix='Write model="pretrained", or model=["pretrained", "dot"].',
            argument="finetune",
        )


def _stride(configs: list[ModelConfig]) -> int:
    """Return how far apart the origins of networks are."""
    return max(getattr(member, "stride", 1) for config in configs for member in members_of(config))


def _validation_offsets(context: PanelContext, split: Split, horizon: int) -> npt.NDArray[np.int64]:
    """Return how many values follow each origin of the validation part."""
    n = split.validation
    if len(context) == 1:
        return np.unique(np.linspace(n, 1, min(CALIBRATION_ORIGINS, n)).round().astype(np.int64))[::-1]
    return np.arange(n, 0, -horizon)


def _check_lengths(config: ForecasterConfig, n_series: int, typical_length: int, split: Split | None) -> None:
    """Refuse settings that these series are too short for."""
    train = typical_length if split is None else split.train
    limits = (
        ("season_length", config.season_length, typical_length // 2),
        ("input_size", config.network.input_size, train - 1),
    )
    for name, value, longest in limits:
        limit = max(longest, 1)
        if value is not None and value > limit:
            raise ConfigError(
                f"Invalid {name} {value}: the series {'is' if n_series == 1 else 'are'} too short for it",
                argument=name,
                expected=f"at most {limit}, of {'its' if n_series == 1 else 'their typical'} {typical_length} rows",
                fix=f"Leave {name} out to have it chosen, or provide more rows.",
            )
