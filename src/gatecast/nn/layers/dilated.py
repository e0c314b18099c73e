"""A recurrent layer over every d-th step.

Letters: T time, F features, R outputs, S size of an array of the state, d the rate, p <= d phases, n steps of a phase,
nb blocks of L lanes. Step t belongs to phase t mod d. Phases never meet, so that they can be run side by side, as
blocks of their own: (nb, n p, F, L) <-> (nb p, n, F, L).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast._utils.validation import check_positive_int
from gatecast.kernels.packing import Array, Params
from gatecast.nn.layers.base import BaseLayer, CallContext, Shape, State, check_layer_kind, checked_input, first_shape
from gatecast.nn.layers.feedforward import last_step, last_step_backward
from gatecast.nn.layers.recurrences import GRU, LSTM, SLSTM, MinGRU, MinLSTM, SimpleRNN
from gatecast.nn.layers.recurrent import Recurrent

__all__ = ["Dilated", "to_steps"]


@dataclass(frozen=True)
class Dilated(BaseLayer):
    """A recurrent layer over every d-th step: ``h[t]`` depends on ``h[t-d]`` instead of ``h[t-1]``.

    An array of the state holds those of all phases one after the other, (nb, d S, L), that of the next step first.
    With dropout in the layer, each phase has a mask of its own.

    Args:
        layer: A recurrent layer, such as ``GRU(50, return_sequences=True)``.
        rate: d.
        input_shape: (T, F) if this is the first layer of a network without `Input`.

    Raises:
        ConfigError: A layer that is not recurrent, or a rate below 1.

    >>> from gatecast.nn.layers import GRU
    >>> Dilated(GRU(8), 4).output_shape((24, 1))
    (8,)

    Source: Chang et al. 2017 (dilated RNN).
    """

    layer: LSTM | GRU | SimpleRNN | SLSTM | MinLSTM | MinGRU
    rate: int
    input_shape: Shape | None = None

    def __post_init__(self) -> None:
        check_layer_kind(self.layer, (Recurrent,), "Dilated", "a recurrent layer, such as GRU(50)")
        object.__setattr__(self, "rate", check_positive_int(self.rate, "Dilated's rate"))
        object.__setattr__(self, "input_shape", first_shape(self, self.layer))
        # Which phase has the last step is only known where all steps are there.
        object.__setattr__(self, "_every", replace(self.layer, return_sequences=True))

    @property
    def param_names(self) -> tuple[str, ...]:
        """Those of the layer."""
        return self.layer.param_names

    def output_shape(self, in_shape: Shape) -> Shape:
        """That of the layer."""
        return self.layer.output_shape(in_shape)

    def init(self, rng: np.random.Generator, in_shape: Shape) -> Params:
        """Those of the layer."""
        return self.layer.init(rng, in_shape)

    def forward(
        self, params: Params, x: Array, context: CallContext, state: State | None = None
    ) -> tuple[Array, State | None, Any]:
        """(nb, T, F, L) -> (nb, T or 1, R, L)."""
        nb, T, _, L = checked_input(self, x).shape
        phases = max(1, min(self.rate, T))
        before = None if state is None else [self._cut(s, phases) for s in state]
        told = context._replace(mask=_phase_mask(context.mask, (nb, T, L), phases), n_sequences=None)
        first = None if before is None else tuple(own for own, _ in before)
        y, last, cache = self._inner().forward(params, _to_phases(x, phases), told, first)
        rests = [None] * len(self.layer.states) if before is None else [rest for _, rest in before]
        after = tuple(
            _turned(self._whole(s, rest, nb), -T, self.rate) for s, rest in zip(last or (), rests, strict=True)
        )
        y, at = to_steps(y, nb, T), None
        if not self.layer.return_sequences:
            y, at = last_step(y, context.mask)
        return np.ascontiguousarray(y), after, (cache, x.shape, at) if context.save_for_backward else None

    def backward(
        self, params: Params, cache: Any, dy: Array | None, need_dx: bool, dstate: State | None = None
    ) -> tuple[Array | None, State | None, Params]:
        """Gradients of x, of the state given, and of the parameters."""
        inner, (nb, T, _, _), at = cache
        phases = max(1, min(self.rate, T))
        if dy is not None:
            dy = _to_phases(dy if self.layer.return_sequences else last_step_backward(dy, at, T), phases)
        after: list[tuple[Array | None, Array | None]] = [(None, None)] * len(self.layer.states)
        if dstate is not None:
            after = [(None, None) if d is None else self._cut(_turned(d, T, self.rate), phases) for d in dstate]
        run = tuple(own for own, _ in after)
        dx, dfirst, grads = self._inner().backward(params, inner, dy, need_dx, run)
        if dfirst is not None:
            dfirst = tuple(self._whole(d, rest, nb) for d, (_, rest) in zip(dfirst, after, strict=True))
        return None if dx is None else to_steps(dx, nb, T), dfirst, grads

    def get_weights(self, params: Params) -> list[Array]:
        """Those of the layer."""
        return self.layer.get_weights(params)

    def set_weights(self, weights: Sequence[npt.NDArray[Any]]) -> Params:
        """The inverse of `get_weights`."""
        return self.layer.set_weights(weights)

    def _inner(self) -> Recurrent:
        """The layer, giving every step."""
        every: Recurrent = self.__dict__["_every"]
        return every

    def _cut(self, s: Array, phases: int) -> tuple[Array, Array]:
        """An array of the state (nb, d S, L): that of the first phases, (nb p, S, L), and (nb, d - p, S, L)."""
        nb, size, L = s.shape
        slots = s.reshape(nb, self.rate, size // self.rate, L)
        return np.ascontiguousarray(slots[:, :phases]).reshape(nb * phases, -1, L), slots[:, phases:]

    def _whole(self, own: Array, rest: Array | None, nb: int) -> Array:
        """The inverse of `_cut`; a rest of None is zero."""
        slots = own.reshape(nb, len(own) // nb, *own.shape[1:])
        if slots.shape[1] < self.rate:
            if rest is None:
                rest = np.zeros((nb, self.rate - slots.shape[1], *own.shape[1:]), np.float32)
            slots = np.concatenate([slots, rest], axis=1)
        return slots.reshape(nb, -1, own.shape[2])


def _turned(s: Array, steps: int, rate: int) -> Array:
    """The phases of an array of the state (nb, d S, L) moved on by some places."""
    nb, size, L = s.shape
    return np.roll(s.reshape(nb, rate, size // rate, L), steps % rate, axis=1).reshape(s.shape)


def _to_phases(x: npt.NDArray[np.float32], phases: int) -> Array:
    """(nb, T, F, L) -> (nb p, n, F, L), with zeros behind the last step."""
    nb, T, F, L = x.shape
    n = -(-T // phases)
    if n * phases > T:
        x = np.concatenate([x, np.zeros((nb, n * phases - T, F, L), np.float32)], axis=1)
    return np.ascontiguousarray(x.reshape(nb, n, phases, F, L).swapaxes(1, 2)).reshape(nb * phases, n, F, L)


def to_steps(y: Array, nb: int, T: int) -> Array:
    """What a dilated layer keeps (nb p, n, R, L), step by step: (nb, T, R, L)."""
    blocks, n, R, L = y.shape
    steps = y.reshape(nb, blocks // nb, n, R, L).swapaxes(1, 2).reshape(nb, -1, R, L)
    return np.ascontiguousarray(steps[:, :T])


def _phase_mask(mask: Array | None, shape: tuple[int, int, int], phases: int) -> Array | None:
    """The mask of `_to_phases`: what was put behind the last step is skipped."""
    if mask is None and shape[1] % phases == 0:
        return None
    steps = np.ones(shape, np.float32) if mask is None else mask
    return _to_phases(steps[:, :, None], phases)[:, :, 0]
