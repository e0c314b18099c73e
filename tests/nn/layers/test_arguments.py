"""Arguments as scripts for Keras write them: positions, names, values without meaning here, and mistakes."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast import activations
from gatecast.errors import ConfigError
from gatecast.initializers import HeNormal
from gatecast.layers import (
    GRU,
    LSTM,
    RNN,
    Conv1D,
    Dense,
    Dropout,
    Input,
    InputLayer,
    LSTMCell,
    MaxPool1D,
    SimpleRNN,
    StackedRNNCells,
)
from gatecast.regularizers import L2, l2


def test_positions_are_those_of_keras():
    assert LSTM(8, "relu", "hard_sigmoid", False) == LSTM(
        8, activation="relu", recurrent_activation="hard_sigmoid", use_bias=False
    )
    assert GRU(8, "elu").activation == "elu"
    assert SimpleRNN(8, "relu", False).use_bias is False
    assert Dense(3, "relu", False) == Dense(3, activation="relu", use_bias=False)
    layer = Conv1D(4, 3, 2, "same")
    assert (layer.strides, layer.padding) == (2, "same")


@pytest.mark.parametrize("value", [True, np.True_, 1, np.int64(1)])
def test_flags_may_be_numpy_booleans_and_numbers(value):
    assert LSTM(3, return_sequences=value).return_sequences is True
    assert LSTM(3, return_sequences=None).return_sequences is False


@pytest.mark.parametrize("options", [{"return_sequences": "yes"}, {"use_bias": 2}, {"stateful": 0.5}])
def test_other_flags_raise_config_error(options):
    with pytest.raises(ConfigError, match="True or False"):
        LSTM(3, **options)


def test_input_shapes_of_keras_2():
    assert LSTM(3, batch_input_shape=(32, 24, 1)).input_shape == (24, 1)
    assert LSTM(3, input_dim=2, input_length=24).input_shape == (24, 2)
    assert LSTM(3, input_dim=2).input_shape == (None, 2)
    assert Dense(3, input_dim=2).input_shape == (2,)
    assert InputLayer(input_shape=(24, 1)) == Input((24, 1)) == Input(batch_shape=(None, 24, 1))
    assert MaxPool1D(2).output_shape((24, 1)) == (12, 1)


def test_arguments_without_meaning_are_accepted():
    assert LSTM(3, dtype="float32", implementation=2, unroll=True, use_cudnn="auto").units == 3
    assert Dropout(0.2, seed=3) == Dropout(0.2)
    assert Dense(3, dtype=np.float32) == Dense(3)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: LSTM(3, return_sequence=True), "no argument return_sequence: .*Did you mean return_sequences"),
        (lambda: LSTM(3, activations="relu"), "Did you mean activation"),
        (lambda: Dense(3, activity_regularizer="l2"), "no activity_regularizer here, as it has in Keras"),
        (lambda: Dense(3, weights=[1]), "no argument weights here, as it has in Keras. Build the model"),
        (lambda: LSTM(3, time_major=True), "samples, time, features"),
        (lambda: LSTM(3, dtype="float64"), "float32"),
        (lambda: Dropout(0.2, noise_shape=(None, 1, 2)), "SpatialDropout1D"),
        (lambda: LSTM(3, activation="softmax"), "put it into Dense"),
        (lambda: LSTM(3, activation=lambda z: z), "slope is not known"),
        (lambda: Dense(3, kernel_initializer="he_norml"), "Did you mean he_normal"),
        (lambda: Dense(3, kernel_regularizer="l3"), "Unknown kernel_regularizer 'l3'"),
        (lambda: LSTM(3, recurrent_constraint=3), "Unknown recurrent_constraint 3 \\(LSTM\\)"),
        (lambda: LSTM(3, "relu", peephole="full"), "Invalid combination of activations and peephole"),
        (lambda: Conv1D(3, 2, groups=3), "Concatenate"),
        (lambda: Conv1D(3, 2, strides=2, dilation_rate=2), "one of them 1"),
        (lambda: Conv1D(3, 2, padding="full"), "'valid', 'same', 'causal'"),
        (lambda: LSTM(3, name=3), "Invalid name"),
        (lambda: Input((3,), dtype="float64"), "float32"),
        (lambda: RNN([LSTMCell(4), LSTMCell(3)]), r"LSTM\(4, return_sequences=True\), LSTM\(3\)"),
        (lambda: StackedRNNCells([LSTMCell(4)]), "one layer after the other"),
        (lambda: RNN(LSTM(3)), "expected LSTMCell, GRUCell or SimpleRNNCell"),
    ],
)
def test_mistakes_say_what_to_write(make, text):
    with pytest.raises(ConfigError, match=text):
        make()


def test_functions_and_records_stand_for_names():
    assert LSTM(3, activations.relu) == LSTM(3, "relu") == LSTM(3, "ReLU")
    assert Dense(3, np.tanh).activation == "tanh"
    assert Dense(3, "swish").activation == "silu"
    assert LSTM(3, None).activation == "linear"
    assert Dense(3, kernel_regularizer=l2(0.5)).kernel_regularizer == L2(0.5)
    assert Dense(3, kernel_regularizer="l2").kernel_regularizer == L2()
    assert Dense(3, kernel_initializer=HeNormal).kernel_initializer == HeNormal()


def test_layers_print_as_they_are_written():
    assert repr(LSTM(3, "relu", return_sequences=True)) == "LSTM(3, activation='relu', return_sequences=True)"
    assert eval(repr(Conv1D(3, 2, name="first"))) == Conv1D(3, 2, name="first")


def test_cells_make_the_layers():
    assert RNN(LSTMCell(4, "relu"), return_sequences=True) == LSTM(4, "relu", return_sequences=True)
    assert repr(LSTMCell(4)) == "LSTMCell(4)"
