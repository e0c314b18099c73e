"""Forecasts from the ends of series of high frequency."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.forecasting.pretrained.head import LEVELS
from gatecast.forecasting.pretrained.hf.batches import Windows, make_batch
from gatecast.forecasting.pretrained.hf.features import HEAD
from gatecast.forecasting.pretrained.hf.predict import block_steps, predict_anchor_weights, predict_quantiles
from gatecast.forecasting.pretrained.kinds import HF
from gatecast.forecasting.pretrained.network import PretrainedConfig, make_network
from gatecast.forecasting.pretrained.training import forecast_batch

MEDIAN = LEVELS.index(0.5)


@pytest.fixture(scope="module")
def model():
    """Return a small network with random weights."""
    network, weights = make_network(PretrainedConfig(units=8, n_layers=1, kind=HF))
    weights.vector[:] += np.random.default_rng(0).normal(0, 0.05, weights.vector.size)
    return network, weights


def made(n=5, T=500, m=24, seed=0, lengths=True):
    """Return series aligned at their ends, of different lengths."""
    rng = np.random.default_rng(seed)
    y = 5 * np.sin(2 * np.pi * np.arange(T) / m) + rng.normal(0, 0.3, (n, T)).cumsum(axis=1) + 50
    if lengths:
        y[np.arange(T) < rng.integers(0, T - 3 * m, n)[:, None]] = np.nan
    return y


def test_predict_quantiles_are_those_of_training(model):
    y = made(16, 24 * 16, lengths=False)
    windows = Windows(y, *(np.full(16, k) for k in (24, 168, 0, 0)))
    head = forecast_batch(*model, HEAD, make_batch(windows, 128))
    of_token = head.quantiles[0, -1].reshape(8, 1, len(LEVELS), 16)
    q = (head.center[0, -1].reshape(8, 8, 1, 16)[:, :3] + of_token).reshape(24, len(LEVELS), 16)
    z = predict_quantiles(*model, y, 24, 24, 168).transpose(1, 2, 0)
    np.testing.assert_allclose((z - z[0, 0]) / (z[0, -1] - z[0, 0]), (q - q[0, 0]) / (q[0, -1] - q[0, 0]), atol=1e-3)


@pytest.mark.parametrize(("m", "long"), [(7, 0), (24, 168), (48, 336), (96, 672), (365, 0), (60, 0)])
@pytest.mark.parametrize("h", [1, 100])
def test_predict_quantiles_increase_for_any_clock_and_horizon(model, m, long, h):
    q = predict_quantiles(*model, made(3, 1200, m), h, m, long)
    assert q.shape == (3, h, len(LEVELS))
    assert (np.diff(q, axis=2) >= 0).all()


@pytest.mark.parametrize(("m", "long"), [(24, 168), (96, 0)])
def test_predict_quantiles_do_not_depend_on_other_series(model, m, long):
    y = made(70, 800, m)
    together = predict_quantiles(*model, y, 30, m, long)
    for k in (0, 20, 69):
        np.testing.assert_allclose(predict_quantiles(*model, y[k : k + 1], 30, m, long)[0], together[k], rtol=1e-5)


@pytest.mark.parametrize(("m", "long", "T"), [(7, 0, 90), (24, 168, 800), (96, 0, 200), (96, 672, 300), (365, 0, 1100)])
def test_predict_quantiles_do_not_depend_on_empty_steps_before_series(model, m, long, T):
    y = made(4, T, m, lengths=False)
    y[1, : T // 4] = np.nan
    wide = np.pad(y, ((0, 0), (4 * m + 3, 0)), constant_values=np.nan)
    np.testing.assert_array_equal(*(predict_quantiles(*model, v, 30, m, long) for v in (y, wide)))


def test_predict_quantiles_scale_with_the_series(model):
    y = made(4)
    np.testing.assert_allclose(
        predict_quantiles(*model, 1000 * y, 30, 24, 0), 1000 * predict_quantiles(*model, y, 30, 24, 0), rtol=1e-4
    )


@pytest.mark.parametrize("offset", [1e4, 1e7, 1e11])
def test_predict_quantiles_do_not_depend_on_an_offset(model, offset):
    y = made(3, 20 * 24)
    near, far = (predict_quantiles(*model, y + shift, 24, 24, 168) - shift for shift in (0.0, offset))
    assert far == pytest.approx(near, abs=1e-3 * np.nanstd(y) + 1e-4)


def test_predict_quantiles_of_a_wave_go_on_with_it():
    network, weights = make_network(PretrainedConfig(units=8, n_layers=1, kind=HF))
    wave = 10 + np.sin(2 * np.pi * np.arange(1200) / 24)
    median = predict_quantiles(network, weights, wave[None, :1000], 200, 24, 168)[0, :, MEDIAN]
    np.testing.assert_allclose(median, wave[1000:], atol=0.05)


@pytest.mark.parametrize(
    "values",
    [[5.0], [0.0] * 30, [-1.0, 2.0, -3.0] * 9, [7.0] * 99, [1e-300, 1e300, 1.0] * 20, [1.0] + [np.nan] * 40],
)
def test_predict_quantiles_of_odd_series_are_finite(model, values):
    with np.errstate(over="raise", invalid="raise"):
        assert np.isfinite(predict_quantiles(*model, np.array([values]), 20, 7, 0)).all()


def test_predict_quantiles_without_values_are_missing(model):
    y = np.vstack([np.full(40, np.nan), np.ones(40)])
    q = predict_quantiles(*model, y, 2, 7, 0)
    assert np.isnan(q[0]).all()
    assert np.isfinite(q[1]).all()


def test_predict_quantiles_stay_on_the_side_of_zero_of_the_series(model):
    y = np.where(made(4, lengths=False) > 52, 3.0, 0.0)
    assert (predict_quantiles(*model, y, 48, 24, 0) >= 0).all()
    assert (predict_quantiles(*model, -y, 48, 24, 0) <= 0).all()


def test_predict_quantiles_with_gaps_go_on(model):
    y = made(2, lengths=False)
    y[0, 200:260] = np.nan
    y[0, -10:] = np.nan
    assert np.isfinite(predict_quantiles(*model, y, 30, 24, 168)).all()


@pytest.mark.parametrize("m", [7, 24, 96])
def test_predict_anchor_weights_sum_to_one(model, m):
    weights = predict_anchor_weights(*model, made(20, 900, m), m, 7 * m)
    assert weights.shape == (20, 4, len(HF.anchors))
    np.testing.assert_allclose(weights.sum(axis=2), 1, rtol=1e-5)
    assert block_steps(m) >= m
