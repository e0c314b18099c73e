"""What a layer needs to become operators, and what it carries from run to run of a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gatecast.nn.layers.shapes import Shape
from gatecast.nn.onnx_files.builder import Builder, Value

__all__ = ["Call", "CarriedStates", "unique_names"]


def unique_names(names: Sequence[str]) -> list[str]:
    """Return names with a number behind those that stand there already.

    >>> unique_names(["a", "b", "a"])
    ['a', 'b', 'a_1']
    """
    unique: list[str] = []
    for name in names:
        number, candidate = 0, name
        while candidate in unique:
            number += 1
            candidate = f"{name}_{number}"
        unique.append(candidate)
    return unique


@dataclass
class CarriedStates:
    """States that are inputs and outputs of a file.

    Args:
        builder: The graph.
        every: Whether every recurrent layer carries its state; otherwise the stateful ones do.
    """

    builder: Builder
    every: bool = False
    _states: dict[str, tuple[tuple[str, ...], Sequence[int], tuple[Value, ...]]] = field(default_factory=dict)

    def begin(self, name: str, stateful: bool, arrays: Sequence[str], sizes: Sequence[int]) -> Any:
        """Return the state that a layer starts from; None: zeros.

        Args:
            name: Of the layer.
            stateful: Whether it goes on from the batch before.
            arrays: Names of the arrays of its state.
            sizes: Their sizes.
        """
        if not (self.every or stateful):
            return None
        if name not in self._states:
            names = tuple(f"{name}.{array}" for array in arrays)
            pairs = zip(names, sizes, strict=True)
            values = tuple(self.builder.input(array, "float32", ("batch", size)) for array, size in pairs)
            self._states[name] = (names, sizes, values)
        return self._states[name][2]

    def end(self, name: str, state: tuple[Value, ...]) -> None:
        """Remember the state after a layer, if it is carried."""
        if name in self._states:
            names, sizes, _ = self._states[name]
            self._states[name] = (names, sizes, state)

    def add_outputs(self) -> list[str]:
        """Make the last states outputs, and return the names of the inputs."""
        inputs = []
        for names, sizes, values in self._states.values():
            for name, size, value in zip(names, sizes, values, strict=True):
                self.builder.output(f"{name}.next", value, ("batch", size))
                inputs.append(name)
        return inputs


@dataclass(frozen=True)
class Call:
    """One use of a layer."""

    name: str
    """Of the layer."""
    in_shape: Shape
    """Of a sample."""
    states: CarriedStates
    mask: Value | None = None
    """Steps to use, [B, T] bool; None: all."""
    initial: tuple[Value, ...] | None = None
    """State that a functional model gives to a recurrent layer."""
    rate: int = 1
    """Of the dilation."""

    def inner(self, name: str, in_shape: Shape, mask: Value | None) -> Call:
        """Return the use of a layer within this one."""
        path = ".".join(part for part in (self.name, name) if part)
        return replace(self, name=path, in_shape=in_shape, mask=mask)
