"""Charts of one series: what was, what is forecast, what was forecast and came; and the ways out of them.

Letters: N rows of the history, h horizon, t rows of a test part.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast._utils.formatting import format_count
from gatecast.errors import ConfigError
from gatecast.forecasting.baselines import seasonal_naive
from gatecast.plotting.spec import Band, Chart, Column, Line, Mark, VerticalLines, broken

__all__ = [
    "BASELINES",
    "SUFFIXES",
    "ForecastSeries",
    "HistorySeries",
    "forecast",
    "past_forecasts",
    "paths",
    "require_library",
    "show",
]

Floats = npt.NDArray[np.float64]

BASELINES = {"SeasonalNaive": "seasonal naive", "Naive": "last value", "Drift": "drift", "Mean": "mean"}
"""What people call the simple forecasts."""

SUFFIXES = (".png", ".svg", ".html")
SHORTEST_RUN = 6
"""Steps from which a forecast is drawn as a line apart from the next one."""

LONGEST_NAME = 60
"""Letters of a name in a title."""

PALEST, STRENGTH = 0.14, 0.14
"""Of the widest interval, and what the narrowest has more."""


class HistorySeries(NamedTuple):
    """The past of one series.

    Args:
        times: (N,) datetime64 or whole numbers.
        values: (N,) NaN is missing.
        season: m of seasonal naive; 1 for none.
    """

    times: Column
    values: Floats
    season: int = 1


class ForecastSeries(NamedTuple):
    """Forecasts of one series, a row a step.

    Args:
        table: Columns by name.
        model: Name of the model's column.
        levels: Of the intervals, in percent.
        time_col: Name of the column of times.
        h: Steps of one forecast: a test part is several, one after another.
        target_col: Name of what came, if the table has it.
    """

    table: Mapping[str, Column]
    model: str
    levels: Sequence[float]
    time_col: str
    h: int
    target_col: str = ""

    @property
    def times(self) -> Column:
        """Of its rows."""
        return self.table[self.time_col]

    def baseline(self) -> str:
        """The simple forecast that stands beside the model; "" if there is none."""
        return next((name for name in BASELINES if name in self.table), "")


def forecast(
    name: str, past: HistorySeries, ahead: ForecastSeries, test: ForecastSeries | None = None, note: str = ""
) -> Chart:
    """The end of the past, the test part with what was forecast for it, the forecast with its intervals.

    Args:
        name: Of what is forecast.
        past: Up to the forecast's first step.
        ahead: The forecast.
        test: What was forecast for the last rows of the past.
        note: A sentence below the title.
    """
    h, m = len(ahead.times), past.season
    first = _first_shown(past, h, 0 if test is None else len(test.times))
    marks: list[Mark] = (
        [Line(past.times[first:], past.values[first:], "history", "ink", 1.3)] if len(past.times) else []
    )
    begins: list[Any] = []
    if test is not None and len(test.times) and len(past.times):
        shown = test.times >= past.times[first]
        part = test._replace(table={one: column[shown] for one, column in test.table.items()})
        marks += _told(part, labelled=False)
        whole = "test" if shown.all() else f"test, its last {shown.sum():,} of {format_count(len(shown), 'row')}"
        begins.append((part.times[0], whole))
    marks += _bands(ahead, labelled=True)
    if np.isfinite(past.values).any():
        title = BASELINES["SeasonalNaive" if m > 1 else "Naive"]
        marks.append(Line(ahead.times, seasonal_naive(past.values, h, m), title, "naive", 1.1, dashed=True))
    marks.append(Line(ahead.times, ahead.table[ahead.model], ahead.model, "model", 2.0))
    begins.append((ahead.times[0], "forecast"))
    marks.append(VerticalLines(np.array([x for x, _ in begins]), tuple(text for _, text in begins)))
    return Chart(_title(name, h), tuple(marks), note, _sentence(name, ahead))


def past_forecasts(name: str, said: ForecastSeries, note: str = "") -> Chart:
    """What came, and what was forecast for it, cutoff by cutoff, beside the simple forecast.

    Args:
        name: Of what is forecast.
        said: Rows with the target's column.
        note: A sentence below the title.
    """
    times, at = np.unique(said.times, return_index=True)
    came = Line(times, said.table[said.target_col][at], "what came", "ink", 1.3)
    title = f"{_short(name)}: {format_count(len(said.times), 'row')}, forecast {said.h} at a time"
    return Chart(title, (came, *_told(said, labelled=True)), note)


def paths(name: str, past: HistorySeries, ahead: ForecastSeries) -> Chart:
    """Sample paths behind the end of the past.

    Args:
        name: Of what is forecast.
        past: Up to the first step.
        ahead: h rows a path, one path after another.
    """
    first = _first_shown(past, ahead.h, 0)
    x, y = broken(ahead.times, ahead.h, ahead.table[ahead.model])
    drawn = len(ahead.times) // ahead.h
    history = (Line(past.times[first:], past.values[first:], "history", "ink", 1.3),) if len(past.times) else ()
    sampled = Line(x, y, format_count(drawn, "path"), "model", 0.6)
    return Chart(
        f"{_short(name)}: {format_count(drawn, 'path')} of {format_count(ahead.h, 'step')}", (*history, sampled)
    )


def show(chart: Chart, path: str | os.PathLike[str] | None = None) -> Any:
    """A chart as a figure, or in a file.

    Args:
        chart: What to draw.
        path: Ends in .png, .svg (matplotlib, else plotly) or .html (plotly); None: a figure of matplotlib, else of
            plotly, comes back.

    Raises:
        ConfigError: Another suffix, a folder that is not there, or a library that is needed and not installed.
    """
    target = None if path is None else Path(path)
    library = require_library(target)
    if target is not None and not target.resolve().parent.is_dir():
        raise ConfigError("the chart's folder does not exist", where=str(target), fix="Make the folder first.")
    if library == "matplotlib":
        from gatecast.plotting import matplotlib_backend

        return matplotlib_backend.draw(chart) if target is None else matplotlib_backend.save(chart, target)
    from gatecast.plotting import plotly_backend

    return plotly_backend.save(chart, target, (1000, 520))


def require_library(path: Path | None = None) -> str:
    """The library that draws into a file of this name.

    Args:
        path: Its name; None: a figure alone.

    Returns:
        "matplotlib" or "plotly".

    Raises:
        ConfigError: None of them can.

    >>> require_library(Path("chart.svg"))
    'matplotlib'
    """
    suffix = "" if path is None else path.suffix.lower()
    if path is not None and suffix not in SUFFIXES:
        raise ConfigError(
            "a chart has an unknown file type",
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
        raise ConfigError(f"a chart needs {needed} installed", fix=f'Install it: pip install "gatecast[{extra}]"')
    if suffix in (".png", ".svg") and find_spec("kaleido") is None:
        raise ConfigError(
            f"plotly cannot write {suffix} here",
            where=str(path),
            got="no matplotlib, no kaleido",
            expected='matplotlib: pip install "gatecast[plot]"',
            fix=f"Or write {path.with_suffix('.html')}.",  # type: ignore[union-attr]
        )
    return "plotly"


def _told(said: ForecastSeries, *, labelled: bool) -> list[Mark]:
    """What was forecast for a part of the past: intervals, simple forecast, model; a line each."""
    step = said.h if said.h >= SHORTEST_RUN else max(len(said.times), 1)
    names = [name for name in said.table if said.table[name].dtype.kind == "f"]
    x, *columns = broken(said.times, step, *(said.table[name] for name in names))
    cut = said._replace(table={**dict(zip(names, columns, strict=True)), said.time_col: x})
    marks, other = _bands(cut, labelled=labelled), said.baseline()
    if other:
        marks.append(Line(x, cut.table[other], BASELINES[other] if labelled else "", "naive", 1.1, dashed=True))
    return [*marks, Line(x, cut.table[said.model], said.model if labelled else "", "model", 1.6)]


def _bands(said: ForecastSeries, *, labelled: bool) -> list[Mark]:
    """Shaded intervals, the widest first and palest."""
    marks: list[Mark] = []
    for place, level in enumerate(sorted(said.levels, reverse=True)):
        low, high = (f"{said.model}-{side}-{level:g}" for side in ("lo", "hi"))
        if low in said.table:
            strength = PALEST + STRENGTH * place / max(1, len(said.levels) - 1)
            label = f"{level:g} % interval" if labelled else ""
            marks.append(Band(said.times, said.table[low], said.table[high], label, "model", strength))
    return marks


def _first_shown(past: HistorySeries, h: int, test: int) -> int:
    """The row from which history is drawn: three seasons and the test part, but no forecast gets lost."""
    wanted = max(3 * past.season, test + max(past.season, h, 12), 48)
    return max(0, len(past.values) - min(wanted, max(12 * h, 60)))


def _title(name: str, h: int) -> str:
    """What is forecast, in one line."""
    return f"{_short(name)}: {format_count(h, 'step')} ahead"


def _short(name: str) -> str:
    """A name that leaves room for a title."""
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"


def _sentence(name: str, said: ForecastSeries) -> str:
    """The forecast for those who cannot see it."""
    values = said.table[said.model]
    text = f"Forecast of {_short(name)}, {format_count(len(values), 'step')}: from {values[0]:.4g} to {values[-1]:.4g}"
    return (
        f"{text}, lowest {np.nanmin(values):.4g}, highest {np.nanmax(values):.4g}."
        if np.isfinite(values).any()
        else text
    )
