"""Seasonal indices that are estimated anew as cycles go by, from what lies before, and shrunk (James & Stein).

Classical indices: means over the cycles of what a centred moving average leaves. With s the m indices, V the variance
of an index and A what their own spread has beyond it, ``s <- (1 - W) s`` with ``W = (m - 3) / (m - 1) V / (V + A)``.
Where the spread is no larger than chance makes it, the indices are 0.

Shapes: T steps, n series, m season length, G blocks of steps that share their indices.

Source: Miller & Williams 2003.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gatecast._utils.arrays import accumulate, sum_rows
from gatecast._utils.typing import FloatArray, IntArray
from gatecast.forecasting.pretrained.lf.statistics import Observed

__all__ = ["SeasonalIndices", "seasonal_indices", "starts_of_blocks"]

EVERY_CYCLE = 8
"""Cycles up to which each gives a new estimate; later ones follow after an eighth of all cycles so far."""

MIN_CYCLES = 1.5
"""Mean cycles with a value of a phase, from which these say how much it varies; before, the first two cycles do."""

UNKNOWN_NOISE = 1e6
"""Variance of a phase that shows no season: of logarithms, none is as large."""

MIN_VARIANCE = 1e-24
"""Added to variances: smaller ones are of rounding, as those of logarithms of a constant are."""

TEST_WIDTH, TEST_WIDTH_TWO_CYCLES = 4.0, 6.0
"""Spread of the indices, beyond that of chance, that shows a season: 3 % false alarms on random walks."""


class SeasonalIndices(NamedTuple):
    """Indices by block of steps."""

    values: FloatArray
    """(G, m, n); 0 where no season shows."""
    strength: FloatArray
    """(G, n): 1 - W; 0 where no season shows."""
    starts: IntArray
    """(G,): first step of each block."""

    def block(self, step: IntArray) -> IntArray:
        """Return the blocks of some steps."""
        return np.asarray(np.searchsorted(self.starts, step, side="right") - 1)

    def at(self, step: IntArray, target: IntArray) -> FloatArray:
        """Return the indices for some steps, as they are known at others, (len(step), n).

        Args:
            step: When they are known.
            target: The steps that they are for.
        """
        return np.asarray(self.values[self.block(step), target % self.values.shape[1]])


def seasonal_indices(z: FloatArray, observed: Observed, m: int, first: int = 0) -> SeasonalIndices:
    """Estimate the indices at the beginning of cycles; behind the end of a series they stay as they are.

    Args:
        z: (T, n), without gaps.
        observed: Which of its values are not filled in.
        m: Season length; 1 for none.
        first: First step whose indices are needed; blocks before it stay 0.

    Example:
        >>> z = np.tile([0.0, 1.0, 0.0, -1.0], 5)[:, None] + 0.01 * np.sin(np.arange(20.0) ** 2)[:, None]
        >>> indices = seasonal_indices(z, Observed.of(np.ones((20, 1), bool)), 4)
        >>> indices.starts.tolist(), indices.strength[:, 0].round(1).tolist()
        ([0, 8, 12, 16], [0.0, 1.0, 1.0, 1.0])
        >>> indices.at(np.array([19, 19]), np.array([20, 21]))[:, 0].round(1).tolist()
        [0.0, 1.0]
    """
    T, n = z.shape
    cycles = (T - 1) // m
    starts = starts_of_blocks(cycles, m) if m > 1 else np.zeros(1, np.int64)
    values, strength = np.zeros((len(starts), m, n)), np.zeros((len(starts), n))
    if len(starts) > 1:
        by_cycle = (cycles - 1, m, n)
        rest = _detrended(z, m)[: (cycles - 1) * m].reshape(by_cycle)
        known = _known(observed, m)[: (cycles - 1) * m].reshape(by_cycle)
        sums, squares, counts = (accumulate(np.add, part) for part in (rest * known, rest * rest * known, known))
        noise = _first_noise(z, observed, m)
        newest = int(np.searchsorted(starts, first, side="right")) - 1
        for g, start in enumerate(starts.tolist()[max(newest, 1) :], max(newest, 1)):
            past = start // m - 2
            values[g], strength[g] = _shrunk(sums[past], squares[past], counts[past], noise)
        # The first value of what the moving average leaves is at step m // 2.
        values = np.roll(values, m // 2, axis=1)
    return SeasonalIndices(values, strength, starts)


def starts_of_blocks(cycles: int, m: int) -> IntArray:
    """Return the first step of each block: 0, then where cycles begin."""
    starts, cycle = [0], 2
    while cycle <= cycles:
        starts.append(cycle * m)
        cycle += 1 if cycle < EVERY_CYCLE else cycle // EVERY_CYCLE
    return np.array(starts)


def _known(observed: Observed, m: int) -> FloatArray:
    """Return whether there is a value in the half cycle after a step, from step m // 2 on; 0 and 1.

    What is filled in between values counts, for seasons may be smooth. Behind the end of a series, and in long gaps, it
    would make the season smaller.
    """
    half, so_far = m // 2, observed.so_far
    T = len(so_far) - 2 * half
    return (so_far[2 * half :] > so_far[half : half + T]).astype(np.float64)


def _shrunk(
    total: FloatArray, squares: FloatArray, count: FloatArray, noise: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return indices (m, n) and 1 - W (n,), from sums over the cycles; the index of a phase without values is 0."""
    m = len(total)
    mean = total / np.maximum(count, 1.0)
    is_known = count > 0
    n_known = np.maximum(is_known.sum(axis=0), 1)
    indices = (mean - sum_rows(mean) / n_known) * is_known
    n_cycles = np.maximum(sum_rows(count) / n_known, 1.0)
    degrees = np.maximum(sum_rows(count - is_known), 1.0)
    within = (sum_rows(squares) - sum_rows(total * mean)) / degrees
    V = np.where(n_cycles < MIN_CYCLES, noise, np.maximum(within, 0.0)) / n_cycles + MIN_VARIANCE
    spread = sum_rows(indices * indices) / np.maximum(n_known - 1, 1)
    width = np.where(n_cycles < MIN_CYCLES, TEST_WIDTH_TWO_CYCLES, TEST_WIDTH * (1 + 1 / np.maximum(n_cycles - 1, 0.5)))
    shown = spread > (1 + width * np.sqrt(2 / (m - 1))) * V
    W = max(m - 3, 1) / max(m - 1, 3) * V / np.maximum(spread, V)
    keep = np.where(shown, 1 - W, 0.0)
    return indices * keep, keep


def _detrended(z: FloatArray, m: int) -> FloatArray:
    """Return z less its centred moving average, from step m // 2 on, (T - 2 (m // 2), n)."""
    half = m // 2
    sums = np.concatenate([np.zeros((1, z.shape[1])), accumulate(np.add, z)])
    mean = (sums[m:] - sums[:-m]) / m
    mean = 0.5 * (mean[1:] + mean[:-1]) if m % 2 == 0 else mean
    return np.asarray(z[half : half + len(mean)] - mean)


def _first_noise(z: FloatArray, observed: Observed, m: int) -> FloatArray:
    """Return the variance within a phase of the first two cycles, (n,); very large where less than half is known.

    What stands before the first value, of demand that begins with zeros, is filled in, and does not vary.
    """
    half, so_far = m // 2, observed.so_far
    known = (so_far[:m] > 0) & (so_far[m : 2 * m] > so_far[half : half + m])
    count = known.sum(axis=0)
    change = (z[m : 2 * m] - z[:m]) * known
    change = (change - sum_rows(change) / np.maximum(count, 1)) * known
    variance = sum_rows(change * change) / (2 * np.maximum(count - 1, 1))
    return np.where(2 * count > m, variance, UNKNOWN_NOISE)
