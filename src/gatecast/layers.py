"""Layers as data: a frozen description, a dict of parameters, and functions from one to the other.

Letters: B batch, T time, F features, H hidden, nb blocks of 16 lanes. Tensors are packed (see `arrays`):
(nb, T, F, 16) float32, T = 1 where a shape has no time axis. Shapes leave the batch out: (T, F) or (F,); T is
None when any length will do. `d` before a name is the gradient of the loss with respect to it.

The words are those of Keras. A new layer is a frozen dataclass with the methods of `Layer` and one more entry
in `LAYERS`; saving, counting, training and the contract tests then know it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from gatecast import recurrent
from gatecast.arrays import GATES, Array, Params, reorder_gates
from gatecast.errors import ConfigError, require_count, require_share
from gatecast.heads import QuantileHead
from gatecast.reference import ACTIVATIONS

__all__ = ["LAYERS", "LSTM", "Context", "Dense", "Dropout", "Input", "Layer", "Shape", "State"]

Shape = tuple[int | None, ...]
State = tuple[Array, Array]
"""(h, c) of an LSTM, each (nb, H, 16)."""

KERAS_GATES = ("i", "f", "g", "o")


class Context(NamedTuple):
    """What a layer is told about the pass that it takes part in."""

    training: bool = False
    key: int = 0
    """Key of this layer's random numbers in this step."""
    mask: Array | None = None
    """(nb, T, 16) of 0 and 1, or None: every step counts."""
    keep: bool = True
    """Whether a backward pass will follow."""


class Layer(Protocol):
    """What every layer offers."""

    @property
    def input_shape(self) -> Shape | None:
        """Shape of the input, if the layer is the first and was told."""

    def output_shape(self, in_shape: Shape) -> Shape:
        """Shape of the output for a shape of the input."""

    def init(self, rng: np.random.Generator, in_shape: Shape) -> Params:
        """Fresh parameters, float32."""

    def forward(self, params: Params, x: Array, context: Context) -> tuple[Array, Any]:
        """Output, and what the backward pass needs."""

    def backward(self, params: Params, cache: Any, dy: Array, need_dx: bool) -> tuple[Array | None, Params]:
        """Gradient of the input (None if not needed) and of the parameters."""

    def get_weights(self, params: Params) -> list[Array]:
        """Parameters as Keras orders them."""

    def set_weights(self, weights: Sequence[npt.NDArray[Any]]) -> Params:
        """Parameters from the list that Keras gives."""


@dataclass(frozen=True)
class Input:
    """The shape of one sample: (T, F), or (F,) without a time axis. T may be None: any length.

    >>> Input((24, 1)).shape
    (24, 1)
    """

    shape: Shape

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", _shape(self.shape, "Input"))


@dataclass(frozen=True)
class LSTM:
    """Long short-term memory, with or without peepholes; the equations head `gatecast.reference`.

    Args:
        units: H, the size of output and memory.
        return_sequences: Give h[t] of every step, (T, H), instead of the last one alone, (H,).
        peephole: None; "diagonal": P a vector, the output gate sees c[t]; "full": P a matrix, it sees c[t-1].
        unit_forget_bias: Start the bias of the forget gate at 1 (Jozefowicz et al. 2015).
        input_shape: (T, F) if this is the first layer of a network without `Input`.

    Raises:
        ConfigError: A size below 1 or an unknown form of peephole.

    >>> layer = LSTM(50, return_sequences=True)
    >>> layer.output_shape((24, 1))
    (24, 50)
    >>> {name: p.shape for name, p in layer.init(np.random.default_rng(0), (24, 1)).items()}
    {'Wx': (1, 200), 'Wh': (50, 200), 'b': (200,)}

    Source: Hochreiter & Schmidhuber 1997; Gers & Schmidhuber 2000 (peepholes).
    """

    units: int
    return_sequences: bool = False
    peephole: Literal["diagonal", "full"] | None = None
    unit_forget_bias: bool = True
    input_shape: Shape | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "units", require_count(self.units, "LSTM's units"))
        object.__setattr__(self, "input_shape", _optional_shape(self.input_shape, "LSTM"))
        _one_of(self.peephole, (None, "diagonal", "full"), "LSTM", "peephole")

    def output_shape(self, in_shape: Shape) -> Shape:
        """(T, F) -> (T, H), or (H,) without `return_sequences`."""
        if len(in_shape) != 2:
            raise ConfigError(
                "an LSTM needs a sequence",
                got=f"an input of shape {in_shape} without a time axis",
                expected="(time, features)",
                fix="Give the recurrent layer before it return_sequences=True; the first layer takes x as "
                "(samples, time, features).",
            )
        return (in_shape[0], self.units) if self.return_sequences else (self.units,)

    def init(self, rng: np.random.Generator, in_shape: Shape) -> Params:
        """Keras' initialisers: Glorot uniform, orthogonal, zeros; peepholes start at zero."""
        H, features = self.units, _features(in_shape)
        b = np.zeros(4 * H, np.float32)
        b[H : 2 * H] = self.unit_forget_bias
        params = {"Wx": _glorot_uniform(rng, features, 4 * H), "Wh": _orthogonal(rng, H, 4 * H), "b": b}
        if self.peephole is not None:
            params["P"] = np.zeros((3 * H,) if self.peephole == "diagonal" else (H, 3 * H), np.float32)
        return params

    def run(
        self,
        params: Params,
        x: Array,
        state: State | None = None,
        mask: Array | None = None,
        keep: bool = True,
    ) -> tuple[Array, State, Any]:
        """Forward from a given state: y (nb, T or 1, H, 16), the state after the last step, and the cache."""
        h0, c0 = (None, None) if state is None else state
        y: Array | None
        cache = None
        if keep:
            y, (hT, cT), cache = recurrent.lstm_forward(params, x, h0, c0, mask)
        else:
            y, (hT, cT) = recurrent.lstm_predict(params, x, h0, c0, mask, sequences=self.return_sequences)
        return (y if y is not None and self.return_sequences else hT[:, None]), (hT, cT), cache

    def run_backward(
        self, params: Params, cache: Any, dy: Array | None, dstate: State | None = None, need_dx: bool = True
    ) -> tuple[Array | None, State | None, Params]:
        """Backward of `run`: gradients of x, of the given state (None if none was), and of the parameters."""
        dhT, dcT = (None, None) if dstate is None else dstate
        if dy is not None and not self.return_sequences:
            dhT, dy = (dy[:, 0] if dhT is None else dy[:, 0] + dhT), None
        return recurrent.lstm_backward(params, cache, dy, dhT, dcT, need_dx=need_dx)

    def forward(self, params: Params, x: Array, context: Context) -> tuple[Array, Any]:
        """(nb, T, F, 16) -> (nb, T or 1, H, 16), from the zero state."""
        y, _, cache = self.run(params, x, None, context.mask, context.keep)
        return y, cache

    def backward(self, params: Params, cache: Any, dy: Array, need_dx: bool) -> tuple[Array | None, Params]:
        """Gradients of x and of the parameters."""
        dx, _, grads = self.run_backward(params, cache, dy, None, need_dx)
        return dx, grads

    def get_weights(self, params: Params) -> list[Array]:
        """Kernel, recurrent kernel and bias in Keras' gate order; then P, columns i f o, if there is one."""
        weights = [reorder_gates(params[name], GATES, KERAS_GATES) for name in ("Wx", "Wh", "b")]
        return weights + ([params["P"].copy()] if self.peephole is not None else [])

    def set_weights(self, weights: Sequence[npt.NDArray[Any]]) -> Params:
        """The inverse of `get_weights`."""
        params = {n: reorder_gates(w, KERAS_GATES, GATES) for n, w in zip(("Wx", "Wh", "b"), weights, strict=False)}
        return params | ({"P": weights[3]} if self.peephole is not None else {})


@dataclass(frozen=True)
class Dense:
    """Affine map of the features, ``y = activation(x W + b)``; with a time axis, the same one at every step.

    Args:
        units: M, the number of outputs.
        activation: None or "linear", "relu", "tanh", "sigmoid".
        input_shape: (T, F) or (F,) if this is the first layer of a network without `Input`.

    Raises:
        ConfigError: A size below 1 or an unknown activation.

    >>> Dense(1).output_shape((24, 50)), Dense(3).output_shape((50,))
    ((24, 1), (3,))
    """

    units: int
    activation: Literal["linear", "relu", "tanh", "sigmoid"] | None = None
    input_shape: Shape | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "units", require_count(self.units, "Dense's units"))
        object.__setattr__(self, "input_shape", _optional_shape(self.input_shape, "Dense"))
        _one_of(self.activation, (None, *ACTIVATIONS), "Dense", "activation")

    def output_shape(self, in_shape: Shape) -> Shape:
        """(..., F) -> (..., M)."""
        return (*in_shape[:-1], self.units)

    def init(self, rng: np.random.Generator, in_shape: Shape) -> Params:
        """Keras' initialisers: Glorot uniform and zeros."""
        W = _glorot_uniform(rng, _features(in_shape), self.units)
        return {"W": W, "b": np.zeros(self.units, np.float32)}

    def forward(self, params: Params, x: Array, context: Context) -> tuple[Array, Any]:
        """(nb, T, F, 16) -> (nb, T, M, 16)."""
        y = recurrent.dense_forward(params, x)
        if self.activation is not None:
            y = ACTIVATIONS[self.activation][0](y)
        return y, (x, y) if context.keep else None

    def backward(self, params: Params, cache: Any, dy: Array, need_dx: bool) -> tuple[Array | None, Params]:
        """Gradients of x and of the parameters."""
        x, y = cache
        if self.activation is not None:
            dy = dy * ACTIVATIONS[self.activation][1](y)
        return recurrent.dense_backward(params, x, dy, need_dx=need_dx)

    def get_weights(self, params: Params) -> list[Array]:
        """Kernel and bias."""
        return [params["W"].copy(), params["b"].copy()]

    def set_weights(self, weights: Sequence[npt.NDArray[Any]]) -> Params:
        """The inverse of `get_weights`."""
        return {"W": weights[0], "b": weights[1]}


@dataclass(frozen=True)
class Dropout:
    """In training, sets a share `rate` of the values to zero and divides the others by ``1 - rate``.

    Which ones is a pure function of the key of the pass; outside training the layer does nothing.

    Args:
        rate: From 0 up to, not including, 1.
        input_shape: (T, F) or (F,) if this is the first layer of a network without `Input`.

    Raises:
        ConfigError: A rate outside [0, 1).

    >>> Dropout(0.2).output_shape((24, 50))
    (24, 50)

    Source: Srivastava et al. 2014.
    """

    rate: float
    input_shape: Shape | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "input_shape", _optional_shape(self.input_shape, "Dropout"))
        object.__setattr__(self, "rate", require_share(self.rate, "Dropout's rate"))

    def output_shape(self, in_shape: Shape) -> Shape:
        """The shape of the input."""
        return in_shape

    def init(self, rng: np.random.Generator, in_shape: Shape) -> Params:  # noqa: ARG002
        """No parameters."""
        return {}

    def forward(self, params: Params, x: Array, context: Context) -> tuple[Array, Any]:  # noqa: ARG002
        """Like x; the cache is the key, or None where nothing was dropped."""
        if not context.training or self.rate == 0:
            return x, None
        return recurrent.dropout(x, self.rate, context.key), context.key

    def backward(
        self,
        params: Params,  # noqa: ARG002
        cache: Any,
        dy: Array,
        need_dx: bool,
    ) -> tuple[Array | None, Params]:
        """The same values dropped from dy."""
        return (dy if cache is None or not need_dx else recurrent.dropout(dy, self.rate, cache)), {}

    def get_weights(self, params: Params) -> list[Array]:  # noqa: ARG002
        """Nothing."""
        return []

    def set_weights(self, weights: Sequence[npt.NDArray[Any]]) -> Params:  # noqa: ARG002
        """Nothing."""
        return {}


LAYERS: Mapping[str, type[LSTM] | type[Dense] | type[Dropout] | type[QuantileHead]] = {
    layer.__name__: layer for layer in (LSTM, Dense, Dropout, QuantileHead)
}
"""Every layer by its name: what may stand in a network and in a file."""


def _one_of(value: object, choices: Sequence[object], layer: str, name: str) -> None:
    """Refuse a value that is not among the choices."""
    if value not in choices:
        allowed = ", ".join(repr(choice) for choice in choices)
        raise ConfigError(f"{layer} does not know this {name}", got=repr(value), expected=f"one of {allowed}")


def _shape(value: object, layer: str) -> Shape:
    """(T, F) or (F,) as a tuple; T may be None."""
    sizes = tuple(value) if isinstance(value, Sequence) else (value,)
    known = [size for k, size in enumerate(sizes) if not (size is None and k == 0 and len(sizes) == 2)]
    good = 1 <= len(sizes) <= 2 and all(isinstance(s, int | np.integer) and s >= 1 for s in known)
    if not good:
        raise ConfigError(
            f"{layer} was given a shape that no sample has",
            got=repr(value),
            expected="(time, features), or (features,)",
            fix="The batch is not part of the shape; time may be None for any length.",
        )
    return tuple(None if size is None else int(size) for size in sizes)


def _optional_shape(value: object, layer: str) -> Shape | None:
    """`_shape`, or None for None."""
    return None if value is None else _shape(value, layer)


def _features(in_shape: Shape) -> int:
    """Number of features of a shape."""
    features = in_shape[-1]
    if features is None:
        raise ConfigError("the number of features is not known", got=str(in_shape), expected="a number at the end")
    return features


def _glorot_uniform(rng: np.random.Generator, rows: int, columns: int) -> Array:
    """Uniform within sqrt(6 / (rows + columns)) of zero (Glorot & Bengio 2010)."""
    limit = np.sqrt(6.0 / (rows + columns))
    return rng.uniform(-limit, limit, (rows, columns)).astype(np.float32)


def _orthogonal(rng: np.random.Generator, rows: int, columns: int) -> Array:
    """Orthonormal rows, for rows <= columns (Saxe et al. 2014)."""
    q, r = np.linalg.qr(rng.standard_normal((columns, rows)))
    # Without the signs q would not be uniform over the orthogonal matrices (Mezzadri 2007).
    return np.ascontiguousarray((q * np.sign(np.diag(r))).T, np.float32)
