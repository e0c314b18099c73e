"""Gradient transformations that chain, and learning rate schedules, in the names of optax.

>>> import numpy as np
>>> optimizer = chain(clip_by_global_norm(1.0), scale_by_adam(), scale_by_learning_rate(0.1))
>>> params = np.array([3.0], np.float32)
>>> state = optimizer.init(params.size)
>>> for step in range(1, 201):
...     apply_updates(optimizer, 2 * params, state, params, step)
>>> bool(abs(params[0]) < 0.01)
True
"""

from gatecast.nn.optim.base import GradientTransformation, apply_updates, chain
from gatecast.nn.optim.decays import (
    DECAYS,
    CosineDecay,
    ExponentialDecay,
    InverseTimeDecay,
    LearningRateSchedule,
    PiecewiseConstantDecay,
    PolynomialDecay,
)
from gatecast.nn.optim.directions import scale_by_adam, scale_by_nadam, scale_by_rms, scale_by_rss
from gatecast.nn.optim.schedules import SCHEDULES, Schedule, constant, cosine, one_cycle, warmup
from gatecast.nn.optim.serialization import from_config, to_config
from gatecast.nn.optim.sparse_adam import SparseAdam
from gatecast.nn.optim.transforms import (
    TRANSFORMS,
    add_decayed_weights,
    clip,
    clip_by_global_norm,
    clip_by_norm,
    ema,
    ema_params,
    learning_rate_at,
    scale_by_learning_rate,
    scale_by_momentum,
)

__all__ = [
    "DECAYS",
    "SCHEDULES",
    "TRANSFORMS",
    "CosineDecay",
    "ExponentialDecay",
    "GradientTransformation",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "Schedule",
    "SparseAdam",
    "add_decayed_weights",
    "apply_updates",
    "chain",
    "clip",
    "clip_by_global_norm",
    "clip_by_norm",
    "constant",
    "cosine",
    "ema",
    "ema_params",
    "from_config",
    "learning_rate_at",
    "one_cycle",
    "scale_by_adam",
    "scale_by_learning_rate",
    "scale_by_momentum",
    "scale_by_nadam",
    "scale_by_rms",
    "scale_by_rss",
    "to_config",
    "warmup",
]
