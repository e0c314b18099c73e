"""Seasonal ARIMA models, averaged: against a direct solution, and what they must know and not know."""

import itertools

import numpy as np
import pytest

from gatecast.forecasting.base import Task
from gatecast.forecasting.seasonal_arma import MAX_BEYOND, N_KEPT, RIDGE, SEASON, STEP, SeasonalArma

MEDIAN = (0.5,)


def forecast(y, h, m=4, quantiles=MEDIAN):
    return SeasonalArma().forecast(np.atleast_2d(y), Task(h, m, quantiles))


def one_model(z, t, d, m, a, b, columns, h):
    """AICc and the forecast of one model, from loops over time."""
    w, u, T = np.zeros(len(z)), np.zeros(len(z) + h), len(z)
    for i in range(m + d, T):
        w[i] = z[i] - z[i - m] - d * (z[i - 1] - z[i - m - 1])
    for i in range(T):
        u[i] = w[i] - a * u[i - 1] * (i >= 1) - b * u[i - m] * (i >= m) - a * b * u[i - m - 1] * (i > m)
    X = np.column_stack([u[t - 1], u[t - m], np.ones(len(t))])[:, columns]
    penalty = (RIDGE * (u[t] @ u[t]) + 1e-9) * np.diag([float(column != 2) for column in columns])
    coefficients = np.zeros(3)
    coefficients[columns] = np.linalg.solve(X.T @ X + penalty, X.T @ u[t])
    n, k = len(t), len(columns) + 2
    aicc = n * np.log(np.mean((u[t] - X @ coefficients[columns]) ** 2) + 1e-9) + 2 * k + 2 * k * (k + 1) / (n - k - 1)
    path = [*z]
    for i in range(T, T + h):
        u[i] = coefficients @ [u[i - 1], u[i - m], 1.0]
        change = u[i] + a * u[i - 1] + b * u[i - m] + a * b * u[i - m - 1]
        path.append(change + path[i - m] + d * (path[i - 1] - path[i - m - 1]))
    return aicc, path[T:]


def direct(y, h, m):
    """The forecast, one model after the other."""
    unit = np.abs(np.diff(y)).mean()
    z = (y - y[-1]) / unit
    t = np.arange(m + 1 + min(m, len(z) // 6), len(z))
    kinds = [[], [0], [1], [0, 1], [2], [0, 2], [1, 2], [0, 1, 2]]
    of_d = [(d, columns) for d in (0, 1) for columns in kinds if d == 0 or 2 not in columns]
    grid = itertools.product(of_d, STEP, SEASON)
    models = [one_model(z, t, d, m, a, b, columns, h) for (d, columns), a, b in grid]
    models = sorted(models, key=lambda model: model[0])[:N_KEPT]
    w = np.exp([-0.5 * (aicc - models[0][0]) for aicc, _ in models])
    return w @ np.array([path for _, path in models]) / w.sum() * unit + y[-1]


@pytest.mark.parametrize(("n", "m"), [(30, 4), (23, 3), (60, 12)])
def test_forecast_equals_a_direct_solution(rng, n, m):
    y = 50 + 0.3 * np.arange(n) + np.tile(rng.normal(0, 3, m), n)[:n] + np.cumsum(rng.normal(0, 1, n))
    assert forecast(y, m + 2, m)[0, :, 0] == pytest.approx(direct(y, m + 2, m), rel=1e-9)


def test_forecast_goes_on_along_a_line_and_a_season(rng):
    t = np.arange(88)
    truth = 100 + 0.5 * t + 10 * np.sin(np.pi * t / 2)
    y = truth + rng.normal(0, 1, (40, 88))
    assert np.abs(forecast(y[:, :80], 8)[..., 0] - truth[80:]).mean() < 0.8  # the noise has 0.8


def test_forecast_knows_the_airline_model_nearly_as_well_as_who_knows_its_parameters(rng):
    e = rng.normal(size=(300, 108))
    u = e.copy()
    u[:, 1:] -= 0.6 * e[:, :-1]
    w = u.copy()
    w[:, 4:] -= 0.65 * u[:, :-4]
    y = w.copy()
    for t in range(1, 108):
        y[:, t] = w[:, t] + y[:, t - 1] + (y[:, t - 4] - (y[:, t - 5] if t > 4 else 0.0) if t > 3 else 0.0)
    q = forecast(y[:, :100], 1, 4, (0.1, 0.5, 0.9))[:, 0]
    assert np.abs(y[:, 100] - q[:, 1]).mean() < 0.92  # of the errors alone: 0.80
    assert 0.72 < np.mean((q[:, 0] <= y[:, 100]) & (y[:, 100] <= q[:, 2])) < 0.88


def test_series_without_a_season_or_with_too_few_of_them_have_the_seasonal_naive_forecast(rng):
    y = rng.normal(size=(2, 40))
    y[1, :23] = np.nan
    assert forecast(y, 3, 1)[..., 0].tolist() == np.repeat(y[:, -1:], 3, axis=1).tolist()
    few, enough = forecast(y, 3, 4)[1, :, 0], forecast(np.r_[0.0, y[1, 23:]], 3, 4)[0, :, 0]
    assert few.tolist() == y[1, -4:-1].tolist()  # 17 values: three years of quarters and six are 18
    assert (enough != few).all()


def test_forecast_of_a_series_does_not_depend_on_the_others(rng):
    y = rng.normal(size=(3, 60)).cumsum(axis=1)
    y[1, :20] = np.nan
    together = forecast(y, 6)
    assert forecast(y[1, 20:], 6)[0] == pytest.approx(together[1], rel=1e-9)
    assert forecast(y[0], 6)[0] == pytest.approx(together[0], rel=1e-9)


def test_missing_values_are_those_before_them(rng):
    y = rng.normal(size=40).cumsum()
    filled = y.copy()
    y[20], filled[20] = np.nan, filled[19]
    assert (forecast(y, 4) == forecast(filled, 4)).all()


def test_forecast_of_a_constant_is_the_constant():
    assert forecast(np.full(40, 7.0), 3, 4, (0.1, 0.5, 0.9)) == pytest.approx(7.0, abs=1e-3)


def test_forecasts_scale_with_the_series(rng):
    y = rng.normal(size=40).cumsum() + np.tile([0.0, 3.0, 1.0, 5.0], 10)
    assert forecast(1e9 * y + 1e12, 6) == pytest.approx(1e9 * forecast(y, 6) + 1e12, rel=1e-9)


def test_forecasts_stay_near_the_range_of_the_past():
    y = 2.0 ** np.arange(30)
    last, spread = y[-1], y[-1] - y[0]
    assert (forecast(y, 20) <= last + MAX_BEYOND * spread * (1 + 1e-9)).all()


def test_quantiles_increase(rng):
    y = rng.normal(size=(5, 50)).cumsum(axis=1)
    assert (np.diff(forecast(y, 9, 4, (0.1, 0.5, 0.9)), axis=2) > 0).all()
