"""Fine-tuning of the low-frequency network: from every origin it learns the next h steps.

Shapes: n series, T steps, h steps ahead, K steps of a block, Q levels, nb blocks of L lanes.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from gatecast._utils.arrays import history_lengths
from gatecast._utils.typing import Float32Array, FloatArray, IntArray
from gatecast.forecasting.pretrained.batches import PackedBatch
from gatecast.forecasting.pretrained.head import LEVELS
from gatecast.forecasting.pretrained.lf.batches import FIRST_ORIGIN, make_batch
from gatecast.forecasting.pretrained.lf.features import BLOCK, HEAD
from gatecast.forecasting.pretrained.lf.predict import MAX_LENGTH
from gatecast.forecasting.pretrained.training import forecast_batch
from gatecast.nn.network import Network, Weights

__all__ = ["LowSeries"]

MAX_MEASURED = 256
"""Series that errors are measured on, at most."""

MIN_TARGETS = 2
"""Values after the first origin and before the held-back ones, at least, for a series to be long enough."""


class LowSeries:
    """Series that the low-frequency network learns from; those that are too short are left out.

    Args:
        values: Series aligned at their ends, (n, T); NaN is missing, or before a series began.
        season: (n,): season lengths; 1 for none.
        h: Steps that matter, and are held back.
    """

    head = HEAD
    max_horizon: float = BLOCK

    def __init__(self, values: FloatArray, season: IntArray, h: int) -> None:
        length = history_lengths(values)
        rows = np.flatnonzero(length >= h + FIRST_ORIGIN + MIN_TARGETS)
        self.h, self.n_all, self.n = h, len(values), len(rows)
        self.values, self.length, self.season = values[rows], length[rows], season[rows]

    @cached_property
    def held_back(self) -> PackedBatch:
        """The newest values of the series that errors are measured on."""
        return _held_back(self, np.arange(0, self.n, -(-self.n // MAX_MEASURED)))

    def batch(self, rows: IntArray, rng: np.random.Generator) -> PackedBatch:
        """Return a stretch of each series from before its held-back values, with a loss on the next h steps alone."""
        T, cut = self.values.shape[1], self.length[rows] - self.h
        n_origins = int(min(cut.max(), MAX_LENGTH))
        first = np.array([rng.integers(0, max(n - n_origins, 0) + 1) for n in cut.tolist()])
        piece = np.full((len(rows), n_origins + BLOCK), np.nan)
        for k, row in enumerate(rows.tolist()):
            begin = T - self.length[row]
            known = self.values[row, begin + first[k] : begin + min(first[k] + piece.shape[1], cut[k])]
            piece[k, : len(known)] = known
        batch = make_batch(piece, self.season[rows], n_origins)
        batch.weight[:, :, self.h :] = 0.0
        return batch

    def errors(self, network: Network, weights: Weights) -> FloatArray:
        """Return the mean quantile loss of each measured series on its held-back values."""
        head = forecast_batch(network, weights, HEAD, self.held_back)
        distance = self.held_back.y - head.center
        return _loss_by_series(head.quantiles, distance, self.held_back)


def _held_back(series: LowSeries, rows: IntArray) -> PackedBatch:
    """Return the newest values of series, with a weight on the last h alone, from every origin before them."""
    length = np.minimum(series.length[rows], MAX_LENGTH)
    n_origins = int(length.max())
    piece = np.full((len(rows), n_origins), np.nan)
    for k, (row, n) in enumerate(zip(rows.tolist(), length.tolist(), strict=True)):
        piece[k, :n] = series.values[row, -n:]
    batch = make_batch(piece, series.season[rows], n_origins)
    nb, T, _, L = batch.weight.shape
    end = np.zeros(nb * L, np.int64)
    end[: len(rows)] = length[batch.order]
    is_origin = np.arange(T)[:, None] >= (end - series.h - 1)
    batch.weight[:] *= is_origin.reshape(T, nb, L).transpose(1, 0, 2)[:, :, None]
    batch.weight[:, :, series.h :] = 0.0
    return batch


def _loss_by_series(quantiles: Float32Array, distance: Float32Array, batch: PackedBatch) -> FloatArray:
    """Return the mean quantile loss over the weighted targets of each series that has any, in units.

    Args:
        quantiles: [nb, T, K Q, L], less the center.
        distance: Of the targets from the center, [nb, T, K, L].
        batch: With the weights.
    """
    levels = np.array(LEVELS, np.float32)[:, None]
    means = []
    for q, y, weight in zip(quantiles, distance, batch.weight, strict=True):
        error = y[:, :, None] - q.reshape(*y.shape[:2], len(LEVELS), -1)
        loss = np.maximum(levels * error, (levels - 1) * error).mean(axis=2)
        total = (loss * weight).sum(axis=(0, 1), dtype=np.float64)
        means.append(total / np.maximum(weight.sum(axis=(0, 1), dtype=np.float64), 1.0))
    known = batch.weight.sum(axis=(1, 2)).ravel() > 0
    return np.asarray(np.concatenate(means)[known])
