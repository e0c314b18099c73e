"""The door for data: files and tables of any kind come in as a panel, and columns go out as they came.

Table libraries are known here and, for Parquet, in `write`, nowhere else, and are imported where they are
used: DuckDB reads Parquet, JSON and large text files, narwhals reads pandas, polars and Arrow. Text files of
ordinary size are split by Python's own csv module: that is faster than importing DuckDB, and it knows the
line of every row.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast.data.build import build
from gatecast.data.columns import labels, numbers, running_positions, stamps
from gatecast.data.delimited import decode, read_delimited, separator
from gatecast.data.frequency import Freq, format_times, parse
from gatecast.data.panel import Names, Panel
from gatecast.data.roles import Roles, assign, join_parts, series_column
from gatecast.data.table import Cells, Table, text_cells
from gatecast.data.times import local_or_universal
from gatecast.data.write import write
from gatecast.errors import DataError

__all__ = ["kind_of", "read", "to_like", "write"]

# Above this size DuckDB's parallel reader wins, although it must be imported and loses count of blank lines.
LARGE = 8_000_000


def read(
    source: Any,
    id_col: str | None = None,
    time_col: str | None = None,
    target_col: str | None = None,
    freq: str | int | Freq | None = None,
) -> tuple[Panel, tuple[str, ...]]:
    """Read a table of any kind as a panel.

    Files: CSV and other delimited text, with or without a header, with one column or more; Parquet; JSON
    (records, lines or columns). Tables: pandas, polars, Arrow and what else narwhals knows, a dict of
    columns, a sequence of values. What is not said is worked out, and the findings say how.

    Args:
        source: Path or table, one row for each time of each series.
        id_col: Column of the series' names; worked out if None.
        time_col: Column of times; worked out if None, numbered from 1 if there is none.
        target_col: Column of values; worked out if None.
        freq: Frequency such as "MS" or 1; worked out if None. A whole number means that times are numbers.

    Returns:
        The panel, and what was found on the way, one sentence each; the first says which column is what.

    Raises:
        DataError: The source cannot be used; the message says where and how to put it right.
        ConfigError: A column that is named is not there; `freq` is no frequency, or one that does not go
            with the times.

    >>> panel, findings = read({"ds": ["2024-01", "2024-02", "2024-03"], "y": [1.0, 2.0, 4.0]})
    >>> panel.series(0).tolist(), findings[0]
    ([1.0, 2.0, 4.0], "time column: 'ds', target: 'y', frequency: monthly (MS); 3 points from 2024-01-01 to \
2024-03-01.")
    """
    step = None if freq is None else parse(freq)
    table = join_parts(_table(source), time_col)
    roles = assign(table, id_col, time_col, target_col)
    values = numbers(table, roles.target)
    times = None
    if roles.time is not None:
        times = stamps(table, roles.time, plain=step is not None and step.unit == "step")
        if roles.id is None:
            roles = roles._replace(id=series_column(table, roles, times.values))
    ids = None if roles.id is None else labels(table, roles.id)
    ticks = running_positions(len(table), ids) if times is None else times.values
    panel, found = build(ticks, values.values, ids, freq=step, names=_names(table, roles), where=table.where)
    notes = (*table.notes, *(times.notes if times else ()), *values.notes)
    return panel, (_summary(table, roles, panel), *notes, *found)


def kind_of(source: Any) -> str:
    """What kind of source something is: "path", "dict", or the library of a table, as "pandas".

    >>> kind_of("sales.csv"), kind_of({"y": [1]}), kind_of([1, 2])
    ('path', 'dict', 'dict')
    """
    if isinstance(source, (str, os.PathLike)):
        return "path"
    if isinstance(source, Mapping) or _is_values(source):
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


def to_like(kind: str, columns: Mapping[str, npt.ArrayLike]) -> Any:
    """Columns as a table of the kind that came in.

    Args:
        kind: From `kind_of`. "path" and "dict" give a dict of arrays: what came from a file can be written
            to one with `write`. Lazy tables of other libraries give Arrow tables.
        columns: Columns of one length.

    >>> to_like("path", {"y": [1.0, 2.0]})["y"].tolist()
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


def _names(table: Table, roles: Roles) -> Names:
    """What the columns are called; in a table without a header time and value, as they are in the field."""
    if not table.named:
        return Names(None if roles.id is None else "unique_id", "time", "value")
    time = "time" if roles.time is None else table.names[roles.time]
    return Names(None if roles.id is None else table.names[roles.id], time, table.names[roles.target])


def _summary(table: Table, roles: Roles, panel: Panel) -> str:
    """The first finding: which column is what, how often, how much, from when to when."""

    def called(column: int) -> str:
        """A column by its name, or by its position if it has none."""
        return repr(table.names[column]) if table.named else str(column + 1)

    series = "" if roles.id is None else f"series: {called(roles.id)}, "
    time = "no time column, rows are numbered" if roles.time is None else f"time column: {called(roles.time)}"
    rows = str(len(panel.values))
    if len(panel) > 1:
        shortest, longest = panel.lengths.min(), panel.lengths.max()
        rows = f"{len(panel)} series of {shortest if shortest == longest else f'{shortest} to {longest}'}"
    last = panel.freq.at(panel.start, panel.lengths - 1)
    span = " to ".join(format_times(np.array([panel.start.min(), last.max()])))
    header = "" if table.named else "no header; "
    target = f"target: {called(roles.target)}"
    return f"{header}{series}{time}, {target}, frequency: {panel.freq.label}; {rows} points from {span}."


def _table(source: Any) -> Table:
    """Any source as a table of cells."""
    if isinstance(source, (str, os.PathLike)):
        return _from_path(Path(source))
    if isinstance(source, Mapping):
        _refuse_repeated(list(source))
        return _from_columns({str(name): _cells(column) for name, column in source.items()})
    if _is_values(source):
        if len(source) and all(isinstance(row, Mapping) for row in source):
            names = dict.fromkeys(name for row in source for name in row)
            return _from_columns({str(name): _cells([row.get(name) for row in source]) for name in names})
        return _from_columns({"y": _cells(source)})
    return _from_frame(source)


def _is_values(source: Any) -> bool:
    """Whether a source is a mere sequence of values."""
    return isinstance(source, np.ndarray) or (isinstance(source, Sequence) and not isinstance(source, (str, bytes)))


def _from_columns(columns: dict[str, Cells]) -> Table:
    """Columns as a table."""
    lengths = {name: len(cells) for name, cells in columns.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(
            "the columns differ in length",
            got=", ".join(f"{name!r} {length}" for name, length in lengths.items()),
            expected="as many cells in each",
        )
    if not columns:
        raise DataError("the table has no columns", expected="a column of times and a column of values")
    return Table(tuple(columns), tuple(columns.values()))


def _cells(column: Any) -> Cells:
    """A column in one of the types of `Cells`."""
    cells = column if isinstance(column, np.ndarray) else np.asarray(column)
    if cells.ndim != 1:
        raise DataError("a column must have one dimension", got=f"the shape {cells.shape}", expected="(rows,)")
    if isinstance(cells, np.ma.MaskedArray):
        cells = _unmask(cells)
    to: Any = {"f": np.float64, "i": np.int64, "u": np.int64, "b": np.bool_, "M": "M8[us]"}.get(cells.dtype.kind)
    return text_cells(cells.tolist()) if to is None else np.asarray(cells, to)


def _unmask(cells: Any) -> Cells:
    """A masked array, as DuckDB gives them, with NaN, NaT or None where it is masked."""
    if cells.dtype.kind in "fiu":
        return np.asarray(cells.astype(np.float64).filled(np.nan))
    if cells.dtype.kind == "M":
        return np.asarray(cells.filled(np.datetime64("NaT")))
    return np.asarray(cells.astype(object).filled(None))


def _from_frame(source: Any) -> Table:
    """A pandas, polars, Arrow or other table, through narwhals."""
    import narwhals as nw

    if _is_batch(source):
        import pyarrow  # type: ignore[import-untyped]

        source = pyarrow.Table.from_batches([source])
    kind_of(source)
    # pandas keeps times in the index as often as in a column; a mere numbering is left behind.
    if hasattr(source, "reset_index") and type(source.index).__name__ != "RangeIndex":
        source = source.reset_index()
    frame = nw.from_native(source, allow_series=True)
    if isinstance(frame, nw.Series):
        frame = frame.to_frame()
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    columns, notes = {}, []
    # Names need not be text (pandas numbers columns that have none), so no column is asked for by name.
    for name, series in zip(frame.columns, frame.iter_columns(), strict=True):
        column, note = _from_series(series)
        columns[str(name)] = column
        notes += note
    table = _from_columns(columns)
    return Table(table.names, table.columns, notes=tuple(notes))


def _is_batch(source: Any) -> bool:
    """Whether a source is an Arrow record batch, the one Arrow table that narwhals does not know."""
    return type(source).__name__ == "RecordBatch" and type(source).__module__.startswith("pyarrow")


def _check_names(source: Any) -> None:
    """Refuse a pandas or Arrow table two of whose columns have one name."""
    names = list(getattr(source, "column_names", ()))
    if hasattr(source, "reset_index"):
        names = list(source.columns) if hasattr(source, "columns") else [source.name]
        if type(source.index).__name__ != "RangeIndex":
            names = [*source.index.names, *names]
    _refuse_repeated([name for name in names if name is not None])


def _refuse_repeated(names: Sequence[Any]) -> None:
    """Refuse names that are the same, as text."""
    texts = [str(name) for name in names]
    twice = next((text for k, text in enumerate(texts) if text in texts[:k]), None)
    if twice is not None:
        raise DataError(
            "two columns have one name",
            got=f"{texts.count(twice)} columns called {twice!r}",
            expected="a different name for each column, the index included",
            fix="Rename or remove all but one of them.",
        )


def _from_series(series: Any) -> tuple[Cells, list[str]]:
    """One column of a narwhals table, and a sentence if it had a time zone."""
    import narwhals as nw

    if series.dtype.is_numeric():
        return _cells(series.cast(nw.Float64).to_numpy() if series.null_count() else series.to_numpy()), []
    if series.dtype == nw.Boolean and not series.null_count():
        return _cells(series.to_numpy()), []
    if isinstance(series.dtype, nw.Datetime) and series.dtype.time_zone:
        wall, universal = (
            _cells(column.dt.replace_time_zone(None).to_numpy()).copy()
            for column in (series, series.dt.convert_time_zone("UTC"))
        )
        minutes = (wall - universal).astype("m8[m]").astype(np.int64)
        known = ~np.isnat(wall)
        wall[known], note = local_or_universal(wall[known], minutes[known])
        return wall, [note]
    if series.dtype in (nw.Datetime, nw.Date):
        return _cells(series.to_numpy()), []
    return text_cells(series.to_list()), []


def _from_path(path: Path) -> Table:
    """A file as a table, by its suffix and its first bytes."""
    _check_source(path)
    try:
        with path.open("rb") as file:
            head = file.read(65_536)
            suffix = path.suffix.lower()
            if suffix in (".parquet", ".pq") or head.startswith(b"PAR1"):
                return _query("read_parquet(?)", path)
            if suffix in (".json", ".jsonl", ".ndjson"):
                return _query("read_json(?, maximum_object_size=268435456)", path)
            if path.stat().st_size > LARGE:
                return _from_large_text(path, head)
            raw = head + file.read()
    except OSError as error:
        raise DataError("the file cannot be read", where=str(path), got=error.strerror or str(error)) from None
    text, notes = decode(raw, str(path))
    table = read_delimited(text, str(path))
    return Table(table.names, table.columns, table.rows, table.named, (*notes, *table.notes))


def _check_source(path: Path) -> None:
    """Refuse what is no file."""
    if path.is_dir():
        raise DataError("this is a directory", where=str(path), expected="a file", fix="Name a file in it.")
    if not path.exists():
        folder = path.parent
        others = sorted(other.name for other in folder.iterdir()) if folder.is_dir() else []
        close = get_close_matches(path.name, others, n=1)
        hint = f"Did you mean {close[0]!r}?" if close else f"The current folder is {Path.cwd()}."
        raise DataError("there is no such file", where=str(path), fix=hint)


def _from_large_text(path: Path, head: bytes) -> Table:
    """A large text file, by DuckDB, laid out as its beginning is."""
    text, notes = decode(head[: head.rfind(b"\n") + 1], str(path))
    top = read_delimited(text, str(path))
    first = int(top.rows[0]) if top.rows is not None else 1
    mark = separator(text.splitlines()[:100])
    # Dates stay text: DuckDB would settle 01/02/2024 without a word.
    options = (
        f"delim='{mark}', header=false, skip={first - 1}, nullstr=['', 'NA', 'NaN'],"
        " sample_size=-1, auto_type_candidates=['BIGINT', 'DOUBLE', 'VARCHAR']"
    )
    table = _query(f"read_csv(?, {options})", path)
    rows = first + np.arange(len(table))
    return Table(top.names, table.columns, rows, top.named, (*notes, *top.notes))


def _query(function: str, path: Path) -> Table:
    """A table that DuckDB reads from a file."""
    import duckdb

    # No look-ups on the net for parts of DuckDB that are not installed.
    with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as connection:
        try:
            found = connection.execute(f"SELECT * FROM {function}", [str(path)]).fetchnumpy()
        except duckdb.Error as error:
            raise DataError(
                "the file cannot be read", where=str(path), got=str(error).splitlines()[0].rstrip(". ")
            ) from None
    # JSON of the form {"ds": [...], "y": [...]} is one row of lists.
    lists = {name: column[0] for name, column in found.items() if len(column) == 1}
    nested = lists and len(lists) == len(found) and all(isinstance(cell, np.ndarray) for cell in lists.values())
    return _from_columns({name: _cells(column) for name, column in (lists if nested else found).items()})
