"""`gatecast report`: everything about a forecaster that `gatecast train` kept, as one HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gatecast.cli.options import check_input, check_source
from gatecast.cli.output_files import REPORT_SUFFIXES, TABLE_SUFFIXES, check_output, write_atomically
from gatecast.errors import ConfigError

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(report)


def report(
    forecaster: Annotated[str, typer.Argument(metavar="FORECASTER", help="File written by gatecast train.")],
    file: Annotated[
        str | None, typer.Argument(metavar="[FILE]", help="Series to go on from. Default: those learnt.")
    ] = None,
    out: Annotated[str, typer.Option(metavar="PATH", help="Where the page goes: NAME.html.")] = "report.html",
    future: Annotated[str | None, typer.Option(metavar="PATH", help="The known columns at the steps ahead.")] = None,
    id: Annotated[
        str | None, typer.Option("--id", metavar="NAME", help="Series to look into. Default: the one forecast worst.")
    ] = None,
) -> None:
    """Write one HTML page about a forecaster: forecast, scores, gates, memory. It opens offline."""
    from gatecast.forecaster import Forecaster
    from gatecast.reporting.html_report import report as write
    from gatecast.reporting.html_report import require_plotly

    kept, target = check_input(forecaster), Path(out)
    source = None if file is None else check_source(file)
    ahead = None if future is None else check_input(future, "--future")
    if kept.suffix.lower() in TABLE_SUFFIXES:
        raise ConfigError(
            "FORECASTER is a table",
            where=forecaster,
            expected="a file written by gatecast train",
            fix=f"Write gatecast forecast {forecaster} --report {out}.",
        )
    check_output(target, "--out", REPORT_SUFFIXES, kept)
    require_plotly()
    loaded = Forecaster.load(kept)
    with write_atomically([target]) as drafts:
        write(loaded, drafts[0], source=source, futr_df=ahead, id=id)
    typer.echo(f"written: {out}")
