"""The head: which simple forecasts to trust, what to add to them, and quantiles around it.

A block of steps is K tokens of S slots (at low frequency each step is a token of one slot). For each group of tokens
the network gives weights of the simple forecasts, and for each token quantiles that cannot cross (`QuantileHead`);
tokens of several slots have a slope besides. All is in units of the series, less its level::

    forecast[k, s, q] = sum_i weight[group(k), i] anchor[i, k, s] + slope[k] place[s] + quantile[k, q]
    weight[group] = softmax(prior[group] + logit[group])

place runs from -1 at the beginning of a token to 1 at its end. The prior comes from the past errors of the simple
forecasts, where they are counted; the network learns what to add to it.

Shapes: packed arrays [nb, T, F, L] with nb blocks of L lanes; K tokens, S slots, Q levels, G groups, A simple
forecasts of which the first, the level, is 0.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from gatecast._utils.arrays import sum_rows
from gatecast._utils.typing import Float32Array
from gatecast.kernels import losses as loss_kernels
from gatecast.kernels import native
from gatecast.kernels.losses import LossKernel
from gatecast.kernels.packing import Params
from gatecast.nn.layers import QuantileHead

__all__ = [
    "LEVELS",
    "Anchors",
    "Head",
    "HeadShape",
    "anchor_weights",
    "head_backward",
    "head_forward",
    "initialize_head",
    "split_outputs",
]

LEVELS = (0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975)
"""Levels of the quantiles, Q of them."""

N_LEVELS, MIDDLE = len(LEVELS), len(LEVELS) // 2


class HeadShape(NamedTuple):
    """Sizes of a head.

    Example:
        >>> HeadShape(tokens=24, slots=1, groups=3, anchors=4).n_outputs
        324
    """

    tokens: int
    """K of a block."""
    slots: int
    """S of a token."""
    groups: int
    """G; each has as many tokens."""
    anchors: int
    """A."""
    first_spread: float = 1.0
    """Standard deviation of the first token before training, in units."""
    growth: float = 0.5
    """Power of the tokens ahead with which it grows."""

    @property
    def block(self) -> int:
        """Values that are forecast from an origin."""
        return self.tokens * self.slots

    @property
    def n_quantiles(self) -> int:
        """Outputs that are quantiles, by token and level."""
        return self.tokens * N_LEVELS

    @property
    def n_slopes(self) -> int:
        """Outputs that are slopes, by token."""
        return self.tokens if self.slots > 1 else 0

    @property
    def n_outputs(self) -> int:
        """Outputs of the network: quantiles, slopes, then logits by group and simple forecast."""
        return self.n_quantiles + self.n_slopes + self.groups * self.anchors

    def spans(self) -> list[slice]:
        """Return the values of each group of tokens."""
        size = self.block // self.groups
        return [slice(k * size, (k + 1) * size) for k in range(self.groups)]


class Anchors(NamedTuple):
    """Simple forecasts, and what goes with them."""

    values: Float32Array
    """[A - 1, nb, T, K S, L]: all but the first, less the level, in units."""
    place: Float32Array | None = None
    """[nb, S, L]: where in its token each slot is, from -1 to 1; None for tokens of one slot."""
    prior: Float32Array | None = None
    """[nb, T, G, A, L]: logits before the network adds to them; None: 0."""


class Head(NamedTuple):
    """A forecast in parts, and what the backward pass needs."""

    shape: HeadShape
    center: Float32Array
    """[nb, T, K S, L]: mean of the simple forecasts, and slopes."""
    quantiles: Float32Array
    """[nb, T, K Q, L]: distances of the quantiles from it."""
    weights: Float32Array
    """[nb, T, G, A, L]."""
    raw: Float32Array
    """[nb, T, K Q, L]: inputs of the quantiles."""


def split_outputs(outputs: Float32Array, shape: HeadShape) -> tuple[Float32Array, Float32Array, Float32Array]:
    """Return inputs of quantiles [nb, T, K Q, L], slopes [nb, T, K or 0, L], logits [nb, T, G, A, L] of the outputs."""
    nb, T, _, L = outputs.shape
    raw = np.ascontiguousarray(outputs[:, :, : shape.n_quantiles])
    first_logit = shape.n_quantiles + shape.n_slopes
    logits = outputs[:, :, first_logit:].reshape(nb, T, shape.groups, shape.anchors, L)
    return raw, outputs[:, :, shape.n_quantiles : first_logit], logits


def anchor_weights(logits: Float32Array, prior: Float32Array | None = None) -> Float32Array:
    """Return weights that sum to one over the simple forecasts.

    Args:
        logits: [nb, T, G, A, L].
        prior: Of the same shape, added to them; None: 0.

    >>> anchor_weights(np.zeros((1, 1, 3, 4, 1), np.float32))[0, 0, 0, :, 0].tolist()
    [0.25, 0.25, 0.25, 0.25]
    """
    logits = logits if prior is None else logits + prior
    exponential = np.exp(logits - logits.max(axis=3, keepdims=True))
    total = sum_rows(np.moveaxis(exponential, 3, 0))
    return np.asarray(exponential / total[:, :, :, None])


def head_forward(outputs: Float32Array, anchors: Anchors, shape: HeadShape) -> Head:
    """Compute forecasts from the outputs of the network.

    Args:
        outputs: [nb, T, n_outputs, L].
        anchors: The simple forecasts.
        shape: Sizes.

    Example:
        >>> shape = HeadShape(tokens=24, slots=1, groups=3, anchors=4)
        >>> outputs = np.zeros((1, 1, shape.n_outputs, 1), np.float32)
        >>> head = head_forward(outputs, Anchors(np.ones((3, 1, 1, 24, 1), np.float32)), shape)
        >>> head.center[0, 0, 0].tolist(), head.quantiles[0, 0, :13, 0].tolist()[5:8]
        ([0.75], [-1.0, 0.0, 1.0])
    """
    raw, slopes, logits = split_outputs(outputs, shape)
    weights = anchor_weights(logits, anchors.prior)
    center = np.zeros(anchors.values.shape[1:], np.float32)
    for group, span in enumerate(shape.spans()):
        for i, anchor in enumerate(anchors.values, 1):
            center[:, :, span] += weights[:, :, group, i, None] * anchor[:, :, span]
    if anchors.place is not None:
        for s in range(shape.slots):
            center[:, :, s :: shape.slots] += slopes * anchors.place[:, None, s, None]
    return Head(shape, center, native.quantiles_forward(raw, N_LEVELS), weights, raw)


def head_backward(head: Head, anchors: Anchors, y: Float32Array, weight: Float32Array) -> tuple[float, Float32Array]:
    """Compute the weighted mean of the quantile losses over levels and targets, and its gradient.

    Args:
        head: As `head_forward` returned it.
        anchors: As for `head_forward`.
        y: [nb, T, K S, L]: targets, less the level, in units.
        weight: [nb, T, K S, L]; 0 where a target is not known.

    Returns:
        The loss, and its gradient with respect to the outputs of the network, [nb, T, n_outputs, L].
    """
    nb, T, _, L = y.shape
    shape, S = head.shape, head.shape.slots
    mean = 1.0 / (max(float(weight.sum(dtype=np.float64)), 1.0) * N_LEVELS)
    total, raw, center = 0.0, np.zeros_like(head.raw), np.empty_like(y)
    slopes = np.zeros((nb, T, shape.n_slopes, L), np.float32)
    error = y - head.center
    for s in range(S):
        target, known = (np.ascontiguousarray(a[:, :, s::S]) for a in (error, weight))
        part, gradient = loss_kernels.loss(LossKernel("pinball", LEVELS), head.quantiles, target, known, mean)
        total += part
        of_slot = native.quantiles_backward(head.raw, gradient, N_LEVELS)
        raw += of_slot
        # The middle number moves all quantiles of a token, as the mean of the simple forecasts does.
        center[:, :, s::S] = of_slot[:, :, MIDDLE::N_LEVELS]
        if anchors.place is not None:
            slopes += center[:, :, s::S] * anchors.place[:, None, s, None]
    logits = _logit_gradient(head, anchors.values, center)
    return total * mean, np.concatenate([raw, slopes, logits.reshape(nb, T, -1, L)], axis=2)


def _logit_gradient(head: Head, anchors: Float32Array, center: Float32Array) -> Float32Array:
    """Return the gradient of the logits, [nb, T, G, A, L], from that of the mean of the simple forecasts."""
    weights = head.weights
    share = np.zeros_like(weights)
    for group, span in enumerate(head.shape.spans()):
        for i, anchor in enumerate(anchors, 1):
            np.einsum("btkl,btkl->btl", center[:, :, span], anchor[:, :, span], out=share[:, :, group, i])
    return np.asarray(weights * (share - (weights * share).sum(axis=3, keepdims=True)))


def initialize_head(params: Params, shape: HeadShape) -> None:
    """Let the network forecast the mean of the simple forecasts at first, with quantiles that widen with the tokens.

    Args:
        params: W and b of the last layer, changed in place.
        shape: Sizes.
    """
    z = np.array([NormalDist().inv_cdf(level) for level in LEVELS])
    spread = shape.first_spread * np.arange(1.0, shape.tokens + 1)[:, None] ** shape.growth * z
    params["W"][:] = 0.0
    params["b"][: shape.n_quantiles] = QuantileHead(N_LEVELS).inverse(spread).ravel()
    params["b"][shape.n_quantiles :] = 0.0
