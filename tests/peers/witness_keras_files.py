"""Small files that Keras 3 or 2 saves, with inputs and predictions: the golden files of tests/nn/keras_files.

usage: KERAS_BACKEND=torch python witness_keras_files.py FOLDER
       python witness_keras_files.py FOLDER lstm_stack.h5 embedding.keras ...    (with TensorFlow 2.15, only these)
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import numpy as np

if keras.__version__.startswith("2."):
    from tensorflow import keras
from safetensors.numpy import save_file

L = keras.layers


def sequential(*layers):
    """A stack."""
    return keras.Sequential(list(layers))


def two_inputs():
    """A functional model with two inputs, a shared layer, and states from an encoder to a decoder."""
    past, calendar = L.Input((6, 2), name="past"), L.Input((3,), name="calendar")
    shared = L.Dense(4, activation="tanh", name="shared")
    encoded, h, c = L.LSTM(4, return_state=True, name="encoder")(shared(past))
    steps = L.RepeatVector(3)(L.Concatenate()([encoded, L.Dense(2)(calendar)]))
    decoded = L.LSTM(4, return_sequences=True, name="decoder")(steps, initial_state=[h, c])
    both = L.Add()([decoded, shared(L.Dense(2)(decoded))])
    return keras.Model([past, calendar], L.TimeDistributed(L.Dense(1))(both))


MODELS = {
    "lstm_stack": lambda: sequential(
        L.Input((6, 2)), L.LSTM(4, return_sequences=True), L.Dropout(0.2), L.LSTM(3, dropout=0.1), L.Dense(1)
    ),
    "gru": lambda: sequential(L.Input((6, 2)), L.GRU(4, return_sequences=True), L.GRU(3, reset_after=False)),
    "bidirectional": lambda: sequential(
        L.Input((6, 2)), L.Bidirectional(L.LSTM(3, return_sequences=True)), L.Bidirectional(L.GRU(2), merge_mode="sum")
    ),
    "simple_rnn": lambda: sequential(
        L.Input((6, 2)), L.SimpleRNN(3, activation="relu", return_sequences=True), L.RNN(L.LSTMCell(2)), L.LeakyReLU()
    ),
    "convolution": lambda: sequential(
        L.Input((6, 2)), L.Conv1D(3, 3, activation="relu", padding="causal"), L.MaxPooling1D(2), L.Flatten(), L.Dense(2)
    ),
    "repeated": lambda: sequential(
        L.Input((6, 2)), L.LSTM(3, kernel_regularizer="l2"), L.RepeatVector(2), L.TimeDistributed(L.Dense(2))
    ),
    "normalization": lambda: sequential(
        L.Input((6, 2)), L.Dense(3), L.BatchNormalization(), L.LayerNormalization(), L.GlobalAveragePooling1D()
    ),
    "embedding": lambda: sequential(L.Input((5,)), L.Embedding(7, 3), L.GRU(2), L.Dense(1, "softplus")),
    "two_inputs": two_inputs,
}
COMPILED = "lstm_stack"


def main() -> int:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    wanted = sys.argv[2:]
    numbers = {}
    for seed, (name, make) in enumerate(MODELS.items()):
        keras.utils.set_random_seed(seed)
        rng = np.random.default_rng(seed)
        model = make()
        weights = model.get_weights()
        # Biases of zero and variances of one would hide mistakes.
        model.set_weights([w + rng.uniform(0.1, 0.4, w.shape).astype(np.float32) for w in weights])
        if wanted and not any(file.startswith(f"{name}.") for file in wanted):
            continue
        if name == COMPILED:
            rate = keras.optimizers.schedules.ExponentialDecay(0.01, 100, 0.9)
            model.compile(keras.optimizers.Adam(rate, clipnorm=1.0), keras.losses.LogCosh(), metrics=["mae"])
            if not wanted:
                model.save_weights(folder / f"{name}.weights.h5")
        shapes = [tensor.shape[1:] for tensor in model.inputs]
        x = [rng.normal(size=(3, *shape)).astype(np.float32) for shape in shapes]
        if name == "embedding":
            x = [rng.integers(0, 7, (3, 5)).astype(np.float32)]
        numbers |= {f"{name}.x{k}": part for k, part in enumerate(x)}
        numbers[f"{name}.y"] = model.predict(x if len(x) > 1 else x[0], verbose=0)
        for file in (f"{name}.keras", f"{name}.h5"):
            if not wanted or file in wanted:
                model.save(folder / file)
    # safetensors writes the memory of an array, whatever its strides.
    numbers = {name: np.ascontiguousarray(array) for name, array in numbers.items()}
    save_file(numbers, str(folder / "predictions.safetensors"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
