"""Arithmetic of dates."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["later"]


def later(dates: Any, n: Any) -> Any:
    """Return dates so many units of their own later: days of days, months of months.

    NumPy would add integers too, but 2.5 warns of it and its successors will not.

    Args:
        dates: datetime64 of any unit, an array or one.
        n: Integers, in a shape that broadcasts.

    >>> later(np.array(["2024-01", "2024-12"], "M8[M]"), 1).astype(str).tolist()
    ['2024-02', '2025-01']
    """
    unit = np.datetime_data(np.asarray(dates).dtype)[0]
    return dates + np.asarray(n, np.int64).astype(f"m8[{unit}]")
