"""Margins follow new values."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast import Forecaster
from gatecast.evaluation.calibration import default_calibrator
from gatecast.evaluation.online_margins import track_margins
from gatecast.evaluation.past_forecasts import PastForecasts


def tracked(scale, n=400, level=80.0):
    """Margins of one step after normal errors of a scale, where the interval is right for errors of scale 1."""
    z = {80.0: 1.2816, 95.0: 1.96}[level]
    calibrator = default_calibrator(["LSTM"], (0.1, 0.5, 0.9))._replace(margins={level: np.zeros((1, 2))})
    actual = scale * np.random.default_rng(0).normal(size=(n, 1))
    quantiles = np.tile([-1.2816, 0.0, 1.2816], (n, 1, 1))
    past = PastForecasts({"LSTM": quantiles}, actual, np.zeros(n, int), np.full(n, 99), np.ones(n), np.ones(n))
    new = track_margins(calibrator, past, np.arange(n)[::-1][:, None])
    return z + new.margins[level][0]


@pytest.mark.parametrize("level", [80.0, 95.0])
@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_track_margins_reaches_the_width_of_the_errors(scale, level):
    z = {80.0: 1.2816, 95.0: 1.96}[level]
    # One value at a time moves a margin by a tenth of it at most, so that it keeps moving around the right one.
    assert tracked(scale, level=level) == pytest.approx(scale * z * np.ones(2), rel=0.35)


def test_track_margins_of_values_that_do_not_count_changes_nothing():
    calibrator = default_calibrator(["LSTM"], (0.1, 0.5, 0.9))._replace(margins={80.0: np.ones((1, 2))})
    past = PastForecasts(
        {"LSTM": np.zeros((3, 1, 3))}, np.full((3, 1), np.nan), np.zeros(3, int), np.full(3, 9), np.ones(3), np.ones(3)
    )
    assert track_margins(calibrator, past, np.arange(3)[:, None]).margins[80.0].tolist() == [[1.0, 1.0]]


def test_update_widens_intervals_where_the_noise_has_grown():
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 1, 260) * np.where(np.arange(260) < 140, 1.0, 4.0)
    days = np.datetime64("2024-01-01") + np.arange(260)
    forecaster = Forecaster(2, model="mean", season_length=1).fit({"ds": days[:140], "y": 50 + noise[:140]})
    before = forecaster.predict()
    missed = {"as fitted": 0, "updated": 0}
    width = before["Mean-hi-80"][0] - before["Mean-lo-80"][0]
    for k in range(140, 260):
        forecast = forecaster.predict()
        y = 50 + noise[k]
        missed["updated"] += not forecast["Mean-lo-80"][0] <= y <= forecast["Mean-hi-80"][0]
        missed["as fitted"] += abs(y - 50) > width / 2
        forecaster.update({"ds": days[k : k + 1], "y": [y]})
    assert missed["as fitted"] > 70  # of 120
    assert missed["updated"] < 45
    after = forecaster.predict()
    assert after["Mean-hi-80"][1] - after["Mean-lo-80"][1] > 2 * width


def test_update_of_nothing_new_keeps_the_intervals():
    days = np.datetime64("2024-01-01") + np.arange(60)
    y = np.random.default_rng(0).normal(size=60)
    forecaster = Forecaster(2, model="naive", season_length=1).fit({"ds": days, "y": y})
    before = forecaster.predict()["Naive-hi-80"]
    forecaster.update({"ds": days[-1:], "y": y[-1:]})
    np.testing.assert_array_equal(forecaster.predict()["Naive-hi-80"], before)
