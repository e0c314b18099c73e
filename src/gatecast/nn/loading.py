"""`load_model`: a model from a file of gatecast or of Keras."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from gatecast.nn.functional.model import Model
from gatecast.nn.keras_files.models import load_keras_model
from gatecast.nn.layers import Graph
from gatecast.nn.model_files import is_foreign
from gatecast.nn.sequential import Sequential

__all__ = ["load_model"]


def load_model(
    filepath: str | os.PathLike[str],
    custom_objects: Mapping[str, Any] | None = None,  # noqa: ARG001
    compile: bool = True,
    safe_mode: bool = True,  # noqa: ARG001
) -> Sequential:
    """Load a model that `save` has written, here or in Keras: a `Model` or a `Sequential`, as it was.

    ``.keras`` and ``.h5`` files of Keras 3 and Keras 2 need the extra ``keras``. Their layers and weights are read, and
    loss, optimizer and metrics as far as they exist here; the state of the optimizer is not.

    Args:
        filepath: The file.
        custom_objects: For scripts written for Keras: objects of yours are not loaded.
        compile: Whether the model is compiled as before.
        safe_mode: For scripts written for Keras: nothing in a file is executed.

    Raises:
        ConfigError: A file of Keras, and h5py is not installed.
        FormatError: A missing, truncated, altered or foreign file, one of a newer version, or layers of Keras that do
            not exist here.
    """
    if is_foreign(filepath):
        return load_keras_model(filepath, compile)
    model = Sequential.load(filepath)
    layers: Any = model.network.layers
    if model._input_names is not None or isinstance(layers[0], Graph):
        model = Model.from_sequential(model)
    if not compile:
        model._compiled = model._training_state = None
    return model
