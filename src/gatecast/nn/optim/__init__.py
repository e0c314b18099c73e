"""Optimisers: chains of links over one flat vector, by the names of Keras.

Letters: lr learning rate, m' and v' Adam's moments (see `links`), g gradient.

>>> import numpy as np
>>> optimizer = chain(clip_by_global_norm(1.0), scale_by_adam(), scale_by_learning_rate(0.1))
>>> params = np.array([3.0], np.float32)
>>> state = optimizer.init(params.size)
>>> for step in range(1, 201):
...     apply_updates(optimizer, 2 * params, state, params, step)
>>> bool(abs(params[0]) < 0.01)
True
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from numbers import Real
from typing import Any

from gatecast.errors import ConfigError
from gatecast.nn.optim.schedules import SCHEDULES, Rate, constant, cosine, one_cycle, warmup
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
    learning_rate,
    scale_by_adam,
    scale_by_learning_rate,
    scale_by_momentum,
    scale_by_rms,
)

__all__ = [
    "OPTIMIZERS",
    "SGD",
    "TRANSFORMS",
    "Adam",
    "AdamW",
    "GradientTransformation",
    "RMSprop",
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
    "learning_rate",
    "one_cycle",
    "scale_by_adam",
    "scale_by_learning_rate",
    "scale_by_momentum",
    "scale_by_rms",
    "to_config",
    "warmup",
]


def Adam(  # noqa: N802
    learning_rate: float | Rate = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7
) -> GradientTransformation:
    """Adam: ``params -= lr m' / (sqrt(v') + eps)``; see `scale_by_adam`.

    >>> Adam() == Adam(learning_rate=0.001)
    True
    """
    return chain(scale_by_adam(beta_1, beta_2, epsilon), scale_by_learning_rate(learning_rate))


def AdamW(  # noqa: N802
    learning_rate: float | Rate = 0.001,
    weight_decay: float = 0.004,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-7,
) -> GradientTransformation:
    """Adam with weight decay: ``params -= lr (m' / (sqrt(v') + eps) + weight_decay params)``.

    >>> [link.name for link in AdamW().config["links"]]
    ['scale_by_adam', 'add_decayed_weights', 'scale_by_learning_rate']
    """
    return chain(
        scale_by_adam(beta_1, beta_2, epsilon),
        add_decayed_weights(weight_decay),
        scale_by_learning_rate(learning_rate),
    )


def SGD(  # noqa: N802
    learning_rate: float | Rate = 0.01, momentum: float = 0.0, nesterov: bool = False
) -> GradientTransformation:
    """Gradient descent: ``params -= lr g``, with momentum if asked; see `scale_by_momentum`.

    >>> [link.name for link in SGD(momentum=0.9).config["links"]]
    ['scale_by_learning_rate', 'scale_by_momentum']
    """
    # The rate comes first, as in Keras: the momentum then remembers steps, not gradients.
    steps = scale_by_learning_rate(learning_rate)
    return chain(steps, scale_by_momentum(momentum, nesterov)) if momentum else chain(steps)


def RMSprop(  # noqa: N802
    learning_rate: float | Rate = 0.001, rho: float = 0.9, momentum: float = 0.0, epsilon: float = 1e-7
) -> GradientTransformation:
    """RMSprop: ``params -= lr g / sqrt(v + eps)``, with momentum if asked; see `scale_by_rms`.

    >>> [link.name for link in RMSprop().config["links"]]
    ['scale_by_rms', 'scale_by_learning_rate']
    """
    steps = chain(scale_by_rms(rho, epsilon), scale_by_learning_rate(learning_rate))
    return chain(steps, scale_by_momentum(momentum)) if momentum else steps


OPTIMIZERS: Mapping[str, Callable[[], GradientTransformation]] = {
    "adam": Adam,
    "adamw": AdamW,
    "sgd": SGD,
    "rmsprop": RMSprop,
}
"""Every optimiser by Keras' name."""


def get(optimizer: str | GradientTransformation) -> GradientTransformation:
    """An optimiser by Keras' name, with its default settings, or the optimiser itself.

    Args:
        optimizer: "adam", "adamw", "sgd", "rmsprop", or a link.

    Raises:
        ConfigError: An unknown name, or something that is no link.

    >>> get("adam") == Adam()
    True
    """
    if isinstance(optimizer, GradientTransformation):
        return optimizer
    if isinstance(optimizer, str) and optimizer.lower() in OPTIMIZERS:
        return OPTIMIZERS[optimizer.lower()]()
    raise ConfigError(
        "there is no optimizer of this name" if isinstance(optimizer, str) else "this is not an optimizer",
        got=repr(optimizer),
        expected=f"one of {', '.join(OPTIMIZERS)}, or one made by gatecast.nn.optim",
        fix='Write, say, optimizer="adam" or optimizer=Adam(learning_rate=0.001).',
    )


def to_config(thing: Any) -> Any:
    """An optimiser or a schedule as plain dicts and lists, for a file.

    Raises:
        ConfigError: A learning rate that is a function of the user's own.

    >>> to_config(SGD(0.1))
    {'chain': [{'scale_by_learning_rate': {'rate': 0.1}}]}
    """
    if isinstance(thing, GradientTransformation) and thing.name == "chain":
        return {"chain": [to_config(link) for link in thing.config["links"]]}
    if isinstance(thing, GradientTransformation):
        return {thing.name: {name: to_config(value) for name, value in thing.config.items()}}
    if type(thing) in SCHEDULES.values():
        return {type(thing).__name__: {f.name: to_config(getattr(thing, f.name)) for f in fields(thing)}}
    if isinstance(thing, bool | int):
        return thing
    if isinstance(thing, Real):
        return float(thing)
    raise ConfigError(
        "a learning rate that is a function of your own cannot be written to a file",
        got=repr(thing),
        expected="a number or a schedule of gatecast.nn.optim",
    )


def from_config(config: Any) -> Any:
    """The inverse of `to_config`.

    Raises:
        ConfigError: A name that is not known, or settings that are not possible.

    >>> from_config(to_config(Adam(cosine(0.1, 100)))) == Adam(cosine(0.1, 100))
    True
    """
    if not isinstance(config, Mapping):
        return config
    (name, settings), *more = config.items() or [("", None)]
    if name == "chain" and isinstance(settings, Sequence) and not more:
        return chain(*(from_config(link) for link in settings))
    make = TRANSFORMS.get(name) or SCHEDULES.get(name)
    if make is None or more or not isinstance(settings, Mapping):
        raise ConfigError("this is not the description of an optimizer", got=repr(config))
    try:
        return make(**{key: from_config(value) for key, value in settings.items()})
    except TypeError as error:
        raise ConfigError(f"{name} cannot be made from these settings", got=repr(dict(settings))) from error
