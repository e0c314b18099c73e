"""Residual adds its input to the output of the inner layer."""

from __future__ import annotations

import numpy as np
import pytest
from layer_examples import F, T, normal, parameters

from gatecast.errors import ConfigError
from gatecast.kernels.packing import pack, unpack
from gatecast.layers import LSTM, CallContext, Dense, Residual


@pytest.mark.parametrize("count", [3, 19])
def test_residual_adds_its_input(count, rng):
    inner, x = LSTM(F, return_sequences=True), normal(rng, count, T, F)
    params = parameters(inner, rng)
    y, plain = (layer.forward(params, pack(x), CallContext())[0] for layer in (Residual(inner), inner))
    np.testing.assert_array_equal(unpack(y, count), x + unpack(plain, count))


def test_input_shape_of_the_wrapper_precedes_that_of_the_inner_layer():
    assert Residual(Dense(2, input_shape=(3,))).input_shape == (3,)
    assert Residual(Dense(2, input_shape=(3,)), input_shape=(2,)).input_shape == (2,)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Residual(5), r"layer \(Residual\): got 5"),
        (
            lambda: Residual(LSTM(3)).output_shape((T, 3)),
            r"\(Residual\(LSTM\)\): got \(3,\) from \(5, 3\), expected the shape of the input.*return_sequences",
        ),
    ],
)
def test_residual_with_an_impossible_layer_raises_config_error(make, text):
    with pytest.raises(ConfigError, match=text):
        make()
