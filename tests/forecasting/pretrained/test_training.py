"""Batches and updates: hidden values stay hidden, the gradient is that of the loss, training lowers the loss."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.forecasting.pretrained.batches import PackedBatch
from gatecast.forecasting.pretrained.head import head_backward, head_forward
from gatecast.forecasting.pretrained.hf import batches as hf
from gatecast.forecasting.pretrained.kinds import HF, LF
from gatecast.forecasting.pretrained.lf import batches as lf
from gatecast.forecasting.pretrained.network import PretrainedConfig, make_network
from gatecast.forecasting.pretrained.training import OptimizerState, train_step
from gatecast.nn.network import backward, forward, zeros_like


def made_low(n=20, n_origins=30) -> PackedBatch:
    """Return a batch of random walks of low frequency."""
    rng = np.random.default_rng(0)
    return lf.make_batch(np.exp(rng.normal(0, 0.1, (n, 60)).cumsum(axis=1) + 3), rng.choice([1, 4, 12], n), n_origins)


def made_high(n=20, n_tokens=40) -> PackedBatch:
    """Return a batch of hours with a daily wave and a level that wanders."""
    rng = np.random.default_rng(0)
    y = 5 * np.sin(2 * np.pi * np.arange(400) / 24) + rng.normal(0, 0.3, (n, 400)).cumsum(axis=1)
    return hf.make_batch(hf.Windows(y, *(np.full(n, k) for k in (24, 168, 200, 0))), n_tokens)


@pytest.mark.parametrize("kind", [LF, HF], ids=["lf", "hf"])
def test_gradient_of_a_network_equals_finite_differences(kind):
    batch = made_low() if kind is LF else made_high()
    network, weights = make_network(PretrainedConfig(units=4, n_layers=1, layer_norm=True, kind=kind), seed=1)
    weights.vector[:] += np.random.default_rng(0).normal(0, 0.1, weights.vector.size)

    def loss():
        outputs, _ = forward(network, weights, batch.x)
        return head_backward(head_forward(outputs, batch.anchors, kind.head), batch.anchors, batch.y, batch.weight)[0]

    outputs, caches = forward(network, weights, batch.x)
    _, dy = head_backward(head_forward(outputs, batch.anchors, kind.head), batch.anchors, batch.y, batch.weight)
    grads = zeros_like(weights)
    backward(network, weights, caches, dy, grads)
    direction = np.random.default_rng(2).normal(size=weights.vector.size).astype(np.float32)
    start, step = weights.vector.copy(), 3e-3
    change = 0.0
    for sign in (1, -1):
        weights.vector[:] = start + sign * step * direction
        change += sign * loss()
    assert float(grads.vector @ direction) == pytest.approx(change / (2 * step), rel=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [LF, HF], ids=["lf", "hf"])
def test_train_step_lowers_the_loss(kind):
    batch = made_low(64, 36) if kind is LF else made_high(64, 48)
    network, weights = make_network(PretrainedConfig(units=16, n_layers=1, kind=kind))
    state = OptimizerState.zeros(weights.vector.size)
    losses = [train_step(network, weights, kind.head, batch, state, k, 5e-3).loss for k in range(1, 61)]
    assert losses[-1] < 0.9 * losses[0]
    assert np.isfinite(state.average).all()
