"""Wide tables: a column of times and a column for each series; laid end to end they are a long table.

Letters: S series, T rows of the wide table, N rows of the long one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast.data.parsing.column_roles import find_column, numeric_columns
from gatecast.data.parsing.columns import parse_number_column
from gatecast.data.parsing.exogenous import ExogenousColumns
from gatecast.data.parsing.raw_table import RawTable
from gatecast.errors import ConfigError, DataError

__all__ = ["ALL", "LongColumns", "melt", "series_columns"]

ALL = "*"
"""Stands for every column of numbers but the times."""


class LongColumns(NamedTuple):
    """A wide table, laid end to end.

    Args:
        times: (N,) times.
        values: (N,) numbers.
        ids: (N,) name of the column of each row.
        extras: (N,) columns beside the target, the same for every series.
        notes: How the numbers were read, in sentences, if that needs saying.
        where: Says where row i stands in the wide table.
    """

    times: npt.NDArray[Any]
    values: npt.NDArray[np.float64]
    ids: npt.NDArray[Any]
    extras: ExogenousColumns
    notes: tuple[str, ...]
    where: Callable[[int], str]


def series_columns(table: RawTable, targets: str | Sequence[str], others: Sequence[int]) -> list[int]:
    """The columns that are series.

    Args:
        table: The table.
        targets: Their names, or `ALL`.
        others: Columns that are something else.

    Raises:
        ConfigError: No column has one of the names; none, or one twice, is named.
        DataError: There is no column of numbers.

    >>> series_columns(Table(("t", "a", "b"), (np.arange(2), np.ones(2), np.ones(2))), "*", [0])
    [1, 2]
    """
    if targets == ALL:
        columns = numeric_columns(table, others)
        if not columns:
            raise DataError("no column holds numbers", got=", ".join(map(repr, table.names[:20])), expected="series")
        return columns
    if isinstance(targets, str) or not len(targets):
        raise ConfigError("no column is named", where="target_col", got=repr(targets), expected="names of columns")
    # Names are looked up at once: one by one, a hundred thousand of them would take minutes.
    place = {name: i for i, name in enumerate(table.names)}
    columns = [place[str(name)] if str(name) in place else find_column(table, name, "target_col") for name in targets]
    if len(set(columns)) < len(columns):
        twice = next(i for i in columns if columns.count(i) > 1)
        raise ConfigError("a column is named twice", where="target_col", got=repr(table.names[twice]))
    return columns


def melt(table: RawTable, columns: Sequence[int], times: npt.NDArray[Any], extras: ExogenousColumns) -> LongColumns:
    """Lay the columns of a wide table end to end.

    A series begins where its column has its first value; missing values after that, up to the last row of the
    table, are missing values of the series. A column without any value is a series as long as the table.

    Args:
        table: The wide table.
        columns: Its series.
        times: (T,) its times.
        extras: (T,) columns beside the target.

    Raises:
        DataError: A cell that is neither missing nor a number; a static column.

    >>> table = Table(("t", "a", "b"), (np.array([1, 2]), np.array([3.0, 4.0]), np.array([np.nan, 5.0])))
    >>> long = melt(table, [1, 2], table.columns[0], Extras({}, {}, {}, {}))
    >>> long.ids.tolist(), long.times.tolist(), long.values.tolist(), long.where(2)
    (['a', 'a', 'b'], [1, 2, 2], [3.0, 4.0, 5.0], "position 1, series 'b'")
    """
    if extras.static:
        raise ConfigError(
            "a wide table has no static columns",
            where="static",
            got=", ".join(map(repr, extras.static)),
            expected="a long table, with one row for each time of each series",
        )
    x = np.empty((len(columns), len(table)))
    notes: dict[str, None] = {}
    for s, column in enumerate(columns):
        read = parse_number_column(table, column)
        x[s] = read.values
        notes.update(dict.fromkeys(read.notes))
    seen = np.isfinite(x) | np.isinf(x)
    begun = np.where(seen.any(axis=1), seen.argmax(axis=1), 0)
    series, row = np.nonzero(np.arange(len(table)) >= begun[:, None])
    names = np.array([table.names[i] for i in columns], object)

    def where(i: int) -> str:
        """Row and column of a cell, in words."""
        return f"{table.where(int(row[i]))}, series {names[series[i]]!r}"

    historic, known = ({name: column[row] for name, column in part.items()} for part in (extras.historic, extras.known))
    spread = ExogenousColumns(historic, known, {}, extras.categories, extras.notes)
    some = list(notes)[:3] + ([f"{len(notes) - 3} more columns are read in such a way."] if len(notes) > 3 else [])
    return LongColumns(times[row], x[series, row], names[series], spread, tuple(some), where)
