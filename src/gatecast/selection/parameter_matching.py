"""How many units give a network as many parameters as another one has."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable

__all__ = ["nearest_units"]


def nearest_units(size: Callable[[int], int], wanted: int, most: int) -> int:
    """The units with which a network comes nearest to a number of parameters; of two as near, the fewer.

    Args:
        size: Number of parameters by units, increasing.
        wanted: Number of parameters.
        most: Units at most.

    >>> nearest_units(lambda units: units * units, wanted=30, most=10)
    5
    """
    choices = range(1, most + 1)
    above = bisect_left(choices, wanted, key=size)
    return min(choices[max(0, above - 1) : above + 1], key=lambda units: abs(size(units) - wanted))
