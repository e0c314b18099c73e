"""Seasonal indices as operators: `forecasting.seasonal_indices` and `data.seasonal_strength`, where all is explained.

Shapes: B series, C columns, m season length.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gatecast._utils.typing import IntArray
from gatecast.data.seasonal_strength import CRITICAL_VALUE, MIN_STRENGTH, MIN_VARIANCE
from gatecast.data.seasonal_strength import MAX_DEVIATIONS as MAX_STRENGTH_DEVIATIONS
from gatecast.forecasting.onnx_files.series import count, numbers_along, row_median
from gatecast.forecasting.seasonal_indices import (
    DAYS_PER_WEEK,
    MAX_DEVIATIONS,
    MEAN_VARIANCE,
    MIN_CYCLES,
    MIN_EVIDENCE,
    TRIM,
)
from gatecast.nn.onnx_files import operations as op
from gatecast.nn.onnx_files.builder import Value

__all__ = ["Places", "seasonal_indices"]

Places = Callable[[IntArray | Value], Value]
"""Maps steps, 0 the first one after the end, to places in a season, [B, K]."""

N_ROWS = 2
"""Rows of a season counted by dates: a leap day shares the place of the day before it."""

TINY = float(np.finfo(np.float64).tiny)


def seasonal_indices(values: Value, m: int, multiplicative: Value, places: Places | None = None) -> Value:
    """Return the indices of each series, [B, m]; column j belongs to step j + 1 after the end, or to place j.

    Args:
        values: [B, C]; NaN is missing.
        m: Season length.
        multiplicative: Whether indices are factors, [B] bool.
        places: Returns the places in the season of steps, [B, K]; None: they are counted by steps.
    """
    neutral = op.expand_dims(op.where(multiplicative, np.ones(1), np.zeros(1)), 1)
    start = neutral + np.zeros((1, m))
    if m == 1:
        return start
    if m % DAYS_PER_WEEK == 0 and m > DAYS_PER_WEEK * DAYS_PER_WEEK:
        day = seasonal_indices(values, m // DAYS_PER_WEEK, multiplicative)
        start = op.concatenate([day] * DAYS_PER_WEEK, 1)
    values = _full_cycles(values, m)
    strength, limit = _strength(values, m)
    shown = (strength > MIN_EVIDENCE * limit) & (count(op.is_finite(values)) >= MIN_CYCLES * m)
    return op.where(op.expand_dims(shown, 1), _shrunk(values, m, multiplicative, start, places), start)


def _full_cycles(values: Value, m: int) -> Value:
    """Return as many columns as full cycles have, two cycles at least, with missing values in front."""
    n_cycles = op.maximum((op.size_of(values, 1) + (m - 1)) / m, MIN_CYCLES)
    return op.slice_of(op.pad(values, 2, 1, (MIN_CYCLES + 1) * m, 0, np.nan), 1, -(n_cycles * m))


def _shrunk(values: Value, m: int, multiplicative: Value, start: Value, places: Places | None) -> Value:
    """Return classical indices drawn to `start` [B, m]; `start` where there are none."""
    divide = op.expand_dims(multiplicative, 1)
    center = _centered_mean(values, m)
    detrended = op.where(divide, values / center, values - center)
    if places is None:
        cycles = op.reshape(detrended, (0, -1, m))
    else:
        cycles = _dated_cycles(detrended, places(numbers_along(values, 1) - op.size_of(values, 1)), m)
    known = op.is_finite(cycles)
    is_known = op.reduce_max(op.cast(known, np.float64), 1, keepdims=True) > 0
    neutral = op.where(op.expand_dims(divide, 2), np.ones((1, 1, 1)), np.zeros((1, 1, 1)))
    is_first = op.expand_dims(numbers_along(cycles, 1), 1).equals(0)
    cycles = op.where(~is_known & is_first, neutral, cycles)
    phases = _trimmed_mean(cycles)
    mean = op.reduce_mean(phases, 1, keepdims=True)
    indices = op.where(divide, phases / mean, phases - mean)
    noise = _index_variance(cycles, m, indices)
    deviation = indices - start
    signal = op.maximum(op.total(deviation * deviation, 1) / (m - 1) - noise, 0)
    share = noise / op.maximum(noise + signal, TINY)
    weight = op.expand_dims(share * max((m - 3) / (m - 1), 1 / 3), 1)
    shrunk = start + (1 - weight) * deviation
    finite = op.reduce_min(op.cast(op.is_finite(shrunk), np.float64), 1, keepdims=True) > 0
    positive = op.reduce_min(op.where(op.is_finite(shrunk), shrunk, -1), 1, keepdims=True) > 0
    return op.where(finite & (~divide | positive), shrunk, start)


def _dated_cycles(values: Value, places: Value, m: int) -> Value:
    """Return values by their places in each season, [B, rows, m]; NaN where a season has none."""
    change = op.slice_of(places, 1, 1) - op.slice_of(places, 1, 0, -1)
    first = op.full(places, [1])
    season = op.cumsum(op.concatenate([first, op.cast(change < 0, np.int64)], 1), 1)
    # A step that shares the place of the one before it has a row of its own.
    repeats = op.concatenate([first, op.cast(change.equals(0), np.int64)], 1)
    slots = (season * N_ROWS + repeats) * m + places
    n_rows = (op.size_of(values, 1) / m + 2) * N_ROWS
    empty = op.full(values, [n_rows * m], np.nan)
    return op.reshape(values.builder.op("ScatterElements", empty, slots, values, axis=1), (0, -1, m))


def _trimmed_mean(cycles: Value) -> Value:
    """Return means over the cycles without the largest and smallest fifth, [B, m]."""
    known = op.is_finite(cycles)
    n = op.total(op.cast(known, np.float64), 1, keepdims=True)
    ordered = op.sort(op.where(known, cycles, np.inf), op.size_of(cycles, 1), 1)
    drop = cycles.builder.op("Floor", TRIM * n)
    place = op.expand_dims(op.cast(numbers_along(cycles, 1), np.float64), 1)
    inside = (drop <= place) & (n - drop > place)
    return op.total(op.where(inside, ordered, 0), 1) / op.maximum(op.total(op.cast(inside, np.float64), 1), 1)


def _index_variance(cycles: Value, m: int, indices: Value) -> Value:
    """Return the variance of means over the cycles, [B]."""
    known = op.is_finite(cycles)
    deviation = op.absolute(cycles - op.expand_dims(indices, 1))
    flat, inside = (op.reshape(x, (0, -1)) for x in (deviation, known))
    flat = op.where(inside, flat, np.nan)
    cut = op.minimum(op.where(inside, flat, 0), MAX_DEVIATIONS * row_median(flat))
    n = count(inside)
    return MEAN_VARIANCE * op.total(cut * cut, 1) / op.maximum(n - m, 1) * m / op.maximum(n, 1)


def _centered_mean(values: Value, m: int) -> Value:
    """Return moving means over a season, both ends weighted by a half if m is even; NaN where a value is missing."""
    half = m // 2
    known = op.is_finite(values)
    sums, counts = (
        op.pad(op.cumsum(x, 1), 2, 1, 1, 0) for x in (op.where(known, values, 0), op.cast(known, np.float64))
    )
    n_means = op.size_of(values, 1) - 2 * half

    def window(x: Value, first: int, size: int) -> Value:
        """Return sums of windows that begin some columns after each."""
        return op.slice_of(x, 1, first + size, n_means + (first + size)) - op.slice_of(x, 1, first, n_means + first)

    if m % 2:
        total, is_whole = window(sums, 0, m), window(counts, 0, m) > m - 0.5
    else:
        total = 0.5 * (window(sums, 0, m) + window(sums, 1, m))
        is_whole = window(counts, 0, m + 1) > m + 0.5
    mean = op.where(is_whole, total / m, np.nan)
    return op.pad(mean, 2, 1, half, half, np.nan)


def _strength(values: Value, m: int) -> tuple[Value, Value]:
    """Return the autocorrelation of each series at lag m, and the limit above which it shows a season, [B] each."""
    observed = op.is_finite(values)
    flags = op.cast(observed, np.float64)
    n = op.maximum(count(observed), 1)
    x = op.where(observed, _deviations(_without_line(values), m), 0)
    limit = MAX_STRENGTH_DEVIATIONS * op.expand_dims(op.sqrt(op.total(x * x, 1) / n), 1)
    x = op.clip(x, -limit, limit)
    energy = op.total(x * x, 1)
    energy = op.where(energy > MIN_VARIANCE * n, energy, np.inf)

    def correlation(lag: int) -> Value:
        """Return the autocorrelation at a lag, as if all pairs were observed."""
        newer, older = (op.slice_of(flags, 1, lag), op.slice_of(flags, 1, 0, -lag))
        pairs = op.total(newer * older, 1)
        share = pairs / op.maximum(n - lag, 1)
        products = op.total(op.slice_of(x, 1, lag) * op.slice_of(x, 1, 0, -lag), 1)
        return products / energy / op.where(pairs > 0, share, np.inf)

    squares = [correlation(lag) for lag in range(1, m // 4 + 1)]
    short = sum((r * r for r in squares[1:]), squares[0] * squares[0]) if squares else 0.0 * n
    return correlation(m), op.maximum(CRITICAL_VALUE * op.sqrt((1 + 2 * short) / n), MIN_STRENGTH)


def _without_line(values: Value) -> Value:
    """Return series in units of their largest values, without their linear trends, [B, C]."""
    observed = op.is_finite(values)
    n = op.maximum(op.expand_dims(count(observed), 1), 1)
    size = op.reduce_max(op.where(observed, op.absolute(values), 0), 1, keepdims=True)
    x = op.where(observed, values / op.where(size > 0, size, 1), 0)
    t = op.cast(numbers_along(values, 1), np.float64)
    mean_t = op.total(op.cast(observed, np.float64) * t, 1, keepdims=True) / n
    since_mean = op.where(observed, t - mean_t, 0)
    x = op.where(observed, x - op.total(x, 1, keepdims=True) / n, 0)
    squares = op.total(since_mean * since_mean, 1, keepdims=True)
    slope = op.total(since_mean * x, 1, keepdims=True) / op.where(squares > 0, squares, 1)
    return op.where(observed, x - slope * since_mean, np.nan)


def _deviations(values: Value, m: int) -> Value:
    """Return values less the centered moving averages over a season; windows are cut at the ends."""
    observed, n_columns = op.is_finite(values), op.size_of(values, 1)
    sums, counts = (
        op.pad(op.pad(op.cumsum(x, 1), 2, 1, m + 1, 0), 2, 1, 0, m, mode="edge")
        for x in (op.where(observed, values, 0), op.cast(observed, np.float64))
    )
    parts = []
    for padded in (sums, counts):
        windows = [
            op.slice_of(padded, 1, 2 * m - before, n_columns + (2 * m - before))
            - op.slice_of(padded, 1, m - before, n_columns + (m - before))
            for before in sorted({m // 2, (m - 1) // 2})
        ]
        parts.append(windows[0] if len(windows) == 1 else windows[0] + windows[1])
    return values - parts[0] / op.maximum(parts[1], 1)
