"""Batches of the high-frequency network: windows of series with their features and targets, packed into lanes.

Shapes: n series, T columns, N tokens, A simple forecasts, S slots of a token, nb blocks of L lanes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gatecast._utils.typing import BoolArray, FloatArray, IntArray
from gatecast.forecasting.pretrained.batches import PackedBatch, pack_time_major
from gatecast.forecasting.pretrained.head import Anchors
from gatecast.forecasting.pretrained.hf.clock import TOKENS, history_length, token_length
from gatecast.forecasting.pretrained.hf.features import HEAD, N_INPUTS, TokenFeatures, make_features
from gatecast.forecasting.pretrained.hf.history import read_history
from gatecast.kernels.packing import LANES, blocks

__all__ = ["FIRST_CYCLES", "Windows", "make_batch", "places"]

FIRST_CYCLES = 2
"""Cycles of a series that precede the first origin of training."""


class Windows(NamedTuple):
    """Which part of each series becomes tokens."""

    values: FloatArray
    """(n, T), NaN where missing or before a series began."""
    season: IntArray
    """(n,), at most 64."""
    long: IntArray
    """(n,): longer season; 0 for none."""
    start: IntArray
    """(n,): column of the first token."""
    since: IntArray
    """(n,): first column that is read, as history of the first tokens."""

    def take(self, rows: IntArray) -> Windows:
        """Return some of the windows."""
        numbers = (part[rows] for part in (self.season, self.long, self.start, self.since))
        return Windows(self.values[rows], *numbers)


def places(p: int) -> FloatArray:
    """Return where in its token each slot is, from -1 to 1; 0 for slots that tokens of p values do not fill.

    >>> places(2).tolist()
    [-0.5, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    """
    out = np.zeros(HEAD.slots)
    out[:p] = (2 * np.arange(p) + 1) / p - 1
    return out


def make_batch(windows: Windows, n_tokens: int, hidden: BoolArray | None = None) -> PackedBatch:
    """Make a batch of windows.

    Args:
        windows: Series and their first tokens.
        n_tokens: Tokens N of each, from which to forecast.
        hidden: (n, N): tokens whose values the network must do without, though they are targets; None: none.

    Example:
        >>> y = np.tile(np.sin(np.arange(24) / 4), 20)[None]
        >>> windows = Windows(y, *(np.array([k]) for k in (24, 168, 96, 0)))
        >>> batch = make_batch(windows, n_tokens=40)
        >>> batch.x.shape, batch.y.shape, (batch.weight[0, -1, :, 0].reshape(8, 8)[0] > 0).tolist()[:4]
        ((1, 40, 128, 16), (1, 40, 64, 16), [True, True, True, False])
    """
    n = len(windows.values)
    order = np.lexsort((windows.long, windows.season))
    n_lanes = blocks(n) * LANES
    x = np.zeros((n_tokens, N_INPUTS, n_lanes), np.float32)
    y, weight = (np.zeros((n_tokens, TOKENS, HEAD.slots, n_lanes), np.float32) for _ in range(2))
    simple = np.zeros((HEAD.anchors - 1, n_tokens, TOKENS, HEAD.slots, n_lanes), np.float32)
    place = np.zeros((1, HEAD.slots, n_lanes), np.float32)
    prior = np.zeros((n_tokens, HEAD.groups * HEAD.anchors, n_lanes), np.float32)
    pairs = np.stack([windows.season[order], windows.long[order]], axis=1)
    for m, long in np.unique(pairs, axis=0).tolist():
        rows = np.flatnonzero((pairs == (m, long)).all(axis=1))
        lanes, p = slice(rows[0], rows[-1] + 1), token_length(m)
        concealed = None if hidden is None else hidden[order[rows]]
        features, counts = _features(windows.take(order[rows]), m, long, n_tokens, concealed)
        shape = (n_tokens, TOKENS, p, len(rows))
        x[:, :, lanes] = features.inputs
        simple[:, :, :, :p, lanes] = features.anchors[1:].reshape(-1, *shape)
        y[:, :, :p, lanes] = features.targets.reshape(shape)
        # A token counts the same, however many values it has; errors count in changes over the season.
        counted = features.known * (counts * features.size)[:, None]
        weight[:, :, :p, lanes] = counted.reshape(shape) * (HEAD.slots / p)
        prior[:, :, lanes] = features.prior.reshape(n_tokens, -1, len(rows))
        place[:, :, lanes] = places(p)[:, None]
    flat = (n_tokens, HEAD.block, n_lanes)
    packed = [pack_time_major(array) for array in (x, y.reshape(flat), weight.reshape(flat))]
    values = np.stack([pack_time_major(a.reshape(flat)) for a in simple])
    logits = pack_time_major(prior).reshape(-1, n_tokens, HEAD.groups, HEAD.anchors, LANES)
    anchors = Anchors(values, pack_time_major(place)[:, 0], logits)
    return PackedBatch(packed[0], anchors, packed[1], packed[2], order)


def _features(
    windows: Windows, m: int, long: int, n_tokens: int, hidden: BoolArray | None
) -> tuple[TokenFeatures, BoolArray]:
    """Return the features of windows of one pair of seasons, and at which origins enough has been seen, (N, n)."""
    p, T = token_length(m), windows.values.shape[1]
    before = min(history_length(m, long), int((windows.start - windows.since).max()))
    n_seen = before + n_tokens * p
    columns = windows.start[:, None] - before + np.arange(n_seen + TOKENS * p)
    inside = (columns >= windows.since[:, None]) & (columns < T)
    truth = windows.values[np.arange(len(columns))[:, None], np.clip(columns, 0, T - 1)]
    truth = np.where(inside, truth, np.nan).T.astype(np.float64)
    seen = truth[:n_seen].copy()
    if hidden is not None:
        seen[before:][np.repeat(hidden, p, axis=1).T] = np.nan
    history = read_history(seen, m, long)
    features = make_features(history, before, n_tokens, p, truth)
    ends = before + p * np.arange(1, n_tokens + 1)
    return features, ends[:, None] - history.first >= FIRST_CYCLES * m
