"""Results of forecasting: records of forecasts and scores that do not know how they were computed."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast._utils.deferred import Deferred
from gatecast._utils.formatting import format_count, format_or_dash, format_times, number_formatter
from gatecast._utils.html import html_table
from gatecast.data.panel import ColumnNames, Panel
from gatecast.data.parsing.series_keys import join_ids
from gatecast.errors import ConfigError
from gatecast.plotting.charts import (
    BASELINES,
    ForecastSeries,
    HistorySeries,
    backtest_chart,
    forecast_chart,
    sample_path_chart,
    show,
)
from gatecast.plotting.spec import Chart

__all__ = [
    "Evaluation",
    "Forecast",
    "HistoryData",
    "Score",
    "column_names",
    "resolve_series_id",
    "row_ids",
    "score_rows",
]

Column = npt.NDArray[Any]

ONE_SIDED = 0.9
"""Bias from which nearly all errors have one sign, as a share of the MAE."""

HTML_ROWS = 10
"""Rows of a forecast that a notebook shows."""


def column_names(model: str, levels: tuple[float, ...]) -> list[str]:
    """Return the column names of a forecast and its intervals, in the convention of Nixtla.

    Example:
        >>> column_names("LSTM", (80, 95))
        ['LSTM', 'LSTM-lo-80', 'LSTM-hi-80', 'LSTM-lo-95', 'LSTM-hi-95']
    """
    return [model, *(f"{model}-{side}-{level:g}" for level in levels for side in ("lo", "hi"))]


class HistoryData(NamedTuple):
    """Data that the chart of a forecast shows besides the forecast.

    Args:
        panel: History of the series.
        season_length: Steps per season; 1 for none.
        scored: Scores and forecasts of the test part; None if there is none.
        baseline: Baseline forecast by its column name, h values per series in the order of the panel [S, h].
    """

    panel: Panel
    season_length: int = 1
    scored: Deferred[Evaluation] | None = None
    baseline: Mapping[str, Column] = {}

    def __repr__(self) -> str:
        return f"HistoryData({len(self.panel):,} series, season_length={self.season_length})"

    @property
    def evaluation(self) -> Evaluation | None:
        """Scores and forecasts of the test part, computed now if they were not before; None if there is none."""
        return None if self.scored is None else self.scored.value

    def series(self, s: int) -> HistorySeries:
        """Return the history of series s."""
        return HistorySeries(self.panel.times(s), self.panel.series(s), self.season_length)


@dataclass(frozen=True, eq=False, repr=False)
class Forecast:
    """Forecasts beyond the ends of series, from past cutoffs, or sample paths.

    Args:
        table: A table of the kind that came in, h rows per series: the id if the data has one, the time, then the
            columns of `column_names`.
        id_col: Name of the id column, or of several; None if the data has none.
        time_col: Name of the time column.
        target_col: Name of the forecast column.
        model: Name of the model's column.
        levels: Interval levels in percent.
        columns: The table as arrays by name; the table itself if it is a dict of arrays.
        past: Data for the chart; None charts the forecast alone.
        findings: What was noticed about the data, as sentences.
    """

    table: Any
    id_col: str | tuple[str, ...] | None = None
    time_col: str = "ds"
    target_col: str = "y"
    model: str = "LSTM"
    levels: tuple[float, ...] = (80, 95)
    columns: dict[str, Column] = field(default_factory=dict)
    past: HistoryData | None = None
    findings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.columns:
            object.__setattr__(self, "columns", self.table)

    @classmethod
    def from_table(
        cls, table: Any, id_col: str | tuple[str, ...] | None, time_col: str, target_col: str, model: str
    ) -> Forecast:
        """Return a table of forecasts as a record; levels come from the names of its columns."""
        columns = {str(name): np.asarray(table[name]) for name in _names_of(table)}
        start = f"{model}-lo-"
        levels = tuple(float(name.removeprefix(start)) for name in columns if name.startswith(start))
        key = id_col if set(ColumnNames(id_col).ids) <= set(columns) else None
        return cls(table, key, time_col, target_col, model, tuple(sorted(levels)), columns)

    def __repr__(self) -> str:
        rows = format_count(len(self.columns[self.time_col]), "row")
        ids = self._ids
        n_series = 1 if ids is None else len(dict.fromkeys(ids.tolist()))
        levels = f", level={self.levels}" if self.levels else ""
        return f"Forecast({self.model!r}, {rows} of {n_series:,} series{levels})"

    def _repr_html_(self) -> str:
        """Return the first rows as a table for notebooks."""
        n = len(self.columns[self.time_col])
        rows = list(zip(*(_cell_texts(column[:HTML_ROWS]) for column in self.columns.values()), strict=True))
        extent = f", the first {HTML_ROWS} rows of {n:,}" if n > HTML_ROWS else ""
        return html_table(tuple(self.columns), rows, f"Forecast of {self.target_col} by {self.model}{extent}")

    def plot(self, path: str | os.PathLike[str] | None = None, *, id: Any = None) -> Any:
        """Draw one series: its history, the forecasts of the test part, the forecast with its intervals.

        Args:
            path: Target file: .png, .svg or .html. None returns the figure.
            id: Name of the series; None for the first one.

        Returns:
            A figure of matplotlib, else of plotly; None if a file was written.

        Raises:
            ConfigError: Unknown series or file type, or neither library is installed.

        Example:
            >>> forecast = Forecast({"ds": np.arange(2), "LSTM": np.ones(2)}, levels=())
            >>> forecast
            Forecast('LSTM', 2 rows of 1 series)
            >>> forecast.plot().axes[0].get_legend_handles_labels()[1]
            ['LSTM']
        """
        return show(self.chart(id), path)

    def chart(self, id: Any = None) -> Chart:
        """Return the chart of one series as data; see `plot`.

        Raises:
            ConfigError: Unknown series.
        """
        panel = None if self.past is None else self.past.panel
        ids = self._ids
        series_id = resolve_series_id(ids, id, panel)
        table = self.columns if ids is None else _take_rows(self.columns, ids == series_id)
        single = series_id is None or (panel is not None and len(panel) == 1)
        name = self.target_col if single else f"{self.target_col} of {series_id}"
        rows = ForecastSeries(table, self.model, self.levels, self.time_col, len(table[self.time_col]), self.target_col)
        if "cutoff" in table:
            return backtest_chart(name, rows._replace(horizon=_run_length(table["cutoff"])))
        history, evaluation = HistorySeries(np.empty(0), np.empty(0)), None
        if self.past is not None:
            s = 0 if series_id is None else int(np.flatnonzero(self.past.panel.ids == series_id)[0])
            history, evaluation = self.past.series(s), self.past.evaluation
            rows = rows._replace(table={**table, **{name: values[s] for name, values in self.past.baseline.items()}})
        if "path" in table:
            return sample_path_chart(name, history, rows._replace(horizon=_run_length(table["path"])))
        test = None if evaluation is None else evaluation.series(series_id)
        return forecast_chart(name, history, rows, test, "" if evaluation is None else evaluation.verdict)

    @property
    def _ids(self) -> Column | None:
        """Id of the series of every row, None if the table has no id columns."""
        return row_ids(self.columns, self.id_col) if set(ColumnNames(self.id_col).ids) <= set(self.columns) else None


@dataclass(frozen=True, repr=False)
class Score:
    """Errors of one model on the test part.

    Args:
        model: Name of the model.
        mae: Mean absolute error, in units of the target.
        rmse: Root mean squared error, in units of the target.
        mase: MAE divided by the in-sample MAE of the seasonal naive forecast one season ahead.
        skill: ``100 (1 - error / error of the baseline)``, in percent, of the error that `measure` names; 0 for the
            baseline itself.
        coverage: Percentage of test values inside the interval, by level; empty without intervals.
        n_worse: Number of series on which the error is larger than that of the baseline.
        bias: Mean of forecast less actual value, in units of the target; negative where forecasts are too low.
        n_missing: Known values that the model does not forecast; they count with the error of the baseline,
            and where that has no forecast either, they do not count.
        measure: Error that skill compares: "mae" of a single series, "mase" of several, "mae_ratio", the geometric mean
            over series of the ratio to the baseline's MAE, where most have no MASE; "rmse", "rmsse" and "rmse_ratio"
            where the point forecast is the mean.
    """

    model: str
    mae: float
    rmse: float
    mase: float
    skill: float
    coverage: dict[float, float] = field(default_factory=dict)
    n_worse: int = 0
    bias: float = float("nan")
    n_missing: int = 0
    measure: str = "mae"

    def __repr__(self) -> str:
        errors = f"mae={self.mae:.4g}, rmse={self.rmse:.4g}, mase={self.mase:.4g}, skill={self.skill:.4g}"
        return f"Score({self.model!r}, {errors})"

    def _repr_html_(self) -> str:
        """Return the errors as a table for notebooks."""
        return html_table(*score_rows((self,)))


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """Scores and forecasts of the test part, which the models did not see in training.

    Args:
        cutoff: Last time before the test part.
        split_sizes: Rows in the training, validation and test part.
        season_length: Steps per season of seasonal naive and MASE; 1 is the naive forecast.
        horizon: The test part is forecast this number of steps at a time.
        scores: Scores of the model, of the models it combines, then of the baselines: seasonal naive if there is a
            season, naive, drift, mean.
        table: Columns of the test part by name: time, target, the columns of the models and baselines.
        verdict: Comparison of the model with the baselines, in a sentence.
        columns: Names of the id, time and target columns of `table`; the id is None for a single series.
        findings: What was noticed about the data, as sentences.
    """

    cutoff: np.datetime64 | int
    split_sizes: tuple[int, int, int]
    season_length: int
    horizon: int
    scores: tuple[Score, ...]
    table: dict[str, Column]
    verdict: str
    columns: ColumnNames = field(default_factory=ColumnNames)
    findings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        rows = format_count(self.split_sizes[2], "test row")
        return f"Evaluation({self.scores[0]!r}, {rows}, {format_count(len(self.scores), 'model')})"

    def _repr_html_(self) -> str:
        """Return the scores as a table for notebooks."""
        return html_table(*score_rows(self.scores), caption=self.verdict)

    def plot(self, path: str | os.PathLike[str] | None = None, *, id: Any = None) -> Any:
        """Draw the test part of one series: actual values and the forecasts of them.

        Args:
            path: Target file: .png, .svg or .html. None returns the figure.
            id: Name of the series; None for the first one.

        Returns:
            A figure of matplotlib, else of plotly; None if a file was written.

        Raises:
            ConfigError: Unknown series or file type, or neither library is installed.
        """
        ids, target = row_ids(self.table, self.columns.id), self.columns.target
        series_id = resolve_series_id(ids, id)
        name = target if series_id is None else f"{target} of {series_id}"
        return show(backtest_chart(name, self.series(series_id), self.verdict), path)

    def series(self, id: Any = None) -> ForecastSeries:
        """Return the test part of one series; None returns the rows of all series.

        Raises:
            ConfigError: No such series.
        """
        ids = None if id is None else row_ids(self.table, self.columns.id)
        if ids is not None and not (ids == id).any():
            raise ConfigError(f"Unknown series {id!r}", expected=f"one such as {ids[0]!r}", argument="id")
        table = self.table if ids is None else _take_rows(self.table, ids == id)
        levels = tuple(self.scores[0].coverage)
        model, time, target = self.scores[0].model, self.columns.time, self.columns.target
        return ForecastSeries(table, model, levels, time, self.horizon, target)


def score_rows(scores: Sequence[Score]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Format scores as a table of texts.

    Forecasts that are missing and series on which a model is worse are shown where there are any, the bias where
    nearly all errors of the first model have one sign.

    Returns:
        Header and rows, one row per model.

    Example:
        >>> score_rows([Score("Naive", 2.0, 2.5, 1.0, 0.0)])
        (('model', 'MAE', 'RMSE', 'MASE', 'skill'), [('last value', '2.000', '2.500', '1.000', '0 %')])
    """
    levels = sorted({level for score in scores for level in score.coverage})
    mae, rmse = (number_formatter(np.array([getattr(score, name) for score in scores])) for name in ("mae", "rmse"))
    header = ["model", "MAE", "RMSE", "MASE", "skill", *(f"in {level:g} %" for level in levels)]
    counts = {"worse on": [score.n_worse for score in scores], "missing": [score.n_missing for score in scores]}
    # On one series alone, skill tells the same.
    counts = {title: column for title, column in counts.items() if max(column, default=0) > (title == "worse on")}
    one_sided = any(abs(score.bias) >= ONE_SIDED * score.mae > 0 for score in scores[:1])
    rows = []
    for k, score in enumerate(scores):
        skill = format_or_dash(score.skill, "{:+.0f} %" if score.skill else "{:.0f} %")
        coverage = (format_or_dash(score.coverage.get(level, np.nan), "{:.0f} %") for level in levels)
        name = BASELINES.get(score.model, score.model)
        errors = (mae(score.mae), rmse(score.rmse), format_or_dash(score.mase, "{:.3f}"), skill)
        bias = (mae(score.bias),) * one_sided
        rows.append((name, *errors, *coverage, *bias, *(f"{column[k]:,}" for column in counts.values())))
    return (*header, *("bias",) * one_sided, *counts), rows


def resolve_series_id(ids: Column | None, id: Any, panel: Panel | None = None) -> Any:
    """Return the name of a series as the data has it; None of a single series that has no name.

    Args:
        ids: Names of the series [N]; None if the data have none.
        id: The name, or its text; of several id columns "1/2", "1,2" or (1, 2). None for the first series that has
            values.
        panel: The series; None if all of them have values.

    Raises:
        ConfigError: Unknown series, or a name where the data have none.
    """
    if ids is None:
        if id is not None:
            raise ConfigError(f"Invalid id {id!r}: the series has none", fix="Leave id out.", argument="id")
        return None
    if id is not None:
        names = list(dict.fromkeys(ids.tolist()))
        if isinstance(id, tuple | list):
            id = join_ids([np.array([part], object) for part in id])[0]
        # The command line passes texts; in the data the names may be numbers.
        matches = [name for name in names if name == id] or [name for name in names if str(name) == str(id)]
        joined = "/".join(part.strip() for part in str(id).split(","))
        matches = matches or [name for name in names if str(name).replace("\\", "") == joined]
        if not matches:
            texts = [str(name) for name in names]
            similar = ", ".join(difflib.get_close_matches(str(id), texts, n=3) or texts[:3])
            raise ConfigError(
                "Unknown series", got=repr(id), expected=f"one of {len(names):,} names, for example {similar}"
            )
        return matches[0]
    if panel is not None:
        n_known = np.diff(np.concatenate([[0], np.cumsum(panel.mask)])[panel.indptr])
        for name in panel.ids[n_known > 0][:1]:
            return name
    return ids[0]


def row_ids(table: Mapping[str, Column], id_col: str | tuple[str, ...] | None) -> Column | None:
    """Return the id of the series of every row of a table: a column, or several joined as those of a panel are.

    >>> row_ids({"store": np.array([1, 1]), "item": np.array([2, 3])}, ("store", "item")).tolist()
    ['1/2', '1/3']
    """
    if isinstance(id_col, tuple):
        return join_ids([table[name] for name in id_col])
    return None if id_col is None else table[id_col]


def _names_of(table: Any) -> list[str]:
    """Return the names of the columns of any table."""
    names = getattr(table, "column_names", None) or getattr(table, "columns", None)
    return list(table) if names is None else [str(name) for name in names]


def _take_rows(table: Mapping[str, Column], rows: Column) -> dict[str, Column]:
    """Select rows of a table."""
    return {name: column[rows] for name, column in table.items()}


def _run_length(keys: Column) -> int:
    """Return the number of rows that have the first key."""
    return int(np.count_nonzero(keys == keys[0]))


def _cell_texts(column: Column) -> list[str]:
    """Format the values of a column."""
    if column.dtype.kind == "f":
        return [number_formatter(column)(value) for value in column]
    return format_times(column) if column.dtype.kind == "M" else [str(value) for value in column.tolist()]
