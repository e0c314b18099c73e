"""What a report consists of: sections of words, facts, tables and charts, as data.

Nothing here is HTML, and nothing is escaped: `markup` does that, for all of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from gatecast.plotting.spec import Chart
from gatecast.reporting.text_tables import TextTable

__all__ = [
    "Choice",
    "Code",
    "Explorer",
    "FactList",
    "Figure",
    "Kept",
    "Paragraph",
    "Part",
    "Section",
    "Table",
    "table_of",
]


class Paragraph(NamedTuple):
    """A paragraph.

    Args:
        text: Its sentences.
        loud: Whether it is the one to be read first.
    """

    text: str
    loud: bool = False


class FactList(NamedTuple):
    """Names and facts.

    Args:
        pairs: In order.
        large: Whether they are the few numbers that matter most.
    """

    pairs: Sequence[tuple[str, str]]
    large: bool = False


class Table(NamedTuple):
    """A table.

    Args:
        grid: Texts; first column flush left.
        caption: What it shows.
        folded: Whether it opens only when asked.
    """

    grid: TextTable
    caption: str
    folded: bool = False


class Code(NamedTuple):
    """Lines to copy."""

    text: str


class Figure(NamedTuple):
    """A chart with a sentence below it.

    Args:
        chart: The chart; its title is shown.
        caption: What to see in it.
        height: In pixels.
    """

    chart: Chart
    caption: str = ""
    height: int = 340


class Choice(NamedTuple):
    """Several charts, one of which is shown.

    Args:
        label: What is chosen.
        figures: By what they are called.
    """

    label: str
    figures: Mapping[str, Figure]


class Kept(NamedTuple):
    """One series of an `Explorer` whose charts are on the page.

    Args:
        figures: Its charts, as many for every series.
        facts: A sentence.
    """

    figures: tuple[Figure, ...]
    facts: str


class Explorer(NamedTuple):
    """Many series: a table to search, and charts of those that are kept.

    Args:
        names: (S,) of the series, in the order in which they are shown first.
        columns: Further columns of the table, (S,) texts each.
        orders: Ways to sort: (S,) positions each.
        kept: Charts by position.
        titles: Of the charts.
        words: How the kept ones were chosen.
    """

    names: Sequence[str]
    columns: Mapping[str, Sequence[str]]
    orders: Mapping[str, Sequence[int]]
    kept: Mapping[int, Kept]
    titles: tuple[str, ...]
    words: str


Part = Paragraph | FactList | Table | Code | Figure | Choice | Explorer


class Section(NamedTuple):
    """A part of the report.

    Args:
        key: Name for links.
        title: Heading.
        parts: What it holds.
    """

    key: str
    title: str
    parts: tuple[Part, ...]


def table_of(columns: Mapping[str, Sequence[Any]], caption: str, *, folded: bool = False) -> Table:
    """Columns of any kind as a table of texts.

    >>> table_of({"model": ["a"], "mae": [0.123456]}, "scores").grid.take
    [('a', '0.1235')]
    """
    cells = [[_text(value) for value in column] for column in columns.values()]
    return Table(TextTable(tuple(columns), list(zip(*cells, strict=True))), caption, folded)


def _text(value: Any) -> str:
    """A cell."""
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "-"}[value]
    if hasattr(value, "dtype") and value.dtype.kind == "b":
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}" if value == value else "-"
    if hasattr(value, "dtype") and value.dtype.kind == "f":
        return _text(float(value))
    return str(value)
