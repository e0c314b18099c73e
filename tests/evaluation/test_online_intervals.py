"""Intervals of a stream: what judges a new value, and how margins follow it."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.evaluation.anomalies import MAX_RUN
from gatecast.evaluation.bounds import Bounds
from gatecast.evaluation.calibration import default_calibrator, prediction_intervals
from gatecast.evaluation.online_intervals import OnlineIntervals
from gatecast.evaluation.online_margins import track_margins
from gatecast.evaluation.past_forecasts import PastForecasts

LEVELS = (0.1, 0.5, 0.9)
PAST = np.tile([0.0, 1.0], 20)[None]  # its mean absolute change is 1


def measured(h, margin=0.0):
    margins = {level: np.full((h, 2), margin) for level in (50.0, 80.0, 90.0, 95.0, 99.0)}
    return default_calibrator(["A"], LEVELS)._replace(margins=margins, bounds=Bounds(-1e9))


def flat(center, h=2, n=1):
    """Return quantiles of a standard normal around a center."""
    return np.tile(np.array([-1.2816, 0.0, 1.2816]) + center, (n, h, 1))


def test_values_are_judged_by_the_interval_of_the_level():
    intervals = OnlineIntervals.start(measured(2), flat(10.0), PAST)
    for y, level, expected in ((12.0, 95, True), (12.0, 99, False), (7.0, 99, True), (np.nan, 99, False)):
        assert intervals.judge(np.array([y]), PAST, level).is_anomaly.tolist() == [expected]
    judged = intervals.judge(np.array([12.0]), PAST, 80)
    assert [float(judged.low[0]), float(judged.median[0]), float(judged.high[0])] == pytest.approx(
        [8.72, 10, 11.28], abs=0.01
    )
    assert judged.score[0] == pytest.approx(2 / 1.2816)


def test_what_follows_an_event_is_judged_by_the_forecast_from_before_it():
    intervals = OnlineIntervals.start(measured(3), flat(0.0, 3), PAST)
    y = np.array([100.0])
    event = intervals.judge(y, PAST, 99)
    assert event.is_event.tolist() == [True]
    # The event misleads the model: it goes on from 100.
    after = intervals.track(y, event).push(flat(100.0, 3), PAST)
    assert after.judge(np.array([0.5]), PAST, 99).is_anomaly.tolist() == [False]
    assert after.judge(np.array([100.0]), PAST, 99).is_anomaly.tolist() == [True]
    calm = np.array([0.5])
    assert after.track(calm, after.judge(calm, PAST, 99)).run.tolist() == [0]


def test_more_events_in_a_row_are_a_new_level():
    intervals, y = OnlineIntervals.start(measured(9), flat(0.0, 9), PAST), np.array([100.0])
    flags = []
    for _ in range(MAX_RUN + 2):
        judged = intervals.judge(y, PAST, 99)
        flags += judged.is_anomaly.tolist()
        intervals = intervals.track(y, judged).push(flat(100.0, 9), PAST)
    assert flags == [True] * (MAX_RUN + 1) + [False]


def test_margins_are_those_of_all_forecasts_tracked_at_once():
    rng, h, n, steps = np.random.default_rng(0), 3, 4, 30
    values = rng.normal(size=(n, 20 + steps)).cumsum(axis=1)
    calibrator = measured(h, 0.1)
    forecasts = rng.normal(size=(steps, n, h, 3)).cumsum(axis=3)
    intervals = OnlineIntervals.start(calibrator, forecasts[0], values[:, :20])
    for k in range(1, steps):
        y = values[:, 19 + k]
        judged = intervals.judge(y, values[:, : 19 + k], 99)
        intervals = intervals.track(y, judged).push(forecasts[k], values[:, : 20 + k])
    times = 20 + np.arange(steps)[:, None] + np.arange(h)
    known = times < 19 + steps
    actual = np.where(known[:, None], values[:, np.minimum(times, 19 + steps)].transpose(1, 0, 2), np.nan)
    unit = np.stack([np.abs(np.diff(values[:, : 20 + k])).mean(axis=1) for k in range(steps)])
    rows = steps * n
    past = PastForecasts(
        {"A": forecasts.reshape(rows, h, 3)},
        actual.reshape(rows, h),
        np.zeros(rows, int),
        np.full(rows, 99),
        unit.ravel(),
        np.ones(rows),
    )
    distance = np.repeat(19 + steps - times, n, axis=0)
    expected = track_margins(calibrator, past, distance).margins
    for level, margins in intervals.calibrator.margins.items():
        np.testing.assert_allclose(margins, expected[level], rtol=1e-9)
    assert not np.allclose(intervals.calibrator.margins[80.0], calibrator.margins[80.0])


def test_missing_values_move_no_margin():
    intervals = OnlineIntervals.start(measured(2), flat(0.0), PAST)
    y = np.array([np.nan])
    after = intervals.track(y, intervals.judge(y, PAST, 99))
    assert all((margins == 0).all() for margins in after.calibrator.margins.values())
    assert after.run.tolist() == [0]


def test_intervals_that_were_never_measured_begin_as_they_are_assumed():
    calibrator, quantiles = default_calibrator(["A"], LEVELS)._replace(bounds=Bounds(-1e9)), flat(3.0)
    start = OnlineIntervals.start(calibrator, quantiles, PAST).calibrator
    assumed, measured_now = (prediction_intervals(each, quantiles, PAST, (80, 95)) for each in (calibrator, start))
    np.testing.assert_allclose(measured_now, assumed, rtol=1e-9)
