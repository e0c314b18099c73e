"""Weights follow past errors, of a series as far as its past tells."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.evaluation.model_weights import ModelWeights, equal_weights, fit_weights, leave_out


def fit(errors, series=None, horizons=None, n_series=1):
    """Fit weights to errors by model; by default all rows are of one series and count for a horizon."""
    n = len(next(iter(errors.values())))
    series = np.zeros(n, np.int64) if series is None else np.asarray(series)
    return fit_weights(
        {k: np.asarray(v, float) for k, v in errors.items()},
        series,
        np.ones(n) if horizons is None else horizons,
        n_series,
    )


def test_fit_weights_are_past_errors_to_the_minus_6_where_the_past_is_long():
    weights = fit({"a": [1.0] * 3000, "b": [1.5] * 3000}).shared
    assert weights["a"] / weights["b"] == pytest.approx(1.5**6, rel=0.01)


def test_fit_weights_with_little_past_are_nearly_equal():
    weights = fit({"a": [1.0], "b": [1.5]}).shared
    assert weights["a"] / weights["b"] == pytest.approx(1.5 ** (6 * 1 / 2))


def test_fit_weights_of_panels_are_past_errors_to_the_minus_4():
    series = np.repeat([0, 1], 3000)
    weights = fit({"a": [1.0] * 6000, "b": [1.5] * 6000}, series, n_series=2)
    assert weights.shared["a"] / weights.shared["b"] == pytest.approx(1.5**4, rel=0.01)


def test_fit_weights_overlapping_rows_count_for_their_share():
    errors = {"a": [1.0] * 16, "b": [2.0] * 16}
    one = fit(errors, horizons=np.full(16, 1 / 16)).shared
    assert one == pytest.approx(fit({"a": [1.0], "b": [2.0]}).shared)


def test_fit_weights_of_a_series_lie_between_its_own_and_the_panels():
    series = np.repeat(np.arange(100), 3)
    odd = series == 0
    weights = fit({"a": np.where(odd, 2.0, 1.0), "b": np.where(odd, 1.0, 2.0)}, series, n_series=100)
    assert weights.shared["a"] > 0.9
    assert 0.3 < weights.by_series["a"][0] < 0.7
    assert weights.by_series["a"][1] > weights.shared["a"]


def test_fit_weights_a_model_that_is_known_on_hard_rows_alone_is_compared_on_these():
    hard = np.repeat([10.0, 1.0], 50)
    weights = fit({"a": hard, "b": hard, "net": np.where(hard > 5, 10.0, np.nan)}).shared
    assert weights == pytest.approx({"a": 1 / 3, "b": 1 / 3, "net": 1 / 3}, rel=1e-6)


def test_fit_weights_one_wild_model_does_not_move_the_others():
    base = {"a": [1.0] * 20, "b": [1.2] * 20, "c": [1.1] * 20}
    weights = fit(base).shared
    wild = fit(base | {"d": list(np.geomspace(1e3, 1e6, 20))}).shared
    assert wild["d"] < 1e-3
    assert wild["a"] / wild["b"] == pytest.approx(weights["a"] / weights["b"], rel=0.01)


def test_fit_weights_without_any_known_error_are_equal():
    assert fit({"a": [np.nan], "b": [np.nan]}).shared == {"a": 0.5, "b": 0.5}


def test_fit_weights_errors_of_0_are_no_infinite_merit():
    weights = fit({"a": [0.0] * 9, "b": [1.0] * 9, "c": [1.0] * 9}).shared
    assert np.isfinite(list(weights.values())).all()
    assert weights["a"] > 0.99


@given(seed=st.integers(0, 50), scale=st.floats(1e-6, 1e6))
def test_fit_weights_do_not_depend_on_the_unit_or_the_order_of_rows(seed, scale):
    rng = np.random.default_rng(seed)
    errors = {name: rng.uniform(0.5, 2.0, 30) for name in "abc"}
    series, order = rng.integers(0, 4, 30), rng.permutation(30)
    first = fit(errors, series, n_series=4)
    second = fit({k: v[order] * scale for k, v in errors.items()}, series[order], n_series=4)
    for name in errors:
        np.testing.assert_allclose(first.by_series[name], second.by_series[name], rtol=1e-6)
    assert sum(first.by_series.values()) == pytest.approx(np.ones(4))


def test_weights_of_other_series_are_the_shared_ones():
    weights = ModelWeights({"a": 0.25, "b": 0.75}, {"a": np.array([0.5, 1.0]), "b": np.array([0.5, 0.0])})
    assert {k: v.tolist() for k, v in weights.of(np.array([1, -1])).items()} == {"a": [1.0, 0.25], "b": [0.0, 0.75]}
    assert weights.average == {"a": 0.75, "b": 0.25}
    assert equal_weights(["a", "b"]).of(np.array([3]))["a"].tolist() == [0.5]


def test_leave_out_changes_the_shared_weights_as_far_as_series_are_left_out():
    start = ModelWeights({"a": 0.2, "b": 0.8}, {"a": np.full(4, 0.2), "b": np.full(4, 0.8)})
    none, half, every = (leave_out(start, ["b"], np.arange(4) < n).shared for n in (0, 2, 4))
    assert none == start.shared
    assert half == pytest.approx({"a": 0.6, "b": 0.4})
    assert every == pytest.approx({"a": 1.0, "b": 0.0})


def test_leave_out_keeps_models_where_the_others_have_next_to_no_weight():
    small = np.array([1e-300, 1e-12, 0.001, 0.3])
    start = ModelWeights({"a": 1e-9, "b": 1 - 1e-9}, {"a": small, "b": 1 - small})
    left = leave_out(start, ["b"], np.ones(4, bool))
    assert left.by_series["a"].tolist() == [*small[:3], 1.0]
    assert left.shared == start.shared
