"""Files within one folder: names that a model writes never lead out of it, and nothing there is overwritten."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from gatecast._utils.atomic import resolve
from gatecast._utils.suggestions import nearest
from gatecast.data.sources.patterns import is_pattern
from gatecast.data.sources.sql import is_query
from gatecast.errors import ConfigError

__all__ = ["Folder"]

MAX_LISTED = 10_000
"""Files of the folder that a misspelt name is compared with, at most."""
MAX_NAME = 1000
"""Characters of a name, at most."""


class Folder:
    """A folder that files are read from and written to.

    Args:
        root: The folder.

    Raises:
        ConfigError: It does not exist, or is no folder.
    """

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise ConfigError("The folder does not exist", where="--folder", got=str(root), fix="Make it first.")
        self.root = root.resolve()

    def source(self, name: str, argument: str, max_bytes: int) -> Path | str:
        """Return what a name of a file stands for, as readers take it.

        Args:
            name: Path within the folder, or ``file::part`` for a sheet, a table or a file of an archive.
            argument: Argument that names it.
            max_bytes: Bytes of the file, at most.

        Raises:
            ConfigError: No regular file of the folder, one that is too large, or SQL.
        """
        text, _, part = name.partition("::")
        if is_query(text) or is_query(part):
            raise ConfigError(
                "SQL is not run here",
                where=argument,
                got=repr(name),
                expected="the name of a file, such as 'sales.csv', 'book.xlsx::Sheet1' or 'shop.duckdb::sales'",
            )
        path = self._within(text, argument)
        if not os.path.lexists(path):
            raise self._missing(text, argument)
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise ConfigError("The file is a folder", where=argument, got=repr(text), expected="a file in it")
        if not stat.S_ISREG(mode):
            raise ConfigError("The file is no regular file", where=argument, got=repr(text), expected="a table")
        if path.stat().st_size > max_bytes:
            raise ConfigError(
                "The file is too large",
                where=argument,
                got=f"{path.stat().st_size:,} bytes",
                expected=f"at most {max_bytes:,}",
                fix="Use a smaller file, or start gatecast mcp with a larger --max-file.",
            )
        return f"{path}::{part}" if part else path

    def target(self, name: str, argument: str, suffixes: tuple[str, ...]) -> Path:
        """Return the path of a new file.

        Args:
            name: Path within the folder.
            argument: Argument that names it.
            suffixes: Suffixes of which it has one.

        Raises:
            ConfigError: It leads out of the folder, exists, is hidden, has another suffix, or lies in no folder.
        """
        path = self._within(name, argument)
        if path.suffix.lower() not in suffixes:
            expected = " or ".join(suffixes)
            fix = f"Write {path.stem or 'result'}{suffixes[0]}."
            raise ConfigError("The file has another suffix", where=argument, got=repr(name), expected=expected, fix=fix)
        if any(part.startswith(".") for part in path.relative_to(self.root).parts):
            raise ConfigError("Hidden files are not written", where=argument, got=repr(name), expected="another name")
        if not path.parent.is_dir():
            raise ConfigError(
                "The file lies in a folder that does not exist",
                where=argument,
                got=repr(name),
                fix=f"Write {path.name!r}, without a folder.",
            )
        if os.path.lexists(path) or os.path.lexists(self.root / name):
            raise ConfigError(
                "The file exists, and is not overwritten",
                where=argument,
                got=repr(name),
                fix=f"Write {self.free(path)!r}.",
            )
        return path

    def free(self, path: Path) -> str:
        """Return the first of name.csv, name-2.csv, ... that does not exist, within the folder."""
        number, stem, free = 2, path.stem, path
        while os.path.lexists(free):
            free = path.with_name(f"{stem}-{number}{path.suffix}")
            number += 1
        return self.name(free)

    def name(self, path: Path) -> str:
        """Return the name of a file within the folder."""
        return path.relative_to(self.root).as_posix()

    def _within(self, text: str, argument: str) -> Path:
        """Return the path that a name stands for, links followed.

        Raises:
            ConfigError: It is no name of a file, or leads out of the folder.
        """
        if not text.strip() or len(text) > MAX_NAME or "\0" in text:
            raise ConfigError("This is no name of a file", where=argument, got=repr(text), expected="'sales.csv'")
        if is_pattern(str(self.root / text)):
            raise ConfigError("Patterns are not expanded here", where=argument, got=repr(text), expected="one file")
        try:
            path = resolve(self.root / text)
        except (OSError, ValueError):
            # A circle of links, or a name that the system does not take.
            raise ConfigError("This is no name of a file", where=argument, got=repr(text)) from None
        if not path.is_relative_to(self.root):
            raise ConfigError(
                "The file is outside of the folder",
                where=argument,
                got=repr(text),
                expected="a file in the folder that gatecast mcp was started with",
                fix="Move the file there, or start gatecast mcp with another --folder.",
            )
        return path

    def _missing(self, text: str, argument: str) -> ConfigError:
        """Return the error about a file that does not exist, with the nearest name or the names of some tables."""
        names = []
        for folder, folders, files in os.walk(self.root):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            names += [self.name(Path(folder) / name) for name in sorted(files) if not name.startswith(".")]
            if len(names) > MAX_LISTED:
                break
        close = nearest(text, names[:MAX_LISTED])
        fix = f"Did you mean {close!r}?" if close else f"The folder has: {', '.join(names[:10]) or 'no files'}."
        return ConfigError("The file does not exist", where=argument, got=repr(text), fix=fix)
