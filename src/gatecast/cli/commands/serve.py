"""`gatecast serve`: forecasts over HTTP."""

from __future__ import annotations

from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from gatecast.cli.limits import BYTES, UNITS, MaxHorizon, MaxMemory, MaxRows
from gatecast.cli.options import POSITIVE, WHOLE, Setting, ValueKind, parse_option
from gatecast.cli.process import search_garbage_as_usual
from gatecast.errors import ConfigError
from gatecast.server.settings import Settings

__all__ = ["EXAMPLE", "serve"]

EXAMPLE = "gatecast serve --store gatecast-store --port 8000"

LOOPBACK = ("127.0.0.1", "::1", "localhost")
NEEDED = ("fastapi", "uvicorn", "multipart")


def _port(text: str) -> int:
    """Parse a port; 0 takes any that is free."""
    if not text.isascii() or not text.isdecimal() or int(text) > 65_535:
        raise ValueError
    return int(text)


PORT = ValueKind("a port from 0 to 65535", _port)

DEFAULTS: dict[str, Any] = {item.name: item.default for item in fields(Settings)}
"""Of the options that are settings of the server."""
HOUR = 3600


def _in_bytes(value: int) -> str:
    """Return a number of bytes as users write it.

    >>> _in_bytes(16_000_000)
    '16M'
    """
    factor, suffix = max((factor, suffix) for suffix, factor in (*UNITS.items(), ("", 1)) if value % factor == 0)
    return f"{value // factor}{suffix}"


TEXTS = {name: f"{value:.12g}" for name, value in DEFAULTS.items() if isinstance(value, int | float)}
"""The same as users write them."""
TEXTS |= {name: _in_bytes(DEFAULTS[name]) for name in ("max_body", "max_memory")}
TEXTS |= {"stream_seconds": f"{DEFAULTS['stream_seconds'] / HOUR:.12g}"}


def _limit(name: str, kind: ValueKind) -> Setting:
    """Return what the text of an option becomes; the example is the default."""
    return Setting(name, kind, TEXTS[name])


Port = Annotated[str, typer.Option(metavar="N", help="Port; 0 takes a free one."), Setting("port", PORT, "8000")]
MaxBody = Annotated[str, typer.Option(metavar="BYTES", help="Largest body."), _limit("max_body", BYTES)]
MaxColumns = Annotated[str, typer.Option(metavar="N", help="Most columns of a table."), _limit("max_columns", WHOLE)]
MaxSeconds = Annotated[
    str,
    typer.Option(metavar="S", help="Longest time of work in a process of its own."),
    _limit("max_seconds", POSITIVE),
]
MaxTrainSeconds = Annotated[
    str, typer.Option(metavar="S", help="Longest training."), _limit("max_train_seconds", POSITIVE)
]
Workers = Annotated[str, typer.Option(metavar="N", help="Worker processes at a time."), _limit("workers", WHOLE)]
MaxStreams = Annotated[
    str,
    typer.Option(metavar="N", help="Most streams; the one idle for longest makes room."),
    _limit("max_streams", WHOLE),
]
StreamHours = Annotated[
    str,
    typer.Option(metavar="H", help="Hours after which an idle stream expires."),
    _limit("stream_seconds", POSITIVE),
]


def serve(
    host: Annotated[str, typer.Option(metavar="NAME", help="Address to listen on.")] = "127.0.0.1",
    port: Port = "8000",
    store: Annotated[
        str, typer.Option(metavar="FOLDER", help="Folder of models, streams and jobs.")
    ] = "gatecast-store",
    api_key_file: Annotated[
        str | None, typer.Option(metavar="FILE", help="API keys, one a line; also in GATECAST_API_KEYS.")
    ] = None,
    no_api_key: Annotated[bool, typer.Option("--no-api-key", help="Let everyone in who reaches the address.")] = False,
    max_body: MaxBody = TEXTS["max_body"],
    max_rows: MaxRows = TEXTS["max_rows"],
    max_columns: MaxColumns = TEXTS["max_columns"],
    max_horizon: MaxHorizon = TEXTS["max_horizon"],
    max_seconds: MaxSeconds = TEXTS["max_seconds"],
    max_train_seconds: MaxTrainSeconds = TEXTS["max_train_seconds"],
    max_memory: MaxMemory = TEXTS["max_memory"],
    workers: Workers = TEXTS["workers"],
    max_streams: MaxStreams = TEXTS["max_streams"],
    stream_hours: StreamHours = TEXTS["stream_seconds"],
) -> None:
    """Serve forecasts over HTTP until a signal ends it.

    Prints the address. Forecasts need no training. Models are trained in processes of their own; streams carry their
    state and survive a restart. GET /openapi.json describes the endpoints.
    """
    number = parse_option("--port", port, Port)
    limits = {
        "max_body": parse_option("--max-body", max_body, MaxBody),
        "max_rows": parse_option("--max-rows", max_rows, MaxRows),
        "max_columns": parse_option("--max-columns", max_columns, MaxColumns),
        "max_horizon": parse_option("--max-horizon", max_horizon, MaxHorizon),
        "max_seconds": parse_option("--max-seconds", max_seconds, MaxSeconds),
        "max_train_seconds": parse_option("--max-train-seconds", max_train_seconds, MaxTrainSeconds),
        "max_memory": parse_option("--max-memory", max_memory, MaxMemory),
        "workers": parse_option("--workers", workers, Workers),
        "max_streams": parse_option("--max-streams", max_streams, MaxStreams),
        "stream_seconds": HOUR * parse_option("--stream-hours", stream_hours, StreamHours),
    }
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise ConfigError(f"gatecast serve needs {', '.join(missing)}", fix="Run: pip install 'gatecast[serve]'")
    from gatecast.server.run import serve as run
    from gatecast.server.security import VARIABLE, read_keys

    keys = read_keys(api_key_file)
    if not keys and not no_api_key and host not in LOOPBACK:
        raise ConfigError(
            "Everyone who reaches the address could use the server",
            where="--host",
            got=host,
            expected="API keys",
            fix=f"Name a file with --api-key-file, set {VARIABLE}, or say --no-api-key.",
        )
    search_garbage_as_usual()
    run(Settings(store=Path(store), api_keys=keys, **limits), host, number)
