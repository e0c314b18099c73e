"""Autoregressions of many orders, averaged: against a direct solution, and what they must know and not know."""

import itertools

import numpy as np
import pytest

from gatecast.forecasting.autoregression import LINE_EVIDENCE, MIN_VALUES, RIDGE, Autoregression
from gatecast.forecasting.base import Task

MEDIAN = (0.5,)


def forecast(y, h, m=1, quantiles=MEDIAN):
    return Autoregression().forecast(np.atleast_2d(y), Task(h, m, quantiles))


def functions(t, n, m, n_pairs, line):
    """A line and pairs of waves at times t, of which n - 1 is the last of the past."""
    since = np.asarray(t) - (n - 1.0)
    waves = [wave(2 * np.pi * k * since / m) for k in range(1, n_pairs + 1) for wave in (np.cos, np.sin)]
    return np.column_stack([np.ones(len(since)), *waves[: m - 1], *[np.sqrt(12) * since / n] * line])


def direct(y, h, m, orders):
    """The forecast, one model after the other."""
    z = (y - y.mean()) / y.std()
    t = np.arange(max(orders) + 1, len(z))  # the same equations for all models
    paths, criteria = [], []
    pairs = [0, *(k for k in (1, 2, 3, 6) if 2 * k <= m)]
    for p, n_pairs, line in itertools.product(orders, pairs, (False, True)):
        given = functions(np.arange(len(z) + h), len(z), m, n_pairs, line)
        X = np.column_stack([*(z[t - k] for k in range(1, p + 1)), given[t]])
        prior = np.zeros(X.shape[1])
        prior[0] = 1.0
        penalty = RIDGE * (z[t] @ z[t]) + 1e-9
        b = np.linalg.solve(X.T @ X + penalty * np.eye(len(prior)), X.T @ z[t] + penalty * prior)
        criteria.append((len(b), np.mean((z[t] - X @ b) ** 2) + 1e-9, LINE_EVIDENCE * line))
        path = list(z)
        for i in range(len(z), len(z) + h):
            path.append(sum(b[k] * path[-1 - k] for k in range(p)) + given[i] @ b[p:])
        paths.append(path[len(z) :])
    d = np.diff(z, prepend=z[0])
    for p in orders:
        X = np.column_stack([d[t - k] for k in range(1, p + 1)])
        penalty = RIDGE * (d[t] @ d[t]) + 1e-9
        b = np.linalg.solve(X.T @ X + penalty * np.eye(p), X.T @ d[t])
        criteria.append((p, np.mean((d[t] - X @ b) ** 2) + 1e-9, 0.0))
        path, value, future = list(d), z[-1], []
        for _ in range(h):
            path.append(sum(b[k] * path[-1 - k] for k in range(p)))
            value += path[-1]
            future.append(value)
        paths.append(future)
    n = len(t)
    aicc = np.array(
        [n * np.log(v) + 2 * (k + 1) + 2 * (k + 1) * (k + 2) / max(n - k - 2, 1) + more for k, v, more in criteria]
    )
    w = np.exp(-0.5 * (aicc - aicc.min()))
    return w @ np.array(paths) / w.sum() * y.std() + y.mean()


@pytest.mark.parametrize(("n", "m", "orders"), [(14, 1, (1, 2)), (30, 4, (1, 2, 3, 4, 5, 6)), (26, 3, (1, 2, 3, 4))])
@pytest.mark.parametrize("slope", [0.0, 0.5])
def test_forecast_equals_a_direct_solution(rng, n, m, orders, slope):
    y = 50 + slope * np.arange(n) + np.convolve(rng.normal(0, 1, 40), [1.0, 0.7, 0.4], "valid")[:n] + np.arange(n) % m
    assert forecast(y, 3, m)[0, :, 0] == pytest.approx(direct(y, 3, m, orders), rel=1e-9)


def test_forecast_goes_on_along_a_line_and_a_season_that_stay_as_they_are(rng):
    t = np.arange(132)
    truth = 100 + 0.5 * t + 10 * np.sin(2 * np.pi * t / 12)
    y = truth + rng.normal(0, 3, (40, 132))
    error = np.abs(forecast(y[:, :120], 12, 12)[..., 0] - truth[120:]).mean()
    assert error < 1.5  # the noise has 3


def test_forecast_does_not_take_a_walk_for_a_line(rng):
    y = np.cumsum(rng.normal(size=(200, 120)), axis=1)
    past, future = y[:, :108], y[:, 108:]
    error, naive = (np.abs(q - future).mean() for q in (forecast(past, 12)[..., 0], past[:, -1:]))
    assert error < 1.08 * naive


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
