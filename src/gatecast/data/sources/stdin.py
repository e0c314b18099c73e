"""Standard input as a file, which a command names ``-``: read once, and kept until the process ends."""

from __future__ import annotations

import atexit
import io
import shutil
import sys
from functools import lru_cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from gatecast.errors import ConfigError

__all__ = ["STDIN", "STDIN_FILE", "STDIN_LABEL", "check_stdin", "list_stdin", "save_stdin"]

STDIN = "-"
STDIN_LABEL = "standard input"
"""What messages call it."""
STDIN_FILE = "/dev/stdin"
"""The file that it is; unlike "-", the name may be followed by "::" and a sheet."""


def check_stdin() -> None:
    """Check that standard input is open and is not the keyboard, on which nobody would type a table.

    Raises:
        ConfigError: It is a terminal, or closed.
    """
    if sys.stdin is None or sys.stdin.closed:
        raise ConfigError("Cannot read standard input", got="a closed stream", fix=_example())
    if sys.stdin.isatty():
        raise ConfigError("Cannot read standard input", got="a terminal", expected="a file or a pipe", fix=_example())


def list_stdin() -> tuple[Path, ...]:
    """Return the file that standard input may be, so that no output overwrites it."""
    path = Path(STDIN_FILE)
    return (path,) if path.exists() else ()


def save_stdin() -> Path:
    """Return a temporary file with all that standard input holds; the same one at every call.

    Raises:
        ConfigError: As `check_stdin`.
    """
    check_stdin()
    return _save(sys.stdin)


# A forecast with a report reads its tables twice, but a stream only once.
@lru_cache(maxsize=1)
def _save(stream: Any) -> Path:
    """Copy a stream to a file in a folder that vanishes with the process."""
    folder = mkdtemp(prefix="gatecast-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = Path(folder) / "stdin"
    content = getattr(stream, "buffer", None) or io.BytesIO(stream.read().encode())
    with path.open("wb") as file:
        shutil.copyfileobj(content, file)
    return path


def _example() -> str:
    """The advice."""
    return "Write gatecast forecast - < sales.csv."
