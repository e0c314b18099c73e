"""The kernels of the losses equal their definitions in `nn.losses` in float64."""

from __future__ import annotations

import numpy as np
import pytest
from tolerances import close, rounding

from gatecast.kernels import losses as loss_kernels
from gatecast.kernels import runtime
from gatecast.kernels.losses import LossKernel
from gatecast.losses import Huber, MeanAbsoluteError, MeanSquaredError, weighted_mean
from gatecast.nn.losses import kernel_of

pytestmark = pytest.mark.usefixtures("every_isa")

LOSSES = (MeanSquaredError(), MeanAbsoluteError(), Huber(), Huber(0.3))
every_loss = pytest.mark.parametrize("loss", LOSSES, ids=repr)


def make(rng, K, L, one_weight):
    """Return predictions, targets and weights; a third of the weights are 0."""
    p, y = rng.normal(size=(2, 2, 3, K, L)).astype(np.float32)
    return p, y, rng.integers(0, 3, (2, 3, 1 if one_weight else K, L)).astype(np.float32)


@every_loss
@pytest.mark.parametrize("one_weight", [False, True])
@pytest.mark.parametrize(("K", "L"), [(1, 16), (5, 16), (1, 1), (5, 1), (19, 1)])
def test_value_and_gradient_equal_their_definition(loss, one_weight, K, L, rng):
    p, y, weight = make(rng, K, L, one_weight)
    value, slope = loss.elementwise(p.astype(float), y.astype(float))
    kernel = kernel_of(loss)
    assert kernel is not None
    total, gradient = loss_kernels.loss(kernel, p, y, weight, 0.25)
    close(total, (value * weight).sum(), rounding(10))
    close(gradient, 0.25 * slope * weight, rounding(4))


@every_loss
def test_on_the_target_loss_and_gradient_are_zero(loss, rng):
    p = rng.normal(size=(1, 2, 3, 16)).astype(np.float32)
    total, gradient = loss_kernels.loss(loss.kernel, p, p.copy(), np.ones_like(p), 1.0)
    assert total == 0
    assert not gradient.any()


@every_loss
def test_nan_makes_the_sum_nan_and_stays_in_its_place(loss, rng):
    p, y, weight = make(rng, 3, 16, one_weight=False)
    p[0, 1, 2, 5], weight[0, 1, 2, 5] = np.nan, 1
    total, gradient = loss_kernels.loss(loss.kernel, p, y, weight, 1.0)
    assert np.isnan(total)
    assert np.isnan(gradient).sum() <= 1


@every_loss
def test_results_have_the_same_bits_for_any_number_of_threads(loss, rng, threads):
    p, y = rng.normal(size=(2, 40, 30, 3, 16)).astype(np.float32)
    results = []
    for n in (1, 2, 3):
        runtime.set_num_threads(n)
        total, gradient = loss_kernels.loss(loss.kernel, p, y, np.ones_like(p), 1.0)
        results.append((total, gradient.tobytes()))
    assert results[0] == results[1] == results[2]


def test_a_class_on_top_of_a_loss_is_computed_by_its_own_definition(rng):
    class TwiceSquaredError(MeanSquaredError):
        def elementwise(self, prediction, target):
            value, gradient = super().elementwise(prediction, target)
            return 2 * value, 2 * gradient

    p, y, weight = make(rng, 3, 16, one_weight=False)
    args = p, y, weight, float(weight.sum())
    close(weighted_mean(TwiceSquaredError(), *args)[0], 2 * weighted_mean(MeanSquaredError(), *args)[0], rounding(10))


@pytest.mark.parametrize(
    ("kernel", "message"),
    [
        (LossKernel("huber"), "huber takes one number"),
        (LossKernel("pinball"), "pinball takes levels"),
        (LossKernel("pinball", (0.1, 0.9)), "must be a multiple"),
    ],
)
def test_wrong_parameters_raise_value_error(kernel, message):
    x = np.ones((1, 2, 3, 16), np.float32)
    with pytest.raises(ValueError, match=message):
        loss_kernels.loss(kernel, x, x, x, 1.0)
