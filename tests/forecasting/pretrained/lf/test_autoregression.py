"""The autoregression forecasts what its equations say, with its constants."""

from __future__ import annotations

import autoregression_reference as reference
import numpy as np
import pytest

from gatecast.forecasting.pretrained.lf.autoregression import (
    HORIZONS,
    MARGIN,
    MAX_STEPS,
    RIDGE,
    fit_autoregression,
    forecast_autoregression,
)


def test_fit_autoregression_has_the_constants_of_its_equations(rng):
    x = rng.normal(size=(50, 1)).cumsum(axis=0)
    observed, unit = np.ones_like(x), np.ones_like(x)
    fits = fit_autoregression(x, observed, unit, x, 4, 0)
    expected = reference.autoregression(x[:, 0], observed[:, 0], unit[:, 0], RIDGE, MARGIN, HORIZONS[-1])
    np.testing.assert_allclose(fits.points[:, :, 0].T, expected[:, np.array(HORIZONS) - 1] - x, atol=1e-9)


def test_constants_are_those_that_the_network_was_trained_with():
    assert RIDGE.tolist() == [4, 8, 12, 16, 20, 24, 28, 32, 1e-6]
    assert (MARGIN, MAX_STEPS, HORIZONS) == (0.25, 72, (1, 8, 24))


@pytest.mark.parametrize("phi", [0.3, 0.6])
def test_forecast_autoregression_finds_a_first_order_process(rng, phi):
    x = np.zeros((400, 50))
    for t in range(1, 400):
        x[t] = phi * x[t - 1] + rng.normal(size=50)
    unit = np.broadcast_to(np.abs(np.diff(x, axis=0)).mean(axis=0), x.shape)
    fits = fit_autoregression(x, np.ones_like(x), unit, 0 * x, 4, 399)
    one = forecast_autoregression(fits.state[:, 0], np.zeros(50, int), 1)[0] * unit[0]
    of_random_walk = np.abs(x[-1] - phi * x[-1]).mean()
    assert np.abs(one - phi * x[-1]).mean() < 0.5 * of_random_walk


def test_forecast_autoregression_keeps_a_random_walk_where_little_is_known(rng):
    x = rng.normal(size=(6, 200)).cumsum(axis=0)
    unit = np.broadcast_to(np.abs(np.diff(x, axis=0)).mean(axis=0), x.shape)
    fits = fit_autoregression(x, np.ones_like(x), unit, x, 4, 5)
    assert np.median(np.abs(fits.points[0, 0])) < 0.6


def test_forecast_autoregression_counts_each_gap(rng):
    state = fit_autoregression(rng.normal(size=(30, 3)), np.ones((30, 3)), np.ones((30, 3)), np.zeros((30, 3)), 4, 29)
    every = forecast_autoregression(state.state[:, 0], np.zeros(3, int), 9)
    late = forecast_autoregression(state.state[:, 0], np.array([0, 2, 5]), 4)
    for k, gap in enumerate((0, 2, 5)):
        np.testing.assert_array_equal(late[:, k], every[gap : gap + 4, k])


def test_forecast_autoregression_stays_where_it_is_after_its_last_step(rng):
    state = fit_autoregression(rng.normal(size=(30, 2)), np.ones((30, 2)), np.ones((30, 2)), np.zeros((30, 2)), 4, 29)
    every = forecast_autoregression(state.state[:, 0], np.zeros(2, int), MAX_STEPS + 5)
    assert (every[MAX_STEPS - 1 :] == every[MAX_STEPS - 1]).all()
    late = forecast_autoregression(state.state[:, 0], np.array([MAX_STEPS - 2, 500]), 4)
    np.testing.assert_array_equal(late[:, 0], every[MAX_STEPS - 2 : MAX_STEPS + 2, 0])
    assert (late[:, 1] == every[-1, 1]).all()
