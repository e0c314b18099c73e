"""Which mark separates the decimals in a table, where a single column does not show it: 1.004 is either.

A table has one locale. Its other columns tell it, its dates as 31.12.2024, or whole numbers below a thousand next to
numbers that a point splits before the last three digits.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from gatecast.data.parsing.number_affixes import split_number
from gatecast.data.parsing.raw_table import RawColumn, RawTable, is_missing, to_text
from gatecast.data.parsing.timestamps import looks_like_dates

__all__ = ["find_decimal_mark"]

_COMMA = re.compile(r"\d*,\d{1,2}|\d*,\d{4,}|0,\d+|\d{4,},\d+|[1-9]\d{0,2}(?:\.\d{3})+,\d+")
_POINT = re.compile(r"\d*\.\d{1,2}|\d*\.\d{4,}|0\.\d+|\d{4,}\.\d+|[1-9]\d{0,2}(?:,\d{3})+\.\d+")
_GROUPED = re.compile(r"[1-9]\d{0,2}(?:\.\d{3})+")
_BELOW_1000 = re.compile(r"[1-9]\d{0,2}")
_DAY_WITH_POINTS = re.compile(r"\d{1,2}\.\d{1,2}\.(?:\d{4}|\d\d)(?: .*)?")
SAMPLE_SIZE = 1_000
MIN_OF_EACH = 2
MIN_RATIO = 20.0
"""How much larger whole numbers are, in the median, than numbers with a point were if it marked decimals."""


def find_decimal_mark(table: RawTable) -> str:
    """Return "," or "." where the table shows which mark separates decimals; else an empty string.

    >>> from gatecast.data.parsing.raw_table import to_text
    >>> units = to_text(["1.000", "950", "1.020"])
    >>> find_decimal_mark(RawTable(("units",), (units,)))
    ''
    >>> find_decimal_mark(RawTable(("units", "sales"), (units, to_text(["12.345,50", "11.345,50", "9"]))))
    ','
    """
    samples = [_sample(column) for column in table.columns if column.dtype.kind == "O"]
    numbers = [_digits(sample) for sample in samples if sample and not looks_like_dates(to_text(sample))]
    n_comma, n_point = (
        sum(pattern.fullmatch(text) is not None for column in numbers for text in column)
        for pattern in (_COMMA, _POINT)
    )
    if n_comma or n_point:
        return "" if n_comma and n_point else "," if n_comma else "."
    if any(sample and all(map(_DAY_WITH_POINTS.fullmatch, sample)) for sample in samples):
        return ","
    return "," if _are_thousands([column for column in numbers if any(map(_GROUPED.fullmatch, column))]) else ""


def _sample(column: RawColumn) -> list[str]:
    """The first texts of a column that are not missing."""
    head = column[: 2 * SAMPLE_SIZE]
    return [text.strip() for text in head[~is_missing(head)][:SAMPLE_SIZE].tolist()]


def _digits(sample: Sequence[str]) -> list[str]:
    """The digits of a column of numbers, with their separators; none of one that has other texts for the most part."""
    parts = [split_number(text) for text in sample]
    numbers = [part.digits for part in parts if part is not None]
    return numbers if 2 * len(numbers) > len(sample) else []


def _are_thousands(columns: Sequence[Sequence[str]]) -> bool:
    """Whether points separate thousands, by the whole numbers next to them in columns that have some."""
    texts = [text for column in columns for text in column if text.strip("0.")]
    grouped = [float(text.replace(".", "")) / 1000 for text in texts if _GROUPED.fullmatch(text)]
    integers = [float(text) for text in texts if _BELOW_1000.fullmatch(text)]
    if len(grouped) + len(integers) < len(texts) or min(len(grouped), len(integers)) < MIN_OF_EACH:
        return False
    return float(np.median(integers)) >= MIN_RATIO * float(np.median(grouped))
