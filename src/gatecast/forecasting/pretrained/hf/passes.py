"""Passes of the high-frequency network over the newest tokens of series, each for all origins that begin to read alike.

What is read from an origin begins 64 to 128 tokens before it, where the series changed most. So origins that are whole
tokens apart and near each other begin at the same token, wherever their series are cut: one pass gives the forecasts
from all of them, with the bits that each has by itself.

Shapes: n series, T averaged steps, N tokens of p of them, F features of a state, k origins, nb blocks of L lanes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gatecast._utils.arrays import history_lengths
from gatecast._utils.typing import Float32Array, FloatArray, IntArray
from gatecast.forecasting.pretrained.batches import pack_time_major
from gatecast.forecasting.pretrained.head import LEVELS, Anchors, anchor_weights, head_forward, split_outputs
from gatecast.forecasting.pretrained.hf.batches import places
from gatecast.forecasting.pretrained.hf.clock import MAX_TOKENS, TOKENS, Clock, history_length
from gatecast.forecasting.pretrained.hf.features import HEAD, TokenFeatures, make_features
from gatecast.forecasting.pretrained.hf.history import read_history
from gatecast.forecasting.pretrained.network import forward_with_states, states_at
from gatecast.kernels.native import State
from gatecast.kernels.packing import blocks
from gatecast.nn.network import Network, Weights, forward, forward_from, split_network

__all__ = ["MIN_TOKENS", "Origins", "Pass", "count_tokens", "run_pass", "size_exponents"]

MIN_TOKENS = 64
"""Tokens that are read, at least, of a series that has them."""

MIN_SIZE = 2.0**-80
"""Values below this share of the largest are read as 0: single precision has to hold their units, which are smaller."""

TIE = 1 - 1e-6
"""Changes are the largest from this share of the largest on: rounding does not choose among equal ones."""


class Origins(NamedTuple):
    """Places in a pass from which to forecast: the ends of tokens."""

    token: IntArray
    """(k,)."""
    lane: IntArray
    """(k,): which series."""


def count_tokens(values: FloatArray, p: int) -> IntArray:
    """Return the tokens that are read up to the end of each series.

    All are if they are no more than `MAX_TOKENS`. Else the first one begins with the largest change among the tokens
    that may be the first one, the oldest of equal ones.

    Args:
        values: Series aligned at their ends, (n, T); NaN is missing, or before a series began.
        p: Values of a token.

    Example:
        >>> y = np.zeros((1, 500))
        >>> y[0, 200:] = 1.0
        >>> [count_tokens(y[:, :end], 3).tolist() for end in (380, 395, 398, 401)]
        [[127], [65], [66], [67]]
    """
    n_tokens = -(-history_lengths(values) // p)
    long = np.flatnonzero(n_tokens > MAX_TOKENS)
    if len(long):
        first = values.shape[1] - p * np.arange(MAX_TOKENS, MIN_TOKENS - 1, -1)
        change = np.nan_to_num(np.abs(0.5 * values[long[:, None], first] - 0.5 * values[long[:, None], first - 1]))
        is_largest = change >= TIE * change.max(axis=1, keepdims=True)
        n_tokens[long] = MAX_TOKENS - is_largest.argmax(axis=1)
    return n_tokens


class Pass(NamedTuple):
    """What one pass over a few series gives."""

    y: FloatArray
    """(n_before + N p, n or 2): values that were read, divided by the scale; NaN where there are none."""
    n_before: int
    """Averaged steps before the first token."""
    last: IntArray
    """(n,): token at the end of each series; tokens behind it have no values."""
    scale: FloatArray
    """(n,): powers of two that the values were divided by."""
    states: Float32Array
    """[nb, N, F, L]."""
    layer_states: list[State | None]
    """Of the layers at all tokens, which the network goes on from; empty if it does not."""
    features: TokenFeatures
    network: tuple[Network, Weights]
    clock: Clock

    def forecast(self, at: Origins, n_blocks: int) -> FloatArray:
        """Return the quantiles of the blocks that follow each origin, (k, n_blocks 8 p, Q).

        Beyond the first one values are not known. So they are not in the pass behind the end of a series; from earlier
        origins the network goes on by itself.
        """
        first = self.quantiles(at)
        if n_blocks == 1:
            return first
        out = np.empty((len(first), n_blocks, *first.shape[1:]))
        out[:, 0] = first
        is_last = at.token == self.last[at.lane]
        end, rest = (Origins(*(part[rows] for part in at)) for rows in (is_last, ~is_last))
        for k in range(1, n_blocks) if len(end.token) else ():
            out[is_last, k] = self.quantiles(Origins(end.token + k * TOKENS, end.lane))
        if len(rest.token):
            later, lane = self.without_values(rest, (n_blocks - 1) * TOKENS), np.arange(len(rest.token))
            for k in range(1, n_blocks):
                out[~is_last, k] = later.quantiles(Origins(np.full(len(lane), k * TOKENS - 1), lane))
        return out.reshape(len(out), -1, out.shape[3])

    def quantiles(self, at: Origins) -> FloatArray:
        """Return the quantiles of the block that follows each origin, (k, 8 p, Q)."""
        outputs, n, p = self._outputs(at), len(at.token), self.clock.p
        nb, _, _, L = outputs.shape
        simple = np.zeros((HEAD.anchors - 1, TOKENS, HEAD.slots, nb * L), np.float32)
        of_series = self.features.anchors[1:, at.token, :, at.lane]
        simple[:, :, :p, :n] = of_series.transpose(1, 2, 0).reshape(-1, TOKENS, p, n)
        packed = simple.reshape(-1, HEAD.block, nb, L).transpose(0, 2, 1, 3)[:, :, None]
        place = np.broadcast_to(places(p).astype(np.float32)[:, None], (nb, HEAD.slots, L))
        head = head_forward(outputs, Anchors(np.ascontiguousarray(packed), place, self._prior(at, nb, L)), HEAD)
        center = head.center.reshape(nb, TOKENS, HEAD.slots, 1, L)[:, :, :p]
        q = center + head.quantiles.reshape(nb, TOKENS, 1, len(LEVELS), L)
        q = q.transpose(0, 4, 1, 2, 3).reshape(nb * L, TOKENS * p, len(LEVELS))[:n]
        level, unit = (part[at][:, None, None] for part in (self.features.level, self.features.unit))
        return np.asarray((level + unit * q) * self.scale[at.lane, None, None])

    def weights(self, at: Origins) -> FloatArray:
        """Return the weights of the simple forecasts by quarter of the block that follows each origin, (k, G, A)."""
        outputs = self._outputs(at)
        prior = self._prior(at, outputs.shape[0], outputs.shape[3])
        by_lane = anchor_weights(split_outputs(outputs, HEAD)[2], prior)[:, 0]
        return np.asarray(by_lane.transpose(0, 3, 1, 2).reshape(-1, HEAD.groups, HEAD.anchors)[: len(at.token)])

    def without_values(self, at: Origins, n_tokens: int) -> Pass:
        """Return the tokens that follow each origin as the network reads them where their values are not known.

        Args:
            at: Origins, which become the series of the new pass, k of them.
            n_tokens: Tokens N of the new pass.
        """
        m, long, p = self.clock.m, self.clock.long, self.clock.p
        L, n = self.states.shape[3], len(at.token)
        end = self.n_before + (at.token + 1) * p
        # The errors of the newest cycle are measured anew: the ends of its blocks are not known either.
        T = max(int(end.max()), TOKENS * p)
        column = end - T + np.arange(T + n_tokens * p)[:, None]
        known = (column >= 0) & (column < end)
        y = np.full((len(column), n_columns(n, L)), np.nan)
        y[:, :n] = np.where(known, self.y[np.clip(column, 0, len(self.y) - 1), at.lane], np.nan)
        token, lane = self._padded(at)
        n_read = y.shape[1]
        before = self.features.errors.before(token[:n_read] - (TOKENS - 1), lane[:n_read])
        newest = make_features(read_history(y, m, long), T - TOKENS * p, TOKENS + n_tokens, p, before=before)
        features = newest.since(TOKENS)
        body, _ = split_network(*self.network, 1)
        x = _pack(features.inputs, L)
        states, _ = forward_from(*body, x, states_at(self.layer_states, token, lane, L))
        last = np.full(n, n_tokens - 1)
        return Pass(y, T, last, self.scale[at.lane], states, [], features, self.network, self.clock)

    def _outputs(self, at: Origins) -> Float32Array:
        """Return the outputs of the network at origins, [nb, 1, n_outputs, L]."""
        _, _, F, L = self.states.shape
        token, lane = self._padded(at)
        states = self.states[lane // L, token, :, lane % L].reshape(-1, L, F).transpose(0, 2, 1)[:, None]
        _, head = split_network(*self.network, 1)
        return forward(*head, np.ascontiguousarray(states), save_for_backward=False)[0]

    def _padded(self, at: Origins) -> Origins:
        """Return origins that fill all lanes; the last is repeated."""
        n, L = len(at.token), self.states.shape[3]
        index = np.minimum(np.arange(blocks(n, L) * L), n - 1)
        return Origins(at.token[index], at.lane[index])

    def _prior(self, at: Origins, nb: int, L: int) -> Float32Array:
        """Return the logits of the simple forecasts before the network adds to them, [nb, 1, G, A, L]."""
        prior = np.zeros((nb * L, HEAD.groups, HEAD.anchors), np.float32)
        prior[: len(at.token)] = self.features.prior[at.token, :, :, at.lane]
        return np.ascontiguousarray(prior.reshape(nb, L, HEAD.groups, HEAD.anchors).transpose(0, 2, 3, 1)[:, None])


def run_pass(
    network: tuple[Network, Weights],
    values: FloatArray,
    n_tokens: IntArray,
    clock: Clock,
    L: int,
    n_more: int = 0,
    *,
    keeps_states: bool = False,
) -> Pass:
    """Run the network over a few series up to its last layer.

    Args:
        network: Layers and parameters.
        values: Series aligned at their ends, (n, T).
        n_tokens: Tokens of each, (n,), as `count_tokens` returns them.
        clock: Of all of them.
        L: Lanes of a block.
        n_more: Tokens behind the ends, which have no values.
        keeps_states: Whether `Pass.without_values` may be called.
    """
    n, T = values.shape
    m, long, p = clock.m, clock.long, clock.p
    before = int(min(history_length(m, long), max(T - n_tokens.min() * p, 0)))
    N = int(n_tokens.max()) + n_more
    column = T - n_tokens * p - before + np.arange(before + N * p)[:, None]
    inside = (column >= 0) & (column < T)
    y = np.full((len(column), n_columns(n, L)), np.nan)
    y[:, :n] = np.where(inside, values[np.arange(n), np.clip(column, 0, T - 1)], np.nan)
    # Powers of two change no bits, and single precision holds what is divided by them.
    scale = np.exp2(size_exponents(y[:, :n]) - 1.0)
    y[:, :n] /= scale
    y[np.abs(y) < MIN_SIZE] = 0.0
    features = make_features(read_history(y, m, long), before, N, p)
    body, _ = split_network(*network, 1)
    x, layer_states = _pack(features.inputs, L), list[State | None]()
    if keeps_states:
        states, layer_states = forward_with_states(*body, x)
    else:
        states, _ = forward(*body, x, save_for_backward=False)
    return Pass(y, before, n_tokens - 1, scale, states, layer_states, features, network, clock)


def n_columns(n: int, L: int) -> int:
    """Return the columns in which n series are read: over a single one, sums would be in another order than over more.

    >>> n_columns(1, 1), n_columns(1, 16), n_columns(5, 16)
    (1, 2, 5)
    """
    return max(n, min(L, 2))


def _pack(x: Float32Array, L: int) -> Float32Array:
    """Pack (T, F, n) as [nb, T, F, L]; lanes that no series fills hold 0."""
    n = x.shape[2]
    return pack_time_major(np.pad(x, ((0, 0), (0, 0), (0, blocks(n, L) * L - n))), L)


def size_exponents(values: FloatArray) -> IntArray:
    """Return the exponent of the power of two above the largest value of each series, (n,); 0 of zeros or no values.

    Args:
        values: (T, n), NaN where there is none.

    >>> size_exponents(np.array([[3.0, 0.0], [np.nan, 0.0], [-5.0, np.nan]])).tolist()
    [3, 0]
    """
    size = np.where(np.isfinite(values), np.abs(values), 0.0).max(axis=0)
    return np.asarray(np.frexp(size)[1], np.int64)
