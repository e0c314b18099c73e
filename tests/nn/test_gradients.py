"""Which networks are trained in block order, and that the others are trained by their layers."""

from __future__ import annotations

import numpy as np
import pytest
from layer_examples import EXAMPLES
from tolerances import close, rounding

from gatecast.kernels.training_stack import TrainingStack
from gatecast.layers import (
    GRU,
    LSTM,
    BatchNormalization,
    Bidirectional,
    Dense,
    Dilated,
    Dropout,
    LayerNormalization,
    QuantileHead,
    Residual,
)
from gatecast.losses import Loss, MeanSquaredError, weighted_mean
from gatecast.models import Sequential
from gatecast.nn.batching import Batch
from gatecast.nn.gradients import Differentiator, training_stack
from gatecast.nn.network import TrainingPass, backward, build, forward, initial_weights, zeros_like

MSE, PASS = MeanSquaredError(), TrainingPass(seed=3, step=7)
SEQUENCES = {"return_sequences": True}


class DoubledDropout(Dropout):
    """Computes something else than the layer whose place in a stack it inherits."""

    def forward(self, params, x, context):
        y, state, cache = super().forward(params, x, context)
        return 2 * y, state, cache


def stack_of(layers, in_shape=(6, 2)):
    """Return the stack of a network, or None."""
    network = build(layers, in_shape)
    weights = initial_weights(network, 0)
    return training_stack(network, weights, zeros_like(weights))


@pytest.mark.parametrize(
    "layers",
    [
        [LSTM(3), Dense(1)],
        [Dropout(0.1, variational=True), LSTM(3, dropout=0.1, recurrent_dropout=0.1), Dense(1)],
        [GRU(3, **SEQUENCES), Dropout(0.1), Residual(LSTM(3, **SEQUENCES)), Dense(3), QuantileHead(3)],
        [Residual(Dense(2, activation="relu"))],
        [Dense(2)] * 31,
        [LSTM(2, dropout=0.1, **SEQUENCES)] * 16,
    ],
    ids=str,
)
def test_plain_stacks_are_trained_in_block_order(layers):
    assert stack_of(layers) is not None


@pytest.mark.parametrize(
    "layers",
    [
        [GRU(3, zoneout=0.1), Dense(1)],
        [Dense(3), Residual(GRU(3, dropout=0.1, **SEQUENCES)), Dense(1)],
        [Bidirectional(LSTM(3)), Dense(1)],
        [Dilated(GRU(3), 2), Dense(1)],
        [Dilated(GRU(3, **SEQUENCES, recurrent_dropout=0.1), 2), Dense(1)],
        [LSTM(3), LayerNormalization(), Dense(1)],
        [LSTM(3), BatchNormalization(), Dense(1)],
        [Residual(Dropout(0.1)), LSTM(3)],
        [Residual(Residual(Dense(2)))],
        [DoubledDropout(0.1), LSTM(3)],
        [Residual(type("OwnDense", (Dense,), {"backward": lambda *_: None})(2))],
        [Dense(2)] * 32,
        [LSTM(2, dropout=0.1, **SEQUENCES)] * 17,
        [type("Counting", (Dense,), {"update_buffers": lambda *_: {}})(2)],
    ],
    ids=str,
)
def test_other_networks_are_trained_by_their_layers(layers):
    assert stack_of(layers) is None


def test_a_class_that_only_adds_to_a_layer_is_trained_in_block_order():
    assert stack_of([type("Named", (LSTM,), {"label": "first"})(3), Dense(1)]) is not None


JOINING = [
    example for examples in EXAMPLES.values() for example in examples if stack_of([example.layer], example.in_shape)
]


def test_layers_that_join_a_stack_in_some_form():
    names = {type(example.layer).__name__ for example in JOINING}
    assert names == {
        "LSTM",
        "GRU",
        "SimpleRNN",
        "SLSTM",
        "MinLSTM",
        "MinGRU",
        "Dense",
        "Dilated",
        "Dropout",
        "Residual",
        "QuantileHead",
    }


@pytest.mark.parametrize("example", JOINING, ids=repr)
def test_a_layer_that_joins_a_stack_gives_the_numbers_of_its_passes(example, rng):
    network = build([example.layer], example.in_shape)
    weights = initial_weights(network, 0)
    grads, expected = zeros_like(weights), zeros_like(weights)
    T, steps = (shape[0] if len(shape) == 2 else 1 for shape in network.shapes)
    x = rng.normal(size=(2, T, example.in_shape[-1], 16)).astype(np.float32)
    y = rng.normal(size=(2, steps, network.shapes[-1][-1], 16)).astype(np.float32)
    batch = Batch(x, y, np.ones((2, steps, 1, 16), np.float32), None, 32.0 * steps)
    value = Differentiator(network, weights, grads, MSE)(batch, PASS).loss
    out, caches = forward(network, weights, x, training=PASS)
    mean, dy = weighted_mean(MSE, out, batch.y, batch.weight, batch.total)
    backward(network, weights, caches, dy, expected)
    close(value, mean, 1e-12)
    close(grads.vector, expected.vector, rounding(32 * T))


@pytest.mark.parametrize("blocks", [1, 2])
def test_a_batch_of_one_block_is_trained_by_the_layers(blocks, monkeypatch):
    network = build([LSTM(3), Dense(1)], (6, 2))
    weights, ones = initial_weights(network, 0), np.ones((blocks, 6, 2, 16), np.float32)
    target = np.ones((blocks, 1, 1, 16), np.float32)
    calls, step = [], TrainingStack.step
    monkeypatch.setattr(TrainingStack, "step", lambda *args, **kwargs: calls.append(1) or step(*args, **kwargs))
    differentiate = Differentiator(network, weights, zeros_like(weights), MeanSquaredError())
    differentiate(Batch(ones, target, target, None, float(target.sum())), TrainingPass(0, 1))
    assert len(calls) == blocks - 1


def test_a_loss_of_your_own_is_trained_by_the_layers():
    class Cubed(Loss):
        def elementwise(self, prediction, target):
            e = prediction - target
            return np.abs(e) ** 3, 3 * e * np.abs(e)

    network = build([LSTM(3), Dense(1)], (6, 2))
    weights = initial_weights(network, 0)
    ones, target = np.ones((2, 6, 2, 16), np.float32), np.ones((2, 1, 1, 16), np.float32)
    differentiate = Differentiator(network, weights, zeros_like(weights), Cubed())
    assert differentiate(Batch(ones, target, target, None, 32.0), TrainingPass(0, 1)).caches


@pytest.mark.parametrize("masked", [False, True])
def test_training_in_either_order_ends_in_the_same_place(masked, rng, monkeypatch):
    x = rng.normal(size=(70, 11, 2))
    y, mask = x.mean(axis=(1, 2)), rng.random((70, 11)) < 0.8 if masked else None

    def fitted():
        model = Sequential([LSTM(6, **SEQUENCES), Dropout(0.1), GRU(5), Dense(1)])
        model.compile(loss="mse", optimizer="adam")
        history = model.fit(x, y, epochs=5, verbose=0, mask=mask)
        return model.predict(x, mask=mask), history.history["loss"]

    predicted, losses = fitted()
    monkeypatch.setattr("gatecast.nn.gradients.training_stack", lambda *_: None)
    expected, other_losses = fitted()
    close(np.array(losses), np.array(other_losses), rounding(1000))
    close(predicted, expected, rounding(1000))
