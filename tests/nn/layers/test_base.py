"""The shapes, checks and prefixes that all layers share."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.errors import ConfigError, DataError
from gatecast.layers import LSTM, BaseLayer, CallContext, Dense, Dropout, Input, StatefulLayer
from gatecast.nn.layers.base import (
    add_prefix,
    backward_from,
    check_choice,
    check_input,
    check_layer_type,
    feature_count,
    forward_from,
    strip_prefix,
)

X = np.ones((1, 3, 2, 1), np.float32)


def test_shapes_given_as_numbers_or_lists_become_tuples():
    assert Input([None, 3]).shape == (None, 3)
    assert Input(3).shape == (3,)
    assert Dense(1, input_shape=[5]).input_shape == (5,)
    assert LSTM(np.int64(5)).units == 5


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Input((24, 0)), r"shape \(Input\): got \(24, 0\)"),
        (lambda: Input((None, 24, 1, 1)), r"batch is not part of the shape"),
        (lambda: Input((24, None)), r"shape \(Input\): got \(24, None\)"),
        (lambda: LSTM(3, input_shape=(1, 2, 3, 4)), r"shape \(LSTM\): got \(1, 2, 3, 4\)"),
    ],
)
def test_impossible_shape_raises_config_error(make, text):
    with pytest.raises(ConfigError, match=text):
        make()


def test_base_layer_without_passes_raises_not_implemented():
    for layer in (BaseLayer(), StatefulLayer()):
        with pytest.raises(NotImplementedError):
            layer.forward({}, X, CallContext())
        with pytest.raises(NotImplementedError):
            layer.backward({}, None, X, True)


def test_forward_from_hands_the_state_to_stateful_layers_alone(rng):
    lstm = LSTM(4)
    params = lstm.init(rng, (3, 2))
    state = tuple(np.ones((1, 4, 1), np.float32) for _ in "hc")
    y, last, cache = forward_from(lstm, params, X, CallContext(), state)
    np.testing.assert_array_equal(y, lstm.forward(params, X, CallContext(), state=state)[0])
    dstate = backward_from(lstm, params, cache, y, False, last)[1]
    np.testing.assert_array_equal(dstate, lstm.backward(params, cache, y, False, dstate=last)[1])
    y, last, cache = forward_from(Dropout(0.5), {}, X, CallContext(), state)
    assert last is None
    assert backward_from(Dropout(0.5), {}, cache, y, True, state)[1] is None


def test_strip_prefix_inverts_add_prefix():
    params = {"W": X, "b": X}
    assert strip_prefix(add_prefix(params, "0.1.") | {"1.0.W": X}, "0.1.").keys() == params.keys()


@pytest.mark.parametrize("x", [X.astype(np.float64), X[0], X[:, :0], X[:, :, :1]])
def test_check_input_of_another_type_or_shape_raises_data_error(x):
    with pytest.raises(DataError, match=r"\(Dense\): got float\d\d \(.*expected float32 \(blocks, time, 2, lanes\)"):
        check_input(Dense(1), x, 2)


def test_checks_name_layer_and_argument():
    with pytest.raises(ConfigError, match=r"activation \(SimpleRNN\): got 'elu', expected one of 'tanh', 'relu'"):
        check_choice("elu", ("tanh", "relu"), "SimpleRNN", "activation")
    with pytest.raises(ConfigError, match=r"layer \(Residual\): got 5, expected a layer"):
        check_layer_type(5, (BaseLayer,), "Residual", "a layer")
    with pytest.raises(ConfigError, match=r"number of features: got \(5, None\)"):
        feature_count((5, None))
