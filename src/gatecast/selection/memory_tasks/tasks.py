"""Tasks that only a memory solves: adding, temporal order, copying; any number of samples by seed.

What must be known at the end occurs long before it, and nothing in between helps: without a memory nothing does better
than the naive answer, whose loss is known exactly.

Shapes: N samples, T steps between question and answer, L steps in all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast.nn.inputs import TrainingData

__all__ = ["TASKS", "Task", "accuracy", "adding", "copying", "order", "recall"]

Make = Callable[[np.random.Generator, int, int], TrainingData]

MAX_SUM_ERROR = 0.1
"""A sum counts as right up to this error; the naive answer is that near in 19 % of the samples."""

N_SYMBOLS = 4
"""Symbols of the copy tasks."""

WORD_LENGTH = 3
"""How many of them must be remembered."""


class Task(NamedTuple):
    """One task.

    Args:
        title: Name in a sentence.
        make: Makes samples from random numbers, N and `length`.
        length: T, how far back the question lies.
        features: Number of inputs.
        outputs: Number of outputs.
        naive: Mean squared error of the best answer without a memory.
        units: Units of the LSTM; the other cells get the same number of parameters.
        steps: Largest number of updates.
        classes: Whether the answer is the largest output; otherwise a number.
        sequences: Whether the answer has a time axis.
    """

    title: str
    make: Make
    length: int
    features: int
    outputs: int
    naive: float
    units: int
    steps: int
    classes: bool = True
    sequences: bool = False


def adding(rng: np.random.Generator, N: int, T: int) -> TrainingData:
    """Make sums of two marked numbers of T, ``y = v[a] + v[b]``, a in the first half and b in the second.

    Args:
        rng: Random numbers.
        N: Samples.
        T: Steps, 2 or more.

    Returns:
        x [N, T, 2]: v, uniform in [0, 1), and the mark; y [N, 1, 1]. Nothing is NaN. The naive answer is 1, with a
        mean squared error of 1/6, the variance of the sum.

    Source: Hochreiter & Schmidhuber 1997, experiment 4; in this form Le, Jaitly & Hinton 2015.

    >>> x, y, *_ = adding(np.random.default_rng(0), 5, 10)
    >>> bool(np.allclose((x[..., 0] * x[..., 1]).sum(axis=1), y[:, 0, 0]))
    True
    """
    v, rows = rng.random((N, T), np.float32), np.arange(N)
    at = np.stack([rng.integers(0, T // 2, N), rng.integers(T // 2, T, N)])
    marks = np.zeros((N, T), np.float32)
    marks[rows, at] = 1.0
    return TrainingData(np.stack([v, marks], axis=-1), v[rows, at].sum(axis=0).reshape(N, 1, 1))


def order(rng: np.random.Generator, N: int, T: int) -> TrainingData:
    """Make sequences with two symbols among T others; the class is their order, one of four.

    Args:
        rng: Random numbers.
        N: Samples.
        T: Steps, 10 or more.

    Returns:
        x [N, T, 6]: one of the symbols X, Y, a, b, c, d at each step; y [N, 1, 4]: one of XX, XY, YX, YY. The first of
        the two lies at a tenth to a fifth of the sequence, the second just after its middle.

    Source: Hochreiter & Schmidhuber 1997, experiment 6a.

    >>> x, y, *_ = order(np.random.default_rng(0), 3, 20)
    >>> [int(k) for k in x[..., :2].sum(axis=(1, 2))], y[:, 0].argmax(axis=1).tolist()
    ([2, 2, 2], [2, 3, 2])
    """
    symbols, rows, two = rng.integers(2, 6, (N, T)), np.arange(N), rng.integers(0, 2, (2, N))
    at = np.stack([rng.integers(T // 10, T // 5, N), rng.integers(T // 2, T * 6 // 10, N)])
    symbols[rows, at] = two
    answer = np.eye(4, dtype=np.float32)[2 * two[0] + two[1]]
    return TrainingData(np.eye(6, dtype=np.float32)[symbols], answer[:, None])


def copying(rng: np.random.Generator, N: int, T: int) -> TrainingData:
    """Make words of three symbols to repeat after T empty steps, always the same delay.

    Args:
        rng: Random numbers.
        N: Samples.
        T: Delay.

    Returns:
        As `recall`.

    Source: Hochreiter & Schmidhuber 1997; Arjovsky, Shah & Bengio 2016, there with words of ten out of eight symbols.

    >>> samples = copying(np.random.default_rng(0), 2, 5)
    >>> samples.x.shape, samples.weight[0].tolist()
    ((2, 11, 6), [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0])
    """
    return _word(rng, N, T, np.full(N, T))


def recall(rng: np.random.Generator, N: int, T: int) -> TrainingData:
    """Make the copy task with a random delay of T / 2 to T steps; a signal marks its end.

    Args:
        rng: Random numbers.
        N: Samples.
        T: Longest delay.

    Returns:
        x [N, L, 6]: a symbol, nothing, or the signal; y [N, L, 4]: the symbol to repeat; weight [N, L]: 1 at the steps
        that count, 0 elsewhere; L = T + 6.

    Source: Henaff, Szlam & LeCun 2016: with a delay that never changes, an orthogonal recurrence needs no gates.

    >>> x, y, weight, _ = recall(np.random.default_rng(0), 4, 8)
    >>> weight.sum(axis=1).tolist(), weight.argmax(axis=1).tolist()
    ([3.0, 3.0, 3.0, 3.0], [11, 10, 9, 8])
    """
    return _word(rng, N, T, rng.integers(T // 2, T + 1, N))


def accuracy(task: Task, predicted: npt.NDArray[np.float32], samples: TrainingData) -> float:
    """Return the share of right answers: the largest output in the right position, or a sum less than 0.1 off.

    Args:
        task: Defines which of the two.
        predicted: Outputs of a network, [N, L, outputs] or [N, outputs].
        samples: Actual answers.

    >>> samples = adding(np.random.default_rng(0), 100, 10)
    >>> accuracy(TASKS["adding"], samples.y[:, 0], samples)
    1.0
    """
    predicted = predicted.reshape(samples.y.shape)
    right = (
        predicted.argmax(-1) == samples.y.argmax(-1)
        if task.classes
        else np.abs(predicted - samples.y)[..., 0] < MAX_SUM_ERROR
    )
    return float(right.mean() if samples.weight is None else right[samples.weight > 0].mean())


def _word(rng: np.random.Generator, N: int, T: int, delay: npt.NDArray[np.int64]) -> TrainingData:
    """Make a word, a delay for each sample with the signal at its end, the word again."""
    nothing, signal, rows = N_SYMBOLS, N_SYMBOLS + 1, np.arange(N)
    word = rng.integers(0, N_SYMBOLS, (N, WORD_LENGTH))
    sequence = np.full((N, T + 2 * WORD_LENGTH), nothing)
    sequence[:, :WORD_LENGTH] = word
    sequence[rows, WORD_LENGTH + delay - 1] = signal
    y = np.zeros((*sequence.shape, N_SYMBOLS), np.float32)
    weight = np.zeros(sequence.shape, np.float32)
    at = WORD_LENGTH + delay[:, None] + np.arange(WORD_LENGTH)
    y[rows[:, None], at, word] = 1.0
    weight[rows[:, None], at] = 1.0
    return TrainingData(np.eye(N_SYMBOLS + 2, dtype=np.float32)[sequence], y, weight)


def _uniform_error(classes: int) -> float:
    """Return the mean squared error of answering 1 / K for each of K classes: ``(K - 1) / K^2``."""
    return (classes - 1) / classes**2


_COPY = Task("", copying, 40, N_SYMBOLS + 2, N_SYMBOLS, _uniform_error(N_SYMBOLS), units=32, steps=3000, sequences=True)

TASKS: Mapping[str, Task] = {
    "adding": Task("adding problem", adding, 100, 2, 1, 1 / 6, units=24, steps=3000, classes=False),
    "order": Task("temporal order", order, 100, 6, 4, _uniform_error(4), units=24, steps=1500),
    "copy": _COPY._replace(title="copy memory with a fixed delay"),
    "recall": _COPY._replace(title="copy memory with an unknown delay", make=recall),
}
"""Tasks by name."""
