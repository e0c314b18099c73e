"""Scores of the models in a table of forecasts and actual values."""

import numpy as np

from gatecast.evaluation.forecast_scores import score_forecasts


def test_score_forecasts_counts_the_baseline_where_a_model_has_no_forecast():
    table = {
        "y": np.array([1.0, 2.0, np.nan, 4.0]),
        "LSTM": np.array([1.0, np.nan, np.nan, 4.0]),
        "Naive": np.array([0.0, 5.0, 5.0, 5.0]),
    }
    model, naive = score_forecasts(table, "y")
    assert (model.mae, model.n_missing, naive.mae, naive.n_missing) == (1.0, 1, 5 / 3, 0)
    assert model.skill == 40.0


def test_score_forecasts_of_a_model_that_refuses_everything_is_the_baseline():
    table = {"y": np.arange(3), "LSTM": np.full(3, np.nan), "Naive": np.array([1, 1, 1])}
    model, naive = score_forecasts(table, "y")
    assert (model.mae, model.rmse, model.skill, model.n_missing) == (naive.mae, naive.rmse, 0.0, 3)


def test_score_forecasts_of_means_compares_squared_errors():
    table = {"y": np.array([0.0, 0.0, 0.0, 4.0]), "LSTM": np.full(4, 1.0), "Naive": np.zeros(4)}
    median, mean = (score_forecasts(table, "y", point=point)[0] for point in ("median", "mean"))
    assert median.skill == -50.0
    assert mean.skill == 100 * (1 - 12**0.5 / 4)
