"""Read tables of other libraries, through narwhals, and dicts of columns; make tables of the same kind for results."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gatecast._utils.arrays import to_integers
from gatecast._utils.typing import IntArray
from gatecast.data.parsing.raw_table import (
    ROWS_PER_CHUNK,
    ColumnType,
    RawColumn,
    RawTable,
    check_column_count,
    to_text,
)
from gatecast.data.sources.key_columns import column_type, restore_arrays, restore_frame
from gatecast.errors import ConfigError, DataError

if TYPE_CHECKING:
    from gatecast.data.panel import Panel

__all__ = [
    "attach_findings",
    "from_frame",
    "from_mapping",
    "from_sequence",
    "installed_kind",
    "is_categorical",
    "is_sequence",
    "kind_of",
    "make_table",
    "to_frame_like",
    "to_raw_column",
    "too_fine_columns",
]

CATEGORICAL_TYPES = ("CategoricalDtype", "Categorical", "Enum", "DictionaryType")
"""Types of columns of categories: of pandas, of polars, and of Arrow."""


def kind_of(source: Any) -> str:
    """Return the kind of a source: "path", "dict", or the library of a table, such as "pandas".

    Raises:
        DataError: Not a table, or one with too many columns or duplicate names.

    >>> kind_of("sales.csv"), kind_of({"y": [1]}), kind_of([1, 2])
    ('path', 'dict', 'dict')
    """
    if isinstance(source, (str, os.PathLike)):
        return "path"
    if isinstance(source, Mapping) or is_sequence(source):
        return "dict"
    import narwhals

    if _is_record_batch(source):
        return "pyarrow"
    _check_names(source)
    native = narwhals.from_native(source, allow_series=True, pass_through=True)
    if native is source:
        raise DataError(
            "Unsupported source",
            got=type(source).__name__,
            expected="a path, a pandas, polars or Arrow table, or a dict of columns",
        )
    return str(native.implementation.value)


def installed_kind() -> str:
    """Return the kind of table for results without a source table: the first installed of pandas, polars and Arrow.

    Returns:
        "pandas", "polars" or "pyarrow"; "dict" if none is installed.

    >>> installed_kind() in ("pandas", "polars", "pyarrow", "dict")
    True
    """
    return next((kind for kind in ("pandas", "polars", "pyarrow") if find_spec(kind) is not None), "dict")


def to_frame_like(kind: str, columns: Mapping[str, npt.ArrayLike], panel: Panel | None = None) -> Any:
    """Make a table of a given kind.

    With a panel, ids and times get the types that they had in its source (`Panel.key_types`): categories, small or
    nullable integers, kinds of strings, dates, periods, resolution and time zone of datetimes. Times that were strings
    become datetimes, so that they can be compared and plotted. Times that were integers, such as 2024 or 202401, stay
    integers. Where a result does not fit a type (hours in a column of dates, 200 in int8), the default type stays.
    Another library than that of the source uses its default types; only the time zone is kept.

    Args:
        kind: Kind of the table, from `kind_of`. "path" and "dict" give a dict of arrays, without time zones. Lazy
            tables of other libraries give Arrow tables.
        columns: Columns of equal length.
        panel: The panel that the ids and times come from; None leaves all types as they are.

    Raises:
        ConfigError: An unknown kind, or a library that is not installed.

    >>> to_frame_like("path", {"y": [1.0, 2.0]})["y"].tolist()
    [1.0, 2.0]
    """
    arrays = {name: np.asarray(column) for name, column in columns.items()}
    if panel is not None:
        arrays = restore_arrays(arrays, panel, kind)
    if kind in ("path", "dict"):
        return arrays
    import narwhals

    # As lists, strings get the library's string type instead of its type for Python objects.
    data = {name: array.tolist() if array.dtype.kind in "OU" else array for name, array in arrays.items()}
    backend: Any = kind if kind in ("pandas", "modin", "cudf", "polars") else "pyarrow"
    try:
        frame = narwhals.from_dict(data, backend=backend).to_native()
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"Cannot make a {backend} table: {error.name} is not installed", fix=f"Run: pip install {backend}"
        ) from None
    return frame if panel is None else restore_frame(frame, backend, arrays, panel)


def attach_findings(table: Any, findings: Sequence[str]) -> Any:
    """Return a table with what was noticed about its data, where its library has a place for it.

    Args:
        table: A pandas table keeps the sentences in `attrs`, an Arrow table as JSON in the metadata of its schema; a
            polars table and a dict of arrays have no such place.
        findings: Sentences.

    >>> attach_findings({"y": np.ones(1)}, ["one"])
    {'y': array([1.])}
    """
    if isinstance(getattr(table, "attrs", None), dict):
        table.attrs["findings"] = list(findings)
    elif hasattr(table, "replace_schema_metadata"):
        known = table.schema.metadata or {}
        return table.replace_schema_metadata({**known, b"findings": json.dumps(list(findings)).encode()})
    return table


def is_sequence(source: Any) -> bool:
    """Return whether a source is a sequence of values."""
    return isinstance(source, np.ndarray) or (isinstance(source, Sequence) and not isinstance(source, (str, bytes)))


def from_mapping(source: Mapping[Any, Any]) -> RawTable:
    """Read a dict of columns.

    Raises:
        DataError: Too many columns, duplicate names, or columns of different lengths.

    >>> from_mapping({"y": [1, 2]}).names
    ('y',)
    """
    check_column_count(len(source))
    _check_unique_names(source)
    types = {str(name): column_type(column, "dict") for name, column in source.items()}
    categorical = frozenset(str(name) for name, column in source.items() if is_categorical(column))
    columns = {str(name): to_raw_column(column) for name, column in source.items()}
    table = make_table(columns, types=types, categorical=categorical)
    return replace(table, too_fine=too_fine_columns({str(name): column for name, column in source.items()}))


def from_sequence(source: Sequence[Any] | npt.NDArray[Any]) -> RawTable:
    """Read a sequence of values or of records.

    Raises:
        DataError: Too many columns, or an array of two dimensions.

    >>> from_sequence([1.0, 2.0]).names, from_sequence([{"t": 1, "y": 5}]).names
    (('y',), ('t', 'y'))
    """
    if len(source) and all(isinstance(row, Mapping) for row in source):
        names = dict.fromkeys(name for row in source for name in row)
        check_column_count(len(names))
        return make_table({str(name): to_raw_column([row.get(name) for row in source]) for name in names})
    return make_table({"y": to_raw_column(source)})


def make_table(
    columns: dict[str, RawColumn],
    utc_offsets: Mapping[str, IntArray] | None = None,
    types: Mapping[str, ColumnType] | None = None,
    categorical: frozenset[str] = frozenset(),
) -> RawTable:
    """Make a table of columns by name.

    Raises:
        DataError: No column, or columns of different lengths.
    """
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(
            "Columns have different lengths",
            got=", ".join(f"{name!r} {length}" for name, length in list(lengths.items())[:20]),
            expected="columns of equal length",
        )
    if not columns:
        raise DataError("The table has no columns", expected="a column of times and a column of values")
    names, arrays = tuple(columns), tuple(columns.values())
    return RawTable(names, arrays, utc_offsets=utc_offsets or {}, types=types or {}, categorical=categorical)


def is_categorical(column: Any) -> bool:
    """Return whether a column of pandas, polars or Arrow is declared categorical.

    >>> import polars
    >>> is_categorical(polars.Series(["1.0"], dtype=polars.Categorical)), is_categorical(["1.0"])
    (True, False)
    """
    dtype = getattr(column, "dtype", None)
    return type(getattr(column, "type", None) if dtype is None else dtype).__name__ in CATEGORICAL_TYPES


def to_raw_column(column: Any) -> RawColumn:
    """Convert a column to one of the types of `RawColumn`.

    Raises:
        DataError: More than one dimension.

    >>> to_raw_column([1, 2]).dtype.name, to_raw_column(["a", None]).tolist()
    ('int64', ['a', ''])
    """
    array = _as_array(column)
    if array.ndim != 1:
        raise DataError(
            "A column must have one dimension",
            got=f"the shape {array.shape}",
            expected="(n_rows,)",
            fix='Pass each column by its name, such as {"y": values[:, 0]}.',
        )
    if isinstance(array, np.ma.MaskedArray):
        array = _fill_masked(array)
    if array.dtype.kind in "iu":
        return to_integers(array)
    dtypes: dict[str, Any] = {"f": np.float64, "b": np.bool_, "M": "M8[us]"}
    dtype = dtypes.get(array.dtype.kind)
    return to_text(array) if dtype is None else np.asarray(array, dtype)


def _as_array(column: Any) -> npt.NDArray[Any]:
    """A column as an array; of objects where it holds lists of different lengths."""
    if isinstance(column, np.ndarray):
        return column
    try:
        return np.asarray(column)
    except ValueError:
        cells = list(column)
        array = np.empty(len(cells), object)
        for k, cell in enumerate(cells):
            array[k] = cell
        return array


def too_fine_columns(columns: Mapping[str, Any]) -> frozenset[str]:
    """Return the columns with datetimes that differ by less than a microsecond.

    >>> sorted(too_fine_columns({"a": np.arange(2).astype("M8[ns]"), "b": np.arange(2).astype("M8[us]")}))
    ['a']
    """
    return frozenset(name for name, column in columns.items() if _are_too_fine(column))


def _are_too_fine(column: Any) -> bool:
    """Whether datetimes differ by less than a microsecond."""
    times = column if isinstance(column, np.ndarray) and column.dtype.kind == "M" else np.empty(0, "M8[us]")
    present = times[~np.isnat(times)]
    cut = present.astype("M8[us]")
    # Nearly all datetimes are whole microseconds: only others are sorted.
    return bool((cut != present).any()) and len(np.unique(cut)) < len(np.unique(present))


def from_frame(source: Any) -> RawTable:
    """Read a pandas, polars, Arrow or other table, through narwhals.

    Raises:
        DataError: Not a table that narwhals supports, too many columns, or duplicate names.
    """
    import narwhals as nw

    if _is_record_batch(source):
        import pyarrow  # type: ignore[import-untyped]

        source = pyarrow.Table.from_batches([source])
    kind = kind_of(source)
    # pandas keeps times in the index as often as in a column; an index that only numbers the rows is dropped.
    if hasattr(source, "reset_index"):
        source = source.reset_index(drop=_is_row_numbering(source))
    frame = nw.from_native(source, allow_series=True)
    if isinstance(frame, nw.Series):
        frame = frame.to_frame()
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    columns, utc_offsets, types, nanoseconds, categorical = {}, {}, {}, {}, set()
    # Names need not be strings (pandas numbers columns without a name), so columns are not accessed by name.
    for name, series in zip(frame.columns, frame.iter_columns(), strict=True):
        columns[str(name)], minutes = _from_series(series)
        types[str(name)] = column_type(series.to_native(), kind)
        if is_categorical(series.to_native()):
            categorical.add(str(name))
        if minutes is not None:
            utc_offsets[str(name)] = minutes
        if isinstance(series.dtype, nw.Datetime) and series.dtype.time_unit == "ns":
            nanoseconds[str(name)] = series.to_numpy()
    table = make_table(columns, utc_offsets, types, frozenset(categorical))
    return replace(table, too_fine=too_fine_columns(nanoseconds))


def _fill_masked(column: Any) -> RawColumn:
    """A masked array, as DuckDB returns, with NaN, NaT or None where it is masked."""
    if column.dtype.kind in "fiu":
        return np.asarray(column.astype(np.float64).filled(np.nan))
    if column.dtype.kind == "M":
        return np.asarray(column.filled(np.datetime64("NaT")))
    # filled(None) would fill in NumPy's default, a question mark.
    values = np.asarray(column.data).astype(object)
    values[np.asarray(column.mask)] = None
    return values


def _is_record_batch(source: Any) -> bool:
    """Whether a source is an Arrow record batch, the only Arrow table that narwhals does not support."""
    return type(source).__name__ == "RecordBatch" and type(source).__module__.startswith("pyarrow")


def _check_names(source: Any) -> None:
    """Check the number and the uniqueness of the column names of a pandas or Arrow table."""
    names = list(getattr(source, "column_names", ()))
    if hasattr(source, "reset_index"):
        names = list(source.columns) if hasattr(source, "columns") else [source.name]
        if not _is_row_numbering(source):
            names = [*source.index.names, *names]
    check_column_count(len(names))
    _check_unique_names(name for name in names if name is not None)


def _is_row_numbering(source: Any) -> bool:
    """Whether the index of a pandas table only numbers its rows, also after tables were joined or rows removed."""
    index = source.index
    if type(index).__name__ == "RangeIndex":
        return True
    if index.nlevels > 1 or index.name is not None or index.dtype.kind not in "iu":
        return False
    dtypes = source.dtypes if hasattr(source, "columns") else ()
    has_datetimes = any(getattr(dtype, "kind", "") == "M" for dtype in dtypes)
    return has_datetimes or not (index.is_monotonic_increasing and index.is_unique)


def _check_unique_names(names: Iterable[Any]) -> None:
    """Check that names are unique as strings."""
    texts = [str(name) for name in names]
    seen: set[str] = set()
    for text in texts:
        if text in seen:
            raise DataError(
                "Duplicate column name",
                got=f"{texts.count(text)} columns named {text!r}",
                expected="unique names of the columns and the index",
                fix="Rename or remove all but one of these columns.",
            )
        seen.add(text)


def _from_series(series: Any) -> tuple[RawColumn, IntArray | None]:
    """A narwhals column, and for aware datetimes the minutes by which each is ahead of UTC."""
    import narwhals as nw

    if type(series.dtype).__name__ in ("Int128", "UInt128"):
        return _from_long_integers(series.to_list()), None
    if series.dtype.is_numeric():
        return to_raw_column(series.cast(nw.Float64).to_numpy() if series.null_count() else series.to_numpy()), None
    if series.dtype == nw.Boolean and not series.null_count():
        return to_raw_column(series.to_numpy()), None
    if isinstance(series.dtype, nw.Datetime) and series.dtype.time_zone:
        local, universal = (
            to_raw_column(column.dt.replace_time_zone(None).to_numpy())
            for column in (series, series.dt.convert_time_zone("UTC"))
        )
        minutes = np.zeros(len(local), np.int64)
        present = ~np.isnat(local)
        minutes[present] = (local[present] - universal[present]).astype("m8[m]").astype(np.int64)
        return local, minutes
    if series.dtype in (nw.Datetime, nw.Date):
        return to_raw_column(series.to_numpy()), None
    return _to_texts(series), None


def _from_long_integers(values: list[int | None]) -> RawColumn:
    """Integers of 128 bits, which NumPy does not have: as integers where they fit, else as strings."""
    try:
        return to_text(values) if None in values else to_integers(values)  # type: ignore[arg-type]
    except OverflowError:
        return to_text(values)


def _to_texts(series: Any) -> RawColumn:
    """A column of any other type as strings, in chunks; equal strings share one object."""
    column = np.empty(len(series), object)
    shared: dict[str, str] = {}
    for start in range(0, len(column), ROWS_PER_CHUNK):
        chunk = to_text(series[start : start + ROWS_PER_CHUNK].to_list())
        column[start : start + len(chunk)] = [shared.setdefault(text, text) for text in chunk.tolist()]
    return column
