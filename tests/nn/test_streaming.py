"""A stream is the network itself, a step at a time: the same bits, whatever the split, and clear refusals.

Letters: B series, T time, F features.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gatecast.errors import ConfigError, DataError, FormatError, NotFittedError
from gatecast.layers import (
    GRU,
    LSTM,
    SLSTM,
    BatchNormalization,
    Bidirectional,
    Concatenate,
    Dense,
    Dilated,
    Dropout,
    Embedding,
    Input,
    LayerNormalization,
    MinGRU,
    MinLSTM,
    QuantileHead,
    Residual,
    RMSNorm,
    Select,
    SimpleRNN,
)
from gatecast.models import Sequential
from gatecast.nn import streaming as streams

T, F = 9, 2

NETWORKS = {
    "article": (LSTM(5, return_sequences=True), Dropout(0.2), LSTM(4), Dropout(0.2), Dense(1)),
    "peephole": (LSTM(5, peephole="full", return_sequences=True), LSTM(3, peephole="diagonal")),
    "variants": (
        LSTM(5, return_sequences=True, layer_norm=True),
        LSTM(5, return_sequences=True, coupled=True),
        LSTM(6, projection=2, zoneout=0.1),
    ),
    "gru": (GRU(5, return_sequences=True), GRU(4, reset_after=False)),
    "rnn": (SimpleRNN(5, return_sequences=True), SimpleRNN(4, activation="relu")),
    "slstm": (SLSTM(6, heads=2, return_sequences=True), Dense(3)),
    "minimal": (MinLSTM(5, return_sequences=True), MinGRU(4)),
    "norms": (LayerNormalization(), LSTM(4, return_sequences=True), RMSNorm(), BatchNormalization(), LSTM(3)),
    "residual": (Dense(4), Residual(GRU(4, return_sequences=True)), Dense(2, "tanh")),
    "dilated": (Dilated(LSTM(4, return_sequences=True), 3), Dilated(GRU(3), 2)),
    "sides": (Concatenate(((Select((0,)), LSTM(4)), (Select((1,), last=True),))), Dense(3), QuantileHead(3)),
    "codes": (Concatenate(((Select((0,)), LSTM(3, return_sequences=True)), (Select((1,)), Embedding(5, 2)))), GRU(3)),
    "steps": (Dense(3, "relu"),),
}


def made(name: str) -> Sequential:
    """A network of the table, with weights that are not zero anywhere."""
    model = Sequential([Input((None, F)), *(replace(layer) for layer in NETWORKS[name])], seed=3)
    model.weights.vector[:] += np.random.default_rng(1).normal(0, 0.1, model.weights.vector.size)
    for layer, views in zip(model.network.layers, model.weights.views, strict=True):
        if isinstance(layer, BatchNormalization):
            views["moving_variance"][...] = 0.7
    return model


def inputs(B: int, steps: int = T) -> np.ndarray:
    """(B, T, F), the second feature a code from 0 to 4."""
    rng = np.random.default_rng(B)
    return np.stack([rng.normal(size=(B, steps)), rng.integers(0, 5, (B, steps))], axis=2).astype(np.float32)


@pytest.mark.parametrize("B", [1, 4, 5, 17])
@pytest.mark.parametrize("name", NETWORKS)
def test_any_split_gives_the_bits_of_the_whole(name, B):
    model, x = made(name), inputs(B)
    whole = model.predict(x)
    whole = whole if whole.ndim == 2 else whole[:, -1]
    for first in (1, 2, 5, T):
        stream = model.stream(B)
        y = stream.warm(x[:, :first])
        for t in range(first, T):
            y = stream.step(x[:, t])
        assert y.dtype == np.float32
        np.testing.assert_array_equal(y, whole)
    stream = model.stream(batch=B)
    stream.warm(x[:, :3])
    np.testing.assert_array_equal(stream.warm(x[:, 3:]), whole)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_step_is_the_newest_output_of_predict(name):
    model, x = made(name), inputs(3)
    stream = model.stream(3)
    stream.warm(x[:, :1])
    for t in range(1, T):
        whole = model.predict(x[:, : t + 1])
        np.testing.assert_array_equal(stream.step(x[:, t]), whole if whole.ndim == 2 else whole[:, -1])


@pytest.mark.parametrize("B", [2, 6])
def test_masked_steps_leave_the_state_as_it_was(B):
    model, x = made("article"), inputs(B)
    mask = np.ones((B, T), bool)
    mask[0, :4], mask[1, 5:] = False, False
    broken = np.where(mask[:, :, None], x, np.nan)
    stream = model.stream(B)
    stream.warm(broken[:, :6], mask[:, :6])
    np.testing.assert_array_equal(stream.warm(broken[:, 6:], mask[:, 6:]), model.predict(broken, mask=mask))
    alone = model.stream(1)
    np.testing.assert_array_equal(alone.warm(x[:1, 4:]), model.predict(x[:1, 4:]))
    np.testing.assert_allclose(alone.state[0][0][0], stream.state[0][0][0], rtol=0, atol=1e-6)


def test_a_long_past_is_taken_in_pieces_with_the_same_bits(monkeypatch):
    model, x = made("dilated"), inputs(2, 50)
    whole = model.stream(2).warm(x)
    monkeypatch.setattr(streams, "CHUNK_STEPS", 14)
    np.testing.assert_array_equal(model.stream(2).warm(x), whole)


def test_any_kind_of_numbers_goes_in():
    model, x = made("article"), inputs(1)
    want = model.predict(x)
    for kind in (list, np.float64, np.float16, np.float32):
        stream = model.stream()
        stream.warm(x[:, :-1])
        last = x[:, -1].round(2) if kind is np.float16 else x[:, -1]
        given = last.tolist() if kind is list else last.astype(kind)
        got = stream.step(given)
        if kind is np.float16:
            want_here = model.predict(np.concatenate([x[:, :-1], given[:, None].astype(np.float32)], axis=1))
        np.testing.assert_array_equal(got, want_here if kind is np.float16 else want)
    stream = model.stream()
    stream.warm(x[:, :-1])
    np.testing.assert_array_equal(stream.step(np.repeat(x[:, -1], 2, axis=1)[:, ::2]), want)


@pytest.mark.parametrize("B", [1, 20])
def test_what_comes_out_may_be_written_to(B):
    model, x = Sequential([Input((None, F)), LSTM(4)]), inputs(B)
    stream = model.stream(B)
    stream.warm(x[:, :-1])[:] = 7
    for arrays in stream.state:
        for array in arrays:
            array[:] = 7
    x_new = x[:, -1].copy()
    y = stream.step(x_new)
    x_new[:] = 7
    np.testing.assert_array_equal(y, model.predict(x))


def test_the_state_can_be_looked_at():
    model, x = made("article"), inputs(3)
    stream = model.stream(3)
    assert stream.state == (None,) * 5
    stream.warm(x)
    h, c = stream.state[2]
    assert h.shape == c.shape == (3, 4)
    assert stream.state[1] is None
    inner = Sequential([Input((None, F)), *model.layers[:3]])
    inner.set_weights(model.get_weights()[:6])
    np.testing.assert_array_equal(h, inner.predict(x))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_copy_goes_its_own_way(name):
    model, x = made(name), inputs(2)
    stream = model.stream(2)
    stream.warm(x[:, :-2])
    other = stream.copy()
    other.step(x[:, 0])
    stream.step(x[:, -2])
    np.testing.assert_array_equal(stream.step(x[:, -1]), model.stream(2).warm(x))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_state_in_a_file_goes_on_with_the_same_bits(name, tmp_path):
    model, x = made(name), inputs(5)
    stream = model.stream(5)
    stream.warm(x[:, :-2])
    stream.save(tmp_path / "state")
    model.save(tmp_path / "model")
    other = Sequential.load(tmp_path / "model").stream(5).load(tmp_path / "state")
    for t in (-2, -1):
        np.testing.assert_array_equal(other.step(x[:, t]), stream.step(x[:, t]))


def test_new_weights_are_used_from_the_next_step_on():
    model, x = made("article"), inputs(1)
    stream = model.stream()
    stream.warm(x)
    model.set_weights([np.zeros_like(w) for w in model.get_weights()])
    np.testing.assert_array_equal(stream.step(x[:, 0]), [[0.0]])


def test_the_length_that_a_network_was_made_for_is_no_limit():
    x = inputs(1, 30)
    fixed, free = (Sequential([Input((n, F)), LSTM(4), Dense(1)]) for n in (5, None))
    np.testing.assert_array_equal(fixed.stream().warm(x), free.predict(x))


# What is refused

GOOD = np.zeros((2, 3, F))


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (GOOD[0], "x has the wrong number of axes: got (3, 2), expected (samples, any, 2)"),
        (GOOD[..., :1], "x has the wrong number of features: got (2, 3, 1), expected (samples, any, 2)"),
        (GOOD[:, :0], "x has no steps: got (2, 0, 2), expected at least one step per sample"),
        (GOOD[:1], "x has the wrong number of series: got (1, 3, 2), expected (2, any, 2). Make a stream for this"),
        (GOOD + np.nan, "x has 12 values that are not finite (first at sample 0, time 0, feature 0): got nan"),
        (GOOD + 1e39, "x has 12 values that are not finite"),
        (GOOD.astype(str), "x has"),
        ([[["a", "b"]]] * 2, "x is not an array of numbers: got could not convert string"),
    ],
)
def test_a_past_that_does_not_fit_is_named_and_changes_nothing(x, text):
    stream = made("article").stream(2)
    if isinstance(x, np.ndarray) and x.dtype.kind == "U":
        np.testing.assert_array_equal(stream.warm(x), made("article").stream(2).warm(GOOD))  # numbers as text
        return
    with pytest.raises(DataError) as caught:
        stream.warm(x)
    assert text in str(caught.value)
    with pytest.raises(NotFittedError, match="The stream has no state yet"):
        stream.step(GOOD[:, 0])


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (GOOD, "x_new has the wrong shape: got (2, 3, 2), expected (2, 2). Pass several steps to warm."),
        (GOOD[:, 0, 0], "x_new has the wrong shape: got (2,), expected (2, 2). One step of one series is"),
        (GOOD[:1, 0], "x_new has the wrong shape: got (1, 2), expected (2, 2)"),
        (3.0, "x_new has the wrong shape: got (), expected (2, 2)"),
        (None, "x_new has the wrong shape: got ()"),
        (GOOD[:, 0] + np.nan, "x_new has 4 values that are not finite (first at sample 0, feature 0): got nan"),
        (GOOD[:, 0] + 1e39, "x_new has 4 values that are not finite (first at sample 0, feature 0): got inf"),
        ([["a", "b"]] * 2, "x_new is not an array of numbers: got could not convert string"),
        (GOOD[:, 0] * 1j, "x_new is not an array of numbers: got values of type complex128"),
    ],
)
def test_a_step_that_does_not_fit_is_named_and_changes_nothing(x, text):
    model = made("article")
    stream, x_good = model.stream(2), inputs(2)
    stream.warm(x_good[:, :-1])
    with pytest.raises(DataError) as caught:
        stream.step(x)
    assert text in str(caught.value)
    np.testing.assert_array_equal(stream.step(x_good[:, -1]), model.predict(x_good))


def test_a_mask_that_does_not_fit_is_named():
    stream = made("article").stream(2)
    with pytest.raises(DataError, match=r"mask has the wrong shape: got \(2, 4\), expected \(2, 3\)"):
        stream.warm(GOOD, np.ones((2, 4), bool))
    with pytest.raises(DataError, match=r"mask is not a mask: got a value of 0.5, expected True for steps that count"):
        stream.warm(GOOD, np.full((2, 3), 0.5))


def test_a_stream_that_has_seen_nothing_says_so(tmp_path):
    stream = made("article").stream()
    with pytest.raises(
        NotFittedError, match=r"The stream has no state yet\. Begin with warm\(x\), x of shape \(series, "
    ):
        stream.step([[0, 0]])
    with pytest.raises(NotFittedError, match=r"The stream has no state yet\. Call warm before save"):
        stream.save(tmp_path / "state")


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_layer_that_needs_the_whole_sequence_is_named(wrapped):
    both = Bidirectional(LSTM(3, return_sequences=True))
    model = Sequential([Input((None, F)), Residual(Concatenate((both,))) if wrapped else both, LSTM(2)])
    if wrapped:
        model = Sequential([Input((None, F)), Concatenate((both,)), LSTM(2)])
    with pytest.raises(
        ConfigError, match=r"A layer of the network cannot run step by step: got .*Bidirectional\("
    ) as e:
        model.stream()
    assert "Use predict on full windows" in str(e.value)


def test_a_network_without_time_axis_has_no_stream():
    with pytest.raises(ConfigError, match=r"A stream needs a network with a time axis: got an input of shape \(3,\)"):
        Sequential([Input((3,)), Dense(1)]).stream()


@pytest.mark.parametrize("batch", [0, -1, 1.5, True, "1", None])
def test_an_impossible_batch_is_named(batch):
    with pytest.raises(ConfigError, match="Invalid batch"):
        made("article").stream(batch)


def test_a_model_without_shape_cannot_stream():
    with pytest.raises(NotFittedError, match="The input shape of the model is unknown"):
        Sequential([LSTM(3)]).stream()


def test_files_of_others_are_refused(tmp_path):
    model = made("article")
    stream, path = model.stream(2), tmp_path / "state"
    stream.warm(GOOD)
    stream.save(path)
    with pytest.raises(FormatError, match=r"The file has the state of another number of series .*: got 2, expected 3"):
        model.stream(3).load(path)
    with pytest.raises(FormatError, match="The file has the state of another model"):
        made("gru").stream(2).load(path)
    model.set_weights([w + 1 for w in model.get_weights()])
    with pytest.raises(FormatError, match=r"The file has the state of another model .* Run warm on"):
        stream.load(path)
    model.save(path)
    with pytest.raises(FormatError, match="The file is of another kind"):
        stream.load(path)
    path.write_bytes(b"nonsense")
    with pytest.raises(FormatError, match="Cannot read the file"):
        stream.load(path)
    with pytest.raises(FormatError, match="No such file"):
        stream.load(tmp_path / "nowhere")


def test_a_file_whose_state_does_not_fit_is_refused(tmp_path):
    stream = made("article").stream(2)
    stream.warm(GOOD)
    arrays = {"0.0": np.zeros((2, 9, 1), np.float32)}
    settings = {"batch": 2, "model": stream._digest()}
    for state in ([], ["0.0"], ["0.7", None, None, None, None], [["0.0", "0.0"], None, None, None, None], 3, None):
        streams.safefile.write(tmp_path / "state", "stream", settings | {"state": state}, arrays)
        with pytest.raises(FormatError, match="The file does not describe a stream"):
            stream.load(tmp_path / "state")
    np.testing.assert_array_equal(stream.step(GOOD[:, 0]), made("article").predict(np.zeros((2, 4, F))))


def test_streams_of_a_model_with_stateful_layers_do_not_share_their_state(rng):
    layer = LSTM(3, stateful=True)
    model = Sequential([Input((4, 1)), layer, Dense(1)], seed=1)
    plain = Sequential([Input((4, 1)), LSTM(3), Dense(1)], seed=1)
    plain.set_weights(model.get_weights())
    x = rng.normal(size=(2, 6, 1)).astype(np.float32)
    one, two = model.stream(), model.stream()
    got = [(one.warm(x[:1, t : t + 1]), two.warm(x[1:, t : t + 1])) for t in range(6)][-1]
    expected = [plain.stream().warm(x[k : k + 1]) for k in range(2)]
    np.testing.assert_array_equal(got, expected)
    fresh = Sequential([Input((4, 1)), LSTM(3, stateful=True), Dense(1)], seed=1)
    fresh.set_weights(model.get_weights())
    np.testing.assert_array_equal(model.predict(x[:1, :4]), fresh.predict(x[:1, :4]))  # streams leave the layer alone
