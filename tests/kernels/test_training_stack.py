"""A training step in block order equals the layers' own passes: the same loss, the same gradients.

Shapes: nb blocks of 16 sequences, T steps, F features, M outputs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from cell_cases import named
from hypothesis import given, settings
from hypothesis import strategies as st
from tolerances import EPS32, close, difference, rounding, step

from gatecast.kernels import _native, runtime
from gatecast.kernels.losses import LossKernel
from gatecast.kernels.training_stack import TrainingStack
from gatecast.layers import (
    GRU,
    LSTM,
    SLSTM,
    Dense,
    Dilated,
    Dropout,
    MinGRU,
    MinLSTM,
    QuantileHead,
    Residual,
    SimpleRNN,
)
from gatecast.losses import Huber, Loss, MeanAbsoluteError, MeanSquaredError, Pinball, weighted_mean
from gatecast.nn.batching import Batch
from gatecast.nn.gradients import BatchGradient, Differentiator
from gatecast.nn.network import Network, TrainingPass, Weights, backward, build, forward, initial_weights, zeros_like

MSE, PASS = MeanSquaredError(), TrainingPass(seed=3, step=7)
QUANTILES = Pinball((0.1, 0.5, 0.9))

STACKS = {
    "article": (
        [LSTM(5, return_sequences=True), Dropout(0.2), LSTM(5, return_sequences=True), Dropout(0.3), LSTM(5), Dense(1)],
        MSE,
    ),
    "panel": (
        [
            Dense(6, activation="tanh"),
            Residual(LSTM(6, return_sequences=True)),
            Residual(LSTM(6, return_sequences=True)),
            Dense(6),
            QuantileHead(3),
        ],
        QUANTILES,
    ),
    "gru": ([GRU(7, return_sequences=True), GRU(3), Dense(2, activation="relu")], Huber(0.5)),
    "rnn": ([SimpleRNN(7, return_sequences=True), Residual(SimpleRNN(7, return_sequences=True))], MSE),
    "slstm": ([SLSTM(6, return_sequences=True, heads=2), SLSTM(3), Dense(1)], MSE),
    "minimal": ([MinLSTM(4, return_sequences=True), MinGRU(5), Dense(2, activation="sigmoid")], MeanAbsoluteError()),
    "options": (
        [
            LSTM(5, return_sequences=True, peephole="diagonal"),
            LSTM(4, return_sequences=True, peephole="full"),
            LSTM(5, return_sequences=True, layer_norm=True),
            LSTM(5, return_sequences=True, coupled=True, projection=3),
        ],
        MSE,
    ),
    "noise": (
        [
            Dropout(0.2, variational=True),
            LSTM(5, return_sequences=True, dropout=0.2, recurrent_dropout=0.3),
            GRU(4, return_sequences=True, recurrent_dropout=0.4),
            GRU(3, dropout=0.3),
            Dense(1),
        ],
        MSE,
    ),
    "dilated": (
        [
            Dense(4, activation="tanh"),
            Residual(Dilated(LSTM(4, return_sequences=True), 2)),
            Residual(Dilated(GRU(4, return_sequences=True), 4)),
            Dilated(LSTM(3, return_sequences=True), 7),
        ],
        MSE,
    ),
    "dense": ([Residual(Dense(3, activation="tanh")), Dense(4, activation="sigmoid")], MSE),
}
every_stack = pytest.mark.parametrize("name", STACKS)


class Setting(NamedTuple):
    """A network and a batch for it."""

    network: Network
    weights: Weights
    batch: Batch
    loss: Loss


def make(name, nb=3, T=9, *, masked=False, per_value=False, seed=0) -> Setting:
    """Return a network with random weights and a batch, in which a third of the weights are 0."""
    layers, loss = STACKS[name]
    rng = np.random.default_rng(seed)
    network = build(layers, (T, 3))
    weights = initial_weights(network, seed)
    weights.vector[:] += rng.normal(0, 0.2, weights.vector.size)
    steps, M = (T if len(network.shapes[-1]) == 2 else 1), network.shapes[-1][-1]
    K = M // loss.width
    x = rng.normal(size=(nb, T, 3, 16)).astype(np.float32)
    y = rng.normal(size=(nb, steps, K, 16)).astype(np.float32)
    weight = rng.integers(0, 3, (nb, steps, K if per_value else 1, 16)).astype(np.float32)
    weight[0, 0, 0, 0] = 1
    mask = (rng.random((nb, T, 16)) < 0.8).astype(np.float32) if masked else None
    return Setting(network, weights, Batch(x, y, weight, mask, float(weight.sum())), loss)


def in_block_order(s: Setting) -> tuple[BatchGradient, Weights]:
    """Return what a step in block order computes."""
    grads = zeros_like(s.weights)
    grads.vector[:] = np.nan  # all of them are to be written
    return Differentiator(s.network, s.weights, grads, s.loss)(s.batch, PASS, need_dx=True), grads


def layer_by_layer(s: Setting) -> tuple[BatchGradient, Weights]:
    """Return what the layers' own passes compute."""
    grads = zeros_like(s.weights)
    y, caches = forward(s.network, s.weights, s.batch.x, s.batch.mask, training=PASS)
    value, dy = weighted_mean(s.loss, y, s.batch.y, s.batch.weight, s.batch.total)
    dx = backward(s.network, s.weights, caches, dy, grads, need_dx=True)
    return BatchGradient(value, dx, dy, caches), grads


def assert_equal_passes(s: Setting) -> None:
    """Raise an error unless both orders agree: in numbers of a sequence to the bit, in sums but for rounding."""
    (ours, grads), (theirs, expected) = in_block_order(s), layer_by_layer(s)
    assert ours.caches == ()
    close(ours.loss, theirs.loss, 1e-12)
    np.testing.assert_array_equal(ours.dy, theirs.dy)
    np.testing.assert_array_equal(ours.dx, theirs.dx)
    terms = rounding(16 * len(s.batch.x) * s.batch.x.shape[1])
    for mine, other in zip(grads.views, expected.views, strict=True):
        for key, value in other.items():
            close(mine[key], value, terms, scale=float(np.abs(value).max()) + EPS32)


@every_stack
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.usefixtures("every_isa")
def test_loss_and_gradients_equal_those_layer_by_layer(name, masked):
    assert_equal_passes(make(name, masked=masked))


@given(
    name=st.sampled_from(sorted(STACKS)),
    nb=st.integers(2, 20),
    T=st.integers(1, 20),
    masked=st.booleans(),
    per_value=st.booleans(),
    seed=st.integers(0, 99),
)
@settings(max_examples=40, deadline=None)
def test_batches_of_any_shape_give_the_numbers_of_the_layers(name, nb, T, masked, per_value, seed):
    assert_equal_passes(make(name, nb, T, masked=masked, per_value=per_value, seed=seed))


@every_stack
def test_results_have_the_same_bits_for_any_number_of_threads(name, threads):
    for nb, T in ((2, 3), (5, 9), (33, 2)):
        s, results = make(name, nb, T, masked=True), []
        for n in (1, 2, 3, 8):
            runtime.set_num_threads(n)
            value, grads = in_block_order(s)
            results.append((value.loss, value.dx.tobytes(), grads.vector.tobytes()))
        with named(f"{nb} blocks, {T} steps"):
            assert all(result == results[0] for result in results)


@every_stack
def test_gradients_are_difference_quotients(name, rng):
    s = make(name, nb=2, T=5)
    _, grads = in_block_order(s)
    kept, h = s.weights.vector.copy(), np.float32(step(EPS32))
    direction = rng.normal(size=kept.size).astype(np.float32) / np.float32(np.sqrt(kept.size))
    s.weights.vector[:] = kept + h * direction
    above = in_block_order(s)[0].loss
    s.weights.vector[:] = kept - h * direction
    below = in_block_order(s)[0].loss
    expected = float((grads.vector.astype(float) * direction).sum())
    # Kinks of losses and of relu cost more than a difference.
    close((above - below) / (2 * float(h)), expected, 3 * difference(EPS32), scale=max(above, 1.0))


@every_stack
def test_one_stack_serves_batches_of_many_shapes_and_weights_that_change(name):
    s = make(name)
    grads = zeros_like(s.weights)
    differentiate = Differentiator(s.network, s.weights, grads, s.loss)
    for nb, T in ((3, 9), (2, 1), (5, 4)):
        other = make(name, nb, T, seed=nb)
        s.weights.vector[:] = other.weights.vector
        value = differentiate(other.batch, PASS)
        expected, theirs = in_block_order(other)
        assert value.loss == expected.loss
        np.testing.assert_array_equal(grads.vector, theirs.vector)


def test_a_sequence_does_not_read_another_block():
    s = make("panel", nb=4, masked=True)
    first = in_block_order(s)[0].dx
    s.batch.x[2] = 5
    again = in_block_order(s)[0].dx
    np.testing.assert_array_equal(again[[0, 1, 3]], first[[0, 1, 3]])
    assert (again[2] != first[2]).any()


def test_a_repeated_step_requests_no_memory_from_the_system():
    s = make("panel", nb=4, T=40)
    differentiate = Differentiator(s.network, s.weights, zeros_like(s.weights), s.loss)
    for _ in range(2):
        differentiate(s.batch, PASS)
    before = _native.memory_requests()
    for _ in range(5):
        differentiate(s.batch, PASS)
    assert _native.memory_requests() == before


def test_nan_in_the_inputs_makes_the_loss_nan():
    s = make("article")
    s.batch.x[1, 3, 0, 2] = np.nan
    s.batch.weight[:] = 1
    assert np.isnan(in_block_order(s)[0].loss)


def dense(K=3, M=2):
    """Return parameters of a dense layer, and room for their gradients."""
    return {"W": np.ones((K, M), np.float32), "b": np.zeros(M, np.float32)}, {
        "W": np.empty((K, M), np.float32),
        "b": np.empty(M, np.float32),
    }


def test_layers_that_do_not_fit_raise_value_error():
    stack = TrainingStack(3, has_time=True)
    with pytest.raises(ValueError, match="W has shape"):
        stack.add_dense(*dense(K=4), "linear")
    with pytest.raises(ValueError, match="must keep the shape"):
        stack.add_dense(*dense(), "linear", residual=True)
    with pytest.raises(ValueError, match="multiple of the number of quantiles"):
        stack.add_quantiles(2)
    with pytest.raises(ValueError, match="rate must lie"):
        stack.add_dropout(1.0)
    params = {"Wx": np.ones((3, 8), np.float32), "Wh": np.ones((2, 8), np.float32), "b": np.ones(8, np.float32)}
    with pytest.raises(ValueError, match="every weight needs a gradient"):
        stack.add_recurrent("lstm", params, {"Wx": params["Wx"].copy()}, return_sequences=True)
    stack.add_recurrent("lstm", params, {k: v.copy() for k, v in params.items()}, return_sequences=False)
    with pytest.raises(ValueError, match="needs a time axis"):
        stack.add_recurrent("lstm", params, params, return_sequences=False)


def test_batches_that_do_not_fit_raise_value_error():
    stack, squared = TrainingStack(3, has_time=True), LossKernel("squared")
    x, y, w = (np.ones((2, 4, n, 16), np.float32) for n in (3, 2, 1))
    with pytest.raises(ValueError, match="no layers"):
        stack.step(x, None, squared, y, w, scale=1.0, keys=[])
    stack.add_dense(*dense(), "linear")
    assert stack.step(x, None, squared, y, w, scale=1.0, keys=[0]) == pytest.approx(2 * 4 * 2 * 16 * 4.0)
    for args, message in (
        ((x[:, :, :2].copy(), y, w), "x has shape"),
        ((x, y[:, :3].copy(), w), "target has shape"),
        ((x, y, w[:1]), "weight has shape"),
    ):
        with pytest.raises(ValueError, match=message):
            stack.step(args[0], None, squared, *args[1:], scale=1.0, keys=[0])
    with pytest.raises(ValueError, match="every layer needs a key"):
        stack.step(x, None, squared, y, w, scale=1.0, keys=[])
    with pytest.raises(ValueError, match="16 lanes"):
        stack.step(x[..., :1].copy(), None, squared, y, w, scale=1.0, keys=[0])
    with pytest.raises(ValueError, match="mask has shape"):
        stack.step(x, np.ones((2, 3, 16), np.float32), squared, y, w, scale=1.0, keys=[0])
