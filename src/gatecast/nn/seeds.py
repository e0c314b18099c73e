"""The seed of models that are built without one, as `set_random_seed` of Keras sets it."""

from __future__ import annotations

import random

import numpy as np

from gatecast._utils.validation import check_seed
from gatecast.nn.random import hash64

__all__ = ["clear_session", "next_model_seed", "set_random_seed"]

_session: dict[str, int] = {}


def set_random_seed(seed: int) -> None:
    """Seed Python, NumPy and the models that are built from now on without a seed of their own.

    Without it, such a model has the seed 0: results repeat in any case.

    Args:
        seed: A non-negative integer.

    Raises:
        ConfigError: Another object.

    >>> set_random_seed(7)
    >>> next_model_seed()
    7
    >>> clear_session()
    """
    seed = check_seed(seed)
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - scripts draw from the global generator
    _session.update(seed=seed, models=0)


def clear_session(free_memory: bool = True) -> None:  # noqa: ARG001
    """Forget the seed of `set_random_seed`; nothing else is global here.

    Args:
        free_memory: For scripts written for Keras.

    >>> clear_session()
    """
    _session.clear()


def next_model_seed() -> int:
    """Return the seed of a model that is built without one: 0, or one after another from `set_random_seed`.

    >>> next_model_seed()
    0
    """
    if "seed" not in _session:
        return 0
    number = _session["models"]
    _session["models"] += 1
    return hash64(_session["seed"], number, 0) if number else _session["seed"]
