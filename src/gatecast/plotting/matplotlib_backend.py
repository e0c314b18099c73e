"""Charts drawn with matplotlib objects: no pyplot, no current figure, no window."""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.font_manager import findSystemFonts, fontManager
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from gatecast.plotting.spec import (
    FONTS,
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

__all__ = ["ChartFigure", "draw", "save", "to_png"]

LATIN_FONT = "DejaVu Sans"
"""Font that matplotlib brings along."""

DASHES = (0, (3, 2))
SHAPES = {"circle": "o", "diamond": "D", "x": "x"}
SIZE = (10.0, 5.2)
"""Width and height of a chart with one or two panes, in inches."""

PANE_HEIGHT = 2.0
"""Height that each further pane adds, in inches."""

FIRST_CJK = 0x2E80
"""Unicode code point from which Chinese, Japanese and Korean characters begin."""

FILE_DPI, NOTEBOOK_DPI = 160, 110


class ChartFigure(Figure):
    """A figure that notebooks show although pyplot is not imported."""

    def _repr_png_(self) -> bytes:
        """Return the picture for a notebook."""
        return to_png(self)


def save(chart: Chart, path: Path) -> None:
    """Draw a chart into a file.

    Args:
        chart: Chart to draw.
        path: Target file: .png or .svg.
    """
    # Glyphs as outlines do not depend on the fonts of the reader; a fixed salt makes the bytes reproducible.
    with matplotlib.rc_context({"svg.fonttype": "path", "svg.hashsalt": "gatecast"}), _no_warnings():
        kind = path.suffix[1:].lower()
        metadata = {"Date": None} if kind == "svg" else None
        draw(chart).savefig(path, format=kind, dpi=FILE_DPI, metadata=metadata)


def to_png(figure: Figure) -> bytes:
    """Render a figure as PNG for a notebook."""
    buffer = BytesIO()
    with _no_warnings():
        figure.savefig(buffer, format="png", dpi=NOTEBOOK_DPI)
    return buffer.getvalue()


def draw(chart: Chart, size: tuple[float, float] | None = None) -> ChartFigure:
    """Draw a chart as a figure.

    Args:
        chart: Chart to draw.
        size: Width and height in inches; None chooses them by the number of panes.
    """
    chart = within_calendar(chart)
    if _has_chinese(chart):
        _find_new_fonts()
    layout = ConstrainedLayoutEngine(w_pad=0.14, h_pad=0.14)
    size = size or (SIZE[0], SIZE[1] + PANE_HEIGHT * max(0, len(chart.y_labels) - 2))
    figure = ChartFigure(figsize=size, layout=layout, facecolor=LIGHT["paper"])
    FigureCanvasAgg(figure)
    panes = list(figure.subplots(len(chart.y_labels), sharex=True, squeeze=False)[:, 0])
    for mark in chart.marks:
        _DRAW[type(mark)](panes[getattr(mark, "pane", 0)], mark)
    for axes, name in zip(panes, chart.y_labels, strict=True):
        _style(axes, chart, name)
    if chart.x_label:
        panes[-1].set_xlabel(chart.x_label, color=LIGHT["faint"], fontsize=9.5, **_text_style())
    _ticks(panes[-1], chart)
    _legend(panes, below=(0.16 if chart.x_label else 0.09) * len(panes))
    _title(panes[0], chart)
    return figure


def _line(axes: Axes, mark: Line) -> None:
    """Draw a line; a single point is invisible without a marker."""
    marker = "o" if mark.markers or len(mark.y) == 1 else None
    style: Any = DASHES if mark.dashed else "-"
    axes.plot(mark.x, mark.y, color=LIGHT[mark.role], lw=mark.width, ls=style, marker=marker, ms=4, label=_label(mark))


def _band(axes: Axes, mark: Band) -> None:
    """Draw a shaded area."""
    color = LIGHT[mark.role]
    axes.fill_between(mark.x, mark.low, mark.high, color=color, alpha=mark.opacity, lw=0, label=_label(mark))


def _points(axes: Axes, mark: Points) -> None:
    """Draw points."""
    axes.scatter(mark.x, mark.y, s=26, marker=SHAPES[mark.shape], color=LIGHT[mark.role], label=_label(mark), zorder=3)


def _shaded_ranges(axes: Axes, mark: ShadedRanges) -> None:
    """Shade ranges, with one legend entry."""
    for k, (start, end) in enumerate(zip(mark.start, mark.end, strict=True)):
        label = _label(mark) if k == 0 else None
        axes.axvspan(start, end, color=LIGHT[mark.role], alpha=0.18, lw=0, label=label)


def _vertical_lines(axes: Axes, mark: VerticalLines) -> None:
    """Draw dotted lines with a label above each."""
    position: dict[str, Any] = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points"}
    position |= {"color": LIGHT["faint"], "fontsize": 8.5, "annotation_clip": True, **_text_style()}
    for x, name in zip(mark.x, mark.names, strict=True):
        axes.axvline(x, color=LIGHT["faint"], lw=0.7, ls=":")
        axes.annotate(name, (x, 1), xytext=(2, 4), **position)


def _bars(axes: Axes, mark: Bars) -> None:
    """Draw horizontal bars."""
    error_bars = None
    if mark.low is not None and mark.high is not None:
        error_bars = np.maximum([mark.values - mark.low, mark.high - mark.values], 0)
    axes.barh(
        list(mark.labels),
        mark.values,
        xerr=error_bars,
        color=LIGHT[mark.role],
        height=0.62,
        label=_label(mark),
        error_kw={"ecolor": LIGHT["ink"], "elinewidth": 1, "capsize": 2},
    )
    axes.invert_yaxis()


def _heat_map(axes: Axes, mark: HeatMapCells) -> None:
    """Draw a heat map."""
    cells = np.ma.masked_invalid(mark.values)
    rows = np.arange(len(mark.labels))
    axes.pcolormesh(mark.x, rows, cells, vmin=mark.vmin, vmax=mark.vmax, cmap="cividis", shading="nearest")
    axes.set_yticks(rows[:: max(1, len(rows) // 8)], list(mark.labels)[:: max(1, len(rows) // 8)])


_DRAW: Mapping[type, Callable[[Any, Any], None]] = {
    Line: _line,
    Band: _band,
    Points: _points,
    ShadedRanges: _shaded_ranges,
    VerticalLines: _vertical_lines,
    Bars: _bars,
    HeatMapCells: _heat_map,
}


def _label(mark: Any) -> str | None:
    """Return the legend entry; matplotlib hides names that begin with an underscore."""
    return f"\N{ZERO WIDTH SPACE}{mark.name}" if mark.name.startswith("_") else mark.name or None


def _style(axes: Axes, chart: Chart, name: str) -> None:
    """Style the axes of a pane."""
    axes.set_facecolor(LIGHT["paper"])
    if not chart.bar_labels and not any(isinstance(mark, HeatMapCells) for mark in chart.marks):
        axes.yaxis.set_major_locator(MaxNLocator(6))
    axes.grid(axis="x" if chart.bar_labels else "y", color=LIGHT["grid"], lw=0.8)
    axes.set_axisbelow(True)
    axes.margins(x=0.01, y=0.08)
    axes.set_ylabel(name, color=LIGHT["faint"], fontsize=9.5, **_text_style())
    if chart.log_x:
        axes.set_xscale("log")
    for side in ("top", "left", "right"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(LIGHT["faint"])
    axes.tick_params(colors=LIGHT["faint"], labelsize=9.5, length=0, pad=5, labelfontfamily=_families())
    axes.tick_params(axis="x", length=3, width=0.7)
    axes.xaxis.get_offset_text().set(color=LIGHT["faint"], size=9.5)


def _ticks(axes: Axes, chart: Chart) -> None:
    """Place the ticks of the x axis; dates show the year once."""
    columns = [mark.x for mark in chart.marks if not isinstance(mark, Bars | ShadedRanges)]
    if columns and columns[0].dtype.kind == "M":
        locator = AutoDateLocator(minticks=3, maxticks=10)  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    elif chart.log_x:
        # The default writes powers as math text, which is switched off here.
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
    elif columns:
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=columns[0].dtype.kind in "iu"))


def _legend(panes: Sequence[Axes], below: float) -> None:
    """Place the legend below the chart, where it covers nothing."""
    pairs = [zip(*axes.get_legend_handles_labels(), strict=True) for axes in panes]
    entries = {label: handle for pane in pairs for handle, label in pane}
    if entries:
        legend = panes[-1].legend(
            list(entries.values()),
            list(entries),
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
        for text in legend.get_texts():
            text.set(**_text_style())
    for axes in panes:
        for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
            label.set_parse_math(False)


def _title(axes: Axes, chart: Chart) -> None:
    """Write title and note, above the labels of vertical lines."""
    # Keeps a number and its percent sign on one line.
    note = textwrap.fill(chart.note.replace(" %", "\N{NO-BREAK SPACE}%"), 120)
    position: dict[str, Any] = {"xy": (0, 1), "xycoords": "axes fraction", "textcoords": "offset points"}
    position |= _text_style()
    below = axes.annotate(note, xytext=(0, 20), color=LIGHT["faint"], fontsize=10, **position)
    above = 20 + 14 * len(below.get_text().splitlines()) + 6
    axes.annotate(chart.title, xytext=(0, above), color=LIGHT["ink"], fontsize=14, fontweight="bold", **position)


def _text_style() -> dict[str, Any]:
    """Return fonts of a text; a dollar sign in a column name is not math."""
    return {"fontfamily": _families(), "parse_math": False}


def _families() -> list[str]:
    """Return the font families to look glyphs up in: Latin first, then an installed Chinese one."""
    installed = set(fontManager.get_font_names())
    return [LATIN_FONT, *[font for font in FONTS if font in installed][:1]]


def _has_chinese(chart: Chart) -> bool:
    """Return whether a text of a chart has Chinese characters."""
    names = [getattr(mark, "name", "") for mark in chart.marks]
    labels = [label for mark in chart.marks if isinstance(mark, HeatMapCells) for label in mark.labels]
    texts = (chart.title, chart.note, chart.x_label, *chart.y_labels, *chart.bar_labels, *names, *labels)
    return any(ord(character) >= FIRST_CJK for text in texts for character in text)


@cache
def _find_new_fonts() -> None:
    """Add Chinese fonts that were installed after matplotlib cached its list of fonts."""
    if set(FONTS) & set(fontManager.get_font_names()):
        return
    listed = {font.fname for font in fontManager.ttflist}
    for path in set(findSystemFonts()) - listed:
        # Fonts without outlines, such as bitmap fonts, cannot be opened.
        with suppress(OSError, RuntimeError, ValueError):
            fontManager.addfont(path)


@contextmanager
def _no_warnings() -> Iterator[None]:
    """Suppress warnings of matplotlib that no user can act on, such as a glyph that no font has."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield
