"""The layers of a model: names, weights, frozen ones, and the input shape that they need."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from gatecast.errors import ConfigError, DataError, NotFittedError
from gatecast.layers import LSTM, BatchNormalization, Conv1D, Dense, Flatten, Input, MaxPooling1D
from gatecast.models import Sequential


def model_of(*layers):
    """Return a model of sequences."""
    return Sequential([Input((6, 1)), *layers])


def test_layers_are_got_by_name_and_position():
    model = model_of(LSTM(4, return_sequences=True), LSTM(3), Dense(2, name="out"))
    assert model.get_layer("lstm_1") is model.layers[1] is model.get_layer(index=1)
    assert model.get_layer("out") is model.layers[-1]
    with pytest.raises(ConfigError, match="one of lstm, lstm_1, out"):
        model.get_layer("dense")
    with pytest.raises(ConfigError, match="No layer 3"):
        model.get_layer(index=3)


def test_weights_of_a_layer_are_those_of_the_model():
    first, second = Dense(2), Dense(2)
    model = Sequential([Input((2,)), first, second])
    np.testing.assert_array_equal(np.concatenate([w.ravel() for w in first.get_weights()]), model.weights.vector[:6])
    second.set_weights(first.get_weights())
    for a, b in zip(model.get_weights()[:2], model.get_weights()[2:], strict=True):
        np.testing.assert_array_equal(a, b)
    assert first == second
    assert first.count_params() == 6


def test_weights_move_between_models():
    a, b = model_of(LSTM(4), Dense(1)), Sequential([Input((6, 1)), LSTM(4), Dense(1)], seed=3)
    b.layers[0].set_weights(a.layers[0].get_weights())
    np.testing.assert_array_equal(a.layers[0].get_weights()[1], b.layers[0].get_weights()[1])
    assert (a.layers[1].get_weights()[0] != b.layers[1].get_weights()[0]).any()


def test_weights_that_do_not_fit_raise_errors():
    with pytest.raises(NotFittedError, match="it is in no model"):
        Dense(2).get_weights()
    layer = Dense(2)
    model = Sequential([Input((2,)), layer])
    with pytest.raises(DataError, match="do not fit the layer"):
        layer.set_weights([np.zeros((2, 2))])
    model.add(Dense(1))
    assert layer.get_weights()[0].shape == (2, 2)


def test_a_model_and_its_layers_survive_pickling():
    model = model_of(LSTM(4, kernel_regularizer="l2"), Dense(1))
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.layers[0].get_weights()[0], model.layers[0].get_weights()[0])


@pytest.mark.parametrize("batch_size", [4, 64])
def test_frozen_layers_keep_their_weights(batch_size, rng):
    model = model_of(LSTM(4, trainable=False), BatchNormalization(trainable=False), Dense(1))
    before = [w.copy() for w in model.get_weights()]
    model.compile(optimizer="adam", loss="mean_squared_error")
    model.fit(rng.normal(size=(64, 6, 1)), rng.normal(size=64), batch_size=batch_size, epochs=2, verbose=0)
    changed = [bool((a != b).any()) for a, b in zip(before, model.get_weights(), strict=True)]
    assert changed == [False] * 7 + [True] * 2


def test_penalties_shrink_weights_and_constraints_hold(rng):
    x, y = rng.normal(size=(64, 6, 1)), rng.normal(size=64)
    sizes = {}
    for penalty in (None, "l2"):
        model = model_of(LSTM(4, kernel_regularizer=penalty, recurrent_regularizer=penalty), Dense(1))
        model.compile(optimizer="adam", loss="mean_squared_error")
        model.fit(x, y, epochs=30, verbose=0)
        sizes[penalty] = float(np.square(model.get_weights()[1]).sum())
    assert sizes["l2"] < 0.8 * sizes[None]
    model = model_of(LSTM(4, kernel_constraint="non_neg"), Dense(1, kernel_constraint="unit_norm"))
    model.compile(optimizer="adam", loss="mean_squared_error")
    model.fit(x, y, epochs=2, verbose=0)
    assert model.get_weights()[0].min() >= 0
    assert abs(np.square(model.get_weights()[3]).sum() - 1) < 1e-5


def test_the_number_of_steps_is_taken_from_x_where_a_layer_needs_it(rng):
    x, y = rng.normal(size=(20, 8, 1)), rng.normal(size=20)
    model = Sequential([Conv1D(4, 3, activation="relu"), MaxPooling1D(2), Flatten(), Dense(1)])
    model.compile(optimizer="adam", loss="mean_squared_error")
    model.fit(x, y, epochs=1, verbose=0)
    assert model.network.shapes == ((8, 1), (6, 4), (3, 4), (12,), (1,))
    recurrent = Sequential([LSTM(4), Dense(1)])
    recurrent.compile(optimizer="adam", loss="mean_squared_error")
    recurrent.fit(x, y, epochs=1, verbose=0)
    assert recurrent.network.shapes[0] == (None, 1)


def test_return_state_needs_a_functional_model():
    with pytest.raises(ConfigError, match="Use a functional model"):
        model_of(LSTM(4, return_state=True))


def test_ragged_sequences_say_how_to_pad():
    model = model_of(LSTM(4), Dense(1))
    with pytest.raises(DataError, match=r"[Pp]ad .*mask="):
        model.predict([[[1.0], [2.0]], [[1.0]]])
