"""Windows see the past alone, targets are what follows, and missing values take part in neither."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.data.windows import (
    Frame,
    Plan,
    crop_starts,
    fit_frame,
    inputs,
    look_back,
    make_plan,
    steps_ahead,
    targets,
)

PLAN, FRAME = Plan(4, 3, (1, 2, 3)), Frame(2.0, 10.0, 5.0, 0.5)


def test_a_window_is_the_last_values_minus_their_level_over_the_scale(rng):
    values = rng.normal(10, 3, 30)
    x, level = inputs(values, PLAN, FRAME, np.array([9]))
    smooth = values[0]
    for value in values[1:10]:
        smooth = 0.5 * value + 0.5 * smooth
    assert level[0] == pytest.approx(smooth)
    np.testing.assert_allclose(x[0, :4], (values[6:10] - level[0]) / 2.0, rtol=1e-6)
    assert x[0, 4] == pytest.approx(2 * np.tanh((level[0] - 10) / 7.5), rel=1e-6)


@given(origin=st.integers(0, 18), seed=st.integers(0, 9))
def test_what_comes_after_an_origin_never_matters(origin, seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=20)
    poisoned = values.copy()
    poisoned[origin + 1 :] = 1e9
    for a, b in zip(
        inputs(values, PLAN, FRAME, np.array([origin])), inputs(poisoned, PLAN, FRAME, np.array([origin])), strict=True
    ):
        assert a.tobytes() == b.tobytes()


def test_missing_values_are_carried_forward_in_windows_and_do_not_count_as_targets():
    values = np.array([np.nan, 1.0, np.nan, 3.0, 4.0, np.nan, 6.0])
    full = np.array([1.0, 1.0, 1.0, 3.0, 4.0, 4.0, 6.0])
    origins = np.array([3])
    assert inputs(values, PLAN, FRAME, origins)[0].tolist() == inputs(full, PLAN, FRAME, origins)[0].tolist()
    _, weight = targets(values, PLAN, FRAME, origins, np.zeros(1), (0, 7))
    assert weight.tolist() == [[1.0, 0.0, 1.0]]


def test_targets_are_the_values_that_follow_in_the_unit_of_the_window(rng):
    values = rng.normal(size=20)
    y, weight = targets(values, PLAN, FRAME, np.array([5]), np.array([0.5]), (0, 20))
    np.testing.assert_allclose(y[0], (values[6:9] - 0.5) / 2.0, rtol=1e-6)
    assert weight.all()


def test_targets_outside_the_part_are_never_looked_at(rng):
    values = rng.normal(size=20)
    poisoned = values.copy()
    poisoned[10:] = np.inf
    y, weight = targets(poisoned, PLAN, FRAME, np.arange(6, 12), np.zeros(6), (0, 10))
    assert weight.sum(axis=1).tolist() == [3, 2, 1, 0, 0, 0]
    assert np.isfinite(y).all()


def test_the_frame_of_a_part_is_that_of_its_observed_values():
    frame = fit_frame(np.array([1.0, np.nan, 4.0, 2.0]), PLAN)
    assert frame.scale == pytest.approx((3 + 2) / 2)
    assert frame.centre == 2.0
    assert fit_frame(np.array([5.0, 5.0]), PLAN) == Frame(1.0, 5.0, 1.0, 1.0)


def test_the_level_follows_a_random_walk_and_averages_noise(rng):
    assert fit_frame(rng.normal(size=400).cumsum(), PLAN).weight == 1.0
    assert fit_frame(rng.normal(size=400), PLAN).weight <= 0.1


@given(h=st.integers(1, 2000))
def test_steps_run_from_the_first_to_the_last_and_increase(h):
    steps = steps_ahead(h)
    assert (steps[0], steps[-1]) == (1, h)
    assert list(steps) == sorted(set(steps))
    assert len(steps) <= 24


@given(h=st.integers(1, 400), season=st.integers(1, 400), n=st.integers(8, 5000))
def test_a_look_back_fits_into_the_series(h, season, n):
    assert 2 <= look_back(season, n) < n
    assert make_plan(h, season, n, input_size=5).input_size == 5


@given(origins=st.integers(1, 500), count=st.integers(1, 90), data=st.data())
def test_crops_cover_both_ends(origins, count, data):
    length = data.draw(st.integers(1, origins))
    starts = crop_starts(origins, length, count)
    assert len(starts) == count
    assert starts[0] == 0
    assert starts.max() <= origins - length
    assert count == 1 or starts[-1] == origins - length
