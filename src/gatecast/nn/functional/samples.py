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
from gatecast.nn.inputs import validate_array

__all__ = ["join_parts", "split_parts"]

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
        if set(values) != set(names):
            raise DataError(f"{what} has the wrong names", got=", ".join(map(str, values)), expected=", ".join(names))
        return [values[name] for name in names]
    if not isinstance(values, list | tuple):
        expected = f"a list or dict of {len(names)} arrays: {', '.join(names)}"
        raise DataError(f"{what} is a single array", got=type(values).__name__, expected=expected)
    return list(values)


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
