"""Read files as tables: one file, standard input, or all files that match a pattern such as ``data/*.csv``.

Python's csv module splits text files of ordinary size: that is faster than importing DuckDB, and it knows the line of
every row. Readers of other formats are imported when a file needs them.
"""

from __future__ import annotations

import codecs
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

from gatecast._utils.arrays import to_integers
from gatecast.data.messages import list_columns
from gatecast.data.parsing.raw_table import FileSpans, RawColumn, RawTable, to_text
from gatecast.data.sources.delimited import read_delimited
from gatecast.data.sources.encodings import decode
from gatecast.data.sources.file_formats import (
    COMPRESSED_SUFFIXES,
    COMPRESSIONS,
    SPREADSHEET_SUFFIXES,
    detect_format,
    inner_name,
    table_stem,
)
from gatecast.data.sources.json_tables import begins_plainly, find_records
from gatecast.data.sources.large_text import read_large_text
from gatecast.data.sources.parquet_zones import restore_zones
from gatecast.data.sources.patterns import match_files
from gatecast.data.sources.sql import query_file
from gatecast.data.sources.stdin import STDIN_FILE, STDIN_LABEL, save_stdin
from gatecast.errors import DataError

__all__ = ["Content", "from_file", "from_pattern", "from_stdin"]

HEAD_BYTES = 65_536
JSON_OPTIONS = ", maximum_object_size=268435456"
MAX_OBJECT_BYTES = 1 << 26
"""Of a JSON file that is looked into for a table within one object."""
MAX_DEPTH = 3
"""Archives within archives: more are a mistake, or made to never end."""

# Above this size DuckDB's parallel reader is faster, although it must be imported and does not count blank lines.
LARGE_FILE_BYTES = 8_000_000


class Content(NamedTuple):
    """Bytes to read as a table, and what the user calls them.

    Args:
        path: File that holds the bytes; a temporary one for standard input and what was unpacked.
        label: What messages call it.
        argument: What a user types to name it, for advice.
        file_name: A name whose suffix is that of the format; empty if none is known.
        selection: What to read in it, as typed after "::": a sheet, or files of an archive. Empty: the only one.
        depth: Number of archives around it.
    """

    path: Path
    label: str
    argument: str
    file_name: str
    selection: str = ""
    depth: int = 0


def from_pattern(pattern: str, selection: str = "") -> RawTable:
    """Read all files that match a pattern as one table, in the order of their names.

    Args:
        pattern: Pattern with ``*``, ``?`` or ``[...]``; ``**`` matches any folders.
        selection: What to read in each file, as `from_file`.

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
    tables = [from_file(path, selection) for path in paths]
    return tables[0] if len(tables) == 1 else _stack(tables, paths)


def from_file(path: Path, selection: str = "") -> RawTable:
    """Read a file as a table, in the format that its first bytes or its suffix indicate.

    Args:
        path: The file; compressed ones are decompressed.
        selection: A sheet of a spreadsheet, or files of an archive; empty if it is to be inferred.

    Raises:
        DataError: The file does not exist or cannot be read.
    """
    _check_source(path)
    content = Content(path, str(path), str(path), path.name, selection)
    if not path.is_fifo():
        return _read(content)
    # A pipe has no end to seek, and no size.
    with TemporaryDirectory(prefix="gatecast-") as folder:
        copy = Path(folder) / "pipe"
        with _refuse_unreadable(content.label), path.open("rb") as source, copy.open("wb") as target:
            shutil.copyfileobj(source, target)
        return _read(content._replace(path=copy, file_name=""))


def from_stdin() -> RawTable:
    """Read standard input as a table, in the format that its first bytes indicate.

    Raises:
        ConfigError: It is a terminal.
        DataError: It is empty or cannot be read.
    """
    return _read(Content(save_stdin(), STDIN_LABEL, STDIN_FILE, ""))


def _read(content: Content) -> RawTable:
    """Read the content of a file."""
    with _refuse_unreadable(content.label), content.path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    file_format = detect_format(content.path, head, content.file_name, content.label)
    with _labelled(content), _refuse_unreadable(content.label):
        if file_format == "zip":
            return _read_archive(content)
        if file_format in COMPRESSIONS:
            return _read_compressed(content, file_format)
        if file_format == "spreadsheet":
            from gatecast.data.sources.spreadsheets import read_spreadsheet

            return read_spreadsheet(content.path, content.label, content.argument, content.selection)
        if content.selection:
            raise DataError(
                "The file has no parts to select",
                where=content.label,
                got=repr(content.selection),
                expected="a spreadsheet, an archive or a database",
                fix=f"Omit ::{content.selection}.",
            )
        if file_format == "parquet":
            return restore_zones(query_file("read_parquet", content.path), content.path)
        if file_format == "json":
            return _read_json(content, head)
        if file_format == "html":
            return _read_html(content)
        return _read_text(content, head)


def _read_text(content: Content, head: bytes) -> RawTable:
    """Read a text file."""
    path = content.path
    # Longer lines are those of wide tables with many series, which DuckDB reads slowly.
    if path.stat().st_size > LARGE_FILE_BYTES and head.count(b"\n") > 2 and b"\0" not in head:
        table = read_large_text(path)
        if table is not None:
            return table
    text, notes = decode(path.read_bytes(), content.label)
    table = read_delimited(text, content.label)
    suffix = Path(content.file_name).suffix.lower()
    if suffix in (*SPREADSHEET_SUFFIXES, *COMPRESSED_SUFFIXES, ".zip"):
        notes = (f"The file is named {suffix} but holds text, and is read as text.", *notes)
    return replace(table, notes=(*notes, *table.notes))


def _read_json(content: Content, head: bytes) -> RawTable:
    """Read a JSON file; DuckDB takes UTF-8 without a byte order mark."""
    if not head.startswith(codecs.BOM_UTF8) and b"\0" not in head:
        try:
            return _query_json(content.path, head.decode("utf-8", errors="replace"))
        except DataError:
            if _is_utf8(content.path):
                raise
    text, notes = decode(content.path.read_bytes(), content.label)
    with TemporaryDirectory(prefix="gatecast-") as folder:
        target = Path(folder) / "content"
        target.write_text(text, encoding="utf-8")
        with _labelled(content._replace(path=target)):
            table = _query_json(target, text[:HEAD_BYTES])
    return replace(table, notes=(*notes, *table.notes))


def _query_json(path: Path, head: str) -> RawTable:
    """Read a JSON file in UTF-8: plain records, or the table within another value."""
    records = None if begins_plainly(head) else _unwrap_json(path)
    if records is None:
        return query_file("read_json", path, JSON_OPTIONS)
    with TemporaryDirectory(prefix="gatecast-") as folder:
        target = Path(folder) / "content"
        target.write_text(json.dumps(records), encoding="utf-8")
        return query_file("read_json", target, JSON_OPTIONS)


def _unwrap_json(path: Path) -> Any:
    """The table within a JSON value, as `find_records` returns it; None of a large file, and where there is none."""
    if path.stat().st_size > MAX_OBJECT_BYTES:
        return None
    try:
        return find_records(_load_json(path))
    except (ValueError, RecursionError):
        return None


def _load_json(path: Path) -> Any:
    """The value of a file, or the list of those of its lines."""
    content = path.read_bytes()
    try:
        return json.loads(content)
    except ValueError:
        return [json.loads(line) for line in content.splitlines() if line.strip()]


def _is_utf8(path: Path) -> bool:
    """Whether a file is UTF-8."""
    try:
        path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _read_html(content: Content) -> RawTable:
    """Read a web page."""
    from gatecast.data.sources.html_tables import read_html

    text, notes = decode(content.path.read_bytes(), content.label)
    table = read_html(text, content.label)
    return replace(table, notes=(*notes, *table.notes))


def _read_compressed(content: Content, compression: str) -> RawTable:
    """Decompress a file, and read what is in it."""
    from gatecast.data.sources.compression import decompress

    with TemporaryDirectory(prefix="gatecast-") as folder:
        target = Path(folder) / "content"
        decompress(content.path, compression, target, content.label)
        return _read(_inside(content, target, inner_name(content.file_name)))


def _read_archive(content: Content) -> RawTable:
    """Unpack the selected files of a zip archive, and read them."""
    from gatecast.data.sources.compression import extract, select_members

    members, inner, notes = select_members(content.path, content.selection, content.label, content.argument)
    tables = []
    for member in members:
        with TemporaryDirectory(prefix="gatecast-") as folder:
            target = Path(folder) / "content"
            extract(content.path, member, target, content.label)
            inside = _inside(content, target, PurePosixPath(member).name)
            label, argument = f"{content.label}::{member}", f"{content.argument}::{member}"
            tables.append(_read(inside._replace(label=label, argument=argument, selection=inner)))
    table = tables[0] if len(tables) == 1 else _stack(tables, [Path(member) for member in members])
    return replace(table, notes=(*notes, *table.notes))


def _inside(content: Content, path: Path, file_name: str) -> Content:
    """What was unpacked from a file."""
    if content.depth == MAX_DEPTH:
        raise DataError(
            "Too many archives within archives",
            where=content.label,
            expected=f"at most {MAX_DEPTH}",
            fix="Unpack the outermost archive first.",
        )
    return content._replace(path=path, file_name=file_name, depth=content.depth + 1)


@contextmanager
def _refuse_unreadable(label: str) -> Iterator[None]:
    """Turn a refusal of the system into an error about the file."""
    try:
        yield
    except OSError as error:
        raise DataError("Cannot read the file", where=label, got=error.strerror or str(error)) from None


@contextmanager
def _labelled(content: Content) -> Iterator[None]:
    """Name the file in errors as the user does, where it is a temporary one."""
    try:
        yield
    except DataError as error:
        path = str(content.path)
        if path == content.label or path not in str(error):
            raise
        what, *parts = (
            str(part).replace(path, content.label)
            for part in (error.what, error.where, error.got, error.expected, error.fix)
        )
        names = ("where", "got", "expected", "fix")
        raise DataError(what, **dict(zip(names, parts, strict=True)), argument=error.argument) from None


def _check_source(path: Path) -> None:
    """Check that a path is an existing file."""
    if os.path.isdir(path):
        raise DataError(
            "The path is a directory",
            where=str(path),
            expected="a file",
            fix=f"Name a file, or use a pattern such as {path}/*.csv.",
        )
    if not os.path.exists(path):
        folder = path.parent
        names = sorted(other.name for other in folder.iterdir()) if os.path.isdir(folder) else []
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
        too_fine=frozenset[str]().union(*(table.too_fine for table in tables)),
    )


def _concatenate(parts: Sequence[RawColumn]) -> RawColumn:
    """Concatenate parts of a column, as strings where their types differ, for example if one is empty."""
    kinds = {part.dtype.kind for part in parts}
    if kinds == set("iu"):
        with suppress(OverflowError):
            return to_integers([number for part in parts for number in part.tolist()])
    elif kinds <= set("fiu") or len(kinds) == 1:
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
    for names in (list(map(table_stem, paths)), [f"{path.parent.name}/{table_stem(path)}" for path in paths]):
        if len(set(names)) == len(names):
            return tuple(names)
    return tuple(str(path) for path in paths)
