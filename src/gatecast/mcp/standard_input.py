"""Lines of standard input, read by a thread that does not keep the process from ending.

The SDK reads in a thread that is waited for at the end of the process: Ctrl-C would then wait for the next line.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from contextlib import suppress

__all__ = ["read_lines"]

MAX_LINE = 2**26
"""Bytes of a message, at most; of a longer one its end is cut off, so that it is no JSON and is refused."""
CHUNK = 2**16


async def read_lines(descriptor: int = 0) -> AsyncIterator[str]:
    """Yield the lines of a file descriptor as texts, until its end.

    Args:
        descriptor: Of the file, as the system numbers it.
    """
    loop, lines = asyncio.get_running_loop(), asyncio.Queue[bytes | None]()

    def put(line: bytes | None) -> None:
        """Pass a line on; nothing if the loop is no more."""
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(lines.put_nowait, line)

    def read() -> None:
        """Read to the end. Not from `sys.stdin`, whose lock the end of the process would wait for."""
        line_start = bytearray()
        while chunk := os.read(descriptor, CHUNK):
            *ended, rest = chunk.split(b"\n")
            for part in ended:
                put(bytes(line_start + part)[:MAX_LINE])
                line_start.clear()
            line_start += rest[: MAX_LINE - len(line_start)]
        if line_start:
            put(bytes(line_start))
        put(None)

    threading.Thread(target=read, name="standard-input", daemon=True).start()
    while (line := await lines.get()) is not None:
        yield line.decode("utf-8", errors="replace")
