"""The base of data that comes in batches by index, as in Keras."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["PyDataset"]


class PyDataset:
    """Data in batches: derive from it and define `__len__` and `__getitem__`, which returns (x, y) or (x, y, weight).

    `fit` draws the order of the batches anew for every epoch, unless `shuffle=False`.

    Args:
        workers: For scripts written for Keras: batches are made in this process, between updates.
        use_multiprocessing: For scripts written for Keras.
        max_queue_size: For scripts written for Keras.

    >>> class Pairs(PyDataset):
    ...     def __len__(self):
    ...         return 2
    ...     def __getitem__(self, index):
    ...         return [[float(index)]], [2.0 * index]
    >>> list(Pairs())
    [([[0.0]], [0.0]), ([[1.0]], [2.0])]
    """

    def __init__(self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10) -> None:
        self.workers, self.use_multiprocessing, self.max_queue_size = workers, use_multiprocessing, max_queue_size

    def __len__(self) -> int:
        """Return the number of batches."""
        return int(self.num_batches)

    @property
    def num_batches(self) -> int:
        """The number of batches; define it or `__len__`."""
        raise NotImplementedError(f"{type(self).__name__} must define __len__(self)")

    def __getitem__(self, index: int) -> Any:
        """Return a batch."""
        raise NotImplementedError(f"{type(self).__name__} must define __getitem__(self, index)")

    def __iter__(self) -> Iterator[Any]:
        """Yield all batches in order."""
        return (self[k] for k in range(len(self)))

    def on_epoch_begin(self) -> None:
        """Called before every epoch."""

    def on_epoch_end(self) -> None:
        """Called after every epoch."""
