"""Tables of web pages, which many programs write with the suffix .xls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser

from gatecast.data.parsing.raw_table import RawTable
from gatecast.data.sources.cell_tables import holds_series, read_cells
from gatecast.errors import DataError

__all__ = ["read_html"]

MAX_SPAN = 1000
"""Columns or rows that one cell may cover, as browsers limit it."""


def read_html(text: str, source: str) -> RawTable:
    """Read the first table of a web page that holds times and numbers; without one, the first that can be read.

    Args:
        text: The page.
        source: Name of the file, for messages.

    Raises:
        DataError: The page has no table.

    >>> table = read_html("<table><tr><th>t<th>y<tr><td>2024-01<td>5<tr><td>2024-02<td>6</table>", "a.xls")
    >>> table.names, table.columns[1].tolist(), table.notes
    (('t', 'y'), ['5', '6'], ('The file is a web page, whose first table is read.',))
    """
    parser = _TableParser()
    parser.feed(text)
    parser.close()
    readable: list[tuple[int, RawTable]] = []
    errors: list[DataError] = []
    for k, rows in enumerate(parser.tables):
        try:
            table = read_cells(rows, source)
        except DataError as error:
            errors.append(error)
            continue
        readable.append((k, table))
        if holds_series(table):
            readable = readable[-1:]
            break
    if not readable:
        if errors:
            raise errors[0]
        raise DataError(
            "Not a table",
            where=source,
            got="a web page without a table",
            expected="CSV, Parquet, JSON or a spreadsheet",
            fix="Check that the download was no page for signing in.",
        )
    k, table = readable[0]
    n_tables = len(parser.tables)
    which = "whose first table" if k == 0 else f"whose table {k + 1} of {n_tables}"
    return replace(table, notes=(f"The file is a web page, {which} is read.", *table.notes))


class _TableParser(HTMLParser):
    """Collects the rows of all tables; a table within a table is one of its own."""

    def __init__(self) -> None:
        super().__init__()
        self._all: list[list[list[str]]] = []
        self._open: list[_Rows] = []

    @property
    def tables(self) -> list[Sequence[Sequence[str]]]:
        """Rows of all tables with cells, padded to equal length."""
        widths = [max(map(len, rows), default=0) for rows in self._all]
        return [
            [[*row, *[""] * (width - len(row))] for row in rows]
            for rows, width in zip(self._all, widths, strict=True)
            if width
        ]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self._open.append(_Rows())
            self._all.append(self._open[-1].rows)
        elif self._open and tag == "tr":
            self._open[-1].start_row()
        elif self._open and tag in ("td", "th"):
            spans = dict(attrs)
            self._open[-1].start_cell(_span(spans.get("colspan")), _span(spans.get("rowspan")))
        elif self._open and tag == "br":
            self._open[-1].add_text(" ")

    def handle_endtag(self, tag: str) -> None:
        if self._open and tag == "table":
            self._open.pop().end_cell()
        elif self._open and tag in ("td", "th", "tr"):
            self._open[-1].end_cell()

    def handle_data(self, data: str) -> None:
        if self._open:
            self._open[-1].add_text(data)


class _Rows:
    """The rows of one table while it is read."""

    def __init__(self) -> None:
        self.rows: list[list[str]] = []
        self._text: list[str] | None = None
        self._spans = (1, 1)
        # The text of a cell that covers a column of the next rows too, and of how many.
        self._covered: dict[int, tuple[str, int]] = {}

    def start_row(self) -> None:
        """Begin a row."""
        self.end_cell()
        self.rows.append([])
        self._repeat_covered()

    def start_cell(self, n_columns: int, n_rows: int) -> None:
        """Begin a cell that covers some columns and rows."""
        self.end_cell()
        if not self.rows:
            self.rows.append([])
        self._text, self._spans = [], (n_columns, n_rows)

    def add_text(self, text: str) -> None:
        """Add to the cell."""
        if self._text is not None:
            self._text.append(text)

    def end_cell(self) -> None:
        """Put the cell into its row."""
        if self._text is None:
            return
        row, (n_columns, n_rows) = self.rows[-1], self._spans
        texts = [" ".join("".join(self._text).split()), *[""] * (n_columns - 1)]
        self._covered |= {len(row) + i: (text, n_rows - 1) for i, text in enumerate(texts)}
        row += texts
        self._text = None
        self._repeat_covered()

    def _repeat_covered(self) -> None:
        """Repeat the texts of cells above that cover the next columns of this row."""
        row = self.rows[-1]
        while self._covered.get(len(row), ("", 0))[1] > 0:
            text, n_rows = self._covered[len(row)]
            self._covered[len(row)] = (text, n_rows - 1)
            row.append(text)


def _span(text: str | None) -> int:
    """How many columns or rows a cell covers."""
    return min(max(int(text), 1), MAX_SPAN) if text and text.strip().isdecimal() else 1
