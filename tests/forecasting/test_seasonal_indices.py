"""Seasonal indices are those of the data as far as the data tell, and little of noise."""

import numpy as np
import pytest

from gatecast.forecasting.seasonal_indices import seasonal_indices

YES, NO = np.array([True]), np.array([False])


def seasonal(rng, m, n):
    shape = rng.permutation(np.linspace(0.6, 1.4, m))
    t = np.arange(n)
    level = 100 + 0.2 * t
    return level * shape[t % m] + rng.normal(0, 0.5, n), shape


@pytest.mark.parametrize("m", [4, 12])
@pytest.mark.parametrize("n", [60, 61, 67])
def test_indices_are_those_of_the_data_in_the_phase_of_the_steps_ahead(rng, m, n):
    y, shape = seasonal(rng, m, n)
    found = seasonal_indices(y[None], m, np.array([True]))[0]
    np.testing.assert_allclose(found, (shape / shape.mean())[(n + np.arange(m)) % m], rtol=0.02)


def test_indices_of_noise_are_small(rng):
    rows = rng.normal(100, 5, (500, 48))
    found = seasonal_indices(rows, 12, np.full(500, True))
    assert (found == 1).all(axis=1).mean() > 0.7
    assert np.sqrt(((found - 1) ** 2).mean()) < 0.25 * 0.05


def test_short_and_constant_series_have_no_indices():
    values = np.full((3, 48), np.nan)
    values[0, -20:] = np.tile([1.0, 9.0], 10)
    values[1] = 5.0
    assert (seasonal_indices(values, 12, np.full(3, True)) == 1).all()


def test_indices_are_shrunk_the_more_the_fewer_cycles_tell(rng):
    shape = 1 + 0.1 * np.sin(np.arange(12) * np.pi / 6)
    errors = {}
    for n_cycles in (3, 12):
        rows = 100 * np.tile(shape, n_cycles) + rng.normal(0, 15, (300, 12 * n_cycles))
        found = seasonal_indices(rows, 12, np.full(300, True))
        errors[n_cycles] = (found - 1) @ (shape - 1) / ((shape - 1) @ (shape - 1))
    assert 0.2 < errors[3].mean() < errors[12].mean() < 1.0


def test_one_outlier_does_not_move_an_index(rng):
    y, _ = seasonal(rng, 12, 120)
    spoilt = y.copy()
    spoilt[60] *= 5
    clean, found = (seasonal_indices(x[None], 12, YES)[0] for x in (y, spoilt))
    np.testing.assert_allclose(found, clean, rtol=0.03)


@pytest.mark.parametrize("m", [2, 3, 4, 7])
def test_indices_turn_with_the_end_of_the_series(m, rng):
    y = np.tile(rng.permutation(np.arange(1.0, m + 1)), 20)
    first = seasonal_indices(y[None], m, NO)[0]
    second = seasonal_indices(y[None, :-1], m, NO)[0]
    np.testing.assert_allclose(np.roll(second, -1), first, atol=1e-6)


def test_of_a_week_that_does_not_show_the_day_is_left(rng):
    day = np.tile(rng.permutation(np.linspace(50, 150, 24)), 60) + rng.normal(0, 40, 1440)
    both = seasonal_indices(day[None], 24 * 7, YES)[0]
    assert np.corrcoef(both[:24], both[24:48])[0, 1] > 0.8


def test_a_week_that_shows_differs_from_the_day(rng):
    week = np.repeat([1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.4], 24) * np.tile(np.sin(np.arange(24) * np.pi / 12) + 2, 7)
    y = np.tile(week, 8) * 100 + rng.normal(0, 5, 168 * 8)
    np.testing.assert_allclose(seasonal_indices(y[None], 168, YES)[0], week / week.mean(), atol=0.05)
