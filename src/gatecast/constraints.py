"""Projections of weights, where Keras has them: `from gatecast.constraints import MaxNorm`."""

from gatecast._utils.keras_names import missing_name
from gatecast.nn.constraints import (
    CONSTRAINTS,
    Constraint,
    MaxNorm,
    MinMaxNorm,
    NonNeg,
    UnitNorm,
    get,
    max_norm,
    min_max_norm,
    non_neg,
    unit_norm,
)

__all__ = [
    "CONSTRAINTS",
    "Constraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "UnitNorm",
    "get",
    "max_norm",
    "min_max_norm",
    "non_neg",
    "unit_norm",
]


def __getattr__(name: str) -> object:
    """Raise an error that says what to write instead of an unknown name."""
    raise missing_name(__name__, name, __all__)
