"""Numbers, times and counts as people and programs read them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Column", "count", "format_or_dash", "number_format", "plain", "time_texts", "time_unit"]

Column = npt.NDArray[Any]
"""Values of a column: floats, datetime64, integers or texts."""


def plain(value: Any) -> Any:
    """A value as JSON knows it: None where a number is not finite.

    >>> [plain(value) for value in (1.5, math.nan, -math.inf, "a", 3)]
    [1.5, None, None, 'a', 3]
    """
    return None if isinstance(value, float) and not math.isfinite(value) else value


def time_texts(times: Column, separator: str = " ", unit: str = "") -> list[str]:
    """Points of time as ISO 8601; whole numbers as they are.

    Args:
        times: datetime64, or numbers.
        separator: Between day and time of day.
        unit: How fine, by NumPy's names; the finest that these times need if empty.

    >>> time_texts(np.array(["2020-01-01T00:30", "2020-01-02"], "datetime64[s]"))
    ['2020-01-01 00:30', '2020-01-02 00:00']
    """
    if times.dtype.kind != "M":
        return [str(value) for value in times.tolist()]
    texts = np.datetime_as_string(times.astype(f"datetime64[{unit or time_unit(times)}]"))
    return [text.replace("T", separator) for text in texts.tolist()]


def time_unit(*times: Column) -> str:
    """The coarsest of day, minute, second and so on in which these times lose nothing.

    >>> time_unit(np.array(["2020-01-01"], "datetime64[s]"), np.array(["2020-01-01T06:00"], "datetime64[s]"))
    'm'
    """
    finer = ("D", "m", "s", "ms", "us")
    return next((unit for unit in finer if all(_exact(array, unit) for array in times)), "ns")


def _exact(times: Column, unit: str) -> bool:
    """Whether nothing is lost in this unit."""
    if times.dtype.kind != "M":
        return True
    return bool(np.all((times.astype(f"datetime64[{unit}]") == times) | np.isnat(times)))


def number_format(values: Column, digits: int = 4) -> Callable[[float], str]:
    """How to write numbers of one column: with as many decimals as the largest needs for `digits` digits.

    Args:
        values: Numbers of the column; NaN and infinity are left out of account.
        digits: Significant digits of the largest.

    Returns:
        A function of a number. What is not finite becomes "-".

    >>> [number_format(np.array([450.123, 9.0]))(value) for value in (450.123, 9.0, math.nan)]
    ['450.1', '9.0', '-']
    """
    finite = np.abs(values[np.isfinite(values)])
    largest = float(finite.max()) if finite.size else 0.0
    magnitude = math.floor(math.log10(largest)) if largest > 0 else 0
    decimals = digits - 1 - magnitude
    if not -6 <= decimals <= 8:
        return lambda value: f"{value:.{digits}g}" if math.isfinite(value) else "-"
    decimals = max(0, decimals)
    return lambda value: f"{value:.{decimals}f}" if math.isfinite(value) else "-"


def format_or_dash(value: float, template: str) -> str:
    """Format a number; a dash stands for NaN and infinity.

    Example:
        >>> format_or_dash(0.5, "{:.1f}"), format_or_dash(math.nan, "{:.1f}")
        ('0.5', '-')
    """
    return template.format(value) if math.isfinite(value) else "-"


def count(number: int, noun: str) -> str:
    """A number of things.

    >>> count(1, "row"), count(1200, "row")
    ('1 row', '1,200 rows')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
