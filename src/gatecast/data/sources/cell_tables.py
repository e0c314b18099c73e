"""Tables of cells with types, as spreadsheets and web pages hold them: find the table among what is around it.

Header, titles and footers are found as in text files: the cells are written as delimited text, one line a row, and
`read_delimited` chooses its lines. The cells keep their types.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Literal, NamedTuple

import numpy as np

from gatecast._utils.formatting import format_count
from gatecast.data.messages import abridge
from gatecast.data.parsing.column_roles import find_time_column, numeric_columns
from gatecast.data.parsing.raw_table import MISSING_MARKERS, RawColumn, RawTable, check_column_count, to_text
from gatecast.data.parsing.timestamps import looks_like_dates, parse_times
from gatecast.data.sources.delimited import read_delimited
from gatecast.errors import DataError

__all__ = ["Cell", "holds_series", "read_cells"]

Cell = str | int | float | bool | date | datetime | time | timedelta
"""A cell of a table; "" if it is empty."""

SAMPLE_SIZE = 100
EDGE_ROWS = 500
"""Rows at the beginning and at the end, among which headers, titles and footers are."""
MAX_EXAMPLES = 3
MIN_ROWS = 0.5
"""Share of the table's rows that a further block of columns must fill to be a part of it rather than a remark."""
ERRORS = frozenset(
    ("#N/A", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!", "#GETTING_DATA")
)
"""What spreadsheets show in place of the result of a formula that fails."""


class _Block(NamedTuple):
    """Columns without an empty one between them.

    Args:
        start: Position of the first one.
        columns: The cells of each column, all rows.
    """

    start: int
    columns: list[list[Cell]]

    @property
    def n_rows(self) -> int:
        """Filled cells of the fullest column."""
        return max(len(column) - column.count("") for column in self.columns)

    @property
    def has_times(self) -> bool:
        """Whether a column holds dates."""
        return any(map(_are_dates, self.columns))


def read_cells(rows: Sequence[Sequence[Cell]], source: str) -> RawTable:
    """Find the table in rows of cells.

    Blank rows and columns, titles, footers and remarks next to the table are left out; notes say which. Columns of
    numbers, of dates and of truth values keep their type; others are text.

    Args:
        rows: All rows from the first one on, of equal length; "" where a cell is empty.
        source: Name of the source, for messages.

    Returns:
        The table; its line numbers are those of the rows, from 1.

    Raises:
        DataError: No cells, or a header alone.

    >>> rows = [["Sales", ""], ["", ""], ["month", "n"], [date(2024, 1, 1), 5.0], [date(2024, 2, 1), 6.5]]
    >>> table = read_cells(rows, "a.xlsx")
    >>> table.names, table.columns[0].dtype.name, table.columns[1].tolist(), table.describe_row(0)
    (('month', 'n'), 'datetime64[us]', [5.0, 6.5], 'row 4')
    """
    columns = [list(column) for column in zip(*rows, strict=True)]
    blocks = _split_blocks(columns)
    if not blocks:
        raise DataError("The table is empty", where=source, expected="a column of times and a column of values")
    columns, positions, notes = _choose_blocks(blocks)
    check_column_count(len(columns), source)
    table = read_delimited(_write_text([_draft_texts(column) for column in columns]), source)
    chosen = [] if table.line_numbers is None else (table.line_numbers - 1).tolist()
    typed = tuple(_to_column([column[i] for i in chosen]) for column in columns)
    return replace(table, columns=typed, notes=(*notes, *table.notes, *_note_errors(columns, positions, chosen)))


def holds_series(table: RawTable) -> bool:
    """Return whether a table has a column of times, a column of numbers, and two rows.

    >>> holds_series(RawTable(("ds", "y"), (np.arange(3), np.array([1.5, 2.5, 0.5]))))
    True
    """
    time_column = find_time_column(table, None, ())
    if len(table) < 2 or time_column is None or not numeric_columns(table, {time_column}):
        return False
    # Texts that are all different may be names of figures.
    return bool(parse_times(table.columns[time_column]).is_valid.any())


def column_letters(i: int) -> str:
    """Return how spreadsheets call column i.

    >>> column_letters(0), column_letters(27)
    ('A', 'AB')
    """
    letters = ""
    while i >= 0:
        letters = chr(ord("A") + i % 26) + letters
        i = i // 26 - 1
    return letters


def _split_blocks(columns: list[list[Cell]]) -> list[_Block]:
    """Blocks of columns, which empty columns separate."""
    blocks: list[_Block] = []
    for i, column in enumerate(columns):
        if column.count("") == len(column):
            continue
        if blocks and blocks[-1].start + len(blocks[-1].columns) == i:
            blocks[-1].columns.append(column)
        else:
            blocks.append(_Block(i, [column]))
    return blocks


def _choose_blocks(blocks: Sequence[_Block]) -> tuple[list[list[Cell]], list[int], list[str]]:
    """The columns of the table, their positions, and notes on the columns that are left out."""
    main = max(blocks, key=lambda block: (block.has_times, block.n_rows)) if len(blocks) > 1 else blocks[0]
    columns: list[list[Cell]] = []
    positions: list[int] = []
    notes = []
    for block in blocks:
        is_other_table = block is not main and block.has_times and main.has_times
        if is_other_table or block.n_rows < MIN_ROWS * main.n_rows:
            text = next(text for text in _to_texts(block.columns[0]) if text)
            kind = "another table" if is_other_table else "not part of the table"
            notes.append(f"{_name_columns(block)} {kind} and left out: {text[:60]!r}.")
        else:
            columns += block.columns
            positions += range(block.start, block.start + len(block.columns))
    return columns, positions, notes


def _name_columns(block: _Block) -> str:
    """The columns of a block as the subject of a sentence."""
    first, last = block.start, block.start + len(block.columns) - 1
    if first == last:
        return f"Column {column_letters(first)} is"
    return f"Columns {column_letters(first)} to {column_letters(last)} are"


def _are_dates(column: Sequence[Cell]) -> bool:
    """Whether most cells of a column are dates."""
    present = [cell for cell in column if cell != ""]
    sample = present[:: max(1, len(present) // SAMPLE_SIZE)]
    if 2 * sum(isinstance(cell, date) for cell in sample) > len(sample):
        return True
    texts = [cell for cell in sample if isinstance(cell, str)]
    return 2 * len(texts) > len(sample) and looks_like_dates(to_text(texts))


def _draft_texts(column: Sequence[Cell]) -> list[str]:
    """Cells as text in which the table can be found; far from both ends, without care for the form of numbers."""
    middle = column[EDGE_ROWS:-EDGE_ROWS]
    texts = [_to_one_line(cell) if isinstance(cell, str) else str(cell) for cell in middle]
    return [*_to_texts(column[:EDGE_ROWS]), *texts, *_to_texts(column[EDGE_ROWS:][-EDGE_ROWS:])]


def _to_texts(column: Sequence[Cell]) -> list[str]:
    """Cells as text, without line breaks and errors."""
    return [_to_one_line(cell) if isinstance(cell, str) else _format(cell) for cell in column]


def _to_one_line(cell: str) -> str:
    """A text on one line."""
    if cell in ERRORS:
        return ""
    return cell if cell.isprintable() else " ".join(cell.split())


def _format(cell: Cell) -> str:
    """A cell that is no text, as text."""
    if isinstance(cell, datetime):
        return cell.isoformat(" ") if cell.time() != time() else cell.date().isoformat()
    if isinstance(cell, float):
        if cell.is_integer() and abs(cell) < 1e15:
            return str(int(cell))
        text = repr(cell)
        # 1.234 among texts could be taken for 1234.
        return text + "0" if len(text.partition(".")[2]) == 3 else text
    return str(cell)


def _write_text(columns: Sequence[Sequence[str]]) -> str:
    """Columns of text as delimited text, a line for each row."""
    file = io.StringIO()
    # Quotation marks keep commas in a single column from being separators.
    quoting: Literal[0, 1] = csv.QUOTE_ALL if len(columns) == 1 else csv.QUOTE_MINIMAL
    rows = list(zip(*columns, strict=True))
    # In text files, titles are shorter than the rows of the table.
    n_titles = next((i for i, row in enumerate(rows) if sum(map(bool, row)) > 1), 0)
    titles = [row[:1] if row[0] else row for row in rows[:n_titles]]
    writer = csv.writer(file, delimiter="\t", quoting=quoting, lineterminator="\n")
    writer.writerows([*titles, *rows[n_titles:]])
    return file.getvalue()


def _to_column(cells: list[Cell]) -> RawColumn:
    """Cells of a column in their common type, or as text."""
    kinds = set(map(type, cells)) - {str}
    if not kinds or not all(_is_missing(cell) for cell in cells if isinstance(cell, str)):
        return to_text(_to_texts(cells))
    if kinds <= {int, float}:
        numbers = np.array([np.nan if isinstance(cell, str) else cell for cell in cells], np.float64)
        is_whole = not np.isnan(numbers).any() and bool((numbers == np.rint(numbers)).all())
        return numbers.astype(np.int64) if is_whole and np.abs(numbers).max(initial=0) < 2**53 else numbers
    if kinds <= {date, datetime}:
        return np.array([None if isinstance(cell, str) else cell for cell in cells], "M8[us]")
    if kinds == {bool} and not any(isinstance(cell, str) for cell in cells):
        return np.array(cells, np.bool_)
    return to_text(_to_texts(cells))


def _is_missing(cell: str) -> bool:
    """Whether a text marks a missing value."""
    return cell.strip().lower() in MISSING_MARKERS or cell in ERRORS


def _note_errors(columns: Sequence[Sequence[Cell]], positions: Sequence[int], rows: Sequence[int]) -> list[str]:
    """A note on formulas that fail, in rows of the table."""
    cells = [
        (f"{column_letters(position)}{i + 1}", column[i])
        for column, position in zip(columns, positions, strict=True)
        if not ERRORS.isdisjoint(cell for cell in column if isinstance(cell, str))
        for i in rows
        if column[i] in ERRORS
    ]
    if not cells:
        return []
    examples = abridge([f"{error} in {name}" for name, error in cells[:MAX_EXAMPLES]], len(cells))
    verb = "holds the error of a formula and is" if len(cells) == 1 else "hold errors of formulas and are"
    return [f"{format_count(len(cells), 'cell')} {verb} missing: {examples}."]
