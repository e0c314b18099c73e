"""Options of what a server may spend on a request."""

from __future__ import annotations

from typing import Annotated

import typer

from gatecast.cli.options import WHOLE, Setting, ValueKind

__all__ = ["BYTES", "UNITS", "MaxHorizon", "MaxMemory", "MaxRows"]

UNITS = {"k": 10**3, "M": 10**6, "G": 10**9}


def _bytes(text: str) -> int:
    """Parse a number of bytes, as 16M."""
    number, factor = (text[:-1], UNITS[text[-1]]) if text[-1:] in UNITS else (text, 1)
    if not number.isascii() or not number.isdecimal() or int(number) < 1:
        raise ValueError
    return int(number) * factor


BYTES = ValueKind("a number of bytes, such as 16M", _bytes)

MaxRows = Annotated[str, typer.Option(metavar="N", help="Most rows of a table."), Setting("max_rows", WHOLE, "200000")]
MaxHorizon = Annotated[str, typer.Option(metavar="N", help="Most steps ahead."), Setting("max_horizon", WHOLE, "2000")]
MaxMemory = Annotated[
    str, typer.Option(metavar="BYTES", help="Most memory of a worker process."), Setting("max_memory", BYTES, "4G")
]
