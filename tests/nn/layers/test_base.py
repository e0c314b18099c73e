"""What all layers share: passes from a state, prefixes of parameters."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from gatecast.layers import LSTM, BaseLayer, CallContext, Dropout, StatefulLayer
from gatecast.nn.layers.base import backward_from, forward_from
from gatecast.nn.layers.wrapper import add_prefix, strip_prefix

X = np.ones((1, 3, 2, 1), np.float32)


def test_base_layer_without_passes_raises_not_implemented():
    for layer in (BaseLayer(), StatefulLayer()):
        with pytest.raises(NotImplementedError):
            layer.forward({}, X, CallContext())
        with pytest.raises(NotImplementedError):
            layer.backward({}, None, X, True)


def test_attributes_of_keras_say_what_to_write():
    with pytest.raises(AttributeError, match=r"'LSTM' object has no attribute 'output'. It is in no model yet"):
        _ = LSTM(4).output
    with pytest.raises(AttributeError, match=r"has no attribute 'size'$"):
        _ = LSTM(4).size
    assert not hasattr(LSTM(4), "input")
    assert copy.deepcopy(LSTM(4)) == pickle.loads(pickle.dumps(LSTM(4))) == LSTM(4)


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
