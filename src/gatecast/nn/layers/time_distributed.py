"""TimeDistributed: a layer applied to every step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

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


class _Cache(NamedTuple):
    """What a pass saves."""

    inner: Any
    """Cache of the inner layer; a list of them, one for each step, where it keeps averages of the batches."""
    shape: tuple[int, ...]
    """Of the input, [nb, T, F, L]."""
    inner_shape: tuple[int, ...]
    """Of the output of the inner layer, packed."""
    buffers: Params | None = None
    """Averages after the last step; None where all steps were one pass."""


@dataclass(frozen=True, repr=False)
class TimeDistributed(WrapperLayer):
    """The same layer, with the same weights, at every step.

    A step has features, (F,), or is a sequence itself, (S, F): a sample is (T, F) or (T, S, F), as in networks that
    read every part of a series by a convolution.

    A layer that keeps averages of the batches, such as BatchNormalization, is applied to a step after the other in
    training, as in Keras: each step is normalized by its own mean and variance, and moves the averages once.

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
        if context.training and has_buffers(self.layer):
            return self._forward_by_step(params, x.reshape(nb, T, *sizes, L), context)
        inner_context = context._replace(mask=None, n_sequences=None, in_shape=None)
        steps = np.ascontiguousarray(x).reshape(nb * T, *sizes, L)
        y, _, cache = self.layer.forward(params, steps, inner_context)
        y = np.ascontiguousarray(y)
        return y.reshape(nb, T, -1, L), None, _Cache(cache, x.shape, y.shape) if context.save_for_backward else None

    def _forward_by_step(self, params: Params, x: Array, context: CallContext) -> ForwardResult:
        """Compute the outputs of x [nb, T, S, F, L] step by step, each with the averages that the last one left."""
        nb, T, S, _, L = x.shape
        outputs, caches = [], []
        buffers: Params = {}
        for t in range(T):
            mask = None if context.mask is None else np.repeat(context.mask[:, t : t + 1], S, axis=1)
            inner_context = context._replace(mask=mask, in_shape=None, save_for_backward=True)
            y, _, cache = self.layer.forward(params | buffers, np.ascontiguousarray(x[:, t]), inner_context)
            buffers |= self.layer.update_buffers(params | buffers, cache)
            outputs.append(y)
            caches.append(cache)
        saved = _Cache(caches, (nb, T, x[0, 0, :, :, 0].size, L), outputs[0].shape, buffers)
        joined = np.stack(outputs, axis=1).reshape(nb, T, -1, L)
        return joined, None, saved if context.save_for_backward else None

    def backward(self, params: Params, cache: _Cache, dy: Array | None, need_dx: bool) -> BackwardResult:
        """Compute the gradients of x and of the inner layer's parameters."""
        if cache.buffers is not None:
            return self._backward_by_step(params, cache, dy, need_dx)
        dy = None if dy is None else np.ascontiguousarray(dy).reshape(cache.inner_shape)
        dx, _, grads = self.layer.backward(params, cache.inner, dy, need_dx)
        return (None if dx is None else np.ascontiguousarray(dx).reshape(cache.shape)), None, grads

    def _backward_by_step(self, params: Params, cache: _Cache, dy: Array | None, need_dx: bool) -> BackwardResult:
        """Compute the gradients where every step has a cache of its own."""
        nb, _, F, L = cache.shape
        dx = np.empty(cache.shape, np.float32) if need_dx else None
        total: Params = {}
        for t, inner in enumerate(cache.inner):
            of_step = None if dy is None else np.ascontiguousarray(dy[:, t]).reshape(cache.inner_shape)
            dx_step, _, grads = self.layer.backward(params, inner, of_step, need_dx)
            if dx is not None:
                dx[:, t] = np.asarray(dx_step).reshape(nb, F, L)
            total = {name: total[name] + grad if t else grad for name, grad in grads.items()}
        return dx, None, total

    def update_buffers(self, _params: Params, cache: _Cache | None) -> Params:
        """Return the averages after the last step of a training pass."""
        if not has_buffers(self.layer) or cache is None:
            return {}
        return cache.buffers or {}

    def add_to_stack(self, stack: TrainingStack, params: Params, grads: Params, /, *, residual: bool = False) -> bool:
        """Add a dense layer, which treats every step alike anyway."""
        return isinstance(self.layer, Dense) and add_to_stack(self.layer, stack, params, grads, residual=residual)
