"""Files and folders that callbacks write: checked before a training, and made on its way."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from gatecast.errors import ConfigError

__all__ = ["check_path", "make_folder"]


def check_path(path: Any, name: str, where: str) -> str:
    """Return a path as text.

    Args:
        path: What the user passed.
        name: Name of the argument.
        where: Name of the callback.

    Raises:
        ConfigError: No path, or an empty one.

    >>> check_path(Path("best.gatecast"), "filepath", "ModelCheckpoint")
    'best.gatecast'
    """
    text = os.fspath(path) if isinstance(path, str | os.PathLike) else ""
    if not isinstance(text, str) or not text:
        raise ConfigError(f"Invalid {name} {path!r}", where=where, expected="a path", argument=name)
    return text


def make_folder(folder: Path) -> None:
    """Make a folder, and those that it lies in.

    Raises:
        ConfigError: The system refuses it, as where a file has its name.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        got = error.strerror or str(error)
        fix = "Choose a path in a folder that you may write to."
        raise ConfigError("Cannot make the folder", where=str(folder), got=got, fix=fix) from error
