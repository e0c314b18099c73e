"""Write columns to CSV, TSV, JSON and Parquet files, atomically."""

from __future__ import annotations

import csv
import errno
import json
import math
import os
import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import numpy.typing as npt

from gatecast._utils.atomic import replacing
from gatecast.data.frequency import format_times
from gatecast.data.parsing.raw_table import RawColumn
from gatecast.errors import DataError

__all__ = ["write"]

_FORMULA = ("=", "+", "-", "@")
"""Beginnings that make a spreadsheet compute, also in full width, and after what it skips."""

_BREAKS = ("\t", "\r", "\n")
"""Beginnings that may make it start another cell."""

_AWARE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")


def write(columns: Mapping[str, npt.ArrayLike], path: str | os.PathLike[str], *, safe_csv: bool = False) -> Path:
    r"""Write columns to a file, completely or not at all.

    Args:
        columns: Columns of equal length; NaN is written as an empty cell or null, times as ISO 8601.
        path: Path that ends in .csv, .tsv, .parquet, .json (records) or .jsonl. An existing file is replaced.
        safe_csv: Whether text in .csv and .tsv that a spreadsheet would take for a formula begins with an apostrophe.

    Returns:
        The path.

    Raises:
        DataError: A directory, another suffix, or a folder that does not exist or is not writable.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write({"t": [1, 2], "y": [0.5, float("nan")]}, f"{folder}/a.csv").read_text()
    't,y\n1,0.5\n2,\n'
    """
    target = Path(path)
    arrays = {name: np.asarray(column) for name, column in columns.items()}
    _check_target(target)
    if safe_csv and target.suffix.lower() in (".csv", ".tsv"):
        arrays = {_as_text(name): _without_formulas(column) for name, column in arrays.items()}
    try:
        with replacing([target]) as (draft,):
            # DuckDB does not raise OSError: let Python detect a folder that is not writable first.
            draft.touch()
            _WRITERS[target.suffix.lower()](arrays, draft)
    except OSError as error:
        raise DataError("Cannot write the file", where=str(target), got=error.strerror or str(error)) from None
    return target


def _without_formulas(column: RawColumn) -> RawColumn:
    """Return a column whose texts are no formulas."""
    if column.dtype.kind not in "OUS":
        return column
    return np.array([_as_text(cell) if isinstance(cell, str) else cell for cell in column.tolist()], object)


def _as_text(cell: str) -> str:
    """Return a text that a spreadsheet takes for text.

    >>> _as_text("=1+2"), _as_text(" \uff1d1"), _as_text("shop")
    ("'=1+2", "' \uff1d1", 'shop')
    """
    # Full-width signs are those of East Asian keyboards, which spreadsheets read as the plain ones.
    seen = unicodedata.normalize("NFKC", cell[: _first_seen(cell) + 1])
    return f"'{cell}" if cell.startswith(_BREAKS) or seen[-1:] in _FORMULA else cell


def _first_seen(cell: str) -> int:
    """Return the place of the first character that is neither space nor invisible."""
    return next((k for k, c in enumerate(cell) if not c.isspace() and unicodedata.category(c)[0] != "C"), 0)


def _check_target(path: Path) -> None:
    """Check that a path can be written to."""
    if os.path.isdir(path):
        raise DataError(
            "The path is a directory", where=str(path), expected="a file name", fix="Add a file name to the path."
        )
    if path.suffix.lower() not in _WRITERS:
        raise DataError(
            "Unknown file format",
            where=str(path),
            got=f"the suffix {path.suffix!r}",
            expected=f"one of {' '.join(_WRITERS)}",
        )
    if not os.path.isdir(path.parent):
        raise DataError(
            "The folder does not exist", where=str(path.parent), fix="Create the folder, or choose another one."
        )


def _write_delimited(columns: dict[str, RawColumn], path: Path, mark: str = ",") -> None:
    """Write columns as delimited text."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(_Lines(file), delimiter=mark, lineterminator="\r\n")
        writer.writerow(columns)
        try:
            writer.writerows(zip(*map(_to_items, columns.values()), strict=True))
        except csv.Error:
            # Python 3.10 writes no NUL, and later ones do.
            raise DataError(
                "A text with a NUL character cannot be written as CSV",
                where=str(path),
                fix="Write Parquet or JSON, or use Python 3.11 or newer.",
            ) from None


class _Lines:
    """Rows that end in a line feed. Before Python 3.13 the writer quotes no carriage return unless rows end in one."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, row: str) -> None:
        """Write a row, which the writer hands over as a whole."""
        self._file.write(row.removesuffix("\r\n") + "\n")


def _write_json(columns: dict[str, RawColumn], path: Path, *, lines: bool = False) -> None:
    """Write columns as JSON records, one per line."""
    rows = zip(*map(_to_items, columns.values()), strict=True)
    records = [json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False) for row in rows]
    text = "".join(record + "\n" for record in records) if lines else "[\n" + ",\n".join(records) + "\n]\n"
    path.write_text(text, encoding="utf-8")


def _write_parquet(columns: dict[str, RawColumn], path: Path) -> None:
    """Write columns as Parquet, with DuckDB."""
    import duckdb

    registered = {
        name: np.ascontiguousarray(column.astype(object) if column.dtype.kind == "U" else column)
        for name, column in columns.items()
    }
    quoted = str(path).replace("'", "''")
    aware = ['"' + name.replace('"', '""') + '"' for name, column in columns.items() if _has_offsets(column)]
    casts = ", ".join(f"CAST({name} AS TIMESTAMPTZ) AS {name}" for name in aware)
    selection = f"(SELECT * REPLACE ({casts}) FROM columns_to_write)" if aware else "columns_to_write"
    with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as connection:
        connection.register("columns_to_write", registered)
        try:
            # The draft is ours: one of DuckDB's own would stay where the disk is full.
            connection.execute(f"COPY {selection} TO '{quoted}' (FORMAT parquet, USE_TMP_FILE false)")
        except duckdb.IOException as error:
            raise OSError(errno.EIO, _reason(error, path)) from None


def _reason(error: Exception, path: Path) -> str:
    """Return why DuckDB could not write, without the name of the draft."""
    line = str(error).splitlines()[0].removeprefix("IO Error: ")
    # Versions of DuckDB differ in what they put before the name of the file, such as that of a draft of their own.
    line = re.sub(rf'"[^"]*{re.escape(path.name)}"', "the file", line)
    return line.rstrip(". ") or "the system refused it"


def _has_offsets(column: RawColumn) -> bool:
    """Whether a column holds times with an offset from UTC as text."""
    return column.dtype.kind == "O" and bool(len(column)) and all(map(_AWARE.fullmatch, map(str, column.tolist())))


def _to_items(column: RawColumn) -> list[Any]:
    """Values as strings and Python numbers, None where missing."""
    if column.dtype.kind == "M":
        return [None if text == "NaT" else text for text in format_times(column)]
    if column.dtype.kind == "f":
        return [value if math.isfinite(value) else None for value in column.tolist()]
    return list(column.tolist())


_WRITERS: dict[str, Callable[[dict[str, RawColumn], Path], None]] = {
    ".csv": _write_delimited,
    ".tsv": partial(_write_delimited, mark="\t"),
    ".parquet": _write_parquet,
    ".json": _write_json,
    ".jsonl": partial(_write_json, lines=True),
}
