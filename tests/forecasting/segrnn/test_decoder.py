"""ParallelDecoder: a layer's contract, and its equations in float64."""

import numpy as np
import pytest

from gatecast.errors import ConfigError
from gatecast.forecasting.segrnn.decoder import ParallelDecoder
from gatecast.kernels.packing import pack, unpack
from gatecast.layers import GRU, LSTM, CallContext, Dense, SimpleRNN
from gatecast.testing import check_layer
from gatecast.testing.layers import LAYER_CHECKS, random_params

MASKED = {"masked_padding", "batch_independence"}
"""Checks with masks of the steps of the output: its steps ahead are no steps of the sequence."""


@pytest.mark.parametrize(
    "layer",
    [
        ParallelDecoder(LSTM(4), 3),
        ParallelDecoder(LSTM(4, projection=2, dropout=0.2), 1),
        ParallelDecoder(GRU(3, recurrent_dropout=0.3, zoneout=0.2), 5),
        ParallelDecoder(SimpleRNN(4), 2),
    ],
    ids=repr,
)
def test_decoder_keeps_the_contract_of_a_layer(layer):
    check_layer(layer, checks=set(LAYER_CHECKS) - MASKED)


def test_decoder_of_one_step_treats_each_sequence_by_itself():
    check_layer(ParallelDecoder(LSTM(4), 1), checks=["batch_independence"])


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm_step(params, x, h, c):
    """A step in float64; gates stand in the order i f o g."""
    units = h.shape[1]
    Wx, Wh, b = (params["layer." + name].astype(np.float64) for name in ("Wx", "Wh", "b"))
    a = x @ Wx + h @ Wh + b
    i, f, o = (sigmoid(a[:, k * units : (k + 1) * units]) for k in range(3))
    c = f * c + i * np.tanh(a[:, 3 * units :])
    return o * np.tanh(c), c


@pytest.mark.parametrize("n_sequences", [2, 19])
def test_decoder_takes_one_step_from_the_last_state_for_each_position(n_sequences):
    rng = np.random.default_rng(0)
    layer, K, units = ParallelDecoder(LSTM(4), 3), 3, 4
    params = random_params(layer, (5, 2), rng)
    x = rng.normal(size=(n_sequences, 5, 2)).astype(np.float32)
    y = unpack(layer.forward(params, pack(x), CallContext(n_sequences=n_sequences))[0], n_sequences)
    h = c = np.zeros((n_sequences, units))
    for t in range(5):
        h, c = lstm_step(params, x[:, t].astype(np.float64), h, c)
    for k in range(K):
        expected, _ = lstm_step(params, params["positions"][k].astype(np.float64)[None], h, c)
        np.testing.assert_allclose(y[:, k], expected, atol=2e-6)


def test_decoder_of_one_step_returns_that_step():
    rng = np.random.default_rng(1)
    decoder = ParallelDecoder(GRU(3), 4)
    params, x = random_params(decoder, (6, 2), rng), pack(rng.normal(size=(5, 6, 2)).astype(np.float32))
    y = decoder.forward(params, x, CallContext())[0]
    for k in range(4):
        layer, its_params = decoder.one_step(params, k)
        np.testing.assert_array_equal(layer.forward(its_params, x, CallContext())[0], y[:, k : k + 1])


@pytest.mark.parametrize(
    ("layer", "steps", "message"),
    [
        (Dense(3), 2, "expected a recurrent layer"),
        (LSTM(3, return_sequences=True), 2, "Leave return_sequences out"),
        (LSTM(3), 0, "steps"),
    ],
)
def test_decoder_refuses_what_cannot_be_decoded(layer, steps, message):
    with pytest.raises(ConfigError, match=message):
        ParallelDecoder(layer, steps)
