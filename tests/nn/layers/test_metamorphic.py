"""What a layer computes for a sample depends neither on its place in the batch nor on the others: to the bit.

19 samples fill one block of 16 lanes and a part of another one; three samples have blocks of their own.
"""

from __future__ import annotations

import numpy as np
import pytest
from tolerances import close, rounding

from gatecast.kernels.packing import pack, unpack
from gatecast.layers import (
    LSTM,
    AveragePooling1D,
    CallContext,
    Conv1D,
    Dense,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    MaxPooling1D,
    TimeDistributed,
)

COUNT, T, F = 19, 9, 4
LAYERS = {
    "conv valid": Conv1D(5, 3, activation="relu"),
    "conv same": Conv1D(5, 4, strides=2, padding="same"),
    "conv causal": Conv1D(5, 3, padding="causal", dilation_rate=2, activation="gelu"),
    "max": MaxPooling1D(3, strides=2, padding="same"),
    "average": AveragePooling1D(3, strides=2, padding="same"),
    "global max": GlobalMaxPooling1D(),
    "steps of dense": TimeDistributed(Dense(3, "tanh")),
    "steps of convolutions": TimeDistributed(Conv1D(3, 2)),
    "steps of sequences": TimeDistributed(LSTM(3)),
    "steps of means": TimeDistributed(GlobalAveragePooling1D()),
}
every_layer = pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)


def passes(layer, x):
    """Return the outputs for samples, and the gradient of the samples."""
    in_shape = (T, F // 2, 2) if isinstance(layer, TimeDistributed) and not is_dense(layer) else None
    params = layer.init(np.random.default_rng(1), in_shape or (T, F))
    context = CallContext(training=True, n_sequences=len(x), in_shape=in_shape)
    y, _, cache = layer.forward(params, pack(x), context)
    rows = unpack(y, len(x))
    dy = pack(np.float32(0.5) * rows)  # of the output alone: it moves with the sample, without rounding
    dx, _, _ = layer.backward(params, cache, dy, True)
    return rows, unpack(dx, len(x))


def is_dense(layer):
    """Whether the steps of a layer have features alone."""
    return isinstance(layer.layer, Dense)


@pytest.fixture
def x(rng):
    return rng.normal(size=(COUNT, T, F)).astype(np.float32)


@every_layer
def test_permuted_samples_have_permuted_outputs_and_gradients(layer, x, rng):
    order = rng.permutation(COUNT)
    for got, want in zip(passes(layer, x[order]), passes(layer, x), strict=True):
        np.testing.assert_array_equal(got, want[order])


@every_layer
def test_sample_has_the_same_bits_in_every_lane(layer, x):
    y, dx = passes(layer, np.repeat(x[:1], COUNT, axis=0))
    for k in range(1, COUNT):
        np.testing.assert_array_equal(y[k], y[0])
        np.testing.assert_array_equal(dx[k], dx[0])


@every_layer
@pytest.mark.parametrize("size", [1, 3, 8, 17])
def test_split_batches_have_the_same_bits(layer, x, size):
    parts = [passes(layer, x[k : k + size]) for k in range(0, COUNT, size)]
    (y, dx), (want_y, want_dx) = (np.concatenate(arrays) for arrays in zip(*parts, strict=True)), passes(layer, x)
    np.testing.assert_array_equal(y, want_y)
    if "LSTM" in repr(layer):  # the sums of its backward pass have another order for samples in blocks of their own
        close(dx, want_dx, rounding(100))
    else:
        np.testing.assert_array_equal(dx, want_dx)
