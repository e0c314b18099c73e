"""Charts as data: what is drawn where, in which role, before any library draws it.

Letters: N points, R rows of a heat map, C its columns.

`drawing` draws a chart with matplotlib, `figures` writes it as plotly reads it: one description for both.
A role is a name of `LIGHT` and `DARK`; nobody else knows colours. They are those of Okabe and Ito (2008), which people
of every colour vision tell apart; what they alone would tell is told by dashes or by the shape of a dot as well.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = [
    "DARK",
    "LIGHT",
    "MODELS",
    "Band",
    "Bars",
    "Chart",
    "HeatMapCells",
    "Line",
    "Mark",
    "Points",
    "ShadedRanges",
    "VerticalLines",
    "broken",
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
        "odd": "#b3001b",
    }
)
"""Colours on white, by role."""

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
        "odd": "#ff6b6b",
    }
)
"""Colours on black, by role."""

MODELS = ("model", "naive", "third", "fourth", "fifth", "sixth")
"""Roles of several lines, in turn."""


class Line(NamedTuple):
    """Points joined by a line, which NaN interrupts.

    Args:
        x: (N,) times or numbers.
        y: (N,) values.
        name: In the legend; "" keeps it out.
        role: Of its colour.
        width: In points.
        dashed: Whether it is.
        dotted: Whether its points are marked.
        pane: Number of the pane, from the top.
    """

    x: Column
    y: Column
    name: str
    role: str
    width: float = 1.5
    dashed: bool = False
    dotted: bool = False
    pane: int = 0


class Band(NamedTuple):
    """What lies between two lines; NaN interrupts it.

    Args:
        x: (N,) times or numbers.
        low: (N,) lower side.
        high: (N,) upper side.
        name: In the legend; "" keeps it out.
        role: Of its colour.
        strength: From 0, not to be seen, to 1.
    """

    x: Column
    low: Column
    high: Column
    name: str
    role: str
    strength: float = 0.2


class Points(NamedTuple):
    """Points apart from each other.

    Args:
        x: (N,) times or numbers.
        y: (N,) values.
        name: In the legend; "" keeps it out.
        role: Of its colour.
        shape: "circle", "diamond" or "x".
        texts: What each is called, if pointed at.
    """

    x: Column
    y: Column
    name: str
    role: str
    shape: str = "circle"
    texts: tuple[str, ...] = ()


class ShadedRanges(NamedTuple):
    """Parts of the axis that are shaded from bottom to top.

    Args:
        begin: (N,) where each begins.
        end: (N,) where it ends.
        name: In the legend; "" keeps it out.
        role: Of its colour.
    """

    begin: Column
    end: Column
    name: str
    role: str = "faint"


class VerticalLines(NamedTuple):
    """Dotted lines from bottom to top where something begins.

    Args:
        x: (N,) where.
        names: (N,) what begins there.
    """

    x: Column
    names: tuple[str, ...]


class Bars(NamedTuple):
    """Lying bars, the first on top.

    Args:
        labels: (N,) names of the bars.
        values: (N,) lengths.
        name: In the legend; "" keeps it out.
        role: Of its colour.
        low: (N,) where a whisker begins; None: no whiskers.
        high: (N,) where it ends.
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
        x: (C,) times or numbers.
        labels: (R,) names of the rows, the first at the bottom.
        values: (R, C).
        name: What is shown.
        least: Value of the palest colour.
        most: Value of the strongest.
        pane: Number of the pane.
    """

    x: Column
    labels: tuple[str, ...]
    values: Floats
    name: str
    least: float = 0.0
    most: float = 1.0
    pane: int = 0


Mark = Line | Band | Points | ShadedRanges | VerticalLines | Bars | HeatMapCells


@dataclass(frozen=True, eq=False)
class Chart:
    """A chart.

    Args:
        title: What it shows, in a line.
        marks: Drawn in this order.
        note: A sentence below the title.
        says: What a reader who cannot see it is told; the title by default.
        x_name: What runs along.
        y_names: What runs up, a name a pane; as many panes as names.
        log: Whether the x axis of numbers is logarithmic.
    """

    title: str
    marks: tuple[Mark, ...]
    note: str = ""
    says: str = ""
    x_name: str = ""
    y_names: tuple[str, ...] = ("",)
    log: bool = False

    @property
    def alternative(self) -> str:
        """What stands for the picture."""
        return self.says or self.title

    @property
    def bars(self) -> tuple[str, ...]:
        """Labels of the bars, if it consists of bars."""
        return next((mark.labels for mark in self.marks if isinstance(mark, Bars)), ())


LAST_YEAR = 9998
"""One less than what libraries can write: their ticks reach beyond the data."""


def within_calendar(chart: Chart) -> Chart:
    """The same with days since 1970 where times leave the years 1 to 9999, all that libraries know."""
    columns = [value for mark in chart.marks for value in mark if isinstance(value, np.ndarray)]
    times = [column for column in columns if column.dtype.kind == "M" and len(column)]
    years = [int(str(np.datetime64(end, "Y"))) for column in times for end in (column.min(), column.max())]
    if all(1 <= year <= LAST_YEAR for year in years):
        return chart

    def plain(value: Any) -> Any:
        """Days, with their parts."""
        timed = isinstance(value, np.ndarray) and value.dtype.kind == "M"
        return value.astype("M8[us]").astype(np.int64) / 86_400_000_000 if timed else value

    marks: Any = tuple(type(mark)(*map(plain, mark)) for mark in chart.marks)
    return replace(chart, marks=marks, x_name=chart.x_name or "days since 1970-01-01")


def broken(x: Column, h: int, *values: Column) -> tuple[Column, ...]:
    """Columns with a NaN after each h rows, so that a line through them is interrupted there.

    Args:
        x: (N,) times or numbers.
        h: Rows of each part.
        values: (N,) columns.

    >>> [part.tolist() for part in broken(np.arange(3), 2, np.ones(3))]
    [[0, 1, 1, 2], [1.0, 1.0, nan, 1.0]]
    """
    cuts = np.arange(h, len(x), h)
    if not len(cuts):
        return (x, *values)
    return (np.insert(x, cuts, x[cuts - 1]), *(np.insert(np.asarray(one, float), cuts, np.nan) for one in values))
