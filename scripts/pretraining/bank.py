"""Made series in batches, as a pure function of the seed and the step.

Pieces of series are made as the run goes on: at any step some are alive, and every few steps the oldest gives way to a
new one. A run that was stopped makes the pieces of its step again.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast.forecasting.pretrained.batches import PackedBatch
from gatecast.nn.random import generator, hash64

Make = Callable[[int, int], Any]
"""`make(count, seed)`: series as `gatecast.data.synth.draw` returns them; NaN is missing."""


@dataclass(frozen=True)
class BankSizes:
    """How many series are made, and how often."""

    batch: int = 256
    piece: int = 4096
    alive: int = 6
    steps_per_piece: int = 32


class Sample(NamedTuple):
    """A batch, and the family of each series in it."""

    batch: PackedBatch
    family: npt.NDArray[np.int64]


class Pool(NamedTuple):
    """Series that were made, to draw from."""

    values: npt.NDArray[np.float32]
    season: npt.NDArray[np.int64]
    long_season: npt.NDArray[np.int64]
    family: npt.NDArray[np.int64]
    first: npt.NDArray[np.int64]
    """(count,): first step with a value."""

    @classmethod
    def of(cls, made: Any) -> Pool:
        """Return the series that `make` returned."""
        first = np.isfinite(made.values).argmax(axis=1)
        return cls(made.values, made.season, made.long_season, made.family, first)


DrawSample = Callable[[np.random.Generator, Pool, int], Sample]
"""Draws a batch of so many series from a pool."""


@dataclass
class Bank:
    """Batches of made series by step."""

    make: Make
    draw: DrawSample
    seed: int
    sizes: BankSizes = BankSizes()
    _pieces: dict[int, Pool] = field(default_factory=dict)
    _pool: tuple[range, Pool] | None = None
    """All pieces that are alive, with their numbers."""

    def sample(self, step: int) -> Sample:
        """Return the batch of a step, from 1."""
        return self.draw(generator(self.seed, 7, step), self._alive(step), self.sizes.batch)

    def _alive(self, step: int) -> Pool:
        """Return the series that a step draws from; make the pieces that are missing."""
        first = (step - 1) // self.sizes.steps_per_piece
        numbers = range(first, first + self.sizes.alive)
        if self._pool is None or self._pool[0] != numbers:
            self._pieces = {k: piece for k, piece in self._pieces.items() if k in numbers}
            for k in numbers:
                if k not in self._pieces:
                    seed = hash64(self.seed, k, 11) % 2**31
                    self._pieces[k] = Pool.of(self.make(self.sizes.piece, seed))
            parts = zip(*(self._pieces[k] for k in numbers), strict=True)
            self._pool = numbers, Pool(*(np.concatenate(part) for part in parts))
        return self._pool[1]


class Ahead:
    """Batches of a bank one after the other: each is made while the network learns from the one before."""

    def __init__(self, bank: Bank) -> None:
        self.bank, self.worker = bank, ThreadPoolExecutor(1)
        self.next: tuple[int, Future[Sample]] | None = None

    def sample(self, step: int) -> Sample:
        """Return the batch of a step, and begin with the next one."""
        made = self.next[1] if self.next and self.next[0] == step else self.worker.submit(self.bank.sample, step)
        sample = made.result()
        self.next = step + 1, self.worker.submit(self.bank.sample, step + 1)
        return sample

    def close(self) -> None:
        """Let go of the batch that is being made."""
        self.worker.shutdown(cancel_futures=True)


def choose_long(
    rng: np.random.Generator, length: npt.NDArray[np.int64], needed: npt.NDArray[np.int64], n: int
) -> npt.NDArray[np.int64]:
    """Return random series that are as long as needed, or the longest if those are too few."""
    enough = np.flatnonzero(length >= needed)
    if len(enough) < n:
        enough = np.argsort(needed - length, kind="stable")[:n]
    return np.asarray(rng.choice(enough, n, replace=False))


def hidden_runs(rng: np.random.Generator, n: int, n_origins: int, longest: int) -> npt.NDArray[np.bool_]:
    """Draw one to four runs of hidden steps for half of the series, (n, n_origins); none is longer than a third."""
    hidden = np.zeros((n, n_origins), bool)
    steps = np.arange(n_origins)
    longest = min(longest, n_origins // 3)
    for k in np.flatnonzero(rng.random(n) < 0.5):
        for _ in range(rng.integers(1, 5)):
            length = int(np.exp(rng.uniform(0, np.log(longest + 1))))
            first = rng.integers(4, n_origins)
            hidden[k] |= (steps >= first) & (steps < first + length)
    return hidden
