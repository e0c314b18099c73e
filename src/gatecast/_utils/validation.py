"""Checks of what a forecaster is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from gatecast.errors import ConfigError

__all__ = ["check_count", "check_levels", "check_seed", "check_type"]

Record = TypeVar("Record")


def check_count(name: str, value: int | None, *, needed: bool = False) -> None:
    """A whole number from 1 up, or None, unless it is needed."""
    if (value is None and not needed) or (
        isinstance(value, int | np.integer) and not isinstance(value, bool) and value >= 1
    ):
        return
    raise ConfigError(f"{name} is impossible", got=repr(value), expected="a whole number from 1 up")


def check_levels(level: Sequence[float] | float | None) -> tuple[float, ...]:
    """Levels in percent, increasing; one may come bare, and None is none."""
    single = level is None or isinstance(level, int | float | str)
    levels: tuple[Any, ...] = (() if level is None else (level,)) if single else tuple(level)  # type: ignore[arg-type]
    good = all(isinstance(one, int | float | np.number) and 1 <= one < 100 for one in levels)
    if not good or len(set(levels)) < len(levels):
        raise ConfigError(
            "these are not levels of intervals",
            got=str(list(levels)),
            expected="different numbers from 1 up and below 100, in percent",
            fix="Write, say, level=(80, 95).",
        )
    return tuple(sorted(levels))


def check_type(name: str, given: Record | None, kind: type[Record]) -> Record:
    """A record of a kind, or None for one of defaults."""
    if given is not None and not isinstance(given, kind):
        expected = f"a gatecast.config.{kind.__name__}"
        raise ConfigError(f"{name} is no {kind.__name__}", got=repr(given), expected=expected)
    return kind() if given is None else given


def check_seed(seed: int) -> int:
    """A whole number from 0 up."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ConfigError("the seed is not a seed", got=repr(seed), expected="a whole number from 0 up")
    return int(seed)
