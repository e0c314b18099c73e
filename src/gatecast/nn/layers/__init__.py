"""The layers, each imported when it is first used, and the table of all of them.

A new layer is a module with a class on top of `base.BaseLayer` or `base.StatefulLayer`, a name here, and an entry in
`table.LAYERS`: saving and the contract tests then cover it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatecast.nn.layers.base import BaseLayer, CallContext, Input, Layer, Shape, State, StatefulLayer
    from gatecast.nn.layers.bidirectional import Bidirectional
    from gatecast.nn.layers.concatenate import Concatenate
    from gatecast.nn.layers.dense import Dense
    from gatecast.nn.layers.dilated import Dilated
    from gatecast.nn.layers.dropout import Dropout
    from gatecast.nn.layers.embedding import Embedding
    from gatecast.nn.layers.gru import GRU
    from gatecast.nn.layers.lstm import LSTM
    from gatecast.nn.layers.minimal import MinGRU, MinLSTM
    from gatecast.nn.layers.normalization import BatchNormalization, LayerNormalization, RMSNorm
    from gatecast.nn.layers.quantile_head import QuantileHead
    from gatecast.nn.layers.residual import Residual
    from gatecast.nn.layers.select import Select
    from gatecast.nn.layers.simple_rnn import SimpleRNN
    from gatecast.nn.layers.slstm import SLSTM
    from gatecast.nn.layers.table import LAYERS

__all__ = [
    "GRU",
    "LAYERS",
    "LSTM",
    "SLSTM",
    "BaseLayer",
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
    "StatefulLayer",
]

_HOME = {
    "BaseLayer": "gatecast.nn.layers.base",
    "BatchNormalization": "gatecast.nn.layers.normalization",
    "Bidirectional": "gatecast.nn.layers.bidirectional",
    "CallContext": "gatecast.nn.layers.base",
    "Concatenate": "gatecast.nn.layers.concatenate",
    "Dense": "gatecast.nn.layers.dense",
    "Dilated": "gatecast.nn.layers.dilated",
    "Dropout": "gatecast.nn.layers.dropout",
    "Embedding": "gatecast.nn.layers.embedding",
    "GRU": "gatecast.nn.layers.gru",
    "Input": "gatecast.nn.layers.base",
    "Layer": "gatecast.nn.layers.base",
    "LayerNormalization": "gatecast.nn.layers.normalization",
    "LAYERS": "gatecast.nn.layers.table",
    "LSTM": "gatecast.nn.layers.lstm",
    "MinGRU": "gatecast.nn.layers.minimal",
    "MinLSTM": "gatecast.nn.layers.minimal",
    "QuantileHead": "gatecast.nn.layers.quantile_head",
    "Residual": "gatecast.nn.layers.residual",
    "RMSNorm": "gatecast.nn.layers.normalization",
    "Select": "gatecast.nn.layers.select",
    "Shape": "gatecast.nn.layers.base",
    "SimpleRNN": "gatecast.nn.layers.simple_rnn",
    "SLSTM": "gatecast.nn.layers.slstm",
    "State": "gatecast.nn.layers.base",
    "StatefulLayer": "gatecast.nn.layers.base",
}


def __getattr__(name: str) -> object:
    """Import a layer when it is first used."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
