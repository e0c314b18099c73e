"""Find the columns of a future table by the names that the data have, and else by their roles."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

import numpy.typing as npt

from gatecast.data.messages import list_columns
from gatecast.data.panel import Panel
from gatecast.data.parsing.column_roles import find_time_column
from gatecast.data.parsing.raw_table import RawColumn, RawTable, factorize
from gatecast.data.parsing.timestamps import parse_times
from gatecast.data.parsing.wide_tables import VARIABLE
from gatecast.errors import ConfigError

__all__ = ["FutureColumns", "find_future_columns"]

SAMPLE_SIZE = 100
"""Cells by which a column of times is recognized."""


class FutureColumns(NamedTuple):
    """Columns of a future table.

    Args:
        time: Column of the times.
        ids: Id columns, by the name that the data have; none where the table holds for every series.
        values: Future exogenous columns, by the name that the data have.
        notes: Which columns have another name than in the data, one sentence each.
    """

    time: int
    ids: dict[str, int]
    values: dict[str, int]
    notes: tuple[str, ...]


def find_future_columns(table: RawTable, panel: Panel) -> FutureColumns:
    """Find the columns of a future table.

    A column has the name that the data have, also in other case, or the role: the only column of times, the only column
    with ids of the series.

    Raises:
        ConfigError: A column is missing, or some of several id columns are.

    >>> import numpy as np
    >>> from dataclasses import replace
    >>> from gatecast.data.panel import from_values
    >>> panel = replace(from_values([5.0, 6.0]), futr_exog={"price": np.ones(2)})
    >>> find_future_columns(RawTable(("ds", "Price"), (np.array([3]), np.ones(1))), panel)[:3]
    (0, {}, {'price': 1})
    """
    values = {name: _find(table, name) for name in panel.given_futr_exog}
    for name, column in values.items():
        if column is None:
            raise _missing(table, f"a column {name!r}, as in the data of fit")
    taken = {column for column in values.values() if column is not None}
    ids = {name: _find(table, name) for name in panel.columns.ids}
    time = _find(table, panel.columns.time)
    if time is None:
        time = _find_times(table, panel, {*taken, *(column for column in ids.values() if column is not None)})
    for name, column in ids.items():
        if column is None:
            ids[name] = _holds_ids(table, _ids_of(panel, name), {time, *taken, *ids.values()})
    known = {name: column for name, column in ids.items() if column is not None}
    absent = [name for name in ids if name not in known and not _names_targets(name, panel)]
    if known and absent:
        raise _missing(
            table,
            f"all id columns, {list_columns(panel.columns.ids)}, as in the data of fit: {list_columns(absent)} "
            f"{'is' if len(absent) == 1 else 'are'} missing",
        )
    columns = {name: column for name, column in values.items() if column is not None}
    roles = [("times", panel.columns.time, time), *(("ids", name, i) for name, i in known.items())]
    notes = [f"Column {table.names[i]!r} holds the {what}, as {name!r} does in the data." for what, name, i in roles]
    renamed = [name != table.names[i] for _, name, i in roles]
    notes = [note for note, is_renamed in zip(notes, renamed, strict=True) if is_renamed]
    notes += [
        f"Column {table.names[i]!r} is read as {name!r}." for name, i in columns.items() if name != table.names[i]
    ]
    return FutureColumns(time, known, columns, tuple(notes))


def _find(table: RawTable, name: str) -> int | None:
    """The column with a name, or the only one whose name differs by case, spaces and underscores alone."""
    if name in table.names:
        return table.names.index(name)
    similar = [i for i, other in enumerate(table.names) if _plain(other) == _plain(name)]
    return similar[0] if len(similar) == 1 else None


def _plain(name: str) -> str:
    """A name without case, spaces, underscores and hyphens."""
    return "".join(character for character in name.casefold() if character not in " _-")


def _find_times(table: RawTable, panel: Panel, taken: Collection[int]) -> int:
    """The column of times of a table that has none of the name of the data."""
    time = find_time_column(table, None, taken)
    if time is None or not parse_times(table.columns[time][:SAMPLE_SIZE]).is_valid.any():
        raise _missing(table, f"a column {panel.columns.time!r} of times, as in the data of fit")
    return time


def _ids_of(panel: Panel, name: str) -> npt.NDArray[Any]:
    """Values of an id column in the series of a panel."""
    return panel.keys.get(name, panel.ids)


def _holds_ids(table: RawTable, ids: npt.NDArray[Any], taken: Collection[int | None]) -> int | None:
    """The only column with nothing but ids of the series; None without one, or with several."""
    known = set(map(str, ids.tolist()))
    candidates = [i for i, column in enumerate(table.columns) if i not in taken and _are_among(column, known)]
    return candidates[0] if len(candidates) == 1 else None


def _are_among(column: RawColumn, known: Collection[str]) -> bool:
    """Whether a column of texts or integers has known values alone."""
    if column.dtype.kind not in "iuO" or not len(column):
        return False
    unique, _ = factorize(column)
    return len(unique) <= len(known) and all(str(value).strip() in known for value in unique.tolist())


def _names_targets(name: str, panel: Panel) -> bool:
    """Whether an id column names the target of each series: a table with a column for each has no such column."""
    return name == panel.columns.ids[-1] and name.rstrip("_") == VARIABLE and len(panel.columns.ids) > 1


def _missing(table: RawTable, expected: str) -> ConfigError:
    """Return the refusal of a table without a column."""
    return ConfigError(
        "Missing column in futr_df",
        got=f"the columns {list_columns(table.names)}",
        expected=expected,
        argument="futr_df",
    )
