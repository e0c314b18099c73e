"""Rows of large matrices a few at a time, so that intermediate arrays stay small and in the caches."""

from __future__ import annotations

__all__ = ["ROWS", "row_batches"]

ROWS = 4096
"""Rows at a time."""


def row_batches(n: int, size: int = ROWS) -> list[slice]:
    """Return slices of consecutive rows.

    Args:
        n: Rows in all.
        size: Rows of a slice, at most.

    Example:
        >>> row_batches(5, 2)
        [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]
