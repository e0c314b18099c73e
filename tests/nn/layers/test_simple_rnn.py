"""SimpleRNN chooses its cell by its activation."""

from __future__ import annotations

import pytest

from gatecast.errors import ConfigError
from gatecast.kernels.packing import pack, unpack
from gatecast.layers import CallContext, SimpleRNN


def test_relu_never_gives_negative_outputs_and_tanh_does(rng):
    x = pack(rng.normal(size=(19, 5, 3)))
    outputs = {}
    for activation in ("tanh", "relu"):
        layer = SimpleRNN(8, activation=activation, return_sequences=True)
        outputs[activation] = unpack(layer.forward(layer.init(rng, (5, 3)), x, CallContext())[0], 19)
    assert (outputs["relu"] >= 0).all()
    assert (outputs["tanh"] < 0).any()


def test_simple_rnn_with_an_unknown_activation_raises_config_error():
    with pytest.raises(ConfigError, match=r"activation \(SimpleRNN\): got 'elo'.*Did you mean elu"):
        SimpleRNN(5, activation="elo")
