"""Forecasts from the ends of series."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.forecasting.pretrained.head import LEVELS
from gatecast.forecasting.pretrained.lf.batches import make_batch
from gatecast.forecasting.pretrained.lf.features import BLOCK, HEAD
from gatecast.forecasting.pretrained.lf.predict import predict_quantiles
from gatecast.forecasting.pretrained.network import PretrainedConfig, make_network
from gatecast.forecasting.pretrained.released import WEIGHTS, load_released
from gatecast.forecasting.pretrained.training import forecast_batch


@pytest.fixture(scope="module")
def model():
    """Return a small network with random weights."""
    network, weights = make_network(PretrainedConfig(units=8, n_layers=1))
    weights.vector[:] += np.random.default_rng(0).normal(0, 0.05, weights.vector.size)
    return network, weights


def made(n, T, seed=0):
    """Return positive series aligned at their ends, of different lengths."""
    rng = np.random.default_rng(seed)
    y = np.exp(rng.normal(0, 0.1, (n, T)).cumsum(axis=1) + 3)
    y[np.arange(T) < rng.integers(0, T - 8, n)[:, None]] = np.nan
    return y


def test_predict_quantiles_are_those_of_training(model):
    y = np.exp(np.random.default_rng(0).normal(0, 0.1, (16, 40)).cumsum(axis=1))
    batch = make_batch(y, np.ones(16, int), 40)
    head = forecast_batch(*model, HEAD, batch)
    q = head.quantiles[0, -1].reshape(BLOCK, len(LEVELS), 16) + head.center[0, -1][:, None]
    z = np.log(predict_quantiles(*model, y, BLOCK, 1)).transpose(1, 2, 0)
    assert (z - z[0, 0]) / (z[0, -1] - z[0, 0]) == pytest.approx((q - q[0, 0]) / (q[0, -1] - q[0, 0]), abs=1e-3)


@pytest.mark.parametrize("h", [1, 24, 25, 60, 200])
def test_predict_quantiles_increase_for_any_horizon(model, h):
    q = predict_quantiles(*model, made(5, 50), h, 12)
    assert q.shape == (5, h, len(LEVELS))
    assert (np.diff(q, axis=2) >= 0).all()
    assert (q > 0).all()


def test_predict_quantiles_do_not_depend_on_other_series(model):
    y = made(21, 50)
    together = predict_quantiles(*model, y, 6, 4)
    for k in (0, 20):
        assert predict_quantiles(*model, y[k : k + 1], 6, 4)[0] == pytest.approx(together[k], rel=1e-5)


@pytest.mark.parametrize(("m", "h"), [(1, 6), (4, 8), (12, 18), (12, 60), (52, 13)])
def test_predict_quantiles_of_a_series_alone_have_the_same_bits(model, m, h):
    """By steps beyond two blocks, with signs, gaps and zeros too."""
    y = made(16, 140)
    y[1] -= y[1][np.isfinite(y[1])].mean()
    y[2, 60:63], y[3] = np.nan, 7.0
    y[4] = np.round(np.maximum(y[4] - 20, 0))
    together = predict_quantiles(*model, y, h, m)
    for k in range(16):
        assert predict_quantiles(*model, y[k : k + 1], h, m)[0].tobytes() == together[k].tobytes(), k


@pytest.mark.parametrize("offset", [1e4, 1e7, 1e10])
def test_predict_quantiles_of_meter_readings_follow_their_changes(offset):
    """Small waves far above zero are forecast as well, and as surely, as where the offset is a thousand."""
    released = load_released(WEIGHTS["lf"])
    rng, steps = np.random.default_rng(0), np.arange(120)
    y = 10 + 3 * np.sin(2 * np.pi * steps / 12) + rng.normal(0, 0.1, 120)
    near, far = (
        predict_quantiles(released.network, released.weights, y[None] + shift, 12, 12)[0] - shift
        for shift in (1e3, offset)
    )
    assert far == pytest.approx(near, abs=0.02)


def test_predict_quantiles_scale_with_the_series(model):
    y = made(4, 30)
    assert predict_quantiles(*model, 1000 * y, 6, 1) == pytest.approx(
        1000 * predict_quantiles(*model, y, 6, 1), rel=1e-4
    )


@pytest.mark.parametrize(
    "values", [[5.0], [0.0, 0.0, 0.0, 3.0], [-1.0, 2.0, -3.0], [7.0] * 9, [1e-300, 1e300, 1.0], [1.0, np.nan, np.nan]]
)
def test_predict_quantiles_of_odd_series_are_finite(model, values):
    assert np.isfinite(predict_quantiles(*model, np.array([values]), 3, 4)).all()


def test_predict_quantiles_of_a_season_with_gaps_are_as_wide_as_its_changes():
    # The two cycles repeat exactly where there are values, and the newest value does not.
    released = load_released(WEIGHTS["lf"])
    y = 1000 * np.array([[7, np.nan, np.nan, 8, 7, 7, np.nan, 8, np.nan, 8]])
    q = predict_quantiles(released.network, released.weights, y, 4, 4)[0]
    assert (q[:, 10] - q[:, 2] > 0.1 * q[:, 6]).all()


def test_predict_quantiles_far_out_keep_near_to_series_without_a_trend():
    # The network has learned to do without values for 48 steps, and went on for ever.
    released = load_released(WEIGHTS["lf"])
    y = 100 * np.exp(0.1 * np.random.default_rng(0).standard_normal((50, 150)))
    q = predict_quantiles(released.network, released.weights, y, 365, 1)
    assert np.abs(np.log(q[..., 6] / 100)).max() < 0.3


def test_predict_quantiles_beyond_two_blocks_go_on_from_there():
    released = load_released(WEIGHTS["lf"])
    y = np.exp(0.01 * np.arange(100.0)) * np.exp(0.002 * np.random.default_rng(0).standard_normal((3, 100)))
    z = np.log(predict_quantiles(released.network, released.weights, y, 120, 1))
    change, width = np.diff(z[..., 6], axis=1), z[..., 10] - z[..., 2]
    assert (change[:, 47] < 0.02).all()
    assert (change[:, 47:] >= 0).all()
    assert np.diff(change[:, 47:], axis=1).max() < 1e-9
    assert width[:, 96] / width[:, 48] == pytest.approx((97 / 49) ** 0.5)


def test_predict_quantiles_without_values_are_missing(model):
    y = np.vstack([np.full(12, np.nan), np.ones(12)])
    q = predict_quantiles(*model, y, 2, 1)
    assert np.isnan(q[0]).all()
    assert np.isfinite(q[1]).all()


@pytest.mark.parametrize("stop", [7, 30])
def test_forecast_from_the_middle_has_the_bits_of_one_from_the_end(model, stop):
    y = np.exp(np.random.default_rng(0).normal(0, 0.1, (16, 50)).cumsum(axis=1))
    whole, part = (forecast_batch(*model, HEAD, make_batch(y[:, :T], np.full(16, 4), T)) for T in (50, stop))
    assert part.quantiles.tobytes() == whole.quantiles[:, :stop].tobytes()
    assert part.center.tobytes() == whole.center[:, :stop].tobytes()


def test_predict_quantiles_of_counts_with_zeros_are_counts(model):
    y = np.random.default_rng(0).poisson(0.7, (9, 40)).astype(float)
    q = predict_quantiles(*model, y, 30, 12)
    assert (q == np.rint(q)).all()
    assert (q[..., 0] == 0).all()
    # Without zeros they may be any positive number.
    q = predict_quantiles(*model, y + 1, 30, 12)
    assert (q != np.rint(q)).any()
    assert (q > 0).all()


def test_predict_quantiles_are_zero_or_near_the_smallest_value_at_least():
    network, weights = make_network(PretrainedConfig(units=8, n_layers=1))
    rng = np.random.default_rng(1)
    y = (rng.random((20, 50)) < 0.4) * rng.uniform(2.5, 20, (20, 50))
    q = predict_quantiles(network, weights, y, 12, 1)
    smallest = np.where(y > 0, y, np.inf).min(axis=1)[:, None, None]
    assert ((q == 0) | (q >= smallest / 2**0.5)).all()
    assert 0.05 < (q == 0).mean() < 0.95


def test_predict_quantiles_of_zeros_are_zero_whatever_follows(model):
    y = np.zeros((2, 30))
    y[1, 20:] = 5.0
    earlier = np.array([[0, 0], [1, 10], [1, 9]])
    q = predict_quantiles(*model, y, 4, 1, earlier)
    assert (q[:2] == 0).all()
    assert q[2].max() > 0
