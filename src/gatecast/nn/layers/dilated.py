"""Dilated: a recurrent layer over every d-th step.

Notation: d is the rate, p = min(d, T) the number of phases, n the number of steps of a phase, S the size of an array
of the state. Step t belongs to phase t mod d. Phases never interact, so they run side by side as blocks of their own:
[nb, n p, F, L] <-> [nb p, n, F, L].
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast._utils.validation import check_positive_int
from gatecast.kernels.packing import Array, Params
from gatecast.kernels.training_stack import TrainingStack
from gatecast.nn.layers.base import (
    BackwardResult,
    CallContext,
    ForwardResult,
    State,
    StatefulLayer,
    add_to_stack,
)
from gatecast.nn.layers.checks import check_input, check_layer_type, check_plain_recurrence
from gatecast.nn.layers.gru import GRU
from gatecast.nn.layers.lstm import LSTM
from gatecast.nn.layers.minimal import MinGRU, MinLSTM
from gatecast.nn.layers.recurrent import Recurrent
from gatecast.nn.layers.select import last_step, last_step_backward
from gatecast.nn.layers.shapes import Shape
from gatecast.nn.layers.simple_rnn import SimpleRNN
from gatecast.nn.layers.slstm import SLSTM
from gatecast.nn.layers.wrapper import WrapperLayer, wrapper_input_shape

__all__ = ["Dilated", "to_steps"]


@dataclass(frozen=True, repr=False)
class Dilated(WrapperLayer, StatefulLayer):
    """A recurrent layer over every d-th step: ``h[t]`` depends on ``h[t-d]`` instead of ``h[t-1]``.

    An array of the state holds those of all phases one after the other, [nb, d S, L], that of the next step first.
    Dropout in the layer has a mask of its own for each phase.

    Args:
        layer: A recurrent layer, such as ``GRU(50, return_sequences=True)``.
        rate: The rate d, at least 1.

    Raises:
        ConfigError: If the layer is not recurrent or the rate is below 1.

    Example:
        >>> from gatecast.layers import GRU
        >>> Dilated(GRU(8), 4).output_shape((24, 1))
        (8,)

    Source: Chang et al. 2017 (dilated RNN).
    """

    layer: LSTM | GRU | SimpleRNN | SLSTM | MinLSTM | MinGRU
    rate: int

    def __post_init__(self) -> None:
        check_layer_type(self.layer, (Recurrent,), "Dilated", "a recurrent layer, such as GRU(50)")
        check_plain_recurrence(self.layer, "Dilated")
        object.__setattr__(self, "rate", check_positive_int(self.rate, "rate", where="Dilated"))
        object.__setattr__(self, "input_shape", wrapper_input_shape(self, self.layer))
        self._check_base()
        # Which phase holds the last step is only known once all steps are computed.
        object.__setattr__(self, "_sequence_layer", replace(self.layer, return_sequences=True))

    def output_shape(self, in_shape: Shape) -> Shape:
        """Return the shape of the inner layer's output."""
        return self.layer.output_shape(in_shape)

    def init(self, rng: np.random.Generator, in_shape: Shape) -> Params:
        """Draw the inner layer's parameters."""
        return self.layer.init(rng, in_shape)

    def forward(self, params: Params, x: Array, context: CallContext, *, state: State | None = None) -> ForwardResult:
        """Compute the output [nb, T or 1, R, L]."""
        nb, T, _, L = check_input(self, x).shape
        n_phases = max(1, min(self.rate, T))
        # With fewer steps than phases some phases have no step: their state is carried over.
        split = None if state is None else [self._split_phases(s, n_phases) for s in state]
        initial = None if split is None else tuple(active for active, _ in split)
        idle = [None] * len(self.layer.states) if split is None else [rest for _, rest in split]
        inner = context._replace(mask=_phase_mask(context.mask, (nb, T, L), n_phases), n_sequences=None)
        y, last, cache = self._inner().forward(params, _to_phases(x, n_phases), inner, state=initial)
        last = tuple(
            _rotate_phases(self._join_phases(s, rest, nb), -T, self.rate)
            for s, rest in zip(last or (), idle, strict=True)
        )
        y, steps = to_steps(y, nb, T), None
        if not self.layer.return_sequences:
            y, steps = last_step(y, context.mask)
        return np.ascontiguousarray(y), last, (cache, x.shape, steps) if context.save_for_backward else None

    def backward(
        self, params: Params, cache: Any, dy: Array | None, need_dx: bool, *, dstate: State | None = None
    ) -> BackwardResult:
        """Compute the gradients of x, of the initial state and of the parameters."""
        inner_cache, (nb, T, _, _), steps = cache
        n_phases = max(1, min(self.rate, T))
        if dy is not None:
            dy = _to_phases(dy if self.layer.return_sequences else last_step_backward(dy, steps, T), n_phases)
        split: list[tuple[Array | None, Array | None]] = [(None, None)] * len(self.layer.states)
        if dstate is not None:
            split = [
                (None, None) if d is None else self._split_phases(_rotate_phases(d, T, self.rate), n_phases)
                for d in dstate
            ]
        dlast = tuple(active for active, _ in split)
        dx, dinitial, grads = self._inner().backward(params, inner_cache, dy, need_dx, dstate=dlast)
        if dinitial is not None:
            dinitial = tuple(self._join_phases(d, rest, nb) for d, (_, rest) in zip(dinitial, split, strict=True))
        return None if dx is None else to_steps(dx, nb, T), dinitial, grads

    def add_to_stack(self, stack: TrainingStack, params: Params, grads: Params, *, residual: bool = False) -> bool:
        """Add the inner layer, with its dilation, to a stack that is trained in block order."""
        return add_to_stack(self.layer, stack, params, grads, residual=residual, dilation=self.rate)

    def _inner(self) -> Recurrent:
        """Return the inner layer with the outputs of all steps."""
        layer: Recurrent = self.__dict__["_sequence_layer"]
        return layer

    def _split_phases(self, s: Array, n_phases: int) -> tuple[Array, Array]:
        """Split a state [nb, d S, L] into the first phases, [nb p, S, L], and the others, [nb, d - p, S, L]."""
        nb, size, L = s.shape
        phases = s.reshape(nb, self.rate, size // self.rate, L)
        return np.ascontiguousarray(phases[:, :n_phases]).reshape(nb * n_phases, -1, L), phases[:, n_phases:]

    def _join_phases(self, active: Array, idle: Array | None, nb: int) -> Array:
        """Invert `_split_phases`; an `idle` of None stands for zeros."""
        phases = active.reshape(nb, len(active) // nb, *active.shape[1:])
        if phases.shape[1] < self.rate:
            if idle is None:
                idle = np.zeros((nb, self.rate - phases.shape[1], *active.shape[1:]), np.float32)
            phases = np.concatenate([phases, idle], axis=1)
        return phases.reshape(nb, -1, active.shape[2])


def _rotate_phases(s: Array, steps: int, rate: int) -> Array:
    """Rotate the phases of an array of the state, [nb, d S, L]."""
    nb, size, L = s.shape
    return np.roll(s.reshape(nb, rate, size // rate, L), steps % rate, axis=1).reshape(s.shape)


def _to_phases(x: npt.NDArray[np.float32], n_phases: int) -> Array:
    """Reorder [nb, T, F, L] to [nb p, n, F, L], with zeros behind the last step."""
    nb, T, F, L = x.shape
    n = -(-T // n_phases)
    if n * n_phases > T:
        x = np.concatenate([x, np.zeros((nb, n * n_phases - T, F, L), np.float32)], axis=1)
    return np.ascontiguousarray(x.reshape(nb, n, n_phases, F, L).swapaxes(1, 2)).reshape(nb * n_phases, n, F, L)


def to_steps(y: Array, nb: int, n_steps: int) -> Array:
    """Reorder values by phase, as a dilated layer computes them, to values by step.

    Args:
        y: Values by phase, [nb p, n, R, L].
        nb: Number of blocks of the batch.
        n_steps: Number of steps T.

    Returns:
        Values by step, [nb, T, R, L].

    Example:
        >>> by_phase = np.array([[0, 2], [1, 3]], np.float32).reshape(2, 2, 1, 1)
        >>> to_steps(by_phase, nb=1, n_steps=3).ravel().tolist()
        [0.0, 1.0, 2.0]
    """
    blocks, n, R, L = y.shape
    steps = y.reshape(nb, blocks // nb, n, R, L).swapaxes(1, 2).reshape(nb, -1, R, L)
    return np.ascontiguousarray(steps[:, :n_steps])


def _phase_mask(mask: Array | None, shape: tuple[int, int, int], n_phases: int) -> Array | None:
    """Return the mask that skips what `_to_phases` adds behind the last step."""
    if mask is None and shape[1] % n_phases == 0:
        return None
    steps = np.ones(shape, np.float32) if mask is None else mask
    return _to_phases(steps[:, :, None], n_phases)[:, :, 0]
