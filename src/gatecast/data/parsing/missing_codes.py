"""Numbers that stand for a missing value, such as -999: known codes that are impossible among the other values.

A code is recognized only if both hold: the number is one of those that data loggers, agencies and file formats write
for a missing value, and it repeats outside the range of all other values. A counter that passes 9999, or temperatures
around -99, keep theirs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from gatecast._utils.typing import BoolArray, FloatArray
from gatecast.errors import ConfigError

__all__ = ["KNOWN_CODES", "MissingCode", "MissingCodes", "codes_among", "find_missing_codes", "may_be_code"]

MissingCodes = str | bool | Sequence[float]
"""Numbers that are missing values: recognized ("auto"), none (False), or exactly these."""

NINES = (
    *(10.0**k - 1 for k in range(1, 13)),
    *(float(f"{'9' * k}.9") for k in range(2, 7)),
    *(float(f"{'9' * k}.99") for k in range(2, 7)),
)
REPDIGITS = tuple(float(str(digit) * k) for digit in (6, 7, 8) for k in (3, 4, 5))
# Smallest numbers of integer types, and fill values of netCDF and GDAL.
LIMITS = (32768.0, 2147483648.0, 9223372036854775808.0, 1e20, 1e30, 1e34, 1e35, 1e36, 9.96921e36, 3.4028235e38)
NEGATIVE_CODES = np.array([1.0, 200.0, 6999.0, 99999.99, 32767.0, *NINES, *REPDIGITS, *LIMITS])
# 9, 99 and prices such as 99.99 are ordinary positive numbers.
POSITIVE_CODES = np.array([
    *(number for number in NINES if number >= 999), *LIMITS, 32767.0, 65535.0, 2147483647.0, 9223372036854775807.0
])  # fmt: skip

MIN_OTHERS = 8
"""With fewer other values no range is known that a code could lie outside of."""
SMALL_CODE = 10.0
"""-1 and -9 are codes only among values that are all at least this large."""


class MissingCode(NamedTuple):
    """A number that stands for a missing value.

    Args:
        value: The number.
        n_cells: Number of cells that hold it.
    """

    value: float
    n_cells: int


def find_missing_codes(values: FloatArray, codes: MissingCodes = "auto") -> tuple[MissingCode, ...]:
    """Find the numbers of a column that stand for a missing value.

    With "auto", a known code ``c`` of ``k`` cells among ``n`` is recognized by its distance ``g`` to the nearest other
    value, where the others, of range ``r``, exclude all known codes outside it:

    - ``k >= 2`` and ``g > 3 r``;
    - ``k >= 3``, ``k >= n / 100`` and ``g > r``;
    - negative, no other value negative, ``k >= 3`` and ``k >= n / 100``;
    - negative with at least three digits, no other value negative, and ``g > 10 r``, even once;
    - -1 or -9: ``k >= 2`` and every other value at least 10.

    Args:
        values: Numbers, shape (n_rows,); NaN is missing.
        codes: "auto", False for none, or the numbers themselves.

    Returns:
        The codes that occur, in ascending order.

    Raises:
        ConfigError: `codes` is neither "auto", nor False, nor numbers.

    >>> find_missing_codes(np.array([12.5, -999.0, 11.0, 14.5, 12.0, 13.0, -999.0, 10.5, 12.0, 11.5]))
    (MissingCode(value=-999.0, n_cells=2),)
    >>> find_missing_codes(np.arange(9990.0, 10010.0))
    ()
    """
    if codes is False:
        return ()
    if codes == "auto":
        return _infer(values)
    if codes is True:
        raise _invalid(codes)
    try:
        # A text such as "all" is no sequence of numbers.
        numbers = sorted({float(code) for code in codes})
    except (TypeError, ValueError):
        raise _invalid(codes) from None
    counts = ((code, int(np.count_nonzero(values == code))) for code in numbers)
    return tuple(MissingCode(code, count) for code, count in counts if count)


def may_be_code(values: FloatArray) -> BoolArray:
    """Return which numbers are codes somewhere; a column of whose extremes none is has no codes.

    >>> may_be_code(np.array([-999.0, 5.0])).tolist()
    [True, False]
    """
    return np.asarray(np.isin(values, KNOWN_CODES))


def _invalid(codes: object) -> ConfigError:
    """The error for an invalid setting."""
    return ConfigError(
        f"Invalid missing_codes {codes!r:.60}", expected="'auto', False or a list of numbers", argument="missing_codes"
    )


def _infer(values: FloatArray) -> tuple[MissingCode, ...]:
    """The known codes that are impossible among the other values."""
    finite = values[np.isfinite(values)]
    # Most columns end here: only an extreme value can be outside the range of the others.
    if not len(finite) or not may_be_code(np.array([finite.min(), finite.max()])).any():
        return ()
    is_known = np.isin(finite, KNOWN_CODES)
    others = finite[~is_known]
    if len(others) < MIN_OTHERS:
        return ()
    low, high = float(others.min()), float(others.max())
    present, counts = np.unique(finite[is_known], return_counts=True)
    n_cells = dict(zip(present.tolist(), counts.tolist(), strict=True))
    return _outside(n_cells, low, high, len(finite))


def codes_among(counts: Mapping[float, int], low: float, high: float, n_others: int) -> tuple[MissingCode, ...]:
    """Return the codes of a column that was counted instead of read, as "auto" finds them.

    Args:
        counts: Cells of each of `KNOWN_CODES` that occurs.
        low: The smallest of the other numbers.
        high: The largest of them.
        n_others: How many these are.

    >>> codes_among({-999.0: 2}, 10.5, 14.5, 8)
    (MissingCode(value=-999.0, n_cells=2),)
    """
    n = n_others + sum(counts.values())
    return () if n_others < MIN_OTHERS else _outside(dict(sorted(counts.items())), low, high, n)


def _outside(counts: Mapping[float, int], low: float, high: float, n: int) -> tuple[MissingCode, ...]:
    """The counted codes that are impossible among n numbers, the others of which lie from `low` to `high`."""
    outside = [(code, k) for code, k in counts.items() if not low <= code <= high]
    return tuple(MissingCode(code, k) for code, k in outside if _is_code(code, k, low, high, n))


def _is_code(code: float, count: int, low: float, high: float, n: int) -> bool:
    """Whether a known code is impossible among values from `low` to `high`."""
    gap, spread = max(low - code, code - high), high - low
    is_frequent = count >= max(3, n / 100)
    if -SMALL_CODE < code < 0:
        return count >= 2 and low >= SMALL_CODE
    if (count >= 2 and gap > 3 * spread) or (is_frequent and gap > spread):
        return True
    return code < 0 <= low and (is_frequent or (code <= -100 and gap > 10 * spread))


KNOWN_CODES = np.unique(np.concatenate((-NEGATIVE_CODES, POSITIVE_CODES)))
"""Numbers that are codes where they are impossible among the others, in ascending order."""
