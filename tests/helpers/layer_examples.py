"""Every layer in the forms that the contract tests run over, with inputs that it can take.

Shapes: samples are (T, F), with T steps and F features.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pytest

from gatecast.kernels.activations import ACTIVATIONS
from gatecast.layers import (
    ELU,
    GRU,
    LSTM,
    SLSTM,
    Activation,
    Add,
    Average,
    AveragePooling1D,
    BatchNormalization,
    Bidirectional,
    Concatenate,
    Conv1D,
    Dense,
    Dilated,
    Dropout,
    Embedding,
    Flatten,
    GaussianNoise,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    Graph,
    LayerNormalization,
    LeakyReLU,
    Masking,
    Maximum,
    MaxPooling1D,
    MinGRU,
    Minimum,
    MinLSTM,
    Multiply,
    Permute,
    QuantileHead,
    ReLU,
    RepeatVector,
    Reshape,
    Residual,
    RMSNorm,
    Select,
    SimpleRNN,
    Softmax,
    SpatialDropout1D,
    Subtract,
    TimeDistributed,
)
from gatecast.nn.initializers import HeNormal
from gatecast.testing.layers import random_params

T, F = 5, 3


class Example(NamedTuple):
    """A layer, and the inputs that it takes."""

    layer: Any
    in_shape: tuple[int, ...] = (T, F)
    codes: Mapping[int, int] = MappingProxyType({})
    """Features that hold codes, and how many codes there are."""

    def __repr__(self) -> str:
        """Return the layer as it is written, for the names of tests."""
        return f"{self.layer!r}-{len(self.in_shape)}"


KINKED = ("relu", "selu", "relu6", "leaky_relu")
"""Activations whose slope jumps."""

SEQUENCE = {"return_sequences": True}

GRAPH = Graph(
    (LSTM(4, return_sequences=True, return_state=True), Dense(4), Add(), GRU(3), Concatenate(), Dropout(0.2)),
    ((0, (0,), ()), (1, (0,), ()), (5, (4,), ()), (2, (1, 5), ()), (3, (6,), ()), (4, (7, 2), ())),
    ((T, F),),
    (8,),
)
"""An LSTM plus a dense layer, of which a GRU's output is joined with the LSTM's state."""

SHARED = Graph(
    (LSTM(3, **SEQUENCE), BatchNormalization(), Subtract()),
    ((0, (0,), ()), (1, (1,), ()), (0, (2,), ()), (2, (3, 1), ())),
    ((T, F),),
    (4,),
)
"""A layer that is called twice, with a normalization in between."""

EXAMPLES = {
    "LSTM": [
        Example(LSTM(4)),
        *(Example(LSTM(4, **SEQUENCE, peephole=form)) for form in (None, "diagonal", "full")),
        Example(LSTM(4, **SEQUENCE, layer_norm=True, peephole="diagonal")),
        Example(LSTM(4, **SEQUENCE, coupled=True, unit_forget_bias=2.5)),
        Example(LSTM(4, coupled=True, layer_norm=True, projection=2)),
        Example(LSTM(4, **SEQUENCE, projection=3, dropout=0.2, recurrent_dropout=0.3, zoneout=(0.1, 0.4))),
        Example(LSTM(4, zoneout=0.3)),
        *(Example(LSTM(4, name, **SEQUENCE)) for name in ("softsign", "linear")),
        Example(LSTM(4, "gelu", "hard_sigmoid", use_bias=False, dropout=0.2, recurrent_dropout=0.3, zoneout=0.2)),
        Example(LSTM(4, use_bias=False, go_backwards=True, kernel_initializer=HeNormal(1), kernel_regularizer="l2")),
    ],
    "GRU": [
        *(Example(GRU(4, "softsign", **SEQUENCE, reset_after=after)) for after in (True, False)),
        *(
            Example(GRU(4, "gelu", "hard_sigmoid", reset_after=after, use_bias=False, recurrent_dropout=0.3))
            for after in (True, False)
        ),
        *(Example(GRU(4, **SEQUENCE, reset_after=after)) for after in (True, False)),
        *(
            Example(GRU(4, reset_after=after, dropout=0.2, recurrent_dropout=0.3, zoneout=0.2))
            for after in (True, False)
        ),
    ],
    "SimpleRNN": [
        Example(SimpleRNN(4, "elu", use_bias=False)),
        Example(SimpleRNN(4, "silu", **SEQUENCE, zoneout=0.3)),
        Example(SimpleRNN(4)),
        Example(SimpleRNN(4, **SEQUENCE, activation="relu")),
        Example(SimpleRNN(4, **SEQUENCE, dropout=0.2, recurrent_dropout=0.3, zoneout=0.2)),
    ],
    "SLSTM": [Example(SLSTM(4)), Example(SLSTM(6, heads=2, **SEQUENCE)), Example(SLSTM(4, heads=4, dropout=0.2))],
    "MinLSTM": [Example(MinLSTM(4)), Example(MinLSTM(4, **SEQUENCE, dropout=0.2))],
    "MinGRU": [Example(MinGRU(4)), Example(MinGRU(4, **SEQUENCE, dropout=0.2))],
    "Dense": [Example(Dense(4)), *(Example(Dense(4, activation=name)) for name in ACTIVATIONS)],
    "Dropout": [Example(Dropout(0.4)), Example(Dropout(0.0)), Example(Dropout(0.4, variational=True))],
    "Embedding": [Example(Embedding(7, 2), (T, 1), {0: 7}), Example(Embedding(4, 3), (F,), {0: 4, 1: 4, 2: 4})],
    "Select": [Example(Select((2, 0))), Example(Select((1,), last=True))],
    "LayerNormalization": [
        Example(LayerNormalization()),
        Example(LayerNormalization(center=False)),
        Example(LayerNormalization(epsilon=0.1), (F,)),
    ],
    "RMSNorm": [Example(RMSNorm()), Example(RMSNorm(0.1), (F,))],
    "BatchNormalization": [
        Example(BatchNormalization()),
        Example(BatchNormalization(center=False, scale=False)),
        Example(BatchNormalization(momentum=0.5), (F,)),
    ],
    "Bidirectional": [
        *(Example(Bidirectional(GRU(3, **SEQUENCE), merge)) for merge in ("concat", "sum", "mul", "ave")),
        Example(Bidirectional(LSTM(3, peephole="full"))),
        Example(Bidirectional(Dilated(SimpleRNN(3, dropout=0.3), 2), "mul")),
    ],
    "Residual": [
        Example(Residual(LSTM(F, **SEQUENCE))),
        Example(Residual(Dilated(GRU(F, **SEQUENCE), 2))),
        Example(Residual(BatchNormalization())),
        Example(Residual(Dense(F, activation="tanh")), (F,)),
    ],
    "Dilated": [
        *(Example(Dilated(LSTM(4, **SEQUENCE), rate)) for rate in (1, 2, 3, 7)),
        Example(Dilated(GRU(4), 2)),
        Example(Dilated(SLSTM(4, heads=2, **SEQUENCE), 2)),
        Example(Dilated(MinGRU(4, dropout=0.3), 3)),
    ],
    "Concatenate": [
        Example(Concatenate((LSTM(3, **SEQUENCE), Select((1,))))),
        Example(Concatenate(((LSTM(3, **SEQUENCE), Dropout(0.2), GRU(2)), (Dense(2), Select((0, 1), last=True))))),
        Example(Concatenate(((Select((0, 2)), GRU(2, **SEQUENCE)), (Select((1,)), Embedding(5, 2)))), codes={1: 5}),
        Example(Concatenate((Concatenate((Dense(2), (BatchNormalization(), Bidirectional(MinLSTM(2, **SEQUENCE))))),))),
    ],
    "Activation": [Example(Activation(name)) for name in (*ACTIVATIONS, "softmax") if name not in KINKED],
    "ELU": [Example(ELU()), Example(ELU(0.5), (F,))],
    "LeakyReLU": [Example(LeakyReLU()), Example(LeakyReLU(0.1), (F,))],
    "ReLU": [Example(ReLU()), Example(ReLU(1.5, 0.1, 0.5), (F,))],
    "Softmax": [Example(Softmax()), Example(Softmax(), (F,))],
    "Conv1D": [
        *(Example(Conv1D(4, 3, padding=padding)) for padding in ("valid", "same", "causal")),
        *(Example(Conv1D(4, 2, padding=padding, dilation_rate=2)) for padding in ("valid", "same", "causal")),
        *(Example(Conv1D(4, 3, strides=2, padding=padding)) for padding in ("valid", "same", "causal")),
        *(Example(Conv1D(4, 3, padding="causal", activation=name)) for name in ("tanh", "gelu", "softmax")),
        Example(Conv1D(4, 1, use_bias=False)),
        Example(Conv1D(20, 4, padding="same", activation="sigmoid"), (70, 2)),
    ],
    "Masking": [Example(Masking())],
    "GaussianNoise": [Example(GaussianNoise(0.3)), Example(GaussianNoise(0.0))],
    "SpatialDropout1D": [Example(SpatialDropout1D(0.4))],
    "AveragePooling1D": [Example(AveragePooling1D(2, padding=padding)) for padding in ("valid", "same")],
    "MaxPooling1D": [
        *(Example(MaxPooling1D(2, padding=padding)) for padding in ("valid", "same")),
        Example(MaxPooling1D(3, 2, "same")),
    ],
    "GlobalAveragePooling1D": [Example(GlobalAveragePooling1D()), Example(GlobalAveragePooling1D(keepdims=True))],
    "GlobalMaxPooling1D": [Example(GlobalMaxPooling1D())],
    "Flatten": [Example(Flatten()), Example(Flatten(), (F,))],
    "Permute": [Example(Permute((2, 1)))],
    "RepeatVector": [Example(RepeatVector(4), (F,))],
    "Reshape": [Example(Reshape((-1, T))), Example(Reshape((T * F,))), Example(Reshape((1, F)), (F,))],
    "TimeDistributed": [
        Example(TimeDistributed(Dense(4, "gelu"))),
        Example(TimeDistributed(Dropout(0.3))),
        Example(TimeDistributed(BatchNormalization())),
    ],
    **{kind.__name__: [Example(kind())] for kind in (Add, Average, Maximum, Minimum, Multiply, Subtract)},
    "Graph": [Example(GRAPH), Example(SHARED)],
    "QuantileHead": [Example(QuantileHead(3)), Example(QuantileHead(1)), Example(QuantileHead(7), (T, 14))],
}

ALL = [example for examples in EXAMPLES.values() for example in examples]

every_layer = pytest.mark.parametrize("example", ALL, ids=repr)


def normal(rng, *shape):
    """Draw normal numbers, float32."""
    return rng.normal(size=shape).astype(np.float32)


def parameters(layer, rng, in_shape=(T, F)):
    """Draw parameters of a layer, none of them zero, and away from the kink of a relu."""
    params = random_params(layer, in_shape, rng)
    if getattr(layer, "activation", None) in KINKED and "b" in params:
        params["b"] += np.float32([9, -9, 9, -9])
    return params


def sample(example, rng, n_sequences, n_steps=T):
    """Draw inputs of an example, [B, T, F]; T is 1 if they have no time axis."""
    timed = len(example.in_shape) == 2
    steps = example.in_shape[0] if n_steps == T else n_steps
    x = normal(rng, n_sequences, steps if timed else 1, example.in_shape[-1])
    for feature, n_codes in example.codes.items():
        x[:, :, feature] = rng.integers(0, n_codes, x.shape[:2])
    return x
