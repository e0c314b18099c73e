"""Functional models in Keras' words, to be made from `keras` and from `gatecast` alike.

A case is a function of (layers, Input, Model) that returns a model; shapes of samples are those of its inputs.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["BATCH", "MODELS", "draw_model_case"]

BATCH, RATE = 6, 0.125


def chain(k: Any, Input: Any, Model: Any) -> Any:
    inputs = Input(shape=(7, 2))
    x = k.LSTM(4, return_sequences=True)(inputs)
    return Model(inputs=inputs, outputs=k.Dense(2)(k.GRU(3, activation="relu")(x)))


def branches(k: Any, Input: Any, Model: Any) -> Any:
    inputs = Input(shape=(7, 2))
    a = k.GlobalAveragePooling1D()(k.Conv1D(4, 3, padding="causal", activation="relu")(inputs))
    b = k.LSTM(3)(inputs)
    return Model(inputs, k.Dense(1)(k.Concatenate()([a, b])))


def several_inputs(k: Any, Input: Any, Model: Any) -> Any:
    past, calendar = Input((7, 2)), Input((3,))
    joined = k.Concatenate()([k.LSTM(4)(past), k.Dense(2, activation="tanh")(calendar)])
    return Model([past, calendar], k.Dense(1)(joined))


def several_outputs(k: Any, Input: Any, Model: Any) -> Any:
    inputs = Input((7, 2))
    x = k.LSTM(4, return_sequences=True)(inputs)
    return Model(inputs, [k.Dense(1)(x), k.Dense(2)(k.LSTM(3)(x))])


def shared(k: Any, Input: Any, Model: Any) -> Any:
    first, second = Input((7, 2)), Input((7, 2))
    encoder = k.LSTM(4)
    return Model([first, second], k.Dense(1)(k.Subtract()([encoder(first), encoder(second)])))


def residual(k: Any, Input: Any, Model: Any) -> Any:
    inputs = Input((7, 3))
    x = k.LSTM(3, return_sequences=True)(inputs)
    x = k.Add()([x, inputs])
    x = k.Multiply()([x, k.Dense(3, activation="sigmoid")(x)])
    x = k.Maximum()([x, k.Average()([x, inputs])])
    return Model(inputs, k.Dense(1)(k.Flatten()(x)))


def encoder_decoder(k: Any, Input: Any, Model: Any) -> Any:
    inputs = Input(shape=(7, 2))
    last, h, c = k.LSTM(4, return_state=True)(inputs)
    decoded = k.LSTM(4, return_sequences=True)(k.RepeatVector(5)(last), initial_state=[h, c])
    return Model(inputs, k.TimeDistributed(k.Dense(1))(decoded))


def encoder_decoder_gru(k: Any, Input: Any, Model: Any) -> Any:
    past, future = Input(shape=(7, 2)), Input(shape=(5, 3))
    _, h = k.GRU(4, return_state=True, return_sequences=True)(past)
    decoded = k.GRU(4, return_sequences=True)(future, initial_state=h)
    return Model([past, future], k.Dense(1)(decoded))


def time_axis(k: Any, Input: Any, Model: Any) -> Any:
    first, second = Input((7, 2)), Input((4, 2))
    return Model([first, second], k.Dense(1)(k.LSTM(3)(k.Concatenate(axis=1)([first, second]))))


def penalties(k: Any, Input: Any, Model: Any) -> Any:
    inputs = Input((7, 2))
    x = k.LSTM(4, kernel_regularizer="l1", recurrent_regularizer="l2", bias_regularizer="l2")(inputs)
    return Model(inputs, k.Dense(1, kernel_regularizer="l2")(x))


def constraints(k: Any, Input: Any, Model: Any) -> Any:
    inputs = Input((7, 2))
    x = k.GRU(4, kernel_constraint="max_norm", recurrent_constraint="unit_norm", return_sequences=True)(inputs)
    x = k.Conv1D(3, 2, kernel_constraint="non_neg", bias_constraint="non_neg")(x)
    return Model(inputs, k.Dense(1, kernel_constraint="min_max_norm")(k.Flatten()(x)))


def frozen(k: Any, Input: Any, Model: Any) -> Any:
    inputs = Input((7, 2))
    x = k.LSTM(4, trainable=False)(inputs)
    return Model(inputs, k.Dense(1)(k.BatchNormalization(trainable=False)(k.Dense(3)(x))))


def backwards(k: Any, Input: Any, Model: Any) -> Any:
    inputs = Input((7, 2))
    a, b = k.LSTM(3)(inputs), k.LSTM(3, go_backwards=True)(inputs)
    return Model(inputs, k.Dense(1)(k.Minimum()([a, b])))


def cnn_lstm(k: Any, Input: Any, Model: Any) -> Any:
    inputs = Input((3, 6, 2))
    x = k.TimeDistributed(k.Conv1D(4, 2, activation="relu"))(inputs)
    x = k.TimeDistributed(k.Flatten())(k.TimeDistributed(k.MaxPooling1D(2))(x))
    return Model(inputs, k.Dense(1)(k.LSTM(3, activation="relu")(x)))


def masked(k: Any, Input: Any, Model: Any) -> Any:
    inputs = Input((7, 1))
    x = k.Masking(0.0)(k.ReLU()(inputs))
    return Model(inputs, k.Dense(1)(k.LSTM(3)(k.LSTM(3, return_sequences=True)(x))))


MODELS = {
    case.__name__: case
    for case in (
        chain,
        branches,
        several_inputs,
        several_outputs,
        shared,
        residual,
        encoder_decoder,
        encoder_decoder_gru,
        time_axis,
        penalties,
        constraints,
        frozen,
        backwards,
        cnn_lstm,
        masked,
    )
}


def draw_model_case(
    name: str, in_shapes: list[tuple[int, ...]], out_shapes: list[tuple[int, ...]], weights: list[tuple[int, ...]]
) -> dict[str, Any]:
    """Draw inputs, targets and weights, all float32."""
    rng = np.random.default_rng([20240229, *name.encode()])
    arrays = {f"w{k:02d}": rng.normal(0, 0.5, shape) for k, shape in enumerate(weights)}
    if name == "frozen":  # a variance is not negative
        arrays = {key: np.abs(value) + 0.5 if value.shape == (3,) else value for key, value in arrays.items()}
    arrays |= {f"x{k}": rng.normal(size=(BATCH, *shape)) for k, shape in enumerate(in_shapes)}
    arrays |= {f"y{k}": rng.normal(size=(BATCH, *shape)) for k, shape in enumerate(out_shapes)}
    return {key: value.astype(np.float32) for key, value in arrays.items()}
