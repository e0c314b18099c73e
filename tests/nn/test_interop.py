"""Weights in and out: what a state_dict of PyTorch becomes, and which ones are refused. tests/peers ask PyTorch.

Letters: F features, H units, M outputs.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from gatecast.errors import ConfigError, DataError
from gatecast.layers import (
    GRU,
    LSTM,
    SLSTM,
    Add,
    BatchNormalization,
    Bidirectional,
    Concatenate,
    Conv1D,
    Dense,
    Dilated,
    Dropout,
    Embedding,
    Flatten,
    Input,
    LayerNormalization,
    MinLSTM,
    ReLU,
    Residual,
    RMSNorm,
    SimpleRNN,
    TimeDistributed,
)
from gatecast.models import Model, Sequential

F, H, M = 3, 4, 2
LSTM_ENTRIES = ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"]
WAYS = ["0", "0_reverse", "1", "1_reverse"]
DENSE_ENTRIES = ["linear.weight", "linear.bias"]


def model(*layers, features=F, seed=1):
    """A network with weights that are not zero anywhere."""
    made = Sequential([Input((None, features)), *layers])
    made.weights.vector[:] = np.random.default_rng(seed).normal(size=made.weights.vector.size)
    return made


def graph(**names):
    """A functional model with two branches; the one that is called last is made first."""
    inputs = Input((5, F))
    right = LSTM(H, name=names.get("right"))
    left = LSTM(H, name=names.get("left"))(inputs)
    made = Model(inputs, Dense(M, name=names.get("out"))(Add()([left, right(inputs)])))
    made.weights.vector[:] = np.random.default_rng(1).normal(size=made.weights.vector.size)
    return made


STACKS = {
    "lstm": lambda: model(LSTM(H, return_sequences=True), Dropout(0.1), LSTM(H), Dense(M)),
    "projection": lambda: model(LSTM(H, return_sequences=True, projection=2), LSTM(H, projection=2), Dense(M)),
    "gru": lambda: model(GRU(H, return_sequences=True), GRU(H), Dense(M, "tanh"), Dense(1)),
    "rnn": lambda: model(SimpleRNN(H, return_sequences=True, activation="relu"), SimpleRNN(H), Dense(M)),
    "both": lambda: model(Bidirectional(LSTM(H, return_sequences=True)), Bidirectional(LSTM(H)), Dense(M)),
    "mixed": lambda: model(LSTM(H, return_sequences=True), GRU(H, return_sequences=True), LSTM(H)),
    "dense": lambda: model(Dense(M)),
    "windows": lambda: model(Conv1D(H, 3), BatchNormalization(), LSTM(H), LayerNormalization(), Dense(M)),
    "no biases": lambda: model(
        Conv1D(H, 2, use_bias=False), RMSNorm(), LSTM(H, use_bias=False), Dense(M, use_bias=False)
    ),
    "codes": lambda: model(Embedding(7, F), GRU(H), features=1),
    "wrapped": lambda: model(Residual(LSTM(F, return_sequences=True)), TimeDistributed(Dense(H)), GRU(H)),
    "branches": lambda: model(Concatenate((Dense(2), (Dense(3), LSTM(H, return_sequences=True)))), GRU(H)),
    "graph": lambda: graph(),
}


@pytest.mark.parametrize("name", STACKS)
def test_what_goes_out_comes_back_in(name):
    one, two = STACKS[name](), STACKS[name]()
    two.weights.vector[:] = 0
    two.load_torch(one.to_torch())
    np.testing.assert_array_equal(two.weights.vector, one.weights.vector)
    state = one.to_torch()
    other = {f"net.{entry.replace('lstm', 'cells').replace('linear', 'head')}": a for entry, a in state.items()}
    assert list(one.to_torch(other)) == list(other)
    for entry, array in one.to_torch(other).items():
        np.testing.assert_array_equal(array, other[entry])


def test_layers_with_the_names_of_modules_are_found_by_name(rng):
    one, two = graph(left="left", right="right", out="fc"), graph(left="left", right="right", out="fc")
    two.weights.vector[:] = 0
    named = {"lstm": "left", "lstm_1": "right", "linear": "fc"}
    state = {f"{named[entry.split('.')[0]]}.{entry.split('.')[1]}": a for entry, a in one.to_torch().items()}
    two.load_torch(dict(sorted(state.items(), reverse=True)))
    np.testing.assert_array_equal(two.weights.vector, one.weights.vector)
    x = rng.normal(size=(3, 5, F))
    np.testing.assert_array_equal(two.predict(x), one.predict(x))


def test_keys_of_a_sequential_module_are_read():
    """`nn.Sequential` numbers its modules, those without weights too."""
    one, two = (model(Conv1D(H, 3), BatchNormalization(), Dense(M), seed=seed) for seed in (1, 2))
    numbers = {"conv1d": "0", "batch_norm": "2", "linear": "10"}
    state = {f"{numbers[entry.split('.')[0]]}.{entry.split('.')[1]}": a for entry, a in one.to_torch().items()}
    two.load_torch(state | {"2.num_batches_tracked": np.array(7)})
    np.testing.assert_array_equal(two.weights.vector, one.weights.vector)
    assert list(one.to_torch(state)) == list(state)


def test_axes_of_a_convolution_stand_where_pytorch_has_them():
    made = model(Conv1D(M, 4))
    weight = np.arange(float(M * F * 4)).reshape(M, F, 4)
    made.load_torch({"weight": weight, "bias": [1, 2]})
    np.testing.assert_array_equal(made.get_weights()[0], weight.transpose(2, 1, 0))
    np.testing.assert_array_equal(made.get_weights()[1], [1, 2])


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("graph", [f"{m}.{e}" for m in ("lstm", "lstm_1") for e in LSTM_ENTRIES] + DENSE_ENTRIES),
        ("lstm", [f"lstm.{e[:-1]}{k}" for k in (0, 1) for e in LSTM_ENTRIES] + DENSE_ENTRIES),
        ("projection", [f"lstm.{e[:-1]}{k}" for k in (0, 1) for e in [*LSTM_ENTRIES, "weight_hr_l0"]] + DENSE_ENTRIES),
        ("both", [f"lstm.{e[:-1]}{way}" for way in WAYS for e in LSTM_ENTRIES] + DENSE_ENTRIES),
        ("mixed", [f"{module}.{e}" for module in ("lstm", "gru", "lstm_1") for e in LSTM_ENTRIES]),
        ("rnn", [f"{module}.{e}" for module in ("rnn", "rnn_1") for e in LSTM_ENTRIES] + DENSE_ENTRIES),
    ],
)
def test_names_and_order_are_those_of_pytorch(name, names):
    assert list(STACKS[name]().to_torch()) == names


def test_gates_and_biases_stand_where_pytorch_has_them():
    blocks = np.repeat(np.arange(4.0), H)  # i f g o
    given = {"weight_ih_l0": np.tile(blocks[:, None], F), "weight_hh_l0": np.tile(10 + blocks[:, None], H)}
    given |= {"bias_ih_l0": 20 + blocks, "bias_hh_l0": 100 * np.ones(4 * H)}
    lstm = model(LSTM(H))
    lstm.load_torch(given)
    i_f_o_g = np.repeat([0.0, 1, 3, 2], H)
    np.testing.assert_array_equal(lstm.weights.views[0]["Wx"], np.tile(i_f_o_g, (F, 1)))
    np.testing.assert_array_equal(lstm.weights.views[0]["Wh"], np.tile(10 + i_f_o_g, (H, 1)))
    np.testing.assert_array_equal(lstm.weights.views[0]["b"], 120 + i_f_o_g)
    back = lstm.to_torch(given)
    np.testing.assert_array_equal(back["bias_ih_l0"], 120 + blocks)
    np.testing.assert_array_equal(back["bias_hh_l0"], np.zeros(4 * H))

    blocks = np.repeat(np.arange(3.0), H)  # r z n
    given = {"weight_ih_l0": np.tile(blocks[:, None], F), "weight_hh_l0": np.tile(10 + blocks[:, None], H)}
    given |= {"bias_ih_l0": 20 + blocks, "bias_hh_l0": 30 + blocks}
    gru = model(GRU(H))
    gru.load_torch(given)
    z_r_g = np.repeat([1.0, 0, 2], H)
    np.testing.assert_array_equal(gru.weights.views[0]["Wx"], np.tile(z_r_g, (F, 1)))
    np.testing.assert_array_equal(gru.weights.views[0]["b"], [20 + z_r_g, 30 + z_r_g])
    for entry, array in gru.to_torch(given).items():
        np.testing.assert_array_equal(array, given[entry])


def test_modules_without_biases_and_single_cells_are_understood():
    made = model(LSTM(H), Dense(M))
    state = {entry: a for entry, a in made.to_torch().items() if "bias" not in entry}
    made.load_torch({entry.replace("_l0", ""): a for entry, a in state.items()})  # LSTMCell and Linear
    assert not made.weights.views[0]["b"].any()
    assert not made.weights.views[1]["b"].any()
    assert list(made.to_torch(state)) == list(state)


def test_entries_sorted_by_name_are_put_in_order():
    layers = [LSTM(H, return_sequences=True) for _ in range(11)]
    one, two = model(*layers, seed=1), model(*layers, seed=2)
    two.load_torch(dict(sorted(one.to_torch().items())))
    np.testing.assert_array_equal(two.weights.vector, one.weights.vector)


class Tensor:
    """What is needed of a tensor: numbers that come out only when detached, on the processor, as float32."""

    def __init__(self, array, ready=()):
        self.array, self.ready, self.shape = array, ready, array.shape

    def detach(self):
        return Tensor(self.array, (*self.ready, "detach"))

    def cpu(self):
        return Tensor(self.array, (*self.ready, "cpu"))

    def float(self):
        return Tensor(self.array, (*self.ready, "float"))

    def __array__(self, dtype=None, copy=None):
        if self.ready != ("detach", "cpu", "float"):
            raise TypeError("not ready")
        return self.array


def test_tensors_are_detached_and_brought_home():
    one, two = STACKS["lstm"](), model(LSTM(H, return_sequences=True), LSTM(H), Dense(M), seed=2)
    state = {entry: Tensor(array) for entry, array in one.to_torch().items()}
    two.load_torch(state)
    np.testing.assert_array_equal(two.weights.vector, one.weights.vector)
    assert list(one.to_torch(state)) == list(state)


# What is refused


def good(**changes):
    """A state_dict for LSTM(4) over 3 features and Dense(2), with changes; None takes an entry away."""
    state = model(LSTM(H), Dense(M)).to_torch()
    for entry, value in changes.items():
        state[entry.replace("__", ".")] = value
    return {entry: value for entry, value in state.items() if value is not None}


@pytest.mark.parametrize(
    ("state", "text"),
    [
        ({}, "The state_dict has another number of layers: got 0: nothing, expected 2: LSTM(4), Dense(2)"),
        (good(other__weight=np.ones((1, 2))), "got 3: lstm, layer 0, linear, other, expected 2: LSTM(4), Dense(2)"),
        (
            good(lstm__weight_ih_l0=np.ones((16, 2))),
            "the state_dict has the wrong shape (lstm.weight_ih_l0): got (16, 2), expected (16, 3), for LSTM(4)",
        ),
        (good(lstm__bias_hh_l0=np.ones(12)), "wrong shape (lstm.bias_hh_l0): got (12,), expected (16,), for LSTM(4)"),
        (good(linear__weight=np.ones((4, 2))), "(linear.weight): got (4, 2), expected (2, 4), for Dense(2)"),
        (good(linear__weight=None), "lacks an entry (linear): got linear.bias, expected weight of shape (2, 4), for"),
        (good(lstm__weight_hh_l0=None), "lacks an entry (lstm, layer 0): got lstm.weight_ih_l0, lstm.bias_ih_l0, "),
        (good(lstm__weight_hr_l0=np.ones((2, 4))), "LSTM(4) has no such parameter (lstm.weight_hr_l0)"),
        (good(lstm__weight_ih_l0_reverse=np.ones((16, 3))), "has no such parameter (lstm.weight_ih_l0_reverse)"),
        (good(linear__running_mean=np.ones(2)), "Dense(2) has no such parameter (linear.running_mean)"),
        (good(linear__bias=[1, np.nan]), "An entry of the state_dict is not finite (linear.bias): expected finite"),
        (good(linear__bias=[1, 1e39]), "An entry of the state_dict is not finite (linear.bias)"),
        (good(linear__bias=["a", "b"]), "the state_dict is not an array of numbers (linear.bias): got values of"),
        (good(linear__bias=[[1], [1, 2]]), "An entry of the state_dict is not an array of numbers (linear.bias): got "),
        (
            dict(reversed(good().items())),
            "lacks an entry (linear): got linear.bias, linear.weight, expected weight_ih of shape (16, 3), for LSTM",
        ),
    ],
)
def test_a_state_dict_that_does_not_fit_is_named_and_changes_nothing(state, text):
    made = model(LSTM(H), Dense(M))
    before = made.weights.vector.copy()
    with pytest.raises(DataError) as caught:
        made.load_torch(state)
    assert text in str(caught.value)
    np.testing.assert_array_equal(made.weights.vector, before)


def test_names_to_use_that_do_not_fit_are_named():
    made = model(LSTM(H), Dense(M))
    with pytest.raises(DataError, match=r"wrong shape \(linear.weight\): got \(3, 4\), expected \(2, 4\)"):
        made.to_torch(good(linear__weight=np.ones((3, 4))))
    with pytest.raises(DataError, match=r"The state_dict has no entry for bias of Dense\(2\) .*got linear.weight"):
        made.to_torch(good(linear__bias=None))
    with pytest.raises(DataError, match="The state_dict has another number of layers: got 0: nothing"):
        made.to_torch({})


@pytest.mark.parametrize(
    "layer",
    [
        LSTM(H, peephole="diagonal"),
        LSTM(H, layer_norm=True),
        LSTM(H, coupled=True),
        GRU(H, reset_after=False),
        SLSTM(H),
        MinLSTM(H),
        Dilated(SLSTM(H), 2),
        Bidirectional(LSTM(H), merge_mode="sum"),
    ],
)
def test_layers_that_pytorch_does_not_have_are_named(layer):
    made = model(layer)
    for call in (made.to_torch, lambda: made.load_torch({})):
        with pytest.raises(ConfigError, match="PyTorch has no module for ") as caught:
            call()
        assert str(getattr(layer, "layer", layer)) in str(caught.value) or str(layer) in str(caught.value)


def test_settings_do_not_hide_a_layer():
    made = model(LSTM(H, unit_forget_bias=False, dropout=0.1, recurrent_dropout=0.1, zoneout=0.1))
    assert len(made.to_torch()) == 4


# Numbers of PyTorch, recorded by scripts/make_golden.py

GOLDEN = json.loads((Path(__file__).parent / "golden" / "torch_modules.json").read_text(encoding="utf-8"))
BOTH = {"LSTM": LSTM, "GRU": GRU, "RNN": SimpleRNN}


def module_layers():
    """The layers of the module with attributes."""
    stacks = [Bidirectional(kind(2, return_sequences=True)) for kind in BOTH.values() for _ in "ab"]
    first = Conv1D(3, 2), BatchNormalization(epsilon=1e-5)
    return [*first, *stacks, LayerNormalization(epsilon=1e-5), Dense(2)]


def functional(in_shape, layers):
    """A functional model of layers that follow each other, and one that adds nothing: a graph."""
    inputs = y = Input(in_shape)
    for layer in layers:
        y = layer(y)
    return Model(inputs, Add()([y, y]))


@pytest.mark.parametrize(
    ("name", "make", "factor"),
    [
        ("attributes", lambda: Sequential([Input((6, 2)), *module_layers()]), 1),
        ("attributes", lambda: functional((6, 2), module_layers()), 2),
        ("sequential", lambda: Sequential([Input((3,)), Embedding(5, 2), Flatten(), ReLU(), Dense(2)]), 1),
    ],
    ids=["attributes", "graph", "sequential"],
)
def test_numbers_of_whole_modules_are_those_of_pytorch(name, make, factor):
    record, made = GOLDEN[name], make()
    made.load_torch(record["state_dict"])
    want = factor * np.array(record["y"], np.float32)
    np.testing.assert_allclose(made.predict(np.array(record["x"])), want, rtol=1e-6, atol=1e-6 * np.abs(want).max())
