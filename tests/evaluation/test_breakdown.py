import numpy as np
import pytest
from chart_cases import make_forecast, with_values

from gatecast.evaluation.breakdown import (
    _test_positions,
    coverage_by_step,
    errors_by_series,
    mae_by_window,
    rows_of_series,
)


def test_errors_by_series():
    forecast = make_forecast(names=("a", "b", "c"))
    errors = errors_by_series(forecast.past.panel, forecast.past.evaluation)
    np.testing.assert_allclose(errors.mae, [1, 2, 3])
    np.testing.assert_allclose(errors.baseline_mae, [8, 8, 8])
    # The series rise by 12 a year, which is the error of seasonal naive in the past.
    np.testing.assert_allclose(errors.mase, np.array([1, 2, 3]) / 12)
    np.testing.assert_allclose(errors.skill, [87.5, 75, 62.5])


def test_errors_by_series_without_change_are_nan():
    forecast = make_forecast()
    errors = errors_by_series(with_values(forecast, np.ones(120)).past.panel, forecast.past.evaluation)
    assert np.isnan(errors.mase).all()


@pytest.mark.parametrize("test", [24, 18])
def test_positions_restart_with_every_series(test):
    evaluation = make_forecast(names=("a", "b"), test=test).past.evaluation
    assert np.array_equal(_test_positions(evaluation.series(), evaluation), np.tile(np.arange(test), 2))


def test_coverage_by_step():
    coverage = coverage_by_step(make_forecast(names=("a", "b")).past.evaluation)
    assert {level: share.tolist() for level, share in coverage.items()} == {80: [100.0] * 12, 95: [100.0] * 12}


def test_mae_by_window():
    errors = mae_by_window(make_forecast(names=("a", "b")).past.evaluation)
    assert {name: values.round(9).tolist() for name, values in errors.items()} == {
        "LSTM": [1.5, 1.5],
        "SeasonalNaive": [8.0, 8.0],
    }


def test_rows_of_series():
    forecast = make_forecast(names=("a", "b"))
    assert rows_of_series(forecast.past.panel, forecast.past.evaluation, 1) == slice(24, 48)
