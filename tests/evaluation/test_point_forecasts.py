"""The mean of a predictive distribution from the bounds of its intervals."""

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.evaluation.bounds import Bounds
from gatecast.evaluation.calibration import (
    STANDARD_LEVELS,
    default_calibrator,
    point_forecasts,
    prediction_intervals,
)
from gatecast.evaluation.point_forecasts import GRID_LEVELS, fit_mean_factor, grid_scores, mean_of_grid, sort_grid
from gatecast.evaluation.sample_paths import sample_paths

LEVELS = (0.025, 0.1, 0.5, 0.9, 0.975)
START = default_calibrator(["LSTM"], LEVELS)
MEANS = START._replace(point="mean")
PAST = np.array([[0.0, 4.0, 0.0, 0.0, 7.0]])


def probabilities():
    """Probabilities of the grid."""
    return np.array([NormalDist().cdf(score) for score in grid_scores()])


@pytest.mark.parametrize(
    ("quantile", "mean"),
    [
        (lambda p: -np.log1p(-p), 1.0),
        (lambda p: np.exp(0.8 * np.array([NormalDist().inv_cdf(x) for x in p])), np.exp(0.32)),
        (lambda p: np.maximum(-5 * np.log(np.maximum(1 - p, 1e-12) / 0.3), 0), 1.5),
        (lambda p: 3 + p, 3.5),
    ],
    ids=["exponential", "lognormal", "intermittent", "uniform"],
)
def test_mean_of_grid_is_within_three_percent_of_that_of_skewed_distributions(quantile, mean):
    assert mean_of_grid(quantile(probabilities())) == pytest.approx(mean, rel=0.03)


def test_mean_of_grid_is_near_the_mean_of_skewed_samples():
    samples = np.random.default_rng(0).gamma(0.6, 5.0, 100_000)
    assert mean_of_grid(np.quantile(samples, probabilities())) == pytest.approx(samples.mean(), rel=0.03)


@given(st.lists(st.floats(-1e3, 1e3), min_size=21, max_size=21), st.floats(-1e3, 1e3), st.floats(0, 1e3))
def test_mean_of_grid_is_within_it_and_moves_with_it(values, shift, factor):
    grid = np.sort(values)
    mean = mean_of_grid(grid)
    assert grid[0] - 1e-9 <= mean <= grid[-1] + 1e-9
    assert mean_of_grid(shift + factor * grid) == pytest.approx(shift + factor * mean, abs=1e-6)
    assert mean_of_grid(-grid[::-1]) == pytest.approx(-mean, abs=1e-9)


def test_sort_grid_puts_the_median_between_the_bounds():
    sides = [np.zeros((1, 1)), *(np.full((1, 1), sign * level) for level in GRID_LEVELS for sign in (-1, 1))]
    assert (np.diff(sort_grid(sides)[0, 0]) > 0).all()
    assert sort_grid(sides).shape == (1, 1, len(grid_scores()))


def test_point_mean_is_the_mean_of_sample_paths():
    quantiles = np.tile([[-0.5, 0.0, 0.2, 3.0, 8.0]], (1, 3, 1))
    measured = MEANS._replace(margins=dict.fromkeys(STANDARD_LEVELS, np.full((3, 2), 0.2)))
    paths = sample_paths(measured, quantiles, PAST, 40_000, 0)
    assert point_forecasts(measured, quantiles, PAST) == pytest.approx(paths.mean(axis=1), rel=0.03)
    assert paths.tobytes() == sample_paths(measured._replace(point="median"), quantiles, PAST, 40_000, 0).tobytes()


def test_point_mean_leaves_intervals_as_they_are():
    quantiles = np.tile([[-0.5, 0.0, 0.2, 3.0, 8.0]], (1, 3, 1))
    median, *intervals = prediction_intervals(START, quantiles, PAST, [80, 95])
    mean, *same = prediction_intervals(MEANS, quantiles, PAST, [80, 95])
    assert [side.tobytes() for side in same] == [side.tobytes() for side in intervals]
    assert (mean > median + 0.5).all()
    assert prediction_intervals(MEANS, quantiles, PAST, [])[0].tobytes() == mean.tobytes()


def test_point_mean_of_whole_numbers_is_not_rounded():
    whole = MEANS._replace(bounds=Bounds(integer=True))
    quantiles = np.array([[[0.0, 0.0, 0.1, 0.6, 1.2]]])
    mean, low, high = prediction_intervals(whole, quantiles, PAST, [80])
    assert 0 < mean.item() % 1 < 1
    assert (low.item() % 1, high.item() % 1) == (0, 0)
    assert prediction_intervals(whole._replace(point="median"), quantiles, PAST, [80])[0].item() % 1 == 0


def test_point_mean_stays_within_bounds():
    bounded = MEANS._replace(bounds=Bounds(2.0, 3.0))
    assert point_forecasts(bounded, np.array([[[-9.0, -5, 0, 9, 99]]]), PAST).item() == pytest.approx(2.5, abs=0.5)


def test_point_median_is_the_middle_quantile():
    assert point_forecasts(START, np.array([[LEVELS]]), PAST).tolist() == [[0.5]]


def test_point_mean_without_a_value_is_nan():
    assert np.isnan(point_forecasts(MEANS, np.full((1, 2, 5), np.nan), np.array([[np.nan]]))).all()


@pytest.mark.parametrize("factor", [0.0, 0.5, 1.0, 1.5])
def test_fit_mean_factor_finds_it_from_many_errors(factor):
    rng = np.random.default_rng(1)
    distance = rng.uniform(0.5, 1.5, (2000, 4))
    error = factor * distance + rng.exponential(2.0, (2000, 4)) - 2.0
    error[::3, 1:] = np.nan
    assert fit_mean_factor(error, distance, np.ones(2000)) == pytest.approx(factor, abs=0.08)


def test_fit_mean_factor_stays_near_one_with_few_errors_or_no_skewness():
    rng = np.random.default_rng(1)
    few = [fit_mean_factor(rng.normal(0, 1, (2, 4)), np.full((2, 4), 0.3), np.ones(2)) for _ in range(200)]
    assert np.abs(np.array(few) - 1).mean() < 0.25
    assert fit_mean_factor(rng.normal(0, 1, (500, 4)), np.full((500, 4), 1e-4), np.ones(500)) == pytest.approx(1, 0.01)
    assert fit_mean_factor(np.full((3, 4), np.nan), np.ones((3, 4)), np.ones(3)) == 1.0
    assert fit_mean_factor(np.ones((3, 4)), np.zeros((3, 4)), np.ones(3)) == 1.0


def test_point_mean_is_scaled_by_past_errors_and_kept_within_bounds():
    quantiles = np.array([[[0.0, 0.0, 0.2, 3.0, 8.0]]])
    full, half = (point_forecasts(MEANS._replace(mean_factor=f), quantiles, PAST).item() for f in (1.0, 0.5))
    assert half == pytest.approx((full + 0.2) / 2)
    bounded = MEANS._replace(mean_factor=2.0, bounds=Bounds(upper=1.0))
    assert point_forecasts(bounded, quantiles, PAST).item() <= 1.0
