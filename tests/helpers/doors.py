"""The ways by which a table comes in: tables of libraries, a dict of columns, files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

Columns = Mapping[str, list[Any]]

DOORS = ("dict", "pandas", "polars", "arrow", "csv", "parquet")
"""A dict of columns, three libraries, two kinds of files."""


def open_door(door: str, columns: Columns, folder: Path, name: str = "table") -> Any:
    """Return columns as the source that a user would pass; None is a missing value."""
    if door in ("csv", "parquet"):
        path = folder / f"{name}.{door}"
        if door == "csv":
            path.write_text(csv_text(columns))
        else:
            pq.write_table(pa.table(dict(columns)), path)
        return path
    make: dict[str, Callable[[Any], Any]] = {
        "dict": dict,
        "pandas": pd.DataFrame,
        "polars": lambda table: pl.DataFrame(dict(table), strict=False),
        "arrow": lambda table: pa.table(dict(table)),
    }
    return make[door](columns)


def csv_text(columns: Columns) -> str:
    """Return columns as CSV, as programs write it."""
    cells = [["" if value is None or value != value else str(value) for value in column] for column in columns.values()]
    return "\n".join([",".join(columns), *map(",".join, zip(*cells, strict=True))]) + "\n"


def to_lists(table: Any) -> dict[str, list[Any]]:
    """Return a table of any kind as lists by column, times as text without zeros at the end."""
    names = getattr(table, "column_names", None) or list(getattr(table, "columns", table))
    return {str(name): [_plain(value) for value in _values(table[name])] for name in names}


def _values(column: Any) -> list[Any]:
    """Return a column as plain values."""
    if isinstance(column, np.ndarray):
        return column.astype("M8[us]").tolist() if column.dtype.kind == "M" else column.tolist()
    return column.to_pylist() if hasattr(column, "to_pylist") else list(column)


def _plain(value: Any) -> Any:
    """Return a value in a form that all libraries share."""
    if hasattr(value, "isoformat"):
        text = value.isoformat()
        return text.removesuffix("T00:00:00")
    return value.item() if isinstance(value, np.generic) else value
