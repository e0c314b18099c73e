"""Simple forecasts of the high-frequency network: copies of cycles, at the resolution of the series.

With x a series whose gaps are filled, L its level (the mean of the newest cycle), m the season and M the longer one, a
forecast of step j from origin t is::

    level                   L[t]
    last value              x[t]
    last cycle              x[t + j - q m],  q = ceil(j / m)
    mean cycle              mean over c = 0 .. 3 of x[t + j - (q + c) m]
    cycle shape             L[t] + mean over c of x[t + j - (q + c) m] - L[t - (q + c - 1) m]
    mean week               mean over c of x[t + j - (q + c) M],  q = ceil(j / M)
    week shape              L[t] + mean over c of x[t + j - (q + c) M] - L[t - (q + c) M]
    last week shape         L[t] + x[t + j - q M] - L[t - q M]
    last value with shape   week shape + x[t] - L[t] - mean over c = 1 .. 4 of x[t - c M] - L[t - c M]
    cycle shape with drift  cycle shape + q (L[t] - L[t - M]) m / M,  q = ceil(j / m)
    mean of all cycles      P[t + j - q m],  P the mean of all values of a phase so far
    shape of all cycles     L[t] + P[t + j - q m] - mean of P[t - m + 1] .. P[t]
    last value, that shape  shape of all cycles + x[t] - L[t] - P[t] + mean of P[t - m + 1] .. P[t]
    that shape on a line    line[t + j] + shape of all cycles - L[t], less the line's rise within a cycle
    mean of all weeks       W[t + j - q M],  W as P, of the phases of the longer season;  q = ceil(j / M)
    regression to it        mean of all weeks + r^j (x[t] - W[t]),  r the autocorrelation of such deviations at a step

Cycles that began before the first value are left out of means. Where there is no longer season, or not one cycle of
it, its copies are those of the season; where there is not one cycle of that either, they are the last value. A "week"
is the longer season, whatever its length.

Shapes: T steps, n series, N origins, J steps ahead, A simple forecasts.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gatecast._utils.typing import BoolArray, Float32Array, FloatArray, IntArray
from gatecast.forecasting.pretrained.hf.history import History

__all__ = ["ANCHOR_NAMES", "N_CYCLES", "copies", "last_deviation"]

ANCHOR_NAMES = (
    "level",
    "last value",
    "last cycle",
    "mean cycle",
    "cycle shape",
    "mean week",
    "week shape",
    "last week shape",
    "last value with shape",
    "cycle shape with drift",
    "mean of all cycles",
    "shape of all cycles",
    "last value with shape of all cycles",
    "shape of all cycles on a line",
    "mean of all weeks",
    "regression to mean of all weeks",
)
"""Simple forecasts in the order of the network's weights."""

N_CYCLES = 4
"""Newest cycles whose mean is taken, at most."""


class _Cycles(NamedTuple):
    """Copies of one season, (N, J, n) each, less the level at the origin."""

    newest: Float32Array
    mean: Float32Array
    newest_shape: Float32Array
    shape: Float32Array
    """Mean of the cycles less their levels."""
    known: BoolArray
    """(N, J, n): whether there is a cycle."""


def copies(history: History, origins: IntArray, n_steps: int) -> Float32Array:
    """Return the simple forecasts less the level at the origin, (A, N, J, n).

    Args:
        history: Series of one pair of seasons.
        origins: Steps, (N,); nothing after them is read.
        n_steps: Steps ahead J.

    Example:
        >>> from gatecast.forecasting.pretrained.hf.history import read_history
        >>> y = np.tile([1.0, 5.0, 3.0, 5.0], 6)[:, None]
        >>> history = read_history(y, 4, 8)
        >>> (copies(history, np.array([23]), 2)[:, 0, :, 0] + 3.5)[[1, 2, 6]].tolist()
        [[5.0, 5.0], [1.0, 5.0], [1.0, 5.0]]
    """
    out = np.zeros((len(ANCHOR_NAMES), len(origins), n_steps, history.level.shape[1]), np.float32)
    out[1] = (history.by_season[origins] - history.level[origins])[:, None]
    cycle = _cycles(history, origins, n_steps, history.m)
    out[2], out[3], out[4] = (_or_else(part, out[1], cycle.known) for part in (cycle.newest, cycle.mean, cycle.shape))
    cycles = -(-np.arange(1, n_steps + 1, dtype=np.float32) // history.m)
    out[9] = out[4] + cycles[:, None] * _drift(history, origins)[:, None]
    for k, part in enumerate(_of_all_cycles(history, origins, n_steps), 10):
        out[k] = _or_else(part, out[1], cycle.known)
    if not history.long:
        out[5], out[6], out[7] = out[3], out[4], out[4]
        out[8] = out[4] + last_deviation(history, origins)[:, None]
        return out
    week = _cycles(history, origins, n_steps, history.long)
    for k, (part, other) in enumerate(((week.mean, 3), (week.shape, 4), (week.newest_shape, 4)), 5):
        out[k] = _or_else(part, out[other], week.known)
    out[8] = out[6] + last_deviation(history, origins)[:, None]
    return out


def _of_all_cycles(history: History, origins: IntArray, n_steps: int) -> list[Float32Array]:
    """Return the simple forecasts made from means of all cycles, (N, J, n) each, less the level at the origin."""
    h, m = history, history.m
    offset = np.arange(1, n_steps + 1)
    back = offset - m * -(-offset // m)
    level, phase_level, deviation = (x[origins][:, None] for x in (h.level, h.phase_level, h.deviation))
    cycle = h.phase_mean[np.maximum(origins[:, None] + back, 0)]
    shape = cycle - phase_level
    usual = (h.phase_mean[origins] - h.phase_level[origins])[:, None]
    newest = (h.by_long[origins] - h.long_level[origins])[:, None]
    mean, middle, slope = (x[origins][:, None] for x in h.trend)
    line = mean + slope * ((origins[:, None] + offset)[:, :, None] - h.first - middle)
    rise = slope * (back + (m - 1) / 2)[:, None]
    week = cycle
    if h.long:
        step = origins[:, None] + offset - h.long * -(-offset // h.long)
        week = np.where(step[:, :, None] >= h.first, h.long_phase_mean[np.maximum(step, 0)], cycle)
    faded = deviation * h.persistence[origins][:, None] ** offset[:, None]
    with_last, on_line = shape + newest - usual, line + shape - rise - level
    parts = cycle - level, shape, with_last, on_line, week - level, week + faded - level
    return [part.astype(np.float32) for part in parts]


def _drift(history: History, origins: IntArray) -> Float32Array:
    """Return the mean change of the level over a cycle, (N, n); 0 where the series began too late."""
    lag = history.long or N_CYCLES * history.m
    step = origins - lag
    change = history.level[origins] - history.level[np.maximum(step, 0)]
    known = step[:, None] + 1 - history.first >= history.m
    return (change * known * (history.m / lag)).astype(np.float32)


def last_deviation(history: History, origins: IntArray) -> Float32Array:
    """Return how far values at origins are from what the shape of cycles says of them, (N, n).

    The shape is that of the newest four longer cycles, of cycles where there is none, and flat where there are neither.

    Example:
        >>> from gatecast.forecasting.pretrained.hf.history import read_history
        >>> y = np.tile([1.0, 5.0, 3.0, 5.0], 6)[:, None]
        >>> y[-1] += 2
        >>> last_deviation(read_history(y, 4, 0), np.array([22, 23]))[:, 0].tolist()
        [0.0, 1.5]
    """
    deviation = history.by_long - history.long_level
    usual = np.zeros((len(origins), deviation.shape[1]))
    for P in [history.m, history.long] if history.long else [history.m]:
        total, count = np.zeros((2, *usual.shape))
        for c in range(1, N_CYCLES + 1):
            step = origins - c * P
            known = step[:, None] >= history.first
            total += deviation[np.maximum(step, 0)] * known
            count += known
        usual = np.where(count > 0, total / np.maximum(count, 1.0), usual)
    return (deviation[origins] - usual).astype(np.float32)


def _or_else(x: Float32Array, other: Float32Array, known: BoolArray) -> Float32Array:
    """Return x where it is known."""
    return x if known.all() else np.where(known, x, other)


def _cycles(history: History, origins: IntArray, n_steps: int, P: int) -> _Cycles:
    """Return copies of the newest cycles of length P: the season, or the longer one.

    The level of a copied cycle is that at its end, of a longer cycle that at the origin one longer cycle before.
    """
    is_long = history.m != P
    x, levels_of_x = (history.by_long, history.long_level) if is_long else (history.by_season, history.level)
    near = 0 if is_long else 1
    q = -(-np.arange(1, n_steps + 1) // P)
    cycles = np.arange(1, q[-1] + 1)[:, None]
    level, x32 = history.level[origins][:, None], x.astype(np.float32)
    rise = (levels_of_x[origins] - history.level[origins])[:, None]
    total, newest, newest_shape = (np.zeros((len(origins), n_steps, x.shape[1]), np.float32) for _ in range(3))
    levels, count = np.zeros((2, len(origins), len(cycles), x.shape[1]))
    for c in range(N_CYCLES):
        start = origins[:, None, None] - (cycles + c) * P
        known = np.minimum(start + 1, start + near * P) >= history.first
        if not known.any():
            break
        step = origins[:, None] + np.arange(1, n_steps + 1) - (q + c) * P
        value = x32[np.maximum(step, 0)]
        if not known.all():
            value *= known[:, q - 1]
        at = levels_of_x[np.maximum(start[:, :, 0] + near * P, 0)] * known
        total += value
        levels += at
        count += known
        if c == 0:
            newest, newest_shape = _less(value, level, q), _less(value, at - rise, q)
    divisor = np.maximum(count, 1.0)
    total /= divisor.astype(np.float32)[:, q - 1]
    mean, shape = _less(total, level, q), _less(total, levels / divisor - rise, q)
    return _Cycles(newest, mean, newest_shape, shape, (count > 0)[:, q - 1])


def _less(x: Float32Array, level: FloatArray, q: IntArray) -> Float32Array:
    """Return x, (N, J, n), less a level by cycles ahead, (N, cycles, n) or (N, 1, n)."""
    part = level.astype(np.float32)
    return x - (part if part.shape[1] == 1 else part[:, q - 1])
