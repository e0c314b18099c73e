"""Which rows are earlier origins of others, so that one pass over a series forecasts from all of them.

What the network knows at a step depends on the values up to it alone. Only the size of series with negative values
is that of a whole series: these are read anew from each origin.

Shapes: n_rows rows, T columns.
"""

from __future__ import annotations

import numpy as np

from gatecast._utils.typing import IntArray
from gatecast.forecasting.context import PanelContext

__all__ = ["shared_origins"]


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
    can_share = (context.series >= 0) & (later > 0) & ~(values[newest] < 0).any(axis=1)
    for d in np.unique(later[can_share]).tolist():
        rows = np.flatnonzero(can_share & (later == d))
        past = values[newest[rows]][:, : max(values.shape[1] - d, 0)]
        same = np.array_equal(values[rows, d:], past, equal_nan=True)
        if same and not np.isfinite(values[rows, :d]).any():
            origins[rows, 0], origins[rows, 1] = newest[rows], d
    return origins
