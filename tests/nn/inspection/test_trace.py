"""What the gates did: exactly the kernels' values, and those of the reference, wherever a recurrent layer stands."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tolerances import close, rounding

from gatecast.errors import ConfigError, DataError
from gatecast.kernels import reference
from gatecast.kernels.cells import CELLS
from gatecast.layers import (
    GRU,
    LSTM,
    SLSTM,
    Bidirectional,
    Concatenate,
    Dense,
    Dilated,
    Dropout,
    Input,
    MinGRU,
    MinLSTM,
    Residual,
    SimpleRNN,
)
from gatecast.models import Sequential
from gatecast.nn.inspection.trace import trace
from gatecast.nn.network import build, initial_weights

H, F = 6, 3
LAYERS = {
    "lstm": LSTM(H),
    "diagonal": LSTM(H, peephole="diagonal"),
    "full": LSTM(H, peephole="full"),
    "coupled": LSTM(H, coupled=True),
    "normalised": LSTM(H, layer_norm=True, peephole="diagonal"),
    "projected": LSTM(H, projection=4),
    "gru": GRU(H),
    "gru_before": GRU(H, reset_after=False),
    "rnn": SimpleRNN(H),
    "relu": SimpleRNN(H, activation="relu"),
    "slstm": SLSTM(H, heads=2),
    "min_lstm": MinLSTM(H),
    "min_gru": MinGRU(H),
}
GATES = {"i", "f", "o", "g", "z", "r"}


def made(layers, seed=0):
    network = build(layers, (None, F))
    weights = initial_weights(network, seed)
    rng = np.random.default_rng(seed)
    weights.vector[:] = rng.normal(0, 0.4, weights.vector.size)
    return network, weights


def batch(B, T, seed=1):
    return np.random.default_rng(seed).normal(size=(B, T, F)).astype(np.float32)


def of_reference(layer, params, x, mask=None):
    """Gates and states by the definition in float64."""
    _, _, cache = reference.forward(layer._cell, params, x, mask=mask)
    return cache


@pytest.mark.parametrize("name", LAYERS)
@given(B=st.integers(1, 19), T=st.integers(1, 9), seed=st.integers(0, 99), masked=st.booleans())
@settings(max_examples=8, deadline=None)
def test_gates_and_states_are_those_of_the_reference(name, B, T, seed, masked):
    layer = LAYERS[name]
    network, weights = made([layer], seed)
    x = batch(B, T, seed)
    mask = np.random.default_rng(seed).random((B, T)) < 0.6 if masked else None
    (one,) = trace(network, weights, x, mask).layers
    want = of_reference(layer, weights.views[0], x, mask)
    known = {gate for gate in CELLS[layer._cell].gates if gate in GATES}
    assert known <= set(one.gates)
    for told in (one.gates, one.states):
        for gate, values in told.items():
            expected = 1 - want["f"] if name == "coupled" and gate == "i" else want[gate]
            assert values.shape == expected.shape
            if masked and told is one.gates:
                assert np.isnan(values[~mask]).all()
                values, expected = values[mask], expected[mask]
            close(values, expected, rounding(T * (H + F)))


def test_the_outputs_are_what_the_network_says():
    model = Sequential([Input((None, F)), LSTM(H, return_sequences=True), LSTM(H)], seed=3)
    x = batch(5, 7)
    found = model.trace(x)
    assert [one.name for one in found.layers] == ["lstm_1", "lstm_2"]
    assert found.layers[1].states["h"][:, -1].tobytes() == model.predict(x).tobytes()


@pytest.mark.parametrize("name", ["lstm", "gru", "slstm", "rnn"])
def test_skipped_steps_have_no_gates_and_carry_the_state(name):
    layer = LAYERS[name]
    network, weights = made([layer])
    x, mask = batch(4, 8), np.random.default_rng(2).random((4, 8)) < 0.6
    mask[0, :3] = False
    (one,) = trace(network, weights, np.where(mask[..., None], x, np.nan), mask).layers
    want = of_reference(layer, weights.views[0], x, mask)
    for gate in one.gates.values():
        assert np.isnan(gate[~mask]).all()
        assert np.isfinite(gate[mask]).all()
    for state, values in one.states.items():
        np.testing.assert_allclose(values, want[state], atol=1e-5)
        assert (values[0, :3] == 0).all()


def test_layers_inside_layers_are_found_in_their_own_time():
    inner = LSTM(H, return_sequences=True)
    x = batch(3, 7)

    def gates(layer):
        network, weights = made([layer])
        return weights.views[0], trace(network, weights, x).layers

    _, (plain,) = gates(inner)
    network, weights = made([Dense(H), Residual(inner)])
    (residual,) = trace(network, weights, x).layers
    inside = x @ weights.views[0]["W"] + weights.views[0]["b"]
    np.testing.assert_allclose(residual.gates["f"], of_reference(inner, weights.views[1], inside)["f"], atol=1e-5)

    params, (dilated,) = gates(Dilated(inner, 3))
    np.testing.assert_allclose(dilated.gates["f"][:, 1::3], of_reference(inner, params, x[:, 1::3])["f"], atol=1e-5)

    params, (ahead, back) = gates(Bidirectional(inner))
    assert (ahead.name, back.name) == ("lstm_1_forward", "lstm_2_backward")
    own = {name.removeprefix("backward."): p for name, p in params.items() if name.startswith("backward.")}
    np.testing.assert_allclose(back.gates["f"][:, ::-1], of_reference(inner, own, x[:, ::-1])["f"], atol=1e-5)
    assert plain.gates["f"].shape == ahead.gates["f"].shape

    _, branches = gates(Concatenate([[inner, Dropout(0.1)], [GRU(2, return_sequences=True)]]))
    assert [(one.name, one.cell) for one in branches] == [("lstm_1_branch1", "lstm"), ("gru_2_branch2", "gru")]


@pytest.mark.parametrize("layer", [Dilated(LSTM(H), 3), Bidirectional(LSTM(H)), Bidirectional(Dilated(GRU(H), 2))])
def test_skipped_steps_are_those_of_the_network_inside_layers_too(layer):
    network, weights = made([layer])
    x, mask = batch(5, 7), np.random.default_rng(3).random((5, 7)) < 0.6
    for one in trace(network, weights, np.where(mask[..., None], x, np.nan), mask).layers:
        for gate in one.gates.values():
            np.testing.assert_array_equal(np.isfinite(gate), np.broadcast_to(mask[..., None], gate.shape))
        for state in one.states.values():
            assert np.isfinite(state).all()


def test_the_table_has_a_row_for_each_layer_sequence_unit_and_time():
    network, weights = made([LSTM(4, return_sequences=True), GRU(2)])
    found = trace(network, weights, batch(3, 5), times=np.arange("2024-01", "2024-06", dtype="M8[M]"))
    table = found.table()
    assert list(table) == ["layer", "sequence", "unit", "time", "i", "f", "o", "g", "c", "h", "z", "r"]
    assert len(table["h"]) == 3 * 5 * (4 + 2)
    here = (table["layer"] == "lstm_1") & (table["sequence"] == 1) & (table["unit"] == 2)
    np.testing.assert_array_equal(table["time"][here], np.arange("2024-01", "2024-06", dtype="M8[M]"))
    np.testing.assert_array_equal(table["f"][here], found.layers[0].gates["f"][1, :, 2])
    assert np.isnan(table["z"][here]).all()
    gru = table["layer"] == "gru_2"
    assert np.isnan(table["c"][gru]).all()
    assert np.isfinite(table["z"][gru]).all()
    alone = trace(network, weights, batch(1, 5)).table()
    assert "sequence" not in alone


def test_rows_beyond_the_outputs_of_a_projection_have_no_h():
    network, weights = made([LSTM(H, projection=2)])
    table = trace(network, weights, batch(1, 4)).table()
    assert np.isfinite(table["f"]).all()
    assert (np.isnan(table["h"]) == (table["unit"] >= 2)).all()


def test_bad_input_is_refused_kindly():
    network, weights = made([Dense(3), Dense(1)])
    with pytest.raises(ConfigError, match="no recurrent layer: got Dense, Dense, expected at least one LSTM"):
        trace(network, weights, batch(1, 4))
    flat = Sequential([Input((F,)), Dense(1)])
    with pytest.raises(ConfigError, match="no recurrent layer: got Dense, expected at least one LSTM"):
        flat.trace(np.ones((2, F)))
    network, weights = made([LSTM(3)])
    with pytest.raises(DataError, match="x has the wrong number of axes"):
        trace(network, weights, np.ones((4, F)))
    with pytest.raises(DataError, match="x has 12 values that are not finite"):
        trace(network, weights, np.full((1, 4, F), np.nan))
    with pytest.raises(ConfigError, match=r"The times do not fit x: got \(3,\), expected \(4,\)"):
        trace(network, weights, np.ones((1, 4, F)), times=np.arange(3))
