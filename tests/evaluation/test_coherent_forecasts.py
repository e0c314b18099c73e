"""Forecasts of a hierarchy: past errors, intervals and paths that add up."""

from dataclasses import replace

import numpy as np
import pytest

from gatecast.data.panel import Hierarchy
from gatecast.evaluation import coherent_forecasts
from gatecast.evaluation.bounds import Bounds
from gatecast.evaluation.calibration import default_calibrator, prediction_intervals
from gatecast.evaluation.coherent_forecasts import (
    fit_reconciler,
    forecast_intervals,
    forecast_paths,
    without_later_series,
)
from gatecast.evaluation.past_forecasts import PastForecasts, forecast_past
from gatecast.evaluation.reconciliation import Reconciler, error_covariance, reconcile
from gatecast.evaluation.sample_paths import sample_paths
from gatecast.forecasting.baselines import Naive
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.ensemble import Task, fit_models

LEVELS = (0.1, 0.5, 0.9)
PAIR = Hierarchy(((),), np.array([[0, 0]]))
Z = 1.2815515655446004


def calibrator_of(errors, method="mint", **settings):
    """A calibrator of one model whose intervals need no margin."""
    start = default_calibrator(["LSTM"], LEVELS)._replace(margins={80.0: np.zeros((1, 2))}, error_autocorrelation=0.0)
    return start._replace(reconciler=Reconciler(method, errors), **settings)


def uncorrelated(rng, n, deviations):
    """Errors [n, n_series] whose covariance is exactly diagonal."""
    q, _ = np.linalg.qr(rng.normal(size=(n, len(deviations))))
    return np.sqrt(n) * q * deviations


def normal_quantiles(median, deviation):
    """Quantiles of normal distributions, [n_series, n_steps, 3]."""
    median, deviation = np.asarray(median, float), np.asarray(deviation, float)[:, None]
    return np.stack([median - Z * deviation, median, median + Z * deviation], axis=-1)


def context_of(n_rows, low=-9.0):
    return PanelContext.from_values(np.tile([low, 9.0, low, 5.0], (n_rows, 8)))


@pytest.mark.parametrize("unit", [1.0, 0.01])
@pytest.mark.parametrize(("n_origins", "step"), [(5, 1), (6, 1), (7, 2), (16, 3)])
def test_fit_reconciler_takes_errors_in_units_of_those_of_their_step(n_origins, step, unit, rng, monkeypatch):
    monkeypatch.setattr(coherent_forecasts, "MAX_ERRORS", 12)
    n_series, horizon = 3, 2
    median = rng.normal(size=(n_origins, n_series, horizon))
    error = rng.normal(size=(n_origins, n_series, horizon)) * [1.0, 4.0] * np.array([1.0, 10.0, 0.0])[:, None]
    error *= unit
    error[0, 1, 0] = np.nan
    # Of one series a single error is known.
    error[:, 0, 0], error[1:, 0, 1] = np.nan, np.nan
    quantiles = np.stack([median - 1, median, median + 1], axis=-1).reshape(-1, horizon, 3)
    rows = n_origins * n_series
    past = PastForecasts(
        {"LSTM": quantiles},
        (median + error).reshape(-1, horizon),
        np.tile(np.arange(n_series), n_origins),
        np.full(rows, 9),
        np.ones(rows),
        np.ones(rows),
    )
    by_step = []
    for k in range(horizon):
        squares = [
            error[o, s, k] ** 2 / np.nanmean(error[:, s] ** 2)
            for o in range(n_origins)
            for s in (0, 1)
            if np.isfinite(error[o, s, k])
        ]
        by_step.append(np.sqrt(np.mean(squares)))
    expected = [error[o, :, k] / by_step[k] for o in range(n_origins) for k in range(horizon)]
    fitted = fit_reconciler(calibrator_of(np.empty((0, 3)), "bottom-up"), past, n_series)
    assert fitted.method == "bottom-up"
    np.testing.assert_allclose(fitted.errors, expected[::step], atol=1e-9)


def test_fit_reconciler_of_exact_or_unknown_forecasts(rng):
    actual = np.zeros((6, 2))
    actual[:3, 0] = np.nan
    ones = np.ones(6)
    past = PastForecasts({"LSTM": np.zeros((6, 2, 3))}, actual, np.tile(np.arange(3), 2), 9 * ones, ones, ones)
    assert fit_reconciler(calibrator_of(np.ones((1, 3))), past, 3).errors.tolist() == [[0.0] * 3] * 3
    unknown = past._replace(actual=np.full((6, 2), np.nan))
    assert fit_reconciler(calibrator_of(np.ones((1, 3))), unknown, 3).errors.shape == (0, 3)
    assert fit_reconciler(default_calibrator(["LSTM"], LEVELS), past, 3) is None


@pytest.mark.parametrize("begin", [0, 5, 18, 21, 25, 29, 30])
def test_without_later_series_totals_are_those_of_the_series_that_had_begun(begin, rng):
    hierarchy = Hierarchy(((), ("shop",)), np.array([[0, 0, 0], [1, 1, 2]]))
    base = rng.normal(50, 9, (3, 30))
    base[0, :begin], base[1, :3], base[2, 12] = np.nan, np.nan, np.nan
    # A missing value counts as the last one before.
    counted = np.nan_to_num(base)
    counted[2, 12] = base[2, 11]
    context = PanelContext.from_values(np.concatenate([hierarchy.sum(counted), base]))
    offsets = np.array([12, 9, 5, 2])
    past = forecast_past(fit_models([Naive()], context, Task(4)), context, offsets, 1)
    got = without_later_series(past, context.values, hierarchy).actual.reshape(4, 6, 4)
    for k, offset in enumerate(offsets.tolist()):
        has_begun = np.isfinite(base[:, : 30 - offset]).any(axis=1)
        following = (counted * has_begun[:, None])[:, 30 - offset : 34 - offset]
        n = following.shape[1]
        np.testing.assert_allclose(got[k, :3, :n], hierarchy.sum(following), atol=1e-9)
    np.testing.assert_array_equal(got[:, 3:], past.actual.reshape(4, 6, 4)[:, 3:])


def test_forecast_intervals_and_paths_without_a_hierarchy_are_those_of_the_series():
    quantiles, context = normal_quantiles([[1.0, 2.0]] * 3, [1.0, 2.0, 3.0]), context_of(3)
    calibrator = calibrator_of(np.empty((0, 3)))
    expected = prediction_intervals(calibrator, quantiles, context.values, [80])
    paths = sample_paths(calibrator, quantiles, context.values, 5, 3)
    for settings, hierarchy in ((calibrator, None), (calibrator._replace(reconciler=None), PAIR)):
        got = forecast_intervals(settings, quantiles, context, [80], hierarchy)
        np.testing.assert_array_equal(got, expected)
        np.testing.assert_array_equal(forecast_paths(settings, quantiles, context, 5, 3, hierarchy), paths)


@pytest.mark.parametrize("method", ["mint", "wls-struct", "bottom-up"])
def test_forecast_intervals_are_quantiles_of_reconciled_paths(method, rng):
    """Of independent normal errors they are known: a total has the root of the sum of the variances."""
    errors = uncorrelated(rng, 60, [5.0, 3.0, 4.0])
    median = np.array([[9.0], [3.0], [4.0]])
    quantiles = normal_quantiles(median, [5.0, 3.0, 4.0])
    calibrator = calibrator_of(errors, method)
    point, low, high = forecast_intervals(calibrator, quantiles, context_of(3), [80], PAIR)
    w = {"mint": [25.0, 9.0, 16.0], "wls-struct": [2.0, 1.0, 1.0]}.get(method)
    gain = np.zeros((2, 3))
    if w is not None:
        gain = np.outer([w[1], w[2]], [1.0, -1.0, -1.0]) / sum(w)
    parts = np.array([[0, 1, 0], [0, 0, 1]]) + gain
    matrix = np.vstack([parts.sum(axis=0), parts])
    np.testing.assert_allclose(point, matrix @ median)
    deviation = np.sqrt((matrix**2 * [25.0, 9.0, 16.0]).sum(axis=1))
    np.testing.assert_allclose((high - low)[:, 0] / (2 * Z * deviation), 1, atol=0.06)
    np.testing.assert_allclose(high + low, 2 * point, atol=0.5)
    again = forecast_intervals(calibrator, quantiles, context_of(3), [80], PAIR)
    np.testing.assert_array_equal(again, [point, low, high])


def test_forecast_intervals_of_several_levels_are_nested_and_hold_the_point(rng):
    errors = rng.normal(size=(50, 3))
    quantiles = np.tile([[-1.0, 0.0, 7.0], [-7.0, 0.0, 1.0]], (3, 1, 1))
    point, *sides = forecast_intervals(calibrator_of(errors), quantiles, context_of(3), [1, 50, 80], PAIR)
    assert [side.shape for side in (point, *sides)] == [(3, 2)] * 7
    assert (sides[4] < sides[2]).all()
    assert (sides[2] <= sides[0]).all()
    assert (sides[0] <= point).all()
    assert (point <= sides[1]).all()
    assert (sides[1] <= sides[3]).all()
    assert (sides[3] < sides[5]).all()
    means = forecast_intervals(calibrator_of(errors, point="mean"), quantiles, context_of(3), [1, 80], PAIR)
    assert (np.abs(means[0][0]) > 0.5).all()
    assert not ((means[1] <= means[0]) & (means[0] <= means[2])).all()
    widest = forecast_intervals(calibrator_of(errors), quantiles, context_of(3), [80, 99.9], PAIR)
    assert (widest[3] < sides[4]).all()
    assert (widest[4] > sides[5]).all()
    alone = forecast_intervals(calibrator_of(errors), quantiles, context_of(3), [], PAIR)
    np.testing.assert_array_equal(alone, [point])


def test_forecast_intervals_of_several_origins_are_those_of_each(rng):
    errors = rng.normal(size=(50, 3))
    quantiles, context = normal_quantiles(rng.normal(size=(6, 2)), rng.uniform(1, 2, 6)), context_of(6)
    context = replace(context, series=np.tile(np.arange(3), 2))
    calibrator = calibrator_of(errors)
    whole = forecast_intervals(calibrator, quantiles, context, [80], PAIR)
    for rows in (slice(0, 3), slice(3, 6)):
        one = forecast_intervals(calibrator, quantiles[rows], context.take(rows), [80], PAIR)
        np.testing.assert_allclose([side[rows] for side in whole], one)


def test_forecast_paths_have_the_correlations_of_past_errors_and_add_up(rng):
    z = uncorrelated(rng, 100, np.ones(3))
    errors = np.stack(
        [z[:, 0], 0.9 * z[:, 0] + np.sqrt(0.19) * z[:, 1], -0.9 * z[:, 0] + np.sqrt(0.19) * z[:, 2]], axis=1
    )
    quantiles = normal_quantiles([[0.0, 1.0]] * 3, [3.0, 1.0, 1.0])
    paths = forecast_paths(calibrator_of(errors, "bottom-up"), quantiles, context_of(3), 4000, 1, PAIR)
    assert paths.shape == (3, 4000, 2)
    np.testing.assert_allclose(paths[0], paths[1] + paths[2], atol=1e-9)
    np.testing.assert_allclose(paths.mean(axis=1), [[0, 2], [0, 1], [0, 1]], atol=0.1)
    for k in (0, 1):
        assert np.corrcoef(paths[1, :, k], paths[2, :, k])[0, 1] == pytest.approx(-0.81, abs=0.03)
    assert abs(np.corrcoef(paths[1, :, 0], paths[1, :, 1])[0, 1]) < 0.06
    np.testing.assert_allclose(paths[1:].std(axis=1), 1, atol=0.06)
    mint = forecast_paths(calibrator_of(errors), quantiles, context_of(3), 50, 1, PAIR)
    other = forecast_paths(calibrator_of(errors), quantiles, context_of(3), 50, 2, PAIR)
    np.testing.assert_allclose(mint[0], mint[1] + mint[2], atol=1e-9)
    assert (mint != other).all()


@pytest.mark.parametrize(
    ("bounds", "low", "limits"), [(Bounds(), 0.0, (0, np.inf)), (Bounds(-1.0, 2.0), -9.0, (-1, 2))]
)
def test_forecasts_of_parts_stay_within_bounds_and_totals_are_their_sums(bounds, low, limits, rng):
    errors = rng.normal(size=(50, 3)) * [0.1, 3.0, 3.0]
    quantiles = normal_quantiles([[1.0], [-2.0], [2.5]], [4.0, 4.0, 4.0])
    calibrator = calibrator_of(errors, bounds=bounds)
    point, low80, high80 = forecast_intervals(calibrator, quantiles, context_of(3, low), [80], PAIR)
    # A series that was never negative has no negative forecast before either.
    base = reconcile(np.maximum(quantiles[..., 1], low), PAIR, error_covariance(errors, PAIR))[1:]
    np.testing.assert_allclose(point[1:], np.clip(base, *limits))
    np.testing.assert_allclose(point[0], point[1:].sum(axis=0))
    paths = forecast_paths(calibrator, quantiles, context_of(3, low), 100, 0, PAIR)
    for values in (low80[1:], high80[1:], paths[1:]):
        assert limits[0] <= values.min() <= values.max() <= limits[1]
    assert paths[1:].min() == limits[0]
    np.testing.assert_allclose(paths[0], paths[1:].sum(axis=0))
