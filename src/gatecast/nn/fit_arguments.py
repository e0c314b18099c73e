"""The arguments of `fit`, `evaluate` and `predict` that say how often and how many: epochs, steps, batches."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from itertools import islice
from typing import Any, Literal

import numpy as np

from gatecast._utils.validation import check_positive_int
from gatecast.errors import ConfigError
from gatecast.nn.sources import BatchSource, as_array, split_batch

__all__ = ["check_epoch", "check_frequency", "check_shuffle", "first_inputs", "is_due", "warn_of_end"]


def check_epoch(initial_epoch: Any) -> int:
    """Return a number of an epoch, from 0.

    Raises:
        ConfigError: Anything else.

    >>> check_epoch(3)
    3
    """
    if not hasattr(initial_epoch, "__index__") or initial_epoch < 0:
        expected = "an integer of at least 0"
        raise ConfigError(f"Invalid initial_epoch {initial_epoch!r}", expected=expected, argument="initial_epoch")
    return int(initial_epoch)


def check_frequency(validation_freq: Any) -> int | frozenset[int]:
    """Return a number of epochs, or the numbers of the epochs after which to validate.

    Raises:
        ConfigError: Anything else.

    >>> check_frequency(2), sorted(check_frequency([1, 5]))
    (2, [1, 5])
    """
    is_number = isinstance(validation_freq, np.ndarray) and validation_freq.ndim == 0
    if isinstance(validation_freq, list | tuple | set | frozenset | range | np.ndarray) and not is_number:
        return frozenset(check_positive_int(epoch, "validation_freq") for epoch in validation_freq)
    if not hasattr(validation_freq, "__index__"):
        expected = "a positive integer, or a list of the epochs after which to validate"
        raise ConfigError(f"Invalid validation_freq {validation_freq!r}", expected=expected, argument="validation_freq")
    return check_positive_int(validation_freq, "validation_freq")


def check_shuffle(shuffle: Any) -> bool | Literal["batch"]:
    """Return whether to shuffle, or "batch": within each batch, as in Keras.

    Raises:
        ConfigError: Another text.

    >>> check_shuffle(1), check_shuffle("batch")
    (True, 'batch')
    """
    if not isinstance(shuffle, str):
        return bool(shuffle)
    if shuffle != "batch":
        expected = "True, False, or 'batch' to shuffle within each batch"
        raise ConfigError(f"Invalid shuffle {shuffle!r}", expected=expected, argument="shuffle")
    return "batch"


def is_due(epoch: int, frequency: int | frozenset[int]) -> bool:
    """Return whether to validate after an epoch, counted from 0.

    >>> is_due(3, 2), is_due(3, frozenset([3]))
    (True, False)
    """
    if isinstance(frequency, int):
        return (epoch + 1) % frequency == 0
    return epoch + 1 in frequency


def warn_of_end(source: BatchSource, epoch: int | None = None) -> None:
    """Warn that an iterable has fewer batches than it should have."""
    end = "" if epoch is None else f" The training ends with epoch {epoch + (source.count > 0)}."
    steps = "steps" if epoch is None else "steps_per_epoch times epochs"
    warnings.warn(
        f"{source.name} ran out of batches.{end} Make an iterable that can be read again, such as a list or a "
        f"PyDataset, or a generator of at least {steps} batches.",
        stacklevel=5,
    )


def first_inputs(batches: Any, steps: int | None) -> Iterator[Any]:
    """Yield the inputs of the batches of an iterable or an indexed object: of the first `steps`, or of all.

    >>> rest = iter([([1], [2]), ([3], [4]), ([5], [6])])
    >>> list(first_inputs(rest, 2)), list(rest)
    ([[1], [3]], [([5], [6])])
    """
    indexed = hasattr(batches, "__getitem__") and hasattr(batches, "__len__")
    rows = (batches[k] for k in range(len(batches))) if indexed else iter(batches)
    # The limit of islice takes no batch beyond it, as a test after the batch would.
    for batch in islice(rows, steps):
        yield split_batch(batch)[0] if isinstance(batch, tuple | list) else as_array(batch)
