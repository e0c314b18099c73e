"""TimeDistributed: a layer applied to every step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gatecast.errors import ConfigError
from gatecast.kernels.packing import Array, Params
from gatecast.kernels.training_stack import TrainingStack
from gatecast.nn.layers.base import BackwardResult, BaseLayer, CallContext, ForwardResult, Layer, add_to_stack
from gatecast.nn.layers.checks import check_input, check_layer_type, check_plain_recurrence
from gatecast.nn.layers.dense import Dense
from gatecast.nn.layers.reshape import packed_shape
from gatecast.nn.layers.shapes import Shape, validate_shape
from gatecast.nn.layers.wrapper import WrapperLayer, has_buffers

__all__ = ["TimeDistributed"]


@dataclass(frozen=True, repr=False)
class TimeDistributed(WrapperLayer):
    """The same layer, with the same weights, at every step.

    A step has features, (F,), or is a sequence itself, (S, F): a sample is (T, F) or (T, S, F), as in networks that
    read every part of a series by a convolution.

    Args:
        layer: Layer for the steps, such as ``Dense(1)`` or ``Conv1D(64, 3)``.

    Raises:
        ConfigError: If it is no layer.

    Example:
        >>> from gatecast.layers import Conv1D, Dense
        >>> TimeDistributed(Dense(1)).output_shape((24, 50)), TimeDistributed(Conv1D(8, 3)).output_shape((4, 6, 1))
        ((24, 1), (4, 4, 8))
    """

    layer: Layer

    def __post_init__(self) -> None:
        check_layer_type(self.layer, (BaseLayer,), "TimeDistributed", "a layer, such as Dense(1)")
        check_plain_recurrence(self.layer, "TimeDistributed")
        if has_buffers(self.layer):
            fix = "BatchNormalization normalizes the features over all steps: put it outside of TimeDistributed."
            what = "TimeDistributed cannot hold a layer that keeps averages of the batches, such as BatchNormalization"
            raise ConfigError(what, got=repr(self.layer), fix=fix)
        # The input_shape of the inner layer, if any, is that of a step.
        object.__setattr__(self, "input_shape", validate_shape(self, self.input_shape))
        self._check_base()

    def output_shape(self, in_shape: Shape) -> Shape:
        """Return (T, ...), with the output shape of the inner layer for a step."""
        if len(in_shape) < 2:
            fix = "Set return_sequences=True in the recurrent layer before it, or use the layer alone."
            raise ConfigError(
                "Invalid input shape", where=repr(self), got=str(in_shape), expected="(time, features)", fix=fix
            )
        inner = self.layer.output_shape(in_shape[1:])
        if len(inner) > 2:
            raise ConfigError("The outputs have too many axes", where=repr(self), got=str((in_shape[0], *inner)))
        return (in_shape[0], *inner)

    def init(self, rng: np.random.Generator, in_shape: Shape) -> Params:
        """Draw the inner layer's parameters."""
        return self.layer.init(rng, in_shape[1:])

    def forward(self, params: Params, x: Array, context: CallContext) -> ForwardResult:
        """Compute the outputs of all steps."""
        nb, T, _, L = check_input(self, x).shape
        sizes = packed_shape(context.in_shape[1:]) if context.in_shape else (1, x.shape[2])
        inner_context = context._replace(mask=None, n_sequences=None, in_shape=None)
        steps = np.ascontiguousarray(x).reshape(nb * T, *sizes, L)
        y, _, cache = self.layer.forward(params, steps, inner_context)
        y = np.ascontiguousarray(y)
        return y.reshape(nb, T, -1, L), None, (cache, x.shape, y.shape) if context.save_for_backward else None

    def backward(self, params: Params, cache: Any, dy: Array | None, need_dx: bool) -> BackwardResult:
        """Compute the gradients of x and of the inner layer's parameters."""
        inner, shape, inner_shape = cache
        dy = None if dy is None else np.ascontiguousarray(dy).reshape(inner_shape)
        dx, _, grads = self.layer.backward(params, inner, dy, need_dx)
        return (None if dx is None else np.ascontiguousarray(dx).reshape(shape)), None, grads

    def add_to_stack(self, stack: TrainingStack, params: Params, grads: Params, /, *, residual: bool = False) -> bool:
        """Add a dense layer, which treats every step alike anyway."""
        return isinstance(self.layer, Dense) and add_to_stack(self.layer, stack, params, grads, residual=residual)
