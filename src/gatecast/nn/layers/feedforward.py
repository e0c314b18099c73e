"""Layers that look at one step at a time: affine map, dropout, table of vectors, choice of features.

Letters: T time, F features, M outputs, D size of an embedding, nb blocks of L lanes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from gatecast._utils.validation import check_fraction, check_positive_int
from gatecast.errors import ConfigError, DataError
from gatecast.kernels import native
from gatecast.kernels.packing import Array, Params
from gatecast.kernels.reference import ACTIVATIONS
from gatecast.nn.layers.base import (
    BaseLayer,
    CallContext,
    Shape,
    State,
    check_choice,
    checked_input,
    checked_shape,
    feature_count,
    glorot_uniform,
)

__all__ = ["Dense", "Dropout", "Embedding", "Select", "last_step", "last_step_backward"]


@dataclass(frozen=True)
class Dense(BaseLayer):
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
        object.__setattr__(self, "units", check_positive_int(self.units, "Dense's units"))
        object.__setattr__(self, "input_shape", checked_shape(self, self.input_shape))
        check_choice(self.activation, (None, *ACTIVATIONS), "Dense", "activation")

    @property
    def param_names(self) -> tuple[str, ...]:
        """Kernel and bias."""
        return ("W", "b")

    def output_shape(self, in_shape: Shape) -> Shape:
        """(..., F) -> (..., M)."""
        return (*in_shape[:-1], self.units)

    def init(self, rng: np.random.Generator, in_shape: Shape) -> Params:
        """Keras' initialisers: Glorot uniform and zeros."""
        W = glorot_uniform(rng, feature_count(in_shape), self.units)
        return {"W": W, "b": np.zeros(self.units, np.float32)}

    def forward(
        self,
        params: Params,
        x: Array,
        context: CallContext,
        state: State | None = None,  # noqa: ARG002
    ) -> tuple[Array, State | None, Any]:
        """(nb, T, F, L) -> (nb, T, M, L)."""
        y = native.dense_forward(params, x)
        if self.activation is not None:
            y = ACTIVATIONS[self.activation][0](y)
        return y, None, (x, y) if context.save_for_backward else None

    def backward(
        self,
        params: Params,
        cache: Any,
        dy: Array | None,
        need_dx: bool,
        dstate: State | None = None,  # noqa: ARG002
    ) -> tuple[Array | None, State | None, Params]:
        """Gradients of x and of the parameters."""
        x, y = cache
        dy = np.zeros_like(y) if dy is None else dy
        if self.activation is not None:
            dy = dy * ACTIVATIONS[self.activation][1](y)
        dx, grads = native.dense_backward(params, x, dy, need_dx=need_dx)
        return dx, None, grads


@dataclass(frozen=True)
class Dropout(BaseLayer):
    """In training, sets a share `rate` of the values to zero and divides the others by ``1 - rate``.

    Which ones is a pure function of the key of the pass; outside training the layer does nothing.

    Args:
        rate: From 0 up to, not including, 1.
        variational: Drop the same features at every step of a sequence (Gal & Ghahramani 2016).
        input_shape: (T, F) or (F,) if this is the first layer of a network without `Input`.

    Raises:
        ConfigError: A rate outside [0, 1).

    >>> Dropout(0.2).output_shape((24, 50))
    (24, 50)

    Source: Srivastava et al. 2014.
    """

    rate: float
    variational: bool = False
    input_shape: Shape | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "input_shape", checked_shape(self, self.input_shape))
        object.__setattr__(self, "rate", check_fraction(self.rate, "Dropout's rate"))

    def forward(
        self,
        params: Params,  # noqa: ARG002
        x: Array,
        context: CallContext,
        state: State | None = None,  # noqa: ARG002
    ) -> tuple[Array, State | None, Any]:
        """Like x; the cache is the key, or None where nothing was dropped."""
        if not context.training or self.rate == 0:
            return checked_input(self, x), None, None
        return self._drop(checked_input(self, x), context.key), None, context.key if context.save_for_backward else None

    def backward(
        self,
        params: Params,  # noqa: ARG002
        cache: Any,
        dy: Array | None,
        need_dx: bool,
        dstate: State | None = None,  # noqa: ARG002
    ) -> tuple[Array | None, State | None, Params]:
        """The same values dropped from dy."""
        return (dy if cache is None or dy is None or not need_dx else self._drop(dy, cache)), None, {}

    def _drop(self, x: Array, key: int) -> Array:
        """The mask of a key, applied."""
        if not self.variational:
            return native.dropout(x, self.rate, key)
        nb, _, F, L = x.shape
        y: Array = x * native.dropout(np.ones((nb, 1, F, L), np.float32), self.rate, key)
        return y


@dataclass(frozen=True)
class Embedding(BaseLayer):
    """A vector for each code: ``y = E[x]``, as for the day of the week or the number of a series.

    Args:
        input_dim: Number of codes; x holds whole numbers from 0 to input_dim - 1.
        output_dim: D, the size of a vector.
        input_shape: (T, 1), one code a step; or (T,), T codes.

    Raises:
        ConfigError: A size below 1, or an input with several features.
        DataError: In `forward`: a code that is not whole or not in the table.

    >>> Embedding(7, 3).output_shape((24, 1)), Embedding(7, 3).output_shape((5,))
    ((24, 3), (5, 3))
    """

    input_dim: int
    output_dim: int
    input_shape: Shape | None = None

    def __post_init__(self) -> None:
        for name in ("input_dim", "output_dim"):
            object.__setattr__(self, name, check_positive_int(getattr(self, name), f"Embedding's {name}"))
        object.__setattr__(self, "input_shape", checked_shape(self, self.input_shape))

    @property
    def param_names(self) -> tuple[str, ...]:
        """The table."""
        return ("E",)

    def output_shape(self, in_shape: Shape) -> Shape:
        """(T, 1) or (T,) -> (T, D)."""
        if len(in_shape) == 2 and in_shape[1] != 1:
            raise ConfigError(
                "an Embedding takes one code a step",
                got=f"an input of shape {in_shape}",
                expected="(time, 1), or (codes,)",
                fix="Pick the feature that holds the code: Select((k,)) before the Embedding.",
            )
        return (in_shape[0], self.output_dim)

    def init(self, rng: np.random.Generator, in_shape: Shape) -> Params:  # noqa: ARG002
        """Keras' initialiser: uniform within 0.05 of zero."""
        return {"E": rng.uniform(-0.05, 0.05, (self.input_dim, self.output_dim)).astype(np.float32)}

    def forward(
        self,
        params: Params,
        x: Array,
        context: CallContext,
        state: State | None = None,  # noqa: ARG002
    ) -> tuple[Array, State | None, Any]:
        """(nb, T, 1, L) or (nb, 1, T, L) -> (nb, T, D, L)."""
        if checked_input(self, x).shape[1] > 1:
            checked_input(self, x, 1)
        # One feature at every step, or features that are the steps.
        values = x[:, :, 0] if x.shape[2] == 1 else x[:, 0]
        if context.mask is not None and context.mask.shape == values.shape:
            values = np.where(context.mask > 0, values, 0)
        codes = np.clip(np.nan_to_num(values), 0, self.input_dim - 1).astype(np.int64)
        if (codes != values).any():
            wrong = values[codes != values][0]
            raise DataError(
                "a code is not in the table",
                where="Embedding",
                got=f"{wrong:g}",
                expected=f"whole numbers from 0 to {self.input_dim - 1}",
            )
        y = np.ascontiguousarray(params["E"][codes].transpose(0, 1, 3, 2))
        return y, None, (x.shape, codes) if context.save_for_backward else None

    def backward(
        self,
        params: Params,
        cache: Any,
        dy: Array | None,
        need_dx: bool,
        dstate: State | None = None,  # noqa: ARG002
    ) -> tuple[Array | None, State | None, Params]:
        """Each row of E collects the gradients of the steps that it was looked up for; x has none."""
        shape, codes = cache
        dE = np.zeros_like(params["E"])
        if dy is not None:
            rows = dy.transpose(0, 1, 3, 2).reshape(-1, self.output_dim)
            np.add.at(dE, codes.ravel(), rows)
        return np.zeros(shape, np.float32) if need_dx else None, None, {"E": dE}


@dataclass(frozen=True)
class Select(BaseLayer):
    """Some of the features, or those of the last step alone: the way of a side input past other layers.

    Args:
        features: Places of the features wanted, from 0, in the order wanted.
        last: Of the last step that is not masked alone: (T, F) -> (F',).
        input_shape: (T, F) or (F,) if this is the first layer of a network without `Input`.

    Raises:
        ConfigError: No features, one of them twice, or one that the input does not have.

    >>> Select((0, 2)).output_shape((24, 3)), Select((1,), last=True).output_shape((24, 3))
    ((24, 2), (1,))
    """

    features: tuple[int, ...]
    last: bool = False
    input_shape: Shape | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "input_shape", checked_shape(self, self.input_shape))
        chosen = tuple(self.features) if isinstance(self.features, Sequence) else ()
        whole = all(isinstance(k, int | np.integer) and not isinstance(k, bool) and k >= 0 for k in chosen)
        if not chosen or not whole or len(set(chosen)) < len(chosen):
            expected = "a tuple of different places from 0, such as (0, 2)"
            raise ConfigError("Select cannot pick these features", got=repr(self.features), expected=expected)
        object.__setattr__(self, "features", tuple(int(k) for k in chosen))

    def output_shape(self, in_shape: Shape) -> Shape:
        """(T, F) -> (T, F'), or (F',) with `last`."""
        if max(self.features) >= feature_count(in_shape):
            got = f"feature {max(self.features)} of {in_shape[-1]}"
            raise ConfigError("Select picks a feature that is not there", got=got, expected="places from 0")
        if self.last and len(in_shape) != 2:
            raise ConfigError(
                "Select has no last step to pick", got=f"an input of shape {in_shape}", expected="(time, features)"
            )
        return (len(self.features),) if self.last else (*in_shape[:-1], len(self.features))

    def forward(
        self,
        params: Params,  # noqa: ARG002
        x: Array,
        context: CallContext,
        state: State | None = None,  # noqa: ARG002
    ) -> tuple[Array, State | None, Any]:
        """(nb, T, F, L) -> (nb, T or 1, F', L)."""
        if checked_input(self, x).shape[2] <= max(self.features):
            checked_input(self, x, max(self.features) + 1)
        y, at = last_step(x, context.mask) if self.last else (x, None)
        y = y[:, :, list(self.features)]
        return np.ascontiguousarray(y), None, (x.shape, at) if context.save_for_backward else None

    def backward(
        self,
        params: Params,  # noqa: ARG002
        cache: Any,
        dy: Array | None,
        need_dx: bool,
        dstate: State | None = None,  # noqa: ARG002
    ) -> tuple[Array | None, State | None, Params]:
        """The gradient where the features came from, zero elsewhere."""
        if not need_dx:
            return None, None, {}
        (nb, T, F, L), at = cache
        dx = np.zeros((nb, 1 if self.last else T, F, L), np.float32)
        if dy is not None:
            dx[:, :, list(self.features)] = dy
        return (last_step_backward(dx, at, T) if self.last else dx), None, {}


def last_step(x: Array, mask: Array | None) -> tuple[Array, Array | None]:
    """The last step of each sequence that counts.

    Args:
        x: (nb, T, F, L).
        mask: (nb, T, L) of 0 and 1; None: every step counts. Where none does, the last one is taken.

    Returns:
        (nb, 1, F, L), and the steps (nb, 1, 1, L); None where it is the same for all.

    >>> x = np.arange(3, dtype=np.float32).reshape(1, 3, 1, 1)
    >>> float(last_step(x, np.float32([[[1], [1], [0]]]))[0].item())
    1.0
    """
    if mask is None:
        return x[:, -1:], None
    at = mask.shape[1] - 1 - np.argmax(mask[:, ::-1] > 0, axis=1)[:, None, None]
    return np.take_along_axis(x, at, axis=1), at


def last_step_backward(dlast: Array, at: Array | None, T: int) -> Array:
    """Gradient of x through `last_step`.

    Args:
        dlast: (nb, 1, F, L).
        at: As returned by `last_step`.
        T: Steps of x.

    Returns:
        (nb, T, F, L).

    >>> last_step_backward(np.ones((1, 1, 1, 1), np.float32), None, 3).ravel().tolist()
    [0.0, 0.0, 1.0]
    """
    nb, _, F, L = dlast.shape
    dx = np.zeros((nb, T, F, L), np.float32)
    if at is None:
        dx[:, -1:] = dlast
    else:
        np.put_along_axis(dx, np.broadcast_to(at, dlast.shape), dlast, axis=1)
    return dx
