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


def test_limit_widths_grow_with_the_root_of_the_steps_beyond_the_number_of_values():
    values = np.concatenate([np.full(6, np.nan), np.arange(25.0) % 3])[None]
    k = np.arange(1, 101)
    median = np.full((1, 100), 7.0)
    low, high = limit_widths(median, [np.full((1, 100), -1e9), np.full((1, 100), 1e9)], values)
    limit = 3 * 2 * np.sqrt(np.maximum(k / 25, 1))
    np.testing.assert_allclose((7 - low[0], high[0] - 7), (limit, limit))


@pytest.mark.parametrize("n", [0, 1, 23, 24])
def test_limit_widths_needs_24_values_that_are_not_all_equal(n):
    values = np.stack([np.r_[np.full(30 - n, np.nan), np.arange(n) % 2.0], np.r_[np.full(30 - n, np.nan), np.ones(n)]])
    high = limit_widths(np.zeros((2, 2)), [np.full((2, 2), 99.0)], values)[0]
    assert high.tolist() == [[3.0 if n == 24 else 99.0] * 2, [99.0] * 2]


def test_bounds_are_those_of_each_series_whose_past_tells():
    values = np.array([[0.0, 1.0, np.nan], [1.0, -0.5, np.nan], [np.nan] * 3])
    assert Bounds().limits(values)[0].tolist() == [0.0, -np.inf, 0.0]
    assert Bounds().limits(values)[1] == np.inf
    assert Bounds(-2.0, 7.0).limits(values)[0].tolist() == [-2.0] * 3
    assert Bounds(-2.0, 7.0).limits(values)[1] == 7.0
    sides = Bounds(integer=True).apply(np.full((3, 1), -0.6), [np.full((3, 1), -1.2), np.full((3, 1), 0.4)], values)
    assert [side.ravel().tolist() for side in sides] == [[0, -1, 0], [0, -2, 0], [1, 1, 1]]
