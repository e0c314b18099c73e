"""The training loop over batches, which every network uses; passes without gradients.

The loop is a generator of records. The caller decides what to show, store or stop.

Shapes: N samples, T time, F features, M outputs, n parameters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from gatecast._utils.typing import BoolArray, Float32Array
from gatecast.errors import ConfigError
from gatecast.kernels.packing import pack, pack_mask, unpack
from gatecast.kernels.runtime import release_memory
from gatecast.nn.batching import Batch, inference_batch_size, make_batches
from gatecast.nn.gradients import Differentiator
from gatecast.nn.inputs import TrainingData
from gatecast.nn.losses import Loss, weighted_mean
from gatecast.nn.network import (
    Network,
    TrainingPass,
    Weights,
    forward,
    frozen_slices,
    project,
    projections,
    update_buffers,
    zeros_like,
)
from gatecast.nn.optim import (
    GradientTransformation,
    apply_updates,
    chain,
    clip_by_global_norm,
    ema_params,
    one_cycle,
    scale_by_adam,
    scale_by_learning_rate,
)

__all__ = [
    "NOT_MEASURED",
    "BestWeights",
    "Gradients",
    "StepRecord",
    "TrainingDiverged",
    "TrainingState",
    "ValidationErrors",
    "averaged_weights",
    "default_optimizer",
    "evaluate",
    "predict",
    "train_steps",
    "validation_steps",
    "with_validation",
]

N_VALIDATIONS = 10
"""Validations during a training run of steps."""


class TrainingDiverged(ConfigError):  # noqa: N818 - it is shown as a ConfigError, and names what happened
    """The loss or the weights are not finite."""


class StepRecord(NamedTuple):
    """State of a training run after an update."""

    number: int
    """Updates done."""
    loss: float
    """Mean loss of the batch before its update, dropout on."""
    validation: float = math.nan
    """Mean error on held-out data after the update; NaN where it was not measured."""
    training: float = math.nan
    """The same error on a sample of the training data; NaN where it was not measured."""
    weight: float = math.nan
    """Sum of the weights of the batch's targets."""
    member: int = 0
    """Which of several networks that form one model."""
    fraction: float = 0.0
    """How much of all training runs of the model is done, from 0 to 1."""


class ValidationErrors(NamedTuple):
    """One error measure on held-out data and on training data."""

    validation: float
    """Mean error on held-out data."""
    training: float
    """The same error on a sample of the training data."""


NOT_MEASURED = ValidationErrors(math.nan, math.nan)
"""The errors of a step without validation."""


class Gradients(NamedTuple):
    """Gradients of a batch's loss with respect to the arrays around a network."""

    inputs: Float32Array
    """(nb, T, F, L)."""
    outputs: Float32Array
    """(nb, T or 1, M, L)."""


OnGradient = Callable[[Gradients, Batch, int], object]
"""Called with the gradients, the batch and the number of the step, before the network's weights are updated."""

OnOutputs = Callable[[Float32Array, Batch], object]
"""Called with the packed outputs, (nb, T or 1, M, L), and the batch."""


@dataclass
class TrainingState:
    """State that one call of a training loop leaves for the next."""

    optimizer_state: Any
    """As `optimizer.init(n)` returned it, updated in place."""
    epoch: int = 0
    """Epochs completed."""
    step: int = 0
    """Batches seen."""
    batch: int = 0
    """Batches seen in the epoch that is not completed."""
    training_vector: Float32Array | None = None
    """The weights in training, while their moving average is in their place."""


@dataclass
class BestWeights:
    """The weights with the lowest error so far.

    Args:
        weights: The weights in training.
        number: The step or epoch to report until there is a best one.

    >>> weights = Weights(np.zeros(1, np.float32), ())
    >>> best = BestWeights(weights)
    >>> for step, error in enumerate([3.0, 1.0, 2.0], 1):
    ...     weights.vector[:] = step
    ...     improved = best.update(step, error)
    >>> best.number, best.restore(), weights.vector.tolist()
    (2, True, [2.0])
    """

    weights: Weights
    number: int = 0
    error: float = math.inf
    last_error: float = math.inf
    vector: Float32Array | None = None

    def update(self, number: int, error: float, vector: Float32Array | None = None, *, min_delta: float = 0.0) -> bool:
        """Keep a copy of the weights if their error is the lowest.

        Args:
            number: The step or epoch.
            error: Its error.
            vector: (n,) the weights with this error; None: the weights in training.
            min_delta: The decrease that counts as an improvement.

        Returns:
            Whether the error is an improvement.
        """
        self.last_error = error
        improved = error < self.error - min_delta
        if improved:
            self.number, self.error = number, error
            self.vector = (self.weights.vector if vector is None else vector).copy()
        return improved

    def restore(self, min_improvement: float = 0.0) -> bool:
        """Write the best weights back, if the newest error is larger.

        Args:
            min_improvement: The relative difference of the two errors at which this is done.

        Returns:
            Whether the weights have changed.
        """
        if self.vector is None or not self.error < (1 - min_improvement) * self.last_error:
            return False
        self.weights.vector[:] = self.vector
        return True


def default_optimizer(learning_rate: float, steps: int, *, clip: float = 1.0) -> GradientTransformation:
    """Return Adam over one cycle of the learning rate, with the gradient clipped.

    Args:
        learning_rate: The highest rate of the cycle.
        steps: Updates of the training run.
        clip: The largest norm of the gradient.

    >>> [transform.name for transform in default_optimizer(0.001, steps=100).config["transforms"]]
    ['clip_by_global_norm', 'scale_by_adam', 'scale_by_learning_rate']
    """
    return chain(clip_by_global_norm(clip), scale_by_adam(), scale_by_learning_rate(one_cycle(learning_rate, steps)))


def train_steps(
    network: Network,
    weights: Weights,
    batches: Iterable[Batch],
    loss: Loss,
    optimizer: GradientTransformation,
    *,
    seed: int,
    state: TrainingState | None = None,
    on_gradient: OnGradient | None = None,
    on_outputs: OnOutputs | None = None,
    single_blocks: bool = False,
) -> Iterator[StepRecord]:
    """Train the weights of a network in place, one update per batch.

    A batch whose weights sum to 0 is counted, but makes no update and no record.

    Args:
        network: Layers and shapes.
        weights: The parameters, changed in place.
        batches: The batches, in order; each is taken after the update by the one before.
        loss: Elementwise loss.
        optimizer: A gradient transformation.
        seed: Determines dropout, together with the step: the same seed gives the same bits.
        state: Where an earlier call stopped; changed in place.
        on_gradient: Receives the gradients of inputs and outputs, to train what lies outside of the network.
        on_outputs: Receives the outputs of the pass before the update, for metrics.
        single_blocks: As for `Differentiator`: for networks that are trained side by side.

    Yields:
        A record after every update.

    Raises:
        ConfigError: The loss or the weights are not finite.

    >>> from gatecast.nn.layers import Dense
    >>> from gatecast.nn.losses import MeanSquaredError
    >>> from gatecast.nn.network import build, initial_weights
    >>> network = build([Dense(1)], (1,))
    >>> weights = initial_weights(network, seed=0)
    >>> ones = np.ones((1, 1, 1, 16), np.float32)
    >>> batches = [Batch(ones, 2 * ones, ones, None, total=16.0)] * 100
    >>> optimizer = default_optimizer(0.1, steps=100)
    >>> *_, last = train_steps(network, weights, batches, MeanSquaredError(), optimizer, seed=0)
    >>> last.number, last.loss < 1e-3
    (100, True)
    """
    state = state or TrainingState(optimizer.init(weights.vector.size))
    grads = zeros_like(weights)
    differentiate = Differentiator(network, weights, grads, loss, single_blocks=single_blocks)
    frozen, constraints = frozen_slices(network, weights), projections(network)
    for batch in batches:
        state.step += 1
        if batch.total == 0:
            continue
        # Too large a learning rate overflows; that raises an error below, not a warning.
        with np.errstate(over="ignore", invalid="ignore"):
            training = TrainingPass(seed, state.step)
            value, dx, dy, caches, y = differentiate(
                batch, training, need_dx=on_gradient is not None, need_outputs=on_outputs is not None
            )
            if not math.isfinite(value):
                raise _diverged(f"the loss became {value}", state.step)
            if on_outputs is not None and y is not None:
                on_outputs(y, batch)
            if on_gradient is not None and dx is not None and dy is not None:
                on_gradient(Gradients(dx, dy), batch, state.step)
            before = [weights.vector[where].copy() for where in frozen]
            apply_updates(optimizer, grads.vector, state.optimizer_state, weights.vector, state.step)
            update_buffers(network, weights, caches)
            project(weights, constraints)
            if frozen:
                # Weight decay is for what is trained, as in Keras.
                average = ema_params(optimizer, state.optimizer_state)
                for vector in (weights.vector, *(() if average is None else (average,))):
                    for where, values in zip(frozen, before, strict=True):
                        vector[where] = values
        if not np.isfinite(weights.vector).all():
            raise _diverged("the weights became infinite or nan", state.step)
        yield StepRecord(state.step, value, weight=batch.total if batch.loss_count is None else batch.loss_count)


def with_validation(
    steps: Iterable[StepRecord],
    monitor: Callable[[], ValidationErrors],
    at: Container[int],
    *,
    keep_best: BestWeights | None = None,
    at_start: bool = True,
) -> Iterator[StepRecord]:
    """Add validation errors to the records of some steps, and to a record 0 before the first step.

    Args:
        steps: Records of `train_steps`.
        monitor: Measures the errors of the weights in training.
        at: The steps after which to measure.
        keep_best: Receives every validation error but that of record 0.
        at_start: Whether there is a record 0; a training that goes on had it already.

    Yields:
        The records.

    >>> steps = [StepRecord(1, 0.5), StepRecord(2, 0.25)]
    >>> records = with_validation(steps, lambda: ValidationErrors(3.0, 2.0), at={2})
    >>> [(record.number, record.validation) for record in records]
    [(0, 3.0), (1, nan), (2, 3.0)]
    """
    if at_start:
        yield StepRecord(0, math.nan, *monitor())
    for step in steps:
        errors = monitor() if step.number in at else NOT_MEASURED
        if keep_best is not None and errors is not NOT_MEASURED:
            keep_best.update(step.number, errors.validation)
        yield step._replace(validation=errors.validation, training=errors.training)


def validation_steps(steps: int) -> set[int]:
    """Return the updates after which errors are measured: ten at equal distances, the last one included.

    >>> sorted(validation_steps(30))
    [3, 6, 9, 12, 15, 18, 21, 24, 27, 30]
    """
    return set(np.linspace(0, steps, N_VALIDATIONS + 1)[1:].round().astype(int).tolist()) - {0}


def averaged_weights(weights: Weights, optimizer: GradientTransformation, state: TrainingState) -> Weights:
    """Return the weights to predict with: their moving average if the optimizer keeps one, else the weights.

    >>> from gatecast.nn.layers import Dense
    >>> from gatecast.nn.network import build, initial_weights
    >>> from gatecast.nn.optim import ema
    >>> weights = initial_weights(build([Dense(1)], (2,)), seed=0)
    >>> averaged_weights(weights, chain(scale_by_adam()), TrainingState(scale_by_adam().init(3))) is weights
    True
    >>> optimizer = chain(scale_by_adam(), ema())
    >>> averaged_weights(weights, optimizer, TrainingState(optimizer.init(3))).vector.tolist()
    [0.0, 0.0, 0.0]
    """
    average = ema_params(optimizer, state.optimizer_state)
    if average is None:
        return weights
    averaged = zeros_like(weights)
    averaged.vector[:] = average
    return averaged


def evaluate(
    network: Network, weights: Weights, samples: TrainingData, loss: Loss, batch_size: int | None = None
) -> float:
    """Compute the weighted mean of a loss, with dropout off.

    Args:
        network: Layers and shapes.
        weights: The parameters.
        samples: The data to evaluate on.
        loss: Elementwise loss.
        batch_size: Samples per pass; None chooses a size for the length of the sequences.

    Returns:
        The mean; NaN or infinite if the outputs are.

    >>> from gatecast.nn.layers import Dense
    >>> from gatecast.nn.losses import MeanSquaredError
    >>> from gatecast.nn.network import build, initial_weights
    >>> network = build([Dense(1)], (1,))
    >>> zero = zeros_like(initial_weights(network, seed=0))
    >>> evaluate(network, zero, TrainingData(np.ones((3, 1, 1)), np.full((3, 1, 1), 2.0)), MeanSquaredError())
    4.0
    """
    size = batch_size or inference_batch_size(samples.x.shape[1])
    value = total = 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        for batch in make_batches(samples, np.arange(len(samples.x)), size):
            if batch.total > 0:
                y, _ = forward(
                    network, weights, batch.x, batch.mask, save_for_backward=False, n_sequences=batch.n_sequences
                )
                value += weighted_mean(loss, y, batch.y, batch.weight, batch.total)[0] * batch.total
                total += batch.total
    return value / total if total else math.nan


def predict(
    network: Network,
    weights: Weights,
    x: Float32Array,
    mask: BoolArray | None = None,
    batch_size: int | None = None,
) -> Float32Array:
    """Compute the outputs of a network for any number of samples, with dropout off.

    Args:
        network: Layers and shapes.
        weights: The parameters.
        x: (N, T, F) float32, finite.
        mask: (N, T) bool, False where a step is skipped; None: no step is skipped.
        batch_size: Samples per pass; None chooses a size for the length of the sequences.

    Returns:
        (N, T, M) float32, (N, M) if the network's output has no time axis, (N, T, S, M) if its steps are sequences.

    >>> from gatecast.nn.layers import Dense
    >>> from gatecast.nn.network import build, initial_weights
    >>> network = build([Dense(2)], (1,))
    >>> predict(network, initial_weights(network, seed=0), np.zeros((3, 1, 1), np.float32)).tolist()
    [[0.0, 0.0], [0.0, 0.0], [0.0, 0.0]]
    """
    size = batch_size or inference_batch_size(x.shape[1])
    outputs = []
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, len(x), size):
            rows = slice(start, start + size)
            packed_mask = None if mask is None else pack_mask(mask[rows])
            n = len(x[rows])
            y, _ = forward(network, weights, pack(x[rows]), packed_mask, save_for_backward=False, n_sequences=n)
            outputs.append(unpack(y, n))
    release_memory()
    stacked = np.concatenate(outputs)
    out_shape = network.shapes[-1]
    if len(out_shape) == 1:
        return stacked[:, 0]
    return stacked if len(out_shape) == 2 else stacked.reshape(*stacked.shape[:2], -1, out_shape[-1] or 1)


def _diverged(what: str, step: int) -> TrainingDiverged:
    """Return the error for a loss or weights that are not finite."""
    return TrainingDiverged(
        f"Training diverged: {what} at update {step}",
        fix="Lower the learning rate. If that is not enough, scale the inputs and targets to about -3..3, or clip the "
        "gradient: optimizer=Adam(global_clipnorm=1.0).",
    )
