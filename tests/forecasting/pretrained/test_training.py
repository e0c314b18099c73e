"""Batches and updates: hidden values stay hidden, the gradient is that of the loss, training lowers the loss."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.forecasting.pretrained.lf.batches import FIRST_ORIGIN, make_batch
from gatecast.forecasting.pretrained.head import head_backward, head_forward
from gatecast.forecasting.pretrained.network import PretrainedConfig, make_network
from gatecast.forecasting.pretrained.training import OptimizerState, train_step
from gatecast.nn.network import backward, forward, zeros_like


def made(n=20, T=60, seed=0):
    """Return series and seasons."""
    rng = np.random.default_rng(seed)
    return np.exp(rng.normal(0, 0.1, (n, T)).cumsum(axis=1) + 3), rng.choice([1, 4, 12], n)


def test_make_batch_hides_values_but_not_targets():
    values, seasons = made()
    hidden = np.zeros((20, 36), bool)
    hidden[:, 20:30] = True
    other = values.copy()
    other[:, 20:30] *= 7
    one, two = (make_batch(v, seasons, 36, hidden) for v in (values, other))
    assert one.x.tobytes() == two.x.tobytes()
    assert (one.y[:, 15] != two.y[:, 15]).any()
    assert one.weight[:, 25].any()


def test_make_batch_weighs_known_targets_of_lanes_with_enough_values():
    values, seasons = made(n=18)
    values[0, :5] = np.nan
    batch = make_batch(values, seasons, 60)
    weight = batch.weight.transpose(0, 3, 1, 2).reshape(32, 60, 24)
    lane = batch.order.tolist().index(0)
    assert weight[18:].sum() == 0
    assert weight[lane].any(axis=1).argmax() == 5 + FIRST_ORIGIN
    assert np.delete(weight[:18], lane, axis=0)[:, FIRST_ORIGIN].all()
    assert weight[0, 58].tolist() == [1] + [0] * 23


def test_gradient_of_a_network_equals_finite_differences():
    values, seasons = made()
    batch = make_batch(values, seasons, 30)
    network, weights = make_network(PretrainedConfig(units=4, n_layers=1, layer_norm=True), seed=1)
    weights.vector[:] += np.random.default_rng(0).normal(0, 0.1, weights.vector.size)

    def loss():
        outputs, _ = forward(network, weights, batch.x)
        return head_backward(head_forward(outputs, batch.anchors), batch.anchors, batch.y, batch.weight)[0]

    outputs, caches = forward(network, weights, batch.x)
    _, dy = head_backward(head_forward(outputs, batch.anchors), batch.anchors, batch.y, batch.weight)
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
def test_train_step_lowers_the_loss():
    values, seasons = made(n=64)
    batch = make_batch(values, seasons, 36)
    network, weights = make_network(PretrainedConfig(units=16, n_layers=1))
    state = OptimizerState.zeros(weights.vector.size)
    losses = [train_step(network, weights, batch, state, k, 5e-3).loss for k in range(1, 61)]
    assert losses[-1] < 0.9 * losses[0]
    assert np.isfinite(state.average).all()
