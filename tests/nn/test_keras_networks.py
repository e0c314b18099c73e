"""Networks of the usual kinds, written as for Keras: each is built, trained, saved and loaded."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gatecast.layers import (
    GRU,
    LSTM,
    BatchNormalization,
    Bidirectional,
    Conv1D,
    Dense,
    Dropout,
    Flatten,
    GaussianNoise,
    GlobalAveragePooling1D,
    Input,
    LeakyReLU,
    Masking,
    MaxPooling1D,
    RepeatVector,
    Reshape,
    SimpleRNN,
    SpatialDropout1D,
    TimeDistributed,
)
from gatecast.models import Sequential, load_model

NETWORKS = {
    "vanilla": ([LSTM(8, activation="relu", input_shape=(6, 1)), Dense(1)], (6, 1), (1,)),
    "stacked": (
        [LSTM(8, activation="relu", return_sequences=True, input_shape=(6, 1)), LSTM(8, activation="relu"), Dense(1)],
        (6, 1),
        (1,),
    ),
    "bidirectional": ([Bidirectional(LSTM(8, activation="relu"), input_shape=(6, 1)), Dense(1)], (6, 1), (1,)),
    "CNN": (
        [
            Conv1D(filters=8, kernel_size=2, activation="relu", input_shape=(6, 1)),
            MaxPooling1D(pool_size=2),
            Flatten(),
            Dense(5, activation="relu"),
            Dense(1),
        ],
        (6, 1),
        (1,),
    ),
    "CNN-LSTM": (
        [
            TimeDistributed(Conv1D(filters=8, kernel_size=1, activation="relu"), input_shape=(None, 3, 1)),
            TimeDistributed(MaxPooling1D(pool_size=2)),
            TimeDistributed(Flatten()),
            LSTM(8, activation="relu"),
            Dense(1),
        ],
        (2, 3, 1),
        (1,),
    ),
    "encoder-decoder": (
        [
            LSTM(8, activation="relu", input_shape=(6, 1)),
            RepeatVector(3),
            LSTM(8, activation="relu", return_sequences=True),
            TimeDistributed(Dense(1)),
        ],
        (6, 1),
        (3, 1),
    ),
    "dilated": (
        [
            Input((8, 2)),
            *(Conv1D(8, 2, padding="causal", dilation_rate=d, activation="relu") for d in (1, 2, 4)),
            SimpleRNN(8),
            Dense(1),
        ],
        (8, 2),
        (1,),
    ),
    "regularized": (
        [
            Input((6, 1)),
            GaussianNoise(0.1),
            GRU(8, return_sequences=True, dropout=0.1, recurrent_dropout=0.1, kernel_regularizer="l2"),
            BatchNormalization(),
            SpatialDropout1D(0.1),
            GlobalAveragePooling1D(),
            Dense(4, kernel_initializer="he_normal", kernel_constraint="max_norm"),
            LeakyReLU(0.1),
            Dropout(0.2),
            Dense(1),
        ],
        (6, 1),
        (1,),
    ),
    "masking": ([Masking(-1.0, input_shape=(6, 1)), LSTM(8), Dense(1, activation="linear")], (6, 1), (1,)),
    "dense": ([Dense(8, activation="gelu", input_dim=6), Dense(1)], (6,), (1,)),
    "several steps": ([LSTM(8, input_shape=(6, 1)), Dense(4), Reshape((4, 1))], (6, 1), (4, 1)),
    "classes": ([LSTM(8, input_shape=(6, 1)), Dense(3, activation="softmax")], (6, 1), (3,)),
}


@pytest.mark.parametrize("batch_size", [4, 32])
@pytest.mark.parametrize("name", NETWORKS)
def test_network_trains_and_comes_back_from_its_file(name, batch_size, rng, tmp_path):
    layers, in_shape, out_shape = NETWORKS[name]
    x = rng.normal(size=(40, *in_shape)).astype(np.float32)
    y = 0.1 * x.reshape(40, -1).sum(axis=1).reshape(40, *(1,) * len(out_shape)) * np.ones(out_shape)
    model = Sequential([layer if isinstance(layer, Input) else replace(layer) for layer in layers])
    model.compile(loss="mse", optimizer="adam")
    losses = model.fit(x, y, epochs=12, batch_size=batch_size, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    predicted = model.predict(x)
    assert predicted.shape == (40, *out_shape)
    model.save(tmp_path / "model")
    np.testing.assert_array_equal(load_model(tmp_path / "model").predict(x), predicted)
