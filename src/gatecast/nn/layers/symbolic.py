"""Outputs of layers before there are numbers: what a functional model is written with.

Calling a layer on an `Input`, or on the output of another layer, computes nothing: it returns a `SymbolicTensor` that
knows its shape and the call that it comes from. `gatecast.nn.functional` makes a network of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from gatecast.errors import ConfigError

__all__ = ["Call", "SymbolicTensor", "call_layer", "is_symbolic"]

Shape = tuple[int | None, ...]


class Call(NamedTuple):
    """A layer that was called."""

    layer: Any
    inputs: tuple[Any, ...]
    """Symbolic tensors or inputs: one, or several for a merge layer."""
    states: tuple[Any, ...]
    """Initial states of a recurrent layer; empty for the zero state."""


class SymbolicTensor:
    """An output of a layer.

    Args:
        sample_shape: Shape of a sample.
        call: The call that it comes from.
        index: Which of the outputs of the call it is.
    """

    def __init__(self, sample_shape: Shape, call: Call, index: int) -> None:
        self.sample_shape, self.call, self.index = sample_shape, call, index

    @property
    def shape(self) -> Shape:
        """The shape with the samples in front, as in Keras."""
        return (None, *self.sample_shape)

    def __repr__(self) -> str:
        """Return shape and layer."""
        return f"<output of {self.call.layer!r}, shape {self.shape}>"

    def __add__(self, other: Any) -> Any:
        """Add two outputs, as the layer Add."""
        return self._merge("Add", other)

    def __sub__(self, other: Any) -> Any:
        """Subtract two outputs, as the layer Subtract."""
        return self._merge("Subtract", other)

    def __mul__(self, other: Any) -> Any:
        """Multiply two outputs, as the layer Multiply."""
        return self._merge("Multiply", other)

    __radd__, __rmul__ = __add__, __mul__

    def __getitem__(self, key: Any) -> Any:
        """Raise an error: outputs are not sliced."""
        fix = "For the last step leave return_sequences out, or use Select(features, last=True); for features, Select."
        raise ConfigError("The output of a layer cannot be sliced", got=repr(key), fix=fix)

    def __array__(self, *_: Any, **__: Any) -> Any:
        """Raise an error: there are no numbers yet."""
        fix = "Make a model of it, Model(inputs, outputs), and call predict. Use layers instead of NumPy's functions."
        raise ConfigError("The output of a layer has no numbers before the model runs", got=repr(self), fix=fix)

    def _merge(self, layer: str, other: Any) -> Any:
        """Return the output of a merge layer."""
        from gatecast.nn.layers import merge

        if not is_symbolic(other):
            fix = "Scale and shift the data before the model, or use Dense; arithmetic is between outputs of layers."
            raise ConfigError("The output of a layer is combined with something else", got=repr(other), fix=fix)
        return getattr(merge, layer)()([self, other])


def is_symbolic(value: Any) -> bool:
    """Return whether a value is an `Input` or an output of a layer.

    >>> is_symbolic(1.0)
    False
    """
    return isinstance(value, SymbolicTensor) or getattr(value, "is_symbolic_input", False)


def call_layer(layer: Any, inputs: Any, initial_state: Any = None) -> Any:
    """Return the output of a layer for symbolic inputs.

    Args:
        layer: A layer.
        inputs: An `Input` or output; several, in a list, for a merge layer. A recurrent layer takes its initial state
            behind its input, as in Keras.
        initial_state: Outputs (R,) and (H,) that a recurrent layer starts from.

    Returns:
        The output; a list of output and states for a recurrent layer with `return_state`.

    Raises:
        ConfigError: Inputs that are not symbolic, or do not fit the layer.
    """
    tensors = list(inputs) if isinstance(inputs, list | tuple) else [inputs]
    states = list(initial_state) if isinstance(initial_state, list | tuple) else [initial_state]
    states = [] if initial_state is None else states
    if not layer.is_merge and len(tensors) > 1 and not states:
        tensors, states = tensors[:1], tensors[1:]
    for tensor in [*tensors, *states]:
        if not is_symbolic(tensor):
            fix = "Make a model and call predict for numbers: Sequential([Input((24, 1)), layer]).predict(x)."
            raise ConfigError(
                f"{type(layer).__name__} is called on an Input or on the output of a layer",
                got=type(tensor).__name__,
                fix=fix,
            )
    shapes = [tensor.sample_shape for tensor in tensors]
    shape = layer.merged_shape(shapes) if layer.is_merge else layer.output_shape(shapes[0])
    _check_states(layer, states)
    call = Call(layer, tuple(tensors), tuple(states))
    output = SymbolicTensor(shape, call, 0)
    if not getattr(layer, "return_state", False):
        return output
    return [output, *(SymbolicTensor((size,), call, 1 + k) for k, size in enumerate(layer.state_sizes))]


def _check_states(layer: Any, states: Sequence[Any]) -> None:
    """Raise an error for initial states that do not fit a layer."""
    if not states:
        return
    expected = [(size,) for size in getattr(layer, "state_sizes", ())]
    got = [state.sample_shape for state in states]
    if got != expected:
        fix = "Take the states of a recurrent layer with return_state=True and as many units."
        raise ConfigError(
            "The initial state does not fit the layer",
            where=repr(layer),
            got=str(got),
            expected=str(expected or "no state"),
            fix=fix,
        )
