"""Fine-tuning of the high-frequency network: from every token it learns the next block, and to go on without values.

Shapes: n series, T columns, h steps ahead, N tokens of p values, Q levels.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from gatecast._utils.arrays import history_lengths
from gatecast._utils.typing import FloatArray, IntArray
from gatecast.forecasting.pretrained.batches import PackedBatch
from gatecast.forecasting.pretrained.head import LEVELS
from gatecast.forecasting.pretrained.hf.batches import Windows, make_batch
from gatecast.forecasting.pretrained.hf.clock import MAX_TOKENS, TOKENS, Clock
from gatecast.forecasting.pretrained.hf.features import HEAD
from gatecast.forecasting.pretrained.hf.predict import predict_quantiles
from gatecast.nn.network import Network, Weights

__all__ = ["HighSeries"]

MAX_MEASURED = 128
"""Series that errors are measured on, at most."""

MIN_TOKENS = 24
"""Tokens before the held-back values, at least, for a series to be long enough; as many as in pretraining."""


class _SameSeasons(NamedTuple):
    """Series of one pair of seasons."""

    seasons: tuple[int, int]
    """Season and longer season."""
    past: FloatArray
    """(n, T): before the held-back values, aligned at their ends."""
    future: FloatArray
    """(n, h): the held-back values."""


class HighSeries:
    """Series that the high-frequency network learns from; those that are too short are left out.

    Args:
        values: Series aligned at their ends, (n, T); NaN is missing, or before a series began.
        seasons: (n, 2): season and longer season, 0 for none.
        h: Steps that are held back.
    """

    head = HEAD
    max_horizon = math.inf

    def __init__(self, values: FloatArray, seasons: IntArray, h: int) -> None:
        self.h, self.n_all, self.parts = h, len(values), list[_SameSeasons]()
        windows: list[tuple[FloatArray, Clock]] = []
        for m, long in np.unique(seasons, axis=0).tolist():
            clock = Clock.of(m, long)
            rows = np.flatnonzero((seasons == (m, long)).all(axis=1))
            past, future = clock.newest(values[rows, : values.shape[1] - h]), values[rows, values.shape[1] - h :]
            averages = clock.averages(past)
            length = history_lengths(averages)
            # Without a value among those that are held back, a series would say nothing of the error.
            enough = (length >= (MIN_TOKENS + TOKENS) * clock.p) & np.isfinite(future).any(axis=1)
            if enough.any():
                self.parts.append(_SameSeasons((m, long), past[enough], future[enough]))
                windows += [(row[-n:], clock) for row, n in zip(averages[enough], length[enough], strict=True)]
        self.n, self.windows = len(windows), windows

    def batch(self, rows: IntArray, rng: np.random.Generator) -> PackedBatch:
        """Return stretches of as many tokens; some end without values, as where long horizons are forecast."""
        chosen = [self.windows[row] for row in rows.tolist()]
        fits = [len(values) // clock.p - TOKENS for values, clock in chosen]
        n_tokens = min([*fits, MAX_TOKENS])
        T = max(len(values) for values, _ in chosen)
        packed = np.full((len(chosen), T), np.nan)
        start, since, hidden = [], [], np.zeros((len(chosen), n_tokens), bool)
        for k, (values, clock) in enumerate(chosen):
            packed[k, T - len(values) :] = values
            spare = len(values) - (n_tokens + TOKENS) * clock.p
            since.append(T - len(values))
            start.append(since[-1] + int(rng.integers(0, spare + 1)))
            n_hidden = min((clock.n_blocks(self.h) - 1) * TOKENS, n_tokens // 2)
            if n_hidden and rng.random() < 0.5:
                hidden[k, n_tokens - n_hidden :] = True
        clocks = [clock for _, clock in chosen]
        numbers = ([clock.m for clock in clocks], [clock.long for clock in clocks], start, since)
        windows = Windows(packed, *(np.array(part) for part in numbers))
        return make_batch(windows, n_tokens, hidden)

    def errors(self, network: Network, weights: Weights) -> FloatArray:
        """Return the mean quantile loss of each measured series on its held-back values, in changes over the season."""
        levels, out = np.array(LEVELS), []
        step, first = -(-self.n // MAX_MEASURED), 0
        for part in self.parts:
            sample = slice(-first % step, None, step)
            past, future = part.past[sample], part.future[sample]
            first += len(part.past)
            if not len(past):
                continue
            q = predict_quantiles(network, weights, past, self.h, *part.seasons)
            error = future[:, :, None] - q
            loss = np.maximum(levels * error, (levels - 1) * error).mean(axis=2)
            m = part.seasons[0]
            change = np.abs(past[:, m:] - past[:, :-m])
            unit = _mean_known(change)
            out.append(_mean_known(loss) / np.where(unit > 0, unit, 1.0))
        errors = np.concatenate(out)
        return errors[np.isfinite(errors)]


def _mean_known(x: FloatArray) -> FloatArray:
    """Return the mean of what is known of each row; NaN where nothing is."""
    known = np.isfinite(x)
    count = known.sum(axis=1)
    total = np.where(known, x, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
