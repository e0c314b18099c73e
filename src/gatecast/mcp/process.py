"""The process of the tools, seen from the one that talks to the client: one call at a time, within a limit of time."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from gatecast.errors import GatecastError
from gatecast.mcp.settings import Settings
from gatecast.mcp.worker import COMMAND

__all__ = ["ToolProcess"]

MAX_WAITING = 16
"""Calls that wait or run, at most."""
MAX_LINE = 2**26
"""Bytes of an answer, at most."""

Reply = dict[str, Any]


class ToolProcess:
    """A process that computes; it is started anew when it was ended.

    Args:
        settings: Folder and limits.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings, self._n_open = settings, 0
        self._process: Process | None = None
        self._lock = asyncio.Lock()

    async def start(self) -> None:
        """Start the process, so that the first call does not wait for imports."""
        if self._process is not None and self._process.returncode is None:
            return
        settings = json.dumps({**asdict(self._settings), "folder": str(self._settings.folder.resolve())})
        environment = {**os.environ, "GATECAST_TRUSTED": "0", "OPENBLAS_NUM_THREADS": "1"}
        command = (sys.executable, "-c", COMMAND, settings)
        self._process = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, env=environment, limit=MAX_LINE
        )

    async def call(
        self, tool: str, arguments: dict[str, Any], on_progress: Callable[[float, str], Awaitable[None]]
    ) -> Reply:
        """Return the answer to a call: "text" and "facts", or "error".

        Args:
            tool: Its name.
            arguments: As the model wrote them.
            on_progress: Is called with the share that is done, and what is being done.
        """
        if self._n_open >= MAX_WAITING:
            return _error("Too many calls wait", expected=f"at most {MAX_WAITING}", fix="Call again in a moment.")
        self._n_open += 1
        try:
            async with self._lock:
                return await self._call(tool, arguments, on_progress)
        finally:
            self._n_open -= 1

    async def _call(
        self, tool: str, arguments: dict[str, Any], on_progress: Callable[[float, str], Awaitable[None]]
    ) -> Reply:
        """Return the answer, with the process for this call alone."""
        await self.start()
        reply: Reply | None = None
        try:
            reply = await asyncio.wait_for(self._talk(tool, arguments, on_progress), self._settings.max_seconds)
        except asyncio.TimeoutError:
            return _error(
                "The call takes longer than it may",
                expected=f"at most {self._settings.max_seconds:g} s",
                fix="Use fewer series or a model that needs no training, such as pretrained, or start gatecast mcp "
                "with a larger --max-seconds.",
            )
        finally:
            # Cancelled, late or dead: its answer would be taken for that of the next call.
            if reply is None:
                self._kill()
        return reply

    async def _talk(
        self, tool: str, arguments: dict[str, Any], on_progress: Callable[[float, str], Awaitable[None]]
    ) -> Reply:
        """Send a call, and follow it to its answer.

        Raises:
            RuntimeError: The process has no pipes.
        """
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise RuntimeError("the process of the tools has no pipes")
        with suppress(ConnectionError):
            process.stdin.write(json.dumps({"tool": tool, "arguments": arguments}).encode() + b"\n")
            await process.stdin.drain()
        while line := await process.stdout.readline():
            reply: Reply = json.loads(line)
            if "progress" not in reply:
                return reply
            await on_progress(reply["progress"], reply["stage"])
        await process.wait()
        self._process = None
        return _error(
            "The process that computes has ended",
            got=f"exit code {process.returncode}",
            fix="It may have needed more memory than there is: use a file with fewer rows.",
        )

    def _kill(self) -> None:
        """End the process at once; the next call starts another."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            # Closes the pipes now, not when garbage is collected.
            process._transport.close()  # type: ignore[attr-defined]

    async def stop(self) -> None:
        """End the process, and wait for its end."""
        process = self._process
        self._kill()
        if process is not None:
            await process.wait()


def _error(what: str, **facts: str) -> Reply:
    """Return an error as an answer."""
    return {"error": {"message": str(GatecastError(what, **facts)), "what": what, **facts}}
