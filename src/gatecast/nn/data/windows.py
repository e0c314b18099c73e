"""Windows of series in batches, under their names in Keras.

Shapes: N windows, L steps of a window, F features.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast._utils.validation import check_optional_positive_int, check_positive_int
from gatecast.errors import ConfigError, DataError
from gatecast.nn.data.batched import PyDataset

__all__ = ["TimeseriesDataset", "TimeseriesGenerator", "timeseries_dataset_from_array"]

Array = npt.NDArray[Any]


class BatchArray(np.ndarray):
    """An array that also has the method of a tensor of TensorFlow, for scripts written for it.

    >>> np.ones(2).view(BatchArray).numpy().tolist()
    [1.0, 1.0]
    """

    def numpy(self) -> Array:
        """Return the array."""
        return np.asarray(self)


class TimeseriesDataset:
    """Batches of windows; made by `timeseries_dataset_from_array`. An iterable of (x, y), or of x without targets.

    Args:
        data: (T, ...) values.
        targets: (T, ...) targets by the first step of their window, or None.
        starts: (N,) first steps of the windows, in order.
        steps: (L,) steps of a window, from its first.
        batch_size: Windows per batch; None: single windows.
        functions: What is applied to each batch, one after the other.
    """

    def __init__(
        self,
        data: Array,
        targets: Array | None,
        starts: Array,
        steps: Array,
        batch_size: int | None,
        functions: tuple[Callable[..., Any], ...] = (),
    ) -> None:
        self._data, self._targets, self._starts = data, targets, starts
        self._steps, self._batch_size, self._functions = steps, batch_size, functions

    def __len__(self) -> int:
        """Return the number of batches."""
        return -(-len(self._starts) // (self._batch_size or 1))

    def __iter__(self) -> Iterator[Any]:
        """Yield the batches."""
        size = self._batch_size or 1
        for k in range(len(self)):
            starts = self._starts[k * size : (k + 1) * size]
            x = self._data[starts[:, None] + self._steps]
            y = None if self._targets is None else self._targets[starts]
            if self._batch_size is None:
                x, y = x[0], None if y is None else y[0]
            x = np.asarray(x).view(BatchArray)
            batch = x if y is None else (x, np.asarray(y).view(BatchArray))
            for function in self._functions:
                batch = function(*batch) if isinstance(batch, tuple) else function(batch)
            yield batch

    def map(self, function: Callable[..., Any], num_parallel_calls: object = None) -> TimeseriesDataset:  # noqa: ARG002
        """Return batches that a function has changed, as one that splits windows into inputs and labels.

        Args:
            function: Takes x, or x and y, and returns what a batch is then: x or (x, y).
            num_parallel_calls: For scripts written for TensorFlow.

        >>> windows = timeseries_dataset_from_array(np.arange(6.0)[:, None], None, 3, batch_size=2)
        >>> x, y = next(iter(windows.map(lambda window: (window[:, :2], window[:, 2:]))))
        >>> x.shape, y.shape
        ((2, 2, 1), (2, 1, 1))
        """
        functions = (*self._functions, function)
        return TimeseriesDataset(self._data, self._targets, self._starts, self._steps, self._batch_size, functions)

    def take(self, count: int) -> TimeseriesDataset:
        """Return the first batches alone."""
        return self._part(slice(0, count * (self._batch_size or 1)))

    def skip(self, count: int) -> TimeseriesDataset:
        """Return all but the first batches."""
        return self._part(slice(count * (self._batch_size or 1), None))

    def prefetch(self, buffer_size: object = None) -> TimeseriesDataset:  # noqa: ARG002
        """Return the same data: for scripts written for TensorFlow."""
        return self

    def cache(self) -> TimeseriesDataset:
        """Return the same data: for scripts written for TensorFlow."""
        return self

    def _part(self, rows: slice) -> TimeseriesDataset:
        """Return some of the windows."""
        starts = self._starts[rows]
        return TimeseriesDataset(self._data, self._targets, starts, self._steps, self._batch_size, self._functions)


def timeseries_dataset_from_array(
    data: npt.ArrayLike,
    targets: npt.ArrayLike | None,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
    format: str = "tf",  # noqa: ARG001
) -> TimeseriesDataset:
    """Cut a series into windows, in batches for `fit`.

    Window k has the steps ``i, i + sampling_rate, ...`` with ``i = k sequence_stride``, and the target ``targets[i]``:
    to forecast the value after a window, pass ``data[:-L]`` and ``targets = data[L:]``.

    Args:
        data: (T, ...) values.
        targets: (T, ...) targets by the first step of their window; None: windows alone.
        sequence_length: L.
        sequence_stride: Steps between two windows.
        sampling_rate: Steps between two values of a window.
        batch_size: Windows per batch; None: single windows.
        shuffle: Whether the windows come in random order, the same in every epoch.
        seed: Seed of this order; None: 0.
        start_index: First step to use.
        end_index: First step not to use.
        format: For scripts written for Keras.

    Raises:
        ConfigError: Invalid numbers.
        DataError: A series that is shorter than a window.

    >>> for x, y in timeseries_dataset_from_array(np.arange(5)[:, None], np.arange(5) + 2, 2, batch_size=3):
    ...     print(x[..., 0].tolist(), y.tolist())
    [[0, 1], [1, 2], [2, 3]] [2, 3, 4]
    [[3, 4]] [5]
    """
    values = np.asarray(data)
    length, stride, rate = (
        check_positive_int(value, name)
        for value, name in (
            (sequence_length, "sequence_length"),
            (sequence_stride, "sequence_stride"),
            (sampling_rate, "sampling_rate"),
        )
    )
    start, end = _bounds(len(values), start_index, end_index)
    n_windows = end - start - (length - 1) * rate
    truth = None if targets is None else np.asarray(targets)[start:end]
    n_windows = n_windows if truth is None else min(n_windows, len(truth))
    if n_windows < 1:
        got, expected = f"{end - start} steps", f"at least {(length - 1) * rate + 1}, a window"
        raise DataError("The series is shorter than a window", got=got, expected=expected)
    starts = np.arange(0, n_windows, stride)
    if shuffle:
        np.random.RandomState(0 if seed is None else seed).shuffle(starts)
    steps = np.arange(length) * rate
    return TimeseriesDataset(
        values[start:end], truth, starts, steps, check_optional_positive_int(batch_size, "batch_size")
    )


class TimeseriesGenerator(PyDataset):
    """Batches of windows and the targets after them, as in Keras 2 and 3.

    The window before row i has the rows ``i - length, ..., i - 1`` at the sampling rate, and the target ``targets[i]``.

    Args:
        data: (T, ...) values.
        targets: (T, ...) targets.
        length: Rows of a window before thinning out.
        sampling_rate: Rows between two values of a window.
        stride: Rows between two targets.
        start_index: First row to use.
        end_index: Last row to use; None: the last one.
        shuffle: Whether a batch has windows drawn at random.
        reverse: Whether the newest value of a window comes first.
        batch_size: Windows per batch.
        **options: As for `PyDataset`.

    Raises:
        DataError: Data and targets of different lengths, or shorter than a window.

    >>> x, y = TimeseriesGenerator(np.arange(6)[:, None], np.arange(6), length=3, batch_size=2)[0]
    >>> x[..., 0].tolist(), y.tolist()
    ([[0, 1, 2], [1, 2, 3]], [3, 4])
    """

    def __init__(
        self,
        data: Any,
        targets: Any,
        length: int,
        sampling_rate: int = 1,
        stride: int = 1,
        start_index: int = 0,
        end_index: int | None = None,
        shuffle: bool = False,
        reverse: bool = False,
        batch_size: int = 128,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.data, self.targets = np.asarray(data), np.asarray(targets)
        if len(self.data) != len(self.targets):
            got = f"{len(self.data)} and {len(self.targets)}"
            raise DataError("data and targets differ in length", where="TimeseriesGenerator", got=got)
        self.length = check_positive_int(length, "length", where="TimeseriesGenerator")
        self.sampling_rate, self.stride, self.batch_size = sampling_rate, stride, batch_size
        self.start_index = start_index + self.length
        self.end_index = len(self.data) - 1 if end_index is None else end_index
        self.shuffle, self.reverse = shuffle, reverse
        if self.start_index > self.end_index:
            got, expected = f"rows up to {self.end_index}", f"more than {self.start_index - 1}"
            raise DataError(
                "The data are shorter than a window", where="TimeseriesGenerator", got=got, expected=expected
            )

    def __len__(self) -> int:
        """Return the number of batches."""
        rows = self.batch_size * self.stride
        return (self.end_index - self.start_index + rows) // rows

    def __getitem__(self, index: int) -> tuple[Array, Array]:
        """Return a batch, (N, L, ...) and (N, ...)."""
        if self.shuffle:
            # The global generator, as in Keras: `gatecast.utils.set_random_seed` seeds it.
            rows = np.random.randint(self.start_index, self.end_index + 1, size=self.batch_size)  # noqa: NPY002
        else:
            first = self.start_index + self.batch_size * self.stride * index
            last = min(first + self.batch_size * self.stride, self.end_index + 1)
            rows = np.arange(first, last, self.stride)
        steps = np.arange(-self.length, 0, self.sampling_rate)
        samples = self.data[rows[:, None] + steps]
        return (samples[:, ::-1] if self.reverse else samples), self.targets[rows]


def _bounds(length: int, start_index: int | None, end_index: int | None) -> tuple[int, int]:
    """Return the first step to use, and the first one not to use."""
    start, end = start_index or 0, length if end_index is None else end_index
    if not 0 <= start < end <= length:
        raise ConfigError(
            "Invalid start_index and end_index",
            got=f"{start_index} and {end_index}",
            expected=f"0 <= start_index < end_index <= {length}",
        )
    return start, end
