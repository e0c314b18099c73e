"""Arrays of a file of Keras by layer, in both of its layouts.

Keras 3 has a group for each layer, named by its class and a number: ``layers/lstm_1/cell/vars/0``. The older layout has
groups under the names of the layers, with a list of the arrays in each.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

from gatecast._utils.schema import SchemaError
from gatecast._utils.typing import Float32Array
from gatecast.nn.keras_files.archive import read_stored_weights
from gatecast.nn.keras_files.hdf5 import Hdf5File, open_hdf5, require_h5py
from gatecast.nn.keras_files.refusals import refusing
from gatecast.nn.layers.base import given_name

__all__ = ["StoredLayer", "arrays_by_layer", "group_name", "read_keras_weights"]

INNER = ("cell", "forward_layer", "backward_layer", "layer")
"""Groups inside of the group of a layer that have weights, in the order of Keras' lists."""

MAX_ARRAYS = 100
"""Arrays of a layer, at most."""


class StoredLayer(NamedTuple):
    """A layer whose weights are looked for."""

    kind: str
    """Name of its class."""
    name: str | None
    """Its name in the file; None: the layers of the older layout are taken in order."""
    has_weights: bool


def read_keras_weights(path: str | os.PathLike[str], layers: Sequence[Any], counts: Sequence[int]) -> list[Any]:
    """Return the weights for layers, in the order and layout of Keras.

    Args:
        path: ``.weights.h5``, ``.h5`` or ``.keras``.
        layers: Layers of the model.
        counts: Number of arrays of each.

    Raises:
        ConfigError: h5py is not installed.
        FormatError: A file that is altered, or of other layers.
    """
    require_h5py()
    stored = [StoredLayer(type(k).__name__, None, n > 0) for k, n in zip(layers, counts, strict=True)]
    with refusing(path), _open(path) as file:
        return [array for arrays in arrays_by_layer(file, stored) for array in arrays]


def arrays_by_layer(file: Hdf5File, layers: Sequence[StoredLayer]) -> list[list[Float32Array]]:
    """Return the arrays of each layer.

    Args:
        file: An open file of either layout.
        layers: The layers in the order of the model.

    Raises:
        SchemaError: A layer whose weights are missing.
    """
    groups = file.child(file.root, "layers")
    if groups is None:
        return _older_layout(file, layers)
    result, used = [], dict[str, int]()
    for layer in layers:
        base = group_name(layer.kind)
        used[base] = used.get(base, -1) + 1
        name = f"{base}_{used[base]}" if used[base] else base
        group = file.child(groups, name)
        if group is None and layer.has_weights:
            present = ", ".join(file.names(groups)[:20])
            raise SchemaError(f"the weights of layer {name!r} are missing, there are those of {present[:120]}")
        result.append(_collect(file, group) if layer.has_weights else [])
    return result


def group_name(kind: str) -> str:
    """Return the name of a class as Keras 3 writes it in files.

    >>> [group_name(kind) for kind in ("LSTM", "SimpleRNN", "Conv1D", "MaxPooling1D", "TimeDistributed")]
    ['lstm', 'simple_rnn', 'conv1d', 'max_pooling1d', 'time_distributed']
    """
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", kind)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def _open(path: str | os.PathLike[str]) -> AbstractContextManager[Hdf5File]:
    """Open the HDF5 file that has the weights."""
    with open(path, "rb") as file:
        is_archive = file.read(2) == b"PK"
    return open_hdf5(read_stored_weights(path) if is_archive else path)


def _collect(file: Hdf5File, group: Any, depth: int = 0) -> list[Float32Array]:
    """Return the arrays of a group of Keras 3, those of the layers inside last."""
    arrays: list[Float32Array] = []
    variables = file.child(group, "vars")
    for k in range(MAX_ARRAYS):
        if variables is None or file.child(variables, str(k)) is None:
            break
        arrays.append(file.array(variables, str(k)))
    # Wrappers stand in one another three deep: TimeDistributed, Bidirectional, and the cell.
    for name in INNER if depth < 4 else ():
        inner = file.child(group, name)
        if inner is not None:
            arrays += _collect(file, inner, depth + 1)
    return arrays


def _older_layout(file: Hdf5File, layers: Sequence[StoredLayer]) -> list[list[Float32Array]]:
    """Return the arrays of each layer from a file of Keras 2, or an ``.h5`` file of Keras 3."""
    root = file.child(file.root, "model_weights")
    root = file.root if root is None else root
    names = file.texts(root, "layer_names")
    if names is None:
        raise SchemaError("the file has neither the group layers nor a list layer_names, as those of Keras have")
    groups = {}
    for name in names:
        group = file.child(root, name)
        listed = [] if group is None else file.texts(group, "weight_names")
        if listed:
            groups[name] = (group, listed)
    wanted = [layer for layer in layers if layer.has_weights]
    if len(wanted) != len(groups):
        raise SchemaError(f"the file has weights of {len(groups)} layers, the model has {len(wanted)} with weights")
    in_order = iter(groups)
    result = []
    for layer in layers:
        name = (given_name(layer) or next(in_order)) if layer.has_weights else ""
        if layer.has_weights and name not in groups:
            raise SchemaError(f"the weights of layer {name[:60]!r} are missing")
        group, listed = groups[name] if layer.has_weights else (None, [])
        result.append([file.array(group, array) for array in listed[:MAX_ARRAYS]])
    return result
