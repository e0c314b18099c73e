"""Which mark separates the decimals in a table, where a single number does not show it: 1.004 is either.

A table has one locale. What tells it are numbers of other columns, and integers below a thousand next to numbers that
a point splits before the last three digits. Between semicolons, dates as 31.12.2024 or a comma in every number make a
comma likely, no more.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from gatecast._utils.typing import BoolArray
from gatecast.data.parsing.number_affixes import split_number
from gatecast.data.parsing.raw_table import RawColumn, RawTable, factorize, is_missing, to_text
from gatecast.data.parsing.timestamps import looks_like_dates

__all__ = ["find_decimal_mark", "is_comma_likely"]

_COMMA = re.compile(r"\d*,\d{1,2}|\d*,\d{4,}|0,\d+|\d{4,},\d+|[1-9]\d{0,2}(?:\.\d{3})+,\d+")
_POINT = re.compile(r"\d*\.\d{1,2}|\d*\.\d{4,}|0\.\d+|\d{4,}\.\d+|[1-9]\d{0,2}(?:,\d{3})+\.\d+")
_CLOCK = re.compile(r"(?:[01]?\d|2[0-4])\.[0-5]\d")
_GROUPED = re.compile(r"[1-9]\d{0,2}(?:\.\d{3})+")
_DAY_WITH_POINTS = re.compile(r"\d{1,2}\.\d{1,2}\.(?:\d{4}|\d\d)(?: .*)?")
_MONTH_FIRST = re.compile(r"(\d{1,2})/(\d{1,2})/\d{4}")
_BELOW_1000 = re.compile(r"[1-9]\d{0,2}")
SAMPLE_SIZE = 1_000
MIN_TELLING = 3
"""Different numbers of a column that show the mark, and integers next to grouped numbers, at least."""
MIN_SHARE = 0.1
"""Share of a column that these are, at least."""
SENTINELS = frozenset({"99", "999", "100"})
"""Integers that often stand for missing or for full: they say nothing."""
MIN_RATIO = 20.0
"""How much larger integers are, in the median, than numbers with a point were if it marked decimals."""
MAX_GROUPS = 50
"""Different texts of a column that may be the kinds of quantities of a long table."""


def find_decimal_mark(table: RawTable) -> str:
    """Return "," or "." where the table shows which mark separates decimals; else an empty string.

    >>> from gatecast.data.parsing.raw_table import to_text
    >>> units = to_text(["1.000", "950", "1.020"])
    >>> find_decimal_mark(RawTable(("units",), (units,)))
    ''
    >>> find_decimal_mark(RawTable(("units", "sales"), (units, to_text(["12.345,50", "11.345,50", "9,75"]))))
    ','
    """
    texts = [column[:SAMPLE_SIZE] for column in table.columns if column.dtype.kind == "O"]
    numbers = [_numbers(column) for column in texts]
    shown = {mark for column in numbers for mark in _marks(column)}
    if shown:
        return shown.pop() if len(shown) == 1 else ""
    return "," if _are_thousands([column for column in numbers if any(map(_GROUPED.fullmatch, column))], texts) else ""


def is_comma_likely(table: RawTable) -> bool:
    """Return whether commas mark decimals between semicolons: dates as 31.12.2024, or a comma in every number.

    Numbers of a currency in dollars, and days behind months, say that they do not.

    >>> is_comma_likely(RawTable(("t",), (np.array(["31.12.2024", "01.01.2025"], object),)))
    True
    >>> is_comma_likely(RawTable(("y",), (np.array(["495,970", "496,125"], object),)))
    True
    """
    columns = [column for column in table.columns if column.dtype.kind == "O"]
    samples = [sample for sample in map(_present, columns) if sample]
    if any(all(map(_DAY_WITH_POINTS.fullmatch, sample)) for sample in samples):
        return True
    if any("$" in text for sample in samples for text in sample) or any(map(_has_american_dates, samples)):
        return False
    numbers = [[digits for digits in _numbers(column[:SAMPLE_SIZE]) if digits] for column in columns]
    return any(len(digits) > 1 and all("," in each for each in digits) for digits in numbers)


def _has_american_dates(sample: Sequence[str]) -> bool:
    """Whether days are behind months: 01/15/2024."""
    matches = [_MONTH_FIRST.match(text) for text in sample]
    return all(matches) and any(int(match[2]) > 12 for match in matches if match)


def _present(column: RawColumn) -> list[str]:
    """The first texts of a column that are not missing."""
    head = column[:SAMPLE_SIZE]
    return [text.strip() for text in head[~is_missing(head)].tolist()]


def _numbers(column: RawColumn) -> list[str]:
    """The digits of the rows of a column of plain numbers, empty where one is missing; none of another column."""
    present = _present(column)
    if not present or looks_like_dates(to_text(present)) or all(map(_CLOCK.fullmatch, present)):
        return []
    known = {text: split_number(text) for text in set(column.tolist())}
    parts = [known[text] for text in column.tolist()]
    # A number with a unit, as 1,5 L, is a text about a thing.
    digits = ["" if part is None or part.unit else part.digits for part in parts]
    return digits if sum(map(bool, digits)) >= 0.9 * len(present) else []


def _marks(column: Sequence[str]) -> list[str]:
    """The marks that enough different numbers of a column show."""
    return [
        mark
        for mark, pattern in ((",", _COMMA), (".", _POINT))
        if _are_enough([text for text in column if pattern.fullmatch(text)], column)
    ]


def _are_enough(numbers: Sequence[str], column: Sequence[str]) -> bool:
    """Whether some numbers of a column are no exceptions, such as a code that repeats."""
    enough = min(MIN_TELLING, max(len(set(column) - {""}) - 1, 2))
    return len(set(numbers)) >= enough and len(numbers) >= MIN_SHARE * len(column)


def _are_thousands(columns: Sequence[Sequence[str]], others: Sequence[RawColumn]) -> bool:
    """Whether points separate thousands, by the integers next to them in columns that have some."""
    rows = [(text, k) for column in columns for k, text in enumerate(column) if text.strip("0.")]
    rows = [(text, k) for text, k in rows if text not in SENTINELS]
    is_grouped = np.array([_GROUPED.fullmatch(text) is not None for text, _ in rows], bool)
    is_integer = np.array([_BELOW_1000.fullmatch(text) is not None for text, _ in rows], bool)
    if not (is_grouped | is_integer).all() or is_grouped.sum() < 2:
        return False
    integers = [text for (text, _), is_one in zip(rows, is_integer, strict=True) if is_one]
    if len(set(integers)) < 2 or len(integers) < MIN_SHARE * len(rows):
        return False
    if len(columns) == 1 and (
        len(set(integers)) < MIN_TELLING - (len(rows) < 10) or _differ_by_kind(rows, is_grouped, others)
    ):
        return False
    grouped = [
        float(text.replace(".", "")) / 1000 for (text, _), is_one in zip(rows, is_grouped, strict=True) if is_one
    ]
    return float(np.median([float(text) for text in integers])) >= MIN_RATIO * float(np.median(grouped))


def _differ_by_kind(rows: Sequence[tuple[str, int]], is_grouped: BoolArray, others: Sequence[RawColumn]) -> bool:
    """Whether a column says which rows have a point: one of several quantities, each with its own precision."""
    places = np.array([k for _, k in rows])
    for column in others:
        kinds, codes = factorize(column[places])
        if 1 < len(kinds) <= min(MAX_GROUPS, len(rows) // 2):
            share = np.bincount(codes, is_grouped) / np.bincount(codes)
            if np.isin(share, (0, 1)).all():
                return True
    return False
