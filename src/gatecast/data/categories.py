"""Which categories of a column models tell apart: all of a few, the most frequent of many."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["FIRST_MAX_CATEGORIES", "MAX_CATEGORIES", "order_categories"]

MAX_CATEGORIES = 60
"""Categories of a column that become an indicator column each; the others count as no category."""

FIRST_MAX_CATEGORIES = 20
"""The same in the first versions: networks and effects in their files have inputs for as many."""


def order_categories(counts: Mapping[str, int]) -> tuple[str, ...]:
    """Return categories in the order of their codes: those that get an indicator come first.

    Up to `MAX_CATEGORIES` are in the order of the alphabet. Of more, the most frequent ones come first; among equally
    frequent ones the alphabet decides.

    Args:
        counts: Number of rows of each category.

    Returns:
        The first `MAX_CATEGORIES` and the others, both in the order of the alphabet.

    Example:
        >>> order_categories({"fair": 3, "ball": 1})
        ('ball', 'fair')
        >>> order_categories({"rare": 1} | {f"{k:02d}": 2 for k in range(60)})[-2:]
        ('59', 'rare')
    """
    names = sorted(counts)
    chosen = set(sorted(names, key=lambda name: -counts[name])[:MAX_CATEGORIES])
    return (*(name for name in names if name in chosen), *(name for name in names if name not in chosen))
