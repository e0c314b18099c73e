"""The chart: last seasons, the test part with the forecast made for it, the forecast with its intervals.

Drawn with matplotlib's objects alone: no pyplot, no current figure, no window. Colours are those of Okabe and
Ito (2008), which people of every colour vision tell apart; the baseline is dashed besides.
"""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gatecast.app.result import Result, bounds
from gatecast.app.texts import Column, count
from gatecast.errors import ConfigError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["COLOURS", "Colours", "draw", "quietly", "require_matplotlib", "save_chart", "title"]

FONTS = ("DejaVu Sans", "Noto Sans CJK SC", "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", "SimHei")
"""The first has the letters of Europe; one of the others, where there is one, those of China."""

LAST_YEAR = 9998
"""One less than matplotlib's last: its ticks reach beyond the data."""
DASHES = (0, (3, 2))
SHORTEST_RUN = 6
"""Steps from which a forecast is drawn as a line apart from the next one."""
LONGEST_NAME = 60
"""Letters of a column's name in a title."""


class Colours(NamedTuple):
    """What each part of the chart is drawn in."""

    paper: str
    ink: str
    faint: str
    """Axes and notes."""
    grid: str
    model: str
    naive: str


COLOURS = Colours("#ffffff", "#1f2328", "#59636e", "#e4e8ec", "#0072b2", "#d55e00")


def require_matplotlib() -> None:
    """Say how to get matplotlib if it is not there.

    Raises:
        ConfigError: It is not installed.
    """
    if find_spec("matplotlib") is None:
        fix = 'Install it: pip install "gatecast[plot]"'
        raise ConfigError("--plot needs matplotlib, which is not installed", fix=fix)


def save_chart(result: Result, path: Path) -> None:
    """Draw a result into a file.

    Args:
        result: What to draw.
        path: Ends in .png or .svg.
    """
    import matplotlib

    # Outlines look the same where the font is missing; a fixed salt gives the same bytes each time.
    with matplotlib.rc_context({"svg.fonttype": "path", "svg.hashsalt": "gatecast"}), quietly():
        figure = draw(result, size=(10, 5.2))
        kind = path.suffix[1:]
        figure.savefig(path, format=kind, dpi=160, metadata={"Date": None} if kind == "svg" else None)


def draw(result: Result, *, size: tuple[float, float], colours: Colours = COLOURS, titled: bool = True) -> Figure:
    """The chart as a figure of its own.

    Args:
        result: What to draw.
        size: Width and height in inches.
        colours: What to draw it in.
        titled: Whether title and verdict stand above it.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    layout = ConstrainedLayoutEngine(w_pad=0.14, h_pad=0.14)
    result = _within_calendar(result)
    figure = Figure(figsize=size, layout=layout, facecolor=colours.paper)
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(facecolor=colours.paper)
    _lines(axes, result, colours)
    _style(axes, result, colours, wide=size[0] > 6)
    if titled:
        _title(axes, result, colours)
    return figure


def _within_calendar(result: Result) -> Result:
    """The same with rows in place of times where these leave the years 1 to 9999, all that matplotlib knows."""
    ends = (result.times[0], result.ahead[-1])
    if result.times.dtype.kind != "M" or all(1 <= int(str(np.datetime64(end, "Y"))) <= LAST_YEAR for end in ends):
        return result
    n, h, time_col = len(result.times), len(result.mean), result.forecast.time_col
    forecast = replace(result.forecast, table={**result.forecast.table, time_col: np.arange(n, n + h)})
    evaluation = result.evaluation
    if evaluation is not None:
        rows = np.searchsorted(result.times, evaluation.table[time_col])
        evaluation = replace(evaluation, table={**evaluation.table, time_col: rows})
    return replace(result, times=np.arange(n), forecast=forecast, evaluation=evaluation)


def _lines(axes: Axes, result: Result, colours: Colours) -> None:
    """History, test part and forecast."""
    begin = _first_shown(result)
    table, model, levels = result.forecast.table, result.forecast.model, result.forecast.levels
    axes.plot(result.times[begin:], result.values[begin:], color=colours.ink, lw=1.3, label="history")
    if result.evaluation is not None:
        _test_part(axes, result, result.evaluation.table, result.times[begin], colours)
    _bands(axes, result.ahead, table, model, levels, colours, labelled=True)
    axes.plot(result.ahead, result.naive, color=colours.naive, lw=1.1, ls=DASHES, label=result.baseline)
    marker = "o" if len(result.mean) == 1 else None
    axes.plot(result.ahead, result.mean, color=colours.model, lw=2.0, marker=marker, ms=4, label=model)
    _region(axes, result.ahead[0], "forecast", colours)


def _test_part(axes: Axes, result: Result, said: dict[str, Column], begin: Any, colours: Colours) -> None:
    """What was forecast for the test part, as far as it is on the chart."""
    time_col, model = result.forecast.time_col, result.forecast.model
    shown = said[time_col] >= begin
    for run in _runs(len(shown), len(result.mean)):
        table = {name: column[run][shown[run]] for name, column in said.items()}
        times = table[time_col]
        _bands(axes, times, table, model, result.forecast.levels, colours)
        axes.plot(times, table[result.naive_col], color=colours.naive, lw=1.1, ls=DASHES)
        axes.plot(times, table[model], color=colours.model, lw=1.6)
    name = "test" if shown.all() else f"test, its last {shown.sum():,} of {len(shown):,} rows"
    _region(axes, said[time_col][shown][0], name, colours)


def _runs(n: int, h: int) -> list[slice]:
    """The forecasts that the test part consists of, each a line of its own; short ones would be dots.

    >>> _runs(12, 6)
    [slice(0, 6, None), slice(6, 12, None)]
    """
    step = h if h >= SHORTEST_RUN else max(n, 1)
    return [slice(start, start + step) for start in range(0, n, step)]


def _first_shown(result: Result) -> int:
    """The row from which history is drawn: three seasons and the test part, but no forecast gets lost."""
    test = 0 if result.evaluation is None else len(result.evaluation.table[result.forecast.time_col])
    h = len(result.mean)
    wanted = max(3 * result.season, test + max(result.season, h, 12), 48)
    return max(0, len(result.values) - min(wanted, max(12 * h, 60)))


def _bands(
    axes: Axes,
    times: Column,
    table: dict[str, Column],
    model: str,
    levels: Sequence[float],
    colours: Colours,
    *,
    labelled: bool = False,
) -> None:
    """Shaded intervals, the widest first and palest."""
    for place, level in enumerate(sorted(levels, reverse=True)):
        if f"{model}-lo-{level:g}" in table:
            alpha = 0.14 + 0.14 * place / max(1, len(levels) - 1)
            label = f"{level:g} % interval" if labelled else None
            low, high = bounds(table, model, level)
            axes.fill_between(times, low, high, color=colours.model, alpha=alpha, lw=0, label=label)


def _region(axes: Axes, start: Any, name: str, colours: Colours) -> None:
    """A dotted line where a part of the chart begins, and its name above."""
    axes.axvline(start, color=colours.faint, lw=0.7, ls=":")
    place: dict[str, Any] = {
        "xy": (start, 1),
        "xycoords": ("data", "axes fraction"),
        "textcoords": "offset points",
    }
    axes.annotate(name, xytext=(2, 4), color=colours.faint, fontsize=8.5, **place)


def _style(axes: Axes, result: Result, colours: Colours, *, wide: bool) -> None:
    """Quiet axes, dates that say the year once, and a legend that covers nothing."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    from matplotlib.ticker import MaxNLocator

    if result.times.dtype.kind == "M":
        locator = AutoDateLocator(minticks=3, maxticks=10 if wide else 5)  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    else:
        axes.xaxis.set_major_locator(MaxNLocator(8 if wide else 4, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(6))
    axes.grid(axis="y", color=colours.grid, lw=0.8)
    axes.set_axisbelow(True)
    axes.margins(x=0.01, y=0.08)
    for side in ("top", "left", "right"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(colours.faint)
    axes.tick_params(colors=colours.faint, labelsize=9.5, length=0, pad=5)
    axes.tick_params(axis="x", length=3, width=0.7)
    axes.xaxis.get_offset_text().set(color=colours.faint, size=9.5)
    legend = axes.legend(
        loc="upper left", bbox_to_anchor=(0, -0.09 if wide else -0.1), ncols=5 if wide else 2, frameon=False,
        fontsize=9.5, labelcolor=colours.ink, borderaxespad=0, handlelength=1.6, columnspacing=1.6,
    )  # fmt: skip
    legend.set_in_layout(True)
    for text in [*axes.texts, *legend.get_texts(), *axes.get_xticklabels()]:
        text.set_fontfamily(_families())


def _title(axes: Axes, result: Result, colours: Colours) -> None:
    """What is forecast, and the verdict, above the names of the regions."""
    verdict = "" if result.evaluation is None else result.evaluation.verdict
    # A number and its per cent sign stay together.
    verdict = textwrap.fill(verdict.replace(" %", "\N{NO-BREAK SPACE}%"), 120)
    place: dict[str, Any] = {"xy": (0, 1), "xycoords": "axes fraction", "textcoords": "offset points"}
    place |= {"fontfamily": _families(), "parse_math": False}
    # Dollars in a column's name are dollars, not mathematics.
    note = axes.annotate(verdict, xytext=(0, 20), color=colours.faint, fontsize=10, **place)
    above = 20 + 14 * len(note.get_text().splitlines()) + 6
    head = {"color": colours.ink, "fontsize": 14, "fontweight": "bold", **place}
    axes.annotate(title(result), xytext=(0, above), **head)


def title(result: Result) -> str:
    """What is forecast, in one line."""
    name = result.forecast.target_col
    name = name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"
    return f"{name}: {count(len(result.mean), 'step')} ahead"


def _families() -> list[str]:
    """Those of our fonts that this machine has."""
    from matplotlib.font_manager import fontManager

    present = set(fontManager.get_font_names())
    return [font for font in FONTS if font in present]


@contextmanager
def quietly() -> Iterator[None]:
    """What matplotlib remarks on (a letter that no font has, an odd distance of ticks) helps no user."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield
