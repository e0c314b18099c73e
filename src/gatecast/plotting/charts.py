"""Charts of one series: history and forecast, backtest, sample paths; and drawing them into figures and files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast._utils.atomic import writing
from gatecast._utils.formatting import format_count
from gatecast.errors import ConfigError
from gatecast.plotting.spec import Band, Chart, Column, Line, Mark, VerticalLines, insert_gaps

__all__ = [
    "BASELINES",
    "SUFFIXES",
    "ForecastSeries",
    "HistorySeries",
    "backtest_chart",
    "forecast_chart",
    "notebook_html",
    "notebook_png",
    "require_library",
    "sample_path_chart",
    "show",
]

Floats = npt.NDArray[np.float64]

BASELINES = {"SeasonalNaive": "seasonal naive", "Naive": "last value", "Drift": "drift", "Mean": "mean"}
"""Display names of the baselines, by column."""

SUFFIXES = (".png", ".svg", ".html")

HTML_SIZE = (1000, 520)
"""Width and height of a chart in an HTML file, in pixels."""

MIN_SEGMENT = 6
"""Steps from which each forecast of a test part is a line of its own."""

MAX_NAME_LENGTH = 60
"""Characters of a series name in a title."""

MIN_OPACITY, OPACITY_RANGE = 0.14, 0.14
"""Opacity of the widest interval, and how much more opaque the narrowest one is."""


class HistorySeries(NamedTuple):
    """The history of one series.

    Args:
        times: datetime64 or integers [T].
        values: Observed values [T]; NaN is missing.
        season_length: Steps per season; 1 for none.
    """

    times: Column
    values: Floats
    season_length: int = 1

    def __repr__(self) -> str:
        return f"HistorySeries({format_count(len(self.values), 'row')}, season_length={self.season_length})"


class ForecastSeries(NamedTuple):
    """Forecasts of one series, one row per step.

    Args:
        table: Columns by name, each [n]: the times, the model with its intervals, baselines, the target.
        model: Name of the model's column.
        levels: Interval levels in percent.
        time_col: Name of the time column.
        horizon: Steps of one forecast: a test part holds several, one after another.
        target_col: Name of the column of actual values; "" if the table has none.
    """

    table: Mapping[str, Column]
    model: str
    levels: Sequence[float]
    time_col: str
    horizon: int
    target_col: str = ""

    def __repr__(self) -> str:
        return f"ForecastSeries({self.model!r}, {format_count(len(self.times), 'row')}, horizon={self.horizon})"

    @property
    def times(self) -> Column:
        """Times of the rows [n]."""
        return self.table[self.time_col]

    def baseline(self) -> str:
        """Return the column of the baseline that the model is compared with; "" if there is none."""
        return next((name for name in BASELINES if name in self.table), "")


def forecast_chart(
    name: str, history: HistorySeries, forecast: ForecastSeries, test: ForecastSeries | None = None, note: str = ""
) -> Chart:
    """Chart the end of the history, the forecasts of the test part, and the forecast with its intervals.

    Args:
        name: Name of the series.
        history: Values up to the first step of the forecast.
        forecast: The forecast; a baseline among its columns is drawn, too.
        test: Forecasts of the last rows of the history.
        note: Sentence below the title.
    """
    h, n_test = len(forecast.times), 0 if test is None else len(test.times)
    first = _first_row(history, h, n_test)
    marks: list[Mark] = [_history_line(history, first)] if len(history.times) else []
    labels: list[tuple[Any, str]] = []
    if test is not None and n_test and len(history.times):
        visible = test.times >= history.times[first]
        test = test._replace(table={column: values[visible] for column, values in test.table.items()})
        marks += _test_marks(test, labeled=False)
        label = "test" if visible.all() else f"test, last {visible.sum():,} of {format_count(n_test, 'row')}"
        labels.append((test.times[0], label))
    marks += _bands(forecast, labeled=True)
    baseline = forecast.baseline()
    if baseline and np.isfinite(forecast.table[baseline]).any():
        values = forecast.table[baseline]
        marks.append(Line(forecast.times, values, BASELINES[baseline], "naive", 1.1, dashed=True))
    marks.append(Line(forecast.times, forecast.table[forecast.model], forecast.model, "model", 2.0))
    labels.append((forecast.times[0], "forecast"))
    marks.append(VerticalLines(np.array([x for x, _ in labels]), tuple(text for _, text in labels)))
    title = f"{_shorten(name)}: {format_count(h, 'step')} ahead"
    return Chart(title, tuple(marks), note, _describe(name, forecast))


def backtest_chart(name: str, forecasts: ForecastSeries, note: str = "") -> Chart:
    """Chart actual values and the forecasts of them from past cutoffs, with the baseline.

    Args:
        name: Name of the series.
        forecasts: Rows with the target column.
        note: Sentence below the title.
    """
    times, rows = np.unique(forecasts.times, return_index=True)
    actual = Line(times, forecasts.table[forecasts.target_col][rows], "actual", "ink", 1.3)
    title = f"{_shorten(name)}: {format_count(len(forecasts.times), 'row')}, forecast {forecasts.horizon} at a time"
    return Chart(title, (actual, *_test_marks(forecasts, labeled=True)), note)


def sample_path_chart(name: str, history: HistorySeries, paths: ForecastSeries) -> Chart:
    """Chart sample paths after the end of the history.

    Args:
        name: Name of the series.
        history: Values up to the first step.
        paths: `horizon` rows per path, one path after another.
    """
    n_paths = len(paths.times) // paths.horizon
    x, y = insert_gaps(paths.times, paths.horizon, paths.table[paths.model])
    sampled = Line(x, y, format_count(n_paths, "path"), "model", 0.6)
    past = (_history_line(history, _first_row(history, paths.horizon, 0)),) if len(history.times) else ()
    title = f"{_shorten(name)}: {format_count(n_paths, 'path')} of {format_count(paths.horizon, 'step')}"
    return Chart(title, (*past, sampled))


def show(chart: Chart, path: str | os.PathLike[str] | None = None) -> Any:
    """Draw a chart as a figure or into a file.

    Args:
        chart: Chart to draw.
        path: Target file: .png, .svg (drawn by matplotlib, else plotly) or .html (plotly). None returns a figure of
            matplotlib, else of plotly.

    Raises:
        ConfigError: Unknown file type, missing folder, or the required library is not installed.
    """
    target = None if path is None else Path(path)
    library = require_library(target)
    if target is not None and not os.path.isdir(os.path.dirname(os.path.realpath(target))):
        raise ConfigError("The chart's folder does not exist", where=str(target), fix="Create the folder first.")
    if target is None:
        return _draw(chart, library, None)
    with writing(target) as draft:
        _draw(chart, library, draft)
    return None


def _draw(chart: Chart, library: str, path: Path | None) -> Any:
    """Draw a chart with a library, as its figure or into a file."""
    if library == "matplotlib":
        from gatecast.plotting import matplotlib_backend

        return matplotlib_backend.draw(chart) if path is None else matplotlib_backend.save(chart, path)
    from gatecast.plotting import plotly_backend

    return plotly_backend.save(chart, path, HTML_SIZE)


def notebook_png(chart: Chart) -> bytes | None:
    """Draw a chart as a PNG for a notebook; None if matplotlib is not installed."""
    if find_spec("matplotlib") is None:
        return None
    from gatecast.plotting import matplotlib_backend

    return matplotlib_backend.to_png(matplotlib_backend.draw(chart))


def notebook_html(chart: Chart) -> str | None:
    """Draw a chart as HTML for a notebook; None if plotly is not installed, or matplotlib is."""
    if find_spec("matplotlib") is not None or find_spec("plotly") is None:
        return None
    from gatecast.plotting import plotly_backend

    return str(plotly_backend.save(chart, None, HTML_SIZE)._repr_html_())


def require_library(path: Path | None = None) -> str:
    """Return the library that draws into a file with this name.

    Args:
        path: File name; None for a figure only.

    Returns:
        "matplotlib" or "plotly".

    Raises:
        ConfigError: Unknown file type, or no installed library writes it.

    Example:
        >>> require_library(Path("chart.svg"))
        'matplotlib'
    """
    suffix = "" if path is None else path.suffix.lower()
    if path is not None and suffix not in SUFFIXES:
        raise ConfigError(
            "Unknown file type of a chart",
            where=str(path),
            got=repr(path.suffix) if suffix else "no suffix",
            expected=".png, .svg or .html",
            fix=f"Write {path.with_suffix('.png')}.",
        )
    if suffix != ".html" and find_spec("matplotlib") is not None:
        return "matplotlib"
    if find_spec("plotly") is None:
        extra = "report" if suffix == ".html" else "plot"
        needed = "plotly, which is not" if suffix == ".html" else "matplotlib or plotly, neither of which is"
        raise ConfigError(f"A chart needs {needed} installed", fix=f'Install it: pip install "gatecast[{extra}]"')
    if path is not None and suffix in (".png", ".svg") and find_spec("kaleido") is None:
        raise ConfigError(
            f"plotly cannot write {suffix} here",
            where=str(path),
            got="no matplotlib, no kaleido",
            expected='matplotlib: pip install "gatecast[plot]"',
            fix=f"Or write {path.with_suffix('.html')}.",
        )
    return "plotly"


def _history_line(history: HistorySeries, first: int) -> Line:
    """Draw the history from a row on."""
    return Line(history.times[first:], history.values[first:], "history", "ink", 1.3)


def _test_marks(forecasts: ForecastSeries, *, labeled: bool) -> list[Mark]:
    """Draw forecasts of the past: intervals, baseline, model; each forecast is a separate line."""
    length = forecasts.horizon if forecasts.horizon >= MIN_SEGMENT else max(len(forecasts.times), 1)
    names = [name for name in forecasts.table if forecasts.table[name].dtype.kind == "f"]
    x, *columns = insert_gaps(forecasts.times, length, *(forecasts.table[name] for name in names))
    table = {**dict(zip(names, columns, strict=True)), forecasts.time_col: x}
    marks, baseline = _bands(forecasts._replace(table=table), labeled=labeled), forecasts.baseline()
    if baseline:
        marks.append(Line(x, table[baseline], BASELINES[baseline] if labeled else "", "naive", 1.1, dashed=True))
    return [*marks, Line(x, table[forecasts.model], forecasts.model if labeled else "", "model", 1.6)]


def _bands(forecast: ForecastSeries, *, labeled: bool) -> list[Mark]:
    """Shade the intervals, the widest first and lightest."""
    marks: list[Mark] = []
    for k, level in enumerate(sorted(forecast.levels, reverse=True)):
        low, high = (f"{forecast.model}-{side}-{level:g}" for side in ("lo", "hi"))
        if low in forecast.table:
            opacity = MIN_OPACITY + OPACITY_RANGE * k / max(1, len(forecast.levels) - 1)
            label = f"{level:g} % interval" if labeled else ""
            marks.append(Band(forecast.times, forecast.table[low], forecast.table[high], label, "model", opacity))
    return marks


def _first_row(history: HistorySeries, h: int, n_test: int) -> int:
    """Return the first row of the history to draw: three seasons and the test part, unless they dwarf the forecast."""
    wanted = max(3 * history.season_length, n_test + max(history.season_length, h, 12), 48)
    return max(0, len(history.values) - min(wanted, max(12 * h, 60)))


def _shorten(name: str) -> str:
    """Shorten a name to what fits into a title."""
    return name if len(name) <= MAX_NAME_LENGTH else name[: MAX_NAME_LENGTH - 1] + "…"


def _describe(name: str, forecast: ForecastSeries) -> str:
    """Describe a forecast for readers who cannot see the chart."""
    values = forecast.table[forecast.model]
    text = (
        f"Forecast of {_shorten(name)}, {format_count(len(values), 'step')}: from {values[0]:.4g} to {values[-1]:.4g}"
    )
    if not np.isfinite(values).any():
        return text
    return f"{text}, minimum {np.nanmin(values):.4g}, maximum {np.nanmax(values):.4g}."
