"""The registry: built-in models in a fixed order, and names that are unknown, taken or no models are refused."""

import importlib
import subprocess
import sys
from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np
import pytest

from gatecast import Forecaster, NetworkConfig, TrainingConfig
from gatecast.errors import ConfigError
from gatecast.forecasting import registry
from gatecast.forecasting.base import LocalModel, Overrides, PanelSummary, Task
from gatecast.forecasting.median import members_of
from gatecast.forecasting.panel_rnn.model import CELLS
from gatecast.forecasting.presets import auto_models
from gatecast.forecasting.registry import available_models, broken_models, get_model, register
from gatecast.forecasting.sequential_model.model import SequentialConfig

NETWORKS = ["lstm", "gru", "rnn", "lstm-peephole", "slstm", "es-lstm", "segrnn"]
SEASONAL = ["seasonal-copy", "seasonal-average", "level-shape", "seasonal-ridge", "double-seasonal", "seasonal-arma"]
STATISTICAL = ["dot", "lgt", "ar", *SEASONAL, "ets", "ces", "naive", "seasonal-naive", "drift", "mean"]
BUILT_IN = [*NETWORKS, "pretrained", "pretrained-lf", *STATISTICAL]


@pytest.mark.slow
def test_available_models_are_in_a_fixed_order_whatever_was_imported_first():
    assert list(available_models()) == BUILT_IN
    program = "import gatecast.forecasting.baselines\nfrom gatecast.forecasting.registry import *\n"
    program += "print(*available_models())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == BUILT_IN
    assert broken_models() == {}


@pytest.mark.parametrize("name", BUILT_IN)
def test_get_model_returns_the_config_class_of_a_name(name):
    assert get_model(name).name == name


@pytest.mark.parametrize("module", registry.BUILT_IN)
def test_each_module_registers_exactly_the_models_that_the_table_says(module):
    importlib.import_module(module)
    registered = {name: config for name, config in registry._REGISTERED.items() if config.__module__ == module}
    columns = {name: config.column for name, config in registered.items()}
    assert list(columns.items()) == list(registry.BUILT_IN[module].items())


def test_cell_models_are_those_of_the_panel_rnn():
    assert tuple(CELLS) == registry.CELL_MODELS


def test_get_model_knows_sequential_for_files_but_does_not_list_it():
    assert get_model("sequential") is SequentialConfig
    assert "sequential" not in available_models()


def test_get_model_of_an_unknown_name_lists_all():
    with pytest.raises(ConfigError, match="Unknown model 'arima': expected one of auto, lstm, gru") as caught:
        get_model("arima")
    assert caught.value.argument == "model"
    assert str(caught.value).endswith("drift, mean.")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("ltsm", "lstm"),
        ("LSTM", "lstm"),
        ("DOT", "dot"),
        ("es_lstm", "es-lstm"),
        ("seasonal_naive", "seasonal-naive"),
        ("SeasonalNaive", "seasonal-naive"),
        ("autoregression", "ar"),
        ("DynamicOptimizedTheta", "dot"),
        ("Ensemble", "auto"),
        ("pretraind", "pretrained"),
    ],
)
def test_get_model_of_a_misspelt_name_or_a_column_suggests_the_model(written, meant):
    with pytest.raises(ConfigError) as caught:
        get_model(written)
    assert caught.value.fix == f"Did you mean {meant!r}?"
    if meant != "auto":
        assert get_model(meant).name == meant


def test_get_model_suggests_each_model_by_its_column_in_other_case():
    for models in registry.BUILT_IN.values():
        for model, column in models.items():
            if model != "sequential" and column.upper() not in registry.MODULE_OF:
                with pytest.raises(ConfigError) as caught:
                    get_model(column.upper())
                assert caught.value.fix == f"Did you mean {model!r}?"


def test_register_refuses_a_taken_name_and_what_is_no_model(monkeypatch):
    monkeypatch.setattr(registry, "_REGISTERED", dict(registry._REGISTERED))

    @dataclass(frozen=True)
    class Other(LocalModel):
        name: ClassVar[str] = "naive"
        column: ClassVar[str] = "Other"

    with pytest.raises(ConfigError, match="Invalid model name 'naive': it is taken"):
        register(Other)
    assert get_model("naive") is not Other
    Other.name = "auto"
    with pytest.raises(ConfigError, match="Invalid model name 'auto': it is taken"):
        register(Other)
    with pytest.raises(ConfigError, match=r"Invalid model 'Plain'.*a class with name, column, family"):
        register(type("Plain", (), {}))
    assert register(get_model("naive")) is get_model("naive")


def test_register_adds_a_model(monkeypatch):
    monkeypatch.setattr(registry, "_REGISTERED", dict(registry._REGISTERED))

    @register
    @dataclass(frozen=True)
    class Last(LocalModel):
        name: ClassVar[str] = "last"
        column: ClassVar[str] = "Last"

    assert available_models() == (*BUILT_IN, "last")
    assert get_model("last") is Last


@pytest.mark.parametrize("name", [name for name in BUILT_IN if name not in ("ets", "ces")])
@pytest.mark.parametrize("n_series", [1, 300])
def test_every_model_applies_the_settings_that_it_has_and_leaves_the_others(name, n_series):
    network = NetworkConfig(input_size=7, units=5, n_layers=2, dropout=0.2)
    training = TrainingConfig(n_members=2, max_steps=3, batch_size=4, learning_rate=0.1, finetune=True)
    panel, task = PanelSummary(np.full(n_series, 60)), Task(6, 12, seasons=(12,))
    config = get_model(name).default_for(panel, task, Overrides(network, training))
    for member in members_of(config):
        fixed, names = Overrides(network, training).values(), {item.name for item in fields(member)}
        assert {key: getattr(member, key) for key in fixed if key in names}.items() <= fixed.items()


def test_further_training_is_refused_for_a_network_and_taken_by_the_automatic_choice():
    panel, task = PanelSummary(np.full(1, 60)), Task(6, 12, seasons=(12,))
    overrides = Overrides(training=TrainingConfig(finetune=True))
    assert [config.name for config in auto_models(panel, task, overrides) if getattr(config, "finetune", False)] == [
        "pretrained"
    ]
    with pytest.raises(ConfigError, match="no model is pretrained"):
        Forecaster(6, model="lstm").fit({"y": np.arange(60.0)}, finetune=True)
