"""What a layer is: a frozen description, a dict of parameters, and functions from one to the other.

Letters: B batch, T time, F features, H units, nb blocks of L lanes. Tensors are packed (see `arrays`):
(nb, T, F, L) float32, T = 1 where a shape has no time axis. Shapes leave the batch out: (T, F) or (F,); T is
None when any length will do. `d` before a name is the gradient of the loss with respect to it.

A new layer is a frozen dataclass on top of `Plain` with what it does differently, and one more entry in
`layers.LAYERS`; saving, counting, training and the contract tests then know it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from gatecast.errors import ConfigError, DataError
from gatecast.kernels.packing import Array, Params

__all__ = [
    "BaseLayer",
    "CallContext",
    "Input",
    "Layer",
    "Shape",
    "State",
    "check_choice",
    "check_layer_kind",
    "checked_input",
    "checked_shape",
    "feature_count",
    "first_shape",
    "fold_in",
    "glorot_uniform",
    "hash64",
    "orthogonal",
]

Shape = tuple[int | None, ...]
State = tuple[Any, ...]
"""What a layer carries from step to step: arrays (nb, size, L), h first; nested where layers are nested."""

Described = TypeVar("Described")

_BITS = 0xFFFFFFFFFFFFFFFF


class CallContext(NamedTuple):
    """What a layer is told about the pass that it takes part in."""

    training: bool = False
    key: int = 0
    """Key of this layer's random numbers in this step."""
    mask: Array | None = None
    """(nb, T, L) of 0 and 1, or None: every step counts. x is finite where it is 0."""
    save_for_backward: bool = True
    """Whether a backward pass will follow."""
    n_sequences: int | None = None
    """Number of sequences; the lanes beyond are padding. None: every lane is a sequence."""


class Layer(Protocol):
    """What every layer offers."""

    @property
    def input_shape(self) -> Shape | None:
        """Shape of the input, if the layer is the first and was told."""

    @property
    def param_names(self) -> tuple[str, ...]:
        """Names of the parameters, in the order of `get_weights`."""

    @property
    def supports_streaming(self) -> bool:
        """Whether a sequence may be given piece by piece, with the state handed over."""

    def output_shape(self, in_shape: Shape) -> Shape:
        """Shape of the output for a shape of the input."""

    def init(self, rng: np.random.Generator, in_shape: Shape) -> Params:
        """Fresh parameters, float32."""

    def forward(
        self, params: Params, x: Array, context: CallContext, state: State | None = None
    ) -> tuple[Array, State | None, Any]:
        """Output, the state after the last step (None if there is none), and what the backward pass needs.

        A state that is not given is zero. The cache is None without `context.keep`.
        """

    def backward(
        self, params: Params, cache: Any, dy: Array | None, need_dx: bool, dstate: State | None = None
    ) -> tuple[Array | None, State | None, Params]:
        """Gradient of the input (None if not needed), of the state given (None if none was), of the parameters.

        `dy` is 0 in padding lanes; `dstate` is the gradient of the state that came out, zeros if None.
        """

    def update_buffers(self, params: Params, cache: Any) -> Params:
        """New values of parameters that no gradient trains, to be set after the update that follows a pass."""

    def get_weights(self, params: Params) -> list[Array]:
        """Parameters as Keras orders them."""

    def set_weights(self, weights: Sequence[npt.NDArray[Any]]) -> Params:
        """Parameters from the list that Keras gives."""


class BaseLayer:
    """What most layers do: keep the shape, have no parameters and no state."""

    input_shape: Shape | None

    @property
    def param_names(self) -> tuple[str, ...]:
        """Names of the parameters, in the order of `get_weights`."""
        return ()

    @property
    def supports_streaming(self) -> bool:
        """Whether a sequence may be given piece by piece, with the state handed over."""
        return True

    def output_shape(self, in_shape: Shape) -> Shape:
        """The shape of the input."""
        return in_shape

    def init(self, rng: np.random.Generator, in_shape: Shape) -> Params:  # noqa: ARG002
        """No parameters."""
        return {}

    def update_buffers(self, params: Params, cache: Any) -> Params:  # noqa: ARG002
        """Nothing: gradients train all parameters."""
        return {}

    def get_weights(self, params: Params) -> list[Array]:
        """Copies of the parameters in Keras' order."""
        return [params[name].copy() for name in self.param_names]

    def set_weights(self, weights: Sequence[npt.NDArray[Any]]) -> Params:
        """The inverse of `get_weights`."""
        return dict(zip(self.param_names, weights, strict=True))


@dataclass(frozen=True)
class Input:
    """The shape of one sample: (T, F), or (F,) without a time axis. T may be None: any length.

    >>> Input((24, 1)).shape
    (24, 1)
    """

    shape: Shape

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", _shape(self.shape, "Input"))


def checked_shape(layer: Described, value: object) -> Shape | None:
    """The `input_shape` of a layer as a tuple, or None for None.

    Raises:
        ConfigError: Something that is not the shape of a sample.

    >>> checked_shape(BaseLayer(), [None, 3])
    (None, 3)
    """
    return None if value is None else _shape(value, type(layer).__name__)


def first_shape(wrapper: BaseLayer, layer: Layer) -> Shape | None:
    """The `input_shape` of a layer made of layers: its own, or else that of its first layer.

    >>> from gatecast.nn.layers import LSTM, Bidirectional
    >>> Bidirectional(LSTM(5, input_shape=(24, 1))).input_shape
    (24, 1)
    """
    own = checked_shape(wrapper, wrapper.input_shape)
    return layer.input_shape if own is None else own


def checked_input(layer: object, x: Array, features: int | None = None) -> Array:
    """x, if it is packed and has as many features as the layer knows.

    Raises:
        DataError: Not float32, not four axes, nothing in it, or another number of features.

    >>> checked_input(BaseLayer(), np.zeros((1, 5, 2, 16), np.float32)).shape
    (1, 5, 2, 16)
    """
    fits = x.dtype == np.float32 and x.ndim == 4 and x.size > 0
    if not fits or (features is not None and x.shape[2] != features):
        raise DataError(
            "this is not what the layer takes",
            where=type(layer).__name__,
            got=f"{x.dtype} {x.shape}",
            expected=f"float32 (blocks, time, {'features' if features is None else features}, lanes)",
        )
    return x


def feature_count(in_shape: Shape) -> int:
    """Number of features of a shape.

    >>> feature_count((None, 3))
    3
    """
    features = in_shape[-1]
    if features is None:
        raise ConfigError("the number of features is not known", got=str(in_shape), expected="a number at the end")
    return features


def check_choice(value: object, choices: Sequence[object] | Mapping[Any, Any], layer: str, name: str) -> None:
    """Refuse a value that is not among the choices.

    >>> check_choice("tanh", ("tanh", "relu"), "SimpleRNN", "activation")
    """
    if value not in tuple(choices):
        allowed = ", ".join(repr(choice) for choice in choices)
        raise ConfigError(f"{layer} does not know this {name}", got=repr(value), expected=f"one of {allowed}")


def check_layer_kind(value: object, kinds: tuple[type, ...], name: str, expected: str) -> None:
    """Refuse what a layer made of layers cannot take.

    >>> check_layer_kind(BaseLayer(), (BaseLayer,), "Residual", "a layer")
    """
    if not isinstance(value, kinds):
        raise ConfigError(f"{name} is made of other things than this", got=repr(value), expected=expected)


def hash64(seed: int, step: int, purpose: int) -> int:
    """63 well-mixed bits, a pure function of three numbers: the finaliser of splitmix64.

    >>> hash64(1, 2, 3) == hash64(1, 2, 3), hash64(1, 2, 3) == hash64(3, 2, 1)
    (True, False)

    Source: Steele, Lea & Flood 2014.
    """
    z = (seed * 0x9E3779B97F4A7C15 + step * 0xD1342543DE82EF95 + purpose * 0xDA942042E4DD58B5) & _BITS
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _BITS
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _BITS
    return (z ^ (z >> 31)) >> 1


def fold_in(key: int, purpose: int) -> int:
    """A key for one of several things within a layer.

    >>> fold_in(7, 0) == fold_in(7, 1)
    False
    """
    return hash64(key, 0, purpose + 1)


def glorot_uniform(rng: np.random.Generator, rows: int, columns: int) -> Array:
    """Uniform within sqrt(6 / (rows + columns)) of zero (Glorot & Bengio 2010).

    >>> bool(np.abs(glorot_uniform(np.random.default_rng(0), 3, 3)).max() <= 1)
    True
    """
    limit = np.sqrt(6.0 / (rows + columns))
    return rng.uniform(-limit, limit, (rows, columns)).astype(np.float32)


def orthogonal(rng: np.random.Generator, rows: int, columns: int) -> Array:
    """Orthonormal rows, or columns if there are more rows than columns (Saxe et al. 2014).

    >>> W = orthogonal(np.random.default_rng(0), 2, 4)
    >>> bool(np.allclose(W @ W.T, np.eye(2), atol=1e-6))
    True
    """
    q, r = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
    # Without the signs q would not be uniform over the orthogonal matrices (Mezzadri 2007).
    q = q * np.sign(np.diag(r))
    return np.ascontiguousarray(q.T if rows <= columns else q, np.float32)


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
