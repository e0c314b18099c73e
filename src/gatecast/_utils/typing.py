"""Types of arrays and tables that all packages use."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["BoolArray", "ColumnTable", "Float32Array", "FloatArray", "IntArray"]

FloatArray: TypeAlias = npt.NDArray[np.float64]
"""Numbers of series, forecasts and errors."""

Float32Array: TypeAlias = npt.NDArray[np.float32]
"""Numbers of networks."""

IntArray: TypeAlias = npt.NDArray[np.int64]
"""Counts and indices."""

BoolArray: TypeAlias = npt.NDArray[np.bool_]
"""Masks."""

ColumnTable: TypeAlias = dict[str, npt.NDArray[Any]]
"""A table as a dict of columns of equal length."""
