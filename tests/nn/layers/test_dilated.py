"""Dilated runs its layer over every d-th step."""

from __future__ import annotations

import numpy as np
import pytest
from layer_examples import F, normal, parameters

from gatecast.errors import ConfigError
from gatecast.kernels.packing import pack, pack_mask, unpack
from gatecast.layers import GRU, LSTM, CallContext, Dense, Dilated

B = 19
SEQUENCE = {"return_sequences": True}


def run(layer, params, x, mask=None):
    """Return unpacked outputs."""
    context = CallContext(mask=None if mask is None else pack_mask(mask))
    return unpack(layer.forward(params, pack(x), context)[0], len(x))


@pytest.mark.parametrize("count", [3, B])
@pytest.mark.parametrize("d", [1, 2, 3, 9])
@pytest.mark.parametrize("sequences", [False, True])
def test_dilated_reads_every_dth_step(d, sequences, count, rng):
    inner, every = GRU(4, return_sequences=sequences), GRU(4, **SEQUENCE)
    layer, x = Dilated(inner, d), normal(rng, count, 7, F)
    params = parameters(layer, rng)
    expected = np.empty((count, 7, 4), np.float32)
    for phase in range(min(d, 7)):
        expected[:, phase::d] = run(every, params, x[:, phase::d])
    np.testing.assert_array_equal(run(layer, params, x), expected if sequences else expected[:, -1:])


@pytest.mark.parametrize("d", [2, 3])
def test_last_output_under_a_mask_is_that_of_the_last_step_that_is_not_masked(d, rng):
    layer, x = Dilated(LSTM(4), d), normal(rng, B, 7, F)
    params, lengths = parameters(layer, rng), rng.integers(1, 8, B)
    y = run(layer, params, x, np.arange(7) < lengths[:, None])
    for s, n in enumerate(lengths):
        np.testing.assert_array_equal(y[s : s + 1], run(layer, params, x[s : s + 1, :n]))


@pytest.mark.parametrize("count", [1, B])
@pytest.mark.parametrize("d", [2, 3, 5])
def test_state_has_the_size_of_all_phases_and_continues_after_any_cut(d, count, rng):
    layer, x = Dilated(LSTM(4, **SEQUENCE), d), normal(rng, count, 11, F)
    params = parameters(layer, rng)
    y, end, _ = layer.forward(params, pack(x), CallContext())
    assert [s.shape for s in end] == [(len(y), 4 * d, y.shape[3])] * 2
    for cut in range(1, 11):
        first, state, _ = layer.forward(params, pack(x[:, :cut]), CallContext())
        second, last, _ = layer.forward(params, pack(x[:, cut:]), CallContext(), state=state)
        np.testing.assert_array_equal(np.concatenate([first, second], axis=1), y)
        np.testing.assert_array_equal(last, end)


@pytest.mark.parametrize("cut", [1, 2, 4, 5])
def test_gradients_pass_over_a_cut(cut, rng):
    layer, x, dy = Dilated(LSTM(4, **SEQUENCE), 3), pack(normal(rng, B, 7, F)), pack(normal(rng, B, 7, 4))
    params = parameters(layer, rng)
    _, end, cache = layer.forward(params, x, CallContext())
    dlast = tuple(pack(normal(rng, B, 1, 12))[:, 0] for _ in end)
    dx, dinitial, _ = layer.backward(params, cache, dy, True, dstate=dlast)
    assert dinitial is None
    _, state, first = layer.forward(params, x[:, :cut].copy(), CallContext())
    _, _, second = layer.forward(params, x[:, cut:].copy(), CallContext(), state=state)
    dx_second, dstate, _ = layer.backward(params, second, dy[:, cut:].copy(), True, dstate=dlast)
    dx_first, _, _ = layer.backward(params, first, dy[:, :cut].copy(), True, dstate=dstate)
    np.testing.assert_array_equal(np.concatenate([dx_first, dx_second], axis=1), dx)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Dilated(Dense(3), 2), r"layer \(Dilated\): got Dense\(3"),
        (lambda: Dilated(Dilated(LSTM(3), 2), 2), r"layer \(Dilated\): got Dilated"),
        (lambda: Dilated(LSTM(3), 0), r"rate 0 \(Dilated\)"),
    ],
)
def test_dilated_with_impossible_settings_raises_config_error(make, text):
    with pytest.raises(ConfigError, match=text):
        make()
