"""The way out: columns to CSV, TSV, JSON and Parquet files, whole or not at all.

Letters: N rows.
"""

from __future__ import annotations

import csv
import json
import math
import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast.data.frequency import format_times
from gatecast.data.parsing.raw_table import Cells
from gatecast.errors import DataError

__all__ = ["write"]


def write(columns: Mapping[str, npt.ArrayLike], path: str | os.PathLike[str]) -> Path:
    r"""Write columns to a file, whole or not at all: under a temporary name first, which is then changed.

    Args:
        columns: Columns of one length; NaN is written as an empty cell or null, times as ISO 8601.
        path: Ends in .csv, .tsv, .parquet, .json (records) or .jsonl. A file that is there is replaced.

    Returns:
        The path.

    Raises:
        DataError: A directory, a folder that is not there or may not be written to, another suffix.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write({"t": [1, 2], "y": [0.5, float("nan")]}, f"{folder}/a.csv").read_text()
    't,y\n1,0.5\n2,\n'
    """
    target = Path(path)
    arrays = {name: np.asarray(column) for name, column in columns.items()}
    _check_target(target)
    # In the same folder, because only within one file system is renaming a single step.
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        # DuckDB's errors are not the system's: let Python meet them first.
        unfinished.touch()
        _WRITERS[target.suffix.lower()](arrays, unfinished)
        unfinished.replace(target)
    except OSError as error:
        raise DataError("the file cannot be written", where=str(target), got=error.strerror or str(error)) from None
    finally:
        unfinished.unlink(missing_ok=True)
    return target


def _check_target(path: Path) -> None:
    """Refuse what cannot be written."""
    if path.is_dir():
        raise DataError("this is a directory", where=str(path), expected="the name of a file", fix="Add a name.")
    if path.suffix.lower() not in _WRITERS:
        raise DataError(
            "files of this kind cannot be written",
            where=str(path),
            got=f"the suffix {path.suffix!r}",
            expected=f"one of {' '.join(_WRITERS)}",
        )
    if not path.parent.is_dir():
        raise DataError("the folder does not exist", where=str(path.parent), fix="Create it, or choose another.")


def _write_delimited(columns: dict[str, Cells], path: Path, mark: str = ",") -> None:
    """Columns as delimited text."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=mark, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*map(_plain, columns.values()), strict=True))


def _write_json(columns: dict[str, Cells], path: Path, *, lines: bool = False) -> None:
    """Columns as JSON records, one a line."""
    cells = zip(*map(_plain, columns.values()), strict=True)
    records = [json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False) for row in cells]
    text = "".join(record + "\n" for record in records) if lines else "[\n" + ",\n".join(records) + "\n]\n"
    path.write_text(text, encoding="utf-8")


def _write_parquet(columns: dict[str, Cells], path: Path) -> None:
    """Columns as Parquet, by DuckDB."""
    import duckdb

    cells = {name: cell.astype(object) if cell.dtype.kind == "U" else cell for name, cell in columns.items()}
    quoted = str(path).replace("'", "''")
    with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as connection:
        connection.register("columns_to_write", cells)
        connection.execute(f"COPY columns_to_write TO '{quoted}' (FORMAT parquet)")


def _plain(column: Cells) -> list[Any]:
    """Cells as text and Python numbers, None for missing ones."""
    if column.dtype.kind == "M":
        return [None if text == "NaT" else text for text in format_times(column)]
    if column.dtype.kind == "f":
        return [None if math.isnan(value) else value for value in column.tolist()]
    return list(column.tolist())


_WRITERS: dict[str, Callable[[dict[str, Cells], Path], None]] = {
    ".csv": _write_delimited,
    ".tsv": partial(_write_delimited, mark="\t"),
    ".parquet": _write_parquet,
    ".json": _write_json,
    ".jsonl": partial(_write_json, lines=True),
}
