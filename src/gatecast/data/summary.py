"""The first note about a table: roles of its columns, frequency, number of points, first and last time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast.data.frequency import format_times
from gatecast.data.messages import agree, list_columns
from gatecast.data.panel import Panel
from gatecast.data.parsing.column_roles import ColumnRoles
from gatecast.data.parsing.raw_table import RawTable
from gatecast.data.parsing.transposed_tables import Periods
from gatecast.data.sources.key_columns import label_times

__all__ = ["summarize", "summarize_transposed"]


def summarize(
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
    first_and_last: npt.NDArray[Any] = label_times(np.array([panel.start.min(), last.max()]), panel)
    points = agree(int(panel.lengths.max()), "point", "points")
    return f"{n_points} {points} from {' to '.join(format_times(first_and_last))}"


def summarize_transposed(table: RawTable, id_columns: Sequence[int], periods: Periods, panel: Panel) -> str:
    """The first note about a table with a row for each series."""
    ids = f"id column{'s' if len(id_columns) > 1 else ''}: {list_columns(table.names[i] for i in id_columns)}, "
    first, last = (table.names[i] for i in (periods.columns[0], periods.columns[-1]))
    rows = "one series per row" if len(panel) > 1 else "the row is a series"
    times = f"times: {len(periods.columns)} columns from {first!r} to {last!r}"
    head = f"{rows}, {ids if id_columns else ''}{times}"
    return f"{head}, frequency: {panel.freq.label}; {_summarize_extent(panel)}."
