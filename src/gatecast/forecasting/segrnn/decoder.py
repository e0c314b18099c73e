"""ParallelDecoder: a recurrent layer that reads a sequence, and takes one step from its end for each step ahead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast._utils.validation import check_positive_int
from gatecast.errors import ConfigError
from gatecast.kernels.packing import Array, Params
from gatecast.nn.layers.base import (
    BackwardResult,
    BaseLayer,
    CallContext,
    ForwardResult,
    Layer,
    backward_from,
    forward_from,
)
from gatecast.nn.layers.checks import check_layer_type
from gatecast.nn.layers.recurrent import Recurrent
from gatecast.nn.layers.shapes import Shape, feature_count
from gatecast.nn.layers.wrapper import add_prefix, strip_prefix, wrapper_input_shape
from gatecast.nn.random import fold_in

__all__ = ["POSITIONS", "ParallelDecoder"]

PREFIX, POSITIONS = "layer.", "positions"
"""Prefix of the parameters of the layer; name of the vectors of the steps ahead."""


@dataclass(frozen=True, repr=False)
class ParallelDecoder(BaseLayer):
    """Encoder and decoder in one: ``s = layer(x)``, then ``y[k] = step(positions[k], s)`` for k from 1 to K.

    ``step`` is one step of the same layer with the same weights. Each step ahead begins from the state s at the end of
    the sequence, with a trained vector of its position as input, so no step waits for another one and errors do not
    add up. A sequence must come as a whole, so this layer does not support streaming, and its steps have no mask: they
    are other ones than those of the sequence.

    Args:
        layer: A recurrent layer that returns its last output alone, such as ``LSTM(50)``.
        steps: Number of steps ahead K, at least 1.

    Raises:
        ConfigError: If the layer is not recurrent or returns sequences, or `steps` is below 1.

    Example:
        >>> from gatecast.layers import LSTM
        >>> ParallelDecoder(LSTM(50), steps=3).output_shape((24, 8))
        (3, 50)

    Source: Lin et al. 2023 (SegRNN), parallel multi-step forecasting.
    """

    layer: Layer
    steps: int

    def __post_init__(self) -> None:
        name = type(self).__name__
        check_layer_type(self.layer, (Recurrent,), name, "a recurrent layer, such as LSTM(50)")
        if getattr(self.layer, "return_sequences", False):
            fix = "Leave return_sequences out: the steps ahead begin where the sequence ends."
            raise ConfigError("Invalid layer", where=name, got="return_sequences=True", expected="False", fix=fix)
        object.__setattr__(self, "steps", check_positive_int(self.steps, "steps", where=name))
        object.__setattr__(self, "input_shape", wrapper_input_shape(self, self.layer))
        self._check_base()

    @property
    def param_names(self) -> tuple[str, ...]:
        """Names of the parameters of the layer, then the vectors of the positions, [K, F]."""
        return (*(PREFIX + name for name in self.layer.param_names), POSITIONS)

    @property
    def supports_streaming(self) -> bool:
        """Always False: the steps ahead begin where a sequence ends."""
        return False

    def output_shape(self, in_shape: Shape) -> Shape:
        """Return (K, R) for (T, F)."""
        return (self.steps, *self.layer.output_shape(in_shape))

    def init(self, rng: np.random.Generator, in_shape: Shape) -> Params:
        """Draw the parameters of the layer, and positions that are standard normal, as in SegRNN."""
        params = add_prefix(self.layer.init(rng, in_shape), PREFIX)
        return params | {POSITIONS: rng.normal(size=(self.steps, feature_count(in_shape))).astype(np.float32)}

    def forward(self, params: Params, x: Array, context: CallContext) -> ForwardResult:
        """Compute y [nb, K, R, L] for x [nb, T, F, L]."""
        nb, _, F, L = x.shape
        inner = self.layer_params(params)
        _, state, encoder = self.layer.forward(inner, x, context._replace(key=fold_in(context.key, 0)))
        # The steps ahead are sequences of one step: block k nb + b is step k of block b.
        positions = np.broadcast_to(params[POSITIONS][:, None, None, :, None], (self.steps, nb, 1, F, L))
        inputs = np.ascontiguousarray(positions).reshape(-1, 1, F, L)
        states = tuple(np.tile(part, (self.steps, 1, 1)) for part in state or ())
        one_step = context._replace(key=fold_in(context.key, 1), mask=None)
        y, _, decoder = forward_from(self.layer, inner, inputs, one_step, states)
        y = np.ascontiguousarray(y.reshape(self.steps, nb, -1, L).swapaxes(0, 1))
        return y, None, (encoder, decoder) if context.save_for_backward else None

    def backward(self, params: Params, cache: Any, dy: Array | None, need_dx: bool) -> BackwardResult:
        """Compute the gradients of x and of the parameters, to which both passes contribute."""
        encoder, decoder = cache
        inner, K = self.layer_params(params), self.steps
        if dy is not None:
            nb, _, R, L = dy.shape
            dy = np.ascontiguousarray(dy.swapaxes(0, 1)).reshape(K * nb, 1, R, L)
        dinputs, dstates, grads = self.layer.backward(inner, decoder, dy, True)
        dstate = tuple(d.reshape(K, -1, *d.shape[1:]).sum(axis=0) for d in dstates or ())
        dx, _, encoder_grads = backward_from(self.layer, inner, encoder, None, need_dx, dstate)
        total = add_prefix({name: grad + encoder_grads[name] for name, grad in grads.items()}, PREFIX)
        dpositions = np.zeros_like(params[POSITIONS])
        if dinputs is not None:
            F, L = dinputs.shape[2:]
            dpositions = dinputs.reshape(K, -1, F, L).sum(axis=(1, 3))
        return dx, None, total | {POSITIONS: dpositions}

    def layer_params(self, params: Params) -> Params:
        """Return the parameters of the layer alone."""
        return strip_prefix(params, PREFIX)

    def one_step(self, params: Params, k: int) -> tuple[ParallelDecoder, Params]:
        """Return a decoder of step ahead k alone, from 0, and its parameters."""
        return replace(self, steps=1), params | {POSITIONS: params[POSITIONS][k : k + 1]}

    def to_keras_weights(self, params: Params) -> list[Array]:
        """Return the weights of the layer, then the positions."""
        return [*self.layer.to_keras_weights(self.layer_params(params)), params[POSITIONS].copy()]

    def from_keras_weights(self, weights: Sequence[npt.NDArray[Any]]) -> Params:
        """Return the parameters for a list of weights as `get_weights` returns it."""
        return add_prefix(self.layer.from_keras_weights(weights[:-1]), PREFIX) | {POSITIONS: weights[-1]}
