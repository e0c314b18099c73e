"""Forecaster: accuracy of the full models, and settings that are refused."""

import numpy as np
import pytest
from panel_cases import QUICK, monthly

from gatecast.data import synthetic
from gatecast.errors import ConfigError, NotFittedError
from gatecast.forecaster import Forecaster


@pytest.fixture(scope="module")
def sales():
    """Values of one series with trend and season."""
    return synthetic.trend_season(np.random.default_rng(3), 132)


@pytest.mark.slow
def test_forecaster_seasonal_series_beats_seasonal_naive(sales):
    forecaster = Forecaster(h=12).fit(monthly(sales))
    names = [score.model for score in forecaster.evaluation_.scores]
    assert names == ["Ensemble", "LSTM", "DynamicOptimizedTheta", "SeasonalNaive", "Naive", "Drift", "Mean"]
    model, _, _, naive, *_ = forecaster.evaluation_.scores
    assert model.mase < 0.6 * naive.mase
    assert model.skill == pytest.approx(100 * (1 - model.mae / naive.mae))
    assert "smaller than seasonal naive's (season 12)" in forecaster.evaluation_.verdict
    # Neither flat nor a copy of the last value: the forecast grows and has the season's shape.
    forecast = forecaster.predict()["Ensemble"]
    assert np.corrcoef(forecast, sales[-12:])[0, 1] > 0.9
    assert forecast.mean() > sales[-12:].mean()


@pytest.mark.slow
def test_forecaster_random_walk_claims_no_skill(rng):
    forecaster = Forecaster(h=8).fit(monthly(100 + synthetic.random_walk(rng, 160)))
    assert forecaster.evaluation_.scores[0].skill < 40
    assert forecaster.season_length_ == 1


@pytest.mark.parametrize(
    ("settings", "facts"),
    [
        ({"h": 0}, ["h", "0"]),
        ({"h": 2.5}, ["h", "2.5"]),
        ({"h": True}, ["h", "True"]),
        ({"season_length": -1}, ["season_length", "-1"]),
        ({"input_size": 0}, ["input_size", "0"]),
        ({"level": [0]}, ["level", "0", "from 1", "below 100|less than 100"]),
        ({"level": [80, 80]}, ["level", "80"]),
        ({"level": ["95"]}, ["level", "'95'"]),
        ({"level": "80,95"}, ["level", "'80,95'"]),
        ({"level": [0.8]}, ["level", "0.8"]),
        ({"seed": -1}, ["seed", "-1"]),
        ({"model": "arima"}, ["model", "'arima'", "auto", "lstm"]),
    ],
)
def test_forecaster_invalid_setting_raises(settings, facts):
    with pytest.raises(ConfigError) as caught:
        Forecaster(**settings)
    for fact in facts:
        assert any(option in str(caught.value) for option in fact.split("|")), fact


def test_forecaster_without_intervals_has_one_column(sales):
    table = Forecaster(h=12, level=None, **QUICK).fit(monthly(sales), evaluate=False).predict()
    assert list(table)[1:] == ["Ensemble"]


def test_forecaster_predict_before_fit_raises():
    with pytest.raises(NotFittedError, match=r"Call fit\(source\) first"):
        Forecaster().predict()
