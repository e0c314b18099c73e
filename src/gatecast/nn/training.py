"""Training as a stream of records: whoever wants to show, stop or store something reads the stream.

Letters: N samples, T time, F features, M outputs, n parameters in all.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast.errors import ConfigError, check_positive_int
from gatecast.kernels.native import relax
from gatecast.kernels.packing import Array, pack, pack_mask, unpack
from gatecast.nn.batching import Batch, batches, large_batch
from gatecast.nn.inputs import TrainingData
from gatecast.nn.losses import Loss, weighted_mean
from gatecast.nn.network import Network, Weights, backward, forward, update_buffers, zeros_like
from gatecast.nn.optim import GradientTransformation, apply_updates, ema_params, learning_rate
from gatecast.nn.random import generator

__all__ = [
    "Callback",
    "EarlyStopping",
    "EpochRecord",
    "History",
    "TrainingProgress",
    "evaluate",
    "predict",
    "sort_callbacks",
    "train",
]


class EpochRecord(NamedTuple):
    """What there is to say about an epoch."""

    epoch: int
    """Epochs done before this one, over all calls."""
    step: int
    """Updates done so far, over all calls."""
    loss: float
    """Mean over the epoch's batches, each seen before its update, dropout on."""
    val_loss: float | None
    """Mean over the validation samples after the epoch, dropout off; None without them."""
    seconds: float
    """Time that the epoch took, validation included."""
    learning_rate: float
    """Rate of the last update."""
    improved: bool
    """Whether the monitored loss is the lowest so far."""
    best_epoch: int
    """The epoch with the lowest monitored loss so far."""


@dataclass
class History:
    """What happened in a call of `fit`, an entry an epoch."""

    history: dict[str, list[float]] = field(default_factory=dict)
    """"loss", and "val_loss" with validation data."""
    epoch: list[int] = field(default_factory=list)
    """Numbers of the epochs, from 0 in every call."""
    best_epoch: int | None = None
    """The epoch with the lowest monitored loss: its place in these lists."""
    records: list[EpochRecord] = field(default_factory=list)
    """Everything that training said; epochs are counted over all calls there."""

    def append(self, record: EpochRecord) -> None:
        """Take down one more epoch."""
        self.records.append(record)
        first = self.records[0].epoch
        self.epoch.append(record.epoch - first)
        self.best_epoch = record.best_epoch - first
        self.history.setdefault("loss", []).append(record.loss)
        if record.val_loss is not None:
            self.history.setdefault("val_loss", []).append(record.val_loss)


@dataclass(frozen=True)
class EarlyStopping:
    """Stop when a loss has not improved for some epochs, and go back to the best weights.

    Args:
        monitor: "val_loss" or "loss".
        patience: Epochs without improvement before stopping.
        min_delta: What counts as an improvement, in the unit of the loss.
        restore_best_weights: Leave the weights of the best epoch; otherwise those of the last.

    Raises:
        ConfigError: An unknown loss to watch, or a patience below 1.

    Source: Prechelt 1998.

    >>> EarlyStopping(patience=5).monitor
    'val_loss'
    """

    monitor: Literal["val_loss", "loss"] = "val_loss"
    patience: int = 10
    min_delta: float = 0.0
    restore_best_weights: bool = True

    def __post_init__(self) -> None:
        check_positive_int(self.patience, "EarlyStopping's patience")
        if self.monitor not in ("val_loss", "loss"):
            expected = '"val_loss" or "loss"'
            raise ConfigError("EarlyStopping cannot watch this", got=repr(self.monitor), expected=expected)


Callback = EarlyStopping | Callable[[EpochRecord], Any]


@dataclass
class TrainingProgress:
    """How far a training has come; given to `train` again, it goes on from there."""

    state: Any
    """State of the optimiser."""
    epoch: int = 0
    step: int = 0


def sort_callbacks(
    callbacks: Sequence[Callback], validated: bool
) -> tuple[EarlyStopping | None, list[Callable[[EpochRecord], Any]]]:
    """Early stopping apart from the functions.

    Args:
        callbacks: `EarlyStopping`, at most one, and functions of a `Record`.
        validated: Whether there will be a val_loss.

    Raises:
        ConfigError: Something else, or a loss to watch that there will not be.

    >>> sort_callbacks([EarlyStopping("loss"), len], validated=False)[1]
    [<built-in function len>]
    """
    stopping = [call for call in callbacks if isinstance(call, EarlyStopping)]
    calls = [call for call in callbacks if not isinstance(call, EarlyStopping)]
    if len(stopping) > 1:
        raise ConfigError("there are several EarlyStopping", got=str(len(stopping)), expected="one at most")
    for call in calls:
        if not callable(call) or isinstance(call, type):
            expected = "EarlyStopping(...) or a function of a record"
            raise ConfigError("this is not a callback", got=repr(call), expected=expected)
    if stopping and stopping[0].monitor == "val_loss" and not validated:
        raise ConfigError(
            "EarlyStopping watches val_loss, and there is none",
            fix='Give fit validation_data or validation_split, or write EarlyStopping(monitor="loss").',
        )
    return (stopping[0] if stopping else None), calls


def train(
    network: Network,
    weights: Weights,
    samples: TrainingData,
    loss: Loss,
    optimizer: GradientTransformation,
    *,
    epochs: int,
    batch_size: int = 32,
    validation: TrainingData | None = None,
    seed: int = 0,
    shuffle: bool = True,
    early_stopping: EarlyStopping | None = None,
    progress: TrainingProgress | None = None,
) -> Generator[EpochRecord, None, None]:
    """Fit the weights of a network in place, an epoch a record.

    However the stream ends (all epochs, early stopping, the reader stops, an interrupt), the weights are
    those of the best epoch if `early_stopping` restores them, else the newest ones (their average, if the
    optimiser keeps one).

    Args:
        network: Layers and shapes.
        weights: Their parameters, changed in place.
        samples: What to learn from.
        loss: Elementwise loss.
        optimizer: A link or a chain of them.
        epochs: Passes over the samples, at most.
        batch_size: Samples an update.
        validation: Samples to judge by.
        seed: With epoch and step, what order and dropout depend on: the same seed gives the same bits.
        shuffle: Whether each epoch has its own order.
        early_stopping: When to stop before the last epoch.
        progress: Where an earlier call came to; changed in place.

    Yields:
        A record after every epoch.

    Raises:
        ConfigError: The loss is no longer finite; the weights are then those of the last finished epoch.

    >>> from gatecast.nn.layers import Dense
    >>> from gatecast.nn.losses import MeanSquaredError
    >>> from gatecast.nn.network import initial_weights, build
    >>> from gatecast.nn.optim import SGD
    >>> x = np.linspace(-1, 1, 64, dtype=np.float32).reshape(64, 1, 1)
    >>> network = build([Dense(1)], (1,))
    >>> weights = initial_weights(network, seed=0)
    >>> *_, last = train(network, weights, Samples(x, 2 * x), MeanSquaredError(), SGD(0.1), epochs=50)
    >>> last.loss < 1e-6, round(float(weights.views[0]["W"][0, 0]), 2)
    (True, 2.0)
    """
    progress = progress or TrainingProgress(optimizer.init(weights.vector.size))
    watch = early_stopping or EarlyStopping("loss" if validation is None else "val_loss", patience=epochs)
    best = _Best(early_stopping is not None and early_stopping.restore_best_weights, progress.epoch)
    grads = zeros_like(weights)
    try:
        for epoch in range(progress.epoch, progress.epoch + epochs):
            began = time.perf_counter()
            order = generator(seed, 1, epoch).permutation(len(samples.x)) if shuffle else np.arange(len(samples.x))
            # All batches but the last one are full.
            counts = (min(batch_size, len(order) - start) for start in range(0, len(order), batch_size))
            work = zip(batches(samples, order, batch_size), counts, strict=True)
            mean = _epoch(network, weights, grads, work, loss, optimizer, progress, seed)
            with _averaging(weights, optimizer, progress.state):
                val_loss = None if validation is None else evaluate(network, weights, validation, loss)
                score = mean if val_loss is None or watch.monitor == "loss" else val_loss
                improved = best.judge(score, watch.min_delta, epoch, weights.vector)
            progress.epoch = epoch + 1
            rate, seconds = learning_rate(optimizer, progress.step), time.perf_counter() - began
            yield EpochRecord(epoch, progress.step, mean, val_loss, seconds, rate, improved, best.epoch)
            if epoch - best.epoch >= watch.patience:
                break
    finally:
        final = ema_params(optimizer, progress.state) if best.vector is None else best.vector
        if final is not None and progress.step > 0:
            weights.vector[:] = final
        relax()


def evaluate(
    network: Network, weights: Weights, samples: TrainingData, loss: Loss, batch_size: int | None = None
) -> float:
    """Weighted mean of a loss, dropout off.

    Args:
        network: Layers and shapes.
        weights: Their parameters.
        samples: What to judge by.
        loss: Elementwise loss.
        batch_size: Samples a pass; None: what suits the length of the sequences.

    Returns:
        The mean; NaN or infinite if the outputs are.

    >>> from gatecast.nn.layers import Dense
    >>> from gatecast.nn.losses import MeanSquaredError
    >>> from gatecast.nn.network import initial_weights, build
    >>> network = build([Dense(1)], (1,))
    >>> zero = like(initial_weights(network, seed=0))
    >>> evaluate(network, zero, Samples(np.ones((3, 1, 1)), np.full((3, 1, 1), 2.0)), MeanSquaredError())
    4.0
    """
    size = batch_size or large_batch(samples.x.shape[1])
    value = total = 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        for batch in batches(samples, np.arange(len(samples.x)), size):
            if batch.total > 0:
                y, _ = forward(network, weights, batch.x, batch.mask, save_for_backward=False)
                value += weighted_mean(loss, y, batch.y, batch.weight, batch.total)[0] * batch.total
                total += batch.total
    return value / total if total else math.nan


def predict(
    network: Network,
    weights: Weights,
    x: Array,
    mask: npt.NDArray[np.bool_] | None = None,
    batch_size: int | None = None,
) -> Array:
    """Outputs of a network for any number of samples, dropout off.

    Args:
        network: Layers and shapes.
        weights: Their parameters.
        x: (N, T, F) float32, finite.
        mask: (N, T) bool, False where a step is to be skipped; None: none is.
        batch_size: Samples a pass; None: what suits the length of the sequences.

    Returns:
        (N, T, M) float32, or (N, M) if the network's output has no time axis.

    >>> from gatecast.nn.layers import Dense
    >>> from gatecast.nn.network import initial_weights, build
    >>> network = build([Dense(2)], (1,))
    >>> predict(network, initial_weights(network, seed=0), np.zeros((3, 1, 1), np.float32)).tolist()
    [[0.0, 0.0], [0.0, 0.0], [0.0, 0.0]]
    """
    size = batch_size or large_batch(x.shape[1])
    parts = []
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, len(x), size):
            rows = slice(start, start + size)
            packed_mask = None if mask is None else pack_mask(mask[rows])
            y, _ = forward(network, weights, pack(x[rows]), packed_mask, save_for_backward=False)
            parts.append(unpack(y, len(x[rows])))
    relax()
    outputs = np.concatenate(parts)
    return outputs if len(network.shapes[-1]) == 2 else outputs[:, 0]


def _epoch(
    network: Network,
    weights: Weights,
    grads: Weights,
    work: Iterator[tuple[Batch, int]],
    loss: Loss,
    optimizer: GradientTransformation,
    progress: TrainingProgress,
    seed: int,
) -> float:
    """One update a batch; the mean loss."""
    before, kept = weights.vector.copy(), (copy.deepcopy(progress.state), progress.step)
    mean = value = total = 0.0
    # Too large a learning rate overflows; that is found below and said in words.
    with np.errstate(over="ignore", invalid="ignore"):
        for batch, count in work:
            if batch.total == 0:
                continue
            progress.step += 1
            y, caches = forward(
                network, weights, batch.x, batch.mask, training=True, seed=seed, step=progress.step, n_sequences=count
            )
            mean, dy = weighted_mean(loss, y, batch.y, batch.weight, batch.total)
            if not math.isfinite(mean):
                break
            backward(network, weights, caches, dy, grads)
            apply_updates(optimizer, grads.vector, progress.state, weights.vector, progress.step)
            update_buffers(network, weights, caches)
            value += mean * batch.total
            total += batch.total
    if not (math.isfinite(mean) and np.isfinite(weights.vector).all()):
        update = progress.step
        weights.vector[:] = before
        progress.state, progress.step = kept
        raise ConfigError(
            "the training ran away",
            where=f"epoch {progress.epoch + 1}, update {update}",
            got=f"a loss of {mean}" if not math.isfinite(mean) else "weights that are not finite",
            expected="finite numbers",
            fix="Scale x and y to about -3..3, lower the learning rate, or clip the gradient: "
            "optimizer=chain(clip_by_global_norm(1.0), Adam()). The weights are those before this epoch.",
        )
    return value / total if total else math.nan


@dataclass
class _Best:
    """The best epoch so far, and its weights if they are to be kept."""

    keep: bool
    epoch: int
    score: float = math.inf
    vector: Array | None = None

    def judge(self, score: float, min_delta: float, epoch: int, vector: Array) -> bool:
        """Whether a score is better; if so it is the best from now on."""
        improved = score < self.score - min_delta
        if improved:
            self.score, self.epoch = score, epoch
            self.vector = vector.copy() if self.keep else None
        return improved


@contextmanager
def _averaging(weights: Weights, optimizer: GradientTransformation, state: Any) -> Iterator[None]:
    """Within this block the weights are the averaged ones, if the optimiser keeps any."""
    average = ema_params(optimizer, state)
    if average is None:
        yield
        return
    newest = weights.vector.copy()
    weights.vector[:] = average
    try:
        yield
    finally:
        weights.vector[:] = newest
