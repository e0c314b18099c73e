"""Wide tables: a column of times and a column per series, reshaped to a long table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast._utils.typing import FloatArray
from gatecast.data.messages import list_columns
from gatecast.data.parsing.column_roles import find_column, numeric_columns
from gatecast.data.parsing.columns import parse_number_column
from gatecast.data.parsing.exogenous import ExogenousColumns
from gatecast.data.parsing.raw_table import RawTable
from gatecast.errors import ConfigError, DataError

__all__ = ["ALL_COLUMNS", "LongColumns", "find_target_columns", "melt"]

ALL_COLUMNS = "*"
"""Every numeric column except the times."""
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
    present = np.isfinite(x) | np.isinf(x)
    first = np.where(present.any(axis=1), present.argmax(axis=1), 0)
    series, row = np.nonzero(np.arange(len(table)) >= first[:, None])
    names = np.array([table.names[i] for i in columns], object)

    def describe_row(i: int) -> str:
        """Refer to the row and column of a value."""
        return f"{table.describe_row(int(row[i]))}, series {names[series[i]]!r}"

    hist_exog, futr_exog = (
        {name: column[row] for name, column in columns_of_role.items()}
        for columns_of_role in (exogenous.hist_exog, exogenous.futr_exog)
    )
    return LongColumns(
        times[row],
        x[series, row],
        names[series],
        ExogenousColumns(hist_exog, futr_exog, {}, exogenous.categories, exogenous.notes),
        _abridge(list(notes)),
        describe_row,
    )


def _abridge(notes: list[str]) -> tuple[str, ...]:
    """The first notes, and how many more there are."""
    n_more = len(notes) - MAX_NOTES
    return (*notes[:MAX_NOTES], *([f"Similar notes apply to {n_more} more columns."] if n_more > 0 else []))
