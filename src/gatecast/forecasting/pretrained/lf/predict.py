"""Forecasts of a pretrained network: from the ends of series, without fitting.

Shapes: n series, T columns, h steps, Q levels, K steps of a block.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gatecast._utils.arrays import history_lengths, sum_rows
from gatecast._utils.typing import Float32Array, FloatArray, IntArray
from gatecast.forecasting.pretrained.batches import pack_time_major
from gatecast.forecasting.pretrained.head import LEVELS, Anchors, anchor_weights, head_forward, split_outputs
from gatecast.forecasting.pretrained.lf.features import BLOCK, HEAD, Features, anchors, make_features
from gatecast.forecasting.pretrained.lf.held_passes import HeldPasses
from gatecast.forecasting.pretrained.lf.scaling import SeriesScale
from gatecast.forecasting.pretrained.lf.statistics import N_ANCHORS, damped_steps
from gatecast.kernels.packing import LANES, blocks, padded_lanes
from gatecast.nn.network import Network, Weights, forward, split_network

__all__ = [
    "BATCH_SERIES",
    "MAX_BLOCKS",
    "MAX_LENGTH",
    "WIDTH_STEP",
    "Origins",
    "adjusted_block",
    "align_left",
    "blocks_read",
    "join_blocks",
    "predict_anchor_weights",
    "predict_quantiles",
    "read_ahead",
    "to_lanes",
]

BATCH_SERIES = 256
"""Series at a time."""

WIDTH_STEP = 1.75 * BLOCK
"""The step that intervals beyond two blocks have their widths of: the middle of the second half of the second one."""

MAX_BLOCKS = 2
"""Blocks that the network forecasts, at most: in training no more steps than these were without values."""

MAX_LENGTH = 160
"""Newest values of a series that are used: as many as the network was trained on. More raised errors."""


def predict_quantiles(
    network: Network,
    weights: Weights,
    values: FloatArray,
    h: int,
    m: int,
    earlier: IntArray | None = None,
    passes: HeldPasses | None = None,
) -> FloatArray:
    """Forecast the steps after the end of each series, or after earlier values.

    One pass over a series gives the forecasts from all its origins; nothing after an origin matters there. Beyond a
    block the network goes on without values, as it has learned to; beyond two, their trend goes on and fades, with the
    season, and intervals widen as the root of the steps (`join_blocks`).

    Args:
        network: As `make_network` returns it.
        weights: Its parameters.
        values: Series aligned at their ends, (n, T); NaN is missing, or before the series began.
        h: Steps; at most a block from earlier values.
        m: Season length; 1 for none.
        earlier: Origins as pairs of a row and the values that follow it, (n_origins, 2); None: the ends of all rows.
        passes: Passes of these weights over series of which some rows may be the beginning; None: there are none.

    Returns:
        Quantiles of `LEVELS`, increasing, (n_origins, h, Q); NaN where no value precedes the origin.

    Raises:
        ValueError: More than a block of steps from earlier values.

    Example:
        >>> from gatecast.forecasting.pretrained.network import PretrainedConfig, make_network
        >>> network, weights = make_network(PretrainedConfig(units=8, n_layers=1))
        >>> y = np.full((1, 20), 5.0)
        >>> predict_quantiles(network, weights, y, 3, 1)[0, :, 6].round(2).tolist()
        [5.0, 5.0, 5.0]
    """
    n_series = len(values)
    origins = np.stack([np.arange(n_series), np.zeros(n_series, np.int64)], axis=1) if earlier is None else earlier
    if h > BLOCK and origins[:, 1].any():
        raise ValueError(f"h={h} is more than a block of {BLOCK} steps")
    out = np.full((len(origins), h, len(LEVELS)), np.nan)
    newest = values[:, -MAX_LENGTH:]
    length = history_lengths(newest)

    def origins_in(rows: IntArray, columns: IntArray) -> tuple[IntArray, Origins]:
        """Return which of the origins are in some rows, and where in a pass that has these in some columns."""
        place = np.full(n_series, -1)
        place[rows] = columns
        chosen = np.flatnonzero((place[origins[:, 0]] >= 0) & (origins[:, 1] < length[origins[:, 0]]))
        of_row = origins[chosen, 0]
        return chosen, Origins(length[of_row] - 1 - origins[chosen, 1], place[of_row])

    unread = length.copy()
    for match in [] if passes is None or h > BLOCK else passes.find(newest, length, m):
        unread[match.rows] = 0
        chosen, at = origins_in(match.rows, match.columns)
        out[chosen] = _forecast(match.run, h, at)
    for rows in _batches(unread):
        chosen, at = origins_in(rows, np.arange(len(rows)))
        if len(chosen):
            y = to_lanes(newest[rows], length[rows], (blocks_read(h) - 1) * BLOCK)
            out[chosen] = _forecast(_run(network, weights, y, m), h, at)
    return out


def read_ahead(network: Network, weights: Weights, values: FloatArray, m: int, passes: HeldPasses) -> None:
    """Run the network over whole series once, for later forecasts from their ends and from earlier origins.

    Args:
        network: As `make_network` returns it.
        weights: Its parameters.
        values: Series aligned at their ends, (n, T), T <= `MAX_LENGTH`: beyond it earlier origins read other values.
        m: Season length; 1 for none.
        passes: Are added to.
    """
    length = history_lengths(values)
    # The scale of series with negative values is that of the whole.
    for rows in _batches(np.where((values < 0).any(axis=1), 0, length)):
        y = to_lanes(values[rows], length[rows], 0)
        run = _run(network, weights, y, m)
        # The inputs are half of the features, and were read.
        features = run.features._replace(inputs=run.features.inputs[:1].copy())
        passes.add(run._replace(features=features), y, length[rows], m)


def _batches(length: IntArray) -> list[IntArray]:
    """Return the series that have values, as many at a time as a pass reads, of about the same length."""
    by_length = np.argsort(length, kind="stable")
    by_length = by_length[length[by_length] > 0]
    return [by_length[start : start + BATCH_SERIES] for start in range(0, len(by_length), BATCH_SERIES)]


def align_left(values: FloatArray, length: IntArray) -> FloatArray:
    """Return series that begin at step 0, (max(length), n), NaN behind their ends.

    Args:
        values: Series aligned at their ends, (n, T).
        length: (n,): newest columns that belong to each series.

    Example:
        >>> align_left(np.array([[np.nan, 1.0], [2.0, 3.0]]), np.array([1, 2])).tolist()
        [[1.0, 2.0], [nan, 3.0]]
    """
    T = int(length.max())
    steps = np.arange(T)[:, None]
    column = values.shape[1] - length + steps
    rows = np.arange(len(values))
    return np.where(steps < length, values[rows, np.minimum(column, values.shape[1] - 1)], np.nan)


class Origins(NamedTuple):
    """Where forecasts start: steps and series."""

    step: IntArray
    """(n,)."""
    series: IntArray
    """(n,)."""


class _Pass(NamedTuple):
    """What one pass over a few series gives."""

    states: Float32Array
    """[nb, T, F, L]."""
    features: Features
    scale: SeriesScale
    head: tuple[Network, Weights]
    """The layers from the states on."""


def _run(network: Network, weights: Weights, y: FloatArray, m: int) -> _Pass:
    """Run the network over series (T, n), which begin at step 0, up to its last layer."""
    scale = SeriesScale.of(y)
    features = make_features(scale.transform(y), m)
    body, head = split_network(network, weights, 1)
    x = pack_time_major(features.inputs, LANES if y.shape[1] % LANES == 0 else 1)
    states, _ = forward(*body, x, save_for_backward=False)
    return _Pass(states, features, scale, head)


def _forecast(run: _Pass, h: int, origins: Origins) -> FloatArray:
    """Return quantiles from origins in the series of a pass, (n_origins, h, Q); beyond a block it has more steps."""
    parts, n = [], len(origins.step)
    padded = _padded(origins)
    for k in range(blocks_read(h)):
        at = padded._replace(step=padded.step + k * BLOCK)
        outputs, _ = forward(*run.head, _states_at(run.states, at), save_for_backward=False)
        parts.append(adjusted_block(outputs, run.features, at)[..., :n])
    # Without the lanes that no series fills, which take most of the memory of a long forecast of one.
    z = join_blocks(parts, run.features, origins, h)
    scale = SeriesScale(run.scale.negative[origins.series], run.scale.size[origins.series])
    support = run.features.support.at((origins.step, origins.series))
    return np.asarray(support.nearest(scale.inverse(z)).transpose(2, 0, 1))


def predict_anchor_weights(network: Network, weights: Weights, values: FloatArray, m: int) -> FloatArray:
    """Return the weights of the simple forecasts at the ends of series, for each third of the next block.

    Args:
        network: As for `predict_quantiles`.
        weights: Its parameters.
        values: As for `predict_quantiles`, each with a value.
        m: Season length; 1 for none.

    Returns:
        (n, 3, A), which sum to 1 over the last axis.

    Example:
        >>> from gatecast.forecasting.pretrained.network import PretrainedConfig, make_network
        >>> network, weights = make_network(PretrainedConfig(units=8, n_layers=1))
        >>> predict_anchor_weights(network, weights, np.full((1, 20), 5.0), 1)[0, 0, :3].round(3).tolist()
        [0.125, 0.125, 0.125]
    """
    out = np.empty((len(values), HEAD.groups, N_ANCHORS))
    newest = values[:, -MAX_LENGTH:]
    length = history_lengths(newest)
    for start in range(0, len(values), BATCH_SERIES):
        rows = slice(start, start + BATCH_SERIES)
        n = len(length[rows])
        run = _run(network, weights, to_lanes(newest[rows], length[rows], 0), m)
        at = _padded(Origins(length[rows] - 1, np.arange(n)))
        outputs, _ = forward(*run.head, _states_at(run.states, at), save_for_backward=False)
        by_lane = anchor_weights(split_outputs(outputs, HEAD)[2])[:, 0]
        out[rows] = by_lane.transpose(0, 3, 1, 2).reshape(-1, HEAD.groups, N_ANCHORS)[:n]
    return out


def to_lanes(values: FloatArray, length: IntArray, n_more: int) -> FloatArray:
    """Return series that begin at step 0 in as many columns as there are lanes, with more steps behind their ends."""
    n, T = len(values), int(length.max())
    L = padded_lanes(n)
    y = np.full((T + n_more, blocks(n, L) * L), np.nan)
    y[:T, :n] = align_left(values, length)
    return y


def _padded(origins: Origins) -> Origins:
    """Return origins that fill all lanes; the last is repeated."""
    n = len(origins.step)
    L = padded_lanes(n)
    index = np.minimum(np.arange(blocks(n, L) * L), n - 1)
    return Origins(origins.step[index], origins.series[index])


def _states_at(states: Float32Array, origins: Origins) -> Float32Array:
    """Return the states at origins, [nb, 1, F, L]."""
    L, n = states.shape[3], len(origins.step)
    part = states[origins.series // L, origins.step, :, origins.series % L]
    lanes = padded_lanes(n)
    return np.ascontiguousarray(part.reshape(n // lanes, lanes, -1).transpose(0, 2, 1)[:, None])


def blocks_read(h: int) -> int:
    """Return the blocks that the network forecasts of h steps.

    >>> blocks_read(24), blocks_read(25), blocks_read(365)
    (1, 2, 2)
    """
    return min(-(-h // BLOCK), MAX_BLOCKS)


def adjusted_block(outputs: Float32Array, features: Features, origins: Origins, first: int = 0) -> FloatArray:
    """Return the quantiles of a block on the scale of the features, without the season, (K, Q, n_origins).

    Args:
        outputs: Of the network at the origins, [nb, 1, N_OUTPUTS, L].
        features: From a step on.
        origins: Where forecasts start, as many as there are lanes.
        first: First step of the features.
    """
    at, n = (origins.step - first, origins.series), len(origins.step)
    nb, L = outputs.shape[0], outputs.shape[3]
    simple = anchors(features, *at, BLOCK)[1:]
    packed = simple.reshape(N_ANCHORS - 1, BLOCK, nb, L).transpose(0, 2, 1, 3)[:, :, None]
    head = head_forward(outputs, Anchors(np.ascontiguousarray(packed, np.float32)), HEAD)
    q = head.quantiles.reshape(nb, BLOCK, len(LEVELS), L) + head.center.reshape(nb, BLOCK, 1, L)
    q = q.transpose(1, 2, 0, 3).reshape(BLOCK, len(LEVELS), n)
    return np.asarray(features.level[at] + features.unit[at] * q)


def join_blocks(blocks: Sequence[FloatArray], features: Features, origins: Origins, h: int) -> FloatArray:
    """Return the quantiles of h steps on the scale of the features, with the season, (h, Q, n_origins).

    Without the season, and with K steps of a block, step j > 2 K has the median
    ``q[2 K] + b (phi + ... + phi^(j - 2 K))``: b is the change a step from the second half of the first block to that
    of the second, phi is `DAMPING`. Its widths are those of the second half of the second block, times
    ``sqrt(j / WIDTH_STEP)``.

    Args:
        blocks: As `adjusted_block` returns them, one after the other.
        features: From a step on.
        origins: Where the forecasts start.
        h: Steps.
    """
    z = np.concatenate(blocks, axis=0)[:h]
    if h > len(z):
        z = np.concatenate([z, _later_steps(z, h)], axis=0)
    j = np.arange(h)[:, None]
    season, known_at = features.indices.values, origins.step + BLOCK * np.minimum(j // BLOCK, MAX_BLOCKS - 1)
    index = season[features.indices.block(known_at), (origins.step + j + 1) % season.shape[1], origins.series]
    return np.asarray(z + index[:, None])


def _later_steps(z: FloatArray, h: int) -> FloatArray:
    """Return quantiles of the steps after two blocks, (h - 2 K, Q, n)."""
    half = BLOCK // 2
    before, newest = z[BLOCK - half : BLOCK], z[-half:]
    middle = LEVELS.index(0.5)
    change = (sum_rows(newest[:, middle]) - sum_rows(before[:, middle])) / (half * BLOCK)
    steps = np.arange(len(z) + 1.0, h + 1)[:, None]
    median = z[-1, middle] + change * damped_steps(steps - len(z))
    width = sum_rows(newest - newest[:, middle, None]) / half
    return np.asarray(median[:, None] + width * np.sqrt(steps / WIDTH_STEP)[:, None])
