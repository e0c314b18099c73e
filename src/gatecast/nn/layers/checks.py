"""What layers check of their inputs, arguments and inner layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gatecast.errors import ConfigError, DataError
from gatecast.kernels.packing import Array

__all__ = [
    "check_choice",
    "check_input",
    "check_layer_type",
    "check_plain_recurrence",
    "check_plain_steps",
    "check_weights",
    "to_float32",
]


def check_input(layer: object, x: Array, features: int | None = None) -> Array:
    """Return x if it is a packed array with the right number of features.

    Args:
        layer: Layer that the error names.
        x: Value to check.
        features: Number of features that the layer needs; None accepts any.

    Raises:
        DataError: If x is not float32, has not four axes, is empty, or has another number of features.

    Example:
        >>> check_input(object(), np.zeros((1, 5, 2, 16), np.float32)).shape
        (1, 5, 2, 16)
    """
    packed = x.dtype == np.float32 and x.ndim == 4 and x.size > 0
    if not packed or (features is not None and x.shape[2] != features):
        raise DataError(
            "Invalid input of a layer",
            where=type(layer).__name__,
            got=f"{x.dtype} {x.shape}",
            expected=f"float32 (blocks, time, {'features' if features is None else features}, lanes)",
        )
    return x


def check_choice(value: object, choices: Sequence[object] | Mapping[Any, Any], layer: str, argument: str) -> None:
    """Raise an error if a value is not among the choices.

    Args:
        value: Value to check.
        choices: Allowed values.
        layer: Name of the layer.
        argument: Name of the argument.

    Raises:
        ConfigError: If the value is not among the choices.

    Example:
        >>> check_choice("tanh", ("tanh", "relu"), "SimpleRNN", "activation")
    """
    if value not in tuple(choices):
        allowed = ", ".join(repr(choice) for choice in choices)
        raise ConfigError(f"Unknown {argument}", where=layer, got=repr(value), expected=f"one of {allowed}")


def check_layer_type(value: object, types: tuple[type, ...], wrapper: str, expected: str) -> None:
    """Raise an error if a wrapper cannot take a layer.

    Args:
        value: Value to check.
        types: Types of layer that the wrapper takes.
        wrapper: Name of the wrapper.
        expected: Description of these types.

    Raises:
        ConfigError: If the value is of no such type.

    Example:
        >>> from gatecast.layers import Dropout
        >>> check_layer_type(Dropout(0.5), (Dropout,), "Residual", "a layer")
    """
    if not isinstance(value, types):
        raise ConfigError("Invalid layer", where=wrapper, got=repr(value), expected=expected)


def check_plain_steps(layer: object, in_shape: tuple[int | None, ...]) -> None:
    """Raise an error if steps are sequences themselves, which the layer reads only in a wrapper.

    Args:
        layer: Layer that the error names.
        in_shape: Shape of a sample.

    Raises:
        ConfigError: Three axes.

    Example:
        >>> check_plain_steps("Dense(2)", (24, 1))
    """
    if len(in_shape) == 3:
        fix = f"Write TimeDistributed({layer!r})."
        raise ConfigError("Steps are sequences", where=repr(layer), got=str(in_shape), fix=fix)


def check_plain_recurrence(layer: object, wrapper: str) -> None:
    """Raise an error if a recurrent layer has an option that a wrapper cannot pass on.

    Args:
        layer: Inner layer.
        wrapper: Name of the wrapper.

    Raises:
        ConfigError: If the layer is stateful, reads backwards, or returns its state.

    Example:
        >>> check_plain_recurrence(object(), "Bidirectional")
    """
    options = [name for name in ("stateful", "go_backwards", "return_state") if getattr(layer, name, False)]
    if options:
        fix = "Write two layers, one of them with go_backwards=True, in a functional model: Model(inputs, outputs)."
        raise ConfigError(f"{wrapper} takes no layer with {', '.join(options)}", got=repr(layer), fix=fix)


def check_weights(
    weights: Any, shapes: Sequence[tuple[int, ...]], owner: str, where: str = "", what: str = "weights"
) -> list[Array]:
    """Return weights as float32 arrays.

    Args:
        weights: What the user passed: a list of arrays.
        shapes: Shapes that they must have.
        owner: What they are for, such as "layer".
        where: Where it is.
        what: What they are called.

    Raises:
        DataError: A wrong number of arrays, a wrong shape, text, NaN or infinity.

    Example:
        >>> check_weights([[1, 2]], [(2,)], "layer")
        [array([1., 2.], dtype=float32)]
    """
    try:
        arrays = [to_float32(array) for array in weights]
    except (TypeError, ValueError) as error:
        message, expected = f"The {what} are not arrays of numbers", f"a list of {len(shapes)}"
        raise DataError(message, where=where, got=str(error), expected=expected) from None
    if [array.shape for array in arrays] != list(shapes):
        got = f"shapes {[array.shape for array in arrays]}"
        raise DataError(f"The {what} do not fit the {owner}", where=where, got=got, expected=str(list(shapes)))
    for k, array in enumerate(arrays):
        if not np.isfinite(array).all():
            place = f"{where}, array {k}" if where else f"array {k}"
            raise DataError(f"The {what} are not finite", where=place, expected="finite numbers")
    return arrays


def to_float32(value: Any) -> Array:
    """Return an array of numbers as float32.

    Args:
        value: Numbers; too large ones become infinite.

    Raises:
        TypeError: Text or objects.

    Example:
        >>> to_float32([1, 2]).dtype
        dtype('float32')
    """
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"values of type {array.dtype}")
    with np.errstate(over="ignore"):
        return array.astype(np.float32)
