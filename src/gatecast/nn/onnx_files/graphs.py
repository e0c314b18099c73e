"""Graphs of layers as operators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gatecast.kernels.packing import Params
from gatecast.nn.layers.graph import Graph
from gatecast.nn.model_layers import layer_names
from gatecast.nn.onnx_files.builder import Value
from gatecast.nn.onnx_files.conversion import Call, unique_names
from gatecast.nn.onnx_files.layers import convert_layer, merge_masks, merge_values

__all__ = ["convert_graph"]


def convert_graph(graph: Graph, params: Params, inputs: Sequence[Value], call: Call) -> list[Value]:
    """Add the calls of a graph, and return its outputs.

    Args:
        graph: The graph.
        params: The parameters of all its layers.
        inputs: Its inputs, each with the shape of its own.
        call: How it is used; the shape of the input counts if there is one input.
    """
    shapes = graph._shapes(call.in_shape)
    names = unique_names(layer_names(graph.layers))
    values: dict[int, Value] = dict(enumerate(inputs))
    masks: dict[int, Value | None] = {0: call.mask} if len(inputs) == 1 else {}
    for (number, sources, states), first in zip(graph.calls, graph._firsts, strict=True):
        layer = graph.layers[number]
        shape = shapes[sources[0]]
        if layer.is_merge:
            values[first] = merge_values(layer, [values[i] for i in sources], len(shape))
            masks[first] = merge_masks(layer, [masks.get(i) for i in sources], [values[i] for i in sources], len(shape))
            continue
        mask = masks.get(sources[0]) if len(shape) > 1 else None
        initial = tuple(values[i] for i in states) or None
        inner = replace(call, name=names[number], in_shape=shape, mask=mask, initial=initial)
        converted, masks[first] = convert_layer(layer, graph.layer_params(number, params), values[sources[0]], inner)
        values[first] = converted.y
        for k, state in enumerate(converted.others, 1):
            values[first + k] = state
    return [values[value] for value in graph.outputs]
