"""The door for data: files, queries and tables of any kind come in as a panel, and columns go out as they came.

Letters: S series, N values of all series together, h horizon.

Table libraries are known in `tables` (narwhals: pandas, polars, Arrow), `sql` (DuckDB) and, for Parquet, in `write`,
nowhere else, and are imported where they are used.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
import numpy.typing as npt

from gatecast.data.frequency import Freq, format_times, parse
from gatecast.data.future_exogenous import future_values
from gatecast.data.panel import ColumnNames, Panel
from gatecast.data.panel_builder import build_panel
from gatecast.data.parsing.column_roles import ColumnRoles, assign_roles, join_parts, series_column, time_column
from gatecast.data.parsing.columns import parse_labels, parse_number_column, parse_time_column, running_positions
from gatecast.data.parsing.exogenous import Categories, find_exogenous, read_exogenous, refuse_two_roles
from gatecast.data.parsing.raw_table import RawTable
from gatecast.data.parsing.timestamps import ParsedTimes
from gatecast.data.parsing.wide_tables import ALL, melt, series_columns
from gatecast.data.sources.dataframes import from_frame, from_mapping, from_values, is_values, kind_of, to_frame_like
from gatecast.data.sources.files import from_file, from_pattern, is_pattern
from gatecast.data.sources.sql import from_database, from_query, is_database, is_query
from gatecast.data.sources.writers import write
from gatecast.errors import ConfigError, DataError

__all__ = ["is_text_source", "kind_of", "read", "read_future", "to_frame_like", "write"]

Array = npt.NDArray[np.float64]
Columns = str | Sequence[str]


def read(
    source: Any,
    id_col: str | None = None,
    time_col: str | None = None,
    target_col: Columns | None = None,
    freq: str | int | Freq | None = None,
    *,
    hist_exog: Columns = (),
    futr_exog: Columns = (),
    stat_exog: Columns = (),
    categories: Categories | None = None,
) -> tuple[Panel, tuple[str, ...]]:
    """Read a table of any kind as a panel.

    Files: CSV and other delimited text, with or without a header, with one column or more; Parquet; JSON
    (records, lines or columns); a pattern such as ``data/*.csv``, whose files are series named after them if no
    column names series. SQL: a query (``SELECT ... FROM 'sales.parquet'``), a DuckDB file and a table or query in it
    (``shop.duckdb::sales``). Tables: pandas, polars, Arrow and what else narwhals knows, a dict of columns, a
    sequence of values. What is not said is worked out, and the findings say how.

    A series runs from its first row to its last. Times between them that have no row are missing values.

    Args:
        source: Path, query or table, one row for each time of each series; or wide, one row for each time.
        id_col: Column of the series' names; worked out if None.
        time_col: Column of times; worked out if None, numbered from 1 if there is none.
        target_col: Column of values; worked out if None. Several, or "*" for every column of numbers but the times,
            make the table wide: each column is a series, from its first value to the table's last row.
        freq: Frequency such as "MS" or 1; worked out if None. A whole number means that times are numbers.
        hist_exog: Columns that are known for the past only.
        futr_exog: Columns that are known for the future too.
        stat_exog: Columns of one value a series.
        categories: Words of these columns that are known already, from an earlier panel: others are refused.

    Returns:
        The panel, and what was found on the way, one sentence each; the first says which column is what.

    Raises:
        DataError: The source cannot be used; the message says where and how to put it right.
        ConfigError: A column that is named is not there; `freq` is no frequency, or one that does not go
            with the times.

    >>> panel, findings = read({"ds": ["2024-01", "2024-02", "2024-03"], "y": [1.0, 2.0, 4.0]})
    >>> panel.series(0).tolist(), findings[0]
    ([1.0, 2.0, 4.0], "time column: 'ds', target: 'y', frequency: monthly (MS); 3 points from 2024-01-01 to \
2024-03-01.")
    >>> panel, _ = read({"ds": [1, 2], "shop": [3.0, 4.0], "web": [5.0, 6.0]}, target_col="*")
    >>> panel.ids.tolist(), panel.series(1).tolist()
    (['shop', 'web'], [5.0, 6.0])
    """
    step = None if freq is None else parse(freq)
    beside = {"historic": hist_exog, "known": futr_exog, "static": stat_exog}
    named = [name for names in beside.values() for name in ((names,) if isinstance(names, str) else names)]
    table = join_parts(_table(source), time_col, keep=named)
    places = find_exogenous(table, beside)
    extras = read_exogenous(table, places, categories or {})
    others = [i for columns in places.values() for i in columns]
    plain = step is not None and step.unit == "step"
    if _is_wide(target_col, table):
        return _read_wide(table, id_col, time_col, target_col, step, plain, extras, others)
    roles = assign_roles(table, id_col, time_col, None if target_col is None else str(target_col), others)
    _check_roles(table, roles, places)
    values = parse_number_column(table, roles.target)
    times = None if roles.time is None else parse_time_column(table, roles.time, plain=plain)
    if times is not None and roles.id is None:
        roles = roles._replace(id=series_column(table, roles, times.values, others))
    ids = None if roles.id is None else parse_labels(table, roles.id)
    if ids is None and table.files is not None:
        ids = table.files.column()
    ticks = running_positions(len(table), ids) if times is None else times.values
    names = _names(table, roles, several=ids is not None)
    panel, found = build_panel(ticks, values.values, ids, freq=step, names=names, where=table.where, extras=extras)
    notes = (*table.notes, *(times.notes if times else ()), *values.notes, *extras.notes)
    return _clocked(panel, times), (_summary(table, roles, panel), *notes, *found)


def read_future(source: Any, panel: Panel, h: int) -> dict[str, Array]:
    """Read what a panel's known columns will be at the h times after the end of each series.

    Args:
        source: Path, query or table of any kind that `read` takes; its columns are called as in the panel's table.
            Rows of other times are passed over; a table without the column of names holds for every series.
        panel: The panel, with `known` columns.
        h: Steps ahead.

    Returns:
        (S, h) by name of the column; NaN only where a cell of a column of words is empty. Series that the panel
        does not have are named in a warning.

    Raises:
        ConfigError: A known column is not there.
        DataError: Rows or numbers are missing, which are listed by series and time; a time occurs twice; a category
            was not seen in training.

    >>> panel, _ = read({"ds": [1, 2, 3], "y": [4.0, 5.0, 7.0], "promo": [0, 1, 0]}, target_col="y", known="promo")
    >>> read_future({"ds": [4, 5], "promo": [1, 0]}, panel, 2)
    {'promo': array([[1., 0.]])}
    """
    if source is None and panel.futr_exog:
        raise DataError(
            "the future values of the known columns are needed",
            got="no table",
            expected=f"the columns {', '.join(map(repr, panel.futr_exog))} for the next {h} times of each series",
        )
    return future_values(_table(source), panel, h) if panel.futr_exog else {}


def is_text_source(text: str) -> bool:
    """Whether a text is a pattern of files, a query, or a table of a database, rather than the name of a file.

    >>> is_text_source("data/*.csv"), is_text_source("data.csv")
    (True, False)
    """
    return is_pattern(text) or is_query(text) or "::" in text


def _is_wide(target_col: Any, table: RawTable) -> TypeGuard[Columns]:
    """Whether the target is several columns."""
    if isinstance(target_col, str):
        return target_col == ALL and ALL not in table.names
    return isinstance(target_col, Iterable)


def _read_wide(
    table: RawTable,
    id_col: str | None,
    time_col: str | None,
    targets: Columns,
    freq: Freq | None,
    plain: bool,
    extras: Any,
    others: list[int],
) -> tuple[Panel, tuple[str, ...]]:
    """Read a table with a column for each series."""
    if id_col is not None:
        raise ConfigError(
            "a wide table has no column of names",
            where="id_col",
            got=f"{id_col!r} and several targets",
            expected="one of the two",
        )
    targets = targets if isinstance(targets, str) else list(targets)
    listed = [] if targets == ALL else series_columns(table, targets, others)
    time = time_column(table, time_col, {*others, *listed})
    columns = listed or series_columns(table, targets, [*others, *([] if time is None else [time])])
    taken = dict.fromkeys(others, "beside the target")
    for i in (*columns, *([] if time is None else [time])):
        refuse_two_roles(table, i, "time" if i == time else "target", taken)
    times = None if time is None else parse_time_column(table, time, plain=plain)
    ticks = running_positions(len(table), None) if times is None else times.values
    long = melt(table, columns, ticks, extras)
    called = "time" if time is None or not table.named else table.names[time]
    names = ColumnNames("unique_id", called, "value" if called == "y" else "y")
    panel, found = build_panel(
        long.times, long.values, long.ids, freq=freq, names=names, where=long.where, extras=long.extras
    )
    first = _summary(table, ColumnRoles(None, time, columns[0]), panel, wide=True)
    notes = (*table.notes, *(times.notes if times else ()), *long.notes, *extras.notes)
    return _clocked(panel, times), (first, *notes, *found)


def _clocked(panel: Panel, times: ParsedTimes | None) -> Panel:
    """The panel with the clock of its times."""
    return panel if times is None or times.clock is None else replace(panel, utc_offset_minutes=times.clock)


def _check_roles(table: RawTable, roles: ColumnRoles, places: Mapping[str, Sequence[int]]) -> None:
    """Refuse a column with two roles."""
    taken = {i: role for role, columns in places.items() for i in columns}
    for role, i in zip(("series", "time", "target"), roles, strict=True):
        if i is not None:
            refuse_two_roles(table, i, role, taken)


def _names(table: RawTable, roles: ColumnRoles, *, several: bool) -> ColumnNames:
    """What the columns are called; in a table without a header time and value, as they are in the field."""
    if not table.named:
        return ColumnNames("unique_id" if several else None, "time", "value")
    time = "time" if roles.time is None else table.names[roles.time]
    name = table.names[roles.id] if roles.id is not None else "unique_id" if several else None
    return ColumnNames(name, time, table.names[roles.target])


def _summary(table: RawTable, roles: ColumnRoles, panel: Panel, *, wide: bool = False) -> str:
    """The first finding: which column is what, how often, how much, from when to when."""

    def called(column: int) -> str:
        """A column by its name, or by its position if it has none."""
        return repr(table.names[column]) if table.named else str(column + 1)

    series = "" if roles.id is None else f"series: {called(roles.id)}, "
    if roles.id is None and len(panel) > 1:
        series = "series: one for each column, " if wide else "series: one for each file, "
    time = "no time column, rows are numbered" if roles.time is None else f"time column: {called(roles.time)}"
    rows = str(len(panel.values))
    if len(panel) > 1:
        shortest, longest = panel.lengths.min(), panel.lengths.max()
        rows = f"{len(panel)} series of {shortest if shortest == longest else f'{shortest} to {longest}'}"
    last = panel.freq.at(panel.start, panel.lengths - 1)
    span = " to ".join(format_times(np.array([panel.start.min(), last.max()])))
    header = "" if table.named else "no header; "
    target = f"target: {called(roles.target)}"
    if wide and len(panel) > 1:
        target = f"targets: {', '.join(map(repr, panel.ids[:3]))}{', ...' if len(panel) > 3 else ''}"
    return f"{header}{series}{time}, {target}, frequency: {panel.freq.label}; {rows} points from {span}."


def _table(source: Any) -> RawTable:
    """Any source as a table of cells."""
    if isinstance(source, (str, os.PathLike)):
        return _from_text(os.fspath(source))
    if isinstance(source, Mapping):
        return from_mapping(source)
    return from_values(source) if is_values(source) else from_frame(source)


def _from_text(source: str) -> RawTable:
    """What a text stands for: a query, a database, a pattern, or a file; a file that is there is always that file."""
    if is_database(source):
        return from_database(source)
    # Not Path.exists, which fails on names that are too long for a file, as queries are.
    if not os.path.exists(source):
        if is_query(source):
            return from_query(source)
        if is_pattern(source):
            return from_pattern(source)
    return from_file(Path(source))
