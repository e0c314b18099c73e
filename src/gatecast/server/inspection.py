"""What a table is understood to be, and what the gates of a model do, as objects that JSON can hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from gatecast.data.frequency import format_times
from gatecast.data.panel import Panel
from gatecast.data.parsing.raw_table import RawTable
from gatecast.data.reader import read_raw
from gatecast.data.sources.patterns import split_selection
from gatecast.data.sources.spreadsheets import sheet_names
from gatecast.errors import GatecastError
from gatecast.forecaster import Forecaster
from gatecast.pipeline.inspection import Inspection, inspect_panel
from gatecast.pipeline.read import read_source
from gatecast.server import compute, schemas
from gatecast.server.problems import ProblemError, problem_of
from gatecast.server.settings import Settings
from gatecast.server.tables import check_columns, to_lists

__all__ = ["gates", "inspect"]

MAX_SERIES = 1000
"""Series that are described one by one, at most."""
MAX_COLUMNS = 200
"""Columns that are listed, at most."""
MAX_SHEETS = 100
"""Sheets that are listed, at most."""
MAX_CELL = 100
"""Characters of a cell that is shown, at most."""


def inspect(form: schemas.Inspect, source: Any, settings: Settings) -> dict[str, Any]:
    """Return what a table is understood to be, as `gatecast inspect --json` says it, with columns and first rows.

    Raises:
        ProblemError: No table of times and values; the document has the columns and first rows, if there are some.
        DataError: No table that can be read.
    """
    compute.check_horizon(form.h, settings)
    compute.require_source(source)
    table = _describe_table(read_raw(source, trusted=False), form.rows) | _sheets(source)
    try:
        columns = compute.columns_of(form)
        config = Forecaster(**columns, h=form.h, model="pretrained", season_length=form.season_length).config
        panel, remarks = read_source(source, config)
        inspection = inspect_panel(panel, remarks, config)
    except GatecastError as error:
        problem = problem_of(error)
        # Which column is which can be corrected where the columns are known.
        problem.members |= table
        raise problem from None
    history = {"history": _history(panel, form.history)} if form.history else {}
    return _facts(inspection) | table | history


def _sheets(source: Any) -> dict[str, Any]:
    """Return the names of the sheets of a file of Excel."""
    name, _ = split_selection(str(source)) if isinstance(source, str | Path) else ("", "")
    return {"sheets": sheet_names(Path(name), "upload")[:MAX_SHEETS]} if name.endswith(".xlsx") else {}


def _facts(inspection: Inspection) -> dict[str, Any]:
    """Return an inspection with the keys of `gatecast inspect --json`."""
    series = to_lists({name: column[:MAX_SERIES] for name, column in inspection.series.items()})
    return {
        "time_col": inspection.time_col,
        "target_col": inspection.target_col,
        "id_cols": list(inspection.id_cols),
        "exogenous": inspection.exogenous,
        "frequency": inspection.freq,
        "frequency_label": inspection.freq_label,
        "season": inspection.season_length,
        "horizon": inspection.horizon,
        "scored": inspection.is_scored,
        "n_series": inspection.n_series,
        "series": [dict(zip(series, row, strict=True)) for row in zip(*series.values(), strict=True)],
        "constant": inspection.n_constant,
        "empty": inspection.n_empty,
        "problem": inspection.problem or None,
        "findings": list(inspection.notes),
    }


def _describe_table(table: RawTable, n_rows: int) -> dict[str, Any]:
    """Return the columns of a table and its first rows, as they are written there."""
    names = [str(name) for name in table.names[:MAX_COLUMNS]]
    columns = [{"name": name, "kind": _kind(table, i)} for i, name in enumerate(names)]
    cells = [[_cell(cell) for cell in table.source_column(i)[:n_rows].tolist()] for i in range(len(names))]
    return {"columns": columns, "n_columns": len(table.names), "rows": [list(row) for row in zip(*cells, strict=True)]}


def _kind(table: RawTable, i: int) -> str:
    """Return "time", "number" or "text" for a column."""
    kind = table.columns[i].dtype.kind
    return "time" if kind == "M" else "number" if kind in "fiu" else "text"


def _cell(cell: Any) -> str:
    """Return a cell as text, "" if it is missing."""
    if cell is None or cell != cell:
        return ""
    text = f"{cell:.15g}" if isinstance(cell, float) else str(cell)
    return text[:MAX_CELL]


def _history(panel: Panel, limit: int) -> list[dict[str, Any]]:
    """Return the newest values of each series, which share the limit."""
    each = max(limit // max(len(panel), 1), 1)
    history = []
    for s in range(min(len(panel), limit)):
        values = panel.series(s)
        n_before = max(len(values) - each, 0)
        steps = np.arange(n_before, len(values))
        times = panel.freq.at(np.repeat(panel.start[s : s + 1], len(steps)), steps)
        parts = to_lists({"ds": np.array(format_times(times)), "y": values[n_before:]})
        history.append({"id": to_lists({"id": panel.ids[s : s + 1]})["id"][0], **parts})
    return history


def gates(forecaster: Forecaster, form: schemas.Gates, source: Any, settings: Settings) -> dict[str, Any]:
    """Return gates and states of the first network of a model while it reads a series.

    Raises:
        ProblemError: A forecast by models without gates, or too many rows or columns.
    """
    futr_df = None if form.futr_df is None else check_columns(form.futr_df, settings, "futr_df")
    read = forecaster.gates(source, id=form.id, futr_df=futr_df)
    layers = []
    for layer in read.layers:
        newest = slice(-form.steps, None)
        parts = {**layer.gates, **layer.states}
        layers.append(
            {
                "name": layer.name,
                "cell": layer.cell,
                "ds": format_times(layer.times[newest]),
                "gates": {name: _rounded(values[0, newest].T) for name, values in parts.items()},
            }
        )
    if not layers:
        raise ProblemError(422, "config", "The model has no gates", fix="Train a recurrent network, as lstm.")
    values = to_lists({"values": np.asarray(read.values)[-form.steps :]})["values"]
    return {"model": read.model, "values": values, "layers": layers, "sentence": read.unit_memory.sentence}


def _rounded(values: Any) -> list[list[float | None]]:
    """Return a matrix as lists of rows with three decimals; None where a step was skipped."""
    return [to_lists({"": np.round(row.astype(np.float64), 3)})[""] for row in values]
