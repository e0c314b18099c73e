"""The kernels of the quantile head and of the quantile loss equal NumPy in float64.

Shapes: [nb, T, K Q, L] with nb blocks, T steps, K target values, Q quantiles, L lanes. Notation: r is the input of the
head, q its output.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest
from cell_cases import named
from tolerances import close, difference, rounding, step

from gatecast.kernels import _native, native, runtime
from gatecast.kernels import losses as loss_kernels
from gatecast.kernels.losses import LossKernel
from gatecast.losses import Pinball, weighted_mean

pytestmark = pytest.mark.usefixtures("every_isa")

MEDIAN = LossKernel("pinball", (0.5,))
LEVELS = {1: (0.5,), 3: (0.1, 0.5, 0.9), 5: (0.025, 0.1, 0.5, 0.9, 0.975), 9: tuple(np.arange(1, 10) / 10)}
SHAPES = [(K, Q, L) for K in (1, 6, 18) for Q in LEVELS for L in (1, 16)]
"""K, Q and L."""


def head(r, Q):
    """Return the quantiles of r, in float64."""
    nb, T, M, L = r.shape
    r, mid = np.asarray(r, np.float64).reshape(nb, T, M // Q, Q, L), Q // 2
    gap = np.exp(np.minimum(r, 0)) + np.maximum(r, 0)
    q = r.copy()
    for k in range(mid + 1, Q):
        q[..., k, :] = q[..., k - 1, :] + gap[..., k, :]
    for k in range(mid - 1, -1, -1):
        q[..., k, :] = q[..., k + 1, :] - gap[..., k, :]
    return q.reshape(nb, T, M, L)


def head_gradient(r, dq, Q):
    """Return the gradient of r, in float64: a quantile passes its gradient to the numbers that it sums."""
    nb, T, M, L = r.shape
    r, dq = (np.asarray(a, np.float64).reshape(nb, T, M // Q, Q, L) for a in (r, dq))
    mid, slope = Q // 2, np.exp(np.minimum(r, 0))
    dr = np.zeros_like(r)
    for k in range(Q):
        dr[..., mid, :] += dq[..., k, :]
        for j in range(mid + 1, k + 1):
            dr[..., j, :] += dq[..., k, :] * slope[..., j, :]
        for j in range(k, mid):
            dr[..., j, :] -= dq[..., k, :] * slope[..., j, :]
    return dr.reshape(nb, T, M, L)


@dataclass(frozen=True)
class Case:
    """Inputs of head and loss, float32."""

    r: np.ndarray
    dq: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    levels: tuple[float, ...]

    @property
    def Q(self) -> int:  # noqa: N802
        """Number of quantiles of a target value."""
        return len(self.levels)


def make(rng, K, Q, L, nb=2, T=3, one_weight=False) -> Case:
    """Draw a case; a third of its weights are 0."""
    r, dq = rng.normal(size=(2, nb, T, K * Q, L)).astype(np.float32) * 2
    y = rng.normal(size=(nb, T, K, L)).astype(np.float32)
    weight = rng.integers(0, 3, (nb, T, 1 if one_weight else K, L)).astype(np.float32)
    return Case(r, dq, y, weight, LEVELS[Q])


def loss_in_float64(c: Case, q):
    """Return mean and gradient of the loss by its definition."""
    value, gradient = Pinball(c.levels).elementwise(q.astype(np.float64), c.y.astype(np.float64))
    K = c.y.shape[2]
    weight = np.repeat(np.broadcast_to(c.weight, c.y.shape).astype(np.float64), c.Q, axis=2)
    count = c.weight.sum(dtype=np.float64) * K * c.Q / c.weight.shape[2]
    return (value * weight).sum() / count, gradient * weight / count


def passes(c: Case):
    """Return all results of the kernels for a case."""
    q = native.quantiles_forward(c.r, c.Q)
    dr = native.quantiles_backward(c.r, c.dq, c.Q)
    mean, dq = weighted_mean(Pinball(c.levels), q, c.y, c.weight, float(c.weight.sum()))
    return q, dr, np.array(mean), dq


def test_head_equals_its_definition(rng):
    for K, Q, L in SHAPES:
        c = make(rng, K, Q, L)
        with named(f"K={K}, Q={Q}, L={L}"):
            close(native.quantiles_forward(c.r, Q), head(c.r, Q), rounding(4 * Q))
            close(native.quantiles_backward(c.r, c.dq, Q), head_gradient(c.r, c.dq, Q), rounding(4 * Q))


@pytest.mark.parametrize("one_weight", [False, True])
def test_loss_equals_its_definition(one_weight, rng):
    for K, Q, L in SHAPES:
        c = make(rng, K, Q, L, one_weight=one_weight)
        q = head(c.r, Q).astype(np.float32)
        mean, gradient = weighted_mean(Pinball(c.levels), q, c.y, c.weight, float(c.weight.sum()))
        expected, slope = loss_in_float64(c, q)
        with named(f"K={K}, Q={Q}, L={L}"):
            close(mean, expected, rounding(4))
            close(gradient, slope, rounding(4), scale=float(np.abs(slope).max()))


@pytest.mark.slow
def test_results_have_the_same_bits_for_any_number_of_threads(rng, threads):
    for K, Q, L in SHAPES:
        T = 4 * (1 << 14) // (K * Q * L) + 5  # tasks of 2^14 numbers: several, and one that is not full
        c = make(rng, K, Q, L, nb=1, T=T)
        runtime.set_num_threads(1)
        first = passes(c)
        for n_threads in (1, 2, 3):
            runtime.set_num_threads(n_threads)
            for a, b in zip(first, passes(c), strict=True):
                np.testing.assert_array_equal(a, b, err_msg=f"K={K}, Q={Q}, L={L}, {n_threads} threads")


def test_sequence_has_the_same_bits_alone_and_in_lanes(rng):
    for (K, Q, L), lane in product(SHAPES, (0, 7, 15)):
        if L == 1:
            continue
        c = make(rng, K, Q, 16, nb=1)
        q, dr, _, dq = passes(c)
        r, d, y, w = (np.ascontiguousarray(a[..., lane : lane + 1]) for a in (c.r, c.dq, c.y, c.weight))
        scale = 1 / (float(c.weight.sum()) * Q)
        alone = loss_kernels.loss(
            LossKernel("pinball", c.levels), np.ascontiguousarray(q[..., lane : lane + 1]), y, w, scale
        )[1]
        case = f"K={K}, Q={Q}, lane {lane}"
        np.testing.assert_array_equal(native.quantiles_forward(r, Q), q[..., lane : lane + 1], err_msg=case)
        np.testing.assert_array_equal(native.quantiles_backward(r, d, Q), dr[..., lane : lane + 1], err_msg=case)
        np.testing.assert_array_equal(alone, dq[..., lane : lane + 1], err_msg=case)


@pytest.mark.parametrize("Q", LEVELS)
@pytest.mark.parametrize("L", [1, 16])
def test_gradients_are_difference_quotients(Q, L, rng):
    c = make(rng, 2, Q, L, nb=1, T=1)
    r, h = c.r.astype(np.float64), step()
    dr = native.quantiles_backward(c.r, c.dq, Q)
    q = native.quantiles_forward(c.r, Q)
    mean, dq = weighted_mean(Pinball(c.levels), q, c.y, c.weight, float(c.weight.sum()))
    for at in np.ndindex(r.shape):
        shift = np.zeros_like(r)
        shift[at] = h
        up, down = (float((c.dq * head(r + sign * shift, Q)).sum()) for sign in (1, -1))
        close(dr[at], (up - down) / (2 * h), rounding(4 * Q) + difference(), scale=20.0)
        up, down = (loss_in_float64(c, q.astype(np.float64) + sign * shift)[0] for sign in (1, -1))
        close(dq[at], (up - down) / (2 * h), rounding(4) + difference(), scale=1.0)
    assert mean > 0


@pytest.mark.parametrize("Q", LEVELS)
def test_gradient_of_the_loss_has_the_bits_of_numpy_in_float32(Q, rng):
    c = make(rng, 6, Q, 16)
    c.r[0, 0, :Q] = c.y[0, 0, 0]  # on the target the slope is zero
    total = float(c.weight.sum())
    gradient = weighted_mean(Pinball(c.levels), c.r, c.y, c.weight, total)[1]
    slope = Pinball(c.levels).elementwise(c.r, c.y)[1] * (np.repeat(c.weight, Q, axis=2) * np.float32(1 / (total * Q)))
    np.testing.assert_array_equal(gradient, slope)
    assert not gradient[0, 0, :Q].any()


def test_quantiles_of_numbers_of_any_size_do_not_cross(rng):
    for K, Q, L in SHAPES:
        r = (rng.normal(size=(2, 3, K * Q, L)) * 10.0 ** rng.integers(-6, 7, (2, 3, K * Q, L))).astype(np.float32)
        q = native.quantiles_forward(r, Q).reshape(2, 3, K, Q, L)
        assert np.isfinite(q).all(), f"K={K}, Q={Q}, L={L}"
        assert (np.diff(q, axis=3) >= 0).all(), f"K={K}, Q={Q}, L={L}"
        assert np.isfinite(native.quantiles_backward(r, np.ones_like(r), Q)).all(), f"K={K}, Q={Q}, L={L}"


@pytest.mark.parametrize(("number", "gap"), [(np.inf, np.inf), (-np.inf, 0.0), (1e30, 1e30), (-1e30, 0.0), (-0.0, 1.0)])
@pytest.mark.parametrize("L", [1, 16])
def test_distance_of_any_size_follows_the_equation(number, gap, L):
    r = np.zeros((1, 1, 3, L), np.float32)
    r[0, 0, 2] = number
    close(np.nan_to_num(native.quantiles_forward(r, 3)[0, 0, 2]), np.full(L, np.nan_to_num(np.float32(gap))), 1e-30)


@pytest.mark.parametrize("L", [1, 16])
@pytest.mark.parametrize("Q", [3, 5])
def test_nan_stays_within_its_target_value(Q, L, rng):
    c = make(rng, 6, Q, L)
    q, dr, _, dq = passes(c)
    at = 2 * Q + Q // 2  # the middle of the third target value
    c.r[1, 2, at, 0] = np.nan
    c.weight[1, 2, 2, 0] = 1
    total = float(c.weight.sum())
    broken, slopes, mean, _ = passes(c)
    assert np.isnan(broken[1, 2, 2 * Q : 3 * Q, 0]).all()
    assert np.isnan(broken).sum() == Q
    assert not np.isnan(slopes).any()  # of the middle the slope is 1
    assert np.isnan(mean)
    again = native.quantiles_forward(np.where(np.isnan(c.r), np.float32(0), c.r), Q)
    np.testing.assert_array_equal(np.isnan(broken) | (broken == again), True)
    c.r[1, 2, at, 0], c.r[1, 2, at + 1, 0] = 0, np.nan
    broken, slopes = native.quantiles_forward(c.r, Q), native.quantiles_backward(c.r, c.dq, Q)
    assert np.isnan(broken).sum() == Q // 2
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(slopes)), [np.ravel_multi_index((1, 2, at + 1, 0), dr.shape)])
    gradient = weighted_mean(Pinball(c.levels), broken, c.y, c.weight, total)[1]
    expected = Pinball(c.levels).elementwise(broken, c.y)[1] * (
        np.repeat(c.weight, Q, axis=2) * np.float32(1 / (total * Q))
    )
    np.testing.assert_array_equal(gradient, expected)
    assert q.shape == dq.shape


def test_zero_weights_give_no_loss_and_no_gradient(rng):
    for K, Q, L in SHAPES:
        c = make(rng, K, Q, L)
        c.weight[...] = 0
        mean, gradient = weighted_mean(Pinball(c.levels), c.r, c.y * 1e6, c.weight, 0.0)
        assert mean == 0, f"K={K}, Q={Q}, L={L}"
        assert not gradient.any(), f"K={K}, Q={Q}, L={L}"


def test_losses_are_added_up_in_float64():
    p, w = np.zeros((1, 1, 2, 16), np.float32), np.zeros((1, 1, 2, 16), np.float32)
    y = np.zeros_like(p)
    y[0, 0, 0, :2], w[0, 0, 0, :2] = [2**25, 2], 1  # half of them is 2^24 + 1, which is no float32
    assert loss_kernels.loss(MEDIAN, p, y, w, 1.0)[0] == 2**24 + 1


def test_weighted_mean_of_a_subclass_calls_the_subclass(rng):
    @dataclass(frozen=True)
    class Doubled(Pinball):
        def elementwise(self, prediction, target):
            value, gradient = super().elementwise(prediction, target)
            return 2 * value, 2 * gradient

    c = make(rng, 2, 3, 16)
    q, total = native.quantiles_forward(c.r, 3), float(c.weight.sum())
    mean, gradient = weighted_mean(Pinball(c.levels), q, c.y, c.weight, total)
    twice, slopes = weighted_mean(Doubled(c.levels), q, c.y, c.weight, total)
    close(twice, 2 * mean, rounding(8))
    np.testing.assert_array_equal(slopes, 2 * gradient)


def test_repeated_step_requests_no_memory_from_the_system(rng):
    c = make(rng, 18, 5, 16)
    passes(c)
    before = _native.memory_requests()
    passes(c)
    assert _native.memory_requests() == before


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda x: native.quantiles_forward(x, 4), "the features must be a multiple of the number of quantiles"),
        (lambda x: native.quantiles_forward(x, 0), "the features must be a multiple"),
        (lambda x: native.quantiles_forward(x[:, :0].copy(), 3), "none of the axes empty"),
        (lambda x: native.quantiles_forward(x[..., :3].copy(), 3), "x must have 1 or 16 lanes"),
        (lambda x: native.quantiles_backward(x, x[:1].copy(), 3), "dy has shape (1, 2, 6, 16), expected (2, 2, 6"),
        (
            lambda x: loss_kernels.loss(LossKernel("pinball", (0.1, 0.5, 0.9)), x, x, x, 1.0),
            "target has shape (2, 2, 6, 16), expected (2, 2, 2",
        ),
        (
            lambda x: loss_kernels.loss(LossKernel("pinball", (0.1, 0.5, 0.9)), x, x[:, :, :2].copy(), x, 1.0),
            "weight has shape (2, 2, 6, 16), expected (2, 2, 2, 16)",
        ),
        (lambda x: loss_kernels.loss(LossKernel("pinball", (0.1, 0.2, 0.3, 0.9)), x, x, x, 1.0), "must be a multiple"),
    ],
)
def test_wrong_shapes_raise_value_error(call, text):
    with pytest.raises(ValueError, match=r"expected|must") as caught:
        call(np.zeros((2, 2, 6, 16), np.float32))
    assert text in str(caught.value)


def test_wrong_types_raise_type_error():
    x = np.zeros((2, 2, 6, 16), np.float32)
    for wrong in (x.astype(np.float64), x[:, :, ::2], x.transpose(1, 0, 2, 3)):
        with pytest.raises(TypeError):
            native.quantiles_forward(wrong, 3)
        with pytest.raises(TypeError):
            loss_kernels.loss(MEDIAN, x, x, wrong, 1.0)
