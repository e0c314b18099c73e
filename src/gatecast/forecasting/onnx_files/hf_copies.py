"""Simple forecasts of the high-frequency network as operators: `pretrained.hf.copies`, where all is explained.

Shapes: n series, T steps, N origins, J steps ahead, A simple forecasts.
"""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import NamedTuple

import numpy as np

from gatecast.forecasting.onnx_files.hf_history import GraphHistory
from gatecast.forecasting.onnx_files.open_steps import at_steps, fraction, numbers_below
from gatecast.forecasting.pretrained.hf.copies import N_CYCLES
from gatecast.nn.onnx_files import operations as op
from gatecast.nn.onnx_files.builder import Value

__all__ = ["graph_copies"]


class _Cycles(NamedTuple):
    """Copies of one season less the level at the origin, [n, N, J] float32 each."""

    newest: Value
    mean: Value
    newest_shape: Value
    shape: Value
    known: Value
    """Whether there is a cycle, bool."""


def graph_copies(history: GraphHistory, origins: Value, n_steps: Value) -> Value:
    """Return the simple forecasts less the level at the origin, [n, A, N, J] float32.

    Args:
        history: Series of one pair of seasons.
        origins: Steps, [N].
        n_steps: Steps ahead J.
    """
    offsets = numbers_below(n_steps) + 1
    level = at_steps(history.level, origins)
    last = _single(op.expand_dims(at_steps(history.by_season, origins) - level, 2))
    cycle = _cycles(history, origins, offsets, is_long=False)
    newest, mean, shape = (op.where(cycle.known, part, last) for part in (cycle.newest, cycle.mean, cycle.shape))
    n_cycles = _single((offsets + (history.m - 1)) / history.m)
    drifting = shape + n_cycles * op.expand_dims(_drift(history, origins), 2)
    week = _cycles(history, origins, offsets, is_long=True)
    has_week = week.known & history.has_long
    mean_week = op.where(has_week, week.mean, mean)
    week_shape, last_week = (op.where(has_week, part, shape) for part in (week.shape, week.newest_shape))
    with_last = week_shape + op.expand_dims(_last_deviation(history, origins), 2)
    flat = 0 * newest
    of_all = [op.where(cycle.known, part, last) for part in _of_all_cycles(history, origins, offsets)]
    parts = (flat, last + flat, newest, mean, shape, mean_week, week_shape, last_week, with_last, drifting, *of_all)
    return op.concatenate([op.expand_dims(part, 1) for part in parts], 1)


def _of_all_cycles(history: GraphHistory, origins: Value, offsets: Value) -> list[Value]:
    """Return the simple forecasts made from means of all cycles, less the level, [n, N, J] float32 each."""
    h = history

    def at_origins(x: Value) -> Value:
        return op.expand_dims(at_steps(x, origins), 2)

    level, phase_level, deviation = (at_origins(x) for x in (h.level, h.phase_level, h.deviation))
    back = offsets - h.m * ((offsets + (h.m - 1)) / h.m)
    at = op.expand_dims(origins, 1)
    cycle = at_steps(h.phase_mean, at + back)
    shape = cycle - phase_level
    usual, newest = at_origins(h.phase_mean - h.phase_level), at_origins(h.by_long - h.long_level)
    mean, middle, slope = (at_origins(x) for x in h.trend)
    line = mean + slope * (fraction(at + offsets) - middle)
    rise = slope * (fraction(back) + (fraction(h.m) - 1) / 2)
    step = at + offsets - h.long * ((offsets + (h.long - 1)) / h.long)
    has_week = (step >= op.expand_dims(h.first, 2)) & h.has_long
    week = op.where(has_week, at_steps(h.long_phase_mean, step), cycle)
    faded = deviation * op.power(at_origins(h.persistence), fraction(offsets))
    with_last, on_line = shape + newest - usual, line + shape - rise - level
    parts = cycle - level, shape, with_last, on_line, week - level, week + faded - level
    return [_single(part) for part in parts]


def _sum(parts: list[Value]) -> Value:
    """Return the sum of tensors of one shape."""
    return reduce(add, parts)


def _single(x: Value) -> Value:
    """Return x in float32."""
    return op.cast(x, np.float32)


def _drift(history: GraphHistory, origins: Value) -> Value:
    """Return the mean change of the level over a cycle, [n, N] float32; 0 where the series began too late."""
    lag = op.where(history.has_long, history.long, N_CYCLES * history.m)
    step = origins - lag
    change = at_steps(history.level, origins) - at_steps(history.level, step)
    known = op.cast(step + 1 - history.first >= history.m, np.float64)
    return _single(change * known * (fraction(history.m) / fraction(lag)))


def _last_deviation(history: GraphHistory, origins: Value) -> Value:
    """Return how far values at origins are from what the shape of cycles says of them, [n, N] float32."""
    deviation = history.by_long - history.long_level
    usual = 0 * at_steps(deviation, origins)
    for P, is_there in ((history.m, None), (history.long, history.has_long)):
        steps = [origins - c * P for c in range(1, N_CYCLES + 1)]
        known = [op.cast(step >= history.first, np.float64) for step in steps]
        total = _sum([at_steps(deviation, step) * flags for step, flags in zip(steps, known, strict=True)])
        count = _sum(known)
        shown = count > 0 if is_there is None else (count > 0) & is_there
        usual = op.where(shown, total / op.maximum(count, 1), usual)
    return _single(at_steps(deviation, origins) - usual)


def _cycles(history: GraphHistory, origins: Value, offsets: Value, *, is_long: bool) -> _Cycles:
    """Return copies of the newest cycles: of the longer season, or of the season.

    The level of a copied cycle is that at its end, of a longer cycle that at the origin one longer cycle before.
    """
    P = history.long if is_long else history.m
    x, levels_of_x = (history.by_long, history.long_level) if is_long else (history.by_season, history.level)
    q = (offsets + (P - 1)) / P
    at = op.expand_dims(origins, 1)
    first = op.expand_dims(history.first, 2)
    level = at_steps(history.level, origins)
    rise = op.expand_dims(at_steps(levels_of_x, origins) - level, 2)
    level = _single(op.expand_dims(level, 2))
    single = _single(x)
    values, levels, counts = [], [], []
    for c in range(N_CYCLES):
        start = at - (q + c) * P
        known = (start if is_long else start + 1) >= first
        counts.append(op.cast(known, np.float64))
        values.append(at_steps(single, at + offsets - (q + c) * P) * _single(known))
        levels.append(at_steps(levels_of_x, start if is_long else start + P) * counts[-1])
    newest, newest_shape = values[0] - level, values[0] - _single(levels[0] - rise)
    count = _sum(counts)
    divisor = op.maximum(count, 1)
    mean = _sum(values) / _single(divisor)
    return _Cycles(newest, mean - level, newest_shape, mean - _single(_sum(levels) / divisor - rise), count > 0)
