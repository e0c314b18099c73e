"""Forecasts kept within what values can be."""

import numpy as np
import pytest

from gatecast.evaluation.bounds import Bounds
from gatecast.evaluation.calibration import default_calibrator, prediction_intervals

POSITIVE, NEGATIVE = np.array([[1.0, 2.0]]), np.array([[1.0, -2.0]])


def apply(bounds, median, low, high, values=POSITIVE):
    """Apply bounds to one number and one interval."""
    sides = bounds.apply(np.array([[median]]), [np.array([[low]]), np.array([[high]])], values)
    return [side.item() for side in sides]


@pytest.mark.parametrize(
    ("bounds", "values", "expected"),
    [
        (Bounds(), POSITIVE, [0.4, 0.0, 0.7]),
        (Bounds(), NEGATIVE, [0.4, -3.4, 0.7]),
        (Bounds(lower=-1.0), POSITIVE, [0.4, -1.0, 0.7]),
        (Bounds(upper=0.5), NEGATIVE, [0.4, -3.4, 0.5]),
        (Bounds(lower=-5.0, integer=True), POSITIVE, [0.0, -4.0, 1.0]),
    ],
)
def test_bounds_apply_clips_and_rounds_outward(bounds, values, expected):
    assert apply(bounds, 0.4, -3.4, 0.7, values) == expected


def test_bounds_hold_for_prediction_intervals():
    calibrator = default_calibrator(["LSTM"], (0.1, 0.5, 0.9), [80], 1)
    calibrator = calibrator._replace(bounds=Bounds(-1.0, None, integer=True))
    sides = prediction_intervals(calibrator, np.array([[[-3.4, 0.4, 0.7]]]), np.array([[-2.0]]), [80])
    assert [side.item() for side in sides] == [0, -1, 1]
