"""Penalties on weights that are added to the loss, under the names of Keras.

Notation: w a weight; the penalty is summed over all weights of an array.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gatecast._utils.keywords import CheckedKeywords
from gatecast._utils.validation import check_non_negative
from gatecast.kernels.packing import Array
from gatecast.nn.named import find_by_name

__all__ = ["L1", "L1L2", "L2", "REGULARIZERS", "Regularizer", "get", "l1", "l1_l2", "l2"]


class Regularizer(metaclass=CheckedKeywords):
    """Base class of penalties, ``l1 sum |w| + l2 sum w^2``."""

    l1: float
    l2: float

    def __call__(self, w: Array) -> float:
        """Compute the penalty of an array.

        >>> L1L2(1.0, 0.5)(np.array([1.0, -2.0]))
        5.5
        """
        l1, l2 = self._factors()
        absolute = float(np.abs(w).sum(dtype=np.float64)) if l1 else 0.0
        return l1 * absolute + (l2 * float(np.square(w, dtype=np.float64).sum()) if l2 else 0.0)

    def gradient(self, w: Array) -> Array:
        """Compute the gradient, ``l1 sign(w) + 2 l2 w``.

        >>> L1L2(1.0, 0.5).gradient(np.array([1.0, -2.0])).tolist()
        [2.0, -3.0]
        """
        l1, l2 = self._factors()
        gradient: Array = w.dtype.type(l1) * np.sign(w) + w.dtype.type(2 * l2) * w
        return gradient

    def _factors(self) -> tuple[float, float]:
        """Return the factors l1 and l2."""
        return getattr(self, "l1", 0.0), getattr(self, "l2", 0.0)


@dataclass(frozen=True)
class L1(Regularizer):
    """``l1 sum |w|``."""

    l1: float = 0.01

    def __post_init__(self) -> None:
        object.__setattr__(self, "l1", check_non_negative(self.l1, "l1", where="L1"))


@dataclass(frozen=True)
class L2(Regularizer):
    """``l2 sum w^2``."""

    l2: float = 0.01

    def __post_init__(self) -> None:
        object.__setattr__(self, "l2", check_non_negative(self.l2, "l2", where="L2"))


@dataclass(frozen=True)
class L1L2(Regularizer):
    """``l1 sum |w| + l2 sum w^2``."""

    l1: float = 0.0
    l2: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "l1", check_non_negative(self.l1 or 0.0, "l1", where="L1L2"))
        object.__setattr__(self, "l2", check_non_negative(self.l2 or 0.0, "l2", where="L1L2"))


l1, l2 = L1, L2
"""Names of Keras 2."""


def l1_l2(l1: float = 0.01, l2: float = 0.01) -> L1L2:
    """Return a penalty of both kinds, as the function of this name in Keras 2.

    >>> l1_l2()
    L1L2(l1=0.01, l2=0.01)
    """
    return L1L2(l1, l2)


REGULARIZERS: Mapping[str, Any] = {"L1": L1, "L2": L2, "L1L2": L1L2}
"""Every penalty by its name."""


def get(regularizer: Any, argument: str = "regularizer", where: str = "") -> Regularizer | None:
    """Return a penalty from its name, its class, or itself; None for None.

    Args:
        regularizer: Such as ``"l2"``, ``L2`` or ``L2(0.001)``.
        argument: Name of the argument that errors name.
        where: Layer that errors name.

    Raises:
        ConfigError: Anything else.

    >>> get("l2"), get(None)
    (L2(l2=0.01), None)
    """
    if regularizer is None:
        return None
    record: Regularizer = find_by_name(regularizer, Regularizer, {"l1": L1, "l2": L2, "l1_l2": l1_l2}, argument, where)
    return record
