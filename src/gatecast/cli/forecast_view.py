"""Everything that report, chart and document show of one forecast, as plain data and as tables of text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gatecast._utils.formatting import format_count, time_unit
from gatecast.cli.option_names import with_options
from gatecast.cli.options import OPTION_OF_ARGUMENT
from gatecast.errors import ConfigError
from gatecast.plotting.charts import BASELINES, ForecastSeries
from gatecast.reporting import text_tables
from gatecast.reporting.text_tables import TextTable

if TYPE_CHECKING:
    from gatecast.forecaster import Forecaster
    from gatecast.results import Evaluation

__all__ = [
    "ForecastTable",
    "ForecastView",
    "forecast_table",
    "full_table",
    "notes_of",
    "summary_rows",
    "training_advice",
    "view_forecast",
]


@dataclass(frozen=True, eq=False)
class ForecastTable:
    """Columns of a forecast and their roles.

    Args:
        columns: Arrays of equal length, by name.
        id_col: Column with the names of the series, or several columns; None if the data have none.
        time_col: Column with the times.
        target_col: Column that is forecast.
        model: Column of the forecast; bounds are called `<model>-lo-<level>` and `<model>-hi-<level>`.
        levels: Levels of the intervals, in percent.
    """

    columns: dict[str, npt.NDArray[Any]]
    id_col: str | tuple[str, ...] | None
    time_col: str
    target_col: str
    model: str
    levels: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class ForecastView:
    """A forecast, the series it continues, and how good its model has been.

    Notation: n rows of the history, h steps of the forecast.

    Args:
        file: What the user typed.
        unique_id: Name of the series shown; None if the data have no names.
        freq: Name of the frequency: "MS", "30min", or "1" where times are whole numbers.
        times: Times of the history in the types of the file, as those of the forecast [n].
        values: Values of the history [n], NaN where missing.
        season_length: Steps in a season; 1 for none.
        forecast: Forecast of the series shown.
        evaluation: Scores over all series, with the table of the series shown; None if there was no test part.
        baseline_values: Forecast of the first baseline [h].
        notes: Sentences about the data; the first names columns, frequency and range.
        seed: Seed of the forecaster.
        seconds: Time taken.
        advice: What to change about the training; "" for nothing.
        n_series: Number of series.
        all_series: Forecast of all series, if there are several.
    """

    file: str
    unique_id: str | None
    freq: str
    times: npt.NDArray[Any]
    values: npt.NDArray[np.float64]
    season_length: int
    forecast: ForecastTable
    evaluation: Evaluation | None
    baseline_values: npt.NDArray[np.float64]
    notes: tuple[str, ...]
    seed: int
    seconds: float
    advice: str = ""
    n_series: int = 1
    all_series: ForecastTable | None = None

    @property
    def full_forecast(self) -> ForecastTable:
        """Forecast of all series."""
        return self.all_series or self.forecast

    @property
    def forecast_times(self) -> npt.NDArray[Any]:
        """Times of the forecast [h]."""
        return self.forecast.columns[self.forecast.time_col]

    @property
    def mean(self) -> npt.NDArray[np.float64]:
        """Point forecast [h]."""
        return self.forecast.columns[self.forecast.model]

    @property
    def widest_interval(self) -> tuple[float, npt.NDArray[Any], npt.NDArray[Any]] | None:
        """Level, lower and upper bounds [h] of the widest interval; None without intervals."""
        if not self.forecast.levels:
            return None
        level, columns = max(self.forecast.levels), self.forecast.columns
        low, high = (columns[f"{self.forecast.model}-{side}-{level:g}"] for side in ("lo", "hi"))
        return level, low, high

    @property
    def time_unit(self) -> str:
        """Coarsest NumPy unit that writes all times exactly."""
        return time_unit(self.times, self.forecast_times)

    @property
    def baseline(self) -> str:
        """Title of the first baseline."""
        return BASELINES.get(self.baseline_col, self.baseline_col)

    @property
    def baseline_col(self) -> str:
        """Column of the first baseline."""
        if self.evaluation is not None and len(self.evaluation.scores) > 1:
            return next((score.model for score in self.evaluation.scores if score.model in BASELINES), "Naive")
        return "SeasonalNaive" if self.season_length > 1 else "Naive"

    def with_labels(self, labels: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]) -> ForecastView:
        """Return the view with times as people read them.

        Args:
            labels: Returns the texts of times, which are written alike; or the times.
        """
        name, tables = self.forecast.time_col, [self.forecast, *([] if self.all_series is None else [self.all_series])]
        parts = [self.times, *(table.columns[name] for table in tables)]
        texts = np.split(labels(np.concatenate(parts)), np.cumsum([len(part) for part in parts])[:-1])
        labelled = [
            replace(table, columns={**table.columns, name: column})
            for table, column in zip(tables, texts[1:], strict=True)
        ]
        return replace(
            self, times=texts[0], forecast=labelled[0], all_series=None if self.all_series is None else labelled[1]
        )

    @property
    def n_missing(self) -> int:
        """Missing values of the history."""
        return int(np.isnan(self.values).sum())


def view_forecast(forecaster: Forecaster, file: Path | str, futr_df: Path | str | None = None) -> ForecastView:
    """Forecast with a fitted forecaster, and gather what there is to show.

    Args:
        forecaster: A fitted forecaster.
        file: What the user typed.
        futr_df: File with the future values of exogenous columns.

    Raises:
        FloatingPointError: The forecast is not finite.
    """
    from gatecast.data.reader import to_frame_like
    from gatecast.data.season_calendar import SeasonCalendar
    from gatecast.forecasting.baselines import seasonal_naive

    panel = forecaster.panel_
    forecast = ForecastTable(
        columns=forecaster.predict(futr_df=futr_df, output="dict"),
        id_col=panel.columns.id,
        time_col=panel.columns.time,
        target_col=panel.columns.target,
        model=forecaster.model_name_,
        levels=tuple(forecaster.level),
    )
    shown = next((s for s in range(len(panel)) if panel.mask[panel.indptr[s] : panel.indptr[s + 1]].any()), 0)
    values, m = panel.series(shown), forecaster.season_length_
    calendar = SeasonCalendar.of(panel.take([shown]))
    view = ForecastView(
        file=str(file),
        unique_id=None if panel.columns.id is None else str(panel.ids[shown]),
        freq=str(panel.freq),
        times=to_frame_like("dict", {panel.columns.time: panel.times(shown)}, panel)[panel.columns.time],
        values=values,
        season_length=m,
        forecast=forecast,
        evaluation=forecaster.evaluation_,
        baseline_values=seasonal_naive(values[None], forecaster.h_, m, calendar and calendar.for_season(m))[0],
        notes=tuple(notes_of(forecaster)),
        seed=forecaster.seed,
        seconds=forecaster.fit_seconds_,
        advice=training_advice(forecaster) or "",
        n_series=len(panel),
    )
    if len(panel) > 1:
        view = _of_one_series(view, shown, panel.ids[shown])
    if not all(np.isfinite(column).all() for column in view.forecast.columns.values() if column.dtype.kind == "f"):
        raise FloatingPointError("the forecast is not finite")
    return view


def _of_one_series(view: ForecastView, position: int, unique_id: Any) -> ForecastView:
    """Return the view with the forecast and the test part of one series of several."""
    from gatecast.results import row_ids

    forecast, evaluation, h = view.forecast, view.evaluation, len(view.baseline_values)
    columns = {name: column[position * h : (position + 1) * h] for name, column in forecast.columns.items()}
    if evaluation is not None and forecast.id_col is not None:
        rows = row_ids(evaluation.table, forecast.id_col) == unique_id
        evaluation = replace(evaluation, table={name: column[rows] for name, column in evaluation.table.items()})
    return replace(view, forecast=replace(forecast, columns=columns), evaluation=evaluation, all_series=forecast)


def notes_of(forecaster: Forecaster) -> list[str]:
    """Return the notes on the data of the newest result, with options in place of Python arguments."""
    return [with_options(note, OPTION_OF_ARGUMENT) for note in forecaster.findings_]


def training_advice(forecaster: Forecaster) -> str | None:
    """Return what to change about networks that overfit or underfit; None if there is nothing to change."""
    try:
        diagnosis = forecaster.learning_curves()
    except ConfigError:
        # A model without networks.
        return None
    return diagnosis.sentence if diagnosis.kind in ("overfitting", "underfitting") else None


def summary_rows(view: ForecastView) -> Iterator[tuple[str, str]]:
    """Yield what is known about the data, as names and facts."""
    description, *notes = view.notes
    yield "data", description
    if view.n_series > 1:
        yield "shown", f"series {view.unique_id!r}, the first of {view.n_series:,}; scores are means over all"
    yield "missing", f"{view.n_missing:,} of {format_count(len(view.values), 'row')}" if view.n_missing else "none"
    yield "season", format_count(view.season_length, "row") if view.season_length > 1 else "none found"
    if view.evaluation is not None:
        train, validation, test = view.evaluation.split_sizes
        yield "split", f"{train:,} rows to train, {validation:,} to validate, {test:,} to test, in this order"
    for note in notes:
        yield "note", note


def full_table(view: ForecastView) -> TextTable:
    """Return the forecast of all series, a row a step, their ids first if there are several."""
    if view.all_series is None:
        return forecast_table(view)
    forecast = view.all_series
    n_rows = len(forecast.columns[forecast.time_col])
    series = ForecastSeries(forecast.columns, forecast.model, forecast.levels, forecast.time_col, n_rows)
    grid = text_tables.forecast_table(series, view.time_unit)
    names = (forecast.id_col,) if isinstance(forecast.id_col, str) else forecast.id_col or ()
    ids = [[str(value) for value in forecast.columns[name].tolist()] for name in names]
    rows = [(*keys, *row) for *keys, row in zip(*ids, grid.rows, strict=True)]
    return grid._replace(columns=(*names, *grid.columns), rows=rows)


def forecast_table(view: ForecastView) -> TextTable:
    """Return the forecast with its intervals, a row a step."""
    forecast = view.forecast
    series = ForecastSeries(forecast.columns, forecast.model, forecast.levels, forecast.time_col, len(view.mean))
    return text_tables.forecast_table(series, view.time_unit)
