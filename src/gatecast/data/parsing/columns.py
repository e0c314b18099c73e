"""Columns of a table as numbers, times and ids; errors name the first value that is invalid."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast._utils.formatting import format_times
from gatecast._utils.typing import BoolArray, FloatArray, IntArray
from gatecast.data.messages import shorten
from gatecast.data.parsing.date_words import month_numbers, quarter_number, weekday_numbers
from gatecast.data.parsing.known_notation import UNKNOWN_NOTATION, KnownNotation
from gatecast.data.parsing.missing_codes import MissingCodes, find_missing_codes
from gatecast.data.parsing.numbers import ParsedNumbers, parse_numbers
from gatecast.data.parsing.parsed_times import ParsedTimes
from gatecast.data.parsing.raw_table import MISSING_MARKERS, RawColumn, RawTable, factorize, is_missing
from gatecast.data.parsing.time_marks import without_mark
from gatecast.data.parsing.time_names import NAMES, is_called, plain_name
from gatecast.data.parsing.time_zones import is_named
from gatecast.data.parsing.timestamps import parse_times
from gatecast.errors import DataError

__all__ = [
    "check_resolution",
    "is_missing_id",
    "parse_booleans",
    "parse_ids",
    "parse_number_column",
    "parse_time_column",
    "row_numbers",
]

MAX_TEXT_IN_MESSAGE = 80
MISSING_IDS = frozenset({"", "nan", "nat", "<na>"})
"""Strings that libraries write for a missing value, in lower case."""
_NANOSECONDS = re.compile(r":\d\d[.,]\d{6}\d*[1-9]|^\d{17,}$")
"""Texts with digits after those of microseconds."""
_WEEK = re.compile(r"([^\W\d]+)[ ._]*\d{1,2}|\d{1,2}[ .]*([^\W\d]+)")
"""Week 10, KW10 or 10. KW."""
_BOOLEANS = {"true": 1.0, "false": 0.0}

ACCEPTED_TIMES = "dates such as 2024-01-31, 2024-01, 31/01/2024 or Jan 2024, integers, or evenly spaced numbers"


def parse_number_column(table: RawTable, column: int, role: str = "target") -> ParsedNumbers:
    """Parse a column as numbers; true and false become 1 and 0, and codes for missing values NaN.

    Args:
        table: The table.
        column: Index of the column.
        role: Role of the column, for messages.

    Raises:
        DataError: A value that is neither missing nor a number.
        ConfigError: Invalid `RawTable.missing_codes`.

    >>> from gatecast.data.parsing.raw_table import to_text
    >>> parse_number_column(RawTable(("y",), (to_text(["1", "NA", "2.5"]),)), 0).values.tolist()
    [1.0, nan, 2.5]
    """
    cells = table.source_column(column)
    booleans = parse_booleans(cells)
    if booleans is not None:
        note = f"Booleans in the {role} {table.describe_column(column)} are read as 1 (true) and 0 (false)."
        return ParsedNumbers(booleans, np.ones(len(cells), bool), (note,))
    parsed = parse_numbers(cells, table.decimal_mark)
    invalid = np.flatnonzero(~parsed.is_valid)
    if not len(invalid):
        # Exogenous columns may not have missing values, and their categories are often numbers such as 999.
        codes = False if table.missing_codes == "auto" and role != "target" else table.missing_codes
        return _replace_missing_codes(parsed, table.describe_column(column), codes)
    n_present = np.count_nonzero(~is_missing(cells))
    if cells.dtype.kind != "O" or 2 * len(invalid) > n_present > 2:
        raise DataError(
            f"The {role} column is not numeric",
            where=table.describe_column(column),
            got=_describe_content(cells),
            expected="numbers",
            fix="If this is the wrong column, set target_col to the right one." if role == "target" else "",
            argument="target_col" if role == "target" else role,
        )
    first = int(invalid[0])
    fix = f"Correct or empty the cell (invalid cells in total: {len(invalid)})."
    expected = "a number, or an empty cell for a missing value"
    others = np.flatnonzero(parsed.is_valid & ~is_missing(cells))
    if len(others) and parse_numbers(cells[[first]]).is_valid.all():
        # What is a number by itself has another decimal mark than most others.
        example = shorten(cells[others[0]])
        expected = f"a number that is written as most others are, such as {example!r}, or an empty cell"
        fix = f"Write all numbers in the same way (cells that differ in total: {len(invalid)})."
    raise DataError(
        "Invalid number",
        where=f"{table.describe_row(first)}, {table.describe_column(column)}",
        got=repr(shorten(cells[first], MAX_TEXT_IN_MESSAGE)),
        expected=expected,
        fix=fix,
    )


def _replace_missing_codes(parsed: ParsedNumbers, where: str, missing_codes: MissingCodes) -> ParsedNumbers:
    """Replace codes for missing values by NaN, with a note."""
    codes = find_missing_codes(parsed.values, missing_codes)
    if not codes:
        return parsed
    is_code = np.isin(parsed.values, [code.value for code in codes])
    others = parsed.values[np.isfinite(parsed.values) & ~is_code]
    counts = " and ".join(f"{code.value:.12g} in {code.n_cells} cell{'s' * (code.n_cells > 1)}" for code in codes)
    inferred = ""
    if missing_codes == "auto":
        low, high = others.min(), others.max()
        it = "it" if len(codes) == 1 else "them"
        inferred = f": all other values are from {low:.6g} to {high:.6g}. To keep {it}, set missing_codes=False"
    note = f"{counts} of {where} {'means' if len(codes) == 1 else 'mean'} a missing value{inferred}."
    return parsed._replace(values=np.where(is_code, np.nan, parsed.values), notes=(*parsed.notes, note))


def parse_booleans(column: RawColumn) -> FloatArray | None:
    """Parse a column as booleans: 1 for true, 0 for false, NaN for missing; None if anything else occurs.

    >>> from gatecast.data.parsing.raw_table import to_text
    >>> parse_booleans(to_text(["True", "", "false"])).tolist(), parse_booleans(np.array([1.0]))
    ([1.0, nan, 0.0], None)
    """
    if column.dtype.kind == "b":
        return column.astype(np.float64)
    if column.dtype.kind != "O" or not any(_BOOLEANS.get(text.strip().lower()) is not None for text in column[:1000]):
        return None
    unique, codes = factorize(column)
    texts = [text.strip().lower() for text in unique]
    if not all(text in _BOOLEANS or text in MISSING_MARKERS for text in texts):
        return None
    return np.array([_BOOLEANS.get(text, np.nan) for text in texts])[codes]


def parse_time_column(
    table: RawTable,
    column: int,
    *,
    as_integers: bool = False,
    known: KnownNotation = UNKNOWN_NOTATION,
) -> ParsedTimes:
    """Parse a column as times.

    Args:
        table: The table.
        column: Index of the column.
        as_integers: Read numbers as time steps even where they look like dates.
        known: What rows that were read before tell.

    Raises:
        DataError: A value that is missing or not a time.

    >>> parse_time_column(RawTable(("t",), (np.array([3, 4]),)), 0).values.tolist()
    [3, 4]
    """
    cells = table.columns[column]
    parsed = parse_times(
        cells,
        as_integers=as_integers,
        utc_offsets=table.utc_offsets.get(table.names[column]),
        known=known,
        name=table.names[column],
    )
    invalid = np.flatnonzero(~parsed.is_valid)
    if not len(invalid):
        column_type = table.types.get(table.names[column])
        if is_named(parsed.time_zone) and not (column_type and column_type.time_zone):
            note = f"The offsets change as those of {parsed.time_zone} do: forecasts have its offsets."
            return parsed._replace(notes=(*parsed.notes, note))
        return parsed
    # Cells below a filled one that are empty are times as well: they are what is missing, not the format.
    are_missing = is_missing(cells)[invalid]
    if (2 * len(invalid) > len(cells) > 2 and not are_missing.all()) or len(invalid) == len(cells):
        what, fix = _describe_repeated(table.names[column], cells) or (
            "The time column does not hold times",
            "If this is the wrong column, set time_col to the right one.",
        )
        raise DataError(
            what,
            where=table.describe_column(column),
            got=_describe_content(cells),
            expected=ACCEPTED_TIMES,
            fix=fix,
            argument="time_col",
        )
    _check_marks(table, column, invalid)
    first = int(invalid[0])
    valid_example = cells[int(np.flatnonzero(parsed.is_valid)[0])]
    missing = bool(are_missing[0])
    fix = (
        "Fill in the time, such as that of the row above, or remove the row" if missing else "Correct or remove the row"
    )
    raise DataError(
        "Missing time" if missing else "Invalid time",
        where=f"{table.describe_row(first)}, {table.describe_column(column)}",
        got="" if missing else repr(_shorten(cells[first])),
        expected=f"a time such as {_shorten(str(valid_example))!r}",
        fix=f"{fix} (rows without a valid time in total: {len(invalid)}).",
    )


def check_resolution(table: RawTable, column: int, parsed: ParsedTimes) -> None:
    """Check that times which differ are not one in microseconds, the resolution of all times.

    Args:
        table: The table.
        column: Index of the column of times.
        parsed: What `parse_time_column` returned for it.

    Raises:
        DataError: Times that differ by less than a microsecond.

    >>> from gatecast.data.parsing.raw_table import to_text
    >>> table = RawTable(("t",), (to_text(["2024-01-01T00:00:00.0000001", "2024-01-01T00:00:00.0000002"]),))
    >>> check_resolution(table, 0, parse_time_column(table, 0))
    Traceback (most recent call last):
    ...
    gatecast.errors.DataError: Times finer than microseconds are not supported (column 't'): ...
    """
    cells = table.columns[column]
    is_finer = table.names[column] in table.too_fine
    if cells.dtype.kind == "O":
        written = {text.strip() for text in cells.tolist()}
        is_finer = any(map(_NANOSECONDS.search, written)) and len(written) > len(np.unique(parsed.values))
    elif parsed.number_format == "ns":
        is_finer = len(np.unique(cells)) > len(np.unique(parsed.values))
    if is_finer:
        raise DataError(
            "Times finer than microseconds are not supported",
            where=table.describe_column(column),
            got="times that differ by less",
            expected="a microsecond or more between times",
            fix="Give the rows of each series numbers (1, 2, 3, ...) as times instead.",
        )


def parse_ids(table: RawTable, column: int) -> npt.NDArray[Any]:
    """Parse a column as ids of series: integers stay integers, everything else becomes strings, dates as ISO 8601.

    Raises:
        DataError: A row without an id.

    >>> parse_ids(RawTable(("id",), (np.array([7, 7, 8]),)), 0).tolist()
    [7, 7, 8]
    """
    cells = table.source_column(column)
    missing = np.flatnonzero(is_missing_id(cells))
    if len(missing):
        raise DataError(
            "Missing series id",
            where=f"{table.describe_row(int(missing[0]))}, {table.describe_column(column)}",
            expected="an id in every row",
            fix=f"Fill in the id or remove the row (rows without an id in total: {len(missing)}).",
        )
    if cells.dtype.kind == "O" and table.line_numbers is not None:
        # Spaces in a text file align its columns.
        unique, codes = factorize(cells)
        return np.array([text.strip() for text in unique], object)[codes]
    if cells.dtype.kind == "M":
        return np.array(format_times(cells), object)
    return cells if cells.dtype.kind in "iuO" else np.array([str(cell) for cell in cells.tolist()], object)


def is_missing_id(column: RawColumn) -> BoolArray:
    """Return where an id is missing: blank, or the missing value of a library; NA is the code of a country.

    >>> is_missing_id(np.array(["NA", " ", "nan", "<NA>", "-"], object)).tolist()
    [False, True, True, True, False]
    """
    if column.dtype.kind != "O":
        return is_missing(column)
    missing = {text for text in set(column.tolist()) if text.strip().lower() in MISSING_IDS}
    return (
        np.fromiter((text in missing for text in column), bool, len(column)) if missing else np.zeros(len(column), bool)
    )


def row_numbers(n_rows: int, ids: npt.NDArray[Any] | None) -> IntArray:
    """Number the rows of each series 1, 2, 3, ..., as time steps of a table without times.

    >>> row_numbers(4, np.array(["a", "b", "a", "a"], object)).tolist()
    [1, 1, 2, 3]
    """
    if ids is None:
        return np.arange(1, n_rows + 1)
    _, codes = factorize(ids)
    order = np.argsort(codes, kind="stable")
    first = np.searchsorted(codes[order], codes[order])
    numbers = np.empty(n_rows, np.int64)
    numbers[order] = np.arange(n_rows) - first + 1
    return numbers


def _check_marks(table: RawTable, column: int, invalid: IntArray) -> None:
    """Refuse a marked time, such as that of a forecast, next to a row of the same time without the mark."""
    cells = table.columns[column]
    if cells.dtype.kind != "O":
        return
    texts = {str(text).strip() for text in cells.tolist()}
    bare = {i: without_mark(str(cells[i]).strip()) for i in invalid.tolist()}
    repeated = [i for i, text in bare.items() if text != str(cells[i]).strip() and text in texts]
    if repeated:
        first = repeated[0]
        raise DataError(
            "Two rows of one time",
            where=f"{table.describe_row(first)}, {table.describe_column(column)}",
            got=f"{_shorten(cells[first])!r} next to a row of {_shorten(bare[first])!r}",
            expected="one row per time",
            fix=f"Remove one of the two (such pairs in total: {len(repeated)}).",
        )


def _describe_repeated(name: str, column: RawColumn) -> tuple[str, str] | None:
    """Return what is missing next to names of parts of years or of days of the week, and what helps; None for others.

    Args:
        name: Of the column.
        column: Its cells.
    """
    if column.dtype.kind != "O":
        return None
    texts = [text.strip() for text in np.unique(column[~is_missing(column)]).tolist()]
    numbered = "or leave this column out: rows are then numbered."
    part = _part_of_year(texts)
    if part:
        # Months are found by their names.
        rename = "" if part == "month" or is_called(part, name) else f" and call this one {part!r}"
        joined = "which is joined with this one" if not rename else "which are joined"
        fix = f"Add a column called 'year'{rename}, {joined} if time_col is not set, {numbered}"
        return f"The time column has {part}s without a year", fix
    if texts and weekday_numbers(texts):
        return "The time column has days of the week without a date", f"Set time_col to a column of dates, {numbered}"
    return None


def _part_of_year(texts: list[str]) -> str:
    """The part of a year that all texts name; "" for others, or none."""
    if not texts:
        return ""
    if all(map(quarter_number, texts)):
        return "quarter"
    if month_numbers(texts):
        return "month"
    weeks = [_WEEK.fullmatch(text) for text in texts]
    words = {plain_name(match[1] or match[2]) for match in weeks if match}
    return "week" if all(weeks) and words <= NAMES["week"] | {"w"} else ""


def _describe_content(column: RawColumn) -> str:
    """What a column holds instead, for a message."""
    if column.dtype.kind == "O":
        present = column[~is_missing(column)][:3]
        return ", ".join(repr(shorten(text)) for text in present) + ", ..." if len(present) else "only empty cells"
    return {"b": "booleans", "M": "times"}.get(column.dtype.kind, str(column.dtype))


def _shorten(cell: Any) -> Any:
    """A cell for a message: the beginning of a string, numbers of NumPy as those of Python, others as they are."""
    if isinstance(cell, np.number):
        return cell.item()
    return shorten(cell, MAX_TEXT_IN_MESSAGE) if isinstance(cell, str) else cell
