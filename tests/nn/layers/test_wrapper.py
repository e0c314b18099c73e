"""Layers made of layers: what their inner layers say of parameters holds for them."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.layers import (
    GRU,
    LSTM,
    BatchNormalization,
    Bidirectional,
    Concatenate,
    Conv1D,
    Dense,
    Dilated,
    Flatten,
    Input,
    Permute,
    Residual,
    TimeDistributed,
)
from gatecast.models import Sequential
from gatecast.nn.network import build, penalties, projections
from gatecast.testing.tolerances import rounding

SETTINGS = {"kernel_regularizer": "l2", "bias_constraint": "non_neg"}
WRAPPERS = {
    "Bidirectional": lambda **s: Bidirectional(LSTM(2, **SETTINGS, **s)),
    "Concatenate": lambda **s: Concatenate((Dense(2), (Dense(2), Dense(2, **SETTINGS, **s)))),
    "Dilated": lambda **s: Dilated(GRU(2, **SETTINGS, **s), 2),
    "Residual": lambda **s: Residual(Dense(2, **SETTINGS, **s)),
    "TimeDistributed": lambda **s: TimeDistributed(Dense(2, **SETTINGS, **s)),
    "nested": lambda **s: Residual(Concatenate((Residual(TimeDistributed(Dense(2, **SETTINGS, **s))),))),
}
every_wrapper = pytest.mark.parametrize("make", WRAPPERS.values(), ids=WRAPPERS)


@every_wrapper
def test_wrapper_has_penalties_and_constraints_of_its_inner_layers(make):
    network = build([make()], (4, 2))
    copies = 2 if isinstance(network.layers[0], Bidirectional) else 1
    assert len(penalties(network)) == len(projections(network)) == copies
    assert {name for _, name, _ in penalties(network)} <= set(network.layers[0].param_names)


@every_wrapper
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_frozen_layer_within_a_wrapper_is_not_trained_and_adds_no_penalty(make, optimizer, rng):
    x, y = rng.normal(size=(8, 4, 2)), rng.normal(size=(8, 1))
    model = Sequential([Input((4, 2)), make(trainable=False), Flatten(), Dense(1)], seed=1)
    assert penalties(model.network) == projections(model.network) == []
    wrapper = model.layers[0]
    before = dict(zip(wrapper.param_names, wrapper.get_weights(), strict=True))
    model.compile(optimizer, "mse")
    model.fit(x, y, epochs=2, verbose=0)
    after = dict(zip(wrapper.param_names, wrapper.get_weights(), strict=True))
    same = {name for name in before if np.array_equal(before[name], after[name])}
    assert set(wrapper.frozen_params) <= same
    assert wrapper.frozen_params
    assert len(wrapper.frozen_params) == len(wrapper.param_names) or "Concatenate(" in repr(wrapper)


def test_penalties_of_frozen_layers_are_no_part_of_the_loss_as_in_keras():
    # Keras 3: Sequential([Dense(2, kernel_regularizer=L2(1.0), trainable=False)]).losses == []
    for trainable, expected in ((True, 3.0 * 0.01), (False, 0.0)):
        layer = Dense(1, kernel_regularizer="l2", kernel_initializer="ones", trainable=trainable)
        model = Sequential([Input((3,)), layer])
        model.compile("sgd", "mse")
        assert model.evaluate(np.zeros((2, 3)), np.zeros((2, 1)), verbose=0) == pytest.approx(expected, rel=rounding(9))


@pytest.mark.parametrize("wrap", [Residual, lambda layer, **s: Concatenate((layer,), **s)], ids=["Residual", "Concat"])
def test_frozen_wrapper_freezes_the_averages_of_a_batch_normalization(wrap, rng):
    frozen = wrap(BatchNormalization(), trainable=False)
    assert frozen.inner_layers()[0][1].trainable is False
    assert len(frozen.frozen_params) == 4
    assert repr(frozen) == repr(eval(repr(frozen)))
    x = rng.normal(3.0, 2.0, size=(8, 4, 2))
    model = Sequential([Input((4, 2)), frozen])
    model.compile("sgd", "mse")
    model.fit(x, x, verbose=0)
    assert [w.tolist() for w in model.get_weights()] == [[1, 1], [0, 0], [0, 0], [1, 1]]


@pytest.mark.parametrize("inner", [BatchNormalization(momentum=0.5), Residual(BatchNormalization(momentum=0.5))])
def test_time_distributed_moves_averages_once_a_step(inner, rng):
    x = rng.normal(3.0, 2.0, size=(8, 4, 2)).astype(np.float32)
    model = Sequential([Input((4, 2)), TimeDistributed(inner)])
    model.compile("sgd", "mse")
    model.fit(x, x, batch_size=8, verbose=0)
    mean = np.zeros(2)
    for t in range(4):
        mean = 0.5 * mean + 0.5 * x[:, t].mean(axis=0)
    np.testing.assert_allclose(model.get_weights()[2], mean, rtol=rounding(20))


def test_frozen_batch_normalization_at_every_step_keeps_its_averages(rng):
    x = rng.normal(3.0, 2.0, size=(8, 4, 2))
    model = Sequential([Input((4, 2)), TimeDistributed(BatchNormalization(trainable=False))])
    model.compile("sgd", "mse")
    model.fit(x, x, verbose=0)
    assert [w.tolist() for w in model.get_weights()] == [[1, 1], [0, 0], [0, 0], [1, 1]]


def test_permute_before_a_convolution_reads_features_before_time(rng):
    x = rng.normal(size=(3, 2, 8)).astype(np.float32)
    conv = Conv1D(4, 3)
    first = Sequential([Input((2, 8)), Permute((2, 1)), conv], seed=1)
    last = Sequential([Input((8, 2)), Conv1D(4, 3)], seed=1)
    last.set_weights(first.get_weights())
    np.testing.assert_array_equal(first.predict(x), last.predict(x.swapaxes(1, 2)))
