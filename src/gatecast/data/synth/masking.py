"""Augmentations that leave fewer values: aggregation, missing values, shorter histories. NaN marks what is missing."""

from __future__ import annotations

import numpy as np

from gatecast._utils.typing import BoolArray, Float32Array, IntArray
from gatecast.data.synth.noise import chance

__all__ = ["aggregate", "drop_points", "drop_runs", "shorten"]

STEPS = (2, 3, 4, 12)


def aggregate(
    rng: np.random.Generator, values: Float32Array, seasons: IntArray, chosen: BoolArray, horizon: int
) -> None:
    """Replace chosen rows by sums or means of 2, 3, 4 or 12 steps, in place; the start of a row becomes NaN.

    Only steps that divide the seasons (rows, 2), of which 1 and 0 mean none; the seasons are divided by them. A row
    with less than horizon + 8 new values has a third of them in the horizon, and NaN after them.

    >>> y, m = np.arange(8, dtype=np.float32)[None].copy(), np.array([[4, 0]])
    >>> aggregate(np.random.default_rng(0), y, m, np.array([True]), 0)
    >>> m.tolist() in ([[4, 0]], [[2, 0]], [[1, 0]])
    True
    """
    length = values.shape[1]
    steps = np.array(STEPS)[rng.integers(0, len(STEPS), len(values))]
    divides = ((seasons <= 1) | (seasons % steps[:, None] == 0)).all(axis=1)
    summed = chance(rng, 0.5, len(values))
    for step in STEPS:
        rows = np.flatnonzero(chosen & divides & (steps == step))
        blocks = length // step
        if not len(rows) or not blocks:
            continue
        end = length if blocks >= horizon + 8 else length - horizon + min(horizon, blocks // 3)
        means = values[rows, length - blocks * step :].reshape(len(rows), blocks, step).mean(axis=2)
        values[rows] = np.nan
        values[rows, end - blocks : end] = means * np.where(summed[rows], step, 1)[:, None]
        seasons[rows] = np.where(seasons[rows] > 1, seasons[rows] // step, seasons[rows])


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

    Lengths are uniform in the logarithm; with `short`, half of them are below 60 and half are not.

    >>> y = np.ones((1, 100), np.float32)
    >>> shorten(np.random.default_rng(0), y, np.array([8]), 10, short=True)
    >>> bool(18 <= np.isfinite(y).sum() <= 100)
    True
    """
    count, length = values.shape
    longest = max(length - horizon, 1)
    middle = np.clip(60, shortest, longest)
    below = chance(rng, 0.5, count) if short else np.zeros(count, bool)
    low = np.minimum(np.where(below | (not short), shortest, middle), longest)
    high = np.where(below, middle - 1, longest).clip(low)
    history = np.exp(rng.uniform(np.log(low), np.log(high + 1), count)).astype(np.int64)
    values[np.arange(length) < (length - horizon - history)[:, None]] = np.nan
