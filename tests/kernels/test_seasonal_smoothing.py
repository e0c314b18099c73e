"""The kernels of seasonal smoothing and of its gradient equal NumPy in float64, for any number of threads."""

import numpy as np
import pytest
import smoothing_reference as reference

from gatecast.kernels import _native, runtime
from gatecast.kernels.smoothing import seasonal_smoothing, seasonal_smoothing_backward

pytestmark = pytest.mark.usefixtures("every_isa")

STEP = 1e-6


def case(rng, T, B, m):
    """Arguments of `seasonal_smoothing`, with series that begin late, have gaps, or no value at all."""
    z, observed = rng.normal(size=(T, B)), rng.random((T, B)) < 0.8
    observed[: T // 3, 0] = False
    observed[:, B // 2] &= B < 3
    return z, observed, rng.uniform(0.1, 0.9, B), rng.uniform(0.0, 0.9, B), rng.normal(size=(m, B))


@pytest.mark.parametrize(("T", "m"), [(1, 1), (9, 1), (9, 4), (3, 12), (60, 12)])
@pytest.mark.parametrize("B", [1, 4, 19, 70])
def test_seasonal_smoothing_and_its_gradient_equal_the_reference(rng, T, B, m):
    arguments = case(rng, T, B, m)
    smoothed = seasonal_smoothing(*arguments)
    for actual, expected in zip(smoothed, reference.seasonal_smoothing(*arguments), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-12)
    z, observed, _, gamma, _ = arguments
    gradients = rng.normal(size=(T, B)), rng.normal(size=(T + m, B))
    actual = seasonal_smoothing_backward(z, observed, gamma, smoothed, *gradients)
    expected = reference.seasonal_smoothing_backward(z, observed, gamma, smoothed, *gradients)
    for one, other in zip(actual, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize(("T", "m"), [(9, 1), (9, 4), (3, 5)])
def test_seasonal_smoothing_gradient_equals_finite_differences(rng, T, m):
    z, observed, *parameters = case(rng, T, 5, m)
    dlevel, dseason = rng.normal(size=(T, 5)), rng.normal(size=(T + m, 5))

    def loss(*parameters):
        level, season, _ = seasonal_smoothing(z, observed, *parameters)
        return (level * dlevel).sum() + (season * dseason).sum()

    smoothed = seasonal_smoothing(z, observed, *parameters)
    gradients = seasonal_smoothing_backward(z, observed, parameters[1], smoothed, dlevel, dseason)
    for k, gradient in enumerate(gradients):
        for place in np.ndindex(gradient.shape):
            moved = [[x.copy() for x in parameters] for _ in range(2)]
            moved[0][k][place] += STEP
            moved[1][k][place] -= STEP
            difference = (loss(*moved[0]) - loss(*moved[1])) / (2 * STEP)
            assert gradient[place] == pytest.approx(difference, abs=1e-7)


def test_seasonal_smoothing_does_not_depend_on_other_series_or_on_threads(rng):
    arguments = case(rng, 50, 45, 7)
    z, observed, _, gamma, _ = arguments
    gradients = rng.normal(size=(50, 45)), rng.normal(size=(57, 45))
    before = runtime.get_num_threads()
    try:
        results = []
        for threads in (1, 2, 3):
            runtime.set_num_threads(threads)
            smoothed = seasonal_smoothing(*arguments)
            results.append([*smoothed, *seasonal_smoothing_backward(z, observed, gamma, smoothed, *gradients)])
    finally:
        runtime.set_num_threads(before)
    for result in results[1:]:
        for array, first in zip(result, results[0], strict=True):
            np.testing.assert_array_equal(array, first)
    one = slice(20, 21)
    alone = seasonal_smoothing(*(x[..., one] for x in arguments))
    backward = seasonal_smoothing_backward(
        z[:, one], observed[:, one], gamma[one], alone, *(d[:, one] for d in gradients)
    )
    for array, all_series in zip([*alone, *backward], results[0], strict=True):
        np.testing.assert_array_equal(array, all_series[..., one])


def test_seasonal_smoothing_later_values_do_not_matter(rng):
    z, observed, *parameters = case(rng, 30, 6, 4)
    level, season, _ = seasonal_smoothing(z, observed, *parameters)
    z[20:] = 1e6
    changed = seasonal_smoothing(z, observed, *parameters)
    np.testing.assert_array_equal(changed[0][:20], level[:20])
    np.testing.assert_array_equal(changed[1][:24], season[:24])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"observed": np.ones((5, 3), bool)}, "observed has shape"),
        ({"alpha": np.ones(3)}, "alpha has shape"),
        ({"start": np.ones((0, 2))}, "must have rows"),
        ({"season": np.ones((5, 2))}, "season has shape"),
        ({"z": np.ones(5)}, "two axes"),
    ],
)
def test_seasonal_smoothing_wrong_arrays_are_refused(change, message):
    arrays = {"z": np.ones((5, 2)), "observed": np.ones((5, 2), bool), "alpha": np.ones(2), "gamma": np.ones(2)}
    arrays |= {"start": np.ones((3, 2)), "level": np.ones((5, 2)), "season": np.ones((8, 2)), "gain": np.ones((5, 2))}
    with pytest.raises(ValueError, match=message):
        _native.seasonal_smoothing(**{**arrays, **change})


def test_seasonal_smoothing_backward_refuses_gradients_of_another_shape():
    z, B = np.ones((5, 2)), np.ones(2)
    smoothed = seasonal_smoothing(z, z > 0, B, B, np.ones((3, 2)))
    with pytest.raises(ValueError, match="dlevel has shape"):
        seasonal_smoothing_backward(z, z > 0, B, smoothed, np.ones((4, 2)), np.ones((8, 2)))
