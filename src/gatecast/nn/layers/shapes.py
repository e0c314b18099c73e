"""Shapes of samples: (T, F), (F,) without a time axis, (T, S, F) for steps that are sequences; T may be None."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from gatecast.errors import ConfigError, DataError
from gatecast.nn.layers.arguments import LayerType

__all__ = ["Input", "Shape", "feature_count", "sample_shape_of", "validate_shape"]

INTEGERS = tuple(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))
"""Types of codes, as an Embedding reads them."""

Shape = tuple[int | None, ...]
"""Shape of a sample, (T, F) or (F,); T may be None."""


@dataclass(frozen=True, repr=False)
class Input(metaclass=LayerType):
    """Shape of one sample: (T, F), (F,) without a time axis, or (T, S, F) for steps that are sequences.

    A T of None stands for any length. Layers are called on it to make a functional model.

    Args:
        shape: The shape, without the batch.
        batch_size: Ignored.
        dtype: "float32", or an integer for codes, which are whole numbers in float32.
        name: Name for the inputs of a functional model.
        batch_shape: The shape with the batch in front, instead of `shape`.
        input_shape: The same as `shape`, as the layer InputLayer had it.

    Raises:
        ConfigError: If no sample can have this shape.

    Example:
        >>> Input((24, 1)).shape, Input(batch_shape=(32, 24, 1)).sample_shape
        ((None, 24, 1), (24, 1))
    """

    shape: Shape = ()
    batch_size: int | None = None
    dtype: str | None = None
    name: str | None = field(default=None, kw_only=True)
    batch_shape: Shape | None = field(default=None, kw_only=True)
    input_shape: Shape | None = field(default=None, kw_only=True)
    is_symbolic_input: ClassVar[bool] = True
    trainable: ClassVar[bool] = True

    def __repr__(self) -> str:
        """Return the input as it is written."""
        named = "" if self.name is None else f", name={self.name!r}"
        return f"Input({self.sample_shape}{named})"

    @property
    def output(self) -> Input:
        """The input itself, as the output of Keras' InputLayer."""
        return self

    input = output

    def get_weights(self) -> list[Any]:
        """Return no weights, so that scripts may ask all of `model.layers`."""
        return []

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Take no weights.

        Raises:
            DataError: Weights.
        """
        if len(weights):
            raise DataError("An Input has no weights", got=f"{len(weights)} arrays", expected="none")

    def count_params(self) -> int:
        """Return 0."""
        return 0

    @property
    def sample_shape(self) -> Shape:
        """The shape of a sample; `shape` has None for the samples in front, as in Keras."""
        return self.shape[1:]

    def __post_init__(self) -> None:
        shape: Any = self.shape if self.input_shape is None else self.input_shape
        if self.batch_shape is not None:
            shape = _without_samples(self.batch_shape, "Input", "batch_shape")
        if self.name is not None and not isinstance(self.name, str):
            raise ConfigError("Invalid name", where="Input", got=repr(self.name), expected="text")
        object.__setattr__(self, "input_shape", None)
        object.__setattr__(self, "shape", (None, *_parse_shape(shape, "Input")))
        object.__setattr__(self, "batch_shape", None)
        object.__setattr__(self, "batch_size", None)
        if getattr(self.dtype, "__name__", self.dtype) not in (None, "float32", *INTEGERS):
            raise ConfigError("Invalid dtype", where="Input", got=repr(self.dtype), expected="float32, or an integer")
        object.__setattr__(self, "dtype", None)


def validate_shape(layer: object, value: object) -> Shape | None:
    """Return the `input_shape` of a layer as a tuple, or None for None.

    Args:
        layer: Layer that the error names.
        value: Value that the user gave.

    Raises:
        ConfigError: If no sample can have this shape.

    Example:
        >>> validate_shape(object(), [None, 3])
        (None, 3)
    """
    return None if value is None else _parse_shape(value, type(layer).__name__)


def feature_count(in_shape: Shape) -> int:
    """Return the number of features of a shape.

    Args:
        in_shape: Shape of the input.

    Raises:
        ConfigError: If the number of features is None.

    Example:
        >>> feature_count((None, 3))
        3
    """
    features = in_shape[-1]
    if features is None:
        raise ConfigError("Unknown number of features", got=str(in_shape), expected="a number at the end of the shape")
    return features


def sample_shape_of(value: object, layer: str) -> Shape:
    """Return the shape of a sample for that of a batch, (samples, time, features).

    Args:
        value: The shape with the samples in front, as Keras writes it.
        layer: Layer that the error names.

    Raises:
        ConfigError: If no batch can have this shape.

    Example:
        >>> sample_shape_of((None, 24, 1), "LSTM")
        (24, 1)
    """
    return _parse_shape(_without_samples(value, layer, "input_shape"), layer)


def _without_samples(value: object, layer: str, argument: str) -> tuple[Any, ...]:
    """Return a shape without the samples in front."""
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) < 2:
        expected = "(samples, time, features), or (samples, features)"
        fix = "Write None for any number of samples: (None, 24, 1)."
        raise ConfigError(f"Invalid {argument}", where=layer, got=repr(value), expected=expected, fix=fix)
    return tuple(value)[1:]


def _parse_shape(value: object, layer: str) -> Shape:
    """Return (T, F), (F,) or (T, S, F) as a tuple; T may be None."""
    sizes = tuple(value) if isinstance(value, Sequence) else (value,)
    known = [size for k, size in enumerate(sizes) if not (size is None and k == 0 and len(sizes) >= 2)]
    valid = 1 <= len(sizes) <= 3 and all(
        isinstance(size, int | np.integer) and not isinstance(size, bool) and size >= 1 for size in known
    )
    if not valid:
        fix = "The batch is not part of the shape; use None as time for sequences of any length."
        if sizes == (None,):
            fix = "Write Input((None, 1)) for a number or a code at every step, and pass x[..., None]."
        expected = "(time, features), or (features,)"
        raise ConfigError("Invalid shape", where=layer, got=repr(value), expected=expected, fix=fix)
    return tuple(None if size is None else int(size) for size in sizes)
