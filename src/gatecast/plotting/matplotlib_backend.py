"""Charts with matplotlib's objects alone: no pyplot, no current figure, no window."""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gatecast.plotting.spec import (
    LIGHT,
    Band,
    Bars,
    Chart,
    HeatMapCells,
    Line,
    Points,
    ShadedRanges,
    VerticalLines,
    within_calendar,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw", "save"]

FONTS = ("DejaVu Sans", "Noto Sans CJK SC", "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", "SimHei")
"""The first has the letters of Europe; one of the others, where there is one, those of China."""

DASHES = (0, (3, 2))
SHAPES = {"circle": "o", "diamond": "D", "x": "x"}
SIZE = (10.0, 5.2)
"""Inches of a chart with one pane or two."""

PANE = 2.0
"""Inches of height that each further pane adds."""


def save(chart: Chart, path: Path) -> None:
    """Draw a chart into a file.

    Args:
        chart: What to draw.
        path: Ends in .png or .svg.
    """
    import matplotlib

    # Outlines look the same where the font is missing; a fixed salt gives the same bytes each time.
    with matplotlib.rc_context({"svg.fonttype": "path", "svg.hashsalt": "gatecast"}), _quietly():
        kind = path.suffix[1:].lower()
        metadata = {"Date": None} if kind == "svg" else None
        draw(chart).savefig(path, format=kind, dpi=160, metadata=metadata)


def draw(chart: Chart, size: tuple[float, float] | None = None) -> Figure:
    """A chart as a figure of its own.

    Args:
        chart: What to draw.
        size: Width and height in inches; None: by the number of panes.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    chart = within_calendar(chart)
    layout = ConstrainedLayoutEngine(w_pad=0.14, h_pad=0.14)
    size = size or (SIZE[0], SIZE[1] + PANE * max(0, len(chart.y_names) - 2))
    figure = Figure(figsize=size, layout=layout, facecolor=LIGHT["paper"])
    FigureCanvasAgg(figure)
    panes = list(figure.subplots(len(chart.y_names), sharex=True, squeeze=False)[:, 0])
    for mark in chart.marks:
        _DRAW[type(mark)](panes[getattr(mark, "pane", 0)], mark)
    for axes, name in zip(panes, chart.y_names, strict=True):
        _style(axes, chart, name)
    if chart.x_name:
        panes[-1].set_xlabel(chart.x_name, color=LIGHT["faint"], fontsize=9.5)
    _ticks(panes[-1], chart)
    _legend(panes, below=(0.16 if chart.x_name else 0.09) * len(panes))
    _title(panes[0], chart)
    return figure


def _line(axes: Axes, mark: Line) -> None:
    """A line; a point alone would not be seen without a dot."""
    dot = "o" if mark.dotted or len(mark.y) == 1 else None
    style: Any = DASHES if mark.dashed else "-"
    axes.plot(mark.x, mark.y, color=LIGHT[mark.role], lw=mark.width, ls=style, marker=dot, ms=4, label=_label(mark))


def _band(axes: Axes, mark: Band) -> None:
    """A shaded interval."""
    colour = LIGHT[mark.role]
    axes.fill_between(mark.x, mark.low, mark.high, color=colour, alpha=mark.strength, lw=0, label=_label(mark))


def _dots(axes: Axes, mark: Points) -> None:
    """Points."""
    axes.scatter(mark.x, mark.y, s=26, marker=SHAPES[mark.shape], color=LIGHT[mark.role], label=_label(mark), zorder=3)


def _spans(axes: Axes, mark: ShadedRanges) -> None:
    """Shaded parts, one of them in the legend."""
    for k, (begin, end) in enumerate(zip(mark.begin, mark.end, strict=True)):
        label = _label(mark) if k == 0 else None
        axes.axvspan(begin, end, color=LIGHT[mark.role], alpha=0.18, lw=0, label=label)


def _starts(axes: Axes, mark: VerticalLines) -> None:
    """Dotted lines, the name of what begins above each."""
    place: dict[str, Any] = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points"}
    for x, name in zip(mark.x, mark.names, strict=True):
        axes.axvline(x, color=LIGHT["faint"], lw=0.7, ls=":")
        axes.annotate(name, (x, 1), xytext=(2, 4), color=LIGHT["faint"], fontsize=8.5, annotation_clip=True, **place)


def _bars(axes: Axes, mark: Bars) -> None:
    """Lying bars."""
    whiskers = None
    if mark.low is not None and mark.high is not None:
        whiskers = np.maximum([mark.values - mark.low, mark.high - mark.values], 0)
    axes.barh(
        list(mark.labels),
        mark.values,
        xerr=whiskers,
        color=LIGHT[mark.role],
        height=0.62,
        label=_label(mark),
        error_kw={"ecolor": LIGHT["ink"], "elinewidth": 1, "capsize": 2},
    )
    axes.invert_yaxis()


def _cells(axes: Axes, mark: HeatMapCells) -> None:
    """A heat map."""
    shown = np.ma.masked_invalid(mark.values)
    rows = np.arange(len(mark.labels))
    axes.pcolormesh(mark.x, rows, shown, vmin=mark.least, vmax=mark.most, cmap="cividis", shading="nearest")
    axes.set_yticks(rows[:: max(1, len(rows) // 8)], list(mark.labels)[:: max(1, len(rows) // 8)])


_DRAW: Mapping[type, Callable[[Any, Any], None]] = {
    Line: _line,
    Band: _band,
    Points: _dots,
    ShadedRanges: _spans,
    VerticalLines: _starts,
    Bars: _bars,
    HeatMapCells: _cells,
}


def _label(mark: Any) -> str | None:
    """What the legend says; matplotlib hides names that begin with a line."""
    return f"\N{ZERO WIDTH SPACE}{mark.name}" if mark.name.startswith("_") else mark.name or None


def _style(axes: Axes, chart: Chart, name: str) -> None:
    """Quiet axes."""
    from matplotlib.ticker import MaxNLocator

    axes.set_facecolor(LIGHT["paper"])
    if not chart.bars and not any(isinstance(mark, HeatMapCells) for mark in chart.marks):
        axes.yaxis.set_major_locator(MaxNLocator(6))
    axes.grid(axis="x" if chart.bars else "y", color=LIGHT["grid"], lw=0.8)
    axes.set_axisbelow(True)
    axes.margins(x=0.01, y=0.08)
    axes.set_ylabel(name, color=LIGHT["faint"], fontsize=9.5)
    if chart.log:
        axes.set_xscale("log")
    for side in ("top", "left", "right"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(LIGHT["faint"])
    axes.tick_params(colors=LIGHT["faint"], labelsize=9.5, length=0, pad=5)
    axes.tick_params(axis="x", length=3, width=0.7)
    axes.xaxis.get_offset_text().set(color=LIGHT["faint"], size=9.5)


def _ticks(axes: Axes, chart: Chart) -> None:
    """Dates that say the year once."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

    along = [mark.x for mark in chart.marks if not isinstance(mark, Bars | ShadedRanges)]
    if along and along[0].dtype.kind == "M":
        locator = AutoDateLocator(minticks=3, maxticks=10)  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    elif chart.log:
        # Powers would be written as mathematics, which texts here are not read as.
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
    elif along:
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=along[0].dtype.kind in "iu"))


def _legend(panes: Sequence[Axes], below: float) -> None:
    """Below the chart, where it covers nothing."""
    pairs = [zip(*one.get_legend_handles_labels(), strict=True) for one in panes]
    found = {label: handle for pane in pairs for handle, label in pane}
    if found:
        legend = panes[-1].legend(
            list(found.values()),
            list(found),
            loc="upper left",
            bbox_to_anchor=(0, -below),
            ncols=5,
            frameon=False,
            fontsize=9.5,
            labelcolor=LIGHT["ink"],
            borderaxespad=0,
            handlelength=1.6,
            columnspacing=1.6,
        )
        legend.set_in_layout(True)
        _family(legend.get_texts())
    _family([text for one in panes for text in (*one.texts, *one.get_xticklabels(), *one.get_yticklabels())])


def _title(axes: Axes, chart: Chart) -> None:
    """Title and note, above the names of what begins."""
    # A number and its per cent sign stay together.
    note = textwrap.fill(chart.note.replace(" %", "\N{NO-BREAK SPACE}%"), 120)
    place: dict[str, Any] = {"xy": (0, 1), "xycoords": "axes fraction", "textcoords": "offset points"}
    # Dollars in a column's name are dollars, not mathematics.
    place |= {"fontfamily": _families(), "parse_math": False}
    below = axes.annotate(note, xytext=(0, 20), color=LIGHT["faint"], fontsize=10, **place)
    above = 20 + 14 * len(below.get_text().splitlines()) + 6
    axes.annotate(chart.title, xytext=(0, above), color=LIGHT["ink"], fontsize=14, fontweight="bold", **place)


def _family(texts: Sequence[Any]) -> None:
    """Letters of Europe and, where there is a font, of China."""
    for text in texts:
        text.set_fontfamily(_families())
        text.set_parse_math(False)


def _families() -> list[str]:
    """Those of our fonts that this machine has."""
    from matplotlib.font_manager import fontManager

    present = set(fontManager.get_font_names())
    return [font for font in FONTS if font in present]


@contextmanager
def _quietly() -> Iterator[None]:
    """What matplotlib remarks on (a letter that no font has, an odd distance of ticks) helps no user."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield
