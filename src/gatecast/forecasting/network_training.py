"""The loop in which the networks of forecasting models are trained: updates, errors on the way, the best weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from gatecast.forecasting.base import StepCallback
from gatecast.kernels.runtime import release_memory
from gatecast.losses import Pinball
from gatecast.nn.batching import Batch
from gatecast.nn.network import Network, Weights
from gatecast.nn.training import (
    BestWeights,
    StepRecord,
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
    records: Iterator[StepRecord],
    n_steps: int,
    measure: Callable[[], ValidationErrors] | None = None,
    on_step: StepCallback | None = None,
    keep_best: BestWeights | None = None,
) -> None:
    """Make all updates of a training.

    Args:
        records: Makes an update for every record that is taken.
        n_steps: Updates in all.
        measure: Measures the errors, before training and ten times on the way; None: they are not.
        on_step: Is called after every update, and before the first one if errors are measured.
        keep_best: Is given the weights of the least validation error.
    """
    if measure is not None:
        records = with_validation(records, measure, validation_steps(n_steps), keep_best=keep_best)
    for record in records:
        if on_step is not None:
            on_step(record)
    release_memory()


def train_to_best(
    network: Network,
    weights: Weights,
    batches: Iterator[Batch],
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
        batches: A packed batch for every update.
        settings: Steps, learning rate, levels, and when earlier weights are taken.
        seed: Of dropout.
        measure: Measures the errors of the network as it stands.
        on_step: Is called after every update.

    Returns:
        The updates that the weights have seen.
    """
    optimizer = default_optimizer(settings.learning_rate, settings.max_steps)
    loss = Pinball(settings.quantiles)
    # Few series fill one block: their networks are trained side by side instead of splitting it.
    records = train_steps(network, weights, batches, loss, optimizer, seed=seed, single_blocks=True)
    best = BestWeights(weights)
    run_steps(records, settings.max_steps, measure, on_step, best)
    return best.number if best.restore(settings.min_improvement) else settings.max_steps
