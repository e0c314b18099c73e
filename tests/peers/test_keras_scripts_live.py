"""The scripts that gatecast runs are scripts for Keras: Keras runs them too (slow: not part of every run)."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

SCRIPTS = sorted((Path(__file__).parents[1] / "keras_scripts").glob("*.py"))

NOT_HERE = {
    "energy_dataset_from_array": "Keras makes such data sets with TensorFlow alone",
    "weather_tutorial": "Keras makes such data sets with TensorFlow alone",
    "stateful_batches": "on PyTorch, Keras 3.15 fails in the backward pass of a stateful layer",
}
"""Scripts that Keras cannot run on PyTorch, and why."""


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_keras_runs_the_script(path, tmp_path, monkeypatch):
    if path.stem in NOT_HERE:
        pytest.skip(NOT_HERE[path.stem])
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(path))
