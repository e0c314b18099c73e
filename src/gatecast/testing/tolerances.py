"""How far two results may lie apart, and why: the table that tests take their tolerances from.

Notation: n is the number of rounded operations on the way to a result, eps the spacing of numbers at 1, h the step of
a difference quotient. A tolerance is relative to the size of the terms that are added up, not of their sum.

| comparison                 | error                                         | tolerance                |
|----------------------------|-----------------------------------------------|--------------------------|
| n rounded operations       | a random walk of n steps of eps / 2           | rounding(n), eps sqrt(n) |
| central difference, step h | h^2 / 6 of the third derivative, plus eps / h | difference(), eps^(2/3)  |

Both are multiplied by SAFETY; h = eps^(1/3) balances the two errors of a difference.
"""

from __future__ import annotations

import numpy as np

__all__ = ["EPS32", "EPS64", "SAFETY", "close", "difference", "rounding", "step"]

EPS32 = float(np.finfo(np.float32).eps)
"""Spacing of float32 numbers at 1."""

EPS64 = float(np.finfo(np.float64).eps)
"""Spacing of float64 numbers at 1."""

SAFETY = 8.0
"""Number of standard deviations: a random walk strays further less than once in 10^14 times. The kernels' exp and tanh,
each a few eps off, also fit within it."""


def rounding(n: int, eps: float = EPS32) -> float:
    """Return the relative tolerance of a result of n rounded operations.

    Args:
        n: Number of rounded operations.
        eps: Spacing of numbers at 1.

    Example:
        >>> rounding(100) == 80 * EPS32
        True
    """
    return SAFETY * eps * float(np.sqrt(n))


def step(eps: float = EPS64) -> float:
    """Return the step of a central difference that balances its two errors.

    Args:
        eps: Spacing of numbers at 1.

    Example:
        >>> round(step(1e-6), 6)
        0.01
    """
    return float(eps ** (1 / 3))


def difference(eps: float = EPS64) -> float:
    """Return the relative tolerance of a central difference with the step of `step`.

    Args:
        eps: Spacing of numbers at 1.

    Example:
        >>> difference() < 1e-9
        True
    """
    return SAFETY * float(eps ** (2 / 3))


def close(actual: object, expected: object, relative: float, scale: float | None = None) -> None:
    """Raise an error unless two arrays agree.

    Args:
        actual: Computed numbers.
        expected: Expected numbers, of the same shape.
        relative: Tolerance relative to `scale`. NaN never agrees.
        scale: Size of the terms that are added up; None: the largest expected number, and at least 1.

    Raises:
        AssertionError: If the shapes differ, or a number is off by more than the tolerance.

    Example:
        >>> close([1.0, 2.0], [1.0, 2.0 + 1e-9], 1e-8)
    """
    numbers, wanted = np.asarray(actual, np.float64), np.asarray(expected, np.float64)
    if numbers.shape != wanted.shape:
        raise AssertionError(f"shape {numbers.shape}, expected {wanted.shape}")
    size = max(1.0, float(np.abs(wanted).max(initial=0.0))) if scale is None else scale
    error = float(np.abs(numbers - wanted).max(initial=0.0))
    if not error <= relative * size:
        raise AssertionError(f"off by {error:.3g}, allowed {relative * size:.3g}")
