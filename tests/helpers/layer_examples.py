"""Every layer in the forms that the contract tests run over, with inputs that it can take.

Shapes: samples are (T, F), with T steps and F features.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pytest

from gatecast.kernels import reference
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
    LayerNormalization,
    MinGRU,
    MinLSTM,
    QuantileHead,
    Residual,
    RMSNorm,
    Select,
    SimpleRNN,
)
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


SEQUENCE = {"return_sequences": True}

EXAMPLES = {
    "LSTM": [
        Example(LSTM(4)),
        *(Example(LSTM(4, **SEQUENCE, peephole=form)) for form in (None, "diagonal", "full")),
        Example(LSTM(4, **SEQUENCE, layer_norm=True, peephole="diagonal")),
        Example(LSTM(4, **SEQUENCE, coupled=True, unit_forget_bias=2.5)),
        Example(LSTM(4, coupled=True, layer_norm=True, projection=2)),
        Example(LSTM(4, **SEQUENCE, projection=3, dropout=0.2, recurrent_dropout=0.3, zoneout=(0.1, 0.4))),
        Example(LSTM(4, zoneout=0.3)),
    ],
    "GRU": [
        *(Example(GRU(4, **SEQUENCE, reset_after=after)) for after in (True, False)),
        *(
            Example(GRU(4, reset_after=after, dropout=0.2, recurrent_dropout=0.3, zoneout=0.2))
            for after in (True, False)
        ),
    ],
    "SimpleRNN": [
        Example(SimpleRNN(4)),
        Example(SimpleRNN(4, **SEQUENCE, activation="relu")),
        Example(SimpleRNN(4, **SEQUENCE, dropout=0.2, recurrent_dropout=0.3, zoneout=0.2)),
    ],
    "SLSTM": [Example(SLSTM(4)), Example(SLSTM(6, heads=2, **SEQUENCE)), Example(SLSTM(4, heads=4, dropout=0.2))],
    "MinLSTM": [Example(MinLSTM(4)), Example(MinLSTM(4, **SEQUENCE, dropout=0.2))],
    "MinGRU": [Example(MinGRU(4)), Example(MinGRU(4, **SEQUENCE, dropout=0.2))],
    "Dense": [Example(Dense(4)), *(Example(Dense(4, activation=name)) for name in reference.ACTIVATIONS)],
    "Dropout": [Example(Dropout(0.4)), Example(Dropout(0.0)), Example(Dropout(0.4, variational=True))],
    "Embedding": [Example(Embedding(7, 2), (T, 1), {0: 7}), Example(Embedding(4, 3), (F,), {0: 4, 1: 4, 2: 4})],
    "Select": [Example(Select((2, 0))), Example(Select((1,), last=True))],
    "LayerNormalization": [Example(LayerNormalization()), Example(LayerNormalization(0.1), (F,))],
    "RMSNorm": [Example(RMSNorm()), Example(RMSNorm(0.1), (F,))],
    "BatchNormalization": [Example(BatchNormalization()), Example(BatchNormalization(0.5), (F,))],
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
    if getattr(layer, "activation", None) == "relu":
        params["b"] += np.float32([9, -9, 9, -9])
    return params


def sample(example, rng, n_sequences, n_steps=T):
    """Draw inputs of an example, [B, T, F]; T is 1 if they have no time axis."""
    timed = len(example.in_shape) == 2
    x = normal(rng, n_sequences, n_steps if timed else 1, example.in_shape[-1])
    for feature, n_codes in example.codes.items():
        x[:, :, feature] = rng.integers(0, n_codes, x.shape[:2])
    return x
