"""Numbers with a decimal comma and nothing else, such as -12,5: millions of different ones are parsed at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast._utils.typing import BoolArray, FloatArray, IntArray
from gatecast.data.parsing.text_codes import character_codes, is_digit

__all__ = ["DecimalCommas", "parse_decimal_commas"]

COMMA, POINT, MINUS = map(ord, ",.-")


class DecimalCommas(NamedTuple):
    """Numbers with a decimal comma.

    Args:
        values: The numbers, shape (n,).
        first: Index of the first text with a comma.
    """

    values: FloatArray
    first: int


def parse_decimal_commas(texts: Sequence[str]) -> DecimalCommas | None:
    """Parse numbers that are digits with at most one comma between them and a minus sign before them.

    Args:
        texts: Texts of a column.

    Returns:
        The numbers; None if a text is anything else, no text has a comma, or each comma may be a thousands separator.

    >>> parse_decimal_commas(["1,5", "-12", "0,125"]).values.tolist()
    [1.5, -12.0, 0.125]
    >>> parse_decimal_commas(["1,500", "12,250"]) is None, parse_decimal_commas(["1,5", "1.5"]) is None
    (True, True)
    """
    codes = character_codes(texts)
    if codes is None:
        return None
    is_comma = codes == COMMA
    has_comma = is_comma.any(axis=1)
    n_digits = np.count_nonzero(is_digit(codes), axis=1)
    has_minus = codes[:, 0] == MINUS
    sizes = np.count_nonzero(codes, axis=1)
    start = has_minus.astype(np.int64)
    n_whole = np.where(has_comma, is_comma.argmax(axis=1), sizes) - start
    n_decimals = sizes - start - n_whole - has_comma
    is_plain = (n_digits + has_comma + has_minus == sizes) & (n_whole > 0) & (has_comma == (n_decimals > 0))
    if not is_plain.all() or not (has_comma & ~_may_be_thousands(codes[:, :2], start, n_whole, n_decimals)).any():
        return None
    points = codes.copy()
    points[is_comma] = POINT
    values = points.view(f"S{codes.shape[1]}").ravel().astype(np.float64)
    return DecimalCommas(values, int(has_comma.argmax()))


def _may_be_thousands(
    codes: npt.NDArray[np.uint8], start: IntArray, n_whole: IntArray, n_decimals: IntArray
) -> BoolArray:
    """Whether the comma of each number may separate thousands: three digits follow up to three that are no zero."""
    first = np.take_along_axis(codes, start[:, None], axis=1)[:, 0]
    return np.asarray((n_decimals == 3) & (n_whole <= 3) & (first != ord("0")))
