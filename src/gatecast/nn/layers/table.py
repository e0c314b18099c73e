"""The table of all layers: those that a network and a file may contain."""

from __future__ import annotations

from typing import Any

from gatecast.nn.layers.activation import ELU, Activation, LeakyReLU, ReLU, Softmax
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
from gatecast.nn.layers.simple_rnn import SimpleRNN
from gatecast.nn.layers.slstm import SLSTM
from gatecast.nn.layers.time_distributed import TimeDistributed

__all__ = ["LAYERS"]

LAYERS: dict[str, Any] = {
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
        ELU,
        Activation,
        LeakyReLU,
        ReLU,
        Softmax,
        Conv1D,
        Masking,
        GaussianNoise,
        SpatialDropout1D,
        AveragePooling1D,
        GlobalAveragePooling1D,
        GlobalMaxPooling1D,
        MaxPooling1D,
        Flatten,
        Permute,
        RepeatVector,
        Reshape,
        TimeDistributed,
        Add,
        Average,
        Maximum,
        Minimum,
        Multiply,
        Subtract,
        Graph,
    )
}
"""Every layer by its name; a program adds its own before it saves or loads them."""
