"""Sign flips and the test of all pairs: beside scipy's values, and what must hold for any numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.errors import DataError
from gatecast.evaluation.significance import ALPHA, MAX_EXACT_PAIRS, N_DRAWS, compare_all, pairs_needed, sign_flip

# scipy 1.x: permutation_test((d,), np.mean, permutation_type="samples", n_resamples=np.inf).pvalue
SCIPY = [
    ([-0.4, -0.92, 0.15, 0.82], 0.875),
    ([1.54, 0.51, -0.15, -0.38, 1.15, 2.03, 0.67, -0.83], 0.1640625),
    ([-0.56, 2.0, 0.6, -1.33, 0.32, -0.76, -0.23, -0.09, -0.31, 0.95, 0.34, -0.19], 0.818359375),
]
# The same, of more values than are looked at one by one.
SCIPY_LONG = (
    [0.81, 1.23, -1.24, 0.14, -0.58, 0.23, -0.89, 0.42, 0.36, 0.1, -0.65, 0.0, -0.69, -0.96, 0.62],
    0.69873046875,
)

FINITE = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=MAX_EXACT_PAIRS - 4)


@pytest.mark.parametrize(("differences", "p"), SCIPY)
def test_few_differences_give_scipys_exact_value(differences, p):
    assert sign_flip(differences) == p
    assert sign_flip([np.nan, *differences, np.nan]) == p


def test_many_differences_come_as_near_as_their_number_of_draws_allows():
    differences, p = SCIPY_LONG
    assert len(differences) > MAX_EXACT_PAIRS
    assert abs(sign_flip(differences) - p) < 4 * np.sqrt(p * (1 - p) / N_DRAWS)
    assert sign_flip(differences, seed=3) == sign_flip(differences, seed=3)
    # The choice that was seen counts: no value is 0.
    assert sign_flip(np.ones(200)) == 1 / (N_DRAWS + 1)


def test_the_clearest_difference_is_as_small_as_the_number_of_pairs_allows():
    for n in (1, 3, 6):
        assert sign_flip(np.ones(n)) == 2 / 2**n
    assert sign_flip(np.zeros(4)) == 1.0
    assert np.isnan(sign_flip([np.nan]))


@given(FINITE)
def test_neither_order_nor_direction_nor_unit_matters(values):
    p = sign_flip(values)
    assert 2.0 ** -len(values) <= p <= 1
    assert sign_flip(values[::-1]) == p
    assert sign_flip([-value for value in values]) == p
    assert sign_flip([1024 * value for value in values]) == p


def test_chance_is_called_significant_as_often_as_it_says():
    rng = np.random.default_rng(0)
    found = np.array([sign_flip(rng.normal(size=10)) for _ in range(1000)])
    assert abs((found <= ALPHA).mean() - ALPHA) < 4 * np.sqrt(ALPHA * (1 - ALPHA) / 1000)


def test_compare_all_of_two_models_is_their_sign_flip():
    for n in (6, MAX_EXACT_PAIRS + 9):
        errors = np.random.default_rng(n).gamma(2.0, 1.0, (2, n))
        assert compare_all(errors, 3)[0, 1] == sign_flip(errors[0] - errors[1], 3)


def test_compare_all_by_hand():
    # Differences (-1, -1, -1), (0, -2, -1) and (1, -1, 0): T is 1.73, 1.34 and 0. Chance makes the largest
    # of three 1.73 with 2 of 8 choices of signs, the largest of the last two 1.34 with 6, the last 0 with all.
    p = compare_all([[1.0, 1, 1], [2.0, 2, 2], [1.0, 3, 2]])
    assert (p[0, 1], p[0, 2], p[1, 2]) == (0.25, 0.75, 1.0)
    assert np.isnan(np.diag(p)).all()
    assert p[1, 0] == p[0, 1]


def test_compare_all_equal_models_and_missing_errors():
    errors = np.array([[1.0, 2, np.nan], [1.0, 2, 3], [np.nan, np.nan, 9]])
    p = compare_all(errors)
    assert (p[0, 1], p[1, 2]) == (1.0, 1.0)
    assert np.isnan(p[0, 2])
    assert compare_all(np.empty((0, 4))).shape == (0, 0)


@given(st.integers(2, 5), st.integers(1, 8), st.integers(0, 99))
def test_compare_all_lies_between_no_correction_and_bonferronis(n_models, n, seed):
    errors = np.random.default_rng(seed).gamma(1.0, 1.0, (n_models, n))
    p, n_pairs = compare_all(errors), n_models * (n_models - 1) // 2
    for i, j in zip(*np.triu_indices(n_models, 1), strict=True):
        alone = sign_flip(errors[i] - errors[j])
        assert alone <= p[i, j] + 1e-12
    # The smallest of all is at most Bonferroni's, and neither order nor unit of the pairs matters.
    smallest = min(sign_flip(errors[i] - errors[j]) for i, j in zip(*np.triu_indices(n_models, 1), strict=True))
    assert np.nanmin(p) <= min(1.0, 1e-12 + n_pairs * max(smallest, 2.0 ** (1 - n))) + 1e-12
    shuffled = np.random.default_rng(seed).permutation(n)
    np.testing.assert_allclose(compare_all(8 * errors[:, shuffled]), p)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["normal", "skewed", "alike"])
def test_compare_all_calls_a_difference_of_eight_equal_models_significant_as_rarely_as_it_says(kind):
    rng, n_runs = np.random.default_rng(0), 2000
    errors = rng.normal(10, 1, (n_runs, 8, 10)) if kind == "normal" else rng.gamma(1.0, 1.0, (n_runs, 8, 10))
    if kind == "alike":
        errors = rng.gamma(2.0, 1.0, (n_runs, 1, 10)) + 0.1 * errors
    found = np.array([np.nanmin(compare_all(run)) < ALPHA for run in errors])
    chance = 3 * np.sqrt(ALPHA * (1 - ALPHA) / n_runs)
    assert found.mean() <= ALPHA + chance
    # Tested alone, the best and the worst of them differ too often: this is why all pairs count.
    alone = [sign_flip(run[run.mean(axis=1).argmin()] - run[run.mean(axis=1).argmax()]) < ALPHA for run in errors[:300]]
    assert np.mean(alone) > 4 * ALPHA


def test_compare_all_finds_a_model_that_is_better():
    rng = np.random.default_rng(0)
    errors = rng.normal(10, 1, (8, 40))
    errors[3] -= 2
    p = compare_all(errors)
    assert np.nanmax(p[3]) < ALPHA
    assert np.nanmin(np.delete(np.delete(p, 3, 0), 3, 1)) > ALPHA


def test_pairs_that_are_needed():
    n = pairs_needed()
    assert sign_flip(np.ones(n)) < ALPHA <= sign_flip(np.ones(n - 1))
    certain = np.arange(3.0)[:, None] + np.zeros(n)
    assert np.nanmax(compare_all(certain)) < ALPHA <= np.nanmin(compare_all(certain[:, 1:]))


def test_a_table_is_refused():
    with pytest.raises(DataError, match=r"differences of shape \(2, 3\)"):
        sign_flip(np.ones((2, 3)))
    with pytest.raises(DataError, match=r"errors of shape \(3,\)"):
        compare_all(np.ones(3))
