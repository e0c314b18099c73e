"""gatecast computes what PyTorch and Keras compute: their answers are kept in files.

scripts/make_golden.py makes the files; `make test-peers` asks the peers themselves.
"""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest
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

from gatecast.kernels import native

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
STACKS = [(name, case, cell) for name, cell in GRIDS.items() for case in CASES]
STACKS += [(name, "", "lstm") for name in MASKS] + [("keras_cells", cell, cell) for cell in CELLS]


def load(name: str, case: str = "") -> Record:
    """A record from a file: what its cases share, and what this case alone has."""
    with safe_open(FOLDER / f"{name}.safetensors", "numpy") as file:
        keys = [key for key in file.keys() if "/" not in key or key.startswith(case + "/")]  # noqa: SIM118
        return {key.split("/")[-1]: file.get_tensor(key) for key in keys}


def eps_of(name: str) -> float:
    """Precision of the witness: PyTorch answered in float64, Keras in float32."""
    return EPS64 if name.startswith("torch") else EPS32


@pytest.fixture(params=native.available_isas())
def _isa(request):
    """Every instruction-set level of this machine in turn."""
    before = native.isa()
    native.set_isa(request.param)
    yield
    native.set_isa(before)


def test_every_file_is_small_says_what_it_is_and_is_used_below():
    paths = sorted(FOLDER.iterdir())
    names = [*GRIDS, *MASKS, "keras_cells", *NETWORKS, *TRAININGS, *EXCHANGES]
    assert [path.name for path in paths] == sorted(f"{n}.safetensors" for n in names)
    assert sum(path.stat().st_size for path in paths) < 500_000
    for path in paths:
        with safe_open(path, "numpy") as file:
            about = json.loads(file.metadata()["about"])
        assert about.keys() >= {"made_by", "torch", "keras", "numpy", "python", "witness", "kind"}


@pytest.mark.parametrize(("name", "case", "cell"), STACKS)
def test_the_reference_is_what_the_witness_says(name, case, cell):
    record = load(name, case)
    assert_stack(reference_stack(record, cell), record, eps_of(name))


@pytest.mark.usefixtures("_isa")
@pytest.mark.parametrize(("name", "case", "cell"), STACKS)
def test_the_native_path_is_what_the_witness_says(name, case, cell):
    record = load(name, case)
    assert_stack(native_stack(record, cell), record, EPS32 + eps_of(name))


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_predict_with_the_weights_of_keras_what_keras_predicts(name):
    record = load(name)
    weights = [record[key] for key in sorted(record) if key.startswith("keras.")]
    assert_network(reference_network(record), record, EPS32)
    assert_network(sequential_predictions(record, weights), record, 2 * EPS32)


def test_weights_come_back_as_keras_gave_them():
    record = load("keras_network")
    weights = [record[key] for key in sorted(record) if key.startswith("keras.")]
    model = sequential(record)
    model.set_weights(weights)
    for given, back in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(back, given)
    for views, own in zip(model.weights.views, split(record, "weights"), strict=True):
        for name, value in own.items():
            np.testing.assert_array_equal(views[name], value)


def test_training_goes_where_pytorch_goes():
    record = load("torch_training")
    answer, moved = reference_training(record)
    assert_training(answer, record, training_bounds(record, moved, EPS64))
    assert_training(sequential_training(record), record, training_bounds(record, moved, EPS32))


def test_training_goes_where_keras_goes():
    record = load("keras_training")
    answer, moved = reference_training(record, keras=True)
    bounds = training_bounds(record, moved, EPS32)
    assert_training(answer, record, bounds)
    # Both have rounding errors, and epsilon stands in different places.
    apart = {n: np.abs(a - reference_training(record)[0][n]) for n, a in answer.items()}
    assert_training(sequential_training(record), record, {n: 2 * b + apart[n] for n, b in bounds.items()})


@pytest.mark.parametrize("kind", TORCH_KINDS)
def test_pytorchs_weights_come_in_take_a_step_and_go_out(kind):
    record = load("torch_exchange", kind)
    answer = torch_exchange(record, TORCH_KINDS[kind])
    assert_exchange(answer, record, EPS32, two_biases="gru" not in kind)


@pytest.mark.parametrize("kind", KERAS_KINDS)
def test_keras_weights_come_in_take_a_step_and_go_out(kind):
    record = load("keras_exchange", kind)
    assert_exchange(keras_exchange(record, KERAS_KINDS[kind]), record, 2 * EPS32)
