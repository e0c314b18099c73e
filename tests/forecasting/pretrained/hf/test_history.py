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
