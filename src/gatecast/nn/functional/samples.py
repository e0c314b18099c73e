"""Several inputs and outputs of a model as one array each: flattened, and side by side.

Shapes: N samples; every part is (N, ...) and becomes (N, size).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast._utils.typing import Float32Array
from gatecast.errors import DataError
from gatecast.nn.functional.by_output import check_names, rows_by_output
from gatecast.nn.inputs import ValueWeights, validate_array

__all__ = ["fill_unused", "join_parts", "join_weights", "split_parts", "with_steps"]

Shape = tuple[int | None, ...]


def join_parts(values: Any, shapes: Sequence[Shape], names: Sequence[str], what: str) -> Any:
    """Return several arrays as one, (N, sum of sizes); a single one as it is.

    Args:
        values: A list or a dict of arrays.
        shapes: Shape of a sample of each.
        names: Their names, for a dict.
        what: "x" or "y", for errors.

    Raises:
        DataError: Another number of arrays, unknown names, or shapes that do not fit.

    >>> join_parts([np.zeros((5, 4, 1)), np.ones((5, 2))], [(4, 1), (2,)], ["a", "b"], "x").shape
    (5, 6)
    """
    if len(shapes) == 1:
        return _single(values, names[0])
    if values is None:
        return None
    parts = _listed(values, names, what)
    if len(parts) != len(shapes):
        got, expected = f"{len(parts)} arrays", f"{len(shapes)}: {', '.join(names)}"
        raise DataError(f"{what} has the wrong number of arrays", got=got, expected=expected)
    rows = [_flat(part, shape, f"{what} {name!r}") for part, shape, name in zip(parts, shapes, names, strict=True)]
    if len({len(row) for row in rows}) > 1:
        got = ", ".join(str(len(row)) for row in rows)
        raise DataError(f"The arrays of {what} have different numbers of samples", got=got)
    return np.concatenate(rows, axis=1)


def with_steps(values: Any, shapes: Sequence[Shape], names: Sequence[str]) -> list[Shape]:
    """Return shapes of samples whose open numbers of steps, None, are those of arrays.

    Args:
        values: A list or a dict of arrays, as for `join_parts`, which refuses what does not fit.
        shapes: Shape of a sample of each.
        names: Their names, for a dict.

    >>> with_steps([np.zeros((5, 7, 1)), np.zeros((5, 2))], [(None, 1), (2,)], ["a", "b"])
    [(7, 1), (2,)]
    """
    parts = [values] if len(shapes) == 1 and np.ndim(values) > 1 else _listed(values, names, "x")
    given = [np.shape(part) for part in parts]
    return [
        (size[1] or 1, *shape[1:]) if shape[0] is None and len(size) == len(shape) + 1 else shape
        for shape, size in zip(shapes, given, strict=False)
    ]


def fill_unused(y: Any, unused: Sequence[bool], shapes: Sequence[tuple[int, ...]], names: Sequence[str]) -> Any:
    """Return targets with zeros for the outputs that need none, where those are missing.

    Args:
        y: A list or dict of arrays. A list may leave the unused outputs out, or have None for them.
        unused: Whether each output needs no targets.
        shapes: Shape of a sample of each output.
        names: Names of the outputs.

    >>> fill_unused([np.ones((1, 2))], [False, True], [(2,), (1,)], ["a", "b"])
    [array([[1., 1.]]), array([[0.]], dtype=float32)]
    """
    if isinstance(y, Mapping):
        check_names(y, names, "y", partial=True, error=DataError)
        missing = [name for name, skip in zip(names, unused, strict=True) if not skip and name not in y]
        if missing:
            raise DataError("y has the wrong names", got=", ".join(map(str, y)), expected=", ".join(names))
        parts = [y.get(name) for name in names]
    elif isinstance(y, list | tuple) and len(y) == len(names):
        parts = list(y)
    elif isinstance(y, list | tuple) and len(y) == list(unused).count(False):
        given = iter(y)
        parts = [None if skip else next(given) for skip in unused]
    else:
        return y
    n = max((len(part) for part in parts if part is not None and np.ndim(part)), default=0)
    triples = zip(parts, unused, shapes, strict=True)
    return [np.zeros((n, *shape), np.float32) if p is None and skip else p for p, skip, shape in triples]


def join_weights(value: Any, shapes: Sequence[tuple[int, ...]], names: Sequence[str], what: str) -> Any:
    """Return weights of samples of several outputs as weights of all values; an array for all outputs as it is.

    Args:
        value: A list with an array for each output, or a dict by name; None in them, and names that are missing: all 1.
            An array is (N,), (N, 1), or (N, T) for an output with a time axis.
        shapes: Shape of a sample of each output.
        names: Names of the outputs.
        what: Name of the argument, for errors.

    Raises:
        DataError: Another number of arrays, unknown names, shapes that do not fit, or invalid weights.

    >>> join_weights([None, [2.0, 3.0]], [(2,), (1,)], ["a", "b"], "sample_weight").rows.tolist()
    [[[1.0, 1.0, 2.0]], [[1.0, 1.0, 3.0]]]
    """
    parts = rows_by_output(value, names, what)
    if parts is None or all(part is None for part in parts):
        return value if parts is None else None
    triples = zip(parts, shapes, names, strict=True)
    arrays = [None if part is None else _weights(part, shape, f"{what} {name!r}") for part, shape, name in triples]
    lengths = {len(rows) for rows in arrays if rows is not None}
    if len(lengths) > 1:
        got = ", ".join(str(len(rows)) for rows in arrays if rows is not None)
        raise DataError(f"The arrays of {what} have different numbers of samples", got=got)
    n = lengths.pop()
    rows = [np.ones((n, prod(s)), np.float32) if a is None else a for a, s in zip(arrays, shapes, strict=True)]
    joined = np.concatenate(rows, axis=1)
    if not joined.any():
        raise DataError(f"Invalid {what}", got="zeros only", expected="non-negative numbers, at least one above 0")
    return ValueWeights(joined[:, None])


def split_parts(rows: Float32Array, shapes: Sequence[Shape]) -> Any:
    """Return the parts of joined rows as a list; a single one as it is.

    Args:
        rows: (N, sum of sizes).
        shapes: Shape of a sample of each part.

    >>> [part.shape for part in split_parts(np.zeros((5, 6), np.float32), [(4, 1), (2,)])]
    [(5, 4, 1), (5, 2)]
    """
    if len(shapes) == 1:
        return rows
    sizes = [prod(size or 0 for size in shape) for shape in shapes]
    parts = np.split(rows, np.cumsum(sizes)[:-1], axis=1)
    return [part.reshape(len(rows), *(s or 0 for s in shape)) for part, shape in zip(parts, shapes, strict=True)]


def _single(values: Any, name: str) -> Any:
    """Return the only array, which may come in a list or a dict."""
    if isinstance(values, Mapping) and set(values) == {name}:
        return values[name]
    if isinstance(values, list | tuple) and len(values) == 1 and np.ndim(values[0]) > 1:
        return values[0]
    return values


def _listed(values: Any, names: Sequence[str], what: str) -> list[Any]:
    """Return the arrays in order."""
    if isinstance(values, Mapping):
        check_names(values, names, what, error=DataError)
        return [values[name] for name in names]
    if not isinstance(values, list | tuple):
        expected = f"a list or dict of {len(names)} arrays: {', '.join(names)}"
        raise DataError(f"{what} is a single array", got=type(values).__name__, expected=expected)
    return list(values)


def _weights(part: npt.ArrayLike, shape: tuple[int, ...], name: str) -> Float32Array:
    """Return the weights of the values of an output, (N, size)."""
    rows = validate_array(part, name)
    if rows.shape[1:] not in ((), (1,), shape[:-1], (*shape[:-1], 1)):
        expected = " or ".join(
            f"({', '.join(map(str, ('samples', *more)))})" for more in dict.fromkeys(((), shape[:-1]))
        )
        raise DataError(f"{name} has the wrong shape", got=str(rows.shape), expected=expected)
    if not np.isfinite(rows).all() or (rows < 0).any():
        raise DataError(f"Invalid {name}", got="a negative weight, NaN or infinity", expected="non-negative numbers")
    by_step = rows.reshape(len(rows), -1, 1)
    flat: Float32Array = np.broadcast_to(by_step, (len(rows), prod(shape[:-1]), shape[-1])).reshape(len(rows), -1)
    return flat


def _flat(part: npt.ArrayLike, shape: Shape, name: str) -> Float32Array:
    """Return one array as (N, size)."""
    rows = validate_array(part, name)
    sizes = tuple(size or 0 for size in shape)
    if rows.shape[1:] != sizes and not (prod(sizes) == 1 and rows.ndim == 1) and rows.shape[1:] != sizes[:-1]:
        expected = "(" + ", ".join(["samples", *map(str, sizes)]) + ")"
        raise DataError(f"{name} has the wrong shape", got=str(rows.shape), expected=expected)
    flat: Float32Array = rows.reshape(len(rows), -1)
    if flat.shape[1] != prod(sizes):
        raise DataError(f"{name} has the wrong shape", got=str(rows.shape), expected=f"{prod(sizes)} numbers a sample")
    return flat
