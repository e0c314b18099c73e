"""From the description of a functional model in a file of Keras to its inputs and outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from gatecast._utils.schema import SchemaError
from gatecast.errors import ConfigError
from gatecast.nn.layers import Input

__all__ = ["walk_graph"]

Key = tuple[str, int, int]
"""An output: name of the layer, number of its call, number of the output."""

UNUSED = ("training", "mask")
"""Arguments of calls that belong to fit and predict here."""


def walk_graph(
    config: Mapping[str, Any], make: Callable[[Any, int], Any]
) -> tuple[list[Any], list[Any] | dict[str, Any], dict[str, Any]]:
    """Call the layers of a functional model on each other's outputs.

    Args:
        config: The description: layers with the calls of each, inputs and outputs.
        make: Makes a layer from its description and the shape of its input.

    Returns:
        Inputs, outputs as a list or a dict, and the layers by name.

    Raises:
        ConfigError: Layers or calls that do not exist here.
        SchemaError: Calls that read an output which is not there.
    """
    values: dict[Key, Any] = {}
    layers: dict[str, Any] = {}
    waiting = []
    for entry in config["layers"]:
        name = _name_of(entry)
        if entry["class_name"] == "InputLayer":
            settings = entry["config"]
            shape = settings.get("batch_shape") or settings["batch_input_shape"]
            values[name, 0, 0] = Input(tuple(shape)[1:], name=name)
            continue
        waiting += [(entry, name, number, *_call(node)) for number, node in enumerate(entry["inbound_nodes"])]
    while waiting:
        ready = [call for call in waiting if all(key in values for key in (*call[3], *call[4]))]
        if not ready:
            raise SchemaError(f"the layer {waiting[0][1][:60]!r} reads an output that is not there")
        waiting = [call for call in waiting if not all(key in values for key in (*call[3], *call[4]))]
        for entry, name, number, inputs, states in ready:
            tensors = [values[key] for key in inputs]
            if name not in layers:
                layers[name] = make(entry, tensors[0])
            output = layers[name](
                tensors if len(tensors) > 1 or layers[name].is_merge else tensors[0],
                initial_state=[values[key] for key in states] or None,
            )
            for index, value in enumerate(output if isinstance(output, list) else [output]):
                values[name, number, index] = value
    inputs, ends = [values[key] for key in _keys(config["input_layers"])], config["output_layers"]
    if isinstance(ends, Mapping):
        return inputs, {str(name): values[_key(row)] for name, row in ends.items()}, layers
    return inputs, [values[key] for key in _keys(ends)], layers


def _name_of(entry: Mapping[str, Any]) -> str:
    """Return the name of a layer."""
    return str(entry.get("name") or entry["config"]["name"])


def _call(node: Any) -> tuple[list[Key], list[Key]]:
    """Return the inputs and the initial states of a call, of Keras 3 or 2."""
    if isinstance(node, Mapping):
        options = node.get("kwargs", {})
        inputs = list(_histories(node["args"]))
    else:
        # Keras 2: a list of [layer, call, output, options].
        rows = [node] if node and isinstance(node[0], str) else list(node)
        options = rows[0][3] if len(rows[0]) > 3 else {}
        inputs = [_key(row) for row in rows]
    states = options.get("initial_state")
    for name, value in options.items():
        if name not in (*UNUSED, "initial_state") or (name in UNUSED and value not in (None, False)):
            fix = "Masks and training belong to fit and predict here; build the model with layers of gatecast."
            raise ConfigError("A layer is called with an argument that gatecast does not have", got=name, fix=fix)
    if states is None:
        return inputs, []
    named = list(_histories(states))
    return inputs, named or _keys(states)


def _histories(value: Any, depth: int = 0) -> Iterator[Key]:
    """Yield the outputs that the arguments of a call of Keras 3 name."""
    if isinstance(value, Mapping):
        if value.get("class_name") != "__keras_tensor__":
            fix = "Transform the data before the model."
            raise ConfigError(
                "A layer is called on something else than outputs of layers", got=str(value)[:60], fix=fix
            )
        yield _key(value["config"]["keras_history"])
    elif isinstance(value, list) and depth < 4:
        for item in value:
            yield from _histories(item, depth + 1)


def _keys(rows: Sequence[Any]) -> list[Key]:
    """Return outputs; a single one is no list of lists."""
    return [_key(rows)] if rows and isinstance(rows[0], str) else [_key(row) for row in rows]


def _key(row: Sequence[Any]) -> Key:
    """Return an output."""
    return str(row[0]), int(row[1]), int(row[2])
