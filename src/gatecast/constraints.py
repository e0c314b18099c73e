"""Projections of weights, where Keras has them: `from gatecast.constraints import MaxNorm`."""

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
