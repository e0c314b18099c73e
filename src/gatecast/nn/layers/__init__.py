"""The layers, each imported when it is first used, and the table of all of them.

A new layer is a module with a class on top of `base.BaseLayer` or `base.StatefulLayer`, a name here, and an entry in
`table.LAYERS`: saving and the contract tests then cover it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatecast.nn.layers.activation import ELU, Activation, LeakyReLU, ReLU, Softmax
    from gatecast.nn.layers.base import BaseLayer, CallContext, Layer, State, StatefulLayer
    from gatecast.nn.layers.bidirectional import Bidirectional
    from gatecast.nn.layers.concatenate import Concatenate
    from gatecast.nn.layers.convolution import Conv1D
    from gatecast.nn.layers.dense import Dense
    from gatecast.nn.layers.dilated import Dilated
    from gatecast.nn.layers.dropout import Dropout
    from gatecast.nn.layers.embedding import Embedding
    from gatecast.nn.layers.graph import Graph
    from gatecast.nn.layers.gru import GRU
    from gatecast.nn.layers.lstm import LSTM
    from gatecast.nn.layers.masking import Masking
    from gatecast.nn.layers.merge import Add, Average, Maximum, Minimum, Multiply, Subtract
    from gatecast.nn.layers.minimal import MinGRU, MinLSTM
    from gatecast.nn.layers.noise import GaussianNoise, SpatialDropout1D
    from gatecast.nn.layers.normalization import BatchNormalization, LayerNormalization, RMSNorm
    from gatecast.nn.layers.pooling import AveragePooling1D, GlobalAveragePooling1D, GlobalMaxPooling1D, MaxPooling1D
    from gatecast.nn.layers.quantile_head import QuantileHead
    from gatecast.nn.layers.reshape import Flatten, Permute, RepeatVector, Reshape
    from gatecast.nn.layers.residual import Residual
    from gatecast.nn.layers.select import Select
    from gatecast.nn.layers.shapes import Input, Shape
    from gatecast.nn.layers.simple_rnn import SimpleRNN
    from gatecast.nn.layers.slstm import SLSTM
    from gatecast.nn.layers.table import LAYERS
    from gatecast.nn.layers.time_distributed import TimeDistributed

__all__ = [
    "ELU",
    "GRU",
    "LAYERS",
    "LSTM",
    "SLSTM",
    "Activation",
    "Add",
    "Average",
    "AveragePooling1D",
    "BaseLayer",
    "BatchNormalization",
    "Bidirectional",
    "CallContext",
    "Concatenate",
    "Conv1D",
    "Dense",
    "Dilated",
    "Dropout",
    "Embedding",
    "Flatten",
    "GaussianNoise",
    "GlobalAveragePooling1D",
    "GlobalMaxPooling1D",
    "Graph",
    "Input",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "Masking",
    "MaxPooling1D",
    "Maximum",
    "MinGRU",
    "MinLSTM",
    "Minimum",
    "Multiply",
    "Permute",
    "QuantileHead",
    "RMSNorm",
    "ReLU",
    "RepeatVector",
    "Reshape",
    "Residual",
    "Select",
    "Shape",
    "SimpleRNN",
    "Softmax",
    "SpatialDropout1D",
    "State",
    "StatefulLayer",
    "Subtract",
    "TimeDistributed",
]

_HOME = {
    "Activation": "gatecast.nn.layers.activation",
    "Add": "gatecast.nn.layers.merge",
    "Average": "gatecast.nn.layers.merge",
    "AveragePooling1D": "gatecast.nn.layers.pooling",
    "BaseLayer": "gatecast.nn.layers.base",
    "BatchNormalization": "gatecast.nn.layers.normalization",
    "Bidirectional": "gatecast.nn.layers.bidirectional",
    "CallContext": "gatecast.nn.layers.base",
    "Concatenate": "gatecast.nn.layers.concatenate",
    "Conv1D": "gatecast.nn.layers.convolution",
    "Dense": "gatecast.nn.layers.dense",
    "Dilated": "gatecast.nn.layers.dilated",
    "Dropout": "gatecast.nn.layers.dropout",
    "ELU": "gatecast.nn.layers.activation",
    "Embedding": "gatecast.nn.layers.embedding",
    "Flatten": "gatecast.nn.layers.reshape",
    "GaussianNoise": "gatecast.nn.layers.noise",
    "GlobalAveragePooling1D": "gatecast.nn.layers.pooling",
    "GlobalMaxPooling1D": "gatecast.nn.layers.pooling",
    "Graph": "gatecast.nn.layers.graph",
    "GRU": "gatecast.nn.layers.gru",
    "Input": "gatecast.nn.layers.shapes",
    "Layer": "gatecast.nn.layers.base",
    "LayerNormalization": "gatecast.nn.layers.normalization",
    "LAYERS": "gatecast.nn.layers.table",
    "LeakyReLU": "gatecast.nn.layers.activation",
    "LSTM": "gatecast.nn.layers.lstm",
    "Masking": "gatecast.nn.layers.masking",
    "Maximum": "gatecast.nn.layers.merge",
    "MaxPooling1D": "gatecast.nn.layers.pooling",
    "MinGRU": "gatecast.nn.layers.minimal",
    "Minimum": "gatecast.nn.layers.merge",
    "MinLSTM": "gatecast.nn.layers.minimal",
    "Multiply": "gatecast.nn.layers.merge",
    "Permute": "gatecast.nn.layers.reshape",
    "QuantileHead": "gatecast.nn.layers.quantile_head",
    "ReLU": "gatecast.nn.layers.activation",
    "RepeatVector": "gatecast.nn.layers.reshape",
    "Reshape": "gatecast.nn.layers.reshape",
    "Residual": "gatecast.nn.layers.residual",
    "RMSNorm": "gatecast.nn.layers.normalization",
    "Select": "gatecast.nn.layers.select",
    "Shape": "gatecast.nn.layers.shapes",
    "SimpleRNN": "gatecast.nn.layers.simple_rnn",
    "SLSTM": "gatecast.nn.layers.slstm",
    "Softmax": "gatecast.nn.layers.activation",
    "SpatialDropout1D": "gatecast.nn.layers.noise",
    "State": "gatecast.nn.layers.base",
    "StatefulLayer": "gatecast.nn.layers.base",
    "Subtract": "gatecast.nn.layers.merge",
    "TimeDistributed": "gatecast.nn.layers.time_distributed",
}


def __getattr__(name: str) -> object:
    """Import a layer when it is first used."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
