"""Batches of the low-frequency network: series with their features and targets, packed into lanes.

Shapes: n series, T origins, K steps of a block, A simple forecasts, nb blocks of L lanes.
"""

from __future__ import annotations

import numpy as np

from gatecast._utils.typing import BoolArray, Float32Array, FloatArray, IntArray
from gatecast.forecasting.pretrained.batches import PackedBatch, pack_time_major
from gatecast.forecasting.pretrained.head import Anchors
from gatecast.forecasting.pretrained.lf.features import BLOCK, N_INPUTS, anchors, make_features, targets
from gatecast.forecasting.pretrained.lf.scaling import SeriesScale
from gatecast.forecasting.pretrained.lf.statistics import N_ANCHORS
from gatecast.kernels.packing import LANES, blocks

__all__ = ["FIRST_ORIGIN", "make_batch"]

FIRST_ORIGIN = 3
"""First step that is an origin in training: four values are known."""


def make_batch(values: FloatArray, seasons: IntArray, n_origins: int, hidden: BoolArray | None = None) -> PackedBatch:
    """Make a batch of series.

    Args:
        values: (n, n_origins + K) or shorter; a series begins at step 0; NaN where missing.
        seasons: (n,) season lengths.
        n_origins: Steps T from which to forecast.
        hidden: (n, T): values that the network must do without, though they are targets; None: none.

    Example:
        >>> batch = make_batch(np.exp(np.ones((3, 40))), np.array([4, 1, 4]), n_origins=30)
        >>> batch.x.shape, batch.y.shape, batch.order.tolist()
        ((1, 30, 66, 16), (1, 30, 24, 16), [1, 0, 2])
    """
    order = np.argsort(seasons, kind="stable")
    n_lanes = blocks(len(order)) * LANES
    x = np.zeros((n_origins, N_INPUTS, n_lanes), np.float32)
    y, weight = (np.zeros((n_origins, BLOCK, n_lanes), np.float32) for _ in range(2))
    simple = np.zeros((N_ANCHORS - 1, n_origins, BLOCK, n_lanes), np.float32)
    for m in np.unique(seasons).tolist():
        rows = np.flatnonzero(seasons[order] == m)
        chosen = order[rows]
        lanes = slice(rows[0], rows[-1] + 1)
        truth = np.ascontiguousarray(values[chosen].T, np.float64)
        seen = truth[:n_origins].copy()
        if hidden is not None:
            seen[hidden[chosen].T] = np.nan
        scaled = SeriesScale.of(seen).transform(seen)
        features = make_features(scaled, m)
        x[:, :, lanes] = features.inputs
        origins = np.arange(n_origins)[:, None], np.arange(len(rows))
        simple[:, :, :, lanes] = anchors(features, *origins, BLOCK)[1:].transpose(0, 2, 1, 3)
        y[:, :, lanes], weight[:, :, lanes] = targets(SeriesScale.of(truth).transform(truth), features, BLOCK)
        # Zeros before the first positive value say nothing about the scale: they are no origins.
        began = (np.isfinite(seen).cumsum(axis=0) > FIRST_ORIGIN) & np.logical_or.accumulate(scaled.observed, axis=0)
        weight[:, :, lanes] *= began[:, None]
    packed = [pack_time_major(array) for array in (x, y, weight)]
    packed_anchors: Float32Array = np.stack([pack_time_major(a) for a in simple])
    return PackedBatch(packed[0], Anchors(packed_anchors), packed[1], packed[2], order)
