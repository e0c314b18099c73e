"""`gatecast inspect`: what a table is understood to be, before anything is forecast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatecast.cli.input_files import check_source
from gatecast.cli.options import File, ForecasterOptions, Json, Out, SafeCsv
from gatecast.cli.output import format_findings, format_table, print_document, print_parts
from gatecast.cli.output_files import TABLE, check_outputs, write_outputs

if TYPE_CHECKING:
    from gatecast.pipeline.inspection import Inspection

__all__ = ["EXAMPLE", "inspect"]

EXAMPLE = "gatecast inspect sales.csv"

MAX_SERIES = 12
"""Series on the screen."""


def inspect(
    file: File, options: ForecasterOptions, out: Out = None, safe_csv: SafeCsv = False, json: Json = False
) -> None:
    """Say what FILE is understood to be; nothing is forecast.

    Prints which columns are the times, the values and the series, the frequency, the season, gaps, series that do not
    vary, and what else was noticed. --out writes a row for each series.
    """
    source = check_source(file)
    config = options.forecaster().config
    targets = check_outputs([source], {TABLE: out})
    from gatecast.data.sources.writers import write
    from gatecast.pipeline.inspection import inspect_table

    inspection = inspect_table(source, config)
    files = write_outputs(targets, {"--out": lambda path: write(inspection.series, path, safe_csv=safe_csv)})
    if json:
        print_document("inspect", _facts(inspection) | {"files": files}, inspection.notes)
        return
    print_parts(
        format_findings(inspection.notes),
        _understood(inspection),
        _series(inspection),
        _problem(inspection),
        files=files,
    )


def _understood(inspection: Inspection) -> str:
    """Return columns, frequency and season as lines."""
    season = inspection.season_length
    pairs = {
        "time": inspection.time_col,
        "target": inspection.target_col,
        "ids": ", ".join(inspection.id_cols) or "none: a single series",
        **_columns_by_role(inspection),
        "frequency": inspection.freq,
        "season": "unknown" if season is None else f"{season} steps" if season > 1 else "none",
        "horizon": "unknown" if inspection.horizon is None else f"{inspection.horizon} by default",
    }
    if inspection.n_series > 1 and not inspection.id_cols:
        pairs["ids"] = "none: a series for each column or file"
    width = max(map(len, pairs))
    return "\n".join(f"{name:<{width}}  {fact}" for name, fact in pairs.items())


def _columns_by_role(inspection: Inspection) -> dict[str, str]:
    """Return the names of further columns by the option that declares them."""
    columns: dict[str, list[str]] = {}
    for name, role in inspection.exogenous.items():
        columns.setdefault(role.replace("_", "-"), []).append(name)
    return {role: ", ".join(names) for role, names in columns.items()}


def _series(inspection: Inspection) -> str:
    """Return the first series as lines of text."""
    from gatecast.cli.json_output import rows

    shown = rows({name: column[:MAX_SERIES] for name, column in inspection.series.items()})
    if inspection.n_series == 1:
        shown = [{name: value for name, value in row.items() if name != "id"} for row in shown]
    more = inspection.n_series - MAX_SERIES
    return format_table(shown) + (f"\n... {more:,} more series; --out FILE writes all of them" if more > 0 else "")


def _problem(inspection: Inspection) -> str:
    """Return why there would be no forecast; "" if there would be one."""
    return f"A forecast would be refused: {inspection.problem}" if inspection.problem else ""


def _facts(inspection: Inspection) -> dict[str, Any]:
    """Return everything as plain values."""
    from gatecast.cli.json_output import rows

    return {
        "time_col": inspection.time_col,
        "target_col": inspection.target_col,
        "id_cols": list(inspection.id_cols),
        "exogenous": inspection.exogenous,
        "frequency": inspection.freq,
        "season": inspection.season_length,
        "horizon": inspection.horizon,
        "scored": inspection.is_scored,
        "series": rows(inspection.series),
        "constant": inspection.n_constant,
        "empty": inspection.n_empty,
        "problem": inspection.problem or None,
    }
