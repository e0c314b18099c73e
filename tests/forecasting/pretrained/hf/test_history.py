"""Gaps are filled with copies; levels and units are of what is known."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.forecasting.pretrained.hf.history import read_history


def test_read_history_fills_gaps_with_the_cycle_before():
    y = np.tile([1.0, 5.0, 3.0, 5.0], 5)[:, None]
    gaps = y.copy()
    gaps[6:13] = np.nan
    history = read_history(gaps, 4, 8)
    np.testing.assert_array_equal(history.by_season + history.origin, y)
    np.testing.assert_array_equal(history.by_long + history.origin, y)


def test_read_history_before_the_first_value_is_that_value():
    y = np.concatenate([np.full(9, np.nan), np.arange(5.0, 25)])[:, None]
    history = read_history(y, 4, 0)
    assert history.first.tolist() == [9]
    np.testing.assert_array_equal((history.by_season + history.origin)[:10, 0], 5.0)
    assert history.level[9:11, 0].tolist() == [0.0, 0.5]


@pytest.mark.parametrize("value", [0.0, 7.0, -1e6])
def test_read_history_of_constant_series_has_a_positive_unit(value):
    assert (read_history(np.full((30, 1), value), 4, 0).unit > 0).all()


def test_read_history_levels_and_units_equal_their_equations():
    y = np.random.default_rng(0).normal(size=(60, 3)).cumsum(axis=0)
    history, m = read_history(y, 6, 12), 6
    level = history.level + history.origin
    for t in (2, 10, 59):
        np.testing.assert_allclose(level[t], y[max(t - m + 1, 0) : t + 1].mean(axis=0))
    distance = np.abs(y - level).mean(axis=0)
    changes = np.abs(y[m:] - y[:-m])
    weight = 0.25 * m
    unit = (changes.sum(axis=0) + weight * distance) / (len(changes) + weight)
    np.testing.assert_allclose(history.unit[-1], unit)
    np.testing.assert_allclose(history.spread[-1], distance)


def test_read_history_behind_the_end_follows_the_week_at_the_newest_level():
    """A Monday after a low Sunday is as high as the Monday before, plus how far the level has risen since."""
    day, week = np.array([0.0, 2.0, 4.0, 2.0]), np.array([10.0, 10, 10, 10, 10, 5, 4])
    y = np.add.outer(np.tile(week, 4), day).ravel() + np.repeat(np.arange(28.0), 4)
    history = read_history(np.concatenate([y, np.full(28, np.nan)])[:, None], 4, 28)
    filled = (history.by_long + history.origin)[-28:, 0]
    np.testing.assert_allclose(filled, y[-28:] + 7)
    np.testing.assert_allclose((history.long_level + history.origin)[-1, 0], y[-4:].mean() + 7)


def test_read_history_phase_means_are_of_all_values_of_a_phase_that_were_observed():
    y = np.random.default_rng(0).normal(size=(40, 3))
    y[10:17, 1] = np.nan
    y[:5, 2] = np.nan
    history = read_history(y, 4, 12)
    for t in (12, 21, 39):
        of_season, of_long = np.nanmean(y[t % 4 : t + 1 : 4], axis=0), np.nanmean(y[t % 12 : t + 1 : 12], axis=0)
        np.testing.assert_allclose((history.phase_mean + history.origin)[t], of_season)
        np.testing.assert_allclose((history.long_phase_mean + history.origin)[t], of_long)


def test_read_history_longer_phases_without_a_value_have_the_mean_of_the_season():
    y = np.arange(8.0)[:, None]
    y[2:4] = np.nan
    history = read_history(y, 4, 6)
    assert (history.long_phase_mean == history.phase_mean)[2:4].all()
    assert history.long_phase_mean[7, 0] == 4.0
    assert history.phase_mean[7, 0] == 7.0


def test_read_history_deviation_fades_behind_the_end():
    rng = np.random.default_rng(0)
    noise = np.zeros(400)
    for t in range(1, 400):
        noise[t] = 0.9 * noise[t - 1] + rng.normal()
    y = np.concatenate([np.tile([0.0, 20.0, 40.0, 20.0], 100) + noise, np.full(20, np.nan)])[:, None]
    history = read_history(y, 4, 0)
    rate = history.persistence[399, 0]
    assert 0.8 < rate < 0.95
    assert history.deviation[399, 0] == pytest.approx(y[399, 0] - y[3:400:4, 0].mean())
    expected = history.deviation[399, 0] * rate ** np.arange(21)
    np.testing.assert_allclose(history.deviation[399:, 0], expected)


def test_read_history_persistence_of_noise_is_low_and_of_walks_high():
    rng = np.random.default_rng(0)
    y = np.stack([rng.normal(size=500), rng.normal(size=500).cumsum()], axis=1)
    noise, walk = read_history(y, 5, 0).persistence[-1]
    assert noise < 0.1
    assert walk > 0.95


def test_read_history_trend_is_the_line_of_least_squares():
    y = np.random.default_rng(0).normal(size=(50, 2)).cumsum(axis=0)
    y[20:26, 0] = np.nan
    mean, middle, slope = read_history(y, 4, 0).trend
    for k in range(2):
        known = np.flatnonzero(np.isfinite(y[:, k]))
        expected = np.polyfit(known, y[known, k] - y[0, k], 1)[0]
        assert slope[-1, k] == pytest.approx(expected)
        assert middle[-1, k] == pytest.approx(known.mean())
        assert mean[-1, k] == pytest.approx(np.nanmean(y[:, k]) - y[0, k])
    assert (slope[:7] == 0).all()
