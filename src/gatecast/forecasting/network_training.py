"""The loop in which the networks of forecasting models are trained: updates, errors on the way, the best weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from gatecast.forecasting.base import StepCallback
from gatecast.forecasting.training_checkpoint import TrainingParts, TrainingStore
from gatecast.kernels.runtime import release_memory
from gatecast.losses import Pinball
from gatecast.nn.batching import Batch
from gatecast.nn.network import Network, Weights
from gatecast.nn.training import (
    BestWeights,
    StepRecord,
    TrainingState,
    ValidationErrors,
    default_optimizer,
    train_steps,
    validation_steps,
    with_validation,
)

__all__ = ["TrainingSettings", "run_steps", "train_to_best"]


class TrainingSettings(Protocol):
    """Settings of a training that validation errors may cut short."""

    @property
    def max_steps(self) -> int:
        """Updates."""

    @property
    def learning_rate(self) -> float:
        """Peak learning rate, of one cycle."""

    @property
    def min_improvement(self) -> float:
        """Share by which earlier weights have to be better on the validation part to be taken; 1: never."""

    @property
    def quantiles(self) -> tuple[float, ...]:
        """Levels of the pinball loss."""


def run_steps(
    records: Callable[[], Iterator[StepRecord]],
    n_steps: int,
    parts: TrainingParts,
    measure: Callable[[], ValidationErrors] | None = None,
    on_step: StepCallback | None = None,
) -> None:
    """Make all updates of a training; go on from a snapshot if a checkpoint has one.

    Args:
        records: Returns what makes an update for every record that is taken, from the step of `parts.state` on.
        n_steps: Updates in all.
        parts: What the updates change; `best` is given the weights of the least validation error.
        measure: Measures the errors, before training and ten times on the way; None: they are not.
        on_step: Is called after every update, and before the first one if errors are measured.
    """
    store = TrainingStore.at_current_place(parts, n_steps)
    has_ended = store is not None and store.restore()
    for record in store.records if store is not None and on_step is not None else ():
        on_step(record)  # type: ignore[misc]
    if has_ended:
        return
    remaining = records()
    if measure is not None:
        is_new = store is None or not store.records
        remaining = with_validation(
            remaining, measure, validation_steps(n_steps), keep_best=parts.best, at_start=is_new
        )
    for record in remaining:
        if on_step is not None:
            on_step(record)
        if store is not None:
            store.add(record)
    release_memory()
    if store is not None:
        store.finish()


def train_to_best(
    network: Network,
    weights: Weights,
    batches: Callable[[int], Iterator[Batch]],
    settings: TrainingSettings,
    *,
    seed: int,
    measure: Callable[[], ValidationErrors] | None = None,
    on_step: StepCallback | None = None,
) -> int:
    """Train a network by its pinball loss; keep earlier weights where they were clearly better.

    Args:
        network: Layers.
        weights: Their parameters, which change.
        batches: Returns a packed batch for every update but so many first ones.
        settings: Steps, learning rate, levels, and when earlier weights are taken.
        seed: Of dropout.
        measure: Measures the errors of the network as it stands.
        on_step: Is called after every update.

    Returns:
        The updates that the weights have seen.
    """
    optimizer = default_optimizer(settings.learning_rate, settings.max_steps)
    loss = Pinball(settings.quantiles)
    state, best = TrainingState(optimizer.init(weights.vector.size)), BestWeights(weights)

    def records() -> Iterator[StepRecord]:
        """Train from where the state is."""
        # Few series fill one block: their networks are trained side by side instead of splitting it.
        rest = batches(state.step)
        return train_steps(network, weights, rest, loss, optimizer, seed=seed, state=state, single_blocks=True)

    run_steps(records, settings.max_steps, TrainingParts(weights, state, best), measure, on_step)
    return best.number if best.restore(settings.min_improvement) else settings.max_steps
