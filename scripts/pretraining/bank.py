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

Draw = Callable[[str, int, int, int], Any]
"""`draw(kind, count, length, seed)`: values (count, length), season (count,), family (count,)."""

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


@dataclass
class Bank:
    """Batches of made series by step."""

    draw: Draw
    kind: str
    seed: int
    sizes: BankSizes = BankSizes()
    _pieces: dict[int, Any] = field(default_factory=dict)

    def sample(self, step: int) -> Sample:
        """Return the batch of a step, from 1."""
        pieces = self._alive(step)
        rng = generator(self.seed, 7, step)
        bounds = SHORT if rng.random() < 0.5 else LONG
        n_origins = 4 * int(rng.integers(bounds[0] // 4, bounds[1] // 4 + 1))
        size = self.sizes
        chosen = rng.choice(size.alive * size.piece, size.batch, replace=False)
        first = rng.integers(0, LENGTH - n_origins - BLOCK + 1, size.batch)
        columns = first[:, None] + np.arange(n_origins + BLOCK)
        piece, row = np.divmod(chosen, size.piece)
        values = np.stack([pieces[p].values[r, c] for p, r, c in zip(piece, row, columns, strict=True)])
        season, family = (
            np.array([getattr(pieces[p], name)[r] for p, r in zip(piece, row, strict=True)], np.int64)
            for name in ("season", "family")
        )
        hidden = hidden_runs(rng, size.batch, n_origins)
        return Sample(make_batch(values, season, n_origins, hidden), family)

    def _alive(self, step: int) -> list[Any]:
        """Return the pieces that a step draws from; make those that are missing."""
        first = (step - 1) // self.sizes.steps_per_piece
        numbers = range(first, first + self.sizes.alive)
        self._pieces = {k: piece for k, piece in self._pieces.items() if k in numbers}
        for k in numbers:
            if k not in self._pieces:
                seed = hash64(self.seed, k, 11) % 2**31
                self._pieces[k] = self.draw(self.kind, self.sizes.piece, LENGTH, seed)
        return [self._pieces[k] for k in numbers]


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
