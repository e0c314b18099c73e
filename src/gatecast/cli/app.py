"""The program and its commands. Heavy modules are imported only by the command that runs."""

from __future__ import annotations

from typing import Annotated

import typer

from gatecast import __version__
from gatecast.cli.command import HELP_FLAGS, register, with_forecaster_options
from gatecast.cli.commands import (
    anomalies,
    backtest,
    compare,
    doctor,
    evaluate,
    explain,
    forecast,
    memory_benchmark,
    predict,
    report,
    simulate,
    synth,
    train,
    tune,
    update,
)
from gatecast.cli.text_values import TextGroup

__all__ = ["app"]

EXAMPLES = """\b
Examples:
  gatecast forecast sales.csv
  gatecast train sales.csv --out sales.gatecast
  gatecast predict sales.gatecast -n 24 --out forecast.csv"""

app = typer.Typer(
    name="gatecast",
    cls=TextGroup,
    epilog=EXAMPLES,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": HELP_FLAGS},
)


@app.callback(invoke_without_command=True)
def _program(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Forecast time series with LSTM networks on a CPU, next to honest baselines.

    FILE is a table of times and values: CSV, Parquet, JSON, a pattern such as 'data/*.csv', or an SQL query.
    """
    if version:
        typer.echo(f"gatecast {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit


register(app, with_forecaster_options(forecast.forecast), forecast.EXAMPLE)
register(app, with_forecaster_options(train.train), train.EXAMPLE)
register(app, predict.predict, predict.EXAMPLE)
register(app, simulate.simulate, simulate.EXAMPLE)
register(app, evaluate.evaluate, evaluate.EXAMPLE)
register(app, update.update, update.EXAMPLE)
register(app, with_forecaster_options(backtest.backtest), backtest.EXAMPLE)
register(app, with_forecaster_options(compare.compare, without=("model",)), compare.EXAMPLE)
register(app, with_forecaster_options(tune.tune), tune.EXAMPLE)
register(app, with_forecaster_options(explain.explain), explain.EXAMPLE)
register(app, with_forecaster_options(anomalies.anomalies, without=("level",)), anomalies.EXAMPLE)
register(app, report.report, report.EXAMPLE)
register(app, memory_benchmark.memory_benchmark, memory_benchmark.EXAMPLE)
register(app, synth.synth, synth.EXAMPLE)
register(app, doctor.doctor, doctor.EXAMPLE)
