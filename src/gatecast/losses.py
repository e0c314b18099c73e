"""Losses, where Keras has them."""

from gatecast.nn.losses import (
    ALIASES,
    LOSSES,
    Huber,
    Loss,
    MeanAbsoluteError,
    MeanSquaredError,
    Pinball,
    get,
    weighted_mean,
)

__all__ = [
    "ALIASES",
    "LOSSES",
    "Huber",
    "Loss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Pinball",
    "get",
    "weighted_mean",
]
