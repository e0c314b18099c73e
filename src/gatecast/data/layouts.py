"""Three layouts of tables as panels: a row per series and time (long), a column per series (wide), a row per series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast._utils.arrays import sorted_unique
from gatecast.data.clock_changes import note_seasons
from gatecast.data.frequency import Freq
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
from gatecast.data.parsing.columns import check_resolution, parse_number_column, parse_time_column, row_numbers
from gatecast.data.parsing.exogenous import (
    ExogenousColumns,
    reserve_column,
)
from gatecast.data.parsing.known_notation import INFER_OFFSET, UNKNOWN_NOTATION, KnownNotation
from gatecast.data.parsing.numbers import LIKELY_COMMA
from gatecast.data.parsing.parsed_times import ParsedTimes
from gatecast.data.parsing.raw_table import ColumnType, RawTable
from gatecast.data.parsing.series_keys import (
    SeriesKeys,
    find_id_columns,
    infer_id_columns,
    note_similar_ids,
    parse_keys,
    propose_id_columns,
)
from gatecast.data.parsing.transposed_tables import (
    Periods,
    key_columns,
    parse_matrix,
    row_keys,
)
from gatecast.data.parsing.unused_columns import note_unused
from gatecast.data.parsing.wide_tables import ALL_COLUMNS, find_target_columns, keys_of_columns, melt, melt_series
from gatecast.data.summary import summarize, summarize_transposed
from gatecast.errors import ConfigError, DataError

__all__ = ["DeclaredTable", "read_long", "read_transposed", "read_wide"]

Columns = str | Sequence[str]


@dataclass(frozen=True)
class DeclaredTable:
    """A table with the roles and the frequency that were declared for it, and the known notation of its times."""

    kind: str
    table: RawTable
    exogenous: ExogenousColumns
    exogenous_roles: dict[int, str]
    freq: Freq | None
    known: KnownNotation = UNKNOWN_NOTATION

    def parse_times(self, column: int | None) -> ParsedTimes | None:
        """The times of a column, None without a column; a frequency of integer steps reads numbers as they are."""
        if column is None:
            return None
        is_steps = self.freq is not None and self.freq.unit == "step"
        return parse_time_column(self.table, column, as_integers=is_steps, known=self.known)

    def note_seasons(self, panel: Panel, time: int | None) -> tuple[str, ...]:
        """Whether seasons follow the clocks of the times, where that is not obvious; not of rows that come later."""
        return note_seasons(panel, self._time_type(time)) if self.known.utc_offset == INFER_OFFSET else ()

    def _time_type(self, time: int | None) -> ColumnType | None:
        """The type of the time column."""
        return None if time is None else self.table.types.get(self.table.names[time])

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
        time_type = self._time_type(time)
        types = KeyTypes.of(self.kind, id_types, time_type, parsed)
        mark = "" if self.table.decimal_mark == LIKELY_COMMA else self.table.decimal_mark
        date_order = types.date_order or self.table.date_order
        types = replace(types, decimal_mark=mark, date_order=date_order, fiscal_month=self.table.fiscal_month)
        return replace(
            panel,
            keys={} if keys is None else keys.columns,
            utc_offset_minutes=None if parsed is None else parsed.utc_offset_minutes,
            key_types=types,
        )


def read_long(
    data: DeclaredTable, id_col: Columns | None, time_col: str | None, target_col: str | None
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
        if error.what == DUPLICATE_TIME and roles.time is not None and times is not None:
            check_resolution(table, roles.time, times)
            taken = [i for i in reserved if i not in id_columns]
            propose_id_columns(table, id_columns, times.values, taken, named=bool(named))
        raise
    panel = data.finish(panel, id_columns, keys, roles.time, times)
    notes = (
        *table.notes,
        *(times.notes if times else ()),
        *data.note_seasons(panel, roles.time),
        *values.notes,
        *data.exogenous.notes,
        *note_unused(
            table, {*data.exogenous_roles, *id_columns, roles.target, *([] if roles.time is None else [roles.time])}
        ),
        *note_similar_ids([] if keys is None else keys.columns.values() or [panel.ids]),
        *data_notes,
    )
    return panel, (summarize(table, id_columns, roles, panel), *notes)


def read_wide(
    data: DeclaredTable, id_col: Columns | None, time_col: str | None, target_col: Columns
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
    try:
        panel, data_notes = build_panel(
            long.times,
            long.values,
            long.ids,
            freq=data.freq,
            columns=names,
            describe_row=long.describe_row,
            exogenous=long.exogenous,
        )
    except DataError as error:
        if error.what == DUPLICATE_TIME and time is not None and times is not None:
            check_resolution(table, time, times)
        raise
    panel = data.finish(panel, id_columns, None, time, times)
    notes = (
        *table.notes,
        *(times.notes if times else ()),
        *data.note_seasons(panel, time),
        *long.notes,
        *data.exogenous.notes,
        *note_unused(table, reserved),
        *data_notes,
    )
    summary = summarize(table, id_columns, ColumnRoles(None, time, targets[0]), panel, targets=targets)
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
    data: DeclaredTable, targets: Sequence[int], time: int | None, times: npt.NDArray[Any]
) -> tuple[int, ...]:
    """The id columns of a table with several targets whose times repeat; none otherwise."""
    if time is None or len(sorted_unique(times)) == len(times):
        return ()
    # Where all numeric columns are targets, one of them may be the id.
    table, exclude = data.table, [*data.exogenous_roles, *targets[1:]]
    roles = infer_roles(table, None, table.names[time], table.names[targets[0]], exclude)
    return infer_id_columns(table, roles, times, exclude)


def read_transposed(data: DeclaredTable, id_col: Columns | None, periods: Periods) -> tuple[Panel, tuple[str, ...]]:
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
    panel = data.finish(panel, id_columns, keys, None, periods.times)
    return panel, (
        summarize_transposed(table, id_columns, periods, panel),
        *unused,
        *notes,
    )


def _free_names(taken: Sequence[str], names: Sequence[str]) -> list[str]:
    """Names, with an underscore where a column has the name already."""
    return [f"{name}_" if name in taken else name for name in names]


def _column_names(table: RawTable, id_columns: Sequence[int], roles: ColumnRoles, *, has_ids: bool) -> ColumnNames:
    """Names of the columns; conventional ones where the table has no header."""
    names = tuple(table.names[i] for i in id_columns)
    name = "unique_id" if has_ids and len(names) < 2 else None
    if not table.has_header:
        return ColumnNames(name or names or None, "time", "value")
    time = "time" if roles.time is None else table.names[roles.time]
    return ColumnNames(names if len(names) > 1 else names[0] if names else name, time, table.names[roles.target])
