"""Tasks that only a memory solves: adding, temporal order, copying. Made by seed, as many samples as are wanted.

Letters: N samples, T steps that lie between, L steps in all, F features, M outputs, K symbols, W length of a word.

What must be known at the end was seen long before it, and nothing in between helps: whoever does not remember can do
no better than the naive answer, whose loss is known exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast.nn.inputs import TrainingData

__all__ = ["TASKS", "Task", "accuracy", "adding", "copying", "order", "recall"]

Make = Callable[[np.random.Generator, int, int], TrainingData]

NEAR = 0.1
"""A sum counts as right up to this error; the naive answer is so near in 19 % of the samples."""

SYMBOLS, WORD = 4, 3
"""Symbols of the copy tasks, and how many of them are to be remembered."""


class Task(NamedTuple):
    """One task.

    Args:
        title: What it is called in a sentence.
        make: Gives samples from random numbers, N and `length`.
        length: T, how far it reaches back.
        features: F.
        outputs: M.
        naive: Mean squared error of the best answer that remembers nothing.
        units: Of the LSTM; the other cells get as many as make the same number of parameters.
        steps: Updates, at most.
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
    """The sum of two marked numbers of T, ``y = v[a] + v[b]``, a in the first half and b in the second.

    Args:
        rng: Random numbers.
        N: Samples.
        T: Steps, 2 or more.

    Returns:
        x (N, T, 2): v, even in [0, 1), and the mark; y (N, 1, 1). Nothing is NaN. The naive answer is 1, with a mean
        squared error of 1/6, the variance of the sum.

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
    """Which of two symbols came first and which second, among T others: four classes.

    Args:
        rng: Random numbers.
        N: Samples.
        T: Steps, 10 or more.

    Returns:
        x (N, T, 6): one of the symbols X, Y, a, b, c, d a step; y (N, 1, 4): one of XX, XY, YX, YY. The first of
        the two stands at a tenth to a fifth of the sequence, the second behind its middle.

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
    """A word of W symbols, T empty steps, and then the word is to be said: always after the same delay.

    Args:
        rng: Random numbers.
        N: Samples.
        T: Delay.

    Returns:
        As `recall`.

    Source: Hochreiter & Schmidhuber 1997; Arjovsky, Shah & Bengio 2016, there with eight symbols and ten of them.

    >>> samples = copying(np.random.default_rng(0), 2, 5)
    >>> samples.x.shape, samples.weight[0].tolist()
    ((2, 11, 6), [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0])
    """
    return _word(rng, N, T, np.full(N, T))


def recall(rng: np.random.Generator, N: int, T: int) -> TrainingData:
    """The copy task with another delay in every sample, from T / 2 to T steps: a signal says when to begin.

    Args:
        rng: Random numbers.
        N: Samples.
        T: Longest delay.

    Returns:
        x (N, T + 2 W, K + 2): a symbol, nothing, or the signal; y (N, T + 2 W, K): what is to be said; weight
        (N, T + 2 W): 1 at the W steps that count, 0 elsewhere.

    Source: Henaff, Szlam & LeCun 2016: with a delay that never changes, an orthogonal recurrence needs no gates.

    >>> x, y, weight, _ = recall(np.random.default_rng(0), 4, 8)
    >>> weight.sum(axis=1).tolist(), weight.argmax(axis=1).tolist()
    ([3.0, 3.0, 3.0, 3.0], [11, 10, 9, 8])
    """
    return _word(rng, N, T, rng.integers(T // 2, T + 1, N))


def accuracy(task: Task, said: npt.NDArray[np.float32], samples: TrainingData) -> float:
    """Share of the answers that are right: the largest output at the right place, or a sum less than 0.1 off.

    Args:
        task: Says which of the two.
        said: (N, L, M) or (N, M), what a network says.
        samples: What it should have said.

    >>> samples = adding(np.random.default_rng(0), 100, 10)
    >>> accuracy(TASKS["adding"], samples.y[:, 0], samples)
    1.0
    """
    said = said.reshape(samples.y.shape)
    right = said.argmax(-1) == samples.y.argmax(-1) if task.classes else np.abs(said - samples.y)[..., 0] < NEAR
    return float(right.mean() if samples.weight is None else right[samples.weight > 0].mean())


def _word(rng: np.random.Generator, N: int, T: int, delay: npt.NDArray[np.int64]) -> TrainingData:
    """A word, a delay for each sample with the signal at its end, the word again."""
    nothing, signal, rows = SYMBOLS, SYMBOLS + 1, np.arange(N)
    word = rng.integers(0, SYMBOLS, (N, WORD))
    seen = np.full((N, T + 2 * WORD), nothing)
    seen[:, :WORD] = word
    seen[rows, WORD + delay - 1] = signal
    y = np.zeros((*seen.shape, SYMBOLS), np.float32)
    weight = np.zeros(seen.shape, np.float32)
    at = WORD + delay[:, None] + np.arange(WORD)
    y[rows[:, None], at, word] = 1.0
    weight[rows[:, None], at] = 1.0
    return TrainingData(np.eye(SYMBOLS + 2, dtype=np.float32)[seen], y, weight)


def _guess(classes: int) -> float:
    """Mean squared error, a class, of saying 1 / K for each: ``(K - 1) / K^2``."""
    return (classes - 1) / classes**2


_COPY = Task("", copying, 40, SYMBOLS + 2, SYMBOLS, _guess(SYMBOLS), units=32, steps=3000, sequences=True)

TASKS: Mapping[str, Task] = {
    "adding": Task("adding problem", adding, 100, 2, 1, 1 / 6, units=24, steps=3000, classes=False),
    "order": Task("temporal order", order, 100, 6, 4, _guess(4), units=24, steps=1500),
    "copy": _COPY._replace(title="copy memory with a fixed delay"),
    "recall": _COPY._replace(title="copy memory with an unknown delay", make=recall),
}
"""Every task by its name."""
