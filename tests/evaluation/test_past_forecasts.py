"""Past origins, and what models forecast from them."""

import numpy as np

from gatecast.evaluation.past_forecasts import (
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
