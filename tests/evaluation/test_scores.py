"""Errors of models on a test part."""

import numpy as np
import pytest

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
