"""Checks that all layers share."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.errors import ConfigError, DataError
from gatecast.layers import BaseLayer, Dense
from gatecast.nn.layers.checks import check_choice, check_input, check_layer_type

X = np.ones((1, 3, 2, 1), np.float32)


@pytest.mark.parametrize("x", [X.astype(np.float64), X[0], X[:, :0], X[:, :, :1]])
def test_check_input_of_another_type_or_shape_raises_data_error(x):
    with pytest.raises(DataError, match=r"\(Dense\): got float\d\d \(.*expected float32 \(blocks, time, 2, lanes\)"):
        check_input(Dense(1), x, 2)


def test_checks_name_layer_and_argument():
    with pytest.raises(ConfigError, match=r"activation \(SimpleRNN\): got 'elu', expected one of 'tanh', 'relu'"):
        check_choice("elu", ("tanh", "relu"), "SimpleRNN", "activation")
    with pytest.raises(ConfigError, match=r"layer \(Residual\): got 5, expected a layer"):
        check_layer_type(5, (BaseLayer,), "Residual", "a layer")
