"""Augmentations that leave fewer values: aggregation, missing values, shorter histories. NaN marks what is missing."""

from __future__ import annotations

import numpy as np

from gatecast._utils.typing import BoolArray, Float32Array, IntArray
from gatecast.data.synth.noise import chance

__all__ = ["aggregate", "drop_points", "drop_runs", "shorten"]

STEPS = (2, 3, 4, 12)


def aggregate(
    rng: np.random.Generator, values: Float32Array, season: IntArray, long_season: IntArray, chosen: BoolArray
) -> None:
    """Replace chosen rows by sums or means of 2, 3, 4 or 12 steps, in place; the start of a row becomes NaN.

    Only steps that divide the season, or any where there is none; the season is divided by them.

    >>> y, m = np.arange(8, dtype=np.float32)[None].copy(), np.array([4])
    >>> aggregate(np.random.default_rng(0), y, m, np.zeros(1, np.int64), np.array([True]))
    >>> m.tolist() in ([4], [2], [1])
    True
    """
    steps = np.array(STEPS)[rng.integers(0, len(STEPS), len(values))]
    possible = chosen & ((season == 1) | (season % steps == 0)) & (long_season % steps == 0)
    summed = chance(rng, 0.5, len(values))
    for step in STEPS:
        rows = np.flatnonzero(possible & (steps == step))
        blocks = values.shape[1] // step
        if not len(rows) or not blocks:
            continue
        newest = values[rows, values.shape[1] - blocks * step :]
        means = newest.reshape(len(rows), blocks, step).mean(axis=2)
        values[rows, :-blocks] = np.nan
        values[rows, -blocks:] = means * np.where(summed[rows], step, 1)[:, None]
        season[rows] = np.maximum(season[rows] // step, 1)
        long_season[rows] //= step


def drop_points(rng: np.random.Generator, values: Float32Array) -> Float32Array:
    """Drop a share U(0.02, 0.3) of the points of each row.

    >>> y = drop_points(np.random.default_rng(0), np.ones((1, 500), np.float32))
    >>> bool(0.01 < np.isnan(y).mean() < 0.35)
    True
    """
    return np.where(chance(rng, rng.uniform(0.02, 0.3, (len(values), 1)), values.shape), np.float32(np.nan), values)


def drop_runs(rng: np.random.Generator, values: Float32Array) -> Float32Array:
    """Drop one to three runs of up to an eighth of each row.

    >>> y = drop_runs(np.random.default_rng(0), np.ones((1, 80), np.float32))
    >>> bool(0 < np.isnan(y).sum() <= 30)
    True
    """
    count, length = values.shape
    steps = np.arange(length)
    missing = np.zeros(values.shape, bool)
    for k in range(3):
        start = rng.integers(0, length, (count, 1))
        size = rng.integers(1, max(2, length // 8 + 1), (count, 1)) * (chance(rng, 0.5, (count, 1)) | (k == 0))
        missing |= (steps >= start) & (steps < start + size)
    return np.where(missing, np.float32(np.nan), values)


def shorten(rng: np.random.Generator, values: Float32Array, shortest: IntArray, horizon: int, *, short: bool) -> None:
    """Give each row a random history, in place: values before it become NaN.

    Lengths are uniform in the logarithm from the shortest one on; with `short`, half of them end at 60.

    >>> y = np.ones((1, 100), np.float32)
    >>> shorten(np.random.default_rng(0), y, np.array([8]), 10, short=True)
    >>> bool(18 <= np.isfinite(y).sum() <= 100)
    True
    """
    count, length = values.shape
    longest = max(length - horizon, 1)
    low = np.minimum(shortest, longest)
    high = np.where(short & chance(rng, 0.5, count), np.clip(60, low, longest), longest)
    history = np.exp(rng.uniform(np.log(low), np.log(high + 1), count)).astype(np.int64)
    values[np.arange(length) < (length - horizon - history)[:, None]] = np.nan
