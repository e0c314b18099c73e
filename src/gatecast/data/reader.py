"""Read files, queries and tables of any kind as a panel, and write results to tables and files.

Table libraries are imported only in `sources`, and only when a source needs them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
import numpy.typing as npt

from gatecast._utils.typing import FloatArray
from gatecast.data.frequency import Freq, format_times, parse
from gatecast.data.future_exogenous import future_values
from gatecast.data.key_types import KeyTypes
from gatecast.data.matrix_panel import build_matrix_panel
from gatecast.data.messages import list_columns
from gatecast.data.panel import ColumnNames, Panel
from gatecast.data.panel_builder import build_panel
from gatecast.data.panel_checks import DUPLICATE_TIME
from gatecast.data.parsing.column_roles import (
    ColumnRoles,
    find_time_column,
    infer_roles,
)
from gatecast.data.parsing.columns import parse_number_column, parse_time_column, row_numbers
from gatecast.data.parsing.exogenous import (
    Categories,
    ExogenousColumns,
    find_exogenous,
    parse_exogenous,
    reserve_column,
)
from gatecast.data.parsing.missing_codes import MissingCodes
from gatecast.data.parsing.raw_table import ColumnType, RawTable
from gatecast.data.parsing.series_keys import (
    SeriesKeys,
    find_id_columns,
    infer_id_columns,
    note_similar_ids,
    parse_keys,
    propose_id_columns,
    split_names,
)
from gatecast.data.parsing.time_columns import join_time_columns
from gatecast.data.parsing.timestamps import ParsedTimes
from gatecast.data.parsing.transposed_tables import (
    Periods,
    drop_footers,
    find_periods,
    key_columns,
    parse_matrix,
    row_keys,
)
from gatecast.data.parsing.unused_columns import note_unused
from gatecast.data.parsing.wide_tables import ALL_COLUMNS, find_target_columns, keys_of_columns, melt, melt_series
from gatecast.data.sources.dataframes import (
    from_frame,
    from_mapping,
    from_sequence,
    installed_kind,
    is_sequence,
    kind_of,
    to_frame_like,
)
from gatecast.data.sources.files import from_file, from_pattern, from_stdin
from gatecast.data.sources.patterns import is_pattern, match_files, split_selection
from gatecast.data.sources.sql import files_in_query, from_database, from_query, is_database, is_query
from gatecast.data.sources.stdin import STDIN, list_stdin
from gatecast.data.sources.writers import write
from gatecast.errors import ConfigError, DataError

__all__ = ["installed_kind", "is_text_source", "kind_of", "list_files", "read", "read_future", "to_frame_like", "write"]

Columns = str | Sequence[str]


@dataclass(frozen=True)
class _Source:
    """A table with the roles and the frequency that were declared for it."""

    kind: str
    table: RawTable
    exogenous: ExogenousColumns
    exogenous_roles: dict[int, str]
    freq: Freq | None

    def parse_times(self, column: int | None) -> ParsedTimes | None:
        """The times of a column, None without a column; a frequency of integer steps reads numbers as they are."""
        if column is None:
            return None
        return parse_time_column(self.table, column, as_integers=self.freq is not None and self.freq.unit == "step")

    def finish(
        self,
        panel: Panel,
        id_columns: Sequence[int],
        keys: SeriesKeys | None,
        time: int | None,
        parsed: ParsedTimes | None,
    ) -> Panel:
        """The panel with its id columns, the UTC offset of its times and the types of its key columns."""
        id_types = [self.table.types.get(self.table.names[i], ColumnType()) for i in id_columns]
        time_type = None if time is None else self.table.types.get(self.table.names[time])
        return replace(
            panel,
            keys={} if keys is None else keys.columns,
            utc_offset_minutes=None if parsed is None else parsed.utc_offset_minutes,
            key_types=KeyTypes.of(self.kind, id_types, time_type, parsed),
        )


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
    missing_codes: MissingCodes = "auto",
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
        missing_codes: Numbers in the target that stand for missing values, such as -999: "auto" recognizes and notes
            those that are impossible for the rest of the column, False keeps all, a list names them.

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
    step = None if freq is None else parse(freq)
    names = {"hist_exog": hist_exog, "futr_exog": futr_exog, "stat_exog": stat_exog}
    declared = [name for columns in names.values() for name in ((columns,) if isinstance(columns, str) else columns)]
    table = join_time_columns(replace(_to_table(source), missing_codes=missing_codes), time_col, keep=declared)
    indices = find_exogenous(table, names)
    exogenous = parse_exogenous(table, indices, categories or {})
    exogenous_roles = {i: role for role, columns in indices.items() for i in columns}
    data = _Source(kind_of(source), table, exogenous, exogenous_roles, step)
    if time_col is None and target_col is None:
        periods = find_periods(
            table,
            exogenous_roles,
            find_id_columns(table, id_col),
            as_integers=step is not None and step.unit == "step",
        )
        if periods is not None:
            return _read_transposed(replace(data, table=drop_footers(table, periods)), id_col, periods)
    target_col = _split_targets(table, target_col)
    if _is_wide(target_col, table):
        return _read_wide(data, id_col, time_col, target_col)
    return _read_long(data, id_col, time_col, None if target_col is None else str(target_col))


def read_future(source: Any, panel: Panel, h: int) -> dict[str, FloatArray]:
    """Read the values of a panel's `futr_exog` columns at the h steps after the end of each series.

    Args:
        source: Path, query or table of any kind that `read` accepts; columns have the names of the panel's source.
            Rows of other times are ignored; a table without an id column holds for every series.
        panel: A panel with `futr_exog` columns.
        h: Number of steps.

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
    if not panel.futr_exog:
        return {}
    if source is None:
        raise DataError(
            "Missing futr_df",
            expected=f"a table with the columns {list_columns(panel.futr_exog)} for the next {h} times of each series",
            argument="futr_df",
        )
    return future_values(_to_table(source), panel, h)


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
    if os.path.isfile(text) and not (isinstance(source, str) and source == STDIN):
        return (Path(text),)
    if is_query(text):
        return files_in_query(text)
    if is_database(text):
        database, _, selection = text.partition("::")
        return (*match_files(database), *files_in_query(selection))
    if isinstance(source, str) and source == STDIN:
        return list_stdin()
    return match_files(split_selection(text)[0])


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


def _read_long(
    data: _Source, id_col: Columns | None, time_col: str | None, target_col: str | None
) -> tuple[Panel, tuple[str, ...]]:
    """Read a table with one row per series and time."""
    table, exclude = data.table, list(data.exogenous_roles)
    named = find_id_columns(table, id_col)
    roles = infer_roles(table, None, time_col, target_col, [*exclude, *named])
    id_columns = named or (() if roles.id is None else (roles.id,))
    reserved = dict(data.exogenous_roles)
    for role, i in (*(("id", i) for i in id_columns), ("time", roles.time), ("target", roles.target)):
        if i is not None:
            reserve_column(table, i, role, reserved)
    values = parse_number_column(table, roles.target)
    times = data.parse_times(roles.time)
    if times is not None and not named:
        id_columns = infer_id_columns(table, roles, times.values, exclude)
    keys = parse_keys(table, id_columns) if id_columns else None
    ids = None if keys is None else keys.ids
    if ids is None and table.files is not None:
        ids = table.files.to_column()
    try:
        panel, data_notes = build_panel(
            row_numbers(len(table), ids) if times is None else times.values,
            values.values,
            ids,
            freq=data.freq,
            columns=_column_names(table, id_columns, roles, has_ids=ids is not None),
            describe_row=table.describe_row,
            exogenous=data.exogenous,
        )
    except DataError as error:
        if error.what == DUPLICATE_TIME and times is not None:
            taken = [i for i in reserved if i not in id_columns]
            propose_id_columns(table, id_columns, times.values, taken, named=bool(named))
        raise
    notes = (
        *table.notes,
        *(times.notes if times else ()),
        *values.notes,
        *data.exogenous.notes,
        *note_unused(
            table, {*data.exogenous_roles, *id_columns, roles.target, *([] if roles.time is None else [roles.time])}
        ),
        *note_similar_ids([] if keys is None else keys.columns.values() or [panel.ids]),
        *data_notes,
    )
    summary = _summarize(table, id_columns, roles, panel)
    return data.finish(panel, id_columns, keys, roles.time, times), (summary, *notes)


def _read_wide(
    data: _Source, id_col: Columns | None, time_col: str | None, target_col: Columns
) -> tuple[Panel, tuple[str, ...]]:
    """Read a table with one column per series, or per series of an id."""
    table = data.table
    exclude = [*data.exogenous_roles, *find_id_columns(table, id_col)]
    target_col = target_col if isinstance(target_col, str) else list(target_col)
    named = [] if target_col == ALL_COLUMNS else find_target_columns(table, target_col, exclude)
    time = find_time_column(table, time_col, {*exclude, *named})
    time_columns = [] if time is None else [time]
    targets = named or find_target_columns(table, target_col, [*exclude, *time_columns])
    times = data.parse_times(time)
    values = row_numbers(len(table), None) if times is None else times.values
    id_columns = find_id_columns(table, id_col) or _infer_ids_of_wide(data, named or targets[-1:], time, values)
    if target_col == ALL_COLUMNS:
        targets = [i for i in targets if i not in id_columns]
    reserved = dict(data.exogenous_roles)
    for role, columns in (("id", id_columns), ("target", targets), ("time", time_columns)):
        for i in columns:
            reserve_column(table, i, role, reserved)
    keys = parse_keys(table, id_columns) if id_columns else None
    if keys is not None and times is None:
        values = row_numbers(len(table), keys.ids)
    long = (
        melt(table, targets, values, data.exogenous)
        if keys is None
        else melt_series(table, targets, values, data.exogenous, keys)
    )
    time_name = "time" if time is None or not table.has_header else table.names[time]
    names = ColumnNames("unique_id", time_name, "value" if time_name == "y" else "y")
    panel, data_notes = build_panel(
        long.times,
        long.values,
        long.ids,
        freq=data.freq,
        columns=names,
        describe_row=long.describe_row,
        exogenous=long.exogenous,
    )
    summary = _summarize(table, id_columns, ColumnRoles(None, time, targets[0]), panel, targets=targets)
    notes = (
        *table.notes,
        *(times.notes if times else ()),
        *long.notes,
        *data.exogenous.notes,
        *note_unused(table, reserved),
        *data_notes,
    )
    panel = data.finish(panel, id_columns, None, time, times)
    if keys is not None:
        columns_of_keys = keys_of_columns(table, targets, id_columns, keys, panel.ids)
        id_types = tuple(panel.key_types.id_types([table.names[i] for i in id_columns]).values())
        panel = replace(
            panel,
            keys=columns_of_keys,
            columns=replace(names, id=tuple(columns_of_keys)),
            key_types=replace(panel.key_types, id="", categories=(), ordered=False, keys=(*id_types, ColumnType())),
        )
    return panel, (summary, *notes)


def _infer_ids_of_wide(
    data: _Source, targets: Sequence[int], time: int | None, times: npt.NDArray[Any]
) -> tuple[int, ...]:
    """The id columns of a table with several targets whose times repeat; none otherwise."""
    if time is None or len(np.unique(times)) == len(times):
        return ()
    # Where all numeric columns are targets, one of them may be the id.
    table, exclude = data.table, [*data.exogenous_roles, *targets[1:]]
    roles = infer_roles(table, None, table.names[time], table.names[targets[0]], exclude)
    return infer_id_columns(table, roles, times, exclude)


def _read_transposed(data: _Source, id_col: Columns | None, periods: Periods) -> tuple[Panel, tuple[str, ...]]:
    """Read a table with one row per series, and a column per time."""
    table, exclude = data.table, list(data.exogenous_roles)
    over_time = [table.names[i] for i, role in data.exogenous_roles.items() if role != "stat_exog"]
    if over_time:
        raise ConfigError(
            "A table with a row for each series has only static columns",
            where=data.exogenous_roles[table.names.index(over_time[0])],
            got=list_columns(over_time),
            fix="Reshape the table to long format: one row per series and time, with columns for id, time and value.",
            argument=data.exogenous_roles[table.names.index(over_time[0])],
        )
    id_columns = key_columns(table, periods, exclude, find_id_columns(table, id_col))
    keys = row_keys(table, id_columns) if id_columns else None
    names = tuple(table.names[i] for i in id_columns)
    values, value_notes = parse_matrix(table, periods)
    columns = ColumnNames(names if len(names) > 1 else next(iter(names), None), *_free_names(names, ("ds", "y")))
    panel, data_notes = build_matrix_panel(
        periods.times.values,
        values,
        np.array([""], object) if keys is None else keys.ids,
        freq=data.freq,
        columns=columns,
        describe_cell=lambda s, k: f"{table.describe_row(s)}, column {table.names[periods.columns[k]]!r}",
        trim_ends=periods.are_numbered,
    )
    exogenous = data.exogenous
    panel = replace(panel, stat_exog=exogenous.stat_exog, categories=exogenous.categories)
    similar = note_similar_ids([] if keys is None else keys.columns.values() or [panel.ids])
    notes = (*table.notes, *periods.times.notes, *value_notes, *exogenous.notes, *similar, *data_notes)
    unused = note_unused(table, {*periods.columns, *id_columns, *exclude}, "stat_exog")
    return data.finish(panel, id_columns, keys, None, periods.times), (
        _summarize_transposed(table, id_columns, periods, panel),
        *unused,
        *notes,
    )


def _free_names(taken: Sequence[str], names: Sequence[str]) -> list[str]:
    """Names, with an underscore where a column has the name already."""
    return [f"{name}_" if name in taken else name for name in names]


def _summarize_transposed(table: RawTable, id_columns: Sequence[int], periods: Periods, panel: Panel) -> str:
    """The first note about a table with a row for each series."""
    ids = f"id column{'s' if len(id_columns) > 1 else ''}: {list_columns(table.names[i] for i in id_columns)}, "
    first, last = (table.names[i] for i in (periods.columns[0], periods.columns[-1]))
    rows = "one series per row" if len(panel) > 1 else "the row is a series"
    times = f"times: {len(periods.columns)} columns from {first!r} to {last!r}"
    head = f"{rows}, {ids if id_columns else ''}{times}"
    return f"{head}, frequency: {panel.freq.label}; {_summarize_extent(panel)}."


def _column_names(table: RawTable, id_columns: Sequence[int], roles: ColumnRoles, *, has_ids: bool) -> ColumnNames:
    """Names of the columns; conventional ones where the table has no header."""
    names = tuple(table.names[i] for i in id_columns)
    name = "unique_id" if has_ids and len(names) < 2 else None
    if not table.has_header:
        return ColumnNames(name or names or None, "time", "value")
    time = "time" if roles.time is None else table.names[roles.time]
    return ColumnNames(names if len(names) > 1 else names[0] if names else name, time, table.names[roles.target])


def _summarize(
    table: RawTable, id_columns: Sequence[int], roles: ColumnRoles, panel: Panel, *, targets: Sequence[int] = ()
) -> str:
    """The first note: roles of the columns, frequency, number of points, first and last time."""

    def label(column: int) -> str:
        """The name of a column, or its position from 1 without a header."""
        return repr(table.names[column]) if table.has_header else str(column + 1)

    ids = f"id column{'s' if len(id_columns) > 1 else ''}: {', '.join(map(label, id_columns))}, " if id_columns else ""
    if not id_columns and len(panel) > 1:
        ids = "one series per column, " if targets else "one series per file, "
    time = "no time column (rows are numbered)" if roles.time is None else f"time column: {label(roles.time)}"
    target = f"target: {label(roles.target)}"
    if len(targets) > 1:
        target = f"targets: {', '.join(map(label, targets[:3]))}{', ...' if len(targets) > 3 else ''}"
    header = "" if table.has_header else "no header; "
    return f"{header}{ids}{time}, {target}, frequency: {panel.freq.label}; {_summarize_extent(panel)}."


def _summarize_extent(panel: Panel) -> str:
    """Number of points, and first and last time."""
    n_points = str(len(panel.values))
    if len(panel) > 1:
        shortest, longest = panel.lengths.min(), panel.lengths.max()
        n_points = f"{len(panel)} series of {shortest if shortest == longest else f'{shortest} to {longest}'}"
    last = panel.freq.at(panel.start, panel.lengths - 1)
    first_and_last: npt.NDArray[Any] = np.array([panel.start.min(), last.max()])
    return f"{n_points} points from {' to '.join(format_times(first_and_last))}"


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
