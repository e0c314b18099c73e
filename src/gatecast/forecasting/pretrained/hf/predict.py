"""Forecasts of the high-frequency network from the ends of series, without fitting.

Shapes: n series, T columns, h steps, Q levels, N tokens, J = 8 p steps of a block.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from gatecast._utils.arrays import history_lengths
from gatecast._utils.typing import Float32Array, FloatArray, IntArray
from gatecast.forecasting.pretrained.batches import pack_time_major
from gatecast.forecasting.pretrained.head import LEVELS, Anchors, anchor_weights, head_forward, split_outputs
from gatecast.forecasting.pretrained.hf.batches import history_length, places
from gatecast.forecasting.pretrained.hf.clock import MAX_STEPS, TOKENS, average_steps, spread_steps, token_length
from gatecast.forecasting.pretrained.hf.detail import measure_detail
from gatecast.forecasting.pretrained.hf.features import HEAD, TokenFeatures, make_features
from gatecast.forecasting.pretrained.hf.history import read_history
from gatecast.kernels.packing import blocks, padded_lanes
from gatecast.nn.network import Network, Weights, forward, split_network

__all__ = ["MAX_TOKENS", "Clock", "block_steps", "context_steps", "predict_anchor_weights", "predict_quantiles"]

MAX_TOKENS = 128
"""Newest tokens that are read: as many as the network was trained on. Copies reach back further."""

BATCH_SERIES = 64
"""Series at a time."""


def predict_quantiles(network: Network, weights: Weights, values: FloatArray, h: int, m: int, long: int) -> FloatArray:
    """Forecast the steps after the end of each series.

    Beyond a block of a cycle the network goes on without values, as it has learned to. Series without negative values
    have no negative forecasts, and those without positive ones no positive forecasts.

    Args:
        network: As `make_network` returns it.
        weights: Its parameters.
        values: Series aligned at their ends, (n, T); NaN is missing, or before the series began.
        h: Steps.
        m: Season length; above 64 steps a cycle is averaged to 64.
        long: Longer season; 0 for none.

    Returns:
        Quantiles of `LEVELS`, increasing, (n, h, Q); NaN where there is no value.

    Example:
        >>> from gatecast.forecasting.pretrained.kinds import HF
        >>> from gatecast.forecasting.pretrained.network import PretrainedConfig, make_network
        >>> network, weights = make_network(PretrainedConfig(units=8, n_layers=1, kind=HF))
        >>> y = np.tile([1.0, 5.0, 3.0, 5.0, 1.0, 1.0, 1.0], 12)[None]
        >>> predict_quantiles(network, weights, y, 3, 7, 0)[0, :, 6].round(1).tolist()
        [1.0, 5.0, 3.0]
    """
    clock = Clock.of(m, long)
    n_steps = clock.n_averaged(h)
    out = np.full((len(values), n_steps, len(LEVELS)), np.nan)
    newest = clock.newest(values)
    averages = clock.averages(newest)
    for rows, run in _passes(network, weights, averages, clock, clock.n_blocks(h)):
        parts = [_block(run, run.last + k * TOKENS) for k in range(run.n_blocks)]
        out[rows] = np.concatenate(parts, axis=1)[:, :n_steps]
    if clock.r > 1:
        out = measure_detail(newest, averages, clock.r, m).add_to(spread_steps(out, clock.r, h))
    known = np.isfinite(values)
    low, high = np.where(known, values, np.inf).min(axis=1), np.where(known, values, -np.inf).max(axis=1)
    out = np.where((low >= 0)[:, None, None], np.maximum(out, 0.0), out)
    return np.where((high <= 0)[:, None, None], np.minimum(out, 0.0), out)


def predict_anchor_weights(network: Network, weights: Weights, values: FloatArray, m: int, long: int) -> FloatArray:
    """Return the weights of the simple forecasts at the ends of series, for each quarter of the next block.

    Args:
        network: As for `predict_quantiles`.
        weights: Its parameters.
        values: As for `predict_quantiles`, each with a value.
        m: Season length.
        long: Longer season; 0 for none.

    Returns:
        (n, 4, A), which sum to 1 over the last axis.
    """
    clock = Clock.of(m, long)
    out = np.empty((len(values), HEAD.groups, HEAD.anchors))
    for rows, run in _passes(network, weights, clock.averages(clock.newest(values)), clock, 1):
        outputs = _outputs(run, run.last)
        prior = _prior(run, run.last, outputs.shape[3])
        by_lane = anchor_weights(split_outputs(outputs, HEAD)[2], prior)[:, 0]
        out[rows] = by_lane.transpose(0, 3, 1, 2).reshape(-1, HEAD.groups, HEAD.anchors)[: len(rows)]
    return out


def block_steps(m: int) -> int:
    """Return the steps that are forecast from an origin: about a cycle.

    >>> [block_steps(m) for m in (7, 24, 48, 96, 1440)]
    [8, 24, 48, 96, 1440]
    """
    clock = Clock.of(m, 0)
    return round(clock.block * clock.r)


def context_steps(m: int, long: int) -> int:
    """Return the newest steps of a series that are read.

    >>> context_steps(24, 168), context_steps(48, 336), context_steps(7, 365)
    (1056, 2112, 1588)
    """
    clock = Clock.of(m, long)
    return int(np.ceil(clock.n_averages * clock.r))


class Clock(NamedTuple):
    """How the steps of series become tokens."""

    r: float
    """Steps that are averaged to one."""
    m: int
    long: int
    """Seasons, in averaged steps."""
    p: int
    """Averaged steps of a token."""

    @classmethod
    def of(cls, m: int, long: int) -> Clock:
        """Return the clock of series with these seasons."""
        r = max(m / MAX_STEPS, 1.0)
        return cls(r, round(m / r), round(long / r), token_length(round(m / r)))

    @property
    def block(self) -> int:
        """Averaged steps of a block."""
        return TOKENS * self.p

    @property
    def n_averages(self) -> int:
        """Averaged steps that are read."""
        return MAX_TOKENS * self.p + history_length(self.m, self.long)

    def n_blocks(self, h: int) -> int:
        """Return the blocks of h steps."""
        return -(-self.n_averaged(h) // self.block)

    def n_averaged(self, h: int) -> int:
        """Return the averaged steps of h steps."""
        return int(np.ceil(h / self.r - 1e-9))

    def newest(self, values: FloatArray) -> FloatArray:
        """Return the values that are read."""
        return values[:, -int(np.ceil(self.n_averages * self.r)) :]

    def averages(self, values: FloatArray) -> FloatArray:
        """Return averages of r steps."""
        return values if self.r == 1 else average_steps(values, self.r, self.n_averages)


class _Pass(NamedTuple):
    """What one pass over a few series gives."""

    states: Float32Array
    """[nb, N, F, L]."""
    features: TokenFeatures
    scale: FloatArray
    """(n,): powers of two that the values were divided by."""
    last: IntArray
    """(n,): token at the end of each series."""
    head: tuple[Network, Weights]
    """The layers from the states on."""
    p: int
    n_blocks: int


def _passes(
    network: Network, weights: Weights, values: FloatArray, clock: Clock, n_blocks: int
) -> Iterator[tuple[IntArray, _Pass]]:
    """Run the network over series of similar length, a few at a time, and yield their rows and the pass."""
    length = history_lengths(values)
    n_tokens = np.minimum(-(-length // clock.p), MAX_TOKENS)
    by_length = np.argsort(length, kind="stable")
    by_length = by_length[length[by_length] > 0]
    for start in range(0, len(by_length), BATCH_SERIES):
        rows = by_length[start : start + BATCH_SERIES]
        yield rows, _run(network, weights, values[rows], n_tokens[rows], clock, n_blocks)


def _run(
    network: Network, weights: Weights, values: FloatArray, n_tokens: IntArray, clock: Clock, n_blocks: int
) -> _Pass:
    """Run the network over a few series up to its last layer; tokens behind their ends have no values."""
    n, T = values.shape
    before = history_length(clock.m, clock.long)
    before = int(min(before, max(T - n_tokens.min() * clock.p, 0)))
    N = int(n_tokens.max()) + (n_blocks - 1) * TOKENS
    L = padded_lanes(n)
    column = T - n_tokens * clock.p - before + np.arange(before + N * clock.p)[:, None]
    inside = (column >= 0) & (column < T)
    y = np.full((len(column), blocks(n, L) * L), np.nan)
    y[:, :n] = np.where(inside, values[np.arange(n), np.clip(column, 0, T - 1)], np.nan)
    # Powers of two change no bits, and single precision holds what is divided by them.
    scale = np.exp2(np.frexp(np.nanmax(np.abs(values), axis=1))[1].astype(np.float64) - 1)
    y[:, :n] /= scale
    features = make_features(read_history(y, clock.m, clock.long), before, N, clock.p)
    body, head = split_network(network, weights, 1)
    states, _ = forward(*body, pack_time_major(features.inputs, L), save_for_backward=False)
    return _Pass(states, features, scale, n_tokens - 1, head, clock.p, n_blocks)


def _outputs(run: _Pass, token: IntArray) -> Float32Array:
    """Return the outputs of the network at a token of each series, [nb, 1, n_outputs, L]."""
    nb, _, F, L = run.states.shape
    lanes = np.arange(nb * L)
    token = np.concatenate([token, np.repeat(token[-1:], nb * L - len(token))])
    states = run.states[lanes // L, token, :, lanes % L].reshape(nb, L, F).transpose(0, 2, 1)[:, None]
    return forward(*run.head, np.ascontiguousarray(states), save_for_backward=False)[0]


def _prior(run: _Pass, token: IntArray, L: int) -> Float32Array:
    """Return the logits of the simple forecasts before the network adds to them, [nb, 1, G, A, L]."""
    n = len(token)
    prior = np.zeros((run.states.shape[0] * L, HEAD.groups, HEAD.anchors), np.float32)
    prior[:n] = run.features.prior[token, :, :, np.arange(n)]
    return np.ascontiguousarray(prior.reshape(-1, L, HEAD.groups, HEAD.anchors).transpose(0, 2, 3, 1)[:, None])


def _block(run: _Pass, token: IntArray) -> FloatArray:
    """Return the quantiles of the block that follows a token of each series, (n, 8 p, Q)."""
    outputs, n = _outputs(run, token), len(token)
    nb, _, _, L = outputs.shape
    simple = np.zeros((HEAD.anchors - 1, TOKENS, HEAD.slots, nb * L), np.float32)
    of_series = run.features.anchors[1:, token, :, np.arange(n)]
    simple[:, :, : run.p, :n] = of_series.transpose(1, 2, 0).reshape(-1, TOKENS, run.p, n)
    packed = simple.reshape(-1, HEAD.block, nb, L).transpose(0, 2, 1, 3)[:, :, None]
    place = np.broadcast_to(places(run.p).astype(np.float32)[:, None], (nb, HEAD.slots, L))
    head = head_forward(outputs, Anchors(np.ascontiguousarray(packed), place, _prior(run, token, L)), HEAD)
    center = head.center.reshape(nb, TOKENS, HEAD.slots, 1, L)[:, :, : run.p]
    q = center + head.quantiles.reshape(nb, TOKENS, 1, len(LEVELS), L)
    q = q.transpose(0, 4, 1, 2, 3).reshape(nb * L, TOKENS * run.p, len(LEVELS))[:n]
    at, scale = (token, np.arange(n)), run.scale[:, None, None]
    level, unit = run.features.level[at][:, None, None], run.features.unit[at][:, None, None]
    return np.asarray((level + unit * q) * scale)
