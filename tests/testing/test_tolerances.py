"""The tolerances hold what they promise."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.testing.tolerances import EPS32, EPS64, close, difference, rounding, step


def test_rounding_covers_a_sum_in_float32(rng):
    x = rng.normal(size=10_000).astype(np.float32)
    total = np.float32(0)
    for value in x:
        total += value
    close(total, x.sum(dtype=np.float64), rounding(len(x)), scale=float(np.abs(np.cumsum(x)).max()))


@pytest.mark.parametrize("eps", [EPS32, EPS64])
def test_difference_covers_a_central_difference(eps):
    kind, h = (np.float32, np.float32(step(eps))) if eps == EPS32 else (np.float64, step(eps))
    x = np.linspace(-2, 2, 99, dtype=kind)
    close((np.sin(x + h) - np.sin(x - h)) / (2 * h), np.cos(x.astype(np.float64)), difference(eps))


@pytest.mark.parametrize("actual", [[1.0, 2.1], [1.0, np.nan], [1.0]])
def test_close_of_other_numbers_or_shapes_raises_assertion_error(actual):
    with pytest.raises(AssertionError, match=r"off by|shape"):
        close(actual, [1.0, 2.0], 1e-3)
