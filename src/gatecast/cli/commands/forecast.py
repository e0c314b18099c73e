"""`gatecast forecast`: fit, score, forecast."""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

import gatecast
from gatecast.cli.input_files import check_futr_df, check_source, require_known_future, source_name
from gatecast.cli.options import File, ForecasterOptions, FutrDf, Json, Language, Out, Plot, Report, SafeCsv
from gatecast.cli.output import progress
from gatecast.cli.output_files import PLOT, REPORT, TABLE, check_outputs, write_outputs
from gatecast.reporting.language import check_language

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gatecast.cli.forecast_view import ForecastView
    from gatecast.forecaster import Forecaster

__all__ = ["EXAMPLE", "forecast"]

EXAMPLE = "gatecast forecast sales.csv -n 12 --out forecast.csv"


def forecast(
    file: File,
    options: ForecasterOptions,
    futr_df: FutrDf = None,
    out: Out = None,
    safe_csv: SafeCsv = False,
    plot: Plot = None,
    report: Report = None,
    language: Language = "en",
    json: Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the forecast alone; nothing with --out.")] = False,
) -> None:
    """Forecast the series in FILE and score the forecast.

    Prints the errors on held-out rows next to those of seasonal naive, a chart, and the forecast with its prediction
    intervals.
    """
    source, future = check_source(file), check_futr_df(futr_df, file)
    values, forecaster = options.values(), options.forecaster()
    require_known_future(forecaster, source, future)
    targets = check_outputs([source, future], {TABLE: out, PLOT: plot, REPORT: report})
    page = {"language": check_language(language), "source_name": source_name(source)}
    began = perf_counter()
    view = _fit(forecaster, source, future, show_progress=not quiet)
    files = _write(view, forecaster, future, targets, safe_csv, page)
    view = replace(view, seconds=perf_counter() - began)
    if json:
        from gatecast.cli.json_output import forecast_document, to_json

        typer.echo(to_json(forecast_document(view, values, files, forecaster._session.with_offsets)))
    elif not (quiet and out):
        from gatecast.cli.terminal import print_forecast

        print_forecast(view.with_labels(forecaster._session.labels), files, quiet=quiet)


def _fit(forecaster: Forecaster, source: Path | str, future: Path | str | None, *, show_progress: bool) -> ForecastView:
    """Read, fit, score and forecast."""
    from gatecast.cli.forecast_view import view_forecast

    with progress(wanted=show_progress) as callback:
        forecaster.fit(source, progress=callback or False)
    return view_forecast(forecaster, source, future)


def _write(
    view: ForecastView,
    forecaster: Forecaster,
    future: Path | str | None,
    targets: dict[str, Path],
    safe_csv: bool,
    page: Mapping[str, Any],
) -> list[str]:
    """Write the requested files, all or none."""
    from gatecast.data.sources.writers import write

    table = forecaster._session.with_offsets(view.full_forecast.columns)
    return write_outputs(
        targets,
        {
            "--out": lambda path: write(table, path, safe_csv=safe_csv),
            "--plot": lambda path: forecaster.plot(view.full_forecast.columns, path=path),
            "--report": lambda path: gatecast.report(forecaster, path, futr_df=future, **page),
        },
    )
