"""Write tests/kernels/golden/*.safetensors and tests/nn/golden/*.json: results of PyTorch and Keras.

usage: KERAS_BACKEND=torch PYTHONPATH=tests/helpers:tests/peers python scripts/make_golden.py
It needs torch==2.13.0, keras, numpy and safetensors, and no gatecast.

The same versions write the same files. The metadata of a file state its content and its origin.
`tests/helpers/witnesses.py` describes a record. In files with several cases, names begin with "t<T>b<B>/", except
those of the weights, which the cases share.
"""

from __future__ import annotations

import json
import platform
from functools import partial
from importlib import import_module
from itertools import product
from pathlib import Path

import keras
import numpy as np
import torch
import witness_keras
import witness_keras_training
import witness_torch
from keras_layer_cases import CASES
from keras_mask_cases import CASES as MASKED
from keras_mask_cases import run as run_masked
from keras_model_cases import MODELS
from safetensors.numpy import save_file
from witness_keras_layers import layer_record
from witness_keras_models import model_record
from witnesses import (
    KERAS_KINDS,
    TORCH_KINDS,
    Record,
    draw,
    draw_inputs,
    draw_layer,
    draw_training,
    draw_weights,
    join,
    padding,
)

OUT = Path(__file__).resolve().parent.parent / "tests" / "kernels" / "golden"
OUT_NN = OUT.parents[1] / "nn" / "golden"
SEED = 20240229
STEPS, BATCHES = (1, 6), (1, 3)
NAMED_MODULES = (
    *(
        "",
        "activations",
        "backend",
        "callbacks",
        "constraints",
        "initializers",
        "layers",
        "losses",
        "metrics",
        "models",
    ),
    *("optimizers", "optimizers.schedules", "preprocessing", "preprocessing.sequence", "regularizers", "utils"),
)
"""Modules of Keras that have a counterpart in gatecast."""
VERSIONS = {
    "made_by": "scripts/make_golden.py",
    "torch": torch.__version__,
    "keras": f"{keras.__version__} on its {keras.backend.backend()} backend",
    "numpy": np.__version__,
    "python": platform.python_version(),
    "precision": "questions float32, multiples of 2^-12; answers of PyTorch float64, of Keras float32",
    "record": "tests/helpers/witnesses.py",
}


def write(name: str, record: Record, *, folder: Path = OUT, **about: str) -> None:
    """Write one self-describing file."""
    arrays = {key: np.asarray(value, order="C") for key, value in record.items()}
    path = folder / f"{name}.safetensors"
    # One entry: safetensors writes several entries in an order that changes from run to run.
    save_file(arrays, path, {"about": json.dumps(VERSIONS | about)})
    print(f"{path.stat().st_size:8d} {path.name}")


def grid(weights: Record, seed: int, answer, cell: str = "lstm") -> Record:
    """Return the cases of all lengths and batch sizes for one set of weights."""
    record = dict(weights)
    for T, B in product(STEPS, BATCHES):
        inputs = draw_inputs(np.random.default_rng([SEED, seed, T, B]), weights, T, B, cell=cell)
        outputs = answer(weights | inputs)
        record |= {f"t{T}b{B}/{name}": value for name, value in (inputs | outputs).items()}
    return record


def torch_layers() -> None:
    """Write one and two layers, without peepholes."""
    for N, H in product((1, 2), (1, 7, 10)):
        weights = draw_weights(np.random.default_rng([SEED, N, H]), N, 3, H)
        record = grid(weights, 10 * N + H, witness_torch.stack)
        write(f"torch_lstm_{N}x{H}", record, witness="torch.nn.LSTM", kind="stack", cases="4")


def torch_cells() -> None:
    """Write two layers of the other cells, and of an LSTM with projection."""
    for k, (cell, projection) in enumerate((("rnn", None), ("rnn_relu", None), ("gru", None), ("lstm", 3))):
        weights = draw_weights(np.random.default_rng([SEED, 7, k]), 2, 3, 5, None, cell, projection)
        record = grid(weights, 200 + k, partial(witness_torch.stack, cell=cell), cell)
        about = "torch.nn." + ("LSTM(proj_size=3)" if projection else cell)
        write(f"torch_{'projection' if projection else cell}", record, witness=about, kind="stack", cases="4")


def peepholes() -> None:
    """Write both forms of peepholes, by autograd."""
    for form, H in product(("diagonal", "full"), (1, 5)):
        weights = draw_weights(np.random.default_rng([SEED, 3, H]), 1, 2, H, form)
        record = grid(weights, 100 + H, witness_torch.peephole_lstm)
        witness = f"autograd over the equations with a {form} peephole"
        write(f"torch_peephole_{form}_{H}", record, witness=witness, kind="stack", cases="4")


def keras_masks() -> None:
    """Write two layers with a mask: padding on the right from any state, on the left from the zero state."""
    lengths = (5, 2, 1, 3)
    for side in ("right", "left"):
        rng = np.random.default_rng([SEED, 4, len(side)])
        weights = draw_weights(rng, 2, 2, 5)
        # Where the first steps are skipped, Keras outputs 0, gatecast h0.
        question = weights | draw_inputs(rng, weights, 5, len(lengths), stateful=side == "right")
        question["mask"] = padding(5, lengths, side)
        witness = "keras.layers.LSTM(mask=)"
        write(f"keras_mask_{side}", question | witness_keras.stack(question), witness=witness, kind="stack")


def keras_cells() -> None:
    """Write two layers of the other cells, padded on the right, from any state."""
    record: Record = {}
    for k, cell in enumerate(("rnn", "rnn_relu", "gru", "gru_before")):
        rng = np.random.default_rng([SEED, 8, k])
        weights = draw_weights(rng, 2, 2, 5, cell=cell)
        question = weights | draw_inputs(rng, weights, 5, 4, cell=cell)
        question["mask"] = padding(5, (5, 2, 1, 3), "right")
        answer = question | witness_keras.stack(question, cell)
        record |= {f"{cell}/{name}": value for name, value in answer.items()}
    write("keras_cells", record, witness="keras.layers.SimpleRNN and GRU (mask=)", kind="stack", cases="4")


def exchanges() -> None:
    """Write two layers and a dense one in the format of the peer, before and after one step of SGD."""
    for peer, kinds, witness in (("torch", TORCH_KINDS, witness_torch), ("keras", KERAS_KINDS, witness_keras)):
        record: Record = {}
        for k, (name, kind) in enumerate(kinds.items()):
            answer = witness.exchange(np.random.default_rng([SEED, 9, k]), kind)
            record |= {f"{name}/{key}": value for key, value in answer.items()}
        write(f"{peer}_exchange", record, witness=f"{peer}'s layers and SGD", kind="exchange", cases=f"{len(kinds)}")


def keras_networks() -> None:
    """Write weights and predictions of LSTM, Dropout, LSTM, Dropout, Dense, also after Masking."""
    for masking in (False, True):
        rng = np.random.default_rng([SEED, 5])
        dense = {"W": draw_layer(rng, 4, 1)["Wx"][:, :2], "b": draw_layer(rng, 1, 1)["b"][:2]}
        stack = [draw_layer(rng, 3, 6), draw_layer(rng, 6, 4)]
        question = join("weights", [*stack, dense]) | {"x": draw(rng, 5, 7, 3)}
        if masking:
            question["mask"] = padding(7, (7, 4, 1, 6, 2), "left")
            question["x"] = np.where(question["mask"][:, :, None], question["x"], np.float32(0))
        record = question | witness_keras.predictions(question, masking=masking)
        about = "keras.Sequential.get_weights and predict" + (" behind Masking(0)" if masking else "")
        write("keras_masking" if masking else "keras_network", record, witness=about, kind="network")


def training() -> None:
    """Write one step of SGD and three of Adam for 3 x LSTM(5) + Dense(1), mean squared error."""
    # Keras adds epsilon at another point: its small default makes the difference negligible.
    for name, peer, epsilon in (("torch", witness_torch, 2.0**-12), ("keras", witness_keras, 1e-7)):
        question = draw_training(np.random.default_rng([SEED, 6]), 3, 5, 6, 4, epsilon)
        record = question | peer.training(question)
        write(f"{name}_training", record, witness=f"{name}'s LSTM, SGD and Adam", kind="training")


def keras_layers() -> None:
    """Write single layers with their arguments in Keras' words."""
    record = {f"{name}/{key}": value for name in CASES for key, value in layer_record(name).items()}
    write("keras_layers", record, folder=OUT_NN, witness="keras.layers", kind="layer", cases=f"{len(CASES)}")
    record = {f"{name}/{key}": value for name in MODELS for key, value in model_record(name).items()}
    write("keras_models", record, folder=OUT_NN, witness="keras.Model", kind="model", cases=f"{len(MODELS)}")


def keras_training() -> None:
    """Write losses by epoch, metrics, and decisions of callbacks and schedules of Keras, as JSON."""
    path = OUT.parents[1] / "nn" / "golden" / "keras_training.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        json.dumps(
            {"about": VERSIONS | {"record": "tests/peers/witness_keras_training.py"}} | witness_keras_training.answers()
        )
        + "\n"
    )
    print(f"{path.stat().st_size:8d} {path.name}")


def keras_masked_outputs() -> None:
    """Write losses, metrics and weights of models whose steps are masked, as JSON."""
    cases = {f"{name}-{weights}": run_masked(keras, name, weights) for name, weights in MASKED}
    path = OUT_NN / "keras_masked_outputs.json"
    about = VERSIONS | {"record": "tests/helpers/keras_mask_cases.py"}
    path.write_text(json.dumps({"about": about, "cases": cases}) + "\n")
    print(f"{path.stat().st_size:8d} {path.name}")


def keras_names() -> None:
    """Write the public names of Keras by module, as JSON."""
    modules = {name: import_module(f"keras.{name}" if name else "keras") for name in NAMED_MODULES}
    names = {name: [n for n in dir(module) if not n.startswith("_")] for name, module in modules.items()}
    path = OUT_NN / "keras_names.json"
    path.write_text(json.dumps({"about": VERSIONS} | names, indent=1) + "\n")
    print(f"{path.stat().st_size:8d} {path.name}")


def torch_names() -> None:
    """Write the public names of PyTorch by module, as JSON."""
    modules = {name: import_module(f"torch.{name}") for name in ("nn", "optim", "optim.lr_scheduler", "utils.data")}
    names = {
        key: sorted(
            name
            for name, value in vars(module).items()
            if isinstance(value, type) and not name.startswith("_") and value.__module__.startswith(module.__name__)
        )
        for key, module in modules.items()
    }
    names["optim.lr_scheduler"] = sorted(modules["optim.lr_scheduler"].__all__)
    names["nn.init"] = [name for name in dir(torch.nn.init) if name.endswith("_") and not name.startswith("_")]
    path = OUT_NN / "torch_names.json"
    path.write_text(json.dumps({"about": VERSIONS} | names, indent=1) + "\n")
    print(f"{path.stat().st_size:8d} {path.name}")


def torch_modules() -> None:
    """Write state_dicts of whole modules, inputs and outputs, as JSON."""
    nn = torch.nn
    torch.manual_seed(SEED)
    parts = {"conv": nn.Conv1d(2, 3, 2), "norm": nn.BatchNorm1d(3)}
    for kind in ("LSTM", "GRU", "RNN"):
        size = 3 if kind == "LSTM" else 4
        parts[kind.lower()] = getattr(nn, kind)(size, 2, num_layers=2, bidirectional=True, batch_first=True)
    parts |= {"scale": nn.LayerNorm(4), "fc": nn.Linear(4, 2)}
    attributes = nn.ModuleDict(parts)
    numbered = nn.Sequential(nn.Embedding(5, 2), nn.Flatten(), nn.ReLU(), nn.Linear(6, 2))
    for module in (attributes["norm"], attributes["scale"]):
        for weights in module.parameters():
            nn.init.normal_(weights)
    x, codes = torch.randn(3, 6, 2), torch.randint(0, 5, (4, 3))
    records = {}
    with torch.no_grad():
        attributes["norm"](attributes["conv"](x.transpose(1, 2)))  # moves the averages
        attributes.eval()
        h = attributes["norm"](attributes["conv"](x.transpose(1, 2))).transpose(1, 2)
        for kind in ("lstm", "gru", "rnn"):
            h = attributes[kind](h)[0]
        y = attributes["fc"](attributes["scale"](h))
        for name, module, inputs, outputs in (
            ("attributes", attributes, x, y),
            ("sequential", numbered, codes, numbered(codes)),
        ):
            state = {key: value.tolist() for key, value in module.state_dict().items()}
            records[name] = {"x": inputs.tolist(), "y": outputs.tolist(), "state_dict": state}
    path = OUT_NN / "torch_modules.json"
    path.write_text(json.dumps({"about": VERSIONS} | records) + "\n")
    print(f"{path.stat().st_size:8d} {path.name}")


def main() -> None:
    for folder in (OUT, OUT_NN):
        folder.mkdir(exist_ok=True)
    torch.set_num_threads(1)
    torch_layers()
    torch_cells()
    peepholes()
    keras_masks()
    keras_cells()
    exchanges()
    keras_networks()
    keras_layers()
    training()
    keras_training()
    keras_masked_outputs()
    keras_names()
    torch_names()
    torch_modules()
    print(f"{sum(path.stat().st_size for path in OUT.glob('*.safetensors')):8d} in all")


if __name__ == "__main__":
    main()
