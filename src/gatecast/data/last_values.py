"""Newest values that are unlike all before them: a month that has just begun, a slip of the pen, a broken sensor."""

from __future__ import annotations

import numpy as np

from gatecast._utils.arrays import row_medians
from gatecast._utils.typing import BoolArray, FloatArray, IntArray
from gatecast.data.panel import Panel

__all__ = ["find_unlike_last"]

MAX_VALUES = 400
"""Newest values of each series that are compared."""
MIN_SURPRISES = 24
MAX_SURPRISE = 8.0
"""Robust standard deviations of a surprise: six half-widths of an 80 % interval."""
MIN_PEER = 0.5
"""An earlier surprise at least this share of the newest one shows that such values occur."""
MAX_PEERS = 0.005


def find_unlike_last(panel: Panel) -> IntArray:
    """Return the series whose newest value contradicts all that they did before.

    The surprise of a value is ``g[t] = (z[t] - z[t-m]) - (z[t-1] - z[t-1-m])``, where z are logarithms of positive
    values and m is the shortest season of the calendar: trend, season and a level that has shifted do not surprise. The
    newest value is unlike the others if its surprise is more than 8 robust standard deviations of the earlier ones,
    and at most 1 in 200 of these was half as large.

    Where the calendar has no season nothing is judged: in the training parts of M3 and M4, jumps of such series stayed
    (10 of 11 next values), as steps of a level do.

    Args:
        panel: Series whose last position is observed; others, and series of fewer than 24 surprises, are not judged.

    Returns:
        Positions of the series in the panel.

    >>> from gatecast.data.panel import from_values
    >>> y = 100 + np.arange(60.0) + np.random.default_rng(0).normal(0, 1, 60)
    >>> [len(find_unlike_last(from_values(z, start="2020-01-01", freq="MS"))) for z in (y, [*y, 80.0])]
    [0, 1]
    """
    values = _newest(panel)
    m = min(panel.freq.cycles, default=0)
    if not m or values.shape[1] < m + 2:
        return np.zeros(0, np.int64)
    with np.errstate(invalid="ignore", divide="ignore"):
        positive = np.all((values > 0) | np.isnan(values), axis=1)
        z = np.where(positive[:, None], np.log(np.where(values > 0, values, np.nan)), values)
    return np.flatnonzero(_stands_out(np.abs(np.diff(z[:, m:] - z[:, :-m], axis=1))))


def _newest(panel: Panel) -> FloatArray:
    """The newest values of every series, aligned at the end, NaN before a series begins."""
    T = int(min(panel.lengths.max(initial=0), MAX_VALUES))
    offset = panel.lengths[:, None] - T + np.arange(T)
    if not len(panel.values):
        return np.full(offset.shape, np.nan)
    rows = np.clip(panel.indptr[:-1, None] + offset, 0, len(panel.values) - 1)
    return np.where(offset >= 0, panel.values[rows], np.nan)


def _stands_out(sizes: FloatArray) -> BoolArray:
    """Whether the last size of each row is far beyond the earlier ones."""
    last, earlier = sizes[:, -1], sizes[:, :-1]
    n = np.isfinite(earlier).sum(axis=1)
    enough = (n >= MIN_SURPRISES) & np.isfinite(last)
    result = np.zeros(len(sizes), bool)
    if not enough.any():
        return result
    last, earlier, n = last[enough], earlier[enough], n[enough]
    deviation = 1.4826 * row_medians(earlier)
    n_peers = (earlier >= MIN_PEER * last[:, None]).sum(axis=1)
    result[enough] = (deviation > 0) & (last > MAX_SURPRISE * deviation) & (n_peers <= MAX_PEERS * n)
    return result
