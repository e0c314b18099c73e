"""Which rows are earlier origins of others, so that one pass over a series forecasts from all of them.

What a network knows at a step depends on the values up to it alone.

Shapes: n_rows rows, T columns.
"""

from __future__ import annotations

import numpy as np

from gatecast._utils.typing import IntArray
from gatecast.forecasting.context import PanelContext

__all__ = ["shared_origins"]

CHUNK_VALUES = 1 << 20
"""Values that are compared at a time."""


def shared_origins(context: PanelContext) -> IntArray:
    """Return for each row the row that holds it, and how many of its values follow, (n_rows, 2).

    Args:
        context: Rows, some of which may be series as they were earlier.

    Example:
        >>> context = PanelContext.from_values(np.array([[1.0, 2.0, 3.0]]))
        >>> past, _ = context.rolling_origins(np.array([2, 0]), horizon=1)
        >>> shared_origins(past).tolist()
        [[1, 2], [1, 0]]
    """
    values, n = context.values, len(context)
    origins = np.stack([np.arange(n), np.zeros(n, np.int64)], axis=1)
    by_age = np.lexsort((context.end, context.series))
    last = np.r_[context.series[by_age][1:] != context.series[by_age][:-1], True]
    newest = np.empty(n, np.int64)
    newest[by_age] = by_age[last][np.cumsum(np.r_[0, last[:-1]])]
    later = context.end[newest] - context.end
    can_share = (context.series >= 0) & (later > 0)
    shared = np.flatnonzero(can_share)
    size = max(1, CHUNK_VALUES // max(values.shape[1], 1))
    for rows in (shared[first : first + size] for first in range(0, len(shared), size)):
        column = np.arange(values.shape[1]) - later[rows, None]
        held = np.where(column < 0, np.nan, values[newest[rows, None], np.maximum(column, 0)])
        same = ((values[rows] == held) | (np.isnan(values[rows]) & np.isnan(held))).all(axis=1)
        origins[rows[same]] = np.stack([newest, later], axis=1)[rows[same]]
    return origins
