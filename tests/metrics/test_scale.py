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
