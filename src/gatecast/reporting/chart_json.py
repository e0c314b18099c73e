"""Compact JSON of charts: numbers as base64, times as positions on one grid, figures of equal layout as one template.

An encoded array is an object whose key "$" names the encoding:

    f4, f8, i4, u1, u2, u4   numbers of this type, little-endian, in base64 "b"; times are milliseconds since 1970
    g                        a run of "n" points of the grid from position "s" on
    i                        points of the grid by position: numbers of type "t" in base64 "b"
    q                        a heat map with "c" columns: bytes in base64 "b", 0 to 254 from "lo" to "hi", 255 missing
    #                        in a template: slot "k" of the figure
"""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Encoder", "to_json"]

Column = npt.NDArray[Any]

COLOR_LEVELS, MISSING = 254, 255
"""Largest byte of a heat map's color, and the byte of a missing value."""

SLOT_KEYS = ("text", "y", "zmin", "zmax")
"""Keys of a trace whose lists and numbers differ between series."""


class Encoder:
    """Encodes figures as small JSON.

    Args:
        times: Times or integers on which most x axes lie; None for no common grid.
    """

    def __init__(self, times: Column | None = None) -> None:
        self.grid = None if times is None or not len(times) else np.unique(times)

    def encode(self, value: Any) -> Any:
        """Encode the arrays of a figure, or of a value inside one.

        Example:
            >>> Encoder().encode({"y": np.zeros(1)})
            {'y': {'$': 'f4', 'b': 'AAAAAA=='}}
        """
        if isinstance(value, dict):
            return {
                key: self.encode_heat_map(value) if key == "z" else self.encode(item) for key, item in value.items()
            }
        if isinstance(value, list):
            return [self.encode(item) for item in value]
        return self.encode_array(value) if isinstance(value, np.ndarray) else value

    def encode_array(self, values: Column) -> dict[str, Any]:
        """Encode one array."""
        kind = values.dtype.kind
        if self.grid is not None and self.grid.dtype.kind == kind and kind in "Mi" and len(values):
            positions = np.searchsorted(self.grid, values)
            if (self.grid[np.minimum(positions, len(self.grid) - 1)] == values).all():
                if (np.diff(positions) == 1).all():
                    return {"$": "g", "s": int(positions[0]), "n": len(positions)}
                small = positions.astype("u2" if len(self.grid) < 1 << 16 else "u4")
                return {"$": "i", "t": small.dtype.str[1:], "b": _base64(small)}
        if kind == "M":
            return _encode_numbers(_milliseconds(values))
        if kind in "iu":
            fits = not len(values) or np.abs(values).max() < 1 << 31
            return _encode_numbers(values.astype("i4" if fits else "f8"))
        return _encode_numbers(values.astype("f4"))

    def encode_heat_map(self, trace: dict[str, Any]) -> dict[str, Any]:
        """Encode the values of a heat map."""
        z, low, high = np.asarray(trace["z"], float), float(trace["zmin"]), float(trace["zmax"])
        levels = np.clip((z - low) / (high - low), 0, 1) * COLOR_LEVELS
        quantized = np.where(np.isfinite(z), np.round(np.nan_to_num(levels)), MISSING).astype("u1")
        return {"$": "q", "lo": low, "hi": high, "c": z.shape[1], "b": _base64(quantized)}

    def encode_bytes(self, values: Column) -> dict[str, Any]:
        """Encode numbers in their own type."""
        return _encode_numbers(values)

    def encode_exact(self, values: Column) -> dict[str, Any]:
        """Encode numbers without rounding them."""
        return _encode_numbers(values.astype("f8"))

    def encode_grid(self) -> Any:
        """Encode the grid."""
        return None if self.grid is None else Encoder().encode_array(self.grid)

    def split(self, figure: dict[str, Any]) -> tuple[dict[str, Any], list[Any]]:
        """Split a figure into a template, equal for figures of the same layout, and the encoded values of its slots.

        Example:
            >>> Encoder().split({"data": [{"x": np.zeros(1), "name": "a"}], "layout": {}})
            ({'data': [{'x': {'$': '#', 'k': 0}, 'name': 'a'}], 'layout': {}}, [{'$': 'f4', 'b': 'AAAAAA=='}])
        """
        slots: list[Any] = []

        def add_slot(value: Any) -> dict[str, Any]:
            """Move a value into a slot."""
            slots.append(value)
            return {"$": "#", "k": len(slots) - 1}

        def to_template(trace: dict[str, Any]) -> dict[str, Any]:
            """Replace the values of a trace by slots."""
            template = {}
            for key, value in trace.items():
                if key == "z":
                    template[key] = add_slot(self.encode_heat_map(trace))
                elif isinstance(value, np.ndarray) or key in SLOT_KEYS:
                    template[key] = add_slot(self.encode(value))
                else:
                    template[key] = value
            return template

        return {**figure, "data": [to_template(trace) for trace in figure["data"]]}, slots


def to_json(value: Any) -> str:
    r"""Format a value as JSON that can stand inside a script element.

    Example:
        >>> to_json({"name": "</script>"})
        '{"name":"\\u003c/script>"}'
    """
    text = json.dumps(value, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    # "<" could end the element; U+2028 and U+2029 end lines in older JavaScript.
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _milliseconds(times: Column) -> npt.NDArray[np.float64]:
    """Convert times to milliseconds since 1970; NaN for NaT."""
    milliseconds = times.astype("M8[us]").astype(np.int64) / 1000
    return np.where(np.isnat(times), np.nan, milliseconds)


def _encode_numbers(values: Column) -> dict[str, Any]:
    """Encode an array in its own type."""
    return {"$": values.dtype.str[1:], "b": _base64(values)}


def _base64(values: Column) -> str:
    """Encode the little-endian bytes of an array."""
    little = np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<"))
    return base64.b64encode(little.tobytes()).decode("ascii")
