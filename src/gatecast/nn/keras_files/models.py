"""Models of Keras: ``.keras`` archives and ``.h5`` files as `Sequential` and `Model`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from gatecast._utils.schema import SchemaError
from gatecast.errors import ConfigError
from gatecast.nn.functional.model import Model
from gatecast.nn.keras_files.archive import read_archive
from gatecast.nn.keras_files.compiling import compile_as_stored
from gatecast.nn.keras_files.graphs import walk_graph
from gatecast.nn.keras_files.hdf5 import Hdf5File, open_hdf5, require_h5py
from gatecast.nn.keras_files.layers import is_from_keras, layer_from_keras
from gatecast.nn.keras_files.refusals import refusing
from gatecast.nn.keras_files.weights import StoredLayer, arrays_by_layer
from gatecast.nn.layers import Input
from gatecast.nn.memory_limits import count_params
from gatecast.nn.sequential import Sequential

__all__ = ["load_keras_model"]

MAX_LAYERS = 1000
"""Layers and calls of a file, at most."""


class _Description(NamedTuple):
    """What a file says about a model."""

    config: Mapping[str, Any]
    """Class and layers."""
    version: str
    """Version of Keras."""
    compiled: Mapping[str, Any] | None
    """Loss, optimizer and metrics."""


def load_keras_model(path: str | os.PathLike[str], compile: bool = True) -> Sequential:
    """Load a model that Keras has saved: layers, weights, and what it was compiled with.

    Nothing of the file is executed. The state of the optimizer is not read: training starts anew from the weights.

    Args:
        path: A ``.keras`` or ``.h5`` file of Keras 3 or 2.
        compile: Whether to compile the model as it was.

    Raises:
        ConfigError: h5py is not installed.
        FormatError: A file that is truncated, altered or foreign, or layers that do not exist here.
    """
    require_h5py()
    with open(path, "rb") as file:
        is_archive = file.read(2) == b"PK"
    with refusing(path):
        if is_archive:
            archive = read_archive(path)
            described = _Description(archive.config, archive.version, archive.config.get("compile_config"))
            with open_hdf5(archive.weights) as weights:
                model = _model(described, weights)
        else:
            with open_hdf5(path) as weights:
                described = _described_in_attributes(weights)
                model = _model(described, weights)
    if compile:
        compile_as_stored(model, described.compiled)
    return model


def _described_in_attributes(file: Hdf5File) -> _Description:
    """Return the description of an ``.h5`` file."""
    config = file.data("model_config")
    if not isinstance(config, Mapping):
        fix = "Build the model and call model.load_weights(path)."
        raise ConfigError("The file has no model, at most weights", expected="a file of model.save", fix=fix)
    version = file.text(file.root, "keras_version") or "2"
    return _Description(config, version, file.data("training_config"))


def _model(described: _Description, file: Hdf5File) -> Sequential:
    """Return the model with its weights."""
    config = described.config
    kind = config["class_name"]
    if not is_from_keras(config) or kind not in ("Sequential", "Functional", "Model"):
        fix = "Build the model here, and copy the weights: model.set_weights(keras_model.get_weights())."
        got = str(config.get("registered_name") or kind)
        raise ConfigError("The model is a class of its own", got=got, expected="Sequential or Functional", fix=fix)
    settings = config["config"]
    entries = settings if isinstance(settings, list) else settings["layers"]
    if len(entries) > MAX_LAYERS or sum(len(entry.get("inbound_nodes") or ()) for entry in entries) > MAX_LAYERS:
        raise SchemaError(f"the model has {len(entries):,} layers or more calls, expected at most {MAX_LAYERS:,}")
    builder = _Builder(described.version, file.size // 4)
    model, layers = (builder.sequential if kind == "Sequential" else builder.functional)(settings, entries)
    if not isinstance(settings, list):
        model.name = str(settings.get("name") or model.name)
    _set_weights(model, file, entries, layers)
    return model


class _Builder:
    """Makes models from descriptions; counts their weights before there are any.

    Args:
        version: Version of Keras.
        max_params: Numbers that the file can hold.
    """

    def __init__(self, version: str, max_params: int) -> None:
        self._version, self._left = version, max_params

    def layer(self, entry: Any, shape: Any) -> Any:
        """Return a layer for samples of a shape, which may be None."""
        layer = layer_from_keras(entry, None if shape is None else len(shape) + 1, self._version)
        if shape is not None and not layer.is_merge:
            self._left -= count_params(layer, shape)
            if self._left < 0:
                raise SchemaError("the layers have more weights than the file")
        return layer

    def sequential(self, settings: Any, entries: Any) -> tuple[Sequential, list[Any]]:
        """Return a `Sequential`, and its layers by entry, None for inputs."""
        built = None if isinstance(settings, list) else settings.get("build_input_shape")
        shape = _input_shape(entries[0]["config"], built)
        layers: list[Any] = []
        start = Input(tuple(shape)[1:])
        inner = start.sample_shape
        for entry in entries:
            if entry["class_name"] == "InputLayer":
                layers.append(None)
                continue
            layers.append(self.layer(entry, inner))
            inner = layers[-1].output_shape(inner)
        model = Sequential([start, *(layer for layer in layers if layer is not None)])
        model.build()
        return model, layers

    def _layer_of_value(self, entry: Any, value: Any) -> Any:
        """Return a layer that is called on a value."""
        return self.layer(entry, value.sample_shape)

    def functional(self, settings: Any, entries: Any) -> tuple[Sequential, list[Any]]:
        """Return a `Model`, and its layers by entry, None for inputs."""
        ins, outs, layers = walk_graph(settings, self._layer_of_value)
        names = [entry.get("name") or entry["config"]["name"] for entry in entries]
        return Model(ins, outs), [layers.get(name) for name in names]


def _input_shape(first: Mapping[str, Any], built: Any) -> Any:
    """Return the shape of the input of a `Sequential`, samples included."""
    shape = first.get("batch_shape") or first.get("batch_input_shape") or built
    if shape is None:
        fix = "Call the model on data, or begin it with Input, and save it again."
        raise ConfigError("The model has no input shape", fix=fix)
    return shape


def _set_weights(model: Any, file: Hdf5File, entries: Any, layers: list[Any]) -> None:
    """Set the weights of all layers."""
    counts = {id(layer): len(model_weights) for layer, model_weights in _weights_by_layer(model)}
    stored = [
        StoredLayer(
            str(entry["class_name"]), str(entry["config"].get("name")), layer is not None and counts[id(layer)] > 0
        )
        for entry, layer in zip(entries, layers, strict=True)
    ]
    arrays_of = {id(layer): arrays for layer, arrays in zip(layers, arrays_by_layer(file, stored), strict=True)}
    model.set_weights([array for layer in model._layers for array in arrays_of[id(layer)]])


def _weights_by_layer(model: Any) -> list[tuple[Any, list[Any]]]:
    """Return the layers of a model with their weights."""
    return [(layer, layer.to_keras_weights(model.layer_params(layer))) for layer in model._layers]
