"""A file for weights and settings: safetensors with a JSON header that has a schema version and a digest.

Nothing in it is ever executed. It is written under a temporary name and renamed, so that there is always the
old file or the new one. A file that is truncated, altered, foreign or newer than this version is refused.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gatecast.errors import ConfigError, FormatError
from gatecast.kernels.packing import Array
from gatecast.nn import optim
from gatecast.nn.layers import LAYERS, Input
from gatecast.nn.losses import LOSSES, Loss
from gatecast.nn.network import Network, Weights, build, initial_weights
from gatecast.nn.optim import GradientTransformation

__all__ = ["SCHEMA", "read", "read_network", "write", "write_network"]

SCHEMA = 1
"""Version of the layout below. A change that old versions cannot read makes it one more."""

_KEY = "gatecast"
_WRITE_AGAIN = "Save the model again, or fetch the file again if it was copied."


def write(path: str | os.PathLike[str], kind: str, settings: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
    """Write arrays and settings to one file.

    Args:
        path: Where; an existing file is replaced.
        kind: What the file holds, such as "sequential"; `read` asks for it.
        settings: Whatever JSON can say.
        arrays: float32, by name.

    Raises:
        ConfigError: The file cannot be written there.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(Path(folder) / "a", "example", {"size": 3}, {"W": np.zeros(3, np.float32)})
    ...     settings, arrays = read(Path(folder) / "a", "example")
    >>> settings, arrays["W"].tolist()
    ({'size': 3}, [0.0, 0.0, 0.0])
    """
    from safetensors.numpy import save

    target = Path(path)
    header = {"schema": SCHEMA, "kind": kind, "settings": settings}
    header["sha256"] = _digest(header, arrays)
    data = save({name: np.ascontiguousarray(a) for name, a in arrays.items()}, {_KEY: json.dumps(header)})
    # One temporary name a process: two that save to one place must not write into each other's file.
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(data)
        temporary.replace(target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise ConfigError(
            "the file cannot be written",
            where=str(target),
            got=error.strerror or str(error),
            expected="a file name in a folder that exists and may be written to",
        ) from error


def read(path: str | os.PathLike[str], kind: str) -> tuple[dict[str, Any], dict[str, Array]]:
    """Read what `write` wrote.

    Args:
        path: The file.
        kind: What it should hold.

    Returns:
        The settings and the arrays.

    Raises:
        FormatError: No such file, or one that is truncated, altered, foreign, or newer than this version.
    """
    from safetensors import SafetensorError, safe_open

    where = str(path)
    if not Path(path).is_file():
        raise FormatError("there is no such file", where=where, expected="a file saved by gatecast")
    try:
        with safe_open(where, framework="np") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    except (SafetensorError, OSError, TypeError, ValueError) as error:
        got = f"something that is no safetensors file, or not all of one ({error})"
        raise FormatError("the file cannot be read", where=where, got=got, fix=_WRITE_AGAIN) from error
    header = _header(metadata, kind, where)
    if header.pop("sha256") != _digest(header, arrays):
        raise FormatError("the file was altered after it was saved", where=where, fix=_WRITE_AGAIN)
    return header["settings"], arrays


def write_network(
    path: str | os.PathLike[str],
    network: Network,
    weights: Weights,
    seed: int,
    compiled: tuple[Loss, GradientTransformation] | None,
) -> None:
    """Write a network: layers, weights, seed, loss and optimiser.

    Args:
        path: Where; an existing file is replaced.
        network: Layers and shapes; the layers must be gatecast's own.
        weights: Their parameters.
        seed: Of the model.
        compiled: Loss and optimiser; left out if one of them is a function of the user's own.

    Raises:
        ConfigError: The file cannot be written, or a layer is not one of gatecast's.
    """
    settings = {
        "input_shape": network.shapes[0],
        "seed": seed,
        "layers": [layer_to_config(layer, LAYERS) for layer in network.layers],
        "compiled": compiled and _compiled_config(*compiled),
    }
    write(path, "network", settings, _named(weights))


def read_network(
    path: str | os.PathLike[str],
) -> tuple[Network, Weights, int, tuple[Loss, GradientTransformation] | None]:
    """Read what `write_network` wrote.

    Args:
        path: The file.

    Returns:
        Network, weights, seed, and loss and optimiser if they were stored.

    Raises:
        FormatError: No such file, or one that is truncated, altered, foreign, or newer than this version.
    """
    settings, arrays = read(path, "network")
    try:
        layers = [layer_from_config(described, LAYERS) for described in settings["layers"]]
        network = build(layers, Input(tuple(settings["input_shape"])).shape)
        weights, seed = initial_weights(network, 0), int(settings["seed"])
        stored, compiled = settings["compiled"], None
        if stored is not None:
            compiled = layer_from_config(stored["loss"], LOSSES), optim.get(optim.from_config(stored["optimizer"]))
        own = _named(weights)
        if {n: a.shape for n, a in own.items()} != {n: a.shape for n, a in arrays.items()}:
            raise ValueError("its arrays are not those of its layers")
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        got = f"{type(error).__name__}: {error}"
        raise FormatError("the file describes no network", where=str(path), got=got) from error
    for name, array in own.items():
        array[...] = arrays[name]
    return network, weights, seed, compiled


def _named(weights: Weights) -> dict[str, Array]:
    """Views of all parameters by "place.name"."""
    return {f"{k}.{name}": p for k, views in enumerate(weights.views) for name, p in views.items()}


def layer_to_config(thing: Any, table: Mapping[str, Any]) -> dict[str, Any]:
    """A layer or a loss as plain data; layers within it likewise."""
    name = type(thing).__name__
    if table.get(name) is not type(thing):
        raise ConfigError("only gatecast's own layers and losses can be saved", got=repr(thing))
    return {name: {field.name: _plain(getattr(thing, field.name), table) for field in fields(thing)}}


def _plain(value: Any, table: Mapping[str, Any]) -> Any:
    """A setting as plain data."""
    if isinstance(value, tuple | list):
        return [_plain(item, table) for item in value]
    return layer_to_config(value, table) if is_dataclass(value) else value


def layer_from_config(described: Mapping[str, Any], table: Mapping[str, Any]) -> Any:
    """The inverse of `_described`."""
    ((name, settings),) = described.items()
    return table[name](**{setting: _restored(value, table) for setting, value in settings.items()})


def _restored(value: Any, table: Mapping[str, Any]) -> Any:
    """The inverse of `_plain`."""
    if isinstance(value, list):
        return tuple(_restored(item, table) for item in value)
    return layer_from_config(value, table) if isinstance(value, dict) else value


def _compiled_config(loss: Loss, optimizer: GradientTransformation) -> dict[str, Any] | None:
    """Loss and optimiser as plain data; None if one of them is the user's own code."""
    try:
        return {"loss": layer_to_config(loss, LOSSES), "optimizer": optim.to_config(optimizer)}
    except ConfigError:
        return None


def _header(metadata: Mapping[str, str], kind: str, where: str) -> dict[str, Any]:
    """The JSON header, once it is clear that this version can read the file."""
    expected = f"a file of kind {kind!r} saved by gatecast"
    try:
        header = json.loads(metadata[_KEY])
        schema, found = int(header["schema"]), header["kind"]
    except (KeyError, ValueError, TypeError):
        raise FormatError("the file is not one of gatecast's", where=where, expected=expected) from None
    if schema > SCHEMA:
        raise FormatError(
            "the file was saved by a newer version of gatecast",
            where=where,
            got=f"schema {schema}",
            expected=f"at most {SCHEMA}",
            fix="Update gatecast: pip install -U gatecast.",
        )
    if found != kind:
        raise FormatError("the file holds something else", where=where, got=f"kind {found!r}", expected=expected)
    if not (isinstance(header.get("settings"), dict) and isinstance(header.get("sha256"), str)):
        raise FormatError("the file's header is not complete", where=where, fix=_WRITE_AGAIN)
    return dict(header)


def _digest(header: Mapping[str, Any], arrays: Mapping[str, Array]) -> str:
    """SHA-256 over everything else in the file."""
    digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(array.data)
    return digest.hexdigest()
