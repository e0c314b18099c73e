"""A graph of ONNX operators while it is made: nodes, constants, inputs and outputs, without the library onnx.

Values are numbered by what makes them. Constants are kept once, whatever uses them, and the body of a loop reads them,
and any other value made before it, from outside.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Body", "Builder", "Node", "Port", "Value"]

Dims = Sequence[int | str]
"""Sizes of a shape: a number, or the name of one that is open."""

DType = npt.DTypeLike


class Port(NamedTuple):
    """An input or output of a graph."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int | str, ...]


@dataclass
class Body:
    """A graph: that of the file, or that of a loop."""

    inputs: list[Port] = field(default_factory=list)
    outputs: list[Port] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)


class Node(NamedTuple):
    """An operator with its inputs and outputs by name; "" stands for an input that is left out."""

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]
    """Numbers, texts, lists of them, or a `Body`."""


class Builder:
    """A graph that grows by calls.

    Args:
        opset: Version of the standard operators.

    Example:
        >>> builder = Builder(17)
        >>> x = builder.input("x", np.float32, ("batch", 2))
        >>> builder.output("y", 2 * x + 1, ("batch", 2))
        >>> [node.op for node in builder.graph.nodes]
        ['Mul', 'Add', 'Identity']
    """

    def __init__(self, opset: int = 17) -> None:
        self.opset = opset
        self.graph = Body()
        self.constants: dict[str, npt.NDArray[Any]] = {}
        self._known: dict[tuple[bytes, str, tuple[int, ...]], Value] = {}
        self._body = self.graph
        self._count: dict[str, int] = {}

    def input(self, name: str, dtype: DType, shape: Dims) -> Value:
        """Add an input of the graph."""
        self.graph.inputs.append(Port(name, np.dtype(dtype), tuple(shape)))
        return Value(self, name, np.dtype(dtype))

    def output(self, name: str, value: Value, shape: Dims) -> None:
        """Add an output of the graph."""
        self._body.nodes.append(Node("Identity", (value.name,), (name,), {}))
        self.graph.outputs.append(Port(name, value.dtype, tuple(shape)))

    def constant(self, array: npt.ArrayLike, dtype: DType | None = None) -> Value:
        """Return a constant; equal ones are one."""
        data = np.asarray(array, dtype)
        key = (data.tobytes(), data.dtype.str, data.shape)
        if key not in self._known:
            name = self._name("constant")
            self.constants[name] = data
            self._known[key] = Value(self, name, data.dtype)
        return self._known[key]

    def op(self, op: str, *inputs: Any, dtype: DType | None = None, **attributes: Any) -> Value:
        """Add an operator with one output.

        Args:
            op: Its name.
            *inputs: Values, arrays, or numbers of the type of the first value; None for one that is left out.
            dtype: Of the output; None: that of the first value.
            **attributes: Of the operator.
        """
        return self.ops(op, 1, *inputs, dtype=dtype, **attributes)[0]

    def ops(self, op: str, n_outputs: int, *inputs: Any, dtype: DType | None = None, **attributes: Any) -> list[Value]:
        """Add an operator with several outputs, all of one type; see `op`."""
        like = next((value.dtype for value in inputs if isinstance(value, Value)), np.dtype(np.float32))
        names = tuple("" if value is None else self.value(value, like).name for value in inputs)
        outputs = [Value(self, self._name(op.lower()), np.dtype(dtype or like)) for _ in range(n_outputs)]
        self._body.nodes.append(Node(op, names, tuple(value.name for value in outputs), attributes))
        return outputs

    def value(self, value: Any, dtype: DType) -> Value:
        """Return a value: itself, an array with its own type, or a number with the given one."""
        if isinstance(value, Value):
            return value
        return self.constant(value, None if isinstance(value, np.ndarray) else dtype)

    @contextmanager
    def body(self) -> Iterator[Body]:
        """Lead what is added into the body of a loop."""
        outer, inner = self._body, Body()
        self._body = inner
        try:
            yield inner
        finally:
            self._body = outer

    def body_input(self, dtype: DType, sizes: Dims = (), *, batch: bool = True) -> Value:
        """Add an input of the present body, of shape (batch, *sizes), or without `batch` of shape sizes."""
        value = Value(self, self._name("step"), np.dtype(dtype))
        self._body.inputs.append(Port(value.name, value.dtype, ("batch", *sizes) if batch else tuple(sizes)))
        return value

    def body_output(self, value: Value, sizes: Dims = (), *, batch: bool = True) -> None:
        """Add an output of the present body, of shape (batch, *sizes) or sizes: not every runtime infers it."""
        copy = self.op("Identity", value)
        self._body.outputs.append(Port(copy.name, copy.dtype, ("batch", *sizes) if batch else tuple(sizes)))

    def _name(self, kind: str) -> str:
        """Return a new name."""
        self._count[kind] = self._count.get(kind, 0) + 1
        # A slash is in no name of a layer's state.
        return f"/{kind}/{self._count[kind]}"


@dataclass(frozen=True, eq=False)
class Value:
    """A tensor in a graph, with the arithmetic of arrays."""

    builder: Builder
    name: str
    dtype: np.dtype[Any]
    __array_ufunc__: ClassVar[None] = None
    """Lets NumPy leave the arithmetic of an array and a value to the value."""

    def __add__(self, other: Any) -> Value:
        return self.builder.op("Add", self, other)

    def __radd__(self, other: Any) -> Value:
        return self.builder.op("Add", self.builder.value(other, self.dtype), self)

    def __sub__(self, other: Any) -> Value:
        return self.builder.op("Sub", self, other)

    def __rsub__(self, other: Any) -> Value:
        return self.builder.op("Sub", self.builder.value(other, self.dtype), self)

    def __mul__(self, other: Any) -> Value:
        return self.builder.op("Mul", self, other)

    def __rmul__(self, other: Any) -> Value:
        return self.builder.op("Mul", self.builder.value(other, self.dtype), self)

    def __truediv__(self, other: Any) -> Value:
        return self.builder.op("Div", self, other)

    def __rtruediv__(self, other: Any) -> Value:
        return self.builder.op("Div", self.builder.value(other, self.dtype), self)

    def __matmul__(self, other: Any) -> Value:
        return self.builder.op("MatMul", self, other)

    def __neg__(self) -> Value:
        return self.builder.op("Neg", self)

    def __invert__(self) -> Value:
        return self.builder.op("Not", self)

    def __and__(self, other: Any) -> Value:
        return self.builder.op("And", self, other)

    def __or__(self, other: Any) -> Value:
        return self.builder.op("Or", self, other)

    def __lt__(self, other: Any) -> Value:
        return self.builder.op("Less", self, other, dtype=bool)

    def __le__(self, other: Any) -> Value:
        return self.builder.op("LessOrEqual", self, other, dtype=bool)

    def __gt__(self, other: Any) -> Value:
        return self.builder.op("Greater", self, other, dtype=bool)

    def __ge__(self, other: Any) -> Value:
        return self.builder.op("GreaterOrEqual", self, other, dtype=bool)

    def equals(self, other: Any) -> Value:
        """Return where two tensors are equal."""
        return self.builder.op("Equal", self, other, dtype=bool)
