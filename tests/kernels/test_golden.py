"""gatecast computes what PyTorch and Keras compute, as recorded in files.

scripts/make_golden.py records the files; `make test-peers` runs PyTorch and Keras themselves.
"""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from cell_cases import named
from reference_implementations import (
    assert_exchange,
    assert_network,
    assert_stack,
    assert_training,
    keras_exchange,
    native_stack,
    reference_network,
    reference_stack,
    reference_training,
    sequential,
    sequential_predictions,
    sequential_training,
    torch_exchange,
    training_bounds,
)
from safetensors import safe_open
from tolerances import EPS32, EPS64
from witnesses import KERAS_KINDS, TORCH_KINDS, Record, split

FOLDER = Path(__file__).parent / "golden"
CASES = [f"t{T}b{B}" for T, B in product((1, 6), (1, 3))]
GRIDS = {f"torch_lstm_{N}x{H}": "lstm" for N, H in product((1, 2), (1, 7, 10))}
GRIDS |= {f"torch_peephole_{form}_{H}": "lstm" for form, H in product(("diagonal", "full"), (1, 5))}
GRIDS |= {"torch_projection": "lstm"} | {f"torch_{cell}": cell for cell in ("rnn", "rnn_relu", "gru")}
MASKS = ["keras_mask_right", "keras_mask_left"]
CELLS = ["rnn", "rnn_relu", "gru", "gru_before"]
NETWORKS = ["keras_network", "keras_masking"]
TRAININGS = ["torch_training", "keras_training"]
EXCHANGES = ["torch_exchange", "keras_exchange"]
STACKS = {name: [(case, cell) for case in CASES] for name, cell in GRIDS.items()}
STACKS |= {name: [("", "lstm")] for name in MASKS} | {"keras_cells": [(cell, cell) for cell in CELLS]}
"""Records of a stack of layers: file -> cases and cells."""


def load(name: str, case: str = "") -> Record:
    """Read a record from a file: the arrays that its cases share, and those of one case."""
    with safe_open(FOLDER / f"{name}.safetensors", "numpy") as file:
        keys = [key for key in file.keys() if "/" not in key or key.startswith(case + "/")]  # noqa: SIM118
        return {key.split("/")[-1]: file.get_tensor(key) for key in keys}


def eps_of(name: str) -> float:
    """Return the precision of a recording: PyTorch computed in float64, Keras in float32."""
    return EPS64 if name.startswith("torch") else EPS32


def test_golden_files_are_small_described_and_used():
    paths = sorted(FOLDER.iterdir())
    names = [*GRIDS, *MASKS, "keras_cells", *NETWORKS, *TRAININGS, *EXCHANGES]
    assert [path.name for path in paths] == sorted(f"{n}.safetensors" for n in names)
    assert sum(path.stat().st_size for path in paths) < 500_000
    for path in paths:
        with safe_open(path, "numpy") as file:
            about = json.loads(file.metadata()["about"])
        assert about.keys() >= {"made_by", "torch", "keras", "numpy", "python", "witness", "kind"}


@pytest.mark.parametrize("name", STACKS)
def test_reference_equals_the_recording(name):
    for case, cell in STACKS[name]:
        record = load(name, case)
        with named(case):
            assert_stack(reference_stack(record, cell), record, eps_of(name))


@pytest.mark.usefixtures("every_isa")
@pytest.mark.parametrize("name", STACKS)
def test_kernels_equal_the_recording(name):
    for case, cell in STACKS[name]:
        record = load(name, case)
        with named(case):
            assert_stack(native_stack(record, cell), record, EPS32 + eps_of(name))


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_with_the_weights_of_keras_predict_as_keras_does(name):
    record = load(name)
    weights = [record[key] for key in sorted(record) if key.startswith("keras.")]
    assert_network(reference_network(record), record, EPS32)
    assert_network(sequential_predictions(record, weights), record, 2 * EPS32)


def test_get_weights_returns_the_weights_of_keras():
    record = load("keras_network")
    weights = [record[key] for key in sorted(record) if key.startswith("keras.")]
    model = sequential(record)
    model.set_weights(weights)
    for weight, back in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(back, weight)
    for views, layer in zip(model.weights.views, split(record, "weights"), strict=True):
        for name, value in layer.items():
            np.testing.assert_array_equal(views[name], value)


def test_training_reaches_the_weights_of_pytorch():
    record = load("torch_training")
    answer, sensitivity = reference_training(record)
    assert_training(answer, record, training_bounds(record, sensitivity, EPS64))
    assert_training(sequential_training(record), record, training_bounds(record, sensitivity, EPS32))


@pytest.mark.slow
def test_training_reaches_the_weights_of_keras():
    record = load("keras_training")
    answer, sensitivity = reference_training(record, keras=True)
    bounds = training_bounds(record, sensitivity, EPS32)
    assert_training(answer, record, bounds)
    # Both have rounding errors, and add epsilon at different positions.
    apart = {n: np.abs(a - reference_training(record)[0][n]) for n, a in answer.items()}
    assert_training(sequential_training(record, keras=True), record, {n: 2 * b + apart[n] for n, b in bounds.items()})


@pytest.mark.parametrize("kind", TORCH_KINDS)
def test_weights_of_pytorch_round_trip_over_a_training_step(kind):
    record = load("torch_exchange", kind)
    answer = torch_exchange(record, TORCH_KINDS[kind])
    assert_exchange(answer, record, EPS32, two_biases="gru" not in kind)


@pytest.mark.parametrize("kind", KERAS_KINDS)
def test_weights_of_keras_round_trip_over_a_training_step(kind):
    record = load("keras_exchange", kind)
    assert_exchange(keras_exchange(record, KERAS_KINDS[kind]), record, 2 * EPS32)
