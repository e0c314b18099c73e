"""Rows of several levels in one table: years with their quarters and months below them, and subtotals.

Pivot tables of spreadsheets and files of statistical offices have them. The finest level is kept; the others are its
totals or its means.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from gatecast._utils.formatting import format_count
from gatecast._utils.typing import BoolArray, IntArray
from gatecast.data.frequency import Times
from gatecast.data.messages import list_columns
from gatecast.data.parsing.column_roles import is_called_id
from gatecast.data.parsing.columns import is_missing_id
from gatecast.data.parsing.date_words import month_numbers, quarter_number
from gatecast.data.parsing.dates import make_dates
from gatecast.data.parsing.numbers import parse_numbers
from gatecast.data.parsing.raw_table import RawColumn, RawTable, factorize, is_missing, take_rows, to_text
from gatecast.data.parsing.time_marks import without_mark
from gatecast.data.parsing.timestamps import looks_like_dates, parse_times
from gatecast.data.parsing.total_words import is_called_total, label_of_total

__all__ = ["OutlineTimes", "drop_subtotals", "fill_merged_cells", "find_outline"]

MAX_ROWS = 10_000
"""Rows of a table that people look at."""
MAX_COLUMNS, MAX_LABEL = 20, 100
SAMPLE_SIZE = 200
MIN_YEARS = 2
MAX_MISSING = 0.1
"""Share of the other rows that may lack what subtotals never have."""
MIN_FINEST = 3
"""Rows of the finest level, at least."""
YEAR, QUARTER, MONTH = 0, 1, 2
LEVEL_NAMES = ("years", "quarters", "months")

_NUMBER = re.compile(r"[\d.,]+")
_YEAR = re.compile(r"(?:19|20)\d\d")
_FIRST = re.compile(r"\s*(?:q[1-4][ -]?)?(?:19|20)\d\d", re.IGNORECASE)
_QUARTER_OF_YEAR = re.compile(r"((?:19|20)\d\d)[ -]?q([1-4])|q([1-4])[ -]?((?:19|20)\d\d)", re.IGNORECASE)


class OutlineTimes(NamedTuple):
    """Times of the rows of the finest level.

    Args:
        column: Index of the column with the labels of all levels.
        values: datetime64[us], NaT in rows of other levels, shape (n_rows,).
        rows: Rows of the finest level.
        note: What is left out.
    """

    column: int
    values: Times
    rows: IntArray
    note: str


def drop_subtotals(table: RawTable) -> RawTable:
    """Leave out rows such as '2018 Total' below the rows of 2018, and fill the empty cells below a label.

    >>> columns = to_text(["2018", "", "2018 Total"]), to_text(["Jan", "Feb", ""]), np.array([1.0, 2.0, 3.0])
    >>> dropped = drop_subtotals(RawTable(("Years", "Date", "y"), columns))
    >>> dropped.columns[0].tolist(), dropped.columns[2].tolist()
    (['2018', '2018'], [1.0, 2.0])
    """
    if not 0 < len(table) <= MAX_ROWS:
        return table
    table = _drop_totals_of_times(table)
    called = {i: _are_called_totals(column) for i, column in enumerate(table.columns[:MAX_COLUMNS])}
    others = ~np.any([*called.values()], axis=0)
    labels = [
        i for i, is_total in called.items() if is_total.any() and _lack_a_cell(is_total, others, table.columns[i + 1 :])
    ]
    if not labels:
        return table
    body = _leave_out(table, np.any([called[i] for i in labels], axis=0), labels[0])
    columns = [_fill_down(column) if i in labels else column for i, column in enumerate(body.columns)]
    return replace(body, columns=tuple(columns))


def fill_merged_cells(table: RawTable) -> RawTable:
    """Fill the empty cells of ids that stand once, where the times of their series begin, as merged cells do.

    >>> shops, months = to_text(["a", "", "b", ""]), to_text(["2024-01", "2024-02"] * 2)
    >>> filled = fill_merged_cells(RawTable(("shop", "ds", "y"), (shops, months, np.arange(4.0))))
    >>> filled.columns[0].tolist()
    ['a', 'a', 'b', 'b']
    """
    columns = dict(enumerate(table.columns[:MAX_COLUMNS])) if len(table) else {}
    has_gaps = [i for i, c in columns.items() if c.dtype.kind in "Of" and is_missing_id(c[:SAMPLE_SIZE]).any()]
    given = {i: ~is_missing_id(columns[i]) for i in has_gaps}
    merged = {
        i: is_given
        for i, is_given in given.items()
        if is_given[0] and 2 * is_given.sum() <= len(table) and _may_be_ids(table.names[i], columns[i][is_given])
    }
    for i in (i for i, column in columns.items() if merged and i not in merged and looks_like_dates(column)):
        begins = _beginnings(table.columns[i])
        inside = [k for k, is_given in merged.items() if not (is_given & ~begins).any()]
        if begins.sum() < 2 or not inside or not (np.any([merged[k] for k in inside], axis=0) == begins).all():
            continue
        filled = {k: _fill_down(table.columns[k]) for k in inside}
        # Flags of the first rows have no name of their own in each series.
        if len(set(zip(*(column[begins] for column in filled.values()), strict=True))) == begins.sum():
            names = list_columns(table.names[k] for k in inside)
            note = f"Empty cells of {names} are filled with the cell above: cells stand where times begin."
            body = tuple(filled.get(k, column) for k, column in enumerate(table.columns))
            return replace(table, columns=body, notes=(*table.notes, note))
    return table


def find_outline(table: RawTable) -> OutlineTimes | None:
    """Find a column of years, quarters and months one below the other; None if no column has several levels.

    >>> labels = to_text(["2018", "Nov", "Dec", "2019", "Jan", "Feb"])
    >>> outline = find_outline(RawTable(("Row Labels", "y"), (labels, np.arange(6.0))))
    >>> outline.values[outline.rows].astype("M8[M]").astype(str).tolist()
    ['2018-11', '2018-12', '2019-01', '2019-02']
    """
    if len(table) > MAX_ROWS:
        return None
    for i, column in enumerate(table.columns[:MAX_COLUMNS]):
        if column.dtype.kind != "O" or not _FIRST.match(column[0]):
            continue
        unique, codes = factorize(column)
        texts = [without_mark(text.strip()) for text in unique]
        levels = _nested_levels(texts, codes) or _full_levels(texts, codes)
        if levels is not None:
            return _keep_finest(i, column, *levels)
    return None


def _drop_totals_of_times(table: RawTable) -> RawTable:
    """Leave out rows that are called totals in a column of times, such as Total 2018 below the months of 2018."""
    for i, column in enumerate(table.columns[:MAX_COLUMNS]):
        if column.dtype.kind != "O":
            continue
        cells = {cell: cell.strip() for cell in set(column.tolist())}
        names = {cell for cell, text in cells.items() if len(text) <= MAX_LABEL and _is_total(text)}
        if not names:
            continue
        is_total = np.array([cell in names for cell in column], bool)
        rest = column[~is_total & ~is_missing(column)]
        if len(rest) > is_total.sum() and looks_like_dates(rest) and parse_times(rest).is_valid.all():
            table = _leave_out(table, is_total, i)
    return table


def _is_total(text: str) -> bool:
    """Whether a label is a word for a total, or has one next to what it is of."""
    return is_called_total(text) or bool(label_of_total(text))


def _leave_out(table: RawTable, is_total: BoolArray, column: int) -> RawTable:
    """Return the other rows, and a note with a label of a column."""
    example = next(cell for cell in table.columns[column][is_total] if cell.strip())
    note = f"{format_count(int(is_total.sum()), 'row')} of subtotals left out, such as {example.strip()!r}."
    return take_rows(replace(table, notes=(*table.notes, note)), np.flatnonzero(~is_total))


def _may_be_ids(name: str, cells: RawColumn) -> bool:
    """Whether cells name series: numbers need a name of ids."""
    return is_called_id(name) or not parse_numbers(cells).is_valid.any()


def _beginnings(times: RawColumn) -> BoolArray:
    """Rows where times do not go on from the row before; none if some are invalid."""
    parsed = parse_times(times)
    if not parsed.is_valid.all() or len(times) < 2:
        return np.zeros(len(times), bool)
    steps = np.sign(np.diff(parsed.values).astype(np.int64))
    return np.concatenate([[True], steps != np.sign(np.median(steps))])


def _are_called_totals(column: RawColumn) -> BoolArray:
    """Rows whose label is the total of another label, or of all."""
    if column.dtype.kind != "O":
        return np.zeros(len(column), bool)
    cells = [cell.strip() for cell in column]
    names = set(cells)
    labels = names - {""}
    totals = {name for name in names if len(name) <= MAX_LABEL and label_of_total(name) in labels}
    totals |= {name for name in names if totals and is_called_total(name)}
    return np.array([cell in totals for cell in cells], bool)


def _lack_a_cell(rows: BoolArray, others: BoolArray, columns: Sequence[RawColumn]) -> bool:
    """Whether some rows have nothing in a column in which nearly all others have a cell: a subtotal has no month."""
    missing = [is_missing(column) for column in columns]
    return any(bool(m[rows].all() and m[others].mean() < MAX_MISSING) for m in missing)


def _fill_down(column: RawColumn) -> RawColumn:
    """A column with empty cells filled by the one above; numbers that are whole become integers."""
    is_given = ~is_missing_id(column)
    filled = column[np.maximum.accumulate(np.where(is_given, np.arange(len(column)), 0))]
    is_whole = filled.dtype.kind == "f" and bool((filled == np.rint(filled)).all())
    return filled.astype(np.int64) if is_whole else filled


def _nested_levels(texts: Sequence[str], codes: IntArray) -> tuple[IntArray, Times] | None:
    """Level and time of rows whose months and quarters stand below their year; None for others."""
    years = np.array([int(text) if _YEAR.fullmatch(text) else 0 for text in texts])
    quarters = [quarter_number(text) for text in texts]
    rest = [k for k, text in enumerate(texts) if not years[k] and not quarters[k] and not is_called_total(text)]
    months = month_numbers([texts[k] for k in rest]) if rest else []
    if (years > 0).sum() < MIN_YEARS or months is None or not (rest or any(quarters)):
        return None
    level, month = np.full(len(texts), -1), np.ones(len(texts), np.int64)
    level[years > 0] = YEAR
    for k, quarter in enumerate(quarters):
        if quarter:
            level[k], month[k] = QUARTER, 3 * quarter - 2
    level[rest], month[rest] = MONTH, months
    row_level, row_year = level[codes], years[codes]
    if row_level[0] != YEAR:
        return None
    heading = np.maximum.accumulate(np.where(row_level == YEAR, np.arange(len(codes)), 0))
    return row_level, make_dates(row_year[heading], month[codes], np.ones_like(codes))


def _full_levels(texts: Sequence[str], codes: IntArray) -> tuple[IntArray, Times] | None:
    """Level and time of rows that are called 2018, 2018 Q1 and 2018 JAN; None for others."""
    level, times = np.full(len(texts), MONTH), np.full(len(texts), np.datetime64("NaT", "us"))
    for k, text in enumerate(texts):
        match = _QUARTER_OF_YEAR.fullmatch(text)
        if _YEAR.fullmatch(text):
            level[k], times[k] = YEAR, np.datetime64(text)
        elif match:
            year, quarter = int(match[1] or match[4]), int(match[2] or match[3])
            level[k], times[k] = QUARTER, np.datetime64(f"{year}-{3 * quarter - 2:02d}")
    rest = np.flatnonzero(level == MONTH)
    # 2018 next to 2018.0833 is January of decimal years.
    if len(np.unique(level)) < 2 or any(_NUMBER.fullmatch(texts[k]) for k in rest.tolist()):
        return None
    if len(rest):
        parsed = parse_times(to_text(np.asarray(texts, object)[rest]))
        if not parsed.is_valid.all() or parsed.values.dtype.kind != "M":
            return None
        times[rest] = parsed.values
        # Years may be written in two ways, 2023 and FY2024: those of the second are no months.
        are_years = (times[rest] == times[rest].astype("M8[Y]")).all()
        if are_years or not (times[rest] == times[rest].astype("M8[M]")).all():
            return None
    return level[codes], times[codes]


def _keep_finest(column: int, labels: RawColumn, level: IntArray, times: Times) -> OutlineTimes | None:
    """The rows of the finest level; None if there is no other, or if they are few or repeat."""
    finest = int(level.max())
    rows = np.flatnonzero(level == finest)
    if finest <= 0 or len(rows) < MIN_FINEST or len(np.unique(times[rows])) < len(rows):
        return None
    left_out = [k for k in range(finest) if (level == k).any()]
    # Totals are of years that have rows of the finest level: other rows of years are a history of their own.
    years = times.astype("M8[Y]")
    if not left_out or not np.isin(years[level < finest], years[rows]).any():
        return None
    names = " and ".join(LEVEL_NAMES[k] for k in left_out)
    example = labels[int((level == left_out[0]).argmax())].strip()
    note = f"Rows of {names}, such as {example!r}, are left out next to those of {LEVEL_NAMES[finest]}."
    return OutlineTimes(column, np.where(level == finest, times, np.datetime64("NaT", "us")), rows, note)
