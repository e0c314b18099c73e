"""One update of a pretrained network: forward, loss, backward, AdamW with an average of the weights.

Notation: n parameters.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from gatecast._utils.typing import Float32Array
from gatecast.errors import ConfigError
from gatecast.forecasting.pretrained.batches import PackedBatch
from gatecast.forecasting.pretrained.head import Head, HeadShape, head_backward, head_forward
from gatecast.kernels import native
from gatecast.nn.network import Network, TrainingPass, Weights, backward, forward, zeros_like

__all__ = ["OptimizerState", "StepResult", "forecast_batch", "train_step"]

BETA_1, BETA_2, EPSILON = 0.9, 0.95, 1e-8
"""Decays of Adam's moments, and what is added to the root."""

WEIGHT_DECAY = 0.01
"""Of matrices; biases and gains keep their size."""

MAX_NORM = 1.0
"""The largest norm of the gradient."""

AVERAGE_DECAY = 0.998
"""Decay of the average of the weights."""


class OptimizerState(NamedTuple):
    """Moments of Adam and the average of the weights, (n,) each, changed in place."""

    m: Float32Array
    v: Float32Array
    average: Float32Array

    @classmethod
    def zeros(cls, n: int) -> OptimizerState:
        """Return the state before the first update."""
        return cls(*(np.zeros(n, np.float32) for _ in range(3)))


class StepResult(NamedTuple):
    """What an update was made from."""

    loss: float
    gradient_norm: float
    """Before clipping."""
    head: Head
    """The forecasts before the update."""


def train_step(
    network: Network,
    weights: Weights,
    shape: HeadShape,
    batch: PackedBatch,
    state: OptimizerState,
    step: int,
    learning_rate: float,
) -> StepResult:
    """Update the weights in place.

    Args:
        network: As `make_network` returns it.
        weights: Its parameters.
        shape: Of its head.
        batch: As `make_batch` returns it.
        state: Changed in place.
        step: Number of the update, from 1.
        learning_rate: Learning rate of this update.

    Raises:
        ConfigError: The loss or the gradient is not finite.
    """
    grads = zeros_like(weights)
    outputs, caches = forward(network, weights, batch.x, training=TrainingPass(0, step))
    head = head_forward(outputs, batch.anchors, shape)
    loss, dy = head_backward(head, batch.anchors, batch.y, batch.weight)
    backward(network, weights, caches, dy, grads)
    norm = float(np.sqrt(np.square(grads.vector).sum(dtype=np.float64)))
    if not (math.isfinite(loss) and math.isfinite(norm)):
        raise ConfigError(
            "Training diverged",
            where=f"step {step}",
            got=f"a loss of {loss} and a gradient of norm {norm}",
            fix="Use a smaller learning rate.",
        )
    _update(weights, grads.vector, norm, state, step, learning_rate)
    return StepResult(loss, norm, head)


def forecast_batch(network: Network, weights: Weights, shape: HeadShape, batch: PackedBatch) -> Head:
    """Return the forecasts from all origins of a batch.

    Args:
        network: As `make_network` returns it.
        weights: Its parameters.
        shape: Of its head.
        batch: As `make_batch` returns it.
    """
    outputs, _ = forward(network, weights, batch.x, save_for_backward=False)
    return head_forward(outputs, batch.anchors, shape)


def _update(
    weights: Weights, g: Float32Array, norm: float, state: OptimizerState, step: int, learning_rate: float
) -> None:
    """Clip the gradient, apply AdamW and update the average."""
    if norm > MAX_NORM:
        g *= np.float32(MAX_NORM / norm)
    native.adam(state.m, state.v, g, BETA_1, BETA_2, EPSILON, step)
    for views in weights.views:
        for value in views.values():
            if value.ndim > 1:
                value *= np.float32(1 - learning_rate * WEIGHT_DECAY)
    g *= np.float32(learning_rate)
    weights.vector[:] -= g
    decay = np.float32(min(AVERAGE_DECAY, 1 - 1 / step))
    average = state.average
    average *= decay
    average += (1 - decay) * weights.vector
