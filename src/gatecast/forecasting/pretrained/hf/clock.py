"""The clock of the high-frequency network: a cycle is eight tokens, whatever the frequency.

A token is ``p = max(1, round(m / 8))`` values: hourly 3, half-hourly 6, daily (m = 7) 1. Seasons longer than 64 steps
are averaged to 64 a cycle before, and forecasts of these are spread back.

Shapes: n series, T columns, B steps of the coarse clock, h steps, Q levels.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gatecast._utils.typing import FloatArray, IntArray
from gatecast.forecasting.pretrained.hf.copies import N_CYCLES

__all__ = [
    "MAX_STEPS",
    "MAX_TOKENS",
    "TOKENS",
    "Clock",
    "average_steps",
    "history_length",
    "overlaps",
    "spread_steps",
    "token_length",
]

TOKENS = 8
"""Tokens of a cycle, and of a block that is forecast from an origin."""

MAX_STEPS = 64
"""Steps of a cycle, at most: eight tokens of eight."""

MAX_TOKENS = 128
"""Tokens that are read, at most: as many as the network was trained on. Copies reach back further."""


EDGE = 1e-9
"""What rounding may put an edge beyond a step."""


def token_length(m: int) -> int:
    """Return the values of a token.

    >>> [token_length(m) for m in (5, 7, 24, 48, 64)]
    [1, 1, 3, 6, 8]
    """
    return max(1, round(m / TOKENS))


def history_length(m: int, long: int) -> int:
    """Return the values before the first token that copies reach back to.

    >>> history_length(24, 168), history_length(24, 0)
    (672, 96)
    """
    return N_CYCLES * max(m, long)


def overlaps(n_parts: int, n_values: int) -> FloatArray:
    """Return which share of each of n_parts equal parts of an interval each of n_values equal values covers.

    >>> overlaps(2, 3).round(2).tolist()
    [[0.67, 0.33, 0.0], [0.0, 0.33, 0.67]]
    """
    part, value = np.arange(n_parts)[:, None] / n_parts, np.arange(n_values) / n_values
    common = np.minimum(part + 1 / n_parts, value + 1 / n_values) - np.maximum(part, value)
    return np.asarray(np.maximum(common, 0.0) * n_parts)


def average_steps(values: FloatArray, r: float, n_bins: int) -> FloatArray:
    """Average r steps to one, the newest first; a part of a step counts as its part.

    Args:
        values: Series aligned at their ends, (n, T); NaN is missing.
        r: Steps that become one, at least 1.
        n_bins: Newest bins B, at most.

    Returns:
        (n, B), aligned at the ends; NaN where no value is.

    Example:
        >>> average_steps(np.array([[1.0, 2.0, 3.0, 5.0]]), 2.0, 9).tolist()
        [[1.5, 4.0]]
    """
    # The oldest bin is as long as others: bits of its sum depend on that.
    n_bins = min(n_bins, int(np.ceil(values.shape[1] / r)))
    more = max(int(np.ceil(r * n_bins)) - values.shape[1], 0)
    values = np.pad(values, ((0, 0), (more, 0)), constant_values=np.nan)
    T = values.shape[1]
    edges = np.maximum(T - r * np.arange(n_bins, -1, -1), 0.0)
    known = np.isfinite(values)
    # A few values of the size of sums far away would drown in a running sum: bins are summed by themselves.
    weights = _Parts.between(edges, T)
    total = np.add.reduceat(np.where(known, values, 0.0)[:, weights.step] * weights.share, weights.start, axis=1)
    share = np.add.reduceat(known[:, weights.step] * weights.share, weights.start, axis=1)
    return np.asarray(np.where(share > 0, total / np.where(share > 0, share, 1.0), np.nan))


class _Parts(NamedTuple):
    """The steps that each bin covers, one bin after the other."""

    step: IntArray
    share: FloatArray
    """Of the step, that the bin covers."""
    start: IntArray
    """Where each bin begins."""

    @classmethod
    def between(cls, edges: FloatArray, T: int) -> _Parts:
        """Return the steps of T that lie between neighbouring edges."""
        first, last = np.floor(edges[:-1] + EDGE).astype(np.int64), np.ceil(edges[1:] - EDGE).astype(np.int64)
        count = np.maximum(last - first, 1)
        start = np.cumsum(count) - count
        bins = np.repeat(np.arange(len(count)), count)
        step = np.minimum(first[bins] + np.arange(len(bins)) - start[bins], T - 1)
        share = np.minimum(step + 1, edges[1:][bins]) - np.maximum(step, edges[:-1][bins])
        return cls(step, np.maximum(share, EDGE), start)


def spread_steps(forecasts: FloatArray, r: float, h: int) -> FloatArray:
    """Interpolate forecasts of coarse steps to steps, linearly between the middles.

    Args:
        forecasts: (n, B, Q), of bins of r steps.
        r: Steps of a bin.
        h: Steps, at most ``r B``.

    Example:
        >>> spread_steps(np.array([[[1.0], [3.0]]]), 2.0, 4)[0, :, 0].tolist()
        [1.0, 1.5, 2.5, 3.0]
    """
    place = np.clip((np.arange(h) + 0.5) / r - 0.5, 0, forecasts.shape[1] - 1)
    left = np.minimum(place.astype(np.int64), max(forecasts.shape[1] - 2, 0))
    right = np.minimum(left + 1, forecasts.shape[1] - 1)
    share = (place - left)[:, None]
    return np.asarray((1 - share) * forecasts[:, left] + share * forecasts[:, right])


class Clock(NamedTuple):
    """How the steps of series become tokens."""

    r: float
    """Steps that are averaged to one."""
    m: int
    long: int
    """Seasons, in averaged steps."""
    p: int
    """Averaged steps of a token."""

    @classmethod
    def of(cls, m: int, long: int) -> Clock:
        """Return the clock of series with these seasons."""
        r = max(m / MAX_STEPS, 1.0)
        return cls(r, round(m / r), round(long / r), token_length(round(m / r)))

    @property
    def block(self) -> int:
        """Averaged steps of a block."""
        return TOKENS * self.p

    @property
    def n_averages(self) -> int:
        """Averaged steps that are read."""
        return MAX_TOKENS * self.p + history_length(self.m, self.long)

    def n_blocks(self, h: int) -> int:
        """Return the blocks of h steps."""
        return -(-self.n_averaged(h) // self.block)

    def n_averaged(self, h: int) -> int:
        """Return the averaged steps of h steps."""
        return int(np.ceil(h / self.r - 1e-9))

    def newest(self, values: FloatArray) -> FloatArray:
        """Return the values that are read."""
        return values[:, -int(np.ceil(self.n_averages * self.r)) :]

    def averages(self, values: FloatArray) -> FloatArray:
        """Return averages of r steps."""
        return values if self.r == 1 else average_steps(values, self.r, self.n_averages)
