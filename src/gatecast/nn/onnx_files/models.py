"""Networks as files of ONNX: inputs, outputs, states and facts by name."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from gatecast.errors import ConfigError
from gatecast.nn.layers import Graph, Shape
from gatecast.nn.network import Network, Weights, build
from gatecast.nn.onnx_files.builder import Builder
from gatecast.nn.onnx_files.conversion import Call, CarriedStates, unique_names
from gatecast.nn.onnx_files.graphs import convert_graph
from gatecast.nn.onnx_files.layers import convert_stack
from gatecast.nn.onnx_files.proto import check_opset, write_onnx

__all__ = ["Names", "write_network"]


PROBE = 1024
"""Steps that show whether a network has as many outputs as inputs."""


class Names(NamedTuple):
    """Names of a model and its parts."""

    model: str
    inputs: Mapping[str, Shape]
    """The shape of a sample of each input."""
    outputs: Sequence[str]
    layers: Sequence[str]
    """Of the layers of the network."""


def write_network(
    path: str | os.PathLike[str],
    network: Network,
    weights: Weights,
    names: Names,
    *,
    opset: int,
    state: bool,
    mask: bool,
) -> None:
    """Write a network to a file.

    Args:
        path: The file; an existing one is replaced.
        network: Layers and shapes.
        weights: The parameters.
        names: Of inputs, outputs and layers.
        opset: Version of the operators, 17 or newer.
        state: Whether the states of all recurrent layers are inputs and outputs.
        mask: Whether there is an input that says which steps to use.

    Raises:
        ConfigError: No onnx, an invalid opset, a layer that cannot be exported or cannot carry its state, a mask for
            inputs without time axis, or a file that cannot be written.
    """
    builder = Builder(check_opset(opset))
    network = _of_any_length(network, len(names.inputs))
    _check(network, names, state=state, mask=mask)
    shapes = [network.shapes[0]] if len(names.inputs) == 1 else list(names.inputs.values())
    pairs = zip(names.inputs, shapes, strict=True)
    inputs = [builder.input(name, np.float32, _dims(shape)) for name, shape in pairs]
    used = builder.input("mask", bool, _dims(shapes[0])[:2]) if mask else None
    states = CarriedStates(builder, every=state)
    call = Call("", network.shapes[0], states, used)
    first: Any = network.layers[0]
    if isinstance(first, Graph):
        outputs = convert_graph(first, weights.views[0], inputs, call)
        out_shapes = first.output_shapes(network.shapes[0])
    else:
        outputs = [convert_stack(network.layers, weights.views, unique_names(names.layers), inputs[0], call)]
        out_shapes = [network.shapes[-1]]
    for name, value, shape in zip(names.outputs, outputs, out_shapes, strict=True):
        builder.output(name, value, _dims(shape, _output_time(network) if None in shape else ""))
    state_names = states.add_outputs()
    facts = {"states": json.dumps({name: f"{name}.next" for name in state_names})} if state_names else {}
    write_onnx(path, builder, names.model, _description(names, state_names, mask=mask), facts)


def _of_any_length(network: Network, n_inputs: int) -> Network:
    """Return a network for sequences of any length, if its layers allow it; else as it is."""
    shape = network.shapes[0]
    if n_inputs > 1 or len(shape) < 2 or shape[0] is None:
        return network
    try:
        return build(network.layers, (None, *shape[1:]))
    except ConfigError:
        return network


def _check(network: Network, names: Names, *, state: bool, mask: bool) -> None:
    """Raise an error for states or a mask that the layers do not allow."""
    if mask and (len(names.inputs) > 1 or len(network.shapes[0]) < 2):
        fix = "Leave mask out."
        raise ConfigError("A mask needs one input with a time axis", got=str(list(names.inputs.values())), fix=fix)
    for layer in network.layers if state else ():
        if not layer.supports_streaming:
            raise ConfigError(
                "A layer of the model cannot carry its state",
                got=repr(layer),
                expected="layers whose output depends on the past only",
                fix="Leave state=True out: the file then reads full windows.",
            )
    if state and len(network.shapes[0]) < 2:
        fix = "Leave state=True out."
        raise ConfigError("Without a time axis there is no state to carry", got=str(network.shapes[0]), fix=fix)


def _dims(shape: Shape, time: str = "time") -> tuple[int | str, ...]:
    """Return the sizes of a shape with samples in front, and a name for an open one."""
    return ("batch", *(time if size is None else size for size in shape))


def _output_time(network: Network) -> str:
    """Return the name of the time axis of the outputs: that of the inputs if they have as many steps."""
    shape = network.shapes[0]
    steps = build(network.layers, (PROBE, *shape[1:])).shapes[-1][0]
    return "time" if steps == PROBE else "output_time"


def _description(names: Names, state_names: Sequence[str], *, mask: bool) -> str:
    """Return how to run a file."""
    sentences = [f"Inputs are float32, samples first: {', '.join(names.inputs)}."]
    if mask:
        sentences.append("mask is False at steps to skip.")
    if state_names:
        sentences.append(
            f"Feed zeros for the state at first, then the outputs whose names end in .next: {', '.join(state_names)}."
        )
    sentences.append(f"Outputs: {', '.join(names.outputs)}, as predict returns them.")
    return " ".join(sentences)
