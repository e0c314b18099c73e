"""Structured logs: one JSON object a line, on standard error. Keys and bodies of requests are never written."""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import Any

__all__ = ["log", "set_up"]

LOGGER = logging.getLogger("gatecast.server")


class _Json(logging.Formatter):
    """A record as JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03}Z"
        parts: dict[str, Any] = {"time": when, "level": record.levelname.lower(), "message": record.getMessage()}
        parts |= getattr(record, "facts", {})
        if record.exc_info:
            parts["traceback"] = self.formatException(record.exc_info)
        return json.dumps(parts, default=str)


def set_up() -> None:
    """Write the logs of the server, and warnings of uvicorn, to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json())
    for name, level in (("gatecast.server", logging.INFO), ("uvicorn.error", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level)


def log(message: str, *, error: BaseException | None = None, **facts: Any) -> None:
    """Write a line."""
    level = logging.ERROR if error is not None else logging.INFO
    if LOGGER.isEnabledFor(level):
        # Not LOGGER.log, which looks for the line that called it: a third of the cost of a line, and nobody reads it.
        traceback = None if error is None else (type(error), error, error.__traceback__)
        record = LOGGER.makeRecord(LOGGER.name, level, "", 0, message, (), traceback, extra={"facts": facts})
        LOGGER.handle(record)
