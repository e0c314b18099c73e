"""Losses that are called on arrays as in Keras, their settings, and functions of users as losses.

Letters: N samples, T time, M outputs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from tolerances import close, rounding

from gatecast.errors import ConfigError, DataError
from gatecast.layers import LSTM, Dense, Input
from gatecast.losses import (
    LOSSES,
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Huber,
    Loss,
    MeanSquaredError,
    Pinball,
)
from gatecast.metrics import pinball
from gatecast.models import Sequential

RNG = np.random.default_rng(0)
PLAIN = [kind for name, kind in LOSSES.items() if name != "Pinball"]


@pytest.mark.parametrize("kind", PLAIN, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("shape", [(8, 1), (8, 3), (4, 5, 2)], ids=str)
def test_weights_with_an_axis_of_one_are_weights_of_samples(kind, shape):
    y, p = RNG.uniform(0.1, 0.9, shape), RNG.uniform(0.1, 0.9, shape)
    weight = RNG.random(shape[:-1])
    expected = (kind(reduction="none")(y, p) * weight).mean()
    close(kind()(y, p, sample_weight=weight), expected, rounding(100))
    close(kind()(y, p, sample_weight=weight[..., None]), expected, rounding(100))


def test_weights_of_samples_count_for_all_their_steps():
    y, p, weight = RNG.normal(size=(5, 5, 2)), RNG.normal(size=(5, 5, 2)), RNG.random(5)
    expected = (np.square(y - p).mean(axis=-1) * weight[:, None]).mean()
    for given in (weight, weight[:, None]):
        close(MeanSquaredError()(y, p, sample_weight=given), expected, rounding(100))


@pytest.mark.parametrize("kind", PLAIN, ids=lambda kind: kind.__name__)
def test_losses_of_samples_take_the_axis_of_their_weights(kind):
    # As Keras 3.15.1 does with weights (N, 1); with a time axis, the losses have one already.
    y, p, weight = RNG.uniform(0.1, 0.9, (8, 2)), RNG.uniform(0.1, 0.9, (8, 2)), RNG.random(8)
    loss = kind(reduction="none")
    np.testing.assert_array_equal(loss(y, p, weight[:, None]), loss(y, p, weight)[:, None])
    assert loss(y, p, weight[:1, None]).shape == (8, 1)
    steps = RNG.uniform(0.1, 0.9, (2, 4, 5, 2))
    for shape in [(4, 1), (4, 5), (4, 5, 1), (4, 1, 1)]:
        assert loss(*steps, np.ones(shape)).shape == (4, 5)


@pytest.mark.parametrize("shape", [(7,), (4,), (8, 4), (8, 2, 1)], ids=str)
def test_weights_of_other_shapes_are_refused(shape):
    with pytest.raises(DataError, match=r"sample_weight does not fit the losses: got .* expected \(8,\)"):
        MeanSquaredError()(np.ones((8, 2)), np.zeros((8, 2)), sample_weight=np.ones(shape))


def test_a_called_pinball_loss_uses_all_its_levels():
    y, p, levels = RNG.normal(size=(8, 2)), RNG.normal(size=(8, 6)), (0.1, 0.5, 0.9)
    expected = np.mean([pinball(y[:, k], p[:, 3 * k : 3 * k + 3], levels) for k in range(2)])
    close(Pinball(levels)(y, p), expected, rounding(100))
    close(Pinball(levels)(y[:, 0], p[:, :3]), pinball(y[:, 0], p[:, :3], levels), rounding(100))
    model = Sequential([Input((3,)), Dense(3)])
    model.compile("sgd", Pinball(levels))
    x = RNG.normal(size=(8, 3))
    close(model.evaluate(x, y[:, 0]), Pinball(levels)(y[:, 0], model.predict(x)), rounding(100))


@pytest.mark.parametrize(("true", "pred"), [((8, 6), (8, 6)), ((8, 2), (8, 3)), ((8,), (8,))], ids=str)
def test_a_called_pinball_loss_refuses_other_numbers_of_predictions(true, pred):
    with pytest.raises(DataError, match="3 predictions for every target"):
        Pinball((0.1, 0.5, 0.9))(np.ones(true), np.ones(pred))


@pytest.mark.parametrize("kind", [BinaryCrossentropy, CategoricalCrossentropy])
@pytest.mark.parametrize("axis", [0, 1, "last", None])
def test_another_axis_of_classes_is_refused(kind, axis):
    with pytest.raises(ConfigError, match=r"Invalid axis .* expected -1\. Leave axis out"):
        kind(axis=axis)


@pytest.mark.parametrize("kind", PLAIN, ids=lambda kind: kind.__name__)
def test_unknown_settings_and_reductions_are_refused_with_a_suggestion(kind):
    with pytest.raises(ConfigError, match=r"Unknown argument 'reduce' .* Did you mean reduction\?"):
        kind(reduce="sum")
    with pytest.raises(ConfigError, match="Invalid reduction 'max'"):
        kind(reduction="max")
    assert kind(dtype="float32") == kind()


@pytest.mark.parametrize("size", [30.0, 100.0, 1e30])
def test_crossentropy_of_large_logits_neither_overflows_nor_rounds_to_nothing(size):
    x = np.array([[-size, size]], np.float32)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        value, gradient = BinaryCrossentropy(from_logits=True).elementwise(x, np.zeros_like(x))
    close(value, [[0.0, size]], rounding(1))
    close(gradient, [[0.0, 1.0]], rounding(1))
    assert gradient[0, 0] == np.float32(np.exp(-np.float32(size)))


class Squares(Loss):
    """A loss of a user, as one for Keras is written."""

    def __init__(self, name="squares", reduction="sum_over_batch_size"):
        super().__init__(name=name, reduction=reduction)

    def elementwise(self, prediction, target):
        return np.square(prediction - target), 2 * (prediction - target)


@dataclass(frozen=True)
class Scaled(Loss):
    """A loss of a user that is a dataclass."""

    scale: float = 1.0
    reduction: str | None = "sum_over_batch_size"

    def __post_init__(self):
        super().__post_init__()

    def elementwise(self, prediction, target):
        e = prediction - target
        return self.scale * e * e, 2 * self.scale * e


def test_losses_of_users_have_name_and_reduction():
    y, p = np.ones((4, 1)), np.zeros((4, 1))
    assert Squares().name == "squares"
    assert Squares(reduction="sum")(y, p) == 4
    assert Scaled(3.0)(y, p) == 3
    for make in (lambda: Squares(reduction="max"), lambda: Scaled(reduction="max")):
        with pytest.raises(ConfigError, match="Invalid reduction 'max'"):
            make()


@pytest.mark.parametrize("T", [1, 2])
@pytest.mark.parametrize("has_time", [True, False])
def test_a_function_gets_the_shapes_of_y_and_of_predict_whatever_the_length(T, has_time):
    seen = set()

    def squared(y_true, y_pred):
        seen.add((y_true.shape, y_pred.shape))
        return np.square(y_true - y_pred).mean(axis=-1), 2 * (y_pred - y_true) / y_pred.shape[-1]

    x = RNG.normal(size=(5, T, 1))
    model, plain = (Sequential([Input((T, 1)), LSTM(3, return_sequences=has_time), Dense(2)], seed=2) for _ in "ab")
    model.compile("sgd", squared)
    plain.compile("sgd", "mse")
    shape = model.predict(x).shape
    y = RNG.normal(size=shape)
    for trained in (model, plain):
        trained.fit(x, y, epochs=2, validation_data=(x, y))
    assert seen == {(shape, shape)}
    close(model.evaluate(x, y), plain.evaluate(x, y), rounding(100))
    close(model.weights.vector, plain.weights.vector, rounding(100))


def test_huber_has_its_delta_when_called():
    assert Huber(0.5)(np.zeros((1, 1)), np.full((1, 1), 2.0)) == 0.5 * (2 - 0.25)
