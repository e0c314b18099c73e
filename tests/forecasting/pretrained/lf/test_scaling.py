"""The scale on which pretrained networks read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.forecasting.pretrained.lf.scaling import SeriesScale, Support


@given(st.lists(st.floats(-1e6, 1e6).filter(lambda y: abs(y) > 1e-3), min_size=1, max_size=20))
def test_series_scale_inverse_of_transform_is_the_series(values):
    y = np.array(values)[:, None]
    scale = SeriesScale.of(y)
    assert scale.inverse(scale.transform(y).z) == pytest.approx(y, rel=1e-9)


def test_series_scale_zeros_lie_at_half_of_the_smallest_value_so_far():
    series = SeriesScale.of(y := np.array([[8.0], [0.0], [2.0], [0.0]])).transform(y)
    assert np.exp(series.z).ravel() == pytest.approx([8, 4, 2, 1])
    assert series.at_floor.ravel().tolist() == [False, True, False, True]


def test_series_scale_zeros_before_the_first_value_are_not_observed():
    series = SeriesScale.of(y := np.array([[0.0], [0.0], [5.0], [0.0]])).transform(y)
    assert series.observed.ravel().tolist() == [False, False, True, True]
    assert series.z[:3] == pytest.approx(np.log(5))


def test_series_scale_missing_values_take_the_one_before():
    series = SeriesScale.of(y := np.array([[1.0], [np.nan], [3.0]])).transform(y)
    assert np.exp(series.z).ravel() == pytest.approx([1, 1, 3])
    assert series.observed.ravel().tolist() == [True, False, True]


def test_series_scale_without_values_is_finite():
    series = SeriesScale.of(y := np.array([[np.nan, 0.0]] * 3)).transform(y)
    assert series.z.tolist() == [[0, 0]] * 3
    assert not series.observed.any()


def test_series_scale_past_does_not_depend_on_the_future():
    rng = np.random.default_rng(0)
    y = rng.poisson(1.5, (40, 64)).astype(float)
    other = y.copy()
    other[25:] = rng.poisson(90, (15, 64))
    one, two = (SeriesScale.of(a).transform(a) for a in (y, other))
    began = one.observed[:25].any(axis=0)
    assert one.z[:25, began].tobytes() == two.z[:25, began].tobytes()
    assert (one.observed[:25] == two.observed[:25]).all()


def test_support_is_what_a_series_has_shown_so_far():
    y = np.array([[0.0, 3.0, 2.5, 4.0], [2.0, 0.0, 0.0, np.nan], [0.0, 0.0, 1.0, 6.0]])
    support = SeriesScale.of(y).transform(y).support
    smallest = np.array([[np.inf, 0, 0, 0], [2, 3, 2.5, 0], [2, 3, 1, 0]])
    assert support.floor == pytest.approx(smallest / 2)
    some = [True, True, False, False]
    assert support.is_count.tolist() == [[True, False, False, False], some, some]


def test_support_of_mostly_zeros_counts_all_values():
    y = np.array([[0.0, 5.0], [0.0, 0.0], [2.0, np.nan], [0.0, 0.0], [0.0, 1.0], [np.nan, 1.0]])
    mostly = SeriesScale.of(y).transform(y).support.is_mostly_zero
    assert mostly[:, 0].tolist() == [True] * 6
    assert mostly[:, 1].tolist() == [False, False, False, True, False, False]
    values = Support(np.full(2, 0.5), np.array([True, False]), np.zeros(2, bool)).nearest(np.array([0.8, 0.8]))
    assert values.tolist() == [0, 0.8]


def test_support_of_series_with_negative_values_is_everything():
    support = SeriesScale.of(y := np.array([[0.0], [-1.0], [0.0]])).transform(y).support
    assert not support.floor.any()
    assert not support.is_count.any()
    values = np.array([[-7.5], [0.3], [2.0]])
    assert support.nearest(values).tolist() == values.tolist()


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=20) | st.lists(st.integers(0, 9), min_size=1, max_size=20))
def test_support_leaves_values_of_the_series_as_they_are(values):
    y = np.array(values, float)[:, None]
    support = SeriesScale.of(y).transform(y).support
    # Up to any step, the values so far are among those that are left as they are.
    for t in range(len(y)):
        known = y[: t + 1]
        nearest = Support(*(part[t] for part in support)).nearest(known)
        assert nearest.tolist() == known.tolist()
