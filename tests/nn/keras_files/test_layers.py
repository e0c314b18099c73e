"""Layers from their descriptions: other forms of Keras 2 and 3, and settings that are dropped."""

from __future__ import annotations

import pytest

from gatecast.errors import ConfigError
from gatecast.initializers import Orthogonal
from gatecast.layers import (
    ELU,
    GRU,
    LSTM,
    BatchNormalization,
    Conv1D,
    Dense,
    Embedding,
    LayerNormalization,
    LeakyReLU,
    TimeDistributed,
)
from gatecast.nn.keras_files.layers import layer_from_keras

POLICY = {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": None}
ORTHOGONAL = {"class_name": "Orthogonal", "config": {"gain": 0.5, "seed": 3, "dtype": "float32"}}


@pytest.mark.parametrize(
    ("kind", "config", "version", "expected"),
    [
        ("Dense", {"units": 2, "dtype": POLICY, "activation": "relu"}, "3.5", Dense(2, "relu")),
        ("GRU", {"units": 2}, "2.0.8", GRU(2, reset_after=False)),
        ("GRU", {"units": 2, "reset_after": True}, "2.9", GRU(2)),
        ("LSTM", {"units": 2, "recurrent_activation": "hard_sigmoid"}, "3.5", LSTM(2, "tanh", "hard_sigmoid")),
        (
            "LSTM",
            {"units": 2, "recurrent_initializer": ORTHOGONAL},
            "2.9",
            LSTM(2, recurrent_initializer=Orthogonal(0.5)),
        ),
        ("BatchNormalization", {"axis": [2], "renorm": False, "fused": True}, "2.9", BatchNormalization()),
        ("LayerNormalization", {"axis": 2, "rms_scaling": False}, "3.5", LayerNormalization()),
        (
            "TimeDistributed",
            {"layer": {"class_name": "LayerNormalization", "config": {"axis": [1]}}},
            "2.9",
            TimeDistributed(LayerNormalization()),
        ),
        ("LeakyReLU", {"alpha": 0.2}, "2.9", LeakyReLU(0.2)),
        ("ELU", {"alpha": 0.5}, "3.5", ELU(0.5)),
        ("Conv1D", {"filters": 2, "kernel_size": [3], "strides": [1], "groups": 1}, "2.9", Conv1D(2, 3)),
        (
            "Embedding",
            {"input_dim": 5, "output_dim": 2, "mask_zero": False, "input_length": 3, "embeddings_regularizer": None},
            "2.9",
            Embedding(5, 2),
        ),
    ],
)
def test_layers_of_either_version(kind, config, version, expected):
    assert repr(layer_from_keras({"class_name": kind, "config": config}, 3, version)) == repr(expected)


@pytest.mark.parametrize(
    ("kind", "config", "text"),
    [
        ("BatchNormalization", {"axis": [1]}, "axis"),
        ("LSTM", {"units": 2, "time_major": True}, "time_major"),
        ("Embedding", {"input_dim": 5, "output_dim": 2, "embeddings_regularizer": "l2"}, "embeddings_regularizer"),
        ("LayerNormalization", {"rms_scaling": True}, "rms_scaling"),
        ("Dropout", {"rate": 0.5, "noise_shape": [None, 1, 2]}, "noise_shape"),
        ("CuDNNLSTM", {"units": 2}, "Write LSTM"),
        ("RNN", {"cell": {"class_name": "StackedRNNCells", "config": {}}}, "StackedRNNCells"),
    ],
)
def test_settings_that_do_not_exist_here(kind, config, text):
    with pytest.raises(ConfigError, match=text):
        layer_from_keras({"class_name": kind, "config": config}, 3, "2.9")
