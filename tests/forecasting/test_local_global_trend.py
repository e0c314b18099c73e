"""Forecasts with a local and a global trend."""

import numpy as np
import pytest

from gatecast.forecasting.base import Task
from gatecast.forecasting.local_global_trend import LocalGlobalTrend, lgt


def median(y, h=4, m=1):
    return lgt(np.atleast_2d(np.asarray(y, float)), h, m)[..., 0]


def test_lgt_continues_a_line_and_follows_growth_between_linear_and_exponential():
    np.testing.assert_allclose(median(10 + 2 * np.arange(30.0))[0], 70 + 2 * np.arange(4), rtol=1e-3)
    growth = 100 * 1.08 ** np.arange(30)
    ahead = 100 * 1.08 ** np.arange(30, 34)
    line = growth[-1] + (growth[-1] - growth[-2]) * np.arange(1, 5)
    forecast = median(growth)[0]
    assert (forecast > line).all()
    np.testing.assert_allclose(forecast, ahead, rtol=0.02)


def test_lgt_does_not_depend_on_the_unit():
    y = np.exp(np.cumsum(np.random.default_rng(0).normal(0.02, 0.1, 40)))
    for factor in (1e-6, 1e6):
        np.testing.assert_allclose(median(factor * y), factor * median(y), rtol=1e-9)


def test_lgt_series_that_are_not_positive_have_a_linear_trend():
    y = np.arange(-10.0, 20.0)
    np.testing.assert_allclose(median(y)[0], [20, 21, 22, 23], atol=0.05)
    walk = np.cumsum(np.random.default_rng(0).normal(size=50))
    np.testing.assert_allclose(median(-walk), -median(walk), rtol=1e-6, atol=1e-9)


def test_lgt_short_series_are_continued_and_empty_ones_are_not():
    y = np.full((3, 3), np.nan)
    y[0, -1], y[1] = 5.0, [1.0, 2.0, 4.0]
    assert median(y, 2)[:2].tolist() == [[5.0, 5.0], [4.0, 4.0]]
    assert np.isnan(median(y, 2)[2]).all()


def test_lgt_missing_values_are_those_before_them():
    y = 50 + np.cumsum(np.random.default_rng(1).normal(size=40))
    holes = y.copy()
    holes[[20, 21, 30]] = np.nan
    filled = y.copy()
    filled[[20, 21]], filled[30] = y[19], y[29]
    np.testing.assert_array_equal(median(holes), median(filled))


def test_lgt_season_is_removed_and_restored():
    t = np.arange(84)
    y = 100 + t + 20 * np.sin(np.pi * t / 6)
    forecast = median(y[:72], 12, 12)[0]
    # The season is a factor of the level, the made one is added to it.
    assert np.corrcoef(forecast, y[72:])[0, 1] > 0.95
    assert np.abs(forecast - y[72:]).mean() < 8


def test_lgt_one_outlier_does_not_move_the_trend():
    y = 10 + 2 * np.arange(40.0)
    y[25] += 300
    np.testing.assert_allclose(median(y)[0], 90 + 2 * np.arange(4), rtol=0.02)


@pytest.mark.parametrize("kind", ["walk", "growth"])
def test_lgt_quantiles_increase_and_widen(kind):
    e = np.random.default_rng(2).normal(0, 0.05, 60)
    y = np.exp(np.cumsum(e + (0.03 if kind == "growth" else 0.0)))
    q = LocalGlobalTrend().forecast(y[None], Task(8))[0]
    assert (np.diff(q, axis=1) > 0).all()
    assert (np.diff(q[:, -1] - q[:, 0]) > 0).all()


def test_lgt_trend_fades_beyond_as_many_steps_as_there_are_values():
    """Twenty values that grow by 5 % a step do not say that they will grow a million-fold."""
    y = 100 * 1.05 ** np.arange(20.0)[None]
    q = lgt(y, 400, quantiles=(0.1, 0.5, 0.9))[0]
    np.testing.assert_allclose(q[:20], lgt(y, 20, quantiles=(0.1, 0.5, 0.9))[0])
    change = np.diff(q[:, 1])
    np.testing.assert_allclose(change[19:], change[18] * 0.9 ** np.arange(1, 381), atol=1e-6 * y.max())
    assert (np.diff(q[20:, 2] - q[20:, 1]) > 0).all()
