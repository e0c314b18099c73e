"""Columns of a table as numbers, times and names; the first cell that cannot be one is named in the error.

Letters: N rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast.data.parsing.numbers import ParsedNumbers, read_numbers
from gatecast.data.parsing.raw_table import MISSING, Cells, RawTable, factorise, missing
from gatecast.data.parsing.timestamps import UNDECIDED, ParsedTimes, UtcOffset, read_times
from gatecast.errors import DataError

__all__ = ["parse_booleans", "parse_labels", "parse_number_column", "parse_time_column", "running_positions"]

_TRUTH = {"true": 1.0, "false": 0.0}

DATES = "dates such as 2024-01-31, 2024-01, 31/01/2024 or Jan 2024, or whole numbers"


def parse_number_column(table: RawTable, column: int, role: str = "target") -> ParsedNumbers:
    """A column as numbers; true and false are 1 and 0.

    Args:
        table: The table.
        column: Position of the column.
        role: What the column is, for messages.

    Raises:
        DataError: A cell that is neither missing nor a number.

    >>> from gatecast.data.parsing.raw_table import text_cells
    >>> parse_number_column(Table(("y",), (text_cells(["1", "NA", "2.5"]),)), 0).values.tolist()
    [1.0, nan, 2.5]
    """
    cells = table.columns[column]
    truths = parse_booleans(cells)
    if truths is not None:
        note = f"The {role}, {table.column(column)}, is true or false: it is read as 1 and 0."
        return ParsedNumbers(truths, np.ones(len(cells), bool), (note,))
    read = read_numbers(cells)
    bad = np.flatnonzero(~read.readable)
    if not len(bad):
        return read
    present = np.count_nonzero(~missing(cells))
    if cells.dtype.kind != "O" or 2 * len(bad) > present > 2:
        raise DataError(
            f"the {role} column does not hold numbers",
            where=table.column(column),
            got=_kind_or_cells(cells),
            expected="a number in every row, or nothing where it is missing",
            fix="If another column is meant, name it with target_col." if role == "target" else "",
        )
    first = int(bad[0])
    raise DataError(
        "a value is not a number",
        where=f"{table.where(first)}, {table.column(column)}",
        got=repr(cells[first].strip()),
        expected="a number, or nothing where it is missing",
        fix=f"Correct or empty the cell; such cells in all: {len(bad)}.",
    )


def parse_booleans(cells: Cells) -> npt.NDArray[np.float64] | None:
    """1 for true, 0 for false, NaN for missing; None if there is anything else.

    >>> from gatecast.data.parsing.raw_table import text_cells
    >>> parse_booleans(text_cells(["True", "", "false"])).tolist(), parse_booleans(np.array([1.0]))
    ([1.0, nan, 0.0], None)
    """
    if cells.dtype.kind == "b":
        return cells.astype(np.float64)
    if cells.dtype.kind != "O" or not any(_TRUTH.get(cell.strip().lower()) is not None for cell in cells[:1000]):
        return None
    different, codes = factorise(cells)
    words = [cell.strip().lower() for cell in different]
    if not all(word in _TRUTH or word in MISSING for word in words):
        return None
    return np.array([_TRUTH.get(word, np.nan) for word in words])[codes]


def parse_time_column(
    table: RawTable, column: int, *, plain: bool = False, clock: UtcOffset = UNDECIDED
) -> ParsedTimes:
    """A column as times.

    Args:
        table: The table.
        column: Position of the column.
        plain: Whether numbers are positions, whatever they look like.
        clock: The clock of other times that these are to be compared with, if they have a zone.

    Raises:
        DataError: A cell that is missing or no time.

    >>> parse_time_column(Table(("t",), (np.array([3, 4]),)), 0).values.tolist()
    [3, 4]
    """
    cells = table.columns[column]
    read = read_times(cells, plain=plain, offsets=table.offsets.get(table.names[column]), clock=clock)
    bad = np.flatnonzero(~read.readable)
    if not len(bad):
        return read
    if 2 * len(bad) > len(cells) > 2 or len(bad) == len(cells):
        raise DataError(
            "the time column cannot be read as times",
            where=table.column(column),
            got=_kind_or_cells(cells),
            expected=DATES,
            fix="If another column is meant, name it with time_col.",
        )
    first = int(bad[0])
    good = cells[int(np.flatnonzero(read.readable)[0])]
    empty = bool(missing(cells)[first])
    raise DataError(
        "a time is missing" if empty else "a time cannot be read",
        where=f"{table.where(first)}, {table.column(column)}",
        got="" if empty else repr(cells[first].strip() if isinstance(cells[first], str) else cells[first]),
        expected=f"a time like {str(good).strip()!r}",
        fix=f"Correct or remove the row; such rows in all: {len(bad)}.",
    )


def parse_labels(table: RawTable, column: int) -> npt.NDArray[Any]:
    """A column as names of series: whole numbers stay so, everything else is text.

    Raises:
        DataError: A row without a name.

    >>> parse_labels(Table(("id",), (np.array([7, 7, 8]),)), 0).tolist()
    [7, 7, 8]
    """
    cells = table.columns[column]
    empty = np.flatnonzero(missing(cells) if cells.dtype.kind != "O" else cells == "")
    if len(empty):
        raise DataError(
            "a row does not say to which series it belongs",
            where=f"{table.where(int(empty[0]))}, {table.column(column)}",
            expected="the name of a series",
            fix=f"Fill in the cell or remove the row; such rows in all: {len(empty)}.",
        )
    return cells if cells.dtype.kind in "iuO" else np.array([str(cell) for cell in cells.tolist()], object)


def running_positions(n: int, names: npt.NDArray[Any] | None) -> npt.NDArray[np.int64]:
    """Times for rows that have none: 1, 2, 3, ... within each series, in the order of the rows.

    >>> running_positions(4, np.array(["a", "b", "a", "a"], object)).tolist()
    [1, 1, 2, 3]
    """
    if names is None:
        return np.arange(1, n + 1)
    _, codes = factorise(names)
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], codes[order])
    positions = np.empty(n, np.int64)
    positions[order] = np.arange(n) - starts + 1
    return positions


def _kind_or_cells(cells: Cells) -> str:
    """What a column holds instead, for a message."""
    if cells.dtype.kind == "O":
        present = cells[~missing(cells)][:3]
        return ", ".join(repr(cell.strip()) for cell in present) + ", ..." if len(present) else "only empty cells"
    return {"b": "true and false", "M": "times"}.get(cells.dtype.kind, str(cells.dtype))
