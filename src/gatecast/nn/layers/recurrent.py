"""What all recurrent layers have in common: a pass of `recurrent`, noise on inputs and state, Keras' order of gates.

Letters: T time, F features, H units, R outputs (H without projection), nb blocks of L lanes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast._utils.validation import check_fraction, check_positive_int
from gatecast.errors import ConfigError
from gatecast.kernels import native
from gatecast.kernels.cells import CELLS, StateNoise
from gatecast.kernels.packing import Array, Params, reorder_gates
from gatecast.nn.layers.base import (
    BaseLayer,
    CallContext,
    Shape,
    State,
    checked_shape,
    feature_count,
    fold_in,
    glorot_uniform,
    orthogonal,
)

__all__ = ["Recurrent"]

KERAS_GATES = "ifgo"
"""Keras' order of the gates of an LSTM; those of a GRU stand in the same order everywhere."""


class Recurrent(BaseLayer):
    """What recurrent layers have in common; a subclass says which cell it is and how it starts."""

    units: int
    return_sequences: bool
    dropout: float
    recurrent_dropout: float = 0.0
    zoneout: Any = 0.0
    _cell: str
    _shares: tuple[float, ...] = ()
    """Zoneout of each state."""
    _noisy: bool = False
    """Whether anything but the plain recurrence may be asked for."""

    def _prepare(self, cell: str) -> None:
        """Check what all recurrent layers share, and note what a pass would otherwise work out again."""
        name, note = type(self).__name__, object.__setattr__
        note(self, "_cell", cell)
        note(self, "units", check_positive_int(self.units, f"{name}'s units"))
        note(self, "input_shape", checked_shape(self, self.input_shape))
        note(self, "dropout", check_fraction(self.dropout, f"{name}'s dropout"))
        note(self, "recurrent_dropout", check_fraction(self.recurrent_dropout, f"{name}'s recurrent_dropout"))
        note(self, "zoneout", _zoneout(self.zoneout, len(self.states), name))
        note(self, "_shares", self.zoneout if isinstance(self.zoneout, tuple) else (self.zoneout,) * len(self.states))
        note(self, "_noisy", bool(self.dropout or self.recurrent_dropout or any(self._shares)))

    @property
    def states(self) -> tuple[str, ...]:
        """Names of the arrays of the state, h first."""
        return CELLS[self._cell].states

    @property
    def output_size(self) -> int:
        """R, the number of output features."""
        return self.units

    @property
    def param_names(self) -> tuple[str, ...]:
        """Names of the parameters, in Keras' order."""
        return ("Wx", "Wh", "b") if CELLS[self._cell].recurrent else ("Wx", "b")

    def output_shape(self, in_shape: Shape) -> Shape:
        """(T, F) -> (T, R), or (R,) without `return_sequences`."""
        if len(in_shape) != 2:
            name = type(self).__name__
            raise ConfigError(
                f"{'an' if name[:2] in ('LS', 'SL') else 'a'} {name} needs a sequence",
                got=f"an input of shape {in_shape} without a time axis",
                expected="(time, features)",
                fix="Give the recurrent layer before it return_sequences=True; the first layer takes x as "
                "(samples, time, features).",
            )
        return (in_shape[0], self.output_size) if self.return_sequences else (self.output_size,)

    def init(self, rng: np.random.Generator, in_shape: Shape) -> Params:
        """Keras' initialisers: Glorot uniform, orthogonal, zeros."""
        columns = len(CELLS[self._cell].gates) * self.units
        params = {"Wx": glorot_uniform(rng, feature_count(in_shape), columns)}
        if CELLS[self._cell].recurrent:
            params["Wh"] = orthogonal(rng, self._inner(), columns)
        return params | {"b": np.zeros(columns, np.float32)}

    def forward(
        self, params: Params, x: Array, context: CallContext, state: State | None = None
    ) -> tuple[Array, State | None, Any]:
        """(nb, T, F, L) -> (nb, T or 1, R, L), and the state: arrays (nb, H or R, L)."""
        drop, noise = self._noise(x, context) if self._noisy else (None, None)
        y, last, cache = native.forward(
            self._cell,
            params,
            x if drop is None else x * drop,
            state,
            context.mask,
            noise,
            keep=context.save_for_backward,
            sequences=self.return_sequences,
        )
        out = y if self.return_sequences and y is not None else last[0][:, None]
        return out, last, (cache, drop) if context.save_for_backward else None

    def backward(
        self, params: Params, cache: Any, dy: Array | None, need_dx: bool, dstate: State | None = None
    ) -> tuple[Array | None, State | None, Params]:
        """Gradients of x, of the state given, and of the parameters."""
        inner, drop = cache
        if dy is not None and not self.return_sequences:
            dh, *others = dstate or (None,) * len(self.states)
            dstate, dy = (dy[:, 0] if dh is None else dy[:, 0] + dh, *others), None
        dx, dfirst, grads = native.backward(params, inner, dy, dstate, need_dx=need_dx)
        return (dx if dx is None or drop is None else dx * drop), dfirst, grads

    def get_weights(self, params: Params) -> list[Array]:
        """Kernel, recurrent kernel and bias in Keras' gate order; then P (columns i f o), gain and Wr as there are."""
        gates = CELLS[self._cell].gates
        return [self._reordered(name, params[name], gates, _keras(gates)) for name in self.param_names]

    def set_weights(self, weights: Sequence[npt.NDArray[Any]]) -> Params:
        """The inverse of `get_weights`."""
        gates = CELLS[self._cell].gates
        pairs = zip(self.param_names, weights, strict=True)
        return {name: self._reordered(name, weight, _keras(gates), gates) for name, weight in pairs}

    def _inner(self) -> int:
        """Rows of Wh."""
        return self.output_size

    def _reordered(self, name: str, weight: npt.NDArray[Any], source: Sequence[str], target: Sequence[str]) -> Array:
        """A parameter with its gates in another order; P and Wr have none of their own."""
        return weight.copy() if name in ("P", "Wr") else reorder_gates(weight, source, target)

    def _noise(self, x: Array, context: CallContext) -> tuple[Array | None, StateNoise | None]:
        """What x is multiplied by, (nb, 1, F, L) or None, and what happens to the state on its way."""
        if not context.training:
            return None, StateNoise(None, self._shares) if any(self._shares) else None
        nb, T, F, L = x.shape
        sizes = (self.output_size, *(self.units,) * (len(self._shares) - 1))
        drop_x = _kept((nb, 1, F, L), self.dropout, fold_in(context.key, 0)) if self.dropout else None
        drop_h = None
        if self.recurrent_dropout:
            drop_h = _kept((nb, 1, self.output_size, L), self.recurrent_dropout, fold_in(context.key, 1))[:, 0]
        zone: list[Array | float] = []
        for k, (share, size) in enumerate(zip(self._shares, sizes, strict=True)):
            drawn = _kept((nb, T, size, L), share, fold_in(context.key, 2 + k)) == 0 if share else None
            zone.append(0.0 if drawn is None else drawn.astype(np.float32))
        return drop_x, StateNoise(drop_h, tuple(zone) if any(self._shares) else ())


def _keras(gates: Sequence[str]) -> Sequence[str]:
    """The same gates in Keras' order."""
    return sorted(gates, key=KERAS_GATES.index) if "o" in gates else gates


def _kept(shape: tuple[int, ...], rate: float, key: int) -> Array:
    """Dropout of ones: 0 with probability `rate`, else 1 / (1 - rate)."""
    return native.dropout(np.ones(shape, np.float32), rate, key)


def _zoneout(value: Any, states: int, name: str) -> float | tuple[float, ...]:
    """One share for all states, or a tuple with one for each."""
    if not isinstance(value, tuple | list):
        return check_fraction(value, f"{name}'s zoneout")
    if states == 1 or len(value) != states:
        expected = "a share" if states == 1 else "a share, or a pair of them: of h and of c"
        raise ConfigError(f"{name}'s zoneout does not fit its states", got=repr(value), expected=expected)
    return tuple(check_fraction(share, f"{name}'s zoneout") for share in value)
