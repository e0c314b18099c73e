"""Margins follow new values."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast import Forecaster
from gatecast.evaluation import online_margins
from gatecast.evaluation.calibration import default_calibrator
from gatecast.evaluation.conformal import half_widths
from gatecast.evaluation.online_margins import track_margins, update_margins
from gatecast.evaluation.past_forecasts import PastForecasts, series_unit
from gatecast.forecasting.base import Task
from gatecast.forecasting.baselines import Naive
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.ensemble import fit_models


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


def reference_margins(margins, rows, level):
    """Margins [horizon, 2] after rows of (distance, step, score below, score above, half-width below, above)."""
    margins = margins.copy()
    for distance in sorted({row[0] for row in rows}, reverse=True):
        before = margins.copy()
        for step in range(len(margins)):
            now = np.array([row[2:] for row in rows if row[:2] == (distance, step)])
            if not len(now):
                continue
            for side in (0, 1):
                share = (now[:, side] > before[step, side]).mean()
                width = max(now[:, 2 + side].mean() + before[step, side], 0)
                margins[step, side] += 0.1 * width * (share - (1 - level / 100) / 2)
    return margins


def test_track_margins_moves_each_by_a_tenth_of_the_half_width_times_what_was_missed(rng):
    n_series, n_origins, horizon, probabilities = 5, 6, 3, (0.1, 0.5, 0.9)
    margins = {80.0: rng.normal(0, 0.3, (horizon, 2)), 95.0: rng.normal(0, 0.3, (horizon, 2))}
    margins[80.0][1] = -9.0
    calibrator = default_calibrator(["LSTM"], probabilities)._replace(margins=margins)
    n = n_series * n_origins
    quantiles = np.sort(rng.normal(size=(n, horizon, 3)), axis=-1)
    actual, unit = rng.normal(0, 2, (n, horizon)), rng.uniform(0.5, 3, n)
    actual[3], unit[7] = np.nan, np.nan
    distance = np.repeat(np.arange(n_origins), n_series)[:, None] + np.arange(horizon)[::-1]
    past = PastForecasts(
        {"LSTM": quantiles}, actual, np.tile(np.arange(n_series), n_origins), np.full(n, 9), unit, unit
    )
    new = track_margins(calibrator, past, distance)
    for level, start in margins.items():
        below, above = half_widths(quantiles, probabilities, level)
        rows = []
        for i in range(n):
            for k in range(horizon):
                if np.isfinite(actual[i, k] * unit[i]):
                    error = actual[i, k] - quantiles[i, k, 1]
                    sides = (-error - below[i, k], error - above[i, k], below[i, k], above[i, k])
                    rows.append((distance[i, k], k, *(side / unit[i] for side in sides)))
        np.testing.assert_allclose(new.margins[level], reference_margins(start, rows, level))
        assert (new.margins[level] != start).sum() == 4 if level == 80.0 else 6


@pytest.mark.parametrize("few", [False, True])
def test_update_margins_counts_new_values_alone_from_every_origin(few, rng, monkeypatch):
    if few:  # of large panels, forecasts a horizon apart
        monkeypatch.setattr(online_margins, "MAX_VALUES", 2 * 30 * 7)
    values, n_new, horizon = rng.normal(size=(2, 30)).cumsum(axis=1), np.array([6, 2]), 3
    context = PanelContext.from_values(values)
    ensemble = fit_models([Naive()], context.drop_last(6), Task(horizon))
    probabilities = ensemble.task.quantiles
    start = {80.0: np.full((horizon, 2), 0.2)}
    calibrator = default_calibrator(["Naive"], probabilities)._replace(margins=start)
    rows = []
    for offset in range(6, 0, -3) if few else range(8, 0, -1):
        before = context.drop_last(offset)
        quantiles = ensemble.predict_quantiles(before)["Naive"]
        below, above = half_widths(quantiles, probabilities, 80.0)
        unit = series_unit(before.values, 1)
        for s in range(2):
            for k in range(min(horizon, offset)):
                distance = offset - 1 - k
                if distance < n_new[s]:
                    error = values[s, -1 - distance] - quantiles[s, k, quantiles.shape[-1] // 2]
                    sides = (-error - below[s, k], error - above[s, k], below[s, k], above[s, k])
                    rows.append((distance, k, *(side / unit[s] for side in sides)))
    expected = reference_margins(start[80.0], rows, 80.0)
    got = update_margins(calibrator, ensemble, context, n_new)
    np.testing.assert_allclose(got.margins[80.0], expected)


def test_update_margins_without_new_values_or_measured_errors_stays(rng):
    context = PanelContext.from_values(rng.normal(size=(2, 30)))
    ensemble = fit_models([Naive()], context, Task(3))
    start = default_calibrator(["Naive"], ensemble.task.quantiles)
    calibrator = start._replace(margins={80.0: np.zeros((3, 2))})
    assert update_margins(start, ensemble, context, np.array([3, 3])) is start
    assert update_margins(calibrator, ensemble, context, np.array([0, 0])) is calibrator
    one = PanelContext.from_values(np.ones((1, 1)))
    assert update_margins(calibrator, ensemble, one, np.array([1])) is calibrator
    assert update_margins(calibrator, ensemble, context, np.array([1, 0])) is not calibrator
