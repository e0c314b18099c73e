"""Own seasons, and the models that use them: copy, average, level times shape, ridge on lags."""

import numpy as np
import pytest

from gatecast.forecasting.base import Task
from gatecast.forecasting.baselines import seasonal_naive
from gatecast.forecasting.cycles import newest_cycles
from gatecast.forecasting.level_shape import LevelShape
from gatecast.forecasting.own_seasons import choose_own_seasons, clock_seasons, season_spread
from gatecast.forecasting.seasonal_average import SeasonalAverage, SeasonalCopy
from gatecast.forecasting.seasonal_ridge import SeasonalRidge

DAY, WEEK = np.sin(np.arange(24) * np.pi / 12) + 2, np.repeat([1.0, 1.0, 1.0, 1.0, 1.0, 0.4, 0.2], 24)
HOURS = Task(48, 168, (0.5,), seasons=(24, 168))
MODELS = [SeasonalCopy(), SeasonalAverage(), LevelShape(), SeasonalRidge()]


def hours(n_weeks, weekly):
    """Hours with a daily season, in weeks that are all alike or have days of their own."""
    day = np.tile(DAY, 7 * n_weeks)
    return day * np.tile(WEEK, n_weeks) if weekly else day


def median(model, y, task):
    return model.forecast(np.atleast_2d(y), task)[..., len(task.quantiles) // 2]


def test_choose_own_seasons_takes_the_week_only_where_days_differ(rng):
    rows = np.stack([hours(4, weekly=False), hours(4, weekly=True)]) + rng.normal(0, 0.05, (2, 672))
    assert choose_own_seasons(rows, [24, 168]).tolist() == [24, 168]


def test_choose_own_seasons_finds_a_period_that_no_calendar_knows(rng):
    t = np.arange(700)
    y = np.sin(2 * np.pi * t / 20) + rng.normal(0, 0.05, 700)
    assert choose_own_seasons(y[None], [24, 168]).tolist() == [20]
    assert choose_own_seasons(y[None], [12]).tolist() == [12]


def test_choose_own_seasons_of_short_series_is_the_first():
    assert choose_own_seasons(np.arange(10.0)[None], [24, 168]).tolist() == [24]


def test_clock_seasons_are_other_periods_of_parts_of_a_day():
    assert 24 not in clock_seasons([24, 168])
    assert (clock_seasons([48]).min(), clock_seasons([48]).max()) == (16, 96)
    assert len(clock_seasons([7, 365])) == 0


def test_newest_cycles_of_fewer_values_than_a_season_are_none():
    assert newest_cycles(np.arange(3.0)[None], 4).shape == (1, 0, 4)


def test_season_spread_grows_with_the_seasons_ahead():
    y = np.array([[0.0, 0.0, 1.0, 1.0]])
    assert season_spread(y, 4, 2).tolist() == [[1.0, 1.0, np.sqrt(2), np.sqrt(2)]]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_seasonal_models_repeat_a_perfect_week(model):
    y = hours(6, weekly=True)
    # Ridge regression is drawn to its prior.
    tolerance = 0.3 if model.name == "seasonal-ridge" else 1e-9
    np.testing.assert_allclose(median(model, y[:-48], HOURS)[0], y[-48:], rtol=tolerance)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_seasonal_models_forecast_a_series_as_in_a_panel_of_others(model, rng):
    rows = np.stack([hours(6, weekly=False), hours(6, weekly=True), hours(6, weekly=True)])
    rows += rng.normal(0, 0.1, rows.shape)
    rows[2, :400] = np.nan
    together = median(model, rows, HOURS)
    for row, expected in zip(rows, together, strict=True):
        np.testing.assert_allclose(median(model, row[np.isfinite(row)], HOURS)[0], expected, rtol=1e-9)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
@pytest.mark.parametrize("factor", [1e-5, 1e5])
def test_seasonal_models_do_not_depend_on_the_unit(model, factor, rng):
    y = hours(5, weekly=True) + rng.normal(0, 0.1, 840)
    np.testing.assert_allclose(median(model, factor * y, HOURS), factor * median(model, y, HOURS), rtol=1e-6)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_seasonal_models_survive_missing_values_zeros_and_constants(model, rng):
    y = np.stack([hours(5, weekly=True), np.zeros(840), np.full(840, 3.0), rng.normal(size=840)])
    y[0, 100:130] = np.nan
    y[3, -5:] = np.nan
    quantiles = model.forecast(y, HOURS._replace(quantiles=(0.1, 0.5, 0.9)))
    assert np.isfinite(quantiles).all()
    assert (np.diff(quantiles, axis=-1) >= 0).all()
    np.testing.assert_allclose(quantiles[1], 0.0, atol=1e-12)
    np.testing.assert_allclose(quantiles[2], 3.0)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_seasonal_models_without_cycles_enough_are_seasonal_naive(model):
    y, task = np.arange(1.0, 12.0)[None], Task(4, 12, (0.5,), seasons=(12,))
    assert median(model, y, task).tolist() == seasonal_naive(y, 4, 12).tolist()
    assert np.isnan(median(model, np.full((1, 3), np.nan), task)).all()


def test_seasonal_ridge_stays_near_the_range_of_the_past():
    y = np.exp(0.05 * np.arange(120.0))
    forecast = median(SeasonalRidge(), y, Task(60, 12, (0.5,), seasons=(12,)))[0]
    deviation = np.log(y).std()
    assert (np.log(forecast) <= np.log(y).max() + 0.5 * deviation + 1e-9).all()
