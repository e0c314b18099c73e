"""Functional models compute and train as those of Keras, as recorded in a file (scripts/make_golden.py)."""

from __future__ import annotations

from pathlib import Path

import pytest
from keras_checks import assert_model
from keras_model_cases import MODELS
from safetensors import safe_open

GOLDEN = Path(__file__).parents[1] / "golden" / "keras_models.safetensors"


@pytest.mark.parametrize("name", MODELS)
def test_model_equals_the_recorded_one_of_keras(name):
    with safe_open(GOLDEN, "numpy") as file:
        keys = [key for key in file.keys() if key.startswith(name + "/")]  # noqa: SIM118
        assert_model(name, {key.split("/")[1]: file.get_tensor(key) for key in keys})
