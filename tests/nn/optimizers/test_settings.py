"""Settings of optimizers and schedules: what is impossible is named, what is frozen stays, averages go on."""

from __future__ import annotations

import numpy as np
import pytest
from tolerances import close, rounding

from gatecast.callbacks import LambdaCallback
from gatecast.errors import ConfigError
from gatecast.layers import LSTM, BatchNormalization, Dense, Input
from gatecast.models import Sequential, load_model
from gatecast.optim import chain, ema, scale_by_adam, scale_by_learning_rate
from gatecast.optimizers import SGD, Adagrad, Adam, AdamW, Nadam, RMSprop
from gatecast.optimizers.schedules import (
    CosineDecay,
    ExponentialDecay,
    InverseTimeDecay,
    PiecewiseConstantDecay,
    PolynomialDecay,
)

ALL = (Adam, AdamW, Nadam, SGD, RMSprop, Adagrad)
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 4, 1)).astype(np.float32), RNG.normal(size=40).astype(np.float32)


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"weight_decay": "a"}, "Invalid weight_decay 'a'"),
        ({"weight_decay": -0.1}, "Invalid weight_decay -0.1"),
        ({"weight_decay": np.nan}, "Invalid weight_decay nan"),
        ({"learning_rate": "a"}, "Invalid learning_rate 'a'"),
        ({"clipnorm": "a"}, "Invalid clipnorm 'a'"),
        ({"ema_momentum": "a"}, "Invalid ema_momentum 'a'"),
        ({"ema_momentum": 5.0}, "Invalid ema_momentum 5.0"),
        ({"jit_compile": "yes"}, "Invalid jit_compile 'yes'"),
        ({"use_ema": True}, "use_ema= is not available"),
        ({"weight_decai": 0.1}, "Unknown argument 'weight_decai'"),
        ({"lr": 0.1}, "lr= is not available"),
    ],
    ids=str,
)
def test_impossible_settings_of_every_optimizer_are_named(kind, settings, text):
    with pytest.raises(ConfigError) as caught:
        kind(**settings)
    assert text in str(caught.value)
    assert kind.__name__ in str(caught.value)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Adagrad(initial_accumulator_value="a"), "Invalid initial_accumulator_value 'a' (Adagrad)"),
        (lambda: Adagrad(initial_accumulator_value=-1), "Invalid initial_accumulator_value -1 (Adagrad)"),
        (lambda: Adagrad(epsilon=0), "Invalid epsilon 0 (Adagrad)"),
        (lambda: Nadam(beta_1=1.0), "Invalid beta_1 1.0 (Nadam)"),
        (lambda: AdamW(beta_2="a"), "Invalid beta_2 'a' (AdamW)"),
        (lambda: SGD(nesterov="yes"), "Invalid nesterov 'yes' (SGD)"),
        (lambda: CosineDecay("a", 10), "Invalid initial_learning_rate 'a' (CosineDecay)"),
        (lambda: CosineDecay(0.1, "a"), "Invalid decay_steps 'a' (CosineDecay)"),
        (lambda: CosineDecay(0.1, 10, alpha="a"), "Invalid alpha 'a' (CosineDecay)"),
        (lambda: CosineDecay(0.1, 10, warmup_target="a"), "Invalid warmup_target 'a' (CosineDecay)"),
        (lambda: CosineDecay(0.1, 10, warmup_steps=None), "Invalid warmup_steps None (CosineDecay)"),
        (lambda: CosineDecay(0.1, 10, alfa=0.1), "Unknown argument 'alfa' (CosineDecay). Did you mean alpha?"),
        (lambda: ExponentialDecay(0.1, 10, "a"), "Invalid decay_rate 'a' (ExponentialDecay)"),
        (lambda: InverseTimeDecay(0.1, 0, 0.5), "Invalid decay_steps 0 (InverseTimeDecay)"),
        (lambda: PolynomialDecay(0.1, 10, power="a"), "Invalid power 'a' (PolynomialDecay)"),
        (lambda: PiecewiseConstantDecay(10, [0.1, 0.2]), "Invalid boundaries 10 (PiecewiseConstantDecay)"),
        (lambda: PiecewiseConstantDecay([10], "ab"), "Invalid values 'ab' (PiecewiseConstantDecay)"),
        (lambda: PiecewiseConstantDecay([10], [0.1, "a"]), "Invalid values 'a' (PiecewiseConstantDecay)"),
        (lambda: SGD(lambda step: "a").rate_at(3), "The schedule returned 'a' for update 3 (SGD)"),  # noqa: ARG005
        (lambda: SGD(lambda step: -1.0).rate_at(3), "The schedule returned -1.0 for update 3 (SGD)"),  # noqa: ARG005
    ],
)
def test_impossible_settings_are_named(make, text):
    with pytest.raises(ConfigError) as caught:
        make()
    assert text in str(caught.value)


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_settings_of_keras_that_change_nothing_are_accepted(kind):
    harmless = {"use_ema": False, "ema_momentum": 0.9, "ema_overwrite_frequency": None, "jit_compile": False}
    assert kind(**harmless, gradient_accumulation_steps=None, loss_scale_factor=None) == kind()


def test_adamw_is_adam_with_weight_decay():
    results = []
    for optimizer in (AdamW(0.01, 0.1, 0.8, 0.9, 1e-5), Adam(0.01, 0.8, 0.9, 1e-5, weight_decay=0.1)):
        model = Sequential([Input((4, 1)), LSTM(3), Dense(1)], seed=1)
        model.compile(optimizer, "mse")
        model.fit(X, Y, epochs=2)
        results.append(model.weights.vector)
    np.testing.assert_array_equal(*results)


@pytest.mark.parametrize("optimizer", ["decay", "constraint", "average"])
def test_weights_that_are_not_trained_stay_as_they_are(optimizer):
    frozen = Dense(3, trainable=False, kernel_constraint="unit_norm" if optimizer == "constraint" else None)
    model = Sequential([Input((4, 1)), LSTM(3), BatchNormalization(), frozen, Dense(1)], seed=1)
    average = chain(AdamW(0.1, 0.5).transformation(), ema(0.5))
    model.compile(average if optimizer == "average" else AdamW(0.1, 0.5), "mse")
    before = frozen.get_weights()
    model.fit(X, Y, epochs=2)
    for got, wanted in zip(frozen.get_weights(), before, strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_weight_decay_leaves_moving_means_alone():
    means = []
    for decay in (None, 0.5):
        model = Sequential([Input((4, 1)), BatchNormalization(), LSTM(3), Dense(1)], seed=1)
        model.compile(SGD(0.01, weight_decay=decay), "mse")
        model.fit(X, Y, shuffle=False)
        means.append(model.get_weights()[2:4])
    close(means[0], means[1], rounding(10))


# Averages of weights


def averaging():
    """A compiled model whose weights are averaged."""
    model = Sequential([Input((4, 1)), LSTM(3), Dense(1)], seed=1)
    model.compile(chain(scale_by_adam(), scale_by_learning_rate(0.01), ema(0.9)), "mse")
    return model


@pytest.mark.parametrize("way", ["fit", "save"])
def test_a_training_in_two_calls_averages_as_one_call(way, tmp_path):
    whole, parts = averaging(), averaging()
    expected = whole.fit(X, Y, epochs=4).history["loss"]
    first = parts.fit(X, Y, epochs=2).history["loss"]
    before = parts.predict(X)
    if way == "save":
        parts.save(tmp_path / "m")
        parts = load_model(tmp_path / "m")
        np.testing.assert_array_equal(parts.predict(X), before)
    rest = parts.fit(X, Y, initial_epoch=2, epochs=4).history["loss"]
    assert first + rest == expected
    np.testing.assert_array_equal(parts.weights.vector, whole.weights.vector)


def test_weights_that_were_set_between_two_calls_are_those_that_are_trained():
    model, other = averaging(), averaging()
    model.fit(X, Y, epochs=2)
    model.set_weights(other.get_weights())
    seen = []
    note = LambdaCallback(on_train_begin=lambda logs: seen.append(model.weights.vector.copy()))  # noqa: ARG005
    model.fit(X, Y, callbacks=[note])
    np.testing.assert_array_equal(seen[0], other.weights.vector)


def test_a_single_update_after_an_averaged_training_goes_on_from_the_weights_in_training():
    model, whole = averaging(), averaging()
    whole.fit(X, Y, batch_size=40, epochs=3, shuffle=False)
    model.fit(X, Y, batch_size=40, epochs=2, shuffle=False)
    loss = model.train_on_batch(X, Y)
    close(loss, whole.history.history["loss"][2], rounding(10))
