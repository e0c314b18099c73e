"""`tune`: a search over settings of the networks, judged by folds that end before the test part.

Letters: S series, h horizon, m season, n rows of a test part.

The newest rows of each series, those that a Forecaster tests itself on, are cut off before anything else happens: the
folds lie inside the rest, one after another, h steps each, and at every fold the networks learn from what came before
it alone. Only when the search is over, the default setting and the best are scored on the test part, once each.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gatecast._utils.formatting import count
from gatecast._utils.validation import check_count
from gatecast.config import DataConfig, NetworkConfig, TrainingConfig
from gatecast.data.panel import Panel
from gatecast.data.read import kind_of
from gatecast.errors import DataError, check_positive
from gatecast.evaluation.scores import seasonal_naive_scale
from gatecast.evaluation.splits import SMALLEST_TRAINING, default_horizon, split_panel
from gatecast.forecaster import Forecaster
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.season_selection import choose_season
from gatecast.metrics.point import mean_or_nan
from gatecast.pipeline.cross_validation import iter_windows, longer_than
from gatecast.pipeline.fit import fit, prepare_panel
from gatecast.pipeline.progress import Progress
from gatecast.plotting import charts
from gatecast.plotting.spec import Chart, Line, Points
from gatecast.selection.search_space import NAMES, Space, apply_choice, defaults, make_space
from gatecast.selection.study import Search, open_search, require_optuna

if TYPE_CHECKING:
    from gatecast.pipeline.fit import FitSettings

__all__ = ["TuneResult", "tune"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TuneResult:
    """What came of a search.

    Args:
        trials: A row a trial: number, value (its error; NaN if cut short), state, a column a setting, seconds.
        importance: Share of each setting in what makes a trial one of the best; empty of fewer than 8 complete trials.
        best: The settings with the smallest error.
        measure: What the errors are: "MASE", or "MAE" where no series changes.
        validation: Errors on the folds of "default" and "tuned".
        test: The same on the test part, which no trial saw.
        validation_summary: What was gained on the folds, in a sentence.
        test_summary: What is left of it on the test part, in a sentence.
        forecaster: With the best settings, fitted to all rows.
        study: The file of the study; None if it was kept in memory.
    """

    trials: dict[str, npt.NDArray[Any]]
    importance: dict[str, float]
    best: dict[str, Any]
    measure: str
    validation: dict[str, float]
    test: dict[str, float]
    validation_summary: str
    test_summary: str
    forecaster: Forecaster
    study: str | None

    @property
    def sentence(self) -> str:
        """What was gained, and what is left of it."""
        return f"{self.validation_summary} {self.test_summary}"

    def plot(self, path: str | os.PathLike[str] | None = None) -> Any:
        """Draw the error of every trial, and the best so far.

        Args:
            path: A file: .png, .svg or .html; None: the figure comes back.

        Returns:
            A figure of matplotlib or, where that is not installed, of plotly; None if it went into a file.

        Raises:
            ConfigError: A file of another kind, or neither library is there.
        """
        value = self.trials["value"]
        whole, number = np.isfinite(value), self.trials["number"]
        best = np.minimum.accumulate(np.where(whole, value, np.inf))
        marks = (
            Points(number[whole], value[whole], "trial", "model"),
            Line(number, np.where(np.isfinite(best), best, np.nan), "best so far", "naive"),
        )
        name = f"{self.measure} on the folds"
        return charts.show(
            Chart("Trials", marks, note=self.validation_summary, x_label="trial", y_labels=(name,)), path
        )


@dataclass(frozen=True, eq=False)
class _Plan:
    """What all trials share.

    Args:
        panel: All rows, as they were read.
        inner: Those before the test part.
        findings: What was noticed while reading.
        kind: Of table that came in.
        h: Horizon.
        folds: How many.
        units: (S,) of a fold each: what an error of 1 is, by series.
        measure: Their name.
        space: What may be chosen.
        default: All settings of the default.
        words: Arguments of every Forecaster.
    """

    panel: Panel
    inner: Panel
    findings: list[str]
    kind: str
    h: int
    folds: int
    units: list[Floats]
    measure: str
    space: Space
    default: dict[str, Any]
    words: dict[str, Any]

    def forecaster(self, chosen: Mapping[str, Any]) -> Forecaster:
        """One that has learnt nothing yet."""
        model, network, training = apply_choice(chosen, self.words["network"], self.words["training"])
        return Forecaster(**self.words | {"model": model, "network": network, "training": training})

    def facts(self) -> dict[str, Any]:
        """What a study is about: all that the error of a trial depends on."""
        words = {name: self.words[name] for name in ("seed", "season_length")}
        configs = {f"{name} settings": asdict(self.words[name]) for name in ("network", "training", "data")}
        space = {name: list(axis) for name, axis in self.space.items()}
        return {
            "data": _fingerprint(self.panel),
            "horizon": self.h,
            "folds": self.folds,
            "space": space,
            **words,
            **configs,
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
    seed: int = 0,
    id_col: str | None = None,
    time_col: str | None = None,
    target_col: str | Sequence[str] | None = None,
    freq: str | None = None,
    season_length: int | None = None,
    level: Sequence[float] | float | None = (80, 95),
    data: DataConfig | None = None,
    network: NetworkConfig | None = None,
    training: TrainingConfig | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> TuneResult:
    """Search for better settings of the networks; needs the `tune` extra.

    The error of a trial is the mean over folds and series of ``mean |y - f| / mean |y[t] - y[t-m]|`` (MASE), where
    missing values are left out. Trials are drawn by a tree-structured Parzen estimator; one whose first folds are worse
    than the median's is cut short. The first trial is what `Forecaster(model="lstm")` takes by itself, and it is the
    answer if none is better, even where it lies outside the space.

    Args:
        source: As for `Forecaster.fit`.
        h: Steps to forecast; by default as a Forecaster chooses.
        n_trials: How many in all, those included that the study holds already.
        timeout: Seconds after which no trial begins; the default's is always made.
        n_windows: Cutoffs that a trial is judged by, h steps apart.
        study: An SQLite file that keeps the trials: the same call goes on where it was interrupted. It serves one
            search at a time.
        search_space: Narrower or other ranges, by name of `spaces.NAMES`: a pair (low, high), a list to choose from, a value.
        seed: Same seed, same trials.
        id_col: As for `Forecaster`.
        time_col: As for `Forecaster`.
        target_col: As for `Forecaster`.
        freq: As for `Forecaster`.
        season_length: As for `Forecaster`.
        level: As for `Forecaster`.
        data: As for `Forecaster`.
        network: What is fixed about the networks is not searched.
        training: What is fixed about their training is not searched.
        progress: Called after every fold, and while the last networks learn.

    Returns:
        The trials, and a forecaster with the best settings, fitted to all rows.

    Raises:
        ConfigError: optuna is not installed, an impossible setting or space, or a study of other data.
        DataError: The data cannot be used, or the series are too short for so many folds.

    Source: Bergstra, Bardenet, Bengio & Kegl 2011; Akiba, Sano, Yanase, Ohta & Koyama 2019 (Optuna).

    >>> from gatecast.config import TrainingConfig
    >>> waves = {"t": np.arange(60), "y": 9 + np.sin(np.arange(60) * np.pi / 6)}
    >>> small = TrainingConfig(max_steps=2, n_members=1)
    >>> tuned = tune(waves, 4, trials=2, folds=1, training=small, space={"units": (4, 8)})
    >>> len(tuned.trials["value"]), tuned.forecaster.h_
    (2, 4)
    """
    require_optuna()
    for name, value in (("n_trials", n_trials), ("n_windows", n_windows)):
        check_count(name, value, needed=True)
    last = np.inf if timeout is None else time.monotonic() + check_positive(timeout, "timeout")
    words = {
        "h": h,
        "seed": seed,
        "id_col": id_col,
        "time_col": time_col,
        "target_col": target_col,
        "freq": freq,
        "season_length": season_length,
        "level": level,
        "data": data,
        "network": network,
        "training": training,
    }
    plan = _plan(source, words, n_windows, search_space)
    with open_search(study, plan.facts(), plan.space, plan.default, plan.words["seed"]) as search:
        while search.done < n_trials and (search.done == 0 or time.monotonic() < last):
            _run(search, plan, n_trials, progress)
        best, chosen, error, before = search.best()
        table, importance = search.table(), search.importance()
    fitted = {"default": _fit(plan, {}, progress)}
    fitted["tuned"] = _fit(plan, chosen, progress) if chosen else fitted["default"]
    validation = {"default": before, "tuned": error}
    test = {name: _tested(one, plan.measure) for name, one in fitted.items()}
    settings = {name: table[name].tolist()[best] for name in NAMES}
    gain, kept = _sentences(plan, len(table["value"]), settings, validation, test)
    where = None if study is None else str(study)
    return TuneResult(table, importance, settings, plan.measure, validation, test, gain, kept, fitted["tuned"], where)


def _plan(source: Any, words: dict[str, Any], folds: int, given: Any) -> _Plan:
    """Read the series, cut off their test part, and see what the folds have room for."""
    base = Forecaster(**words)
    words = words | {name: getattr(base, name) for name in ("data", "network", "training", "seed")}
    found, findings = base._read(source)
    panel = prepare_panel(found, list(findings), base.data)
    h = base.h or default_horizon(panel.freq, int(np.median(panel.lengths)))
    parts = split_panel(panel.lengths, h)
    if parts is None:
        raise _too_short(panel, h, h, folds)
    inner = panel.restrict_categories(panel.categories_before(parts.test)).drop_last(parts.test)
    shortest, seasons, lengths = parts.train, (1, 1), panel.lengths
    units: list[Floats] = []
    for back in reversed(range(h, folds * h + 1, h)):
        there = longer_than(inner, back)
        if len(there) == 0:
            raise _too_short(panel, h, parts.test, folds)
        there = prepare_panel(there.drop_last(back), [], base.data)
        inside = split_panel(there.lengths, h)
        if inside is None:
            raise _too_short(panel, h, parts.test, folds)
        shortest = min(shortest, inside.train)
        past = PanelContext.from_panel(there).values
        if not units:
            # One season for all trials, chosen before the first fold.
            seasons, lengths = choose_season(past, there, h, base.season_length), there.lengths
        units.append(seasonal_naive_scale(past, seasons[1]))
    measure = "MASE" if all(np.isfinite(one).any() for one in units) else "MAE"
    if measure == "MAE":
        units = [np.ones(len(one)) for one in units]
    default = defaults(h, seasons[0], lengths, base.network, base.training)
    space = make_space(default, max(1, shortest - 1), base.network, base.training, given)
    every = words | {"h": h}
    return _Plan(found, inner, list(findings), kind_of(source), h, folds, units, measure, space, default, every)


def _too_short(panel: Panel, h: int, test: int, folds: int) -> DataError:
    """What is to be said where there is no room for a fold."""
    if len(panel) == 1:
        needed = f"at least {test + (folds + 2) * h + SMALLEST_TRAINING} rows"
        detail = f"{test} to test, {folds * h} for the folds, {2 * h + SMALLEST_TRAINING} before them"
    else:
        needed = f"a quarter of the series with at least {test + (folds + 3) * h} rows"
        detail = f"{test} to test, {folds * h} for the folds, {3 * h} before them"
    return DataError(
        "the series are too short to tune" if len(panel) > 1 else "the series is too short to tune",
        got=f"{int(panel.lengths.max())} rows for {count(h, 'step')} ahead and {count(folds, 'fold')}",
        expected=f"{needed}: {detail}",
        fix="Ask for fewer folds or a shorter horizon, or give more rows.",
    )


def _run(search: Search, plan: _Plan, trials: int, progress: Callable[[Progress], None] | None) -> None:
    """One trial, fold by fold, cut short where it falls behind."""
    number, began = search.done, time.perf_counter()
    trial, chosen = search.begin()
    errors: list[float] = []
    error: float | None = None
    try:
        for k, one in enumerate(_errors(plan, plan.forecaster(chosen)._asked())):
            errors.append(one)
            error = float(np.mean(errors))
            if progress is not None:
                share = (number + (k + 1) / plan.folds) / trials
                progress(Progress(f"trial {number + 1} of {trials}", share, error))
            behind = search.report(trial, error, k)
            if behind and chosen and k + 1 < plan.folds:
                error = None
                break
        if not chosen and (error is None or not np.isfinite(error)):
            raise DataError("the folds hold no values to judge by", fix="Ask for more folds, or fill the gap.")
    except BaseException:
        search.give_up(trial)
        raise
    search.end(trial, error, time.perf_counter() - began)


def _errors(plan: _Plan, asked: FitSettings) -> Iterator[float]:
    """The error at every fold, the earliest first, each of networks that have seen nothing of it."""
    target = plan.inner.columns.target
    rounds = iter_windows(plan.inner, asked, plan.folds, None, refit=True)
    for unit, (trained, table) in zip(plan.units, rounds, strict=True):
        off = np.abs(table[target] - table[trained.calibrator.name]).reshape(len(unit), plan.h)
        known = np.isfinite(off)
        means = np.where(known, off, 0.0).sum(axis=1) / np.where(known.any(axis=1), known.sum(axis=1), np.nan)
        yield mean_or_nan((means / unit)[np.isfinite(means / unit)])


def _fit(plan: _Plan, chosen: Mapping[str, Any], progress: Callable[[Progress], None] | None) -> Forecaster:
    """A forecaster of all rows, scored on its test part first."""
    made = plan.forecaster(chosen)
    made._kind = plan.kind
    made._take(fit(plan.panel, made._asked(), list(plan.findings), progress, evaluate=True))
    return made


def _tested(fitted: Forecaster, measure: str) -> float:
    """The error on the test part."""
    evaluation = fitted.evaluation_
    return float("nan") if evaluation is None else float(getattr(evaluation.scores[0], measure.lower()))


def _sentences(
    plan: _Plan, done: int, best: Mapping[str, Any], validation: Mapping[str, float], test: Mapping[str, float]
) -> tuple[str, str]:
    """What was gained on the folds, and what is left on the test part."""
    name, folds = plan.measure, count(plan.folds, "fold")
    rows = "newest rows, which no trial saw"
    if validation["tuned"] == validation["default"]:
        gain = f"None of {done:,} trials is better on {folds} than the default setting, {_said(best)}: "
        if done == 1:
            gain = f"Nothing but the default setting, {_said(best)}, was tried on {folds}: "
        gain += f"its {name} is {validation['default']:.3g}."
        return gain, f"On the {rows}, its {name} is {test['default']:.3g}."
    gain = f"The best of {count(done, 'trial')}, {_said(best)}, has a {_less(validation)} than the default setting "
    gain += f"on {folds}: {name} {validation['tuned']:.3g} instead of {validation['default']:.3g}."
    kept = f"On the {rows}, it has a {_less(test)}: {name} {test['tuned']:.3g} instead of {test['default']:.3g}."
    if test["tuned"] >= test["default"]:
        kept += " What was gained on the folds is not kept there: the default setting may do as well."
    return gain, kept


def _less(errors: Mapping[str, float]) -> str:
    """How far an error is below that of the default."""
    if not errors["default"] > 0:
        return "error that cannot be compared"
    share = 100 * (1 - errors["tuned"] / errors["default"])
    return f"{abs(share):.1f} % {'smaller' if share >= 0 else 'larger'} error"


def _said(best: Mapping[str, Any]) -> str:
    """Settings in a line."""
    one = f"{best['cell']}, {count(best['units'], 'unit')}, {count(best['layers'], 'layer')}"
    two = f"input size {best['input_size']}, dropout {best['dropout']:.2g}, rate {best['rate']:.2g}"
    return f"{one}, {two}, {count(best['members'], 'member')}"


def _fingerprint(panel: Panel) -> str:
    """The same for the same series alone: names, times, values, columns beside them."""
    found = hashlib.sha256()
    columns = {**panel.hist_exog, **panel.futr_exog, **panel.stat_exog}
    texts = [str(panel.freq), repr(panel.ids.tolist()), repr(list(columns)), repr(dict(panel.categories))]
    for text in texts:
        found.update(f"{len(text)}:{text}".encode())
    for array in (panel.values, panel.indptr, panel.start, *columns.values()):
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()[:32]
