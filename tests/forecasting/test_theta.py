"""The dynamic optimised theta method: its recursion against a plain one, and what a panel must not change."""

import numpy as np
import pytest

from gatecast.data.panel import from_values
from gatecast.data.season_calendar import SeasonCalendar
from gatecast.forecasting.base import Task
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.theta import DynamicOptimizedTheta, dot


def plain(y, alpha, w, first, h):
    """The recursion as it is written down, one series: one-step errors and the points ahead."""
    y = list(y)
    n = len(y)
    level, mean, slope, line = alpha * y[0] + (1 - alpha) * first, y[0], 0.0, y[0]
    errors, ahead = [], []
    for i in range(1, n + h):
        mu = level + w * ((1 - alpha) ** i * line + (1 - (1 - alpha) ** (i + 1)) / alpha * slope)
        if i < n:
            errors.append(y[i] - mu)
        else:
            ahead.append(mu)
            y.append(mu)
        level = alpha * y[i] + (1 - alpha) * level
        slope = ((i - 1) * slope + 6 * (y[i] - mean) / (i + 1)) / (i + 2)
        mean = (i * mean + y[i]) / (i + 1)
        line = mean - slope * (i + 2) / 2
    return np.array(errors), np.array(ahead)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_no_parameters_near_by_do_better(seed):
    rng = np.random.default_rng(seed)
    y = 50 + np.cumsum(rng.normal(0.3, 1, 60))
    said = dot(y[None], 6)[0, :, 0]

    def loss(alpha, w, first):
        return (plain(y, alpha, w, first, 1)[0][2:] ** 2).sum()

    tried = [
        (loss(alpha, w, first), alpha, w, first)
        for alpha in np.linspace(0.1, 0.99, 90)
        for w in np.linspace(0, 1, 21)
        for first in y[0] + np.linspace(-10, 10, 11)
    ]
    best = min(tried)
    np.testing.assert_allclose(said, plain(y, *best[1:], 6)[1], rtol=0.01)


def test_a_series_says_the_same_alone_and_in_a_panel(rng):
    values = 100 + np.cumsum(rng.normal(size=(9, 70)), axis=1)
    values[3, :40] = np.nan
    values[5, :66] = np.nan
    values[7, 30:33] = np.nan
    together = dot(values, 8, 4, (0.1, 0.5, 0.9))
    for row, said in zip(values, together, strict=True):
        np.testing.assert_allclose(dot(row[None], 8, 4, (0.1, 0.5, 0.9))[0], said, rtol=1e-9)


@pytest.mark.parametrize("factor", [1e-12, 1024.0, 1e12])
def test_the_unit_does_not_matter(rng, factor):
    values = 100 + np.cumsum(rng.normal(size=(2, 50)), axis=1)
    np.testing.assert_allclose(dot(values * factor, 5), dot(values, 5) * factor, rtol=1e-9)


def test_little_or_nothing_to_go_by():
    values = np.full((6, 30), np.nan)
    values[0, -2:] = 3.0, 4.0
    values[1] = 7.0
    values[2, -1] = 5.0
    values[3] = 0.0
    values[4] = -np.arange(30.0)
    said = dot(values, 3, 12, (0.1, 0.5, 0.9))
    assert np.isfinite(said[:5]).all()
    assert np.isnan(said[5]).all()
    np.testing.assert_allclose(said[1], 7.0)
    np.testing.assert_allclose(said[2], 5.0)
    assert (np.diff(said[:5], axis=2) >= 0).all()
    assert (said[4, :, 1] < -28).all()


def test_quantiles_cover_random_walks(rng):
    walks = 1000 + np.cumsum(rng.normal(size=(800, 88)), axis=1)
    said = dot(walks[:, :80], 8, 1, (0.1, 0.5, 0.9))
    inside = (walks[:, 80:] >= said[..., 0]) & (walks[:, 80:] <= said[..., 2])
    assert 0.65 < inside.mean() < 0.9


def test_seasons_and_trends_go_on(rng):
    t = np.arange(84)
    y = (100 + t) * np.tile(np.linspace(0.7, 1.3, 12), 7)
    said = dot(y[None, :72], 12, 12)[0, :, 0]
    np.testing.assert_allclose(said, y[72:], rtol=0.08)


def test_a_large_level_changes_nothing_around_it(rng):
    values = np.cumsum(rng.normal(size=(3, 60)), axis=1) + 50
    near = dot(values, 4, 1, (0.1, 0.5, 0.9))
    np.testing.assert_allclose(dot(values + 2**27, 4, 1, (0.1, 0.5, 0.9)) - 2**27, near, atol=1e-3)


def test_dot_of_a_yearly_season_of_weeks_follows_the_dates():
    n = 420
    calendar = SeasonCalendar(np.array(["2021-01-03"], "M8[D]"), 7)  # week 53 of 2020
    places = calendar.places(np.arange(-n, 8))
    y = 100.0 + 80.0 * (places == 2)
    panel = from_values(y[0, :n], start=np.datetime64("2021-01-03") - 7 * (n - 1), freq="W-SUN")
    context = PanelContext.from_panel(panel)
    forecast = DynamicOptimizedTheta().fit(context, Task(8, 52)).predict_quantiles(context)[0, :, 2]
    assert forecast.argmax() == 2
    assert dot(y[:, :n], 8, 52, (0.5,)).argmax() == 1
