"""Bidirectional: a recurrent layer over both directions of time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from gatecast.kernels.packing import Array, Params
from gatecast.nn.layers.base import (
    BackwardResult,
    CallContext,
    ForwardResult,
    Layer,
)
from gatecast.nn.layers.checks import check_choice, check_layer_type, check_plain_recurrence
from gatecast.nn.layers.dilated import Dilated
from gatecast.nn.layers.recurrent import Recurrent
from gatecast.nn.layers.shapes import Shape
from gatecast.nn.layers.wrapper import WrapperLayer, add_prefix, strip_prefix, wrapper_input_shape
from gatecast.nn.random import fold_in

__all__ = ["Bidirectional"]

MERGES: Mapping[str, Callable[[Array, Array], Array]] = {
    "concat": lambda a, b: np.concatenate([a, b], axis=2),
    "sum": np.add,
    "mul": np.multiply,
    "ave": lambda a, b: (a + b) * np.float32(0.5),
}
"""Functions that merge the outputs of both directions, by name."""

DIRECTIONS = ("forward.", "backward.")
"""Prefixes of the parameters of both copies."""


@dataclass(frozen=True, repr=False)
class Bidirectional(WrapperLayer):
    """Two copies of a recurrent layer, one of which reads time backward; their outputs are merged.

    Both copies skip padding that is masked on the right. A sequence must come as a whole, so this layer does not
    support streaming.

    Args:
        layer: A recurrent layer, such as ``LSTM(50, return_sequences=True)``, or `Dilated`.
        merge_mode: ``"concat"``: 2 R features; ``"sum"``, ``"mul"`` or ``"ave"``: R features.

    Raises:
        ConfigError: If the layer is not recurrent or the merge mode is unknown.

    Example:
        >>> from gatecast.layers import LSTM
        >>> Bidirectional(LSTM(50, return_sequences=True)).output_shape((24, 1))
        (24, 100)

    Source: Schuster & Paliwal 1997.
    """

    layer: Layer
    merge_mode: Literal["concat", "sum", "mul", "ave"] = "concat"

    def __post_init__(self) -> None:
        check_layer_type(self.layer, (Recurrent, Dilated), "Bidirectional", "a recurrent layer, such as LSTM(50)")
        check_plain_recurrence(self.layer, "Bidirectional")
        check_choice(self.merge_mode, MERGES, "Bidirectional", "merge_mode")
        object.__setattr__(self, "input_shape", wrapper_input_shape(self, self.layer))
        self._check_base()

    def inner_layers(self) -> Sequence[tuple[str, Layer]]:
        """Return the layer twice, for the forward and the backward copy."""
        return tuple((prefix, self.layer) for prefix in DIRECTIONS)

    @property
    def supports_streaming(self) -> bool:
        """Always False: the backward copy starts at the end."""
        return False

    def output_shape(self, in_shape: Shape) -> Shape:
        """Return the shape of the inner layer's output, with 2 R features if they are concatenated."""
        *time, features = self.layer.output_shape(in_shape)
        return (*time, (features or 0) * (2 if self.merge_mode == "concat" else 1))

    def init(self, rng: np.random.Generator, in_shape: Shape) -> Params:
        """Draw the parameters of both copies."""
        return {prefix + n: p for prefix in DIRECTIONS for n, p in self.layer.init(rng, in_shape).items()}

    def forward(self, params: Params, x: Array, context: CallContext) -> ForwardResult:
        """Compute the output [nb, T or 1, R or 2 R, L]."""
        reversed_mask = None if context.mask is None else _reverse_time(context.mask)
        contexts = (
            context._replace(key=fold_in(context.key, 0)),
            context._replace(key=fold_in(context.key, 1), mask=reversed_mask),
        )
        a, _, cache_a = self.layer.forward(strip_prefix(params, "forward."), x, contexts[0])
        b, _, cache_b = self.layer.forward(strip_prefix(params, "backward."), _reverse_time(x), contexts[1])
        b = _reverse_time(b)
        # As in Keras, masked steps of both copies are zeros; without the wrapper they repeat the last output.
        is_sequence = len(self.layer.output_shape((x.shape[1], x.shape[2]))) == 2
        used = context.mask[:, :, None] if context.mask is not None and is_sequence else None
        if used is not None:
            a, b = a * used, b * used
        y = MERGES[self.merge_mode](a, b)
        saved = (a, b) if self.merge_mode == "mul" else (a.shape[2],)
        return y, None, (cache_a, cache_b, saved, used) if context.save_for_backward else None

    def backward(self, params: Params, cache: Any, dy: Array | None, need_dx: bool) -> BackwardResult:
        """Compute the gradients of x and of the parameters of both copies."""
        cache_a, cache_b, saved, used = cache
        da, db = (None, None) if dy is None else self._split(dy if used is None else dy * used, saved)
        dx, _, grads_a = self.layer.backward(strip_prefix(params, "forward."), cache_a, da, need_dx)
        reversed_db = None if db is None else _reverse_time(db)
        dx_b, _, grads_b = self.layer.backward(strip_prefix(params, "backward."), cache_b, reversed_db, need_dx)
        if dx is not None and dx_b is not None:
            dx = dx + _reverse_time(dx_b)
        return dx, None, add_prefix(grads_a, "forward.") | add_prefix(grads_b, "backward.")

    def _split(self, dy: Array, saved: tuple[Any, ...]) -> tuple[Array, Array]:
        """Return the gradients of both outputs."""
        if self.merge_mode == "mul":
            return dy * saved[1], dy * saved[0]
        if self.merge_mode == "concat":
            return np.ascontiguousarray(dy[:, :, : saved[0]]), np.ascontiguousarray(dy[:, :, saved[0] :])
        return (dy, dy) if self.merge_mode == "sum" else (dy * np.float32(0.5), dy * np.float32(0.5))


def _reverse_time(x: Array) -> Array:
    """Return x with axis 1 reversed."""
    return np.ascontiguousarray(x[:, ::-1])
