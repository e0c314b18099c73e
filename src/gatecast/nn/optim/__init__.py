"""Optimizers: gradient transformations that chain, learning rate schedules, and the optimizers of Keras.

>>> import numpy as np
>>> optimizer = chain(clip_by_global_norm(1.0), scale_by_adam(), scale_by_learning_rate(0.1))
>>> params = np.array([3.0], np.float32)
>>> state = optimizer.init(params.size)
>>> for step in range(1, 201):
...     apply_updates(optimizer, 2 * params, state, params, step)
>>> bool(abs(params[0]) < 0.01)
True
"""

from gatecast.nn.optim.optimizers import OPTIMIZERS, SGD, Adam, AdamW, RMSprop, get
from gatecast.nn.optim.schedules import SCHEDULES, Schedule, constant, cosine, one_cycle, warmup
from gatecast.nn.optim.serialization import from_config, to_config
from gatecast.nn.optim.sparse_adam import SparseAdam
from gatecast.nn.optim.transforms import (
    TRANSFORMS,
    GradientTransformation,
    add_decayed_weights,
    apply_updates,
    chain,
    clip,
    clip_by_global_norm,
    ema,
    ema_params,
    learning_rate_at,
    scale_by_adam,
    scale_by_learning_rate,
    scale_by_momentum,
    scale_by_rms,
)

__all__ = [
    "OPTIMIZERS",
    "SCHEDULES",
    "SGD",
    "TRANSFORMS",
    "Adam",
    "AdamW",
    "GradientTransformation",
    "RMSprop",
    "Schedule",
    "SparseAdam",
    "add_decayed_weights",
    "apply_updates",
    "chain",
    "clip",
    "clip_by_global_norm",
    "constant",
    "cosine",
    "ema",
    "ema_params",
    "from_config",
    "get",
    "learning_rate_at",
    "one_cycle",
    "scale_by_adam",
    "scale_by_learning_rate",
    "scale_by_momentum",
    "scale_by_rms",
    "to_config",
    "warmup",
]
