"""The head equals its equations in float64, and its gradient equals finite differences."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.forecasting.pretrained.head import (
    LEVELS,
    Anchors,
    HeadShape,
    anchor_weights,
    head_backward,
    head_forward,
    initialize_head,
)

Q, MID = len(LEVELS), len(LEVELS) // 2

LOW = HeadShape(tokens=24, slots=1, groups=3, anchors=4, first_spread=0.8)
HIGH = HeadShape(tokens=8, slots=4, groups=4, anchors=5)


def reference(shape, outputs, anchors, y, weight):
    """Return forecasts (n, K S, Q) and the loss, in float64, for outputs (n, n_outputs)."""
    n, K, S = len(outputs), shape.tokens, shape.slots
    values, place, prior = anchors
    r = outputs[:, : K * Q].reshape(n, K, Q)
    slopes = outputs[:, K * Q : K * Q + shape.n_slopes]
    logits = outputs[:, K * Q + shape.n_slopes :].reshape(n, shape.groups, shape.anchors) + prior
    share = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
    simple = np.concatenate([np.zeros((1, n, K * S)), values])
    center = np.einsum("nji,inj->nj", np.repeat(share, K * S // shape.groups, axis=1), simple)
    if S > 1:
        center += np.repeat(slopes, S, axis=1) * np.tile(place, K)
    gap = np.exp(np.minimum(r, 0)) + np.maximum(r, 0)
    q = np.empty_like(r)
    q[:, :, MID] = r[:, :, MID]
    for k in range(1, MID + 1):
        q[:, :, MID + k] = q[:, :, MID + k - 1] + gap[:, :, MID + k]
        q[:, :, MID - k] = q[:, :, MID - k + 1] - gap[:, :, MID - k]
    q = np.repeat(q, S, axis=1) + center[:, :, None]
    levels = np.array(LEVELS)
    error = y[:, :, None] - q
    loss = np.maximum(levels * error, (levels - 1) * error)
    return q, (loss * weight[:, :, None]).sum() / (weight.sum() * Q)


@pytest.fixture(params=[LOW, HIGH], ids=["low", "high"])
def case(request):
    """Return a shape, outputs, anchors, targets and weights of 32 lanes; some targets are not known."""
    shape, rng = request.param, np.random.default_rng(0)
    block = shape.block
    anchors = rng.normal(size=(shape.anchors - 1, 32, block)) * 3
    place = rng.uniform(-1, 1, size=(32, shape.slots))
    prior = rng.normal(size=(32, shape.groups, shape.anchors))
    y, weight = rng.normal(size=(32, block)) * 4, (rng.random((32, block)) < 0.8) * 1.0
    return shape, rng.normal(size=(32, shape.n_outputs)), (anchors, place, prior), y, weight


def pack(x):
    """Return (..., n, F) as [..., nb, 1, F, L] of 16 lanes, float32."""
    *front, n, F = x.shape
    packed = x.reshape(*front, n // 16, 16, F).swapaxes(-1, -2)[..., None, :, :]
    return np.ascontiguousarray(packed, np.float32)


def unpack(x):
    """Return [nb, 1, F, L] as (n, F)."""
    return x[:, 0].swapaxes(-1, -2).reshape(-1, x.shape[2])


def packed(shape, anchors):
    """Return anchors as the head takes them."""
    values, place, prior = anchors
    logits = pack(prior.reshape(32, -1)).reshape(2, 1, shape.groups, shape.anchors, 16)
    return Anchors(pack(values), pack(place)[:, 0] if shape.slots > 1 else None, logits)


def test_head_forward_equals_the_equations(case):
    shape, outputs, anchors, y, weight = case
    q, loss = reference(*case)
    head = head_forward(pack(outputs), packed(shape, anchors), shape)
    of_token = unpack(head.quantiles).reshape(32, shape.tokens, Q)
    forecast = np.repeat(of_token, shape.slots, axis=1) + unpack(head.center)[:, :, None]
    assert forecast == pytest.approx(q, abs=3e-5)
    assert (np.diff(forecast, axis=2) > 0).all()
    assert head_backward(head, packed(shape, anchors), pack(y), pack(weight))[0] == pytest.approx(loss, rel=1e-5)


def test_head_backward_equals_finite_differences(case):
    shape, outputs, anchors, y, weight = case
    head = head_forward(pack(outputs), packed(shape, anchors), shape)
    gradient = unpack(head_backward(head, packed(shape, anchors), pack(y), pack(weight))[1])
    n = shape.n_quantiles
    for k in [0, 5, MID, 2 * Q + MID, 100, n - 1, *range(n, shape.n_outputs)]:
        step = np.zeros_like(outputs)
        step[:, k] = 1e-6
        for lane in (0, 9, 31):
            one = np.where(np.arange(32)[:, None] == lane, step, 0)
            up, down = (reference(shape, outputs + sign * one, anchors, y, weight)[1] for sign in (1, -1))
            assert gradient[lane, k] == pytest.approx((up - down) / 2e-6, abs=2e-6)


def test_initialize_head_forecasts_the_mean_of_the_simple_forecasts():
    params = {"W": np.ones((4, LOW.n_outputs), np.float32), "b": np.ones(LOW.n_outputs, np.float32)}
    initialize_head(params, LOW)
    assert not params["W"].any()
    anchors = np.random.default_rng(0).normal(size=(3, 16, 24))
    head = head_forward(pack(np.tile(params["b"], (16, 1))), Anchors(pack(anchors)), LOW)
    assert unpack(head.center) == pytest.approx(anchors.sum(axis=0) / 4, abs=1e-5)
    q = unpack(head.quantiles).reshape(16, 24, Q)
    assert q[:, :, MID] == pytest.approx(0)
    assert q[0, 3, -1] == pytest.approx(1.96 * 0.8 * 2, abs=0.01)


@pytest.mark.parametrize("n_anchors", [4, 7, 8, 16])
def test_anchor_weights_of_a_lane_do_not_depend_on_the_others(n_anchors):
    """NumPy adds eight numbers in a row in another order than columns of them."""
    logits = np.random.default_rng(0).normal(size=(1, 5, 3, n_anchors, 16)).astype(np.float32)
    every = anchor_weights(logits)
    for lane in range(16):
        alone = anchor_weights(np.ascontiguousarray(logits[..., lane : lane + 1]))
        assert alone[..., 0].tobytes() == every[..., lane].tobytes()
