"""Graph: layers that read each other's outputs, as one layer.

A functional model with branches, several inputs or outputs, shared layers or states between layers is a network of
this one layer, so that training, prediction and files treat it like any other. A pass is a plain walk over the calls in
the order of their inputs.

Values are numbered: first the inputs, then the outputs of call after call. Several inputs are one flat sample, each of
them reshaped to (T F,), side by side; so are several outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from gatecast.kernels.packing import Array, Params
from gatecast.nn.layers.base import (
    BackwardResult,
    CallContext,
    ForwardResult,
    Layer,
    backward_from,
    forward_from,
)
from gatecast.nn.layers.checks import check_input
from gatecast.nn.layers.merge import merged_mask
from gatecast.nn.layers.reshape import known_sizes, packed_shape
from gatecast.nn.layers.shapes import Shape
from gatecast.nn.layers.wrapper import WrapperLayer
from gatecast.nn.random import fold_in

__all__ = ["Graph"]

Values = tuple[int, ...]


@dataclass(frozen=True, repr=False)
class Graph(WrapperLayer):
    """Layers that are called on the inputs and on each other's outputs.

    Args:
        layers: The layers, each once.
        calls: (layer, inputs, states) for every call, in an order in which inputs come first: the number of the layer,
            the values that it reads, and those that are its initial state.
        input_shapes: Shape of each input.
        outputs: The values that are returned.

    Example:
        >>> from gatecast.layers import Add, Dense
        >>> layers = (Dense(3), Dense(3), Add())
        >>> graph = Graph(layers, ((0, (0,), ()), (1, (0,), ()), (2, (1, 2), ())), ((24, 1),), (3,))
        >>> graph.output_shape((24, 1))
        (24, 3)
    """

    layers: tuple[Any, ...]
    calls: tuple[tuple[int, Values, Values], ...]
    input_shapes: tuple[Shape, ...]
    outputs: Values

    def __post_init__(self) -> None:
        self._check_base()
        store = object.__setattr__
        calls = tuple((int(layer), tuple(inputs), tuple(states)) for layer, inputs, states in self.calls)
        store(self, "layers", tuple(self.layers))
        store(self, "calls", calls)
        store(self, "input_shapes", tuple(tuple(shape) for shape in self.input_shapes))
        store(self, "outputs", tuple(self.outputs))
        first = len(self.input_shapes)
        firsts = []
        for layer, _, _ in calls:
            firsts.append(first)
            first += 1 + (len(self.layers[layer].state_sizes) if _returns_state(self.layers[layer]) else 0)
        store(self, "_first_values", tuple(firsts))
        store(self, "_n_values", first)

    def inner_layers(self) -> Sequence[tuple[str, Layer]]:
        """Return all layers, each with its number in front of the names of its parameters."""
        return tuple((f"{k}.", layer) for k, layer in enumerate(self.layers))

    @property
    def supports_streaming(self) -> bool:
        """Always False: a graph runs over whole sequences."""
        return False

    def output_shape(self, in_shape: Shape) -> Shape:
        """Return the shape of the output, or of all outputs side by side."""
        shapes = self.output_shapes(in_shape)
        return shapes[0] if len(shapes) == 1 else (sum(prod(known_sizes(shape, "Model")) for shape in shapes),)

    def output_shapes(self, in_shape: Shape) -> list[Shape]:
        """Return the shape of every output."""
        shapes = self._shapes(in_shape)
        return [shapes[value] for value in self.outputs]

    def layer_shapes(self, in_shape: Shape) -> list[Shape]:
        """Return the output shape of every layer in its first call."""
        shapes = self._shapes(in_shape)
        first_calls = {
            layer: first for (layer, _, _), first in reversed(list(zip(self.calls, self._firsts, strict=True)))
        }
        return [shapes[first_calls[k]] for k in range(len(self.layers))]

    def init(self, rng: np.random.Generator, in_shape: Shape) -> Params:
        """Draw the parameters of all layers."""
        shapes, params = self._shapes(in_shape), Params()
        done = set()
        for layer, inputs, _ in self.calls:
            if layer not in done:
                drawn = self.layers[layer].init(rng, shapes[inputs[0]])
                params |= {f"{layer}.{name}": value for name, value in drawn.items()}
                done.add(layer)
        return params

    def forward(self, params: Params, x: Array, context: CallContext) -> ForwardResult:
        """Run all calls."""
        values, caches = self._run(params, x, context)
        outputs = [np.ascontiguousarray(values[i]) for i in self.outputs]
        y = outputs[0] if len(outputs) == 1 else _side_by_side(outputs)
        saved = (caches, [None if v is None else v.shape for v in values], x.shape)
        return y, None, saved if context.save_for_backward else None

    def output_masks(self, params: Params, x: Array, context: CallContext) -> list[Array | None]:
        """Return the mask of each output as Keras hands it on, (nb, T, L); None for none."""
        shapes = self._shapes(self._in_shape(check_input(self, x), context))
        values: list[Any] = [*self._split(x, self.input_shapes), *[None] * (self._n - len(self.input_shapes))]
        if any(self.layers[n].makes_masks and inputs[0] >= len(self.input_shapes) for n, inputs, _ in self.calls):
            values, _ = self._run(params, x, context)
        masks: list[Array | None] = [None] * self._n
        if len(self.input_shapes) == 1:
            masks[0] = context.mask
        for (number, inputs, _), first in zip(self.calls, self._firsts, strict=True):
            layer = self.layers[number]
            given = [masks[i] if len(shapes[i]) > 1 else None for i in inputs]
            if layer.is_merge:
                masks[first] = merged_mask(layer, given, [shapes[i] for i in inputs])
            elif layer.passes_masks and len(shapes[first]) > 1:
                masks[first] = layer.output_mask(values[inputs[0]], given[0])
        return [masks[i] if len(shapes[i]) > 1 else None for i in self.outputs]

    def _run(self, params: Params, x: Array, context: CallContext) -> tuple[list[Any], list[Any]]:
        """Return all values and the cache of each call."""
        by_layer = self._by_layer(params)
        shapes = self._shapes(self._in_shape(check_input(self, x), context))
        values: list[Any] = [*self._split(x, self.input_shapes), *[None] * (self._n - len(self.input_shapes))]
        masks: list[Array | None] = [None] * self._n
        if len(self.input_shapes) == 1:
            masks[0] = context.mask
        caches = []
        for k, (number, inputs, states) in enumerate(self.calls):
            layer, first = self.layers[number], self._firsts[k]
            if layer.is_merge:
                values[first], cache = layer.merge([values[i] for i in inputs], len(shapes[inputs[0]]))
                masks[first] = merged_mask(layer, [masks[i] for i in inputs], [shapes[i] for i in inputs])
                caches.append(cache)
                continue
            shape, mask = shapes[inputs[0]], masks[inputs[0]]
            inner = context._replace(
                key=fold_in(context.key, k),
                mask=mask if len(shape) > 1 else None,
                in_shape=shape if len(shape) == 3 else None,
            )
            initial = tuple(np.ascontiguousarray(values[i][:, 0]) for i in states) or None
            values[first], last, cache = forward_from(layer, by_layer[number], values[inputs[0]], inner, initial)
            masks[first] = layer.output_mask(values[inputs[0]], mask)
            for j, state in enumerate(last or () if _returns_state(layer) else ()):
                values[first + 1 + j] = state[:, None]
            caches.append(cache)
        return values, caches

    def backward(self, params: Params, cache: Any, dy: Array | None, need_dx: bool) -> BackwardResult:
        """Compute the gradients of x and of all parameters, summed over the calls of a shared layer."""
        caches, value_shapes, x_shape = cache
        by_layer = self._by_layer(params)
        gradients: list[Any] = [None] * self._n
        if dy is not None:
            self._add_output_gradients(gradients, dy, value_shapes)
        grads: Params = {}
        for k in reversed(range(len(self.calls))):
            number, inputs, states = self.calls[k]
            layer, first = self.layers[number], self._firsts[k]
            n_states = len(layer.state_sizes) if _returns_state(layer) else 0
            received = gradients[first : first + 1 + n_states]
            if all(gradient is None for gradient in received):
                continue
            if layer.is_merge:
                dinputs: Sequence[Any] = layer.merge_backward(caches[k], received[0])
            else:
                dlast = tuple(None if d is None else np.ascontiguousarray(d[:, 0]) for d in received[1:])
                wanted = need_dx or inputs[0] >= len(self.input_shapes)
                dstate = dlast if any(d is not None for d in dlast) else None
                dx, dinitial, layer_grads = backward_from(
                    layer, by_layer[number], caches[k], received[0], wanted, dstate
                )
                dinputs = [dx]
                for name, value in layer_grads.items():
                    key = f"{number}.{name}"
                    grads[key] = grads[key] + value if key in grads else value
                for i, d in zip(states, dinitial or (), strict=False):
                    gradients[i] = _sum(gradients[i], d[:, None])
            for i, d in zip(inputs, dinputs, strict=True):
                gradients[i] = _sum(gradients[i], d)
        grads |= {name: np.zeros_like(params[name]) for name in self.param_names if name not in grads}
        return (self._input_gradient(gradients, value_shapes, x_shape) if need_dx else None), None, grads

    def update_buffers(self, params: Params, cache: Any) -> Params:
        """Return the new buffers of all layers."""
        by_layer, buffers = self._by_layer(params), Params()
        for (number, _, _), layer_cache in zip(self.calls, cache[0], strict=True):
            new = self.layers[number].update_buffers(by_layer[number], layer_cache)
            buffers |= {f"{number}.{name}": value for name, value in new.items()}
        return buffers

    def output_mask(self, _x: Array, _mask: Array | None, /) -> Array | None:
        """Return None: nothing follows a graph."""
        return None

    def layer_of(self, value: int) -> int:
        """Return the number of the layer that a value comes from; -1 for an input."""
        calls = zip(self.calls, self._firsts, strict=True)
        return max(((first, layer) for (layer, _, _), first in calls if first <= value), default=(0, -1))[1]

    def layer_params(self, number: int, params: Params) -> Params:
        """Return the parameters of a layer by their own names, as views."""
        return self._by_layer(params)[number]

    @property
    def _firsts(self) -> tuple[int, ...]:
        """The first value of every call."""
        firsts: tuple[int, ...] = vars(self)["_first_values"]
        return firsts

    @property
    def _n(self) -> int:
        """Number of values."""
        return int(vars(self)["_n_values"])

    def _shapes(self, in_shape: Shape) -> list[Shape]:
        """Return the shape of every value."""
        inputs = [in_shape] if len(self.input_shapes) == 1 else list(self.input_shapes)
        shapes: list[Shape] = [*inputs, *[(0,)] * (self._n - len(inputs))]
        for k, (number, sources, _) in enumerate(self.calls):
            layer, first = self.layers[number], self._firsts[k]
            given = [shapes[i] for i in sources]
            shapes[first] = layer.merged_shape(given) if layer.is_merge else layer.output_shape(given[0])
            for j, size in enumerate(layer.state_sizes if _returns_state(layer) else ()):
                shapes[first + 1 + j] = (size,)
        return shapes

    def _in_shape(self, x: Array, context: CallContext) -> Shape:
        """Return the shape of the input of a pass."""
        declared = self.input_shapes[0]
        if len(self.input_shapes) > 1:
            return (x.shape[2],)
        return context.in_shape or ((x.shape[1], *declared[1:]) if len(declared) > 1 else declared)

    def _by_layer(self, params: Params) -> list[Params]:
        """Return the parameters of every layer by their own names."""
        by_layer: list[Params] = [{} for _ in self.layers]
        for name, value in params.items():
            number, _, inner_name = name.partition(".")
            by_layer[int(number)][inner_name] = value
        return by_layer

    def _split(self, x: Array, shapes: Sequence[Shape]) -> list[Array]:
        """Return several inputs out of one flat sample, each packed by its shape."""
        if len(shapes) == 1:
            return [x]
        sizes = [prod(known_sizes(shape, "Model")) for shape in shapes]
        parts = np.split(x, np.cumsum(sizes)[:-1], axis=2)
        nb, _, _, L = x.shape
        pairs = zip(parts, shapes, strict=True)
        return [np.ascontiguousarray(part).reshape(nb, *packed_shape(shape), L) for part, shape in pairs]

    def _add_output_gradients(self, gradients: list[Any], dy: Array, value_shapes: Sequence[Any]) -> None:
        """Put the gradients of the outputs where they belong."""
        if len(self.outputs) == 1:
            gradients[self.outputs[0]] = dy
            return
        shapes = [value_shapes[value] for value in self.outputs]
        parts = np.split(dy, np.cumsum([shape[1] * shape[2] for shape in shapes])[:-1], axis=2)
        for value, part, shape in zip(self.outputs, parts, shapes, strict=True):
            gradients[value] = _sum(gradients[value], np.ascontiguousarray(part).reshape(shape))

    def _input_gradient(self, gradients: Sequence[Any], value_shapes: Sequence[Any], x_shape: Any) -> Array:
        """Return the gradient of x."""
        n_inputs = len(self.input_shapes)
        parts = [
            np.zeros(value_shapes[i], np.float32) if gradients[i] is None else gradients[i] for i in range(n_inputs)
        ]
        dx: Array = np.ascontiguousarray(parts[0] if n_inputs == 1 else _side_by_side(parts)).reshape(x_shape)
        return dx


def _returns_state(layer: Layer) -> bool:
    """Return whether a layer returns its last state besides."""
    return bool(getattr(layer, "return_state", False))


def _sum(a: Array | None, b: Array | None) -> Array | None:
    """Return the sum of two gradients, where None stands for zero."""
    return b if a is None else a if b is None else a + b


def _side_by_side(arrays: Sequence[Array]) -> Array:
    """Return packed arrays, each flattened to one step, side by side."""
    nb, _, _, L = arrays[0].shape
    return np.concatenate([np.ascontiguousarray(a).reshape(nb, 1, -1, L) for a in arrays], axis=2)
