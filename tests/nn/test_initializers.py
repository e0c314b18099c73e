"""Initial matrices have the distribution that they are named after."""

from __future__ import annotations

import numpy as np
import pytest
from tolerances import close, rounding

from gatecast import constraints, initializers, regularizers
from gatecast.errors import ConfigError
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


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: initializers.HeNormal(sede=1), "Unknown argument 'sede' (HeNormal). Did you mean seed?"),
        (lambda: initializers.HeNormal(seed="a"), "Invalid seed 'a' (HeNormal): expected an integer of at least 0"),
        (lambda: initializers.RandomNormal(stddev="a"), "Invalid stddev 'a' (RandomNormal)"),
        (lambda: initializers.TruncatedNormal(stddev=-1), "Invalid stddev -1 (TruncatedNormal)"),
        (lambda: initializers.RandomUniform(1, "a"), "Invalid maxval 'a' (RandomUniform): expected a number"),
        (lambda: initializers.Constant("a"), "Invalid value 'a' (Constant)"),
        (lambda: initializers.Identity(None), "Invalid gain None (Identity)"),
        (lambda: initializers.VarianceScaling(mode="fanin"), "Invalid mode 'fanin' (VarianceScaling)"),
        (lambda: initializers.VarianceScaling(distribution="normal"), "Invalid distribution 'normal'"),
        (lambda: initializers.VarianceScaling(scale=0), "Invalid scale 0 (VarianceScaling)"),
        (lambda: constraints.MaxNorm("a"), "Invalid max_value 'a' (MaxNorm): expected a number of at least 0"),
        (lambda: constraints.MaxNorm(max=3), "Unknown argument 'max' (MaxNorm). Arguments: max_value, axis"),
        (lambda: constraints.MinMaxNorm(rate="a"), "Invalid rate 'a' (MinMaxNorm)"),
        (lambda: constraints.UnitNorm(axis="a"), "Invalid axis 'a' (UnitNorm): expected an integer"),
        (lambda: regularizers.L2(penalty=0.1), "Unknown argument 'penalty' (L2). Arguments: l2"),
        (lambda: regularizers.L1("a"), "Invalid l1 'a' (L1)"),
    ],
)
def test_impossible_settings_of_initializers_penalties_and_projections_are_named(make, text):
    with pytest.raises(ConfigError) as caught:
        make()
    assert text in str(caught.value)
