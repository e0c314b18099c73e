"""A digest of anything that a computation depends on: arrays, settings, records, objects and their code.

Equal digests mean equal content. What cannot be read, such as a generator, has another digest each time: nothing is
then taken for equal by mistake.
"""

from __future__ import annotations

import copyreg
import hashlib
import inspect
import sys
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from types import BuiltinFunctionType, CodeType, FunctionType, MappingProxyType, MethodType
from typing import Any

import numpy as np

__all__ = ["digest_of"]

KNOWN = ("gatecast", "numpy")
"""Packages whose code is known by their versions, as is that of Python."""


def digest_of(*values: Any) -> str:
    """Return a digest of values, 64 hexadecimal digits.

    Args:
        values: Plain data, arrays, records, functions and objects of any class; of the code of other packages the
            source counts as well.

    >>> digest_of({"a": 1}, np.zeros(2)) == digest_of({"a": 1}, np.zeros(2))
    True
    >>> digest_of(1) == digest_of(1.0), digest_of(np.zeros(2)) == digest_of(np.zeros((2, 1)))
    (False, False)
    """
    writer = _Writer()
    writer.add_all("values", values)
    return writer.hash.hexdigest()


class _Writer:
    """Feeds a hash, each part with its kind and length."""

    def __init__(self) -> None:
        self.hash = hashlib.sha256()
        self.positions: dict[int, int] = {}
        """Objects by their address, so that one that refers to itself ends."""
        self.alive: list[Any] = []

    def add_text(self, kind: str, text: str | bytes) -> None:
        """Add a text."""
        data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
        self.hash.update(f"{kind}:{len(data)}:".encode())
        self.hash.update(data)

    def add_all(self, kind: str, values: Iterable[Any]) -> None:
        """Add values in their order."""
        items = list(values)
        self.add_text(kind, str(len(items)))
        for item in items:
            self.add(item)

    def add(self, value: Any) -> None:
        """Add any value."""
        if value is None or isinstance(value, bool | int | float | complex | str | bytes):
            self.add_text(type(value).__name__, value if isinstance(value, str | bytes) else repr(value))
        elif isinstance(value, np.generic):
            self.add(np.asarray(value))
        elif isinstance(value, np.ndarray):
            self._add_array(value)
        elif isinstance(value, np.dtype):
            self.add_text("dtype", value.str)
        elif type(value) in (dict, MappingProxyType):
            self.add_all("mapping", (part for item in value.items() for part in item))
        elif isinstance(value, set | frozenset):
            self.add_all("set", sorted(digest_of(item) for item in value))
        elif type(value) in (list, tuple) or (isinstance(value, tuple) and hasattr(value, "_fields")):
            self.add_all(_name(type(value)), value)
        elif isinstance(value, type):
            self._add_code(value)
        elif isinstance(value, FunctionType | BuiltinFunctionType | MethodType):
            self._add_function(value)
        else:
            self._add_object(value)

    def _add_array(self, array: np.ndarray[Any, Any]) -> None:
        """Add an array: type, shape and values."""
        self.add_text("array", f"{array.dtype.str} {array.shape}")
        if array.dtype.hasobject:
            self.add_all("items", array.ravel().tolist())
        else:
            self.hash.update(_bytes_of(array))

    def _add_function(self, function: Any) -> None:
        """Add a function with its code, its defaults and what it has enclosed."""
        inner = getattr(function, "__func__", function)
        self._add_code(inner)
        if function is not inner:
            self.add(function.__self__)
        cells = getattr(inner, "__closure__", None) or ()
        self.add_all("closure", (cell.cell_contents for cell in cells))
        self.add(getattr(inner, "__defaults__", None))

    def _add_object(self, value: Any) -> None:
        """Add an object of any class by what it holds."""
        if id(value) in self.positions:
            self.add_text("again", str(self.positions[id(value)]))
            return
        self.positions[id(value)] = len(self.positions)
        # An object that is made on the way must not give its address to the next one.
        self.alive.append(value)
        self._add_code(type(value))
        self.add(_parts_of(value))

    def _add_code(self, item: Any) -> None:
        """Add the name of a class or function, and its source if it is not of this package or of Python."""
        self.add_text("name", _name(item))
        for part in getattr(item, "__mro__", (item,)):
            package = str(getattr(part, "__module__", None) or "builtins").partition(".")[0]
            if package not in KNOWN and package not in sys.stdlib_module_names:
                self.add_text("source", _source(part))


def _bytes_of(array: np.ndarray[Any, Any]) -> Any:
    """Return the bytes of an array, without a copy where they lie together."""
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data if array.size else b""


def _name(item: Any) -> str:
    """Return the full name of a class or a function."""
    return f"{getattr(item, '__module__', '')}.{getattr(item, '__qualname__', repr(item))}"


def _source(item: Any) -> str:
    """Return the source of a class or function; another text each time where there is none."""
    try:
        return inspect.getsource(item)
    except (OSError, TypeError):
        code = getattr(item, "__code__", None)
        return (
            uuid.uuid4().hex
            if not isinstance(code, CodeType)
            else f"{code.co_code.hex()} {code.co_consts!r} {code.co_names!r}"
        )


def _parts_of(value: Any) -> Any:
    """Return what an object is made of: of a record its fields, without caches; of others what a copy needs."""
    if is_dataclass(value):
        return {item.name: getattr(value, item.name) for item in fields(value)}
    try:
        reducer = copyreg.dispatch_table.get(type(value))
        parts: Any = value.__reduce_ex__(4) if reducer is None else reducer(value)
    except Exception:
        return uuid.uuid4().hex
    return parts if isinstance(parts, str) else [list(p) if isinstance(p, Iterator) else p for p in parts]
