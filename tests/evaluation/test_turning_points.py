"""Curves whose noise, trend and minimum are known."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecast.evaluation.turning_points import find_turning_point, noise_level, smooth


@given(st.floats(-5, 5), st.floats(-1e3, 1e3), st.integers(3, 60), st.integers(3, 15))
def test_smooth_straight_line_is_unchanged(slope, start, n, width):
    line = start + slope * np.arange(n)
    np.testing.assert_allclose(smooth(line, width), line, atol=1e-8)


@given(st.floats(1e-6, 1e6), st.integers(0, 99))
def test_trends_scale_with_the_curve(scale, seed):
    rng = np.random.default_rng(seed)
    curve = np.abs(np.arange(24) - 9) / 24 + 1 + 0.05 * rng.normal(size=24)
    np.testing.assert_allclose(smooth(scale * curve), scale * smooth(curve), rtol=1e-7)
    assert noise_level(scale * curve) == pytest.approx(scale * noise_level(curve), rel=1e-6)
    small, large = find_turning_point(curve), find_turning_point(scale * curve)
    assert (large.at, large.sure) == (small.at, small.sure)
    assert large.rise == pytest.approx(scale * small.rise, rel=1e-6)


def test_smooth_removes_noise_and_keeps_the_bend():
    at = np.linspace(0, 1, 200)
    clean, shaken = 1 / (0.1 + at), np.random.default_rng(0).normal(size=200)
    assert np.abs(smooth(clean + 0.3 * shaken) - clean)[20:].mean() < 0.3 * 0.35
    assert np.abs(smooth(clean) - clean)[20:].max() < 0.2


def test_smooth_missing_points_stay_missing_without_neighbors():
    curve = np.array([1.0, 2.0, np.nan, 4.0, 5.0, np.nan, np.nan, np.nan, np.nan, 10.0])
    point = smooth(curve, 3)
    np.testing.assert_allclose(point[:5], [1, 2, 3, 4, 5])
    assert np.isnan(point[6:8]).all()


def test_noise_level_ignores_the_trend():
    rng = np.random.default_rng(1)
    trend = np.linspace(9, 2, 2000) ** 2
    assert noise_level(trend + 0.1 * rng.normal(size=2000)) == pytest.approx(0.1, rel=0.1)
    assert noise_level([1.0, 2.0, 3.0, 4.0]) == 0
    assert np.isnan(noise_level([1.0, 2.0]))


def closest(y, at):
    """The closest curve that falls before `at` and rises from it on, by trying all ways to pool neighbours."""

    def falling(part):
        best = (np.inf, part)
        for cuts in itertools.product([False, True], repeat=max(len(part) - 1, 0)):
            pieces = np.split(part, np.flatnonzero(cuts) + 1)
            fit = np.concatenate([np.full(len(piece), piece.mean()) for piece in pieces])
            if (np.diff(fit) <= 1e-12).all():
                best = min(best, (((fit - part) ** 2).sum(), fit), key=lambda pair: pair[0])
        return best[1]

    ends = [falling(part) for part in (y[:at], y[at:][::-1]) if len(part)]
    return np.concatenate([ends[0], ends[1][::-1]]) if len(ends) == 2 else ends[0]


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=3, max_size=7))
def test_find_turning_point_is_that_of_the_closest_curve(points):
    y = np.array(points, float) + 0.01 * np.arange(len(points)) ** 2
    curves = [closest(y, at) for at in range(1, len(y) + 1)]
    off = [((fit - y) ** 2).sum() for fit in curves]
    lowest = {
        int(at)
        for fit, far in zip(curves, off, strict=True)
        if far < min(off) + 1e-9
        for at in np.flatnonzero(fit < fit.min() + 1e-9)
    }
    assert find_turning_point(y).at in lowest


@pytest.mark.slow
@pytest.mark.parametrize(("noise", "max_misses"), [(0.005, 0.0), (0.02, 0.05)])
def test_find_turning_point_finds_a_known_onset(noise, max_misses):
    at, misses = np.arange(30), []
    for onset in range(8, 21):
        curve = 1 + np.exp(-at / (onset / 5)) + 0.4 * np.maximum(at - onset, 0) / (30 - onset)
        for seed in range(40):
            point = find_turning_point(curve + noise * np.random.default_rng(seed).normal(size=30))
            misses.append(not point.sure or abs(point.at - onset) > 5 or abs(point.rise - 0.36) > 0.35 * 0.36)
    assert np.mean(misses) <= max_misses


@pytest.mark.parametrize("n", [10, 30, 100])
@pytest.mark.parametrize("shape", [lambda x: 1 + 0 * x, lambda x: 1 + 3 * np.exp(-8 * x), lambda x: 3 - 2 * x])
def test_find_turning_point_of_a_curve_that_does_not_rise_is_rarely_sure(n, shape):
    rng, curve = np.random.default_rng(2), shape(np.arange(n) / n)
    sure = [find_turning_point(curve + 0.02 * rng.normal(size=n)).sure for _ in range(300)]
    assert np.mean(sure) < 0.04


def test_find_turning_point_rise_of_two_points_is_not_sure():
    assert not find_turning_point([5.0, 4.0, 3.0, 2.0, 9.0]).sure
    assert not find_turning_point([5.0, 4.0, 3.0, 2.0, 1.0, 9.0, 9.0]).sure
    assert find_turning_point([5.0, 4.0, 3.0, 2.0, 1.0, 9.0, 9.1, 9.2, 9.3]).sure


def test_find_turning_point_spike_on_the_way_down_is_no_minimum():
    point = find_turning_point([9.0, 7.0, 5.0, 8.0, 4.0, 3.0, 2.0, 1.9, 1.8, 1.8])
    assert point.at >= 8
    assert not point.sure
