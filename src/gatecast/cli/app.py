"""The program and its commands. A program of one command imports no other, and heavy modules only when it runs."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Annotated

import typer

from gatecast import __version__
from gatecast.cli.command import HELP_FLAGS, register, with_forecaster_options
from gatecast.cli.text_values import TextGroup

__all__ = ["COMMANDS", "make_app"]

EXAMPLES = """\b
Examples:
  gatecast forecast sales.csv
  gatecast train sales.csv --out sales.gatecast
  gatecast predict sales.gatecast -n 24 --out forecast.csv"""

OF_MODELS = (
    *("model", "level", "point", "totals", "reconciliation", "lower_bound", "upper_bound", "integer", "keep_last"),
    "keep_outliers",
    *("input_size", "units", "n_layers", "dropout", "n_members", "max_steps", "batch_size", "learning_rate"),
    *("finetune", "seed"),
)
"""Options of a forecaster that say nothing of how a table is read."""

COMMANDS: dict[str, tuple[str, ...] | None] = {
    "inspect": OF_MODELS,
    "forecast": (),
    "train": (),
    "predict": None,
    "simulate": None,
    "evaluate": None,
    "update": None,
    "backtest": (),
    "compare": ("model",),
    "tune": (),
    "explain": (),
    "anomalies": ("level",),
    "report": None,
    "export": None,
    "memory-benchmark": None,
    "synth": None,
    "serve": None,
    "mcp": None,
    "doctor": None,
}
"""Commands in the order of the help, each a module of `commands`: the options of a forecaster that it does not have,
None if it has none of them."""


def make_app(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """Return the program with some of its commands, all by default.

    >>> [command.name for command in make_app(["memory-benchmark"]).registered_commands]
    ['memory-benchmark']
    """
    app = typer.Typer(
        name="gatecast",
        cls=TextGroup,
        epilog=EXAMPLES,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": HELP_FLAGS},
    )
    app.callback(invoke_without_command=True)(_program)
    for name in names:
        function, without = name.replace("-", "_"), COMMANDS[name]
        module = import_module(f"gatecast.cli.commands.{function}")
        command = getattr(module, function)
        register(app, command if without is None else with_forecaster_options(command, without), module.EXAMPLE, name)
    return app


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
