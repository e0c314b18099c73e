"""GRU speaks Keras' order and shapes."""

from __future__ import annotations

import numpy as np
from layer_examples import F, T, normal, parameters
from tolerances import close, rounding

from gatecast.kernels.activations import sigmoid
from gatecast.kernels.packing import pack, pack_state, unpack
from gatecast.layers import GRU, CallContext


def test_gru_weights_in_keras_order_compute_keras_cell(rng):
    """Keras' cell with reset_after, columns z, r, h, bias (2, 3H): input and recurrent."""
    layer, x, h = GRU(2), normal(rng, 1, 1, F), normal(rng, 1, 2)
    params = parameters(layer, rng)
    kernel, recurrent_kernel, bias = layer.to_keras_weights(params)
    assert [w.shape for w in (kernel, recurrent_kernel, bias)] == [(F, 6), (2, 6), (2, 6)]
    xz, xr, xh = np.split(x[:, 0] @ kernel + bias[0], 3, axis=1)
    hz, hr, hh = np.split(h @ recurrent_kernel + bias[1], 3, axis=1)
    z, r = sigmoid(xz + hz), sigmoid(xr + hr)
    expected = z * h + (1 - z) * np.tanh(xh + r * hh)
    y, _, _ = layer.forward(params, pack(x), CallContext(), state=(pack_state(h),))
    close(unpack(y, 1)[:, 0], expected, rounding(F + 10))


def test_initial_bias_has_two_rows_only_with_reset_after():
    rng = np.random.default_rng(0)
    assert GRU(3).init(rng, (T, 2))["b"].shape == (2, 9)
    assert GRU(3, reset_after=False).init(rng, (T, 2))["b"].shape == (9,)
