"""What comes out of forecasting: plain records that know nothing of how they came about.

Letters: h horizon, m season.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast.data.panel import Panel
from gatecast.errors import ConfigError
from gatecast.plotting.charts import ForecastSeries, HistorySeries, forecast, past_forecasts, paths, show
from gatecast.plotting.spec import Chart

__all__ = ["Evaluation", "Forecast", "HistoryData", "Score", "chosen_series", "column_names"]

Column = npt.NDArray[Any]


def column_names(model: str, levels: tuple[float, ...]) -> list[str]:
    """Names of the columns of a forecast and its intervals, in the field's convention.

    >>> column_names("LSTM", (80, 95))
    ['LSTM', 'LSTM-lo-80', 'LSTM-hi-80', 'LSTM-lo-95', 'LSTM-hi-95']
    """
    return [model, *(f"{model}-{side}-{level:g}" for level in levels for side in ("lo", "hi"))]


class HistoryData(NamedTuple):
    """What came before a forecast, for its chart.

    Args:
        panel: The series.
        season: Of seasonal naive; 1 for none.
        evaluation: How the model did on the end of them.
    """

    panel: Panel
    season: int = 1
    evaluation: Evaluation | None = None


@dataclass(frozen=True, eq=False)
class Forecast:
    """Values beyond the ends of series.

    Args:
        table: A table of the kind that came in, h rows a series: id if the data had one, time, then those of
            `column_names`.
        id_col: Name of the id column; None if the data had none.
        time_col: Name of the time column.
        target_col: Name of the column that is forecast.
        model: Name of the model's columns.
        levels: Levels of the intervals, in percent.
        columns: The table as arrays by name; the table itself if it is that already.
        past: What came before, for the chart; None: it shows the forecast alone.
    """

    table: Any
    id_col: str | None = None
    time_col: str = "ds"
    target_col: str = "y"
    model: str = "LSTM"
    levels: tuple[float, ...] = (80, 95)
    columns: dict[str, Column] = field(default_factory=dict)
    past: HistoryData | None = None

    def __post_init__(self) -> None:
        if not self.columns:
            object.__setattr__(self, "columns", self.table)

    @classmethod
    def from_table(cls, table: Any, id_col: str | None, time_col: str, target_col: str, model: str) -> Forecast:
        """Return a table of forecasts as a record; levels come from the names of its columns."""
        columns = {str(name): np.asarray(table[name]) for name in _names_of(table)}
        start = f"{model}-lo-"
        levels = tuple(float(name.removeprefix(start)) for name in columns if name.startswith(start))
        key = id_col if id_col in columns else None
        return cls(table, key, time_col, target_col, model, tuple(sorted(levels)), columns)

    def plot(self, path: str | os.PathLike[str] | None = None, *, id: Any = None) -> Any:
        """Draw one series: its past, what was forecast for the test part, the forecast with its intervals.

        Args:
            path: A file: .png, .svg or .html; None: the figure comes back.
            id: Which series; None: the first.

        Returns:
            A figure of matplotlib or, where that is not installed, of plotly; None if it went into a file.

        Raises:
            ConfigError: No such series, a file of another kind, or neither library is there.

        >>> Forecast({"ds": np.arange(2), "LSTM": np.ones(2)}, levels=()).plot().axes[0].get_legend_handles_labels()[1]
        ['LSTM']
        """
        return show(self.chart(id), path)

    def chart(self, id: Any = None) -> Chart:
        """The chart of one series as data; see `plot`.

        Raises:
            ConfigError: No such series.
        """
        key = None if self.id_col is None or self.id_col not in self.columns else self.id_col
        chosen = None if key is None else chosen_series(self.columns[key], id, self.past)
        table = self.columns if key is None else _rows(self.columns, self.columns[key] == chosen)
        name = self.target_col if chosen is None or _single(self.past) else f"{self.target_col} of {chosen}"
        said = ForecastSeries(table, self.model, self.levels, self.time_col, len(table[self.time_col]), self.target_col)
        if "cutoff" in table:
            return past_forecasts(name, said._replace(h=int(np.count_nonzero(table["cutoff"] == table["cutoff"][0]))))
        past, evaluation = HistorySeries(np.empty(0), np.empty(0)), None
        if self.past is not None:
            panel, season, evaluation = self.past
            at = 0 if chosen is None else int(np.flatnonzero(panel.ids == chosen)[0])
            past = HistorySeries(panel.times(at), panel.series(at), season)
        if "path" in table:
            return paths(name, past, said._replace(h=int(np.count_nonzero(table["path"] == table["path"][0]))))
        test = None if evaluation is None else evaluation.series(chosen)
        return forecast(name, past, said, test, "" if evaluation is None else evaluation.verdict)


@dataclass(frozen=True)
class Score:
    """Errors of one model on the test part.

    Args:
        model: Its name.
        mae: Mean absolute error, in the unit of the target.
        rmse: Root of the mean squared error, in the unit of the target.
        mase: MAE over the in-sample MAE of the seasonal naive one step ahead.
        skill: ``100 (1 - mae / mae of seasonal naive)``, in percent; 0 for seasonal naive itself.
        coverage: For each level, the share of test values inside the interval, in percent; empty without intervals.
        n_worse: Series on which its MAE is larger than that of seasonal naive.
    """

    model: str
    mae: float
    rmse: float
    mase: float
    skill: float
    coverage: dict[float, float] = field(default_factory=dict)
    n_worse: int = 0


@dataclass(frozen=True, eq=False)
class Evaluation:
    """How a model did on a part of the series that it had not seen.

    Args:
        cutoff: Last time before the test part.
        split_sizes: Rows in training, validation and test part.
        season: m of the seasonal naive and of MASE; 1 is the naive forecast.
        horizon: h: the test part is forecast h steps at a time.
        scores: The model's, what it is made of, then the simple forecasts': seasonal
            naive if there is a season, naive, drift, mean.
        table: The test part: time, value, the model's columns, the baselines'.
        verdict: The comparison in a sentence.
    """

    cutoff: np.datetime64 | int
    split_sizes: tuple[int, int, int]
    season: int
    horizon: int
    scores: tuple[Score, ...]
    table: dict[str, Column]
    verdict: str

    def plot(self, path: str | os.PathLike[str] | None = None, *, id: Any = None) -> Any:
        """Draw the test part of one series: what came, and what was forecast for it.

        Args:
            path: A file: .png, .svg or .html; None: the figure comes back.
            id: Which series; None: the first.

        Returns:
            A figure of matplotlib or, where that is not installed, of plotly; None if it went into a file.

        Raises:
            ConfigError: No such series, a file of another kind, or neither library is there.
        """
        key = self._id_col
        chosen = None if key is None else chosen_series(self.table[key], id, None)
        said = self.series(chosen)
        name = said.target_col if chosen is None else f"{said.target_col} of {chosen}"
        return show(past_forecasts(name, said, self.verdict), path)

    def series(self, id: Any = None) -> ForecastSeries:
        """The test part of one series, or of the only one."""
        key = self._id_col
        table = self.table if key is None or id is None else _rows(self.table, self.table[key] == id)
        names = list(self.table)
        first = 0 if key is None else 1
        time_col, target = names[first], names[first + 1]
        levels = tuple(self.scores[0].coverage)
        return ForecastSeries(table, self.scores[0].model, levels, time_col, self.horizon, target)

    @property
    def _id_col(self) -> str | None:
        """Name of the column of names: a single series has none."""
        # The columns are: name, time, value, those of the model.
        names = list(self.table)
        return names[0] if names.index(self.scores[0].model) == 3 else None


def _rows(table: Mapping[str, Column], which: Column) -> dict[str, Column]:
    """Some rows of a table."""
    return {name: column[which] for name, column in table.items()}


def _single(past: HistoryData | None) -> bool:
    """Whether there is one series alone."""
    return past is not None and len(past.panel) == 1


def chosen_series(ids: Column, id: Any, past: HistoryData | None) -> Any:
    """The name of a series: the one that is asked for, or the first with a value.

    Args:
        ids: (N,) names.
        id: One of them; None: the first.
        past: Says which have values; None: all.

    Raises:
        ConfigError: No such name.
    """
    if id is not None:
        names = list(dict.fromkeys(ids.tolist()))
        # From a command line names come as texts, in a table they may be numbers.
        found = [one for one in names if one == id] or [one for one in names if str(one) == str(id)]
        if not found:
            words = [str(one) for one in names]
            near = ", ".join(difflib.get_close_matches(str(id), words, n=3) or words[:3])
            raise ConfigError(
                "there is no such series", got=repr(id), expected=f"one of {len(names):,} names, such as {near}"
            )
        return found[0]
    if past is not None:
        panel = past.panel
        known = np.concatenate([[0], np.cumsum(panel.mask)])[panel.indptr]
        for name in panel.ids[np.diff(known) > 0][:1]:
            return name
    return ids[0]


def _names_of(table: Any) -> list[str]:
    """Return the names of the columns of any table."""
    names = getattr(table, "column_names", None) or getattr(table, "columns", None)
    return list(table) if names is None else [str(name) for name in names]
