"""A verdict that never flatters: facts, and sentences that state them."""

import numpy as np
import pytest

from gatecast.evaluation.scored_forecasts import ScoredForecasts
from gatecast.evaluation.scores import fill_missing, score
from gatecast.evaluation.verdict import POSSESSIVES, compare_with_baselines, describe
from gatecast.forecasting.baselines import baseline_forecasts
from gatecast.forecasting.registry import get_model
from gatecast.results import Score


def verdict(errors, *, n_rows=24, horizon=24, season_length=12, coverage=None):
    """Compare models by their errors; the first is the main one."""
    scores = [Score(name, mae, 0, 0, 0) for name, mae in errors.items()]
    scores[0] = Score(scores[0].model, scores[0].mae, 0, 0, 0, coverage or {})
    return compare_with_baselines(scores, n_rows, horizon, season_length)


@pytest.mark.parametrize(
    ("mae", "kind", "difference", "sentence"),
    [
        (1.0, "better", 50, "the LSTM's mean absolute error is 50 % smaller than seasonal naive's (season 12)."),
        (2.0, "equal", 0, "is about as large as seasonal naive's (season 12): it does no better here."),
        (3.0, "worse", -50, "the LSTM did not beat a simple forecast: its mean absolute error is 50 % larger"),
        (np.nan, "unknown", np.nan, "no errors are known: the LSTM could not be scored."),
    ],
)
def test_verdict_kind_follows_the_errors(mae, kind, difference, sentence):
    found = verdict({"LSTM": mae, "SeasonalNaive": 2.0, "Naive": 2.5})
    assert (found.kind, found.baseline) == (kind, "SeasonalNaive")
    assert found.difference == pytest.approx(difference, nan_ok=True)
    assert sentence in describe(found)


def test_verdict_on_a_baseline_without_error_has_no_percentage():
    found = verdict({"LSTM": 0.25, "Naive": 0.0}, season_length=1)
    assert found.kind == "exact_baseline"
    assert "the simple forecast makes no error at all, the LSTM 0.25 on average" in describe(found)
    assert "nan" not in describe(found)


@pytest.mark.parametrize(("error", "kind"), [(7e-15, "exact"), (0.25, "exact_baseline")])
def test_verdict_on_a_model_that_is_exact_too_prefers_neither(error, kind):
    actual = np.arange(1.0, 7.0)[None]
    scored = ScoredForecasts(actual, actual - 6, {"Ensemble": actual + error, "Drift": actual}, 6)
    scores = (Score("Ensemble", error, error, 0.0, -np.inf), Score("Drift", 0.0, 0.0, 0.0, 0.0))
    found = compare_with_baselines(scores, 6, 6, 1, 1, scored)
    assert found.kind == kind
    assert ("prefer the simple one" in describe(found)) == (kind == "exact_baseline")
    exact = "On the last 6 rows both the ensemble and the simple forecast drift are exact up to rounding."
    assert (describe(found) == exact) == (kind == "exact")


def test_verdict_on_one_row_is_about_a_row():
    assert describe(verdict({"LSTM": 1.0, "Naive": 2.0}, n_rows=1, horizon=1)).startswith("On the last row the LSTM's")


def test_verdict_names_the_first_interval_that_is_too_narrow():
    coverage = {80: 70.0, 95: 60.0}
    found = verdict({"LSTM": 1.0, "Naive": 2.0}, coverage=coverage)
    assert (found.narrow_level, found.narrow_coverage) == (95, 60.0)
    assert describe(found).endswith("Its 95 % interval held only 60 % of them: read it as too narrow.")
    assert verdict({"LSTM": 1.0, "Naive": 2.0}, coverage=coverage, n_rows=6, horizon=6).narrow_level is None


def test_verdict_states_how_many_are_forecast_at_a_time():
    found = verdict({"LSTM": 1.5, "SeasonalNaive": 2.0, "Naive": 1.0}, n_rows=48)
    assert found.baseline == "Naive"
    assert "forecast 24 at a time, the LSTM did not beat" in describe(found)


@pytest.mark.parametrize(
    ("best", "possessive"),
    [
        ("SeasonalNaive", "seasonal naive's (season 12)."),
        ("Naive", "naive's (the last value)."),
        ("Drift", "drift's (the line from first to last)."),
        ("Mean", "the mean's."),
    ],
)
def test_verdict_compares_with_the_best_simple_forecast_and_advises_its_name(best, possessive):
    errors = {name: 1.0 if name == best else 4.0 for name in ("SeasonalNaive", "Naive", "Drift", "Mean")}
    text = describe(verdict({"Ensemble": 1.5, "DynamicOptimizedTheta": 0.1, **errors}, n_rows=12, horizon=12))
    assert text.startswith(
        "On the last 12 rows the ensemble did not beat a simple forecast: its mean absolute error is 50 % larger than "
        f"{possessive}"
    )
    name = text.split('model="')[1].split('"')[0]
    assert get_model(name).column == best


def test_verdict_on_a_simple_forecast_compares_it_with_the_others():
    found = verdict({"Naive": 3.0, "SeasonalNaive": 2.0, "Drift": 4.0, "Mean": 5.0})
    assert (found.kind, found.baseline) == ("worse", "SeasonalNaive")
    assert describe(found) == (
        "On the last 24 rows the naive forecast's mean absolute error is 50 % larger than "
        "seasonal naive's (season 12). "
        'Prefer the latter here, model="seasonal-naive".'
    )
    best = verdict({"Naive": 1.0, "SeasonalNaive": 2.0})
    assert "the naive forecast's mean absolute error is 50 % smaller than seasonal naive's" in describe(best)


def judge(actual, past, predicted, *, horizon=4, point="median", season_length=1, reference="Naive"):
    """Score and compare models by their forecasts; the first is the main one."""
    actual, past = np.asarray(actual, float), np.asarray(past, float)
    predicted = {name: np.broadcast_to(np.asarray(column, float), actual.shape) for name, column in predicted.items()}
    scores = score(actual, past, predicted, {}, reference, season_length, point)
    filled = fill_missing(actual, predicted, reference)
    forecasts = ScoredForecasts(actual, past, filled, horizon, point == "mean")
    return compare_with_baselines(scores, actual.shape[1], horizon, season_length, len(actual), forecasts)


def test_verdict_of_a_panel_compares_scaled_errors_so_that_one_large_series_does_not_decide():
    # Two series of ones on which the model halves the error, one of millions on which it is four times as large.
    size = np.array([[1.0], [1.0], [1e6]])
    past, actual = size * [[1.0, 2.0, 1.0, 2.0]], size * np.full((3, 4), 2.0)
    predicted = {"LSTM": actual + size * [[0.1], [0.1], [0.8]], "Naive": actual + 0.4 * size, "Drift": actual + size}
    found = judge(actual, past, predicted)
    assert (found.kind, found.measure, found.baseline) == ("better", "mase", "Naive")
    assert found.difference == pytest.approx(100 * (1 - 1.0 / 1.2))
    assert describe(found) == (
        "On the last 4 rows of each of 3 series the LSTM's mean absolute scaled error is 17 % smaller than naive's "
        "(the last value). The LSTM was better on 2 of the 3 series."
    )


@pytest.mark.parametrize(("error", "share"), [(0.1, "all 2"), (0.5, "1 of the 2")])
def test_verdict_counts_the_series_that_were_scored(error, share):
    past = np.array([[1.0, 2.0, 1.0, 2.0]] * 3)
    actual = np.array([[1.0] * 4, [1.0] * 4, [np.nan] * 4])
    predicted = {"LSTM": actual + np.array([[error], [0.1], [0.1]]), "Naive": actual + 0.4, "Drift": actual + 1}
    text = describe(judge(actual, past, predicted))
    assert f"The LSTM was better on {share} series that were scored." in text


def test_verdict_of_a_panel_without_scales_compares_the_geometric_mean_of_ratios():
    actual = np.array([[2.0, 2.0], [2.0, 2.0], [2e6, 2e6]])
    predicted = {"LSTM": actual + np.array([[0.1], [0.1], [8e5]]), "Naive": actual + np.array([[0.4], [0.4], [4e5]])}
    found = judge(actual, np.ones((3, 5)), predicted, horizon=2)
    assert (found.kind, found.measure) == ("better", "mae_ratio")
    assert found.difference == pytest.approx(100 * (1 - (0.25 * 0.25 * 2) ** (1 / 3)))
    assert "the LSTM's mean absolute error (geometric mean over series) is 50 % smaller" in describe(found)


def test_verdict_of_a_panel_names_the_baseline_that_is_best_in_scaled_errors():
    size = np.array([[1.0], [1.0], [1e6]])
    past, actual = size * [[1.0, 2.0, 1.0, 2.0]], size * np.full((3, 4), 2.0)
    predicted = {"LSTM": actual + size, "Naive": actual + size * [[0.1], [0.1], [2.0]], "Mean": actual + 0.9 * size}
    assert judge(actual, past, predicted).baseline == "Naive"


def test_verdict_of_a_single_series_counts_horizons():
    actual = np.arange(12.0)[None]
    predicted = {"LSTM": actual + np.repeat([1, 1, 3], 4), "Naive": actual + 2}
    found = judge(actual, np.arange(9.0)[None], predicted)
    assert (found.n_better, found.n_parts, found.measure) == (2, 3, "mae")
    assert describe(found).endswith("The LSTM was better in 2 of the 3 horizons.")
    assert "horizons" not in describe(judge(actual, np.arange(9.0)[None], predicted, horizon=12))


def test_verdict_says_how_many_values_have_no_forecast():
    actual, past = np.arange(4.0)[None], np.arange(9.0)[None]
    found = judge(actual, past, {"LSTM": [[0.0, np.nan, np.nan, 3.0]], "Naive": [[1.0, 2.0, 3.0, 4.0]]})
    assert (found.kind, found.n_missing, found.mae) == ("better", 2, 0.5)
    assert "It does not forecast 2 of the values: there the forecasts of naive count." in describe(found)


def test_verdict_says_how_many_values_nothing_precedes():
    """A series that begins in the test part has no forecast of any model: no other one stands in its place."""
    actual, past = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), np.array([[1.0, 2.0, 1.0], [np.nan] * 3])
    naive, missing = np.array([[1.0, 1.0, 1.0], [np.nan] * 3]), np.array([[1.0, np.nan, 3.0], [np.nan] * 3])
    unscored = "Not scored: 3 of the values, which no value of their series precedes."
    found = judge(actual, past, {"LSTM": missing, "Naive": naive})
    assert (found.n_missing, found.n_unscored) == (4, 3)
    assert f"It does not forecast 1 of the values: there the forecasts of naive count. {unscored}" in describe(found)
    of_naive = describe(judge(actual, past, {"Mean": naive + 1, "Naive": naive}))
    assert unscored in of_naive
    assert "does not forecast" not in of_naive


def test_verdict_says_all_where_a_model_is_better_everywhere():
    actual = np.arange(12.0)[None]
    found = judge(actual, np.arange(9.0)[None], {"LSTM": actual + 1, "Naive": actual + 2})
    assert describe(found).endswith("The LSTM was better in all 3 horizons.")


@pytest.mark.parametrize(
    ("error", "naive", "named"), [(0.80, 2, True), (0.96, 2, False), (1.2, 2, False), (0.80, 0.5, False)]
)
def test_verdict_says_why_the_ensemble_and_not_its_best_model(error, naive, named):
    actual, past = np.ones((1, 4)), np.arange(9.0)[None]
    models = {"LSTM": actual + error, "DynamicOptimizedTheta": actual + 1.5}
    found = judge(actual, past, {"Ensemble": actual + 1, **models, "Naive": actual + naive})
    sentence = (
        "LSTM alone would have erred 20 % less here; which model errs least changes from part to part, so models are "
        "weighted by their past errors."
    )
    assert (sentence in describe(found)) == named
    assert found.better_model == ("LSTM" if named else "")


def test_verdict_on_intermittent_demand_shows_squared_error_and_bias():
    actual, past = np.array([[0.0, 0, 0, 0, 0, 4, 0, 0]]), np.array([[0.0, 0, 3, 0, 0, 5, 0, 0]])
    naive = np.array([[0.0, 0, 0, 0, 2, 2, 0, 0]])
    found = judge(actual, past, {"Ensemble": 0 * actual, "Naive": naive}, horizon=8)
    assert describe(found).endswith(
        "Many values are zero, and the absolute error favors forecasts near zero: the ensemble's root mean squared "
        "error is 41 % larger than naive's, and its forecasts are 100 % too low on average. "
        'Take point="mean" for the expected demand.'
    )
    means = judge(actual, past, {"Ensemble": 0 * actual + 0.5, "Naive": naive}, horizon=8, point="mean")
    assert means.measure == "rmse"
    assert describe(means).endswith(
        "32 % larger than naive's (the last value). Prefer the simple forecast here, "
        'model="naive", or provide more data. Many values are zero; the forecasts are right on average.'
    )


def test_verdict_on_a_panel_counts_series_of_intermittent_demand():
    actual = np.array([[0.0, 0, 3, 0], [5.0, 6, 5, 6], [5.0, 5, 6, 6]])
    past = np.array([[0.0, 0, 0, 2], [5.0, 6, 5, 6], [5.0, 5, 6, 6]])
    text = describe(judge(actual, past, {"LSTM": actual * 0, "Naive": actual + 1}))
    assert "Many values of 1 of the 3 series are zero, and the absolute error favors forecasts near zero: " in text
    dense = describe(judge(actual[1:], past[1:], {"LSTM": actual[1:] * 0, "Naive": actual[1:] + 1}))
    assert "zero" not in dense


def test_verdict_of_means_compares_squared_errors():
    actual, past = np.array([[0.0, 0, 0, 8], [0.0, 0, 0, 4]]), np.array([[0.0, 8, 0, 0], [0.0, 0, 0, 4]])
    predicted = {"LSTM": np.array([[2.0], [1.0]]), "Naive": 0.0}
    assert judge(actual, past, predicted).kind == "worse"
    means = judge(actual, past, predicted, point="mean")
    assert (means.kind, means.measure) == ("better", "rmsse")
    assert "absolute" not in describe(means)
    assert "the LSTM's root mean squared scaled error is 13 % smaller" in describe(means)


def test_every_simple_forecast_has_a_possessive():
    assert list(POSSESSIVES) == list(baseline_forecasts(np.ones((1, 3)), 1, 2))
