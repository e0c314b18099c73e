"""Several models together: weights by past errors, forecasts beyond the horizon, updates, and in-sample forecasts."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from gatecast.errors import ConfigError, DataError
from gatecast.forecaster import Forecaster
from gatecast.forecasting.base import Task
from gatecast.forecasting.baselines import Drift, Naive
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.ensemble import (
    fit_models,
    refine,
    trial_configs,
    update_models,
    weighted_average,
)
from gatecast.forecasting.local_global_trend import LocalGlobalTrend
from gatecast.forecasting.median import MedianOf
from gatecast.forecasting.panel_rnn.model import GRUConfig, LSTMConfig
from gatecast.forecasting.pretrained.model import Pretrained
from gatecast.forecasting.theta import DynamicOptimizedTheta

TASK = Task(3)
NAN_ROWS = {"a": [1.0, np.nan, np.nan], "b": [3.0, 3.0, np.nan]}
SMALL = {"units": 3, "n_layers": 1, "max_steps": 3, "batch_size": 8}


@pytest.fixture(scope="module")
def context():
    rng = np.random.default_rng(0)
    return PanelContext.from_values(50 + np.cumsum(rng.normal(size=(6, 40)), axis=1))


def lstm(n_members=1):
    return MedianOf((LSTMConfig(4, **SMALL),) * n_members)


def test_fit_models_makes_columns_unique(context):
    ensemble = fit_models([lstm(), Naive(), Naive()], context, TASK)
    assert ensemble.columns == ("LSTM", "Naive", "Naive-2")


def test_fit_models_reports_every_step_with_the_share_of_all_trainings(context):
    steps = []
    configs = [lstm(2), Naive(), MedianOf((GRUConfig(4, **SMALL),))]
    fit_models(configs, context, TASK, on_step=lambda *step: steps.append(step))
    assert [k for k, _, _ in steps] == [0] * 6 + [2] * 3
    np.testing.assert_allclose([fraction for _, fraction, _ in steps], np.arange(1, 10) / 9)


@pytest.mark.parametrize("config", [Drift(), DynamicOptimizedTheta(), LocalGlobalTrend(), Pretrained()])
def test_predict_quantiles_beyond_the_horizon_of_a_local_model_are_those_of_a_longer_one(context, config):
    ensemble, longer = (fit_models([config], context, task) for task in (TASK, TASK._replace(horizon=40)))
    quantiles = ensemble.predict_quantiles(context, 40)[config.column]
    np.testing.assert_array_equal(quantiles, longer.predict_quantiles(context)[config.column])
    np.testing.assert_allclose(quantiles[:, :3], ensemble.predict_quantiles(context)[config.column], rtol=1e-9)


def test_predict_quantiles_beyond_the_horizon_of_a_network_continues_from_medians_with_growing_widths(context):
    ensemble = fit_models([lstm()], context, TASK)
    quantiles = ensemble.predict_quantiles(context, 8)["LSTM"]
    near = ensemble.predict_quantiles(context)["LSTM"]
    assert quantiles.shape == (6, 8, 5)
    np.testing.assert_array_equal(quantiles[:, :3], near)
    far = ensemble.predict_quantiles(context.append(near[..., 2]))["LSTM"]
    np.testing.assert_allclose(quantiles[:, 3:6, 2], far[..., 2], rtol=1e-5)
    width = [part[..., 4] - part[..., 2] for part in (near, far, quantiles)]
    np.testing.assert_allclose(width[2][:, 3:6] ** 2, width[0][:, 2:] ** 2 + width[1] ** 2, rtol=1e-4)
    assert (np.diff(quantiles, axis=2) >= 0).all()


def test_step_quantiles_are_those_of_predict_quantiles_and_carry_what_models_carry(context):
    ensemble = fit_models([Naive(), Pretrained()], context, TASK)
    _, states = ensemble.step_quantiles(context.drop_last(1))
    assert [state is None for state in states] == [True, False]
    quantiles, _ = ensemble.step_quantiles(context, states)
    for column, expected in ensemble.predict_quantiles(context).items():
        np.testing.assert_allclose(quantiles[column], expected, rtol=1e-6)


def test_predict_insample_comes_from_the_first_model_that_has_it(context):
    column, predicted = fit_models([Naive(), lstm()], context, TASK).predict_insample(context)
    assert column == "LSTM"
    assert np.isnan(predicted[:, 0]).all()
    assert np.isfinite(predicted[:, 1:]).all()
    with pytest.raises(ConfigError, match="no in-sample forecasts: got Naive"):
        fit_models([Naive()], context, TASK).predict_insample(context)


def test_update_models_starts_where_training_ended_and_keeps_configs(context):
    fitted = fit_models([lstm(), Naive()], context, TASK)
    updated = update_models(fitted, context, 3)
    assert updated.configs == fitted.configs
    assert updated.columns == fitted.columns
    assert updated.models[0].members[0].config.max_steps == 1
    before, after = (model.models[0].members[0].weights.vector for model in (fitted, updated))
    assert before.tobytes() != after.tobytes()
    assert np.abs(after - before).max() < 0.01


def test_refine_chooses_members_and_leaves_other_models(context):
    configs = [MedianOf((LSTMConfig(4, **SMALL), LSTMConfig(5, **SMALL)), n_trial=2, alternatives=True), Naive()]
    fitted = fit_models(trial_configs(configs), context.drop_last(3), TASK)
    past, actual = context.rolling_origins(np.array([3]), 3)
    refined, chosen, member = refine(fitted, configs, past, actual)
    assert len(set(chosen[0].configs)) == 1
    assert refined.models[0].members == (fitted.models[0].members[member],)
    assert chosen[1] == Naive()


def test_weighted_average_leaves_out_models_without_a_forecast():
    quantiles = {name: np.array(values)[:, None, None] for name, values in NAN_ROWS.items()}
    average = weighted_average(quantiles, {"a": np.full(3, 0.25), "b": np.array([0.75, 0.75, 0.75])})
    np.testing.assert_array_equal(average[:, 0, 0], [2.5, 3.0, np.nan])


def test_weighted_average_has_weights_for_each_series():
    quantiles = {"a": np.ones((2, 1, 1)), "b": np.zeros((2, 1, 1))}
    average = weighted_average(quantiles, {"a": np.array([1.0, 0.25]), "b": np.array([0.0, 0.75])})
    assert average[:, 0, 0].tolist() == [1.0, 0.25]


def test_refitting_models_are_those_that_may_be_asked_at_past_origins(context):
    ensemble = fit_models([lstm(), Naive()], context, TASK)
    assert ensemble.refitting().columns == ("Naive",)
    assert fit_models([lstm()], context, TASK).refitting() is None


def test_replacing_a_model_keeps_the_rest(context):
    ensemble = fit_models([Naive()], context, TASK)
    assert replace(ensemble, columns=("Other",)).predict_quantiles(context).keys() == {"Other"}


@pytest.mark.parametrize("horizon", [1, 5])
def test_with_horizon_begins_with_the_same_forecasts(context, horizon):
    configs = [Naive(), MedianOf((Drift(),)), Pretrained(), DynamicOptimizedTheta()]
    ensemble = fit_models(configs, context, Task(30))
    forecasts = ensemble.predict_quantiles(context)
    for name, q in ensemble.with_horizon(horizon).predict_quantiles(context).items():
        np.testing.assert_array_equal(q, forecasts[name][:, :horizon])


def test_forecasts_that_fit_into_no_memory_are_refused_before_they_are_made(context):
    ensemble = fit_models([Naive()], context, Task(3))
    with pytest.raises(DataError, match=r"A forecast of 10,000,000,000 steps of \d series does not fit into memory"):
        ensemble.predict_quantiles(context, 10**10)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["pretrained", "dot"])
def test_a_long_horizon_takes_no_more_than_a_kilobyte_a_step(model):
    table = {"ds": np.arange(96), "y": np.tile(np.arange(12.0), 8) + np.random.default_rng(0).normal(size=96)}
    Forecaster(12, model=model).predict(table)
    tracemalloc.start()
    Forecaster(30_000, model=model).predict(table)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 30_000 * 1_000 + 10_000_000
