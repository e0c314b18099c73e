"""Which column is what: times, values, names of series; worked out from names and contents, or given.

Letters: N rows.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from difflib import get_close_matches
from typing import NamedTuple

import numpy as np

from gatecast.data.parsing.numbers import read_numbers
from gatecast.data.parsing.raw_table import Cells, RawTable, factorise, missing, text_cells
from gatecast.data.parsing.timestamps import looks_like_dates
from gatecast.errors import ConfigError, DataError

__all__ = [
    "ColumnRoles",
    "assign_roles",
    "find_column",
    "join_parts",
    "numeric_columns",
    "series_column",
    "time_column",
]

TIME_NAMES = (
    *("ds", "date", "datetime", "timestamp", "time", "month", "quarter", "year", "week", "day", "period"),
    *("date_time", "time_stamp", "index", "t", "step", "datum", "zeit", "fecha", "日期", "时间"),
)
TARGET_NAMES = (
    *("y", "value", "values", "target", "target_value", "sales", "demand", "count", "cnt", "total", "close"),
    *("price", "load", "quantity", "qty", "amount", "wert", "值"),
)
ID_NAMES = (
    "unique_id",
    "series_id",
    "item_id",
    "ts_id",
    "id",
    "series",
    "item",
    "name",
    "store",
    "sku",
    "key",
)
# Row numbers that spreadsheets, R and pandas leave behind.
COUNTER_NAMES = ("", "rownames", "row", "index", "unnamed: 0", "id", "no", "nr", "column 1")
SAMPLE = 200


class ColumnRoles(NamedTuple):
    """Positions of columns.

    Args:
        id: Column of the series' names; None if nothing says yet that there are several series.
        time: Column of times; None if rows are only in order.
        target: Column of values.
    """

    id: int | None
    time: int | None
    target: int


def assign_roles(
    table: RawTable,
    id_col: str | None = None,
    time_col: str | None = None,
    target_col: str | None = None,
    others: Collection[int] = (),
) -> ColumnRoles:
    """Work out the columns that are not given by name.

    Times: the column of dates; else a numeric column with a name for times; else, beside other numbers, a
    first column of increasing whole numbers; else none. Values: the one numeric column left, or the one with
    a name for values. Series: a column with a name for series whose cells repeat.

    Args:
        table: The table.
        id_col: Name of the column of series.
        time_col: Name of the column of times.
        target_col: Name of the column of values.
        others: Columns that are something else.

    Raises:
        ConfigError: A name given that no column has.
        DataError: No column of numbers, several that could be the target.

    >>> table = Table(("Month", "Passengers"), (np.array(["2024-01"], object), np.array([112.0])))
    >>> assign_roles(table)
    Roles(id=None, time=0, target=1)
    """
    series, time, target = (
        None if name is None else find_column(table, name, argument)
        for name, argument in ((id_col, "id_col"), (time_col, "time_col"), (target_col, "target_col"))
    )
    taken = {*others, *(column for column in (series, target) if column is not None)}
    kinds = {i: _kind(column) for i, column in enumerate(table.columns) if i not in taken | {time}}
    if time is None:
        time = _guess_time(table, kinds, taken)
    taken |= {time} if time is not None else set()
    if target is None:
        target = _guess_target(table, kinds, taken)
    if series is None:
        left = [i for i in kinds if i not in (time, target) and kinds[i] != "date"]
        named = _by_name(table, left, ID_NAMES)
        series = named if named is not None and _repeats(table.columns[named]) else None
    return ColumnRoles(series, time, target)


def time_column(table: RawTable, time_col: str | None, others: Collection[int]) -> int | None:
    """The column of times of a wide table, None if there is none.

    Args:
        table: The table.
        time_col: Its name; worked out if None.
        others: Columns that are something else.

    Raises:
        ConfigError: No column has the name.

    >>> time_column(Table(("ds", "a", "b"), (np.arange(3), np.ones(3), np.zeros(3))), None, ())
    0
    """
    if time_col is not None:
        return find_column(table, time_col, "time_col")
    kinds = {i: _kind(column) for i, column in enumerate(table.columns) if i not in others}
    return _guess_time(table, kinds, set(others))


def series_column(table: RawTable, roles: ColumnRoles, times: Cells, others: Collection[int] = ()) -> int | None:
    """The text column under which repeated times are those of different series; None if none or needed.

    Args:
        table: The table.
        roles: The columns known.
        times: (N,) times of the rows.
        others: Columns that are something else.

    >>> table = Table(("shop", "t", "y"), (np.array(["a", "b"], object), np.array([1, 1]), np.ones(2)))
    >>> series_column(table, ColumnRoles(None, 1, 2), np.array([1, 1]))
    0
    """
    if len(np.unique(times)) == len(times):
        return None
    ticks = np.unique(times, return_inverse=True)[1]
    for i, column in enumerate(table.columns):
        if i not in (*roles, *others) and column.dtype.kind == "O" and _kind(column) == "text":
            names, codes = factorise(column)
            if len(np.unique(ticks * len(names) + codes)) == len(times):
                return i
    return None


def numeric_columns(table: RawTable, others: Collection[int]) -> list[int]:
    """The columns of numbers, without mere row numbers and without those that are something else.

    >>> table = Table(("", "a", "b"), (np.array([1, 2]), np.array([5.0, 6.0]), text_cells(["x", "y"])))
    >>> numeric_columns(table, ())
    [1]
    """
    numbers = [i for i, column in enumerate(table.columns) if i not in others and _kind(column) == "number"]
    return [i for i in numbers if not (table.names[i].lower() in COUNTER_NAMES and _increases(table.columns[i]))]


def join_parts(table: RawTable, time_col: str | None = None, keep: Collection[str] = ()) -> RawTable:
    """A table whose year and month, perhaps day, stand in columns of their own gets them joined in front.

    Args:
        table: The table.
        time_col: Column of times, if it was named.
        keep: Columns that stay, even if they are joined.

    >>> table = Table(("Year", "Month", "y"), (np.array([2024, 2024]), np.array([1, 2]), np.ones(2)))
    >>> joined = join_parts(table)
    >>> joined.param_names, joined.columns[0].tolist()
    (('Year-Month', 'y'), ['2024-01', '2024-02'])
    """
    lower = [name.lower() for name in table.names]
    places = [lower.index(part) for part in ("year", "month", "day") if part in lower]
    if time_col is not None or len(places) < 2 or not table.named:
        return table
    parts = [read_numbers(table.columns[place]) for place in places]
    whole = all(part.readable.all() and (part.values == np.rint(part.values)).all() for part in parts)
    if not whole or not (parts[1].values <= 12).all():
        return table
    numbers = (part.values.astype(int).tolist() for part in parts)
    joined = text_cells(
        "-".join([f"{row[0]:04d}", *(f"{part:02d}" for part in row[1:])]) for row in zip(*numbers, strict=True)
    )
    rest = [i for i in range(len(table.names)) if i not in places or table.names[i] in keep]
    name = "-".join(table.names[place] for place in places)
    return replace(
        table,
        names=(name, *(table.names[i] for i in rest)),
        columns=(joined, *(table.columns[i] for i in rest)),
        notes=(*table.notes, f"The time is made of the columns {name.replace('-', ', ')}."),
    )


def find_column(table: RawTable, name: object, argument: str) -> int:
    """The column of a name that was given.

    Args:
        table: The table.
        name: The name.
        argument: By what it was given, for the message.

    Raises:
        ConfigError: No column has the name.

    >>> find_column(Table(("y",), (np.zeros(2),)), "y", "target_col")
    0
    """
    # In tables of other libraries names may be numbers; here every name is text.
    if str(name) in table.names:
        return table.names.index(str(name))
    known = ", ".join(map(repr, table.names[:20])) + (", ..." if len(table.names) > 20 else "")
    folded = {other.lower(): other for other in table.names}
    close = [folded[match] for match in get_close_matches(str(name).lower(), folded, n=1, cutoff=0.5)]
    raise ConfigError(
        "there is no column of this name",
        where=argument,
        got=repr(name),
        expected=f"one of {known}",
        fix=f"Did you mean {close[0]!r}?" if close else "",
    )


def _kind(column: Cells) -> str:
    """What a column holds, judged by its first cells: "date", "number", "text" or "empty"."""
    head = column[: 4 * SAMPLE]
    present = head[~missing(head)][:SAMPLE]
    if not len(present):
        present = column[~missing(column)][:SAMPLE]
    if not len(present):
        return "empty"
    if looks_like_dates(present):
        return "date"
    return "number" if read_numbers(present).readable.mean() > 0.5 else "text"


def _by_name(table: RawTable, columns: list[int], names: tuple[str, ...]) -> int | None:
    """The column whose name comes first in a list of usual names."""
    rank = {name: k for k, name in enumerate(names)}
    known = [(rank[table.names[i].lower()], i) for i in columns if table.names[i].lower() in rank]
    return min(known)[1] if known and table.named else None


def _guess_time(table: RawTable, kinds: dict[int, str], taken: set[int]) -> int | None:
    """The column of times, None if there is none."""
    free = [i for i in kinds if i not in taken]
    dates = [i for i in free if kinds[i] == "date"]
    if dates:
        named = _by_name(table, dates, TIME_NAMES)
        return dates[0] if named is None else named
    numbers = [i for i in free if kinds[i] == "number"]
    named = _by_name(table, [i for i in free if kinds[i] != "empty"], TIME_NAMES)
    if named is not None and (numbers != [named] or taken):
        return named
    if numbers and (len(numbers) > 1 or taken) and _increases(table.columns[numbers[0]]):
        return numbers[0]
    # Text that never repeats beside the numbers must be meant as times; reading it will say what is wrong.
    texts = [i for i in free if kinds[i] == "text" and not _repeats(table.columns[i])]
    return texts[0] if texts and (numbers or taken) else None


def _guess_target(table: RawTable, kinds: dict[int, str], taken: set[int]) -> int:
    """The column of values."""
    free = [i for i in kinds if i not in taken]
    numbers = [i for i in free if kinds[i] == "number"]
    if len(numbers) > 1:
        named = {i: table.names[i].lower() for i in numbers}
        counters = {i for i in numbers if named[i] in COUNTER_NAMES and _increases(table.columns[i])}
        ids = {i for i in numbers if named[i] in ID_NAMES and _repeats(table.columns[i])}
        numbers = [i for i in numbers if i not in counters | ids] or numbers
    target = _by_name(table, numbers, TARGET_NAMES)
    if target is not None or len(numbers) == 1:
        return numbers[0] if target is None else target
    if numbers:
        names = ", ".join(repr(table.names[i]) for i in numbers[:20])
        raise DataError(
            "several columns could be the target",
            got=f"numbers in {names}" + (", ..." if len(numbers) > 20 else ""),
            expected="one column of values",
            fix=f"Name it, as in target_col={table.names[numbers[-1]]!r}.",
        )
    # Without numbers the likeliest column is taken, so that reading it can name its first bad cell.
    target = _by_name(table, free, TARGET_NAMES)
    likely = [i for i in free if kinds[i] == "empty"] or [i for i in free if kinds[i] == "text"]
    if target is not None or likely:
        return likely[-1] if target is None else target
    raise DataError(
        "there is no column of values",
        got=f"the columns {', '.join(map(repr, table.names))}",
        expected="a column of numbers beside the times",
        fix="Is the separator between the cells one of , ; | or a tab?",
    )


def _increases(column: Cells) -> bool:
    """Whether the cells are whole numbers that rise from row to row."""
    for cells in (column[:SAMPLE], column):
        values = read_numbers(cells).values
        if not ((values == np.rint(values)).all() and (np.diff(values) > 0).all()):
            return False
    return True


def _repeats(column: Cells) -> bool:
    """Whether some cells are equal."""
    head = column[:SAMPLE].tolist()
    return len(set(head)) < len(head) or len(set(column.tolist())) < len(column)
