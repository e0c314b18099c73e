"""Read files, queries and tables of any kind as a panel, and write results to tables and files.

Table libraries are imported only in `sources`, and only when a source needs them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeGuard

from gatecast._utils.typing import FloatArray
from gatecast.data.frequency import Freq, parse
from gatecast.data.future_exogenous import future_values
from gatecast.data.layouts import DeclaredTable, read_long, read_transposed, read_wide
from gatecast.data.messages import list_columns, shorten
from gatecast.data.panel import Panel
from gatecast.data.panel_holidays import add_holidays, check_holidays
from gatecast.data.parsing.calendar_tables import CalendarTable, unpivot_calendar
from gatecast.data.parsing.decimal_marks import find_decimal_mark, is_comma_likely
from gatecast.data.parsing.exogenous import (
    Categories,
    find_exogenous,
    parse_exogenous,
)
from gatecast.data.parsing.known_notation import UNKNOWN_NOTATION, KnownNotation
from gatecast.data.parsing.missing_codes import MissingCodes
from gatecast.data.parsing.numbers import LIKELY_COMMA
from gatecast.data.parsing.raw_table import RawTable
from gatecast.data.parsing.series_keys import (
    find_id_columns,
    split_names,
)
from gatecast.data.parsing.time_columns import join_time_columns
from gatecast.data.parsing.transposed_tables import (
    drop_footers,
    find_periods,
)
from gatecast.data.parsing.wide_tables import ALL_COLUMNS
from gatecast.data.query_advice import Declared, add_query, note_files_of_one_series
from gatecast.data.sources.dataframes import (
    attach_findings,
    from_frame,
    from_mapping,
    from_sequence,
    installed_kind,
    is_sequence,
    kind_of,
    to_frame_like,
)
from gatecast.data.sources.files import from_file, from_pattern, from_stdin
from gatecast.data.sources.key_columns import add_offsets, label_times, read_numbers
from gatecast.data.sources.patterns import is_pattern, match_files, split_selection
from gatecast.data.sources.sql import files_in_query, files_in_views, from_database, from_query, is_database, is_query
from gatecast.data.sources.stdin import STDIN, list_stdin
from gatecast.data.sources.trust import trusting
from gatecast.data.sources.writers import write
from gatecast.errors import ConfigError, DataError, GatecastError

__all__ = [
    "add_offsets",
    "attach_findings",
    "installed_kind",
    "is_text_source",
    "kind_of",
    "label_times",
    "list_files",
    "read",
    "read_future",
    "read_numbers",
    "read_raw",
    "to_frame_like",
    "write",
]

Columns = str | Sequence[str]


def read(
    source: Any,
    id_col: Columns | None = None,
    time_col: str | None = None,
    target_col: Columns | None = None,
    freq: str | int | Freq | None = None,
    *,
    hist_exog: Columns = (),
    futr_exog: Columns = (),
    stat_exog: Columns = (),
    categories: Categories | None = None,
    known: KnownNotation = UNKNOWN_NOTATION,
    missing_codes: MissingCodes = "auto",
    holidays: Sequence[str] = (),
    trusted: bool = True,
) -> tuple[Panel, tuple[str, ...]]:
    """Read a table of any kind as a panel.

    Files: CSV and other delimited text, with or without a header; Parquet; JSON (records, lines or columns); any of
    these compressed as .gz, .bz2, .xz, .zst or .zip, or a file of an archive (``archive.zip::sales.csv``); spreadsheets
    .xlsx, .xlsb, .xls and .ods, or a sheet of one (``book.xlsx::Sales``); a pattern such as ``data/*.csv``, whose files
    are series named after them if no column holds ids; ``-`` for standard input. SQL: a query
    (``SELECT ... FROM 'sales.parquet'``), or a DuckDB file with a table or query in it (``shop.duckdb::sales``).
    Tables: pandas, polars, Arrow and others that narwhals supports, a dict of columns, a sequence of values. Whatever
    is not declared is inferred, and the notes report how.

    A series runs from its first row to its last. Times between them without a row are missing values.

    Args:
        source: Path, query or table: long, with one row per series and time, or wide, with one row per time.
        id_col: Column of the series ids, or several that identify a series together, as a list or separated by commas;
            inferred if None.
        time_col: Column of the times; inferred if None. Rows of a table without times are numbered from 1.
        target_col: Column of the values; inferred if None. Several names, as a list or separated by commas, or "*" for
            all numeric columns except the times, make the table wide: each column is a series, from its first value to
            the last row; with ids, each column of each id.
        freq: Frequency such as "MS", or 1 for integer times; inferred if None.
        hist_exog: Columns known only for the past.
        futr_exog: Columns known for the future too.
        stat_exog: Columns with one value per series.
        categories: Categories of columns of an earlier panel; others are refused.
        known: Columns and notation of the times of an earlier panel (`known_notation`): columns of these names have the
            same roles again.
        missing_codes: Numbers in the target that stand for missing values, such as -999: "auto" recognizes and notes
            those that are impossible for the rest of the column, False keeps all, a list names them.
        holidays: Countries, or parts of them such as "DE-BY", whose public holidays are `futr_exog` columns besides.
        trusted: Whether the user who names the source may read every file that this process may. Otherwise queries are
            run in databases alone, reach nothing but their tables, have a minute and 1 GB, and return at most 1 GB;
            GATECAST_TRUSTED=0 in the environment makes all sources so.

    Returns:
        The panel, and notes on the data, one sentence each; the first says which columns were used.

    Raises:
        DataError: The data cannot be used.
        ConfigError: An unknown column, or a frequency that is invalid or does not fit the times.

    Example:
        >>> panel, notes = read({"ds": ["2024-01", "2024-02", "2024-03"], "y": [1.0, 2.0, 4.0]})
        >>> panel.series(0).tolist()
        [1.0, 2.0, 4.0]
        >>> notes[0]
        "time column: 'ds', target: 'y', frequency: monthly (MS); 3 points from 2024-01-01 to 2024-03-01."
        >>> panel, _ = read({"ds": [1, 2], "shop": [3.0, 4.0], "web": [5.0, 6.0]}, target_col="*")
        >>> panel.ids.tolist(), panel.series(1).tolist()
        (['shop', 'web'], [5.0, 6.0])
    """
    check_holidays(holidays)
    step = None if freq is None else parse(freq)
    names = {"hist_exog": hist_exog, "futr_exog": futr_exog, "stat_exog": stat_exog}
    declared = [name for columns in names.values() for name in ((columns,) if isinstance(columns, str) else columns)]
    with trusting(trusted):
        raw_table = _to_table(source)
    raw_table = replace(_with_decimal_mark(raw_table, known), missing_codes=missing_codes)
    id_col, target_col = _known_columns(raw_table, id_col, target_col, known)
    others = (*declared, *split_names(raw_table, id_col))
    table = join_time_columns(raw_table, time_col, keep=others, known=known)
    time_col = known.time if time_col is None and _has_columns(table, [known.time]) else time_col
    calendar = None if declared else _find_calendar(table, time_col, target_col)
    if calendar is not None:
        table, time_col, target_col = calendar
    indices = find_exogenous(table, names)
    exogenous = parse_exogenous(table, indices, categories or {})
    exogenous_roles = {i: role for role, columns in indices.items() for i in columns}
    data = DeclaredTable(kind_of(source), table, exogenous, exogenous_roles, step, known)
    declared_too = {"id_col": id_col, "time_col": time_col, "target_col": target_col, "freq": freq, **names}
    try:
        panel, notes = _read_layout(data, id_col, time_col, target_col)
    except DataError as error:
        if not isinstance(source, (str, os.PathLike)) or not (target_col is None or isinstance(target_col, str)):
            raise
        columns = Declared(split_names(table, id_col), time_col, target_col, declared, step)
        raise add_query(error, os.fspath(source), table, columns, partial(_read_query, declared_too, trusted)) from None
    if isinstance(source, (str, os.PathLike)):
        read_query = partial(_read_query, declared_too, trusted)
        notes = (*notes, *note_files_of_one_series(os.fspath(source), table, panel, read_query))
    panel, holiday_notes = add_holidays(panel, holidays)
    return panel, (*notes, *holiday_notes)


def read_raw(source: Any, *, trusted: bool = True) -> RawTable:
    """Read a table of any kind as it is: names and cells, before any column is understood.

    Args:
        source: As for `read`.
        trusted: As for `read`.

    Raises:
        DataError: No table that can be read.

    Example:
        >>> read_raw({"ds": ["2024-01", "2024-02"], "y": [1.0, 2.0]}).names
        ('ds', 'y')
    """
    with trusting(trusted):
        return _to_table(source)


def _with_decimal_mark(table: RawTable, known: KnownNotation) -> RawTable:
    """The table with the mark that it shows, that of the rows before, or a likely one."""
    shown = find_decimal_mark(table) or known.decimal_mark
    likely = LIKELY_COMMA if table.separator == ";" and is_comma_likely(table) else ""
    return replace(table, decimal_mark=shown or likely)


def _known_columns(
    table: RawTable, id_col: Columns | None, target_col: Columns | None, known: KnownNotation
) -> tuple[Columns | None, Columns | None]:
    """The id and target columns as named, or those of rows that were read before.

    Rows of one series do not tell that a column has ids, nor those with a new column which one is the target.
    """
    if id_col is None and known.ids and _has_columns(table, known.ids):
        id_col = known.ids if len(known.ids) > 1 else known.ids[0]
    return id_col, known.target if target_col is None and _has_columns(table, [known.target]) else target_col


def _has_columns(table: RawTable, names: Sequence[str]) -> bool:
    """Whether a table has a header with these names."""
    return table.has_header and set(names) <= set(table.names)


def _read_query(arguments: Mapping[str, Any], trusted: bool, query: str, *, as_declared: bool) -> Panel:
    """Read a query, with or without the arguments that a table was read with."""
    return read(query, **arguments if as_declared else {}, trusted=trusted)[0]


def _read_layout(
    data: DeclaredTable, id_col: Columns | None, time_col: str | None, target_col: Columns | None
) -> tuple[Panel, tuple[str, ...]]:
    """Read a table in the layout that it has: a row for each series, a column for each, or a row for each time."""
    table = data.table
    if time_col is None and target_col is None:
        periods = find_periods(
            table,
            data.exogenous_roles,
            find_id_columns(table, id_col),
            as_integers=data.freq is not None and data.freq.unit == "step",
        )
        if periods is not None:
            return read_transposed(replace(data, table=drop_footers(table, periods)), id_col, periods)
    target_col = _split_targets(table, target_col)
    if _is_wide(target_col, table):
        return read_wide(data, id_col, time_col, target_col)
    return read_long(data, id_col, time_col, None if target_col is None else str(target_col))


def read_future(source: Any, panel: Panel, h: int, notes: list[str] | None = None) -> dict[str, FloatArray]:
    """Read the values of a panel's `futr_exog` columns at the h steps after the end of each series.

    Args:
        source: Path, query or table of any kind that `read` accepts; columns have the names of the panel's source, or
            are the only ones of their role. It needs none of the panel's `holidays`. Rows of other times are ignored; a
            table without an id column holds for every series.
        panel: A panel with `futr_exog` columns.
        h: Number of steps.
        notes: What was noticed about the table is added, one sentence each.

    Returns:
        Values by column name, each of shape (n_series, h); NaN only where a categorical value is missing. A warning
        names series of the table that the panel does not have.

    Raises:
        ConfigError: A column is missing.
        DataError: A row or a number is missing or duplicated, or a category is unknown.

    Example:
        >>> past = {"ds": [1, 2, 3], "y": [4.0, 5.0, 7.0], "promo": [0, 1, 0]}
        >>> panel, _ = read(past, target_col="y", futr_exog="promo")
        >>> read_future({"ds": [4, 5], "promo": [1, 0]}, panel, 2)
        {'promo': array([[1., 0.]])}
    """
    given = panel.given_futr_exog
    if not given:
        return {}
    if source is None:
        raise DataError(
            "Missing futr_df",
            expected=f"a table with the columns {list_columns(given)} for the next {h} times of each series",
            argument="futr_df",
        )
    name = _name_future(source)
    remarks: list[str] = []
    try:
        future = future_values(_to_table(source), panel, h, remarks)
    except (ConfigError, DataError) as error:
        raise _of_future(error, name) from None
    if notes is not None:
        notes += [f"{name}: {note[:1].lower()}{note[1:]}" for note in remarks]
    return future


def _name_future(source: Any) -> str:
    """What messages call a future table: with the name of its file, if it has one."""
    is_path = isinstance(source, os.PathLike) or (isinstance(source, str) and source != STDIN and not is_query(source))
    return f"future table {shorten(os.path.basename(os.fspath(source)))}" if is_path else "future table"


def _of_future(error: GatecastError, name: str) -> GatecastError:
    """An error about a future table that names it."""
    if name == "future table" and "futr_df" in error.what:
        return error
    where = f"{name}, {error.where}" if error.where else name
    if error.argument == "h":
        return error
    return type(error)(
        error.what,
        where=where,
        got=error.got,
        expected=error.expected,
        fix=error.fix,
        argument=error.argument if error.argument != "futr_exog" else "futr_df",
    )


def is_text_source(text: str) -> bool:
    """Return whether a string is no file name: a pattern, a query, a part of a file, or "-" for standard input.

    >>> is_text_source("data/*.csv"), is_text_source("book.xlsx::Sales"), is_text_source("data.csv")
    (True, True, False)
    """
    if text == STDIN:
        return True
    return not os.path.exists(text) and (is_pattern(text) or is_query(text) or "::" in text)


def list_files(source: str | os.PathLike[str]) -> tuple[Path, ...]:
    """Return the existing files that a source reads: a file, those of a pattern, of a query, or standard input.

    >>> list_files("SELECT * FROM 'no.csv'")
    ()
    """
    text = os.fspath(source)
    if os.path.isfile(text) and not is_database(text) and not (isinstance(source, str) and source == STDIN):
        return (Path(text),)
    if is_query(text):
        return files_in_query(text)
    if is_database(text):
        database, _, selection = text.partition("::")
        return (*match_files(database), *files_in_query(selection), *files_in_views(database))
    if isinstance(source, str) and source == STDIN:
        return list_stdin()
    return match_files(split_selection(text)[0])


def _find_calendar(table: RawTable, time_col: str | None, target_col: Columns | None) -> CalendarTable | None:
    """A calendar table made long, if its columns are not named otherwise."""
    # New rows of a table that was read as a calendar come with the names that it was given.
    if target_col is not None and (not isinstance(target_col, str) or target_col in (*table.names, ALL_COLUMNS)):
        return None
    calendar = unpivot_calendar(table)
    if calendar is None or time_col not in (None, calendar.time_col) or target_col not in (None, calendar.target_col):
        return None
    return calendar


def _split_targets(table: RawTable, target_col: Columns | None) -> Columns | None:
    """The target columns; several in one string, separated by commas, are a list."""
    if not isinstance(target_col, str) or target_col == ALL_COLUMNS:
        return target_col
    names = split_names(table, target_col)
    return names if len(names) > 1 else target_col


def _is_wide(target_col: Any, table: RawTable) -> TypeGuard[Columns]:
    """Whether several columns are targets."""
    if isinstance(target_col, str):
        return target_col == ALL_COLUMNS and ALL_COLUMNS not in table.names
    return isinstance(target_col, Iterable)


def _to_table(source: Any) -> RawTable:
    """Any source as a table."""
    # A path to a file named "-" is no string.
    if isinstance(source, str) and source == STDIN:
        return from_stdin()
    if isinstance(source, (str, os.PathLike)):
        return _read_text_source(os.fspath(source))
    if isinstance(source, Mapping):
        return from_mapping(source)
    return from_sequence(source) if is_sequence(source) else from_frame(source)


def _read_text_source(source: str) -> RawTable:
    """A query, a database, a pattern, a file or a part of it; the name of an existing file is always that file."""
    if is_database(source):
        return from_database(source)
    # Not Path.exists, which fails on strings that are too long for a file name, as queries are.
    if is_query(source) and not os.path.exists(source):
        return from_query(source)
    name, selection = split_selection(source)
    return from_pattern(name, selection) if is_pattern(name) else from_file(Path(name), selection)
