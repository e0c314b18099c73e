"""The words and numbers of a result as grids of texts, which the terminal only lays out."""

from __future__ import annotations

from collections.abc import Iterator

from gatecast._utils.formatting import count
from gatecast.cli.forecast_view import Result
from gatecast.plotting.charts import ForecastSeries
from gatecast.reporting import text_tables
from gatecast.reporting.text_tables import TextTable, score_table

__all__ = ["TextTable", "forecast_grid", "score_table", "summary_rows"]


def summary_rows(result: Result) -> Iterator[tuple[str, str]]:
    """What was understood, as names and facts."""
    about, *notes = result.findings
    yield "data", about
    rows = f"{result.missing:,} of {count(len(result.values), 'row')}"
    if result.series > 1:
        yield "shown", f"series {result.unique_id!r}, the first of {result.series:,}; scores are means over all"
    yield "missing", rows if result.missing else "none"
    yield "season", count(result.season, "row") if result.season > 1 else "none found"
    if result.evaluation is not None:
        train, validation, test = result.evaluation.split_sizes
        yield "split", f"{train:,} rows to train, {validation:,} to validate, {test:,} to test, in this order"
    for note in notes:
        yield "note", note


def forecast_grid(result: Result) -> TextTable:
    """The forecast with its intervals, a row a step."""
    forecast = result.forecast
    said = ForecastSeries(forecast.table, forecast.model, forecast.levels, forecast.time_col, len(result.mean))
    return text_tables.forecast_table(said, result.time_unit)
