"""Tables of other libraries, through narwhals, and columns of arrays: in as cells, out as what came in.

Letters: N rows.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast.data.parsing.raw_table import CHUNK, Cells, RawTable, check_width, text_cells
from gatecast.errors import DataError

__all__ = [
    "cells",
    "from_columns",
    "from_frame",
    "from_mapping",
    "from_values",
    "is_values",
    "kind_of",
    "to_frame_like",
]


def kind_of(source: Any) -> str:
    """What kind of source something is: "path", "dict", or the library of a table, as "pandas".

    >>> kind_of("sales.csv"), kind_of({"y": [1]}), kind_of([1, 2])
    ('path', 'dict', 'dict')
    """
    if isinstance(source, (str, os.PathLike)):
        return "path"
    if isinstance(source, Mapping) or is_values(source):
        return "dict"
    import narwhals

    if _is_batch(source):
        return "pyarrow"
    _check_names(source)
    native = narwhals.from_native(source, allow_series=True, pass_through=True)
    if native is source:
        raise DataError(
            "this is not a table",
            got=type(source).__name__,
            expected="a path, a pandas, polars or Arrow table, or a dict of columns",
        )
    return str(native.implementation.value)


def to_frame_like(kind: str, columns: Mapping[str, npt.ArrayLike]) -> Any:
    """Columns as a table of the kind that came in.

    Args:
        kind: From `kind_of`. "path" and "dict" give a dict of arrays: what came from a file can be written
            to one with `write`. Lazy tables of other libraries give Arrow tables.
        columns: Columns of one length.

    >>> to_frame_like("path", {"y": [1.0, 2.0]})["y"].tolist()
    [1.0, 2.0]
    """
    arrays = {name: np.asarray(column) for name, column in columns.items()}
    if kind in ("path", "dict"):
        return arrays
    import narwhals

    # As lists, text gets the library's own type for text instead of its type for Python objects.
    cells = {name: array.tolist() if array.dtype.kind in "OU" else array for name, array in arrays.items()}
    backend: Any = kind if kind in ("pandas", "modin", "cudf", "polars") else "pyarrow"
    return narwhals.from_dict(cells, backend=backend).to_native()


def is_values(source: Any) -> bool:
    """Whether a source is a mere sequence of values."""
    return isinstance(source, np.ndarray) or (isinstance(source, Sequence) and not isinstance(source, (str, bytes)))


def from_mapping(source: Mapping[Any, Any]) -> RawTable:
    """A dict of columns as a table.

    >>> from_mapping({"y": [1, 2]}).param_names
    ('y',)
    """
    check_width(len(source))
    _refuse_repeated(source)
    return from_columns({str(name): cells(column) for name, column in source.items()})


def from_values(source: Sequence[Any] | npt.NDArray[Any]) -> RawTable:
    """A sequence of values, or of records, as a table.

    >>> from_values([1.0, 2.0]).param_names, from_values([{"t": 1, "y": 5}]).param_names
    (('y',), ('t', 'y'))
    """
    if len(source) and all(isinstance(row, Mapping) for row in source):
        names = dict.fromkeys(name for row in source for name in row)
        check_width(len(names))
        return from_columns({str(name): cells([row.get(name) for row in source]) for name in names})
    return from_columns({"y": cells(source)})


def from_columns(columns: dict[str, Cells]) -> RawTable:
    """Cells by the name of their column as a table.

    Raises:
        DataError: No column, or columns that differ in length.
    """
    lengths = {name: len(cells) for name, cells in columns.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(
            "the columns differ in length",
            got=", ".join(f"{name!r} {length}" for name, length in list(lengths.items())[:20]),
            expected="as many cells in each",
        )
    if not columns:
        raise DataError("the table has no columns", expected="a column of times and a column of values")
    return RawTable(tuple(columns), tuple(columns.values()))


def cells(column: Any) -> Cells:
    """A column in one of the types of `Cells`.

    Raises:
        DataError: More than one dimension.

    >>> cells([1, 2]).dtype.name, cells(["a", None]).tolist()
    ('int64', ['a', ''])
    """
    array = column if isinstance(column, np.ndarray) else np.asarray(column)
    if array.ndim != 1:
        raise DataError("a column must have one dimension", got=f"the shape {array.shape}", expected="(rows,)")
    if isinstance(array, np.ma.MaskedArray):
        array = _unmask(array)
    to: Any = {"f": np.float64, "i": np.int64, "u": np.int64, "b": np.bool_, "M": "M8[us]"}.get(array.dtype.kind)
    return text_cells(array) if to is None else np.asarray(array, to)


def from_frame(source: Any) -> RawTable:
    """A pandas, polars, Arrow or other table, through narwhals.

    Raises:
        DataError: No table that narwhals knows, too many columns, two of one name.
    """
    import narwhals as nw

    if _is_batch(source):
        import pyarrow  # type: ignore[import-untyped]

        source = pyarrow.Table.from_batches([source])
    kind_of(source)
    # pandas keeps times in the index as often as in a column; a mere numbering is left behind.
    if hasattr(source, "reset_index"):
        source = source.reset_index(drop=_is_numbering(source))
    frame = nw.from_native(source, allow_series=True)
    if isinstance(frame, nw.Series):
        frame = frame.to_frame()
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    columns, offsets = {}, {}
    # Names need not be text (pandas numbers columns that have none), so no column is asked for by name.
    for name, series in zip(frame.columns, frame.iter_columns(), strict=True):
        columns[str(name)], minutes = _from_series(series)
        if minutes is not None:
            offsets[str(name)] = minutes
    table = from_columns(columns)
    return RawTable(table.names, table.columns, offsets=offsets)


def _unmask(column: Any) -> Cells:
    """A masked array, as DuckDB gives them, with NaN, NaT or None where it is masked."""
    if column.dtype.kind in "fiu":
        return np.asarray(column.astype(np.float64).filled(np.nan))
    if column.dtype.kind == "M":
        return np.asarray(column.filled(np.datetime64("NaT")))
    return np.asarray(column.astype(object).filled(None))


def _is_batch(source: Any) -> bool:
    """Whether a source is an Arrow record batch, the one Arrow table that narwhals does not know."""
    return type(source).__name__ == "RecordBatch" and type(source).__module__.startswith("pyarrow")


def _check_names(source: Any) -> None:
    """Refuse a pandas or Arrow table with too many columns, or two of one name."""
    names = list(getattr(source, "column_names", ()))
    if hasattr(source, "reset_index"):
        names = list(source.columns) if hasattr(source, "columns") else [source.name]
        if not _is_numbering(source):
            names = [*source.index.names, *names]
    check_width(len(names))
    _refuse_repeated(name for name in names if name is not None)


def _is_numbering(source: Any) -> bool:
    """Whether the index of a pandas table only numbers its rows, also where tables were joined or rows left out."""
    index = source.index
    if type(index).__name__ == "RangeIndex":
        return True
    if index.nlevels > 1 or index.name is not None or index.dtype.kind not in "iu":
        return False
    kinds = source.dtypes if hasattr(source, "columns") else ()
    dated = any(getattr(kind, "kind", "") == "M" for kind in kinds)
    return dated or not (index.is_monotonic_increasing and index.is_unique)


def _refuse_repeated(names: Iterable[Any]) -> None:
    """Refuse names that are the same, as text."""
    texts = [str(name) for name in names]
    seen: set[str] = set()
    for text in texts:
        if text in seen:
            raise DataError(
                "two columns have one name",
                got=f"{texts.count(text)} columns called {text!r}",
                expected="a different name for each column, the index included",
                fix="Rename or remove all but one of them.",
            )
        seen.add(text)


def _from_series(series: Any) -> tuple[Cells, npt.NDArray[np.int64] | None]:
    """One column of a narwhals table, and the minutes by which zoned times are ahead of UTC."""
    import narwhals as nw

    if series.dtype.is_numeric():
        return cells(series.cast(nw.Float64).to_numpy() if series.null_count() else series.to_numpy()), None
    if series.dtype == nw.Boolean and not series.null_count():
        return cells(series.to_numpy()), None
    if isinstance(series.dtype, nw.Datetime) and series.dtype.time_zone:
        wall, universal = (
            cells(column.dt.replace_time_zone(None).to_numpy())
            for column in (series, series.dt.convert_time_zone("UTC"))
        )
        minutes = np.zeros(len(wall), np.int64)
        known = ~np.isnat(wall)
        minutes[known] = (wall[known] - universal[known]).astype("m8[m]").astype(np.int64)
        return wall, minutes
    if series.dtype in (nw.Datetime, nw.Date):
        return cells(series.to_numpy()), None
    return _texts(series), None


def _texts(series: Any) -> Cells:
    """A column of anything else as text, a part at a time; a text that stands in many rows is held once."""
    column = np.empty(len(series), object)
    known: dict[str, str] = {}
    for start in range(0, len(column), CHUNK):
        part = text_cells(series[start : start + CHUNK].to_list())
        column[start : start + len(part)] = [known.setdefault(text, text) for text in part.tolist()]
    return column
