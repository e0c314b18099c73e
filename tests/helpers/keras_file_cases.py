"""Golden files of Keras, altered archives, and files as Keras 2 wrote them."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

GOLDEN = Path(__file__).parents[1] / "nn" / "golden" / "keras_files"
KERAS_2 = GOLDEN.with_name("keras_2_files")
"""Files of Keras 2.15."""

NAMES = sorted(path.stem for path in GOLDEN.glob("*.keras"))


def numbers(name, folder=GOLDEN):
    """Inputs and predictions of a golden file."""
    arrays = load_file(folder / "predictions.safetensors")
    inputs = [arrays[key] for key in sorted(arrays) if key.startswith(f"{name}.x")]
    return inputs if len(inputs) > 1 else inputs[0], arrays[f"{name}.y"]


def altered_archive(path, name, change=None, members=()):
    """Write a golden archive with another description, or with more members."""
    with (
        zipfile.ZipFile(GOLDEN / f"{name}.keras") as source,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        contents = {member: source.read(member) for member in source.namelist()}
        if change is not None:
            config = json.loads(contents["config.json"])
            change(config)
            contents["config.json"] = json.dumps(config).encode()
        for member, data in (contents | dict(members)).items():
            if data is not None:
                target.writestr(member, data)
    return path


def write_keras_2(path, config, weights, training=None, version="2.9.0"):
    """Write an .h5 file as Keras 2 did.

    `weights` maps names of layers to arrays by name.
    """
    import h5py

    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = version.encode()
        file.attrs["model_config"] = json.dumps(config).encode()
        if training is not None:
            file.attrs["training_config"] = json.dumps(training).encode()
        root = file.create_group("model_weights")
        root.attrs["layer_names"] = np.array([name.encode() for name in weights])
        for name, arrays in weights.items():
            group = root.create_group(name)
            group.attrs["weight_names"] = np.array([f"{name}/{key}:0".encode() for key in arrays])
            for key, array in arrays.items():
                group.create_dataset(f"{name}/{key}:0", data=array)
    return path
