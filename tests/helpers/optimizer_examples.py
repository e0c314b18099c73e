"""An example of every optimizer and gradient transformation, and runs of them."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.optim import (
    add_decayed_weights,
    apply_updates,
    chain,
    clip,
    clip_by_global_norm,
    clip_by_norm,
    cosine,
    ema,
    one_cycle,
    scale_by_adam,
    scale_by_learning_rate,
    scale_by_momentum,
    scale_by_nadam,
    scale_by_rms,
    scale_by_rss,
    warmup,
)
from gatecast.optimizers import SGD, Adagrad, Adam, AdamW, Nadam, RMSprop
from gatecast.optimizers.schedules import ExponentialDecay

OPTIMIZER_EXAMPLES = {
    "adam": Adam(0.05),
    "adamw": AdamW(0.05, weight_decay=1e-4),
    "sgd": SGD(0.1),
    "sgd with momentum": SGD(0.05, momentum=0.8),
    "sgd with nesterov": SGD(0.05, momentum=0.8, nesterov=True),
    "rmsprop": RMSprop(0.02),
    "rmsprop with momentum": RMSprop(0.01, momentum=0.5),
    "adagrad": Adagrad(0.5),
    "nadam": Nadam(0.05),
    "clipped, on a schedule": Adam(ExponentialDecay(0.1, 100, 0.5), clipvalue=0.9),
}
CHAIN = chain(
    clip_by_global_norm(1.0),
    clip(0.9),
    scale_by_adam(),
    scale_by_learning_rate(warmup(cosine(0.1, 400), 10)),
    ema(0.9),
)
TRANSFORM_EXAMPLES = {
    "clip": clip(0.5),
    "clip_by_norm": clip_by_norm(0.5, (30, 7)),
    "clip_by_global_norm": clip_by_global_norm(0.5),
    "scale_by_adam": scale_by_adam(),
    "scale_by_nadam": scale_by_nadam(),
    "scale_by_rms": scale_by_rms(),
    "scale_by_rss": scale_by_rss(),
    "scale_by_momentum": scale_by_momentum(0.5, nesterov=True),
    "add_decayed_weights": add_decayed_weights(0.1),
    "scale_by_learning_rate": scale_by_learning_rate(one_cycle(0.1, 20)),
    "ema": ema(0.5),
}
TRANSFORMATIONS = {name: optimizer.transformation() for name, optimizer in OPTIMIZER_EXAMPLES.items()} | {
    "chain": CHAIN
}
every_optimizer = pytest.mark.parametrize("optimizer", TRANSFORMATIONS.values(), ids=TRANSFORMATIONS)
every_transform = pytest.mark.parametrize(
    "transform", (TRANSFORMATIONS | TRANSFORM_EXAMPLES).values(), ids=TRANSFORMATIONS | TRANSFORM_EXAMPLES
)
every_config = pytest.mark.parametrize(
    "transform", [CHAIN, *TRANSFORM_EXAMPLES.values()], ids=["chain", *TRANSFORM_EXAMPLES]
)


def gradients(rng, steps=30, n=37):
    """Return random gradients."""
    return [rng.normal(size=n).astype(np.float32) for _ in range(steps)]


def run(optimizer, gs, params, state=None, first=1):
    """Return the parameters after updates, and the state."""
    params, state = params.copy(), optimizer.init(params.size) if state is None else state
    for step, g in enumerate(gs, first):
        apply_updates(optimizer, g.copy(), state, params, step)
    return params, state
