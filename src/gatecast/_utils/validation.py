"""Checks of arguments: each returns the valid value or raises a ConfigError that names the argument."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from numbers import Real
from typing import Any, TypeVar

import numpy as np

from gatecast.errors import ConfigError

__all__ = [
    "MAX_STEPS",
    "check_finite",
    "check_flag",
    "check_fraction",
    "check_level",
    "check_levels",
    "check_non_negative",
    "check_non_negative_int",
    "check_optional_positive_int",
    "check_positive",
    "check_positive_int",
    "check_quantiles",
    "check_seed",
    "check_steps",
    "check_type",
]

T = TypeVar("T")


MAX_STEPS = 1_000_000
"""Steps of a horizon, a season or a window, at most: two years of minutes."""


def check_positive(value: Any, name: str, *, where: str = "") -> float:
    """Return a finite number above 0.

    Args:
        value: What the user passed.
        name: The name of the argument.
        where: The layer, function or record that the argument belongs to.

    Raises:
        ConfigError: Anything else.

    >>> check_positive(2, "delta", where="Huber")
    2.0
    """
    if not (isinstance(value, Real) and 0 < float(value) < math.inf):
        raise _invalid(value, name, where, "a number above 0")
    return float(value)


def check_non_negative(value: Any, name: str, *, where: str = "") -> float:
    """Return a finite number of at least 0.

    Args:
        value: What the user passed.
        name: The name of the argument.
        where: The layer, function or record that the argument belongs to.

    Raises:
        ConfigError: Anything else.

    >>> check_non_negative(0, "l2", where="L2")
    0.0
    """
    if not (isinstance(value, Real) and 0 <= float(value) < math.inf):
        raise _invalid(value, name, where, "a number of at least 0")
    return float(value)


def check_finite(value: Any, name: str, *, where: str = "") -> float:
    """Return a finite number.

    Args:
        value: What the user passed.
        name: The name of the argument.
        where: The layer, function or record that the argument belongs to.

    Raises:
        ConfigError: Anything else.

    >>> check_finite(-1, "min_delta", where="EarlyStopping")
    -1.0
    """
    if isinstance(value, bool) or not (isinstance(value, Real) and math.isfinite(float(value))):
        raise _invalid(value, name, where, "a number")
    return float(value)


def check_flag(value: Any, name: str, *, where: str = "") -> bool:
    """Return True or False; NumPy's booleans, 0, 1 and None (for False) are taken as well.

    Args:
        value: What the user passed.
        name: The name of the argument.
        where: The layer, function or record that the argument belongs to.

    Raises:
        ConfigError: Anything else.

    >>> check_flag(np.True_, "return_sequences"), check_flag(1, "return_sequences"), check_flag(None, "unroll")
    (True, True, False)
    """
    if value is None:
        return False
    if not isinstance(value, bool | np.bool_ | int | np.integer) or value not in (0, 1):
        raise _invalid(value, name, where, "True or False")
    return bool(value)


def check_fraction(value: Any, name: str, *, where: str = "") -> float:
    """Return a number from 0 to less than 1.

    Args:
        value: What the user passed.
        name: The name of the argument.
        where: The layer, function or record that the argument belongs to.

    Raises:
        ConfigError: Anything else.

    >>> check_fraction(0.2, "rate", where="Dropout")
    0.2
    """
    if not (isinstance(value, Real) and 0 <= float(value) < 1):
        raise _invalid(value, name, where, "a number from 0 to less than 1")
    return float(value)


def check_positive_int(value: Any, name: str, *, where: str = "", maximum: int | None = None) -> int:
    """Return an integer of at least 1.

    Args:
        value: What the user passed.
        name: The name of the argument.
        where: The layer, function or record that the argument belongs to.
        maximum: The largest integer allowed; None: any.

    Raises:
        ConfigError: Anything else.

    >>> check_positive_int(50, "units", where="LSTM")
    50
    """
    is_integer = hasattr(value, "__index__") and not isinstance(value, bool)
    if not is_integer or operator.index(value) < 1:
        raise _invalid(value, name, where, "a positive integer")
    if maximum is not None and operator.index(value) > maximum:
        raise _invalid(value, name, where, f"an integer from 1 to {maximum:,}")
    return operator.index(value)


def check_non_negative_int(value: Any, name: str, *, where: str = "") -> int:
    """Return an integer of at least 0.

    Args:
        value: What the user passed.
        name: The name of the argument.
        where: The layer, function or record that the argument belongs to.

    Raises:
        ConfigError: Anything else.

    >>> check_non_negative_int(0, "patience", where="EarlyStopping")
    0
    """
    if not hasattr(value, "__index__") or isinstance(value, bool) or operator.index(value) < 0:
        raise _invalid(value, name, where, "an integer of at least 0")
    return operator.index(value)


def check_optional_positive_int(value: Any, name: str, *, where: str = "", maximum: int | None = None) -> int | None:
    """Return an integer of at least 1, or None for None; see `check_positive_int`.

    >>> check_optional_positive_int(None, "input_size") is None
    True
    """
    return None if value is None else check_positive_int(value, name, where=where, maximum=maximum)


def check_steps(value: Any, name: str) -> int | None:
    """Return a number of time steps, or None for None: more than a million are a slip, and fit into no memory.

    >>> check_steps(12, "h")
    12
    """
    return check_optional_positive_int(value, name, maximum=MAX_STEPS)


def check_levels(level: Sequence[float] | float | None) -> tuple[float, ...]:
    """Return levels of prediction intervals as an increasing tuple; a single level may be a number.

    Args:
        level: Percentages from 1 to less than 100, all different; None for no intervals.

    Raises:
        ConfigError: Anything else.

    >>> check_levels([95, 80]), check_levels(90), check_levels(None)
    ((80, 95), (90,), ())
    """
    single = isinstance(level, int | float | str | np.number)
    levels: tuple[Any, ...] = () if level is None else (level,) if single else tuple(level)  # type: ignore[arg-type]
    for value in levels:
        if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not 1 <= value < 100:
            share = isinstance(value, int | float | np.number) and 0.01 <= value < 1
            expected = "a percentage from 1 to less than 100"
            fix = f"Did you mean level={100 * value:g}?" if share else "For example, level=(80, 95)."
            raise _invalid(value, "level", "", expected, fix)
    if len(set(levels)) < len(levels):
        raise _invalid(list(levels), "level", "", "different percentages", "For example, level=(80, 95).")
    names = {f"{value:g}" for value in levels}
    if len(names) < len(levels) or "100" in names:
        expected = "percentages that differ in six digits, from 1 to less than 100"
        raise _invalid(list(levels), "level", "", expected, "For example, level=(80, 99.9).")
    return tuple(sorted(levels))


def check_level(level: Any) -> float:
    """Return a single level of prediction intervals.

    Args:
        level: A percentage from 1 to less than 100.

    Raises:
        ConfigError: Anything else.

    >>> check_level(99)
    99
    """
    levels = check_levels(level)
    if len(levels) != 1:
        raise _invalid(level, "level", "", "one percentage", "Write level=99.")
    return levels[0]


def check_quantiles(quantiles: Sequence[float], *, where: str = "") -> tuple[float, ...]:
    """Return levels of quantiles: increasing, between 0 and 1, odd in number with 0.5 in the middle.

    Args:
        quantiles: Levels.
        where: The record that they belong to.

    Raises:
        ConfigError: Anything else.

    >>> check_quantiles((0.1, 0.5, 0.9))
    (0.1, 0.5, 0.9)
    """
    levels = tuple(quantiles)
    increasing = all(low < high for low, high in zip((0.0, *levels), (*levels, 1.0), strict=True))
    if not increasing or len(levels) % 2 == 0 or levels[len(levels) // 2] != 0.5:
        expected = "an odd number of increasing levels around 0.5, between 0 and 1"
        raise ConfigError(f"Invalid quantiles {list(levels)}", where=where, expected=expected)
    return levels


def check_type(value: T | None, name: str, kind: type[T]) -> T:
    """Return a record of a kind; None becomes a record with default settings.

    Args:
        value: What the user passed.
        name: The name of the argument.
        kind: A class of `gatecast.config`.

    Raises:
        ConfigError: Another object.

    >>> check_type(None, "network", dict)
    {}
    """
    if value is not None and not isinstance(value, kind):
        raise _invalid(value, name, "", f"a {kind.__name__}", f"For example, {name}={kind.__name__}().")
    return kind() if value is None else value


def check_seed(seed: Any) -> int:
    """Return a non-negative integer.

    Raises:
        ConfigError: Anything else.

    >>> check_seed(7)
    7
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise _invalid(seed, "seed", "", "a non-negative integer")
    return int(seed)


def _invalid(value: object, name: str, where: str, expected: str, fix: str = "") -> ConfigError:
    """Return the error for an invalid value."""
    argument = name if name.isidentifier() else None
    return ConfigError(f"Invalid {name} {value!r}", where=where, expected=expected, fix=fix, argument=argument)
