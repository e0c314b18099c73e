"""The main job: read series, train on all of them, score beside seasonal naive, forecast beyond their ends.

Letters: S series, T columns, n points of a series, h horizon, m season, Q quantiles.

Every series is cut in time order into a training, a validation and a test part:

1. networks are trained on the training parts; on the validation parts their errors say what weight each model gets, and
   how wide the intervals have to be;
2. networks trained on both are scored on the test parts, beside seasonal naive;
3. networks trained on everything forecast what comes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast import ensemble, scoring
from gatecast.data.frames import CYCLES, DAYS, matrix
from gatecast.data.panel import Panel
from gatecast.data.read import kind_of, read, to_like
from gatecast.data.season import repeats
from gatecast.data.season import season as find_seasons
from gatecast.ensemble import COMBINED, Learned, hide
from gatecast.errors import ConfigError, NotFittedError
from gatecast.forecast import Evaluation, Forecast, column_names
from gatecast.intervals import calibrate, half_widths
from gatecast.notes import observed, remark
from gatecast.parts import Parts, check_parts, default_horizon, split_panel
from gatecast.recipes import MODELS, NetworkConfig, Recipe, TrainingConfig, make_recipe
from gatecast.settings import check_count, check_levels, check_seed
from gatecast.stages import TRIAL_MEMBERS, Progress, Stages

__all__ = ["Forecaster", "Progress"]

Floats = npt.NDArray[np.float64]

DAILY = (24, 48, 96)
"""Steps of a day: hours, half hours, quarters."""

CALIBRATION_ORIGINS = 16
"""Origins in the validation part of a single series."""

ANY_LEVEL = (50.0, 80.0, 90.0, 95.0, 99.0)
"""Levels that intervals are calibrated at besides those asked for; others lie between them."""

UNKNOWN = 1.5
"""Factor of the intervals where there was too little past to measure any error."""


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
            This forecaster, with `panel_`, `findings_`, `evaluation_`, `h_`, `season_`, `weights_`, `history_` and
            `seconds_`.

        Raises:
            DataError: The data cannot be used: the message says what is wrong, where, and how to put it right.
        """
        began = time.perf_counter()
        self._kind = kind_of(source)
        panel, findings = self._read(source)
        self.findings_ = list(findings)
        self.panel_ = panel = observed(panel, self.findings_)
        values = matrix(panel)
        remark(panel, self.findings_)
        typical = int(np.median(panel.lengths))
        self.h_ = self.h or default_horizon(panel.freq, typical)
        parts = split_panel(panel.lengths, self.h_)
        if parts is not None and len(panel) == 1:
            check_parts(panel.series(0), parts)
        self._check_settings(typical, parts)
        self._m, self.season_ = self._seasons(values, parts)
        recipe = make_recipe(self.h_, self._m, panel.lengths, self.model, self.network, self.training)
        with_theta = self.model == "auto"
        self.name_ = COMBINED if with_theta else recipe.members[0].cell.upper()
        stages = Stages(progress, recipe, 1 + (parts is not None) * (1 + evaluate))
        self._calibrate(values, parts, recipe, stages)
        self.evaluation_ = self._evaluate(values, parts, recipe, stages) if evaluate and parts is not None else None
        self._learned = self._learn(values, recipe, stages, None)
        self.seconds_ = time.perf_counter() - began
        return self

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
        if self._learned is None:
            raise NotFittedError("this forecaster has not seen a series", fix="Call fit(source) first.")
        check_count("h", h)
        steps = h or self.h_
        levels = self.level if level is None else check_levels(level)
        panel, kind = self.panel_, self._kind
        if source is not None:
            kind = kind_of(source)
            panel, _ = self._read(source, str(self.panel_.freq))
        values = matrix(panel)
        said = self._say(self._learned, values, steps)
        sides = self._sides(said[self.name_], values, levels)
        names = panel.names
        table: dict[str, npt.NDArray[Any]] = {}
        if names.id is not None:
            table[names.id] = np.repeat(panel.ids, steps)
        table[names.time] = panel.future_times(steps).ravel()
        table |= {name: side.ravel() for name, side in zip(column_names(self.name_, levels), sides, strict=True)}
        return Forecast(to_like(kind, table), names.id, names.time, names.target, self.name_, levels, table)

    def _read(self, source: Any, freq: str | None = None) -> tuple[Panel, tuple[str, ...]]:
        """A panel from a source."""
        step = self.freq or freq
        return read(source, id_col=self.id_col, time_col=self.time_col, target_col=self.target_col, freq=step)

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

    def _seasons(self, values: Floats, parts: Parts | None) -> tuple[int, int]:
        """The season of the models, and the one of seasonal naive."""
        if self.season is not None:
            return self._week(self.season), self.season
        past = values if parts is None else hide(values, parts.test)
        if len(values) == 1:
            likely = [one.period for one in find_seasons(past[0], self.panel_.freq) if one.kind == "calendar"]
            found = sorted(m for m in likely if repeats(past[0], m))
            m = scoring.naive_season(past[0], self.h_, found)
            return m, m
        typical = int(np.median(self.panel_.lengths))
        m = next((cycle for cycle in sorted(self.panel_.freq.cycles) if 3 * cycle <= typical), 1)
        return self._week(m), m

    def _week(self, m: int) -> int:
        """The week instead of the day, where series of parts of a day are long enough to show one."""
        long = np.median(self.panel_.lengths) >= (CYCLES + 1) * DAYS * m
        return DAYS * m if m in DAILY and long and len(self.panel_) > 1 else m

    def _learn(self, values: Floats, recipe: Recipe, stages: Stages, count: int | None) -> Learned:
        """Train the networks of a stage."""
        learned = ensemble.learn(
            values, self.h_, self._m, recipe, self.seed, count=count, with_theta=self.model == "auto",
            report=stages.tell,
        )  # fmt: skip
        stages.next()
        return learned

    def _say(self, learned: Learned, values: Floats, steps: int) -> dict[str, Floats]:
        """(S, steps, Q) of the models and of their combination, which comes first."""
        answers = ensemble.say_far(learned, values, steps)
        if len(answers) > 1:
            answers = {COMBINED: ensemble.combine(answers, self.weights_), **answers}
        return answers

    def _sides(self, said: Floats, values: Floats, levels: Sequence[float]) -> list[Floats]:
        """Median and bounds, (S, steps) each; nothing below 0 where no value is."""
        assert self._probabilities is not None
        middle = said[..., said.shape[-1] // 2]
        sides = [middle]
        for level in levels:
            below, above = half_widths(said, self._probabilities, level)
            factor = self._factor(level, said.shape[1])
            sides += [middle - factor * below, middle + factor * above]
        with np.errstate(invalid="ignore"):
            whole = ~np.asarray((values < 0).any(axis=1))[:, None]
            return [np.asarray(np.where(whole, np.maximum(side, 0.0), side)) for side in sides]

    def _factor(self, level: float, steps: int) -> Floats:
        """(steps,) the calibrated factor of a level; beyond the steps that were learnt, that of the last."""
        known = sorted(self._factors)
        at = np.array([np.interp(level, known, [self._factors[one][k] for one in known]) for k in range(self.h_)])
        return np.asarray(at[np.minimum(np.arange(steps), self.h_ - 1)])

    def _calibrate(self, values: Floats, parts: Parts | None, recipe: Recipe, stages: Stages) -> None:
        """Stage 1: weights of the models and factors of the intervals, from errors on the validation parts."""
        self._probabilities = recipe.members[0].probabilities
        names = [recipe.members[0].cell.upper()] + ["DOT"] * (self.model == "auto")
        levels = sorted({*ANY_LEVEL, *self.level})
        self.weights_ = dict.fromkeys(names, 1 / len(names))
        self._factors = {level: np.full(self.h_, UNKNOWN) for level in levels}
        self.history_ = stages.history
        if parts is None:
            return
        h, validation, test = self.h_, parts.validation, parts.test
        learned = self._learn(hide(values, validation + test), recipe, stages, TRIAL_MEMBERS)
        if len(values) == 1:
            backs = np.linspace(validation, 1, min(CALIBRATION_ORIGINS, validation)).round().astype(int)
        else:
            backs = np.arange(validation, 0, -h)
        past, actual = ensemble.rolling(hide(values, test), backs, h)
        answers = ensemble.say(learned, past)
        if len(answers) > 1:
            scale = scoring.changes(past, self._m)
            self.weights_ = ensemble.weigh(answers, actual, scale)
            said = ensemble.combine(answers, self.weights_)
        else:
            said = next(iter(answers.values()))
        rows = int(np.isfinite(actual).any(axis=1).sum()) * h if len(values) > 1 else validation
        self._factors = calibrate(said, self._probabilities, actual, levels, rows=rows)

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

        answers = self._say(learned, past, h)
        sides = [whole(side) for side in self._sides(answers[self.name_], past, self.level)]
        middle = len(recipe.members[0].probabilities) // 2
        said = {self.name_: sides[0]} | {
            name: whole(answer[..., middle]) for name, answer in answers.items() if name != self.name_
        }
        simple = ({"SeasonalNaive": self.season_} if self.season_ > 1 else {}) | {"Naive": 1}
        said |= {name: whole(scoring.seasonal_naive(past, h, m)) for name, m in simple.items()}
        actual, before = values[:, -test:], hide(values, test)
        intervals = {level: (sides[1 + 2 * k], sides[2 + 2 * k]) for k, level in enumerate(self.level)}
        scores = scoring.score(actual, before, said, intervals, next(iter(simple)), self.season_)
        panel, names = self.panel_, self.panel_.names
        inside = np.arange(-test, 0) >= -panel.lengths[:, None]
        tail = panel.tail(test)
        table: dict[str, npt.NDArray[Any]] = {}
        if S > 1 and names.id is not None:
            table[names.id] = np.repeat(tail.ids, tail.lengths)
        table |= {names.time: tail.all_times(), names.target: tail.values}
        columns = dict(zip(column_names(self.name_, self.level), sides, strict=True))
        table |= {name: column[inside] for name, column in {**columns, **said}.items()}
        cutoff = panel.freq.at(panel.start, np.maximum(panel.lengths - test - 1, 0)).max()
        text = scoring.verdict(scores, test, h, self.season_, S)
        return Evaluation(cutoff, (parts.train, parts.validation, parts.test), self.season_, h, scores, table, text)
