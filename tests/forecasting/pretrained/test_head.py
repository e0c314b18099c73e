"""The head equals its equations in float64, and its gradient equals finite differences."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.forecasting.pretrained.head import (
    BLOCK,
    LEVELS,
    N_OUTPUTS,
    N_QUANTILES,
    head_backward,
    head_forward,
    initialize_head,
)

Q, MID = len(LEVELS), len(LEVELS) // 2


def reference(outputs, anchors, y, weight):
    """Return forecasts (n, K, Q) and the loss, in float64, for outputs (n, N_OUTPUTS)."""
    n = len(outputs)
    r = outputs[:, :N_QUANTILES].reshape(n, BLOCK, Q)
    logits = outputs[:, N_QUANTILES:].reshape(n, 3, 4)
    share = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
    simple = np.concatenate([np.zeros((1, n, BLOCK)), anchors])
    center = np.einsum("nji,inj->nj", np.repeat(share, BLOCK // 3, axis=1), simple)
    gap = np.exp(np.minimum(r, 0)) + np.maximum(r, 0)
    q = np.empty_like(r)
    q[:, :, MID] = r[:, :, MID]
    for k in range(1, MID + 1):
        q[:, :, MID + k] = q[:, :, MID + k - 1] + gap[:, :, MID + k]
        q[:, :, MID - k] = q[:, :, MID - k + 1] - gap[:, :, MID - k]
    q += center[:, :, None]
    levels = np.array(LEVELS)
    error = y[:, :, None] - q
    loss = np.maximum(levels * error, (levels - 1) * error)
    return q, (loss * weight[:, :, None]).sum() / (weight.sum() * Q)


@pytest.fixture
def case():
    """Return outputs, anchors, targets and weights of 32 lanes; some targets are not known."""
    rng = np.random.default_rng(0)
    anchors, y = rng.normal(size=(3, 32, BLOCK)) * 3, rng.normal(size=(32, BLOCK)) * 4
    return rng.normal(size=(32, N_OUTPUTS)), anchors, y, (rng.random((32, BLOCK)) < 0.8) * 1.0


def pack(x):
    """Return (..., n, F) as [..., nb, 1, F, L] of 16 lanes, float32."""
    *front, n, F = x.shape
    packed = x.reshape(*front, n // 16, 16, F).swapaxes(-1, -2)[..., None, :, :]
    return np.ascontiguousarray(packed, np.float32)


def unpack(x):
    """Return [nb, 1, F, L] as (n, F)."""
    return x[:, 0].swapaxes(-1, -2).reshape(-1, x.shape[2])


def test_head_forward_equals_the_equations(case):
    outputs, anchors, y, weight = case
    q, loss = reference(*case)
    head = head_forward(pack(outputs), pack(anchors))
    forecast = unpack(head.quantiles).reshape(32, BLOCK, Q) + unpack(head.center)[:, :, None]
    assert forecast == pytest.approx(q, abs=2e-5)
    assert (np.diff(forecast, axis=2) > 0).all()
    assert head_backward(head, pack(anchors), pack(y), pack(weight))[0] == pytest.approx(loss, rel=1e-5)


def test_head_backward_equals_finite_differences(case):
    outputs, anchors, y, weight = case
    head = head_forward(pack(outputs), pack(anchors))
    gradient = unpack(head_backward(head, pack(anchors), pack(y), pack(weight))[1])
    for k in [0, 5, MID, 2 * Q + MID, 100, N_QUANTILES - 1, *range(N_QUANTILES, N_OUTPUTS)]:
        step = np.zeros_like(outputs)
        step[:, k] = 1e-6
        for lane in (0, 9, 31):
            one = np.where(np.arange(32)[:, None] == lane, step, 0)
            up, down = (reference(outputs + sign * one, anchors, y, weight)[1] for sign in (1, -1))
            assert gradient[lane, k] == pytest.approx((up - down) / 2e-6, abs=2e-6)


def test_initialize_head_forecasts_the_mean_of_the_simple_forecasts():
    params = {"W": np.ones((4, N_OUTPUTS), np.float32), "b": np.ones(N_OUTPUTS, np.float32)}
    initialize_head(params)
    assert not params["W"].any()
    anchors = np.random.default_rng(0).normal(size=(3, 16, BLOCK))
    head = head_forward(pack(np.tile(params["b"], (16, 1))), pack(anchors))
    assert unpack(head.center) == pytest.approx(anchors.sum(axis=0) / 4, abs=1e-5)
    q = unpack(head.quantiles).reshape(16, BLOCK, Q)
    assert q[:, :, MID] == pytest.approx(0)
    assert q[0, 3, -1] == pytest.approx(1.96 * 0.8 * 2, abs=0.01)
