"""LSTM starts as Keras starts it, and speaks Keras' order of gates."""

from __future__ import annotations

import numpy as np
import pytest
from layer_examples import F, T, normal, parameters
from tolerances import close, rounding

from gatecast.errors import ConfigError
from gatecast.kernels.activations import sigmoid
from gatecast.kernels.packing import pack, unpack
from gatecast.layers import LSTM, CallContext


def test_lstm_weights_in_keras_order_compute_keras_cell(rng):
    """Keras' cell, written down as Keras documents it: kernel columns i, f, c, o."""
    layer, x = LSTM(2, peephole="full", layer_norm=False, projection=3), normal(rng, 1, 1, F)
    params = parameters(layer, rng)
    kernel, _, bias, P, Wr = layer.to_keras_weights(params)
    i, f, c, o = np.split(x[:, 0] @ kernel + bias, 4, axis=1)
    c_new = sigmoid(i) * np.tanh(c) + sigmoid(f) * 0
    y, _, _ = layer.forward(params, pack(x), CallContext())
    close(unpack(y, 1)[:, 0], (sigmoid(o) * np.tanh(c_new)) @ Wr, rounding(F + 10))
    np.testing.assert_array_equal(P, params["P"])


def test_initial_weights_are_those_of_keras():
    H, rng = 30, np.random.default_rng(0)
    params = LSTM(H, peephole="full").init(rng, (T, 10))
    close(params["Wh"].astype(float) @ params["Wh"].T, np.eye(H), rounding(4 * H))
    limit = np.sqrt(6 / (10 + 4 * H))
    assert 0.95 * limit < np.abs(params["Wx"]).max() <= limit
    # A uniform variable has variance limit^2 / 3; the mean of n squares strays by 0.9 / sqrt(n).
    assert abs(params["Wx"].var() / (limit**2 / 3) - 1) < 4 * 0.9 / np.sqrt(params["Wx"].size)
    signs = {np.sign(LSTM(1).init(np.random.default_rng(seed), (T, 1))["Wh"][0, 0]) for seed in range(20)}
    assert signs == {-1.0, 1.0}
    gates = dict(zip("ifog", np.split(params["b"], 4), strict=True))
    assert [float(gates[g].min()) for g in "ifog"] == [float(gates[g].max()) for g in "ifog"] == [0, 1, 0, 0]
    assert not params["P"].any()


@pytest.mark.parametrize(("bias", "start"), [(True, 1), (False, 0), (2.5, 2.5), (-1, -1)])
def test_forget_gate_bias_starts_at_unit_forget_bias(bias, start):
    for layer, at in ((LSTM(3, unit_forget_bias=bias), 1), (LSTM(3, unit_forget_bias=bias, coupled=True), 0)):
        b = layer.init(np.random.default_rng(0), (T, 1))["b"].reshape(-1, 3)
        assert (b[at] == start).all()
        assert not np.delete(b, at, axis=0).any()


def test_settings_of_numpy_types_become_plain_numbers():
    layer = LSTM(np.int32(3), unit_forget_bias=np.float32(2.5), projection=np.int64(2), zoneout=[np.float32(0.5), 0])
    assert layer == LSTM(3, unit_forget_bias=2.5, projection=2, zoneout=(0.5, 0.0))
    kinds = {type(getattr(layer, name)) for name in ("units", "unit_forget_bias", "projection")}
    assert kinds == {int, float}
    assert type(LSTM(3, unit_forget_bias=np.bool_(True)).unit_forget_bias) is bool


def test_parameters_beyond_keras_start_neutral():
    params = LSTM(6, layer_norm=True, projection=40).init(np.random.default_rng(0), (T, 2))
    assert (params["gain"] == 1).all()
    assert params["Wr"].shape == (6, 40)
    close(params["Wh"].astype(float).T @ params["Wh"], np.eye(24), rounding(40))  # more rows than columns


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: LSTM(5, peephole="all"), r"peephole \(LSTM\): got 'all', expected one of None, 'diagonal'"),
        (lambda: LSTM(5, coupled=True, peephole="full"), r"\(LSTM\): got coupled=True, peephole='full'"),
        (lambda: LSTM(5, layer_norm=True, peephole="full"), r"\(LSTM\): got layer_norm=True, peephole=\"full\""),
        (lambda: LSTM(1, layer_norm=True), r"units \(LSTM with layer_norm=True\): got 1"),
        (lambda: LSTM(5, projection=0), r"projection 0 \(LSTM\)"),
        (lambda: LSTM(5, unit_forget_bias="a"), r"unit_forget_bias \(LSTM\): got 'a'"),
        (lambda: LSTM(5, unit_forget_bias=np.inf), r"unit_forget_bias \(LSTM\): got inf"),
    ],
)
def test_lstm_with_impossible_settings_raises_config_error(make, text):
    with pytest.raises(ConfigError, match=text):
        make()
