"""Anomalies: planted ones are found, false alarms are as rare as the level says, nothing after one is blamed."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.evaluation.anomalies import _run_lengths, find_anomalies
from gatecast.evaluation.calibration import default_calibrator
from gatecast.forecasting.base import Task
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.ensemble import fit_models
from gatecast.forecasting.registry import get_model


def judge(values, level=99, n_newest=None, model="dot", horizon=6, season_length=1):
    context = PanelContext.from_values(np.atleast_2d(values).astype(float))
    ensemble = fit_models([get_model(model)()], context, Task(horizon, season_length))
    calibrator = default_calibrator(ensemble.columns, ensemble.task.quantiles, season_length)
    return find_anomalies(calibrator, ensemble, context, level, n_newest or context.values.shape[1])


def noise(n_series, n, seed=0):
    return 50 + 3 * np.random.default_rng(seed).standard_normal((n_series, n))


@pytest.mark.slow
@pytest.mark.parametrize("level", [80, 95, 99])
def test_false_alarms_are_as_rare_as_the_level_says(level):
    said = judge(noise(40, 100), level)
    judged = np.isfinite(said.score)
    assert said.is_anomaly[judged].mean() == pytest.approx(1 - level / 100, abs=0.02 if level < 95 else 0.008)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["noise", "walk", "season"])
def test_planted_anomalies_are_found_and_little_else(kind):
    rng = np.random.default_rng(1)
    values = noise(20, 96)
    values = 50 + np.cumsum(values - 50, axis=1) if kind == "walk" else values
    values = values + 20 * np.sin(np.arange(96) * np.pi / 6) * (kind == "season")
    planted = np.zeros(values.shape, bool)
    planted[np.arange(20), rng.integers(50, 96, 20)] = True
    said = judge(values + 30 * planted * rng.choice([-1, 1], (20, 1)), season_length=12 if kind == "season" else 1)
    assert said.is_anomaly[planted].mean() >= 0.95
    assert said.is_anomaly[~planted & np.isfinite(said.score)].mean() < 0.02


def test_the_values_after_an_anomaly_are_not_blamed():
    values = noise(1, 80)
    values[0, 60] += 60
    said = judge(values, model="naive")
    assert np.flatnonzero(said.is_anomaly[0]).tolist() == [60]
    assert said.score[0, 60] > 1


def test_a_new_level_is_an_anomaly_at_first_alone():
    values = noise(1, 90)
    values[0, 60:] += 60
    found = np.flatnonzero(judge(values).is_anomaly[0])
    assert found[0] == 60
    assert found[-1] < 75


def test_a_change_of_a_constant_is_an_anomaly():
    values = np.full((1, 40), 7.0)
    values[0, 30] = 8.0
    said = judge(values, model="naive")
    assert np.flatnonzero(said.is_anomaly[0]).tolist() == [30]
    assert np.isposinf(said.score[0, 30])


def test_nothing_later_changes_a_forecast():
    values = noise(1, 80)
    early, late = judge(values[:, :60]), judge(values)
    np.testing.assert_array_equal(early.median, late.median[:, :60])


def test_missing_values_and_too_short_pasts_are_not_judged():
    values = noise(1, 40)
    values[0, 20] = np.nan
    said = judge(values)
    assert np.isnan(said.score[0, [*range(8), 20]]).all()
    assert np.isfinite(said.score[0, 21:]).all()


def test_only_the_newest_values_are_judged_where_asked():
    said = judge(noise(1, 60), n_newest=10)
    assert np.flatnonzero(np.isfinite(said.score[0])).tolist() == list(range(50, 60))


def test_a_series_of_few_values_has_no_anomalies():
    assert not judge(noise(1, 5)).is_anomaly.any()


def test_run_lengths_count_neighbors():
    assert _run_lengths(np.array([[1, 1, 0, 1, 1, 1, 0]], bool)).tolist() == [[2, 2, 0, 3, 3, 3, 0]]
