"""The process that computes: it reads calls as JSON lines, and writes progress and answers as JSON lines.

The process that talks to the client ends it when a call is cancelled or takes too long. It ends by itself when that
process is gone. What anything prints goes to standard error: standard output has the lines alone.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from gatecast._utils.memory import is_out_of_memory
from gatecast.errors import GatecastError
from gatecast.mcp import tools
from gatecast.mcp.catalog import TOOLS
from gatecast.mcp.folder import Folder
from gatecast.mcp.forms import parse
from gatecast.mcp.settings import Settings
from gatecast.pipeline.progress import Progress

__all__ = ["COMMAND", "FACTS", "main", "mark_as_program"]

# The current folder, which "-c" puts first, may hold modules of anybody.
COMMAND = "import sys; sys.path[:] = filter(None, sys.path); from gatecast.mcp.worker import main; main(sys.argv[1])"
"""Program of the process; the settings follow as JSON."""

FACTS = ("what", "where", "got", "expected", "fix")
REPORT_EVERY = 0.2
"""Seconds between two lines of progress, at least."""
MAX_FACT = 500
"""Characters of a part of an error, at most."""


def main(text: str) -> None:
    """Answer calls until standard input ends.

    Args:
        text: The settings as JSON.
    """
    given = json.loads(text)
    settings = Settings(**{**given, "folder": Path(given["folder"])})
    mark_as_program()
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    calls: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(calls,), daemon=True).start()
    _limit_memory(settings.max_memory)
    os.chdir(settings.folder)
    folder = Folder(settings.folder)
    while True:
        call = json.loads(calls.get())
        _send(out, _answer(call, settings, folder, _reporter(out)))


def mark_as_program() -> None:
    """Give the main module a file: DuckDB takes a program of "-c" for a shell, and draws a progress bar in its log."""
    sys.modules["__main__"].__file__ = __file__


def _read(calls: queue.SimpleQueue[str]) -> None:
    """Pass calls on; at the end of standard input, end at once, whatever is being computed."""
    for line in sys.stdin:
        calls.put(line)
    os._exit(0)


def _answer(
    call: dict[str, Any], settings: Settings, folder: Folder, progress: Callable[[Progress], None]
) -> dict[str, Any]:
    """Return the answer to a call, or what is wrong with it."""
    name = call["tool"]
    try:
        form = parse(TOOLS[name].form, call["arguments"])
        answer = getattr(tools, name)(form, tools.Work(settings, folder, progress))
    except GatecastError as error:
        return {"error": _facts(error.within(folder.root))}
    except Exception as error:
        if isinstance(error, RecursionError) or is_out_of_memory(error):
            fix = "Use a file with fewer rows, or ask for fewer steps."
            return {"error": _facts(GatecastError("The call needs more memory than it may have", fix=fix))}
        import traceback

        traceback.print_exc()
        what = f"gatecast has a defect: {type(error).__name__}"
        return {"error": _facts(GatecastError(what, fix="The log of the server has the details."))}
    return {"text": answer.text, "facts": TOOLS[name].result.model_validate(answer.facts).model_dump(mode="json")}


def _facts(error: GatecastError) -> dict[str, str]:
    """Return the parts of an error that exist."""
    parts = {name: str(getattr(error, name))[:MAX_FACT] for name in FACTS}
    parts["where"] = parts["where"] or error.argument or ""
    return {"message": str(error)[: 4 * MAX_FACT], **{name: part for name, part in parts.items() if part}}


def _reporter(out: TextIO) -> Callable[[Progress], None]:
    """Return what work reports its progress to."""
    last, stage = 0.0, ""

    def report(progress: Progress) -> None:
        """Write a line where a stage begins, or the last line is not too new."""
        nonlocal last, stage
        now = time.monotonic()
        if now - last >= REPORT_EVERY or progress.stage != stage:
            last, stage = now, progress.stage
            _send(out, {"progress": round(progress.fraction, 4), "stage": progress.stage})

    return report


def _send(out: TextIO, message: dict[str, Any]) -> None:
    """Write a line."""
    out.write(json.dumps(message) + "\n")
    out.flush()


def _limit_memory(limit: int) -> None:
    """Let the system refuse memory beyond a limit, where it can."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
