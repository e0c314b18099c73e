"""Every layer keeps the same promises; each one computes what its reference says.

Letters: B batch, T time, F features, H hidden. A new layer needs an entry in EXAMPLES and nothing else here.
"""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest

from gatecast import reference
from gatecast.arrays import GATES, pack, pack_mask, pack_state, unpack, unpack_state
from gatecast.errors import ConfigError
from gatecast.heads import QuantileHead
from gatecast.layers import LAYERS, LSTM, Context, Dense, Dropout, Input
from tolerances import EPS32, EPS64, close, difference, rounding, step

B, T, F = 19, 5, 3
TRAINING = Context(training=True, key=7)

EXAMPLES = {
    "LSTM": [
        LSTM(4),
        *(LSTM(4, return_sequences=True, peephole=form) for form in (None, "diagonal", "full")),
    ],
    "Dense": [Dense(4), *(Dense(4, activation=name) for name in reference.ACTIVATIONS)],
    "Dropout": [Dropout(0.4), Dropout(0.0)],
    "QuantileHead": [QuantileHead(3), QuantileHead(1)],
}
every_layer = pytest.mark.parametrize("layer", [x for some in EXAMPLES.values() for x in some], ids=repr)
every_form = pytest.mark.parametrize("form", [None, "diagonal", "full"])


def parameters(layer, rng, in_shape=(T, F)):
    """Parameters of a layer, none of them zero."""
    return {n: rng.normal(0, 0.5, p.shape).astype(np.float32) for n, p in layer.init(rng, in_shape).items()}


def inputs(rng, *shape):
    """float32 normal numbers."""
    return rng.normal(size=shape).astype(np.float32)


def test_every_layer_has_an_example():
    assert EXAMPLES.keys() == LAYERS.keys()


@every_layer
def test_shapes_are_those_announced(layer, rng):
    x = pack(inputs(rng, B, T, F))
    y, _ = layer.forward(layer.init(rng, (T, F)), x, TRAINING)
    announced = layer.output_shape((T, F))
    assert y.shape == (2, *(announced if len(announced) == 2 else (1, *announced)), 16)
    assert y.dtype == np.float32
    assert layer.output_shape((None, F))[-1] == announced[-1]


@every_layer
def test_gradients_are_difference_quotients(layer, rng):
    params, x = parameters(layer, rng), inputs(rng, B, T, F)
    if getattr(layer, "activation", None) == "relu":
        params["b"] += np.float32([9, -9, 9, -9])  # away from the kink, where there is no derivative
    y, cache = layer.forward(params, pack(x), TRAINING)
    dy = inputs(rng, *unpack(y, B).shape)
    dx, grads = layer.backward(params, cache, pack(dy), True)
    assert grads.keys() == params.keys()
    arrays, found = params | {"x": x}, grads | {"x": unpack(dx, B)}

    def loss(moved):
        moved_y, _ = layer.forward({n: moved[n] for n in params}, pack(moved["x"]), TRAINING)
        return (unpack(moved_y, B).astype(np.float64) * dy).sum()

    h = np.float32(step(EPS32))
    for name, array in arrays.items():
        direction = inputs(rng, *array.shape) / np.float32(np.sqrt(array.size))
        above, below = (loss(arrays | {name: array + s * h * direction}) for s in (1, -1))
        expected = (found[name].astype(np.float64) * direction).sum()
        close((above - below) / (2 * float(h)), expected, difference(EPS32), scale=float(np.abs(dy).sum()))


@every_layer
def test_the_same_call_gives_the_same_bits_and_nothing_is_changed(layer, rng):
    params, x, dy = parameters(layer, rng), pack(inputs(rng, B, T, F)), None
    kept = {n: p.copy() for n, p in params.items()} | {"x": x.copy()}
    runs = []
    for _ in range(2):
        y, cache = layer.forward(params, x, TRAINING)
        dy = np.ones_like(y)
        dx, grads = layer.backward(params, cache, dy, True)
        runs.append([y.copy(), dx.copy(), *grads.values()])
    for one, two in zip(*runs, strict=True):
        np.testing.assert_array_equal(one, two)
    for name, array in (params | {"x": x}).items():
        np.testing.assert_array_equal(array, kept[name])
    assert (dy == 1).all()


@every_layer
def test_padding_lanes_never_matter(layer, rng):
    params, x = parameters(layer, rng), pack(inputs(rng, B, T, F))
    poisoned = x.copy()
    poisoned[-1, ..., B % 16 :] = 1e3
    results = []
    for values in (x, poisoned):
        y, cache = layer.forward(params, values, TRAINING)
        dy = pack(np.ones(unpack(y, B).shape))
        dx, grads = layer.backward(params, cache, dy, True)
        results.append([unpack(y, B), unpack(dx, B), *grads.values()])
    for one, two in zip(*results, strict=True):
        np.testing.assert_array_equal(one, two)


@every_layer
def test_without_a_backward_pass_to_follow_the_output_is_the_same(layer, rng):
    params, x = parameters(layer, rng), pack(inputs(rng, B, T, F))
    kept, _ = layer.forward(params, x, Context())
    bare, cache = layer.forward(params, x, Context(keep=False))
    close(bare, kept, rounding(4 * (F + 4)))
    assert cache is None


@every_layer
def test_fresh_parameters_depend_on_the_generator_alone(layer):
    one, two, other = (layer.init(np.random.default_rng(seed), (T, F)) for seed in (1, 1, 2))
    for name, p in one.items():
        np.testing.assert_array_equal(p, two[name])
        assert p.dtype == np.float32
    assert not one or any((p != other[name]).any() for name, p in one.items())


@every_layer
def test_weights_go_to_keras_and_back(layer, rng):
    params = parameters(layer, rng)
    back = layer.set_weights(layer.get_weights(params))
    assert back.keys() == params.keys()
    for name, p in params.items():
        np.testing.assert_array_equal(back[name], p)


@every_layer
def test_a_layer_is_data(layer):
    again = type(layer)(**asdict(layer))
    assert again == layer
    assert hash(again) == hash(layer)
    with pytest.raises(AttributeError):
        layer.input_shape = (1, 1)


@every_form
@pytest.mark.parametrize("masked", [False, True])
def test_lstm_equals_its_reference_with_states_in_and_out(form, masked, rng):
    H = 4
    layer = LSTM(H, return_sequences=True, peephole=form)
    params, x = parameters(layer, rng), inputs(rng, B, T, F)
    h0, c0, dh, dc = (inputs(rng, B, H) for _ in range(4))
    dy, mask = inputs(rng, B, T, H), rng.random((B, T)) < 0.7 if masked else None
    packed_mask = None if mask is None else pack_mask(mask)
    y, (hT, cT), cache = layer.run(params, pack(x), (pack_state(h0), pack_state(c0)), packed_mask)
    dx, (dh0, dc0), grads = layer.run_backward(params, cache, pack(dy), (pack_state(dh), pack_state(dc)), need_dx=True)

    y_, (hT_, cT_), cache_ = reference.lstm_forward(params, x, h0, c0, mask)
    dx_, (dh0_, dc0_), grads_ = reference.lstm_backward(params, cache_, dy, dh, dc)
    depth = rounding(T * (F + 2 * H))
    close(unpack(y, B), y_, depth)
    close([unpack_state(s, B) for s in (hT, cT)], [hT_, cT_], depth)
    close(unpack(dx, B), dx_, depth)
    close([unpack_state(s, B) for s in (dh0, dc0)], [dh0_, dc0_], depth)
    for name, grad in grads_.items():
        close(grads[name], grad, depth, scale=float(np.sqrt(B * T)) + float(np.abs(grad).max()))


@every_form
def test_the_last_output_alone_is_the_end_of_all_outputs(form, rng):
    short, long = LSTM(4, peephole=form), LSTM(4, return_sequences=True, peephole=form)
    params, x, dlast = parameters(short, rng), pack(inputs(rng, B, T, F)), pack(inputs(rng, B, 1, 4))
    y, cache = short.forward(params, x, TRAINING)
    every, every_cache = long.forward(params, x, TRAINING)
    np.testing.assert_array_equal(y[:, 0], every[:, -1])
    dy = np.zeros_like(every)
    dy[:, -1] = dlast[:, 0]
    dx, grads = short.backward(params, cache, dlast, True)
    dx_every, grads_every = long.backward(params, every_cache, dy, True)
    close(dx, dx_every, rounding(T * 4))
    for name, grad in grads_every.items():
        close(grads[name], grad, rounding(T * B))


def test_gradients_of_the_last_output_and_of_the_final_state_add_up(rng):
    layer = LSTM(4)
    params, x = parameters(layer, rng), pack(inputs(rng, B, T, F))
    dy, dh, dc = pack(inputs(rng, B, 1, 4)), pack_state(inputs(rng, B, 4)), pack_state(inputs(rng, B, 4))

    def gradient(*way):
        _, _, cache = layer.run(params, x)
        return layer.run_backward(params, cache, *way)[0]

    both = gradient(dy, (dh, dc))
    close(both, gradient(dy) + gradient(None, (dh, dc)), rounding(T * 4))


@every_form
def test_a_state_carried_over_a_cut_continues_the_sequence(form, rng):
    layer = LSTM(4, return_sequences=True, peephole=form)
    params, x = parameters(layer, rng), inputs(rng, B, T, F)
    whole, end, _ = layer.run(params, pack(x))
    _, state, _ = layer.run(params, pack(x[:, :2]))
    last, (h, c), _ = layer.run(params, pack(x[:, 2:]), state)
    close(last, whole[:, 2:], rounding(F + 4))
    close([h, c], end, rounding(F + 4))


def test_keras_sees_the_gates_in_its_own_order(rng):
    """Keras' cell, written down as Keras documents it: kernel columns i, f, c, o."""
    layer, x = LSTM(2), inputs(rng, 1, 1, F)
    params = parameters(layer, rng)
    kernel, _, bias = layer.get_weights(params)
    i, f, c, o = np.split(x[:, 0] @ kernel + bias, 4, axis=1)
    memory = reference.sigmoid(i) * np.tanh(c) + reference.sigmoid(f) * 0
    y, _ = layer.forward(params, pack(x), Context())
    close(unpack(y, 1)[:, 0], reference.sigmoid(o) * np.tanh(memory), rounding(F + 10))


def test_initial_weights_are_those_of_keras():
    H, rng = 30, np.random.default_rng(0)
    params = LSTM(H, peephole="full").init(rng, (T, 10))
    close(params["Wh"].astype(float) @ params["Wh"].T, np.eye(H), rounding(4 * H))
    limit = np.sqrt(6 / (10 + 4 * H))
    assert 0.95 * limit < np.abs(params["Wx"]).max() <= limit
    # A uniform variable has variance limit^2 / 3; the mean of n squares strays by 0.9 / sqrt(n).
    assert abs(params["Wx"].var() / (limit**2 / 3) - 1) < 4 * 0.9 / np.sqrt(params["Wx"].size)
    signs = {np.sign(LSTM(1).init(np.random.default_rng(seed), (T, 1))["Wh"][0, 0]) for seed in range(20)}
    assert signs == {-1.0, 1.0}
    gates = dict(zip(GATES, np.split(params["b"], 4), strict=True))
    assert [float(gates[g].min()) for g in GATES] == [float(gates[g].max()) for g in GATES] == [0, 1, 0, 0]
    assert not params["P"].any()
    assert not LSTM(H, unit_forget_bias=False).init(rng, (T, 1))["b"].any()


@pytest.mark.parametrize("activation", reference.ACTIVATIONS)
def test_dense_equals_its_reference(activation, rng):
    layer = Dense(4, activation=activation)
    params, x, dy = parameters(layer, rng), inputs(rng, B, T, F), inputs(rng, B, T, 4)
    value, slope = reference.ACTIVATIONS[activation]
    expected = value(reference.dense_forward(params, x))
    y, cache = layer.forward(params, pack(x), Context())
    close(unpack(y, B), expected, rounding(F + 10))
    dx, grads = layer.backward(params, cache, pack(dy), True)
    dx_, grads_ = reference.dense_backward(params, x, dy * slope(expected))
    close(unpack(dx, B), dx_, rounding(F + 10))
    for name, grad in grads_.items():
        close(grads[name], grad, rounding(B * T), scale=float(np.sqrt(B * T)) + float(np.abs(grad).max()))


def test_dropout_drops_its_share_and_keeps_the_mean():
    x, n = np.ones((8, 10, 50, 16), np.float32), 8 * 10 * 50 * 16
    y, _ = Dropout(0.2).forward({}, x, TRAINING)
    assert set(np.unique(y)) == {np.float32(0), np.float32(1) / np.float32(0.8)}
    # Four standard deviations of a share of n draws.
    assert abs((y == 0).mean() - 0.2) < 4 * np.sqrt(0.2 * 0.8 / n)


def test_dropout_is_a_function_of_its_key_and_the_same_forth_and_back(rng):
    layer, x = Dropout(0.5), pack(inputs(rng, B, T, F)) + 10
    y, cache = layer.forward({}, x, Context(True, key=1))
    other, _ = layer.forward({}, x, Context(True, key=2))
    dx, _ = layer.backward({}, cache, np.ones_like(x), True)
    assert ((y == 0) != (other == 0)).any()
    np.testing.assert_array_equal(dx == 0, y == 0)
    close(dx[dx != 0], np.full((dx != 0).sum(), 2.0), 4 * EPS64)


def test_dropout_does_nothing_outside_training(rng):
    x = pack(inputs(rng, B, T, F))
    y, cache = Dropout(0.5).forward({}, x, Context())
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(Dropout(0.5).backward({}, cache, x, True)[0], x)


def test_a_number_is_a_shape_of_one_feature_axis_and_lists_are_shapes():
    assert Input([None, 3]).shape == (None, 3)
    assert Dense(1, input_shape=[5]).input_shape == (5,)
    assert LSTM(np.int64(5)).units == 5


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: LSTM(0), "LSTM's units is not a count: got 0, expected a whole number of at least 1"),
        (lambda: LSTM(5.0), "LSTM's units is not a count: got 5.0"),
        (lambda: Dense(True), "Dense's units is not a count: got True"),
        (
            lambda: LSTM(5, peephole="all"),
            "LSTM does not know this peephole: got 'all', expected one of None, 'dia",
        ),
        (
            lambda: Dense(5, "softmax"),
            "Dense does not know this activation: got 'softmax', expected one of None, ",
        ),
        (lambda: Dropout(1), "Dropout's rate is not a share: got 1"),
        (lambda: Dropout("a"), "Dropout's rate is not a share: got 'a'"),
        (lambda: Input((24, 0)), "Input was given a shape that no sample has: got (24, 0)"),
        (lambda: Input((None, 24, 1)), "The batch is not part of the shape; time may be None"),
        (lambda: Input((24, None)), "Input was given a shape that no sample has"),
        (
            lambda: LSTM(5).output_shape((3,)),
            "an LSTM needs a sequence: got an input of shape (3,) without a time",
        ),
    ],
)
def test_impossible_settings_are_named(make, text):
    with pytest.raises(ConfigError) as caught:
        make()
    assert text in str(caught.value)
