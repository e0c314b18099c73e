"""Every layer under one roof: ``from gatecast.nn.layers import LSTM``, and the table of all of them.

A new layer is a file on top of `layer.Plain` and an entry in `LAYERS`; saving and the contract tests then know it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gatecast.nn.layers.base import CallContext, Input, Layer, Shape, State
from gatecast.nn.layers.dilated import Dilated
from gatecast.nn.layers.select import Dense, Dropout, Embedding, Select
from gatecast.nn.layers.normalization import BatchNormalization, LayerNormalization, RMSNorm
from gatecast.nn.layers.quantile_head import QuantileHead
from gatecast.nn.layers.lstm import GRU, LSTM, SLSTM, MinGRU, MinLSTM, SimpleRNN
from gatecast.nn.layers.concatenate import Bidirectional, Concatenate, Residual

__all__ = [
    "GRU",
    "LAYERS",
    "LSTM",
    "SLSTM",
    "BatchNormalization",
    "Bidirectional",
    "CallContext",
    "Concatenate",
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
        LSTM,
        GRU,
        SimpleRNN,
        SLSTM,
        MinLSTM,
        MinGRU,
        Dense,
        Dropout,
        Embedding,
        Select,
        LayerNormalization,
        RMSNorm,
        BatchNormalization,
        Bidirectional,
        Residual,
        Dilated,
        Concatenate,
        QuantileHead,
    )
}
"""Every layer by its name: what may stand in a network and in a file."""
