"""Values of exogenous columns at the steps to forecast, from the table that users pass as `futr_df`."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np

from gatecast._utils.typing import FloatArray, IntArray
from gatecast._utils.validation import check_positive_int
from gatecast.data.frequency import MONTHS, format_times
from gatecast.data.messages import abridge, format_id, list_columns
from gatecast.data.panel import Panel
from gatecast.data.parsing.columns import parse_time_column
from gatecast.data.parsing.exogenous import encode_column
from gatecast.data.parsing.raw_table import RawTable, factorize, take_rows
from gatecast.data.parsing.series_keys import parse_keys
from gatecast.data.parsing.time_columns import join_time_columns
from gatecast.errors import ConfigError, DataError

__all__ = ["future_values"]

MAX_LISTED = 5


class RowPositions(NamedTuple):
    """Series and steps that rows of the table hold values for.

    Args:
        row: Rows of the table, shape (n,); a row that holds for every series occurs once per series.
        series: Series of each, shape (n,).
        step: Step ahead of each, from 0, shape (n,).
        unknown_ids: Ids in the table that the panel does not have.
    """

    row: IntArray
    series: IntArray
    step: IntArray
    unknown_ids: list[Any]


def future_values(table: RawTable, panel: Panel, h: int) -> dict[str, FloatArray]:
    """Extract the values of the `futr_exog` columns at the h steps after the end of each series.

    Rows of other times are ignored. A table without an id column holds for every series.

    Args:
        table: One row per series and time; columns have the names of the panel's source.
        panel: A panel with `futr_exog` columns.
        h: Number of steps.

    Returns:
        Values by column name, each of shape (n_series, h); NaN only where a categorical value is missing.

    Raises:
        ConfigError: A column is missing.
        DataError: A row or a number is missing or duplicated, or a category is unknown.

    >>> from gatecast.data.panel import from_values
    >>> from dataclasses import replace
    >>> panel = replace(from_values([5.0, 6.0]), futr_exog={"price": np.array([1.0, 2.0])})
    >>> future_values(RawTable(("ds", "price"), (np.array([3, 4]), np.array([2.5, 3.0]))), panel, 2)
    {'price': array([[2.5, 3. ]])}
    """
    check_positive_int(h, "h")
    given = panel.given_futr_exog
    if not given:
        return {}
    time_col = panel.columns.time if panel.columns.time in table.names else None
    table = join_time_columns(table, time_col, keep=given)
    columns = {name: _require_column(table, name) for name in given}
    positions = _find_positions(table, panel, h)
    _check_complete(table, panel, h, positions)
    selected = take_rows(table, positions.row)
    future = {}
    for name, column in columns.items():
        values = np.full((len(panel), h), np.nan)
        numbers, _ = encode_column(selected, column, "futr_exog", panel.categories.get(name))
        values[positions.series, positions.step] = numbers.values
        if name not in panel.categories:
            _check_numbers(values, name, panel, h)
        future[name] = values
    if positions.unknown_ids:
        warnings.warn(f"futr_df has unknown series: {_list_ids(positions.unknown_ids)}.", stacklevel=3)
    return future


def _require_column(table: RawTable, name: str) -> int:
    """Index of a column that the table must have."""
    if name not in table.names:
        raise ConfigError(
            "Missing column in futr_df",
            got=f"the columns {list_columns(table.names)}",
            expected=f"a column {name!r}, as in the data of fit",
            argument="futr_df",
        )
    return table.names.index(name)


def _find_positions(table: RawTable, panel: Panel, h: int) -> RowPositions:
    """Series and step of every row within the horizon."""
    parsed = parse_time_column(
        table,
        _require_column(table, panel.columns.time),
        as_integers=panel.freq.unit == "step",
        utc_offset=panel.utc_offset_minutes,
    )
    times = parsed.values
    if times.dtype.kind != panel.start.dtype.kind:
        types = {"M": "dates", "i": "integers"}
        raise DataError(
            "Times in futr_df have another type than those of the data",
            where=f"column {panel.columns.time!r}",
            got=types[times.dtype.kind],
            expected=types[panel.start.dtype.kind],
            argument="futr_df",
        )
    n = len(times)
    id_columns = [table.names.index(name) for name in panel.columns.ids if name in table.names]
    if not id_columns:
        row, series, unknown_ids = np.tile(np.arange(n), len(panel)), np.repeat(np.arange(len(panel)), n), []
    else:
        for name in panel.columns.ids:
            _require_column(table, name)
        ids, codes = factorize(parse_keys(table, id_columns).ids)
        index = {str(name): s for s, name in enumerate(panel.ids.tolist())}
        series_of_code = np.array([index.get(str(name), -1) for name in ids.tolist()], np.int64)
        unknown_ids = [name for name, s in zip(ids.tolist(), series_of_code, strict=True) if s < 0]
        row = np.flatnonzero(series_of_code[codes] >= 0)
        series = series_of_code[codes][row]
    k, on_grid = panel.freq.index_of(times[row], panel.start[series])
    k -= panel.lengths[series]
    # Off-grid dates of weeks and months were moved to the nearest step of the grid; off-grid hours are not.
    is_calendar = panel.freq.unit in (*MONTHS, "W", "B")
    keep = (k >= 0) & (k < h) & (on_grid | is_calendar)
    return RowPositions(row[keep], series[keep], k[keep], unknown_ids)


def _check_complete(table: RawTable, panel: Panel, h: int, positions: RowPositions) -> None:
    """Check that every step of every series has exactly one row."""
    cells = positions.series * h + positions.step
    counts = np.bincount(cells, minlength=len(panel) * h)
    duplicated = np.flatnonzero(counts > 1)
    if len(duplicated):
        cell = int(duplicated[0])
        first, second = (table.describe_row(int(row)) for row in positions.row[cells == cell][:2])
        raise DataError(
            "Duplicate time in futr_df",
            where=f"{_series_prefix(panel, cell // h)}{first} and {second}",
            got=f"{_format_step(panel, cell, h)} in both rows (duplicates in total: {len(duplicated)})",
            expected="one row per series and time",
            fix="Remove one of the rows.",
            argument="futr_df",
        )
    absent = np.flatnonzero(counts == 0)
    if len(absent):
        fix = "Add these rows, or forecast fewer steps."
        if positions.unknown_ids:
            fix += f" The table has unknown series: {_list_ids(positions.unknown_ids)}."
        raise DataError(
            "Missing rows in futr_df",
            got=f"no row for {_list_cells(panel, absent, h)}",
            expected=f"{h} rows per series, {len(panel) * h} in total",
            fix=fix,
            argument="futr_df",
        )


def _check_numbers(values: FloatArray, name: str, panel: Panel, h: int) -> None:
    """Check that no number is missing."""
    missing = np.flatnonzero(np.isnan(values).ravel())
    if len(missing):
        raise DataError(
            "Missing values in futr_df",
            where=f"column {name!r}",
            got=f"no number for {_list_cells(panel, missing, h)}",
            expected="a number in every row",
            fix="Fill in the values, or remove the column from futr_exog and fit again.",
            argument="futr_df",
        )


def _list_cells(panel: Panel, cells: IntArray, h: int) -> str:
    """List the first of several steps of series, and how many more there are."""
    first = cells[:MAX_LISTED].tolist()
    return abridge(
        [f"{_series_prefix(panel, cell // h)}{_format_step(panel, cell, h)}" for cell in first], len(cells), "; "
    )


def _list_ids(ids: list[Any]) -> str:
    """List the first of several ids, and how many more there are."""
    return abridge([repr(name) for name in ids[:MAX_LISTED]], len(ids))


def _series_prefix(panel: Panel, s: int) -> str:
    """The id of a series as the beginning of a message; empty if the data have no ids."""
    return "" if panel.columns.id is None else f"series {format_id(panel.ids, s)}, "


def _format_step(panel: Panel, cell: int, h: int) -> str:
    """The time of a step of a series."""
    s, k = divmod(cell, h)
    return format_times(panel.freq.at(panel.start[s : s + 1], panel.lengths[s : s + 1] + k))[0]
