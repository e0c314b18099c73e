"""What a network of the user's own reads: one window at a time, drawn from all origins of all series, and its targets.

Letters: S series, T columns, B windows of a batch, w values in a window, F features (value, and whether it is
observed), h horizon.

A window is told as in the panel LSTM: less its level, which is its last value, in units of the series' mean change.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from gatecast.forecasting.panel_rnn.windows import ScaledSeries
from gatecast.kernels.packing import Array

__all__ = ["holdout_length", "observed_length", "sample_origins", "targets_at", "windows_at"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

CLIP = 50.0
"""Mean changes from the level at which what is read is cut; targets at twice as many."""

SHARE = 10
"""The newest of so many values of a series are held out."""

QUEUED = 2**21
"""Origins up to which each one comes once before any comes again; of more they are drawn."""


def observed_length(rows: ScaledSeries) -> Integers:
    """(S,) columns from the first value of each series to the end; 0 where there is none."""
    T = rows.context.values.shape[1]
    return np.where(rows.observed.any(axis=1), T - rows.first, 0)


def holdout_length(length: Integers, h: int) -> Integers:
    """How many of the newest columns of each series are held out: a tenth, where all steps can be learnt without.

    Args:
        length: (S,) columns of each series.
        h: Horizon.

    >>> holdout_length(np.array([100, 14, 3]), 10).tolist()
    [10, 2, 0]
    """
    return np.asarray(np.clip(-(-length // SHARE), 0, np.maximum(length - h - 2, 0)))


def sample_origins(
    first: Integers, count: Integers, size: int, steps: int, rng: np.random.Generator
) -> Iterator[tuple[Integers, Integers]]:
    """Series (B,) and their origins (B,) of every update; all origins come equally often.

    Args:
        first: (S,) first origin of each series.
        count: (S,) how many there are; at least one in all.
        size: B at most.
        steps: Updates.
        rng: Random numbers.

    >>> which, at = next(sample_origins(np.array([3, 5]), np.array([2, 1]), 9, 1, np.random.default_rng(0)))
    >>> sorted(zip(which.tolist(), at.tolist()))
    [(0, 3), (0, 4), (1, 5)]
    """
    ends = count.cumsum()
    total = int(ends[-1])
    size, queue = min(size, total), np.empty(0, np.int64)
    for _ in range(steps):
        if total > QUEUED:
            queue = rng.integers(0, total, size)
        elif len(queue) < size:
            queue = np.concatenate([queue, rng.permutation(total)])
        found, queue = queue[:size], queue[size:]
        which = ends.searchsorted(found, side="right")
        yield which, first[which] + found - (ends - count)[which]


def windows_at(
    rows: ScaledSeries, which: Integers, origins: Integers, window: int, features: int, *, flat: bool
) -> Array:
    """Windows at origins.

    Args:
        rows: Series made ready.
        which: (B,) series.
        origins: (B,) columns of T.
        window: w.
        features: 2: the value, and 1 where it is observed, 0 where it is filled or before the series; 1: the value.
        flat: Whether the network has no time axis.

    Returns:
        (B, w, F); flat (B, 1, F w), the values first.
    """
    at = which[:, None], origins[:, None] + np.arange(window)
    z = rows.z[at]
    x = np.empty((len(z), features, window), np.float32)
    np.clip(z - z[:, -1:], -CLIP, CLIP, out=x[:, 0])
    if features > 1:
        x[:, 1] = rows.observed[at]
    return x.reshape(len(x), 1, -1) if flat else x.transpose(0, 2, 1)


def targets_at(
    rows: ScaledSeries, which: Integers, origins: Integers, stop: Integers, h: int, window: int
) -> tuple[Array, Array]:
    """What comes after origins, less the level there.

    Args:
        rows: Series made ready.
        which: (B,) series.
        origins: (B,) columns of T.
        stop: (B,) first column that is not looked at.
        h: Horizon.
        window: w.

    Returns:
        (B, h) targets, and their weights of 0 and 1: 0 where a value is missing, or from `stop` on, or where the level
        itself is missing.
    """
    at = origins[:, None] + np.arange(1, h + 1)
    inside = at < stop[:, None]
    place = np.where(inside, at, origins[:, None]) + window - 1
    level = which, origins + window - 1
    y = rows.z[which[:, None], place] - rows.z[level][:, None]
    weight = rows.observed[which[:, None], place] * inside * rows.observed[level][:, None]
    return np.clip(y, -2 * CLIP, 2 * CLIP), weight
