"""Random numbers that are pure functions of a seed and of what they are for."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["ZeroGenerator", "fold_in", "generator", "hash64"]

_BITS = 0xFFFFFFFFFFFFFFFF


def generator(seed: int, *purpose: int) -> np.random.Generator:
    """Return a random generator that depends on a seed and a purpose alone.

    Args:
        seed: Seed of the run, at least 0.
        *purpose: Numbers that separate the uses of one seed, such as a layer's index or an epoch.

    Example:
        >>> bool(generator(1, 0, 3).random() == generator(1, 0, 3).random())
        True
    """
    return np.random.default_rng((seed, *purpose))


class ZeroGenerator(np.random.Generator):
    """Draws zeros from the distributions of initial weights: for weights that are loaded, shapes are enough.

    Example:
        >>> ZeroGenerator().standard_normal((1, 2)).tolist()
        [[0.0, 0.0]]
    """

    def __init__(self) -> None:
        super().__init__(np.random.PCG64(0))

    def uniform(self, low: Any = 0.0, high: Any = 1.0, size: Any = None) -> Any:  # noqa: ARG002
        """Return zeros."""
        return np.zeros(() if size is None else size)

    def standard_normal(self, size: Any = None, dtype: Any = np.float64, out: Any = None) -> Any:  # noqa: ARG002
        """Return zeros."""
        return np.zeros(() if size is None else size, dtype)


def hash64(seed: int, step: int, purpose: int) -> int:
    """Hash three numbers to 63 well-mixed bits, with the finalizer of splitmix64.

    Args:
        seed: Seed of the run.
        step: Number of the update.
        purpose: Number that separates the uses within an update, such as a layer's index.

    Returns:
        The same integer from 0 to 2^63 - 1 for the same arguments, on every machine.

    Example:
        >>> hash64(1, 2, 3) == hash64(1, 2, 3), hash64(1, 2, 3) == hash64(3, 2, 1)
        (True, False)

    Source: Steele, Lea & Flood 2014.
    """
    z = (seed * 0x9E3779B97F4A7C15 + step * 0xD1342543DE82EF95 + purpose * 0xDA942042E4DD58B5) & _BITS
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _BITS
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _BITS
    return (z ^ (z >> 31)) >> 1


def fold_in(key: int, purpose: int) -> int:
    """Derive a key for one of several uses within a layer.

    Args:
        key: Key of the layer in this pass.
        purpose: Number of the use, at least 0.

    Example:
        >>> fold_in(7, 0) == fold_in(7, 1)
        False
    """
    return hash64(key, 0, purpose + 1)
