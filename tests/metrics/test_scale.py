"""Scales of series."""

from __future__ import annotations

import numpy as np

from gatecast.metrics.scale import seasonal_naive_scale


def test_seasonal_naive_scale_leaves_out_missing_pairs_and_is_nan_without_a_change():
    values = np.array([[np.nan, 1.0, 2.0, 4.0], [5.0, 5.0, 5.0, 5.0], [np.nan] * 4])
    np.testing.assert_array_equal(seasonal_naive_scale(values, 1), [1.5, np.nan, np.nan])
    np.testing.assert_array_equal(seasonal_naive_scale(values, 2), [3.0, np.nan, np.nan])


def test_seasonal_naive_scale_of_series_shorter_than_a_season_is_nan():
    np.testing.assert_array_equal(seasonal_naive_scale(np.ones((3, 4)), 9), [np.nan] * 3)


def test_seasonal_naive_scale_of_squares_is_the_root_of_their_mean():
    values = np.array([[np.nan, 1.0, 2.0, 5.0], [5.0, 5.0, 5.0, 5.0], [0.0, 3.0, 0.0, 4.0]])
    expected = [np.sqrt(5.0), np.nan, np.sqrt((9 + 9 + 16) / 3)]
    np.testing.assert_allclose(seasonal_naive_scale(values, 1, squared=True), expected)
    np.testing.assert_allclose(seasonal_naive_scale(values, 2, squared=True), [4.0, np.nan, np.sqrt(0.5)])
    np.testing.assert_allclose(seasonal_naive_scale(values, 3), [np.nan, np.nan, 4.0])
    np.testing.assert_array_equal(seasonal_naive_scale(values, 4), [np.nan] * 3)
