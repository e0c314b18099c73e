"""The second table: what the known columns will be at the times that are to be forecast.

Letters: S series, h horizon, N rows of the table, k step ahead.
"""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast._utils.validation import check_positive_int
from gatecast.data.frequency import MONTHS, format_times
from gatecast.data.panel import Panel
from gatecast.data.parsing.column_roles import find_column, join_parts
from gatecast.data.parsing.columns import parse_labels, parse_time_column
from gatecast.data.parsing.exogenous import encode
from gatecast.data.parsing.raw_table import RawTable, factorise, keep_rows
from gatecast.errors import DataError

__all__ = ["future_values"]

Array = npt.NDArray[np.float64]

SHOWN = 5


class RowPositions(NamedTuple):
    """Where the rows of a table belong.

    Args:
        row: (N,) rows that are needed, some more than once if they hold for every series.
        s: (N,) series of each.
        k: (N,) step ahead of each, from 0.
        strange: Names of series that the panel does not have.
    """

    row: npt.NDArray[np.int64]
    s: npt.NDArray[np.int64]
    k: npt.NDArray[np.int64]
    strange: list[Any]


def future_values(table: RawTable, panel: Panel, h: int) -> dict[str, Array]:
    """Values of the panel's known columns at the h times after the end of each series.

    Rows of other times are passed over. A table without the column of names holds for every series.

    Args:
        table: One row for each time of each series; the columns are called as in the panel's table.
        panel: The panel, with `known` columns.
        h: Steps ahead.

    Returns:
        (S, h) by name of the column; NaN only where a cell of a column of words is empty.

    Raises:
        ConfigError: A known column is not there.
        DataError: A row or a number is missing, or there twice; a category was not seen in training.

    >>> from gatecast.data.panel import from_values
    >>> from dataclasses import replace
    >>> panel = replace(from_values([5.0, 6.0]), futr_exog={"price": np.array([1.0, 2.0])})
    >>> future_values(Table(("ds", "price"), (np.array([3, 4]), np.array([2.5, 3.0]))), panel, 2)
    {'price': array([[2.5, 3. ]])}
    """
    check_positive_int(h, "the horizon")
    if not panel.futr_exog:
        return {}
    table = join_parts(
        table, panel.columns.time if panel.columns.time in table.names else None, keep=tuple(panel.futr_exog)
    )
    columns = {name: find_column(table, name, "known") for name in panel.futr_exog}
    places = _places(table, panel, h)
    _check_rows(table, panel, h, places)
    needed = keep_rows(table, places.row)
    found = {}
    for name, column in columns.items():
        values = np.full((len(panel), h), np.nan)
        values[places.s, places.k] = encode(needed, column, "known", panel.categories.get(name))[0].values
        if name not in panel.categories:
            _check_numbers(values, name, panel, h)
        found[name] = values
    if places.strange:
        listed = _listed([repr(name) for name in places.strange[:SHOWN]], len(places.strange))
        warnings.warn(f"The future table has series that are not in the panel: {listed}.", stacklevel=3)
    return found


def _places(table: RawTable, panel: Panel, h: int) -> RowPositions:
    """Series and step of every row that is needed."""
    read = parse_time_column(
        table,
        find_column(table, panel.columns.time, "time_col"),
        plain=panel.freq.unit == "step",
        clock=panel.utc_offset_minutes,
    )
    times = read.values
    if times.dtype.kind != panel.start.dtype.kind:
        kinds = {"M": "dates", "i": "whole numbers"}
        raise DataError(
            "the times of the future table are of another kind",
            where=f"column {panel.columns.time!r}",
            got=kinds[times.dtype.kind],
            expected=f"{kinds[panel.start.dtype.kind]}, as in the past",
        )
    n = len(times)
    if panel.columns.id is None or panel.columns.id not in table.names:
        row, series, strange = np.tile(np.arange(n), len(panel)), np.repeat(np.arange(len(panel)), n), []
    else:
        names, codes = factorise(parse_labels(table, table.names.index(panel.columns.id)))
        place = {str(name): s for s, name in enumerate(panel.ids.tolist())}
        of = np.array([place.get(str(name), -1) for name in names.tolist()], np.int64)
        strange = [name for name, s in zip(names.tolist(), of, strict=True) if s < 0]
        row = np.flatnonzero(of[codes] >= 0)
        series = of[codes][row]
    k, exact = panel.freq.index_of(times[row], panel.start[series])
    k -= panel.lengths[series]
    # Dates of weeks and months were moved to the nearest of the grid; the hours of a clock are not.
    loose = panel.freq.unit in (*MONTHS, "W", "B")
    keep = (k >= 0) & (k < h) & (exact | loose)
    return RowPositions(row[keep], series[keep], k[keep], strange)


def _check_rows(table: RawTable, panel: Panel, h: int, places: RowPositions) -> None:
    """Refuse a step of a series with two rows or none."""
    cell = places.s * h + places.k
    counts = np.bincount(cell, minlength=len(panel) * h)
    twice = np.flatnonzero(counts > 1)
    if len(twice):
        both = places.row[cell == twice[0]]
        raise DataError(
            "a time occurs twice",
            where=f"{_named(panel, int(twice[0]) // h)}{table.where(int(both[0]))} and {table.where(int(both[1]))}",
            got=f"{_step(panel, int(twice[0]), h)} in both (repeated times in all: {len(twice)})",
            expected="one row for each time",
            fix="Remove one of them.",
        )
    absent = np.flatnonzero(counts == 0)
    if len(absent):
        fix = "Add them, or forecast fewer steps."
        if places.strange:
            listed = _listed([repr(name) for name in places.strange[:SHOWN]], len(places.strange))
            fix += f" The table has series that are not in the panel: {listed}."
        raise DataError(
            "rows are missing in the future table",
            got=f"no row for {_cells(panel, absent, h)}",
            expected=f"{h} rows for each series, {len(panel) * h} in all",
            fix=fix,
        )


def _check_numbers(values: Array, name: str, panel: Panel, h: int) -> None:
    """Refuse numbers that are missing."""
    absent = np.flatnonzero(np.isnan(values).ravel())
    if len(absent):
        raise DataError(
            "future values are missing",
            where=f"column {name!r}",
            got=f"no number for {_cells(panel, absent, h)}",
            expected="a number in every row",
            fix="Fill them in, or leave the column out of known.",
        )


def _cells(panel: Panel, cells: npt.NDArray[np.int64], h: int) -> str:
    """The first of several steps of series, and how many more there are."""
    some = [f"{_named(panel, int(cell) // h)}{_step(panel, int(cell), h)}" for cell in cells[:SHOWN]]
    return _listed(some, len(cells), "; ")


def _named(panel: Panel, s: int) -> str:
    """A series by its name, as the beginning of a message; nothing if the data had no names."""
    return "" if panel.columns.id is None else f"series {panel.ids[s : s + 1].tolist()[0]!r}, "


def _step(panel: Panel, cell: int, h: int) -> str:
    """The time of a step of a series."""
    s, k = divmod(cell, h)
    return format_times(panel.freq.at(panel.start[s : s + 1], panel.lengths[s : s + 1] + k))[0]


def _listed(first: list[str], count: int, mark: str = ", ") -> str:
    """The first of several things, and how many more there are."""
    more = count - len(first)
    return mark.join(first) + (f" and {more} more" if more else "")
