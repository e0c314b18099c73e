"""A table as it came in: named columns of cells, and where in the source each row stands.

Letters: N rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["MISSING", "Cells", "Table", "missing", "text_cells"]

Cells = npt.NDArray[Any]
"""One column: float64, int64, bool, datetime64, or text as an object array of str."""

MISSING = frozenset(
    {"", "na", "n/a", "nan", "null", "none", "nil", "nat", "<na>", "#n/a", "missing", "-", "--", ".", "?"}
)
"""What people write, in lower case, where there is no value."""


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of one length.

    Args:
        names: Names of the columns.
        columns: (N,) cells of each column.
        rows: (N,) line of the file on which each row stands, counted from 1; None if there are no lines.
        named: Whether the names come from the source (a header), or were made up.
        notes: What was found so far, in sentences.
    """

    names: tuple[str, ...]
    columns: tuple[Cells, ...]
    rows: npt.NDArray[np.int64] | None = None
    named: bool = True
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.columns[0]) if self.columns else 0

    def column(self, i: int) -> str:
        """What column i is called in messages: its name, or its position, counted from 1, if it has none.

        >>> Table(("y",), (np.zeros(2),)).column(0), Table(("1",), (np.zeros(2),), named=False).column(0)
        ("column 'y'", 'column 1')
        """
        return f"column {self.names[i]!r}" if self.named else f"column {i + 1}"

    def where(self, i: int) -> str:
        """Where row i stands, in words: its line in a file of text, else its position, counted from 0.

        >>> Table(("y",), (np.zeros(2),)).where(1), Table(("y",), (np.zeros(2),), np.array([2, 5])).where(1)
        ('position 1', 'row 5')
        """
        return f"position {i}" if self.rows is None else f"row {self.rows[i]}"


def text_cells(values: Iterable[Any]) -> Cells:
    """Cells of any kind as text; None is an empty cell.

    >>> text_cells(["a", None, 1.5]).tolist()
    ['a', '', '1.5']
    """
    texts = [value if isinstance(value, str) else "" if value is None else str(value) for value in values]
    cells = np.empty(len(texts), object)
    cells[:] = texts
    return cells


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
