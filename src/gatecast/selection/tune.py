"""`tune`: a search for better settings of the networks, judged on windows that end before the test part.

The newest rows of each series, those that a Forecaster scores itself on, are cut off first. The windows lie before
them, one after another, h steps each; at every window the networks are fitted on what precedes it alone. Only when the
search is over are the default and the best settings scored on the test part, once each.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gatecast._utils.checkpoint import keeping, working_on
from gatecast._utils.formatting import format_count
from gatecast._utils.html import html_table
from gatecast._utils.validation import MAX_STEPS, check_positive, check_positive_int
from gatecast.data.panel import Panel
from gatecast.data.reader import kind_of
from gatecast.errors import DataError
from gatecast.evaluation.splits import MIN_TRAINING_ROWS, default_horizon, split_panel
from gatecast.forecaster import Forecaster
from gatecast.forecasting.base import Overrides, PanelSummary, Task
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.season_selection import Seasons, choose_season
from gatecast.metrics.point import mean_or_nan
from gatecast.metrics.scale import seasonal_naive_scale
from gatecast.pipeline.cross_validation import cutoff_offsets, iter_windows, longer_than, note_short_series
from gatecast.pipeline.fit import fit, prepare_panel
from gatecast.pipeline.progress import Progress, show_notice, show_progress
from gatecast.pipeline.units import environment
from gatecast.plotting import charts
from gatecast.plotting.spec import Chart, Line, Points
from gatecast.selection.search_space import NAMES, Space, apply_choice, defaults, make_space
from gatecast.selection.study import Search, open_search, require_optuna
from gatecast.selection.tune_summary import describe_settings, describe_test, describe_validation

if TYPE_CHECKING:
    from gatecast.config import ForecasterConfig

__all__ = ["TuneResult", "tune"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class TuneResult:
    """Trials of a search, and a forecaster with the best settings.

    Args:
        trials: A row for each trial: number, value (its error; NaN if pruned), state, a column for each setting,
            seconds.
        importance: Share of each setting in what makes a trial one of the best; empty for fewer than 8 complete trials.
        best: The settings with the smallest error.
        measure: What the errors are: "MASE", or "MAE" where no series changes.
        validation: Errors on the windows of "default" and "tuned".
        test: The same on the test part, which no trial saw.
        n_windows: Cutoffs of each trial.
        forecaster: With the best settings, fitted on all rows.
        study: File of the study; None if it was kept in memory.
        window_notes: Notes on series that the windows leave out.
    """

    trials: dict[str, npt.NDArray[Any]]
    importance: dict[str, float]
    best: dict[str, Any]
    measure: str
    validation: dict[str, float]
    test: dict[str, float]
    n_windows: int
    forecaster: Forecaster
    study: str | None
    window_notes: tuple[str, ...] = ()

    @property
    def findings(self) -> tuple[str, ...]:
        """What was noticed about the data, as sentences."""
        return (*self.forecaster.data_notes_, *self.window_notes)

    @property
    def validation_summary(self) -> str:
        """What was gained on the windows, as a sentence."""
        n_trials = len(self.trials["number"])
        return describe_validation(n_trials, self.n_windows, self.best, self.measure, self.validation)

    @property
    def test_summary(self) -> str:
        """What is left of it on the test part, as a sentence."""
        return describe_test(self.measure, self.validation, self.test)

    @property
    def sentence(self) -> str:
        """What was gained, and what is left of it."""
        return f"{self.validation_summary} {self.test_summary}"

    def __repr__(self) -> str:
        n_trials = len(self.trials["number"])
        error = f"{self.measure} {self.validation['tuned']:.3g}"
        return f"TuneResult({format_count(n_trials, 'trial')}, best: {describe_settings(self.best)}; {error})"

    def _repr_html_(self) -> str:
        """Return the best settings as a table for notebooks."""
        rows = [(name, str(value)) for name, value in self.best.items()]
        return html_table(("setting", "best"), rows, self.sentence)

    def plot(self, path: str | os.PathLike[str] | None = None) -> Any:
        """Draw the error of every trial, and the best so far.

        Args:
            path: A file to write: .png, .svg or .html; None: the figure is returned.

        Returns:
            A figure of matplotlib, or of plotly where that is not installed; None if a file was written.

        Raises:
            ConfigError: A file of another kind, or neither library is installed.
        """
        value = self.trials["value"]
        complete, number = np.isfinite(value), self.trials["number"]
        best = np.minimum.accumulate(np.where(complete, value, np.inf))
        marks = (
            Points(number[complete], value[complete], "trial", "model"),
            Line(number, np.where(np.isfinite(best), best, np.nan), "best so far", "naive"),
        )
        name = f"{self.measure} on the windows"
        return charts.show(
            Chart("Trials", marks, note=self.validation_summary, x_label="trial", y_labels=(name,)), path
        )


@dataclass(frozen=True, eq=False)
class _Plan:
    """What all trials share.

    Args:
        panel: All rows, as they were read.
        before_test: The rows before the test part.
        notes: What was noticed while reading.
        kind: Kind of the source table.
        config: Settings of every forecaster, but for those that are searched.
        h: Horizon.
        n_windows: Cutoffs of each trial.
        scales: Unit of the errors of each series, [n_series], for every window.
        measure: Name of the errors.
        space: Ranges of the settings.
        default: All settings of the default.
    """

    panel: Panel
    before_test: Panel
    notes: list[str]
    kind: str
    config: ForecasterConfig
    h: int
    n_windows: int
    scales: list[FloatArray]
    measure: str
    space: Space
    default: dict[str, Any]

    def trial_config(self, chosen: Mapping[str, Any]) -> ForecasterConfig:
        """Return the settings of a trial."""
        model, network, training = apply_choice(chosen, self.config.network, self.config.training)
        return replace(self.config, h=self.h, model=model, network=network, training=training)

    def study_facts(self) -> dict[str, Any]:
        """Return what the error of a trial depends on: a study is about one of each."""
        config = self.config
        return {
            "data": _fingerprint(self.panel),
            "horizon": self.h,
            "n_windows": self.n_windows,
            "search_space": {name: list(axis) for name, axis in self.space.items()},
            "seed": config.seed,
            "season_length": config.season_length,
            "network settings": asdict(config.network),
            "training settings": asdict(config.training),
            "data settings": asdict(config.data),
        }


def tune(
    source: Any,
    h: int | None = None,
    *,
    n_trials: int = 30,
    timeout: float | None = None,
    n_windows: int = 2,
    study: str | os.PathLike[str] | None = None,
    search_space: Mapping[str, Any] | None = None,
    progress: Callable[[Progress], None] | bool | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    **settings: Any,
) -> TuneResult:
    """Search for better settings of the networks; requires the `tune` extra.

    The error of a trial is the mean over windows and series of ``mean |y - f| / mean |y[t] - y[t-m]|`` (MASE); missing
    values do not count. Trials are drawn by a tree-structured Parzen estimator; one whose first windows are worse than
    the median trial's is pruned. The first trial is what `Forecaster(model="lstm")` takes by default, and it is the
    result if none is better, even where it lies outside the search space.

    Args:
        source: As for `Forecaster.fit`.
        h: Steps to forecast; by default as a Forecaster chooses.
        n_trials: Trials in all, those included that the study holds already.
        timeout: Seconds after which no trial begins; the default's always runs.
        n_windows: Cutoffs that a trial is scored on, h steps apart.
        study: An SQLite file that keeps the trials: the same call continues where it was interrupted. It serves one
            search at a time.
        search_space: Other ranges, by name of `search_space.NAMES`: a pair (low, high), a list of options, or a value.
        progress: As for `Forecaster.fit`.
        checkpoint: A folder that keeps what is done until the search is complete: the same call, after an
            interruption, goes on from there to the same bits, in the middle of a trial too; None: nothing is kept.
        settings: Further arguments of `Forecaster`. What is fixed about the networks and their training is not
            searched.

    Returns:
        The trials, and a forecaster with the best settings, fitted on all rows.

    Raises:
        ConfigError: optuna is not installed, an invalid setting or search space, or a study of other data.
        DataError: The data cannot be used, or the series are too short for so many windows.

    Source: Bergstra, Bardenet, Bengio & Kegl 2011; Akiba, Sano, Yanase, Ohta & Koyama 2019 (Optuna).

    Example:
        >>> from gatecast.config import TrainingConfig
        >>> waves = {"t": np.arange(60), "y": 9 + np.sin(np.arange(60) * np.pi / 6)}
        >>> small = TrainingConfig(max_steps=2, n_members=1)
        >>> tuned = tune(waves, 4, n_trials=2, n_windows=1, training=small, search_space={"units": (4, 8)})
        >>> len(tuned.trials["value"]), tuned.forecaster.h_
        (2, 4)
    """
    require_optuna()
    for name, value in (("n_trials", n_trials), ("n_windows", n_windows)):
        check_positive_int(value, name, maximum=MAX_STEPS)
    deadline = np.inf if timeout is None else time.monotonic() + check_positive(timeout, "timeout")
    plan = _plan(source, Forecaster(h, **settings), n_windows, search_space)
    facts = (plan.panel, plan.study_facts(), environment())
    with (
        show_progress(progress) as report,
        keeping(checkpoint, None if progress is False else show_notice),
        working_on("tune", *facts, total=(0, "window")),
    ):
        with open_search(study, plan.study_facts(), plan.space, plan.default, plan.config.seed) as search:
            while search.n_done < n_trials and (search.n_done == 0 or time.monotonic() < deadline):
                _run_trial(search, plan, n_trials, report)
            best = search.best()
            trials, importance = search.table(), search.importance()
        default = _fit(plan, {}, report)
        tuned = _fit(plan, best.chosen, report) if best.chosen else default
    return TuneResult(
        trials,
        importance,
        {name: trials[name].tolist()[best.row] for name in NAMES},
        plan.measure,
        {"default": best.default_error, "tuned": best.error},
        {"default": _test_error(default, plan.measure), "tuned": _test_error(tuned, plan.measure)},
        n_windows,
        tuned,
        None if study is None else str(study),
        note_short_series(plan.before_test, cutoff_offsets(plan.before_test, plan.h, n_windows, None)),
    )


def _plan(source: Any, forecaster: Forecaster, n_windows: int, search_space: Any) -> _Plan:
    """Read the series, cut off their test part, and check that the windows fit."""
    config = forecaster.config
    panel, notes = forecaster._session.read(source)
    prepared = prepare_panel(panel, list(notes), config)
    h = config.h or default_horizon(prepared.freq, int(np.median(prepared.lengths)))
    split = split_panel(prepared.lengths, h)
    if split is None:
        raise _too_short(prepared, h, h, n_windows)
    known = prepared.restrict_categories(prepared.categories_before(split.test))
    before_test = known.drop_last(split.test)
    shortest, seasons, lengths = split.train, Seasons(1, 1, ()), prepared.lengths
    scales: list[FloatArray] = []
    for offset in reversed(range(h, n_windows * h + 1, h)):
        window = longer_than(before_test, offset)
        inner = None
        if len(window):
            window = prepare_panel(window.drop_last(offset), [], config)
            inner = split_panel(window.lengths, h)
        if inner is None:
            raise _too_short(prepared, h, split.test, n_windows)
        shortest = min(shortest, inner.train)
        past = PanelContext.from_panel(window).values
        if not scales:
            # One season for all trials, chosen before the first window.
            seasons, lengths = choose_season(past, window, h, config.season_length), window.lengths
        scales.append(seasonal_naive_scale(past, seasons.naive))
    measure = "MASE" if all(np.isfinite(scale).any() for scale in scales) else "MAE"
    if measure == "MAE":
        scales = [np.ones(len(scale)) for scale in scales]
    task, overrides = Task(h, **seasons.of_task()), Overrides(config.network, config.training)
    default = defaults(PanelSummary(lengths), task, overrides)
    space = make_space(default, max(1, shortest - 1), config.network, config.training, search_space)
    return _Plan(
        panel, before_test, list(notes), kind_of(source), config, h, n_windows, scales, measure, space, default
    )


def _too_short(panel: Panel, h: int, n_test: int, n_windows: int) -> DataError:
    """Return the error for series that are too short for the windows."""
    n_windows_rows = n_windows * h
    if len(panel) == 1:
        n_before = 2 * h + MIN_TRAINING_ROWS
        needed = f"at least {n_test + n_windows_rows + n_before} rows"
    else:
        n_before = 3 * h
        needed = f"a quarter of the series with at least {n_test + n_windows_rows + n_before} rows"
    return DataError(
        f"The series {'is' if len(panel) == 1 else 'are'} too short to tune",
        got=f"{int(panel.lengths.max())} rows for {format_count(h, 'step')} and {format_count(n_windows, 'window')}",
        expected=f"{needed}: {n_test} to test, {n_windows_rows} for the windows, {n_before} before them",
        fix="Use fewer windows (n_windows), a shorter horizon (h), or provide more rows.",
        argument="n_windows",
    )


def _run_trial(search: Search, plan: _Plan, n_trials: int, report: Callable[[Progress], None] | None) -> None:
    """Run one trial, window by window; prune it where it falls behind."""
    number, seconds = search.n_done, 0.0
    trial, chosen = search.begin()
    errors: list[float] = []
    error: float | None = None
    try:
        for k, (window_error, window_seconds) in enumerate(_window_errors(plan, plan.trial_config(chosen))):
            errors.append(window_error)
            seconds += window_seconds
            error = float(np.mean(errors))
            if report is not None:
                fraction = (number + (k + 1) / plan.n_windows) / n_trials
                report(Progress(f"trial {number + 1} of {n_trials}", fraction, error))
            is_behind = search.report(trial, error, k)
            if is_behind and chosen and k + 1 < plan.n_windows:
                error = None
                break
        if not chosen and (error is None or not np.isfinite(error)):
            raise DataError(
                "The windows have no values to score trials on", fix="Use more windows (n_windows), or fill the gap."
            )
    except BaseException:
        search.discard(trial)
        raise
    search.end(trial, error, seconds)


def _window_errors(plan: _Plan, config: ForecasterConfig) -> Iterator[tuple[float, float]]:
    """Yield error and seconds of every window, the earliest first, each of networks that saw nothing of it."""
    target = plan.before_test.columns.target
    windows = iter_windows(plan.before_test, config, plan.n_windows, None, refit=True)
    for scale, window in zip(plan.scales, windows, strict=True):
        errors = np.abs(window.table[target] - window.table[window.name]).reshape(len(scale), plan.h)
        known = np.isfinite(errors)
        means = np.where(known, errors, 0.0).sum(axis=1) / np.where(known.any(axis=1), known.sum(axis=1), np.nan)
        yield mean_or_nan((means / scale)[np.isfinite(means / scale)]), window.seconds


def _fit(plan: _Plan, chosen: Mapping[str, Any], report: Callable[[Progress], None] | None) -> Forecaster:
    """Return a forecaster of all rows, scored on its test part first."""
    config = plan.trial_config(chosen)
    state = fit(plan.panel, config, list(plan.notes), report, evaluate=True)
    return Forecaster._from_state(config, state, plan.kind)


def _test_error(forecaster: Forecaster, measure: str) -> float:
    """Return the error on the test part."""
    evaluation = forecaster.evaluation_
    return float("nan") if evaluation is None else float(getattr(evaluation.scores[0], measure.lower()))


def _fingerprint(panel: Panel) -> str:
    """Return a digest of the series: ids, times, values, exogenous columns."""
    digest = hashlib.sha256()
    columns = {**panel.hist_exog, **panel.futr_exog, **panel.stat_exog}
    texts = [str(panel.freq), repr(panel.ids.tolist()), repr(list(columns)), repr(dict(panel.categories))]
    for text in texts:
        digest.update(f"{len(text)}:{text}".encode())
    for array in (panel.values, panel.indptr, panel.start, *columns.values()):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:32]
