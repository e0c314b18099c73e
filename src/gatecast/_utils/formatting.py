"""Numbers, times and counts as text."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "Column",
    "finite_or_none",
    "format_count",
    "format_duration",
    "format_or_dash",
    "format_times",
    "number_formatter",
    "time_unit",
]

Column = npt.NDArray[Any]
"""Values of a column: floats, datetime64, integers or text."""
_DURATIONS = (
    *((86_400_000_000, "days"), (3_600_000_000, "h"), (60_000_000, "min"), (1_000_000, "s"), (1_000, "ms")),
    (1, "µs"),
)
"""Microseconds of units."""


def finite_or_none(value: Any) -> Any:
    """Return a value for JSON: None instead of NaN and infinity.

    >>> [finite_or_none(value) for value in (1.5, math.nan, -math.inf, "a", 3)]
    [1.5, None, None, 'a', 3]
    """
    return None if isinstance(value, float) and not math.isfinite(value) else value


def format_times(times: Column, separator: str = " ", unit: str = "") -> list[str]:
    """Return times as ISO 8601, and integers as they are.

    Args:
        times: datetime64, or numbers.
        separator: Text between date and time of day.
        unit: Precision, in NumPy's units; empty for the coarsest unit that loses nothing.

    >>> format_times(np.array(["2020-01-01T00:30", "2020-01-02"], "datetime64[s]"))
    ['2020-01-01 00:30', '2020-01-02 00:00']
    """
    if times.dtype.kind != "M":
        return [str(value) for value in times.tolist()]
    texts = np.datetime_as_string(times.astype(f"datetime64[{unit or time_unit(times)}]"))
    return [text.replace("T", separator) for text in texts.tolist()]


def time_unit(*times: Column) -> str:
    """Return the coarsest of the units day, minute, second, ... in which no time loses precision.

    >>> time_unit(np.array(["2020-01-01"], "datetime64[s]"), np.array(["2020-01-01T06:00"], "datetime64[s]"))
    'm'
    """
    units = ("D", "m", "s", "ms", "us")
    return next((unit for unit in units if all(_is_exact(array, unit) for array in times)), "ns")


def _is_exact(times: Column, unit: str) -> bool:
    """Return whether times lose no precision in a unit."""
    if times.dtype.kind != "M":
        return True
    return bool(np.all((times.astype(f"datetime64[{unit}]") == times) | np.isnat(times)))


def number_formatter(values: Column, digits: int = 4) -> Callable[[float], str]:
    """Return a function that formats the numbers of a column with equal decimals.

    Args:
        values: Numbers of the column; NaN and infinity are ignored.
        digits: Significant digits of the largest number.

    Returns:
        A function of a number, which returns "-" for NaN and infinity.

    >>> [number_formatter(np.array([450.123, 9.0]))(value) for value in (450.123, 9.0, math.nan)]
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
    """Return a number as text, and "-" for NaN and infinity.

    >>> format_or_dash(0.5, "{:.1f}"), format_or_dash(math.nan, "{:.1f}")
    ('0.5', '-')
    """
    return template.format(value) if math.isfinite(value) else "-"


def format_duration(duration: np.timedelta64) -> str:
    """Return a duration in the largest unit of which it is at least one, with at most three digits.

    >>> format_duration(np.timedelta64(20_400, "us")), format_duration(np.timedelta64(90, "m"))
    ('20.4 ms', '1.5 h')
    """
    microseconds = float(duration.astype("m8[us]").astype(np.int64))
    size, unit = next((pair for pair in _DURATIONS if microseconds >= pair[0]), _DURATIONS[-1])
    count = f"{microseconds / size:.3g}"
    return f"{count} {unit}" if unit != "days" or count != "1" else "1 day"


def format_count(number: int, noun: str) -> str:
    """Return a number with its noun in singular or plural.

    >>> format_count(1, "row"), format_count(1200, "row")
    ('1 row', '1,200 rows')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
