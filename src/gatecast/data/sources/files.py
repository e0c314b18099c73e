"""Read files as tables: a single file, or all files that match a pattern such as ``data/*.csv``.

Python's csv module splits text files of ordinary size: that is faster than importing DuckDB, and it knows the line of
every row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

import numpy as np

from gatecast.data.messages import list_columns
from gatecast.data.parsing.raw_table import FileSpans, RawColumn, RawTable, to_text
from gatecast.data.sources.delimited import decode, read_delimited
from gatecast.data.sources.large_text import read_large_text
from gatecast.data.sources.patterns import match_files
from gatecast.data.sources.sql import query_file
from gatecast.errors import DataError

__all__ = ["from_file", "from_pattern"]

# Above this size DuckDB's parallel reader is faster, although it must be imported and does not count blank lines.
LARGE_FILE_BYTES = 8_000_000


def from_pattern(pattern: str) -> RawTable:
    """Read all files that match a pattern as one table, in the order of their names.

    Args:
        pattern: Pattern with ``*``, ``?`` or ``[...]``; ``**`` matches any folders.

    Returns:
        The table, with `files` if there are several; columns in the order of the first file.

    Raises:
        DataError: No file matches, a file cannot be read, or the files have different columns.
    """
    paths = match_files(pattern)
    if not paths:
        raise DataError(
            "No file matches the pattern",
            where=pattern,
            expected="a pattern such as data/*.csv",
            fix=f"Check the pattern; the current folder is {Path.cwd()}.",
        )
    tables = [from_file(path) for path in paths]
    return tables[0] if len(tables) == 1 else _stack(tables, paths)


def from_file(path: Path) -> RawTable:
    """Read a file as a table, in the format that its suffix or its first bytes indicate.

    Raises:
        DataError: The file does not exist or cannot be read.
    """
    _check_source(path)
    try:
        with path.open("rb") as file:
            head = file.read(65_536)
            suffix = path.suffix.lower()
            if suffix in (".parquet", ".pq") or head.startswith(b"PAR1"):
                return query_file("read_parquet", path)
            if suffix in (".json", ".jsonl", ".ndjson"):
                return query_file("read_json", path, ", maximum_object_size=268435456")
            # Longer lines are those of wide tables with many series, which DuckDB reads slowly.
            if path.stat().st_size > LARGE_FILE_BYTES and head.count(b"\n") > 2:
                table = read_large_text(path)
                if table is not None:
                    return table
            raw = head + file.read()
    except OSError as error:
        raise DataError("Cannot read the file", where=str(path), got=error.strerror or str(error)) from None
    text, notes = decode(raw, str(path))
    table = read_delimited(text, str(path))
    return replace(table, notes=(*notes, *table.notes))


def _check_source(path: Path) -> None:
    """Check that a path is an existing file."""
    if path.is_dir():
        raise DataError(
            "The path is a directory",
            where=str(path),
            expected="a file",
            fix=f"Name a file, or use a pattern such as {path}/*.csv.",
        )
    if not path.exists():
        folder = path.parent
        names = sorted(other.name for other in folder.iterdir()) if folder.is_dir() else []
        close = get_close_matches(path.name, names, n=1)
        fix = f"Did you mean {close[0]!r}?" if close else f"Check the path; the current folder is {Path.cwd()}."
        raise DataError("File not found", where=str(path), fix=fix)


def _stack(tables: Sequence[RawTable], paths: Sequence[Path]) -> RawTable:
    """Stack tables of the same columns."""
    first = tables[0]
    for table, path in zip(tables[1:], paths[1:], strict=True):
        if set(table.names) != set(first.names):
            raise DataError(
                "Files have different columns",
                where=str(path),
                got=list_columns(table.names),
                expected=f"{list_columns(first.names)}, as in {paths[0]}",
            )
    indices = [[table.names.index(name) for name in first.names] for table in tables]
    columns = [
        _concatenate([table.columns[index[k]] for table, index in zip(tables, indices, strict=True)])
        for k in range(len(first.names))
    ]
    has_lines = all(table.line_numbers is not None for table in tables)
    lengths = [len(table) for table in tables]
    return RawTable(
        first.names,
        tuple(columns),
        np.concatenate([table.line_numbers for table in tables if table.line_numbers is not None])
        if has_lines
        else None,
        first.has_header,
        tuple(dict.fromkeys((f"{len(paths)} files were read.", *(note for table in tables for note in table.notes)))),
        FileSpans(_unique_names(paths), np.concatenate(([0], np.cumsum(lengths)))),
        {
            name: np.concatenate([table.utc_offsets.get(name, np.zeros(len(table), np.int64)) for table in tables])
            for name in first.names
            if any(name in table.utc_offsets for table in tables)
        },
    )


def _concatenate(parts: Sequence[RawColumn]) -> RawColumn:
    """Concatenate parts of a column, as strings where their types differ, for example if one is empty."""
    kinds = {part.dtype.kind for part in parts}
    if kinds <= set("fi") or len(kinds) == 1:
        return np.concatenate(parts)
    return np.concatenate([part if part.dtype.kind == "O" else to_text(_round_trip_texts(part)) for part in parts])


def _round_trip_texts(part: RawColumn) -> list[str | None]:
    """Values as strings that parse to the same values, None where missing."""
    if part.dtype.kind == "f":
        return [None if value != value else f"{value:.17g}" for value in part.tolist()]
    texts = part.astype(str).tolist()
    return [None if text == "NaT" else text for text in texts]


def _unique_names(paths: Sequence[Path]) -> tuple[str, ...]:
    """File names without suffix, with their folder if these repeat, or else the paths."""
    for names in ([path.stem for path in paths], [f"{path.parent.name}/{path.stem}" for path in paths]):
        if len(set(names)) == len(names):
            return tuple(names)
    return tuple(str(path) for path in paths)
