"""Gradient transformations that chain, and schedules, in the names of optax; `gatecast.optimizers` is for Keras."""

from gatecast._utils.keras_names import missing_name
from gatecast.nn.optim import (
    SCHEDULES,
    TRANSFORMS,
    GradientTransformation,
    Schedule,
    add_decayed_weights,
    apply_updates,
    chain,
    clip,
    clip_by_global_norm,
    clip_by_norm,
    constant,
    cosine,
    ema,
    ema_params,
    from_config,
    learning_rate_at,
    one_cycle,
    scale_by_adam,
    scale_by_learning_rate,
    scale_by_momentum,
    scale_by_nadam,
    scale_by_rms,
    scale_by_rss,
    to_config,
    warmup,
)

__all__ = [
    "SCHEDULES",
    "TRANSFORMS",
    "GradientTransformation",
    "Schedule",
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


def __getattr__(name: str) -> object:
    """Raise an error that says what to write instead of an unknown name."""
    raise missing_name(__name__, name, __all__)
