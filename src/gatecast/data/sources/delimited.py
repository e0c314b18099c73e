"""Text files of cells: encoding, separator, header, rows; every cell stays text, every row knows its line.

Letters: N rows.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from gatecast.data.parsing.numbers import read_numbers
from gatecast.data.parsing.raw_table import MISSING, Cells, RawTable, check_width, text_cells
from gatecast.data.parsing.timestamps import looks_like_dates
from gatecast.errors import DataError

__all__ = ["decode", "has_header", "read_delimited", "separator"]

# Comma last: in files with another separator it marks decimals.
SEPARATORS = "\t;|,"
SAMPLE = 100
# First bytes of files that people take for tables.
FOREIGN = (
    (b"PK\x03\x04", "a zip archive or a spreadsheet", "Save the sheet as CSV."),
    (b"\xd0\xcf\x11\xe0", "an old spreadsheet", "Save the sheet as CSV."),
    (b"\x1f\x8b", "a gzip archive", "Unpack it first."),
    (b"%PDF", "a PDF document", "Export the table as CSV."),
)

Row = tuple[int, list[str]]


def read_delimited(text: str, source: str = "the text") -> RawTable:
    r"""Split a text into cells and find out whether its first row is a header.

    Rows that are blank or begin with ``#`` are passed over; so are narrower rows above the table, which are
    titles. Missing cells at the end of a row are empty.

    Args:
        text: The whole text.
        source: What it is called in messages.

    Returns:
        Columns of text, with the line of each row.

    Raises:
        DataError: No rows, a header alone, a row with too many cells, a quote that is never closed.

    >>> table = read_delimited("month;sales\n2024-01;1,5\n2024-02;2,5\n")
    >>> table.param_names, table.columns[1].tolist(), table.where(0)
    (('month', 'sales'), ['1,5', '2,5'], 'row 2')
    """
    check_width(max(text[: max(text.find("\n"), 0)].count(mark) for mark in SEPARATORS) + 1, source)
    mark = separator(text.splitlines()[:SAMPLE])
    rows = list(_rows(text, mark, source))
    if not rows:
        raise DataError("the file is empty", where=source, expected="a column of times and a column of values")
    width = Counter(len(cells) for _, cells in rows).most_common(1)[0][0]
    titles = next((i for i, (_, cells) in enumerate(rows) if len(cells) >= width), 0)
    notes = [f"Row {line} above the table is passed over: {cells[0]!r}." for line, cells in rows[:titles]]
    rows = [(line, _fit(cells, width, line, mark)) for line, cells in rows[titles:]]
    named = has_header([cells for _, cells in rows])
    if named and len(rows) == 1:
        raise DataError(
            "the file has a header and no rows",
            where=source,
            got=f"the columns {', '.join(map(repr, rows[0][1]))}",
            expected="at least two rows below them",
        )
    names = _unique(rows[0][1]) if named else tuple(str(i + 1) for i in range(width))
    notes += _renamed(rows[0][1], names) if named else []
    body = rows[named:]
    return RawTable(
        names=names,
        columns=tuple(text_cells(column) for column in zip(*(cells for _, cells in body), strict=True)),
        rows=np.array([line for line, _ in body], np.int64),
        named=named,
        notes=tuple(notes),
    )


def decode(raw: bytes, source: str) -> tuple[str, tuple[str, ...]]:
    r"""Bytes as text: UTF-8, UTF-16 with its mark, else Latin-1.

    Args:
        raw: The bytes.
        source: What they are called in messages.

    Returns:
        The text, and a sentence if it was not Unicode.

    Raises:
        DataError: The bytes are no text.

    >>> decode(b"M\xe4rz,1", "a.csv")
    ('März,1', ('The text is not UTF-8; it is read as Latin-1.',))
    """
    for start, what, fix in FOREIGN:
        if raw.startswith(start):
            raise DataError("this is not a text file", where=source, got=what, expected="CSV or TSV", fix=fix)
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", "replace"), ()
    head = raw[:4096]
    if sum(byte < 32 and byte not in b"\t\n\r\f" for byte in head) > len(head) / 100 or b"\0" in raw:
        raise DataError(
            "this is not a text file",
            where=source,
            got="binary data",
            expected="CSV or TSV; Parquet and JSON by their suffix",
        )
    try:
        return raw.decode("utf-8-sig"), ()
    except UnicodeDecodeError:
        return raw.decode("latin-1"), ("The text is not UTF-8; it is read as Latin-1.",)


def separator(lines: Sequence[str]) -> str:
    """The character that cuts most lines into the same number of cells, more than one.

    If none does, it is a space where every line has exactly two words, else a comma, for one column.

    >>> separator(["2024-01-01;1,5", "2024-01-02;2,5"]), separator(["1", "2"])
    (';', ',')
    """
    best, mark = 0, ","
    for candidate in SEPARATORS:
        widths = Counter(len(cells) for cells in csv.reader(lines, delimiter=candidate) if cells)
        width, count = max(widths.items(), key=lambda item: item[1], default=(1, 0))
        if width > 1 and count > best:
            best, mark = count, candidate
    if not best and {len(line.split()) for line in lines if line.strip()} == {2}:
        return " "
    return mark


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names the columns.

    The first column whose cells below are dates or numbers decides: is its first cell one too? Without such a
    column the first row is a header if none of its cells is a date or a number.

    >>> has_header([["time", "value"], ["2024-01-01", "3"]])
    True
    >>> has_header([["2024-01-01", "x"], ["2024-01-02", "3"]])
    False
    """
    below = (text_cells(column) for column in zip(*rows[1:SAMPLE], strict=True))
    for cell, cells in zip(rows[0], below, strict=False):
        if _is_data(cells):
            return not _is_data(text_cells([cell]))
    return not any(_is_data(text_cells([cell])) for cell in rows[0])


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    """Names of columns: none empty, none twice."""
    unique: dict[str, None] = {}
    for i, name in enumerate(names):
        plain = name.strip() or f"column {i + 1}"
        free = plain if plain not in unique else f"{plain} ({i + 1})"
        while free in unique:
            free += "'"
        unique[free] = None
    return tuple(unique)


def _renamed(header: Sequence[str], names: Sequence[str]) -> list[str]:
    """Which columns could not keep their names because others have them."""
    pairs = [(cell.strip(), name) for cell, name in zip(header, names, strict=True)]
    return [
        f"The header names {cell!r} more than once: column {i + 1} is called {name!r}."
        for i, (cell, name) in enumerate(pairs)
        if cell and cell != name
    ]


def _is_data(cells: Cells) -> bool:
    """Whether most cells that are not missing are dates or numbers."""
    present = text_cells(cell for cell in cells if cell.strip().lower() not in MISSING)
    if not len(present):
        return False
    return looks_like_dates(present) or bool(read_numbers(present).readable.mean() > 0.5)


def _rows(text: str, mark: str, source: str) -> Iterator[Row]:
    """Rows that are neither blank nor comments, each with its line."""
    lines = io.StringIO(text, newline="") if mark != " " else ("\t".join(row.split()) for row in text.splitlines())
    reader = csv.reader(lines, delimiter=mark.replace(" ", "\t"), skipinitialspace=True)
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells) and not cells[0].startswith("#"):
                yield line, cells
            # A cell in quotation marks may run over several lines: a row stands where it begins.
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            "the file cannot be split into cells",
            where=f"{source}, near row {reader.line_num}",
            got=str(error),
            expected=f"cells separated by {mark!r}",
            fix='Is a quotation mark (") left open?',
        ) from None


def _fit(cells: list[str], width: int, line: int, mark: str) -> list[str]:
    """A row of exactly `width` cells."""
    if any(cell.strip() for cell in cells[width:]):
        raise DataError(
            "a row has too many cells",
            where=f"row {line}",
            got=f"{len(cells)} cells: {mark.join(cells)[:60]!r}",
            expected=f"{width}, separated by {mark!r}",
            fix=f"Put cells that contain {mark!r} in quotation marks.",
        )
    return cells[:width] + [""] * (width - len(cells))
