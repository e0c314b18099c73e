"""What JSON from a file may be: values are checked against type annotations, before anything is made of them.

A schema is a type: `int`, `float`, `str`, `bool`, `None`, `list[...]`, `tuple[...]`, `dict[str, ...]`, `Literal[...]`,
a union, a `TypedDict`, a dataclass or a `NamedTuple`. `Annotated[int, Range(1, 100)]` adds a range. Numbers are finite
unless the annotation says `AnyNumber`; truth values are no numbers.
"""

from __future__ import annotations

import inspect
import math
import types
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints, is_typeddict

import numpy as np
import numpy.typing as npt

__all__ = ["AnyNumber", "Count", "Level", "Range", "SchemaError", "Share", "check_array", "check_fields", "from_json"]

MAX_QUOTED = 60
"""Characters of a wrong value that a message shows."""

MAX_INT = 2**128
"""Largest integer, such as a seed."""


class SchemaError(ValueError):
    """A value that a file may not have; the message says where, what it is and what is expected.

    Args:
        message: What is wrong.
        fix: How to get a file that is read.
    """

    def __init__(self, message: str, fix: str = "Save it again.") -> None:
        super().__init__(message)
        self.fix = fix


class Range(NamedTuple):
    """Least and largest number, or length of a list.

    Example:
        >>> from_json(Annotated[int, Range(1, 9)], 3, "units")
        3
    """

    low: float = -math.inf
    high: float = math.inf

    def check(self, value: Any, where: str) -> None:
        """Raise an error for a number, or a list whose length is, outside."""
        size = len(value) if isinstance(value, Sequence) else value
        if size is not None and not self.low <= size <= self.high:
            noun = "as many items" if isinstance(value, Sequence) else "a number"
            raise _error(where, value, f"{noun} from {self.low:g} to {self.high:g}")


class _Unlimited(NamedTuple):
    """Marks numbers that may be NaN or infinite."""


AnyNumber = Annotated[float, _Unlimited()]
"""A number, NaN where it is not known."""

Count = Annotated[int, Range(1, 10**9)]
"""A positive integer."""

Share = Annotated[float, Range(0, 1)]
"""A number from 0 to 1."""

Level = Annotated[float, Range(1, 99.9999999)]
"""Level of an interval, in percent."""


def from_json(kind: Any, value: Any, where: str) -> Any:
    """Return a value as an annotation wants it: lists as tuples where it says so, objects as records.

    Args:
        kind: A type annotation.
        value: From JSON.
        where: Where it stands, for errors.

    Raises:
        SchemaError: Another type, a number that is not finite or out of range, a field that is missing or unknown.

    Example:
        >>> from_json(dict[str, tuple[float, ...]], {"a": [1, 2.5]}, "sizes")
        {'a': (1, 2.5)}
        >>> from_json(Literal["mean", "median"], "mode", "point")
        Traceback (most recent call last):
        gatecast._utils.schema.SchemaError: point is 'mode', expected 'mean' or 'median'
    """
    if kind is Any:
        return value
    origin, args = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _annotated(args[0], args[1:], value, where)
    if origin is Literal:
        # 1 equals True, and nobody means that here.
        if any(type(value) is type(choice) and value == choice for choice in args):
            return value
        raise _error(where, value, " or ".join(map(repr, args)))
    if origin in (Union, types.UnionType):
        return _one_of(args, value, where)
    if kind in SCALARS:
        return SCALARS[kind](value, where)
    if origin in (list, tuple, Sequence):
        return _items(origin, args, value, where)
    if origin in (dict, Mapping):
        items = _mapping(value, where).items()
        return {name: from_json(args[1], item, f"{where}.{name}") for name, item in items}
    if is_typeddict(kind):
        values = _mapping(value, where)
        return _named(kind.__required_keys__, _hints(kind), values, where)
    return _record(kind, value, where)


def check_fields(kind: Any, values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return the arguments of a dataclass or `NamedTuple` from JSON, unmade.

    Args:
        kind: The class.
        values: Values by field.
        where: Where they stand, for errors.

    Raises:
        SchemaError: As `from_json`.

    Example:
        >>> check_fields(Range, {"low": 1}, "range")
        {'low': 1}
    """
    required, hints = _fields_of(kind)
    return _named(required, hints, _mapping(values, where), where)


def check_array(
    arrays: Mapping[str, npt.NDArray[Any]],
    name: str,
    dtype: Any,
    shape: Sequence[int | None],
    *,
    finite: bool = True,
    infinite: bool = False,
) -> npt.NDArray[Any]:
    """Return an array of a file, if it is what it has to be.

    Args:
        arrays: Arrays by name.
        name: Which.
        dtype: Its type.
        shape: Its shape, None for any size.
        finite: Whether all numbers are finite.
        infinite: Whether numbers may be infinite too, where they need not be finite.

    Raises:
        SchemaError: It is missing, of another type or shape, or has numbers that are not finite.

    Example:
        >>> check_array({"W": np.ones((2, 3))}, "W", float, (2, None)).shape
        (2, 3)
    """
    array = arrays.get(name)
    if array is None:
        raise SchemaError(f"array {name!r} is missing")
    fits = len(array.shape) == len(shape) and all(b in (None, a) for a, b in zip(array.shape, shape, strict=True))
    if array.dtype != np.dtype(dtype) or not fits:
        expected = f"{np.dtype(dtype)} of shape ({', '.join('any' if n is None else str(n) for n in shape)})"
        raise SchemaError(f"array {name!r} is {array.dtype} of shape {array.shape}, expected {expected}")
    if array.dtype.kind == "f" and not infinite:
        wrong = int((~np.isfinite(array)).sum() if finite else np.isinf(array).sum())
        if wrong:
            what = "not finite" if finite else "infinite"
            raise SchemaError(f"array {name!r} has {wrong:,} numbers that are {what}, expected none")
    return array


def _annotated(kind: Any, marks: Sequence[Any], value: Any, where: str) -> Any:
    """Return a value whose annotation has a range, or says that any number will do."""
    if any(isinstance(mark, _Unlimited) for mark in marks):
        return _number(value, where, finite=False)
    result = from_json(kind, value, where)
    for mark in marks:
        if isinstance(mark, Range):
            mark.check(result, where)
    return result


def _one_of(kinds: Sequence[Any], value: Any, where: str) -> Any:
    """Return a value that fits one of several annotations; the error is that of the nearest."""
    errors = []
    for kind in kinds:
        try:
            return from_json(kind, value, where)
        except SchemaError as error:  # noqa: PERF203 - there are two or three kinds
            errors.append(error)
    # An error inside a list or a record tells more than that the value is not null.
    inner = [error for error in errors if not str(error).startswith(f"{where} is ")]
    raise (inner or [_error(where, value, " or ".join(str(error).rpartition(", expected ")[2] for error in errors))])[0]


def _items(origin: Any, args: Sequence[Any], value: Any, where: str) -> Any:
    """Return a list, or a tuple."""
    if not isinstance(value, list | tuple):
        raise _error(where, value, "a list")
    if origin is tuple and args[-1] is not Ellipsis:
        if len(value) != len(args):
            raise _error(where, value, f"a list of {len(args)}")
        pairs = enumerate(zip(args, value, strict=True))
        return tuple(from_json(kind, item, f"{where}.{k}") for k, (kind, item) in pairs)
    items = (from_json(args[0], item, f"{where}.{k}") for k, item in enumerate(value))
    return list(items) if origin is list else tuple(items)


def _record(kind: Any, value: Any, where: str) -> Any:
    """Return a record of a class; a value that has been made already is checked by the class that takes it."""
    if is_dataclass(value) or not (isinstance(kind, type) and (is_dataclass(kind) or hasattr(kind, "_fields"))):
        if isinstance(value, str | int | float | list | dict | None):
            raise _error(where, value, getattr(kind, "__name__", str(kind)))
        return value
    names = getattr(kind, "_fields", ())
    if names and isinstance(value, list):
        if len(value) != len(names):
            raise _error(where, value, f"a list of {len(names)}")
        value = dict(zip(names, value, strict=True))
    return kind(**check_fields(kind, value, where))


def _named(required: Any, hints: Mapping[str, Any], values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return values by name, each as its annotation wants it."""
    for name in required:
        if name not in values:
            raise SchemaError(f"{_inside(where, name)} is missing")
    for name in values:
        if name not in hints:
            raise SchemaError(f"{_inside(where, _quoted(name))} is unknown, expected one of {', '.join(hints)}")
    return {name: from_json(hints[name], value, _inside(where, name)) for name, value in values.items()}


@cache
def _hints(kind: Any) -> dict[str, Any]:
    """Return the annotations of a class."""
    return get_type_hints(kind, include_extras=True)


def _annotations(kind: Any) -> dict[str, Any]:
    """Return the annotations of a dataclass and of those that it is derived from.

    Not by `get_type_hints`: that of Python 3.10 takes no `KW_ONLY`, and the fields of such a class were not checked.
    """
    hints: dict[str, Any] = {}
    for each in reversed(kind.__mro__):
        hints |= inspect.get_annotations(each, eval_str=True)
    return {name: type(None) if hint is None else hint for name, hint in hints.items()}


@cache
def _fields_of(kind: Any) -> tuple[frozenset[str], dict[str, Any]]:
    """Return the fields of a class that have no default, and the annotations of all."""
    try:
        hints: Mapping[str, Any] = _annotations(kind) if is_dataclass(kind) else _hints(kind)
    except Exception:
        # Annotations are code of the class. Those of other packages may name types that are imported for type checkers
        # only, or be written for a newer Python.
        hints = defaultdict(lambda: Any)
    if is_dataclass(kind):
        given = [item for item in fields(kind) if item.init]
        names = [item.name for item in given]
        required = [item.name for item in given if item.default is MISSING and item.default_factory is MISSING]
    else:
        names = list(kind._fields)
        required = [name for name in names if name not in kind._field_defaults]
    return frozenset(required), {name: hints[name] for name in names}


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    """Return an object of JSON."""
    if not isinstance(value, Mapping):
        raise _error(where, value, "an object")
    return value


def _integer(value: Any, where: str) -> int:
    """Return an integer."""
    if type(value) is not int or abs(value) > MAX_INT:
        raise _error(where, value, "an integer")
    return value


def _number(value: Any, where: str, *, finite: bool = True) -> Any:
    """Return a number."""
    if type(value) not in (int, float) or (type(value) is int and abs(value) > MAX_INT):
        raise _error(where, value, "a number")
    if finite and not math.isfinite(value):
        raise _error(where, value, "a finite number")
    return value


def _exactly(kind: type[Any], name: str) -> Callable[[Any, str], Any]:
    """Return a check that a value is of one type."""

    def check(value: Any, where: str) -> Any:
        """Return the value."""
        if type(value) is not kind:
            raise _error(where, value, name)
        return value

    return check


SCALARS: dict[Any, Callable[[Any, str], Any]] = {
    int: _integer,
    float: _number,
    bool: _exactly(bool, "true or false"),
    str: _exactly(str, "text"),
    type(None): _exactly(type(None), "null"),
}
"""Checks of the types that have no parts."""


def _error(where: str, value: Any, expected: str) -> SchemaError:
    """Return the error for a wrong value."""
    return SchemaError(f"{where} is {_quoted(value)}, expected {expected}")


def _inside(where: str, name: str) -> str:
    """Return where a named value stands."""
    return f"{where}.{name}" if where else name


def _quoted(value: Any) -> str:
    """Return the beginning of a value as it is written in Python."""
    if isinstance(value, int) and abs(value) > MAX_INT:
        return "an integer of many digits"
    text = repr(value[:MAX_QUOTED] if isinstance(value, str) else value)
    return text if len(text) <= MAX_QUOTED + 2 else f"{text[:MAX_QUOTED]}..."
