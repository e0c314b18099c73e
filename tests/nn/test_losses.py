"""Every loss keeps the same promises, and weights mean what they should.

Letters: M outputs, Q quantiles. A new loss needs an entry in EXAMPLES and nothing else here.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tolerances import EPS64, close, difference, rounding, step

from gatecast.errors import ConfigError
from gatecast.kernels.packing import pack
from gatecast.losses import (
    ALIASES,
    LOSSES,
    Huber,
    MeanAbsoluteError,
    MeanSquaredError,
    Pinball,
    get,
    weighted_mean,
)

EXAMPLES = {
    "MeanSquaredError": [MeanSquaredError()],
    "MeanAbsoluteError": [MeanAbsoluteError()],
    "Huber": [Huber(), Huber(0.3)],
    "Pinball": [Pinball((0.5,)), Pinball((0.1, 0.5, 0.8))],
}
every_loss = pytest.mark.parametrize("loss", [x for some in EXAMPLES.values() for x in some], ids=repr)


def pair(loss, rng, targets=2):
    """A prediction (3, 2, M, 16) and a target, float64."""
    shape = (3, 2, targets, 16)
    return rng.normal(size=(3, 2, targets * loss.width, 16)), rng.normal(size=shape)


def test_every_loss_has_an_example():
    assert EXAMPLES.keys() == LOSSES.keys()


@every_loss
def test_the_gradient_is_the_difference_quotient_of_the_value(loss, rng):
    prediction, target = pair(loss, rng)
    value, gradient = loss(prediction, target)
    assert value.shape == gradient.shape == prediction.shape
    quotient = (loss(prediction + step(), target)[0] - loss(prediction - step(), target)[0]) / (2 * step())
    close(gradient, quotient, difference(), scale=20.0)


@every_loss
def test_a_loss_is_zero_where_prediction_and_target_agree_and_positive_elsewhere(loss, rng):
    prediction, target = pair(loss, rng)
    exact = np.repeat(target, loss.width, axis=2)
    value, gradient = loss(exact, target)
    assert not value.any()
    assert not gradient.any()
    assert (loss(prediction, target)[0] > 0).all()


@every_loss
def test_float32_stays_float32(loss, rng):
    prediction, target = (a.astype(np.float32) for a in pair(loss, rng))
    value, gradient = loss(prediction, target)
    assert value.dtype == gradient.dtype == np.float32


@every_loss
def test_a_loss_is_convex_in_the_prediction(loss, rng):
    prediction, target = pair(loss, rng)
    other = rng.normal(size=prediction.shape)
    middle = loss((prediction + other) / 2, target)[0]
    assert (middle <= (loss(prediction, target)[0] + loss(other, target)[0]) / 2 + 8 * EPS64).all()


@pytest.mark.parametrize(
    ("loss", "best"),
    [
        (MeanSquaredError(), np.mean),
        (MeanAbsoluteError(), np.median),
        (Huber(1e9), np.mean),
        (Pinball((0.2,)), lambda y: np.quantile(y, 0.2, method="inverted_cdf")),
    ],
)
def test_the_best_constant_is_the_statistic_that_the_loss_stands_for(loss, best, rng):
    y = np.sort(rng.gamma(2.0, size=(1, 1, 1, 101)))
    grid = np.append(np.linspace(y.min(), y.max(), 500), best(y))
    means = [loss(np.full_like(y, c), y)[0].mean() for c in grid]
    assert np.argmin(means) == 500 or means[500] <= min(means) * (1 + 1e-12)


@given(st.floats(-5, 5), st.floats(0.1, 3))
def test_huber_is_what_huber_wrote(e, delta):
    expected = 0.5 * e * e if abs(e) <= delta else delta * (abs(e) - 0.5 * delta)
    value, _ = Huber(delta)(np.full((1, 1, 1, 1), e), np.zeros((1, 1, 1, 1)))
    close(value.item(), expected, rounding(4, EPS64))


def test_quantiles_of_a_target_stand_side_by_side():
    loss = Pinball((0.1, 0.9))
    prediction = pack([[[1.0, 2.0, 30.0, 40.0]]])  # two targets, two quantiles each
    target = pack([[[0.0, 35.0]]])
    value, _ = loss(prediction, target)
    close(value[0, 0, :, 0], [0.9 * 1, 0.1 * 2, 0.1 * 5, 0.1 * 5], rounding(4))


def mean(loss, p, y, w):
    """`weighted_mean` on unpacked arrays: p (N, M), y (N, m), w (N,)."""
    p, y, w = (pack(np.asarray(a, float)[:, None, :]) for a in (p, y, np.asarray(w, float)[:, None]))
    value, gradient = weighted_mean(loss, p, y, w, float(w.sum()))
    return value, gradient.transpose(0, 3, 1, 2).reshape(-1, p.shape[2])


@every_loss
def test_a_weight_of_two_is_having_the_sample_twice(loss, rng):
    p, y, w = rng.normal(size=(20, loss.width)), rng.normal(size=(20, 1)), rng.integers(0, 4, 20)
    value, gradient = mean(loss, p, y, w)
    again = np.repeat(np.arange(20), w)
    value_again, gradient_again = mean(loss, p[again], y[again], np.ones(len(again)))
    close(value, value_again, rounding(40))
    for k in range(20):
        close(gradient[k], gradient_again[: len(again)][again == k].sum(axis=0), rounding(4))


@every_loss
def test_a_weight_of_zero_hides_the_sample_and_its_gradient(loss, rng):
    p, y, w = rng.normal(size=(20, loss.width)), rng.normal(size=(20, 1)), np.ones(20)
    w[7] = 0
    value, gradient = mean(loss, p, y, w)
    y[7] = 1e6
    np.testing.assert_array_equal(mean(loss, p, y, w)[1], gradient)
    assert mean(loss, p, y, w)[0] == value
    assert not gradient[7].any()


@every_loss
def test_values_of_a_step_may_have_weights_of_their_own(loss, rng):
    p, y = (pack(rng.normal(size=(20, 1, m))) for m in (3 * loss.width, 3))
    w = pack(rng.integers(0, 3, (20, 1, 3)))
    value, gradient = weighted_mean(loss, p, y, w, float(w.sum()))
    every, slope = loss(p, y)
    wide = np.repeat(w, loss.width, axis=2).astype(float)
    close(value, (every * wide).sum() / wide.sum(), rounding(20))
    close(gradient, slope * wide / wide.sum(), rounding(4))


@every_loss
def test_the_mean_is_the_plain_mean_and_its_gradient_the_slope_of_the_mean(loss, rng):
    p, y = rng.normal(size=(20, loss.width)), rng.normal(size=(20, 1))
    value, gradient = mean(loss, p, y, np.ones(20))
    columns = (a.T[None, None] for a in (p, y))
    expected_value, expected_gradient = loss(*columns)
    close(value, expected_value.mean(), rounding(20))
    close(gradient[:20], expected_gradient[0, 0].T / p.size, rounding(4))
    assert not gradient[20:].any()


def test_sums_are_in_float64():
    p, y, w = np.zeros((3, 1, 1, 1, 16), np.float32)
    p[..., :2], w[..., :2] = [4096, 1], 1  # 2^24 + 1 is no float32
    assert weighted_mean(MeanSquaredError(), p, y, w, total=1.0)[0] == 2**24 + 1


@pytest.mark.parametrize(("name", "loss"), ALIASES.items())
def test_names_are_those_of_keras(name, loss):
    assert get(name) == get(name.upper()) == loss
    assert get(loss) is loss


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: get("rmse"),
            "Unknown loss 'rmse': expected one of mean_squared_error, mse",
        ),
        (lambda: get(Huber), "Invalid loss <class"),
        (lambda: get(3), "Invalid loss 3"),
        (lambda: Huber(0), "Invalid delta 0 (Huber)"),
        (lambda: Pinball((0.9, 0.1)), "Invalid quantiles [0.9, 0.1] (Pinball): expected increasing numbers"),
        (lambda: Pinball((0.5, 0.5)), "Invalid quantiles"),
        (lambda: Pinball((0.0, 0.5)), "Invalid quantiles"),
        (lambda: Pinball(()), "Invalid quantiles [] (Pinball)"),
    ],
)
def test_impossible_losses_are_named(make, text):
    with pytest.raises(ConfigError) as caught:
        make()
    assert text in str(caught.value)
