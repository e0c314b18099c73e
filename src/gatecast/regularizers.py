"""Penalties on weights, where Keras has them: `from gatecast.regularizers import L2`."""

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
