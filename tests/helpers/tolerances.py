"""How far two results may lie apart, and why: the one table that tests take tolerances from.

Letters: n rounded operations on the way to a result, eps the spacing of numbers at 1, h the step of a
difference quotient. A tolerance is relative to the size of the terms that were added up, not of their sum.

| what is compared           | error                                         | tolerance                |
|----------------------------|-----------------------------------------------|--------------------------|
| n rounded operations       | a walk of n random steps of eps / 2           | rounding(n), eps sqrt(n) |
| central difference, step h | h^2 / 6 of the third derivative, plus eps / h | difference(), eps^(2/3)  |

both times SAFETY; h = eps^(1/3) balances the two errors of a difference.
"""

from __future__ import annotations

import numpy as np

EPS32 = float(np.finfo(np.float32).eps)
EPS64 = float(np.finfo(np.float64).eps)

SAFETY = 8.0
"""A walk of n steps strays more than 8 of its standard deviations less than once in 10^14 times; the kernels'
exp and tanh, each a few eps off, also live here."""


def rounding(n: int, eps: float = EPS32) -> float:
    """Relative error of a result of n rounded operations."""
    return SAFETY * eps * float(np.sqrt(n))


def step(eps: float = EPS64) -> float:
    """The step of a central difference that balances its two errors."""
    return float(eps ** (1 / 3))


def difference(eps: float = EPS64) -> float:
    """Relative error of a central difference with that step."""
    return SAFETY * float(eps ** (2 / 3))


def close(actual: object, expected: object, relative: float, scale: float | None = None) -> None:
    """Assert that arrays agree within `relative` of the size of the terms, by default the largest."""
    actual, expected = np.asarray(actual, np.float64), np.asarray(expected, np.float64)
    assert actual.shape == expected.shape
    size = max(1.0, float(np.abs(expected).max(initial=0.0))) if scale is None else scale
    worst = float(np.abs(actual - expected).max(initial=0.0))
    assert worst <= relative * size, f"off by {worst:.3g}, allowed {relative * size:.3g}"
