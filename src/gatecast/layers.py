"""Every layer under one roof: ``from gatecast.layers import LSTM``, and the table of all of them.

A new layer is a file on top of `layer.Plain` and an entry in `LAYERS`; saving and the contract tests then know it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gatecast.dilated import Dilated
from gatecast.feedforward import Dense, Dropout, Embedding, Select
from gatecast.heads import QuantileHead
from gatecast.layer import Context, Input, Layer, Shape, State
from gatecast.norms import BatchNormalization, LayerNormalization, RMSNorm
from gatecast.recurrences import GRU, LSTM, SLSTM, MinGRU, MinLSTM, SimpleRNN
from gatecast.wrappers import Bidirectional, Concatenate, Residual

__all__ = [
    "GRU",
    "LAYERS",
    "LSTM",
    "SLSTM",
    "BatchNormalization",
    "Bidirectional",
    "Concatenate",
    "Context",
    "Dense",
    "Dilated",
    "Dropout",
    "Embedding",
    "Input",
    "Layer",
    "LayerNormalization",
    "MinGRU",
    "MinLSTM",
    "QuantileHead",
    "RMSNorm",
    "Residual",
    "Select",
    "Shape",
    "SimpleRNN",
    "State",
]

LAYERS: Mapping[str, Any] = {
    layer.__name__: layer
    for layer in (
        LSTM, GRU, SimpleRNN, SLSTM, MinLSTM, MinGRU,
        Dense, Dropout, Embedding, Select,
        LayerNormalization, RMSNorm, BatchNormalization,
        Bidirectional, Residual, Dilated, Concatenate,
        QuantileHead,
    )
}  # fmt: skip
"""Every layer by its name: what may stand in a network and in a file."""
