"""Settings of the server of tools, as the command line sets them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["Settings"]


@dataclass(frozen=True)
class Settings:
    """Settings of a server of tools.

    Args:
        folder: Folder that files are read from and written to; nothing outside of it is reached.
        max_file: Bytes of a file that is read, at most.
        max_rows: Rows of a table and of a forecast, at most.
        max_horizon: Steps ahead, at most.
        max_seconds: Seconds of a call, at most.
        max_memory: Bytes of memory of the process that computes, at most.
    """

    folder: Path
    max_file: int = 64_000_000
    max_rows: int = 200_000
    max_horizon: int = 2000
    max_seconds: float = 300.0
    max_memory: int = 4_000_000_000
