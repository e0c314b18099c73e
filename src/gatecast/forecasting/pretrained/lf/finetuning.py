"""Fine-tuning of the low-frequency network: from every origin it learns the next h steps.

Shapes: n series, T steps, h steps ahead, K steps of a block, Q levels, nb blocks of L lanes.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gatecast._utils.typing import Float32Array, FloatArray, IntArray
from gatecast.forecasting.pretrained import finetuning
from gatecast.forecasting.pretrained.batches import PackedBatch
from gatecast.forecasting.pretrained.finetuning import MAX_STEPS, MIN_SERIES, FineTuned, unchanged
from gatecast.forecasting.pretrained.head import LEVELS
from gatecast.forecasting.pretrained.lf.batches import FIRST_ORIGIN, make_batch
from gatecast.forecasting.pretrained.lf.features import BLOCK, HEAD
from gatecast.forecasting.pretrained.lf.predict import MAX_LENGTH, history_lengths
from gatecast.forecasting.pretrained.training import forecast_batch
from gatecast.nn.network import Network, Weights
from gatecast.nn.training import StepRecord

__all__ = ["fine_tune"]

MAX_MEASURED = 256
"""Series that errors are measured on, at most."""

MIN_TARGETS = 2
"""Values after the first origin and before the held-back ones, at least, for a series to be long enough."""


def fine_tune(
    network: Network,
    weights: Weights,
    values: FloatArray,
    seasons: IntArray,
    h: int,
    *,
    max_steps: int = MAX_STEPS,
    seed: int = 0,
    on_step: Callable[[StepRecord], object] | None = None,
) -> FineTuned:
    """Train further on series, if their newest values say that it helps.

    Args:
        network: As `make_network` returns it.
        weights: What to begin with; they stay as they are.
        values: Series aligned at their ends, (n, T); NaN is missing, or before a series began.
        seasons: (n,): season lengths; 1 for none.
        h: Steps that matter.
        max_steps: Updates, at most.
        seed: The same seed gives the same bits, for any number of threads.
        on_step: Is called after every update.

    Example:
        >>> from gatecast.forecasting.pretrained.network import PretrainedConfig, make_network
        >>> network, weights = make_network(PretrainedConfig(units=8, n_layers=1))
        >>> fine_tune(network, weights, np.ones((3, 40)), np.ones(3, int), 4).finding
        'fine-tuning: 3 of 3 series are long enough, 16 are needed; the released weights are used.'
    """
    length = history_lengths(values)
    rows = np.flatnonzero(length >= h + FIRST_ORIGIN + MIN_TARGETS)
    if h > BLOCK:
        return unchanged(f"the horizon of {h} steps is longer than the {BLOCK} that the network learns at a time")
    if len(rows) < MIN_SERIES:
        return unchanged(f"{len(rows)} of {len(values)} series are long enough, {MIN_SERIES} are needed")
    series = _Histories(values[rows], length[rows], seasons[rows], h)
    return finetuning.fine_tune(network, weights, series, max_steps=max_steps, seed=seed, on_step=on_step)


class _Histories:
    """Series that are long enough to learn from.

    Args:
        values: (n, T), aligned at their ends.
        length: (n,): columns from the first value on.
        season: (n,).
        h: Steps that matter.
    """

    head = HEAD

    def __init__(self, values: FloatArray, length: IntArray, season: IntArray, h: int) -> None:
        self.values, self.length, self.season, self.h = values, length, season, h
        self.n = len(values)
        self.held_back = _held_back(self, np.arange(0, self.n, -(-self.n // MAX_MEASURED)))

    def batch(self, rows: IntArray, rng: np.random.Generator) -> PackedBatch:
        """Return a stretch of each series from before its held-back values, with a loss on the next h steps alone."""
        return _past(self, rows, rng)

    def errors(self, network: Network, weights: Weights) -> FloatArray:
        """Return the mean quantile loss of each measured series on its held-back values."""
        head = forecast_batch(network, weights, HEAD, self.held_back)
        distance = self.held_back.y - head.center
        return _loss_by_series(head.quantiles, distance, self.held_back)


def _past(series: _Histories, rows: IntArray, rng: np.random.Generator) -> PackedBatch:
    """Return a stretch of each series from before its held-back values, with a loss on the next h steps alone."""
    T, cut = series.values.shape[1], series.length[rows] - series.h
    n_origins = int(min(cut.max(), MAX_LENGTH))
    first = np.array([rng.integers(0, max(n - n_origins, 0) + 1) for n in cut.tolist()])
    piece = np.full((len(rows), n_origins + BLOCK), np.nan)
    for k, row in enumerate(rows.tolist()):
        begin = T - series.length[row]
        known = series.values[row, begin + first[k] : begin + min(first[k] + piece.shape[1], cut[k])]
        piece[k, : len(known)] = known
    batch = make_batch(piece, series.season[rows], n_origins)
    batch.weight[:, :, series.h :] = 0.0
    return batch


def _held_back(series: _Histories, rows: IntArray) -> PackedBatch:
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
