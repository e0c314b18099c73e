"""Sign flips and Holm's correction: beside scipy's values, and what must hold for any numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.errors import DataError
from gatecast.evaluation.significance import ALPHA, MAX_EXACT_PAIRS, N_DRAWS, holm, pairs_needed, sign_flip

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


def test_holm_by_hand():
    # Smallest times 4, then 3 times, 2 times, once; never below the one before. NaN does not count.
    assert holm([0.04, 0.01, np.nan, 0.03, 0.005]) == pytest.approx([0.06, 0.03, np.nan, 0.06, 0.02], nan_ok=True)
    assert holm([0.6, 0.5]).tolist() == [1.0, 1.0]
    assert holm([]).tolist() == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_lies_between_no_correction_and_bonferronis(values):
    p = np.array(values)
    corrected = holm(p)
    assert (corrected >= p).all()
    assert (corrected <= np.minimum(1, len(p) * p)).all()
    order = np.argsort(p, kind="stable")
    assert (np.diff(corrected[order]) >= 0).all()


def test_pairs_that_are_needed():
    for tests in (1, 2, 7, 11):
        n = pairs_needed(tests)
        assert tests * sign_flip(np.ones(n)) < ALPHA <= tests * sign_flip(np.ones(n - 1))


def test_a_table_is_refused():
    with pytest.raises(DataError, match=r"differences of shape \(2, 3\)"):
        sign_flip(np.ones((2, 3)))
