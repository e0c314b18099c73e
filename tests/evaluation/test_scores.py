"""Errors of models on a test part."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.evaluation.scores import score


def test_score_by_hand():
    past, actual = np.array([[1.0, 2.0, 3.0, 4.0]]), np.array([[5.0, np.nan, 7.0]])
    predicted = {"LSTM": np.array([[5.5, 0.0, 6.5]]), "SeasonalNaive": np.array([[4.0, 4.0, 4.0]])}
    intervals = {80: (np.array([[5.2, 0, 6]]), np.array([[6.0, 0, 8]]))}
    model, naive = score(actual, past, predicted, intervals, "SeasonalNaive", 1)
    assert (model.mae, model.rmse, model.mase) == (0.5, 0.5, 0.5)
    assert model.skill == pytest.approx(75.0)
    assert (model.coverage, model.n_worse) == ({80: 50.0}, 0)
    assert (naive.mae, naive.skill, naive.coverage) == (2.0, 0.0, {})


def test_score_of_a_panel_is_the_mean_over_its_series():
    past = np.array([[1.0, 2.0], [10.0, 30.0], [np.nan, np.nan]])
    actual = np.array([[3.0, 5.0], [40.0, 40.0], [np.nan, np.nan]])
    predicted = {
        "LSTM": np.array([[3.0, 4.0], [50.0, 60.0], [1, 1]]),
        "Naive": np.array([[2.0, 2.0], [30.0, 30.0], [1, 1]]),
    }
    model, naive = score(actual, past, predicted, {}, "Naive", 1)
    assert (model.mae, naive.mae) == ((0.5 + 15) / 2, (2 + 10) / 2)
    assert model.mase == pytest.approx((0.5 / 1 + 15 / 20) / 2)
    assert (model.n_worse, naive.n_worse) == (1, 0)


def test_score_of_a_model_that_refuses_the_hard_series_is_no_better():
    past, actual = np.array([[1.0, 2.0, 1.0]] * 2), np.array([[2.0, 2.0], [9.0, 9.0]])
    naive = np.ones((2, 2))
    full = np.array([[1.5, 1.5], [2.0, 2.0]])
    refusing = np.array([[1.5, 1.5], [np.nan, np.nan]])
    predicted = {"full": full, "refusing": refusing, "Naive": naive}
    full, refusing, naive = score(actual, past, predicted, {}, "Naive", 1)
    assert (refusing.mae, refusing.mase, refusing.n_worse) == ((0.5 + 8) / 2, (0.5 + 8) / 2, 0)
    assert (full.n_missing, refusing.n_missing, naive.n_missing) == (0, 2, 0)
    assert refusing.skill < full.skill
    assert refusing.rmse > full.rmse
    assert abs(refusing.bias) > abs(full.bias)


def test_score_counts_a_missing_forecast_of_a_known_value_alone():
    actual = np.array([[1.0, np.nan, 3.0]])
    missing = {"LSTM": np.array([[np.inf, np.nan, 3.0]]), "Naive": np.zeros((1, 3))}
    model, _ = score(actual, np.ones((1, 4)), missing, {}, "Naive", 1)
    assert (model.n_missing, model.mae) == (1, 0.5)


def test_score_bias_is_forecast_less_actual():
    actual, past = np.array([[1.0, np.nan, 3.0], [0.0, 0.0, 0.0]]), np.ones((2, 4))
    predicted = {"LSTM": np.array([[0.0, 9.0, 0.0], [1.0, 1.0, 1.0]]), "Naive": np.zeros((2, 3))}
    model, naive = score(actual, past, predicted, {}, "Naive", 1)
    assert (model.bias, naive.bias) == ((-2 + 1) / 2, -1.0)


@given(st.floats(1e-6, 1e9), st.integers(0, 2))
def test_skill_of_a_panel_does_not_depend_on_the_unit_of_a_series(factor, which):
    rng = np.random.default_rng(0)
    past, actual, ours, naive = (rng.normal(10, 2, (3, n)) for n in (9, 4, 4, 4))
    unit = np.ones((3, 1))
    unit[which] = factor

    def skills(past, **settings):
        pair = {"LSTM": ours * unit, "Naive": naive * unit}
        return score(actual * unit, past * unit, pair, {}, "Naive", 1, **settings)[0]

    for found, measure in (
        (skills(past), "mase"),
        (skills(np.ones((3, 9))), "mae_ratio"),
        (skills(past, point="mean"), "rmsse"),
        (skills(np.ones((3, 9)), point="mean"), "rmse_ratio"),
    ):
        assert found.measure == measure
    for settings in ({}, {"point": "mean"}):
        unscaled = score(actual, past, {"LSTM": ours, "Naive": naive}, {}, "Naive", 1, **settings)[0]
        assert skills(past, **settings).skill == pytest.approx(unscaled.skill)


def test_skill_of_a_panel_with_an_exact_series_is_finite():
    actual = np.array([[1.0, 2.0], [1.0, 2.0]])
    predicted = {
        "LSTM": actual + np.array([[0.0], [1.0]]),
        "Naive": actual + np.array([[0.0], [2.0]]),
        "Drift": actual + np.array([[1.0], [2.0]]),
    }
    scores = score(actual, np.ones((2, 5)), predicted, {}, "Naive", 1)
    assert [item.skill for item in scores] == pytest.approx([100 * (1 - 0.5**0.5), 0.0, 100 * (1 - 10**0.5)])


def test_measure_is_mase_where_most_series_have_a_scale():
    actual, pair = np.ones((3, 2)), {"LSTM": np.full((3, 2), 2.0), "Naive": np.full((3, 2), 3.0)}
    past = np.tile([1.0, 2.0, 1.0, 2.0], (3, 1))
    past[0] = 1.0
    assert score(actual, past, pair, {}, "Naive", 1)[0].measure == "mase"
    past[1] = 1.0
    assert score(actual, past, pair, {}, "Naive", 1)[0].measure == "mae_ratio"
    single = score(actual[:1], past[2:], {name: column[:1] for name, column in pair.items()}, {}, "Naive", 1)[0]
    assert (single.measure, single.skill) == ("mae", 50.0)
