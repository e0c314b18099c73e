"""Delimited text: separator, header and rows; every cell stays a string, every row knows its line."""

from __future__ import annotations

import csv
import io
import re
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice

import numpy as np

from gatecast.data.messages import list_columns, shorten
from gatecast.data.parsing.date_words import month_numbers
from gatecast.data.parsing.numbers import parse_numbers
from gatecast.data.parsing.raw_table import MISSING_MARKERS, RawColumn, RawTable, check_column_count, to_text
from gatecast.data.parsing.timestamps import looks_like_dates
from gatecast.data.parsing.transposed_tables import are_period_names
from gatecast.data.sources.table_area import Row, TableArea, describe_rows, find_table
from gatecast.errors import DataError

__all__ = ["detect_separator", "has_header", "read_delimited"]

# Comma last: in files with another separator it is the decimal separator.
SEPARATORS = "\t;|,"
SAMPLE_SIZE = 100
MAX_TITLES = 20
MAX_NOTES = 3
COMMENT_MARKS = ("#", "//", "%", ";")

N_MONTHS = 12
MAX_SPACED = 500
"""Columns that spaces separate, at most."""
MIN_SPACED = 0.6
"""Share of the lines that have the same number of words, where spaces separate columns."""
MIN_SPLIT = 3
"""Rows with a cell more than the header, at least, that tell a decimal comma."""
_INTEGER = re.compile(r" *-?\d+")
_YEAR = re.compile(r"(?:1[5-9]|2[01])\d\d")
_QUOTED_COMMENT = re.compile(r'^[ \t]*(?:#|//|%|;)[^"\n]*"', re.MULTILINE)
_COMMENT = re.compile(r'^[ \t"]*(?:#|//|%|;)', re.MULTILINE)
_PERCENTAGE = re.compile(r"\s*%\s*\d")
# The csv module has one limit for all threads.
_FIELD_LIMIT_LOCK = threading.Lock()


def read_delimited(text: str, source: str = "the text") -> RawTable:
    r"""Split delimited text into columns, and find the table in it.

    Blank rows, comments, titles above the header, units below it, repeated headers and footers are left out; notes say
    which. Missing cells at the end of a row are empty. A comment begins with ``#``, ``//``, ``%``, or a ``;`` that is
    not the separator.

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
    >>> read_delimited("Sales 2024;\nmonth;n\n2024-01;1\n2024-02;2\n").notes
    ("Row 1 above the table is skipped: 'Sales 2024'.",)
    """
    if text.count("\r") > 2 * text.count("\n"):
        text = text.replace("\r", "\n")  # as spreadsheets of the Macintosh write
    check_column_count(max(text[: max(text.find("\n"), 0)].count(mark) for mark in SEPARATORS) + 1, source)
    mark = detect_separator(list(islice(io.StringIO(text), SAMPLE_SIZE)))
    with _field_limit(text):
        rows = _rows(text, mark, source)
    rows, comments = _split_comments(rows, mark) if _COMMENT.search(text) else (rows, [])
    if not rows:
        raise DataError("The file is empty", where=source, expected="a column of times and a column of values")
    width = _width(rows)
    area = _find_periods(rows) or find_table(rows, width) or _find_header(rows, width)
    header, notes = area.header, list(area.notes)
    if header is None and area.body:
        header, comments = _commented_header(comments, area.body[0][0], width)
    if mark == " ":
        _check_words(area.body, width)
    body = [(line, _pad(cells, width, line, mark)) for line, cells in area.body]
    if header is not None and not body:
        raise DataError(
            "The file has a header but no rows",
            where=source,
            got=f"the columns {list_columns(header)}",
            expected="at least two rows below the header",
        )
    if header is not None and mark == ",":
        _check_decimal_commas(header, body, width)
    header = None if header is None else _pad(header, width, rows[0][0], mark)
    names = tuple(str(i + 1) for i in range(width)) if header is None else _make_unique(header)
    return RawTable(
        names=names,
        columns=tuple(to_text(column) for column in zip(*(cells for _, cells in body), strict=True)),
        line_numbers=np.array([line for line, _ in body], np.int64),
        has_header=header is not None,
        separator=mark,
        notes=(*_note_comments(comments), *notes, *([] if header is None else _note_renamed(header, names))),
    )


def detect_separator(lines: Sequence[str]) -> str:
    """Return the character that splits most lines into the same number of cells, more than one.

    If there is none: a space where lines have the same number of words, most of them numbers or dates; otherwise a
    comma, for a single column.

    >>> detect_separator(["2024-01-01;1,5", "2024-01-02;2,5"]), detect_separator(["1", "2"])
    (';', ',')
    """
    lines = [line for line in lines if not line.lstrip().startswith(("#", "//", "%"))]
    max_count, best = 0, ","
    for candidate in SEPARATORS:
        widths: Counter[int] = Counter()
        # Rows that cannot be split are refused when they are read, with their number.
        with _field_limit("\n".join(lines)), suppress(csv.Error):
            widths.update(len(cells) for cells in csv.reader(lines, delimiter=candidate) if cells)
        width, count = max(widths.items(), key=lambda item: item[1], default=(1, 0))
        if width > 1 and count > max_count:
            max_count, best = count, candidate
    return " " if 2 * max_count < _count_spaced(lines) else best


def _count_spaced(lines: Sequence[str]) -> int:
    """How many lines have the usual number of words, if these are columns: two of them hold numbers or dates."""
    rows = [line.split() for line in lines if line.strip()]
    width, count = max(Counter(map(len, rows)).items(), key=lambda item: item[1], default=(1, 0))
    usual = [row for row in rows if len(row) == width]
    if not 2 <= width <= MAX_SPACED or count < max(MIN_SPACED * len(rows), 3):
        return 0
    # 1 234 567 and 200 kWh are one cell; 2019 01 98.40 is no number.
    if parse_numbers(to_text(map(" ".join, usual))).is_valid.mean() > 1 / 2:
        return 0
    # A date with its clock is one thing, and a text of several words another.
    body = list(zip(*usual[len(usual) // 3 :], strict=True))
    n_data = sum(_is_data(to_text(column)) for column in body)
    return count if width == 2 or n_data > max(1, width // 2) else 0


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the first row is a header.

    A first row of periods, as 1960, 1961, 1962, is a header. Otherwise the first column with dates or numbers below the
    first row decides: it has a header unless its first cell is a date or a number too. Without such a column, the first
    row is a header if none of its cells is a date or a number.

    >>> has_header([["time", "value"], ["2024-01-01", "3"]])
    True
    >>> has_header([["2024-01-01", "x"], ["2024-01-02", "3"]])
    False
    """
    if are_period_names(rows[0]) and not any(are_period_names(row, may_be_numbered=False) for row in rows[1:2]):
        return True
    below = (to_text(column) for column in zip(*rows[1:SAMPLE_SIZE], strict=True))
    for cell, cells in zip(rows[0], below, strict=False):
        if _is_data(cells):
            return not _is_data(to_text([cell]))
    return not any(_is_data(to_text([cell])) for cell in rows[0])


def _names_years(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row has a column for each of some years, with months below its first cell."""
    first, *others = (cell.strip() for cell in rows[0])
    n_years = sum(_YEAR.fullmatch(cell) is not None for cell in others)
    if n_years < 2 or first.isdigit() or n_years < sum(any(map(str.isdigit, cell)) for cell in others):
        return False
    months = [row[0].strip() for row in rows[1 : 1 + N_MONTHS] if row and row[0].strip()]
    return len(months) == N_MONTHS and month_numbers(months) is not None


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
    pairs = enumerate(zip(map(str.strip, header), names, strict=True), 1)
    renamed = [(i, cell, name) for i, (cell, name) in pairs if cell and cell != name]
    notes = [
        f"The header repeats {shorten(cell)!r}: column {i} is renamed to {shorten(name)!r}."
        for i, cell, name in renamed[:MAX_NOTES]
    ]
    n_more = len(renamed) - MAX_NOTES
    return [*notes, f"{n_more} more columns with repeated names are renamed."] if n_more > 0 else notes


def _is_data(cells: RawColumn) -> bool:
    """Whether most values that are not missing are dates or numbers."""
    present = to_text(cell for cell in cells if cell.strip().lower() not in MISSING_MARKERS)
    if not len(present):
        return False
    return looks_like_dates(present) or bool(parse_numbers(present).is_valid.mean() > 0.5)


def _rows(text: str, mark: str, source: str) -> list[Row]:
    """Rows that are not blank, with their lines."""
    rows: list[Row] = []
    first_lines = [1]
    lines: Iterator[str] = io.StringIO(text, newline="")
    if mark == " ":
        lines = ("\t".join(row.split()) for row in text.splitlines())
    elif _QUOTED_COMMENT.search(text):
        lines = _without_quotes_in_comments(text, first_lines)
    reader = csv.reader(lines, delimiter=mark.replace(" ", "\t"), skipinitialspace=True)
    line = first = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((line, cells))
            # A quoted cell may span several lines: a row has the line on which it begins.
            first, line = line, reader.line_num + 1
            first_lines[0] = line
    except csv.Error as error:
        raise _split_error(str(error), reader.line_num, mark, source) from None
    last = "".join(islice(io.StringIO(text), first - 1, None)) if reader.line_num > first else ""
    if last.count('"') % 2:
        raise _split_error("an unclosed quotation mark", first, mark, source)
    return rows


def _without_quotes_in_comments(text: str, first_line: list[int]) -> Iterator[str]:
    """Lines for the csv module, where a quotation mark in a comment must not open a cell.

    The only item of `first_line` is the line on which the next row begins: other lines are parts of a quoted cell.
    """
    for i, line in enumerate(io.StringIO(text, newline=""), 1):
        yield line.replace('"', "'") if i == first_line[0] and _QUOTED_COMMENT.match(line) else line


def _split_error(got: str, line: int, mark: str, source: str) -> DataError:
    """The error for text that cannot be split."""
    return DataError(
        "Cannot split the file into cells",
        where=f"{source}, near row {line}",
        got=got,
        expected=f"cells separated by {mark!r}",
        fix='Check the file for an unclosed quotation mark (").',
    )


@contextmanager
def _field_limit(text: str) -> Iterator[None]:
    """Allow cells as long as the longest line; a longer cell is one whose quotation mark is not closed."""
    with _FIELD_LIMIT_LOCK:
        limit = csv.field_size_limit()
        longest = max(map(len, io.StringIO(text)), default=0) if len(text) > limit else 0
        csv.field_size_limit(max(limit, longest + 1))
        try:
            yield
        finally:
            csv.field_size_limit(limit)


def _split_comments(rows: list[Row], mark: str) -> tuple[list[Row], list[Row]]:
    """Separate comments from the other rows. Where most rows begin alike, that is no comment but a part of the ids."""
    comment = tuple(prefix for prefix in COMMENT_MARKS if prefix != mark)
    comments = [row for row in rows if row[1][0].lstrip().startswith(comment) and not _PERCENTAGE.match(row[1][0])]
    if not comments:
        return rows, []
    n_wide = sum(len(cells) > 1 for _, cells in comments)
    if len(rows) > 3 and 2 * n_wide > len(rows):
        return rows, []
    lines = {line for line, _ in comments}
    return [row for row in rows if row[0] not in lines], comments


def _commented_header(comments: list[Row], first: int, width: int) -> tuple[list[str] | None, list[Row]]:
    """The header in the last comment above the table, as NumPy writes it, and the other comments.

    Below the names there may be units, which repeat.
    """
    above = [row for row in comments if row[0] < first]
    if width == 1 or not above or len(above[-1][1]) != width:
        return None, comments
    named = [row for row in above if len(row[1]) == width == len(set(row[1]))]
    header = (named or above)[-1]
    cells = header[1]
    return [cells[0].lstrip("#/%; "), *cells[1:]], [row for row in comments if row is not header]


def _note_comments(comments: Sequence[Row]) -> list[str]:
    """One sentence on comments."""
    if not comments:
        return []
    verb = "is a comment and is" if len(comments) == 1 else "are comments and are"
    rows = describe_rows([line for line, _ in comments]).capitalize()
    return [f"{rows} {verb} skipped: {shorten(' '.join(comments[0][1]))!r}{', ...' if len(comments) > 1 else ''}."]


def _width(rows: Sequence[Row]) -> int:
    """Number of columns: the most frequent number of cells; a single cell only if few rows have more."""
    counts = Counter(len(cells) for _, cells in rows)
    width = counts.most_common(1)[0][0]
    wider = Counter({n: count for n, count in counts.items() if n > 1})
    if width > 1 or not wider:
        return width
    candidate, count = wider.most_common(1)[0]
    # Titles may be more than the rows of a short table, but they do not follow it.
    first = next(i for i, (_, cells) in enumerate(rows) if len(cells) == candidate)
    return candidate if count > 2 and count >= 0.8 * (len(rows) - first) else width


def _find_periods(rows: Sequence[Row]) -> TableArea | None:
    """The table below a header of dates, years or numbered periods; None without one."""
    for i, (_, cells) in enumerate(rows[:MAX_TITLES]):
        # Below a row as wide, which is a header, numbers such as 1, 2, 3 are values.
        is_first = all(len(above) < len(cells) for _, above in rows[:i])
        if are_period_names(cells, may_be_numbered=is_first):
            following = rows[i + 1][1] if i + 1 < len(rows) else []
            return None if are_period_names(following, may_be_numbered=False) else _below(rows, i)
        if _names_years([row for _, row in rows[i : i + SAMPLE_SIZE]]):
            return _below(rows, i)
    return None


def _below(rows: Sequence[Row], header: int) -> TableArea:
    """The table with a header in one of the rows; rows above it are titles."""
    notes = [f"Row {line} above the table is skipped: {shorten(cells[0])!r}." for line, cells in rows[:header]]
    return TableArea(rows[header][1], list(rows[header + 1 :]), tuple(notes))


def _find_header(rows: Sequence[Row], width: int) -> TableArea:
    """The table of a text without columns of times or numbers: titles are narrower than its rows."""
    first = next((i for i, (_, cells) in enumerate(rows) if len(cells) >= width), 0)
    notes = [f"Row {line} above the table is skipped: {shorten(cells[0])!r}." for line, cells in rows[:first]]
    table = list(rows[first:])
    is_header = has_header([(cells + [""] * width)[:width] for _, cells in table])
    return TableArea(table[0][1] if is_header else None, table[is_header:], tuple(notes))


def _check_decimal_commas(header: Sequence[str], body: Sequence[Row], width: int) -> None:
    """Refuse rows with a cell more than the header where a comma split the decimals from a number: 10,52."""
    if len(header) != width - 1:
        return
    split = [row for row in body if row[1][-1].strip()]
    decimals = {cells[-1].strip() for _, cells in split}
    are_digits = all(text.isdigit() for text in decimals) and all(_INTEGER.fullmatch(cells[-2]) for _, cells in split)
    numbers = [cells[0].strip() for _, cells in body]
    are_row_numbers = numbers == [str(k) for k in range(int(numbers[0] == "1"), len(numbers) + int(numbers[0] == "1"))]
    if len(split) < MIN_SPLIT or len(decimals) < MIN_SPLIT or not are_digits or are_row_numbers:
        return
    line, cells = split[0]
    raise DataError(
        "Rows have more cells than the header",
        where=f"row {line}",
        got=f"{width} cells: {','.join(cells)[:60]!r}",
        expected=f"{len(header)} cells: {list_columns(header)}",
        fix="If numbers have a decimal comma, separate cells by semicolons, or put such numbers in quotation marks.",
    )


def _check_words(body: Sequence[Row], width: int) -> None:
    """Refuse rows with fewer words than others: which of their cells is empty, spaces do not show.

    The last row may end early, as that of a year that goes on.
    """
    line, cells = min(body[:-1], key=lambda row: len(row[1]), default=(0, [""] * width))
    if len(cells) < width:
        raise DataError(
            "Too few cells in a row",
            where=f"row {line}",
            got=f"{len(cells)} words: {shorten(' '.join(cells))!r}",
            expected=f"{width} words, since spaces separate the cells",
            fix="Spaces do not show which cell is empty: write NA in it, or separate the cells by commas or tabs.",
        )


def _pad(cells: list[str], width: int, line: int, mark: str) -> list[str]:
    """A row of exactly `width` cells."""
    if len(cells) == width:
        return cells
    if any(cell.strip() for cell in cells[width:]):
        raise DataError(
            "Too many cells in a row",
            where=f"row {line}",
            got=f"{len(cells)} cells: {mark.join(cell[:60] for cell in cells[:60])[:60]!r}",
            expected=f"{width} cells, separated by {mark!r}",
            fix=f"Enclose cells that contain {mark!r} in quotation marks.",
        )
    return cells[:width] + [""] * (width - len(cells))
