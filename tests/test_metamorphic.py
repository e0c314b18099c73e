"""What must not change a forecast, and what must change it in a known way; over the quick models of the registry.

Nobody knows the right forecast of a series. That of the series a thousand steps later, of its rows in another order, or
of its values in another unit follows from it.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecast import Forecaster
from gatecast.forecasting.registry import available_models, get_model

H, N, SEASON = 4, 40, 4
TRAINED = {"lstm", "gru", "rnn", "lstm-peephole", "slstm", "es-lstm", "segrnn"}
OPTIONAL = {"ets", "ces"}
MODELS = [name for name in available_models() if name not in TRAINED | OPTIONAL]
SYMMETRIC = ["naive", "seasonal-naive", "drift", "mean", "ar", "dot"]
"""Models that treat values and their negatives alike."""


@cache
def values():
    """Three series with a season, a trend and noise, which cross zero."""
    rng, t = np.random.default_rng(11), np.arange(N)
    season = np.array([3.0, -1.0, -4.0, 2.0])
    y = [a + b * t + season[t % SEASON] + rng.normal(size=N) for a, b in ((0, 0.1), (-3, 0.0), (2, -0.1))]
    return np.stack(y)


def table(y, ids=("a", "b", "c"), start=0):
    """Return a long table."""
    return {
        "unique_id": np.repeat(np.array(ids, object), y.shape[1]),
        "ds": np.tile(start + np.arange(y.shape[1]), len(y)),
        "y": y.ravel(),
    }


def forecast(model, source):
    """Return forecasts and bounds by id: arrays of shape (columns, h)."""
    fitted = Forecaster(H, model=model, season_length=SEASON, level=[80]).fit(source, evaluate=False)
    out = fitted.predict(output="dict")
    columns = [name for name in out if name not in ("unique_id", "ds")]
    ids = np.asarray(out["unique_id"])
    return {id: np.stack([np.asarray(out[name])[ids == id] for name in columns]) for id in dict.fromkeys(ids)}


@cache
def base(model):
    """Return the forecast that others are compared with."""
    return forecast(model, table(values()))


def assert_alike(got, expected, rtol):
    """Compare forecasts, with an error relative to the largest value."""
    size = max(np.abs(part).max() for part in expected.values())
    assert got.keys() == expected.keys()
    for id in expected:
        np.testing.assert_allclose(got[id], expected[id], rtol=rtol, atol=rtol * size)


def test_the_quick_models_are_tried():
    assert {"dot", "lgt", "ar", "pretrained", "naive", "seasonal-naive", "drift", "mean"} <= set(MODELS)
    assert all(not getattr(get_model(name), "needs_training", False) or name in TRAINED for name in MODELS)


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("steps", [1000, -4000])
def test_a_shift_in_time_changes_no_bit(model, steps):
    shifted = forecast(model, table(values(), start=steps))
    for id, expected in base(model).items():
        np.testing.assert_array_equal(shifted[id], expected)


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_the_order_of_rows_changes_no_bit(model):
    order = np.random.default_rng(0).permutation(3 * N)
    mixed = forecast(model, {name: column[order] for name, column in table(values()).items()})
    for id, expected in base(model).items():
        np.testing.assert_array_equal(mixed[id], expected)


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_names_and_order_of_series_change_nothing_but_the_last_bits(model):
    renamed = forecast(model, table(values()[[2, 0, 1]], ids=("x", "y", "z")))
    assert_alike({"c": renamed["x"], "a": renamed["y"], "b": renamed["z"]}, base(model), 1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("factor", [2.0**10, 2.0**-10])
def test_another_unit_scales_the_forecast(model, factor):
    scaled = forecast(model, table(values() * factor))
    assert_alike({id: part / factor for id, part in scaled.items()}, base(model), 1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("model", SYMMETRIC)
def test_another_sign_mirrors_the_forecast(model):
    mirrored = {id: -part[[0, 2, 1]] for id, part in forecast(model, table(-values())).items()}
    assert_alike(mirrored, base(model), 1e-5)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(-1000, 1000), min_size=12, max_size=30), st.integers(-50, 50), st.sampled_from([0.5, 4.0]))
def test_simple_forecasts_of_any_whole_numbers_follow_shifts_and_units(y, start, factor):
    """Sums of these numbers are exact, so the bits are the same."""
    numbers = np.array(y, float)
    if np.ptp(numbers) == 0:
        return
    for model in ("naive", "mean"):
        one = forecast(model, {"ds": np.arange(len(y)), "y": numbers, "unique_id": np.full(len(y), "a", object)})
        other = {"ds": start + np.arange(len(y)), "y": factor * numbers, "unique_id": np.full(len(y), "a", object)}
        np.testing.assert_allclose(forecast(model, other)["a"], factor * one["a"], rtol=1e-9, atol=1e-9)
