"""Fine-tuning: a pretrained network goes on learning, from the series that it is to forecast.

The last h values of each series are held back. From what precedes them the network learns as in pretraining, at a
tenth of the rate; every few updates the mean of the weights so far is measured on the held-back values, and training
ends where that no longer gets better. The best weights are kept only if they err less than those they came from by
more than chance: by 2 % at least, and by one standard error of the mean difference between series.

Shapes: n series, T steps, h steps ahead, K steps of a block, Q levels, nb blocks of L lanes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gatecast._utils.typing import Float32Array, FloatArray, IntArray
from gatecast.forecasting.pretrained.batches import PackedBatch
from gatecast.forecasting.pretrained.head import LEVELS
from gatecast.forecasting.pretrained.lf.batches import FIRST_ORIGIN, make_batch
from gatecast.forecasting.pretrained.lf.features import BLOCK, HEAD
from gatecast.forecasting.pretrained.lf.predict import MAX_LENGTH, history_lengths
from gatecast.forecasting.pretrained.training import OptimizerState, forecast_batch, train_step
from gatecast.nn.network import Network, Weights, zeros_like
from gatecast.nn.training import StepRecord

__all__ = ["MAX_STEPS", "FineTuned", "fine_tune"]

LEARNING_RATE = 2.5e-4
"""A tenth of the rate of pretraining."""

MAX_STEPS = 120
"""Updates, at most, unless the user says another number."""

MEASURE_EVERY = 10
"""Updates from one measurement to the next."""

PATIENCE = 3
"""Measurements in a row without a better one that end the training."""

BATCH_SERIES = 32
"""Series in an update."""

MAX_MEASURED = 256
"""Series that errors are measured on, at most."""

MIN_SERIES = 16
"""Series that are long enough, at least: what fewer say about an error is chance."""

MIN_TARGETS = 2
"""Values after the first origin and before the held-back ones, at least, for a series to be long enough."""

MIN_GAIN = 0.02
"""Share of the error by which it has to fall."""


class FineTuned(NamedTuple):
    """What fine-tuning came to."""

    vector: Float32Array | None
    """The tuned weights; None: those it began with stay."""
    finding: str
    """What was done, as a sentence."""


class _Histories(NamedTuple):
    """Series that are long enough to learn from."""

    values: FloatArray
    """(n, T), aligned at their ends."""
    length: IntArray
    """(n,): columns from the first value on."""
    season: IntArray
    """(n,)."""
    h: int


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
        return _kept(f"the horizon of {h} steps is longer than the {BLOCK} that the network learns at a time")
    if len(rows) < MIN_SERIES:
        return _kept(f"{len(rows)} of {len(values)} series are long enough, {MIN_SERIES} are needed")
    series = _Histories(values[rows], length[rows], seasons[rows], h)
    return _Training(network, weights, series, max_steps, seed).run(on_step)


def _kept(reason: str) -> FineTuned:
    """Return that the weights stay, and why."""
    return FineTuned(None, f"fine-tuning: {reason}; the released weights are used.")


class _Training:
    """One training.

    Args:
        network: Layers.
        weights: What it begins with.
        series: What it learns from.
        max_steps: Updates, at most.
        seed: Of the batches.
    """

    def __init__(self, network: Network, weights: Weights, series: _Histories, max_steps: int, seed: int) -> None:
        self.network, self.series, self.max_steps = network, series, max_steps
        self.rng = np.random.default_rng([seed, len(series.values)])
        self.weights, self.average = zeros_like(weights), zeros_like(weights)
        self.weights.vector[:] = weights.vector
        self.state = OptimizerState.zeros(weights.vector.size)
        step = -(-len(series.values) // MAX_MEASURED)
        self.held_back = _held_back(series, np.arange(0, len(series.values), step))

    def run(self, on_step: Callable[[StepRecord], object] | None) -> FineTuned:
        """Train until the error on the held-back values no longer falls."""
        before = self.errors(self.weights)
        best, vector, since = before, None, 0
        for number, rows in enumerate(self.batches(), 1):
            batch = _past(self.series, rows, self.rng)
            result = train_step(self.network, self.weights, HEAD, batch, self.state, number, LEARNING_RATE)
            error = np.nan
            if number % MEASURE_EVERY == 0 or number == self.max_steps:
                self.average.vector[:] = self.state.average
                errors = self.errors(self.average)
                error, since = float(errors.mean()), since + 1
                if error < best.mean():
                    best, vector, since = errors, self.state.average.copy(), 0
            if on_step is not None:
                on_step(StepRecord(number, result.loss, error, fraction=number / self.max_steps))
            if since >= PATIENCE:
                break
        return _decide(before, best, vector)

    def errors(self, weights: Weights) -> FloatArray:
        """Return the mean quantile loss of each measured series on its held-back values."""
        head = forecast_batch(self.network, weights, HEAD, self.held_back)
        distance = self.held_back.y - head.center
        return _loss_by_series(head.quantiles, distance, self.held_back)

    def batches(self) -> list[IntArray]:
        """Return the series of every update: all of them in random order, then anew."""
        n = len(self.series.values)
        size = min(BATCH_SERIES, n)
        order = np.concatenate([self.rng.permutation(n) for _ in range(-(-self.max_steps * size // n))])
        return [order[k * size : (k + 1) * size] for k in range(self.max_steps)]


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


def _decide(before: FloatArray, after: FloatArray, vector: Float32Array | None) -> FineTuned:
    """Return the tuned weights if errors fell by more than chance.

    Args:
        before: Error of each measured series, (n,).
        after: The same with the best tuned weights.
        vector: These; None: none were better.
    """
    gain = before - after
    share = float(gain.mean() / before.mean()) if before.mean() > 0 else 0.0
    chance = float(gain.std() / np.sqrt(len(gain)))
    measured = f"on the last values of {len(gain):,} series"
    if vector is None or share <= 0:
        return FineTuned(None, f"fine-tuning did not lower the error {measured}; the released weights are used.")
    if share < MIN_GAIN or gain.mean() <= chance:
        return FineTuned(
            None,
            f"fine-tuning lowered the error {measured} by {100 * share:.1f} %, which may be chance; the released "
            "weights are used.",
        )
    return FineTuned(
        vector, f"fine-tuning lowered the error {measured} by {100 * share:.1f} %; the tuned weights are used."
    )
