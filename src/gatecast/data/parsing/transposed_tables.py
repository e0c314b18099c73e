"""Transposed tables: a row for each series, and a column for each period.

The names of the columns are the times: dates, years, quarters, or numbered periods such as d_1, d_2, d_3.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from gatecast._utils.arrays import sorted_unique
from gatecast._utils.formatting import format_count
from gatecast._utils.typing import BoolArray, FloatArray, IntArray
from gatecast.data.messages import list_columns, shorten
from gatecast.data.parsing.column_roles import TIME_NAMES
from gatecast.data.parsing.columns import is_missing_id, parse_number_column
from gatecast.data.parsing.dates import MONTHS
from gatecast.data.parsing.numbers import parse_numbers
from gatecast.data.parsing.parsed_times import ParsedTimes
from gatecast.data.parsing.raw_table import RawColumn, RawTable, factorize, is_missing, take_rows, to_text
from gatecast.data.parsing.series_keys import SeriesKeys, join_ids, naming_columns
from gatecast.data.parsing.timestamps import looks_like_dates, parse_times
from gatecast.data.parsing.total_words import begins_as_total, is_called_total_or_remark
from gatecast.errors import DataError

__all__ = ["Periods", "are_period_names", "drop_footers", "find_periods", "key_columns", "parse_matrix", "row_keys"]

MIN_PERIODS = 3
MIN_PLAIN_NUMBERS = 5
"""Columns called 1, 2, 3, ..., of which fewer may have other meanings."""
SAMPLE_SIZE = 200
N_SAMPLED_COLUMNS = 20
PERIOD_WORDS = frozenset(
    {"d", "day", "w", "wk", "week", "m", "month", "p", "per", "period", "q", "quarter", "h", "hour"}
    | {"t", "time", "step", "y", "yr", "year", "v", "f", "obs"}
)
"""Words that number periods, in the names of columns such as d_1 or Week 12."""

MAX_ROWS_OF_TOTALS = 1_000
ROUNDED, MIN_SUMS = 1e-3, 0.9
"""By what share totals may differ from sums, and the share of periods in which they are sums."""
MAX_FOOTER_FILLED = 0.1
MIN_FILLED = 0.5
CALENDAR_WORDS = frozenset({*MONTHS, *(month[:3] for month in MONTHS), "sept", "q1", "q2", "q3", "q4"})
"""Texts of a column that divides years, next to columns that are years."""

_YEAR_CODE = re.compile(r"(\d{4}) ?\[YR\1\]", re.IGNORECASE)
_YEAR = re.compile(r"(?:1[5-9]|2[01])\d\d")
_R_NAME = re.compile(r"X(?=\d)")
_FISCAL_YEAR = re.compile(r"FY ?((?:1[5-9]|2[01])\d\d)", re.IGNORECASE)
_NUMBERED = re.compile(r"([A-Za-z]*)[ _.-]*(\d{1,6})")


class Periods(NamedTuple):
    """Columns of a transposed table that hold the values.

    Args:
        columns: Indices of the columns.
        times: Their times.
        are_numbered: Whether the periods are only numbered, so that a series ends at its last value.
    """

    columns: tuple[int, ...]
    times: ParsedTimes
    are_numbered: bool


def find_periods(
    table: RawTable, exclude: Collection[int] = (), named: Collection[int] = (), *, as_integers: bool = False
) -> Periods | None:
    """Return the columns that are periods, None if the table is not transposed.

    Args:
        table: The table.
        exclude: Columns with another role.
        named: Id columns that the user named.
        as_integers: Read numbers as time steps even where they look like dates.

    >>> table = RawTable(("shop", "2020-01", "2020-02"), (np.array(["a"], object), np.array([1]), np.array([2])))
    >>> find_periods(table).columns
    (1, 2)
    """
    if not table.has_header or len(table.names) < 2 or not len(table):
        return None
    free = [i for i in range(len(table.names)) if i not in {*exclude, *named}]
    periods = _match_names([table.names[i] for i in free])
    if periods is None:
        return None
    positions, times, are_numbered = periods
    columns = [free[k] for k in positions]
    keep = [k for k, i in enumerate(columns) if k > 0 or not _is_text(table.columns[i])]
    columns = [columns[k] for k in keep]
    others = [i for i in free if i not in set(columns)]
    if len(columns) < 2 or not _hold_numbers(table, columns) or any(_may_be_times(table, i) for i in others):
        return None
    if are_numbered and len(table) > 1 and not named and not _have_names(table, others, len(columns)):
        return None
    if as_integers and times.number_format:
        times = parse_times(to_text(_clean(table.names[i]) for i in columns), as_integers=True)
    else:
        times = times._replace(values=times.values[keep], is_valid=times.is_valid[keep])
    return Periods(tuple(columns), times, are_numbered)


def are_period_names(cells: Sequence[str], *, may_be_numbered: bool = True) -> bool:
    """Return whether the cells of a row are periods in order, as the names of columns may be.

    Args:
        cells: Cells of a row.
        may_be_numbered: Whether periods that are only numbered count.

    >>> are_period_names(["country", "1960", "1961", "1962"]), are_period_names(["north", "5", "3", "8"])
    (True, False)
    """
    if sum(any(map(str.isdigit, cell)) for cell in cells) < MIN_PERIODS:
        return False
    periods = _match_names([cell.strip() for cell in cells])
    if periods is None or len(periods[0]) < MIN_PERIODS or (periods[2] and not may_be_numbered):
        return False
    steps = np.diff(periods[1].values.astype(np.int64))
    return bool((steps > 0).all() or (steps < 0).all())


def key_columns(table: RawTable, periods: Periods, exclude: Collection[int], named: Sequence[int]) -> tuple[int, ...]:
    """Return the columns that name the series: those that are named, or the smallest set that differs in every row.

    Args:
        table: The table.
        periods: Columns that hold values.
        exclude: Columns with another role.
        named: Id columns that the user named.

    Raises:
        DataError: Two rows have the same names, or a row has none.
    """
    taken = {*periods.columns, *exclude}
    others = [i for i in range(len(table.names)) if i not in taken]
    texts = [i for i in others if _is_text(table.columns[i])]
    codes = [i for i in others if i not in texts and _are_whole(table.columns[i])]
    if named or (len(table) == 1 and not texts):
        chosen: tuple[int, ...] = tuple(named)
    elif len(table) == 1:
        chosen = (texts[0],)
    else:
        chosen = naming_columns(table, texts) or naming_columns(table, [*texts, *codes])
    if len(table) > 1:
        if not chosen:
            _check_complete(table, others)
        _check_different(table, chosen, named, texts, codes)
    return chosen


def _check_complete(table: RawTable, columns: Sequence[int]) -> None:
    """Refuse a row without a name where all others have different ones."""
    for i in columns:
        missing = np.flatnonzero(is_missing_id(table.source_column(i)))
        present = np.delete(to_text(table.source_column(i).tolist()), missing)
        if 0 < len(missing) < len(table) and len(set(present.tolist())) == len(present):
            raise DataError(
                "Missing series id",
                where=f"{table.describe_row(int(missing[0]))}, {table.describe_column(i)}",
                expected="an id in every row",
                fix=f"Fill in the id or remove the row (rows without an id in total: {len(missing)}).",
            )


def row_keys(table: RawTable, columns: Sequence[int]) -> SeriesKeys:
    """Return the ids of the rows; where several columns name a series, some of them may be empty.

    >>> table = RawTable(("state", "country"), (np.array(["", "x"], object), np.array(["Chad", "Mali"], object)))
    >>> row_keys(table, [0, 1]).ids.tolist()
    ['/Chad', 'x/Mali']
    """
    values = [
        column if column.dtype.kind in "iu" else _without_missing(column)
        for column in (table.source_column(i) for i in columns)
    ]
    if len(values) == 1:
        return SeriesKeys(values[0], {})
    return SeriesKeys(join_ids(values), {table.names[i]: value for i, value in zip(columns, values, strict=True)})


def _without_missing(column: RawColumn) -> RawColumn:
    """A column as texts, empty where an id is missing."""
    return to_text(np.where(is_missing_id(column), "", to_text(str(cell).strip() for cell in column.tolist())))


def drop_footers(table: RawTable, periods: Periods) -> RawTable:
    """Return a transposed table without rows that are no series; notes say so.

    Left out are rows at its end that are a source, or a total of a few cells, totals of the rows above, and headings
    without values.

    >>> values = to_text(["1", "2", "3", ""])
    >>> table = RawTable(("shop", "2020", "2021", "2022"), (to_text(["a", "b", "c", "Total"]), values, values, values))
    >>> drop_footers(table, find_periods(table)).columns[0].tolist()
    ['a', 'b', 'c']
    """
    texts = [i for i in range(len(table.names)) if i not in set(periods.columns) and table.columns[i].dtype.kind == "O"]
    filled = np.sum([~is_missing(table.columns[i]) for i in periods.columns], axis=0) / len(periods.columns)
    n = len(table)
    while n > 1 and texts and _is_footer(" ".join(table.columns[i][n - 1] for i in texts).strip(), filled[:n]):
        n -= 1
    if n == len(table):
        return _drop_totals(table, periods, texts)
    words = shorten(" ".join(table.columns[i][n] for i in texts).strip())
    note = (
        f"Below the table {format_count(len(table) - n, 'row')} left out, from {table.describe_row(n)} on: {words!r}."
    )
    return _drop_totals(replace(take_rows(table, np.arange(n)), notes=(*table.notes, note)), periods, texts)


def _drop_totals(table: RawTable, periods: Periods, texts: Sequence[int]) -> RawTable:
    """The table without rows that are called totals and are the sum of others, and without rows that have no values."""
    if not texts or not 2 < len(table) <= MAX_ROWS_OF_TOTALS:
        return table
    values = np.stack([parse_numbers(table.columns[i], table.decimal_mark).values for i in periods.columns], axis=1)
    labels = [next((cell for i in texts if (cell := table.columns[i][k].strip())), "") for k in range(len(table))]
    is_empty: BoolArray = np.asarray(np.isnan(values).all(axis=1))
    is_total = np.zeros(len(table), bool)
    start = 0
    for k, label in enumerate(labels):
        if begins_as_total(label) and not is_empty[k]:
            others, block = np.flatnonzero(~is_total & (np.arange(len(table)) != k)), np.arange(start, k)
            sums = [rows for rows in (others, block) if len(rows) > (rows is others or start == 0)]
            is_total[k] = any(_is_sum(values[rows], values[k]) for rows in sums)
        start = k + 1 if is_total[k] or is_empty[k] else start
    # Headings without values stand above the rows that a total sums up.
    dropped = np.flatnonzero(is_total | (is_empty & bool(is_total.any())))
    if not len(dropped) or len(dropped) > len(table) - 1:
        return table
    names = list_columns([labels[k] for k in dropped])
    note = f"Left out as totals of others, or as headings without values: {names}."
    return replace(take_rows(table, np.setdiff1d(np.arange(len(table)), dropped)), notes=(*table.notes, note))


def _is_sum(rows: FloatArray, total: FloatArray) -> bool:
    """Whether a row is the sum of others in nearly all periods."""
    sums = np.nansum(rows, axis=0)
    known = np.isfinite(total)
    return bool(sums.any() and np.isclose(sums, total, rtol=ROUNDED, atol=0.01)[known].mean() >= MIN_SUMS)


def _is_footer(name: str, filled: FloatArray) -> bool:
    """Whether the last row is no series: nearly empty below full ones, and called a total or without values."""
    sparse = filled[-1] <= MAX_FOOTER_FILLED and np.median(filled[:-1]) >= MIN_FILLED
    return bool(sparse and (is_called_total_or_remark(name) or (filled[-1] == 0 and re.search("[:：]", name))))


def parse_matrix(table: RawTable, periods: Periods) -> tuple[FloatArray, tuple[str, ...]]:
    """Parse the values of all periods.

    Returns:
        Values, shape (n_rows, n_periods), and notes on how they were read.

    Raises:
        DataError: A value that is neither missing nor a number.
    """
    values = np.empty((len(table), len(periods.columns)))
    notes: dict[str, None] = {}
    for k, i in enumerate(periods.columns):
        parsed = parse_number_column(table, i, "value")
        values[:, k] = parsed.values
        notes.update(dict.fromkeys(parsed.notes))
    return values, tuple(notes)[:1]


def _match_names(names: Sequence[str]) -> tuple[list[int], ParsedTimes, bool] | None:
    """Positions of the names that are periods, their times, and whether they are only numbered."""
    texts = [_clean(name) for name in names]
    for match in (_match_years, _match_dates):
        matched = match(texts)
        if matched is not None:
            return (*matched, False)
    numbered = _match_numbers(names)
    return None if numbered is None else (*numbered, True)


def _clean(name: str) -> str:
    """A name without what statistical software adds: 1960 [YR1960], X1960, X1.22.20, FY2020."""
    name = name.strip()
    for pattern in (_YEAR_CODE, _FISCAL_YEAR):
        match = pattern.fullmatch(name)
        if match is not None:
            return match[1]
    if _R_NAME.match(name):
        name = name[1:]
        return name.replace(".", "-" if _YEAR.match(name) else "/")
    return name


def _match_years(texts: Sequence[str]) -> tuple[list[int], ParsedTimes] | None:
    """Positions and times of names that are years."""
    positions = [k for k, text in enumerate(texts) if _YEAR.fullmatch(text)]
    if len(positions) < MIN_PERIODS:
        return None
    return positions, parse_times(to_text(texts[k] for k in positions))


def _match_dates(texts: Sequence[str]) -> tuple[list[int], ParsedTimes] | None:
    """Positions and times of names that are dates, also written as 202401 or 20240131."""
    possible = [k for k, text in enumerate(texts) if any(character.isdigit() for character in text)]
    cells = to_text(texts[k] for k in possible)
    if len(cells) < 2:
        return None
    digits = [len(text) in (6, 8) and text.isdigit() for text in cells.tolist()]
    if not (looks_like_dates(cells) or sum(digits) >= MIN_PERIODS):
        return None
    if sum(digits) >= MIN_PERIODS:
        possible = [k for k, is_digits in zip(possible, digits, strict=True) if is_digits]
        cells = to_text(texts[k] for k in possible)
    parsed = parse_times(cells)
    valid = np.flatnonzero(parsed.is_valid)
    if len(valid) < 2 or parsed.values.dtype.kind != "M":
        return None
    return [possible[k] for k in valid.tolist()], parsed._replace(
        values=parsed.values[valid], is_valid=parsed.is_valid[valid]
    )


def _match_numbers(names: Sequence[str]) -> tuple[list[int], ParsedTimes] | None:
    """Positions and numbers of names that count periods: one word, and numbers without a gap."""
    by_word: dict[str, dict[int, int]] = {}
    for k, name in enumerate(names):
        match = _NUMBERED.fullmatch(name.strip())
        if match is not None:
            by_word.setdefault(match[1].lower(), {})[k] = int(match[2])
    word, numbers = max(by_word.items(), key=lambda item: len(item[1]), default=("", {}))
    values = np.array(list(numbers.values()), np.int64)
    needed = MIN_PERIODS if word else MIN_PLAIN_NUMBERS
    if len(values) < needed or (word and word not in PERIOD_WORDS) or not (np.diff(values) == 1).all():
        return None
    return list(numbers), ParsedTimes(values, np.ones(len(values), bool))


def _hold_numbers(table: RawTable, columns: Sequence[int]) -> bool:
    """Whether some of the columns, spread over all, hold numbers or nothing."""
    step = max(1, len(columns) // N_SAMPLED_COLUMNS)
    return not any(_is_text(table.columns[i]) or table.columns[i].dtype.kind == "M" for i in columns[::step])


def _is_text(column: RawColumn) -> bool:
    """Whether most present values of a sample are neither numbers nor dates."""
    if column.dtype.kind != "O":
        return False
    present = _present(column)
    return len(present) > 0 and bool(parse_numbers(present).is_valid.mean() <= 0.5) and not looks_like_dates(present)


def _present(column: RawColumn) -> RawColumn:
    """The first values that are not missing."""
    for rows in (column[: 4 * SAMPLE_SIZE], column):
        present = rows[~is_missing(rows)][:SAMPLE_SIZE]
        if len(present):
            return present
    return column[:0]


def _have_names(table: RawTable, others: Sequence[int], n_periods: int) -> bool:
    """Whether the other columns name series: by texts, or next to many periods by integers."""
    if any(_is_text(table.columns[i]) for i in others):
        return True
    codes = [i for i in others if _are_whole(table.columns[i])]
    return n_periods >= MIN_PLAIN_NUMBERS and n_periods > len(others) and bool(naming_columns(table, codes))


def _may_be_times(table: RawTable, i: int) -> bool:
    """Whether a column holds times that differ in every row: then the rows are times."""
    column = table.columns[i]
    if table.names[i].lower() in TIME_NAMES and _are_whole(column):
        return len(np.unique(column)) == len(column) > 1
    if column.dtype.kind == "M":
        return np.isnat(column).sum() < 2 and len(sorted_unique(column)) == len(column) > 1
    if column.dtype.kind != "O":
        return False
    unique = {text.strip().lower() for text in column.tolist()}
    if len(column) > 1 and unique <= CALENDAR_WORDS:
        return True
    return looks_like_dates(_present(column)) and len(unique) == len(column) > 1


def _are_whole(column: RawColumn) -> bool:
    """Whether a column holds integers, present in every row."""
    if is_missing(column).any():
        return False
    parsed = parse_numbers(column)
    return bool(parsed.is_valid.all() and (parsed.values == np.rint(parsed.values)).all())


def _check_different(
    table: RawTable, chosen: Sequence[int], named: Sequence[int], texts: Sequence[int], codes: Sequence[int]
) -> None:
    """Refuse two rows with the same names."""
    shown = chosen or texts or codes
    first = _repeated_rows([table.columns[i] for i in shown], len(table))
    if first is None:
        return
    larger = naming_columns(table, texts) or naming_columns(table, [*texts, *codes]) if named else ()
    names = [table.names[i] for i in larger]
    advice = f"Set id_col, for example id_col={names[0]!r}." if len(names) == 1 else ""
    if len(names) > 1:
        advice = f"Set id_col, for example id_col=[{', '.join(map(repr, names))}]."
    raise DataError(
        "Two rows name the same series",
        where=" and ".join(table.describe_row(row) for row in first),
        got=", ".join(f"{table.names[i]!r} {str(table.columns[i][first[0]]).strip()!r}" for i in shown[:3])
        or "no column with names",
        expected="a row for each series, whose times are the names of the columns",
        fix=advice or "Aggregate these rows, or add a column that names each of them.",
        argument="id_col",
    )


def _repeated_rows(columns: Sequence[RawColumn], n_rows: int) -> tuple[int, int] | None:
    """The first two rows with equal values, None if all differ."""
    codes: IntArray = np.zeros(n_rows, np.int64)
    for column in columns:
        unique, more = factorize(column)
        codes = np.unique(codes * len(unique) + more, return_inverse=True)[1]
    order = np.argsort(codes, kind="stable")
    equal = np.flatnonzero(np.diff(codes[order]) == 0)
    return (int(order[equal[0]]), int(order[equal[0] + 1])) if len(equal) else None
