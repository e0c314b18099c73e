"""Copies of models with fresh weights."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.errors import ConfigError
from gatecast.layers import LSTM, Dense, Input
from gatecast.models import Model, Sequential, clone_model


def make(kind):
    """Return a trained model of either kind."""
    if kind is Sequential:
        model = Sequential([Input((4, 1)), LSTM(3), Dense(1)], name="net", seed=3)
    else:
        x = Input((4, 1), name="past")
        model = Model(x, Dense(1)(LSTM(3)(x)), name="net", seed=3)
    model.compile("sgd", "mse")
    model.fit(np.ones((8, 4, 1)), np.ones(8), verbose=0)
    return model


@pytest.mark.parametrize("kind", [Sequential, Model])
def test_clone_has_the_layers_and_fresh_weights_of_its_own(kind):
    model = make(kind)
    clone = clone_model(model)
    assert type(clone) is type(model)
    assert (clone.name, clone.optimizer, clone.history) == ("net", None, None)
    assert not np.array_equal(clone.weights.vector, model.weights.vector)
    before = model.weights.vector.copy()
    clone.set_weights(model.get_weights())
    np.testing.assert_array_equal(clone.predict(np.ones((2, 4, 1))), model.predict(np.ones((2, 4, 1))))
    clone.compile("sgd", "mse")
    clone.fit(np.ones((8, 4, 1)), np.zeros(8), verbose=0)
    np.testing.assert_array_equal(model.weights.vector, before)


def test_clone_of_a_model_that_is_not_built_is_built_later():
    clone = clone_model(Sequential([Dense(2)]))
    clone.build((None, 3))
    assert clone.predict(np.ones((1, 3))).shape == (1, 2)


def test_what_cannot_be_cloned_is_named():
    with pytest.raises(ConfigError, match="takes no clone_function"):
        clone_model(make(Sequential), clone_function=lambda layer: layer)
    with pytest.raises(ConfigError, match="model"):
        clone_model("model")
