"""Sections about the series: history with gaps and outliers, forecast with the baseline, explorer of many series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast._utils.formatting import format_count, format_or_dash, format_times, number_formatter
from gatecast.data.outliers import THRESHOLD, find_outliers, gaps
from gatecast.data.panel import Panel
from gatecast.evaluation.breakdown import SeriesErrors, errors_by_series, rows_of_series
from gatecast.evaluation.totals import Totals
from gatecast.plotting.charts import ForecastSeries, HistorySeries, forecast_chart
from gatecast.plotting.spec import Chart, Column, Line, Mark, Points, ShadedRanges, VerticalLines
from gatecast.reporting.blocks import (
    Block,
    Download,
    Explorer,
    FactList,
    Figure,
    ForecastOfSeries,
    Paragraph,
    Section,
    SeriesBlock,
    SeriesView,
    Table,
)
from gatecast.reporting.language import Raw
from gatecast.reporting.sections.known_columns import with_known_columns
from gatecast.reporting.text_tables import TextTable, forecast_table
from gatecast.results import Evaluation, Forecast, column_names

__all__ = [
    "ExplorerSection",
    "PanelData",
    "SeriesData",
    "explorer_section",
    "forecast_section",
    "history_section",
    "select_spread",
    "thin",
]

Floats = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

MAX_POINTS, MAX_POINTS_OF_MANY = 12_000, 800
"""Points of the chart of a history: of a single series, and of one among many."""

MAX_LISTED = 60
"""Rows of a table of gaps or outliers."""

MAX_CHARTED, MAX_NUMBERS = 900, 3_600_000
"""Series of a panel that have charts, and the numbers in these charts: 5 MB of the page."""

MAX_IN_FILES = 150_000
"""Numbers of a forecast up to which the files hold all series, and not only those with charts: 1.6 MB of the page."""

MAX_SHOWN = 24
"""Steps up to which the table of a forecast is shown as a whole; a longer one scrolls."""

MAX_NAMED = 20_000
"""Series in the table of the explorer."""


@dataclass(frozen=True, eq=False)
class SeriesData:
    """Data of the charts of one series.

    Args:
        name: Name of the series; "" if it has none.
        target: Name of the target column.
        history: Observed values.
        forecast: The forecast with its baseline; None if there is none.
        test: Forecasts of the test part; None if there are none.
        known: Columns that are known ahead, by name: values at the times of history and forecast.
    """

    name: str
    target: str
    history: HistorySeries
    forecast: ForecastSeries | None = None
    test: ForecastSeries | None = None
    known: Mapping[str, Floats] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Name of the series, or of the target."""
        return self.name or self.target


@dataclass(frozen=True, eq=False)
class PanelData:
    """Data of the charts of all series.

    Args:
        panel: The series.
        season_length: Steps per season; 1 for none.
        predicted: Forecasts of all series; None if there are none.
        evaluation: Evaluation of all series; None if there is none.
        known: Columns that are known ahead, by name: values after the end of every series [S, h].
        totals: Sums of the forecasts; None if there are none.
    """

    panel: Panel
    season_length: int
    predicted: Forecast | None = None
    evaluation: Evaluation | None = None
    known: Mapping[str, Floats] = field(default_factory=dict)
    totals: Totals | None = None

    @property
    def horizon(self) -> int:
        """Steps of the forecast; 0 without a forecast."""
        return 0 if self.predicted is None else len(self.predicted.columns[self.predicted.time_col]) // len(self.panel)

    def series(self, s: int) -> SeriesData:
        """Return the data of series s."""
        panel = self.panel
        name = "" if panel.columns.id is None else str(panel.ids[s])
        history = HistorySeries(panel.times(s), panel.series(s), self.season_length)
        rows = slice(panel.indptr[s], panel.indptr[s + 1])
        known = {name: np.concatenate([panel.futr_exog[name][rows], values[s]]) for name, values in self.known.items()}
        return SeriesData(name, panel.columns.target, history, self._forecast(s), self._test(s), known)

    def _forecast(self, s: int) -> ForecastSeries | None:
        """Return the forecast of series s with its baseline."""
        if self.predicted is None:
            return None
        forecast, h = self.predicted, self.horizon
        rows = {name: column[s * h : (s + 1) * h] for name, column in forecast.columns.items()}
        if forecast.past is not None:
            rows |= {name: values[s] for name, values in forecast.past.baseline.items()}
        return ForecastSeries(rows, forecast.model, forecast.levels, forecast.time_col, h, forecast.target_col)

    def _test(self, s: int) -> ForecastSeries | None:
        """Return the forecasts of the test part of series s."""
        if self.evaluation is None:
            return None
        test, rows = self.evaluation.series(), rows_of_series(self.panel, self.evaluation, s)
        return test._replace(table={name: column[rows] for name, column in test.table.items()})


class ExplorerSection(NamedTuple):
    """The explorer of many series.

    Args:
        section: The section.
        charted: Series that have charts, the largest error first.
        rows: Row of the explorer's table by series.
        times: Times of the charts.
    """

    section: Section
    charted: list[int]
    rows: Mapping[int, int]
    times: Column


def history_section(series: SeriesData) -> Section:
    """Build the section on the history of a series, with gaps and outliers marked and listed."""
    values, times = series.history.values, series.history.times
    first, last = gaps(values)
    outliers = find_outliers(values, series.history.season_length)
    n_missing, n_rows = int((last - first + 1).sum()), format_count(len(values), "row")
    missing = f"{n_missing:,} of {n_rows}, in {format_count(len(first), 'gap')}" if n_missing else "none"
    facts = [("missing values", missing), ("outliers", f"{len(outliers):,}" if len(outliers) else "none")]
    figure = Figure(history_chart(series, MAX_POINTS), _thinning_note(len(values), MAX_POINTS))
    blocks: list[Block] = [FactList(facts), figure]
    if len(outliers):
        text = (
            "An outlier differs from the values one season before and one season after by more than "
            f"{THRESHOLD:g} robust standard deviations of the seasonal changes. Outliers are marked, not changed."
        )
        columns = [format_times(times[outliers]), [f"{value:.6g}" for value in values[outliers]]]
        blocks += [Paragraph(text), _listing("Outliers", ("time", "value"), columns)]
    if n_missing:
        columns = [format_times(times[first]), format_times(times[last]), [f"{n:,}" for n in last - first + 1]]
        blocks.append(_listing("Gaps", ("from", "to", "rows"), columns))
    return Section("history", "Data", tuple(blocks))


def forecast_section(data: PanelData) -> Section | None:
    """Build the section on the forecast of a single series: chart, known columns, table, files; None without one."""
    series = data.series(0)
    if series.forecast is None:
        return None
    table = forecast_table(series.forecast)
    cells = TextTable((Raw(table.columns[0]), *table.columns[1:]), table.rows)
    blocks: list[Block] = [
        *_forecast_figures(series),
        Table(cells, "Forecast by step", tall=len(table.rows) > MAX_SHOWN),
    ]
    return Section("forecast", "Forecast", (*blocks, _download(data, [0], {0: 0})))


def _forecast_figures(series: SeriesData, height: int = 380) -> list[Figure]:
    """Return the chart of a forecast, with the known columns below it."""
    if series.forecast is None:
        return []
    chart = forecast_chart(series.title, series.history, series.forecast, series.test)
    chart, n_panes = with_known_columns(chart, series.history.times, series.forecast.times, series.known)
    left_out = len(series.known) - n_panes
    note = f"Known columns that are constant here, or not drawn: {left_out:,}." if left_out and n_panes else ""
    return [Figure(chart, note, height + 70 * n_panes)]


def _download(data: PanelData, charted: Sequence[int], rows: Mapping[int, int]) -> Download:
    """Return the forecast as files: of all series, or of those with charts if all of them are too many numbers."""
    if data.predicted is None:
        raise ValueError("files of a forecast that there is not")
    predicted, h, panel = data.predicted, data.horizon, data.panel
    names = column_names(predicted.model, predicted.levels)
    all_fit = len(panel) * h * len(names) <= MAX_IN_FILES
    held = [s for s in range(len(panel)) if s in rows] if all_fit else sorted(charted)
    of_rows = (np.array(held)[:, None] * h + np.arange(h)).ravel()
    keys = panel.keys or ({} if panel.columns.id is None else {panel.columns.ids[0]: panel.ids})
    note = "The files hold all steps with all digits."
    if len(held) < len(panel):
        note = f"The files hold the forecasts of {len(held):,} of {len(panel):,} series; gatecast predict writes all."
    return Download(
        {name: [_plain(column[s]) for s in held] for name, column in keys.items()},
        predicted.time_col,
        predicted.columns[predicted.time_col][of_rows],
        {name: np.asarray(predicted.columns[name], float)[of_rows] for name in names},
        [f"{level:g} %" for level in predicted.levels],
        [rows[s] for s in held],
        h,
        note,
        f"{panel.columns.target} forecast",
    )


def _plain(value: object) -> object:
    """Return an id as JSON has it: a whole number that JavaScript holds exactly, or text."""
    number = value.item() if isinstance(value, np.generic) else value
    is_exact = isinstance(number, int) and not isinstance(number, bool) and abs(number) < 1 << 53
    return number if is_exact else str(number)


def history_chart(series: SeriesData, max_points: int) -> Chart:
    """Chart all values of a series, with gaps and outliers."""
    times, values = series.history.times, series.history.values
    first, last = gaps(values)
    outliers = find_outliers(values, series.history.season_length)
    rows = thin(values, max_points)
    # Half a step on either side: a single missing value has no width of its own.
    half_step = (times[1] - times[0]) // 2 if len(times) > 1 else times[:1] - times[:1]
    marks: list[Mark] = []
    if len(first):
        marks.append(ShadedRanges(times[first] - half_step, times[last] + half_step, "missing"))
    marks.append(Line(times[rows], values[rows], "value", "ink", 1.2))
    if len(outliers):
        marks.append(Points(times[outliers], values[outliers], "outlier", "outlier", "diamond"))
    if series.test is not None and len(series.test.times):
        marks.append(VerticalLines(series.test.times[:1], ("test",)))
    title = f"{series.title}: {format_count(len(values), 'row')}"
    known = values[np.isfinite(values)]
    extent = f", from {known.min():.4g} to {known.max():.4g}" if len(known) else ""
    facts = f"{format_count(len(outliers), 'outlier')}, {format_count(len(first), 'gap')}"
    return Chart(title, tuple(marks), description=f"{title}{extent}, {facts}.")


def explorer_section(data: PanelData, selected: int | None = None) -> ExplorerSection:
    """Build the explorer of many series: a table to search, and the charts of as many series as fit on the page.

    Args:
        data: All series.
        selected: Series to show first; None for the one with the largest error.

    """
    n_series = len(data.panel)
    errors = None if data.evaluation is None else errors_by_series(data.panel, data.evaluation)
    orders = _sort_orders(data.panel, errors)
    rank = orders["largest error first"] if errors is not None else np.arange(n_series)
    charted = select_spread(rank, _n_charted(data), selected)
    times: list[Column] = []
    blocks: dict[int, Sequence[SeriesBlock]] = {}
    for s in charted:
        series = data.series(s)
        times.append(series.history.times[-MAX_POINTS_OF_MANY:])
        times += [] if series.forecast is None else [series.forecast.times]
        blocks[s] = _chart_blocks(series, data, errors, s)
    if selected is not None:
        first_order = next(iter(orders.values()))
        orders = {"selected first": np.concatenate([[selected], first_order[first_order != selected]])} | orders
    note = f"{n_series:,} series, each with charts."
    if len(charted) < n_series:
        note = (
            f"{n_series:,} series, {len(charted):,} of them with charts: the largest and the smallest errors (MASE on "
            "the test part), and an even selection in between. The search finds every series by its name."
        )
    named = _named(rank, charted)
    rows = {s: k for k, s in enumerate(named)}
    explorer = Explorer(
        [str(data.panel.ids[s]) for s in named],
        {name: [column[s] for s in named] for name, column in _columns(data.panel, errors).items()},
        {name: [rows[int(s)] for s in order if int(s) in rows] for name, order in orders.items()},
        note,
    )
    view = SeriesView("charts", {rows[s]: content for s, content in blocks.items()})
    files = () if data.predicted is None else (_download(data, charted, rows),)
    section = Section("series", "Series", (explorer, view, *files))
    return ExplorerSection(section, charted, rows, np.unique(np.concatenate(times)))


def select_spread(rank: IntArray, n: int, first: int | None = None) -> list[int]:
    """Select n series: a third from the start of a ranking, a third from its end, a third evenly in between.

    Args:
        rank: Series by rank [S].
        n: Number of series to select.
        first: Series to add if it is not among them.

    Returns:
        The selected series in the order of the ranking.

    Example:
        >>> select_spread(np.arange(9), 3), select_spread(np.arange(9), 3, first=1)
        ([0, 4, 8], [0, 1, 4, 8])
    """
    if n >= len(rank):
        return [int(s) for s in rank]
    third = n // 3
    n_between, width = n - 2 * third, len(rank) - 2 * third
    between = (third + int((k + 0.5) * width / n_between) for k in range(n_between))
    positions = {*range(third), *range(len(rank) - third, len(rank)), *between}
    if first is not None:
        positions.add(int(np.flatnonzero(rank == first)[0]))
    return [int(rank[k]) for k in sorted(positions)]


def thin(values: Floats, max_points: int) -> IntArray:
    """Return rows whose line looks like that of all rows: minimum and maximum of every stretch.

    Example:
        >>> thin(np.array([1.0, 9.0, 3.0, 4.0, 0.0, 2.0, 5.0, 1.0]), 4).tolist()
        [0, 1, 4, 6]
    """
    n = len(values)
    if n <= max_points:
        return np.arange(n)
    edges = np.linspace(0, n, max_points // 2 + 1).astype(np.int64)
    low = np.nan_to_num(values, nan=np.inf)
    high = np.nan_to_num(values, nan=-np.inf)
    rows = [start + np.array([low[start:end].argmin(), high[start:end].argmax()]) for start, end in pairwise(edges)]
    return np.unique(np.concatenate(rows))


def _n_charted(data: PanelData) -> int:
    """Return the number of series whose charts fit on the page."""
    h, n_test = data.horizon, 0 if data.evaluation is None else data.evaluation.split_sizes[2]
    n_columns = 3 + (0 if data.predicted is None else 2 * len(data.predicted.levels))
    history = float(np.minimum(data.panel.lengths, MAX_POINTS_OF_MANY).mean())
    numbers = history + n_columns * (h + n_test) + 4 * max(h, 12)
    return int(min(len(data.panel), MAX_CHARTED, max(3, MAX_NUMBERS // numbers)))


def _sort_orders(panel: Panel, errors: SeriesErrors | None) -> dict[str, IntArray]:
    """Return the orders in which the table can be sorted; series with unknown errors are last."""
    orders: dict[str, IntArray] = {}
    if errors is not None:
        orders["largest error first"] = np.argsort(-np.nan_to_num(errors.mase, nan=-np.inf), kind="stable")
        orders["smallest error first"] = np.argsort(np.nan_to_num(errors.mase, nan=np.inf), kind="stable")
    names = np.array([str(name) for name in panel.ids], object)
    return orders | {"by name": np.argsort(names, kind="stable")}


def _columns(panel: Panel, errors: SeriesErrors | None) -> dict[str, list[str]]:
    """Return the columns of the table of series."""
    columns = {"rows": [f"{length:,}" for length in panel.lengths]}
    if errors is not None:
        columns["MASE"] = [format_or_dash(value, "{:.3f}") for value in errors.mase]
        columns["MAE"] = [format_or_dash(value, "{:.4g}") for value in errors.mae]
        columns["skill"] = [format_or_dash(value, "{:+.0f} %") for value in errors.skill]
    return columns


def _chart_blocks(series: SeriesData, data: PanelData, errors: SeriesErrors | None, s: int) -> tuple[SeriesBlock, ...]:
    """Return facts, charts and the forecast of one series among many."""
    text = f"{format_count(len(series.history.values), 'row')}."
    if errors is not None:
        mase, skill = format_or_dash(errors.mase[s], "{:.3f}"), format_or_dash(errors.skill[s], "{:+.0f} %")
        text += f" MASE {mase}, skill {skill}."
    if data.totals is not None:
        text = f"{text} {total_of_series(data, s)}".rstrip()
    history = Figure(history_chart(series, MAX_POINTS_OF_MANY), height=260)
    if series.forecast is None:
        return (Paragraph(text), history)
    table = ForecastOfSeries("Forecast by step")
    return (Paragraph(text), *_forecast_figures(series, 340), table, history)


def total_of_series(data: PanelData, s: int) -> str:
    """Return the total of one series in a sentence; "" without a forecast."""
    place = s if data.panel.hierarchy is None else s - data.panel.hierarchy.n_totals
    totals = data.totals
    if totals is None or place < 0 or not np.isfinite(totals.by_series.point[place]):
        return ""
    point, low, high = (side[place] for side in totals.by_series)
    write = number_formatter(np.array([point, *low, *high]))
    triples = zip(totals.levels, low, high, strict=True)
    bounds = [f"{level:g} %: {write(float(a))} to {write(float(b))}" for level, a, b in triples]
    intervals = f" ({'; '.join(bounds)})" if bounds else ""
    return f"Total of {format_count(data.horizon, 'step')}: {write(float(point))}{intervals}."


def _named(rank: IntArray, charted: Sequence[int]) -> list[int]:
    """Return the series that the table lists: all, or the ends of the ranking and those with charts."""
    if len(rank) <= MAX_NAMED:
        return list(range(len(rank)))
    half = MAX_NAMED // 2
    return [int(s) for s in np.unique([*rank[:half], *rank[-half:], *charted])]


def _thinning_note(n: int, max_points: int) -> str:
    """Explain a line that leaves rows out."""
    stretch = 2 * n // max_points
    return f"The line shows the minimum and the maximum of every {stretch:,} rows." if n > max_points else ""


def _listing(name: str, header: tuple[str, ...], columns: Sequence[Sequence[str]]) -> Table:
    """List the first rows in a collapsed table."""
    rows: list[tuple[str, ...]] = list(zip(*columns, strict=True))
    caption = f"{name}: {len(rows):,}" + (f", the first {MAX_LISTED}" if len(rows) > MAX_LISTED else "")
    return Table(TextTable(header, rows[:MAX_LISTED]), caption, collapsed=True)
