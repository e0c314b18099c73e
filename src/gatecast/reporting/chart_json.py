"""Charts as JSON that is small: numbers as base64, times as places on one common grid, figures of one shape once.

Letters: N points, R rows and C columns of a heat map.

An array is an object with the key "$": "f4", "f8" and their like with base64 "b"; "g", a run of n places of the grid
from s on; "i", places of the grid one by one; "q", a heat map in bytes between "lo" and "hi", 255 being missing, in
rows of "c". Times are milliseconds since 1970.
"""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Encoder", "dumps", "split"]

Column = npt.NDArray[Any]

LEVELS = 254
"""Steps of a heat map's colour; the 255th byte is missing."""


class Encoder:
    """Turns arrays into small JSON.

    Args:
        times: Points of time or whole numbers on which most x axes lie.
    """

    def __init__(self, times: Column | None = None) -> None:
        self.grid = None if times is None or not len(times) else np.unique(times)

    def figure(self, value: Any) -> Any:
        """A figure, or a part of one, with encoded arrays.

        >>> Encoder().figure({"y": np.zeros(1)})
        {'y': {'$': 'f4', 'b': 'AAAAAA=='}}
        """
        if isinstance(value, dict):
            return {name: self.cells(value) if name == "z" else self.figure(one) for name, one in value.items()}
        if isinstance(value, list):
            return [self.figure(one) for one in value]
        return self.array(value) if isinstance(value, np.ndarray) else value

    def array(self, values: Column) -> dict[str, Any]:
        """One array."""
        kind = values.dtype.kind
        if self.grid is not None and self.grid.dtype.kind == kind and kind in "Mi" and len(values):
            at = np.searchsorted(self.grid, values)
            if (self.grid[np.minimum(at, len(self.grid) - 1)] == values).all():
                if (np.diff(at) == 1).all():
                    return {"$": "g", "s": int(at[0]), "n": len(at)}
                return {"$": "i", **_packed(at.astype("u2" if len(self.grid) < 1 << 16 else "u4"))}
        if kind == "M":
            return _bytes(_milliseconds(values))
        if kind in "iu":
            small = not len(values) or np.abs(values).max() < 1 << 31
            return _bytes(values.astype("i4" if small else "f8"))
        return _bytes(values.astype("f4"))

    def cells(self, trace: dict[str, Any]) -> dict[str, Any]:
        """A heat map's values."""
        z, lo, hi = np.asarray(trace["z"], float), float(trace["zmin"]), float(trace["zmax"])
        scaled = np.clip((z - lo) / (hi - lo), 0, 1) * LEVELS
        quantised = np.where(np.isfinite(z), np.round(np.nan_to_num(scaled)), 255).astype("u1")
        return {"$": "q", "lo": lo, "hi": hi, "c": z.shape[1], "b": _base64(quantised)}

    def head(self) -> Any:
        """The grid itself."""
        return None if self.grid is None else Encoder().array(self.grid)


def split(figure: dict[str, Any]) -> tuple[dict[str, Any], list[Any]]:
    """A figure without its numbers and texts, and these in order; what is left is the same for alike series.

    >>> split({"data": [{"x": np.zeros(1), "name": "a"}], "layout": {}})
    ({'data': [{'x': {'$': '#', 'k': 0}, 'name': 'a'}], 'layout': {}}, [array([0.])])
    """
    slots: list[Any] = []

    def empty(trace: dict[str, Any]) -> dict[str, Any]:
        """One trace."""
        bare = {}
        for name, value in trace.items():
            if isinstance(value, np.ndarray) or (name == "text" and isinstance(value, list)):
                bare[name] = {"$": "#", "k": len(slots)}
                slots.append(value)
            else:
                bare[name] = value
        return bare

    return {**figure, "data": [empty(trace) for trace in figure["data"]]}, slots


def dumps(value: Any) -> str:
    r"""JSON that can stand inside a script element.

    >>> dumps({"name": "</script>"})
    '{"name":"\\u003c/script>"}'
    """
    text = json.dumps(value, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    # Besides the end of the element, U+2028 and U+2029 end lines in older readers.
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _milliseconds(times: Column) -> npt.NDArray[np.float64]:
    """Since 1970; NaN where there is no time."""
    found = times.astype("M8[us]").astype(np.int64) / 1000
    return np.where(np.isnat(times), np.nan, found)


def _bytes(values: Column) -> dict[str, Any]:
    """An array by its type."""
    return {"$": values.dtype.str[1:], "b": _base64(values)}


def _packed(values: Column) -> dict[str, Any]:
    """An array of places."""
    return {"t": values.dtype.str[1:], "b": _base64(values)}


def _base64(values: Column) -> str:
    """Bytes, the least first."""
    little = np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<"))
    return base64.b64encode(little.tobytes()).decode("ascii")
