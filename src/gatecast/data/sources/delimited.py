"""Delimited text: separator, header and rows; every cell stays a string, every row knows its line."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from gatecast.data.messages import list_columns
from gatecast.data.parsing.numbers import parse_numbers
from gatecast.data.parsing.raw_table import MISSING_MARKERS, RawColumn, RawTable, check_column_count, to_text
from gatecast.data.parsing.timestamps import looks_like_dates
from gatecast.errors import DataError

__all__ = ["detect_separator", "has_header", "read_delimited"]

# Comma last: in files with another separator it is the decimal separator.
SEPARATORS = "\t;|,"
SAMPLE_SIZE = 100
Row = tuple[int, list[str]]


def read_delimited(text: str, source: str = "the text") -> RawTable:
    r"""Split delimited text into columns, and detect whether its first row is a header.

    Blank rows, rows that begin with ``#``, and narrower rows above the table (titles) are skipped. Missing cells at the
    end of a row are empty.

    Args:
        text: The content of the file.
        source: Name of the source, for messages.

    Returns:
        Columns of strings, with the line of each row.

    Raises:
        DataError: No rows, a header alone, a row with too many cells, or an unclosed quotation mark.

    >>> table = read_delimited("month;sales\n2024-01;1,5\n2024-02;2,5\n")
    >>> table.names, table.columns[1].tolist(), table.describe_row(0)
    (('month', 'sales'), ['1,5', '2,5'], 'row 2')
    """
    check_column_count(max(text[: max(text.find("\n"), 0)].count(mark) for mark in SEPARATORS) + 1, source)
    mark = detect_separator(text.splitlines()[:SAMPLE_SIZE])
    rows = list(_rows(text, mark, source))
    if not rows:
        raise DataError("The file is empty", where=source, expected="a column of times and a column of values")
    width = Counter(len(cells) for _, cells in rows).most_common(1)[0][0]
    titles = next((i for i, (_, cells) in enumerate(rows) if len(cells) >= width), 0)
    notes = [f"Row {line} above the table is skipped: {cells[0]!r}." for line, cells in rows[:titles]]
    rows = [(line, _pad(cells, width, line, mark)) for line, cells in rows[titles:]]
    header = has_header([cells for _, cells in rows])
    if header and len(rows) == 1:
        raise DataError(
            "The file has a header but no rows",
            where=source,
            got=f"the columns {list_columns(rows[0][1])}",
            expected="at least two rows below the header",
        )
    names = _make_unique(rows[0][1]) if header else tuple(str(i + 1) for i in range(width))
    notes += _note_renamed(rows[0][1], names) if header else []
    body = rows[header:]
    return RawTable(
        names=names,
        columns=tuple(to_text(column) for column in zip(*(cells for _, cells in body), strict=True)),
        line_numbers=np.array([line for line, _ in body], np.int64),
        has_header=header,
        notes=tuple(notes),
    )


def detect_separator(lines: Sequence[str]) -> str:
    """Return the character that splits most lines into the same number of cells, more than one.

    If there is none: a space where every line has exactly two words, and otherwise a comma, for a single column.

    >>> detect_separator(["2024-01-01;1,5", "2024-01-02;2,5"]), detect_separator(["1", "2"])
    (';', ',')
    """
    max_count, best = 0, ","
    for candidate in SEPARATORS:
        widths = Counter(len(cells) for cells in csv.reader(lines, delimiter=candidate) if cells)
        width, count = max(widths.items(), key=lambda item: item[1], default=(1, 0))
        if width > 1 and count > max_count:
            max_count, best = count, candidate
    if not max_count and {len(line.split()) for line in lines if line.strip()} == {2}:
        return " "
    return best


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the first row is a header.

    The first column with dates or numbers below the first row decides: it has a header unless its first cell is a date
    or a number too. Without such a column, the first row is a header if none of its cells is a date or a number.

    >>> has_header([["time", "value"], ["2024-01-01", "3"]])
    True
    >>> has_header([["2024-01-01", "x"], ["2024-01-02", "3"]])
    False
    """
    below = (to_text(column) for column in zip(*rows[1:SAMPLE_SIZE], strict=True))
    for cell, cells in zip(rows[0], below, strict=False):
        if _is_data(cells):
            return not _is_data(to_text([cell]))
    return not any(_is_data(to_text([cell])) for cell in rows[0])


def _make_unique(names: Sequence[str]) -> tuple[str, ...]:
    """Column names, made unique and not empty."""
    unique: dict[str, None] = {}
    for i, name in enumerate(names):
        name = name.strip() or f"column {i + 1}"
        new_name = name if name not in unique else f"{name} ({i + 1})"
        while new_name in unique:
            new_name += "'"
        unique[new_name] = None
    return tuple(unique)


def _note_renamed(header: Sequence[str], names: Sequence[str]) -> list[str]:
    """Columns that were renamed because their names repeat."""
    pairs = [(cell.strip(), name) for cell, name in zip(header, names, strict=True)]
    return [
        f"The header repeats {cell!r}: column {i + 1} is renamed to {name!r}."
        for i, (cell, name) in enumerate(pairs)
        if cell and cell != name
    ]


def _is_data(cells: RawColumn) -> bool:
    """Whether most values that are not missing are dates or numbers."""
    present = to_text(cell for cell in cells if cell.strip().lower() not in MISSING_MARKERS)
    if not len(present):
        return False
    return looks_like_dates(present) or bool(parse_numbers(present).is_valid.mean() > 0.5)


def _rows(text: str, mark: str, source: str) -> Iterator[Row]:
    """Rows that are neither blank nor comments, with their lines."""
    lines = io.StringIO(text, newline="") if mark != " " else ("\t".join(row.split()) for row in text.splitlines())
    reader = csv.reader(lines, delimiter=mark.replace(" ", "\t"), skipinitialspace=True)
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells) and not cells[0].startswith("#"):
                yield line, cells
            # A quoted cell may span several lines: a row has the line on which it begins.
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            "Cannot split the file into cells",
            where=f"{source}, near row {reader.line_num}",
            got=str(error),
            expected=f"cells separated by {mark!r}",
            fix='Check the file for an unclosed quotation mark (").',
        ) from None


def _pad(cells: list[str], width: int, line: int, mark: str) -> list[str]:
    """A row of exactly `width` cells."""
    if any(cell.strip() for cell in cells[width:]):
        raise DataError(
            "Too many cells in a row",
            where=f"row {line}",
            got=f"{len(cells)} cells: {mark.join(cells)[:60]!r}",
            expected=f"{width} cells, separated by {mark!r}",
            fix=f"Enclose cells that contain {mark!r} in quotation marks.",
        )
    return cells[:width] + [""] * (width - len(cells))
