"""How regular times are: the measure by which one reading of a column is preferred to another."""

from __future__ import annotations

import numpy as np

from gatecast._utils.arrays import sorted_unique
from gatecast.data.frequency import Times
from gatecast.data.time_grid import align_to_grid, infer_freq

__all__ = ["CLEARLY_BETTER", "regularity"]

CLEARLY_BETTER = 0.2
"""By how much the regularity of a less usual reading must exceed that of the usual one."""

MAX_TIMES = 2_000
MIN_TIMES = 3


def regularity(times: Times) -> float:
    """Return the filled fraction of the grid of times, times the fraction of them that are exactly on it.

    Args:
        times: Times of any order, with repeats and NaT, shape (n_rows,); the first 2,000 are judged.

    Returns:
        A number from 0 to 1; 1 for fewer than three distinct times, which prove nothing.

    >>> regularity(np.array(["2024-01-01", "2024-02-01", "2024-03-01"], "M8[us]"))
    1.0
    >>> regularity(np.array(["2024-01-01", "2024-01-02", "2024-01-03", "2025-01-01"], "M8[us]")) < 0.1
    True
    """
    head = times[:MAX_TIMES]
    unique = sorted_unique(head[~np.isnat(head)] if head.dtype.kind == "M" else head)
    if len(unique) < MIN_TIMES:
        return 1.0
    # Months that never occur are a sign of another reading, as of quarters: no calendar makes up for them.
    grid = align_to_grid(unique, infer_freq(unique, with_days=False))
    return len(unique) / max(int(grid.positions[-1]) + 1, len(unique)) * float(grid.on_grid.mean())
