"""`gatecast serve`: forecasts over HTTP."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from gatecast.cli.limits import BYTES, MaxHorizon, MaxMemory, MaxRows
from gatecast.cli.options import POSITIVE, WHOLE, Setting, ValueKind, parse_option
from gatecast.errors import ConfigError

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

Port = Annotated[str, typer.Option(metavar="N", help="Port; 0 takes a free one."), Setting("port", PORT, "8000")]
MaxBody = Annotated[str, typer.Option(metavar="BYTES", help="Largest body."), Setting("max_body", BYTES, "16M")]
MaxColumns = Annotated[
    str, typer.Option(metavar="N", help="Most columns of a table."), Setting("max_columns", WHOLE, "1000")
]
MaxSeconds = Annotated[
    str,
    typer.Option(metavar="S", help="Longest time of work in a process of its own."),
    Setting("max_seconds", POSITIVE, "60"),
]
MaxTrainSeconds = Annotated[
    str, typer.Option(metavar="S", help="Longest training."), Setting("max_train_seconds", POSITIVE, "3600")
]
Workers = Annotated[str, typer.Option(metavar="N", help="Worker processes at a time."), Setting("workers", WHOLE, "1")]
MaxStreams = Annotated[
    str,
    typer.Option(metavar="N", help="Most streams; the one idle for longest makes room."),
    Setting("max_streams", WHOLE, "10000"),
]
StreamHours = Annotated[
    str,
    typer.Option(metavar="H", help="Hours after which an idle stream expires."),
    Setting("stream_hours", POSITIVE, "168"),
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
    max_body: MaxBody = "16M",
    max_rows: MaxRows = "200000",
    max_columns: MaxColumns = "1000",
    max_horizon: MaxHorizon = "2000",
    max_seconds: MaxSeconds = "60",
    max_train_seconds: MaxTrainSeconds = "3600",
    max_memory: MaxMemory = "4G",
    workers: Workers = "1",
    max_streams: MaxStreams = "10000",
    stream_hours: StreamHours = "168",
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
        "stream_seconds": 3600 * parse_option("--stream-hours", stream_hours, StreamHours),
    }
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise ConfigError(f"gatecast serve needs {', '.join(missing)}", fix="Run: pip install 'gatecast[serve]'")
    from gatecast.server.run import serve as run
    from gatecast.server.security import VARIABLE, read_keys
    from gatecast.server.settings import Settings

    keys = read_keys(api_key_file)
    if not keys and not no_api_key and host not in LOOPBACK:
        raise ConfigError(
            "Everyone who reaches the address could use the server",
            where="--host",
            got=host,
            expected="API keys",
            fix=f"Name a file with --api-key-file, set {VARIABLE}, or say --no-api-key.",
        )
    run(Settings(store=Path(store), api_keys=keys, **limits), host, number)
