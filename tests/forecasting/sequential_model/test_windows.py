"""Windows of a user's network: they read the past alone, and all origins are drawn equally often."""

import numpy as np

from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.panel_rnn.windows import scale_series
from gatecast.forecasting.sequential_model.windows import (
    holdout_length,
    observed_length,
    sample_origins,
    targets_at,
    windows_at,
)


def test_windows_read_the_past_and_targets_stop_where_they_are_told():
    values = np.concatenate([np.full(3, np.nan), np.arange(10.0) ** 2])[None]
    values[0, 8] = np.nan
    rows = scale_series(PanelContext.from_values(values), 1, 4)
    assert observed_length(rows).tolist() == [10]
    zero, at = np.zeros(1, np.int64), np.array([5])
    whole = windows_at(rows, zero, at, 4, 2, flat=False)
    assert whole.shape == (1, 4, 2)
    assert whole[0, :, 1].tolist() == [0.0, 1.0, 1.0, 1.0]  # the first column lies before the series
    assert whole[0, 0, 0] == whole[0, 1, 0]
    assert whole[0, -1, 0] == 0
    assert windows_at(rows, zero, at, 4, 2, flat=True)[0, 0].tolist() == whole[0].T.ravel().tolist()
    poisoned = rows._replace(z=np.where(np.arange(rows.z.shape[1]) > 5 + 3, np.float32(99), rows.z))
    np.testing.assert_array_equal(windows_at(poisoned, zero, at, 4, 2, flat=False), whole)
    y, weight = targets_at(rows, zero, at, np.array([10]), 6, 4)
    assert weight.tolist() == [[1, 1, 0, 1, 0, 0]]
    np.testing.assert_allclose(y[0, 0], rows.z[0, 6 + 3] - rows.z[0, 5 + 3])
    late = rows._replace(z=np.where(np.arange(rows.z.shape[1]) >= 10 + 3, np.float32(99), rows.z))
    np.testing.assert_array_equal(targets_at(late, zero, at, np.array([10]), 6, 4)[0], y)
    assert targets_at(rows, zero, np.array([8]), np.array([13]), 2, 4)[1].tolist() == [[0, 0]]  # no level there


def test_all_origins_come_equally_often():
    first, count = np.array([2, 0, 7]), np.array([5, 0, 2])
    found = (
        np.array(list(sample_origins(first, count, 3, 14, np.random.default_rng(0)))).transpose(0, 2, 1).reshape(-1, 2)
    )
    pairs, times = np.unique(found, axis=0, return_counts=True)
    assert pairs.tolist() == [[0, 2], [0, 3], [0, 4], [0, 5], [0, 6], [2, 7], [2, 8]]
    assert (times == 6).all()


def test_of_very_many_origins_some_are_drawn():
    first, count = np.array([2, 5]), np.array([1, 2**21])
    which, at = next(sample_origins(first, count, 1000, 1, np.random.default_rng(0)))
    assert set(which.tolist()) <= {0, 1}
    assert len(np.unique(at)) > 990
    assert at.min() >= 2
    assert at.max() < 5 + 2**21


def test_series_too_short_for_it_hold_nothing_out():
    assert holdout_length(np.array([0, 5, 8, 100, 1000]), 6).tolist() == [0, 0, 0, 10, 100]


def test_origins_are_drawn_without_repeats_up_to_two_million():
    for count, is_unique in ((2**21, True), (2**21 + 1, False)):
        _, at = next(sample_origins(np.array([0]), np.array([count]), 20_000, 1, np.random.default_rng(0)))
        assert (len(np.unique(at)) == 20_000) == is_unique


def test_windows_and_targets_are_clipped_at_fifty_and_a_hundred_mean_changes():
    rows = scale_series(PanelContext.from_values(np.arange(1.0, 10.0)[None]), 1, 2)
    rows = rows._replace(z=np.float32([[0, 49, 0, -49, 0, 51, 0, -51, 0, 0]]))
    at = np.arange(8)
    x = windows_at(rows, np.zeros(8, int), at, 2, 1, flat=False)[:, 0, 0]
    assert x.tolist() == [-49, 49, 49, -49, -50, 50, 50, -50]
    rows = rows._replace(z=np.float32([[0, 0, 99, 0, -99, 0, 101, 0, -101, 0]]))
    y, weight = targets_at(rows, np.zeros(8, int), at, np.full(8, 9), 1, 2)
    assert y[:, 0].tolist() == [99, -99, -99, 99, 100, -100, -100, 100]
    assert (weight == 1).all()


def test_holdout_is_a_tenth_rounded_up_where_a_horizon_is_left():
    lengths = np.array([0, 8, 9, 10, 19, 20, 21, 30])
    assert holdout_length(lengths, 6).tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert holdout_length(lengths, 16).tolist() == [0, 0, 0, 0, 1, 2, 3, 3]
