"""The user's folder for what may be deleted at any time, where each system has it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["cache_folder"]


def cache_folder(name: str) -> Path | None:
    r"""Return a folder of gatecast in the user's cache folder; it need not exist. None: the user has none.

    That is `$XDG_CACHE_HOME` or `~/.cache`, on macOS `~/Library/Caches`, on Windows `%LOCALAPPDATA%`.

    Args:
        name: Of the folder.

    >>> folder = cache_folder("checkpoints")
    >>> folder is None or folder.parts[-2:]
    ('gatecast', 'checkpoints')
    """
    variable = "LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME"
    named = os.environ.get(variable, "")
    # A path that is not absolute is to be ignored, as the XDG specification says.
    if os.path.isabs(named):
        return Path(named) / "gatecast" / name
    try:
        home = Path.home()
    except RuntimeError:
        return None
    local = {"darwin": ("Library", "Caches"), "win32": ("AppData", "Local")}
    return home.joinpath(*local.get(sys.platform, (".cache",)), "gatecast", name)
