"""The table of all layers: those that a network and a file may contain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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

__all__ = ["LAYERS"]

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
"""Every layer by its name."""
