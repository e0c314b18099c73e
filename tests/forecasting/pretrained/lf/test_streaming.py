"""One step from the carried state gives what a pass over the whole past gives."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.forecasting.pretrained.lf.predict import MAX_LENGTH, predict_quantiles
from gatecast.forecasting.pretrained.lf.streaming import MAX_CARRIED, forecast_step, from_arrays, to_arrays
from gatecast.forecasting.pretrained.network import PretrainedConfig, make_network


@pytest.fixture(scope="module")
def model():
    """Return a small network with random weights."""
    network, weights = make_network(PretrainedConfig(units=8, n_layers=2, layer_norm=True))
    weights.vector[:] += np.random.default_rng(0).normal(0, 0.05, weights.vector.size).astype(np.float32)
    return network, weights


def made(n, T, seed=0):
    """Return seasonal series of different lengths, with missing values and zeros."""
    rng = np.random.default_rng(seed)
    y = np.exp(rng.normal(0, 0.05, (n, T)).cumsum(axis=1) + 0.3 * np.sin(np.arange(T) * np.pi / 6))
    y[rng.random((n, T)) < 0.03] = np.nan
    y[rng.random((n, T)) < 0.02] = 0.0
    y[np.arange(T) < rng.integers(0, T // 2, n)[:, None]] = np.nan
    return y


def run(model, y, h, seasons, first):
    """Return the forecasts of a stream, by the number of values that are known, and what it carries at the end."""
    carried, forecasts = None, {}
    for t in range(first, y.shape[1] + 1):
        forecasts[t], carried = forecast_step(*model, y[:, :t], h, seasons, carried)
    return forecasts, carried


@pytest.mark.parametrize(("n", "h"), [(1, 12), (3, 30), (20, 6), (20, 50)])
def test_steps_are_forecasts_of_the_whole_past(model, n, h):
    y, seasons = made(n, 70), np.where(np.arange(n) % 2, 12, 4)
    forecasts, _ = run(model, y, h, seasons, 20)
    for t in (20, 21, 48, 49, 70):
        for m in (4, 12):
            rows = np.flatnonzero(seasons == m)
            if len(rows):
                expected = predict_quantiles(*model, y[rows, :t], h, m)
                np.testing.assert_allclose(forecasts[t][rows], expected, rtol=1e-6)


def test_series_with_negative_values_are_read_anew(model):
    y = np.random.default_rng(0).normal(size=(2, 40))
    y[0] = np.abs(y[0]) + 0.1
    y[0, 30] = -2.0
    forecasts, _ = run(model, y, 3, np.ones(2, int), 20)
    for t in (25, 30, 31, 32, 40):
        np.testing.assert_allclose(forecasts[t], predict_quantiles(*model, y[:, :t], 3, 1), rtol=1e-6)


def test_another_season_is_read_anew(model):
    y = made(1, 60)
    _, carried = forecast_step(*model, y[:, :59], 3, np.array([4]), None)
    quantiles, _ = forecast_step(*model, y, 3, np.array([12]), carried)
    np.testing.assert_allclose(quantiles, predict_quantiles(*model, y, 3, 12), rtol=1e-6)


def test_series_whose_past_has_changed_are_read_anew(model):
    y = made(2, 50)
    _, carried = forecast_step(*model, y[:, :49], 3, np.full(2, 4), None)
    changed = y.copy()
    changed[0] *= 1.5
    quantiles, _ = forecast_step(*model, changed, 3, np.full(2, 4), carried)
    np.testing.assert_allclose(quantiles, predict_quantiles(*model, changed, 3, 4), rtol=1e-6)


def test_long_streams_read_the_newest_values(model):
    T = MAX_LENGTH + 2 * MAX_CARRIED + 5
    y = np.exp(np.random.default_rng(1).normal(0, 0.05, (1, T)).cumsum(axis=1))
    carried, lengths = None, []
    for t in range(MAX_LENGTH - 3, T + 1):
        quantiles, carried = forecast_step(*model, y[:, :t], 3, np.ones(1, int), carried)
        lengths.append(int(carried.length[0]))
        if lengths[-1] == MAX_LENGTH:
            np.testing.assert_allclose(quantiles, predict_quantiles(*model, y[:, :t], 3, 1), rtol=1e-6)
    assert max(lengths) == MAX_LENGTH + MAX_CARRIED
    # Once as it grew, soon after that, as it is the first series, and then every 17 steps.
    assert np.flatnonzero(np.array(lengths) == MAX_LENGTH).tolist() == [3, 5, 22, 39]


def test_long_streams_are_not_read_anew_all_at_once(model):
    y = np.exp(np.random.default_rng(1).normal(0, 0.05, (MAX_CARRIED, MAX_LENGTH + 40)).cumsum(axis=1))
    carried, n_anew = None, []
    for t in range(MAX_LENGTH, y.shape[1]):
        _, carried = forecast_step(*model, y[:, :t], 3, np.ones(MAX_CARRIED, int), carried)
        n_anew.append(int((carried.length == MAX_LENGTH).sum()))
    assert n_anew[0] == MAX_CARRIED
    assert max(n_anew[1:]) == 1


def test_nothing_before_the_first_value(model):
    y = np.full((2, 12), np.nan)
    y[1] = 5.0
    quantiles, carried = forecast_step(*model, y, 2, np.ones(2, int), None)
    assert np.isnan(quantiles[0]).all()
    assert carried.length.tolist() == [0, 12]
    begun = np.column_stack([y, [3.0, 5.0]])
    quantiles, carried = forecast_step(*model, begun, 2, np.ones(2, int), carried)
    np.testing.assert_allclose(quantiles, predict_quantiles(*model, begun, 2, 1), rtol=1e-6)
    assert carried.length.tolist() == [1, 13]


def test_carried_arrays_stay_as_they_are_and_survive_as_names(model):
    y = made(5, 50)
    _, carried = forecast_step(*model, y[:, :49], 3, np.full(5, 4), None)
    before = {name: array.copy() for name, array in to_arrays(carried).items()}
    first, _ = forecast_step(*model, y, 3, np.full(5, 4), carried)
    again, _ = forecast_step(*model, y, 3, np.full(5, 4), from_arrays(before))
    assert all(before[name].tobytes() == array.tobytes() for name, array in to_arrays(carried).items())
    assert first.tobytes() == again.tobytes()
