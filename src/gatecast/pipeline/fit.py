"""From a panel to models that can forecast it: split in time, train, weigh, calibrate, score, train again.

Letters: S series, T columns, h horizon, m season.

Every series is cut in time order into a training, a validation and a test part:

1. models are trained on the training parts; on the validation parts their errors say what weight each model gets, and
   how wide the intervals have to be;
2. models trained on both are scored on the test parts; 3. models trained on everything forecast what comes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast.config import DataConfig, NetworkConfig, TrainingConfig
from gatecast.data.panel import Panel
from gatecast.errors import ConfigError
from gatecast.evaluation.backtest import score_test_part
from gatecast.evaluation.calibration import (
    STANDARD_LEVELS,
    Bounds,
    ConformalCalibrator,
    default_calibrator,
    with_ensemble,
)
from gatecast.evaluation.conformal import fit_width_factors, half_widths
from gatecast.evaluation.sample_paths import error_autocorrelation
from gatecast.evaluation.splits import SMALLEST_TRAINING, Split, check_split, default_horizon, split_panel
from gatecast.forecasting import ensemble
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.ensemble import Learned
from gatecast.forecasting.monitoring import MonitorData, make_monitor_data
from gatecast.forecasting.presets import FEW_SERIES, Recipe, make_recipe
from gatecast.forecasting.season_selection import choose_season
from gatecast.forecasting.voices import Networks
from gatecast.metrics.scale import seasonal_naive_scale
from gatecast.nn.sequential import Sequential
from gatecast.pipeline.data_checks import check_bounds, check_series, trim_unobserved
from gatecast.pipeline.progress import Progress, ProgressTracker
from gatecast.results import Evaluation

__all__ = ["FitSettings", "FittedState", "fit", "prepare_panel", "update"]

Floats = npt.NDArray[np.float64]

CALIBRATION_ORIGINS = 16
"""Origins in the validation part of a single series."""

MAX_VALIDATION_ROWS = 256
"""Rows of the validation part at most that say when to stop."""

UPDATE_FRACTION = 3
"""How many times less an update learns than a fit."""

TRIAL_NETWORKS, TRIAL_HYBRIDS = 2, 1
"""Members that are trained for the validation part."""


@dataclass(frozen=True)
class FitSettings:
    """What a forecaster was asked for.

    Args:
        h: Horizon; None: two seasons.
        model: One of `recipes.MODELS`, or a network.
        level: Of the intervals, in percent.
        season: None: found.
        seed: Same seed, same bits.
        network: Sizes.
        training: Members, steps, batch, rate.
        data: Columns, limits.
    """

    h: int | None
    model: str | Sequential
    level: tuple[float, ...]
    season: int | None
    seed: int
    network: NetworkConfig
    training: TrainingConfig
    data: DataConfig


class FittedState(NamedTuple):
    """What came of it.

    Args:
        panel: The series.
        h: Steps that the models say.
        season_length: Of seasonal naive.
        notes: What was noticed, as sentences.
        learned: The models.
        calibrator: Weights and factors.
        evaluation: On the test part; None if there was none.
        training_history: Updates and loss of the first network.
        seconds: That it took.
    """

    panel: Panel
    h: int
    season_length: int
    notes: list[str]
    learned: Learned
    calibrator: ConformalCalibrator
    evaluation: Evaluation | None
    training_history: dict[str, list[float]]
    seconds: float


def prepare_panel(panel: Panel, findings: list[str], data: DataConfig) -> Panel:
    """The panel without empty ends, after all that is to be said about it.

    Raises:
        ConfigError: A column that a forecast needs the name of.
        DataError: Values outside their limits.
    """
    panel = trim_unobserved(panel, findings)
    check_series(panel, findings)
    check_bounds(panel, data)
    return panel


def fit(
    panel: Panel,
    asked: FitSettings,
    findings: list[str],
    progress: Callable[[Progress], None] | None,
    *,
    evaluate: bool,
) -> FittedState:
    """Train, weigh, calibrate and score.

    Args:
        panel: The series.
        asked: Settings.
        findings: What was noticed so far.
        progress: Called now and then while training.
        evaluate: Whether to score the models on a test part first.

    Raises:
        ConfigError: Settings that these series are too short for.
        DataError: Series without values where values are needed.
    """
    began = time.perf_counter()
    panel = prepare_panel(panel, findings, asked.data)
    history = PanelContext.from_panel(panel)
    typical = int(np.median(panel.lengths))
    h = asked.h or default_horizon(panel.freq, typical)
    parts = split_panel(panel.lengths, h)
    if parts is not None and len(panel) == 1:
        check_split(panel.series(0), parts)
    _check_lengths(asked, len(panel), typical, parts)
    _say_parts(findings, typical, h, parts)

    def at(back: int) -> PanelContext:
        """The series as models read them that know no word of the last rows."""
        known = panel.restrict_categories(panel.categories_before(back))
        return history if known is panel else PanelContext.from_panel(known)

    hidden = history if parts is None else history.drop_last(parts.test)
    m, season = choose_season(hidden.values, panel, h, asked.season)
    recipe = make_recipe(h, m, panel.lengths, asked.model, asked.network, asked.training, asked.seed)
    stages = ProgressTracker(progress, 1 + (parts is not None) * (1 + evaluate))
    calibration = _start(asked, recipe, h)

    def learn(seen: PanelContext, what: Recipe, looked: MonitorData | None = None) -> Learned:
        """One stage."""
        found = ensemble.learn(seen, h, m, what, asked.seed, stages.tell, watched=looked)
        stages.next()
        return found

    evaluation = None
    if parts is None and recipe.theta and typical < SMALLEST_TRAINING:
        # A network has nothing to learn from, and nothing would tell.
        calibration = calibration._replace(weights={name: float(name == "DOT") for name in calibration.weights})
    if parts is not None:
        trial = replace(recipe, members=recipe.members[:TRIAL_NETWORKS], hybrids=recipe.hybrids[:TRIAL_HYBRIDS])
        early = at(parts.validation + parts.test).drop_last(parts.test)
        past, came = _rolled(early, parts, h)
        some = np.arange(0, len(past), -(-len(past) // MAX_VALIDATION_ROWS))
        training = early.drop_last(parts.validation)
        step = max((member.stride for member in trial.members), default=1)
        learned = learn(training, trial, make_monitor_data(past.take(some), came[some], training, parts.train, step))
        few = len(panel) < FEW_SERIES
        if few:
            tried, learned = learned, ensemble.fittest(learned, past, came)
            stages.chosen = _place(tried, learned)
        recipe = _followed(recipe, learned, few=few)
        rows = parts.validation if len(panel) == 1 else int(np.isfinite(came).any(axis=1).sum()) * h
        calibration = _calibrate(calibration, learned, past, came, rows)
        if evaluate:
            late = at(parts.test)
            learned = learn(late.drop_last(parts.test), recipe)
            evaluation = score_test_part(calibration, learned, panel, late, parts, season, asked.level)
    learned = learn(history, recipe)
    seconds = time.perf_counter() - began
    return FittedState(panel, h, season, findings, learned, calibration, evaluation, stages.history, seconds)


def update(
    trained: FittedState, panel: Panel, asked: FitSettings, progress: Callable[[Progress], None] | None
) -> FittedState:
    """Train what is there a third as long at a third of the rate; weights and factors stay.

    Args:
        trained: What is there.
        panel: Its panel with new rows or series.
        asked: Settings.
        progress: Called now and then while training.
    """
    began = time.perf_counter()
    stages, old = ProgressTracker(progress, 1), trained.learned
    history = PanelContext.from_panel(panel, learnt=trained.panel)

    def gentler(settings: Any) -> Any:
        """A third of everything."""
        steps = max(1, settings.max_steps // UPDATE_FRACTION)
        return replace(settings, max_steps=steps, learning_rate=settings.learning_rate / UPDATE_FRACTION)

    gentle = replace(
        old.recipe,
        members=tuple(map(gentler, old.recipe.members)),
        hybrids=tuple(map(gentler, old.recipe.hybrids)),
        own=tuple(map(gentler, old.recipe.own)),
    )
    learned = ensemble.learn(history, old.h, old.m, gentle, asked.seed, stages.tell, old)._replace(recipe=old.recipe)
    seconds = time.perf_counter() - began
    return trained._replace(
        panel=panel, learned=learned, evaluation=None, training_history=stages.history, seconds=seconds
    )


def _start(asked: FitSettings, recipe: Recipe, h: int) -> ConformalCalibrator:
    """Before anything is measured."""
    start = default_calibrator(
        ensemble.names(recipe), recipe.probabilities, sorted({*STANDARD_LEVELS, *asked.level}), h
    )
    return start._replace(bounds=Bounds(asked.data.lower_bound, asked.data.upper_bound, asked.data.integer))


def _rolled(seen: PanelContext, parts: Split, h: int) -> tuple[PanelContext, Floats]:
    """The series at the cutoffs of the validation part, and what came then."""
    validation = parts.validation
    if len(seen) == 1:
        backs = np.linspace(validation, 1, min(CALIBRATION_ORIGINS, validation)).round().astype(np.int64)
    else:
        backs = np.arange(validation, 0, -h)
    return seen.rolling_origins(backs, h)


def _place(tried: Learned, chosen: Learned) -> int:
    """Which of the networks that were tried is the first of those chosen."""
    before, after = tried.voices[0], chosen.voices[0]
    if not isinstance(before, Networks) or not isinstance(after, Networks):
        return 0
    return next(k for k, member in enumerate(before.members) if member is after.members[0])


def _followed(recipe: Recipe, learned: Learned, *, few: bool) -> Recipe:
    """The recipe as the trial taught it: of few series all networks in the better way; stopped where it was better."""
    tried = learned.voices[0]
    if not isinstance(tried, Networks):
        return recipe
    if few:
        return replace(recipe, members=learned.recipe.members[:1] * len(recipe.members))
    pairs = zip(tried.members, recipe.members, strict=False)
    share = float(np.mean([member.settings.max_steps / own.max_steps for member, own in pairs]))
    return replace(
        recipe, members=tuple(replace(one, max_steps=max(1, round(share * one.max_steps))) for one in recipe.members)
    )


def _calibrate(
    start: ConformalCalibrator, learned: Learned, past: PanelContext, actual: Floats, rows: int
) -> ConformalCalibrator:
    """Weights, factors of the intervals, and how long errors last, from errors on `rows` values."""
    said = ensemble.say(learned, past)
    weighed = start._replace(
        weights=ensemble.inverse_error_weights(said, actual, seasonal_naive_scale(past.values, learned.m))
    )
    main = with_ensemble(weighed, said)[start.name]
    factors = fit_width_factors(main, start.quantiles, actual, list(start.width_factors), rows=rows)
    below, above = half_widths(main, start.quantiles, 80.0)
    off = actual - main[..., main.shape[-1] // 2]
    errors = off / np.maximum(np.where(off < 0, below, above), 1e-300)
    return weighed._replace(width_factors=factors, error_autocorrelation=error_autocorrelation(errors), measured=True)


def _check_lengths(asked: FitSettings, S: int, typical: int, parts: Split | None) -> None:
    """Settings that these series are too short for."""
    train = typical if parts is None else parts.train
    window = asked.network.input_size
    for name, value, most in (("season_length", asked.season, typical // 2), ("input_size", window, train - 1)):
        if value is not None and value > most:
            raise ConfigError(
                f"{name} is too long for {'this series' if S == 1 else 'these series'}",
                got=str(value),
                expected=f"at most {most}, of {'its' if S == 1 else 'their typical'} {typical} rows",
                fix=f"Leave {name} out to have it chosen, or give more rows.",
            )


def _say_parts(findings: list[str], typical: int, h: int, parts: Split | None) -> None:
    """What is to be said about the split."""
    if parts is None:
        findings.append(
            f"{typical} rows are too few to hold any back: the forecast has not been scored, "
            "and its intervals are a guess."
        )
    elif parts.train < h:
        findings.append(
            f"only {parts.train} rows come before the parts for validation and test, {h} each: "
            "a shorter horizon would be learnt and measured better."
        )
