"""Concatenate runs its branches over the same input and joins their features."""

from __future__ import annotations

import numpy as np
import pytest
from layer_examples import F, T, normal, parameters

from gatecast.errors import ConfigError
from gatecast.kernels.packing import pack, unpack
from gatecast.layers import (
    GRU,
    LSTM,
    BatchNormalization,
    Bidirectional,
    CallContext,
    Concatenate,
    Dense,
    Dilated,
    Dropout,
    Embedding,
    Residual,
    Select,
)
from gatecast.nn.layers.wrapper import strip_prefix
from gatecast.nn.network import build, initial_weights

B = 19
SEQUENCE = {"return_sequences": True}


def run(layer, params, x):
    """Return unpacked outputs."""
    return unpack(layer.forward(params, pack(x), CallContext())[0], len(x))


@pytest.mark.parametrize("count", [3, B])
def test_branches_are_concatenated(count, rng):
    lstm, gru = LSTM(3, **SEQUENCE), GRU(2)
    layer, x = Concatenate(((lstm, gru), Select((1,), last=True))), normal(rng, count, T, F)
    params = parameters(layer, rng)
    assert set(params) == {"0.0.Wx", "0.0.Wh", "0.0.b", "0.1.Wx", "0.1.Wh", "0.1.b"}
    a = run(gru, strip_prefix(params, "0.1."), run(lstm, strip_prefix(params, "0.0."), x))
    np.testing.assert_array_equal(run(layer, params, x), np.concatenate([a, x[:, -1:, 1:2]], axis=2))


def test_code_of_every_step_becomes_a_vector_next_to_the_values(rng):
    layer = Concatenate((Select((0,)), (Select((1,)), Embedding(7, 3))))
    x = np.stack([rng.normal(size=(B, T)), rng.integers(0, 7, (B, T))], axis=2).astype(np.float32)
    params = parameters(layer, rng, (T, 2))
    expected = np.concatenate([x[:, :, :1], params["1.1.E"][x[:, :, 1].astype(int)]], axis=2)
    np.testing.assert_array_equal(run(layer, params, x), expected)


def test_mask_ends_where_the_time_axis_ends(rng):
    layer = Concatenate(
        ((LSTM(3), BatchNormalization()), (Select((0,), last=True), Embedding(4, 2), Select((0,), last=True)))
    )
    x = rng.integers(0, 4, (B, 1, F)).astype(np.float32)
    params = parameters(layer, rng, (1, F))
    mask = np.zeros((2, 1, 16), np.float32)
    _, _, cache = layer.forward(params, pack(x), CallContext(True, n_sequences=B, mask=mask))
    assert set(layer.update_buffers(params, cache)) == {"0.1.moving_mean", "0.1.moving_variance"}


def test_update_buffers_collects_those_of_all_inner_layers(rng):
    layer = Concatenate((Residual(BatchNormalization(momentum=0.5)), (Dense(2), BatchNormalization())))
    params = parameters(layer, rng)
    _, _, cache = layer.forward(params, pack(normal(rng, B, T, F)), CallContext(True, n_sequences=B))
    buffers = layer.update_buffers(params, cache)
    assert set(buffers) == {f"{at}.moving_{name}" for at in ("0.0", "1.1") for name in ("mean", "variance")}


def test_input_shape_of_the_inner_layer_is_that_of_every_wrapper():
    for make in (Bidirectional, Residual, lambda layer: Dilated(layer, 2), lambda layer: Concatenate((layer,))):
        assert make(LSTM(2, **SEQUENCE, input_shape=(T, 2))).input_shape == (T, 2)


def test_branches_as_lists_and_as_tuples_are_equal():
    assert Concatenate([LSTM(3), [Dropout(0.1), LSTM(2)]]) == Concatenate(((LSTM(3),), (Dropout(0.1), LSTM(2))))


def test_network_of_nested_layers_has_the_right_shapes_and_number_of_parameters():
    layers = [
        Concatenate((Select((0,)), (Select((1,)), Embedding(7, 2)))),
        Bidirectional(GRU(4, **SEQUENCE)),
        Residual(Dilated(LSTM(8, **SEQUENCE), 4)),
        Dilated(LSTM(5), 2),
        BatchNormalization(),
        Dense(1),
    ]
    network = build(layers, (None, 2))
    assert network.shapes[1:] == ((None, 3), (None, 8), (None, 8), (5,), (5,), (1,))
    sizes = 14, 2 * (3 * 12 + 4 * 12 + 24), 8 * 32 + 8 * 32 + 32, 8 * 20 + 5 * 20 + 20, 20, 6
    assert initial_weights(network, 0).vector.size == sum(sizes)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Concatenate((LSTM(3), ())), r"branches \(Concatenate\).*use Select"),
        (lambda: Concatenate(LSTM(3)), r"branches \(Concatenate\): got LSTM\("),
        (lambda: Concatenate((LSTM(3), 5)), r"layer \(Concatenate\): got 5"),
        (
            lambda: Concatenate((LSTM(3), Select((0,)))).output_shape((T, 3)),
            r"\(Concatenate\): got outputs of shape \(3,\), \(5, 1\)",
        ),
    ],
)
def test_concatenate_with_impossible_branches_raises_config_error(make, text):
    with pytest.raises(ConfigError, match=text):
        make()
