"""QuantileHead passes its input to the kernels; tests/kernels/test_quantile_kernels.py tests what these compute."""

from __future__ import annotations

import numpy as np
import pytest
from layer_examples import normal
from tolerances import close, rounding

from gatecast.errors import ConfigError
from gatecast.kernels import native
from gatecast.kernels.packing import pack
from gatecast.layers import CallContext, QuantileHead


def test_quantile_head_equals_its_kernels(rng):
    layer, x, dy = QuantileHead(5), pack(normal(rng, 19, 3, 30)), pack(normal(rng, 19, 3, 30))
    q, _, cache = layer.forward({}, x, CallContext())
    np.testing.assert_array_equal(q, native.quantiles_forward(x, 5))
    np.testing.assert_array_equal(layer.backward({}, cache, dy, True)[0], native.quantiles_backward(x, dy, 5))
    assert layer.backward({}, cache, None, True) == (None, None, {})


@pytest.mark.parametrize("n_quantiles", [1, 3, 9])
def test_inverse_returns_the_input_of_given_quantiles(n_quantiles, rng):
    q = np.cumsum(rng.uniform(0.01, 3, (4, n_quantiles)), axis=1)
    x = pack(QuantileHead(n_quantiles).inverse(q).reshape(1, 1, -1))
    y, _, _ = QuantileHead(n_quantiles).forward({}, x, CallContext())
    close(y.ravel(), q.ravel(), rounding(50))


def test_quantile_head_refuses_features_that_are_no_multiple():
    with pytest.raises(ValueError, match="QuantileHead"):
        QuantileHead(3).forward({}, np.zeros((1, 2, 4, 16), np.float32), CallContext())


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: QuantileHead(4), r"quantiles \(QuantileHead\): got 4, expected an odd number"),
        (lambda: QuantileHead(-1), r"quantiles \(QuantileHead\): got -1"),
        (lambda: QuantileHead(3).output_shape((24, 4)), r"\(QuantileHead\): got 4, expected a multiple of 3"),
    ],
)
def test_quantile_head_with_impossible_settings_raises_config_error(make, text):
    with pytest.raises(ConfigError, match=text):
        make()
