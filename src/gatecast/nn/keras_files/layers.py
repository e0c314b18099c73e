"""From the description of a layer in a file of Keras to the layer here: a table of classes, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gatecast._utils.keras_names import ADVICE
from gatecast.errors import ConfigError
from gatecast.nn.constraints import CONSTRAINTS
from gatecast.nn.initializers import INITIALIZERS
from gatecast.nn.layers import GRU, LSTM, SimpleRNN
from gatecast.nn.layers.table import LAYERS
from gatecast.nn.named import nearest
from gatecast.nn.regularizers import REGULARIZERS

__all__ = ["check_class", "is_from_keras", "layer_from_keras"]

OWN = ("Dilated", "Graph", "MinGRU", "MinLSTM", "QuantileHead", "RMSNorm", "Residual", "SLSTM", "Select")
"""Layers that Keras has not."""

KERAS_LAYERS: Mapping[str, Any] = {name: layer for name, layer in LAYERS.items() if name not in OWN}
"""Layers that a file of Keras may contain."""

CELLS: Mapping[str, Any] = {"LSTMCell": LSTM, "GRUCell": GRU, "SimpleRNNCell": SimpleRNN}
"""Layers of the cells inside of RNN."""

RECORDS = {"initializer": INITIALIZERS, "regularizer": REGULARIZERS, "constraint": CONSTRAINTS}
"""Settings that are objects, by the last word of their name."""

RENAMED = {"LeakyReLU": {"alpha": "negative_slope"}}
"""Arguments of Keras 2 under another name."""

WITHOUT_EFFECT = (
    *("batch_input_shape", "batch_shape"),  # the shape of the input has been read by then
    *("batch_size", "fused", "implementation", "input_length", "lora_alpha", "ragged", "renorm_clipping"),
    *("renorm_momentum", "seed", "sparse", "supports_masking", "use_cudnn", "zero_output_for_mask"),
    *("beta_initializer", "embeddings_initializer", "gamma_initializer"),
    *("moving_mean_initializer", "moving_variance_initializer"),
)
"""Arguments that change no prediction once the weights are there."""

ONLY_DEFAULTS = (
    *("activity_regularizer", "adjustment", "lora_rank", "mask_zero", "noise_shape", "quantization_config"),
    *("renorm", "rms_scaling", "synchronized", "virtual_batch_size", "weights"),
    *(f"{name}_{kind}" for name in ("beta", "gamma", "embeddings") for kind in ("regularizer", "constraint")),
)
"""Arguments that are dropped when they ask for nothing."""

FIXES = {
    "mask_zero": "Pass mask= to fit and predict, and build the model here: model.set_weights takes Keras' list.",
    "custom": "Build the model here with layers of gatecast, and copy its weights: model.set_weights(weights).",
}


def layer_from_keras(entry: Any, rank: int | None, version: str) -> Any:
    """Return a layer.

    Args:
        entry: Class name and config, as Keras describes a layer.
        rank: Number of axes of its input, samples included; None: not known.
        version: Version of Keras.

    Raises:
        ConfigError: A class or a setting that does not exist here.

    Example:
        >>> layer_from_keras({"class_name": "Dense", "config": {"units": 3, "activation": "relu"}}, 2, "3.0")
        Dense(3, activation='relu')
    """
    name = check_class(entry, {**KERAS_LAYERS, "RNN": None}, "layer")
    config = dict(entry["config"])
    if name == "RNN":
        return _recurrent(config, version)
    if name == "Bidirectional":
        return _bidirectional(config, rank, version)
    settings = {} if name != "GRU" or "reset_after" in config else {"reset_after": False}  # before Keras 2.1
    if name == "TimeDistributed":
        settings["layer"] = layer_from_keras(config.pop("layer"), None if rank is None else rank - 1, version)
    return KERAS_LAYERS[name](**settings, **_settings(name, config, rank, version))


def check_class(entry: Any, table: Mapping[str, Any], what: str) -> str:
    """Return the name of a class of Keras.

    Args:
        entry: Class name, and where it comes from.
        table: The classes that may be.
        what: What it is, for the error.

    Raises:
        ConfigError: A class of someone else, or one that does not exist here.
    """
    name = str(entry["class_name"])
    if not is_from_keras(entry):
        label = entry.get("registered_name") or name
        raise ConfigError(f"The file needs a {what} of its own, {label}", expected=f"a {what} of Keras", fix=_fix(name))
    if name not in table:
        raise ConfigError(f"The file needs the {what} {name}, which gatecast does not have", fix=_fix(name, table))
    return name


def is_from_keras(entry: Mapping[str, Any]) -> bool:
    """Return whether a class is one of Keras, and not registered by someone else.

    >>> is_from_keras({"class_name": "Mine", "module": "mine", "registered_name": "mine>Mine"})
    False
    """
    module, registered = entry.get("module"), entry.get("registered_name")
    known = module is None or str(module).split(".")[0] in ("keras", "tf_keras")
    return known and registered in (None, entry["class_name"])


def _fix(name: str, table: Mapping[str, Any] | None = None) -> str:
    """Return what to write instead of a class."""
    if table is None:
        return FIXES["custom"]
    if name in ("Functional", "Model", "Sequential"):
        return "Put the layers of the inner model into the outer one, and save it again."
    return ADVICE["gatecast.layers"].get(name) or nearest(name, table) or FIXES["custom"]


def _recurrent(config: dict[str, Any], version: str) -> Any:
    """Return the recurrent layer for RNN with a cell."""
    cell = config.pop("cell")
    kind = CELLS[check_class(cell, CELLS, "cell")]
    settings = _settings(kind.__name__, dict(cell["config"]), None, version)
    return kind(**(settings | _settings(kind.__name__, config, None, version)))


def _bidirectional(config: dict[str, Any], rank: int | None, version: str) -> Any:
    """Return the layer for both directions, whose settings have to be the same."""
    forward = layer_from_keras(config.pop("layer"), rank, version)
    if (described := config.pop("backward_layer", None)) is not None:
        backward = layer_from_keras(described, rank, version)
        reverse = getattr(backward, "go_backwards", False)
        if not reverse or replace(backward, name=forward.name, go_backwards=False) != forward:
            fix = "Both directions have the same settings here. Use two layers in a functional model."
            raise ConfigError("Bidirectional has two different layers", got=repr(backward), fix=fix)
    return KERAS_LAYERS["Bidirectional"](forward, **_settings("Bidirectional", config, rank, version))


def _settings(layer: str, config: Mapping[str, Any], rank: int | None, version: str) -> dict[str, Any]:
    """Return the arguments of a layer."""
    renamed = RENAMED.get(layer, {})
    settings = {}
    for key, value in config.items():
        if key in WITHOUT_EFFECT or (key in ONLY_DEFAULTS and (value is None or value is False)):
            continue
        if key == "dtype":
            _check_dtype(layer, value)
            continue
        if key in ("mask_zero", "renorm", "rms_scaling"):
            fix = FIXES.get(key, FIXES["custom"])
            raise ConfigError(f"{layer} has {key}=True, which gatecast does not have", fix=fix)
        settings[renamed.get(key, key)] = _setting(layer, key, value, rank, version)
    return settings


def _setting(layer: str, key: str, value: Any, rank: int | None, version: str) -> Any:
    """Return the value of an argument."""
    kinds = RECORDS.get(key.rpartition("_")[2])
    if kinds is not None and isinstance(value, Mapping):
        settings = {name: item for name, item in value["config"].items() if name not in ("seed", "dtype")}
        name = check_class(value, kinds, key)
        lost = ("input_axes", "output_axes") if key.endswith("initializer") else ()
        return kinds[name](**{name: item for name, item in settings.items() if name not in lost})
    if key.endswith("activation"):
        return _activation(layer, value, version)
    if key == "axis" and rank is not None:
        axes = list(value) if isinstance(value, list | tuple) else [value]
        return -1 if axes in ([rank - 1], [-1]) else value
    return tuple(value) if isinstance(value, list) else value


def _activation(layer: str, value: Any, version: str) -> Any:
    """Return the name of an activation."""
    if isinstance(value, Mapping):
        label = value.get("config") if value.get("class_name") == "function" else value.get("class_name")
        fix = "Use an activation by its name, or the layers LeakyReLU, ELU and Softmax."
        raise ConfigError("The file needs an activation of its own", where=layer, got=str(label)[:60], fix=fix)
    if value == "hard_sigmoid" and version[:1] in ("1", "2"):
        what = f"hard_sigmoid of Keras {version[:1]} is another function than that of Keras 3 and gatecast"
        raise ConfigError(what, where=layer, fix="Train the model with sigmoid.")
    return value


def _check_dtype(layer: str, value: Any) -> None:
    """Refuse layers that compute in another precision."""
    name = value.get("config", {}).get("name") if isinstance(value, Mapping) else value
    # Codes of an Embedding, and inputs, may be whole numbers.
    if name not in (None, "float32", "int32", "int64"):
        fix = "Everything is computed in float32 here: save the model with that dtype."
        raise ConfigError(f"{layer} has another dtype", got=str(name)[:40], expected="float32", fix=fix)
