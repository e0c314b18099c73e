"""Where `fit` and `evaluate` get their batches: arrays, or an iterable of batches.

Shapes: N samples, T time, F features, M outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast.errors import ConfigError, DataError
from gatecast.nn.batching import Batch, count_targets, make_batches
from gatecast.nn.inputs import TrainingData
from gatecast.nn.random import generator

__all__ = ["ArraySource", "BatchSource", "class_weights", "is_batches", "split_batch"]

Validate = Callable[..., TrainingData]
"""Function of (x, y, sample_weight) that returns valid data."""


class ArraySource:
    """Batches of samples in arrays.

    Args:
        samples: The samples.
        batch_size: Samples per batch.
        seed: Determines the order, together with the number of the epoch.
        shuffle: Whether to shuffle the samples before each epoch.
        steps: Batches per epoch; None: all.

    >>> samples = TrainingData(np.ones((5, 1, 1), np.float32), np.ones((5, 1, 1), np.float32))
    >>> source = ArraySource(samples, batch_size=2)
    >>> source.steps, [batch.total for batch in source.epoch(0)]
    (3, [2.0, 2.0, 1.0])
    """

    def __init__(
        self, samples: TrainingData, batch_size: int, *, seed: int = 0, shuffle: bool = False, steps: int | None = None
    ) -> None:
        self._samples, self._batch_size, self._seed, self._shuffle = samples, batch_size, seed, shuffle
        n_batches = -(-len(samples.x) // batch_size)
        self.steps = n_batches if steps is None else min(steps, n_batches)

    def epoch(self, number: int, skip: int = 0) -> Iterator[Batch]:
        """Yield the batches of an epoch.

        Args:
            number: Which epoch, over all calls of `fit`.
            skip: Batches to leave out at the start.
        """
        order = np.arange(len(self._samples.x))
        if self._shuffle:
            order = generator(self._seed, 1, number).permutation(len(order))
        order = order[skip * self._batch_size : self.steps * self._batch_size]
        return map(count_targets, make_batches(self._samples, order, self._batch_size))


class BatchSource:
    """Batches that come ready-made: from a generator, a list, a data loader, or an object like `PyDataset`.

    Args:
        batches: Iterable of (x, y) or (x, y, sample_weight), or an object with `__len__` and `__getitem__`.
        steps: Batches per epoch; None: until the iterable ends. An iterator without end needs it.
        seed: Determines the order of the batches of an indexed object, together with the number of the epoch.
        shuffle: Whether to shuffle them.

    >>> source = BatchSource([(np.ones((2, 1)), np.ones(2))])
    >>> first = source.first()
    >>> source.validate = lambda x, y, weight: TrainingData(x[:, None], y[:, None, None], weight)
    >>> [batch.total for batch in source.epoch(0)]
    [2.0]
    """

    validate: Validate
    """Makes valid data of a batch; set before the first epoch."""

    def __init__(self, batches: Any, *, steps: int | None = None, seed: int = 0, shuffle: bool = False) -> None:
        self._batches, self._seed, self._shuffle = batches, seed, shuffle
        self._is_indexed = hasattr(batches, "__getitem__") and hasattr(batches, "__len__")
        self._running: Iterator[Any] | None = None
        length = _length(batches)
        self.steps = length if steps is None else steps
        self._limit = steps
        if self._is_indexed and not length:
            raise DataError("x has no batches", expected="at least one batch (x, y)")

    def first(self) -> tuple[Any, Any, Any]:
        """Return the first batch without consuming it."""
        if self._is_indexed:
            return split_batch(self._batches[0])
        rows = self._iterator()
        try:
            batch = next(rows)
        except StopIteration:
            raise DataError("x has no batches", expected="at least one batch (x, y)") from None
        self._running = chain([batch], rows)
        return split_batch(batch)

    def epoch(self, number: int, skip: int = 0) -> Iterator[Batch]:
        """Yield the batches of an epoch; see `ArraySource.epoch`."""
        rows = islice(self._indexed(number) if self._is_indexed else self._continued(), self._limit)
        for k, row in enumerate(rows):
            x, y, weight = split_batch(row)
            if k < skip:
                continue
            data = self.validate(x, y, weight)
            yield from map(count_targets, make_batches(data, np.arange(len(data.x)), len(data.x)))
        if hasattr(self._batches, "on_epoch_end"):
            self._batches.on_epoch_end()

    def _indexed(self, number: int) -> Iterator[Any]:
        """Yield the batches of an object with an index."""
        order = np.arange(len(self._batches))
        if self._shuffle and hasattr(self._batches, "on_epoch_end"):
            order = generator(self._seed, 1, number).permutation(len(order))
        return (self._batches[int(k)] for k in order)

    def _continued(self) -> Iterator[Any]:
        """Yield the batches of an iterable: from its start, or where the epoch before ended if it has a limit."""
        rows = self._iterator()
        if self._limit is None:
            self._running = None
            yield from rows
            return
        while True:
            seen = False
            for row in rows:
                seen = True
                yield row
            # The iterable has ended before the limit: begin again, unless it is an iterator.
            self._running = None
            rows = self._iterator()
            if not seen:
                return

    def _iterator(self) -> Iterator[Any]:
        """Return the running iterator, or a new one."""
        if self._running is None:
            self._running = iter(self._batches)
        return self._running


def is_batches(x: Any) -> bool:
    """Return whether x is an iterable of batches instead of an array.

    >>> is_batches(np.zeros((2, 3))), is_batches(iter([])), is_batches([[1.0, 2.0]])
    (False, True, False)
    """
    if x is None or isinstance(x, np.ndarray | str | bytes | dict) or hasattr(x, "__array__"):
        return False
    if isinstance(x, list | tuple):
        return len(x) > 0 and isinstance(x[0], tuple) and len(x[0]) in (2, 3) and np.ndim(x[0][0]) > 0
    return isinstance(x, Iterable) or (hasattr(x, "__getitem__") and hasattr(x, "__len__"))


def split_batch(batch: Any) -> tuple[Any, Any, Any]:
    """Return (x, y, sample_weight) of a batch; None for what it does not have.

    Raises:
        DataError: Another object.

    >>> split_batch((1, 2))
    (1, 2, None)
    """
    if not isinstance(batch, tuple | list) or len(batch) not in (1, 2, 3):
        got = f"a {type(batch).__name__}" + (f" of {len(batch)}" if isinstance(batch, tuple | list) else "")
        raise DataError("Invalid batch", got=got, expected="(x, y) or (x, y, sample_weight)")
    x, y, weight = (*batch, None, None)[:3]
    return tuple(_numpy(value) for value in (x, y, weight))


def class_weights(class_weight: Any, y: Any) -> npt.NDArray[np.float32]:
    """Return the weights of samples from those of their classes.

    Args:
        class_weight: Weights by class, a dict from integers.
        y: (N,) or (N, 1) numbers of classes, or (N, M) one-hot.

    Raises:
        ConfigError: Something else, or classes without a weight.

    >>> class_weights({0: 1.0, 1: 3.0}, [0, 1, 1]).tolist()
    [1.0, 3.0, 3.0]
    """
    labels = np.asarray(y)
    if labels.ndim == 2:
        labels = labels[:, 0] if labels.shape[1] == 1 else labels.argmax(axis=1)
    if not isinstance(class_weight, dict) or labels.ndim != 1:
        expected = "a dict of weights by class, and y of shape (samples,) or (samples, classes)"
        raise ConfigError("Invalid class_weight", expected=expected, argument="class_weight")
    return np.array([class_weight.get(int(label), 1.0) for label in labels], np.float32)


def _numpy(value: Any) -> Any:
    """Return a tensor as an array."""
    return value.detach().cpu().numpy() if hasattr(value, "detach") else value


def _length(batches: Any) -> int | None:
    """Return the number of batches, if it is known."""
    try:
        return len(batches)
    except TypeError:
        return None
