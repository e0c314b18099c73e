"""`gatecast mcp`: tools for language models over the Model Context Protocol."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from gatecast.cli.limits import BYTES, MaxHorizon, MaxMemory, MaxRows
from gatecast.cli.options import POSITIVE, Setting, parse_option
from gatecast.cli.process import search_garbage_as_usual
from gatecast.errors import ConfigError

__all__ = ["EXAMPLE", "mcp"]

EXAMPLE = "gatecast mcp --folder sales"

MaxFile = Annotated[
    str, typer.Option(metavar="BYTES", help="Largest file that is read."), Setting("max_file", BYTES, "64M")
]
MaxSeconds = Annotated[
    str, typer.Option(metavar="S", help="Longest time of a call."), Setting("max_seconds", POSITIVE, "300")
]


def mcp(
    folder: Annotated[
        str, typer.Option(metavar="DIR", help="Folder of the tables and results; . is the current one.")
    ] = ".",
    max_file: MaxFile = "64M",
    max_rows: MaxRows = "200000",
    max_horizon: MaxHorizon = "2000",
    max_seconds: MaxSeconds = "300",
    max_memory: MaxMemory = "4G",
) -> None:
    """Serve tools for language models.

    Prints messages of the Model Context Protocol alone: a client such as an editor or an assistant starts this command.
    The tools inspect, forecast, backtest, compare, explain and report on tables in one folder; they reach no file
    outside of it.
    """
    limits = {
        "max_file": parse_option("--max-file", max_file, MaxFile),
        "max_rows": parse_option("--max-rows", max_rows, MaxRows),
        "max_horizon": parse_option("--max-horizon", max_horizon, MaxHorizon),
        "max_seconds": parse_option("--max-seconds", max_seconds, MaxSeconds),
        "max_memory": parse_option("--max-memory", max_memory, MaxMemory),
    }
    if find_spec("mcp") is None:
        raise ConfigError("gatecast mcp needs the package mcp", fix="Run: pip install 'gatecast[mcp]'")
    from gatecast.mcp.app import serve
    from gatecast.mcp.settings import Settings

    search_garbage_as_usual()
    serve(Settings(Path(folder), **limits))
