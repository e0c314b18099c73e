"""Seasons: found where they are, not found where they are not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gatecast.data import synthetic
from gatecast.data.frequency import parse
from gatecast.data.seasonality import (
    autocorrelation,
    find_seasons,
    is_repeating,
    is_seasonal,
    moving_average,
    phase_medians,
    rows_with_season,
)


def periods(values, alias):
    """Periods found, strongest first."""
    return [found.period for found in find_seasons(values, parse(alias))]


def test_growth_with_a_season(rng):
    y = synthetic.trend_season(rng, 120)
    (found,) = find_seasons(y, parse("MS"))
    assert (found.period, found.kind) == (12, "calendar")
    assert 0.5 < found.strength <= 1


def test_missing_values_do_no_harm(rng):
    y = synthetic.trend_season(rng, 120)
    y[rng.integers(0, 120, 20)] = np.nan
    assert periods(y, "MS") == [12]


def test_two_seasons(rng):
    hours = np.arange(24 * 7 * 6)
    day = np.sin(hours * 2 * np.pi / 24)
    weekend = np.where(hours // 24 % 7 > 4, -2.0, 0.0)
    y = 10 + day + weekend + 0.2 * rng.standard_normal(len(hours))
    assert sorted(periods(y, "h")) == [24, 168]
    # A day that is the same all week is no weekly season, although it repeats after a week as well.
    assert periods(10 + day + 0.2 * rng.standard_normal(len(hours)), "h") == [24]


def test_a_year_in_days(rng):
    assert periods(synthetic.annual(rng, 1500), "D") == [365]


def test_a_cycle_that_no_calendar_knows(rng):
    t = np.arange(114)
    y = np.exp(np.sin(t * 2 * np.pi / 9.6) + 0.3 * rng.standard_normal(114))
    (found,) = find_seasons(y, parse("YS"))
    assert found.kind == "cycle"
    assert found.period in (9, 10)


def test_a_cycle_is_the_shortest_of_its_multiples():
    t = np.arange(600)
    assert periods(np.sin(t * 2 * np.pi / 49), "1") == [49]


def test_two_cycles_are_needed():
    wave = np.sin(np.arange(28) * 2 * np.pi / 12)
    assert not is_seasonal(wave[:23], 12)
    assert is_seasonal(wave, 12)


@pytest.mark.parametrize("make", [np.random.Generator.standard_normal, synthetic.random_walk, synthetic.autoregression])
def test_chance_is_rarely_taken_for_a_season_of_few_cycles(make, rng):
    # 1 to 2 % of such series; of 300, beyond 20 is 5 deviations away.
    assert sum(is_seasonal(make(rng, 30), 12) for _ in range(300)) <= 20


@pytest.mark.parametrize("alias", ["MS", "QS", "D"])
@pytest.mark.parametrize("make", [np.random.Generator.standard_normal, synthetic.random_walk, synthetic.autoregression])
def test_chance_is_rarely_taken_for_a_season(make, alias, rng):
    # 5 % by the test, up to 10 % where movement is not independent; of 200, beyond 35 is 5 deviations away.
    assert sum(bool(periods(make(rng, 120), alias)) for _ in range(200)) <= 35


@pytest.mark.parametrize("make", [np.random.Generator.standard_normal, synthetic.random_walk, synthetic.autoregression])
def test_chance_is_hardly_ever_taken_for_a_cycle(make, rng):
    assert sum(bool(periods(make(rng, 120), "YS")) for _ in range(200)) <= 10


@given(arrays(np.float64, st.integers(0, 60), elements=st.floats(-1e300, 1e300) | st.just(np.nan)))
def test_any_values_are_taken(values):
    for found in find_seasons(values, parse("QS")):
        assert 0 < found.strength <= 1.5
        assert 2 <= found.period <= len(values) / 2


@given(st.integers(20, 80))
def test_what_comes_later_changes_nothing(n):
    y = synthetic.trend_season(np.random.default_rng(n), 120)
    before = find_seasons(y[:n], parse("MS"))
    y[n:] = 1e9
    assert find_seasons(y[:n], parse("MS")) == before


def test_autocorrelation_by_its_definition(rng):
    x = rng.standard_normal(50)
    centred = x - x.mean()
    expected = [centred[k:] @ centred[: len(x) - k] / (centred @ centred) for k in range(50)]
    np.testing.assert_allclose(autocorrelation(x), expected, atol=1e-12)


def test_autocorrelation_of_what_does_not_vary():
    assert autocorrelation([0.1] * 9).tolist() == [0.0] * 9
    assert autocorrelation([np.nan] * 3).tolist() == [0.0] * 3


@pytest.mark.parametrize("m", [2, 3, 4, 7, 12])
def test_a_moving_mean_keeps_lines_and_removes_seasons(m, rng):
    t = np.arange(6 * m)
    wave = np.resize(rng.standard_normal(m), len(t))
    mean = moving_average(2.0 * t + wave - wave[:m].mean(), m)
    inner = ~np.isnan(mean)
    assert inner.sum() == len(t) - 2 * (m // 2)
    np.testing.assert_allclose(mean[inner], 2.0 * t[inner], atol=1e-9)


def test_phase_medians_of_partly_seen_phases():
    assert phase_medians([1.0, np.nan, 3.0, np.nan], 2).tolist() == [0.0, 0.0]
    assert phase_medians([np.nan] * 4, 2).tolist() == [0.0, 0.0]


@given(st.integers(0, 2**31), st.integers(4, 130), st.sampled_from([2, 4, 7, 12, 52]), st.sampled_from([0, 0.3, 1, 5]))
def test_rows_with_season_are_those_that_have_one_alone(seed, length, m, strength):
    rng = np.random.default_rng(seed)
    shape = strength * rng.normal(size=(6, m))[:, np.arange(length) % m] + np.arange(6)[:, None] * np.arange(length)
    values = shape + rng.normal(size=shape.shape) * rng.choice([0, 1], size=(6, 1))
    values[5] = np.round(values[5])
    alone = [is_seasonal(row, m) and is_repeating(row, m) for row in values]
    assert rows_with_season(values, m).tolist() == alone


def test_rows_with_season_of_no_rows_and_of_equal_values():
    assert rows_with_season(np.empty((0, 30)), 12).tolist() == []
    assert rows_with_season(np.full((2, 60), 3.0), 12).tolist() == [False, False]
