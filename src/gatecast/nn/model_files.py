"""Files of models: a network, what it was compiled with, and how far its training has come."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from gatecast._utils import safefile
from gatecast._utils.schema import Range, SchemaError, check_array, from_json
from gatecast._utils.typing import Float32Array
from gatecast.errors import ConfigError, FormatError
from gatecast.metrics import by_name
from gatecast.nn import optimizers
from gatecast.nn.callbacks import History
from gatecast.nn.checkpoint import layer_from_config, layer_to_config, named_views, read_network
from gatecast.nn.compiling import Compiled
from gatecast.nn.functional.output_compiling import OutputsCompiled
from gatecast.nn.functional.output_losses import OutputLosses
from gatecast.nn.layers import Graph, Shape
from gatecast.nn.losses import LOSSES, Loss
from gatecast.nn.losses.weighted import WeightedLoss
from gatecast.nn.model_layers import output_names
from gatecast.nn.network import Network, Weights
from gatecast.nn.resume import join_arrays, split_arrays, state_from_data, state_to_data
from gatecast.nn.training import TrainingState

__all__ = [
    "check_input_names",
    "check_open_shapes",
    "check_output_keys",
    "check_target",
    "compiled_from_data",
    "compiled_to_data",
    "is_foreign",
    "read_model",
    "read_weights",
    "refuse_foreign_file",
    "training_to_data",
    "write_weights",
]

FOREIGN_SUFFIXES = (".h5", ".hdf5", ".keras", ".onnx", ".pt", ".pth", ".pb", ".tf")
"""Suffixes of other formats."""

STORED_LOSSES: Mapping[str, type[Loss]] = {
    **LOSSES,
    OutputLosses.__name__: OutputLosses,
    WeightedLoss.__name__: WeightedLoss,
}
"""Losses that a file may contain, by name."""

Name = Annotated[str, Range(1, 1000)]
"""Name of a model or an input."""

MAGIC = {b"\x89HDF": "an HDF5 file, as Keras writes it", b"PK\x03\x04": "an archive, as Keras 3 or PyTorch writes it"}
"""First bytes of other formats."""


def check_target(path: str | os.PathLike[str], overwrite: bool) -> None:
    """Check where a model is saved; warn if the name is that of another format.

    Args:
        path: The file.
        overwrite: Whether an existing file may be replaced.

    Raises:
        ConfigError: A file that exists, and may not be replaced.
    """
    target = Path(path)
    if os.path.exists(target) and not overwrite:
        raise ConfigError("The file exists", where=str(target), fix="Pass overwrite=True, or another name.")
    if target.suffix.lower() in FOREIGN_SUFFIXES:
        warnings.warn(
            f"{target.name} is written in the format of gatecast (safetensors), whatever its suffix: gatecast reads "
            "it, Keras does not. Use the suffix .gatecast to avoid confusion.",
            stacklevel=4,
        )


def is_foreign(path: str | os.PathLike[str]) -> bool:
    """Return whether a file begins as those of Keras do; not for a file that is not there."""
    return _magic(path) in MAGIC


def refuse_foreign_file(path: str | os.PathLike[str]) -> None:
    """Raise an error for a file of another format.

    Raises:
        FormatError: An HDF5 file or an archive.
    """
    magic = _magic(path)
    if magic in MAGIC:
        raise FormatError(
            "The file is of another format",
            where=str(path),
            got=MAGIC[magic],
            expected="a file saved by gatecast",
            fix="Files of Keras: gatecast.models.load_model(path). Weights of PyTorch: model.load_torch(state_dict).",
        )


def _magic(path: str | os.PathLike[str]) -> bytes:
    """Return the first bytes of a file."""
    target = Path(path)
    if not os.path.isfile(target):
        return b""
    with target.open("rb") as file:
        return file.read(4)


def compiled_to_data(compiled: Compiled | None) -> dict[str, Any] | None:
    """Return loss, optimizer and metrics as data for JSON; None if the loss or schedule is a function of the user.

    Metrics that are functions of the user are left out.
    """
    if compiled is None:
        return None
    try:
        loss = None if compiled.loss is None else layer_to_config(compiled.loss, STORED_LOSSES)
        data: dict[str, Any] = {"loss": loss, "optimizer": compiled.optimizer.to_data()}
    except ConfigError:
        return None
    for name in ("metrics", "weighted_metrics"):
        items = getattr(compiled, name)
        several = isinstance(compiled, OutputsCompiled)
        data[name] = [_metrics_to_data(of) for of in items] if several else _metrics_to_data(items)
    return data


def compiled_from_data(
    data: Mapping[str, Any] | None, network: Network, keys: Sequence[str] | None = None
) -> Compiled | None:
    """Return what `compiled_to_data` has described, for a network, and the keys of its outputs if it has them."""
    if data is None:
        return None
    loss = None if data["loss"] is None else layer_from_config(data["loss"], STORED_LOSSES)
    if isinstance(loss, OutputLosses) and network.shapes[-1] != (loss.size,):
        raise SchemaError(f"the losses are of {loss.size} outputs, expected {network.shapes[-1]}")
    optimizer, graph = optimizers.from_data(data["optimizer"]), network.layers[0]
    stored = [data.get(key, ()) for key in ("metrics", "weighted_metrics")]
    if isinstance(graph, Graph) and len(graph.outputs) > 1 and len(network.layers) == 1:
        # Older files have no metrics of several outputs.
        names, n = keys or output_names(graph), len(graph.outputs)
        by_output = [tuple(tuple(map(_metric_from_data, of)) for of in items or [()] * n) for items in stored]
        if any(len(of) != n for of in by_output):
            raise SchemaError(f"metrics are of {max(map(len, by_output))} outputs, expected {n}")
        shapes = [tuple(size or 0 for size in shape) for shape in graph.output_shapes(network.shapes[0])]
        return OutputsCompiled(loss, optimizer, by_output[0], by_output[1], names=names, shapes=shapes)
    plain, weighted = (tuple(map(_metric_from_data, items)) for items in stored)
    return Compiled(loss, optimizer, plain, weighted)


def training_to_data(
    state: TrainingState | None, history: History | None
) -> tuple[dict[str, Any], dict[str, Float32Array]]:
    """Return how far a training has come: counts and history, and the arrays of the optimizer."""
    if state is None:
        return {"training": None}, {}
    counts, arrays = state_to_data(state)
    past = None if history is None else split_arrays(history.get_state(), "")[0]
    stored = {f"optimizer.{name}": array for name, array in arrays.items()}
    if state.training_vector is not None:
        stored["training_vector"] = state.training_vector
    return {"training": counts | {"history": past}}, stored


def read_model(path: str | os.PathLike[str], model: Any) -> None:
    """Set a model to what a file describes.

    Args:
        path: The file.
        model: A model without layers, changed in place.

    Raises:
        FormatError: A missing, truncated, altered or foreign file, or one of a newer version.
    """
    refuse_foreign_file(path)
    network, weights, seed, settings, arrays = read_network(path)
    with safefile.describing("a network", path):
        for name, array in arrays.items():
            check_array(arrays, name, array.dtype, array.shape)
        model._output_keys = from_json(list[Name] | None, settings.get("output_keys"), "output_keys")
        check_output_keys(model._output_keys, network)
        compiled = compiled_from_data(settings["compiled"], network, model._output_keys)
        training = settings.get("training")
        # Older files have no names.
        model.name = from_json(Name, settings.get("name", model.name), "name")
        model._input_names = from_json(list[Name] | None, settings.get("input_names"), "input_names")
        check_input_names(model._input_names, network)
        open_shapes = from_json(list[tuple[int | None, ...]] | None, settings.get("open_shapes"), "open_shapes")
        check_open_shapes(open_shapes, network)
        model._open_shapes = open_shapes
        model._network, model._weights, model._compiled, model.seed = network, weights, compiled, seed
        if compiled is not None and training is not None:
            sizes = [view.size for view in named_views(weights).values()]
            state = TrainingState(compiled.optimizer.transformation(sizes).init(weights.vector.size))
            state_from_data(training, join_arrays({}, arrays, "optimizer."), state)
            state.training_vector = arrays.get("training_vector")
            model._training_state, compiled.optimizer.iterations = state, state.step
            if training["history"] is not None:
                model.history = History()
                model.history.set_state(training["history"])


def check_input_names(names: Sequence[str] | None, network: Network) -> None:
    """Raise an error unless there is a name for each input of a functional model, or none.

    Raises:
        SchemaError: Another number of names, or a name twice.

    >>> check_input_names(None, Network((), ((1,),)))
    """
    count = len(getattr(network.layers[0], "input_shapes", (None,))) if names is not None else 0
    if names is not None and (len(names) != count or len(set(names)) != count):
        raise SchemaError(f"input_names has {len(set(names))} names, expected {count}")


def check_open_shapes(shapes: Sequence[Shape] | None, network: Network) -> None:
    """Raise an error unless shapes with open numbers of steps are those of the inputs of a functional model, or none.

    Raises:
        SchemaError: Other shapes.

    >>> check_open_shapes(None, Network((), ((1,),)))
    """
    if shapes is None:
        return
    known = getattr(network.layers[0], "input_shapes", ())
    fits = len(shapes) == len(known) and all(
        len(a) == len(b) and a[1:] == b[1:] and a[:1] in (b[:1], (None,)) for a, b in zip(shapes, known, strict=True)
    )
    if not fits:
        raise SchemaError(f"open_shapes is {shapes}, expected shapes like {list(known)}")


def check_output_keys(keys: Sequence[str] | None, network: Network) -> None:
    """Raise an error unless there is a key for each output of a functional model, or none.

    Raises:
        SchemaError: Another number of keys, or a key twice.

    >>> check_output_keys(None, Network((), ((1,),)))
    """
    count = len(getattr(network.layers[0], "outputs", (None,))) if keys is not None else 0
    if keys is not None and (len(keys) != count or len(set(keys)) != count):
        raise SchemaError(f"output_keys has {len(set(keys))} names, expected {count}")


def write_weights(path: str | os.PathLike[str], weights: Weights) -> None:
    """Write the weights of a model alone."""
    safefile.write(path, "weights", {}, named_views(weights))


def read_weights(path: str | os.PathLike[str], weights: Weights) -> None:
    """Set weights to those of a file of `write_weights`, or of a model.

    Raises:
        FormatError: A missing, truncated, altered or foreign file, or weights of other layers. No weight has changed.
    """
    refuse_foreign_file(path)
    try:
        _, arrays = safefile.read(path, "weights")
    except FormatError as error:
        if "another kind" not in error.what:
            raise
        arrays = {name: a for name, a in safefile.read(path, "network")[1].items() if name[0].isdigit()}
    views = named_views(weights)
    shapes = {name: a.shape for name, a in views.items()}, {name: a.shape for name, a in arrays.items()}
    if shapes[0] != shapes[1]:
        got, expected = (str(list(of.values())) for of in (shapes[1], shapes[0]))
        raise FormatError("The weights are of other layers", where=str(path), got=got, expected=expected)
    with safefile.describing("weights", path):
        for name, view in views.items():
            check_array(arrays, name, np.float32, view.shape)
    for name, view in views.items():
        view[...] = arrays[name]


def _metrics_to_data(items: Sequence[Any]) -> list[dict[str, Any]]:
    """Return metrics as data, without those that a file cannot describe."""
    return [described for item in items if (described := _metric_to_data(item)) is not None]


def _metric_to_data(item: Any) -> dict[str, Any] | None:
    """Return a metric as data, or None for one that a file cannot describe."""
    if isinstance(item, str):
        return {"name": item}
    metric = by_name.get(item)
    kind = type(metric).__name__
    if by_name.CLASSES.get(kind) is not type(metric):
        return None
    settings = {name: getattr(metric, name) for name in metric.settings}
    return {"name": kind, "label": metric.name, "settings": settings}


def _metric_from_data(data: Mapping[str, Any]) -> Any:
    """Return the metric that `_metric_to_data` has described."""
    if "label" not in data:
        return data["name"]
    kind, settings = by_name.CLASSES.get(data["name"]), data.get("settings", {})
    # Older files name functions as well, and have no settings.
    metric = by_name.get(data["name"]) if kind is None else kind(**settings)
    metric.name = data["label"]
    return metric
