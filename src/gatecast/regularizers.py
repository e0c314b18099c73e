"""Penalties on weights, where Keras has them: `from gatecast.regularizers import L2`."""

from gatecast._utils.keras_names import missing_name
from gatecast.nn.regularizers import (
    L1,
    L1L2,
    L2,
    REGULARIZERS,
    Regularizer,
    get,
    l1,
    l1_l2,
    l2,
)

__all__ = [
    "L1",
    "L1L2",
    "L2",
    "REGULARIZERS",
    "Regularizer",
    "get",
    "l1",
    "l1_l2",
    "l2",
]


def __getattr__(name: str) -> object:
    """Raise an error that says what to write instead of an unknown name."""
    raise missing_name(__name__, name, __all__)
