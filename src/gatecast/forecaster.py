"""The main job: read series, train on all of them, score beside seasonal naive, forecast beyond their ends.

Letters: S series, T columns, n points of a series, h horizon, m season, Q quantiles.

Every series is cut in time order into a training, a validation and a test part:

1. networks are trained on the training parts; on the validation parts their errors say what weight each model gets, and
   how wide the intervals have to be;
2. networks trained on both are scored on the test parts; 3. networks trained on everything forecast what comes.
"""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast import ensemble, scoring, store
from gatecast.calibration import ANY_LEVEL, Calibration, answers, combined, sides, uncalibrated
from gatecast.data.frames import matrix
from gatecast.data.panel import Panel
from gatecast.data.read import kind_of, read, to_like
from gatecast.ensemble import Learned, hide
from gatecast.errors import ConfigError, DataError, NotFittedError
from gatecast.forecast import Evaluation, Forecast, column_names
from gatecast.intervals import calibrate
from gatecast.notes import observed, remark
from gatecast.parts import Parts, check_parts, default_horizon, split_panel
from gatecast.recipes import FEW, MODELS, NetworkConfig, Recipe, TrainingConfig, make_recipe
from gatecast.seasons import choose_season
from gatecast.settings import check_count, check_levels, check_seed
from gatecast.stages import TRIAL_MEMBERS, Progress, Stages

__all__ = ["Forecaster", "Progress", "load"]

Floats = npt.NDArray[np.float64]

_OWN = ("h", "model", "level", "season", "freq", "input_size", "seed", "id_col", "time_col", "target_col")

CALIBRATION_ORIGINS = 16
"""Origins in the validation part of a single series."""


class Forecaster:
    """A forecaster for one series or many.

    Args:
        h: Steps to forecast; by default two seasons of the frequency (24 months, 14 days, 48 hours).
        model: "auto": LSTM networks and the theta method, weighted by their errors on a validation part; "lstm", "gru",
            "rnn": networks alone.
        level: Levels of the intervals, in percent; None for no intervals.
        season: Steps in a season; found before the test part by default. 1 means none.
        freq: Frequency, as "MS" or "D"; inferred by default.
        input_size: Values in a window; chosen by horizon, season and length by default.
        seed: Same seed, same bits.
        network: Sizes of the networks.
        training: Members, steps, batch and rate of their training.
        id_col: Column with the series' names.
        time_col: Column with the times.
        target_col: Column with the values.

    Raises:
        ConfigError: An impossible setting.

    >>> months = np.arange("2010-01", "2018-01", dtype="M8[M]").astype("M8[D]")
    >>> sales = 100 + 10 * np.sin(np.arange(96) * np.pi / 6)
    >>> forecast = Forecaster(h=6).fit({"ds": months, "y": sales}).predict()
    >>> list(forecast.table)
    ['ds', 'Ensemble', 'Ensemble-lo-80', 'Ensemble-hi-80', 'Ensemble-lo-95', 'Ensemble-hi-95']
    >>> [round(float(value)) for value in forecast.table["Ensemble"][:3]]
    [100, 105, 109]
    """

    def __init__(
        self,
        h: int | None = None,
        *,
        model: str = "auto",
        level: Sequence[float] | float | None = (80, 95),
        season: int | None = None,
        freq: str | None = None,
        input_size: int | None = None,
        seed: int = 0,
        network: NetworkConfig | None = None,
        training: TrainingConfig | None = None,
        id_col: str | None = None,
        time_col: str | None = None,
        target_col: str | None = None,
    ) -> None:
        for name, value in (("h", h), ("season", season), ("input_size", input_size)):
            check_count(name, value)
        if model not in MODELS:
            raise ConfigError("there is no such model", got=repr(model), expected=" or ".join(map(repr, MODELS)))
        self.h, self.season, self.freq, self.input_size, self.model = h, season, freq, input_size, model
        self.level, self.seed = check_levels(level), check_seed(seed)
        self.network = network or NetworkConfig()
        if input_size is not None:
            self.network = replace(self.network, window=input_size)
        self.training = training or TrainingConfig()
        self.id_col, self.time_col, self.target_col = id_col, time_col, target_col
        self._learned: Learned | None = None

    def fit(
        self, source: Any, *, evaluate: bool = True, progress: Callable[[Progress], None] | None = None
    ) -> Forecaster:
        """Learn from series.

        Args:
            source: A path, a table (pandas, polars, Arrow) or a dict of arrays.
            evaluate: Whether to score the models on a test part first.
            progress: Called now and then while training.

        Returns:
            This forecaster, with `panel_`, `findings_`, `evaluation_`, `h_`, `season_`, `weights_` and `history_`.

        Raises:
            DataError: The data cannot be used: the message says what is wrong, where, and how to put it right.
        """
        self._kind = kind_of(source)
        panel, findings = self._read(source)
        return self._fit(panel, list(findings), progress, evaluate=evaluate)

    def predict(
        self, source: Any = None, *, h: int | None = None, level: Sequence[float] | float | None = None
    ) -> Forecast:
        """Forecast the steps after the end of each series.

        Args:
            source: Series to go on from, as given to `fit`, of which the networks need not have seen any; None: those
                of `fit`.
            h: Steps; more than were learnt are reached by going on from the forecast itself, with intervals that grow.
            level: Levels of the intervals, in percent; None: as given at the beginning.

        Returns:
            The forecast; its table is of the kind that came in.

        Raises:
            NotFittedError: `fit` comes first.
            DataError: Series of another frequency, or data that cannot be used.
        """
        learned = self._fitted()
        check_count("h", h)
        steps = h or self.h_
        levels = self.level if level is None else check_levels(level)
        panel, kind = self.panel_, self._kind
        if source is not None:
            kind = kind_of(source)
            panel, _ = self._read(source, str(self.panel_.freq))
        values = matrix(panel)
        said = answers(self._calibration, learned, values, steps)
        found = sides(self._calibration, said[self.name_], values, levels)
        names = panel.names
        table: dict[str, npt.NDArray[Any]] = {}
        if names.id is not None:
            table[names.id] = np.repeat(panel.ids, steps)
        table[names.time] = panel.future_times(steps).ravel()
        table |= {name: side.ravel() for name, side in zip(column_names(self.name_, levels), found, strict=True)}
        return Forecast(to_like(kind, table), names.id, names.time, names.target, self.name_, levels, table)

    def parts(self) -> dict[str, npt.NDArray[np.float64]]:
        """What each of the models that are weighed says, (S h,) in the order of the rows of `predict`."""
        said = ensemble.say(self._fitted(), matrix(self.panel_))
        return {name: one[..., one.shape[-1] // 2].ravel() for name, one in said.items()}

    def cross_validation(
        self, source: Any, *, n_windows: int = 1, step_size: int | None = None, refit: bool = True
    ) -> Forecast:
        """Forecasts from past cutoffs, each made of nothing that came later, beside what came and seasonal naive.

        Args:
            source: As for `fit`.
            n_windows: Cutoffs, the last of them h steps before the end of each series.
            step_size: Steps from one cutoff to the next; h by default.
            refit: Whether everything is learnt anew at every cutoff; otherwise at the first alone.

        Returns:
            A table of the kind that came in: id, time, cutoff, target, the models' columns and the baselines'.

        Raises:
            DataError: Series too short for so many cutoffs.
        """
        check_count("n_windows", n_windows)
        check_count("step_size", step_size)
        panel, _ = self._read(source)
        panel = observed(panel, [])
        h = self.h or default_horizon(panel.freq, int(np.median(panel.lengths)))
        backs = [h + k * (step_size or h) for k in reversed(range(n_windows))]
        if (panel.lengths > backs[0] + 1).sum() == 0:
            raise DataError(
                "the series are too short for so many cutoffs", got=f"{panel.lengths.max()} rows at most",
                expected=f"more than {backs[0] + 1}", fix="Ask for fewer windows, smaller steps or a shorter horizon.",
            )  # fmt: skip
        parts, worker = [], copy.copy(self)
        worker.h, worker._kind = h, "dict"
        for number, back in enumerate(backs):
            past = panel.head(back)
            past = past.select(np.flatnonzero(past.lengths > 1))
            if number == 0 or refit:
                worker._fit(past, [], None, evaluate=False)
            parts.append(worker._fold(past, panel.select(np.flatnonzero(panel.lengths > back + 1)), back))
        columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        names = panel.names
        table = to_like(kind_of(source), columns)
        return Forecast(table, names.id, names.time, names.target, worker.name_, self.level, columns)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write this forecaster to one file, with the series that it has seen.

        Raises:
            NotFittedError: `fit` comes first.
            ConfigError: The file cannot be written there.
        """
        learned = self._fitted()
        own = {name: getattr(self, name) for name in _OWN}
        fitted = {"h_": self.h_, "season_": self.season_, "m": self._m, "findings_": self.findings_}
        told = {**own, "fitted": fitted, "network": asdict(self.network), "training": asdict(self.training)}
        store.write(path, store.Stored(told, self.panel_, learned, self._calibration))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Forecaster:
        """Read a forecaster from a file; nothing in it is executed.

        Raises:
            FormatError: No such file, or one that is truncated, altered, foreign, or newer than this version.
        """
        stored = store.read(path)
        told = dict(stored.settings)
        fitted, network, training = told.pop("fitted"), told.pop("network"), told.pop("training")
        made = cls(**told, network=NetworkConfig(**network), training=TrainingConfig(**training))
        made.panel_, made._learned, made._calibration = stored.panel, stored.learned, stored.calibration
        made.h_, made.season_, made._m, made.findings_ = (fitted[n] for n in ("h_", "season_", "m", "findings_"))
        made.name_, made.weights_ = stored.calibration.name, stored.calibration.weights
        made.evaluation_, made._kind = None, "dict"
        return made

    def _fitted(self) -> Learned:
        """What was learnt."""
        if self._learned is None:
            raise NotFittedError("this forecaster has not seen a series", fix="Call fit(source) first.")
        return self._learned

    def _fold(self, past: Panel, panel: Panel, back: int) -> dict[str, npt.NDArray[Any]]:
        """What was said at a cutoff, beside what came."""
        h, names = self.h_, panel.names
        values = matrix(past)
        told = answers(self._calibration, self._fitted(), values, h)
        found = sides(self._calibration, told[self.name_], values, self.level)
        middle = told[self.name_].shape[-1] // 2
        came = matrix(panel)
        came = came[:, came.shape[1] - back : came.shape[1] - back + h]
        table: dict[str, npt.NDArray[Any]] = {}
        if names.id is not None:
            table[names.id] = np.repeat(past.ids, h)
        table[names.time] = past.future_times(h).ravel()
        table["cutoff"] = np.repeat(past.freq.at(past.start, past.lengths - 1), h)
        table[names.target] = came.ravel()
        table |= {n: side.ravel() for n, side in zip(column_names(self.name_, self.level), found, strict=True)}
        table |= {n: said[..., middle].ravel() for n, said in told.items() if n != self.name_}
        if self.season_ > 1:
            table["SeasonalNaive"] = scoring.seasonal_naive(values, h, self.season_).ravel()
        return table | {"Naive": scoring.seasonal_naive(values, h, 1).ravel()}

    def _read(self, source: Any, freq: str | None = None) -> tuple[Panel, tuple[str, ...]]:
        """A panel from a source."""
        step = self.freq or freq
        return read(source, id_col=self.id_col, time_col=self.time_col, target_col=self.target_col, freq=step)

    def _fit(
        self, panel: Panel, findings: list[str], progress: Callable[[Progress], None] | None, *, evaluate: bool
    ) -> Forecaster:
        """`fit` on a panel."""
        began = time.perf_counter()
        self.findings_ = findings
        self.panel_ = panel = observed(panel, self.findings_)
        values = matrix(panel)
        remark(panel, self.findings_)
        typical = int(np.median(panel.lengths))
        self.h_ = self.h or default_horizon(panel.freq, typical)
        parts = split_panel(panel.lengths, self.h_)
        if parts is not None and len(panel) == 1:
            check_parts(panel.series(0), parts)
        self._check_settings(typical, parts)
        hidden = values if parts is None else hide(values, parts.test)
        self._m, self.season_ = choose_season(hidden, panel, self.h_, self.season)
        recipe = make_recipe(self.h_, self._m, panel.lengths, self.model, self.network, self.training)
        stages = Stages(progress, recipe, 1 + (parts is not None) * (1 + evaluate))
        self.history_ = stages.history
        self._calibration, recipe = self._calibrate(values, parts, recipe, stages)
        self.name_, self.weights_ = self._calibration.name, self._calibration.weights
        self.evaluation_ = self._evaluate(values, parts, recipe, stages) if evaluate and parts is not None else None
        self._learned = self._learn(values, recipe, stages, None)
        self.seconds_ = time.perf_counter() - began
        return self

    def _check_settings(self, typical: int, parts: Parts | None) -> None:
        """Settings that these series are too short for."""
        train = typical if parts is None else parts.train
        for name, value, most in (("season", self.season, typical // 2), ("input_size", self.input_size, train - 1)):
            if value is not None and value > most:
                raise ConfigError(
                    f"{name} is too long for {'this series' if len(self.panel_) == 1 else 'these series'}",
                    got=str(value),
                    expected=f"at most {most}, of {'its' if len(self.panel_) == 1 else 'their typical'} {typical} rows",
                    fix=f"Leave {name} out to have it chosen, or give more rows.",
                )
        if parts is None:
            self.findings_.append(
                f"{typical} rows are too few to hold any back: the forecast has not been scored, "
                "and its intervals are a guess."
            )
        elif train < self.h_:
            self.findings_.append(
                f"only {train} rows come before the parts for validation and test, {self.h_} each: "
                "a shorter horizon would be learnt and measured better."
            )

    def _learn(self, values: Floats, recipe: Recipe, stages: Stages, count: int | None) -> Learned:
        """Train the networks of a stage."""
        learned = ensemble.learn(
            values, self.h_, self._m, recipe, self.seed, count=count, with_theta=self.model == "auto",
            report=stages.tell,
        )  # fmt: skip
        stages.next()
        return learned

    def _calibrate(
        self, values: Floats, parts: Parts | None, recipe: Recipe, stages: Stages
    ) -> tuple[Calibration, Recipe]:
        """Stage 1: weights, factors of the intervals and, of few series, the way to learn, from validation errors."""
        probabilities = recipe.members[0].probabilities
        models = [recipe.members[0].cell.upper()] + ["DOT"] * (self.model == "auto")
        levels = sorted({*ANY_LEVEL, *self.level})
        start = uncalibrated(models, probabilities, levels, self.h_)
        if parts is None:
            return start, recipe
        h, validation, test = self.h_, parts.validation, parts.test
        learned = self._learn(hide(values, validation + test), recipe, stages, TRIAL_MEMBERS)
        if len(values) == 1:
            backs = np.linspace(validation, 1, min(CALIBRATION_ORIGINS, validation)).round().astype(int)
        else:
            backs = np.arange(validation, 0, -h)
        past, actual = ensemble.rolling(hide(values, test), backs, h)
        if len(values) < FEW:
            learned = ensemble.fittest(learned, past, actual)
            stages.follow(learned.recipe)
        said = ensemble.say(learned, past)
        weights = ensemble.weigh(said, actual, scoring.changes(past, self._m))
        weighed = start._replace(weights=weights)
        rows = int(np.isfinite(actual).any(axis=1).sum()) * h if len(values) > 1 else validation
        main = combined(weighed, said)[start.name]
        factors = calibrate(main, probabilities, actual, levels, rows=rows)
        return weighed._replace(factors=factors), learned.recipe

    def _evaluate(self, values: Floats, parts: Parts, recipe: Recipe, stages: Stages) -> Evaluation:
        """Stage 2: learn from training and validation parts, forecast the test parts h steps at a time."""
        h, test = self.h_, parts.test
        learned = self._learn(hide(values, test), recipe, stages, None)
        backs = np.arange(test, 0, -h)
        past, _ = ensemble.rolling(values, backs, h)
        S = len(values)

        def whole(column: Floats) -> Floats:
            """(C S, h), cutoff by cutoff, as (S, test)."""
            return np.asarray(column.reshape(len(backs), S, h).transpose(1, 0, 2).reshape(S, test))

        told = answers(self._calibration, learned, past, h)
        found = [whole(side) for side in sides(self._calibration, told[self.name_], past, self.level)]
        middle = len(recipe.members[0].probabilities) // 2
        said = {self.name_: found[0]} | {
            name: whole(answer[..., middle]) for name, answer in told.items() if name != self.name_
        }
        simple = ({"SeasonalNaive": self.season_} if self.season_ > 1 else {}) | {"Naive": 1}
        said |= {name: whole(scoring.seasonal_naive(past, h, m)) for name, m in simple.items()}
        actual, before = values[:, -test:], hide(values, test)
        intervals = {level: (found[1 + 2 * k], found[2 + 2 * k]) for k, level in enumerate(self.level)}
        scores = scoring.score(actual, before, said, intervals, next(iter(simple)), self.season_)
        panel, names = self.panel_, self.panel_.names
        inside = np.arange(-test, 0) >= -panel.lengths[:, None]
        tail = panel.tail(test)
        table: dict[str, npt.NDArray[Any]] = {}
        if S > 1 and names.id is not None:
            table[names.id] = np.repeat(tail.ids, tail.lengths)
        table |= {names.time: tail.all_times(), names.target: tail.values}
        columns = dict(zip(column_names(self.name_, self.level), found, strict=True))
        table |= {name: column[inside] for name, column in {**columns, **said}.items()}
        cutoff = panel.freq.at(panel.start, np.maximum(panel.lengths - test - 1, 0)).max()
        text = scoring.verdict(scores, test, h, self.season_, S)
        return Evaluation(cutoff, (parts.train, parts.validation, parts.test), self.season_, h, scores, table, text)


load = Forecaster.load
