"""Options: each is declared once, refused before the work, and reaches its Python argument."""

import inspect
from dataclasses import fields

import pytest
from typer.main import get_command

from gatecast.cli.app import make_app
from gatecast.cli.options import (
    OPTION_OF_ARGUMENT,
    ForecasterOptions,
    Horizon,
    Level,
    Seed,
    Setting,
    declarations,
    parse_option,
)
from gatecast.config import DataConfig, NetworkConfig, TrainingConfig
from gatecast.errors import ConfigError
from gatecast.forecaster import Forecaster


def test_settings_without_options_are_the_defaults_of_python():
    settings = ForecasterOptions().settings()
    assert settings == {
        "model": "auto",
        "level": (80, 95),
        "seed": 0,
        "hierarchy": False,
        "reconciliation": "mint",
        "network": NetworkConfig(),
        "training": TrainingConfig(),
        "data": DataConfig(),
    }


def test_settings_reach_every_argument_of_python():
    settings = [part for kind in declarations().values() for part in kind.__metadata__ if isinstance(part, Setting)]
    reached = {(setting.config, setting.argument) for setting in settings}
    configs = {"network": NetworkConfig, "training": TrainingConfig, "data": DataConfig}
    for name, config in configs.items():
        assert {field.name for field in fields(config)} == {argument for group, argument in reached if group == name}
    arguments = {
        name
        for name, parameter in inspect.signature(Forecaster).parameters.items()
        if parameter.kind is not parameter.VAR_KEYWORD
    }
    in_configs = {field.name for config in configs.values() for field in fields(config)}
    assert arguments - set(configs) - in_configs == {argument for group, argument in reached if group == ""}


def test_settings_are_values_of_python():
    options = ForecasterOptions(
        horizon="12",
        lower_bound="-1.5",
        integer=True,
        missing_codes="-999, 9999",
        keep_last=True,
        keep_outliers=True,
        holidays="de, US-ca",
        futr_exog="price, holiday",
        units="8",
        n_members="2",
        dropout="0.1",
    )
    settings = options.settings()
    assert settings["h"] == 12
    assert settings["data"] == DataConfig(
        futr_exog=("price", "holiday"),
        lower_bound=-1.5,
        integer=True,
        missing_codes=(-999, 9999),
        keep_last=True,
        keep_outliers=True,
        holidays=("DE", "US-CA"),
    )
    assert ForecasterOptions(missing_codes="none").settings()["data"].missing_codes is False
    assert settings["network"] == NetworkConfig(units=8, dropout=0.1)
    assert settings["training"] == TrainingConfig(n_members=2)
    assert options.forecaster().h == 12


def test_settings_refuse_options_that_contradict_each_other():
    with pytest.raises(ConfigError, match="lower_bound"):
        ForecasterOptions(lower_bound="3", upper_bound="2").settings()


def test_option_of_argument_names_options_that_exist():
    commands = get_command(make_app()).commands
    flags = {flag for command in commands.values() for p in command.params for flag in (*p.opts, p.metavar)}
    assert set(OPTION_OF_ARGUMENT.values()) <= flags
    settings = [part for kind in declarations().values() for part in kind.__metadata__ if isinstance(part, Setting)]
    assert {setting.argument for setting in settings} <= set(OPTION_OF_ARGUMENT)


@pytest.mark.parametrize(
    ("text", "levels"),
    [("80", (80,)), ("95,80", (80, 95)), (" 80 , 97.5 ", (80, 97.5)), ("80%", (80,)), ("1,99.9", (1, 99.9))],
)
def test_level_is_sorted_and_whole_where_it_can_be(text, levels):
    parsed = parse_option("--level", text, Level)
    assert parsed == levels
    assert all(isinstance(level, int) == float(level).is_integer() for level in parsed)


@pytest.mark.parametrize(
    "text", ["0", "100", "-5", "120", "abc", "", "80,", "nan", "inf", "0.8", "80;95", "80,80", "80,95,80.0"]
)
def test_level_that_is_no_percentage_is_refused(text):
    with pytest.raises(
        ConfigError, match=r"Invalid --level '.*': expected different percentages .* Write --level 80,95"
    ):
        parse_option("--level", text, Level)


@pytest.mark.parametrize("text", ["0", "-3", "abc", "1.5", "", "1e3", "1_000", "٣", "nan", "0x10"])
def test_count_that_is_no_whole_number_is_refused(text):
    with pytest.raises(ConfigError) as error:
        parse_option("--horizon", text, Horizon)
    assert str(error.value).startswith(f"Invalid --horizon {text!r}: expected a whole number of at least 1. Write ")
    assert error.value.argument == "h"


def test_count_may_carry_a_sign():
    assert parse_option("--horizon", "+12", Horizon) == 12


@pytest.mark.parametrize("text", ["-1", "x", "1.0"])
def test_seed_that_is_no_whole_number_is_refused(text):
    with pytest.raises(ConfigError, match="a whole number of at least 0"):
        parse_option("--seed", text, Seed)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("dropout", "1", "a number from 0 to less than 1"),
        ("learning_rate", "0", "a number above 0"),
        ("lower_bound", "inf", "a number"),
        ("upper_bound", "many", "a number"),
        ("n_members", "0", "a whole number of at least 1"),
    ],
)
def test_setting_out_of_range_is_refused_with_its_option(name, text, expected):
    with pytest.raises(ConfigError) as error:
        ForecasterOptions(**{name: text}).settings()
    assert f"--{name.replace('_', '-')} {text!r}: expected {expected}. Write" in str(error.value)


def test_freq_that_is_unknown_is_refused_before_the_file_is_read():
    with pytest.raises(ConfigError, match="fortnightly"):
        ForecasterOptions(freq="fortnightly").settings()


def test_settings_totals_are_a_hierarchy():
    settings = ForecasterOptions(totals=True, reconciliation="bottom-up").settings()
    assert (settings["hierarchy"], settings["reconciliation"]) == (True, "bottom-up")
