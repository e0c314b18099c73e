"""What a forecast is read from, numbered by bins."""

import numpy as np

from gatecast.forecasting.attribution import make_bins


def test_make_bins_numbers_every_value_and_column_once():
    groups = (np.array([0, 1, 1]), np.array([0]), np.array([0, 1]))
    bins = make_bins(5, 3, groups, (2, 1, 2))
    numbers = np.concatenate([part.ravel() for part in bins[:5]])
    assert sorted(numbers.tolist()) == list(range(bins.total)) == list(range(5 + 8 * 2 + 5 + 2 + 2))
    assert bins.futr_exog.shape == (8, 2)
    assert bins.groups is groups
