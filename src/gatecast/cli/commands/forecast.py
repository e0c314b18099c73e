"""The commands and their options: what `gatecast forecast` and `gatecast doctor` do, in the order they do it.

`train`, `predict` and `backtest` are in `panel_commands`.

Nothing heavy is imported before it is needed, and nothing is trained before every option has been checked.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer

from gatecast import __version__
from gatecast.cli.commands import compare, explain, report, train_predict, tune
from gatecast.cli.options import Options, parse_options
from gatecast.cli.words import CommonOptions, File, Future, Json, Out, Report, shared
from gatecast.errors import DataError

if TYPE_CHECKING:
    from gatecast.cli.forecast_view import Result
    from gatecast.forecaster import Forecaster

__all__ = ["app"]

app = typer.Typer(
    name="gatecast",
    help="Forecasts with LSTM networks on a plain CPU, and says how good they are.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["--help"]},
)


train_predict.register(app)
explain.register(app)
compare.register(app)
tune.register(app)
report.register(app)


@app.callback(invoke_without_command=True)
def _program(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    """Forecasts with LSTM networks on a plain CPU, and says how good they are."""
    if version:
        typer.echo(f"gatecast {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit


@app.command()
@shared
def forecast(
    file: File,
    words: CommonOptions,
    future: Future = None,
    out: Out = None,
    plot: Annotated[str | None, typer.Option(metavar="PATH", help="Write a chart: .png or .svg.")] = None,
    report: Report = None,
    json: Json = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="The forecast alone; nothing if it goes to --out.")
    ] = False,
) -> None:
    """Forecast the series in FILE, with intervals, and score the model beside seasonal naive."""
    options = parse_options(
        file, words.settings(), future=future, out=out, plot=plot, report=report, json=json, quiet=quiet
    )
    if options.plot is not None:
        from gatecast.plotting.charts import require_library

        require_library(options.plot)
    if options.report is not None:
        from gatecast.reporting.html_report import require_plotly

        require_plotly()
    began = perf_counter()
    forecaster, result = _fit(options)
    _write(result, options, forecaster)
    _tell(replace(result, seconds=perf_counter() - began), options)


@app.command()
def doctor(
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Say what is installed, what the machine offers, and whether the kernels compute what they should."""
    from gatecast.cli import json_output
    from gatecast.cli.commands.doctor import examine, lines

    findings = examine()
    if json:
        typer.echo(json_output.to_json(findings))
    else:
        facts = lines(findings)
        width = max(len(name) for name, _ in facts)
        typer.echo("\n".join(f"{name:<{width}}  {fact}" for name, fact in facts))
    if not findings["healthy"]:
        raise typer.Exit(1)


def _fit(options: Options) -> tuple[Forecaster, Result]:
    """Read, train, score and predict."""
    from gatecast.cli.forecast_view import collect
    from gatecast.cli.terminal import progress_line
    from gatecast.forecaster import Forecaster

    forecaster = Forecaster(
        options.horizon,
        model=options.model,
        data=options.data,
        level=options.levels,
        season_length=options.season,
        freq=options.freq,
        seed=options.seed,
        id_col=options.id_col,
        time_col=options.time_col,
        target_col=options.target_col,
    )
    with progress_line(sys.stderr, wanted=not options.quiet) as progress:
        forecaster.fit(options.file, progress=progress)
    return forecaster, collect(forecaster, options)


def _write(result: Result, options: Options, forecaster: Forecaster) -> None:
    """Write what was asked for: all of it, or nothing."""
    from gatecast.cli.output_files import unwritable, write_atomically
    from gatecast.data.sources.writers import write

    with write_atomically(options.outputs) as drafts:
        for target, draft in zip(options.outputs, drafts, strict=True):
            try:
                if target is options.out:
                    write(result.whole.columns, draft)
                elif target is options.report:
                    from gatecast.reporting.html_report import report

                    report(forecaster, draft, futr_df=options.future)
                else:
                    result.forecast.plot(draft)
            except (DataError, OSError) as error:  # noqa: PERF203
                # The draft's name would tell the user nothing.
                names = {options.out: "--out", options.plot: "--plot", options.report: "--report"}
                option = names[target]
                raise unwritable(target, option, _cause(error)) from error


def _cause(error: DataError | OSError) -> OSError:
    """What the system said, without the name of a draft."""
    return error if isinstance(error, OSError) else OSError(str(error.got) or error.what)


def _tell(result: Result, options: Options) -> None:
    """The document, the report, or the forecast alone."""
    if options.json:
        from gatecast.cli.json_output import document, to_json

        typer.echo(to_json(document(result, options, options.outputs)))
    elif not (options.quiet and options.out):
        from gatecast.cli.terminal import show

        show(result, options.outputs, quiet=options.quiet)
