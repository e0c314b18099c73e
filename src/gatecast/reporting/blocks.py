"""Content of a report as data: sections of paragraphs, facts, tables and charts.

Nothing here is HTML, and nothing is escaped: `html` lays out and escapes all of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from gatecast.plotting.spec import Chart, Column
from gatecast.reporting.text_tables import TextTable

__all__ = [
    "Block",
    "Choice",
    "Code",
    "ContentBlock",
    "Download",
    "Explorer",
    "FactList",
    "Figure",
    "ForecastOfSeries",
    "Paragraph",
    "Section",
    "SeriesBlock",
    "SeriesView",
    "Table",
    "table_from_columns",
]


class Paragraph(NamedTuple):
    """A paragraph.

    Args:
        text: Text of the paragraph.
        large: Whether it is set in large type.
    """

    text: str
    large: bool = False


class FactList(NamedTuple):
    """Names and values.

    Args:
        pairs: Name and value of each fact.
        large: Whether values are set in large type.
    """

    pairs: Sequence[tuple[str, str]]
    large: bool = False


class Table(NamedTuple):
    """A table.

    Args:
        cells: Texts of header and rows; the first column is left-aligned.
        caption: Caption, or the summary of a collapsed table.
        collapsed: Whether the reader has to open it.
        tall: Whether it scrolls.
    """

    cells: TextTable
    caption: str
    collapsed: bool = False
    tall: bool = False


class Code(NamedTuple):
    """Source code to copy."""

    text: str


class Figure(NamedTuple):
    """A chart with a caption below.

    Args:
        chart: The chart, below its title.
        caption: Explanation below the chart.
        height: Height in pixels.
    """

    chart: Chart
    caption: str = ""
    height: int = 340


class Choice(NamedTuple):
    """Several charts, of which the reader selects one.

    Args:
        label: Label of the selection.
        figures: Charts by the name of the option, the first one shown first.
    """

    label: str
    figures: Mapping[str, Figure]


class Download(NamedTuple):
    """The forecast as files, which the page makes from its numbers: `horizon` rows a series, one after another.

    Args:
        ids: Id columns by name, one value a series [n].
        time_col: Name of the time column.
        times: Times of the rows [n * horizon].
        numbers: Forecast and bounds by name, each [n * horizon].
        levels: Names of the intervals.
        series: Positions of the series in the `Explorer` [n].
        horizon: Rows of a series.
        note: What the files hold.
        file: Name of the files, without a suffix.
    """

    ids: Mapping[str, Sequence[Any]]
    time_col: str
    times: Column
    numbers: Mapping[str, Column]
    levels: Sequence[str]
    series: Sequence[int]
    horizon: int
    note: str
    file: str


class ForecastOfSeries(NamedTuple):
    """The forecast of the selected series as a table, which the page makes from the numbers of its `Download`."""

    caption: str


ContentBlock = Paragraph | Figure | Choice | Table

SeriesBlock = ContentBlock | ForecastOfSeries


class Explorer(NamedTuple):
    """A table of many series to search and sort. Selecting a series updates every `SeriesView` of the page.

    Args:
        names: Names of the series [S].
        columns: Further columns of the table by name, each [S].
        orders: Sort orders by name: positions of series, each [S]; the first one is used first.
        note: Which series have charts on the page.
    """

    names: Sequence[str]
    columns: Mapping[str, Sequence[str]]
    orders: Mapping[str, Sequence[int]]
    note: str


class SeriesView(NamedTuple):
    """Content that follows the series selected in the `Explorer`.

    Args:
        key: Name of the view, unique on the page; the series with a view named "charts" can be selected.
        blocks: Content by position of the series in the `Explorer`.
        missing: Text for a series without content; "{series}" stands for its name.
    """

    key: str
    blocks: Mapping[int, Sequence[SeriesBlock]]
    missing: str = ""


Block = Paragraph | FactList | Table | Code | Figure | Choice | Download | Explorer | SeriesView


class Section(NamedTuple):
    """A section of the report.

    Args:
        key: Anchor for links.
        title: Heading.
        blocks: Content.
    """

    key: str
    title: str
    blocks: tuple[Block, ...]


def table_from_columns(columns: Mapping[str, Iterable[Any]], caption: str, *, collapsed: bool = False) -> Table:
    """Format columns of any type as a table of texts.

    Example:
        >>> table_from_columns({"model": ["a"], "mae": [0.123456]}, "scores").cells.rows
        [('a', '0.1235')]
    """
    texts = [[_to_text(value) for value in column] for column in columns.values()]
    return Table(TextTable(tuple(columns), list(zip(*texts, strict=True))), caption, collapsed)


def _to_text(value: Any) -> str:
    """Format the value of a cell."""
    kind = value.dtype.kind if hasattr(value, "dtype") else ""
    if value is None:
        return "-"
    if isinstance(value, bool) or kind == "b":
        return "yes" if value else "no"
    if isinstance(value, float) or kind == "f":
        return f"{float(value):.4g}" if value == value else "-"
    return str(value)
