"""gatecast's ETS and CES beside statsforecast itself: points, intervals, and the recursion behind CES's variance."""

from __future__ import annotations

import numpy as np
import pytest
from statsforecast.models import AutoCES, AutoETS

from gatecast.forecasting import statsforecast_models

PROBABILITIES = (0.025, 0.1, 0.5, 0.9, 0.975)
KINDS = ("N", "S", "P", "F")


@pytest.fixture(scope="module")
def panel() -> np.ndarray:
    """(4, 96): a season that grows, noise about a trend, a short series, and one with gaps."""
    rng = np.random.default_rng(7)
    t = np.arange(96.0)
    season = 100 * np.exp(0.01 * t) * (1 + 0.3 * np.sin(2 * np.pi * t / 12)) * np.exp(0.05 * rng.standard_normal(96))
    trend = 50 + 0.5 * t + rng.standard_normal(96)
    values = np.array([season, trend, season, trend])
    values[2, :82] = np.nan
    values[3, [20, 21, 60]] = np.nan
    return values


def test_ets_is_that_of_the_library(panel):
    said = statsforecast_models.forecast_each(panel, 8, 12, PROBABILITIES, ("ETS",))["ETS"]
    for row in (0, 1):
        direct = AutoETS(season_length=12).forecast(panel[row], 8, level=[80.0, 95.0])
        columns = ("lo-95.0", "lo-80.0", "mean", "hi-80.0", "hi-95.0")
        np.testing.assert_array_equal(said[row], np.stack([direct[name] for name in columns], axis=1))


def test_the_points_of_ces_are_those_of_the_library(panel):
    said = statsforecast_models.forecast_each(panel, 8, 12, PROBABILITIES, ("CES",))["CES"]
    for row in (0, 1):
        np.testing.assert_allclose(
            said[row, :, 2], AutoCES(season_length=12).forecast(panel[row], 8)["mean"], rtol=1e-12
        )


@pytest.mark.parametrize("m", [1, 12])
def test_every_series_is_answered_in_order(panel, m):
    for said in statsforecast_models.forecast_each(panel, 15, m, PROBABILITIES).values():
        assert np.isfinite(said).all()
        assert (np.diff(said, axis=2) > 0).all()
        width = said[..., -1] - said[..., 0]
        assert (width[:, 12] > width[:, 0]).all()


def test_gaps_hold_the_last_value(panel):
    filled = panel[3:].copy()
    filled[0, 20:22], filled[0, 60] = filled[0, 19], filled[0, 59]
    for name, said in statsforecast_models.forecast_each(panel[3:], 5, 12, PROBABILITIES).items():
        np.testing.assert_array_equal(said, statsforecast_models.forecast_each(filled, 5, 12, PROBABILITIES)[name])


def test_long_seasons_are_taken_out_first(rng):
    t = np.arange(48.0 * 8)
    values = 10 + np.sin(2 * np.pi * t / 48) + 0.05 * rng.standard_normal(len(t))
    ahead = 10 + np.sin(2 * np.pi * np.arange(48) / 48)
    for said in statsforecast_models.forecast_each(values[None], 48, 48, PROBABILITIES).values():
        assert np.abs(said[0, :, 2] - ahead).max() < 0.3


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_moves_the_forecasts_of_ces_as_its_recursion_says(panel, kind):
    fitted = AutoCES(season_length=12, model=kind).fit(panel[0])
    found = fitted.model_
    psi = statsforecast_models._responses(found["seasontype"], int(found["m"]), found["par"], 31)
    now = fitted.predict(30)["mean"]
    fitted.model_ = {**found, "n": found["n"] - 1}  # the same states, one step earlier
    before = fitted.predict(31)["mean"]
    # statsforecast 2.0 keeps its states in float32.
    np.testing.assert_allclose(now - before[1:], psi[1:] * found["residuals"][-1], rtol=1e-3, atol=1e-9)
