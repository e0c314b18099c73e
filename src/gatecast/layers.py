"""Layers, where Keras has them: `from gatecast.layers import LSTM, Dense`."""

from gatecast._utils.keras_names import missing_name
from gatecast.nn.layers import (
    GRU,
    LAYERS,
    LSTM,
    SLSTM,
    BaseLayer,
    BatchNormalization,
    Bidirectional,
    CallContext,
    Concatenate,
    Dense,
    Dilated,
    Dropout,
    Embedding,
    Input,
    Layer,
    LayerNormalization,
    MinGRU,
    MinLSTM,
    QuantileHead,
    Residual,
    RMSNorm,
    Select,
    Shape,
    SimpleRNN,
    State,
    StatefulLayer,
)

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


def __getattr__(name: str) -> object:
    """Raise an error that says what to write instead of an unknown name."""
    raise missing_name(__name__, name, __all__)
