"""Errors that are looked at while a network learns: one error, on values that it learns from and on others."""

import numpy as np
import pytest

import gatecast as gc
from gatecast.config import DataConfig, NetworkConfig, TrainingConfig
from gatecast.forecasting.base import Task
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.exogenous_regression import ExogenousRegression
from gatecast.forecasting.monitoring import MonitorData, ValidationMonitor, make_monitor_data
from gatecast.forecasting.panel_rnn.model import LSTMConfig, train
from gatecast.layers import GRU, Dense
from gatecast.nn.training import validation_steps

H = 4
MONTHS = np.datetime64("2010-01", "M") + np.arange(60)
QUICK = {"network": NetworkConfig(units=6, n_layers=1), "training": TrainingConfig(n_members=2, max_steps=20)}


def monthly(S=3, T=60, seed=0):
    rng = np.random.default_rng(seed)
    return 50 + 9 * np.sin(np.arange(T) * np.pi / 6 + np.arange(S)[:, None]) + rng.normal(size=(S, T))


def table(values):
    S, T = values.shape
    return {
        "unique_id": np.repeat(np.arange(S), T),
        "ds": np.tile(MONTHS[:T], S).astype("M8[D]"),
        "y": values.ravel(),
    }


def test_what_is_learnt_from_is_sampled_within_it():
    seen = PanelContext.from_values(monthly(S=200))
    data = make_monitor_data(*seen.rolling_origins(np.array([H]), H), seen, 60, 3)
    assert len(data.training) <= 64
    assert len(data.training) * len(data.offsets) <= 256
    assert data.offsets.min() == H
    assert data.offsets.max() <= 30
    assert (np.diff(data.offsets) % 3 == 0).all()
    assert make_monitor_data(*seen.rolling_origins(np.array([H]), H), seen, 7, 1).offsets.tolist() == [
        3
    ]  # shorter than the horizon


def test_both_errors_are_the_mean_over_series_in_units_of_their_own_change():
    values = np.array([[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [10.0, 20.0, 30.0, 40.0, 50.0, 60.0]])
    seen = PanelContext.from_values(values)
    past, came = seen.rolling_origins(np.array([1]), 1)
    watcher = ValidationMonitor(ExogenousRegression.fit(seen, 1), MonitorData(past, came, seen, np.array([2, 1])))
    right = came[:, :, None] + np.array([-1.0, 0.0, 1.0])
    found = watcher.measure(right + np.array([[[2.0]], [[20.0]]]), np.array([[[5.5]], [[50.0]], [[6.0]], [[30.0]]]))
    assert found.validation == pytest.approx(2.0)
    assert found.training == pytest.approx((0.5 + 0.0 + 0.0 + 3.0) / 4)


@pytest.mark.slow
def test_known_columns_are_put_back_before_errors_are_made():
    rng = np.random.default_rng(0)
    promo = (rng.random((4, 60)) < 0.4) * 1.0
    sales = np.exp(3 + 0.5 * promo + 0.01 * rng.normal(size=(4, 60)))
    columns = table(sales) | {"promo": promo.ravel()}
    model = gc.Forecaster(H, model="lstm", season_length=1, data=DataConfig(futr_exog="promo"), **QUICK).fit(columns)
    history = PanelContext.from_panel(model.panel_)
    effects = ExogenousRegression.fit(history, 1)
    assert effects.futr_exog[2, 0] != 0
    past, came = history.rolling_origins(np.array([8]), H)
    watcher = ValidationMonitor(effects, MonitorData(past, came, history, np.array([8])))
    constant = np.median(effects.remove(history).values)
    said = np.full((4, H, 1), constant)
    without = watcher.measure(said, said)
    assert without.validation == without.training  # the same rows, said the same
    assert without.validation < 0.2  # the promotions alone move the series by half their mean change and more


@pytest.mark.slow
@pytest.mark.parametrize("model", ["lstm", "es-lstm", "own"])
def test_every_kind_of_network_has_its_curves(model):
    chosen = gc.Sequential([GRU(6), Dense(H)]) if model == "own" else model
    kept = (
        gc.Forecaster(H, model=chosen, season_length=1, **QUICK).fit(table(monthly()), evaluate=False).training_history_
    )
    assert kept["step"] == list(range(1, 21))
    assert kept["validation_step"] == sorted(validation_steps(20)) == list(range(2, 21, 2))
    assert len(kept["untrained"]) == 2
    for name in ("validation", "training"):
        assert np.isfinite(kept[name]).all()
        assert len(set(kept[name])) == 10


@pytest.mark.slow
def test_looking_changes_no_forecast_and_sees_nothing_of_the_test_part():
    values = monthly()
    poisoned = values.copy()
    poisoned[:, -H:] = 1e6
    first, second = (
        gc.Forecaster(H, model="lstm", season_length=1, **QUICK).fit(table(one)).training_history_
        for one in (values, poisoned)
    )
    assert first == second
    settings = LSTMConfig(6, units=5, n_layers=1, max_steps=12)
    past = PanelContext.from_values(values)
    seen = make_monitor_data(*past.rolling_origins(np.array([H]), H), past.drop_last(H), 56, 1)
    watcher = ValidationMonitor(ExogenousRegression.fit(past, 1), seen)
    monitored = train(
        past,
        Task(H),
        settings,
        measure=lambda model: watcher.measure(
            model.predict_quantiles(watcher.validation), model.predict_quantiles(watcher.training_origins)
        ),
    )
    np.testing.assert_array_equal(monitored.weights.vector, train(past, Task(H), settings).weights.vector)


@pytest.mark.slow
def test_the_curve_is_that_of_the_network_that_was_chosen():
    forecaster = gc.Forecaster(H, model="lstm", season_length=1, network=NetworkConfig(units=6, n_layers=1))
    trained = forecaster.fit(table(monthly(S=1)), evaluate=False)
    settings, curve = trained.state_.ensemble.configs[0].configs[0], trained.training_history_
    looks = dict(zip(curve["validation_step"], curve["validation"], strict=True))
    assert settings.max_steps in looks  # the steps of the way that was chosen, stopped where it was best
    assert looks[settings.max_steps] <= min(looks.values()) / (1 - settings.min_improvement)


def test_going_on_learning_looks_at_nothing():
    forecaster = gc.Forecaster(H, model="lstm", season_length=1, **QUICK).fit(table(monthly()), evaluate=False)
    forecaster.update(table(monthly(seed=1)))
    assert forecaster.training_history_["validation"] == []
    assert len(forecaster.training_history_["loss"]) == 6
