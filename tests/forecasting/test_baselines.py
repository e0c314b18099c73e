"""Every baseline through the same properties, and each against what it is defined to be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gatecast.data import synthetic
from gatecast.data.panel import from_values
from gatecast.data.season_calendar import SeasonCalendar
from gatecast.errors import ConfigError
from gatecast.forecasting.base import Task
from gatecast.forecasting.baselines import (
    BASELINES,
    SeasonalNaive,
    baseline_forecasts,
    drift,
    interval,
    mean,
    naive,
    reference_baseline,
    seasonal_naive,
)
from gatecast.forecasting.context import PanelContext

PASTS = arrays(np.float64, st.integers(1, 40), elements=st.floats(-1e6, 1e6) | st.just(np.nan))
every = pytest.mark.parametrize("name", BASELINES)


class TestContract:
    """What holds for all."""

    @pytest.mark.slow
    @every
    @given(past=PASTS, h=st.integers(1, 20), m=st.integers(1, 15))
    def test_shapes_and_missing_values(self, name, past, h, m):
        point, spread = BASELINES[name].point(past, h, m), BASELINES[name].spread(past, h, m)
        assert point.shape == spread.shape == (h,)
        assert np.isnan(point).all() == np.isnan(past).all()
        assert np.isfinite(point).all() or np.isnan(past).all()
        known = spread[~np.isnan(spread)]
        assert (known >= 0).all()
        assert (np.diff(known) >= 0).all() or np.isnan(past).any()

    @every
    @given(past=PASTS, h=st.integers(1, 20), m=st.integers(1, 15))
    def test_a_shorter_horizon_is_the_beginning_of_a_longer_one(self, name, past, h, m):
        long = BASELINES[name].point(past, h + 5, m)
        np.testing.assert_array_equal(BASELINES[name].point(past, h, m), long[:h])

    @every
    def test_a_change_of_unit_and_origin_goes_through(self, name, rng):
        past = rng.standard_normal(30)
        point, spread = BASELINES[name].point(past, 7, 4), BASELINES[name].spread(past, 7, 4)
        np.testing.assert_allclose(BASELINES[name].point(5 + 3 * past, 7, 4), 5 + 3 * point)
        np.testing.assert_allclose(BASELINES[name].spread(5 + 3 * past, 7, 4), 3 * spread)

    @every
    def test_a_constant_goes_on(self, name):
        assert BASELINES[name].point([4.0] * 9, 3, 4).tolist() == [4.0] * 3
        assert BASELINES[name].spread([4.0] * 9, 3, 4).tolist() == [0.0] * 3

    @every
    def test_nothing_is_known_from_nothing(self, name):
        for past in ([], [np.nan, np.nan]):
            assert np.isnan(BASELINES[name].point(past, 2, 3)).all()
            assert np.isnan(BASELINES[name].spread(past, 2, 3)).all()

    @every
    def test_one_value_is_all_there_is(self, name):
        assert BASELINES[name].point([np.nan, 3.0], 2, 4).tolist() == [3.0, 3.0]

    @every
    @pytest.mark.parametrize("h", [0, -1, 1.5])
    def test_horizons_are_counts(self, name, h):
        with pytest.raises(ConfigError, match="Invalid h"):
            BASELINES[name].point([1.0, 2.0], h, 1)

    @every
    @pytest.mark.parametrize("m", [1, 4, 7, 30])
    def test_a_panel_is_its_series_side_by_side(self, name, rng, m):
        values = rng.normal(size=(3, 5, 23))
        values[rng.random(values.shape) < 0.3] = np.nan
        values[0, 1, :20], values[0, 2], values[1, 0, 1:] = np.nan, np.nan, np.nan
        for part in BASELINES[name]:
            said = part(values, 9, m)
            assert said.shape == (3, 5, 9)
            for at in np.ndindex(3, 5):
                np.testing.assert_allclose(said[at], part(values[at], 9, m), rtol=1e-14)
                began = values[at][(~np.isnan(values[at])).argmax() :]  # what lies before a series is no part of it
                np.testing.assert_allclose(said[at], part(began, 9, m), rtol=1e-12)

    @every
    def test_a_panel_without_columns_says_nothing(self, name):
        assert np.isnan(BASELINES[name].point(np.empty((2, 0)), 3, 4)).all()

    @every
    def test_intervals_hold_what_they_promise(self, name, rng):
        # What each baseline takes for granted: steps, seasonal steps, steps with a drift, noise.
        makers = {
            "naive": lambda: synthetic.random_walk(rng, 62),
            "seasonal_naive": lambda: rng.standard_normal((16, 4)).cumsum(axis=0).ravel()[:62],
            "drift": lambda: synthetic.random_walk(rng, 62) + 0.5 * np.arange(62),
            "mean": lambda: rng.standard_normal(62),
        }
        inside = []
        for _ in range(300):
            y = makers[name]()
            lo, hi = interval(BASELINES[name], y[:50], 12, 4, level=80)
            inside.append((lo <= y[50:]) & (y[50:] <= hi))
        # 300 paths whose 12 points go together: standard error at most sqrt(.8 * .2 / 300) = 0.023.
        assert abs(np.mean(inside) - 0.8) < 0.08


def test_naive():
    assert naive([1.0, 5.0, 2.0, np.nan], 3).tolist() == [2.0, 2.0, 2.0]


def test_mean():
    assert mean([1.0, np.nan, 4.0], 2).tolist() == [2.5, 2.5]


@given(st.integers(1, 12), st.integers(1, 30), st.integers(1, 30))
def test_seasonal_naive_repeats_the_last_season(m, n, h):
    past = np.arange(float(n + m))
    assert seasonal_naive(past, h, m).tolist() == [past[len(past) - m + k % m] for k in range(h)]


def test_seasonal_naive_looks_a_phase_up_where_it_was_seen():
    past = [1.0, 2.0, 3.0, 4.0, np.nan, 6.0, np.nan, np.nan, 9.0]
    assert seasonal_naive(past, 3, 3).tolist() == [4.0, 2.0, 9.0]
    assert seasonal_naive([np.nan, 2.0], 4, 3).tolist() == [2.0, 2.0, 2.0, 2.0]
    assert seasonal_naive([7.0, 8.0], 3, 12).tolist() == [8.0, 8.0, 8.0]
    with pytest.raises(ConfigError, match="Invalid m"):
        seasonal_naive([1.0], 1, 0)


def test_drift_goes_on_from_the_end_of_the_past():
    assert drift([0.0, 1.0, 5.0, 6.0], 2).tolist() == [8.0, 10.0]
    assert drift([np.nan, 1.0, 2.0, np.nan], 2).tolist() == [4.0, 5.0]


def test_simple_ones_side_by_side():
    values = np.array([[np.nan, 1.0, 2.0, 6.0], [3.0, np.nan, 5.0, np.nan], [np.nan] * 4])
    said = baseline_forecasts(values, 3, 2)
    assert list(said) == ["SeasonalNaive", "Naive", "Drift", "Mean"]
    none = [np.nan] * 3
    np.testing.assert_array_equal(said["SeasonalNaive"], [[2.0, 6.0, 2.0], [5.0, 5.0, 5.0], none])
    np.testing.assert_array_equal(said["Naive"], [[6.0] * 3, [5.0] * 3, none])
    np.testing.assert_array_equal(said["Drift"], [[8.5, 11.0, 13.5], [7.0, 8.0, 9.0], none])
    np.testing.assert_array_equal(said["Mean"], [[3.0] * 3, [4.0] * 3, none])
    assert list(baseline_forecasts(values, 3)) == ["Naive", "Drift", "Mean"]
    with pytest.raises(ConfigError, match="Invalid m 0: expected a positive integer"):
        baseline_forecasts(values, 3, 0)


def test_spreads_by_their_formulas():
    past = np.array([1.0, 3.0, 2.0, 6.0, 5.0])
    changes = np.array([2.0, -1.0, 4.0, -1.0])
    k = np.arange(1, 6)
    s = np.sqrt((changes**2).mean())
    np.testing.assert_allclose(BASELINES["naive"].spread(past, 5, 1), s * np.sqrt(k))
    s = np.sqrt(((changes - 1) ** 2).sum() / 3)
    np.testing.assert_allclose(BASELINES["drift"].spread(past, 5, 1), s * np.sqrt(k * (1 + k / 4)))
    s = past.std(ddof=1)
    np.testing.assert_allclose(BASELINES["mean"].spread(past, 5, 1), s * np.sqrt(1 + 1 / 5))
    s = np.sqrt((1.0**2 + 3.0**2 + 3.0**2) / 3)
    np.testing.assert_allclose(BASELINES["seasonal_naive"].spread(past, 5, 2), s * np.sqrt([1, 1, 2, 2, 3]))


def test_what_was_not_seen_lately_is_less_certain():
    past = np.array([1.0, 3.0, 2.0, 6.0, 5.0, 8.0])
    for name in ("naive", "seasonal_naive", "drift"):
        gap = np.append(past, [np.nan, np.nan])
        later = BASELINES[name].spread(gap, 3, 2)
        np.testing.assert_allclose(later, BASELINES[name].spread(past, 5, 2)[2:])


def test_levels_are_checked():
    for level in (0, 100, -5):
        with pytest.raises(ConfigError, match=f"Invalid level {level}: expected a percentage"):
            interval(BASELINES["naive"], [1.0, 2.0], 1, level=level)


def test_seasonal_naive_by_dates_stays_on_its_day_over_a_leap_day():
    t = np.arange("2022-01-01", "2024-12-20", dtype="M8[D]")
    day = np.array([str(date)[5:] for date in t.astype(str)])
    y = np.where(day == "12-24", 9.0, 1.0)[None]
    y[0, -700] = np.nan
    calendar = SeasonCalendar(t[-1:], 1)
    assert seasonal_naive(y, 10, 365, calendar)[0].tolist() == [1, 1, 1, 1, 9, 1, 1, 1, 1, 1]
    assert seasonal_naive(y, 10, 365)[0].tolist() == [1, 1, 1, 9, 1, 1, 1, 1, 1, 1]
    assert baseline_forecasts(y, 10, 365, calendar)["SeasonalNaive"][0, 4] == 9
    assert reference_baseline(y, 10, 365, calendar)["SeasonalNaive"][0, 4] == 9
    panel = from_values(y[0], start=t[0], freq="D")
    model = SeasonalNaive().fit(PanelContext.from_panel(panel), Task(10, 365))
    assert model.predict_quantiles(PanelContext.from_panel(panel))[0, :, 2].tolist() == [1, 1, 1, 1, 9, 1, 1, 1, 1, 1]


def test_seasonal_naive_by_dates_is_naive_at_days_without_a_value():
    y = np.array([[np.nan, 4.0, 5.0], [np.nan, np.nan, np.nan]])
    calendar = SeasonCalendar(np.array(["2024-02-28", "2024-02-28"], "M8[D]"), 1)
    forecast = seasonal_naive(y, 3, 365, calendar)
    assert forecast[0].tolist() == [5, 5, 5]
    assert np.isnan(forecast[1]).all()
