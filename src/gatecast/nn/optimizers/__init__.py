"""The optimizers of Keras: settings that may change while a model is trained, on top of `gatecast.nn.optim`."""

from gatecast.nn.optimizers.base import Optimizer, TransformationOptimizer
from gatecast.nn.optimizers.optimizers import (
    OPTIMIZERS,
    SGD,
    Adagrad,
    Adam,
    AdamW,
    Nadam,
    RMSprop,
    from_data,
    get,
)

__all__ = [
    "OPTIMIZERS",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "TransformationOptimizer",
    "from_data",
    "get",
]
