"""From quantiles of models to a forecast with intervals."""

import numpy as np
import pytest

from gatecast.evaluation.calibration import (
    STANDARD_LEVELS,
    default_calibrator,
    prediction_intervals,
    width_factor,
    with_ensemble,
)

LEVELS = (0.1, 0.5, 0.9)
QUANTILES = np.array([[[-1.0, 0.0, 2.0], [-1.0, 0.0, 2.0]]])


def test_default_calibrator_has_equal_weights_and_the_standard_levels():
    calibrator = default_calibrator(["LSTM", "Theta"], LEVELS, [85], 2)
    assert calibrator.name == "Ensemble"
    assert calibrator.weights == {"LSTM": 0.5, "Theta": 0.5}
    assert list(calibrator.width_factors) == sorted({*STANDARD_LEVELS, 85})
    assert not calibrator.measured
    assert default_calibrator(["LSTM"], LEVELS, [], 2).name == "LSTM"


def test_width_factor_interpolates_levels_and_continues_the_last_step():
    calibrator = default_calibrator(["LSTM"], LEVELS, [], 2)
    factors = calibrator.width_factors | {80.0: np.array([1.0, 2.0]), 90.0: np.array([2.0, 4.0])}
    calibrator = calibrator._replace(width_factors=factors)
    assert width_factor(calibrator, 85, 4).tolist() == [1.5, 3.0, 3.0, 3.0]


def test_with_ensemble_puts_the_weighted_mean_before_the_models():
    calibrator = default_calibrator(["a", "b"], LEVELS, [], 2)._replace(weights={"a": 0.75, "b": 0.25})
    combined = with_ensemble(calibrator, {"a": QUANTILES, "b": QUANTILES + 4})
    assert list(combined) == ["Ensemble", "a", "b"]
    np.testing.assert_allclose(combined["Ensemble"], QUANTILES + 1)
    assert list(with_ensemble(calibrator, {"a": QUANTILES})) == ["a"]


def test_prediction_intervals_stretch_each_side_by_the_width_factor():
    calibrator = default_calibrator(["LSTM"], LEVELS, [80], 2)._replace(measured=True)
    median, low, high = prediction_intervals(calibrator, QUANTILES, np.array([[-1.0, 1.0]]), [80])
    assert (median.tolist(), low.tolist(), high.tolist()) == ([[0, 0]], [[-1.5, -1.5]], [[3, 3]])


def test_prediction_intervals_without_measured_errors_are_those_of_a_random_walk_at_least():
    calibrator = default_calibrator(["LSTM"], LEVELS, [80], 2)
    _, low, high = prediction_intervals(calibrator, QUANTILES, np.array([[-10.0, 10.0]]), [80])
    width = 1.2815515655446004 * 20 * np.sqrt(2 * np.arange(1, 3))
    assert low[0] == pytest.approx(-width)
    assert high[0] == pytest.approx(width)
