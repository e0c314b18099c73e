"""Past origins, and what models forecast from them."""

import numpy as np
import pytest

from gatecast.evaluation import past_forecasts
from gatecast.evaluation.past_forecasts import (
    PastForecasts,
    forecast_past,
    older_origins,
    select_origins,
    series_unit,
    short_origins,
)
from gatecast.forecasting.base import Task
from gatecast.forecasting.baselines import Naive
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.ensemble import fit_models
from gatecast.forecasting.theta import DynamicOptimizedTheta


def context_of(n_series, T, seed=0):
    return PanelContext.from_values(100 + np.cumsum(np.random.default_rng(seed).normal(size=(n_series, T)), axis=1))


def test_older_origins_of_a_panel_are_horizons_apart_and_leave_a_past():
    assert older_origins(context_of(20, 60), 6, 6, 1).tolist() == [24, 18, 12]
    assert older_origins(context_of(20, 30), 6, 6, 1).tolist() == [18, 12]
    assert older_origins(context_of(20, 40), 6, 6, 12).tolist() == [12]
    assert older_origins(context_of(20, 12), 6, 6, 1).tolist() == []


def test_older_origins_of_a_series_lie_in_its_newer_half():
    offsets = older_origins(context_of(1, 200), 12, 12, 12)
    assert len(offsets) == 48
    assert offsets.max() == 100
    assert offsets.min() == 13
    assert (np.diff(offsets) < 0).all()


def test_older_origins_of_a_large_panel_are_none():
    values = np.broadcast_to(np.arange(1.0, 2001.0), (3000, 2000))
    assert older_origins(PanelContext.from_values(values), 6, 6, 1).tolist() == []


def test_short_origins_divide_the_newer_half_and_leave_two_seasons():
    assert short_origins(context_of(1, 30), 12).tolist() == [6, 5, 4, 3, 2, 1]
    assert short_origins(context_of(1, 30), 1).tolist() == list(range(15, 0, -1))
    assert short_origins(context_of(20, 30), 1).tolist() == [15, 10, 6, 1]
    assert short_origins(context_of(20, 8), 1).tolist() == []


def test_forecast_past_from_short_origins_measures_the_steps_that_are_known():
    context = context_of(2, 30)
    past = forecast_past(fit_models([Naive()], context, Task(12)), context, np.array([6, 3]), 1)
    assert np.isfinite(past.actual).sum(axis=1).tolist() == [6, 6, 3, 3]
    assert np.isfinite(past.errors()["Naive"]).all()


def test_forecast_past_does_not_see_what_followed():
    context = context_of(3, 50)
    changed = context.values.copy()
    changed[:, -6:] += 1000
    ensemble = fit_models([DynamicOptimizedTheta(), Naive()], context, Task(6))
    first, second = (
        forecast_past(ensemble, ctx, np.array([12, 6]), 1) for ctx in (context, PanelContext.from_values(changed))
    )
    for name in first.quantiles:
        np.testing.assert_array_equal(first.quantiles[name], second.quantiles[name])
    assert (second.actual[3:] > first.actual[3:] + 900).all()


def test_forecast_past_overlapping_origins_count_for_a_part_of_a_horizon():
    ensemble = fit_models([Naive()], context_of(1, 50), Task(6))
    assert forecast_past(ensemble, context_of(1, 50), np.array([12, 9, 6]), 1).horizons.tolist() == [0.5] * 3
    assert forecast_past(ensemble, context_of(1, 50), np.array([6]), 1).horizons.tolist() == [1.0]


def test_select_origins_equals_forecasting_from_these_origins():
    context = context_of(3, 40)
    ensemble = fit_models([Naive()], context, Task(6))
    every, some = np.array([15, 12, 7, 6, 2]), np.array([12, 6])
    selected = select_origins(forecast_past(ensemble, context, every, 1), every, some, 6)
    alone = forecast_past(ensemble, context, some, 1)
    np.testing.assert_array_equal(selected.quantiles["Naive"], alone.quantiles["Naive"])
    for left, right in zip(selected[1:], alone[1:], strict=True):
        np.testing.assert_array_equal(left, right)


def test_join_gives_nan_where_a_model_was_not_asked():
    context = context_of(2, 50)
    both = fit_models([DynamicOptimizedTheta(), Naive()], context, Task(6))
    naive = fit_models([Naive()], context, Task(6))
    past = forecast_past(both, context, np.array([6]), 1).join(forecast_past(naive, context, np.array([12]), 1))
    errors = past.errors()
    assert np.isfinite(errors["DynamicOptimizedTheta"]).tolist() == [True, True, False, False]
    assert np.isfinite(errors["Naive"]).all()


def test_series_unit_of_a_series_shorter_than_a_season_is_its_change_a_step():
    assert series_unit(np.array([[1.0, 3.0, 1.0]]), 12).tolist() == [2.0]
    assert np.isnan(series_unit(np.full((1, 5), 3.0), 2)).all()


def test_errors_are_means_over_the_known_steps_in_units_of_the_series():
    quantiles = np.array([[[-5.0, 0.0, k, 8.0, 9.0]] * 3 for k in (1.0, 2.0, 3.0, 4.0)])
    actual = np.array([[2.0, np.nan, 3.0], [np.nan] * 3, [3.0, 4.0, 5.0], [np.nan, 7.0, np.nan]])
    zeros = np.zeros(4, int)
    past = PastForecasts({"a": quantiles}, actual, zeros, zeros, np.array([0.5, 1.0, np.nan, 2.0]), np.ones(4))
    np.testing.assert_array_equal(past.errors()["a"], [3.0, np.nan, np.nan, 1.5])


@pytest.mark.parametrize("lengths", [(7, 8), (6, 7)])
def test_forecast_past_counts_origins_after_eight_values_or_as_many_as_the_longest_has(lengths):
    context = context_of(1, 30)
    past = forecast_past(fit_models([Naive()], context, Task(6)), context, 30 - np.array(lengths), 1)
    assert past.length.tolist() == list(lengths)
    assert np.isfinite(past.actual).sum(axis=1).tolist() == [0, 6]


def test_forecast_past_counts_a_row_for_the_share_of_its_horizon_that_is_new():
    context = context_of(1, 50)
    ensemble = fit_models([Naive()], context, Task(6))
    for offsets, horizons in (([20, 11, 2], 1.0), ([18, 12, 6], 1.0), ([12, 10, 6], 0.5), ([3], 1.0)):
        assert forecast_past(ensemble, context, np.array(offsets), 1).horizons.tolist() == [horizons] * len(offsets)


def test_forecast_past_holds_constants_and_takes_the_unit_before_the_origin():
    values = np.concatenate([np.full((1, 12), 7.0), [[9.0, 5.0, 6.0, 7.0]]], axis=1)
    context = PanelContext.from_values(values)
    past = forecast_past(fit_models([Naive()], context, Task(2)), context, np.array([4, 2]), 1)
    assert (past.quantiles["Naive"][0] == 7).all()
    assert (past.quantiles["Naive"][1, 0] != 5).any()
    np.testing.assert_allclose(past.unit, [np.nan, 6 / 13])
    assert past.actual.tolist() == [[9.0, 5.0], [6.0, 7.0]]


def test_select_origins_takes_whole_origins():
    rows = np.arange(12)
    q = {"a": rows.reshape(12, 1, 1) / 1.0}
    past = PastForecasts(q, rows[:, None] * 2.0, rows % 3, rows + 5, rows + 0.5, np.ones(12))
    some = select_origins(past, np.array([9, 7, 5, 2]), np.array([7, 2]), 10)
    chosen = [3, 4, 5, 9, 10, 11]
    assert some.quantiles["a"].ravel().tolist() == chosen
    assert some.actual.ravel().tolist() == [2.0 * k for k in chosen]
    assert some.series.tolist() == [0, 1, 2] * 2
    assert some.length.tolist() == [k + 5 for k in chosen]
    assert some.unit.tolist() == [k + 0.5 for k in chosen]
    assert some.horizons.tolist() == [0.5] * 6


def test_series_unit_of_sparse_series_is_the_change_to_the_next_value():
    nan = np.nan
    values = np.array(
        [
            [1.0, nan, nan, 4.0, nan, nan, 2.0, nan, nan, 3.0],  # no two are a step or a season apart
            [1.0, 2.0, nan, 5.0, nan, 2.0, nan, 4.0, nan, nan],  # one pair of four changes: a quarter is enough
            [nan, nan, nan, nan, nan, nan, nan, nan, nan, 1.0],
            [1.0, 3.0, 2.0, 4.0, 3.0, 5.0, 4.0, 6.0, 5.0, 7.0],
            [7.0, nan, nan, 7.0, nan, nan, 7.0, nan, nan, 7.0],
        ]
    )
    assert series_unit(values, 4).tolist()[0] == 2.0
    np.testing.assert_array_equal(series_unit(values[:, :9], 20), [2.5, 1.0, nan, 1.5, nan])
    np.testing.assert_array_equal(series_unit(values, 1)[1], 1.0)
    np.testing.assert_array_equal(series_unit(values, 2)[3], 1.0)
    np.testing.assert_array_equal(series_unit(values, 9)[3], 6.0)
    np.testing.assert_array_equal(series_unit(values, 10)[3], 14 / 9)


@pytest.mark.parametrize(
    ("n_series", "T", "newest", "horizon", "m", "offsets"),
    [
        (5, 60, 6, 6, 1, [24, 18, 12]),
        (5, 32, 6, 6, 1, [24, 18, 12]),
        (5, 31, 6, 6, 1, [18, 12]),
        (5, 60, 6, 6, 18, [24, 18, 12]),
        (5, 60, 6, 6, 19, [18, 12]),
        (5, 60, 3, 10, 1, [33, 23, 13]),
        (1, 20, 4, 3, 1, [10, 9, 8, 7, 6, 5]),
        (1, 20, 4, 3, 6, [8, 7, 6, 5]),
        (1, 20, 4, 5, 1, [12, 11, 10, 9, 8, 7, 6, 5]),
        (1, 12, 4, 5, 1, []),
        (1, 13, 4, 5, 1, [5]),
    ],
)
def test_older_origins_leave_eight_values_and_two_seasons(n_series, T, newest, horizon, m, offsets):
    assert older_origins(context_of(n_series, T), newest, horizon, m).tolist() == offsets


def test_older_origins_of_a_long_series_are_48_of_its_newer_half():
    offsets = older_origins(context_of(1, 400), 10, 10, 1)
    assert (len(offsets), offsets[0], offsets[-1]) == (48, 200, 11)
    assert np.abs(np.diff(offsets)).max() <= 5
    # Values of all origins are limited.
    assert [len(older_origins(context_of(1, T), 10, 10, 1)) for T in (3906, 3910)] == [24, 23]
    assert older_origins(context_of(1, 100_000), 10, 10, 1).tolist() == [50_000]


@pytest.mark.parametrize(
    ("n_series", "T", "m", "offsets"),
    [
        (1, 20, 1, [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]),
        (1, 20, 6, [8, 7, 6, 5, 4, 3, 2, 1]),
        (1, 9, 1, [1]),
        (1, 8, 1, []),
        (3, 20, 1, [10, 7, 4, 1]),
        (3, 20, 9, [2, 1]),
        (3, 20, 10, []),
    ],
)
def test_short_origins_leave_eight_values_and_two_seasons(n_series, T, m, offsets):
    assert short_origins(context_of(n_series, T), m).tolist() == offsets


def test_origins_of_large_panels_are_fewer(monkeypatch):
    monkeypatch.setattr(past_forecasts, "MAX_VALUES", 10 * 40 * 3)
    context = context_of(10, 40)
    assert older_origins(context, 6, 6, 1).tolist() == [18, 12]
    assert short_origins(context, 1).tolist() == [20, 10, 1]
    monkeypatch.setattr(past_forecasts, "MAX_VALUES", 399)
    assert older_origins(context, 6, 6, 1).tolist() == []
    assert short_origins(context, 1).tolist() == []
    monkeypatch.setattr(past_forecasts, "MAX_VALUES", 400)
    assert short_origins(context, 1).tolist() == [20]
