"""Passes of the low-frequency network over whole series, that answer for these series as they were earlier.

A row is found by its first values and its season, and compared value by value: what was changed since, or begins
elsewhere, is not found and is read anew.

Shapes: n series, T steps.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any, NamedTuple

import numpy as np

from gatecast._utils.typing import FloatArray, IntArray

__all__ = ["HeldPasses", "Match"]

N_KEY = 4
"""First values of a series that find it."""


class Match(NamedTuple):
    """Rows that a pass answers for."""

    run: Any
    """The pass."""
    rows: IntArray
    """(k,): which rows."""
    columns: IntArray
    """(k,): which series of the pass each row is the beginning of."""


class HeldPasses:
    """Passes by season and by the first values of their series.

    Example:
        >>> passes = HeldPasses()
        >>> y = np.array([[1.0], [2.0], [3.0], [4.0], [5.0]])
        >>> passes.add("pass", y, np.array([5]), 12)
        >>> passes.find(np.array([[1.0, 2.0, 3.0, 4.0]]), np.array([4]), 12)
        [Match(run='pass', rows=array([0]), columns=array([0]))]
        >>> passes.find(np.array([[1.0, 2.0, 3.0, 9.0]]), np.array([4]), 12)
        []
    """

    def __init__(self) -> None:
        self._passes: list[tuple[Any, FloatArray]] = []
        self._places: defaultdict[tuple[int, bytes], list[tuple[int, int]]] = defaultdict(list)

    def add(self, run: Any, y: FloatArray, length: IntArray, m: int) -> None:
        """Add a pass.

        Args:
            run: The pass.
            y: Its series, which begin at step 0, (T, n or more).
            length: (n,): steps of each.
            m: Their season length.
        """
        for column in np.flatnonzero(length >= N_KEY).tolist():
            self._places[m, y[:N_KEY, column].tobytes()].append((len(self._passes), column))
        self._passes.append((run, y))

    def find(self, values: FloatArray, length: IntArray, m: int) -> list[Match]:
        """Return the passes that answer for some rows.

        Args:
            values: Series aligned at their ends, (n, T).
            length: (n,): newest columns that belong to each.
            m: Their season length.
        """
        pairs: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
        for row in np.flatnonzero(length >= N_KEY).tolist():
            past = values[row, values.shape[1] - length[row] :]
            for place, column in self._places.get((m, past[:N_KEY].tobytes()), ()):
                if np.array_equal(self._passes[place][1][: len(past), column], past, equal_nan=True):
                    pairs[place].append((row, column))
                    break
        return [Match(self._passes[place][0], *np.array(places).T) for place, places in pairs.items()]
