"""`compile(loss_weights=)` of a model with one output: numbers of Keras 3.15.1, and what files keep."""

from __future__ import annotations

import numpy as np
import pytest
from tolerances import rounding

from gatecast.layers import Dense, Input
from gatecast.losses import Pinball
from gatecast.models import Model, Sequential, load_model

GIVEN = [0.5, [0.5], (0.5,), {"out": 0.5}]


def samples():
    """Return 64 samples of three numbers, and their sums."""
    x = np.random.default_rng(0).normal(size=(64, 3)).astype(np.float32)
    return x, x.sum(axis=1, keepdims=True)


def make(kind, penalty=None, **options):
    """Return a compiled model of one layer, with weights of 0.5."""
    layer = Dense(1, kernel_regularizer=penalty, name="out")
    if kind is Sequential:
        model = Sequential([Input((3,)), layer])
    else:
        x = Input((3,))
        model = Model(x, layer(x))
    model.set_weights([np.full((3, 1), 0.5), np.zeros(1)])
    model.compile(**{"optimizer": "sgd", "loss": "mse", "metrics": ["mae"]} | options)
    return model


def fit(model, **options):
    """Train one update, and return the history of it."""
    x, y = samples()
    history = model.fit(x, y, batch_size=64, validation_data=(x, y), verbose=0, **options).history
    return {name: values[0] for name, values in history.items()}


@pytest.mark.parametrize("kind", [Sequential, Model])
@pytest.mark.parametrize("loss_weights", GIVEN)
def test_loss_and_gradient_are_weighted_and_metrics_are_not_as_in_keras(kind, loss_weights):
    model = make(kind, loss_weights=loss_weights)
    expected = {"loss": 0.3965868651866913, "mae": 0.7374817728996277}
    expected |= {"val_loss": 0.3879508972167969, "val_mae": 0.7293804287910461}
    assert fit(model) == pytest.approx(expected, rel=rounding(200))
    np.testing.assert_allclose(model.get_weights()[0].ravel()[:2], [0.5065551, 0.50414413], rtol=rounding(200))
    assert model.metrics_names == ["loss", "mae"]


def test_penalties_are_not_weighted_as_in_keras():
    model = make(Sequential, "l2", loss_weights=[0.5])
    assert fit(model)["loss"] == pytest.approx(0.4040868580341339, rel=rounding(200))
    np.testing.assert_allclose(model.get_weights()[0].ravel()[:2], [0.5064551, 0.5040441], rtol=rounding(200))


@pytest.mark.parametrize(("loss_weights", "factor"), [(None, 1), ([None], 1), (1, 1), ([0], 0), (-1.0, -1)])
def test_weights_that_change_nothing_and_all_of_it(loss_weights, factor):
    loss = fit(make(Sequential, loss_weights=loss_weights))["loss"]
    assert loss == pytest.approx(factor * 0.7931737303733826, rel=rounding(200))


def test_weighted_loss_is_saved(tmp_path):
    model = make(Sequential, loss_weights=0.5)
    fit(model)
    model.save(tmp_path / "m.gatecast")
    loaded = load_model(tmp_path / "m.gatecast")
    assert loaded.loss == model.loss
    assert fit(loaded) == fit(model)


def test_loss_of_several_quantiles_may_have_a_weight():
    x, y = samples()
    losses = []
    for weight in (1.0, 0.25):
        model = Sequential([Input((3,)), Dense(3, kernel_initializer="ones")], seed=1)
        model.compile("sgd", Pinball((0.1, 0.5, 0.9)), loss_weights=weight)
        losses.append(model.evaluate(x, y, verbose=0))
    assert losses[1] == pytest.approx(losses[0] / 4, rel=rounding(20))
