"""Example series that come with the package."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import gatecast as gc
from gatecast import datasets
from gatecast.data import read
from gatecast.errors import ConfigError

EXAMPLES = Path(__file__).parents[2] / "examples"
FILES = {"air_passengers": "air_passengers.csv", "daily_visitors": "M50.csv"}


def test_available_names_are_functions_that_return_a_regular_series():
    assert datasets.available() == tuple(FILES)
    for name, freq in zip(datasets.available(), ("MS", "D"), strict=True):
        panel, notes = read(getattr(datasets, name)())
        assert str(panel.freq) == freq
        assert panel.mask.all()
        assert len(notes) == 1


@pytest.mark.parametrize("name", FILES)
def test_path_is_a_file_with_the_values_of_the_example(name):
    panel, _ = read(datasets.path(name))
    example, _ = read(EXAMPLES / FILES[name])
    np.testing.assert_array_equal(panel.values, example.values)
    assert (panel.all_times() == example.all_times()).all()
    assert (panel.columns.time, panel.columns.target) == ("ds", "y")
    assert datasets.path(name).stat().st_size < 20_000


@pytest.mark.parametrize(
    ("output", "kind"),
    [
        (None, pd.DataFrame),
        ("pandas", pd.DataFrame),
        ("polars", pl.DataFrame),
        ("pyarrow", pa.Table),
        ("arrow", pa.Table),
    ],
)
def test_output_chooses_the_library(output, kind):
    table = datasets.air_passengers(output)
    assert isinstance(table, kind)
    assert np.asarray(table["y"]).sum() == 40363.0


def test_output_without_table_libraries_is_a_dict():
    code = (
        "import sys; sys.modules.update(dict.fromkeys(['pandas', 'polars', 'pyarrow', 'narwhals']))\n"
        "import importlib.util as util\n"
        "find = util.find_spec\n"
        "util.find_spec = lambda name: None if name in sys.modules and sys.modules[name] is None else find(name)\n"
        "import gatecast as gc\n"
        "print(type(gc.datasets.air_passengers()).__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "dict\n"


def test_datasets_is_an_attribute_of_the_package():
    code = "import sys; import gatecast as gc; print(gc.datasets.available()); print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "('air_passengers', 'daily_visitors')\nFalse\n"
    assert "datasets" in dir(gc)


def test_unknown_names_and_outputs_raise():
    with pytest.raises(ConfigError, match=r"Unknown dataset 'airpassengers'.* Did you mean 'air_passengers'\?"):
        datasets.path("airpassengers")
    with pytest.raises(ConfigError, match="Invalid output 'excel'"):
        datasets.air_passengers("excel")
