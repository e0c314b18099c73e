"""Queries that mend a table: rows of one time summed, events summed by day, one of several series kept.

A query is advised only after it was run: its result is read without an error, and has the sum of the table where rows
are summed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from gatecast.data.frequency import Freq, Times
from gatecast.data.messages import list_columns
from gatecast.data.panel import Panel
from gatecast.data.panel_checks import DUPLICATE_TIME, IRREGULAR_TIMES, OTHER_FREQUENCY
from gatecast.data.parsing.column_roles import infer_roles
from gatecast.data.parsing.columns import parse_number_column, parse_time_column
from gatecast.data.parsing.raw_table import RawTable, factorize
from gatecast.data.parsing.series_keys import find_id_columns, infer_id_columns, parse_keys
from gatecast.data.parsing.time_names import tells
from gatecast.data.sources.sql import reserved_words
from gatecast.errors import DataError, GatecastError

__all__ = ["Declared", "add_query", "note_files_of_one_series"]

MAX_LENGTH = 240
"""Longest query in a message."""
UNITS = {"hour": "h", "day": "D", "week": "W", "month": "M"}
"""Units that events are summed over, as DuckDB and NumPy call them."""
UNITS_OF_FREQ = {"h": "hour", "D": "day", "W": "week", "M": "month", "Q": "quarter", "Y": "year"}
"""Units that rows are summed over where a frequency is declared, by the first letter of its unit."""
LARGEST = {"week": 53, "month": 12}
"""Numbers that repeat in every year."""
MIN_UNITS = 10


class Declared(NamedTuple):
    """Columns that were declared for a table.

    Args:
        ids: Id columns.
        time: Time column; None if it was not declared.
        target: Target column; None if it was not declared.
        exogenous: Exogenous columns.
        freq: Frequency; None if it was not declared.
    """

    ids: Sequence[str]
    time: str | None
    target: str | None
    exogenous: Sequence[str]
    freq: Freq | None = None


class _Query(NamedTuple):
    """A query, what it does, and whether it needs the arguments that the table was read with.

    Args:
        text: The query.
        purpose: What it does.
        total: Sum of the target in its result; None if it may be any.
        keeps_times: Whether it has the first and the last time of the table.
        is_enough: Whether no other query is needed if it works.
        needs_arguments: Whether the arguments with which the table was read are needed.
    """

    text: str
    purpose: str
    total: float | None
    keeps_times: bool = False
    is_enough: bool = False
    needs_arguments: bool = False


class QueryReader(Protocol):
    """Reads a query, with the arguments that the table was read with or without any."""

    def __call__(self, query: str, /, *, as_declared: bool) -> Panel: ...


class _Table(NamedTuple):
    """What a query is made from.

    Args:
        path: The file.
        ids: Id columns.
        time: Time column.
        target: Target column.
        exogenous: Exogenous columns.
        are_ids_declared: Whether the id columns were declared.
        freq: Frequency that was declared; None without one.
        times: Times of the rows.
        are_events: Whether all values of the target are the same, as of rows that count.
        total: Sum of the target.
        total_of_distinct: The same, of the first row of each time of each series.
        longest: Id of the series with most rows; None without one id column.
    """

    path: str
    ids: Sequence[str]
    time: str
    target: str
    exogenous: Sequence[str]
    are_ids_declared: bool
    freq: Freq | None
    times: Times
    are_events: bool
    total: float
    total_of_distinct: float
    longest: Any


def add_query(error: DataError, source: str, table: RawTable, declared: Declared, read: QueryReader) -> DataError:
    """Return an error with a query that mends the table, or as it is if none does.

    Args:
        error: That rows have the same time, that times are irregular, or that frequencies differ.
        source: What was read; only a file can be queried.
        table: The table in it.
        declared: Its columns.
        read: Reads a query.
    """
    is_file = os.path.isfile(source) and table.has_header and table.files is None
    if not is_file or error.what not in (DUPLICATE_TIME, IRREGULAR_TIMES, OTHER_FREQUENCY):
        return error
    try:
        examined = _examine(source, table, declared)
        queries = [] if examined is None else list(_working_queries(error.what, examined, read))
        part = "" if examined is None or error.what != DUPLICATE_TIME else _part_without_year(examined)
    except GatecastError:
        return error
    fix = error.fix
    if part:
        fix = f"Numbers of {part}s repeat in every year: add a column with the year, called 'year', or number the rows."
    return DataError(
        error.what,
        where=error.where,
        got=error.got,
        expected=error.expected,
        fix=" ".join([fix, *map(_advise, queries)]),
        argument=error.argument,
    )


def note_files_of_one_series(source: str, table: RawTable, panel: Panel, read: QueryReader) -> tuple[str, ...]:
    """Return a note where files that are read as a series each look like the parts of one: each begins where one ends.

    Args:
        source: The pattern that was read.
        table: The table of all files.
        panel: The series.
        read: Reads a query.
    """
    if table.files is None or panel.ids.tolist() != list(table.files.names):
        return ()
    order = np.argsort(panel.start)
    first = panel.freq.index_of(panel.start[order], np.repeat(panel.start.min(), len(panel)))[0]
    if len(panel) < 2 or (np.diff(first) != panel.lengths[order][:-1]).any():
        return ()
    queries = (_Query(f"SELECT * FROM {_literal(source)}", "join them", as_declared) for as_declared in (False, True))
    query = next((query for query in queries if _joins(query, panel, read)), None)
    how = "To join them, write them into one file." if query is None else _advise(query)
    return (f"Each file is a series of its own, though each begins where another ends, as the parts of one do. {how}",)


def _joins(query: _Query, panel: Panel, read: QueryReader) -> bool:
    """Return whether a query reads the values of all series of a panel as a single one."""
    try:
        joined = read(query.text, as_declared=query.needs_arguments)
    except GatecastError:
        return False
    order = np.argsort(panel.start)
    values = panel.take(order).values
    return len(joined) == 1 and np.array_equal(joined.values, values, equal_nan=True)


def _advise(query: _Query) -> str:
    """A sentence that says what a query is for."""
    same = " with the same arguments" if query.needs_arguments else ""
    literal = query.text.replace("\\", "\\\\").replace('"', '\\"')
    return f'To {query.purpose}, call fit("{literal}"){same}.'


def _working_queries(problem: str, table: _Table, read: QueryReader) -> Iterator[_Query]:
    """Queries whose result is read as it should be."""
    if problem == DUPLICATE_TIME and _part_without_year(table):
        queries = [_number(table, in_order=False)]
    elif problem == DUPLICATE_TIME:
        queries = [*([] if table.are_events else [_distinct(table)]), _sum(table, "")]
        # Customers that come and go are hardly series.
        if table.ids and not table.are_ids_declared:
            over_all = f"sum them over all of {list_columns(table.ids)}"
            queries.append(_sum(table._replace(ids=()), "")._replace(purpose=over_all))
    elif problem == IRREGULAR_TIMES:
        queries = [*(_sum(table, unit) for unit in _units(table)), *([_number(table)] if table.freq is None else [])]
    else:
        queries = [] if table.longest is None else [_filter(table)]
    for query in queries:
        if len(query.text) > MAX_LENGTH:
            continue
        # A declared frequency is declared again.
        for as_declared in (False, True) if table.freq is None else (True,):
            try:
                panel = read(query.text, as_declared=as_declared)
            except GatecastError:
                continue
            same_sum = query.total is None or np.isclose(np.nansum(panel.values), query.total)
            if same_sum and (not query.keeps_times or _has_ends(panel, table.times)):
                yield query._replace(needs_arguments=as_declared)
                if query.is_enough:
                    return
                break


def _examine(path: str, table: RawTable, declared: Declared) -> _Table | None:
    """What a query is made from; None for a table without times."""
    named = find_id_columns(table, list(declared.ids) or None)
    exogenous = [table.names.index(name) for name in declared.exogenous]
    roles = infer_roles(table, None, declared.time, declared.target, [*named, *exogenous])
    if roles.time is None:
        return None
    times = parse_time_column(table, roles.time).values
    values = parse_number_column(table, roles.target).values
    id_columns = named or infer_id_columns(table, roles, times, exogenous)
    ids, codes = (
        factorize(parse_keys(table, id_columns).ids) if id_columns else (np.zeros(1), np.zeros(len(times), int))
    )
    longest = ids.tolist()[int(np.bincount(codes).argmax())] if len(id_columns) == 1 else None
    _, first = np.unique(np.stack([codes, times.astype(np.int64)]), axis=1, return_index=True)
    names = [table.names[i] for i in id_columns]
    time, target = table.names[roles.time], table.names[roles.target]
    return _Table(
        path,
        names,
        time,
        target,
        declared.exogenous,
        bool(named),
        declared.freq,
        times,
        len(np.unique(values)) == 1,
        float(np.nansum(values)),
        float(np.nansum(values[first])),
        longest,
    )


def _part_without_year(table: _Table) -> str:
    """The part of a year, "week" or "month", that times number from 1 again and again; empty for others."""
    times = table.times
    if times.dtype.kind != "i" or times.min() < 1:
        return ""
    part = next((part for part in LARGEST if tells(part, table.time)), "")
    restarts = (np.diff(times) < 0).any() and len(np.unique(times)) < len(times)
    return part if part and restarts and times.max() <= LARGEST[part] else ""


def _has_ends(panel: Panel, times: Times) -> bool:
    """Whether a panel has the first and the last of times."""
    last = panel.freq.at(panel.start, panel.lengths - 1).max()
    return bool(panel.start.min() == times.min() and last == times.max())


def _units(table: _Table) -> list[str]:
    """The unit of the declared frequency, or the first of which half occur; none if the times are no dates."""
    times = table.times
    if table.freq is not None and times.dtype.kind == "M":
        unit = UNITS_OF_FREQ.get(table.freq.unit[0])
        return [] if unit is None else [unit]
    if times.dtype.kind != "M":
        return []
    for unit, code in UNITS.items():
        ticks = np.unique(times.astype(f"M8[{code}]").astype(np.int64))
        if len(ticks) >= MIN_UNITS and 2 * len(ticks) > ticks[-1] - ticks[0]:
            return [unit]
    return []


def _sum(table: _Table, unit: str) -> _Query:
    """A query that sums the target over rows of one time, or of one unit of time."""
    time, target, keys = _name(table.time), _name(table.target), [_name(key) for key in table.ids]
    moment, label = (f"date_trunc('{unit}', {time})", f" AS {time}") if unit else (time, "")
    others = [f"max({_name(name)}) AS {_name(name)}" for name in table.exogenous]
    columns = ", ".join([*keys, moment + label, f"sum({target}) AS {target}", *others])
    text = f"SELECT {columns} FROM {_literal(table.path)} GROUP BY {', '.join([*keys, moment])}"
    return _Query(text, f"sum them by {unit}" if unit else "sum them", table.total, keeps_times=not unit)


def _distinct(table: _Table) -> _Query:
    """A query that keeps one of equal rows."""
    text = f"SELECT DISTINCT * FROM {_literal(table.path)}"
    return _Query(text, "keep one of equal rows", table.total_of_distinct, keeps_times=True, is_enough=True)


def _number(table: _Table, *, in_order: bool = True) -> _Query:
    """A query that numbers the rows of each series, in the order of their times or in that of the table."""
    time, target, keys = _name(table.time), _name(table.target), [_name(key) for key in table.ids]
    partition = f"PARTITION BY {', '.join(keys)} " if keys else ""
    step = f"row_number() OVER ({partition}{f'ORDER BY {time}' if in_order else ''}) AS {time}"
    columns = ", ".join([*keys, step, target, *map(_name, table.exogenous)])
    return _Query(f"SELECT {columns} FROM {_literal(table.path)}", "number them without their dates", table.total)


def _filter(table: _Table) -> _Query:
    """A query that keeps the longest series."""
    value = str(table.longest) if isinstance(table.longest, int) else _literal(str(table.longest))
    text = f"SELECT * FROM {_literal(table.path)} WHERE {_name(table.ids[0])} = {value}"
    return _Query(text, "take one of them", None)


def _name(name: str) -> str:
    """A column name as SQL, in quotation marks unless it is a plain word."""
    is_plain = name.isascii() and name.isidentifier() and name.lower() not in reserved_words()
    return name if is_plain else '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    """A text as SQL."""
    return "'" + text.replace("'", "''") + "'"
