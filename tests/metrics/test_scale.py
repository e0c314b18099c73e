"""The unit of scaled errors."""

import numpy as np

from gatecast.metrics.scale import seasonal_naive_scale


def test_seasonal_naive_scale_is_the_mean_change_of_observed_pairs():
    values = np.array([[np.nan, 1.0, 2.0, 4.0], [5.0, 5.0, 5.0, 5.0], [np.nan] * 4])
    np.testing.assert_array_equal(seasonal_naive_scale(values, 1), [1.5, np.nan, np.nan])
    np.testing.assert_array_equal(seasonal_naive_scale(values, 9), [np.nan] * 3)
