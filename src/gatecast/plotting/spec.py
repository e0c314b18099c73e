"""Charts as data: which marks go where, in which role, before any library draws them.

`matplotlib_backend` and `plotly_backend` draw the same description. Marks refer to roles, the keys of `LIGHT` and
`DARK`; only backends turn roles into colors. The palette is that of Okabe and Ito (2008), which readers with any kind
of color vision can tell apart. Line styles and marker shapes repeat each distinction that a color makes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = [
    "DARK",
    "FONTS",
    "LIGHT",
    "SERIES_ROLES",
    "Band",
    "Bars",
    "Chart",
    "HeatMapCells",
    "Line",
    "Mark",
    "Points",
    "ShadedRanges",
    "VerticalLines",
    "insert_gaps",
    "within_calendar",
]

Column = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]

LIGHT = MappingProxyType(
    {
        "paper": "#ffffff",
        "ink": "#1f2328",
        "faint": "#59636e",
        "grid": "#e4e8ec",
        "model": "#0072b2",
        "naive": "#d55e00",
        "third": "#009e73",
        "fourth": "#a6507f",
        "fifth": "#7a5c00",
        "sixth": "#4b4fa8",
        "outlier": "#b3001b",
    }
)
"""Colors by role on a white background."""

DARK = MappingProxyType(
    {
        "paper": "#0d1117",
        "ink": "#e6edf3",
        "faint": "#9198a1",
        "grid": "#2a313a",
        "model": "#56b4e9",
        "naive": "#e69f00",
        "third": "#35c79b",
        "fourth": "#e08ab8",
        "fifth": "#f0e442",
        "sixth": "#a5a9ff",
        "outlier": "#ff6b6b",
    }
)
"""Colors by role on a dark background."""

SERIES_ROLES = ("model", "naive", "third", "fourth", "fifth", "sixth")
"""Roles of several lines in one chart, in this order."""

FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "PingFang SC",
    "Hiragino Sans GB",
    "Microsoft YaHei",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Noto Sans CJK JP",
    "Droid Sans Fallback",
    "Heiti SC",
    "STHeiti",
    "SimHei",
    "Arial Unicode MS",
)
"""Fonts with Chinese glyphs that systems come with, simplified forms first.

Matplotlib opens the first face of a font collection, which Debian's package of Noto calls "Noto Sans CJK JP".
"""


class Line(NamedTuple):
    """Points joined by a line; NaN leaves a gap.

    Args:
        x: Times or numbers [N].
        y: Values [N].
        name: Legend entry; "" for none.
        role: Color role.
        width: Line width in points.
        dashed: Whether the line is dashed.
        markers: Whether each point has a marker.
        pane: Index of the pane, 0 at the top.
    """

    x: Column
    y: Column
    name: str
    role: str
    width: float = 1.5
    dashed: bool = False
    markers: bool = False
    pane: int = 0


class Band(NamedTuple):
    """A shaded area between two lines; NaN leaves a gap.

    Args:
        x: Times or numbers [N].
        low: Lower edge [N].
        high: Upper edge [N].
        name: Legend entry; "" for none.
        role: Color role.
        opacity: From 0 (invisible) to 1.
    """

    x: Column
    low: Column
    high: Column
    name: str
    role: str
    opacity: float = 0.2


class Points(NamedTuple):
    """Separate points.

    Args:
        x: Times or numbers [N].
        y: Values [N].
        name: Legend entry; "" for none.
        role: Color role.
        shape: "circle", "diamond" or "x".
        hover_texts: Text of each point under the mouse pointer [N]; empty for the default.
    """

    x: Column
    y: Column
    name: str
    role: str
    shape: str = "circle"
    hover_texts: tuple[str, ...] = ()


class ShadedRanges(NamedTuple):
    """Ranges of the x axis, shaded over the full height of the first pane.

    Args:
        start: Start of each range [N].
        end: End of each range [N].
        name: Legend entry; "" for none.
        role: Color role.
    """

    start: Column
    end: Column
    name: str
    role: str = "faint"


class VerticalLines(NamedTuple):
    """Dotted vertical lines with a label on top.

    Args:
        x: Positions [N].
        names: Labels [N].
    """

    x: Column
    names: tuple[str, ...]


class Bars(NamedTuple):
    """Horizontal bars, the first at the top.

    Args:
        labels: Labels of the bars [N].
        values: Lengths of the bars [N].
        name: Legend entry; "" for none.
        role: Color role.
        low: Lower ends of the error bars [N]; None for no error bars.
        high: Upper ends of the error bars [N].
    """

    labels: tuple[str, ...]
    values: Floats
    name: str
    role: str
    low: Floats | None = None
    high: Floats | None = None


class HeatMapCells(NamedTuple):
    """A heat map.

    Args:
        x: Times or numbers, one per column [C].
        labels: Labels of the rows, the first at the bottom [R].
        values: Values [R, C]; NaN is blank.
        name: Quantity that the colors show.
        vmin: Value of the first color.
        vmax: Value of the last color.
        pane: Index of the pane, 0 at the top.
    """

    x: Column
    labels: tuple[str, ...]
    values: Floats
    name: str
    vmin: float = 0.0
    vmax: float = 1.0
    pane: int = 0


Mark = Line | Band | Points | ShadedRanges | VerticalLines | Bars | HeatMapCells


@dataclass(frozen=True, eq=False, repr=False)
class Chart:
    """A chart, independent of the library that draws it. Notebooks show it as a picture.

    Args:
        title: Title in one line.
        marks: Marks in drawing order.
        note: Sentence below the title.
        description: Text for readers who cannot see the picture; the title by default.
        x_label: Label of the x axis.
        y_labels: Labels of the y axes, one per pane, the top pane first.
        log_x: Whether a numeric x axis is logarithmic.
        pane_heights: Relative heights of the panes; empty for equal ones.
    """

    title: str
    marks: tuple[Mark, ...]
    note: str = ""
    description: str = ""
    x_label: str = ""
    y_labels: tuple[str, ...] = ("",)
    log_x: bool = False
    pane_heights: tuple[float, ...] = ()

    def __repr__(self) -> str:
        return f"Chart({self.title!r}, {len(self.marks)} marks)"

    def _repr_png_(self) -> bytes | None:
        """Return a picture for notebooks, drawn by matplotlib; None if it is not installed."""
        from gatecast.plotting.charts import notebook_png

        return notebook_png(self)

    def _repr_html_(self) -> str | None:
        """Return an interactive chart for notebooks, drawn by plotly; None where matplotlib draws a picture."""
        from gatecast.plotting.charts import notebook_html

        return notebook_html(self)

    @property
    def alt_text(self) -> str:
        """Text that stands in for the picture."""
        return self.description or self.title

    @property
    def bar_labels(self) -> tuple[str, ...]:
        """Labels of the bars; empty for a chart without bars."""
        return next((mark.labels for mark in self.marks if isinstance(mark, Bars)), ())


LAST_YEAR = 9998
"""Last year that the libraries can draw: their ticks extend beyond the data, and year 9999 is their limit."""


def within_calendar(chart: Chart) -> Chart:
    """Replace times by days since 1970 if any lies outside the years that the libraries support, 1 to 9998."""
    columns = [value for mark in chart.marks for value in mark if isinstance(value, np.ndarray)]
    times = [column for column in columns if column.dtype.kind == "M" and len(column)]
    years = [int(str(np.datetime64(end, "Y"))) for column in times for end in (column.min(), column.max())]
    if all(1 <= year <= LAST_YEAR for year in years):
        return chart

    def to_days(value: Any) -> Any:
        """Convert times to fractional days."""
        is_time = isinstance(value, np.ndarray) and value.dtype.kind == "M"
        return value.astype("M8[us]").astype(np.int64) / 86_400_000_000 if is_time else value

    marks: Any = tuple(type(mark)(*map(to_days, mark)) for mark in chart.marks)
    return replace(chart, marks=marks, x_label=chart.x_label or "days since 1970-01-01")


def insert_gaps(x: Column, length: int, *columns: Column) -> tuple[Column, ...]:
    """Insert a NaN after every `length` rows, so that a line through the rows has a gap there.

    Args:
        x: Times or numbers [N].
        length: Rows between two gaps.
        columns: Further columns, each [N].

    Returns:
        `x` and the columns with the additional rows; x repeats its last value there.

    Example:
        >>> [column.tolist() for column in insert_gaps(np.arange(3), 2, np.ones(3))]
        [[0, 1, 1, 2], [1.0, 1.0, nan, 1.0]]
    """
    cuts = np.arange(length, len(x), length)
    if not len(cuts):
        return (x, *columns)
    filled = (np.insert(np.asarray(column, float), cuts, np.nan) for column in columns)
    return (np.insert(x, cuts, x[cuts - 1]), *filled)
