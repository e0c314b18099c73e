"""Base class of the recurrent layers: a pass of the kernels, noise on inputs and state, and Keras' order of gates.

Shapes: x is packed, [nb, T, F, L]; the output is [nb, T, R, L], with R = H units unless there is a projection.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast._utils.validation import check_flag, check_fraction, check_positive_int
from gatecast.errors import ConfigError
from gatecast.kernels import native
from gatecast.kernels.cells import CELLS, StateNoise
from gatecast.kernels.packing import Array, Params, pack_state, unpack_state
from gatecast.kernels.training_stack import TrainingStack
from gatecast.nn.layers.arguments import canonical_activation
from gatecast.nn.layers.base import BackwardResult, CallContext, ForwardResult, State, StatefulLayer
from gatecast.nn.layers.checks import check_weights
from gatecast.nn.layers.shapes import Shape, feature_count
from gatecast.nn.layers.weight_settings import WeightSettings
from gatecast.nn.random import fold_in

__all__ = ["Recurrent", "canonical_activations", "reorder_gates"]

KERAS_GATES = "ifgo"
"""Keras' order of the gates of an LSTM; those of a GRU have the same order everywhere."""


FLAGS = ("use_bias", "return_sequences", "return_state", "go_backwards", "stateful", "unroll", "reset_after")
"""Arguments that are True or False."""


class Recurrent(WeightSettings, StatefulLayer):
    """Base class of recurrent layers; a subclass names its cell and sets the initial parameters.

    A stateful layer begins a pass from the state at the end of the pass before, without gradients between them; the
    state is no part of the description of the layer, and `reset_states` forgets it.
    """

    units: int
    return_sequences: bool
    dropout: float
    go_backwards: bool = False
    stateful: bool = False
    recurrent_dropout: float = 0.0
    zoneout: Any = 0.0
    _cell: str
    _zoneout_rates: tuple[float, ...] = ()
    """Zoneout rate of each state."""
    _has_noise: bool = False
    """Whether training or prediction changes anything about the plain recurrence."""
    _activations: tuple[str, str] | None = None
    """Names of activation and recurrent activation, for a cell that takes them."""
    _is_plain: bool = True
    """Whether inputs, parameters and state go to the kernels as they are."""
    _carried: State | None = None
    """State of a stateful layer after the pass before."""
    _n_carried: int | None = None
    """Number of its sequences; None: not known."""

    def _configure(self, cell: str, activations: tuple[str, str] | None = None) -> None:
        """Check the arguments that all recurrent layers share, and store what every pass needs."""
        name, store = type(self).__name__, object.__setattr__
        store(self, "_cell", cell)
        store(self, "_activations", activations)
        store(self, "units", check_positive_int(self.units, "units", where=name))
        self._check_base()
        self._check_weight_settings()
        for flag in FLAGS:
            if hasattr(self, flag):
                store(self, flag, check_flag(getattr(self, flag), flag, where=name))
        store(self, "_is_plain", self.use_bias and not self.go_backwards and not self.stateful)
        store(self, "dropout", check_fraction(self.dropout, "dropout", where=name))
        store(self, "recurrent_dropout", check_fraction(self.recurrent_dropout, "recurrent_dropout", where=name))
        n_states = len(self.states)
        store(self, "zoneout", _validate_zoneout(self.zoneout, n_states, name))
        store(self, "_zoneout_rates", self.zoneout if isinstance(self.zoneout, tuple) else (self.zoneout,) * n_states)
        store(self, "_has_noise", bool(self.dropout or self.recurrent_dropout or any(self._zoneout_rates)))

    @property
    def n_carried(self) -> int | None:
        """Samples whose states a stateful layer has from the pass before; None: none, or not known."""
        return None if self._carried is None else self._n_carried

    @property
    def states(self) -> tuple[str, ...]:
        """Names of the arrays of the state, h first."""
        return CELLS[self._cell].states

    @property
    def state_sizes(self) -> tuple[int, ...]:
        """Sizes of the arrays of the state, h first."""
        return (self.output_size, *(self.units,) * (len(self.states) - 1))

    @property
    def output_size(self) -> int:
        """Number of output features R."""
        return self.units

    @property
    def param_names(self) -> tuple[str, ...]:
        """Names of the parameters, in Keras' order."""
        names = ("Wx", "Wh") if CELLS[self._cell].recurrent else ("Wx",)
        return (*names, "b") if self.use_bias else names

    @property
    def supports_streaming(self) -> bool:
        """Whether a sequence may come in pieces: not if it is read from its end."""
        return not self.go_backwards

    def output_shape(self, in_shape: Shape) -> Shape:
        """Return (T, R) for (T, F), or (R,) without `return_sequences`."""
        if len(in_shape) != 2:
            raise ConfigError(
                "Invalid input shape",
                where=type(self).__name__,
                got=f"{in_shape}, which has no time axis",
                expected="(time, features)",
                fix="Set return_sequences=True in the recurrent layer before it; the first layer takes x as "
                "(samples, time, features).",
            )
        return (in_shape[0], self.output_size) if self.return_sequences else (self.output_size,)

    def init(self, rng: np.random.Generator, in_shape: Shape) -> Params:
        """Draw Wx, Wh and b as the initializers say: by default as Keras does."""
        columns = len(CELLS[self._cell].gates) * self.units
        params = {"Wx": self._draw(rng, "Wx", (feature_count(in_shape), columns), "glorot_uniform")}
        if CELLS[self._cell].recurrent:
            params["Wh"] = self._draw(rng, "Wh", (self._recurrent_rows(), columns), "orthogonal")
        if self.use_bias:
            params["b"] = self._draw(rng, "b", self._bias_shape(), "zeros")
        return params

    def forward(self, params: Params, x: Array, context: CallContext, *, state: State | None = None) -> ForwardResult:
        """Compute the output [nb, T or 1, R, L], and the state: arrays [nb, R or H, L]."""
        if not self._is_plain:
            params, x, context, state = self._prepared(params, x, context, state)
        x_mask, noise = self._draw_noise(x, context) if self._has_noise else (None, None)
        y, last, cache = native.forward(
            self._cell,
            params,
            x if x_mask is None else x * x_mask,
            state,
            context.mask,
            noise,
            save_for_backward=context.save_for_backward,
            return_sequences=self.return_sequences,
            activations=self._activations,
        )
        if self.stateful:
            object.__setattr__(self, "_carried", tuple(array.copy() for array in last))
            object.__setattr__(self, "_n_carried", context.n_sequences)
        out = y if self.return_sequences and y is not None else last[0][:, None]
        return out, last, (cache, x_mask) if context.save_for_backward else None

    def backward(
        self, params: Params, cache: Any, dy: Array | None, need_dx: bool, *, dstate: State | None = None
    ) -> BackwardResult:
        """Compute the gradients of x, of the initial state and of the parameters."""
        kernel_cache, x_mask = cache
        if dy is not None and not self.return_sequences:
            dh, *others = dstate or (None,) * len(self.states)
            dstate, dy = (dy[:, 0] if dh is None else dy[:, 0] + dh, *others), None
        if not self._is_plain:
            params = self._with_bias(params, self._bias_shape())
        dx, dinitial, grads = native.backward(params, kernel_cache, dy, dstate, need_dx=need_dx)
        dx = dx if dx is None or x_mask is None else dx * x_mask
        if self._is_plain:
            return dx, dinitial, grads
        if not self.use_bias:
            del grads["b"]
        return np.ascontiguousarray(dx[:, ::-1]) if self.go_backwards and dx is not None else dx, dinitial, grads

    def reset_states(self, states: Any = None) -> None:
        """Forget the state of a stateful layer, or set it.

        Args:
            states: Arrays (B, H) for a batch of B samples, h first; None: the next pass begins from the zero state.

        Raises:
            ConfigError: The layer is not stateful.
            DataError: Another number of arrays, other shapes, text, NaN or infinity. The state has not changed then.
        """
        if not self.stateful:
            fix = "Create it with stateful=True."
            raise ConfigError(f"{type(self).__name__} keeps no state between passes", got="stateful=False", fix=fix)
        arrays = None if states is None else self._checked_states(states)
        state = None if arrays is None else tuple(map(pack_state, arrays))
        object.__setattr__(self, "_carried", state)
        object.__setattr__(self, "_n_carried", None if arrays is None else len(arrays[0]))

    reset_state = reset_states

    def _checked_states(self, states: Any) -> list[Array]:
        """Return states that the user gave as arrays (B, H), h first."""
        # An array of two axes is the state of a layer that has one.
        given = [states] if isinstance(states, np.ndarray) and states.ndim == 2 else states
        try:
            count = max(len(given[0]), 1)
        except (TypeError, IndexError, KeyError):
            count = 1
        return check_weights(given, [(count, size) for size in self.state_sizes], "layer", repr(self), "states")

    def _prepared(
        self, params: Params, x: Array, context: CallContext, state: State | None
    ) -> tuple[Params, Array, CallContext, State | None]:
        """Return what goes to the kernels: with a bias, in the direction of the layer, from the state before."""
        if self.stateful and state is None:
            state = self._continued_state(x, context.n_sequences)
        if self.go_backwards:
            mask = None if context.mask is None else np.ascontiguousarray(context.mask[:, ::-1])
            x, context = np.ascontiguousarray(x[:, ::-1]), context._replace(mask=mask)
        return self._with_bias(params, self._bias_shape()), x, context, state

    def _continued_state(self, x: Array, n_sequences: int | None) -> State | None:
        """Return the state of the pass before, for a batch of the same size."""
        if self._carried is None:
            return None
        before, L = self._carried[0], x.shape[3]
        n = n_sequences or len(x) * L
        n_before = self._n_carried or before.shape[0] * before.shape[2]
        if n == n_before:
            # Training packs few samples into fewer lanes than passes without gradients.
            is_packed_alike = before.shape[2] == L
            return self._carried if is_packed_alike else tuple(pack_state(unpack_state(a, n), L) for a in self._carried)
        raise ConfigError(
            "A stateful layer needs batches of one size",
            where=repr(self),
            got=f"{n} samples after {n_before}",
            fix="Use the same batch_size in fit and predict, a number of samples that it divides, or call "
            "reset_states() in between.",
        )

    def _bias_shape(self) -> tuple[int, ...]:
        """Return the shape of the bias."""
        size = len(CELLS[self._cell].gates) * self.units
        return (2, size) if native.has_two_biases(self._cell) else (size,)

    def add_to_stack(
        self, stack: TrainingStack, params: Params, grads: Params, *, residual: bool = False, dilation: int = 1
    ) -> bool:
        """Add the layer to a stack that is trained in block order; not one with zoneout."""
        # A shortcut goes past the dropout of x, too, and masks of phases are not those of a sequence.
        if any(self._zoneout_rates) or (residual and self.dropout) or self.go_backwards or self.stateful:
            return False
        if dilation > 1 and (self._has_noise or not self.return_sequences):
            return False
        if self.dropout:
            stack.add_dropout(self.dropout, all_steps=True, use=0)
        if not self.use_bias:
            shape = self._bias_shape()
            params, grads = self._with_bias(params, shape), grads | {"b": np.empty(shape, np.float32)}
        stack.add_recurrent(
            self._cell,
            params,
            grads,
            return_sequences=self.return_sequences,
            residual=residual,
            recurrent_dropout=self.recurrent_dropout,
            use=1,
            dilation=dilation,
            activations=self._activations,
        )
        return True

    def to_keras_weights(self, params: Params) -> list[Array]:
        """Return kernel, recurrent kernel and bias in Keras' gate order; then P (columns i f o), gain and Wr if any."""
        gates = CELLS[self._cell].gates
        return [_reorder_param(name, params[name], gates, _keras_order(gates)) for name in self.param_names]

    def from_keras_weights(self, weights: Sequence[npt.NDArray[Any]]) -> Params:
        """Return the parameters for a list of weights as `to_keras_weights` returns it."""
        gates = CELLS[self._cell].gates
        pairs = zip(self.param_names, weights, strict=True)
        return {name: _reorder_param(name, weight, _keras_order(gates), gates) for name, weight in pairs}

    def _recurrent_rows(self) -> int:
        """Return the number of rows of Wh."""
        return self.output_size

    def _draw_noise(self, x: Array, context: CallContext) -> tuple[Array | None, StateNoise | None]:
        """Draw the dropout mask of x, [nb, 1, F, L] or None, and the noise on the state."""
        if not context.training:
            return None, StateNoise(None, self._zoneout_rates) if any(self._zoneout_rates) else None
        nb, T, F, L = x.shape
        R, rates = self.output_size, self._zoneout_rates
        x_mask = _dropout_mask((nb, 1, F, L), self.dropout, fold_in(context.key, 0)) if self.dropout else None
        h_mask = None
        if self.recurrent_dropout:
            h_mask = _dropout_mask((nb, 1, R, L), self.recurrent_dropout, fold_in(context.key, 1))[:, 0]
        zoneout: list[Array | float] = []
        for k, (rate, size) in enumerate(zip(rates, (R, *(self.units,) * (len(rates) - 1)), strict=True)):
            zoned = _dropout_mask((nb, T, size, L), rate, fold_in(context.key, 2 + k)) == 0 if rate else None
            zoneout.append(0.0 if zoned is None else zoned.astype(np.float32))
        return x_mask, StateNoise(h_mask, tuple(zoneout) if any(rates) else ())


def canonical_activations(layer: Any) -> tuple[str, str]:
    """Set the activations of a recurrent layer to their names, and return both; "sigmoid" if it has only one.

    Args:
        layer: LSTM, GRU or SimpleRNN.

    Raises:
        ConfigError: If one is unknown.
    """
    names = []
    for argument, default in (("activation", "tanh"), ("recurrent_activation", "sigmoid")):
        value = canonical_activation(getattr(layer, argument, default), type(layer).__name__, argument)
        if hasattr(layer, argument):
            object.__setattr__(layer, argument, value)
        names.append(value)
    return names[0], names[1]


def reorder_gates(
    array: npt.NDArray[Any], source: Sequence[str], target: Sequence[str], axis: int = -1
) -> npt.NDArray[Any]:
    """Reorder the gate columns of a weight from one convention to another.

    The gates of an LSTM are i f o g in gatecast, i f g o in Keras, and i f g o along axis 0 in PyTorch.

    Args:
        array: Weight with ``len(source) * H`` entries along `axis`.
        source: Gates in their present order.
        target: The same gates in the new order.
        axis: Axis of the gates.

    Returns:
        A contiguous copy with the gates in the order of `target`.

    Example:
        >>> reorder_gates(np.array([1, 2, 3, 4]), "ifog", "ifgo").tolist()
        [1, 2, 4, 3]
    """
    blocks = np.split(array, len(source), axis=axis)
    return np.concatenate([blocks[list(source).index(gate)] for gate in target], axis=axis)


def _reorder_param(name: str, weight: npt.NDArray[Any], source: Sequence[str], target: Sequence[str]) -> Array:
    """Return a copy of a parameter with its gates reordered; P and Wr have no gate columns in that order."""
    return weight.copy() if name in ("P", "Wr") else reorder_gates(weight, source, target)


def _keras_order(gates: Sequence[str]) -> Sequence[str]:
    """Return the gates in Keras' order."""
    return sorted(gates, key=KERAS_GATES.index) if "o" in gates else gates


def _dropout_mask(shape: tuple[int, ...], rate: float, key: int) -> Array:
    """Draw 0 with probability `rate`, else 1 / (1 - rate)."""
    return native.dropout(np.ones(shape, np.float32), rate, key)


def _validate_zoneout(value: Any, n_states: int, layer: str) -> float | tuple[float, ...]:
    """Return one rate for all states, or a tuple with a rate for each."""
    if not isinstance(value, tuple | list):
        return check_fraction(value, "zoneout", where=layer)
    if n_states == 1 or len(value) != n_states:
        expected = "a number" if n_states == 1 else "a number, or a pair of numbers: for h and for c"
        raise ConfigError("Invalid zoneout", where=layer, got=repr(value), expected=expected)
    return tuple(check_fraction(rate, "zoneout", where=layer) for rate in value)
