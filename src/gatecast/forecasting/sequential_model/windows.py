"""Windows of a user's network, drawn one at a time from all origins of all series, and their targets.

A window is scaled as for the panel RNN: less its level, which is its last value, in units of the series' mean change.

Shapes: n_series rows, T columns, B windows of a batch, F features (value, and whether it is observed).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gatecast._utils.typing import IntArray
from gatecast.forecasting.panel_rnn.windows import ScaledSeries
from gatecast.kernels.packing import Array
from gatecast.nn.network import Network

__all__ = [
    "holdout_length",
    "n_features",
    "network_windows",
    "observed_length",
    "sample_origins",
    "targets_at",
    "windows_at",
]

CLIP = 50.0
"""Mean changes from the level at which inputs are clipped; targets at twice as many."""

HOLDOUT_DIVISOR = 10
"""A series' newest values are held out: one of so many."""

MAX_SHUFFLED = 2**21
"""Origins up to which each is drawn once before any is drawn again; more are drawn with replacement."""


def observed_length(scaled: ScaledSeries) -> IntArray:
    """Return the columns from the first value of each series to the end, [n_series]; 0 without a value."""
    T = scaled.context.values.shape[1]
    return np.where(scaled.observed.any(axis=1), T - scaled.first, 0)


def holdout_length(length: IntArray, horizon: int) -> IntArray:
    """Return how many of the newest columns are held out: a tenth, where all steps can be trained without them.

    Args:
        length: Columns of each series, [n_series].
        horizon: Steps ahead.

    Example:
        >>> holdout_length(np.array([100, 14, 3]), 10).tolist()
        [10, 2, 0]
    """
    return np.asarray(np.clip(-(-length // HOLDOUT_DIVISOR), 0, np.maximum(length - horizon - 2, 0)))


def sample_origins(
    first: IntArray, count: IntArray, batch_size: int, n_steps: int, rng: np.random.Generator
) -> Iterator[tuple[IntArray, IntArray]]:
    """Yield the series [B] and the origins [B] of every update; all origins are drawn equally often.

    Args:
        first: First origin of each series, [n_series].
        count: Number of its origins, [n_series]; at least one in all.
        batch_size: Windows in a batch, at most.
        n_steps: Updates.
        rng: Random numbers.

    Example:
        >>> rows, origins = next(sample_origins(np.array([3, 5]), np.array([2, 1]), 9, 1, np.random.default_rng(0)))
        >>> sorted(zip(rows.tolist(), origins.tolist()))
        [(0, 3), (0, 4), (1, 5)]
    """
    ends = count.cumsum()
    total = int(ends[-1])
    size, queue = min(batch_size, total), np.empty(0, np.int64)
    for _ in range(n_steps):
        if total > MAX_SHUFFLED:
            queue = rng.integers(0, total, size)
        elif len(queue) < size:
            queue = np.concatenate([queue, rng.permutation(total)])
        drawn, queue = queue[:size], queue[size:]
        rows = ends.searchsorted(drawn, side="right")
        yield rows, first[rows] + drawn - (ends - count)[rows]


def windows_at(
    scaled: ScaledSeries, rows: IntArray, origins: IntArray, input_size: int, n_features: int, *, flat: bool
) -> Array:
    """Return the windows at origins.

    Args:
        scaled: All series.
        rows: Series of each window, [B].
        origins: Columns of T, [B].
        input_size: Values in a window.
        n_features: 2: the value, and 1 where it is observed, 0 where it is filled or before the series; 1: the value.
        flat: Whether the network has no time axis.

    Returns:
        [B, input_size, F]; flat [B, 1, F * input_size], the values first.
    """
    index = rows[:, None], origins[:, None] + np.arange(input_size)
    z = scaled.z[index]
    x = np.empty((len(z), n_features, input_size), np.float32)
    np.clip(z - z[:, -1:], -CLIP, CLIP, out=x[:, 0])
    if n_features > 1:
        x[:, 1] = scaled.observed[index]
    return x.reshape(len(x), 1, -1) if flat else x.transpose(0, 2, 1)


def targets_at(
    scaled: ScaledSeries, rows: IntArray, origins: IntArray, stop: IntArray, horizon: int, input_size: int
) -> tuple[Array, Array]:
    """Return the values after origins, less the level there.

    Args:
        scaled: All series.
        rows: Series of each window, [B].
        origins: Columns of T, [B].
        stop: First column that is not read, [B].
        horizon: Steps ahead.
        input_size: Values in a window.

    Returns:
        Targets [B, horizon] and their weights of 0 and 1: 0 where a value is missing, or from `stop` on, or where the
        level itself is missing.
    """
    columns = origins[:, None] + np.arange(1, horizon + 1)
    inside = columns < stop[:, None]
    padded = np.where(inside, columns, origins[:, None]) + input_size - 1
    level = rows, origins + input_size - 1
    y = scaled.z[rows[:, None], padded] - scaled.z[level][:, None]
    weight = scaled.observed[rows[:, None], padded] * inside * scaled.observed[level][:, None]
    return np.clip(y, -2 * CLIP, 2 * CLIP), weight


def network_windows(
    scaled: ScaledSeries, rows: IntArray, origins: IntArray, network: Network, input_size: int
) -> Array:
    """Return windows at origins as a network reads them, flat or with a time axis.

    Args:
        scaled: The series.
        rows: Series of each origin, shape (B,).
        origins: Column of each origin, shape (B,).
        network: The network.
        input_size: Values in a window.
    """
    features = n_features(network, input_size)
    return windows_at(scaled, rows, origins, input_size, features, flat=len(network.shapes[0]) == 1)


def n_features(network: Network, input_size: int) -> int:
    """Return what a network reads of each step: 1 for the value, 2 with whether it is observed.

    >>> from gatecast.nn.layers import Dense
    >>> from gatecast.nn.network import build
    >>> n_features(build([Dense(3)], (24,)), 24), n_features(build([Dense(3)], (24,)), 12)
    (1, 2)
    """
    shape = network.shapes[0]
    features = (shape[0] or input_size) // input_size if len(shape) == 1 else shape[1]
    return features or 1
