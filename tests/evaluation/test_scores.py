"""Scores next to simple forecasts, and a verdict that never flatters."""

import numpy as np
import pytest

from gatecast.evaluation.scores import NAMES, describe_scores, score
from gatecast.forecasting.baselines import baseline_forecasts
from gatecast.results import Score


def test_scores_by_hand():
    past, actual = np.array([[1.0, 2.0, 3.0, 4.0]]), np.array([[5.0, np.nan, 7.0]])
    said = {"LSTM": np.array([[5.5, 0.0, 6.5]]), "SeasonalNaive": np.array([[4.0, 4.0, 4.0]])}
    intervals = {80: (np.array([[5.2, 0, 6]]), np.array([[6.0, 0, 8]]))}
    model, naive = score(actual, past, said, intervals, "SeasonalNaive", 1)
    assert (model.mae, model.rmse, model.mase) == (0.5, 0.5, 0.5)
    assert model.skill == pytest.approx(75.0)
    assert (model.coverage, model.n_worse) == ({80: 50.0}, 0)
    assert (naive.mae, naive.skill, naive.coverage) == (2.0, 0.0, {})


def test_scores_of_a_panel_are_means_over_its_series():
    past = np.array([[1.0, 2.0], [10.0, 30.0], [np.nan, np.nan]])
    actual = np.array([[3.0, 5.0], [40.0, 40.0], [np.nan, np.nan]])
    said = {"LSTM": np.array([[3.0, 4.0], [50.0, 60.0], [1, 1]]), "Naive": np.array([[2.0, 2.0], [30.0, 30.0], [1, 1]])}
    model, naive = score(actual, past, said, {}, "Naive", 1)
    assert (model.mae, naive.mae) == ((0.5 + 15) / 2, (2 + 10) / 2)
    assert model.mase == pytest.approx((0.5 / 1 + 15 / 20) / 2)
    assert (model.n_worse, naive.n_worse) == (1, 0)
    assert "On 1 of the 3 series seasonal naive was better." in describe_scores((model, naive), 2, 2, 1, series=3)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (1.0, "50 % smaller than seasonal naive's (season 12)."),
        (2.0, "about as large as seasonal naive's (season 12): it does no better here."),
        (3.0, "the LSTM did not beat a simple forecast: its mean absolute error is 50 % larger"),
    ],
)
def test_the_verdict_tells_the_truth(model, words):
    scores = [Score("LSTM", model, 0, 0, 0), Score("SeasonalNaive", 2.0, 0, 0, 0), Score("Naive", 2.5, 0, 0, 0)]
    assert words in describe_scores(scores, 24, 24, 12)


def test_the_verdict_has_words_for_a_baseline_without_error():
    scores = [Score("LSTM", 0.25, 0, 0, np.nan), Score("Naive", 0.0, 0, 0, np.nan)]
    said = describe_scores(scores, 24, 24, 1)
    assert "the simple forecast makes no error at all, the LSTM 0.25 on average: prefer the simple one." in said
    assert "nan" not in said


def test_the_verdict_says_when_intervals_are_too_narrow():
    scores = [Score("LSTM", 1.0, 0, 0, 50, {80: 70.0, 95: 60.0}), Score("Naive", 2.0, 0, 0, 0)]
    assert describe_scores(scores, 24, 24, 1).endswith(
        "Its 95 % interval held only 60 % of them: read it as too narrow."
    )
    assert "interval" not in describe_scores(scores, 6, 6, 1)


def test_the_verdict_compares_with_the_better_baseline():
    scores = [Score("LSTM", 1.5, 0, 0, 25), Score("SeasonalNaive", 2.0, 0, 0, 0), Score("Naive", 1.0, 0, 0, 50)]
    assert describe_scores(scores, 48, 24, 12).endswith("or give the network more data.")
    assert "forecast 24 at a time, the LSTM did not beat" in describe_scores(scores, 48, 24, 12)
    assert "50 % larger than naive's (the last value)" in describe_scores(scores, 48, 24, 12)


@pytest.mark.parametrize(
    ("best", "words"),
    [
        ("SeasonalNaive", "seasonal naive's (season 12)."),
        ("Naive", "naive's (the last value)."),
        ("Drift", "drift's (the line from first to last)."),
        ("Mean", "the mean's."),
    ],
)
def test_the_verdict_compares_with_the_best_of_all_simple_forecasts(best, words):
    names = ("DOT", "SeasonalNaive", "Naive", "Drift", "Mean")
    errors = {name: 1.0 if name == best else 4.0 for name in names} | {"DOT": 0.1}
    scores = [Score("Ensemble", 1.5, 0, 0, 0), *(Score(name, error, 0, 0, 0) for name, error in errors.items())]
    said = describe_scores(scores, 12, 12, 12)
    assert said == (
        "On the last 12 rows the ensemble did not beat a simple forecast: its mean absolute error is 50 % larger than "
        f"{words} Prefer the simple forecast here, or give the network more data."
    )


def test_every_simple_forecast_has_words():
    assert list(NAMES) == list(baseline_forecasts(np.ones((1, 3)), 1, 2))
