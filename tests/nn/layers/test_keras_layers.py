"""Layers in Keras' words compute what Keras' layers compute, as recorded in a file (scripts/make_golden.py)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from keras_layer_cases import BATCH, CASES, Case, make
from safetensors import safe_open
from tolerances import rounding

import gatecast.layers as layers
from gatecast.kernels.packing import pack, unpack
from gatecast.nn.network import (
    TrainingPass,
    add_penalty_gradients,
    backward,
    build,
    forward,
    initial_weights,
    zeros_like,
)

GOLDEN = Path(__file__).parents[2] / "kernels" / "golden" / "keras_layers.safetensors"


def load(name: str) -> dict[str, np.ndarray]:
    """Read the record of a case."""
    with safe_open(GOLDEN, "numpy") as file:
        keys = [key for key in file.keys() if key.startswith(name + "/")]  # noqa: SIM118
        return {key.split("/")[1]: file.get_tensor(key) for key in keys}


def assert_layer(case: Case, record: dict[str, np.ndarray]) -> None:
    """Assert that the layer of a case answers as the record says."""
    layer = make(layers, case)
    network = build([layer], case.in_shape)
    weights = initial_weights(network, 0)
    given = [record[key] for key in sorted(record) if key.startswith("w")]
    for name, value in layer.from_keras_weights(given).items():
        weights.views[0][name][...] = value
    steps = case.in_shape[0] if len(case.in_shape) > 1 else 1
    x = pack(record["x"].reshape(BATCH, steps, -1))
    y, caches = forward(network, weights, x, training=TrainingPass(0, 1), n_sequences=BATCH)
    dy = pack(record["dy"].reshape(BATCH, y.shape[1], y.shape[2]))
    grads = zeros_like(weights)
    dx = backward(network, weights, caches, dy, grads, need_dx=True)
    add_penalty_gradients(network, weights, grads)
    tolerance = {"rtol": rounding(2000), "atol": rounding(2000)}
    np.testing.assert_allclose(unpack(y, BATCH).ravel(), record["y"].ravel(), **tolerance)
    np.testing.assert_allclose(unpack(dx, BATCH).ravel(), record["dx"].ravel(), **tolerance)
    expected = [record[key] for key in sorted(record) if key[0] == "d" and key[1:].isdecimal()]
    for got, gradient in zip(layer.to_keras_weights(grads.views[0]), expected, strict=True):
        np.testing.assert_allclose(got, gradient, rtol=rounding(2000), atol=rounding(2000) * BATCH)


@pytest.mark.parametrize("name", CASES)
def test_layer_equals_the_recorded_one_of_keras(name):
    assert_layer(CASES[name], load(name))
