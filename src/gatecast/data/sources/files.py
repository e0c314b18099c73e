"""Files as tables: one, or all that a pattern such as ``data/*.csv`` matches, put together.

Letters: N rows, F files.

Text files of ordinary size are split by Python's own csv module: that is faster than importing DuckDB, and it knows the
line of every row.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

import numpy as np

from gatecast.data.parsing.raw_table import Cells, FileOrigins, RawTable, text_cells
from gatecast.data.sources.delimited import decode, read_delimited, separator
from gatecast.data.sources.sql import query_file
from gatecast.errors import DataError

__all__ = ["from_file", "from_pattern", "is_pattern"]

# Above this size DuckDB's parallel reader wins, although it must be imported and loses count of blank lines.
LARGE = 8_000_000


def is_pattern(source: str) -> bool:
    """Whether a text is a pattern of names of files, and not itself the name of one.

    >>> is_pattern("data/*.csv"), is_pattern("data.csv")
    (True, False)
    """
    return glob.has_magic(source) and not os.path.exists(source)


def from_pattern(pattern: str) -> RawTable:
    """All files that a pattern matches as one table, in the order of their names.

    Args:
        pattern: With ``*``, ``?``, ``[...]``; ``**`` stands for any folders.

    Returns:
        The table, with `files` if there are several; columns in the order of the first file.

    Raises:
        DataError: No file, one that cannot be read, one whose columns have other names.
    """
    paths = [Path(name) for name in sorted(glob.glob(pattern, recursive=True)) if Path(name).is_file()]
    if not paths:
        raise DataError(
            "no file matches",
            where=pattern,
            expected="a pattern such as data/*.csv",
            fix=f"The current folder is {Path.cwd()}.",
        )
    tables = [from_file(path) for path in paths]
    return tables[0] if len(tables) == 1 else _stack(tables, paths)


def from_file(path: Path) -> RawTable:
    """A file as a table, by its suffix and its first bytes.

    Raises:
        DataError: No file, or one that cannot be read.
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
            # Lines as long as that have a column for each of many series, which DuckDB is slow with.
            if path.stat().st_size > LARGE and head.count(b"\n") > 2:
                return _from_large_text(path, head)
            raw = head + file.read()
    except OSError as error:
        raise DataError("the file cannot be read", where=str(path), got=error.strerror or str(error)) from None
    text, notes = decode(raw, str(path))
    table = read_delimited(text, str(path))
    return replace(table, notes=(*notes, *table.notes))


def _check_source(path: Path) -> None:
    """Refuse what is no file."""
    if path.is_dir():
        raise DataError("this is a directory", where=str(path), expected="a file", fix="Name a file in it.")
    if not path.exists():
        folder = path.parent
        others = sorted(other.name for other in folder.iterdir()) if folder.is_dir() else []
        close = get_close_matches(path.name, others, n=1)
        hint = f"Did you mean {close[0]!r}?" if close else f"The current folder is {Path.cwd()}."
        raise DataError("there is no such file", where=str(path), fix=hint)


def _from_large_text(path: Path, head: bytes) -> RawTable:
    """A large text file, by DuckDB, laid out as its beginning is."""
    text, notes = decode(head[: head.rfind(b"\n") + 1], str(path))
    top = read_delimited(text, str(path))
    first = int(top.rows[0]) if top.rows is not None else 1
    mark = separator(text.splitlines()[:100])
    # Dates stay text: DuckDB would settle 01/02/2024 without a word.
    options = (
        f", delim='{mark}', header=false, skip={first - 1}, nullstr=['', 'NA', 'NaN'],"
        " sample_size=-1, auto_type_candidates=['BIGINT', 'DOUBLE', 'VARCHAR']"
    )
    table = query_file("read_csv", path, options)
    rows = first + np.arange(len(table))
    return RawTable(top.names, table.columns, rows, top.named, (*notes, *top.notes))


def _stack(tables: Sequence[RawTable], paths: Sequence[Path]) -> RawTable:
    """Tables of the same columns, one below the other."""
    first = tables[0]
    for table, path in zip(tables[1:], paths[1:], strict=True):
        if set(table.names) != set(first.names):
            lacks = [name for name in first.names if name not in table.names]
            extra = [name for name in table.names if name not in first.names]
            raise DataError(
                "the files differ in their columns",
                where=str(path),
                got=", ".join([*(f"no {name!r}" for name in lacks), *(f"{name!r} beside them" for name in extra)]),
                expected=f"{', '.join(map(repr, first.names[:20]))}, as in {paths[0]}",
            )
    places = [[table.names.index(name) for name in first.names] for table in tables]
    columns = [
        _join([table.columns[place[k]] for table, place in zip(tables, places, strict=True)])
        for k in range(len(first.names))
    ]
    lined = all(table.rows is not None for table in tables)
    lengths = [len(table) for table in tables]
    return RawTable(
        first.names,
        tuple(columns),
        np.concatenate([table.rows for table in tables if table.rows is not None]) if lined else None,
        first.named,
        tuple(dict.fromkeys((f"{len(paths)} files are read.", *(note for table in tables for note in table.notes)))),
        FileOrigins(_called(paths), np.concatenate(([0], np.cumsum(lengths)))),
        {
            name: np.concatenate([table.offsets.get(name, np.zeros(len(table), np.int64)) for table in tables])
            for name in first.names
            if any(name in table.offsets for table in tables)
        },
    )


def _join(parts: Sequence[Cells]) -> Cells:
    """Cells of one column, in one type: a file whose cells are all missing, or text, must not stop the others."""
    kinds = {part.dtype.kind for part in parts}
    if kinds <= set("fi") or len(kinds) == 1:
        return np.concatenate(parts)
    return np.concatenate([part if part.dtype.kind == "O" else text_cells(_exact(part)) for part in parts])


def _exact(part: Cells) -> list[str | None]:
    """Cells as text that reads back as what they were, None where they are missing."""
    if part.dtype.kind == "f":
        return [None if value != value else f"{value:.17g}" for value in part.tolist()]
    texts = part.astype(str).tolist()
    return [None if text == "NaT" else text for text in texts]


def _called(paths: Sequence[Path]) -> tuple[str, ...]:
    """Names of files without suffix; with their folder where that is not enough, else as given."""
    for names in ([path.stem for path in paths], [f"{path.parent.name}/{path.stem}" for path in paths]):
        if len(set(names)) == len(names):
            return tuple(names)
    return tuple(str(path) for path in paths)
