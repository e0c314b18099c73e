"""The main job: read a series, train an LSTM on it, score it beside seasonal naive, forecast beyond its end.

Letters: n points, h horizon, m season. The series is cut in time order into a training, a validation and a test part:

1. a network is trained on the training part; the validation part says after how many epochs to stop, and how wide the
   intervals have to be;
2. a network trained for so long on both is scored on the test part, beside seasonal naive;
3. a network trained for so long on everything forecasts what comes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast import multistep, scoring
from gatecast.data.adjust import Adjustment, adjust, fit_adjustment, restore
from gatecast.data.panel import Panel
from gatecast.data.read import read
from gatecast.data.season import season as find_seasons
from gatecast.data.windows import make_plan
from gatecast.errors import ConfigError, DataError, NotFittedError
from gatecast.forecast import Evaluation, Forecast, column_names
from gatecast.intervals import calibrate, half_widths
from gatecast.multistep import Fitted, Settings
from gatecast.parts import Parts, check_parts, cut, default_horizon
from gatecast.training import Record

__all__ = ["Forecaster", "Progress"]

Floats = npt.NDArray[np.float64]

CALIBRATION_ORIGINS = 64


class Progress(NamedTuple):
    """How far `fit` has come."""

    stage: str
    done: float
    """From 0 to 1, over all stages."""
    loss: float


class Forecaster:
    """An LSTM forecaster for one series.

    Args:
        h: Steps to forecast; by default two seasons of the frequency (24 months, 14 days, 48 hours).
        level: Levels of the intervals, in percent; None for no intervals.
        season: Steps in a season; found before the test part by default. 1 means none.
        freq: Frequency, as "MS" or "D"; inferred by default.
        input_size: Values in a window; chosen by horizon, season and length by default.
        seed: Same seed, same bits.
        id_col: Column with the series' names.
        time_col: Column with the times.
        target_col: Column with the values.

    Raises:
        ConfigError: An impossible setting.

    >>> months = np.arange("2010-01", "2018-01", dtype="M8[M]").astype("M8[D]")
    >>> sales = 100 + 10 * np.sin(np.arange(96) * np.pi / 6)
    >>> forecast = Forecaster(h=6).fit({"ds": months, "y": sales}).predict()
    >>> list(forecast.table)
    ['ds', 'LSTM', 'LSTM-lo-80', 'LSTM-hi-80', 'LSTM-lo-95', 'LSTM-hi-95']
    >>> [round(float(value)) for value in forecast.table["LSTM"][:3]]
    [100, 105, 109]
    """

    def __init__(
        self,
        h: int | None = None,
        *,
        level: Sequence[float] | float | None = (80, 95),
        season: int | None = None,
        freq: str | None = None,
        input_size: int | None = None,
        seed: int = 0,
        id_col: str | None = None,
        time_col: str | None = None,
        target_col: str | None = None,
    ) -> None:
        for name, value in (("h", h), ("season", season), ("input_size", input_size)):
            _check_count(name, value)
        self.h, self.season, self.freq, self.input_size = h, season, freq, input_size
        self.level, self.seed = _check_levels(level), _check_seed(seed)
        self.id_col, self.time_col, self.target_col = id_col, time_col, target_col
        self._fitted: tuple[Fitted, Adjustment] | None = None

    def fit(
        self, source: Any, *, evaluate: bool = True, progress: Callable[[Progress], None] | None = None
    ) -> Forecaster:
        """Learn from a series.

        Args:
            source: A path, a table (pandas, polars, Arrow) or a dict of arrays with one series.
            evaluate: Whether to score the network on a test part first.
            progress: Called now and then while training.

        Returns:
            This forecaster, with `panel_`, `findings_`, `evaluation_`, `h_`, `season_`, `history_` and `seconds_`.

        Raises:
            DataError: The data cannot be used: the message says what is wrong, where, and how to put it right.
        """
        began = time.perf_counter()
        self.panel_, findings = read(
            source, id_col=self.id_col, time_col=self.time_col, target_col=self.target_col, freq=self.freq
        )
        self.findings_ = list(findings)
        self.panel_ = _observed(self.panel_, self.findings_)
        values = _one_series(self.panel_)
        self.h_ = self.h or default_horizon(self.panel_.freq, len(values))
        parts = cut(len(values), self.h_)
        self._check_data(values, parts)
        # Periods alone may come from the validation part too: a long horizon leaves few seasons before it.
        past = values[: parts.train + parts.validation]
        seasons = self._seasons(past)
        self.season_ = scoring.naive_season(past, self.h_, seasons)
        self._plan = make_plan(self.h_, min(seasons, default=1), parts.train, self.input_size)
        stages = _Stages(progress, evaluate)
        epochs = self._find_epochs(values, parts, seasons, stages)
        self.evaluation_ = self._evaluate(values, parts, seasons, epochs, stages) if evaluate else None
        self._fitted = self._learn(values, seasons, epochs, stages)
        self.seconds_ = time.perf_counter() - began
        return self

    def predict(self) -> Forecast:
        """Forecast the h steps after the end of the series.

        Raises:
            NotFittedError: `fit` comes first.
        """
        if self._fitted is None:
            raise NotFittedError("this forecaster has not seen a series", fix="Call fit(source) first.")
        panel, values = self.panel_, self.panel_.series(0)
        columns = self._say(*self._fitted, values, np.array([len(values) - 1]))
        names = panel.names
        table = {} if names.id is None else {names.id: np.repeat(panel.ids, self.h_)}
        table |= {names.time: panel.future_times(self.h_)[0]}
        table |= {name: column[0] for name, column in columns.items()}
        return Forecast(table, names.id, names.time, names.target, levels=self.level)

    def _check_data(self, values: Floats, parts: Parts) -> None:
        """Settings that this series is too short for, and parts in which next to nothing is observed."""
        for name, value, most in (
            ("season", self.season, len(values) // 2),
            ("input_size", self.input_size, parts.train - 1),
        ):
            if value is not None and value > most:
                raise ConfigError(
                    f"{name} is too long for this series", got=str(value), expected=f"at most {most}, of its "
                    f"{len(values)} rows", fix=f"Leave {name} out to have it chosen, or give more rows.",
                )  # fmt: skip
        check_parts(values, parts)
        if parts.train < self.h_:
            self.findings_.append(
                f"only {parts.train} rows come before the parts for validation and test, {self.h_} each: "
                "a shorter horizon would be learnt and measured better."
            )

    def _seasons(self, past: Floats) -> list[int]:
        """Periods with fixed profiles: as given, or as the calendar proposes and the past confirms twice.

        Autocorrelation alone is fooled by one random walk in twenty; a profile must also serve cycles left out.
        """
        if self.season is not None:
            return [self.season] if self.season > 1 else []
        likely = [one.period for one in find_seasons(past, self.panel_.freq) if one.kind == "calendar"]
        return [len(profile) for profile in fit_adjustment(past, likely).profiles]

    def _find_epochs(self, values: Floats, parts: Parts, seasons: list[int], stages: _Stages) -> int:
        """Stage 1: the number of epochs, the records of the training, and the calibration of the intervals."""
        past = values[: parts.train + parts.validation]
        state = fit_adjustment(past[: parts.train], seasons)
        adjusted, settings = adjust(state, past), Settings()
        fitted, epochs, records = multistep.find_epochs(
            adjusted, parts.train, self._plan, settings, self.seed,
            lambda record: stages.tell("finding the number of epochs", record, settings.epochs),
        )  # fmt: skip
        self.history_ = {
            "epoch": [record.epoch + 1 for record in records],
            "loss": [record.loss for record in records],
            "val_loss": [record.val_loss for record in records],
        }
        self.epochs_ = epochs
        stages.next()
        count = min(CALIBRATION_ORIGINS, parts.validation)
        origins = np.linspace(parts.train - 1, len(past) - 2, count).round().astype(np.int64)
        said = multistep.quantiles(fitted, adjusted, origins)
        known = np.append(adjusted, np.full(self.h_, np.nan))  # what lies beyond this part is not looked at
        actual = known[origins[:, None] + np.arange(1, self.h_ + 1)]
        self._factors = calibrate(said, settings.quantiles, actual, self.level, rows=parts.validation)
        return epochs

    def _learn(self, values: Floats, seasons: list[int], epochs: int, stages: _Stages) -> tuple[Fitted, Adjustment]:
        """Stages 2 and 3: train all members on everything given."""
        state, settings = fit_adjustment(values, seasons), Settings()
        fitted = multistep.fit(
            adjust(state, values), self._plan, settings, epochs, self.seed,
            lambda member, record: stages.tell(
                "training", record, settings.members * epochs, member * epochs
            ),
        )  # fmt: skip
        stages.next()
        return fitted, state

    def _say(
        self, fitted: Fitted, state: Adjustment, values: Floats, origins: npt.NDArray[np.int64]
    ) -> dict[str, Floats]:
        """Forecast and intervals after each origin, (origins, h) a column."""
        probabilities = fitted.settings.quantiles
        said = multistep.quantiles(fitted, adjust(state, values), origins)
        middle = said[..., len(probabilities) // 2]
        sides = [middle]
        for level in self.level:
            below, above = half_widths(said, probabilities, level)
            factor = self._factors[level]
            sides += [middle - factor * below, middle + factor * above]
        stacked = np.stack(sides, axis=-1)
        back = np.stack([restore(state, one, int(origin) + 1) for one, origin in zip(stacked, origins, strict=True)])
        return dict(zip(column_names("LSTM", self.level), np.moveaxis(back, -1, 0), strict=True))

    def _evaluate(self, values: Floats, parts: Parts, seasons: list[int], epochs: int, stages: _Stages) -> Evaluation:
        """Stage 2: learn from training and validation part, forecast the test part h steps at a time."""
        end = parts.train + parts.validation
        fitted, state = self._learn(values[:end], seasons, epochs, stages)
        origins = np.arange(end - 1, len(values) - 1, self.h_)
        columns = {name: c.ravel() for name, c in self._say(fitted, state, values, origins).items()}
        simple = scoring.baseline_columns(values, origins, self.h_, self.season_)
        scores = scoring.score(values, end, columns, simple, self.season_, self.level)
        times = self.panel_.times(0)
        names = self.panel_.names
        table = {names.time: times[end:], names.target: values[end:], **columns, **simple}
        verdict = scoring.verdict(scores, len(values) - end, self.h_, self.season_)
        return Evaluation(
            times[end - 1], (parts.train, parts.validation, parts.test), self.season_, self.h_, scores, table, verdict
        )


class _Stages:
    """Turns the epochs of several trainings into one number from 0 to 1."""

    def __init__(self, report: Callable[[Progress], None] | None, evaluate: bool) -> None:
        self.report, self.count, self.number = report, 3 if evaluate else 2, 0

    def tell(self, name: str, record: Record, epochs: int, before: int = 0) -> None:
        """Report an epoch of the current stage."""
        if self.report is not None:
            done = (self.number + min((before + record.epoch + 1) / epochs, 1.0)) / self.count
            self.report(Progress(name, done, record.loss))

    def next(self) -> None:
        """The current stage is over."""
        self.number += 1


def _observed(panel: Panel, findings: list[str]) -> Panel:
    """The series from its first to its last value: rows without one at the end are what is to be forecast."""
    seen = np.flatnonzero(panel.mask)
    if len(panel) != 1 or not len(seen):
        return panel
    before, after = int(seen[0]), len(panel.values) - 1 - int(seen[-1])
    for count, where in ((before, "first"), (after, "last")):
        if count:
            findings.append(f"the {where} {count} rows have no value and are left out.")
    return panel.head(after).tail(len(panel.values) - before - after)


def _one_series(panel: Panel) -> Floats:
    """The values of the only series, if an LSTM can learn something from them."""
    if len(panel) != 1:
        some = ", ".join(repr(str(name)) for name in panel.ids[:3])
        raise DataError(
            "one series at a time is what gatecast forecasts for now",
            where=f"column {panel.names.id!r}",
            got=f"{len(panel)} series ({some}{', ...' if len(panel) > 3 else ''})",
            expected="1",
            fix="Keep the rows of one series, for instance with a filter, and run again.",
        )
    values = panel.series(0)
    seen = values[np.isfinite(values)]
    if np.ptp(seen) == 0:
        raise DataError(
            "the series is constant, so there is nothing to learn",
            where=f"column {panel.names.target!r}",
            got=f"{len(seen)} values, all {seen[0]:g}",
            expected="values that vary",
            fix="Check that this is the column you meant; the best forecast of a constant is the constant.",
        )
    return values


def _check_count(name: str, value: int | None) -> None:
    """A whole number from 1 up, or None."""
    if value is None or (isinstance(value, int | np.integer) and not isinstance(value, bool) and value >= 1):
        return
    raise ConfigError(f"{name} is impossible", got=repr(value), expected="a whole number from 1 up")


def _check_levels(level: Sequence[float] | float | None) -> tuple[float, ...]:
    """Levels in percent, increasing; one may come bare, and None is none."""
    single = level is None or isinstance(level, int | float | str)
    levels: tuple[Any, ...] = (() if level is None else (level,)) if single else tuple(level)  # type: ignore[arg-type]
    good = all(isinstance(one, int | float | np.number) and 1 <= one < 100 for one in levels)
    if not good or len(set(levels)) < len(levels):
        raise ConfigError(
            "these are not levels of intervals",
            got=str(list(levels)),
            expected="different numbers from 1 up and below 100, in percent",
            fix="Write, say, level=(80, 95).",
        )
    return tuple(sorted(levels))


def _check_seed(seed: int) -> int:
    """A whole number from 0 up."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ConfigError("the seed is not a seed", got=repr(seed), expected="a whole number from 0 up")
    return int(seed)
