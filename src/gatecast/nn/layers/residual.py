"""Residual: a layer with a shortcut around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gatecast.errors import ConfigError
from gatecast.kernels.packing import Array, Params
from gatecast.kernels.training_stack import TrainingStack
from gatecast.nn.layers.base import (
    BackwardResult,
    BaseLayer,
    CallContext,
    ForwardResult,
    Layer,
    State,
    StatefulLayer,
    add_to_stack,
    backward_from,
    forward_from,
)
from gatecast.nn.layers.checks import check_layer_type, check_plain_recurrence
from gatecast.nn.layers.shapes import Shape
from gatecast.nn.layers.wrapper import WrapperLayer, wrapper_input_shape

__all__ = ["Residual"]


@dataclass(frozen=True, repr=False)
class Residual(WrapperLayer, StatefulLayer):
    """A layer with a shortcut around it, ``y = x + layer(x)``.

    Args:
        layer: A layer whose output has the shape of its input.

    Raises:
        ConfigError: If `layer` is not a layer or, in `output_shape`, changes the shape.

    Example:
        >>> from gatecast.layers import LSTM
        >>> Residual(LSTM(8, return_sequences=True)).output_shape((24, 8))
        (24, 8)

    Source: He et al. 2016.
    """

    layer: Layer

    def __post_init__(self) -> None:
        check_layer_type(self.layer, (BaseLayer,), "Residual", "a layer of gatecast.layers")
        check_plain_recurrence(self.layer, "Residual")
        object.__setattr__(self, "input_shape", wrapper_input_shape(self, self.layer))
        self._check_base()

    @property
    def supports_streaming(self) -> bool:
        """Whether the inner layer supports streaming."""
        return self.layer.supports_streaming

    def output_shape(self, in_shape: Shape) -> Shape:
        """Return the shape of the input."""
        if self.layer.output_shape(in_shape) != in_shape:
            raise ConfigError(
                "Invalid output shape of the inner layer",
                where=f"Residual({type(self.layer).__name__})",
                got=f"{self.layer.output_shape(in_shape)} from {in_shape}",
                expected="the shape of the input",
                fix="Give the layer as many units as it has inputs, and return_sequences=True if it is recurrent.",
            )
        return in_shape

    def init(self, rng: np.random.Generator, in_shape: Shape) -> Params:
        """Draw the inner layer's parameters."""
        return self.layer.init(rng, in_shape)

    def forward(self, params: Params, x: Array, context: CallContext, *, state: State | None = None) -> ForwardResult:
        """Compute y, shaped like x."""
        y, state, cache = forward_from(self.layer, params, x, context, state)
        # y may be overwritten unless the cache holds it, or the layer returns x itself.
        out = None if context.save_for_backward or np.may_share_memory(x, y) else y
        return np.add(x, y, out=out), state, cache

    def backward(
        self, params: Params, cache: Any, dy: Array | None, need_dx: bool, *, dstate: State | None = None
    ) -> BackwardResult:
        """Compute the inner layer's gradients; dy also reaches x past it."""
        dx, dinitial, grads = backward_from(self.layer, params, cache, dy, need_dx, dstate)
        return (dx if dx is None or dy is None else dx + dy), dinitial, grads

    def add_to_stack(self, stack: TrainingStack, params: Params, grads: Params, *, residual: bool = False) -> bool:
        """Add the inner layer, with the shortcut, to a stack that is trained in block order."""
        return not residual and add_to_stack(self.layer, stack, params, grads, residual=True)

    def update_buffers(self, params: Params, cache: Any) -> Params:
        """Return the new buffers of the inner layer."""
        return self.layer.update_buffers(params, cache)
