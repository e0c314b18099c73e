"""Patterns of file names, such as ``data/*.csv``."""

from __future__ import annotations

import glob
import os
from pathlib import Path

__all__ = ["is_pattern", "match_files", "split_selection"]


def is_pattern(source: str) -> bool:
    """Return whether a string is a pattern of file names and not the name of an existing file.

    >>> is_pattern("data/*.csv"), is_pattern("data.csv")
    (True, False)
    """
    return glob.has_magic(source) and not os.path.exists(source)


def match_files(pattern: str) -> tuple[Path, ...]:
    """Return the existing files that a name or a pattern matches, in the order of their names.

    >>> match_files("no/such/file.csv")
    ()
    """
    names = [pattern] if os.path.exists(pattern) else sorted(glob.glob(pattern, recursive=True))
    return tuple(path for path in map(Path, names) if os.path.isfile(path))


def split_selection(source: str) -> tuple[str, str]:
    """Split ``file::selection`` into the name of a file, and what to read in it.

    >>> split_selection("book.xlsx::Sales"), split_selection("sales.csv")
    (('book.xlsx', 'Sales'), ('sales.csv', ''))
    """
    if os.path.exists(source):
        return source, ""
    file, _, selection = source.partition("::")
    return file, selection.strip()
