"""Forecasts of a pretrained network: from the ends of series, without fitting.

Shapes: n series, T columns, h steps, Q levels, K steps of a block.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gatecast._utils.typing import Float32Array, FloatArray, IntArray
from gatecast.forecasting.pretrained.batches import pack_time_major
from gatecast.forecasting.pretrained.features import Features, anchors, make_features
from gatecast.forecasting.pretrained.head import BLOCK, LEVELS, head_forward
from gatecast.forecasting.pretrained.scaling import SeriesScale
from gatecast.forecasting.pretrained.statistics import N_ANCHORS
from gatecast.kernels.packing import LANES
from gatecast.nn.network import Network, Weights, forward, split_network

__all__ = ["align_left", "predict_quantiles"]

BATCH_SERIES = 256
"""Series at a time."""

MAX_LENGTH = 1024
"""Newest values of a series that are used."""


def predict_quantiles(network: Network, weights: Weights, values: FloatArray, h: int, m: int) -> FloatArray:
    """Forecast the steps after the end of each series.

    Beyond a block the network goes on without values, as it has learned to.

    Args:
        network: As `make_network` returns it.
        weights: Its parameters.
        values: Series aligned at their ends, (n, T); NaN is missing, or before the series began.
        h: Steps.
        m: Season length; 1 for none.

    Returns:
        Quantiles of `LEVELS`, increasing, (n, h, Q); NaN for a series without a value.

    Example:
        >>> from gatecast.forecasting.pretrained.network import PretrainedConfig, make_network
        >>> network, weights = make_network(PretrainedConfig(units=8, n_layers=1))
        >>> y = np.full((1, 20), 5.0)
        >>> predict_quantiles(network, weights, y, 3, 1)[0, :, 6].round(2).tolist()
        [5.0, 5.0, 5.0]
    """
    out = np.full((len(values), h, len(LEVELS)), np.nan)
    newest = values[:, -MAX_LENGTH:]
    length = np.isfinite(newest).any(axis=1) * (newest.shape[1] - np.isfinite(newest).argmax(axis=1))
    by_length = np.argsort(length, kind="stable")
    by_length = by_length[length[by_length] > 0]
    for start in range(0, len(by_length), BATCH_SERIES):
        rows = by_length[start : start + BATCH_SERIES]
        out[rows] = _predict(network, weights, newest[rows], length[rows], h, m)
    return out


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


class _Origins(NamedTuple):
    """Where forecasts start: steps and series."""

    step: IntArray
    """(n,)."""
    series: IntArray
    """(n,)."""


def _predict(network: Network, weights: Weights, values: FloatArray, length: IntArray, h: int, m: int) -> FloatArray:
    """Return quantiles, (n, h, Q), of a few series."""
    n_blocks = -(-h // BLOCK)
    n, lanes = len(values), -(-len(values) // LANES) * LANES
    y = np.full((int(length.max()) + (n_blocks - 1) * BLOCK, lanes), np.nan)
    y[: int(length.max()), :n] = align_left(values, length)
    scale = SeriesScale.of(y)
    features = make_features(scale.transform(y), m)
    body, head = split_network(network, weights, 1)
    states, _ = forward(*body, pack_time_major(features.inputs), save_for_backward=False)
    parts = []
    for k in range(n_blocks):
        origin = np.zeros(lanes, np.int64)
        origin[:n] = length - 1 + k * BLOCK
        outputs, _ = forward(*head, _at_origins(states, origin), save_for_backward=False)
        parts.append(_on_log_scale(outputs, features, _Origins(origin, np.arange(lanes))))
    z = np.concatenate(parts, axis=0)[:h]
    return np.asarray(scale.inverse(z).transpose(2, 0, 1)[:n])


def _at_origins(states: Float32Array, origin: IntArray) -> Float32Array:
    """Return the states of the origin of each lane, [nb, 1, F, L]."""
    nb, _, F, L = states.shape
    index = origin.reshape(nb, 1, 1, L)
    return np.take_along_axis(states, np.broadcast_to(index, (nb, 1, F, L)), axis=1)


def _on_log_scale(outputs: Float32Array, features: Features, origins: _Origins) -> FloatArray:
    """Return the quantiles of a block on the scale of the features, (K, Q, n)."""
    at, n = (origins.step, origins.series), len(origins.step)
    part = _take(features, origins)
    simple = anchors(part, np.zeros(1, np.int64), BLOCK)[1:, 0]
    packed = simple.reshape(N_ANCHORS - 1, BLOCK, n // LANES, LANES).transpose(0, 2, 1, 3)[:, :, None]
    head = head_forward(outputs, np.ascontiguousarray(packed, np.float32))
    nb = n // LANES
    q = head.quantiles.reshape(nb, BLOCK, len(LEVELS), LANES) + head.center.reshape(nb, BLOCK, 1, LANES)
    q = q.transpose(1, 2, 0, 3).reshape(BLOCK, len(LEVELS), n)
    steps = origins.step + np.arange(1, BLOCK + 1)[:, None]
    season = features.indices.values
    index = season[features.indices.block(origins.step), steps % season.shape[1], origins.series]
    return np.asarray(features.level[at] + features.unit[at] * q + index[:, None])


def _take(features: Features, origins: _Origins) -> Features:
    """Return features with one step: that of the origin of each series."""
    step, series = origins
    rows = {
        name: getattr(features, name)[step, series][None]
        for name in ("level", "unit", "drift", "slope", "recent", "gap")
    }
    return features._replace(inputs=features.inputs[:1], **rows)
