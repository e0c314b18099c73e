"""The head: which simple forecasts to trust, what to add to them, and quantiles around it.

For each third of a block of K steps the network gives weights of the simple forecasts, and for each step quantiles that
cannot cross (`QuantileHead`). All is in units of the series, less its level::

    forecast[j, q] = sum_i weight[third(j), i] anchor[i, j] + quantile[j, q]

Shapes: packed arrays [nb, T, F, L] with nb blocks of L lanes; K steps, Q levels, A simple forecasts of which the first,
the level, is 0.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from gatecast._utils.typing import Float32Array
from gatecast.forecasting.pretrained.statistics import N_ANCHORS
from gatecast.kernels import native
from gatecast.kernels.packing import Params
from gatecast.nn.layers import QuantileHead

__all__ = [
    "BLOCK",
    "LEVELS",
    "N_OUTPUTS",
    "THIRDS",
    "Head",
    "anchor_weights",
    "head_backward",
    "head_forward",
    "initialize_head",
    "split_outputs",
]

LEVELS = (0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975)
"""Levels of the quantiles, Q of them."""

BLOCK = 24
"""Steps K that are forecast from an origin."""

THIRDS = 3

N_QUANTILES = BLOCK * len(LEVELS)

N_OUTPUTS = N_QUANTILES + THIRDS * N_ANCHORS
"""Outputs of the network: quantiles by step and level, then logits by third and simple forecast."""

FIRST_SPREAD = 0.8
"""Standard deviation of the first step before training, in units; it grows with the root of the steps."""


class Head(NamedTuple):
    """A forecast in parts, and what the backward pass needs."""

    center: Float32Array
    """[nb, T, K, L]: mean of the simple forecasts."""
    quantiles: Float32Array
    """[nb, T, K Q, L]: distances of the quantiles from it."""
    weights: Float32Array
    """[nb, T, 3, A, L]."""
    raw: Float32Array
    """[nb, T, K Q, L]: inputs of the quantiles."""


def split_outputs(outputs: Float32Array) -> tuple[Float32Array, Float32Array]:
    """Return the inputs of the quantiles [nb, T, K Q, L] and the logits [nb, T, 3, A, L] of the network's outputs."""
    nb, T, _, L = outputs.shape
    raw = np.ascontiguousarray(outputs[:, :, :N_QUANTILES])
    return raw, outputs[:, :, N_QUANTILES:].reshape(nb, T, THIRDS, N_ANCHORS, L)


def anchor_weights(logits: Float32Array) -> Float32Array:
    """Return weights that sum to one over the simple forecasts.

    >>> anchor_weights(np.zeros((1, 1, 3, 4, 1), np.float32))[0, 0, 0, :, 0].tolist()
    [0.25, 0.25, 0.25, 0.25]
    """
    exponential = np.exp(logits - logits.max(axis=3, keepdims=True))
    return np.asarray(exponential / exponential.sum(axis=3, keepdims=True))


def head_forward(outputs: Float32Array, anchors: Float32Array) -> Head:
    """Compute forecasts from the outputs of the network.

    Args:
        outputs: [nb, T, N_OUTPUTS, L].
        anchors: [A - 1, nb, T, K, L]: the simple forecasts but the first, less the level, in units.

    Example:
        >>> outputs = np.zeros((1, 1, N_OUTPUTS, 1), np.float32)
        >>> head = head_forward(outputs, np.ones((3, 1, 1, BLOCK, 1), np.float32))
        >>> head.center[0, 0, 0].tolist(), head.quantiles[0, 0, :13, 0].tolist()[5:8]
        ([0.75], [-1.0, 0.0, 1.0])
    """
    raw, logits = split_outputs(outputs)
    weights = anchor_weights(logits)
    center = np.zeros(anchors.shape[1:], np.float32)
    for third, steps in enumerate(_thirds()):
        for i, anchor in enumerate(anchors, 1):
            center[:, :, steps] += weights[:, :, third, i, None] * anchor[:, :, steps]
    return Head(center, native.quantiles_forward(raw, len(LEVELS)), weights, raw)


def head_backward(
    head: Head, anchors: Float32Array, y: Float32Array, weight: Float32Array
) -> tuple[float, Float32Array]:
    """Compute the weighted mean of the quantile losses over levels and targets, and its gradient.

    Args:
        head: As `head_forward` returned it.
        anchors: As for `head_forward`.
        y: [nb, T, K, L]: targets, less the level, in units.
        weight: [nb, T, K, L]; 0 where a target is not known.

    Returns:
        The loss, and its gradient with respect to the outputs of the network, [nb, T, N_OUTPUTS, L].
    """
    nb, T, _, L = y.shape
    mean = 1.0 / (max(float(weight.sum(dtype=np.float64)), 1.0) * len(LEVELS))
    total, gradient = native.pinball(head.quantiles, y - head.center, weight, LEVELS, mean)
    raw = native.quantiles_backward(head.raw, gradient, len(LEVELS))
    out = np.empty((nb, T, N_OUTPUTS, L), np.float32)
    out[:, :, :N_QUANTILES] = raw
    # The middle number moves all quantiles of a step, as the mean of the simple forecasts does.
    center = raw[:, :, len(LEVELS) // 2 :: len(LEVELS)]
    share = np.zeros_like(head.weights)
    for third, steps in enumerate(_thirds()):
        for i, anchor in enumerate(anchors, 1):
            np.einsum("btkl,btkl->btl", center[:, :, steps], anchor[:, :, steps], out=share[:, :, third, i])
    weights = head.weights
    logits = weights * (share - (weights * share).sum(axis=3, keepdims=True))
    out[:, :, N_QUANTILES:] = logits.reshape(nb, T, -1, L)
    return total * mean, out


def initialize_head(params: Params) -> None:
    """Let the network forecast the mean of the simple forecasts at first, with quantiles of a random walk.

    Args:
        params: W and b of the last layer, changed in place.
    """
    z = np.array([NormalDist().inv_cdf(level) for level in LEVELS])
    spread = FIRST_SPREAD * np.sqrt(np.arange(1.0, BLOCK + 1))[:, None] * z
    params["W"][:] = 0.0
    params["b"][:N_QUANTILES] = QuantileHead(len(LEVELS)).inverse(spread).ravel()
    params["b"][N_QUANTILES:] = 0.0


def _thirds() -> list[slice]:
    """Return the steps of each third of a block."""
    size = BLOCK // THIRDS
    return [slice(k * size, (k + 1) * size) for k in range(THIRDS)]
