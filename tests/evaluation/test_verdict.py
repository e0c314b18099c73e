"""A verdict that never flatters: facts, and sentences that state them."""

import numpy as np
import pytest

from gatecast.evaluation.verdict import POSSESSIVES, compare_with_baselines, describe
from gatecast.forecasting.baselines import baseline_forecasts
from gatecast.forecasting.registry import get_model
from gatecast.results import Score


def verdict(errors, *, n_rows=24, horizon=24, season_length=12, coverage=None, n_worse=0, n_series=1):
    """Compare models by their errors; the first is the main one."""
    scores = [Score(name, mae, 0, 0, 0) for name, mae in errors.items()]
    scores[0] = Score(scores[0].model, scores[0].mae, 0, 0, 0, coverage or {}, n_worse)
    return compare_with_baselines(scores, n_rows, horizon, season_length, n_series)


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


@pytest.mark.parametrize(("season_length", "reference"), [(12, "seasonal naive"), (1, "naive")])
def test_verdict_counts_series_on_which_the_baseline_was_better(season_length, reference):
    found = verdict({"LSTM": 1.0, "Naive": 2.0}, n_worse=1, n_series=3, season_length=season_length)
    assert f"On 1 of the 3 series {reference} was better." in describe(found)
    assert "of each of 3 series" in describe(found)


def test_every_simple_forecast_has_a_possessive():
    assert list(POSSESSIVES) == list(baseline_forecasts(np.ones((1, 3)), 1, 2))
