"""Every layer keeps the same promises, whatever it computes.

Letters: B batch, T time, F features, L lanes. A new layer needs an entry in `layer_examples` and nothing else here.
"""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from layer_examples import (
    EXAMPLES,
    F,
    T,
    every_layer,
    every_state,
    every_streamed,
    every_timed,
    leaves,
    normal,
    parameters,
    replaced,
    sample,
)
from tolerances import EPS32, close, difference, rounding, step

from gatecast.errors import ConfigError
from gatecast.kernels.packing import pack, pack_mask, unpack
from gatecast.layers import LAYERS, LSTM, CallContext, Dense, Input
from gatecast.nn import checkpoint
from gatecast.nn.network import build, initial_weights

B = 19
every_batch = pytest.mark.parametrize("count", [3, B], ids=["alone", "lanes"])
DEPTH = rounding(8 * T * (F + 8))


def training(count, mask=None):
    """A pass in training over `count` sequences."""
    return CallContext(training=True, key=7, n_sequences=count, mask=mask)


def forward(layer, params, x, context, state=None):
    """Outputs and state of unpacked inputs, unpacked; and the packed output and the cache."""
    y, state, cache = layer.forward(params, pack(x), context, state)
    return unpack(y, len(x)), state, y, cache


def noisy(example, params, x):
    """Whether passes in training are random."""
    one, two = (forward(example.layer, params, x, training(len(x))._replace(key=key))[0] for key in (1, 2))
    return bool((one != two).any())


def pad(x, steps, value):
    """x with more steps behind its own; codes stay codes."""
    return np.concatenate([x, np.full((len(x), steps, x.shape[2]), value, np.float32)], axis=1)


def test_every_layer_has_an_example():
    assert EXAMPLES.keys() == LAYERS.keys()


@every_batch
@every_layer
def test_shapes_are_those_announced(example, count, rng):
    layer, x = example.layer, pack(sample(example, rng, count))
    params = layer.init(rng, example.in_shape)
    y, _, cache = layer.forward(params, x, training(count))
    announced = layer.output_shape(example.in_shape)
    assert y.shape == (len(x), *(announced if len(announced) == 2 else (1, *announced)), x.shape[3])
    dx, dfirst, grads = layer.backward(params, cache, np.ones_like(y), True)
    assert dfirst is None  # the pass began from the zero state
    for array in (y, dx):
        assert array.dtype == np.float32
        assert array.flags.c_contiguous
    assert dx.shape == x.shape
    assert {n: g.shape for n, g in grads.items()} == {n: p.shape for n, p in params.items()}
    assert layer.backward(params, cache, np.ones_like(y), False)[0] is None or not layer.param_names
    if len(example.in_shape) == 2:
        assert layer.output_shape((None, example.in_shape[1]))[-1] == announced[-1]


@every_batch
@every_layer
def test_gradients_are_difference_quotients(example, count, rng):
    layer = example.layer
    params, x = parameters(layer, rng, example.in_shape), sample(example, rng, count)
    y, _, cache = layer.forward(params, pack(x), training(count))
    dy = normal(rng, *unpack(y, count).shape)
    dx, _, grads = layer.backward(params, cache, pack(dy), True)
    arrays, found = params | {"x": x}, grads | {"x": unpack(dx, count)}

    def loss(moved):
        y = forward(layer, {n: moved[n] for n in params}, moved["x"], training(count))[0]
        return (y.astype(np.float64) * dy).sum()

    h = np.float32(step(EPS32))
    for name, array in arrays.items():
        direction = normal(rng, *array.shape) / np.float32(np.sqrt(array.size))
        if name == "x":
            direction[:, :, list(example.codes)] = 0
        above, below = (loss(arrays | {name: array + s * h * direction}) for s in (1, -1))
        expected = (found[name].astype(np.float64) * direction).sum()
        close((above - below) / (2 * float(h)), expected, difference(EPS32), scale=float(np.abs(dy).sum()))


@every_state
def test_gradients_of_states_are_difference_quotients(example, rng):
    layer = example.layer
    params, x = parameters(layer, rng, example.in_shape), sample(example, rng, B)
    _, state, _, _ = forward(layer, params, sample(example, rng, B), CallContext())
    # The scale of an sLSTM's c and n is arbitrary: only h is to be differentiated.
    stabilised = "SLSTM" in repr(layer)
    y, end, cache = layer.forward(params, pack(x), training(B), state)
    parts = [normal(rng, *s.shape) if k == 0 or not stabilised else np.zeros_like(s) for k, s in enumerate(leaves(end))]
    for part in parts:
        part.reshape(2, -1, 16)[1, :, B % 16 :] = 0
    dy = pack(normal(rng, *unpack(y, B).shape))
    _, dfirst, _ = layer.backward(params, cache, dy, False, replaced(end, iter(parts)))

    def loss(moved):
        y, end, _ = layer.forward(params, pack(x), training(B), replaced(state, iter(moved)))
        return sum(
            float((a.astype(np.float64) * d).sum()) for a, d in zip([y, *leaves(end)], [dy, *parts], strict=True)
        )

    starts, found, h = list(leaves(state)), list(leaves(dfirst)), np.float32(step(EPS32))
    assert [d.shape for d in found] == [s.shape for s in starts]
    size = sum(float(np.abs(part).sum()) for part in [dy, *parts])
    for k, start in enumerate(starts):
        if stabilised and k == len(starts) - 1:
            assert not found[k].any()
            continue
        direction = normal(rng, *start.shape) / np.float32(np.sqrt(start.size))
        above, below = (
            loss([s + sign * h * direction if j == k else s for j, s in enumerate(starts)]) for sign in (1, -1)
        )
        expected = float((found[k].astype(np.float64) * direction).sum())
        close((above - below) / (2 * float(h)), expected, difference(EPS32), scale=size)


@every_layer
def test_the_same_call_gives_the_same_bits_and_nothing_is_changed(example, rng):
    layer, params, x = example.layer, parameters(example.layer, rng, example.in_shape), pack(sample(example, rng, B))
    kept = {n: p.copy() for n, p in params.items()} | {"x": x.copy()}
    runs = []
    for _ in range(2):
        y, state, cache = layer.forward(params, x, training(B))
        dy = np.ones_like(y)
        for _ in range(2):  # a cache may be used more than once
            dx, _, grads = layer.backward(params, cache, dy, True)
        runs.append(
            [y.copy(), *leaves(state), dx.copy(), *grads.values(), *layer.update_buffers(params, cache).values()]
        )
        assert (dy == 1).all()
    for one, two in zip(*runs, strict=True):
        np.testing.assert_array_equal(one, two)
    for name, array in (params | {"x": x}).items():
        np.testing.assert_array_equal(array, kept[name])


@every_layer
def test_padding_lanes_never_matter(example, rng):
    layer, params, x = example.layer, parameters(example.layer, rng, example.in_shape), pack(sample(example, rng, B))
    poisoned = x.copy()
    poisoned[-1, ..., B % 16 :] = 1e3
    for feature, codes in example.codes.items():
        poisoned[-1, :, feature, B % 16 :] = codes - 1
    results = []
    for values in (x, poisoned):
        y, _, cache = layer.forward(params, values, training(B))
        dx, _, grads = layer.backward(params, cache, pack(np.ones(unpack(y, B).shape)), True)
        settled = layer.update_buffers(params, cache)
        results.append([unpack(y, B), unpack(dx, B), *grads.values(), *settled.values()])
    for one, two in zip(*results, strict=True):
        np.testing.assert_array_equal(one, two)


@every_batch
@every_timed
def test_masked_steps_behind_the_last_one_never_matter(example, count, rng):
    layer, params, x = example.layer, parameters(example.layer, rng, example.in_shape), sample(example, rng, count)
    timed = len(layer.output_shape(example.in_shape)) == 2
    mask = pack_mask(np.arange(T + 3) < np.full((count, 1), T))
    context = CallContext(n_sequences=count) if noisy(example, params, x) else training(count)
    dy, results = None, []
    for told, steps, value in (
        (context, 0, 0),
        (context._replace(mask=mask), 3, 0),
        (context._replace(mask=mask), 3, 4),
    ):
        y, _, _, cache = forward(layer, params, pad(x, steps, value), told)
        dy = pack(normal(rng, *y.shape)) if dy is None else dy
        here = np.concatenate([dy, np.zeros((len(dy), steps, *dy.shape[2:]), np.float32)], axis=1) if timed else dy
        dx, _, grads = layer.backward(params, cache, here, True)
        assert not dx[:, T:].any()
        settled = layer.update_buffers(params, cache)
        results.append([y[:, :T] if timed else y, unpack(dx[:, :T], count), *grads.values(), *settled.values()])
    for without, *others in zip(*results, strict=True):
        np.testing.assert_array_equal(*others)
        close(others[0], without, DEPTH, scale=float(np.sqrt(count * T)) + float(np.abs(without).max()))


@every_layer
def test_a_sequence_does_not_depend_on_its_batch_or_on_the_length_of_others(example, rng):
    layer, params, x = example.layer, parameters(example.layer, rng, example.in_shape), sample(example, rng, B)
    timed = len(layer.output_shape(example.in_shape)) == 2
    exact = "Normalization" not in repr(layer) and "RMSNorm" not in repr(layer)
    whole = forward(layer, params, x, CallContext())[0]
    lengths = rng.integers(1, T + 1, B)
    mask = pack_mask(np.arange(T) < lengths[:, None]) if len(example.in_shape) == 2 else None
    ragged = forward(layer, params, x, CallContext(mask=mask))[0]
    for s in (slice(0, 1), slice(7, 8), slice(16, 19), slice(2, 18)):
        part = forward(layer, params, x[s], CallContext())[0]
        close(part, whole[s], 0.0 if exact else DEPTH)
        n = lengths[s][0]
        if mask is not None and s.stop - s.start == 1:
            alone = forward(layer, params, x[s, :n], CallContext())[0]
            close(alone, ragged[s, :n] if timed else ragged[s], 0.0 if exact else DEPTH)


@pytest.mark.parametrize("cuts", [(1,), (2,), (3,), (4,), (1, 2, 3, 4), (2, 3)], ids=str)
@pytest.mark.parametrize("count", [1, B])
@every_streamed
def test_pieces_with_the_state_handed_over_are_one_run_to_the_bit(example, count, cuts, rng):
    layer, params, x = example.layer, parameters(example.layer, rng, example.in_shape), sample(example, rng, count)
    context = CallContext(save_for_backward=False)
    y, end, _, _ = forward(layer, params, x, context)
    state, pieces = None, []
    for piece in np.split(x, cuts, axis=1):
        out, state, _, _ = forward(layer, params, piece, context, state)
        pieces.append(out)
    timed = len(layer.output_shape(example.in_shape)) == 2
    np.testing.assert_array_equal(np.concatenate(pieces, axis=1) if timed else pieces[-1], y)
    for one, two in zip(leaves(state), leaves(end), strict=True):
        np.testing.assert_array_equal(one, two)


@every_layer
def test_without_a_backward_pass_to_follow_the_output_is_the_same(example, rng):
    layer, params, x = example.layer, parameters(example.layer, rng, example.in_shape), pack(sample(example, rng, B))
    kept, state, _ = layer.forward(params, x, CallContext())
    bare, bare_state, cache = layer.forward(params, x, CallContext(save_for_backward=False))
    for one, two in zip([kept, *leaves(state)], [bare, *leaves(bare_state)], strict=True):
        np.testing.assert_array_equal(one, two)
    assert cache is None


@every_layer
def test_wrong_types_and_shapes_are_refused(example, rng):
    layer, params, x = example.layer, parameters(example.layer, rng, example.in_shape), pack(sample(example, rng, B))
    wrong = [x.astype(np.float64), x.astype(np.int64), x[0], x[:, :0].copy()]
    if layer.param_names or (type(layer).__name__ == "QuantileHead" and layer.quantiles > 1):
        fewer = len(example.in_shape) == 2 or not example.codes  # any number of codes is a shape
        wrong += [np.ascontiguousarray(x[:, :, :-1])] if fewer else []
    for values in wrong:
        with pytest.raises((TypeError, ValueError)):
            layer.forward(params, values, CallContext())
    _, state, _ = layer.forward(params, x, CallContext())
    if list(leaves(state)):
        other = replaced(state, iter([s[:, :-1] for s in leaves(state)]))
        with pytest.raises((TypeError, ValueError)):
            layer.forward(params, x, CallContext(), other)


@every_layer
def test_fresh_parameters_depend_on_the_generator_alone(example):
    rngs = (np.random.default_rng(seed) for seed in (1, 1, 2))
    one, two, other = (example.layer.init(rng, example.in_shape) for rng in rngs)
    for name, p in one.items():
        np.testing.assert_array_equal(p, two[name])
        assert p.dtype == np.float32
    constant = all(p.ndim == 1 for p in one.values())
    assert constant or any((p != other[name]).any() for name, p in one.items())


@every_layer
def test_weights_go_to_keras_and_back(example, rng):
    layer, params = example.layer, parameters(example.layer, rng, example.in_shape)
    weights = layer.get_weights(params)
    assert len(weights) == len(layer.param_names)
    back = layer.set_weights(weights)
    assert set(back) == set(params) == set(layer.param_names)
    for name, p in params.items():
        np.testing.assert_array_equal(back[name], p)
        assert not any(np.shares_memory(w, p) for w in weights)


@every_layer
def test_a_layer_is_data(example):
    layer = example.layer
    again = type(layer)(**{f.name: getattr(layer, f.name) for f in fields(layer)})
    assert again == layer
    assert hash(again) == hash(layer)
    assert type(layer)(**{f.name: getattr(layer, f.name) for f in fields(layer)} | {"input_shape": [4, 2]}) != layer
    with pytest.raises(AttributeError):
        layer.input_shape = (1, 1)


@every_layer
def test_what_is_loaded_is_what_was_saved(example, rng, tmp_path):
    network = build([example.layer], example.in_shape)
    weights = initial_weights(network, 3)
    checkpoint.write_network(tmp_path / "m", network, weights, 3, None)
    again, loaded, seed, compiled = checkpoint.read_network(tmp_path / "m")
    assert (again, seed, compiled) == (network, 3, None)
    np.testing.assert_array_equal(loaded.vector, weights.vector)


def test_a_number_is_a_shape_of_one_feature_axis_and_lists_are_shapes():
    assert Input([None, 3]).shape == (None, 3)
    assert Dense(1, input_shape=[5]).input_shape == (5,)
    assert LSTM(np.int64(5)).units == 5


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Input((24, 0)), "Input was given a shape that no sample has: got (24, 0)"),
        (lambda: Input((None, 24, 1)), "The batch is not part of the shape; time may be None"),
        (lambda: Input((24, None)), "Input was given a shape that no sample has"),
        (lambda: LSTM(3, input_shape=(1, 2, 3)), "LSTM was given a shape that no sample has"),
    ],
)
def test_impossible_shapes_are_named(make, text):
    with pytest.raises(ConfigError) as caught:
        make()
    assert text in str(caught.value)
