"""Large text files with DuckDB's parallel reader, where they hold a plain table.

The beginning and the end of the file are read as small files are. DuckDB gets only files in which nothing follows the
header but rows of the table: it has no notion of footers, of repeated headers, or of comments of several kinds.
"""

from __future__ import annotations

import io
import re
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gatecast.data.parsing.raw_table import RawColumn, RawTable
from gatecast.data.sources.dataframes import to_raw_column
from gatecast.data.sources.delimited import detect_separator, read_delimited
from gatecast.data.sources.duckdb_session import quoted_text, run_query
from gatecast.data.sources.encodings import decode
from gatecast.data.sources.sql import query_file
from gatecast.data.sources.text_columns import MISSING, plan_columns
from gatecast.errors import DataError

__all__ = ["read_large_text"]

EDGE_BYTES = 65_536
CHUNK_BYTES = 1 << 22
LINES_OF_HEAD = 100
LARGEST_EXACT = 2.0**53
"""From here on not every integer is a float."""

# Few bytes begin a comment or a blank line: lines that begin with others need no search.
_SUSPECT = np.zeros(256, bool)
_SUSPECT[list(b'#/%; \t"\n\r,|')] = True
_COMMENT = re.compile(rb'\n[ \t"]*(?:#|//|%|;)')
_BLANK = re.compile(rb"\n[ \t\r,;|]*(?=\n)")


class _Lines(NamedTuple):
    """What the lines of a file show.

    Args:
        n_rows: Number of lines that are not blank.
        is_plain: Whether none is a comment or repeats the header.
    """

    n_rows: int
    is_plain: bool


def read_large_text(path: Path) -> RawTable | None:
    """Read a large text file with DuckDB.

    Args:
        path: The file.

    Returns:
        The table; None if the file holds more than a plain table, or DuckDB cannot read it as one. Then the reader of
        small files must read it.
    """
    try:
        top, skip, mark, header = _read_head(path)
        if not _ends_with_table(path):
            return None
        lines = _scan(path, skip, header)
        if not lines.is_plain or mark == " ":
            return None
        missing = ", ".join(f"'{text}'" for text in MISSING)
        layout = f"delim='{mark}', header=false, skip={skip}"
        options = f"{layout}, nullstr=[{missing}]"
        checked = _read_checked(path, top, options)
        table = checked or _read_sniffed(path, top, options)
    except (DataError, UnicodeDecodeError):
        return None
    if len(table) != lines.n_rows or len(table.columns) != len(top.names) or not _begins_alike(table, top):
        return None
    if any(_has_codes(column) for column in table.columns):
        return None
    try:
        padded = [] if checked else _padded_columns(path, table, layout)
        table = _with_texts(path, table, layout, padded)
    except DataError:
        return None
    return replace(table, line_numbers=skip + 1 + np.arange(len(table)), has_header=top.has_header, notes=top.notes)


def _read_checked(path: Path, top: RawTable, options: str) -> RawTable | None:
    """The table, with the types that its first rows show; None if a cell has another."""
    plans = plan_columns(top)
    if plans is None:
        return None
    cells = [f"c{i}" for i in range(len(plans))]
    types = ", ".join(f"{cell}: '{plan.type}'" for cell, plan in zip(cells, plans, strict=True))
    values = ", ".join(f"{plan.value.format(cell)} AS {cell}" for cell, plan in zip(cells, plans, strict=True))
    checks = [f"({plan.check.format(cell)})" for cell, plan in zip(cells, plans, strict=True) if plan.check]
    query = (
        f"SELECT {values}, {' AND '.join(checks) or 'true'} AS is_valid"
        f" FROM read_csv({quoted_text(str(path))}, {options}, quote='\"', escape='\"', auto_detect=false,"
        f" columns={{{types}}})"
    )
    try:
        result = run_query(query, "", "Cannot read the file", str(path), files=[str(path)]).columns
    except DataError:
        return None
    if not result.pop("is_valid").all():
        return None
    columns = tuple(to_raw_column(column) for column in result.values())
    forms = {name: plan.form for name, plan in zip(top.names, plans, strict=True) if plan.form is not None}
    offsets = {name: np.zeros(len(columns[0]), np.int64) for name, form in forms.items() if form.suffix}
    return RawTable(top.names, columns, utc_offsets=offsets, iso_forms=forms)


def _with_texts(path: Path, table: RawTable, layout: str, padded: list[int]) -> RawTable:
    """The table with texts such as NA where only empty cells are missing, and 007, as in the reader of small files."""
    texts = [i for i, column in enumerate(table.columns) if column.dtype.kind == "O" and (column == "").any()] + padded
    if not texts:
        return table
    cells = _query_texts(path, table, layout, [f"c{i}" for i in texts])
    columns = list(table.columns)
    for i in texts:
        column = to_raw_column(cells[f"c{i}"])
        if len(column) != len(table):
            raise DataError("Cannot read the file", where=str(path))
        columns[i] = column
    return replace(table, columns=tuple(columns))


def _padded_columns(path: Path, table: RawTable, layout: str) -> list[int]:
    """The columns of numbers with a cell such as 007."""
    numbers = [i for i, column in enumerate(table.columns) if column.dtype.kind in "if"]
    checks = [f"coalesce(bool_or(regexp_full_match(trim(c{i}), '0\\d+')), false) AS c{i}" for i in numbers]
    has_padded = _query_texts(path, table, layout, checks) if checks else {}
    return [i for i in numbers if has_padded[f"c{i}"][0]]


def _query_texts(path: Path, table: RawTable, layout: str, expressions: list[str]) -> dict[str, Any]:
    """The results of SQL expressions of the cells of the file as texts."""
    types = ", ".join(f"c{i}: 'VARCHAR'" for i in range(len(table.columns)))
    query = (
        f"SELECT {', '.join(expressions)} FROM read_csv({quoted_text(str(path))}, {layout}, nullstr=[''],"
        f" quote='\"', escape='\"', auto_detect=false, columns={{{types}}})"
    )
    return run_query(query, "", "Cannot read the file", str(path), files=[str(path)]).columns


def _read_sniffed(path: Path, top: RawTable, options: str) -> RawTable:
    """The table, with the types that DuckDB finds by reading all cells; times stay text."""
    options = f", {options}, sample_size=-1, auto_type_candidates=['BIGINT', 'DOUBLE', 'VARCHAR']"
    table = query_file("read_csv", path, options)
    # The table above has as many names as columns, which this one may not have.
    return replace(table, names=top.names) if len(table.names) == len(top.names) else table


def _read_head(path: Path) -> tuple[RawTable, int, str, bytes]:
    """The table at the beginning of the file, the lines before its first row, its separator and its header line."""
    with path.open("rb") as file:
        head = file.read(EDGE_BYTES)
    head = head[: head.rfind(b"\n") + 1]
    text = head.decode("utf-8-sig")
    top = read_delimited(decode(head, str(path))[0], str(path))
    skip = int(top.line_numbers[0]) - 1 if top.line_numbers is not None else 0
    lines = head.splitlines()
    header = next((line for line in reversed(lines[:skip]) if line.strip()), b"") if top.has_header else b""
    return top, skip, detect_separator(list(islice(io.StringIO(text), LINES_OF_HEAD))), header


def _ends_with_table(path: Path) -> bool:
    """Whether the last line belongs to the table, judged with the first lines of the file before it."""
    with path.open("rb") as file:
        begin = list(islice(file, LINES_OF_HEAD))
        start = max(file.tell(), file.seek(0, io.SEEK_END) - EDGE_BYTES)
        is_cut = start > sum(map(len, begin))
        file.seek(start)
        tail = file.read().rstrip()
    end = (tail[tail.find(b"\n") + 1 :] if is_cut else tail).splitlines(keepends=True)
    joined = read_delimited(b"".join((*begin, *end)).decode("utf-8-sig"), str(path))
    return joined.line_numbers is not None and int(joined.line_numbers[-1]) == len(begin) + len(end)


def _scan(path: Path, skip: int, header: bytes) -> _Lines:
    """Count the lines after the first ones, and search them for what is not a row."""
    repeated = b"\n" + header.strip(b"\xef\xbb\xbf\r") if header else None
    n_lines = 0
    with path.open("rb") as file:
        for _ in range(skip):
            file.readline()
        # Every chunk ends with a line, and begins with a line break, so that each line is searched once.
        while chunk := file.read(CHUNK_BYTES) + file.readline():
            chunk = b"\n" + (chunk if chunk.endswith(b"\n") else chunk + b"\n")
            if repeated and repeated in chunk.replace(b"\xef\xbb\xbf", b""):
                return _Lines(0, is_plain=False)
            codes = np.frombuffer(chunk, np.uint8)
            breaks = np.flatnonzero(codes == 10)
            n_lines += len(breaks) - 1
            if _SUSPECT[codes[breaks[:-1] + 1]].any():
                if _COMMENT.search(chunk):
                    return _Lines(0, is_plain=False)
                n_lines -= len(_BLANK.findall(chunk))
    return _Lines(n_lines, is_plain=True)


def _begins_alike(table: RawTable, top: RawTable) -> bool:
    """Whether the first rows are those that the reader of small files finds."""
    n = min(len(top), 3)
    return len(table) >= n and all(_is_alike(table.columns[i][:n], top.columns[i][:n]) for i in range(len(top.names)))


def _has_codes(column: RawColumn) -> bool:
    """Whether numbers of a column are so large that they may be codes, several of which are rounded to one number."""
    return column.dtype.kind == "f" and bool(((np.abs(column) >= LARGEST_EXACT) & np.isfinite(column)).any())


def _is_alike(cells: RawColumn, texts: RawColumn) -> bool:
    """Whether cells are what texts hold: the texts, or the numbers in them."""
    if cells.dtype.kind == "M":
        # Every cell was compared with its text.
        return True
    if cells.dtype.kind == "O":
        return all(cell.strip() == text.strip() or not cell for cell, text in zip(cells, texts, strict=True))
    return all(
        cell != cell or str(cell) == text.strip() or cell == float(text)
        for cell, text in zip(cells, texts, strict=True)
    )
