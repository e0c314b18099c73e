"""Initial matrices have the distribution that they are named after."""

from __future__ import annotations

import numpy as np
import pytest
from tolerances import close, rounding

from gatecast.nn.initializers import glorot_uniform, orthogonal
from gatecast.nn.random import ZeroGenerator


def test_glorot_uniform_fills_its_range_with_the_right_variance(rng):
    W = glorot_uniform(rng, 30, 120)
    limit = np.sqrt(6 / 150)
    assert W.dtype == np.float32
    assert 0.95 * limit < np.abs(W).max() <= limit
    # A uniform variable has variance limit^2 / 3; the mean of n squares strays by 0.9 / sqrt(n).
    assert abs(W.var() / (limit**2 / 3) - 1) < 4 * 0.9 / np.sqrt(W.size)


@pytest.mark.parametrize(("rows", "columns"), [(5, 20), (20, 5), (7, 7), (1, 4)])
def test_orthogonal_has_orthonormal_rows_or_columns(rows, columns, rng):
    W = orthogonal(rng, rows, columns).astype(np.float64)
    square = W @ W.T if rows <= columns else W.T @ W
    close(square, np.eye(min(rows, columns)), rounding(4 * max(rows, columns)))


def test_orthogonal_draws_both_signs():
    assert {np.sign(orthogonal(np.random.default_rng(seed), 1, 1)[0, 0]) for seed in range(20)} == {-1.0, 1.0}


@pytest.mark.parametrize("draw", [glorot_uniform, orthogonal])
def test_zero_generator_gives_zeros_of_the_same_shape_and_kind(draw, rng):
    zeros, drawn = draw(ZeroGenerator(), 3, 8), draw(rng, 3, 8)
    assert (zeros.shape, zeros.dtype, zeros.flags.c_contiguous) == (drawn.shape, drawn.dtype, True)
    assert not zeros.any()
