"""Autoregressions of many orders, averaged: against a direct solution, and what they must know and not know."""

import numpy as np
import pytest

from gatecast.forecasting.autoregression import MIN_VALUES, RIDGE, Autoregression
from gatecast.forecasting.base import Task

MEDIAN = (0.5,)


def forecast(y, h, m=1, quantiles=MEDIAN):
    return Autoregression().forecast(np.atleast_2d(y), Task(h, m, quantiles))


def direct(y, h):
    """The forecast of 14 values, which allow the orders 1 and 2, one model after the other."""
    z = (y - y.mean()) / y.std()
    t = np.arange(3, len(z))  # the same equations for all models
    paths, criteria = [], []
    for p in (1, 2):
        X = np.column_stack([*(z[t - k] for k in range(1, p + 1)), np.ones(len(t))])
        prior = np.array([1.0, *[0.0] * p])
        penalty = RIDGE * (z[t] @ z[t]) + 1e-9
        b = np.linalg.solve(X.T @ X + penalty * np.eye(p + 1), X.T @ z[t] + penalty * prior)
        criteria.append((p + 1, np.mean((z[t] - X @ b) ** 2) + 1e-9))
        path = list(z)
        for _ in range(h):
            path.append(sum(b[k] * path[-1 - k] for k in range(p)) + b[p])
        paths.append(path[len(z) :])
    d = np.diff(z, prepend=z[0])
    for p in (1, 2):
        X = np.column_stack([d[t - k] for k in range(1, p + 1)])
        penalty = RIDGE * (d[t] @ d[t]) + 1e-9
        b = np.linalg.solve(X.T @ X + penalty * np.eye(p), X.T @ d[t])
        criteria.append((p, np.mean((d[t] - X @ b) ** 2) + 1e-9))
        path, value, future = list(d), z[-1], []
        for _ in range(h):
            path.append(sum(b[k] * path[-1 - k] for k in range(p)))
            value += path[-1]
            future.append(value)
        paths.append(future)
    n = len(t)
    aicc = np.array([n * np.log(v) + 2 * (k + 1) + 2 * (k + 1) * (k + 2) / (n - k - 2) for k, v in criteria])
    w = np.exp(-0.5 * (aicc - aicc.min()))
    return w @ np.array(paths) / w.sum() * y.std() + y.mean()


def test_forecast_equals_a_direct_solution(rng):
    y = 50 + np.convolve(rng.normal(0, 1, 20), [1.0, 0.7, 0.4], "valid")[:14]
    assert forecast(y, 3)[0, :, 0] == pytest.approx(direct(y, 3), rel=1e-9)


def test_forecast_follows_a_cycle_that_no_calendar_knows():
    y = 10 + np.sin(np.arange(111) * 2 * np.pi / 11)
    assert forecast(y[:100], 11)[0, :, 0] == pytest.approx(y[100:], abs=0.1)


def test_forecast_knows_the_season_of_the_task():
    y = np.tile(np.arange(20.0) ** 2 % 17, 9)
    assert forecast(y[:160], 20, 20)[0, :, 0] == pytest.approx(y[160:180], abs=0.2)


def test_forecast_of_a_random_walk_stays_near_its_end(rng):
    y = np.cumsum(rng.normal(size=(40, 200)), axis=1)
    moved = np.abs(forecast(y, 12)[:, -1, 0] - y[:, -1])
    assert np.median(moved) < 1.5  # the walk itself moves by 3.5


def test_intervals_cover_an_autoregressive_process(rng):
    n, h = 150, 6
    noise = rng.normal(size=(400, n + h))
    y = np.zeros_like(noise)
    for t in range(1, n + h):
        y[:, t] = 0.8 * y[:, t - 1] + noise[:, t]
    q = forecast(y[:, :n], h, quantiles=(0.1, 0.5, 0.9))
    inside = (q[..., 0] <= y[:, n:]) & (y[:, n:] <= q[..., 2])
    assert 0.72 < inside.mean() < 0.86


def test_rows_do_not_depend_on_each_other_or_on_columns_before_they_began(rng):
    y = rng.normal(size=(5, 90)).cumsum(axis=1)
    y[2, :30], y[4, :50] = np.nan, np.nan
    together = forecast(y, 5)
    alone = [forecast(row[np.isfinite(row)], 5)[0] for row in y]
    assert together == pytest.approx(np.array(alone), rel=1e-9, abs=1e-9)


def test_scale_and_level_of_a_series_do_not_matter(rng):
    y = rng.normal(size=60).cumsum()
    assert forecast(1000 + 7 * y, 4) == pytest.approx(1000 + 7 * forecast(y, 4), rel=1e-9)


@pytest.mark.parametrize("n", [1, 2, MIN_VALUES - 1])
def test_forecast_of_a_few_values_is_the_last_one(rng, n):
    y = rng.normal(size=n)
    assert forecast(y, 3)[0, :, 0] == pytest.approx(np.repeat(y[-1], 3))


def test_broken_input_has_a_finite_forecast_or_none(rng):
    gaps = rng.normal(size=80)
    gaps[[3, 40, 79]] = np.nan
    rows = np.stack([gaps, np.full(80, 5.0), np.full(80, np.nan), 1e200 * rng.normal(size=80)])
    f = forecast(rows, 4, quantiles=(0.1, 0.5, 0.9))
    assert np.isfinite(f[[0, 1, 3]]).all()
    assert np.isnan(f[2]).all()
    assert f[1, :, 1] == pytest.approx(np.full(4, 5.0))
