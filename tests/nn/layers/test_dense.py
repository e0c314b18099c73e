"""Dense equals its float64 reference."""

from __future__ import annotations

import numpy as np
import pytest
from layer_examples import F, T, normal, parameters
from tolerances import close, rounding

from gatecast.errors import ConfigError
from gatecast.kernels import reference
from gatecast.kernels.activations import ACTIVATIONS
from gatecast.kernels.packing import pack, unpack
from gatecast.layers import CallContext, Dense


@pytest.mark.parametrize("count", [2, 19])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_dense_equals_its_reference(activation, count, rng):
    layer = Dense(4, activation=activation)
    params, x, dy = parameters(layer, rng), normal(rng, count, T, F), normal(rng, count, T, 4)
    function = ACTIVATIONS[activation]
    z = reference.dense_forward(params, x)
    expected = function.value(z)
    y, _, cache = layer.forward(params, pack(x), CallContext())
    close(unpack(y, count), expected, rounding(F + 10))
    dx, _, grads = layer.backward(params, cache, pack(dy), True)
    expected_dx, expected_grads = reference.dense_backward(params, x, dy * function.slope(z, expected))
    close(unpack(dx, count), expected_dx, rounding(F + 10))
    for name, grad in expected_grads.items():
        scale = float(np.sqrt(19 * T)) + float(np.abs(grad).max())
        close(grads[name], grad, rounding(19 * T), scale=scale)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Dense(True), r"units True \(Dense\)"),
        (lambda: Dense(5, "softmix"), r"activation \(Dense\): got 'softmix', expected .*Did you mean softmax"),
    ],
)
def test_dense_with_impossible_settings_raises_config_error(make, text):
    with pytest.raises(ConfigError, match=text):
        make()
