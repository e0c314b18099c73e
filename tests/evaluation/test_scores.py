"""The split in time, the baselines, and a verdict that never flatters."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.data.frequency import parse
from gatecast.errors import DataError
from gatecast.evaluation.scores import NAMES, describe_scores, naive_season, score
from gatecast.evaluation.splits import check_split, default_horizon, split_series
from gatecast.forecasting.baselines import baseline_forecasts
from gatecast.results import Score


@given(n=st.integers(1, 5000), h=st.integers(1, 500))
def test_parts_cover_the_series_in_whole_horizons_or_are_refused(n, h):
    if n < 2 * h + 12:
        with pytest.raises(DataError, match="too short for this horizon"):
            split_series(n, h)
        return
    parts = split_series(n, h)
    assert sum(parts) == n
    assert parts.validation == parts.test
    assert parts.test % h == 0
    assert parts.train >= 12


def test_a_series_too_short_says_what_would_do():
    with pytest.raises(DataError) as caught:
        split_series(30, 24)
    assert str(caught.value) == (
        "the series is too short for this horizon: got 30 rows for 24 steps ahead, expected at least 60: 24 to test, "
        "24 to validate, 12 to learn. Ask for at most 9 steps, or give more rows."
    )
    with pytest.raises(DataError, match=r"12 to learn\. Give more rows\."):
        split_series(12, 1)


@pytest.mark.parametrize(
    ("freq", "n", "h"),
    [
        ("MS", 144, 24),
        ("QS", 80, 8),
        ("D", 3650, 14),
        ("h", 9000, 48),
        ("30min", 4032, 96),
        ("YS", 289, 6),
        ("MS", 40, 8),
    ],
)
def test_default_horizons(freq, n, h):
    assert default_horizon(parse(freq), n) == h


def test_the_season_is_the_one_that_repeats_best(rng):
    week = np.resize(rng.normal(size=7), 140) + rng.normal(0, 0.01, 140)
    assert naive_season(week, 7, [7, 30]) == 7
    assert naive_season(week, 7, [30]) == 30
    assert naive_season(week, 7, []) == 1


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


@pytest.mark.parametrize(
    ("gap", "name"), [(slice(0, 95), "training"), (slice(96, 120), "validation"), (slice(120, 144), "test")]
)
def test_parts_without_values_are_refused_by_name(gap, name):
    values = np.arange(144.0)
    values[gap] = np.nan
    with pytest.raises(DataError, match=f"the {name} part has next to no values") as caught:
        check_split(values, split_series(144, 24))
    assert "Ask for another horizon" in str(caught.value)


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
