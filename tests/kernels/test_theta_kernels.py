"""The kernels of the theta method equal NumPy in float64, for any number of threads."""

import numpy as np
import pytest
import smoothing_reference as reference

from gatecast.kernels import _native, runtime
from gatecast.kernels.smoothing import theta_forecast, theta_sums

pytestmark = pytest.mark.usefixtures("every_isa")


def panel(rng, lengths):
    """Random walks aligned at their beginnings, and steps from which errors count."""
    T = max(lengths)
    y = np.cumsum(rng.normal(size=(len(lengths), T)), axis=1)
    n = np.array(lengths)
    return y, n, np.where(n > 9, 3, 1)


@pytest.mark.parametrize("n_alphas", [1, 8, 9, 24])
def test_theta_sums_equal_the_reference(rng, n_alphas):
    y, n, first = panel(rng, [40, 1, 2, 3, 17])
    alpha = rng.uniform(0.05, 0.99, (len(y), n_alphas))
    sums = theta_sums(y, n, first, alpha)
    for i in range(len(y)):
        expected = reference.theta_sums(y[i], n[i], first[i], alpha[i])
        np.testing.assert_allclose(sums[:, i], expected, rtol=1e-9, atol=1e-11)


def test_theta_forecast_equals_the_reference(rng):
    y, n, _ = panel(rng, [40, 1, 2, 3, 17])
    alpha, w, first = rng.uniform(0.1, 0.9, (3, 5))
    points = theta_forecast(y, n, alpha, w, first, 7)
    for i in range(5):
        expected = reference.theta_forecast(y[i, : n[i]], alpha[i], w[i], first[i], 7)
        np.testing.assert_allclose(points[i], expected, rtol=1e-9, atol=1e-11)
    y[1, 1:] = np.nan
    np.testing.assert_array_equal(theta_forecast(y, n, alpha, w, first, 7), points)


def test_theta_sums_values_after_the_end_do_not_matter(rng):
    y, n, first = panel(rng, [30, 12])
    alpha = rng.uniform(0.1, 0.9, (2, 5))
    sums = theta_sums(y, n, first, alpha)
    y[1, 12:] = np.nan
    np.testing.assert_array_equal(theta_sums(y, n, first, alpha), sums)


def test_theta_sums_and_forecasts_do_not_depend_on_other_series_or_on_threads(rng):
    y, n, first = panel(rng, [25, 40] * 20)
    alpha = rng.uniform(0.1, 0.9, (40, 9))

    def forecast(y, n):
        return theta_forecast(y, n, alpha[: len(y), 0], alpha[: len(y), 1], y[:, 0], 5).ravel()

    before = runtime.get_num_threads()
    try:
        results = []
        for threads in (1, 2, 3):
            runtime.set_num_threads(threads)
            results.append(np.concatenate([theta_sums(y, n, first, alpha).ravel(), forecast(y, n)]))
    finally:
        runtime.set_num_threads(before)
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])
    alone = theta_sums(y[2:3, :25], n[2:3], first[2:3], alpha[2:3, 4:5])
    np.testing.assert_array_equal(alone[:, 0, 0], theta_sums(y, n, first, alpha)[:, 2, 4])
    np.testing.assert_array_equal(forecast(y[:1, :25], n[:1]), forecast(y, n)[:5])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n": np.array([3, 11])}, "n must lie in 1..T"),
        ({"n": np.array([0, 3])}, "n must lie in 1..T"),
        ({"first": np.array([0, 1])}, "first must be at least 1"),
        ({"first": np.ones(3, np.int64)}, "first has shape"),
        ({"alpha": np.full((3, 2), 0.5)}, "alpha has shape"),
        ({"sums": np.empty((5, 2, 2))}, "sums has shape"),
    ],
)
def test_theta_sums_wrong_arrays_are_refused(change, message):
    arguments = {"y": np.ones((2, 10)), "n": np.array([10, 10]), "first": np.array([1, 1])}
    arguments |= {"alpha": np.full((2, 2), 0.5), "sums": np.empty((6, 2, 2))}
    with pytest.raises(ValueError, match=message):
        _native.theta_sums(**{**arguments, **change})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n": np.array([3, 11])}, "n must lie in 1..T"),
        ({"w": np.ones(3)}, "w has shape"),
        ({"point": np.ones((3, 2))}, "point has shape"),
    ],
)
def test_theta_forecast_wrong_arrays_are_refused(change, message):
    arguments = {"y": np.ones((2, 10)), "n": np.array([10, 10]), "point": np.empty((2, 3))}
    arguments |= {name: np.full(2, 0.5) for name in ("alpha", "w", "first")}
    with pytest.raises(ValueError, match=message):
        _native.theta_forecast(**{**arguments, **change})
