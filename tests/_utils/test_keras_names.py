"""Names that do not exist: what Keras has and gatecast has not, and misspelt ones."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

import gatecast
from gatecast._utils.keras_names import ADVICE

PAGE = (Path(__file__).parents[2] / "docs" / "from-keras.md").read_text(encoding="utf-8")
NAMES = [(module, name) for module, names in ADVICE.items() for name in names]


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_a_name_that_keras_alone_has_says_what_to_write(module, name):
    with pytest.raises(AttributeError) as caught:
        getattr(import_module(module), name)
    assert str(caught.value).startswith(f"{module} has no {name}, which Keras has. {ADVICE[module][name]}")
    with pytest.raises(ImportError) as caught:
        exec(f"from {module} import {name}")
    assert ADVICE[module][name] in str(caught.value)


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_names_in_the_advice_exist(module, name):
    for path in re.findall(r"gatecast(?:\.\w+)+", ADVICE[module][name]):
        owner, _, attribute = path.rpartition(".")
        assert hasattr(import_module(owner), attribute), path


@pytest.mark.parametrize(
    ("module", "wrong", "right"),
    [
        ("gatecast", "Sequentail", "Sequential"),
        ("gatecast", "optimisers", "optimizers"),
        ("gatecast.callbacks", "EarlyStoping", "EarlyStopping"),
        ("gatecast.layers", "Lstm", "LSTM"),
        ("gatecast.losses", "MeanSquareError", "MeanSquaredError"),
        ("gatecast.metrics", "RootMeanSquareError", "RootMeanSquaredError"),
        ("gatecast.models", "loadmodel", "load_model"),
        ("gatecast.optimizers", "ADAM", "Adam"),
        ("gatecast.optimizers.schedules", "ExponentialDecays", "ExponentialDecay"),
        ("gatecast.preprocessing", "timeseries_from_array", "timeseries_dataset_from_array"),
        ("gatecast.preprocessing.sequence", "TimeSeriesGenerator", "TimeseriesGenerator"),
        ("gatecast.utils", "set_seed", "set_random_seed"),
        ("gatecast.backend", "clear_sessions", "clear_session"),
    ],
)
def test_a_misspelt_name_suggests_the_right_one(module, wrong, right):
    for error, call in (
        (AttributeError, lambda: getattr(import_module(module), wrong)),
        (ImportError, lambda: exec(f"from {module} import {wrong}")),
    ):
        with pytest.raises(error, match=f"Did you mean {right}\\?"):
            call()
    assert not hasattr(import_module(module), wrong)


def test_modules_are_loaded_through_the_package():
    assert gatecast.layers.LSTM is import_module("gatecast.layers").LSTM
    assert gatecast.optimizers.schedules.ExponentialDecay
    assert gatecast.preprocessing.sequence.TimeseriesGenerator
    assert {"layers", "callbacks", "Sequential", "Input"} <= set(dir(gatecast))


def test_private_names_give_no_advice():
    with pytest.raises(AttributeError, match=r"^module 'gatecast' has no attribute '_private'$"):
        gatecast._private  # noqa: B018


@pytest.mark.parametrize("module", ["callbacks", "optimizers", "optimizers.schedules", "losses"])
def test_the_page_lists_every_name_of_a_module(module):
    own = {"FunctionLoss", "ALIASES", "LOSSES", "get", "weighted_mean", "Optimizer", "Pinball"}
    for name in set(import_module(f"gatecast.{module}").__all__) - own:
        assert f"`{name}`" in PAGE or f".{name}`" in PAGE, name
