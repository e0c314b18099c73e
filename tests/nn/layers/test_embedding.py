"""Embedding looks up vectors and adds up their gradients."""

from __future__ import annotations

import numpy as np
import pytest
from layer_examples import T, normal, parameters
from tolerances import close, rounding

from gatecast.errors import ConfigError, DataError
from gatecast.kernels.packing import pack, pack_mask, unpack
from gatecast.layers import CallContext, Embedding


@pytest.mark.parametrize("count", [2, 19])
def test_embedding_looks_up_vectors_and_adds_up_their_gradients(count, rng):
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
def test_embedding_of_an_unknown_code_raises_data_error_unless_masked(code):
    layer, x = Embedding(4, 2), np.zeros((2, T, 1), np.float32)
    params, x[1, 3] = layer.init(np.random.default_rng(0), (T, 1)), code
    with pytest.raises(DataError) as caught:
        layer.forward(params, pack(x), CallContext())
    assert f"(Embedding): got {np.float32(code):g}, expected an integer from 0 to 3" in str(caught.value)
    mask = np.ones((2, T), bool)
    mask[1, 3] = False
    layer.forward(params, pack(x), CallContext(mask=pack_mask(mask)))


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Embedding(0, 3), r"input_dim 0 \(Embedding\)"),
        (lambda: Embedding(3, 3).output_shape((24, 2)), r"\(Embedding\): got \(24, 2\), expected \(time, 1\).*Select"),
    ],
)
def test_embedding_with_impossible_settings_raises_config_error(make, text):
    with pytest.raises(ConfigError, match=text):
        make()
