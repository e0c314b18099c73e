"""Numbers as people write them: decimal comma or point, thousands separators, currency and percent signs.

One number format is chosen for a column, the one that parses most of its values: a single value cannot show whether
1,234 is a little more than one or a little more than a thousand.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from gatecast._utils.typing import BoolArray, FloatArray
from gatecast.data.parsing.raw_table import RawColumn, is_missing

__all__ = ["ParsedNumbers", "parse_numbers"]


class ParsedNumbers(NamedTuple):
    """Numbers parsed from a column.

    Args:
        values: Numbers, shape (n_rows,); NaN where a value is missing or not a number.
        is_valid: Whether a value is missing or a number, shape (n_rows,).
        notes: How the numbers were read, where that is not obvious, one sentence each.
    """

    values: FloatArray
    is_valid: BoolArray
    notes: tuple[str, ...] = ()


# Thousands are grouped by threes and never begin with 0, so 0,123 has a decimal comma.
_DECIMAL_POINT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+|[1-9]\d{0,2}([, '_]\d{3})+(\.\d*)?)(e[+-]?\d+)?", re.IGNORECASE)
_DECIMAL_COMMA = re.compile(r"[+-]?(\d+,?\d*|,\d+|[1-9]\d{0,2}([. '_]\d{3})+(,\d*)?)(e[+-]?\d+)?", re.IGNORECASE)
_SIGNS_AROUND = re.compile(r"^\s*([+-]?)\s*[$€£¥]?\s*([^$€£¥%]*?)\s*[$€£¥%]?\s*$")
_TYPOGRAPHY = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2212": "-", "’": "'"})


def parse_numbers(column: RawColumn) -> ParsedNumbers:
    """Parse a column as numbers.

    Args:
        column: Numbers or strings, shape (n_rows,). Booleans and times are not numbers.

    Returns:
        The numbers, which values are valid, and notes.

    >>> from gatecast.data.parsing.raw_table import to_text
    >>> parse_numbers(to_text(["1.234,5", "12,25", "NA"]))[:2]
    (array([1234.5 ,   12.25,     nan]), array([ True,  True,  True]))
    >>> parse_numbers(to_text(["$1,234", "12 %", "abc"])).is_valid.tolist()
    [True, True, False]
    """
    n = len(column)
    if column.dtype.kind in "fiu":
        return ParsedNumbers(column.astype(np.float64), np.ones(n, bool))
    if column.dtype.kind != "O":
        return ParsedNumbers(np.full(n, np.nan), is_missing(column))
    missing = is_missing(column)
    values = np.full(n, np.nan)
    present = np.flatnonzero(~missing)
    try:
        values[present] = np.array(column[present].tolist(), np.float64)
    except ValueError:
        return _parse_formatted(column, values, missing)
    return ParsedNumbers(values, np.ones(n, bool))


def _parse_formatted(column: RawColumn, values: FloatArray, missing: BoolArray) -> ParsedNumbers:
    """Parse numbers in the format that fits most of them; fills `values`."""
    present = np.flatnonzero(~missing).tolist()
    texts = [_strip_signs(column[i]) for i in present]
    fits_point = [bool(_DECIMAL_POINT.fullmatch(text)) for text in texts]
    fits_comma = [bool(_DECIMAL_COMMA.fullmatch(text)) for text in texts]
    decimal_comma = sum(fits_comma) > sum(fits_point)
    is_valid = missing.copy()
    for i, text, fits in zip(present, texts, fits_comma if decimal_comma else fits_point, strict=True):
        if fits:
            values[i] = float(_to_literal(text, decimal_comma))
            is_valid[i] = True
    is_ambiguous = not decimal_comma and sum(fits_comma) == sum(fits_point)
    return ParsedNumbers(values, is_valid, _notes(column, is_valid & ~missing, values, decimal_comma, is_ambiguous))


def _strip_signs(text: str) -> str:
    """Remove currency and percent signs; normalize typographic spaces and minus signs."""
    match = _SIGNS_AROUND.match(text.translate(_TYPOGRAPHY))
    return match[1] + match[2] if match else text


def _to_literal(text: str, decimal_comma: bool) -> str:
    """Rewrite a number as Python writes it."""
    text = re.sub(r"[ '_]", "", text)
    return text.replace(".", "").replace(",", ".") if decimal_comma else text.replace(",", "")


def _notes(
    column: RawColumn, is_number: BoolArray, values: FloatArray, decimal_comma: bool, is_ambiguous: bool
) -> tuple[str, ...]:
    """Describe the format for the reader to check."""
    notes = []
    examples = [(column[i], values[i]) for i in np.flatnonzero(is_number)]
    commas = [(text, value) for text, value in examples if "," in text]
    if commas:
        text, value = commas[0]
        meaning = "decimal separators" if decimal_comma else "thousands separators"
        advice = " If they are decimal separators, replace them with points." if is_ambiguous else ""
        notes.append(f"Commas are read as {meaning}: {text.strip()!r} is {value:.12g}.{advice}")
    signs = [(text, value) for text, value in examples if re.search("[$€£¥%]", text)]
    if signs:
        text, value = signs[0]
        notes.append(f"Currency and percent signs are ignored: {text.strip()!r} is {value:.12g}.")
    return tuple(notes)
