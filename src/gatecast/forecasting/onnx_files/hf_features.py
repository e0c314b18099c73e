"""What the high-frequency network reads at every token, as operators: `pretrained.hf.features`, where all is explained.

Shapes: n series, T steps, N tokens of p values, J = 8 p steps of a block, A simple forecasts.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gatecast.forecasting.onnx_files.hf_copies import graph_copies
from gatecast.forecasting.onnx_files.hf_errors import graph_past_errors
from gatecast.forecasting.onnx_files.hf_history import GraphHistory
from gatecast.forecasting.onnx_files.open_steps import at_steps, cumulative_max, earlier, fraction, numbers_below, soft
from gatecast.forecasting.onnx_files.series import numbers_along
from gatecast.forecasting.pretrained.hf.clock import TOKENS, overlaps
from gatecast.forecasting.pretrained.hf.features import HEAD, MAX_TARGET, MIN_UNITS, PARTS
from gatecast.nn.onnx_files import operations as op
from gatecast.nn.onnx_files.builder import Value

__all__ = ["GraphTokens", "graph_tokens"]

TOKENS_OF_GAP = 64
"""Tokens, at most, that a gap counts."""

SHARES = np.stack(
    [np.zeros((HEAD.slots, PARTS))]
    + [np.pad(overlaps(PARTS, p).T, ((0, HEAD.slots - p), (0, 0))) for p in range(1, HEAD.slots + 1)]
)
"""Share of each part that each value of a token covers, by the values of a token, [9, 8, PARTS]."""


class GraphTokens(NamedTuple):
    """Inputs of the network, and what turns its outputs into forecasts."""

    inputs: Value
    """[n, N, N_INPUTS] float32."""
    anchors: Value
    """Simple forecasts less the level, in units, [n, A, N, J] float32."""
    level: Value
    """[n, N]."""
    unit: Value
    """[n, N]."""
    prior: Value
    """[n, N, G, A] float32."""


def graph_tokens(history: GraphHistory, before: Value, n_tokens: Value, p: Value) -> GraphTokens:
    """Compute the features at the ends of tokens.

    Args:
        history: Of series with ``before + n_tokens p`` steps.
        before: Steps before the first token.
        n_tokens: Tokens N.
        p: Values of a token.
    """
    origins = before + p * (numbers_below(n_tokens) + 1) - 1
    level, unit = at_steps(history.level, origins), at_steps(history.unit, origins)
    single_unit = op.cast(unit, np.float32)
    simple = graph_copies(history, origins, TOKENS * p) / op.expand_dims(op.expand_dims(single_unit, 1), 3)
    simple = op.clip(simple, -MAX_TARGET, MAX_TARGET)
    seen, known = _followed(history, origins, (level, unit), TOKENS * p)
    # Of the first cycle there is no copy: what was forecast in it says nothing of later.
    began = op.expand_dims(origins + 1 - history.first >= history.m, 2)
    past = graph_past_errors(simple, seen, op.cast(known & began, np.float32))
    simple = simple / op.expand_dims(op.expand_dims(op.cast(past.size, np.float32), 1), 3)
    unit_of_tokens = unit * past.size
    inputs = [
        *_token_values(history, origins, p, level, unit_of_tokens),
        *_look_ahead(simple),
        op.expand_dims(op.power(at_steps(history.persistence, origins), fraction(p)), 2),
        soft(past.newest / op.expand_dims(past.size, 2)),
        *past.inputs,
        *(op.expand_dims(part, 2) for part in _statistics(history, origins, p, unit)),
    ]
    single = op.concatenate([op.cast(part, np.float32) for part in inputs], 2)
    return GraphTokens(single, simple, level + history.origin, unit_of_tokens, past.logits)


def _followed(history: GraphHistory, origins: Value, scale: tuple[Value, Value], n_steps: Value) -> tuple[Value, Value]:
    """Return what follows origins less the level, in units, [n, N, J] float32, and whether it is known, bool."""
    level, unit = (op.expand_dims(part, 2) for part in scale)
    step = op.expand_dims(origins, 1) + (numbers_below(n_steps) + 1)
    size = op.size_of(history.level, 1)
    inside = op.minimum(step, size - 1)
    known = op.take(history.observed, inside, 1) & (step < size)
    value = (op.take(history.by_season, inside, 1) - level) / unit
    return op.cast(op.where(known, op.clip(value, -MAX_TARGET, MAX_TARGET), 0), np.float32), known


def _token_values(h: GraphHistory, origins: Value, p: Value, level: Value, unit: Value) -> list[Value]:
    """Return the parts of tokens, less the level and less copies; 0 where nothing was observed."""
    step = op.expand_dims(origins - (p - 1), 1) + numbers_below(p)
    first = op.expand_dims(h.first, 2)
    observed = op.cast(op.take(h.observed, step, 1), np.float64)
    x, before, twice = (at_steps(h.by_season, step - k * h.m) for k in range(3))
    has_one, has_two = (step - k * h.m >= first for k in (1, 2))
    change = op.where(has_two, x - 0.5 * (before + twice), x - before) * op.cast(has_one, np.float64)
    has_long = (step - h.long >= first) & h.has_long
    long_change = (x - at_steps(h.by_long, step - h.long)) * op.cast(has_long, np.float64)
    rows = [x - op.expand_dims(level, 2), change, long_change]
    weights = op.squeeze(op.take(x.builder.constant(SHARES), p, 0), 0)
    weights = op.slice_of(weights, 0, 0, p)
    share = observed @ weights
    share = op.where(share > 1e-9, share, np.inf)
    unit = op.expand_dims(unit, 2)
    parts = [soft((row * observed) @ weights / share / unit) for row in rows]
    newest = op.slice_of(change, 2, -1) * op.slice_of(observed, 2, -1) / unit
    return [*parts, soft(newest)]


def _look_ahead(simple: Value) -> list[Value]:
    """Return what simple forecasts say of the next tokens, relative to each other, [n, N, k] each."""
    tokens = op.reduce_mean(op.reshape(simple, (0, 0, 0, TOKENS, -1)), 4)
    part = {i: op.take(tokens, i, 1) for i in range(1, HEAD.anchors)}
    pairs = [part[2], part[4] - part[2], part[6] - part[4], part[7] - part[6]]
    scalars = [
        op.slice_of(part[1], 2, 0, 1),
        *(op.reduce_mean(part[i] - part[k], 2, keepdims=True) for i, k in ((3, 4), (5, 6))),
        op.slice_of(part[8] - part[6], 2, 0, 1),
        part[11] - part[4],
        part[14] - part[10],
        *(op.slice_of(part[i] - part[11], 2, 0, 1) for i in (10, 12, 13)),
        op.slice_of(part[13] - part[11], 2, -1),
        op.slice_of(part[15] - part[14], 2, 0, 1),
    ]
    return [soft(x) for x in (*pairs, *scalars)]


def _statistics(h: GraphHistory, origins: Value, p: Value, unit: Value) -> list[Value]:
    """Return lengths, gaps, variation, autocorrelations and extremes, [n, N] each."""
    m, long = fraction(h.m), fraction(h.long)
    since = fraction(op.maximum(origins + 1 - h.first, 0)) / m
    zeros = 0 * unit
    step = op.expand_dims(origins - (p - 1), 1) + numbers_below(p)
    observed = op.reduce_mean(op.cast(op.take(h.observed, step, 1), np.float64), 2)
    newest = at_steps(h.newest(), origins)
    gap = op.minimum(fraction(origins - newest), TOKENS_OF_GAP * fraction(p)) / fraction(p)
    variation = _newest_mean(h.size, h.compared, 2 * h.m)
    return [
        op.log(1 + since) / 2,
        zeros + op.log(m) / (6 * np.log(2.0)),
        zeros + op.log(fraction(p)) / (3 * np.log(2.0)),
        zeros + op.where(h.has_long, op.log(long / m) / (4 * np.log(2.0)), -0.5),
        op.where(h.has_long, op.log(1 + since * m / long), 0),
        observed,
        op.log(1 + gap) / 2,
        op.log((at_steps(variation, origins) + MIN_UNITS * unit) / unit),
        op.log(at_steps(h.spread, origins) / unit + MIN_UNITS),
        *_autocorrelations(h, origins, p),
        *_level_changes(h, origins, p, unit),
        *_extremes(h, origins, unit),
    ]


def _newest_mean(x: Value, weight: Value, k: Value) -> Value:
    """Return the mean of the newest k values of a sum with weights of 0 and 1, [n, T]; 0 without any."""
    total, count = (op.cumsum(part, 1) for part in (x, weight))
    newest, known = (part - earlier(part, k) for part in (total, count))
    return op.maximum(newest, 0) / op.maximum(known, 1)


def _autocorrelations(h: GraphHistory, origins: Value, p: Value) -> list[Value]:
    """Return autocorrelations of the changes over the season, at lags of a step and of a token, [n, N] each."""
    x = soft((h.by_season - earlier(h.by_season, h.m)) * h.compared / h.unit)
    squares = at_steps(op.cumsum(x * x, 1), origins) + 1
    lags: tuple[Value | int, ...] = (1, p)
    return [at_steps(op.cumsum(x * earlier(x, lag), 1), origins) / squares for lag in lags]


def _level_changes(h: GraphHistory, origins: Value, p: Value, unit: Value) -> list[Value]:
    """Return how the level has changed, in units, [n, N] each; 0 where the series had not begun then."""
    out, now = [], at_steps(h.level, origins)
    for lag, is_there in ((p, None), (h.m, None), (2 * h.m, None), (h.long, h.has_long)):
        step = origins - lag
        known = step >= h.first if is_there is None else (step >= h.first) & is_there
        out.append(soft((now - at_steps(h.level, step)) * op.cast(known, np.float64) / unit))
    return out


def _extremes(h: GraphHistory, origins: Value, unit: Value) -> list[Value]:
    """Return how often values were the least, the largest, or the one before, and how far the level is, [n, N]."""
    x, observed = h.by_season, h.observed
    low = -cumulative_max(op.where(observed, -x, -np.inf), h.longest)
    high = cumulative_max(op.where(observed, x, -np.inf), h.longest)
    flags = op.cast(observed, np.float64)
    count = op.maximum(at_steps(op.cumsum(flags, 1), origins), 1)
    same = x.equals(earlier(x, 1, np.nan)) & (numbers_along(x, 1) > h.first)
    shares = [
        at_steps(op.cumsum(op.cast(a & observed, np.float64), 1), origins) / count for a in (x <= low, x >= high, same)
    ]
    level, low, high = (at_steps(part, origins) for part in (h.level, low, high))
    began = op.is_finite(low)
    below, above = op.where(began, level - low, 0), op.where(began, high - level, 0)
    return [*shares, soft(below / unit), soft(above / unit)]
