"""The ES-RNN: smoothing and a dilated LSTM trained together, and finite forecasts of every kind of series."""

import warnings
from dataclasses import replace

import numpy as np
import pytest

from gatecast.errors import ConfigError, DataError
from gatecast.forecasting.base import Task
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.es_rnn import model as es_rnn
from gatecast.forecasting.es_rnn.model import ESRNNConfig, default_settings, train
from gatecast.forecasting.es_rnn.smoothing import gate
from gatecast.forecasting.es_rnn.windows import scale_series
from gatecast.kernels import runtime

SMALL = ESRNNConfig(5, units=8, n_origins=24, max_steps=30, batch_size=32)
MID = 2


@pytest.fixture(scope="module")
def panel():
    rng = np.random.default_rng(5)
    values = np.full((40, 60), np.nan)
    for k, row in enumerate(values):
        n = int(rng.integers(2, 61)) if k else 60
        row[-n:] = 100 + np.cumsum(rng.normal(0.2, 1, n)) + (np.tile([9, 0, -9, 0], 15)[-n:] if k % 2 == 0 else 0)
    values[7, 40:45] = np.nan
    return values


@pytest.fixture(scope="module")
def fitted(panel):
    return train(PanelContext.from_values(panel), Task(5, 4, seed=3), SMALL)


def test_quantiles_increase_and_no_step_is_missing(fitted, panel):
    said = fitted.predict_quantiles(PanelContext.from_values(panel))
    assert said.shape == (40, 5, 5)
    assert np.isfinite(said).all()
    assert (np.diff(said, axis=2) > 0).all()


@pytest.mark.slow
def test_same_seed_same_bits_for_any_number_of_threads(fitted, panel):
    before = runtime.get_num_threads()
    try:
        for threads in (1, 3):
            runtime.set_num_threads(threads)
            again = train(PanelContext.from_values(panel), Task(5, 4, seed=3), SMALL)
            assert again.weights.vector.tobytes() == fitted.weights.vector.tobytes()
            assert again.smoothing.tobytes() == fitted.smoothing.tobytes()
    finally:
        runtime.set_num_threads(before)


def test_smoothing_is_trained_where_there_is_something_to_smooth(fitted, panel):
    series = scale_series(panel, 4, 5)
    start = es_rnn._first_parameters(series, SMALL)
    start[:, 2:] *= series.scale[:, None]
    moved = np.abs(fitted.smoothing - start) > 0
    assert moved[:, 0].mean() > 0.8
    seasonal = (start[:, 2:] != 0).any(axis=1)
    assert seasonal.any()
    assert moved[seasonal, 1:].all()
    assert not moved[~seasonal, 1:].any()


@pytest.mark.slow
def test_the_weight_of_the_newest_value_is_learnt():
    rng = np.random.default_rng(8)
    noise = 100 + rng.normal(size=(64, 50))
    walks = 100 + np.cumsum(rng.normal(size=(64, 50)), axis=1)
    settings = ESRNNConfig(
        4, units=4, dilations=(1,), n_origins=40, max_steps=60, batch_size=64, smoothing_learning_rate=0.1
    )
    weights = [
        gate(train(PanelContext.from_values(values), Task(2), settings).smoothing[:, 0]) for values in (noise, walks)
    ]
    assert np.median(weights[0]) < 0.5 < np.median(weights[1])


def test_other_series_start_from_the_medians_of_the_panel(fitted, panel, monkeypatch):
    others = replace(PanelContext.from_values(panel[:6]), series=np.full(6, -1))
    said = fitted.predict_quantiles(others)
    assert np.isfinite(said).all()
    own = fitted.predict_quantiles(PanelContext.from_values(panel))[:6]
    np.testing.assert_allclose(said[..., MID], own[..., MID], rtol=0.2)
    assert (said != own).any()
    monkeypatch.setattr(es_rnn, "BATCH_SERIES", 4)
    np.testing.assert_allclose(fitted.predict_quantiles(others), said, rtol=1e-5)


def test_a_series_that_was_learnt_keeps_its_own_weights_and_seasons_as_time_goes_on(fitted, panel):
    past = PanelContext.from_values(panel)
    twice = past.take(np.array([3, 3]))
    np.testing.assert_array_equal(fitted.predict_quantiles(twice), fitted.predict_quantiles(past)[[3, 3]])
    series = scale_series(panel, 4, 5)
    later = replace(past, end=np.full(40, 3))
    now, then = (fitted.smoothing_parameters(context, series) for context in (past, later))
    np.testing.assert_array_equal(then[:, :2], now[:, :2])
    np.testing.assert_array_equal(then[:, 2:], np.roll(now[:, 2:], -3, axis=1))


def test_going_on_starts_where_training_ended(fitted, panel):
    again = train(
        PanelContext.from_values(panel),
        Task(5, 4),
        replace(SMALL, max_steps=1, learning_rate=1e-9, smoothing_learning_rate=1e-9),
        init=fitted,
    )
    np.testing.assert_allclose(
        again.predict_quantiles(PanelContext.from_values(panel)),
        fitted.predict_quantiles(PanelContext.from_values(panel)),
        rtol=1e-4,
    )


def test_padding_in_front_changes_nothing(fitted, panel):
    wider = np.concatenate([np.full((40, 13), np.nan), panel], axis=1)
    np.testing.assert_allclose(
        fitted.predict_quantiles(PanelContext.from_values(wider)),
        fitted.predict_quantiles(PanelContext.from_values(panel)),
        rtol=1e-5,
    )


def test_odd_series_get_sensible_answers_without_warnings(fitted):
    values = np.full((7, 30), np.nan)
    values[1] = 12.0
    values[2, -2:] = 3.0, 4.0
    values[3, -1] = 5.0
    values[4] = 0.0
    values[5] = np.linspace(-5, 5, 30)
    values[6] = np.where(np.arange(30) % 7 == 0, 4.0, 0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        others = fitted.predict_quantiles(replace(PanelContext.from_values(values), series=np.full(7, -1)))
        own = train(
            PanelContext.from_values(values), Task(4, 4), ESRNNConfig(5, units=4, max_steps=4, batch_size=3)
        ).predict_quantiles(PanelContext.from_values(values))
        for one in values:
            two = PanelContext.from_values(one[None, -2:])
            tiny = train(two, Task(3, 12), ESRNNConfig(3, units=3, max_steps=2)).predict_quantiles(two)
            assert np.isfinite(tiny).all() == np.isfinite(one[-2:]).any()
    for said in (others, own):
        assert np.isnan(said[0]).all()
        assert np.isfinite(said[1:]).all()
        np.testing.assert_allclose(said[1, :, MID], 12.0, rtol=0.02)
        np.testing.assert_allclose(said[3, :, MID], 5.0, rtol=0.02)
        np.testing.assert_allclose(said[4], 0.0, atol=0.1)
        assert (said[2, :, MID] < 20).all()


def test_a_season_is_forecast_and_steps_beyond_one_season_repeat_it():
    rng = np.random.default_rng(4)
    season = np.array([40.0, 0.0, -40.0, 0.0])
    values = 200 + np.tile(season, 12) + rng.normal(0, 1, (30, 48))
    learnt = train(
        PanelContext.from_values(values),
        Task(10, 4),
        ESRNNConfig(6, units=8, n_origins=30, max_steps=40, batch_size=30),
    )
    said = learnt.predict_quantiles(PanelContext.from_values(values))[..., MID]
    np.testing.assert_allclose(said.mean(axis=0), 200 + np.resize(season, 10), atol=6)


@pytest.mark.slow
def test_near_steps_of_random_walks_are_as_easy_as_they_are():
    rng = np.random.default_rng(1)
    walks = 1000 + np.cumsum(rng.normal(size=(300, 92)), axis=1)
    past, future = walks[:, :-12], walks[:, -12:]
    said = train(
        PanelContext.from_values(past), Task(12), ESRNNConfig(6, units=16, n_origins=48, max_steps=120)
    ).predict_quantiles(PanelContext.from_values(past))[..., MID]
    error = np.abs(said - future).mean(axis=0)
    naive = np.abs(past[:, -1:] - future).mean(axis=0)
    assert error[0] < 1.05 * naive[0]
    assert error[-1] > 2 * error[0]


@pytest.mark.slow
def test_a_long_horizon_is_interpolated(panel):
    assert train(PanelContext.from_values(panel), Task(80, 4, seed=3), SMALL).predict_quantiles(
        PanelContext.from_values(panel)
    ).shape == (40, 80, 5)


def test_every_update_is_reported(panel):
    steps = []
    train(PanelContext.from_values(panel), Task(3), ESRNNConfig(4, units=4, max_steps=5), on_step=steps.append)
    assert [step.number for step in steps] == [1, 2, 3, 4, 5]
    assert all(np.isfinite(step.loss) for step in steps)


def test_settings_and_panels_that_are_not_possible_are_refused():
    with pytest.raises(ConfigError, match="level"):
        ESRNNConfig(4, level=1.0)
    with pytest.raises(ConfigError, match="quantiles"):
        ESRNNConfig(4, quantiles=(0.1, 0.9))
    with pytest.raises(ConfigError, match="quantiles"):
        ESRNNConfig(4, median_quantile=0.05)
    with pytest.raises(ConfigError, match="units"):
        ESRNNConfig(4, units=0)
    with pytest.raises(DataError, match="no values to train on"):
        train(PanelContext.from_values(np.empty((0, 4))), Task(2), SMALL)


@pytest.mark.parametrize(("h", "m"), [(6, 1), (8, 4), (18, 12), (13, 1), (48, 24)])
def test_proposed_settings_fit_short_series_too(h, m):
    for typical in (1, 2, 20, 500):
        assert 1 <= default_settings(Task(h, m), typical, 100).input_size <= max(2, typical)


def test_default_settings_few_seasonal_series_have_a_small_network():
    few, many = (default_settings(Task(12, 12), 144, n_series) for n_series in (15, 16))
    assert (few.dilations, few.units, few.max_steps) == ((1, 12), 32, 100)
    assert (many.dilations, many.units, many.max_steps) == ((1, 3, 6, 12), 48, 250)
    for task in (Task(6, 1), Task(8, 4), Task(48, 168)):
        assert default_settings(task, 400, 1) == default_settings(task, 400, 100)
