"""Units that give one network as many parameters as another."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable

__all__ = ["nearest_units"]


def nearest_units(size: Callable[[int], int], target: int, max_units: int) -> int:
    """Return the units whose number of parameters is nearest to a target; of two equally near, the fewer.

    Args:
        size: Number of parameters by units, increasing.
        target: Number of parameters.
        max_units: Largest number of units.

    Example:
        >>> nearest_units(lambda units: units * units, target=30, max_units=10)
        5
    """
    choices = range(1, max_units + 1)
    above = bisect_left(choices, target, key=size)
    return min(choices[max(0, above - 1) : above + 1], key=lambda units: abs(size(units) - target))
