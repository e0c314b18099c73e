"""The kernel of smoothing with a local and a global trend equals NumPy in float64, for any number of threads."""

import numpy as np
import pytest
from local_trend_reference import forecast

from gatecast.kernels import _native, runtime
from gatecast.kernels.smoothing import TrendGrid, local_trend

pytestmark = pytest.mark.usefixtures("every_isa")

GRID = TrendGrid((0.1, 0.7, 1.0), (0.05, 0.5), (0.0, 0.8, 1.0), (-0.5, 0.0, 0.5, 0.8, 1.0), (0.0, 0.5, 1.0))
ONE_MODEL = TrendGrid((0.5,), (0.1,), (1.0,), (0.5,), (1.0,))


def series_of(rng, kind, n):
    """A series with a mean size of 1."""
    y = {
        "growth": np.exp(0.1 * np.arange(n) + rng.normal(0, 0.1, n)),
        "walk": 20 + np.cumsum(rng.normal(size=n)),
        "outlier": 10 + rng.normal(size=n) + 50.0 * (np.arange(n) == n // 2),
        "negative": rng.normal(size=n).cumsum(),
        "constant": np.full(n, 3.0),
    }[kind]
    return y / np.abs(y).mean()


@pytest.mark.parametrize("kind", ["growth", "walk", "outlier", "negative", "constant"])
@pytest.mark.parametrize("n", [2, 5, 17, 60])
@pytest.mark.parametrize("grid", [GRID, ONE_MODEL], ids=["grid", "one model"])
def test_local_trend_equals_the_reference(rng, kind, n, grid):
    y, linear = series_of(rng, kind, n), kind == "negative"
    mean, variance = local_trend(y[None], np.array([n]), np.array([linear]), grid, 0.5, 6)
    expected_mean, expected_variance = forecast(y, 6, grid, 0.5, linear)
    # Weights below e^-20 of the largest are left out: of 270 models, less than 1e-6 of the whole.
    np.testing.assert_allclose(mean[0], expected_mean, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(variance[0], expected_variance, rtol=1e-5, atol=1e-12)


def test_local_trend_models_without_weight_may_grow_beyond_all_bounds(rng):
    y = 10 + np.arange(60) + rng.normal(0, 0.01, 60)
    mean, variance = local_trend((y / y.mean())[None], np.array([60]), np.array([False]), GRID, 0.5, 30_000)
    assert np.isfinite(mean).all()
    assert (np.diff(mean[0]) > 0).all()
    assert np.isfinite(variance).all()


def test_local_trend_series_of_a_batch_do_not_depend_on_the_others_or_on_threads(rng):
    lengths = np.array([9, 40, 23, 2, 31])
    y = np.zeros((5, 40))
    for row, n in zip(y, lengths, strict=True):
        row[:n] = series_of(rng, "walk", n)
    linear = np.array([False, True, False, False, True])
    before = runtime.get_num_threads()
    try:
        results = []
        for threads in (1, 2, 3):
            runtime.set_num_threads(threads)
            results.append(local_trend(y, lengths, linear, GRID, 0.5, 4))
    finally:
        runtime.set_num_threads(before)
    for mean, variance in results[1:]:
        np.testing.assert_array_equal(mean, results[0][0])
        np.testing.assert_array_equal(variance, results[0][1])
    alone = local_trend(y[2:3, :23], lengths[2:3], linear[2:3], GRID, 0.5, 4)
    np.testing.assert_array_equal(alone[0][0], results[0][0][2])


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"n": np.array([1])}, "n must lie in 2..T"),
        ({"n": np.array([9])}, "n must lie in 2..T"),
        ({"n": np.array([3, 3])}, "n has shape"),
        ({"tau": np.full(16, 3)}, "tau must lie in 0..2"),
        ({"lanes": 17}, "lanes must lie in 1..16"),
        ({"alpha": np.empty(0)}, "at least one number"),
        ({"mean": np.empty((2, 3))}, "mean has shape"),
        ({"y": np.ones(4)}, "two axes"),
    ],
)
def test_local_trend_refuses_arrays_that_do_not_fit(change, text):
    ones = np.ones(1)
    arguments = {
        "y": np.ones((1, 4)),
        "n": np.array([4]),
        "linear": np.array([0]),
        "alpha": ones,
        "beta": ones,
        "lam": ones,
        "rho": np.ones(16),
        "tau": np.zeros(16, np.int64),
        "lanes": 1,
        "exponent": 0.5,
        "mean": np.empty((1, 3)),
        "variance": np.empty((1, 3)),
    }
    _native.local_trend(**arguments)
    with pytest.raises(ValueError, match=text):
        _native.local_trend(**(arguments | change))
