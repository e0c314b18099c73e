"""Recurrent layers equal the reference, noise included, and list their weights in Keras' order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from layer_examples import EXAMPLES, F, T, normal, parameters
from tolerances import EPS64, close, rounding

from gatecast.errors import ConfigError
from gatecast.kernels import reference
from gatecast.kernels.cells import CELLS, StateNoise
from gatecast.kernels.packing import pack, pack_mask, pack_state, unpack, unpack_state
from gatecast.layers import GRU, LSTM, SLSTM, CallContext, MinGRU, MinLSTM, SimpleRNN
from gatecast.nn.layers.recurrent import reorder_gates

B = 19
NAMES = ("LSTM", "GRU", "SimpleRNN", "SLSTM", "MinLSTM", "MinGRU")
every_recurrent = pytest.mark.parametrize("layer", [e.layer for name in NAMES for e in EXAMPLES[name]], ids=repr)
TRAINING = CallContext(training=True, key=7)


def unpacked_noise(noise, n_sequences):
    """Return noise in the layout of the reference."""
    if noise is None:
        return None
    zoneout = tuple(z if isinstance(z, float) else unpack(z, n_sequences) for z in noise.zoneout)
    return StateNoise(None if noise.dropout is None else unpack_state(noise.dropout, n_sequences), zoneout)


def in_time_order(layer, rows):
    """Return steps in the order in which a layer reads them, or put them back into that of x."""
    return rows[:, ::-1] if layer.go_backwards and rows is not None else rows


def run_reference(layer, params, x, state=None, mask=None, noise=None):
    """Run the reference of a layer's cell, with its activations and its direction."""
    params = layer._with_bias(params, layer._bias_shape())
    x, mask = in_time_order(layer, x), in_time_order(layer, mask)
    return reference.forward(layer._cell, params, x, state, mask, noise, activations=layer._activations)


def run_reference_backward(layer, params, cache, dy, dstate):
    """Compute the gradients of `run_reference`."""
    params = layer._with_bias(params, layer._bias_shape())
    dx, dinitial, grads = reference.backward(layer._cell, params, cache, dy, dstate, activations=layer._activations)
    return in_time_order(layer, dx), dinitial, {n: g for n, g in grads.items() if n in layer.param_names}


@pytest.mark.parametrize("count", [2, B])
@pytest.mark.parametrize("masked", [False, True])
@every_recurrent
def test_recurrent_layer_equals_its_reference_with_noise_states_and_mask(layer, masked, count, rng):
    params, x = parameters(layer, rng), normal(rng, count, T, F)
    mask = rng.random((count, T)) < 0.7 if masked else None
    context = TRAINING._replace(mask=None if mask is None else pack_mask(mask))
    x_mask, noise = layer._draw_noise(pack(x), context)
    x_dropped = x if x_mask is None else x * unpack(x_mask, count)
    noise = unpacked_noise(noise, count)
    cell = layer._cell
    _, state, _ = run_reference(layer, params, normal(rng, count, T, F))
    state = [s.astype(np.float32) for s in state]

    expected, expected_last, expected_cache = run_reference(layer, params, x_dropped, state, mask, noise)
    y, last, cache = layer.forward(params, pack(x), context, state=tuple(pack_state(s) for s in state))
    depth = rounding(4 * T * (F + 2 * layer.units))
    close(unpack(y, count), expected if layer.return_sequences else expected_last[0][:, None], depth)
    for a, b in zip(last, expected_last, strict=True):
        close(unpack_state(a, count), b, depth)

    dy = normal(rng, *unpack(y, count).shape)
    dstate = [normal(rng, *s.shape) if k == 0 or cell != "slstm" else None for k, s in enumerate(expected_last)]
    dx, dinitial, grads = layer.backward(
        params, cache, pack(dy), True, dstate=tuple(None if d is None else pack_state(d) for d in dstate)
    )
    if layer.return_sequences:
        expected_dx, expected_dinitial, expected_grads = run_reference_backward(
            layer, params, expected_cache, dy, dstate
        )
    else:
        expected_dx, expected_dinitial, expected_grads = run_reference_backward(
            layer, params, expected_cache, None, [dstate[0] + dy[:, 0], *dstate[1:]]
        )
    close(unpack(dx, count), expected_dx if x_mask is None else expected_dx * unpack(x_mask, count), depth)
    for a, b in zip(dinitial, expected_dinitial, strict=True):
        close(unpack_state(a, count), b, depth)
    for name, grad in expected_grads.items():
        close(grads[name], grad, depth, scale=float(np.sqrt(count * T)) + float(np.abs(grad).max()))


@every_recurrent
def test_output_without_return_sequences_is_the_last_of_all_outputs(layer, rng):
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


@every_recurrent
def test_recurrent_layer_outside_training_has_no_dropout_and_mixes_by_zoneout(layer, rng):
    params, x = parameters(layer, rng), normal(rng, B, T, F)
    x_mask, noise = layer._draw_noise(pack(x), CallContext())
    assert x_mask is None
    assert (noise is None) == (not np.any(layer.zoneout))
    rates = layer.zoneout if isinstance(layer.zoneout, tuple) else (layer.zoneout,) * len(layer.states)
    assert noise is None or noise == StateNoise(None, rates)
    y, _, _ = layer.forward(params, pack(x), CallContext())
    expected, expected_last, _ = run_reference(layer, params, x, noise=noise)
    close(
        unpack(y, B),
        expected if layer.return_sequences else expected_last[0][:, None],
        rounding(4 * T * (F + 2 * layer.units)),
    )


def test_noise_has_its_rate_and_mean_and_one_mask_for_all_steps():
    layer = LSTM(40, projection=30, dropout=0.2, recurrent_dropout=0.3, zoneout=(0.1, 0.4))
    x = np.ones((20, T, 50, 16), np.float32)
    x_mask, noise = layer._draw_noise(x, TRAINING)
    assert x_mask.shape == (20, 1, 50, 16)
    assert noise.dropout.shape == (20, 30, 16)
    assert [z.shape for z in noise.zoneout] == [(20, T, 30, 16), (20, T, 40, 16)]
    for array, share, one in ((x_mask, 0.2, 1 / 0.8), (noise.dropout, 0.3, 1 / 0.7)):
        # Four standard deviations of a share of n draws.
        assert abs((array == 0).mean() - share) < 4 * np.sqrt(share * (1 - share) / array.size)
        close(np.unique(array), [0, one], rounding(1))
    for array, share in zip(noise.zoneout, (0.1, 0.4), strict=True):
        assert abs(array.mean() - share) < 4 * np.sqrt(share * (1 - share) / array.size)
        assert set(np.unique(array)) == {0, 1}
    again = layer._draw_noise(x, TRAINING._replace(key=8))[0]
    assert (again != x_mask).any()


def test_each_kind_of_noise_has_a_different_key():
    layer = LSTM(50, dropout=0.3, recurrent_dropout=0.3, zoneout=0.3)
    x_mask, noise = layer._draw_noise(np.ones((1, 1, 50, 16), np.float32), TRAINING)
    dropped = [x_mask[:, 0] == 0, noise.dropout == 0, *(zone[:, 0] == 1 for zone in noise.zoneout)]
    assert len({array.tobytes() for array in dropped}) == 4


def test_zoneout_of_one_state_leaves_the_other(rng):
    layer = LSTM(4, zoneout=(0.0, 0.5))
    _, noise = layer._draw_noise(pack(normal(rng, B, T, F)), TRAINING)
    assert noise.zoneout[0] == 0.0
    assert noise.zoneout[1].shape == (2, T, 4, 16)


def test_gradients_of_last_output_and_final_state_add_up(rng):
    layer = LSTM(4)
    params, x = parameters(layer, rng), pack(normal(rng, B, T, F))
    dy, dh, dc = pack(normal(rng, B, 1, 4)), pack_state(normal(rng, B, 4)), pack_state(normal(rng, B, 4))
    _, _, cache = layer.forward(params, x, CallContext())

    def gradient(dy, dstate):
        return layer.backward(params, cache, dy, True, dstate=dstate)[0]

    both = gradient(dy, (dh, dc))
    close(both, gradient(dy, None) + gradient(None, (dh, dc)), rounding(T * 4))
    close(both, gradient(dy, (None, dc)) + gradient(None, (dh, None)), rounding(T * 4))


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
def test_get_weights_follows_keras_order_with_extras_at_the_end(layer, names, order):
    assert layer.param_names == names
    params = layer.init(np.random.default_rng(0), (T, F))
    gates = CELLS[layer._cell].gates
    params["b"][:] = np.repeat([float(order.index(g)) for g in gates], layer.units)
    bias = layer.to_keras_weights(params)[names.index("b")]
    assert (np.diff(bias) >= 0).all()
    assert set(order) == set(gates)


def test_state_in_training_has_a_gradient_only_if_it_was_passed(rng):
    layer, x = GRU(4), pack(normal(rng, B, T, F))
    params = parameters(layer, rng)
    y, state, cache = layer.forward(params, x, TRAINING)
    assert layer.backward(params, cache, y, True)[1] is None
    y, _, cache = layer.forward(params, x, TRAINING, state=state)
    assert layer.backward(params, cache, y, True)[1][0].shape == state[0].shape
    close(
        layer.forward(params, x, TRAINING, state=(np.zeros_like(state[0]),))[0],
        y * 0 + layer.forward(params, x, TRAINING)[0],
        EPS64,
    )


@pytest.mark.parametrize("axis", [0, 1])
def test_reorder_gates_moves_the_columns_of_each_gate_together(axis):
    by_gate = {gate: np.full((2, 2), k) for k, gate in enumerate("ifog")}
    array = np.concatenate([by_gate[gate] for gate in "ifog"], axis=axis)
    keras = reorder_gates(array, "ifog", "ifgo", axis)
    np.testing.assert_array_equal(keras, np.concatenate([by_gate[gate] for gate in "ifgo"], axis=axis))
    np.testing.assert_array_equal(reorder_gates(keras, "ifgo", "ifog", axis), array)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: LSTM(0), r"units 0 \(LSTM\)"),
        (lambda: LSTM(5.0), r"units 5\.0 \(LSTM\)"),
        (lambda: MinGRU(True), r"units True \(MinGRU\)"),
        (lambda: LSTM(5, dropout=1), r"dropout 1 \(LSTM\)"),
        (lambda: GRU(5, recurrent_dropout=-0.1), r"recurrent_dropout -0\.1 \(GRU\)"),
        (lambda: GRU(5, zoneout=None), r"zoneout None \(GRU\)"),
        (lambda: GRU(5, zoneout=(0.1, 0.1)), r"zoneout \(GRU\): got \(0\.1, 0\.1\), expected a number\."),
        (lambda: LSTM(5, zoneout=(0.1,)), r"zoneout \(LSTM\): got \(0\.1,\), expected a number, or a pair"),
        (lambda: LSTM(5, zoneout=(0.1, 2)), r"zoneout 2 \(LSTM\)"),
        (lambda: LSTM(5).output_shape((3,)), r"\(LSTM\): got \(3,\), which has no time axis.*return_sequences=True"),
        (lambda: GRU(5).output_shape((3,)), r"\(GRU\): got \(3,\), which has no time axis"),
    ],
)
def test_recurrent_layer_with_impossible_settings_raises_config_error(make, text):
    with pytest.raises(ConfigError, match=text):
        make()
