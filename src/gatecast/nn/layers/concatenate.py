"""Concatenate: branches over the same input, with their features side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, NamedTuple, cast

import numpy as np

from gatecast.errors import ConfigError
from gatecast.kernels.packing import Array, Params
from gatecast.nn.layers.base import (
    BackwardResult,
    BaseLayer,
    CallContext,
    ForwardResult,
    Layer,
    State,
    StatefulLayer,
    backward_from,
    forward_from,
)
from gatecast.nn.layers.checks import check_layer_type, check_plain_recurrence
from gatecast.nn.layers.shapes import Shape
from gatecast.nn.layers.wrapper import WrapperLayer, add_prefix, freeze, strip_prefix, wrapper_input_shape
from gatecast.nn.random import fold_in

__all__ = ["Concatenate", "concatenate"]


class _Placed(NamedTuple):
    """A layer of a branch, and where it stands."""

    prefix: str
    """Prefix of its parameters, such as ``"0.1."``."""
    branch: int
    position: int
    layer: Layer


@dataclass(frozen=True, repr=False)
class Concatenate(WrapperLayer, StatefulLayer):
    """Features side by side: of several outputs, or of branches over the same input.

    Without branches the layer is called on a list of outputs in a functional model, as in Keras. With branches it is an
    ordinary layer. With `Select` a branch leads inputs past the others, such as a calendar or the number of a series.

    Args:
        branches: Layers, or tuples of layers that follow each other; or the axis alone, as in Keras.
        axis: Axis along which outputs are joined: -1, the features, or 1, the steps.

    Raises:
        ConfigError: If there are no branches, one is empty, or one holds something that is not a layer; in
            `output_shape`, if only some of the branches have a time axis.

    Example:
        >>> from gatecast.layers import Embedding, Select
        >>> weekday = (Select((1,)), Embedding(7, 3))
        >>> Concatenate((Select((0,)), weekday)).output_shape((24, 2))
        (24, 4)
    """

    branches: Any = ()
    _: KW_ONLY
    axis: int = -1

    def __post_init__(self) -> None:
        if isinstance(self.branches, int):
            object.__setattr__(self, "axis", self.branches)
            object.__setattr__(self, "branches", ())
        if self.axis not in (-1, 1, 2):
            raise ConfigError("Invalid axis", where="Concatenate", got=repr(self.axis), expected="-1 or 1")
        if self.branches is None or self.branches == ():
            object.__setattr__(self, "branches", ())
            self._check_base()
            return
        items = self.branches if isinstance(self.branches, Sequence) else ()
        branches = tuple(tuple(branch) if isinstance(branch, Sequence) else (branch,) for branch in items)
        if not branches or not all(branches):
            raise ConfigError(
                "Invalid branches",
                where="Concatenate",
                got=repr(self.branches),
                expected="a tuple of layers, or of tuples of layers, none of them empty",
                fix="To lead features past the other branches, use Select.",
            )
        for layer in (layer for branch in branches for layer in branch):
            check_layer_type(layer, (BaseLayer,), "Concatenate", "layers of gatecast.layers")
            check_plain_recurrence(layer, "Concatenate")
        object.__setattr__(self, "branches", branches)
        object.__setattr__(self, "input_shape", wrapper_input_shape(self, branches[0][0]))
        self._check_base()
        if not self.trainable:
            object.__setattr__(self, "branches", tuple(tuple(map(freeze, branch)) for branch in branches))

    def inner_layers(self) -> Sequence[tuple[str, Layer]]:
        """Return the layers of all branches, branch by branch, with the prefixes of their parameters."""
        return tuple((at.prefix, at.layer) for at in self._placed())

    @property
    def supports_streaming(self) -> bool:
        """Whether all layers support streaming."""
        return all(at.layer.supports_streaming for at in self._placed())

    def output_shape(self, in_shape: Shape) -> Shape:
        """Return the shape of the concatenated outputs."""
        if self.is_merge:
            fix = "Call it on a list of outputs, Concatenate()([a, b]), in a functional model, or give it branches."
            raise ConfigError("Concatenate has one input and no branches", fix=fix)
        outputs = [_shapes(branch, in_shape)[-1] for branch in self._branches()]
        if len({shape[:-1] for shape in outputs}) > 1:
            raise ConfigError(
                "Invalid branches",
                where="Concatenate",
                got=f"outputs of shape {', '.join(map(str, outputs))}",
                expected="the same time axis in all of them, or none",
                fix="return_sequences=True keeps the time axis of a recurrent layer; Select(..., last=True) drops it.",
            )
        return (*outputs[0][:-1], sum(shape[-1] or 0 for shape in outputs))

    @property
    def is_merge(self) -> bool:
        """Whether the layer joins several inputs."""
        return not self.branches

    def merged_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return the shape of several inputs side by side."""
        axis = self.axis if self.axis == -1 else self.axis - 1
        rest = {tuple(np.delete(np.array(shape, object), axis)) for shape in shapes if len(shape) > max(axis, 0)}
        if len(rest) != 1 or len({len(shape) for shape in shapes}) != 1:
            fix = "All inputs need a time axis of the same length, or none of them has one."
            raise ConfigError("The inputs have different shapes", where=repr(self), got=str(list(shapes)), fix=fix)
        sizes = [shape[axis] for shape in shapes]
        joined = None if None in sizes else sum(size or 0 for size in sizes)
        shape = list(shapes[0])
        shape[axis] = joined
        return tuple(shape)

    def merge(self, arrays: Sequence[Array], rank: int) -> tuple[Array, Any]:
        """Join packed arrays of samples with `rank` axes; return the output and what `merge_backward` needs."""
        axis = 1 if self.axis == 1 and rank == 2 else 2
        return np.concatenate(arrays, axis=axis), (axis, [a.shape[axis] for a in arrays])

    def merge_backward(self, cache: Any, dy: Array) -> list[Array]:
        """Return the gradients of all inputs."""
        axis, sizes = cache
        return [np.ascontiguousarray(d) for d in np.split(dy, np.cumsum(sizes)[:-1], axis=axis)]

    def init(self, rng: np.random.Generator, in_shape: Shape) -> Params:
        """Draw the parameters of all layers."""
        params: Params = {}
        shapes = [_shapes(branch, in_shape) for branch in self._branches()]
        for prefix, b, k, layer in self._placed():
            params |= add_prefix(layer.init(rng, shapes[b][k]), prefix)
        return params

    def forward(self, params: Params, x: Array, context: CallContext, *, state: State | None = None) -> ForwardResult:
        """Compute the output [nb, T or 1, M, L]; the state has a tuple per branch with an entry per layer."""
        ys: list[Array] = [x] * len(self.branches)
        states: list[list[State | None]] = [[] for _ in ys]
        caches: list[list[Any]] = [[] for _ in ys]
        for prefix, b, k, layer in self._placed():
            mask = _mask_after(self._branches()[b][:k], x, context.mask)
            inner = context._replace(key=fold_in(context.key, 1000 * b + k), mask=mask)
            initial = state and state[b][k]
            ys[b], last, cache = forward_from(layer, strip_prefix(params, prefix), ys[b], inner, initial)
            states[b].append(last)
            caches[b].append(cache)
        saved = ([y.shape[2] for y in ys], caches, state is not None) if context.save_for_backward else None
        return np.concatenate(ys, axis=2), tuple(map(tuple, states)), saved

    def backward(
        self, params: Params, cache: Any, dy: Array | None, need_dx: bool, *, dstate: State | None = None
    ) -> BackwardResult:
        """Compute the gradients of x, summed over branches, of the initial state, and of all parameters."""
        sizes, caches, has_initial = cache
        ds: list[Array | None] = [None] * len(sizes)
        if dy is not None:
            ds = [np.ascontiguousarray(d) for d in np.split(dy, np.cumsum(sizes)[:-1], axis=2)]
        dinitials: list[list[State | None]] = [[] for _ in sizes]
        grads: Params = {}
        for prefix, b, k, layer in reversed(list(self._placed())):
            dlast = dstate and dstate[b][k]
            ds[b], dinitial, layer_grads = backward_from(
                layer, strip_prefix(params, prefix), caches[b][k], ds[b], need_dx or k > 0, dlast
            )
            dinitials[b].insert(0, dinitial)
            grads |= add_prefix(layer_grads, prefix)
        dx = [d for d in ds if d is not None]
        return (sum(dx[1:], dx[0]) if need_dx else None), tuple(map(tuple, dinitials)) if has_initial else None, grads

    def update_buffers(self, params: Params, cache: Any) -> Params:
        """Return the new buffers of all layers."""
        buffers: Params = {}
        for prefix, b, k, layer in self._placed():
            buffers |= add_prefix(layer.update_buffers(strip_prefix(params, prefix), cache[1][b][k]), prefix)
        return buffers

    def _branches(self) -> tuple[tuple[Layer, ...], ...]:
        """Return the branches, each a tuple."""
        return cast(tuple[tuple[Layer, ...], ...], self.branches)

    def _placed(self) -> Iterator[_Placed]:
        """Yield every layer, branch by branch."""
        for b, branch in enumerate(self._branches()):
            for k, layer in enumerate(branch):
                yield _Placed(f"{b}.{k}.", b, k, layer)


def concatenate(inputs: Any, axis: int = -1, **options: Any) -> Any:
    """Return outputs side by side; see `Concatenate`, which takes the options."""
    return Concatenate(axis=axis, **options)(inputs)


def _shapes(branch: Sequence[Layer], in_shape: Shape) -> list[Shape]:
    """Return the shape of the input and of every layer's output in a branch."""
    shapes = [in_shape]
    for layer in branch:
        shapes.append(layer.output_shape(shapes[-1]))
    return shapes


def _mask_after(branch: Sequence[Layer], x: Array, mask: Array | None) -> Array | None:
    """Return the mask if the output of a branch has a time axis, else None."""
    timed = mask is not None and all(len(shape) == 2 for shape in _shapes(branch, (None, x.shape[2])))
    return mask if timed else None
