"""Models as ONNX files: names, shapes, states, facts and refusals."""

from __future__ import annotations

import builtins
import json

import numpy as np
import onnx
import pytest
from onnx_runs import LIMIT, run, session_of

from gatecast.errors import ConfigError, NotFittedError
from gatecast.layers import GRU, LSTM, Bidirectional, Concatenate, Conv1D, Dense, Dropout, Flatten, Input, Residual
from gatecast.models import Model, Sequential


def normal(*shape):
    """Draw normal numbers."""
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def ports(session):
    """Return names and shapes of inputs and outputs."""
    return {port.name: port.shape for port in (*session.get_inputs(), *session.get_outputs())}


def test_sequential_of_any_length_equals_predict(tmp_path):
    layers = [LSTM(8, return_sequences=True), Dropout(0.2), Residual(GRU(8, return_sequences=True)), Dense(2)]
    model = Sequential([Input((24, 3)), *layers])
    model.to_onnx(tmp_path / "x.onnx")
    session = session_of(tmp_path / "x.onnx")
    assert ports(session) == {"x": ["batch", "time", 3], "y": ["batch", "time", 2]}
    open_model = Sequential([Input((None, 3)), *layers])
    open_model.set_weights(model.get_weights())
    for n, steps in ((1, 24), (5, 1), (33, 300)):
        x = normal(n, steps, 3)
        np.testing.assert_allclose(run(session, x=x)["y"], open_model.predict(x), atol=LIMIT)


def test_layer_that_needs_a_length_fixes_it(tmp_path):
    model = Sequential([Input((6, 1)), LSTM(2, return_sequences=True), Flatten(), Dense(1)])
    model.to_onnx(tmp_path / "x.onnx")
    session = session_of(tmp_path / "x.onnx")
    assert ports(session)["x"] == ["batch", 6, 1]
    np.testing.assert_allclose(run(session, x=normal(4, 6, 1))["y"], model.predict(normal(4, 6, 1)), atol=LIMIT)


def test_layer_that_shortens_sequences_has_another_time_axis(tmp_path):
    model = Sequential([Input((None, 1)), Conv1D(2, 3)])
    model.to_onnx(tmp_path / "x.onnx")
    assert ports(session_of(tmp_path / "x.onnx")) == {"x": ["batch", "time", 1], "y": ["batch", "output_time", 2]}


def test_functional_model_keeps_names_of_inputs_and_outputs(tmp_path):
    past, calendar = Input((10, 1), name="past"), Input((3,), name="calendar")
    y, *state = LSTM(4, return_state=True, name="encoder")(past)
    steps = GRU(4, return_sequences=True)(past, initial_state=[y])
    joined = Concatenate()([y, state[1], calendar])
    model = Model([past, calendar], [Dense(2, name="mean")(joined), steps])
    model.to_onnx(tmp_path / "x.onnx")
    session = session_of(tmp_path / "x.onnx")
    sizes = {"past": ["batch", 10, 1], "calendar": ["batch", 3], "mean": ["batch", 2], "gru": ["batch", 10, 4]}
    assert ports(session) == sizes
    x = [normal(5, 10, 1), normal(5, 3)]
    outputs = run(session, past=x[0], calendar=x[1])
    for name, expected in zip(("mean", "gru"), model.predict(x), strict=True):
        np.testing.assert_allclose(outputs[name], expected, atol=LIMIT)


def test_outputs_of_one_layer_have_different_names(tmp_path):
    x = Input((4, 1), name="x")
    model = Model(x, LSTM(3, return_state=True)(x))
    model.to_onnx(tmp_path / "x.onnx")
    outputs = run(session_of(tmp_path / "x.onnx"), x=normal(2, 4, 1))
    assert list(outputs) == ["lstm", "lstm.1", "lstm.2"]
    for value, expected in zip(outputs.values(), model.predict(normal(2, 4, 1)), strict=True):
        np.testing.assert_allclose(value, expected, atol=LIMIT)


def test_stateful_layer_carries_its_state_through_inputs_and_outputs(tmp_path):
    model = Sequential([Input((None, 1)), LSTM(3, stateful=True), Dense(1)])
    model.to_onnx(tmp_path / "x.onnx")
    session = session_of(tmp_path / "x.onnx")
    assert ports(session)["lstm.h"] == ports(session)["lstm.c.next"] == ["batch", 3]
    state = {"lstm.h": np.zeros((2, 3), np.float32), "lstm.c": np.zeros((2, 3), np.float32)}
    for k in range(3):
        x = normal(2, 5, 1) + k
        outputs = run(session, x=x, **state)
        np.testing.assert_allclose(outputs["y"], model.predict(x), atol=LIMIT)
        state = {name: outputs[f"{name}.next"] for name in state}


def test_file_says_what_wrote_it_and_how_to_run_it(tmp_path):
    Sequential([Input((None, 1)), LSTM(3), Dense(1)], name="sales").to_onnx(tmp_path / "x.onnx", state=True)
    proto = onnx.load(tmp_path / "x.onnx")
    assert (proto.producer_name, proto.graph.name, proto.opset_import[0].version) == ("gatecast", "sales", 17)
    facts = {item.key: item.value for item in proto.metadata_props}
    assert json.loads(facts["states"]) == {"lstm.h": "lstm.h.next", "lstm.c": "lstm.c.next"}
    assert "Feed zeros for the state at first" in proto.doc_string
    assert {node.domain for node in proto.graph.node} == {""}


@pytest.mark.parametrize(
    ("layers", "options", "message"),
    [
        ([Dense(1)], {"opset": 16}, "Invalid opset: got 16, expected 17 or newer. Leave opset out"),
        ([Dense(1)], {"opset": 999}, "or older. Leave opset out, or install a newer onnx"),
        ([Bidirectional(LSTM(2))], {"state": True}, "cannot carry its state.*Leave state=True out"),
        ([Flatten(), Dense(1)], {"state": True}, "cannot carry its state.*Flatten"),
    ],
)
def test_export_that_is_not_possible_says_what_to_do(layers, options, message, tmp_path):
    with pytest.raises(ConfigError, match=message):
        Sequential([Input((4, 1)), *layers]).to_onnx(tmp_path / "x.onnx", **options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("options", [{"mask": True}, {"state": True}])
def test_model_without_time_axis_has_neither_mask_nor_state(options, tmp_path):
    with pytest.raises(ConfigError, match=r"time axis.*Leave (mask|state=True) out"):
        Sequential([Input((4,)), Dense(1)]).to_onnx(tmp_path / "x.onnx", **options)


def test_model_that_is_not_built_is_refused(tmp_path):
    with pytest.raises(NotFittedError, match="input shape of the model is unknown"):
        Sequential([LSTM(2)]).to_onnx(tmp_path / "x.onnx")


def test_path_that_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"Cannot write the file.*existing folder"):
        Sequential([Input((4,)), Dense(1)]).to_onnx(tmp_path / "none" / "x.onnx")


def test_missing_library_is_named_with_the_command_that_installs_it(tmp_path, monkeypatch):
    real = builtins.__import__

    def without_onnx(name, *args, **kwargs):
        if name.split(".")[0] == "onnx":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_onnx)
    with pytest.raises(
        ConfigError, match=r"the library onnx, which is not installed. Install it: pip install 'gatecast\[onnx\]'"
    ):
        Sequential([Input((4,)), Dense(1)]).to_onnx(tmp_path / "x.onnx")


def test_layers_have_states_of_their_own(tmp_path):
    layers = [LSTM(3, return_sequences=True, name="a"), LSTM(3, name="b"), Dense(1)]
    model = Sequential([Input((None, 3)), *layers])
    model.to_onnx(tmp_path / "x.onnx", state=True)
    session = session_of(tmp_path / "x.onnx")
    names = [port.name for port in session.get_inputs()][1:]
    assert names == ["a.h", "a.c", "b.h", "b.c"]
    stream, state = model.stream(2), {name: np.zeros((2, 3), np.float32) for name in names}
    for k in range(2):
        outputs = run(session, x=normal(2, 4, 3) + k, **state)
        np.testing.assert_allclose(outputs["y"], stream.warm(normal(2, 4, 3) + k), atol=LIMIT)
        state = {name: outputs[f"{name}.next"] for name in names}


def test_model_that_is_too_large_for_the_format_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("gatecast.nn.onnx_files.proto.MAX_BYTES", 100)
    Sequential([Input((4,)), Dense(1)]).to_onnx(tmp_path / "x.onnx")
    with pytest.raises(ConfigError, match=r"too large for an ONNX file: got .* bytes of weights.*Use fewer units"):
        Sequential([Input((40,)), Dense(1)]).to_onnx(tmp_path / "y.onnx")
