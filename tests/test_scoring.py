"""The split in time, the baselines, and a verdict that never flatters."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.data.frequency import parse
from gatecast.errors import DataError
from gatecast.forecast import Score
from gatecast.parts import check_parts, cut, default_horizon
from gatecast.scoring import baseline_columns, naive_season, score, verdict


@given(n=st.integers(1, 5000), h=st.integers(1, 500))
def test_parts_cover_the_series_in_whole_horizons_or_are_refused(n, h):
    if n < 2 * h + 12:
        with pytest.raises(DataError, match="too short for this horizon"):
            cut(n, h)
        return
    parts = cut(n, h)
    assert sum(parts) == n
    assert parts.validation == parts.test
    assert parts.test % h == 0
    assert parts.train >= 12


def test_a_series_too_short_says_what_would_do():
    with pytest.raises(DataError) as caught:
        cut(30, 24)
    assert str(caught.value) == (
        "the series is too short for this horizon: got 30 rows for 24 steps ahead, expected at least 60: 24 to test, "
        "24 to validate, 12 to learn. Ask for at most 9 steps, or give more rows."
    )
    with pytest.raises(DataError, match=r"12 to learn\. Give more rows\."):
        cut(12, 1)


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


def test_baselines_see_only_what_lies_before_each_origin():
    values = np.arange(12.0)
    columns = baseline_columns(values, np.array([5, 8]), h=3, m=3)
    assert columns["SeasonalNaive"].tolist() == [3, 4, 5, 6, 7, 8]
    assert columns["Naive"].tolist() == [5, 5, 5, 8, 8, 8]
    poisoned = values.copy()
    poisoned[9:] = 1e9
    assert baseline_columns(poisoned, np.array([5, 8]), h=3, m=3)["Naive"].tolist() == columns["Naive"].tolist()


def test_without_a_season_there_is_one_baseline():
    assert list(baseline_columns(np.arange(5.0), np.array([3]), h=1, m=1)) == ["Naive"]


def test_the_season_is_the_one_that_repeats_best(rng):
    week = np.resize(rng.normal(size=7), 140) + rng.normal(0, 0.01, 140)
    assert naive_season(week, 7, [7, 30]) == 7
    assert naive_season(week, 7, [30]) == 30
    assert naive_season(week, 7, []) == 1


def test_scores_by_hand():
    values = np.array([1.0, 2.0, 3.0, 4.0, 5.0, np.nan, 7.0])
    columns = {
        "LSTM": np.array([5.5, 0.0, 6.5]),
        "LSTM-lo-80": np.array([5.2, 0, 6]),
        "LSTM-hi-80": np.array([6.0, 0, 8]),
    }
    simple = {"SeasonalNaive": np.array([4.0, 4.0, 4.0])}
    model, naive = score(values, 4, columns, simple, 1, [80])
    assert (model.mae, model.rmse, model.mase) == (0.5, 0.5, 0.5)
    assert model.skill == pytest.approx(75.0)
    assert model.coverage == {80: 50.0}
    assert (naive.mae, naive.skill, naive.coverage) == (2.0, 0.0, {})


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (1.0, "50 % smaller than seasonal naive's (season 12)."),
        (2.0, "about as large as seasonal naive's (season 12): it does no better here."),
        (3.0, "the LSTM did not beat the simplest forecast: its mean absolute error is 50 % larger"),
    ],
)
def test_the_verdict_tells_the_truth(model, words):
    scores = [Score("LSTM", model, 0, 0, 0), Score("SeasonalNaive", 2.0, 0, 0, 0), Score("Naive", 2.5, 0, 0, 0)]
    assert words in verdict(scores, 24, 24, 12)


def test_the_verdict_has_words_for_a_baseline_without_error():
    scores = [Score("LSTM", 0.25, 0, 0, np.nan), Score("Naive", 0.0, 0, 0, np.nan)]
    said = verdict(scores, 24, 24, 1)
    assert "the simple forecast makes no error at all, the LSTM 0.25 on average: prefer the simple one." in said
    assert "nan" not in said


def test_the_verdict_says_when_intervals_are_too_narrow():
    scores = [Score("LSTM", 1.0, 0, 0, 50, {80: 70.0, 95: 60.0}), Score("Naive", 2.0, 0, 0, 0)]
    assert verdict(scores, 24, 24, 1).endswith("Its 95 % interval held only 60 % of them: read it as too narrow.")
    assert "interval" not in verdict(scores, 6, 6, 1)


@pytest.mark.parametrize(
    ("gap", "name"), [(slice(0, 95), "training"), (slice(96, 120), "validation"), (slice(120, 144), "test")]
)
def test_parts_without_values_are_refused_by_name(gap, name):
    values = np.arange(144.0)
    values[gap] = np.nan
    with pytest.raises(DataError, match=f"the {name} part has next to no values") as caught:
        check_parts(values, cut(144, 24))
    assert "Ask for another horizon" in str(caught.value)


def test_the_verdict_compares_with_the_better_baseline():
    scores = [Score("LSTM", 1.5, 0, 0, 25), Score("SeasonalNaive", 2.0, 0, 0, 0), Score("Naive", 1.0, 0, 0, 50)]
    assert verdict(scores, 48, 24, 12).endswith("or give the network more data.")
    assert "forecast 24 at a time, the LSTM did not beat" in verdict(scores, 48, 24, 12)
    assert "50 % larger than naive's (the last value)" in verdict(scores, 48, 24, 12)
