"""A table as it came in: named columns of cells, and where in the source each row stands.

Letters: N rows, F files, D different cells.

A text that stands in many rows is held once: ten million rows of a hundred thousand names are as many pointers
to a hundred thousand texts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast.errors import DataError

__all__ = [
    "CHUNK",
    "MISSING",
    "Cells",
    "FileOrigins",
    "RawTable",
    "check_width",
    "factorise",
    "keep_rows",
    "missing",
    "text_cells",
]

Cells = npt.NDArray[Any]
"""One column: float64, int64, bool, datetime64, or text as an object array of str."""

MISSING = frozenset(
    {"", "na", "n/a", "nan", "null", "none", "nil", "nat", "<na>", "#n/a", "missing", "-", "--", ".", "?"}
)
"""What people write, in lower case, where there is no value."""

# A column for each of a hundred thousand series is a table; a million columns are rows that lie on their side.
WIDEST = 250_000

CHUNK = 1_000_000
"""Rows of texts that are handled at a time, so that only so many of them are held twice."""


class FileOrigins(NamedTuple):
    """The files that a table was put together from.

    Args:
        names: (F,) what the files are called, each differently.
        bounds: (F + 1,) file f holds the rows from ``bounds[f]`` to ``bounds[f + 1]``.
    """

    names: tuple[str, ...]
    bounds: npt.NDArray[np.int64]

    def column(self) -> Cells:
        """(N,) name of each row's file.

        >>> FileOrigins(("a", "b"), np.array([0, 2, 3])).column().tolist()
        ['a', 'a', 'b']
        """
        return np.repeat(np.array(self.names, object), np.diff(self.bounds))


@dataclass(frozen=True, eq=False)
class RawTable:
    """Columns of one length.

    Args:
        names: Names of the columns.
        columns: (N,) cells of each column.
        rows: (N,) line of the file on which each row stands, counted from 1; None if there are no lines.
        named: Whether the names come from the source (a header), or were made up.
        notes: What was found so far, in sentences.
        files: The files the rows come from, if there are several.
        offsets: (N,) minutes ahead of UTC, for each column of local times that came with a time zone.
        kept: (N,) which rows of the source these are; None if all.
    """

    names: tuple[str, ...]
    columns: tuple[Cells, ...]
    rows: npt.NDArray[np.int64] | None = None
    named: bool = True
    notes: tuple[str, ...] = ()
    files: FileOrigins | None = None
    offsets: Mapping[str, npt.NDArray[np.int64]] = field(default_factory=dict)
    kept: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.columns[0]) if self.columns else 0

    def column(self, i: int) -> str:
        """What column i is called in messages: its name, or its position, counted from 1, if it has none.

        >>> RawTable(("y",), (np.zeros(2),)).column(0), RawTable(("1",), (np.zeros(2),), named=False).column(0)
        ("column 'y'", 'column 1')
        """
        return f"column {self.names[i]!r}" if self.named else f"column {i + 1}"

    def where(self, i: int) -> str:
        """Where row i stands, in words: its line in a file of text, else its position, counted from 0.

        >>> RawTable(("y",), (np.zeros(2),)).where(1), RawTable(("y",), (np.zeros(2),), np.array([2, 5])).where(1)
        ('position 1', 'row 5')
        """
        i = i if self.kept is None else int(self.kept[i])
        of, first = "", 0
        if self.files is not None:
            f = int(np.searchsorted(self.files.bounds, i, side="right")) - 1
            of, first = f" of {self.files.names[f]}", int(self.files.bounds[f])
        return f"position {i - first}{of}" if self.rows is None else f"row {self.rows[i]}{of}"


def keep_rows(table: RawTable, which: npt.NDArray[np.int64]) -> RawTable:
    """Some rows of a table; messages still say where they stand in the source.

    >>> keep_rows(RawTable(("y",), (np.array([5, 6, 7]),)), np.array([2])).where(0)
    'position 2'
    """
    return replace(
        table,
        columns=tuple(column[which] for column in table.columns),
        offsets={name: minutes[which] for name, minutes in table.offsets.items()},
        kept=which if table.kept is None else table.kept[which],
    )


def check_width(columns: int, source: str = "") -> None:
    """Refuse a table that lies on its side.

    Raises:
        DataError: Too many columns.

    >>> check_width(2)
    """
    if columns > WIDEST:
        raise DataError(
            "the table has too many columns",
            where=source,
            got=f"{columns} columns",
            expected=f"at most {WIDEST}",
            fix="Write one row for each time of each series: name of the series, time, value.",
        )


def text_cells(values: Iterable[Any]) -> Cells:
    """Cells of any kind as text; None is an empty cell.

    >>> text_cells(["a", None, 1.5]).tolist()
    ['a', '', '1.5']
    """
    if isinstance(values, np.ndarray):
        return _from_array(values)
    texts = [value if isinstance(value, str) else "" if value is None else str(value) for value in values]
    cells = np.empty(len(texts), object)
    cells[:] = texts
    return cells


def factorise(cells: Cells) -> tuple[Cells, npt.NDArray[np.int64]]:
    """Different cells in order of appearance, and the number of each row's cell.

    Neighbours that are equal cost next to nothing, so a table sorted by its names is numbered in no time.

    Args:
        cells: (N,) numbers or text without NaN.

    Returns:
        (D,) different cells, whole numbers as such, everything else as objects; (N,) numbers from 0.

    >>> names, codes = factorise(text_cells(["b", "b", "a", "b"]))
    >>> names.tolist(), codes.tolist()
    (['b', 'a'], [0, 0, 1, 0])
    """
    n = len(cells)
    first = (
        np.flatnonzero(np.concatenate(([n > 0], np.asarray(cells[1:] != cells[:-1], bool)))) if n else np.zeros(0, int)
    )
    heads = cells[first]
    if heads.dtype.kind in "iu":
        different, at, codes = np.unique(heads, return_index=True, return_inverse=True)
        rank = np.empty(len(different), np.int64)
        order = np.argsort(at, kind="stable")
        rank[order] = np.arange(len(different))
        return different[order], np.repeat(rank[codes], np.diff(np.append(first, n)))
    # A cell that is new gets the next number.
    number: defaultdict[Any, int] = defaultdict(count().__next__)
    codes = np.empty(len(heads), np.int64)
    for start in range(0, len(heads), CHUNK):
        part = heads[start : start + CHUNK].tolist()
        codes[start : start + len(part)] = np.fromiter(map(number.__getitem__, part), np.int64, len(part))
    names = np.empty(len(number), object)
    names[:] = list(number)
    return names, codes if len(heads) == n else np.repeat(codes, np.diff(np.append(first, n)))


def missing(cells: Cells) -> npt.NDArray[np.bool_]:
    """Where cells hold no value: NaN, NaT, or text that says so.

    >>> missing(text_cells(["1", "NA", " - ", "0"])).tolist()
    [False, True, True, False]
    """
    if cells.dtype.kind == "f":
        return np.isnan(cells)
    if cells.dtype.kind == "M":
        return np.isnat(cells)
    if cells.dtype.kind == "O":
        # Different cells are few, or none of them is missing: both are quick.
        gone = {cell for cell in set(cells.tolist()) if cell.strip().lower() in MISSING}
        if gone:
            return np.fromiter((cell in gone for cell in cells), bool, len(cells))
    return np.zeros(len(cells), bool)


def _from_array(values: npt.NDArray[Any]) -> Cells:
    """An array as text; equal neighbours share one text."""
    if values.dtype.kind not in "US":
        cells = values.tolist()
        return values if set(map(type, cells)) == {str} else text_cells(cells)
    n = len(values)
    first = np.flatnonzero(np.concatenate(([n > 0], values[1:] != values[:-1]))) if n else np.zeros(0, int)
    if 2 * len(first) > n:
        first = np.arange(n)
    known: dict[str, str] = {}
    cells = np.empty(len(first), object)
    for start in range(0, len(first), CHUNK):
        part = [str(value) for value in values[first[start : start + CHUNK]].tolist()]
        cells[start : start + len(part)] = [known.setdefault(text, text) for text in part]
    return np.repeat(cells, np.diff(np.append(first, n)))
