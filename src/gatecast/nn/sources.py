"""Where `fit` and `evaluate` get their batches: arrays, or an iterable of batches.

Shapes: N samples, T time, F features, M outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from numbers import Real
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from gatecast._utils.validation import check_non_negative
from gatecast.errors import ConfigError, DataError
from gatecast.nn.batching import Batch, count_targets, make_batches
from gatecast.nn.inputs import TrainingData, validate_array
from gatecast.nn.random import generator

__all__ = ["ArraySource", "BatchSource", "as_array", "class_weights", "is_batches", "no_batches", "split_batch"]

Validate = Callable[..., TrainingData]
"""Function of (x, y, sample_weight) that returns valid data."""


class ArraySource:
    """Batches of samples in arrays.

    Args:
        samples: The samples.
        batch_size: Samples per batch.
        seed: Determines the order, together with the number of the epoch.
        shuffle: Whether to shuffle the samples before each epoch; "batch": within each batch, as in Keras.
        steps: Batches per epoch; None: all.

    >>> samples = TrainingData(np.ones((5, 1, 1), np.float32), np.ones((5, 1, 1), np.float32))
    >>> source = ArraySource(samples, batch_size=2)
    >>> source.steps, [batch.total for batch in source.epoch(0)]
    (3, [2.0, 2.0, 1.0])
    """

    is_spent = False
    """Arrays never run out of batches."""

    def __init__(
        self,
        samples: TrainingData,
        batch_size: int,
        *,
        seed: int = 0,
        shuffle: bool | Literal["batch"] = False,
        steps: int | None = None,
    ) -> None:
        self._samples, self._batch_size, self._seed, self._shuffle = samples, batch_size, seed, shuffle
        n_batches = -(-len(samples.x) // batch_size)
        self.steps = n_batches if steps is None else min(steps, n_batches)
        self._epochs_per_pass = -(-n_batches // self.steps)

    def epoch(self, number: int, skip: int = 0, start: int = 0) -> Iterator[Batch]:
        """Yield the batches of an epoch; as in Keras, an epoch of fewer steps goes on where the one before ended.

        Args:
            number: Which epoch, over all calls of `fit`.
            skip: Batches to leave out at the start.
            start: The first epoch of this call, which begins with the first samples.
        """
        number, part = _pass_of(number, start, self._epochs_per_pass)
        order = np.arange(len(self._samples.x))
        if self._shuffle:
            rng = generator(self._seed, 1, number)
            within = self._shuffle == "batch"
            order = (
                np.lexsort((rng.random(len(order)), order // self._batch_size))
                if within
                else rng.permutation(len(order))
            )
        first = part * self.steps
        order = order[(first + skip) * self._batch_size : (first + self.steps) * self._batch_size]
        return map(count_targets, make_batches(self._samples, order, self._batch_size))


class BatchSource:
    """Batches that come ready-made: from a generator, a list, a data loader, or an object like `PyDataset`.

    Args:
        batches: Iterable of (x, y) or (x, y, sample_weight), or an object with `__len__` and `__getitem__`.
        steps: Batches per epoch; None: until the iterable ends. An iterator without end needs it.
        seed: Determines the order of the batches of an indexed object, together with the number of the epoch.
        shuffle: Whether to shuffle them.
        name: Name of the argument in messages.

    >>> source = BatchSource([(np.ones((2, 1)), np.ones(2))])
    >>> first = source.first()
    >>> source.validate = lambda x, y, weight: TrainingData(x[:, None], y[:, None, None], weight)
    >>> [batch.total for batch in source.epoch(0)]
    [2.0]
    """

    validate: Validate
    """Makes valid data of a batch; set before the first epoch."""

    is_spent = False
    """Whether the last epoch had fewer batches than it should have, because the iterable has ended."""
    count = 0
    """Batches of the last epoch."""

    def __init__(
        self, batches: Any, *, steps: int | None = None, seed: int = 0, shuffle: bool = False, name: str = "x"
    ) -> None:
        self.name = name
        self._batches, self._seed, self._shuffle = batches, seed, shuffle
        self._is_indexed = hasattr(batches, "__getitem__") and hasattr(batches, "__len__")
        self._running: Iterator[Any] | None = None
        length = _length(batches)
        self.steps = length if steps is None else steps
        self._limit = steps
        if self._is_indexed and not length:
            raise no_batches(self.name)

    def first(self) -> tuple[Any, Any, Any]:
        """Return the first batch without consuming it."""
        if self._is_indexed:
            return split_batch(self._batches[0])
        rows = self._iterator()
        try:
            batch = next(rows)
        except StopIteration:
            raise no_batches(self.name) from None
        self._running = chain([batch], rows)
        return split_batch(batch)

    def epoch(self, number: int, skip: int = 0, start: int = 0) -> Iterator[Batch]:
        """Yield the batches of an epoch; see `ArraySource.epoch`."""
        rows = islice(self._indexed(number, start) if self._is_indexed else self._continued(), self._limit)
        self.is_spent, self.count = False, 0
        for k, row in enumerate(rows):
            x, y, weight = split_batch(row)
            self.count += 1
            if k < skip:
                continue
            data = self.validate(x, y, weight)
            yield from map(count_targets, make_batches(data, np.arange(len(data.x)), len(data.x)))
        self.is_spent = not self._is_indexed and self.count < (self._limit or 1)
        if hasattr(self._batches, "on_epoch_end"):
            self._batches.on_epoch_end()

    def _indexed(self, number: int, start: int) -> Iterator[Any]:
        """Yield the batches of an object with an index, for `_limit` of them from where the epoch before ended."""
        count = len(self._batches)
        steps = min(self._limit or count, count)
        number, part = _pass_of(number, start, -(-count // steps))
        order = np.arange(count)
        if self._shuffle and hasattr(self._batches, "on_epoch_end"):
            order = generator(self._seed, 1, number).permutation(count)
        return (self._batches[int(k)] for k in order[part * steps : (part + 1) * steps])

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


def no_batches(name: str) -> DataError:
    """Return the error for an iterable without batches, such as a generator that has ended.

    >>> print(no_batches("x"))
    x has no batches: expected at least one batch (x, y). A generator is read once: make a new one, or pass a list.
    """
    fix = "A generator is read once: make a new one, or pass a list."
    return DataError(f"{name} has no batches", expected="at least one batch (x, y)", fix=fix)


def is_batches(x: Any) -> bool:
    """Return whether x is an iterable of batches instead of an array, or several arrays of a model.

    >>> is_batches(np.zeros((2, 3))), is_batches(iter([])), is_batches([[1.0, 2.0]])
    (False, True, False)
    >>> is_batches([np.zeros((2, 3)), np.zeros((2, 1))]), is_batches([(np.zeros((2, 3)), np.zeros(2))])
    (False, True)
    """
    if x is None or isinstance(x, np.ndarray | str | bytes | dict) or hasattr(x, "__array__"):
        return False
    if isinstance(x, list | tuple):
        return len(x) > 0 and all(isinstance(b, tuple) and len(b) in (2, 3) and _has_samples(b[0]) for b in x)
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
    return tuple(as_array(value) for value in (x, y, weight))


def class_weights(class_weight: Any, y: Any) -> npt.NDArray[np.float32]:
    """Return the weights of samples from those of their classes; that of a class without one is 1, as in Keras.

    Args:
        class_weight: Weights by class, a dict from integers.
        y: (N,) or (N, 1) numbers of classes, or (N, M) one-hot.

    Raises:
        ConfigError: Something else, or weights that are not numbers of at least 0.
        DataError: Targets that are missing, or no numbers.

    >>> class_weights({0: 1.0, 1: 3.0}, [0, 1, 1]).tolist()
    [1.0, 3.0, 3.0]
    """
    if not isinstance(class_weight, dict):
        expected = "a dict of weights by class, such as {0: 1.0, 1: 5.0}"
        raise ConfigError(f"Invalid class_weight {class_weight!r}", expected=expected, argument="class_weight")
    weights = {key: check_non_negative(value, "class_weight") for key, value in class_weight.items()}
    if not all(isinstance(key, Real) and float(key).is_integer() for key in weights):
        got, expected = ", ".join(map(repr, weights)), "numbers of classes, such as {0: 1.0, 1: 5.0}"
        raise ConfigError("Invalid classes in class_weight", got=got, expected=expected, argument="class_weight")
    if y is None:
        raise DataError("y is missing", fix="class_weight needs the targets: fit(x, y, class_weight=...).")
    labels = validate_array([] if isinstance(y, dict) else y, "y")
    if labels.ndim == 2:
        labels = labels[:, 0] if labels.shape[1] == 1 else labels.argmax(axis=1)
    if labels.ndim != 1 or not np.isfinite(labels).all() or isinstance(y, dict):
        expected = "y of shape (samples,) or (samples, classes), finite, of a model with one output"
        raise ConfigError("class_weight does not fit y", expected=expected, fix="Pass sample_weight instead.")
    return np.array([weights.get(int(label), 1.0) for label in np.round(labels)], np.float32)


def as_array(value: Any) -> Any:
    """Return a tensor as an array; also each of several tensors.

    >>> as_array([1, 2]), as_array({"a": 3})
    ([1, 2], {'a': 3})
    """
    if isinstance(value, dict):
        return {name: as_array(item) for name, item in value.items()}
    if isinstance(value, list | tuple) and any(hasattr(item, "detach") for item in value):
        return [as_array(item) for item in value]
    return value.detach().cpu().numpy() if hasattr(value, "detach") else value


def _pass_of(number: int, start: int, epochs_per_pass: int) -> tuple[int, int]:
    """Return which pass over the data an epoch belongs to, and which part of it the epoch is."""
    passes, part = divmod(number - start, epochs_per_pass)
    return start + passes, part


def _has_samples(x: Any) -> bool:
    """Return whether the first part of a tuple may be the inputs of a batch: an array, or several."""
    return isinstance(x, dict) or (len(x) > 0 if isinstance(x, list | tuple) else getattr(x, "ndim", 0) > 0)


def _length(batches: Any) -> int | None:
    """Return the number of batches, if it is known."""
    try:
        return len(batches)
    except TypeError:
        return None
