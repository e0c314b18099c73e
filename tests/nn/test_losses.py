"""Every loss keeps the same promises, and weights mean what they should.

Letters: M outputs, Q quantiles. A new loss needs an entry in EXAMPLES and nothing else here.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tolerances import EPS64, close, difference, rounding, step

from gatecast import losses
from gatecast.errors import ConfigError
from gatecast.kernels.packing import pack
from gatecast.losses import (
    ALIASES,
    LOSSES,
    BinaryCrossentropy,
    CategoricalCrossentropy,
    FunctionLoss,
    Huber,
    KLDivergence,
    LogCosh,
    Loss,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Pinball,
    Poisson,
    get,
    weighted_mean,
)

EXAMPLES = {
    "MeanSquaredError": [MeanSquaredError()],
    "MeanAbsoluteError": [MeanAbsoluteError()],
    "Huber": [Huber(), Huber(0.3)],
    "LogCosh": [LogCosh()],
    "Pinball": [Pinball((0.5,)), Pinball((0.1, 0.5, 0.8))],
}
every_loss = pytest.mark.parametrize("loss", [x for some in EXAMPLES.values() for x in some], ids=repr)


def pair(loss, rng, targets=2):
    """A prediction (3, 2, M, 16) and a target, float64."""
    shape = (3, 2, targets, 16)
    return rng.normal(size=(3, 2, targets * loss.width, 16)), rng.normal(size=shape)


# Losses of positive numbers and of probabilities, which are not functions of the difference, with logits below.
POSITIVE = {
    "MeanAbsolutePercentageError": MeanAbsolutePercentageError(),
    "MeanSquaredLogarithmicError": MeanSquaredLogarithmicError(),
    "Poisson": Poisson(),
    "BinaryCrossentropy": BinaryCrossentropy(label_smoothing=0.1),
    "CategoricalCrossentropy": CategoricalCrossentropy(label_smoothing=0.1),
    "KLDivergence": KLDivergence(),
}
LOGITS = [BinaryCrossentropy(from_logits=True), CategoricalCrossentropy(from_logits=True)]
every_positive_loss = pytest.mark.parametrize("loss", [*POSITIVE.values(), *LOGITS], ids=repr)


def test_every_loss_has_an_example():
    assert EXAMPLES.keys() | POSITIVE.keys() == LOSSES.keys()


@every_positive_loss
def test_the_gradient_of_the_sum_is_the_difference_quotient(loss, rng):
    prediction, target = rng.uniform(0.1, 0.9, (2, 3, 4, 16)), rng.uniform(0.1, 0.9, (2, 3, 4, 16))
    value, gradient = loss.elementwise(prediction, target)
    assert value.shape == gradient.shape == prediction.shape
    for m in range(4):
        shift = np.zeros((4, 1))
        shift[m] = step()
        sums = [loss.elementwise(prediction + s, target)[0].sum(axis=2) for s in (shift, -shift)]
        close(gradient[:, :, m], (sums[0] - sums[1]) / (2 * step()), difference(), scale=2000.0)


@every_positive_loss
def test_losses_of_probabilities_stay_float32(loss, rng):
    prediction, target = (rng.uniform(0.1, 0.9, (1, 1, 4, 16)).astype(np.float32) for _ in range(2))
    value, gradient = loss.elementwise(prediction, target)
    assert value.dtype == gradient.dtype == np.float32


@pytest.mark.parametrize("loss", [BinaryCrossentropy(), CategoricalCrossentropy(), KLDivergence(), Poisson()])
def test_losses_are_finite_at_the_ends_of_the_range_and_in_padding(loss):
    prediction, target = np.zeros((2, 1, 1, 2, 16), np.float32)
    target[..., 0, :3] = prediction[..., 1, :3] = 1
    weight = np.zeros((1, 1, 1, 16), np.float32)
    weight[..., :3] = 1
    with np.errstate(all="ignore"):
        value, gradient = weighted_mean(loss, prediction, target, weight, 3.0)
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()
    assert not gradient[..., 3:].any()


@every_loss
def test_the_gradient_is_the_difference_quotient_of_the_value(loss, rng):
    prediction, target = pair(loss, rng)
    value, gradient = loss.elementwise(prediction, target)
    assert value.shape == gradient.shape == prediction.shape
    quotient = (loss.elementwise(prediction + step(), target)[0] - loss.elementwise(prediction - step(), target)[0]) / (
        2 * step()
    )
    close(gradient, quotient, difference(), scale=20.0)


@every_loss
def test_a_loss_is_zero_where_prediction_and_target_agree_and_positive_elsewhere(loss, rng):
    prediction, target = pair(loss, rng)
    exact = np.repeat(target, loss.width, axis=2)
    value, gradient = loss.elementwise(exact, target)
    assert not value.any()
    assert not gradient.any()
    assert (loss.elementwise(prediction, target)[0] > 0).all()


@every_loss
def test_float32_stays_float32(loss, rng):
    prediction, target = (a.astype(np.float32) for a in pair(loss, rng))
    value, gradient = loss.elementwise(prediction, target)
    assert value.dtype == gradient.dtype == np.float32


@every_loss
def test_a_loss_is_convex_in_the_prediction(loss, rng):
    prediction, target = pair(loss, rng)
    other = rng.normal(size=prediction.shape)
    middle = loss.elementwise((prediction + other) / 2, target)[0]
    assert (
        middle <= (loss.elementwise(prediction, target)[0] + loss.elementwise(other, target)[0]) / 2 + 8 * EPS64
    ).all()


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
    means = [loss.elementwise(np.full_like(y, c), y)[0].mean() for c in grid]
    assert np.argmin(means) == 500 or means[500] <= min(means) * (1 + 1e-12)


@given(st.floats(-5, 5), st.floats(0.1, 3))
def test_huber_is_what_huber_wrote(e, delta):
    expected = 0.5 * e * e if abs(e) <= delta else delta * (abs(e) - 0.5 * delta)
    value, _ = Huber(delta).elementwise(np.full((1, 1, 1, 1), e), np.zeros((1, 1, 1, 1)))
    close(value.item(), expected, rounding(4, EPS64))


def test_quantiles_of_a_target_stand_side_by_side():
    loss = Pinball((0.1, 0.9))
    prediction = pack([[[1.0, 2.0, 30.0, 40.0]]])  # two targets, two quantiles each
    target = pack([[[0.0, 35.0]]])
    value, _ = loss.elementwise(prediction, target)
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
    every, slope = loss.elementwise(p, y)
    wide = np.repeat(w, loss.width, axis=2).astype(float)
    close(value, (every * wide).sum() / wide.sum(), rounding(20))
    close(gradient, slope * wide / wide.sum(), rounding(4))


@every_loss
def test_the_mean_is_the_plain_mean_and_its_gradient_the_slope_of_the_mean(loss, rng):
    p, y = rng.normal(size=(20, loss.width)), rng.normal(size=(20, 1))
    value, gradient = mean(loss, p, y, np.ones(20))
    columns = (a.T[None, None] for a in (p, y))
    expected_value, expected_gradient = loss.elementwise(*columns)
    close(value, expected_value.mean(), rounding(20))
    close(gradient[:20], expected_gradient[0, 0].T / p.size, rounding(4))
    assert not gradient[20:].any()


def test_sums_are_in_float64():
    p, y, w = np.zeros((3, 1, 1, 1, 16), np.float32)
    p[..., :2], w[..., :2] = [4096, 1], 1  # 2^24 + 1 is no float32
    assert weighted_mean(MeanSquaredError(), p, y, w, total=1.0)[0] == 2**24 + 1


@pytest.mark.parametrize(("short", "long"), ALIASES.items())
def test_names_are_those_of_keras(short, long):
    assert get(short) == get(short.upper()) == get(long)
    assert get(get(short)) == get(short)


@pytest.mark.parametrize("name", sorted(set(LOSSES) - {"Pinball"}))
def test_losses_have_the_name_of_their_class_and_can_be_passed_as_classes(name):
    assert get(name) == get(LOSSES[name]) == LOSSES[name]()


def test_functions_of_keras_stand_for_their_losses():
    assert get(losses.mean_squared_error) == MeanSquaredError()
    assert get(losses.binary_crossentropy) == BinaryCrossentropy()


@pytest.mark.parametrize(("reduction", "expected"), [("sum_over_batch_size", 2.5), ("sum", 5.0), ("none", [1.0, 4.0])])
def test_a_call_takes_targets_first_and_reduces_as_asked(reduction, expected):
    loss = MeanSquaredError(reduction=reduction)
    np.testing.assert_array_equal(loss([1.0, 2.0], [[2.0], [4.0]]), expected)
    np.testing.assert_array_equal(loss([1.0, 2.0], [[2.0], [4.0]], sample_weight=[1, 1]), expected)


def test_a_call_divides_weighted_losses_by_the_number_of_samples():
    assert MeanSquaredError()([0.0, 0.0], [1.0, 1.0], sample_weight=[3.0, 0.0]) == 1.5


# Functions


def cubic(y_true, y_pred):
    """``|e|^3`` by value, with its gradient."""
    e = y_pred - y_true
    return np.abs(e) ** 3, 3 * e * np.abs(e)


def cubic_by_sample(y_true, y_pred):
    """The mean of ``|e|^3`` over the outputs, with its gradient."""
    value, gradient = cubic(y_true, y_pred)
    return value.mean(axis=-1), gradient / y_pred.shape[-1]


@pytest.mark.parametrize("T", [1, 3])
@pytest.mark.parametrize("function", [cubic, cubic_by_sample])
def test_a_function_is_a_loss_by_value_or_by_sample(function, T, rng):
    p, y = (pack(rng.normal(size=(20, T, 2)).astype(np.float32)) for _ in range(2))
    w = pack(np.ones((20, T, 1), np.float32))
    value, gradient = weighted_mean(get(function), p, y, w, 20.0 * T)
    every, slope = cubic(y.astype(float), p.astype(float))
    close(value, every.sum() / (40 * T), rounding(50))
    close(gradient, slope * w / (40 * T), rounding(20))


def test_a_function_sees_the_samples_alone(rng):
    shapes = []

    def noted(y_true, y_pred):
        shapes.append((y_true.shape, y_pred.shape))
        return cubic(y_true, y_pred)

    p = pack(rng.normal(size=(20, 1, 2)).astype(np.float32))
    weighted_mean(FunctionLoss(noted), p, p, pack(np.ones((20, 1, 1), np.float32)), 20.0)
    assert shapes == [((20, 2), (20, 2))]


class Unfinished(Loss):
    """A loss of the user without gradient."""


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: get("rmse"), "Unknown loss 'rmse'. Did you mean mse?"),
        (lambda: get("sparse_categorical_crossentropy"), "with gatecast.utils.to_categorical(y)"),
        (lambda: get(Pinball), "Invalid loss <class"),
        (lambda: get(3), "Invalid loss 3"),
        (lambda: get(MeanSquaredError(reduction="sum")), "Cannot train with reduction='sum' (mean_squared_error)"),
        (lambda: MeanSquaredError(reduction="average"), "Invalid reduction 'average' (MeanSquaredError)"),
        (lambda: Unfinished()([1.0], [1.0]), "Unfinished has no gradient. Define elementwise"),
        (lambda: get(lambda t, p: (p - t) ** 2)([1.0], [2.0]), "returned ndarray: expected (loss, gradient)"),
        (
            lambda: get(lambda t, p: (0.0 * t.sum(), p))([1.0], [2.0]),
            "returned arrays that do not fit: got losses ()",
        ),
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
