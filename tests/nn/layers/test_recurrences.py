"""Recurrent layers compute what the reference says, noise included, start as Keras starts and speak Keras' order.

Letters: B batch, T time, F features, H units, R outputs.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from layer_examples import EXAMPLES, F, T, normal, parameters
from tolerances import EPS64, close, rounding

from gatecast.errors import ConfigError
from gatecast.kernels import reference
from gatecast.kernels.cells import CELLS, StateNoise
from gatecast.kernels.packing import GATES, pack, pack_mask, pack_state, unpack, unpack_state
from gatecast.layers import GRU, LSTM, SLSTM, Bidirectional, CallContext, Dense, MinGRU, MinLSTM, SimpleRNN

B = 19
NAMES = ("LSTM", "GRU", "SimpleRNN", "SLSTM", "MinLSTM", "MinGRU")
every_recurrence = pytest.mark.parametrize("layer", [e.layer for name in NAMES for e in EXAMPLES[name]], ids=repr)
TRAINING = CallContext(training=True, key=7)


def unpacked_noise(noise, count):
    """Noise as the reference takes it."""
    if noise is None:
        return None
    zone = tuple(z if isinstance(z, float) else unpack(z, count) for z in noise.zoneout)
    return StateNoise(None if noise.dropout is None else unpack_state(noise.dropout, count), zone)


@pytest.mark.parametrize("count", [2, B])
@pytest.mark.parametrize("masked", [False, True])
@every_recurrence
def test_a_layer_equals_its_reference_noise_states_and_mask_included(layer, masked, count, rng):
    params, x = parameters(layer, rng), normal(rng, count, T, F)
    mask = rng.random((count, T)) < 0.7 if masked else None
    told = TRAINING._replace(mask=None if mask is None else pack_mask(mask))
    drop, noise = layer._noise(pack(x), told)
    seen = x if drop is None else x * unpack(drop, count)
    noise = unpacked_noise(noise, count)
    cell = layer._cell
    _, state, _ = reference.forward(cell, params, normal(rng, count, T, F))
    state = [s.astype(np.float32) for s in state]

    y_, last_, cache_ = reference.forward(cell, params, seen, state, mask, noise)
    y, last, cache = layer.forward(params, pack(x), told, tuple(pack_state(s) for s in state))
    depth = rounding(4 * T * (F + 2 * layer.units))
    close(unpack(y, count), y_ if layer.return_sequences else last_[0][:, None], depth)
    for one, two in zip(last, last_, strict=True):
        close(unpack_state(one, count), two, depth)

    dy = normal(rng, *unpack(y, count).shape)
    dstate = [normal(rng, *s.shape) if k == 0 or cell != "slstm" else None for k, s in enumerate(last_)]
    dx, dfirst, grads = layer.backward(
        params, cache, pack(dy), True, tuple(None if d is None else pack_state(d) for d in dstate)
    )
    if layer.return_sequences:
        dx_, dfirst_, grads_ = reference.backward(cell, params, cache_, dy, dstate)
    else:
        dx_, dfirst_, grads_ = reference.backward(cell, params, cache_, None, [dstate[0] + dy[:, 0], *dstate[1:]])
    close(unpack(dx, count), dx_ if drop is None else dx_ * unpack(drop, count), depth)
    for one, two in zip(dfirst, dfirst_, strict=True):
        close(unpack_state(one, count), two, depth)
    for name, grad in grads_.items():
        close(grads[name], grad, depth, scale=float(np.sqrt(count * T)) + float(np.abs(grad).max()))


@every_recurrence
def test_the_last_output_alone_is_the_end_of_all_outputs(layer, rng):
    short, long = (replace(layer, return_sequences=all_steps) for all_steps in (False, True))
    params, x = parameters(short, rng), pack(normal(rng, B, T, F))
    y, _, cache = short.forward(params, x, TRAINING)
    every, _, every_cache = long.forward(params, x, TRAINING)
    np.testing.assert_array_equal(y[:, 0], every[:, -1])
    dlast, dy = pack(normal(rng, B, 1, y.shape[2])), np.zeros_like(every)
    dy[:, -1] = dlast[:, 0]
    dx, _, grads = short.backward(params, cache, dlast, True)
    dx_every, _, grads_every = long.backward(params, every_cache, dy, True)
    close(dx, dx_every, rounding(T * 4))
    for name, grad in grads_every.items():
        close(grads[name], grad, rounding(T * B))


@every_recurrence
def test_outside_training_there_is_no_dropout_and_zoneout_mixes(layer, rng):
    params, x = parameters(layer, rng), normal(rng, B, T, F)
    drop, noise = layer._noise(pack(x), CallContext())
    assert drop is None
    assert (noise is None) == (not np.any(layer.zoneout))
    rates = layer.zoneout if isinstance(layer.zoneout, tuple) else (layer.zoneout,) * len(layer.states)
    assert noise is None or noise == StateNoise(None, rates)
    y, _, _ = layer.forward(params, pack(x), CallContext())
    y_, last_, _ = reference.forward(layer._cell, params, x, noise=noise)
    close(unpack(y, B), y_ if layer.return_sequences else last_[0][:, None], rounding(4 * T * (F + 2 * layer.units)))


def test_noise_has_its_share_keeps_the_mean_and_is_one_mask_for_all_steps():
    layer = LSTM(40, projection=30, dropout=0.2, recurrent_dropout=0.3, zoneout=(0.1, 0.4))
    x = np.ones((20, T, 50, 16), np.float32)
    drop, noise = layer._noise(x, TRAINING)
    assert drop.shape == (20, 1, 50, 16)
    assert noise.dropout.shape == (20, 30, 16)
    assert [z.shape for z in noise.zoneout] == [(20, T, 30, 16), (20, T, 40, 16)]
    for array, share, one in ((drop, 0.2, 1 / 0.8), (noise.dropout, 0.3, 1 / 0.7)):
        # Four standard deviations of a share of n draws.
        assert abs((array == 0).mean() - share) < 4 * np.sqrt(share * (1 - share) / array.size)
        close(np.unique(array), [0, one], rounding(1))
    for array, share in zip(noise.zoneout, (0.1, 0.4), strict=True):
        assert abs(array.mean() - share) < 4 * np.sqrt(share * (1 - share) / array.size)
        assert set(np.unique(array)) == {0, 1}
    again = layer._noise(x, TRAINING._replace(key=8))[0]
    assert (again != drop).any()


def test_each_kind_of_noise_has_a_key_of_its_own():
    layer = LSTM(50, dropout=0.3, recurrent_dropout=0.3, zoneout=0.3)
    drop, noise = layer._noise(np.ones((1, 1, 50, 16), np.float32), TRAINING)
    dropped = [drop[:, 0] == 0, noise.dropout == 0, *(zone[:, 0] == 1 for zone in noise.zoneout)]
    assert len({array.tobytes() for array in dropped}) == 4


def test_zoneout_of_one_state_leaves_the_other(rng):
    layer = LSTM(4, zoneout=(0.0, 0.5))
    _, noise = layer._noise(pack(normal(rng, B, T, F)), TRAINING)
    assert noise.zoneout[0] == 0.0
    assert noise.zoneout[1].shape == (2, T, 4, 16)


def test_gradients_of_the_last_output_and_of_the_final_state_add_up(rng):
    layer = LSTM(4)
    params, x = parameters(layer, rng), pack(normal(rng, B, T, F))
    dy, dh, dc = pack(normal(rng, B, 1, 4)), pack_state(normal(rng, B, 4)), pack_state(normal(rng, B, 4))
    _, _, cache = layer.forward(params, x, CallContext())

    def gradient(*way):
        return layer.backward(params, cache, way[0], True, way[1])[0]

    both = gradient(dy, (dh, dc))
    close(both, gradient(dy, None) + gradient(None, (dh, dc)), rounding(T * 4))
    close(both, gradient(dy, (None, dc)) + gradient(None, (dh, None)), rounding(T * 4))


def test_keras_sees_the_gates_of_an_lstm_in_its_own_order(rng):
    """Keras' cell, written down as Keras documents it: kernel columns i, f, c, o."""
    layer, x = LSTM(2, peephole="full", layer_norm=False, projection=3), normal(rng, 1, 1, F)
    params = parameters(layer, rng)
    kernel, _, bias, P, Wr = layer.get_weights(params)
    i, f, c, o = np.split(x[:, 0] @ kernel + bias, 4, axis=1)
    memory = reference.sigmoid(i) * np.tanh(c) + reference.sigmoid(f) * 0
    y, _, _ = layer.forward(params, pack(x), CallContext())
    close(unpack(y, 1)[:, 0], (reference.sigmoid(o) * np.tanh(memory)) @ Wr, rounding(F + 10))
    np.testing.assert_array_equal(P, params["P"])


def test_keras_sees_a_gru_in_its_own_order_and_shapes(rng):
    """Keras' cell with reset_after, columns z, r, h, bias (2, 3H): input and recurrent."""
    layer, x, h = GRU(2), normal(rng, 1, 1, F), normal(rng, 1, 2)
    params = parameters(layer, rng)
    kernel, recurrent_kernel, bias = layer.get_weights(params)
    assert [w.shape for w in (kernel, recurrent_kernel, bias)] == [(F, 6), (2, 6), (2, 6)]
    xz, xr, xh = np.split(x[:, 0] @ kernel + bias[0], 3, axis=1)
    hz, hr, hh = np.split(h @ recurrent_kernel + bias[1], 3, axis=1)
    z, r = reference.sigmoid(xz + hz), reference.sigmoid(xr + hr)
    expected = z * h + (1 - z) * np.tanh(xh + r * hh)
    y, _, _ = layer.forward(params, pack(x), CallContext(), (pack_state(h),))
    close(unpack(y, 1)[:, 0], expected, rounding(F + 10))


@pytest.mark.parametrize(
    ("layer", "names", "order"),
    [
        (LSTM(1, peephole="diagonal", layer_norm=False), ("Wx", "Wh", "b", "P"), "ifgo"),
        (LSTM(2, layer_norm=True, projection=3), ("Wx", "Wh", "b", "gain", "Wr"), "ifgo"),
        (LSTM(2, coupled=True, layer_norm=True), ("Wx", "Wh", "b", "gain"), "fgo"),
        (SLSTM(2), ("Wx", "Wh", "b"), "ifgo"),
        (GRU(2, reset_after=False), ("Wx", "Wh", "b"), "zrg"),
        (SimpleRNN(2), ("Wx", "Wh", "b"), "h"),
        (MinGRU(2), ("Wx", "b"), "zg"),
        (MinLSTM(2), ("Wx", "b"), "fig"),
    ],
    ids=repr,
)
def test_weights_are_listed_as_keras_lists_them_and_extras_follow(layer, names, order):
    assert layer.param_names == names
    params = layer.init(np.random.default_rng(0), (T, F))
    gates = CELLS[layer._cell].gates
    params["b"][:] = np.repeat([float(order.index(g)) for g in gates], layer.units)
    bias = layer.get_weights(params)[names.index("b")]
    assert (np.diff(bias) >= 0).all()
    assert set(order) == set(gates)


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


@pytest.mark.parametrize(("bias", "start"), [(True, 1), (False, 0), (2.5, 2.5), (-1, -1)])
def test_the_forget_bias_starts_where_it_is_told(bias, start):
    for layer, at in ((LSTM(3, unit_forget_bias=bias), 1), (LSTM(3, unit_forget_bias=bias, coupled=True), 0)):
        b = layer.init(np.random.default_rng(0), (T, 1))["b"].reshape(-1, 3)
        assert (b[at] == start).all()
        assert not np.delete(b, at, axis=0).any()


def test_settings_are_plain_numbers_whatever_they_came_as():
    layer = LSTM(np.int32(3), unit_forget_bias=np.float32(2.5), projection=np.int64(2), zoneout=[np.float32(0.5), 0])
    assert layer == LSTM(3, unit_forget_bias=2.5, projection=2, zoneout=(0.5, 0.0))
    kinds = {type(getattr(layer, name)) for name in ("units", "unit_forget_bias", "projection")}
    assert kinds == {int, float}
    assert type(LSTM(3, unit_forget_bias=np.bool_(True)).unit_forget_bias) is bool


def test_what_keras_does_not_know_starts_neutral():
    rng = np.random.default_rng(0)
    params = LSTM(6, layer_norm=True, projection=40).init(rng, (T, 2))
    assert (params["gain"] == 1).all()
    assert params["Wr"].shape == (6, 40)
    close(params["Wh"].astype(float).T @ params["Wh"], np.eye(24), rounding(40))  # more rows than columns
    b = SLSTM(6, heads=2).init(rng, (T, 2))["b"].reshape(4, 2, 3)
    close(b[1], [[3, 4.5, 6]] * 2, 0.0)
    assert not b[[0, 2, 3]].any()
    assert GRU(3).init(rng, (T, 2))["b"].shape == (2, 9)
    assert SLSTM(6, heads=3).init(rng, (T, 2))["Wh"].shape == (2, 24)


def test_one_state_may_be_given_to_training_and_its_gradient_comes_back_only_then(rng):
    layer, x = GRU(4), pack(normal(rng, B, T, F))
    params = parameters(layer, rng)
    y, state, cache = layer.forward(params, x, TRAINING)
    assert layer.backward(params, cache, y, True)[1] is None
    y, _, cache = layer.forward(params, x, TRAINING, state)
    assert layer.backward(params, cache, y, True)[1][0].shape == state[0].shape
    close(
        layer.forward(params, x, TRAINING, (np.zeros_like(state[0]),))[0],
        y * 0 + layer.forward(params, x, TRAINING)[0],
        EPS64,
    )


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: LSTM(0), "Invalid LSTM's units 0: expected a positive integer"),
        (lambda: LSTM(5.0), "Invalid LSTM's units 5.0"),
        (lambda: MinGRU(True), "Invalid MinGRU's units True"),
        (lambda: LSTM(5, peephole="all"), "LSTM does not know this peephole: got 'all', expected one of None, 'dia"),
        (
            lambda: LSTM(5, coupled=True, peephole="full"),
            "a coupled LSTM has no peepholes: got coupled=True, peephole=",
        ),
        (lambda: LSTM(5, layer_norm=True, peephole="full"), "layer-normalised gates have no full peepholes"),
        (lambda: LSTM(1, layer_norm=True), "a single unit cannot be normalised: got LSTM(1, layer_norm=True)"),
        (lambda: LSTM(5, projection=0), "Invalid LSTM's projection 0"),
        (lambda: LSTM(5, unit_forget_bias="a"), "LSTM's unit_forget_bias is not a number: got 'a'"),
        (lambda: LSTM(5, unit_forget_bias=np.inf), "LSTM's unit_forget_bias is not a number: got inf"),
        (lambda: LSTM(5, dropout=1), "Invalid LSTM's dropout 1"),
        (lambda: GRU(5, recurrent_dropout=-0.1), "Invalid GRU's recurrent_dropout -0.1"),
        (lambda: GRU(5, zoneout=None), "Invalid GRU's zoneout None"),
        (
            lambda: GRU(5, zoneout=(0.1, 0.1)),
            "GRU's zoneout does not fit its states: got (0.1, 0.1), expected a share.",
        ),
        (lambda: LSTM(5, zoneout=(0.1,)), "LSTM's zoneout does not fit its states: got (0.1,), expected a share, or"),
        (lambda: LSTM(5, zoneout=(0.1, 2)), "Invalid LSTM's zoneout 2"),
        (lambda: SimpleRNN(5, activation="elu"), "SimpleRNN does not know this activation: got 'elu'"),
        (lambda: SLSTM(5, heads=2), "SLSTM's heads do not divide its units: got 5 units and 2 heads"),
        (lambda: SLSTM(5, heads=0), "Invalid SLSTM's heads 0"),
        (lambda: LSTM(5).output_shape((3,)), "an LSTM needs a sequence: got an input of shape (3,) without a time"),
        (lambda: GRU(5).output_shape((3,)), "a GRU needs a sequence"),
        (lambda: Bidirectional(Dense(3)), "Bidirectional is made of other things than this: got Dense(units=3"),
    ],
)
def test_impossible_settings_are_named(make, text):
    with pytest.raises(ConfigError) as caught:
        make()
    assert text in str(caught.value)
