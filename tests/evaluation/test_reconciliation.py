"""Reconciliation against the dense formulas and hierarchicalforecast, and its edge cases."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecast._utils.typing import FloatArray
from gatecast.data.panel import Hierarchy
from gatecast.errors import ConfigError
from gatecast.evaluation.reconciliation import (
    Reconciler,
    check_reconciliation,
    error_covariance,
    reconcile,
    shrinkage,
    structural_covariance,
)

CROSSED = Hierarchy(((), ("a",), ("b",)), np.array([[0] * 6, [1, 1, 1, 2, 2, 2], [3, 4, 5, 3, 4, 5]]))
GOLDEN = json.loads((Path(__file__).parent / "golden" / "reconciliation.json").read_text(encoding="utf-8"))
GRID = Hierarchy(((), ("a",), ("b",)), np.array(GOLDEN["parents"]))
PAIR = Hierarchy(((),), np.array([[0, 0]]))


def summing_matrix(hierarchy: Hierarchy) -> FloatArray:
    """Return S, [n_series, n_base]."""
    return np.concatenate([hierarchy.sum(np.eye(hierarchy.n_base)), np.eye(hierarchy.n_base)])


def dense(base: FloatArray, hierarchy: Hierarchy, w: FloatArray) -> FloatArray:
    """Return ``S (S' W^-1 S)^-1 S' W^-1 y``, by the formula of the paper."""
    s, inverse = summing_matrix(hierarchy), np.linalg.inv(w)
    return np.asarray(s @ np.linalg.solve(s.T @ inverse @ s, s.T @ inverse @ base))


def test_reconcile_structural_equals_the_dense_solution() -> None:
    base = np.random.default_rng(0).normal(100, 20, (12, 5))
    covariance = structural_covariance(CROSSED)
    assert covariance.noise.tolist() == summing_matrix(CROSSED).sum(axis=1).tolist()
    found = reconcile(base, CROSSED, covariance)
    np.testing.assert_allclose(found, dense(base, CROSSED, np.diag(covariance.noise)), rtol=1e-9)


def test_reconcile_mint_equals_the_dense_solution_and_adds_up() -> None:
    rng = np.random.default_rng(1)
    base, errors = rng.normal(100, 20, (12, 5)), rng.normal(0, 3, (40, 12)) + rng.normal(0, 3, (40, 1))
    covariance = error_covariance(errors, CROSSED)
    w = np.diag(covariance.noise) + covariance.factors @ covariance.factors.T
    found = reconcile(base, CROSSED, covariance)
    np.testing.assert_allclose(found, dense(base, CROSSED, w), rtol=1e-8)
    assert np.abs(summing_matrix(CROSSED) @ found[6:] - found).max() < 1e-9


def test_error_covariance_shrinks_correlations_and_keeps_variances() -> None:
    rng = np.random.default_rng(2)
    errors = rng.normal(0, 3, (40, 12)) + rng.normal(0, 3, (40, 1))
    covariance = error_covariance(errors, CROSSED)
    w = np.diag(covariance.noise) + covariance.factors @ covariance.factors.T
    raw = errors.T @ errors / 40
    share = 1 - shrinkage(errors / np.sqrt(np.diag(raw)))
    assert 0 < share < 1
    np.testing.assert_allclose(w, np.where(np.eye(12) > 0, raw, share * raw), rtol=1e-9)


def test_reconcile_of_forecasts_that_add_up_changes_nothing() -> None:
    base = summing_matrix(CROSSED) @ np.arange(12.0).reshape(6, 2)
    np.testing.assert_allclose(reconcile(base, CROSSED, structural_covariance(CROSSED)), base, atol=1e-9)


def test_reconcile_bottom_up_keeps_the_parts() -> None:
    base = np.random.default_rng(3).normal(size=(12, 2))
    found = reconcile(base, CROSSED, None)
    assert found[6:].tolist() == base[6:].tolist()
    np.testing.assert_allclose(found[0], base[6:].sum(axis=0))


def test_reconcile_without_a_part_or_a_total_leaves_the_others() -> None:
    base = np.random.default_rng(4).normal(100, 5, (12, 2))
    base[[1, 7]] = np.nan
    found = reconcile(base, CROSSED, structural_covariance(CROSSED))
    assert np.isnan(found[7]).all()
    assert np.isfinite(np.delete(found, 7, axis=0)).all()
    np.testing.assert_allclose(found[0], np.nansum(found[6:], axis=0))


def test_reconciler_without_errors_equals_the_structural_solution() -> None:
    base = np.random.default_rng(5).normal(100, 5, (12, 2))
    covariance = Reconciler("mint", np.empty((0, 12))).covariance(CROSSED, np.arange(12))
    expected = reconcile(base, CROSSED, structural_covariance(CROSSED))
    np.testing.assert_allclose(reconcile(base, CROSSED, covariance), expected)


def test_check_reconciliation_of_another_name_lists_the_methods() -> None:
    with pytest.raises(ConfigError, match="Invalid reconciliation 'ols'") as error:
        check_reconciliation("ols")
    assert "'mint', 'wls-struct', 'bottom-up'" in str(error.value)


def to_dense(covariance):
    return np.diag(covariance.noise) + covariance.factors @ covariance.factors.T


def test_error_covariance_is_that_of_hierarchicalforecast():
    covariance = to_dense(error_covariance(np.array(GOLDEN["errors"]), GRID))
    np.testing.assert_allclose(covariance, GOLDEN["covariance"], rtol=1e-6)


@pytest.mark.parametrize("method", ["mint", "wls-struct"])
def test_reconcile_is_that_of_hierarchicalforecast(method):
    errors = error_covariance(np.array(GOLDEN["errors"]), GRID)
    weights = errors if method == "mint" else structural_covariance(GRID)
    np.testing.assert_allclose(reconcile(np.array(GOLDEN["base"]), GRID, weights), GOLDEN[method], atol=1e-6)


def test_reconcile_bottom_up_of_the_golden_hierarchy_keeps_the_parts():
    base = np.array(GOLDEN["base"])
    reconciled = reconcile(base, GRID, None)
    np.testing.assert_array_equal(reconciled[5:], base[5:])
    np.testing.assert_allclose(reconciled[:5], GRID.sum(base[5:]))


@given(st.integers(0, 10_000), st.integers(2, 8), st.integers(0, 12))
@settings(max_examples=40, deadline=None)
def test_reconcile_adds_up_and_leaves_what_adds_up(seed, n_base, n_errors):
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 3, n_base)
    hierarchy = Hierarchy(((), ("a",)), np.stack([np.zeros(n_base, int), 1 + np.unique(group, return_inverse=True)[1]]))
    n = hierarchy.n_totals + n_base
    covariance = error_covariance(rng.normal(size=(n_errors, n)) * rng.uniform(0, 9, n), hierarchy)
    base = rng.normal(0, 100, (n, 2))
    reconciled = reconcile(base, hierarchy, covariance)
    np.testing.assert_allclose(
        reconciled[: hierarchy.n_totals], hierarchy.sum(reconciled[hierarchy.n_totals :]), atol=1e-9
    )
    np.testing.assert_allclose(reconcile(reconciled, hierarchy, covariance), reconciled, atol=1e-6)


def test_reconcile_moves_what_errs_most():
    errors = np.random.default_rng(0).normal(size=(50, 3)) * [1.0, 0.1, 10.0]
    reconciled = reconcile(np.array([[8.0], [1.0], [3.0]]), PAIR, error_covariance(errors, PAIR))
    assert abs(reconciled[1, 0] - 1) < 0.1
    assert reconciled[0, 0] > 7.5


def test_reconcile_an_exact_forecast_is_kept():
    errors = np.random.default_rng(0).normal(size=(50, 3)) * [1.0, 0.0, 1.0]
    reconciled = reconcile(np.array([[9.0], [5.0], [3.0]]), PAIR, error_covariance(errors, PAIR))
    assert reconciled[1, 0] == pytest.approx(5.0, abs=1e-6)


def test_reconcile_a_part_without_forecast_counts_as_0():
    base = np.array([[8.0], [np.nan], [3.0]])
    reconciled = reconcile(base, PAIR, structural_covariance(PAIR))
    assert np.isnan(reconciled[1, 0])
    assert reconciled[0, 0] == reconciled[2, 0] == pytest.approx(3 + 5 / 3)


def test_reconcile_a_total_without_forecast_has_no_say():
    base = np.array([[np.nan], [1.0], [3.0]])
    assert reconcile(base, PAIR, structural_covariance(PAIR)).tolist() == [[4.0], [1.0], [3.0]]


def test_reconcile_a_total_of_nothing_is_missing():
    assert np.isnan(reconcile(np.full((3, 1), np.nan), PAIR, structural_covariance(PAIR))).all()


def test_shrinkage_of_few_rows_is_complete():
    assert shrinkage(np.ones((1, 5))) == 1.0


def test_error_covariance_without_errors_is_structural():
    covariance = error_covariance(np.empty((0, 11)), GRID)
    assert covariance.noise.tolist() == structural_covariance(GRID).noise.tolist()


def test_reconciler_gives_unknown_series_a_typical_variance():
    errors = np.random.default_rng(1).normal(size=(400, 3)) * [np.sqrt(2), 1.0, 1.0]
    covariance = Reconciler("mint", errors).covariance(PAIR, np.array([0, 1, -1]))
    assert covariance.noise[2] == pytest.approx(1.0, rel=0.2)
    assert not covariance.factors[2].any()


def test_check_reconciliation_names_the_methods():
    with pytest.raises(ConfigError, match="'mint', 'wls-struct', 'bottom-up'"):
        check_reconciliation("ols")


@pytest.mark.parametrize(("n", "n_series"), [(2, 5), (9, 2), (30, 2), (30, 7)])
def test_shrinkage_is_the_variance_of_correlations_over_their_squares(n, n_series):
    rng = np.random.default_rng(n)
    x = rng.normal(size=(n, n_series)) + rng.normal(size=(n, 1))
    x /= np.sqrt((x**2).mean(axis=0))
    variance = squares = 0.0
    for i in range(n_series):
        for j in range(n_series):
            if i != j:
                products = x[:, i] * x[:, j]
                variance += n / (n - 1) ** 3 * ((products - products.mean()) ** 2).sum()
                squares += (products.sum() / (n - 1)) ** 2
    assert shrinkage(x) == pytest.approx(min(variance / squares, 1.0))


def test_shrinkage_of_series_that_never_err_together_is_complete():
    assert shrinkage(np.eye(6)) == 1.0
    assert shrinkage(np.random.default_rng(0).normal(size=(9, 1))) == 1.0


@pytest.mark.parametrize(("n_known", "noise"), [(3, 4.0), (4, 9.0)])
def test_error_covariance_needs_four_errors_of_a_series(n_known, noise):
    signs = np.where(np.arange(64) % 2, 1.0, -1.0)
    errors = np.stack([np.sqrt(8) * signs, np.zeros(64), np.repeat([3.0, np.nan], [n_known, 64 - n_known])], axis=1)
    covariance = to_dense(error_covariance(errors, PAIR))
    # The variance of a total of two typical parts is 8. An exact part tells nothing about the typical one.
    typical = 4.0 if n_known < 4 else (4.0 + 9.0) / 2
    np.testing.assert_allclose(np.diag(covariance), [8.0, 1e-9 * typical, noise])


def test_error_covariance_of_exact_forecasts_is_solvable():
    covariance = error_covariance(np.zeros((9, 3)), PAIR)
    np.testing.assert_allclose(covariance.noise, [2e-9, 1e-9, 1e-9])
    reconciled = reconcile(np.array([[8.0], [1.0], [3.0]]), PAIR, covariance)
    np.testing.assert_allclose(reconciled, [[6.0], [2.0], [4.0]])


def test_reconciler_takes_the_errors_of_the_series_that_were_fitted():
    errors = np.random.default_rng(1).normal(size=(40, 3)) * [5.0, 1.0, 3.0]
    covariance = Reconciler("mint", errors).covariance(PAIR, np.array([0, 2, -1]))
    np.testing.assert_allclose(np.diag(to_dense(covariance))[:2], (errors**2).mean(axis=0)[[0, 2]])
    expected = error_covariance(np.stack([errors[:, 0], errors[:, 2], np.full(40, np.nan)], axis=1), PAIR)
    np.testing.assert_allclose(to_dense(covariance), to_dense(expected))


def test_reconcile_of_the_same_total_twice_is_solved_by_least_squares():
    twice = Hierarchy(((), ("a",)), np.array([[0, 0], [1, 1]]))
    covariance = structural_covariance(twice)._replace(noise=np.array([0.0, 0.0, 1.0, 1.0]))
    reconciled = reconcile(np.array([[8.0], [8.0], [1.0], [3.0]]), twice, covariance)
    np.testing.assert_allclose(reconciled, [[8.0], [8.0], [3.0], [5.0]])


def test_reconcile_without_parts_of_a_total_leaves_the_other_groups():
    """A group none of whose parts has a forecast is missing, and the total then says nothing about it."""
    groups = Hierarchy(((), ("a",)), np.array([[0, 0, 0, 0], [1, 1, 2, 2]]))
    base = np.array([[20.0], [5.0], [9.0], [np.nan], [np.nan], [4.0], [6.0]])
    reconciled = reconcile(base, groups, structural_covariance(groups))
    assert np.isnan(reconciled[[1, 3, 4]]).all()
    pair = reconcile(
        base[[0, 2, 5, 6]],
        Hierarchy(((), ("a",)), np.array([[0, 0], [1, 1]])),
        structural_covariance(PAIR)._replace(noise=np.array([4.0, 2.0, 1.0, 1.0]), factors=np.empty((4, 0))),
    )
    np.testing.assert_allclose(reconciled[[0, 2, 5, 6]], pair)
