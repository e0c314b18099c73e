"""Which season the seasonal naive of a series has."""

import numpy as np

from gatecast.forecasting.season_selection import naive_season


def test_naive_season_is_the_one_that_repeats_best(rng):
    week = np.resize(rng.normal(size=7), 140) + rng.normal(0, 0.01, 140)
    assert naive_season(week, 7, [7, 30]) == 7
    assert naive_season(week, 7, [30]) == 30
    assert naive_season(week, 7, []) == 1
