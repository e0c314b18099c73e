"""Made series in batches, as a pure function of the seed and the step.

Pieces of series are made as the run goes on: at any step some are alive, and every few steps the oldest gives way to a
new one. A run that was stopped makes the pieces of its step again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast.forecasting.pretrained.batches import PackedBatch, make_batch
from gatecast.forecasting.pretrained.head import BLOCK
from gatecast.nn.random import generator, hash64

Make = Callable[[int, int, int], Any]
"""`make(count, length, seed)`: values (count, length), season (count,), family (count,); NaN is missing."""

SHORT, LONG = (20, 60), (60, 160)
"""Origins of a batch: half of the batches have few."""

LENGTH = LONG[1] + 2 * BLOCK
"""Values of a made series."""

MAX_HIDDEN = 48
"""Longest run of values that the network must do without."""


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


class Piece(NamedTuple):
    """Series that were made together."""

    values: npt.NDArray[np.float32]
    season: npt.NDArray[np.int64]
    family: npt.NDArray[np.int64]
    first: npt.NDArray[np.int64]
    """(count,): first step with a value."""

    @classmethod
    def of(cls, made: Any) -> Piece:
        """Return a piece of what `make` returned."""
        return cls(made.values, made.season, made.family, np.isfinite(made.values).argmax(axis=1))


@dataclass
class Bank:
    """Batches of made series by step."""

    make: Make
    seed: int
    sizes: BankSizes = BankSizes()
    _pieces: dict[int, Piece] = field(default_factory=dict)

    def sample(self, step: int) -> Sample:
        """Return the batch of a step, from 1."""
        pieces = self._alive(step)
        values, season, family, first = (np.concatenate(parts) for parts in zip(*pieces, strict=True))
        rng = generator(self.seed, 7, step)
        bounds = SHORT if rng.random() < 0.5 else LONG
        n_origins = 4 * int(rng.integers(bounds[0] // 4, bounds[1] // 4 + 1))
        chosen = _choose(rng, LENGTH - first, n_origins, self.sizes.batch)
        spare = np.maximum(LENGTH - first[chosen] - n_origins - BLOCK, 0)
        start = first[chosen] + rng.integers(0, spare + 1)
        columns = start[:, None] + np.arange(n_origins + BLOCK)
        rows = values[chosen[:, None], np.minimum(columns, LENGTH - 1)]
        rows = np.where(columns < LENGTH, rows, np.float32(np.nan))
        hidden = hidden_runs(rng, len(chosen), n_origins)
        return Sample(make_batch(rows, season[chosen], n_origins, hidden), family[chosen])

    def _alive(self, step: int) -> list[Piece]:
        """Return the pieces that a step draws from; make those that are missing."""
        first = (step - 1) // self.sizes.steps_per_piece
        numbers = range(first, first + self.sizes.alive)
        self._pieces = {k: piece for k, piece in self._pieces.items() if k in numbers}
        for k in numbers:
            if k not in self._pieces:
                seed = hash64(self.seed, k, 11) % 2**31
                self._pieces[k] = Piece.of(self.make(self.sizes.piece, LENGTH, seed))
        return [self._pieces[k] for k in numbers]


def _choose(rng: np.random.Generator, length: npt.NDArray[np.int64], n_origins: int, n: int) -> npt.NDArray[np.int64]:
    """Return random series that have values at all origins, or the longest if those are too few."""
    enough = np.flatnonzero(length >= n_origins)
    if len(enough) < n:
        enough = np.argsort(-length, kind="stable")[:n]
    return np.asarray(rng.choice(enough, n, replace=False))


def hidden_runs(rng: np.random.Generator, n: int, n_origins: int) -> npt.NDArray[np.bool_]:
    """Draw one to four runs of hidden values for half of the series, (n, n_origins)."""
    hidden = np.zeros((n, n_origins), bool)
    steps = np.arange(n_origins)
    longest = min(MAX_HIDDEN, n_origins // 3)
    for k in np.flatnonzero(rng.random(n) < 0.5):
        for _ in range(rng.integers(1, 5)):
            length = int(np.exp(rng.uniform(0, np.log(longest + 1))))
            first = rng.integers(4, n_origins)
            hidden[k] |= (steps >= first) & (steps < first + length)
    return hidden
