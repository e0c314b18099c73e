"""`Sequential`, where Keras has it: `from gatecast.models import Sequential`."""

from gatecast.nn.sequential import (
    EarlyStopping,
    History,
    Sequential,
    load_model,
)

__all__ = [
    "EarlyStopping",
    "History",
    "Sequential",
    "load_model",
]
