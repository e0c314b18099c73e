"""Numbers as people write them: decimal comma or point, thousands, currency and per cent signs.

Letters: N cells.

One style is chosen for a whole column, the one that reads most of its cells: a cell alone cannot say
whether 1,234 is a little more than one or a little more than a thousand.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast.data.parsing.raw_table import Cells, missing

__all__ = ["ParsedNumbers", "read_numbers"]


class ParsedNumbers(NamedTuple):
    """Numbers read from a column.

    Args:
        values: (N,) float64, NaN where a cell is missing or cannot be read.
        readable: (N,) whether a cell is missing or a number.
        notes: How they were read, in sentences, if that needs saying.
    """

    values: npt.NDArray[np.float64]
    readable: npt.NDArray[np.bool_]
    notes: tuple[str, ...] = ()


# Thousands are grouped by threes and never begin with 0, so 0,123 has a decimal comma.
_POINT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+|[1-9]\d{0,2}([, '_]\d{3})+(\.\d*)?)(e[+-]?\d+)?", re.IGNORECASE)
_COMMA = re.compile(r"[+-]?(\d+,?\d*|,\d+|[1-9]\d{0,2}([. '_]\d{3})+(,\d*)?)(e[+-]?\d+)?", re.IGNORECASE)
_DRESS = re.compile(r"^\s*([+-]?)\s*[$€£¥]?\s*([^$€£¥%]*?)\s*[$€£¥%]?\s*$")
_SPACES = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2212": "-", "’": "'"})


def read_numbers(cells: Cells) -> ParsedNumbers:
    """Read a column of cells as numbers.

    Args:
        cells: (N,) numbers or text. Booleans and times are not numbers.

    Returns:
        Values, which cells are readable, and notes.

    >>> from gatecast.data.parsing.raw_table import text_cells
    >>> read_numbers(text_cells(["1.234,5", "12,25", "NA"]))[:2]
    (array([1234.5 ,   12.25,     nan]), array([ True,  True,  True]))
    >>> read_numbers(text_cells(["$1,234", "12 %", "abc"])).readable.tolist()
    [True, True, False]
    """
    n = len(cells)
    if cells.dtype.kind in "fiu":
        return ParsedNumbers(cells.astype(np.float64), np.ones(n, bool))
    if cells.dtype.kind != "O":
        return ParsedNumbers(np.full(n, np.nan), missing(cells))
    empty = missing(cells)
    values = np.full(n, np.nan)
    present = np.flatnonzero(~empty)
    try:
        values[present] = np.array(cells[present].tolist(), np.float64)
    except ValueError:
        return _read_styled(cells, values, empty)
    return ParsedNumbers(values, np.ones(n, bool))


def _read_styled(cells: Cells, values: npt.NDArray[np.float64], empty: npt.NDArray[np.bool_]) -> ParsedNumbers:
    """Read the cells in the style that fits most of them; fills `values`."""
    present = np.flatnonzero(~empty).tolist()
    bare = [_undress(cells[i]) for i in present]
    point = [bool(_POINT.fullmatch(text)) for text in bare]
    comma = [bool(_COMMA.fullmatch(text)) for text in bare]
    by_comma = sum(comma) > sum(point)
    readable = empty.copy()
    for i, text, fits in zip(present, bare, comma if by_comma else point, strict=True):
        if fits:
            values[i] = float(_plain(text, by_comma))
            readable[i] = True
    return ParsedNumbers(values, readable, _notes(cells, readable & ~empty, values, by_comma, sum(comma) == sum(point)))


def _undress(cell: str) -> str:
    """A cell without currency and per cent signs, odd spaces and odd minus signs."""
    match = _DRESS.match(cell.translate(_SPACES))
    return match[1] + match[2] if match else cell


def _plain(text: str, by_comma: bool) -> str:
    """A number as Python writes it."""
    text = re.sub(r"[ '_]", "", text)
    return text.replace(".", "").replace(",", ".") if by_comma else text.replace(",", "")


def _notes(
    cells: Cells, read: npt.NDArray[np.bool_], values: npt.NDArray[np.float64], by_comma: bool, tie: bool
) -> tuple[str, ...]:
    """What a person should check about the style."""
    notes = []
    shown = [(cells[i], values[i]) for i in np.flatnonzero(read)]
    commas = [(cell, value) for cell, value in shown if "," in cell]
    if commas:
        cell, value = commas[0]
        meaning = "marks decimals" if by_comma else "separates thousands"
        doubt = "; if it marks decimals, write a point" if tie and not by_comma else ""
        notes.append(f"The comma {meaning}: {cell.strip()!r} is read as {value:.12g}{doubt}.")
    signs = [(cell, value) for cell, value in shown if re.search("[$€£¥%]", cell)]
    if signs:
        cell, value = signs[0]
        notes.append(f"Currency and per cent signs are left out: {cell.strip()!r} is read as {value:.12g}.")
    return tuple(notes)
