"""Names that do not exist: what Keras has and gatecast has not, and misspelt ones."""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path

import pytest

import gatecast
from gatecast._utils.keras_names import ADVICE
from gatecast.errors import ConfigError
from gatecast.layers import Dense
from gatecast.models import Sequential

PAGE = (Path(__file__).parents[2] / "docs" / "from-keras.md").read_text(encoding="utf-8")
KERAS = json.loads((Path(__file__).parents[1] / "nn" / "golden" / "keras_names.json").read_text(encoding="utf-8"))
MODULES = [name for name in KERAS if name != "about"]
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
        ("gatecast.activations", "sigmod", "sigmoid"),
        ("gatecast.constraints", "MaxNom", "MaxNorm"),
        ("gatecast.initializers", "HeNorm", "HeNormal"),
        ("gatecast.regularizers", "L1_L2", "l1_l2"),
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


@pytest.mark.parametrize("module", MODULES)
def test_every_name_of_keras_is_here_or_has_advice(module):
    here = f"gatecast.{module}".rstrip(".")
    owner = import_module(here)
    assert [n for n in KERAS[module] if not hasattr(owner, n) and n not in ADVICE.get(here, {})] == []


def rows():
    """Return the cells of the rows of all tables of the page."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("|")]


def names_in(cell):
    """Return the names in a cell, without their modules."""
    return {part for code in re.findall(r"`([^`]+)`", cell) for part in re.split(r"[^\w]+", code)}


@pytest.mark.parametrize("module", MODULES)
def test_the_page_lists_every_name_of_keras_with_its_state(module):
    here = f"gatecast.{module}".rstrip(".")
    absent = ADVICE.get(here, {})
    listed = [(names_in(row[0]), row) for row in rows()]
    for name in KERAS[module]:
        states = [row for names, row in listed if name in names]
        assert states, name
        if name in absent:
            assert any(row[-1] == absent[name].replace("|", "or") for row in states), name


@pytest.mark.parametrize(
    ("argument", "name", "advice"),
    [
        ("activation", "mish", "Use silu"),
        ("activation", "HardTanh", "Use tanh or softsign"),
        ("activation", "rellu", "Did you mean relu?"),
        ("kernel_initializer", "HeNorml", "Did you mean he_normal?"),
        ("kernel_initializer", "stft", "Take the spectrum"),
        ("kernel_constraint", "maxnorm", "Did you mean max_norm?"),
        ("kernel_regularizer", "orthogonal_regularizer", "use kernel_regularizer='l2'"),
        ("bias_regularizer", "l1l2", "Did you mean l1_l2?"),
    ],
)
def test_settings_of_layers_by_unknown_names_have_advice(argument, name, advice):
    with pytest.raises(ConfigError) as caught:
        Dense(1, **{argument: name})
    assert advice in str(caught.value)


@pytest.mark.parametrize(
    ("argument", "name", "advice"),
    [
        ("optimizer", "lion", "Use AdamW"),
        ("optimizer", "Adamm", "Did you mean adam?"),
        ("loss", "hinge", "Pass a function of"),
        ("loss", "crossentropy", 'Write loss="binary_crossentropy"'),
        ("loss", "sparse_categorical_crossentropy", "gatecast.utils.to_categorical(y)"),
        ("loss", "mean_square_error", "Did you mean mean_squared_error?"),
        ("metrics", "AUC", "Pass a function of"),
        ("metrics", "precision", "Pass a function of"),
        ("metrics", "mean_square_error", "Did you mean mean_squared_error?"),
    ],
)
def test_arguments_of_compile_by_unknown_names_have_advice(argument, name, advice):
    with pytest.raises(ConfigError) as caught:
        Sequential().compile(**{argument: [name] if argument == "metrics" else name})
    assert advice in str(caught.value)
