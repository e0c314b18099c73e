"""The training of a user's network: in two parts, so that its errors are measured on values it has not seen.

A point network trains without the newest values of each series, its errors on them are measured, and it trains on with
them. A network that learns its quantiles has one part.

Shapes: n_series rows, T columns, Q quantiles.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from gatecast._utils.typing import FloatArray, IntArray
from gatecast.forecasting.panel_rnn.windows import ScaledSeries
from gatecast.forecasting.sequential_model.windows import network_windows, sample_origins, targets_at
from gatecast.forecasting.sequential_model.wiring import is_point
from gatecast.kernels.packing import pack
from gatecast.nn import training
from gatecast.nn.batching import Batch
from gatecast.nn.network import Network, Weights
from gatecast.nn.random import generator

if TYPE_CHECKING:
    from gatecast.forecasting.sequential_model.model import SequentialConfig
    from gatecast.nn.losses import Loss
    from gatecast.nn.optim import GradientTransformation

__all__ = ["TrainingRun"]

FINISH = 5
"""One of so many updates, the last ones, sees the held-out values too."""

MAX_SAMPLE = 8192
"""Origins whose errors are measured."""

MIN_ERRORS = 20
"""Errors of a step below which its quantiles are those of the step before, wider."""

DEFAULT_FACTOR = 1.5
"""Factor on training errors, where none on held-out values are known."""

MAX_FACTOR = 100.0
"""Largest factor where they are known: a network that memorizes reaches far."""

MIN_DISTANCE = 1e-3
"""Least distance of neighboring quantiles, in mean changes."""


@dataclass
class TrainingRun:
    """A training that can be stopped after any update, and goes on to the same bits.

    Args:
        config: Sizes, updates and quantiles.
        network: The network.
        weights: Its weights; they are trained in place.
        loss: The loss.
        optimizer: The optimizer.
        scaled: The series.
        length: Values of each from its first to its last, shape (n_series,).
        holdout: Newest values of each that the first part does not see, shape (n_series,); 0: there is one part.
        horizon: Steps to forecast.
        seed: Seed of batches and noise.
        offsets: Distances of the quantiles from the point, (horizon, Q), once they are measured.
    """

    config: SequentialConfig
    network: Network
    weights: Weights
    loss: Loss
    optimizer: GradientTransformation
    scaled: ScaledSeries
    length: IntArray
    holdout: IntArray
    horizon: int
    seed: int
    offsets: FloatArray | None = None
    state: training.TrainingState = field(init=False)
    _rng: np.random.Generator = field(init=False)
    _second_part: Mapping[str, Any] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.state = training.TrainingState(self.optimizer.init(self.weights.vector.size))
        self._rng = generator(self.seed, 2)

    def averaged_weights(self) -> Weights:
        """Return the weights to predict with."""
        return training.averaged_weights(self.weights, self.optimizer, self.state)

    def steps(self) -> Iterator[training.StepRecord]:
        """Make the updates that are not made yet."""
        early = self.config.max_steps - self.config.max_steps // FINISH
        if self._second_part is None:
            yield from self._part(self.holdout, 0, early)
            if is_point(self.network):
                self.offsets = self._measure_offsets()
            self._second_part = self._rng.bit_generator.state
        self._rng.bit_generator.state = self._second_part
        yield from self._part(0 * self.holdout, early, self.config.max_steps)

    def get_rest(self) -> dict[str, Any]:
        """Return what an update leaves besides weights and optimizer."""
        rest = {"generator": self._second_part, "offsets": self.offsets}
        return {name: value for name, value in rest.items() if value is not None}

    def set_rest(self, stored: Mapping[str, Any]) -> None:
        """Take it back.

        Args:
            stored: What `get_rest` returned.
        """
        self.offsets, self._second_part = stored.get("offsets"), stored.get("generator")

    def _part(self, hidden: IntArray, begin: int, end: int) -> Iterator[training.StepRecord]:
        """Make the updates of one part that are not made yet, without the newest `hidden` values of each series."""
        batches = self._batches(hidden, end - begin, max(self.state.step - begin, 0))
        return training.train_steps(
            self.network, self.weights, batches, self.loss, self.optimizer, seed=self.seed, state=self.state
        )

    def _batches(self, hidden: IntArray, n_steps: int, n_made: int) -> Iterator[Batch]:
        """Yield windows and targets of every update after those made."""
        scaled, config = self.scaled, self.config
        count, T = np.maximum(self.length - 1 - hidden, 0), scaled.context.values.shape[1]
        drawn = sample_origins(scaled.first, count, config.batch_size, n_steps, self._rng)
        for rows, origins in islice(drawn, n_made, None):
            y, weight = targets_at(scaled, rows, origins, T - hidden[rows], self.horizon, config.input_size)
            x = pack(network_windows(scaled, rows, origins, self.network, config.input_size))
            yield Batch(x, pack(y[:, None]), pack(weight[:, None]), None, float(weight.sum()), len(rows))

    def _measure_offsets(self) -> FloatArray:
        """Return the offsets from the point to the quantiles: training errors, as much larger as held-out errors are.

        What is held out is too little for quantiles of every step, but enough for one factor.
        """
        holdout, T, levels = self.holdout, self.scaled.context.values.shape[1], self.config.quantiles
        stop = T - holdout
        trained = self._errors(self.scaled.first, np.maximum(self.length - 1 - holdout, 0), stop)
        factor = DEFAULT_FACTOR
        if holdout.any():
            factor = _error_ratio(trained, self._errors(stop - 1, holdout, np.full_like(holdout, T)))
        offsets = np.empty((self.horizon, len(levels)))
        for k in range(self.horizon):
            known = trained[:, k][np.isfinite(trained[:, k])]
            if len(known) >= MIN_ERRORS:
                offsets[k] = np.quantile(known, levels) - np.median(known)
            elif k:
                offsets[k] = offsets[k - 1] * np.sqrt((k + 1) / k)
            else:
                # A normal distribution whose mean absolute value is 1.
                offsets[k] = [NormalDist(0, 1.25).inv_cdf(level) for level in levels]
        return factor * offsets + MIN_DISTANCE * (np.arange(len(levels)) - len(levels) // 2)

    def _errors(self, first: IntArray, count: IntArray, stop: IntArray) -> FloatArray:
        """Return errors at some origins of `count` from `first` on, NaN where unknown, (n_origins, horizon)."""
        size = self.config.input_size
        rows, origins = next(sample_origins(first, count, MAX_SAMPLE, 1, self._rng))
        y, weight = targets_at(self.scaled, rows, origins, stop[rows], self.horizon, size)
        x = network_windows(self.scaled, rows, origins, self.network, size)
        return np.where(weight > 0, y - training.predict(self.network, self.averaged_weights(), x), np.nan)


def _error_ratio(trained: FloatArray, held_out: FloatArray) -> float:
    """Return how many times larger held-out errors are, each step weighted by how often it was held out."""
    sizes, counts = [], np.isfinite(held_out).sum(axis=0)
    for errors in (trained, held_out):
        known = np.isfinite(errors)
        sizes.append(np.where(known, np.abs(errors), 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1))
    small, large = ((size * counts).sum() for size in sizes)
    return float(np.clip(large / small, 1.0, MAX_FACTOR)) if small > 0 else DEFAULT_FACTOR
