"""The panel RNN: near steps are as easy as they are, and a series does not depend on the others of its panel."""

from dataclasses import replace

import numpy as np
import pytest

from gatecast.data import synthetic
from gatecast.forecasting.base import Overrides, PanelSummary, Task
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.median import MedianOf
from gatecast.forecasting.panel_rnn import model as panel_rnn
from gatecast.forecasting.panel_rnn.model import CELLS, LSTMConfig, PanelRNN, make_inputs, make_training_inputs, train
from gatecast.forecasting.steps import direct_steps
from gatecast.kernels import runtime
from gatecast.nn.training import ValidationErrors

SMALL = LSTMConfig(6, units=8, n_origins=24, max_steps=40, batch_size=32)
MID = 2


@pytest.fixture(scope="module")
def panel():
    rng = np.random.default_rng(5)
    values = np.full((40, 60), np.nan)
    for row in values:
        n = int(rng.integers(2, 61))
        row[-n:] = 100 + np.cumsum(rng.normal(0.2, 1, n))
    values[7, 40:45] = np.nan
    return values


@pytest.fixture(scope="module")
def fitted(panel):
    return train(PanelContext.from_values(panel), Task(5, seed=3), SMALL)


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
            again = train(PanelContext.from_values(panel), Task(5, seed=3), SMALL)
            assert again.weights.vector.tobytes() == fitted.weights.vector.tobytes()
    finally:
        runtime.set_num_threads(before)
    assert (
        train(PanelContext.from_values(panel), Task(5, seed=4), SMALL).weights.vector.tobytes()
        != fitted.weights.vector.tobytes()
    )


def test_predict_quantiles_of_a_series_does_not_depend_on_the_others(fitted, panel, monkeypatch):
    together = fitted.predict_quantiles(PanelContext.from_values(panel))
    np.testing.assert_allclose(fitted.predict_quantiles(PanelContext.from_values(panel[3:6])), together[3:6], rtol=1e-5)
    monkeypatch.setattr(panel_rnn, "BATCH_SERIES", 7)
    np.testing.assert_allclose(fitted.predict_quantiles(PanelContext.from_values(panel)), together, rtol=1e-5)


def test_padding_in_front_changes_nothing(fitted, panel):
    wider = np.concatenate([np.full((40, 13), np.nan), panel], axis=1)
    np.testing.assert_allclose(
        fitted.predict_quantiles(PanelContext.from_values(wider)),
        fitted.predict_quantiles(PanelContext.from_values(panel)),
        rtol=1e-5,
    )


def test_the_unit_of_a_series_scales_its_forecast(fitted, panel):
    said = fitted.predict_quantiles(PanelContext.from_values(panel))
    np.testing.assert_allclose(fitted.predict_quantiles(PanelContext.from_values(panel * 1024)), said * 1024, rtol=1e-4)


def test_series_without_values_have_no_forecast_and_constants_their_own(fitted):
    values = np.full((2, 30), np.nan)
    values[1] = 12.0
    said = fitted.predict_quantiles(PanelContext.from_values(values))
    assert np.isnan(said[0]).all()
    np.testing.assert_allclose(said[1, :, MID], 12.0, rtol=0.01)


def test_steps_of_a_long_horizon_are_interpolated(panel):
    member = train(
        PanelContext.from_values(panel), Task(80), LSTMConfig(6, units=8, n_origins=24, max_steps=3, batch_size=32)
    )
    assert len(direct_steps(80)) < 80
    assert member.predict_quantiles(PanelContext.from_values(panel)).shape == (40, 80, 5)


@pytest.mark.slow
def test_near_steps_of_random_walks_are_as_easy_as_they_are():
    rng = np.random.default_rng(1)
    walks = 1000 + np.cumsum(rng.normal(size=(300, 92)), axis=1)
    member = train(
        PanelContext.from_values(walks[:, :80]), Task(12), LSTMConfig(8, units=16, n_origins=48, max_steps=120)
    )
    error = np.abs(member.predict_quantiles(PanelContext.from_values(walks[:, :80]))[..., MID] - walks[:, 80:]).mean(
        axis=0
    )
    naive = np.abs(walks[:, 79:80] - walks[:, 80:]).mean(axis=0)
    assert error[0] < 1.05 * naive[0]
    assert (np.diff(error) > 0).mean() > 0.8
    assert error[-1] < 1.1 * naive[-1]


@pytest.mark.slow
def test_it_learns_what_series_have_in_common():
    rng = np.random.default_rng(2)
    waves = np.stack([50 + 10 * np.sin((np.arange(80) + rng.uniform(0, 9)) * 2 * np.pi / 9) for _ in range(64)])
    waves += rng.normal(0, 0.3, waves.shape)
    member = train(
        PanelContext.from_values(waves[:, :72]), Task(8), LSTMConfig(9, units=24, n_origins=48, max_steps=200)
    )
    error = np.abs(member.predict_quantiles(PanelContext.from_values(waves[:, :72]))[..., MID] - waves[:, 72:]).mean()
    assert error < 0.15 * np.abs(waves[:, 71:72] - waves[:, 72:]).mean()


@pytest.mark.slow
@pytest.mark.parametrize("cell", CELLS)
def test_every_cell_learns(cell):
    losses = []
    waves = np.sin(np.arange(60) + np.arange(40)[:, None])
    member = train(
        PanelContext.from_values(waves),
        Task(2),
        CELLS[cell](4, units=16, max_steps=60, learning_rate=1e-2),
        on_step=lambda step: losses.append(step.loss),
    )
    assert np.isfinite(member.predict_quantiles(PanelContext.from_values(waves))).all()
    assert np.mean(losses[-10:]) < 0.5 * np.mean(losses[:10])


def test_cells_differ(panel):
    weights = {
        cell: train(
            PanelContext.from_values(panel), Task(2), CELLS[cell](6, units=8, n_origins=24, max_steps=1, batch_size=32)
        ).weights.views[1]
        for cell in CELLS
    }
    assert {"Wx", "Wh", "b", "P"} <= set(weights["lstm-peephole"])
    assert "P" not in weights["lstm"]
    shapes = {cell: sum(p.size for p in views.values()) for cell, views in weights.items()}
    assert shapes["rnn"] < shapes["gru"] < shapes["lstm"] < shapes["lstm-peephole"]


def test_dropout_is_of_training_alone(panel):
    wet, dry = (train(PanelContext.from_values(panel), Task(2), replace(SMALL, dropout=share)) for share in (0.4, 0.0))
    assert wet.weights.vector.tobytes() != dry.weights.vector.tobytes()
    again = train(PanelContext.from_values(panel), Task(2), replace(SMALL, dropout=0.4))
    assert wet.weights.vector.tobytes() == again.weights.vector.tobytes()
    assert (
        wet.predict_quantiles(PanelContext.from_values(panel)).tobytes()
        == wet.predict_quantiles(PanelContext.from_values(panel)).tobytes()
    )


@pytest.mark.slow
def test_trend_and_season_go_on():
    rng = np.random.default_rng(4)
    values = np.stack([synthetic.trend_season(rng, 96) for _ in range(32)])
    member = train(
        PanelContext.from_values(values[:, :84]),
        Task(12, 12),
        LSTMConfig(12, season_length=12, units=24, level_window=3, n_origins=48, max_steps=150),
    )
    error = np.abs(member.predict_quantiles(PanelContext.from_values(values[:, :84]))[..., MID] - values[:, 84:]).mean()
    assert error < 0.6 * np.abs(values[:, 72:84] - values[:, 84:]).mean()


@pytest.mark.slow
def test_a_season_of_many_segments_is_learnt():
    rng = np.random.default_rng(2)
    waves = 50 + 10 * np.sin(np.arange(168) * np.pi / 12 + rng.uniform(0, 6, (60, 1))) + rng.normal(0, 0.5, (60, 168))
    settings = LSTMConfig(12, units=24, n_origins=12, stride=6, max_steps=300)
    member = train(PanelContext.from_values(waves[:, :156]), Task(12), settings)
    said = member.predict_quantiles(PanelContext.from_values(waves[:, :156]))
    assert np.abs(said[..., MID] - waves[:, 156:]).mean() < 2
    past = member.predict_insample(PanelContext.from_values(waves[:, :156]))
    assert np.isnan(past[:, 0]).all()
    assert np.abs(past - waves[:, :156])[:, 24:].mean() < 1.5


def test_learning_stops_where_what_is_watched_was_best(panel):
    settings = replace(SMALL, max_steps=20, min_improvement=0.03)
    seen = []

    def measure(member):
        seen.append(member.weights.vector.copy())
        return ValidationErrors([9.0, 5.0, 3.0, 2.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 2.1][len(seen) - 1], 1.0)

    member = train(PanelContext.from_values(panel), Task(5, seed=3), settings, measure=measure)
    assert member.config.max_steps == 6
    np.testing.assert_array_equal(member.weights.vector, seen[3])
    seen.clear()
    patient = train(
        PanelContext.from_values(panel), Task(5, seed=3), replace(settings, min_improvement=0.2), measure=measure
    )
    assert patient.config.max_steps == 20
    np.testing.assert_array_equal(patient.weights.vector, seen[-1])


def test_fit_trains_with_the_quantiles_of_the_task_and_stops_where_its_monitor_says(panel):
    task = Task(5, quantiles=(0.1, 0.5, 0.9), seed=3)
    model = SMALL.fit(PanelContext.from_values(panel), task)
    assert model.config == replace(SMALL, quantiles=task.quantiles)
    same = train(PanelContext.from_values(panel), task, replace(SMALL, quantiles=task.quantiles))
    assert model.weights.vector.tobytes() == same.weights.vector.tobytes()


def test_state_round_trip_restores_every_bit_and_refuses_other_weights(fitted, panel):
    state, past = fitted.to_state(), PanelContext.from_values(panel)
    restored = LSTMConfig.from_state(state, Task(5))
    assert isinstance(restored, PanelRNN)
    assert restored.config == fitted.config
    assert restored.predict_quantiles(past).tobytes() == fitted.predict_quantiles(past).tobytes()
    with pytest.raises(ValueError, match="weights, the file has 3"):
        LSTMConfig.from_state(replace(state, arrays={"weights": fitted.weights.vector[:3]}), Task(5))


def test_default_for_few_series_has_alternatives_and_for_many_a_median():
    few, many = (LSTMConfig.default_for(PanelSummary(np.full(n, 120)), Task(12, 12), Overrides()) for n in (1, 300))
    assert isinstance(few, MedianOf)
    assert few.alternatives
    assert (len(many.configs), many.n_trial, many.alternatives) == (5, 2, False)


def monthly():
    rng = np.random.default_rng(0)
    return 50 + 9 * np.sin(np.arange(60) * np.pi / 6 + np.arange(3)[:, None]) + rng.normal(size=(3, 60))


@pytest.mark.parametrize("stride", [1, 3])
@pytest.mark.parametrize("m", [1, 12])
def test_training_inputs_give_the_in_sample_forecasts_of_their_origins(stride, m):
    values = monthly()
    values[1, :20] = values[2, 30] = np.nan
    past = PanelContext.from_values(values)
    config = LSTMConfig(
        6,
        season_length=m,
        units=5,
        n_origins=96,
        max_steps=6,
        stride=stride,
        level_window=2,
        level_position_weight=1.0,
    )
    fitted, offsets = train(past, Task(4), config), np.array([22, 10, 4])
    predicted = fitted.predict(make_training_inputs(past, offsets, 4, config)).reshape(3, 3, 4, 5)
    np.testing.assert_allclose(predicted[..., 0, 2], fitted.predict_insample(past)[:, 60 - offsets].T, rtol=1e-5)
    at_the_end = fitted.predict(make_training_inputs(past, np.array([0]), 4, config))
    np.testing.assert_allclose(at_the_end, fitted.predict_quantiles(past), rtol=1e-5)


def test_training_inputs_of_a_long_series_are_as_long_as_in_a_batch():
    past = PanelContext.from_values(monthly())
    config = LSTMConfig(6, units=5, n_layers=1, n_origins=10, max_steps=6)
    fitted = train(past, Task(4), config)
    assert make_training_inputs(past, np.array([30, 4]), 4, config).x.shape[:2] == (2 * 3, 10)
    np.testing.assert_array_equal(fitted.predict_quantiles(past), fitted.predict(make_inputs(past, 4, config)))
