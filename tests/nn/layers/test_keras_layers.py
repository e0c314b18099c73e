"""Layers in Keras' words compute what Keras' layers compute, as recorded in a file (scripts/make_golden.py)."""

from __future__ import annotations

from pathlib import Path

import pytest
from keras_checks import assert_layer
from keras_layer_cases import CASES
from safetensors import safe_open

GOLDEN = Path(__file__).parents[1] / "golden" / "keras_layers.safetensors"


@pytest.mark.parametrize("name", CASES)
def test_layer_equals_the_recorded_one_of_keras(name):
    with safe_open(GOLDEN, "numpy") as file:
        keys = [key for key in file.keys() if key.startswith(name + "/")]  # noqa: SIM118
        assert_layer(CASES[name], {key.split("/")[1]: file.get_tensor(key) for key in keys})
