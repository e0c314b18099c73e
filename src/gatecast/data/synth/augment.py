"""Augmentations of synthetic series, made on the fly: no series is seen twice in the same form.

Each function takes `(rng, values)` with values (rows, length) and returns new values; `augment` applies them at
random. Series without negative values stay without, and whole numbers stay whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from gatecast._utils.typing import Float32Array, IntArray
from gatecast.data.synth.batch import SynthBatch, check_seeds
from gatecast.data.synth.masking import aggregate, drop_points, drop_runs, shorten
from gatecast.data.synth.noise import chance
from gatecast.data.synth.registry import Kind

__all__ = [
    "add_spikes",
    "augment",
    "censor",
    "convolve",
    "mix",
    "modulate",
    "reverse",
    "round_digits",
    "shift_level",
    "warp",
]

SHORTEST = 4
"""Observed values that a history keeps when others go missing."""

Change: TypeAlias = Callable[[np.random.Generator, Float32Array], Float32Array]


def augment(kind: Kind, batch: SynthBatch, seed: int | Sequence[int], *, horizon: int = 0) -> SynthBatch:
    """Return a batch in a new form: mixed, modulated, censored, aggregated, rounded, with missing values.

    Missing values are NaN, and so is everything before the start of a series that was made shorter: histories have a
    random length, half of those of low frequency fewer than 60 values.

    Args:
        kind: The kind of the batch.
        batch: Series without missing values, from `draw`.
        seed: A seed or a sequence of seeds; the same seed gives the same bits.
        horizon: Newest values that a shorter history keeps in addition; a series of few long steps ends within them.

    Returns:
        A new batch of the same shape; the season of an aggregated series is that of its new steps.

    Raises:
        ConfigError: A negative seed.

    Example:
        >>> from gatecast.data.synth import draw
        >>> batch = augment("lf", draw("lf", 50, 80, 1), seed=2)
        >>> batch.values.shape, bool(np.isnan(batch.values).any())
        ((50, 80), True)
    """
    rng = np.random.default_rng(np.random.SeedSequence(check_seeds(seed)))
    values, season, long_season = batch.values.copy(), batch.season.copy(), batch.long_season.copy()
    integers = (values == np.rint(values)).all(axis=1)
    mixed = np.flatnonzero(chance(rng, 0.25, len(values)))
    values[mixed] = mix(rng, values, season, mixed, positive=kind == "lf")
    integers[mixed] = False
    for probability, change in _CHANGES[kind]:
        _apply(rng, values, probability, change)
    values[integers] = np.rint(values[integers])
    if kind == "lf":
        seasons = np.stack([season, long_season], axis=1)
        aggregate(rng, values, seasons, chance(rng, 0.2, len(values)), horizon)
        season, long_season = seasons.T.copy()
    _apply(rng, values, 0.10, round_digits)
    if kind == "hf":
        _apply(rng, values, 0.3, _negate)
    shorten(rng, values, np.full(len(values), 8) if kind == "lf" else 2 * season, horizon, short=kind == "lf")
    complete = values.copy()
    _apply(rng, values, 0.20, drop_points)
    _apply(rng, values, 0.15, drop_runs)
    bare = np.isfinite(values[:, : max(values.shape[1] - horizon, 1)]).sum(axis=1) < SHORTEST
    values[bare] = complete[bare]
    return SynthBatch(values, season, batch.family, long_season)


def _apply(rng: np.random.Generator, values: Float32Array, probability: float, change: Change) -> None:
    """Change some rows in place."""
    rows = np.flatnonzero(chance(rng, probability, len(values)))
    if len(rows):
        values[rows] = change(rng, values[rows])


def _negate(rng: np.random.Generator, values: Float32Array) -> Float32Array:
    """Turn the signs."""
    del rng
    return -values


def mix(
    rng: np.random.Generator, values: Float32Array, season: IntArray, rows: IntArray, *, positive: bool
) -> Float32Array:
    """Return convex mixtures of rows with one or two others of the same season.

    Positive series are divided by their mean first, others standardised.

    >>> y = np.array([[1.0, 3.0], [20.0, 20.0]], np.float32)
    >>> mixed = mix(np.random.default_rng(0), y, np.array([1, 1]), np.array([0]), positive=True)
    >>> round(float(mixed.mean()), 3)
    1.0
    """
    order = np.argsort(season, kind="stable")
    ranked = season[order]
    first = np.searchsorted(ranked, season[rows], side="left")
    size = np.searchsorted(ranked, season[rows], side="right") - first
    weight = rng.standard_gamma(1.0, (3, len(rows)))
    weight[2] *= chance(rng, 0.5, len(rows))
    weight /= weight.sum(axis=0)
    result = np.zeros((len(rows), values.shape[1]), np.float32)
    for k in range(3):
        partner = rows if k == 0 else order[first + (rng.random(len(rows)) * size).astype(np.int64)]
        result += weight[k][:, None].astype(np.float32) * _standardised(values[partner], positive)
    return result


def _standardised(y: Float32Array, positive: bool) -> Float32Array:
    """Rows of mean 1, or of mean 0 and unit standard deviation."""
    mean = y.mean(axis=1, keepdims=True)
    if positive:
        return np.asarray(y / np.where(mean > 0, mean, 1))
    spread = y.std(axis=1, keepdims=True)
    return np.asarray((y - mean) / np.where(spread > 0, spread, 1))


def _curve(rng: np.random.Generator, count: int, length: int) -> Float32Array:
    """Slow curves between -1 and 1: a wave of a half to three periods; (count, length)."""
    cycles, phase = rng.uniform(0.5, 3, (count, 1)), rng.random((count, 1))
    return np.asarray(np.sin(2 * np.pi * (cycles * np.linspace(0, 1, length) + phase)), dtype=np.float32)


def modulate(rng: np.random.Generator, values: Float32Array) -> Float32Array:
    """Multiply by a slow curve, `exp(a sin(...))`, a U(0.05, 0.6).

    >>> bool((modulate(np.random.default_rng(0), np.ones((2, 5), np.float32)) > 0).all())
    True
    """
    size = rng.uniform(0.05, 0.6, (len(values), 1)).astype(np.float32)
    return np.asarray(values * np.exp(size * _curve(rng, *values.shape)))


def _raise_by(values: Float32Array, effect: Float32Array) -> Float32Array:
    """Multiply rows without negative values by exp(effect); add multiples of the spread to the others."""
    spread = values.std(axis=1, keepdims=True)
    negative = values.min(axis=1, keepdims=True) < 0
    return np.where(negative, values + 3 * spread * effect, values * np.exp(effect))


def shift_level(rng: np.random.Generator, values: Float32Array) -> Float32Array:
    """Raise or lower everything after a random step, by N(0, 0.4) in the logarithm.

    >>> y = shift_level(np.random.default_rng(0), np.ones((1, 50), np.float32))
    >>> len(np.unique(y))
    2
    """
    count, length = values.shape
    after = np.arange(length) >= rng.integers(1, max(2, length), (count, 1))
    return _raise_by(values, (rng.normal(0, 0.4, (count, 1)) * after).astype(np.float32))


def add_spikes(rng: np.random.Generator, values: Float32Array) -> Float32Array:
    """Raise or lower single points, one in U(20, 200), by N(0, 1) in the logarithm.

    >>> y = add_spikes(np.random.default_rng(0), np.ones((1, 400), np.float32))
    >>> bool(0 < (y != 1).mean() < 0.1)
    True
    """
    rare = chance(rng, 1 / rng.uniform(20, 200, (len(values), 1)), values.shape)
    return _raise_by(values, (rare * rng.standard_normal(values.shape)).astype(np.float32))


def censor(rng: np.random.Generator, values: Float32Array) -> Float32Array:
    """Cut off what is above a quantile U(0.7, 0.98), or for a third what is below 1 less it.

    >>> y = np.arange(100, dtype=np.float32)[None]
    >>> bool(len(np.unique(censor(np.random.default_rng(0), y))) < 100)
    True
    """
    count, length = values.shape
    rank = (rng.uniform(0.7, 0.98, (count, 1)) * length).astype(np.int64)
    ordered = np.sort(values, axis=1)
    top = np.take_along_axis(ordered, np.minimum(rank, length - 1), axis=1)
    bottom = np.take_along_axis(ordered, length - 1 - np.minimum(rank, length - 1), axis=1)
    return np.where(chance(rng, 1 / 3, (count, 1)), np.maximum(values, bottom), np.minimum(values, top))


def reverse(rng: np.random.Generator, values: Float32Array) -> Float32Array:
    """Reverse time.

    >>> reverse(np.random.default_rng(0), np.array([[1, 2]], np.float32)).tolist()
    [[2.0, 1.0]]
    """
    del rng
    return values[:, ::-1]


def convolve(rng: np.random.Generator, values: Float32Array) -> Float32Array:
    """Average each value with its two predecessors, with random weights.

    >>> convolve(np.random.default_rng(0), np.ones((1, 3), np.float32)).tolist()
    [[1.0, 1.0, 1.0]]
    """
    weight = rng.standard_gamma(1.0, (3, len(values), 1)).astype(np.float32)
    weight /= weight.sum(axis=0)
    before = np.concatenate([values[:, :1], values[:, :1], values], axis=1)
    length = values.shape[1]
    return np.asarray(sum(weight[k] * before[:, 2 - k : 2 - k + length] for k in range(3)))


def warp(rng: np.random.Generator, values: Float32Array) -> Float32Array:
    """Let time run up to 5 % faster and slower, in slow waves; values between two steps are interpolated.

    >>> y = warp(np.random.default_rng(0), np.arange(200, dtype=np.float32)[None])
    >>> bool(abs(np.diff(y) - 1).max() < 0.06)
    True
    """
    count, length = values.shape
    cycles = rng.uniform(1, 4, (count, 1))
    size = rng.uniform(0, 0.05, (count, 1)) * length / (2 * np.pi * cycles)
    angle = 2 * np.pi * (cycles * np.arange(length) / length + rng.random((count, 1)))
    time = np.clip(np.arange(length) + size * np.sin(angle), 0, length - 1)
    low = time.astype(np.int64)
    one, two = (np.take_along_axis(values, np.minimum(low + k, length - 1), axis=1) for k in (0, 1))
    return np.asarray(one + (time - low).astype(np.float32) * (two - one))


def round_digits(rng: np.random.Generator, values: Float32Array) -> Float32Array:
    """Round to two or three digits of the largest value, as sensors and reports do.

    >>> round_digits(np.random.default_rng(0), np.array([[123.456, 1.0]], np.float32)).tolist()
    [[123.0, 1.0]]
    """
    largest = np.nanmax(np.abs(values), axis=1, keepdims=True)
    digits = rng.integers(2, 4, (len(values), 1))
    unit = 10.0 ** (np.floor(np.log10(np.where(largest > 0, largest, 1))) + 1 - digits)
    return np.asarray(np.rint(values / unit) * unit, dtype=np.float32)


_SHARED: tuple[tuple[float, Change], ...] = (
    (0.30, modulate),
    (0.03, reverse),
    (0.05, convolve),
    (0.10, shift_level),
    (0.05, add_spikes),
    (0.08, censor),
)
_CHANGES = {"lf": _SHARED, "hf": ((0.05, warp), *_SHARED)}
"""Probability of each augmentation that keeps every value, in order."""
