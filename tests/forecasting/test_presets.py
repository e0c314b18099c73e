"""What "auto" consists of, and configs from what users write in `model=`."""

import numpy as np
import pytest

from gatecast import Forecaster, Sequential
from gatecast.config import NetworkConfig, TrainingConfig
from gatecast.errors import ConfigError
from gatecast.forecasting import statsforecast_models
from gatecast.forecasting.base import Overrides, PanelSummary, Task
from gatecast.forecasting.baselines import Naive
from gatecast.forecasting.presets import auto_models, check_model, model_configs, model_name, unique_columns
from gatecast.forecasting.theta import DynamicOptimizedTheta
from gatecast.layers import LSTM, Dense

TASK = Task(6, 12)


def panel(n_series, length=120):
    return PanelSummary(np.full(n_series, length))


HOURS = Task(48, 168, seasons=(24, 168))

SINGLE = ["lstm", "pretrained", "dot", "lgt", "ar"]
"""Models of few series, without those of a season."""

LONG_SEASON = ["seasonal-copy", "seasonal-average", "level-shape", "seasonal-ridge"]
"""Models of few series with a season of more than 60 steps."""


@pytest.fixture
def no_extra(monkeypatch):
    """As if statsforecast were not installed."""
    monkeypatch.setattr(statsforecast_models, "find_spec", {}.get)


@pytest.mark.parametrize(
    ("n_series", "task", "names"),
    [
        (1, Task(6, 1), SINGLE),
        (1, Task(6, 12), [*SINGLE, "seasonal-copy", "seasonal-average"]),
        (1, Task(8, 4), [*SINGLE, "seasonal-copy", "seasonal-average", "seasonal-arma"]),
        (100, Task(6, 12), ["lstm", "pretrained", "dot", "seasonal-ridge"]),
        (100, Task(8, 4), ["lstm", "pretrained", "dot", "lgt", "ar", "seasonal-ridge"]),
        (100, Task(6, 1), ["es-lstm", "pretrained", "dot", "lgt"]),
        (100, Task(14, 1), ["lstm", "es-lstm", "pretrained", "dot", "lgt"]),
        (
            100,
            HOURS,
            [
                "lstm",
                "pretrained",
                "pretrained-lf",
                "ar",
                "seasonal-copy",
                "level-shape",
                "seasonal-ridge",
                "double-seasonal",
            ],
        ),
        (1, HOURS, ["lstm", "pretrained", "pretrained-lf", "dot", "ar", *LONG_SEASON, "double-seasonal"]),
        (1, Task(48, 365), ["lstm", "pretrained", "pretrained-lf", "dot", "ar", *LONG_SEASON]),
    ],
)
def test_auto_models_by_season_horizon_and_number_of_series(n_series, task, names, no_extra):
    assert [config.name for config in auto_models(panel(n_series), task, Overrides())] == names


@pytest.mark.parametrize(
    ("length", "task", "name"),
    [
        (3000, Task(48, 168, seasons=(24, 168)), "segrnn"),
        (3000, Task(336, 336, seasons=(48, 336)), "segrnn"),
        (3000, Task(47, 168, seasons=(24, 168)), "lstm"),
        (1343, Task(48, 168, seasons=(24, 168)), "lstm"),
        (3000, Task(96, 7, seasons=(7,)), "lstm"),
        (3000, Task(96, 365, seasons=(365,)), "lstm"),
    ],
)
def test_auto_models_read_long_series_of_hours_in_segments_where_the_horizon_is_days(length, task, name):
    assert auto_models(panel(3, length), task, Overrides())[0].name == name
    assert auto_models(panel(16, length), task, Overrides())[0].name == "lstm"


def test_auto_goes_on_without_the_pretrained_network_and_says_so(no_extra, monkeypatch):
    reason = "The file has been altered since it was saved."
    monkeypatch.setattr("gatecast.pipeline.fit.why_unavailable", lambda: reason)
    monkeypatch.setattr("gatecast.forecasting.pretrained.released.is_available", lambda: False)
    assert "pretrained" not in [config.name for config in auto_models(panel(1), TASK, Overrides())]
    quick = TrainingConfig(max_steps=2, n_members=1)
    forecaster = Forecaster(3, training=quick).fit({"y": np.arange(30.0) % 7}, evaluate=False)
    assert f"the pretrained network is left out: {reason}" in forecaster.data_notes_


def test_auto_models_with_the_extra_add_its_models_where_series_are_few(monkeypatch):
    monkeypatch.setattr(statsforecast_models, "find_spec", lambda name: name)
    monkeypatch.setattr(statsforecast_models, "_library", lambda: None)
    names = {n: [config.name for config in auto_models(panel(n), TASK, Overrides())] for n in (200, 2000, 2001)}
    assert names[200][-2:] == ["ets", "ces"]
    assert names[2000][-1] == "ces"
    assert "ets" not in names[2000]
    assert names[2001][-1] == "seasonal-ridge"


def test_model_configs_of_names_configs_networks_and_lists(no_extra):
    network = Sequential([LSTM(4), Dense(6)])
    configs = model_configs(["naive", Naive(), network, "auto", "gru"], panel(1), TASK, Overrides())
    names = [config.name for config in configs]
    auto = ["lstm", "pretrained", "dot", "lgt", "ar", "seasonal-copy", "seasonal-average"]
    assert names == ["naive", "naive", "sequential", *auto, "gru"]
    assert unique_columns(configs)[:4] == ["Naive", "Naive-2", "Sequential", "LSTM"]


def test_model_configs_apply_what_the_user_fixed_where_a_model_has_it():
    fixed = Overrides(NetworkConfig(units=7, input_size=9), TrainingConfig(n_members=2, max_steps=11))
    lstm, es_lstm, dot = model_configs(["lstm", "es-lstm", "dot"], panel(1), TASK, fixed)
    for config in (*lstm.configs, *es_lstm.configs):
        assert (config.units, config.input_size, config.max_steps) == (7, 9, 11)
    assert len(lstm.configs) == len(es_lstm.configs) == 2
    assert all(config.min_improvement == 1.0 for config in lstm.configs)
    assert dot == DynamicOptimizedTheta()


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ([], "names no model"),
        ("arima", "Unknown model 'arima'"),
        (3, "Invalid model 3: expected a name, a model config, a Sequential, or a list"),
        (Naive, "Invalid model"),
        (["lstm", None], "Invalid model None"),
    ],
)
def test_check_model_refuses(model, message):
    with pytest.raises(ConfigError, match=message) as caught:
        check_model(model)
    assert caught.value.argument == "model"


def test_model_name_of_names_configs_networks_and_lists():
    assert model_name(["auto", Naive(), Sequential([Dense(2)])]) == "auto, naive, sequential"
