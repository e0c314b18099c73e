"""Layers made of layers: both directions, a way around, side by side; `dilated` has every d-th step.

Letters: T time, F features, R outputs, nb blocks of L lanes. The parameters of an inner layer keep their names,
behind a prefix ("forward.", "0.1.") where there are several inner layers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt

from gatecast.errors import ConfigError
from gatecast.kernels.packing import Array, Params
from gatecast.nn.layers.base import (
    BaseLayer,
    CallContext,
    Layer,
    Shape,
    State,
    check_choice,
    check_layer_kind,
    first_shape,
    fold_in,
)
from gatecast.nn.layers.dilated import Dilated
from gatecast.nn.layers.recurrent import Recurrent

__all__ = ["Bidirectional", "Concatenate", "Residual"]

MERGES: Mapping[str, Callable[[Array, Array], Array]] = {
    "concat": lambda a, b: np.concatenate([a, b], axis=2),
    "sum": np.add,
    "mul": np.multiply,
    "ave": lambda a, b: (a + b) * np.float32(0.5),
}
"""What becomes of the outputs of both directions."""


@dataclass(frozen=True)
class Bidirectional(BaseLayer):
    """Two copies of a recurrent layer, one of which reads time from its end; their outputs together.

    Padding masked on the right is skipped by both. A sequence is needed whole, so this layer cannot be streamed.

    Args:
        layer: A recurrent layer, such as ``LSTM(50, return_sequences=True)``, or `Dilated`.
        merge: "concat": 2 R features; "sum", "mul", "ave": R features.
        input_shape: (T, F) if this is the first layer of a network without `Input`.

    Raises:
        ConfigError: A layer that is not recurrent, or an unknown way to merge.

    >>> from gatecast.nn.layers import LSTM
    >>> Bidirectional(LSTM(50, return_sequences=True)).output_shape((24, 1))
    (24, 100)

    Source: Schuster & Paliwal 1997.
    """

    layer: Layer
    merge: Literal["concat", "sum", "mul", "ave"] = "concat"
    input_shape: Shape | None = None

    def __post_init__(self) -> None:
        check_layer_kind(self.layer, (Recurrent, Dilated), "Bidirectional", "a recurrent layer, such as LSTM(50)")
        check_choice(self.merge, MERGES, "Bidirectional", "merge")
        object.__setattr__(self, "input_shape", first_shape(self, self.layer))

    @property
    def param_names(self) -> tuple[str, ...]:
        """Those of both copies."""
        return tuple(f"{way}.{name}" for way in ("forward", "backward") for name in self.layer.param_names)

    @property
    def supports_streaming(self) -> bool:
        """No: the backward copy begins at the end."""
        return False

    def output_shape(self, in_shape: Shape) -> Shape:
        """That of the layer, with 2 R features if they are concatenated."""
        *time, features = self.layer.output_shape(in_shape)
        return (*time, (features or 0) * (2 if self.merge == "concat" else 1))

    def init(self, rng: np.random.Generator, in_shape: Shape) -> Params:
        """Those of two layers."""
        return {f"{way}.{n}": p for way in ("forward", "backward") for n, p in self.layer.init(rng, in_shape).items()}

    def forward(
        self, params: Params, x: Array, context: CallContext, state: State | None = None
    ) -> tuple[Array, State | None, Any]:
        """(nb, T, F, L) -> (nb, T or 1, R or 2 R, L); a state is refused."""
        if state is not None:
            raise ConfigError(
                "a Bidirectional layer cannot go on from a state",
                fix="It reads a sequence from both ends: give it the whole sequence at once.",
            )
        turned = None if context.mask is None else _turned(context.mask)
        ways = (
            context._replace(key=fold_in(context.key, 0)),
            context._replace(key=fold_in(context.key, 1), mask=turned),
        )
        a, _, cache_a = self.layer.forward(_inside(params, "forward."), x, ways[0])
        b, _, cache_b = self.layer.forward(_inside(params, "backward."), _turned(x), ways[1])
        b = _turned(b)
        y = MERGES[self.merge](a, b)
        kept = (a, b) if self.merge == "mul" else (a.shape[2],)
        return y, None, (cache_a, cache_b, kept) if context.save_for_backward else None

    def backward(
        self,
        params: Params,
        cache: Any,
        dy: Array | None,
        need_dx: bool,
        dstate: State | None = None,  # noqa: ARG002
    ) -> tuple[Array | None, State | None, Params]:
        """Gradients of x and of both copies."""
        cache_a, cache_b, kept = cache
        da, db = (None, None) if dy is None else self._split(dy, kept)
        dx, _, grads_a = self.layer.backward(_inside(params, "forward."), cache_a, da, need_dx)
        back = None if db is None else _turned(db)
        dx_b, _, grads_b = self.layer.backward(_inside(params, "backward."), cache_b, back, need_dx)
        if dx is not None and dx_b is not None:
            dx = dx + _turned(dx_b)
        return dx, None, _outside(grads_a, "forward.") | _outside(grads_b, "backward.")

    def get_weights(self, params: Params) -> list[Array]:
        """Those of the forward copy, then those of the backward one."""
        return [w for way in ("forward.", "backward.") for w in self.layer.get_weights(_inside(params, way))]

    def set_weights(self, weights: Sequence[npt.NDArray[Any]]) -> Params:
        """The inverse of `get_weights`."""
        half = len(weights) // 2
        one, two = self.layer.set_weights(weights[:half]), self.layer.set_weights(weights[half:])
        return _outside(one, "forward.") | _outside(two, "backward.")

    def _split(self, dy: Array, kept: tuple[Any, ...]) -> tuple[Array, Array]:
        """Gradients of both outputs."""
        if self.merge == "mul":
            return dy * kept[1], dy * kept[0]
        if self.merge == "concat":
            return np.ascontiguousarray(dy[:, :, : kept[0]]), np.ascontiguousarray(dy[:, :, kept[0] :])
        return (dy, dy) if self.merge == "sum" else (dy * np.float32(0.5), dy * np.float32(0.5))


@dataclass(frozen=True)
class Residual(BaseLayer):
    """A layer and a way around it, ``y = x + layer(x)``.

    Args:
        layer: One whose output has the shape of its input.
        input_shape: (T, F) or (F,) if this is the first layer of a network without `Input`.

    Raises:
        ConfigError: Something that is no layer, or, in `output_shape`, one that changes the shape.

    >>> from gatecast.nn.layers import LSTM
    >>> Residual(LSTM(8, return_sequences=True)).output_shape((24, 8))
    (24, 8)

    Source: He et al. 2016.
    """

    layer: Layer
    input_shape: Shape | None = None

    def __post_init__(self) -> None:
        check_layer_kind(self.layer, (BaseLayer,), "Residual", "one of gatecast's layers")
        object.__setattr__(self, "input_shape", first_shape(self, self.layer))

    @property
    def param_names(self) -> tuple[str, ...]:
        """Those of the layer."""
        return self.layer.param_names

    @property
    def supports_streaming(self) -> bool:
        """As the layer does."""
        return self.layer.supports_streaming

    def output_shape(self, in_shape: Shape) -> Shape:
        """The shape of the input."""
        if self.layer.output_shape(in_shape) != in_shape:
            raise ConfigError(
                "Residual cannot add what has another shape",
                where=type(self.layer).__name__,
                got=f"{self.layer.output_shape(in_shape)} from {in_shape}",
                expected="the shape of the input",
                fix="Give the layer as many units as it has inputs, and return_sequences=True if it is recurrent.",
            )
        return in_shape

    def init(self, rng: np.random.Generator, in_shape: Shape) -> Params:
        """Those of the layer."""
        return self.layer.init(rng, in_shape)

    def forward(
        self, params: Params, x: Array, context: CallContext, state: State | None = None
    ) -> tuple[Array, State | None, Any]:
        """Like x."""
        y, state, cache = self.layer.forward(params, x, context, state)
        return x + y, state, cache

    def backward(
        self, params: Params, cache: Any, dy: Array | None, need_dx: bool, dstate: State | None = None
    ) -> tuple[Array | None, State | None, Params]:
        """Gradients of the layer, and dy past it."""
        dx, dfirst, grads = self.layer.backward(params, cache, dy, need_dx, dstate)
        return (dx if dx is None or dy is None else dx + dy), dfirst, grads

    def update_buffers(self, params: Params, cache: Any) -> Params:
        """What the layer settles."""
        return self.layer.update_buffers(params, cache)

    def get_weights(self, params: Params) -> list[Array]:
        """Those of the layer."""
        return self.layer.get_weights(params)

    def set_weights(self, weights: Sequence[npt.NDArray[Any]]) -> Params:
        """The inverse of `get_weights`."""
        return self.layer.set_weights(weights)


@dataclass(frozen=True)
class Concatenate(BaseLayer):
    """Several ways side by side over the same input, their features one after the other.

    With `Select` a way takes some of the inputs past the others: side inputs such as a calendar or a series' number.

    Args:
        branches: Layers, or tuples of layers that follow each other.
        input_shape: (T, F) or (F,) if this is the first layer of a network without `Input`.

    Raises:
        ConfigError: No branches, an empty one, something that is no layer; in `output_shape`: branches of which one
            has a time axis and another has none.

    >>> from gatecast.nn.layers import Embedding, Select
    >>> weekday = (Select((1,)), Embedding(7, 3))
    >>> Concatenate((Select((0,)), weekday)).output_shape((24, 2))
    (24, 4)
    """

    branches: tuple[Layer | tuple[Layer, ...], ...]
    input_shape: Shape | None = None

    def __post_init__(self) -> None:
        given = self.branches if isinstance(self.branches, Sequence) else ()
        branches = tuple(tuple(branch) if isinstance(branch, Sequence) else (branch,) for branch in given)
        if not branches or not all(branches):
            raise ConfigError(
                "Concatenate needs layers in every branch",
                got=repr(self.branches),
                expected="a tuple of layers, or of tuples of layers",
                fix="Select takes features past the other branches as they are.",
            )
        for layer in (layer for branch in branches for layer in branch):
            check_layer_kind(layer, (BaseLayer,), "Concatenate", "gatecast's layers")
        object.__setattr__(self, "branches", branches)
        object.__setattr__(self, "input_shape", first_shape(self, branches[0][0]))

    @property
    def param_names(self) -> tuple[str, ...]:
        """Those of all layers, branch by branch."""
        return tuple(prefix + name for prefix, _, _, layer in self._named() for name in layer.param_names)

    @property
    def supports_streaming(self) -> bool:
        """Whether all layers do."""
        return all(layer.supports_streaming for _, _, _, layer in self._named())

    def output_shape(self, in_shape: Shape) -> Shape:
        """The branches' features together."""
        ends = [_shapes(branch, in_shape)[-1] for branch in self._branches()]
        if len({shape[:-1] for shape in ends}) > 1:
            raise ConfigError(
                "the branches of a Concatenate do not fit together",
                got=f"outputs of shape {', '.join(map(str, ends))}",
                expected="the same time axis in all of them, or none",
                fix="return_sequences=True keeps the time axis of a recurrent layer; Select(..., last=True) drops it.",
            )
        return (*ends[0][:-1], sum(shape[-1] or 0 for shape in ends))

    def init(self, rng: np.random.Generator, in_shape: Shape) -> Params:
        """Those of all layers."""
        fresh: Params = {}
        shapes = [_shapes(branch, in_shape) for branch in self._branches()]
        for name, b, k, layer in self._named():
            fresh |= _outside(layer.init(rng, shapes[b][k]), name)
        return fresh

    def forward(
        self, params: Params, x: Array, context: CallContext, state: State | None = None
    ) -> tuple[Array, State | None, Any]:
        """(nb, T, F, L) -> (nb, T or 1, M, L); the state has a tuple for every branch, an entry for every layer."""
        ys: list[Array] = [x] * len(self.branches)
        states: list[list[State | None]] = [[] for _ in ys]
        caches: list[list[Any]] = [[] for _ in ys]
        for name, b, k, layer in self._named():
            mask = _mask_behind(self._branches()[b][:k], x, context.mask)
            told = context._replace(key=fold_in(context.key, 1000 * b + k), mask=mask)
            ys[b], after, cache = layer.forward(_inside(params, name), ys[b], told, state and state[b][k])
            states[b].append(after)
            caches[b].append(cache)
        kept = ([y.shape[2] for y in ys], caches, state is not None) if context.save_for_backward else None
        return np.concatenate(ys, axis=2), tuple(map(tuple, states)), kept

    def backward(
        self, params: Params, cache: Any, dy: Array | None, need_dx: bool, dstate: State | None = None
    ) -> tuple[Array | None, State | None, Params]:
        """Gradients of x, the sum over branches, of the state given, and of all parameters."""
        sizes, caches, carried = cache
        cuts = np.cumsum(sizes)[:-1]
        ds: list[Array | None] = [None] * len(sizes)
        if dy is not None:
            ds = [np.ascontiguousarray(d) for d in np.split(dy, cuts, axis=2)]
        firsts: list[list[State | None]] = [[] for _ in sizes]
        grads: Params = {}
        for name, b, k, layer in reversed(list(self._named())):
            needed, after = need_dx or k > 0, dstate and dstate[b][k]
            ds[b], first, own = layer.backward(_inside(params, name), caches[b][k], ds[b], needed, after)
            firsts[b].insert(0, first)
            grads |= _outside(own, name)
        dx = [d for d in ds if d is not None]
        return (sum(dx[1:], dx[0]) if need_dx else None), (tuple(map(tuple, firsts)) if carried else None), grads

    def update_buffers(self, params: Params, cache: Any) -> Params:
        """What the layers settle."""
        settled: Params = {}
        for name, b, k, layer in self._named():
            settled |= _outside(layer.update_buffers(_inside(params, name), cache[1][b][k]), name)
        return settled

    def get_weights(self, params: Params) -> list[Array]:
        """Those of all layers, branch by branch."""
        return [w for name, _, _, layer in self._named() for w in layer.get_weights(_inside(params, name))]

    def set_weights(self, weights: Sequence[npt.NDArray[Any]]) -> Params:
        """The inverse of `get_weights`."""
        params: Params = {}
        for name, _, _, layer in self._named():
            count = len(layer.param_names)
            params |= _outside(layer.set_weights(weights[:count]), name)
            weights = weights[count:]
        return params

    def _branches(self) -> tuple[tuple[Layer, ...], ...]:
        """The branches, each a tuple."""
        return cast(tuple[tuple[Layer, ...], ...], self.branches)

    def _named(self) -> Iterator[tuple[str, int, int, Layer]]:
        """Every layer with its prefix, branch and place."""
        for b, branch in enumerate(self._branches()):
            for k, layer in enumerate(branch):
                yield f"{b}.{k}.", b, k, layer


def _shapes(branch: Sequence[Layer], in_shape: Shape) -> list[Shape]:
    """The shape before, between and behind the layers of a branch."""
    shapes = [in_shape]
    for layer in branch:
        shapes.append(layer.output_shape(shapes[-1]))
    return shapes


def _mask_behind(branch: Sequence[Layer], x: Array, mask: Array | None) -> Array | None:
    """The mask, while there is a time axis behind the layers of a branch."""
    timed = mask is not None and all(len(shape) == 2 for shape in _shapes(branch, (None, x.shape[2])))
    return mask if timed else None


def _turned(x: Array) -> Array:
    """Time reversed, axis 1."""
    return np.ascontiguousarray(x[:, ::-1])


def _inside(params: Params, prefix: str) -> Params:
    """The parameters of an inner layer, under its own names."""
    return {name[len(prefix) :]: p for name, p in params.items() if name.startswith(prefix)}


def _outside(params: Params, prefix: str) -> Params:
    """The inverse of `_inside`."""
    return {prefix + name: p for name, p in params.items()}
