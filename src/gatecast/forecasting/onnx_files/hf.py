"""The pretrained network of high frequency as operators: `pretrained.hf.predict`, where all is explained.

Series of one pair of seasons run together; a loop goes through the pairs that the series of a run have chosen, so that
seasons are numbers of the run.

Shapes: B series, n of one pair of seasons, h steps, Q levels, N tokens, K blocks, J = 8 p steps of a block.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gatecast.forecasting.onnx_files.hf_clock import GraphClock, add_detail, average_steps, spread_steps
from gatecast.forecasting.onnx_files.hf_features import GraphTokens, graph_tokens
from gatecast.forecasting.onnx_files.hf_history import read_history
from gatecast.forecasting.onnx_files.open_steps import fraction, numbers_below
from gatecast.forecasting.onnx_files.series import numbers_along
from gatecast.forecasting.pretrained.head import LEVELS
from gatecast.forecasting.pretrained.hf.clock import MAX_STEPS, MAX_TOKENS, TOKENS, history_length, token_length
from gatecast.forecasting.pretrained.hf.features import HEAD
from gatecast.forecasting.pretrained.hf.passes import MIN_SIZE, MIN_TOKENS, TIE
from gatecast.forecasting.pretrained.hf.predict import block_steps
from gatecast.nn.layers import QuantileHead
from gatecast.nn.model_layers import layer_names
from gatecast.nn.network import Network, Weights, split_network
from gatecast.nn.onnx_files import operations as op
from gatecast.nn.onnx_files.builder import Value
from gatecast.nn.onnx_files.conversion import Call, CarriedStates
from gatecast.nn.onnx_files.layers import convert_layer, convert_stack

__all__ = ["Limits", "hf_quantiles"]

N_LEVELS = len(LEVELS)

Pair = tuple[int, int]


class Limits(NamedTuple):
    """What the seasons that series may have bound."""

    steps: int
    """Averaged steps that are read, and of blocks without values, at most."""
    cycles: int
    """Seasons in them, at most."""

    @classmethod
    def of(cls, pairs: list[Pair], horizon: int) -> Limits:
        """Return the limits of pairs of seasons, the longer one 0 where there is none."""
        steps = [_averaged_steps(m, long, horizon) for m, long in pairs]
        return cls(max(steps), max(-(-n // min(m, MAX_STEPS)) for n, (m, _) in zip(steps, pairs, strict=True)))


def _averaged_steps(season: int, long: int, horizon: int) -> int:
    """Return the averaged steps of series with these seasons, with those of blocks without values."""
    r = max(season / MAX_STEPS, 1.0)
    m = round(season / r)
    n_blocks = -(-horizon // block_steps(season)) + 1
    return history_length(m, round(long / r)) + (MAX_TOKENS + n_blocks * TOKENS) * token_length(m)


def hf_quantiles(
    network: tuple[Network, Weights], values: Value, season: Value, long: Value, horizon: int, limits: Limits
) -> Value:
    """Return the quantiles of the steps after the end of series of one pair of seasons, [n, h, Q] float64.

    Args:
        network: Layers and weights.
        values: Each of two cycles at least, [n, T].
        season: A number.
        long: Longer season, a number; 0 for none.
        horizon: h.
        limits: Of all pairs that series may have.
    """
    clock = GraphClock.of(season, long)
    newest = clock.newest(values)
    averages = average_steps(newest, clock.r, clock.n_averages)
    n_steps = op.cast(values.builder.op("Ceil", horizon / clock.r - 1e-9), np.int64)
    block = TOKENS * clock.p
    n_blocks = (n_steps + (block - 1)) / block
    coarse = op.slice_of(_forecast(network, averages, clock, n_blocks, limits), 1, 0, n_steps)
    h = values.builder.constant(np.array([horizon]))
    out = add_detail(spread_steps(coarse, clock.r, h), newest, averages, clock)
    known = op.is_finite(values)
    low = op.reduce_min(op.where(known, values, np.inf), 1, keepdims=True)
    high = op.reduce_max(op.where(known, values, -np.inf), 1, keepdims=True)
    out = op.where(op.expand_dims(low >= 0, 2), op.maximum(out, 0), out)
    return op.where(op.expand_dims(high <= 0, 2), op.minimum(out, 0), out)


def _forecast(
    network: tuple[Network, Weights], averages: Value, clock: GraphClock, n_blocks: Value, limits: Limits
) -> Value:
    """Return the quantiles of blocks of averaged steps, [n, K J, Q]."""
    p, T = clock.p, op.size_of(averages, 1)
    known = op.is_finite(averages)
    first = op.reduce_min(op.where(known, fraction(numbers_along(averages, 1)), np.inf), 1)
    length = T - op.cast(first, np.int64)
    n_tokens = _count_tokens(averages, length, p)
    before = op.minimum(clock.history_length, op.maximum(T - _least(n_tokens) * p, 0))
    N = -_least(-n_tokens) + (n_blocks - 1) * TOKENS
    column = op.expand_dims(T - n_tokens * p - before, 1) + numbers_below(before + N * p)
    inside = (column >= 0) & (column < T)
    y = op.where(inside, op.take_along_axis(averages, op.minimum(op.maximum(column, 0), T - 1), 1), np.nan)
    size = op.absolute(y)
    scale = _power_of_two(op.reduce_max(op.where(op.is_finite(y), size, 0), 1, keepdims=True))
    y = op.where(size < MIN_SIZE * scale, 0, y / scale)
    history = read_history(y, clock.m, clock.long, limits.steps, limits.cycles)
    tokens = graph_tokens(history, before, N, p)
    body, head = split_network(*network, 1)
    states = _run(body, tokens.inputs, "hf_body")
    at = op.expand_dims(n_tokens - 1, 1) + TOKENS * numbers_below(n_blocks)
    outputs = _run(head, _rows(states, at), "hf_head")
    return _blocks(outputs, tokens, at, p) * op.expand_dims(scale, 2)


def _count_tokens(averages: Value, length: Value, p: Value) -> Value:
    """Return the tokens that are read of each series, [n] int64: from the largest change that may be the first on."""
    T = op.size_of(averages, 1)
    back = averages.builder.constant(np.arange(MAX_TOKENS, MIN_TOKENS - 1, -1))
    first = op.maximum(T - p * back, 1)
    change = op.absolute(0.5 * op.take(averages, first, 1) - 0.5 * op.take(averages, first - 1, 1))
    change = op.where(op.is_finite(change), change, 0)
    is_largest = change >= TIE * op.reduce_max(change, 1, keepdims=True)
    n_newest = op.reduce_max(op.where(is_largest, fraction(back), 0), 1)
    n_tokens = (length + (p - 1)) / p
    return op.where(n_tokens > MAX_TOKENS, op.cast(n_newest, np.int64), n_tokens)


def _least(x: Value) -> Value:
    """Return the smallest of all numbers, a tensor of one int64."""
    return op.cast(op.reduce_min(fraction(x), 0, keepdims=True), np.int64)


def _power_of_two(size: Value) -> Value:
    """Return the largest power of two up to each size; a half for 0. Dividing by it changes no bits."""
    positive = size > 0
    exponent = op.log(op.where(positive, size, 0.5)) / np.log(2.0)
    exponent = size.builder.op("Floor", exponent)
    power = size.builder.op("Pow", size.builder.constant(2.0, np.float64), exponent, dtype=np.float64)
    # The logarithm of a power of two, or of what is just below it, is rounded.
    power = op.where(positive & (power > size), 0.5 * power, power)
    return op.where(positive & (2 * power <= size), 2 * power, power)


def _run(part: tuple[Network, Weights], x: Value, name: str) -> Value:
    """Run some layers of the network over [n, T, F]."""
    network, weights = part
    call = Call(name, network.shapes[0], CarriedStates(x.builder))
    return convert_stack(network.layers, weights.views, layer_names(network.layers), x, call)


def _rows(x: Value, steps: Value) -> Value:
    """Return what stands at some places of each series, [n, K, F] of [n, N, F]."""
    shape = op.concatenate([op.size_of(steps, 0), op.size_of(steps, 1), op.size_of(x, 2)], 0)
    index = x.builder.op("Expand", op.expand_dims(steps, 2), shape)
    return op.take_along_axis(x, index, 1)


def _blocks(outputs: Value, tokens: GraphTokens, at: Value, p: Value) -> Value:
    """Return the quantiles of the blocks that follow some tokens, [n, K J, Q] float64.

    Args:
        outputs: Of the network there, [n, K, n_outputs] float32.
        tokens: What they are relative to.
        at: The tokens, [n, K].
        p: Values of a token.
    """
    builder = outputs.builder
    first_logit = HEAD.n_quantiles + HEAD.n_slopes
    groups, anchors, of_group = HEAD.groups, HEAD.anchors, TOKENS // HEAD.groups
    prior = _rows(op.reshape(tokens.prior, (0, 0, groups * anchors)), at)
    logits = op.reshape(op.slice_of(outputs, 2, first_logit) + prior, (0, 0, groups, anchors))
    weights = builder.op("Softmax", logits, axis=3)
    by_token = op.reshape(op.transpose(tokens.anchors, (0, 2, 1, 3)), (0, 0, -1))
    simple = op.reshape(_rows(by_token, at), (0, 0, anchors, -1))
    simple = op.transpose(op.reshape(simple, (0, 0, 0, groups, -1)), (0, 1, 3, 2, 4))
    # [n, K, G, A, J / G]: the first of the simple forecasts, the level, is 0.
    center = op.total(op.expand_dims(weights, 4) * simple, 3)
    center = op.reshape(op.reshape(center, (0, 0, groups * of_group, -1)), (0, 0, TOKENS, -1))
    place = op.cast((2 * fraction(numbers_below(p)) + 1) / fraction(p) - 1, np.float32)
    slopes = op.expand_dims(op.slice_of(outputs, 2, HEAD.n_quantiles, first_logit), 3)
    center = op.expand_dims(center + slopes * place, 4)
    raw = op.reshape(op.slice_of(outputs, 2, 0, HEAD.n_quantiles), (0, 0, TOKENS, N_LEVELS))
    flat = op.reshape(raw, (-1, TOKENS, N_LEVELS))
    call = Call("hf_quantiles", (TOKENS, N_LEVELS), CarriedStates(builder))
    around = op.reshape(
        convert_layer(QuantileHead(N_LEVELS), {}, flat, call)[0].y, builder.op("Shape", raw, dtype=np.int64)
    )
    q = op.reshape(op.cast(center + op.expand_dims(around, 3), np.float64), (0, 0, -1, N_LEVELS))
    level, unit = (
        op.expand_dims(op.expand_dims(op.take_along_axis(part, at, 1), 2), 3) for part in (tokens.level, tokens.unit)
    )
    return op.reshape(level + unit * q, (0, -1, N_LEVELS))
