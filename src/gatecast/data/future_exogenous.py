"""Values of exogenous columns at the steps to forecast, from the table that users pass as `futr_df`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from gatecast._utils.typing import FloatArray, IntArray
from gatecast._utils.validation import check_positive_int
from gatecast.data.frequency import MONTHS, format_times
from gatecast.data.future_columns import FutureColumns, find_future_columns
from gatecast.data.messages import abridge, format_id
from gatecast.data.panel import Panel
from gatecast.data.parsing.columns import parse_time_column
from gatecast.data.parsing.decimal_marks import find_decimal_mark
from gatecast.data.parsing.exogenous import encode_column
from gatecast.data.parsing.known_notation import INFER_OFFSET, KnownNotation
from gatecast.data.parsing.raw_table import RawTable, factorize, take_rows
from gatecast.data.parsing.series_keys import join_ids, parse_keys
from gatecast.data.parsing.time_columns import join_time_columns
from gatecast.data.parsing.truth_values import are_truth_values
from gatecast.errors import DataError

__all__ = ["future_values"]

MAX_LISTED = 5


class RowPositions(NamedTuple):
    """Series and steps that rows of the table hold values for.

    Args:
        row: Rows of the table, shape (n,); a row that holds for every series occurs once per series.
        series: Series of each, shape (n,).
        step: Step ahead of each, from 0, shape (n,).
        unknown_ids: Ids in the table that the panel does not have.
        notes: What was noticed about times and series, one sentence each.
    """

    row: IntArray
    series: IntArray
    step: IntArray
    unknown_ids: list[Any]
    notes: tuple[str, ...] = ()


def future_values(table: RawTable, panel: Panel, h: int, notes: list[str] | None = None) -> dict[str, FloatArray]:
    """Extract the values of the `futr_exog` columns at the h steps after the end of each series.

    Rows of other times are ignored. A table without an id column holds for every series.

    Args:
        table: One row per series and time; columns have the names of the panel's source, or their roles.
        panel: A panel with `futr_exog` columns.
        h: Number of steps.
        notes: What was noticed about the table is added, one sentence each.

    Returns:
        Values by column name, each of shape (n_series, h); NaN only where a categorical value is missing.

    Raises:
        ConfigError: A column is missing.
        DataError: A row, a number or a truth value is missing or duplicated, or a category is unknown.

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
    known = panel.known_notation
    table = replace(table, decimal_mark=find_decimal_mark(table) or known.decimal_mark)
    time_col = panel.columns.time if panel.columns.time in table.names else None
    table = join_time_columns(table, time_col, keep=tuple(given), known=known)
    columns = find_future_columns(table, panel)
    positions = _find_positions(table, panel, h, columns)
    _check_complete(table, panel, h, positions)
    selected = take_rows(table, positions.row)
    future, remarks = {}, [*table.notes, *columns.notes, *positions.notes]
    for name, column in columns.values.items():
        values = np.full((len(panel), h), np.nan)
        categories = panel.categories.get(name, ())
        numbers, _ = encode_column(selected, column, "futr_exog", categories)
        values[positions.series, positions.step] = numbers.values
        if not categories or are_truth_values(categories):
            _check_numbers(values, name, panel, h, what="truth value" if categories else "number")
        future[name] = values
        remarks += numbers.notes
    if notes is not None:
        notes += remarks
    return future


def _find_positions(table: RawTable, panel: Panel, h: int, columns: FutureColumns) -> RowPositions:
    """Series and step of every row within the horizon."""
    parsed = parse_time_column(
        table,
        columns.time,
        as_integers=panel.freq.unit == "step",
        known=_known_notation(panel),
    )
    times = parsed.values
    if times.dtype.kind != panel.start.dtype.kind:
        types = {"M": "dates", "i": "integers"}
        raise DataError(
            "Times in futr_df have another type than those of the data",
            where=table.describe_column(columns.time),
            got=types[times.dtype.kind],
            expected=types[panel.start.dtype.kind],
            argument="futr_df",
        )
    n = len(times)
    unknown_ids: list[Any] = []
    if columns.ids:
        row, series, unknown_ids = _match_ids(table, panel, columns.ids)
    else:
        row, series = np.tile(np.arange(n), len(panel)), np.repeat(np.arange(len(panel)), n)
    k, on_grid = panel.freq.index_of(times[row], panel.start[series])
    k -= panel.lengths[series]
    # Off-grid dates of weeks and months were moved to the nearest step of the grid; off-grid hours are not.
    is_calendar = panel.freq.unit in (*MONTHS, "W", "B")
    keep = (k >= 0) & (k < h) & (on_grid | is_calendar)
    notes = [*parsed.notes]
    if unknown_ids:
        notes.append(f"It has series that the data do not have, which are not used: {_list_ids(unknown_ids)}.")
    n_later = len(np.unique(row[k >= h]))
    if n_later:
        notes.append(f"{n_later} of its {n} rows are later than the {h} steps to forecast and are not used.")
    return RowPositions(row[keep], series[keep], k[keep], unknown_ids, tuple(notes))


def _known_notation(panel: Panel) -> KnownNotation:
    """How the times of a panel are written; a panel without a zone takes local times."""
    known = panel.known_notation
    return known._replace(utc_offset=panel.utc_offset_minutes) if known.utc_offset == INFER_OFFSET else known


def _match_ids(table: RawTable, panel: Panel, columns: Mapping[str, int]) -> tuple[IntArray, IntArray, list[Any]]:
    """Rows of known series, the series of each, and unknown ids; a row may hold for several series."""
    ids, codes = factorize(parse_keys(table, [*columns.values()]).ids)
    names = panel.ids
    if len(columns) < len(panel.columns.ids):
        keys = [panel.keys[name] for name in columns]
        names = keys[0] if len(keys) == 1 else join_ids(keys)
    of_id: dict[str, list[int]] = {}
    for s, name in enumerate(names.tolist()):
        of_id.setdefault(str(name), []).append(s)
    unknown_ids = [name for name in ids.tolist() if str(name) not in of_id]
    n_series = np.array([len(of_id.get(str(name), ())) for name in ids.tolist()], np.int64)
    first = np.cumsum(n_series) - n_series
    series_of_code = np.array([s for name in ids.tolist() for s in of_id.get(str(name), ())], np.int64)
    row = np.repeat(np.arange(len(codes)), n_series[codes])
    within = np.arange(len(row)) - np.repeat(np.cumsum(n_series[codes]) - n_series[codes], n_series[codes])
    return row, series_of_code[first[codes[row]] + within], unknown_ids


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


def _check_numbers(values: FloatArray, name: str, panel: Panel, h: int, what: str) -> None:
    """Check that no number or truth value is missing."""
    missing = np.flatnonzero(np.isnan(values).ravel())
    if len(missing):
        raise DataError(
            "Missing values in futr_df",
            where=f"column {name!r}",
            got=f"no {what} for {_list_cells(panel, missing, h)}",
            expected=f"a {what} in every row",
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
