"""Dense, Dropout, Embedding and Select compute what they say.

Letters: B batch, T time, F features.
"""

from __future__ import annotations

import numpy as np
import pytest
from layer_examples import F, T, normal, parameters
from tolerances import EPS64, close, rounding

from gatecast.errors import ConfigError, DataError
from gatecast.kernels import reference
from gatecast.kernels.packing import pack, pack_mask, unpack
from gatecast.layers import CallContext, Dense, Dropout, Embedding, Select
from gatecast.nn.layers.feedforward import last_step, last_step_backward

B = 19
TRAINING = CallContext(training=True, key=7)


@pytest.mark.parametrize("count", [2, B])
@pytest.mark.parametrize("activation", reference.ACTIVATIONS)
def test_dense_equals_its_reference(activation, count, rng):
    layer = Dense(4, activation=activation)
    params, x, dy = parameters(layer, rng), normal(rng, count, T, F), normal(rng, count, T, 4)
    value, slope = reference.ACTIVATIONS[activation]
    expected = value(reference.dense_forward(params, x))
    y, _, cache = layer.forward(params, pack(x), CallContext())
    close(unpack(y, count), expected, rounding(F + 10))
    dx, _, grads = layer.backward(params, cache, pack(dy), True)
    dx_, grads_ = reference.dense_backward(params, x, dy * slope(expected))
    close(unpack(dx, count), dx_, rounding(F + 10))
    for name, grad in grads_.items():
        close(grads[name], grad, rounding(B * T), scale=float(np.sqrt(B * T)) + float(np.abs(grad).max()))


@pytest.mark.parametrize("variational", [False, True])
def test_dropout_drops_its_share_and_keeps_the_mean(variational):
    shape = (80, 10, 50, 16)
    n = 80 * 50 * 16 * (1 if variational else 10)
    y, _, _ = Dropout(0.2, variational).forward({}, np.ones(shape, np.float32), TRAINING)
    assert set(np.unique(y)) == {np.float32(0), np.float32(1) / np.float32(0.8)}
    # Four standard deviations of a share of n draws.
    assert abs((y == 0).mean() - 0.2) < 4 * np.sqrt(0.2 * 0.8 / n)
    assert (y == y[:, :1]).all() == variational


@pytest.mark.parametrize("variational", [False, True])
def test_dropout_is_a_function_of_its_key_and_the_same_forth_and_back(variational, rng):
    layer, x = Dropout(0.5, variational), pack(normal(rng, B, T, F)) + 10
    y, _, cache = layer.forward({}, x, CallContext(True, key=1))
    other, _, _ = layer.forward({}, x, CallContext(True, key=2))
    dx, _, _ = layer.backward({}, cache, np.ones_like(x), True)
    assert ((y == 0) != (other == 0)).any()
    np.testing.assert_array_equal(dx == 0, y == 0)
    close(dx[dx != 0], np.full((dx != 0).sum(), 2.0), 4 * EPS64)


def test_dropout_does_nothing_outside_training(rng):
    x = pack(normal(rng, B, T, F))
    y, _, cache = Dropout(0.5).forward({}, x, CallContext())
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(Dropout(0.5).backward({}, cache, x, True)[0], x)


@pytest.mark.parametrize("count", [2, B])
def test_an_embedding_is_a_look_up_and_its_gradient_a_sum(count, rng):
    layer = Embedding(4, 2)
    params, codes = parameters(layer, rng, (T, 1)), rng.integers(0, 4, (count, T))
    y, _, cache = layer.forward(params, pack(codes[:, :, None]), CallContext(n_sequences=count))
    np.testing.assert_array_equal(unpack(y, count), params["E"][codes])
    flat, _, _ = layer.forward(params, pack(codes[:, None, :]), CallContext(n_sequences=count))
    np.testing.assert_array_equal(flat, y)
    dy = normal(rng, count, T, 2)
    dx, _, grads = layer.backward(params, cache, pack(dy), True)
    assert not dx.any()
    expected = np.stack([dy[codes == code].sum(axis=0) for code in range(4)])
    close(grads["E"], expected, rounding(count * T))


@pytest.mark.parametrize("code", [4, -1, 0.5, np.nan, np.inf])
def test_a_code_that_is_not_in_the_table_is_named_unless_it_is_masked(code):
    layer, x = Embedding(4, 2), np.zeros((2, T, 1), np.float32)
    params, x[1, 3] = layer.init(np.random.default_rng(0), (T, 1)), code
    with pytest.raises(DataError) as caught:
        layer.forward(params, pack(x), CallContext())
    assert f"(Embedding): got {np.float32(code):g}, expected whole numbers from 0 to 3" in str(caught.value)
    mask = np.ones((2, T), bool)
    mask[1, 3] = False
    layer.forward(params, pack(x), CallContext(mask=pack_mask(mask)))


@pytest.mark.parametrize("count", [2, B])
def test_select_picks_features_and_the_last_step_that_counts(count, rng):
    x, lengths = normal(rng, count, T, F), rng.integers(1, T + 1, count)
    mask = np.arange(T) < lengths[:, None]
    every, _, _ = Select((2, 0)).forward({}, pack(x), CallContext())
    np.testing.assert_array_equal(unpack(every, count), x[:, :, [2, 0]])
    plain, _, _ = Select((1,), last=True).forward({}, pack(x), CallContext())
    np.testing.assert_array_equal(unpack(plain, count), x[:, -1:, 1:2])
    told = CallContext(mask=pack_mask(mask))
    last, _, cache = Select((1,), last=True).forward({}, pack(x), told)
    np.testing.assert_array_equal(unpack(last, count)[:, 0, 0], x[np.arange(count), lengths - 1, 1])
    dx, _, _ = Select((1,), last=True).backward({}, cache, pack(np.ones((count, 1, 1))), True)
    expected = np.zeros_like(x)
    expected[np.arange(count), lengths - 1, 1] = 1
    np.testing.assert_array_equal(unpack(dx, count), expected)


def test_without_any_step_that_counts_the_last_one_is_taken(rng):
    x = pack(normal(rng, 2, T, F))
    last, at = last_step(x, np.zeros((2, T, 1), np.float32))
    np.testing.assert_array_equal(last, x[:, -1:])
    assert not last_step_backward(last, at, T)[:, :-1].any()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Dense(True), "Invalid Dense's units True"),
        (lambda: Dense(5, "softmax"), "Dense does not know this activation: got 'softmax', expected one of None, "),
        (lambda: Dropout(1), "Invalid Dropout's rate 1"),
        (lambda: Dropout("a"), "Invalid Dropout's rate 'a'"),
        (lambda: Embedding(0, 3), "Invalid Embedding's input_dim 0"),
        (
            lambda: Embedding(3, 3).output_shape((24, 2)),
            "an Embedding takes one code a step: got an input of shape (24, 2)",
        ),
        (lambda: Select(()), "Select cannot pick these features: got (), expected a tuple of different places from 0"),
        (lambda: Select(3), "Select cannot pick these features: got 3"),
        (lambda: Select((1, 1)), "Select cannot pick these features: got (1, 1)"),
        (lambda: Select((-1,)), "Select cannot pick these features: got (-1,)"),
        (lambda: Select((3,)).output_shape((24, 3)), "Select picks a feature that is not there: got feature 3 of 3"),
        (
            lambda: Select((0,), last=True).output_shape((3,)),
            "Select has no last step to pick: got an input of shape (3,)",
        ),
    ],
)
def test_impossible_settings_are_named(make, text):
    with pytest.raises(ConfigError) as caught:
        make()
    assert text in str(caught.value)
