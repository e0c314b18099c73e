"""Optimizers under their names in Keras: chains of gradient transformations.

Notation: lr learning rate, g gradient, m' and v' the corrected moments of Adam (see `transforms`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gatecast.errors import ConfigError
from gatecast.nn.optim.schedules import Schedule
from gatecast.nn.optim.transforms import (
    GradientTransformation,
    add_decayed_weights,
    chain,
    scale_by_adam,
    scale_by_learning_rate,
    scale_by_momentum,
    scale_by_rms,
)

__all__ = ["OPTIMIZERS", "SGD", "Adam", "AdamW", "RMSprop", "get"]


def Adam(  # noqa: N802
    learning_rate: float | Schedule = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7
) -> GradientTransformation:
    """Return Adam: ``params -= lr m' / (sqrt(v') + epsilon)``; see `scale_by_adam`.

    >>> Adam() == Adam(learning_rate=0.001)
    True
    """
    return chain(scale_by_adam(beta_1, beta_2, epsilon), scale_by_learning_rate(learning_rate))


def AdamW(  # noqa: N802
    learning_rate: float | Schedule = 0.001,
    weight_decay: float = 0.004,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-7,
) -> GradientTransformation:
    """Return Adam with weight decay: ``params -= lr (m' / (sqrt(v') + epsilon) + weight_decay params)``.

    >>> [transform.name for transform in AdamW().config["transforms"]]
    ['scale_by_adam', 'add_decayed_weights', 'scale_by_learning_rate']
    """
    return chain(
        scale_by_adam(beta_1, beta_2, epsilon),
        add_decayed_weights(weight_decay),
        scale_by_learning_rate(learning_rate),
    )


def SGD(  # noqa: N802
    learning_rate: float | Schedule = 0.01, momentum: float = 0.0, nesterov: bool = False
) -> GradientTransformation:
    """Return gradient descent: ``params -= lr g``, with optional momentum; see `scale_by_momentum`.

    >>> [transform.name for transform in SGD(momentum=0.9).config["transforms"]]
    ['scale_by_learning_rate', 'scale_by_momentum']
    """
    # The learning rate comes first, as in Keras: the momentum accumulates steps, not gradients.
    steps = scale_by_learning_rate(learning_rate)
    return chain(steps, scale_by_momentum(momentum, nesterov)) if momentum else chain(steps)


def RMSprop(  # noqa: N802
    learning_rate: float | Schedule = 0.001, rho: float = 0.9, momentum: float = 0.0, epsilon: float = 1e-7
) -> GradientTransformation:
    """Return RMSprop: ``params -= lr g / sqrt(v + epsilon)``, with optional momentum; see `scale_by_rms`.

    >>> [transform.name for transform in RMSprop().config["transforms"]]
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
"""All optimizers by name."""


def get(optimizer: str | GradientTransformation) -> GradientTransformation:
    """Return an optimizer: by its name in Keras, with default settings, or the one passed.

    Args:
        optimizer: "adam", "adamw", "sgd", "rmsprop", or a gradient transformation.

    Raises:
        ConfigError: An unknown name, or another object.

    >>> get("adam") == Adam()
    True
    """
    if isinstance(optimizer, GradientTransformation):
        return optimizer
    if isinstance(optimizer, str) and optimizer.lower() in OPTIMIZERS:
        return OPTIMIZERS[optimizer.lower()]()
    raise ConfigError(
        f"{'Unknown' if isinstance(optimizer, str) else 'Invalid'} optimizer {optimizer!r}",
        expected=f"one of {', '.join(OPTIMIZERS)}, or one made by gatecast.optim",
        fix='For example, optimizer="adam" or optimizer=Adam(learning_rate=0.001).',
        argument="optimizer",
    )
