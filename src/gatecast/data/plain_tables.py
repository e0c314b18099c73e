"""Tables of one series that need no more checks once another table with the same times was read.

What `read` makes of a table depends on its times, its names, and its values. For values that are plain numbers, none of
them missing or suspect, the last is simple: the panel has the values as they are, and no note is about them.
So of many tables with the same times, as servers get them, one has to be read.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast._utils.typing import BoolArray, FloatArray
from gatecast.data.huge_values import find_huge, find_sudden
from gatecast.data.last_values import find_unlike_last
from gatecast.data.panel import Panel
from gatecast.data.panel_checks import MAX_ABSOLUTE_VALUE, MIN_LARGEST_VALUE
from gatecast.data.parsing.column_roles import ROW_NUMBER_NAMES, TARGET_NAMES, TIME_NAMES
from gatecast.data.parsing.missing_codes import may_be_code

__all__ = ["PlainTable", "are_plain", "plain_table"]

MAX_ROWS = 10_000
"""Longer tables take longer to forecast than to read."""

MAX_CHARACTERS = 40
"""Of a time, on average: more than any notation has."""


class PlainTable(NamedTuple):
    """A table of times and numbers, or of numbers alone.

    Args:
        key: What its reading depends on besides the values: names in their order, times, kind of numbers.
        values: The numbers, [n].
        target: Name of their column.
    """

    key: Hashable
    values: FloatArray
    target: Any


def plain_table(source: Any, time_col: str | None = None, target_col: Any = None) -> PlainTable | None:
    """Return a table whose columns are known by their names and types; None for any other.

    Args:
        source: As `gatecast.data.reader.read` takes it.
        time_col: Declared column of the times.
        target_col: Declared column of the values.

    >>> plain_table({"ds": ["2024-01", "2024-02"], "y": np.array([1.0, 2.0])}).values.tolist()
    [1.0, 2.0]
    >>> plain_table({"ds": ["2024-01", "2024-02"], "y": [1.0, 2.0]}) is None  # which types are in the list?
    True
    """
    if not isinstance(source, Mapping) or not 1 <= len(source) <= 2:
        return None
    names = tuple(source)
    target, times = names[-1], names[0] if len(names) == 2 else None
    if times is not None and _is_called(target, time_col, TIME_NAMES):
        target, times = times, target
    if times is not None and not _is_called(times, time_col, TIME_NAMES):
        return None
    column = source[target]
    if not _is_called(target, target_col, TARGET_NAMES) or not _are_numbers(column):
        return None
    if (time_col is not None and times is None) or not 2 <= len(column) <= MAX_ROWS:
        return None
    key = () if times is None else _time_key(source[times], len(column))
    if key is None:
        return None
    return PlainTable((names, column.dtype.kind, len(column), key), column.astype(np.float64), target)


def _is_called(name: Any, declared: Any, usual: tuple[str, ...]) -> bool:
    """Whether a column has the declared name, or, where none is declared, a usual one that means nothing else."""
    if declared is not None:
        return isinstance(declared, str) and name == declared
    return name in usual and name not in ROW_NUMBER_NAMES


def _are_numbers(column: Any) -> bool:
    """Whether a column is an array of numbers."""
    return isinstance(column, np.ndarray) and column.ndim == 1 and column.dtype in (np.float64, np.int64)


def _time_key(times: Any, n: int) -> Hashable | None:
    """Times as a key; None where they are neither texts nor whole numbers, one for each value."""
    if isinstance(times, np.ndarray):
        is_regular = times.ndim == 1 and len(times) == n and times.dtype == np.int64
        return ("numbers", times.tobytes()) if is_regular else None
    is_text = isinstance(times, list) and len(times) == n and set(map(type, times)) == {str}
    # What is remembered of times must not grow with what others write there.
    return tuple(times) if is_text and sum(map(len, times)) <= MAX_CHARACTERS * n else None


def are_plain(values: FloatArray, panel: Panel) -> BoolArray:
    """Return which series `read`, and the checks before a fit, take as they are, without a note, [n_series].

    Args:
        values: Numbers of series with the times of the panel, [n_series, T].
        panel: A panel of one series that was read from such a table.

    >>> from gatecast.data.panel import from_values
    >>> months = from_values(np.arange(4.0), start="2024-01-01", freq="MS")
    >>> are_plain(np.array([[1.0, 5.0, 2.0, 3.0], [1.0, np.nan, 2.0, 3.0], [4.0, 4.0, 4.0, 4.0]]), months).tolist()
    [True, False, False]
    """
    n, T = values.shape
    low, high = values.min(axis=1), values.max(axis=1)
    with np.errstate(invalid="ignore"):
        # No comparison is true of NaN.
        plain: BoolArray = (low < high) & (low > -MAX_ABSOLUTE_VALUE) & (high < MAX_ABSOLUTE_VALUE)
        plain &= np.maximum(-low, high) >= MIN_LARGEST_VALUE
    plain &= ~(may_be_code(low) | may_be_code(high))
    starts: npt.NDArray[Any] = np.repeat(panel.start, n)
    together = Panel(values.ravel(), np.arange(n + 1) * T, np.arange(n), starts, panel.freq, panel.columns)
    plain[find_unlike_last(together)] = False
    plain[find_huge(together)] = False
    plain[find_sudden(together) // T] = False
    return plain
