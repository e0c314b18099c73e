"""The median of several members: seeds, choices by validation errors, shorter updates, and its state."""

import json
from dataclasses import replace

import numpy as np
import pytest

from gatecast.errors import ConfigError
from gatecast.forecasting.base import ModelState, Task
from gatecast.forecasting.baselines import Naive
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.exogenous_regression import ExogenousRegression
from gatecast.forecasting.median import FittedMedian, MedianOf
from gatecast.forecasting.monitoring import ValidationMonitor, make_monitor_data
from gatecast.forecasting.panel_rnn.model import LSTMConfig

TASK = Task(3, seed=5)
SMALL = LSTMConfig(4, units=3, n_layers=1, max_steps=4, batch_size=8)


@pytest.fixture(scope="module")
def context():
    rng = np.random.default_rng(0)
    return PanelContext.from_values(50 + np.cumsum(rng.normal(size=(6, 30)), axis=1))


@pytest.fixture(scope="module")
def fitted(context):
    return MedianOf((SMALL, replace(SMALL, units=5), SMALL)).fit(context, TASK)


def test_member_k_has_the_seed_of_the_task_plus_k(fitted, context):
    alone = SMALL.fit(context, TASK._replace(seed=7))
    assert fitted.members[2].weights.vector.tobytes() == alone.weights.vector.tobytes()


def test_predict_quantiles_is_the_median_over_the_members(fitted, context):
    expected = np.median([member.predict_quantiles(context) for member in fitted.members], axis=0)
    np.testing.assert_array_equal(fitted.predict_quantiles(context), expected)
    insample = np.median([member.predict_insample(context) for member in fitted.members], axis=0)
    np.testing.assert_array_equal(fitted.predict_insample(context), insample)
    assert len(fitted.networks()) == 3


def test_predict_insample_of_members_without_it_is_refused(context):
    with pytest.raises(ConfigError, match="'naive' has no in-sample forecasts"):
        MedianOf((Naive(),)).fit(context, TASK).predict_insample(context)


def test_state_round_trip_restores_every_bit(fitted, context):
    state = fitted.to_state()
    settings = json.loads(json.dumps(state.settings))
    restored = MedianOf.from_state(ModelState(settings, state.arrays), TASK)
    assert restored.config == fitted.config
    assert restored.predict_quantiles(context).tobytes() == fitted.predict_quantiles(context).tobytes()


def test_trial_fits_the_first_members_and_name_column_and_steps_are_those_of_the_members():
    median = MedianOf((SMALL, SMALL, SMALL), n_trial=2)
    assert len(median.trial().configs) == 2
    assert (median.name, median.column, median.family, median.max_steps) == ("lstm", "LSTM", "network", 12)


def test_for_update_trains_fewer_steps_at_a_lower_rate():
    (config,) = MedianOf((replace(SMALL, max_steps=30, learning_rate=3e-3),)).for_update(3).configs
    assert (config.max_steps, config.learning_rate) == (10, 1e-3)


def test_refine_chooses_one_of_the_alternatives_for_all(fitted):
    config = replace(fitted.config, alternatives=True)
    refined = config.refine(fitted, lambda model: -model.config.units)
    assert isinstance(refined.model, FittedMedian)
    assert [member.config.units for member in refined.model.members] == [5]
    assert [member.units for member in refined.config.configs] == [5, 5, 5]
    assert refined.member == 1


def test_refine_without_alternatives_trains_as_long_as_the_trial_did(fitted):
    stopped = replace(fitted, members=tuple(replace(m, config=replace(m.config, max_steps=2)) for m in fitted.members))
    refined = fitted.config.refine(stopped, lambda _: 0.0)
    assert refined.model is stopped
    assert [config.max_steps for config in refined.config.configs] == [2, 2, 2]


@pytest.mark.parametrize(
    ("settings", "alternatives", "monitored"),
    [({}, False, {0, 1}), ({"min_improvement": 1.0}, False, {0}), ({"min_improvement": 1.0}, True, {0, 1})],
)
def test_members_that_stop_early_or_are_alternatives_are_monitored(settings, alternatives, monitored, context):
    past, actual = context.rolling_origins(np.array([3]), 3)
    monitor = ValidationMonitor(
        ExogenousRegression.fit(context, 1), make_monitor_data(past, actual, context.drop_last(3), 27, 1)
    )
    median, steps = MedianOf((replace(SMALL, **settings),) * 2, alternatives=alternatives), []
    median.fit(context.drop_last(3), TASK, monitor=monitor, on_step=steps.append)
    assert {step.member for step in steps if np.isfinite(step.validation)} == monitored
    assert [step.fraction for step in steps if step.number] == [k / 8 for k in range(1, 9)]


def test_default_for_is_refused():
    with pytest.raises(ConfigError, match="MedianOf needs members"):
        MedianOf.default_for(None, TASK, None)
