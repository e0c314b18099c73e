"""Forecasts kept within what values can be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.evaluation.bounds import Bounds, hold_constants, limit_widths
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
    calibrator = default_calibrator(["LSTM"], (0.1, 0.5, 0.9))
    calibrator = calibrator._replace(bounds=Bounds(-1.0, None, integer=True))
    sides = prediction_intervals(calibrator, np.array([[[-3.4, 0.4, 0.7]]]), np.array([[-2.0]]), [80])
    assert [side.item() for side in sides] == [0, -1, 1]


@pytest.mark.parametrize(("n", "expected"), [(12, 7.0), (11, 6.0)])
def test_hold_constants_needs_twelve_equal_values(n, expected):
    values = np.concatenate([np.full((1, 3), np.nan), np.full((1, n), 7.0)], axis=1)
    assert (hold_constants(np.full((1, 2, 3), 6.0), values) == expected).all()


def test_hold_constants_other_series_keep_their_quantiles():
    values = np.stack([np.full(20, 3.0), np.arange(20.0), np.full(20, np.nan)])
    held = hold_constants(np.full((3, 1, 1), 9.0), values)
    assert held.ravel().tolist() == [3.0, 9.0, 9.0]


@given(st.integers(24, 60), st.integers(0, 100))
def test_limit_widths_random_walks_keep_theirs(n, seed):
    walk = np.random.default_rng(seed).normal(size=n).cumsum()[None]
    steps = np.sqrt(np.arange(1, 13))[None]
    median, sides = np.full((1, 12), walk[0, -1]), [walk[:, -1:] - 1.28 * steps, walk[:, -1:] + 1.28 * steps]
    for side, limited in zip(sides, limit_widths(median, sides, walk), strict=True):
        np.testing.assert_array_equal(limited, side)


def test_limit_widths_cuts_what_the_series_never_did():
    values = np.concatenate([np.full(60, 5.0), np.full(36, 50.0)])[None]
    low, high = limit_widths(np.full((1, 2), 50.0), [np.full((1, 2), -900.0), np.full((1, 2), 7000.0)], values)
    assert (low.tolist(), high.tolist()) == ([[-85.0, -85.0]], [[185.0, 185.0]])
    short = limit_widths(np.full((1, 1), 50.0), [np.full((1, 1), 7000.0)], values[:, 50:70])
    assert short[0].item() == 7000.0
