"""Projections that weights go through after every update, under the names of Keras.

Norms are taken along `axis`; for axis 0 of a kernel (F, M) every column, the weights of one unit, has its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from gatecast._utils.keywords import CheckedKeywords
from gatecast._utils.validation import check_non_negative
from gatecast.errors import ConfigError
from gatecast.kernels.packing import Array
from gatecast.nn.named import find_by_name, snake_case

__all__ = [
    "CONSTRAINTS",
    "Constraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "UnitNorm",
    "get",
    "max_norm",
    "min_max_norm",
    "non_neg",
    "unit_norm",
]

EPSILON = np.float32(1e-7)


class Constraint(metaclass=CheckedKeywords):
    """Base class of projections.

    Raises:
        ConfigError: A norm or rate below 0, or an axis that is no integer.
    """

    def __post_init__(self) -> None:
        """Check the settings of a projection that is a dataclass."""
        where = type(self).__name__
        for field in fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if field.name != "axis":
                check_non_negative(value, field.name, where=where)
            elif isinstance(value, bool) or not hasattr(value, "__index__"):
                expected, what = "an integer", f"Invalid axis {value!r}"
                raise ConfigError(what, where=where, expected=expected, argument="axis")

    def __call__(self, w: Array) -> Array:
        """Return the projected weights."""
        raise NotImplementedError


@dataclass(frozen=True)
class MaxNorm(Constraint):
    """Scale weights down whose norm is above `max_value` (Srivastava et al. 2014).

    >>> MaxNorm(1.0)(np.array([[3.0], [4.0]])).round(3).tolist()
    [[0.6], [0.8]]
    """

    max_value: float = 2.0
    axis: int = 0

    def __call__(self, w: Array) -> Array:
        """Return the projected weights."""
        norms = _norms(w, self.axis)
        return _scaled(w, np.clip(norms, 0, self.max_value) / (EPSILON + norms))


@dataclass(frozen=True)
class NonNeg(Constraint):
    """Set weights below zero to zero.

    >>> NonNeg()(np.array([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """

    def __call__(self, w: Array) -> Array:
        """Return the projected weights."""
        return np.maximum(w, 0)


@dataclass(frozen=True)
class UnitNorm(Constraint):
    """Scale weights to norm 1.

    >>> UnitNorm()(np.array([[3.0], [4.0]])).round(3).tolist()
    [[0.6], [0.8]]
    """

    axis: int = 0

    def __call__(self, w: Array) -> Array:
        """Return the projected weights."""
        return _scaled(w, 1 / (EPSILON + _norms(w, self.axis)))


@dataclass(frozen=True)
class MinMaxNorm(Constraint):
    """Move norms towards the range from `min_value` to `max_value`, all the way if `rate` is 1.

    >>> MinMaxNorm(0.0, 1.0)(np.array([[3.0], [4.0]])).round(3).tolist()
    [[0.6], [0.8]]
    """

    min_value: float = 0.0
    max_value: float = 1.0
    rate: float = 1.0
    axis: int = 0

    def __call__(self, w: Array) -> Array:
        """Return the projected weights."""
        norms = _norms(w, self.axis)
        wanted = self.rate * np.clip(norms, self.min_value, self.max_value) + (1 - self.rate) * norms
        return _scaled(w, wanted / (EPSILON + norms))


max_norm, non_neg, unit_norm, min_max_norm = MaxNorm, NonNeg, UnitNorm, MinMaxNorm
"""Names of Keras 2."""

CONSTRAINTS: Mapping[str, Any] = {kind.__name__: kind for kind in (MaxNorm, NonNeg, UnitNorm, MinMaxNorm)}
"""Every projection by its name."""


def get(constraint: Any, argument: str = "constraint", where: str = "") -> Constraint | None:
    """Return a projection from its name, its class, or itself; None for None.

    Args:
        constraint: Such as ``"non_neg"``, ``NonNeg`` or ``MaxNorm(3)``.
        argument: Name of the argument that errors name.
        where: Layer that errors name.

    Raises:
        ConfigError: Anything else.

    >>> get("max_norm"), get(None)
    (MaxNorm(max_value=2.0, axis=0), None)
    """
    if constraint is None:
        return None
    kinds = {snake_case(name): kind for name, kind in CONSTRAINTS.items()}
    record: Constraint = find_by_name(constraint, Constraint, kinds, argument, where)
    return record


def _norms(w: Array, axis: int) -> Array:
    """Return the norms along an axis, which stays with length 1."""
    norms: Array = np.sqrt(np.square(w).sum(axis=axis, keepdims=True))
    return norms


def _scaled(w: Array, factors: Array) -> Array:
    """Return scaled weights, in their own type."""
    scaled: Array = (w * factors).astype(w.dtype)
    return scaled
