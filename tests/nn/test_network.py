"""A whole network equals the same network in float64, value and gradient, dropout included.

Letters: B batch, T time, F features, H hidden, M outputs.
"""

from __future__ import annotations

import numpy as np
import pytest
from tolerances import EPS32, close, difference, rounding, step

from gatecast.errors import ConfigError
from gatecast.kernels import native, reference
from gatecast.kernels.activations import ACTIVATIONS
from gatecast.kernels.packing import pack, pack_mask, unpack
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
    LayerNormalization,
    Residual,
    Select,
)
from gatecast.losses import MeanSquaredError, weighted_mean
from gatecast.nn import network as networks
from gatecast.nn.layers.base import forward_from
from gatecast.nn.network import TrainingPass, backward, build, forward, initial_weights, update_buffers, zeros_like
from gatecast.nn.random import fold_in, generator, hash64

B, T, F, H, M = 21, 6, 2, 5, 3

LAYERS = [
    LSTM(H, return_sequences=True, peephole="diagonal"),
    Dropout(0.3),
    LSTM(H, return_sequences=True, peephole="full"),
    Dense(4, activation="tanh"),
    LSTM(H),
    Dropout(0.2),
    Dense(M),
]


def definition(network, weights, x, mask, seed, step):
    """Outputs of a network and its backward pass, layer by layer as `reference` has it, in float64."""
    undo = []
    for k, (layer, params) in enumerate(zip(network.layers, weights, strict=True)):
        here = mask if x.ndim == 3 else None
        if isinstance(layer, LSTM):
            y, (hT, _), cache = reference.forward("lstm", params, x, mask=here)
            undo.append((k, layer, params, cache))
            x = y if layer.return_sequences else hT
        elif isinstance(layer, Dense):
            function = ACTIVATIONS[layer.activation or "linear"]
            z = reference.dense_forward(params, x)
            y = function.value(z)
            undo.append((k, layer, params, (x, function.slope(z, y))))
            x = y
        else:
            shape = (len(x), 1, x.shape[1]) if x.ndim == 2 else x.shape
            ones = np.ones_like(pack(np.ones(shape)))
            keep = unpack(native.dropout(ones, layer.rate, hash64(seed, step, k)), len(x)).reshape(x.shape)
            undo.append((k, layer, params, keep))
            x = x * keep

    def pull(dy):
        grads = {}
        for k, layer, params, cache in reversed(undo):
            if isinstance(layer, LSTM):
                way = {"dy": dy} if layer.return_sequences else {"dstate": (dy, None)}
                dy, _, grads[k] = reference.backward("lstm", params, cache, **way)
            elif isinstance(layer, Dense):
                dy, grads[k] = reference.dense_backward(params, cache[0], dy * cache[1])
            else:
                dy, grads[k] = dy * cache, {}
        return dy, grads

    return x, pull


def setting(rng, layers=LAYERS, count=B):
    """A network, weights none of which is zero, and inputs."""
    network = build(layers, (T, F))
    weights = initial_weights(network, seed=3)
    weights.vector[:] += rng.normal(0, 0.2, weights.vector.size).astype(np.float32)
    return network, weights, rng.normal(size=(count, T, F)).astype(np.float32)


@pytest.mark.parametrize("count", [2, B])
@pytest.mark.parametrize("masked", [False, True])
def test_values_and_gradients_equal_the_definition(masked, count, rng):
    network, weights, x = setting(rng, count=count)
    mask = rng.random((count, T)) < 0.7 if masked else None
    dy = rng.normal(size=(count, M)).astype(np.float32)
    packed_mask = None if mask is None else pack_mask(mask)
    y, caches = forward(network, weights, pack(x), packed_mask, training=TrainingPass(3, 9))
    grads = zeros_like(weights)
    dx = backward(network, weights, caches, pack(dy[:, None]), grads, need_dx=True)

    y_, pull = definition(network, weights.views, x.astype(float), mask, seed=3, step=9)
    dx_, grads_ = pull(dy.astype(float))
    depth = rounding(3 * T * (F + 3 * H))
    close(unpack(y, count)[:, 0], y_, depth)
    close(unpack(dx, count), dx_, depth)
    for k, named in grads_.items():
        for name, grad in named.items():
            close(grads.views[k][name], grad, depth, scale=float(np.sqrt(count * T)) + float(np.abs(grad).max()))


EVERYTHING = [
    Concatenate((GRU(3, return_sequences=True, dropout=0.1), (Select((1,)), LayerNormalization()), Dense(2))),
    Bidirectional(LSTM(3, return_sequences=True, layer_norm=True)),
    BatchNormalization(),
    Residual(Dilated(GRU(H + 1, return_sequences=True, zoneout=0.1), 2)),
    LSTM(H, coupled=True, projection=3, recurrent_dropout=0.2),
    Dense(M),
]


@pytest.mark.parametrize("layers", [LAYERS, EVERYTHING], ids=["plain", "everything"])
def test_the_gradient_of_the_loss_is_a_difference_quotient_dropout_included(layers, rng):
    network, weights, x = setting(rng, layers)
    y, weight = pack(rng.normal(size=(B, 1, M))), pack(np.ones((B, 1, 1)))

    def loss():
        out, caches = forward(network, weights, pack(x), training=TrainingPass(3, 9), n_sequences=B)
        value, dy = weighted_mean(MeanSquaredError(), out, y, weight, float(B))
        return value, dy, caches

    value, dy, caches = loss()
    grads = zeros_like(weights)
    assert backward(network, weights, caches, dy, grads) is None
    kept, h = weights.vector.copy(), np.float32(step(EPS32))
    for _ in range(5):
        direction = rng.normal(size=kept.size).astype(np.float32) / np.float32(np.sqrt(kept.size))
        weights.vector[:] = kept + h * direction
        above = loss()[0]
        weights.vector[:] = kept - h * direction
        quotient = (above - loss()[0]) / (2 * float(h))
        weights.vector[:] = kept
        expected = float((grads.vector.astype(float) * direction).sum())
        # The slope itself is about 0.1: an error of a per cent in one layer would be seen.
        close(quotient, expected, difference(EPS32), scale=value)


def test_without_a_backward_pass_the_values_are_the_same(rng):
    network, weights, x = setting(rng)
    y, _ = forward(network, weights, pack(x))
    bare, caches = forward(network, weights, pack(x), save_for_backward=False)
    close(bare, y, rounding(T * H))
    assert caches == [None] * len(LAYERS)


class Probe(Dropout):
    """A layer that does nothing but take down what it is told."""

    def forward(self, params, x, context, state=None):  # noqa: ARG002
        self.told["context"] = context
        return x, None, None

    def backward(self, params, cache, dy, need_dx, dstate=None):  # noqa: ARG002
        self.told["need_dx"] = need_dx
        return dy, None, {}

    def update_buffers(self, params, cache):  # noqa: ARG002
        self.told["updated"] = True
        return {}


def test_layers_are_told_of_steps_only_while_there_are_steps_and_to_work_only_where_it_is_needed(rng):
    probes = [Probe(0.5), Probe(0.5)]
    for probe in probes:
        object.__setattr__(probe, "told", {})
    network = build([probes[0], LSTM(2), probes[1]], (T, F))
    weights, mask = initial_weights(network, 0), pack_mask(np.ones((B, T), bool))
    y, caches = forward(network, weights, pack(rng.normal(size=(B, T, F))), mask, n_sequences=B)
    backward(network, weights, caches, y, zeros_like(weights))
    update_buffers(network, weights, caches)
    assert probes[0].told["context"] == CallContext(mask=mask, n_sequences=B)
    assert probes[1].told["context"] == CallContext(mask=None, n_sequences=B)
    assert [probe.told["need_dx"] for probe in probes] == [False, True]
    assert all(probe.told["updated"] for probe in probes)


def test_a_mask_does_not_come_back_with_a_new_time_axis(rng):
    probe = Probe(0.5)
    object.__setattr__(probe, "told", {})
    network = build([Select((0,), last=True), Embedding(5, 2), probe], (T, F))
    x, mask = rng.integers(0, 5, (B, T, F)), pack_mask(np.ones((B, T), bool))
    forward(network, initial_weights(network, 0), pack(x), mask)
    assert network.shapes[2] == (1, 2)
    assert probe.told["context"].mask is None


@pytest.mark.parametrize("count", [1, B])
@pytest.mark.parametrize("cuts", [(1,), (3,), (1, 2, 3, 4, 5)], ids=str)
def test_pieces_of_a_sequence_are_one_pass_to_the_bit(cuts, count, rng):
    layers = [*LAYERS[:4], Residual(Dilated(LSTM(4, return_sequences=True), 3)), LayerNormalization(), *LAYERS[4:]]
    network, weights, x = setting(rng, layers, count)
    states = [None] * len(layers)
    for piece in np.split(x, cuts, axis=1):
        y = pack(piece)
        for k, layer in enumerate(layers):
            context = CallContext(save_for_backward=False)
            y, states[k], _ = forward_from(layer, weights.views[k], y, context, states[k])
    np.testing.assert_array_equal(y, forward(network, weights, pack(x), save_for_backward=False)[0])
    assert [state is None for state in states] == ["LSTM" not in repr(layer) for layer in layers]


@pytest.mark.parametrize("count", [1, B])
def test_a_network_goes_on_from_its_states_to_the_bit(count, rng):
    layers = [*LAYERS[:4], Residual(Dilated(LSTM(4, return_sequences=True), 3)), *LAYERS[4:]]
    network, weights, x = setting(rng, layers, count)
    _, states = networks.forward_from(network, weights, pack(x[:, :2]))
    flat = networks.flatten_states(states)
    restored = networks.unflatten_states([array.copy() for array in flat], states)
    y, _ = networks.forward_from(network, weights, pack(x[:, 2:]), restored)
    np.testing.assert_array_equal(y, forward(network, weights, pack(x), save_for_backward=False)[0])
    assert [state is None for state in restored] == ["LSTM" not in repr(layer) for layer in layers]


def test_states_stay_where_the_mask_is_0(rng):
    network = build([LSTM(4, return_sequences=True)], (None, F))
    weights = initial_weights(network, 0)
    x = rng.normal(size=(B, T, F))
    mask = np.tile(np.arange(T) < 3, (B, 1))
    _, masked = networks.forward_from(network, weights, pack(x), mask=pack_mask(mask))
    _, short = networks.forward_from(network, weights, pack(x[:, :3]))
    for a, b in zip(networks.flatten_states(masked), networks.flatten_states(short), strict=True):
        np.testing.assert_array_equal(a[..., : B % 16], b[..., : B % 16])


def test_shapes_follow_from_layer_to_layer():
    network = build(LAYERS, (None, F))
    assert network.shapes == ((None, F), (None, H), (None, H), (None, H), (None, 4), (H,), (H,), (M,))
    with pytest.raises(ConfigError, match=r"\(LSTM\): got"):
        build([LSTM(3), LSTM(3)], (T, F))


def test_weights_of_a_layer_depend_on_seed_and_place_alone():
    one, longer = (initial_weights(build(layers, (T, F)), seed=1) for layers in (LAYERS[:3], LAYERS))
    np.testing.assert_array_equal(one.vector, longer.vector[: one.vector.size])
    other = initial_weights(build(LAYERS, (T, F)), seed=2)
    assert (other.views[0]["Wx"] != longer.views[0]["Wx"]).all()


def test_keys_and_streams_do_not_repeat():
    keys = {hash64(seed, update, layer) for seed in range(10) for update in range(1, 101) for layer in range(10)}
    assert len(keys) == 10_000
    assert all(0 <= key < 2**63 for key in keys)
    assert len({fold_in(key, purpose) for key in keys for purpose in range(3)} | keys) == 40_000
    firsts = {generator(seed, purpose, k).random() for seed in range(5) for purpose in range(2) for k in range(5)}
    assert len(firsts) == 50
