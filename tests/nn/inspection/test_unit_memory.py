"""Half-lives of networks whose forget gates were set by hand, planted saturation, dead units and signals."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gatecast.errors import ConfigError
from gatecast.layers import GRU, LSTM, SLSTM, Dilated, MinGRU, MinLSTM, SimpleRNN
from gatecast.nn.inspection.trace import trace
from gatecast.nn.inspection.unit_memory import half_lives, heat_map, retention, summarize_units
from gatecast.nn.network import build, initial_weights

H = 4


def set_up(layer, biases):
    """A layer of no weights but biases: gate -> (H,) logits, in the order of the cell's columns."""
    network = build([layer], (None, 1))
    weights = initial_weights(network, 0)
    weights.vector[:] = 0
    inner = getattr(layer, "layer", layer)
    b = weights.views[0]["b"]
    b = b[0] if b.ndim == 2 else b
    order = {"LSTM": "ifog", "GRU": "zrg", "SLSTM": "ifog", "MinGRU": "zg", "MinLSTM": "fig"}[type(inner).__name__]
    for gate, logit in biases.items():
        b[order.index(gate) * H : (order.index(gate) + 1) * H] = logit
    return network, weights


def logit(share):
    return np.log(share / (1 - share))


LIVES = np.array([0.5, 3.0, 24.0, 200.0])
SHARES = 0.5 ** (1 / LIVES)


@pytest.mark.parametrize(
    ("layer", "biases"),
    [
        (LSTM(H), {"f": logit(SHARES)}),
        (LSTM(H, peephole="diagonal"), {"f": logit(SHARES)}),
        (LSTM(H, peephole="full"), {"f": logit(SHARES)}),
        (GRU(H), {"z": logit(SHARES)}),
        (GRU(H, reset_after=False), {"z": logit(SHARES)}),
        (MinGRU(H), {"z": logit(1 - SHARES)}),
        (MinLSTM(H), {"f": logit(SHARES / 2), "i": logit((1 - SHARES) / 2)}),
    ],
)
def test_half_lives_are_those_that_the_gates_were_set_to(layer, biases):
    network, weights = set_up(layer, biases)
    (found,) = trace(network, weights, np.ones((1, 50, 1))).layers
    np.testing.assert_allclose(half_lives(found), LIVES, rtol=2e-3)


def test_the_state_itself_has_halved_after_a_half_life():
    network, weights = set_up(LSTM(H), {"f": logit(SHARES), "i": -30.0, "g": 3.0})
    i = weights.views[0]["Wx"]
    i[0, :H] = 60.0  # an impulse opens the input gate once
    x = np.zeros((1, 202, 1))
    x[0, 0] = 1.0
    (found,) = trace(network, weights, x).layers
    c = found.states["c"][0]
    for unit, life in enumerate(LIVES[1:], 1):
        assert c[round(life), unit] == pytest.approx(c[0, unit] / 2, rel=1e-3)


@pytest.mark.parametrize(
    ("layer", "biases"),
    [
        (GRU(H), {"z": logit(SHARES)}),
        (MinGRU(H), {"z": logit(1 - SHARES)}),
        (MinLSTM(H), {"f": logit(SHARES / 2), "i": logit((1 - SHARES) / 2)}),
    ],
)
def test_the_output_of_cells_without_a_memory_halves_likewise(layer, biases):
    network, weights = set_up(layer, biases)
    weights.views[0]["Wx"][0, -H:] = 1.0  # the candidate sees an impulse, and is 0 after it
    x = np.zeros((1, 202, 1))
    x[0, 0] = 1.0
    (found,) = trace(network, weights, x).layers
    h = found.states["h"][0]
    for unit, life in enumerate(LIVES[1:], 1):
        assert h[round(life), unit] == pytest.approx(h[0, unit] / 2, rel=1e-3)


def test_an_slstm_forgets_its_normalised_memory():
    # With equal i and f at every step, c / n is a running mean: at step t the share kept is 1 - 1 / t.
    network, weights = set_up(SLSTM(H), {"f": 30.0, "i": 0.0})
    (found,) = trace(network, weights, np.ones((1, 10, 1))).layers
    np.testing.assert_allclose(retention(found)[0, :, 0], 1 - 1 / np.arange(1, 11), atol=1e-5)
    quick = set_up(SLSTM(H), {"f": -30.0, "i": 0.0})
    assert half_lives(trace(*quick, np.ones((1, 10, 1))).layers[0]).max() < 0.06


def test_steps_of_a_dilated_layer_and_of_segments_are_longer():
    network, weights = set_up(Dilated(LSTM(H), 3), {"f": logit(SHARES)})
    found = trace(network, weights, np.ones((1, 50, 1)))
    np.testing.assert_allclose(half_lives(found.layers[0]), 3 * LIVES, rtol=2e-3)
    np.testing.assert_allclose(summarize_units(found, step=8).table["half_life"], 24 * LIVES, rtol=2e-3)


def test_an_rnn_has_no_half_life_and_says_so():
    network = build([SimpleRNN(H)], (None, 1))
    memory = summarize_units(trace(network, initial_weights(network, 0), np.ones((1, 9, 1))))
    assert np.isnan(memory.table["half_life"]).all()
    assert "simplernn_1 has no gate that retains memory" in memory.sentence


@given(logits=st.lists(st.floats(-8, 8), min_size=H, max_size=H), T=st.integers(3, 20))
@settings(max_examples=20, deadline=None)
def test_a_higher_forget_gate_never_remembers_for_less(logits, T):
    network, weights = set_up(LSTM(H), {"f": np.array(logits)})
    lives = half_lives(trace(network, weights, np.zeros((2, T, 1))).layers[0])
    order = np.argsort(logits, kind="stable")
    assert (np.diff(lives[order]) >= 0).all()
    assert (lives >= 0).all()


def test_saturation_counts_the_steps_at_which_a_gate_is_shut_or_open():
    network, weights = set_up(LSTM(H), {"f": np.array([-5.0, 5.0, 0.0, 0.0])})
    weights.views[0]["Wx"][0, H + 2] = 10.0  # the forget gate of unit 2 is open where x is 1, and shut where it is -1
    x = np.where(np.arange(20) < 15, 1.0, -1.0)[None, :, None]
    table = summarize_units(trace(network, weights, x)).table
    np.testing.assert_allclose(table["saturation_low_f"], [1, 0, 0.25, 0])
    np.testing.assert_allclose(table["saturation_high_f"], [0, 1, 0.75, 0])


def test_dead_units_are_found_and_said():
    network, weights = set_up(LSTM(H), {"f": 0.0})
    weights.views[0]["Wx"][0, 3 * H : 3 * H + 3] = 1.0  # the candidate of units 0 to 2 sees x
    memory = summarize_units(trace(network, weights, np.random.default_rng(0).normal(size=(1, 40, 1))))
    assert memory.table["dead"].tolist() == [False, False, False, True]
    assert "1 of 4 units are inactive" in memory.sentence
    assert memory.layers["dead"].tolist() == [1]


def test_what_units_follow_is_found():
    network, weights = set_up(LSTM(H), {"f": -6.0, "i": 6.0})
    weights.views[0]["Wx"][0, 3 * H :] = [1.0, -1.0, 0.0, 0.0]
    rng = np.random.default_rng(0)
    x = rng.normal(size=60) / 2
    signals = {"value": x, "noise": rng.normal(size=60), "constant": np.ones(60), "unknown": np.full(60, np.nan)}
    memory = summarize_units(trace(network, weights, x[None, :, None]), signals)
    assert memory.table["follows"].tolist()[:2] == ["value", "value"]
    assert memory.table["correlation"][0] > 0.95
    assert memory.table["correlation"][1] < -0.95
    assert memory.table["follows"].tolist()[2:] == ["", ""]
    assert "Units that follow a signal: 2 follow value." in memory.sentence


@given(
    scale=st.floats(-12, 12).map(lambda power: 10.0**power), shift=st.floats(-100, 100), sign=st.sampled_from([-1, 1])
)
@example(scale=1e-12, shift=0.0, sign=1)
@example(scale=1e12, shift=1.0, sign=-1)
@settings(max_examples=20, deadline=None)
def test_what_a_unit_follows_does_not_depend_on_the_unit_of_the_signal(scale, shift, sign):
    network, weights = set_up(LSTM(H), {"f": -6.0, "i": 6.0})
    weights.views[0]["Wx"][0, 3 * H :] = [1.0, 0.5, 0.1, 0.0]
    x = np.random.default_rng(1).normal(size=40)
    found = trace(network, weights, x[None, :, None])
    plain, scaled = summarize_units(found, {"x": x}), summarize_units(found, {"x": sign * scale * (x + shift)})
    np.testing.assert_allclose(scaled.table["correlation"], sign * plain.table["correlation"], atol=1e-6)
    assert scaled.table["follows"].tolist() == plain.table["follows"].tolist() == ["x", "x", "x", ""]


@pytest.mark.parametrize("size", [0.1, 1e-300, 1e17 / 3])
def test_rounding_of_a_constant_is_no_signal(size):
    network, weights = set_up(LSTM(H), {"f": -6.0, "i": 6.0})
    weights.views[0]["Wx"][0, 3 * H :] = 1.0
    x = np.random.default_rng(0).normal(size=40)
    constant = np.full(40, size) * (1 + 1e-15 * np.sign(x))  # off by a few units in the last place, as x is
    table = summarize_units(trace(network, weights, x[None, :, None]), {"constant": constant}).table
    assert table["correlation"].tolist() == [0.0] * H


def test_of_a_few_steps_nothing_is_said():
    network, weights = set_up(LSTM(H), {"f": -6.0, "i": 6.0})
    weights.views[0]["Wx"][0, 3 * H :] = 1.0
    x = np.random.default_rng(0).normal(size=9)
    memory = summarize_units(trace(network, weights, x[None, :, None]), {"x": x})
    assert memory.table["follows"].tolist() == [""] * H
    once = summarize_units(trace(network, weights, np.ones((1, 1, 1))))
    assert not once.table["dead"].any()
    assert np.isnan(once.table["half_life"]).all()


def test_chance_is_not_followed_and_a_signal_known_at_a_few_steps_hides_none():
    rng = np.random.default_rng(5)
    network, weights = set_up(LSTM(H), {"f": -6.0, "i": 6.0})
    weights.views[0]["Wx"][0, 3 * H :] = 1.0
    x = rng.normal(size=30)
    few = np.full(30, np.nan)
    few[3:5] = 0.0, 1.0
    found = trace(network, weights, x[None, :, None])
    assert summarize_units(found, {"few": few, "x": x}).table["follows"].tolist() == ["x"] * H
    noise = {f"noise {k}": rng.normal(size=12) for k in range(40)}
    best = summarize_units(trace(network, weights, x[None, :12, None]), noise).table
    assert 0.5 < np.abs(best["correlation"]).max() < 3 / np.sqrt(12)
    assert best["follows"].tolist() == [""] * H


def test_a_heat_map_has_the_longest_memory_first():
    network, weights = set_up(LSTM(H), {"f": logit(SHARES[[2, 0, 3, 1]])})
    weights.views[0]["Wx"][0, 3 * H :] = 1.0
    x = np.random.default_rng(0).normal(size=(2, 30, 1))
    layer = trace(network, weights, x, times=np.arange(100, 130)).layers[0]
    told = heat_map(layer, "c", sequence=1, step=2)
    assert told.units.tolist() == [2, 0, 3, 1]
    np.testing.assert_allclose(told.half_lives, 2 * LIVES[::-1], rtol=2e-3)
    np.testing.assert_array_equal(told.values, layer.states["c"][1][:, [2, 0, 3, 1]])
    np.testing.assert_array_equal(told.times, np.arange(100, 130))
    with pytest.raises(ConfigError, match=r"Unknown gate or state .z. \(lstm_1\): expected one of i, f, o, g, h, c"):
        heat_map(layer, "z")
    with pytest.raises(ConfigError, match="Invalid sequence 2: expected an integer from 0 to 1"):
        heat_map(layer, "f", sequence=2)


def test_a_heat_map_without_half_lives_has_its_units_as_they_are_numbered():
    for layer in (SimpleRNN(H), LSTM(H, projection=2)):
        network = build([layer], (None, 1))
        (one,) = trace(network, initial_weights(network, 0), np.ones((1, 9, 1))).layers
        told = heat_map(one, "h")
        assert told.units.tolist() == list(range(told.values.shape[1]))
        assert np.isnan(told.half_lives).all()


def test_signals_of_another_length_are_refused():
    network, weights = set_up(LSTM(H), {})
    with pytest.raises(
        ConfigError, match=r"The signal .level. does not fit the trace: got \(3,\) for 1 sequences of 5"
    ):
        summarize_units(trace(network, weights, np.ones((1, 5, 1))), {"level": np.ones(3)})
