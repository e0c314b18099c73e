"""An epoch of `fit` and an evaluation, as functions of batches; `trainer` calls them.

Shapes: n parameters.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from gatecast._utils.typing import Float32Array
from gatecast.nn.batching import Batch
from gatecast.nn.callbacks import CallbackList
from gatecast.nn.losses import Loss, weighted_mean
from gatecast.nn.masked_targets import mask_targets
from gatecast.nn.network import Network, Weights, forward
from gatecast.nn.optim import GradientTransformation, ema_params
from gatecast.nn.optimizers import Optimizer
from gatecast.nn.tracking import Tracker
from gatecast.nn.training import TrainingDiverged, TrainingState, train_steps

__all__ = ["TrainingRun", "averaged", "evaluate", "variable_sizes"]


@dataclass
class TrainingRun:
    """What an epoch needs.

    Args:
        network: Layers and shapes.
        weights: The parameters, changed in place.
        loss: The loss.
        optimizer: The optimizer, whose learning rate may change.
        state: Where an earlier call stopped; changed in place.
        seed: Determines dropout, together with the step.
        tracker: Accumulates loss and metrics.
    """

    network: Network
    weights: Weights
    loss: Loss
    optimizer: Optimizer
    state: TrainingState
    seed: int
    tracker: Tracker

    def __post_init__(self) -> None:
        self.transformation = self.optimizer.transformation(variable_sizes(self.weights))

    def leave_average(self) -> None:
        """Go on from the weights in training, if a file from within a training has their average in their place."""
        vector, self.state.training_vector = self.state.training_vector, None
        average = ema_params(self.transformation, self.state.optimizer_state)
        if vector is not None and average is not None and np.array_equal(self.weights.vector, average):
            self.weights.vector[:] = vector

    def epoch(self, batches: Iterable[Batch], callbacks: CallbackList, is_stopped: Callable[[], bool]) -> None:
        """Train on the batches of an epoch, from batch `state.batch` on.

        Args:
            batches: The batches.
            callbacks: Are called around every update, if any of them wants that.
            is_stopped: Asked after every update.

        Raises:
            TrainingDiverged: The loss or the weights are not finite; the weights are those before the epoch.
        """
        with _undo_on_divergence(self.weights, self.state):
            if callbacks.sees_batches:
                batches = self._announced(batches, callbacks)
            start = self.state.step - self.state.batch
            for _ in self.steps(batches):
                self.state.batch = self.state.step - start
                if callbacks.sees_batches:
                    callbacks.call("on_train_batch_end", self.state.batch - 1, self.tracker.logs())
                if is_stopped():
                    break
        self.state.epoch += 1
        self.state.batch = 0

    def steps(self, batches: Iterable[Batch]) -> Iterator[None]:
        """Make an update for every batch."""
        on_outputs = self.tracker.add_outputs if self.tracker.needs_outputs else None
        records = train_steps(
            self.network,
            self.weights,
            mask_targets(self.network, self.weights, batches),
            self.loss,
            self.transformation,
            seed=self.seed,
            state=self.state,
            on_outputs=on_outputs,
        )
        for record in records:
            self.optimizer.iterations = self.state.step
            self.tracker.add_loss(record.loss, record.weight)
            yield

    def _announced(self, batches: Iterable[Batch], callbacks: CallbackList) -> Iterator[Batch]:
        """Call the callbacks before every batch."""
        for batch in batches:
            callbacks.call("on_train_batch_begin", self.state.batch, {})
            yield batch


def evaluate(
    network: Network, weights: Weights, batches: Iterable[Batch], loss: Loss, tracker: Tracker
) -> dict[str, Any]:
    """Compute loss and metrics, with dropout off.

    Args:
        network: Layers and shapes.
        weights: The parameters.
        batches: The batches to evaluate on.
        loss: The loss.
        tracker: Accumulates loss and metrics; reset before.

    Returns:
        Loss and metrics by name; NaN or infinite if the outputs are.
    """
    tracker.reset()
    with np.errstate(over="ignore", invalid="ignore"):
        for batch in mask_targets(network, weights, batches):
            if batch.total > 0:
                y, _ = forward(
                    network, weights, batch.x, batch.mask, save_for_backward=False, n_sequences=batch.n_sequences
                )
                value = weighted_mean(loss, y, batch.y, batch.weight, batch.total)[0]
                if tracker.needs_outputs:
                    tracker.add_outputs(y, batch)
                tracker.add_loss(value, batch.total if batch.loss_count is None else batch.loss_count)
    return tracker.logs()


def variable_sizes(weights: Weights) -> list[int]:
    """Return the number of parameters of each variable, in their order.

    >>> from gatecast.nn.layers import Dense
    >>> from gatecast.nn.network import build, initial_weights
    >>> variable_sizes(initial_weights(build([Dense(2)], (3,)), seed=0))
    [6, 2]
    """
    return [view.size for views in weights.views for view in views.values()]


@contextmanager
def averaged(weights: Weights, transformation: GradientTransformation, state: TrainingState) -> Iterator[None]:
    """Put the moving average of the weights in their place for a while, if the optimizer keeps one.

    Args:
        weights: The parameters.
        transformation: The optimizer.
        state: Its state.
    """
    average: Float32Array | None = ema_params(transformation, state.optimizer_state)
    if average is None or state.step == 0:
        yield
        return
    state.training_vector = weights.vector.copy()
    weights.vector[:] = average
    try:
        yield
    finally:
        # A callback may have set other weights: those are kept.
        if np.array_equal(weights.vector, average):
            weights.vector[:] = state.training_vector
        state.training_vector = None


@contextmanager
def _undo_on_divergence(weights: Weights, state: TrainingState) -> Iterator[None]:
    """Go back to the weights and the optimizer state before an epoch if training diverges in it."""
    vector, before = weights.vector.copy(), copy.deepcopy(state)
    try:
        yield
    except TrainingDiverged:
        weights.vector[:] = vector
        vars(state).update(vars(before))
        raise
