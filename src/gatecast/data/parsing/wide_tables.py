"""Wide tables: a column of times and a column per series, reshaped to a long table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast._utils.typing import FloatArray, IntArray
from gatecast.data.messages import list_columns
from gatecast.data.parsing.column_roles import find_column, numeric_columns
from gatecast.data.parsing.columns import parse_number_column
from gatecast.data.parsing.exogenous import ExogenousColumns
from gatecast.data.parsing.raw_table import RawTable, factorize
from gatecast.data.parsing.series_keys import SeriesKeys, join_ids
from gatecast.errors import ConfigError, DataError

__all__ = ["ALL_COLUMNS", "LongColumns", "find_target_columns", "keys_of_columns", "melt", "melt_series"]

ALL_COLUMNS = "*"
"""Every numeric column except the times."""
VARIABLE = "variable"
"""Id column with the names of columns, where a series is an id and a column; `melt` of pandas has the same name."""
MAX_NOTES = 3


class LongColumns(NamedTuple):
    """A wide table in long format.

    Args:
        times: Times, shape (n_rows,).
        values: Values, shape (n_rows,).
        ids: Column name of the series of each row, shape (n_rows,).
        exogenous: Exogenous columns, the same for every series.
        notes: How the numbers were read, where that is not obvious, one sentence each.
        describe_row: Returns how messages refer to row i.
    """

    times: npt.NDArray[Any]
    values: FloatArray
    ids: npt.NDArray[Any]
    exogenous: ExogenousColumns
    notes: tuple[str, ...]
    describe_row: Callable[[int], str]


def find_target_columns(table: RawTable, target_col: str | Sequence[str], exclude: Sequence[int]) -> list[int]:
    """Return the columns that are series.

    Args:
        table: The table.
        target_col: Their names, or `ALL_COLUMNS`.
        exclude: Columns with another role.

    Raises:
        ConfigError: No name, an unknown name, or a repeated one.
        DataError: No numeric column.

    >>> find_target_columns(RawTable(("t", "a", "b"), (np.arange(2), np.ones(2), np.ones(2))), "*", [0])
    [1, 2]
    """
    if target_col == ALL_COLUMNS:
        columns = numeric_columns(table, exclude)
        if not columns:
            raise DataError(
                "No numeric column for the targets",
                got=f"the columns {list_columns(table.names)}",
                expected="a numeric column for each series",
            )
        return columns
    if isinstance(target_col, str) or not len(target_col):
        raise ConfigError(
            f"Invalid target_col {target_col!r}", expected="one column name or several", argument="target_col"
        )
    # A dictionary, because searching the tuple of names a hundred thousand times would take minutes.
    index = {name: i for i, name in enumerate(table.names)}
    columns = [
        index[str(name)] if str(name) in index else find_column(table, name, "target_col") for name in target_col
    ]
    if len(set(columns)) < len(columns):
        repeated = next(i for i in columns if columns.count(i) > 1)
        raise ConfigError(
            "Repeated column in target_col",
            got=repr(table.names[repeated]),
            expected="each column at most once",
            argument="target_col",
        )
    return columns


def melt(table: RawTable, columns: Sequence[int], times: npt.NDArray[Any], exogenous: ExogenousColumns) -> LongColumns:
    """Reshape a wide table to long format.

    A series begins where its column has its first value; missing values after that, up to the last row of the
    table, are missing values of the series. A column without any value is a series as long as the table.

    Args:
        table: The wide table.
        columns: Columns that are series.
        times: Times, shape (n_times,).
        exogenous: Exogenous columns, shape (n_times,).

    Raises:
        ConfigError: A static column.
        DataError: A value that is neither missing nor a number.

    >>> table = RawTable(("t", "a", "b"), (np.array([1, 2]), np.array([3.0, 4.0]), np.array([np.nan, 5.0])))
    >>> long = melt(table, [1, 2], table.columns[0], ExogenousColumns({}, {}, {}, {}))
    >>> long.ids.tolist(), long.times.tolist(), long.values.tolist(), long.describe_row(2)
    (['a', 'a', 'b'], [1, 2, 2], [3.0, 4.0, 5.0], "row index 1, series 'b'")
    """
    if exogenous.stat_exog:
        raise ConfigError(
            "A wide table has no static columns",
            where="stat_exog",
            argument="stat_exog",
            got=list_columns(exogenous.stat_exog),
            fix="Reshape the table to long format: one row per series and time, with columns for id, time and value.",
        )
    x = np.empty((len(columns), len(table)))
    notes: dict[str, None] = {}
    for s, column in enumerate(columns):
        parsed = parse_number_column(table, column)
        x[s] = parsed.values
        notes.update(dict.fromkeys(parsed.notes))
    first = np.argmin(np.isnan(x), axis=1)
    bounds = np.concatenate(([0], np.cumsum(len(table) - first)))
    names = np.array([table.names[i] for i in columns], object)

    def describe_row(i: int) -> str:
        """Refer to the row and column of a value."""
        s = int(np.searchsorted(bounds, i, side="right")) - 1
        return f"{table.describe_row(int(first[s]) + i - int(bounds[s]))}, series {names[s]!r}"

    def repeat(column: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """A column of the table for each series, from its first value on."""
        return np.concatenate([column[k:] for k in first.tolist()])

    hist_exog, futr_exog = (
        {name: repeat(column) for name, column in columns_of_role.items()}
        for columns_of_role in (exogenous.hist_exog, exogenous.futr_exog)
    )
    return LongColumns(
        repeat(times),
        np.concatenate([values[k:] for values, k in zip(x, first.tolist(), strict=True)]) if first.any() else x.ravel(),
        np.repeat(names, np.diff(bounds)),
        ExogenousColumns(hist_exog, futr_exog, {}, exogenous.categories, exogenous.notes),
        _abridge(list(notes)),
        describe_row,
    )


def melt_series(
    table: RawTable, columns: Sequence[int], times: npt.NDArray[Any], exogenous: ExogenousColumns, keys: SeriesKeys
) -> LongColumns:
    """Reshape a table with ids and a column for each of several quantities: a series for each id and column.

    A series begins where its column has the first value of the id, as in `melt`.

    Args:
        table: The table, with one row per id and time.
        columns: Columns that are series.
        times: Times, shape (n_rows,).
        exogenous: Exogenous columns, shape (n_rows,).
        keys: Ids of the rows.

    Returns:
        The table in long format; ids join those of the rows and the name of the column.

    Raises:
        DataError: A value that is neither missing nor a number.

    >>> ids = np.array(["x", "y"], object)
    >>> table = RawTable(("t", "a", "b"), (np.array([1, 1]), np.array([3.0, 4.0]), np.array([np.nan, 5.0])))
    >>> long = melt_series(table, [1, 2], table.columns[0], ExogenousColumns({}, {}, {}, {}), SeriesKeys(ids, {}))
    >>> long.ids.tolist(), long.values.tolist()
    (['x/a', 'y/a', 'x/b', 'y/b'], [3.0, 4.0, nan, 5.0])
    """
    unique, codes = factorize(keys.ids)
    parts = [*keys.columns.values()] if keys.columns else [unique]
    ticks = times.astype(np.int64)
    rows, values, ids = [], [], []
    notes: dict[str, None] = {}
    for i in columns:
        parsed = parse_number_column(table, i)
        notes.update(dict.fromkeys(parsed.notes))
        rows.append(np.flatnonzero(ticks >= _first_ticks(ticks, codes, parsed.values, len(unique))[codes]))
        values.append(parsed.values[rows[-1]])
        ids.append(join_ids([*parts, np.full(len(unique), table.names[i], object)])[codes[rows[-1]]])
    row = np.concatenate(rows)
    column = np.repeat(np.array(columns), [len(part) for part in rows])

    def describe_row(i: int) -> str:
        """Refer to the row and column of a value."""
        return f"{table.describe_row(int(row[i]))}, column {table.names[column[i]]!r}"

    hist_exog, futr_exog, stat_exog = (
        {name: cells[row] for name, cells in columns_of_role.items()}
        for columns_of_role in (exogenous.hist_exog, exogenous.futr_exog, exogenous.stat_exog)
    )
    return LongColumns(
        times[row],
        np.concatenate(values),
        np.concatenate(ids),
        ExogenousColumns(hist_exog, futr_exog, stat_exog, exogenous.categories, exogenous.notes),
        _abridge(list(notes)),
        describe_row,
    )


def keys_of_columns(
    table: RawTable, columns: Sequence[int], id_columns: Sequence[int], keys: SeriesKeys, ids: npt.NDArray[Any]
) -> dict[str, npt.NDArray[Any]]:
    """Return the id columns of the series of `melt_series`: those of the table, and one with names of columns.

    Args:
        table: The table.
        columns: Columns that are series.
        id_columns: Columns of the ids.
        keys: Ids of the rows of the table.
        ids: Ids of the series, in the order of the result.

    >>> keys = SeriesKeys(np.array([7, 8]), {})
    >>> table = RawTable(("shop", "a", "b"), (np.array([7, 8]), np.ones(2), np.ones(2)))
    >>> columns = keys_of_columns(table, [1, 2], [0], keys, np.array(["8/a", "7/b"], object))
    >>> {name: values.tolist() for name, values in columns.items()}
    {'shop': [8, 7], 'variable': ['a', 'b']}
    """
    parts = [*keys.columns.values()] if keys.columns else [factorize(keys.ids)[0]]
    n_ids = len(parts[0])
    repeated = [np.tile(part, len(columns)) for part in parts]
    names = np.repeat(np.array([table.names[i] for i in columns], object), n_ids)
    position = {name: k for k, name in enumerate(join_ids([*repeated, names]).tolist())}
    order = np.array([position[name] for name in ids.tolist()], np.int64)
    id_names = [table.names[i] for i in id_columns]
    variable = VARIABLE if VARIABLE not in id_names else f"{VARIABLE}_"
    return {name: part[order] for name, part in zip((*id_names, variable), (*repeated, names), strict=True)}


def _first_ticks(ticks: IntArray, codes: IntArray, values: FloatArray, n_series: int) -> IntArray:
    """First time with a value of every series; the smallest number if it has none."""
    first = np.full(n_series, np.iinfo(np.int64).max)
    present = ~np.isnan(values)
    np.minimum.at(first, codes[present], ticks[present])
    first[first == np.iinfo(np.int64).max] = np.iinfo(np.int64).min
    return first


def _abridge(notes: list[str]) -> tuple[str, ...]:
    """The first notes, and how many more there are."""
    n_more = len(notes) - MAX_NOTES
    return (*notes[:MAX_NOTES], *([f"Similar notes apply to {n_more} more columns."] if n_more > 0 else []))
