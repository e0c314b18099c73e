"""Intervals of series most of whose values are missing are as wide as the values vary."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast import Forecaster
from gatecast.config import NetworkConfig, TrainingConfig
from gatecast.errors import DataError
from gatecast.evaluation.past_forecasts import series_unit
from gatecast.metrics.scale import seasonal_naive_scale


def sparse(n, share, seed):
    """Return noise around 100 of which a share is missing."""
    rng = np.random.default_rng(seed)
    y = 100 + 10 * rng.normal(size=n)
    y[rng.random(n) < share] = np.nan
    return y


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.7])
def test_the_unit_of_series_with_gaps_is_that_of_their_changes(share):
    y = sparse(400, share, 1)[None]
    np.testing.assert_array_equal(series_unit(y, 12), seasonal_naive_scale(y, 12))


@pytest.mark.parametrize("seed", range(5))
def test_the_unit_of_sparse_series_is_that_from_value_to_value(seed):
    y = sparse(1000, 0.93, seed)
    changes = np.abs(np.diff(y[np.isfinite(y)]))
    np.testing.assert_allclose(series_unit(y[None], 7), [changes.mean()])
    both = series_unit(np.stack([y, np.arange(1000.0)]), 7)
    np.testing.assert_allclose(both, [changes.mean(), 7.0])


def test_the_unit_of_a_value_a_season_is_that_of_the_season():
    y = np.full(280, np.nan)
    y[::7] = np.random.default_rng(0).normal(size=40)
    assert series_unit(y[None], 7) == seasonal_naive_scale(y[None], 7)


def test_the_unit_of_sparse_constants_is_none():
    y = np.full((1, 100), np.nan)
    y[0, ::20] = 3.0
    assert np.isnan(series_unit(y, 7)).all()


@pytest.mark.slow
@pytest.mark.parametrize("model", ["lstm", "es-lstm", "segrnn"])
def test_intervals_of_sparse_series_are_as_wide_as_their_values_vary(model):
    n_fitted = 0
    settings = {"network": NetworkConfig(units=4), "training": TrainingConfig(n_members=1, max_steps=10)}
    for seed in range(12):
        y = sparse(200, 0.9, seed)
        try:
            forecaster = Forecaster(3, model=model, **settings).fit(y, evaluate=seed % 2 == 0)
        except DataError:
            # A part of the series without any value.
            continue
        n_fitted += 1
        forecast = forecaster.predict(level=[80])
        name = forecaster.model_name_
        assert (forecast[f"{name}-hi-80"] - forecast[f"{name}-lo-80"]).min() > 0.5 * np.nanstd(y), seed
    assert n_fitted >= 3


@pytest.mark.parametrize(("n", "h", "seed"), [(30, 2, 3), (40, 2, 4), (40, 4, 4), (40, 6, 4)])
def test_intervals_of_naive_from_four_scores_have_a_width(n, h, seed):
    rng = np.random.default_rng(seed)
    rng.poisson(3, n)  # Of the series that were tried, these had intervals of no width.
    y = 100 + 10 * rng.normal(size=n)
    y[rng.random(n) < 0.6] = np.nan
    forecast = Forecaster(h, model="naive", level=[50, 80]).fit(y).predict(output="dict")
    for level in (50, 80):
        width = np.asarray(forecast[f"Naive-hi-{level}"]) - np.asarray(forecast[f"Naive-lo-{level}"])
        assert width.min() > 0.05 * np.nanstd(y)
