"""The kernels of autoregressions equal NumPy in float64, for any number of series, steps and threads."""

from __future__ import annotations

import autoregression_reference as reference
import numpy as np
import pytest

from gatecast.kernels import _native, runtime
from gatecast.kernels.autoregression import LAGS, STATE_SIZE, autoregression, autoregression_forecast

pytestmark = pytest.mark.usefixtures("every_isa")

RIDGE = np.r_[4.0 * np.arange(1, LAGS + 1), 1e-6]
HORIZONS = (1, 3, 10)


def panel(rng, T, B, missing=0.2):
    """Return random walks with gaps, which hold the value before, with units and levels."""
    x = np.cumsum(rng.normal(size=(T, B)), axis=0)
    observed = (rng.random((T, B)) >= missing).astype(float)
    for t in range(1, T):
        x[t] = np.where(observed[t] > 0, x[t], x[t - 1])
    return x, observed, rng.uniform(0.5, 2, (T, B)), x + rng.normal(size=(T, B))


def fit(x, observed, unit, level, cycle=4, first=0, horizons=HORIZONS):
    """Fit with the constants of these tests."""
    return autoregression(
        x, observed, unit, level, ridge=RIDGE, margin=0.25, cycle=cycle, horizons=horizons, first=first
    )


@pytest.mark.parametrize("B", [1, 3, 8, 13])
@pytest.mark.parametrize("cycle", [1, 4, 12, 52])
def test_autoregression_equals_the_reference(rng, B, cycle):
    x, observed, unit, level = panel(rng, 40, B)
    fits = fit(x, observed, unit, level, cycle)
    for b in range(B):
        expected = reference.autoregression(x[:, b], observed[:, b], unit[:, b], RIDGE, 0.25, max(HORIZONS[-1], cycle))
        points = (expected[:, np.array(HORIZONS) - 1] - level[:, [b]]) / unit[:, [b]]
        np.testing.assert_allclose(fits.points[:, :, b].T, points, rtol=1e-7, atol=1e-9)
        for errors, k in zip(fits.errors[:, :, b], (1, cycle), strict=True):
            misses = reference.past_errors(x[:, b], observed[:, b], expected, k)
            np.testing.assert_allclose(errors, misses, rtol=1e-7, atol=1e-9)


def test_autoregression_forecasts_go_on_from_its_states(rng):
    x, observed, unit, level = panel(rng, 30, 11)
    fits = fit(x, observed, unit, level)
    every = autoregression_forecast(fits.state, HORIZONS[-1])
    np.testing.assert_allclose(every[np.array(HORIZONS) - 1], fits.points, rtol=1e-9, atol=1e-9)
    some = autoregression_forecast(fits.state[:, 20, 3:5], 2)
    np.testing.assert_array_equal(some, every[:2, 20, 3:5])


def test_autoregression_of_the_last_steps_has_the_bits_of_those_of_all(rng):
    x, observed, unit, level = panel(rng, 30, 9)
    every = fit(x, observed, unit, level)
    for first in (1, 17, 29, 30):
        for part, whole in zip(fit(x, observed, unit, level, first=first), every, strict=True):
            np.testing.assert_array_equal(part, whole[:, first:])


def test_autoregression_knows_nothing_of_later_steps_of_other_series_or_of_threads(rng):
    x, observed, unit, level = panel(rng, 40, 70)
    every = fit(x, observed, unit, level)
    for part, whole in zip(fit(*(a[:25] for a in (x, observed, unit, level))), every, strict=True):
        np.testing.assert_array_equal(part, whole[:, :25])
    for part, whole in zip(fit(*(a[:, 33:34] for a in (x, observed, unit, level))), every, strict=True):
        np.testing.assert_array_equal(part, whole[:, :, 33:34])
    before = runtime.get_num_threads()
    try:
        for threads in (1, 2, 3):
            runtime.set_num_threads(threads)
            for part, whole in zip(fit(x, observed, unit, level), every, strict=True):
                np.testing.assert_array_equal(part, whole)
    finally:
        runtime.set_num_threads(before)


def test_autoregression_does_not_depend_on_the_offset_and_scales_with_the_size(rng):
    x, observed, unit, level = panel(rng, 60, 5)
    one = fit(x, observed, unit, level)
    moved = fit(x + 1e6, observed, unit, level + 1e6)
    larger = fit(1000 * x, observed, 1000 * unit, 1000 * level)
    for other in (moved, larger):
        np.testing.assert_allclose(other.points, one.points, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(larger.errors, 1000 * one.errors, rtol=1e-9)
    np.testing.assert_allclose(moved.errors, one.errors, rtol=1e-5)


@pytest.mark.parametrize(("T", "B"), [(0, 5_000), (0, 0), (5, 0), (1, 3), (3, 9)])
def test_autoregression_of_few_steps_and_series(rng, T, B):
    x = rng.normal(size=(T, B))
    fits = fit(x, np.ones_like(x), np.ones_like(x), x, cycle=12)
    assert fits.state.shape == (STATE_SIZE, T, B)
    assert np.isfinite(fits.points).all()
    for b in range(min(B, 3)):
        expected = reference.autoregression(x[:, b], np.ones(T), np.ones(T), RIDGE, 0.25, HORIZONS[-1])
        np.testing.assert_allclose(fits.points[:, :, b].T, expected[:, np.array(HORIZONS) - 1] - x[:, [b]], atol=1e-9)
    np.testing.assert_array_equal(fits.errors[1], 0.0)


def test_autoregression_without_changes_stays_where_it_is():
    x = np.full((20, 2), 7.0)
    fits = fit(x, np.ones_like(x), np.full_like(x, 1e-12), x)
    np.testing.assert_array_equal(fits.points, 0.0)
    np.testing.assert_array_equal(fits.errors, 0.0)


def test_autoregression_that_explodes_stays_near_to_its_range():
    x = np.power(-1.5, np.arange(30.0))[:, None]
    size = np.abs(np.diff(x[:, 0])).cumsum() / np.arange(1, 30)
    fits = fit(x, np.ones_like(x), np.r_[1.0, size][:, None], 0 * x, horizons=(1, 300))
    far = fits.points[1, -1, 0] * size[-1]
    width = np.ptp(x)
    assert x.min() - 0.26 * width < far < x.max() + 0.26 * width


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"observed": np.ones((9, 2))}, "observed has shape"),
        ({"unit": np.ones((10, 3))}, "unit has shape"),
        ({"level": np.ones((10, 3))}, "level has shape"),
        ({"ridge": np.ones(3)}, "ridge has shape"),
        ({"first": 11}, "first must lie in 0..T"),
        ({"first": -1}, "first must lie in 0..T"),
        ({"cycle": 0}, "cycle must lie in 1..2"),
        ({"cycle": 2**21}, "cycle must lie in 1..2"),
        ({"horizons": np.array([0, 2])}, "horizons must increase from 1 on"),
        ({"horizons": np.array([2, 2])}, "horizons must increase from 1 on"),
        ({"horizons": np.array([1, 2**21])}, "horizons must be at most 2"),
        ({"horizons": np.array([], np.int64)}, "horizons must have one number at least"),
        ({"state": np.ones((18, 10, 2))}, "state has shape"),
        ({"points": np.ones((1, 10, 2))}, "points has shape"),
        ({"errors": np.ones((2, 9, 2))}, "errors has shape"),
        ({"x": np.ones(10)}, "x must have two axes"),
    ],
)
def test_autoregression_wrong_arrays_are_refused(change, message):
    arguments = {name: np.ones((10, 2)) for name in ("x", "observed", "unit", "level")}
    arguments |= {"ridge": np.ones(LAGS + 1), "margin": 0.25, "cycle": 2, "horizons": np.array([1, 2]), "first": 0}
    arguments |= {"state": np.ones((STATE_SIZE, 10, 2)), "points": np.ones((2, 10, 2)), "errors": np.ones((2, 10, 2))}
    with pytest.raises(ValueError, match=message):
        _native.autoregression(**{**arguments, **change})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"state": np.ones((5, 2))}, "state has shape"),
        ({"points": np.ones((3, 3))}, "points has shape"),
        ({"points": np.ones(3)}, "must have two axes"),
    ],
)
def test_autoregression_forecast_wrong_arrays_are_refused(change, message):
    arguments = {"state": np.ones((STATE_SIZE, 2)), "points": np.ones((3, 2))}
    with pytest.raises(ValueError, match=message):
        _native.autoregression_forecast(**{**arguments, **change})
