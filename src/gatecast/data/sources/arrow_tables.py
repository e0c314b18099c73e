"""Arrow tables of series: to columns as panels are read from, and back with the types of the source."""

from __future__ import annotations

import io
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gatecast._utils.formatting import format_count
from gatecast._utils.typing import ColumnTable, IntArray
from gatecast.data.messages import list_columns
from gatecast.data.parsing.series_keys import join_ids
from gatecast.data.sources.dataframes import from_frame
from gatecast.errors import ConfigError, DataError

__all__ = [
    "ArrowTable",
    "bytes_table",
    "check_arrow",
    "distinct_rows",
    "divide_by",
    "divide_rows",
    "empty_arrow",
    "from_batch",
    "from_bytes",
    "hashed_ids",
    "in_utc",
    "join_tables",
    "n_distinct",
    "numbered_bytes",
    "part_table",
    "require_arrow",
    "select_ids",
    "series_starts",
    "sorted_series",
    "to_arrow",
    "to_bytes",
    "to_columns",
]

ArrowTable = Any
"""A `pyarrow.Table`."""


def require_arrow(extra: str) -> None:
    """Refuse to go on without Arrow.

    Raises:
        ConfigError: pyarrow is not installed.
    """
    try:
        import pyarrow  # type: ignore[import-untyped]  # noqa: F401
    except ModuleNotFoundError:
        raise ConfigError("pyarrow is not installed", fix=f"Run: pip install 'gatecast[{extra}]'") from None


def check_arrow(table: ArrowTable, names: Sequence[str], types: Mapping[str, str] | None = None) -> None:
    """Check that a part of a data set has the columns of the others.

    Args:
        table: The part.
        names: The columns that are needed.
        types: Their types elsewhere; None: not known.

    Raises:
        DataError: A column is missing, or has another type.
    """
    for name in names:
        if name not in table.column_names:
            raise DataError(
                f"A part of the data has no column {name!r}",
                got=list_columns(tuple(table.column_names)),
                expected="the same columns in all parts",
                fix="Write all parts with one schema.",
            )
        kind = str(table.schema.field(name).type)
        if types is not None and types[name] != kind:
            raise DataError(
                "The parts of the data have different schemas",
                where=f"column {name!r}",
                got=kind,
                expected=f"{types[name]}, as in the first part",
                fix="Cast the column to one type.",
            )


def sorted_series(table: ArrowTable, names: Sequence[str], ids: Sequence[str], time: str) -> ArrowTable:
    """Return some columns with rows sorted by id and time: the order that a shuffle leaves says nothing.

    Raises:
        DataError: A row without an id or a time.
    """
    chosen = table.select(list(names))
    for name in (*ids, time):
        n = chosen.column(name).null_count
        if n:
            raise DataError(
                f"{format_count(n, 'row')} without a value in {name!r}",
                expected="an id and a time in every row",
                fix="Remove these rows, or fill them in.",
            )
    return chosen.sort_by([(name, "ascending") for name in (*ids, time)])


def to_columns(table: ArrowTable, time: str) -> ColumnTable:
    """Return columns as arrays; times with a zone become local ones."""
    import pyarrow.compute as pc  # type: ignore[import-untyped]

    k = table.column_names.index(time)
    if getattr(table.schema.field(k).type, "tz", None):
        table = table.set_column(k, time, pc.local_timestamp(table.column(k)))
    raw = from_frame(table)
    return dict(zip(raw.names, raw.columns, strict=True))


def to_arrow(columns: ColumnTable, like: ArrowTable, types: Mapping[str, str | None]) -> ArrowTable:
    """Return columns as a table.

    Args:
        columns: Arrays by name.
        like: A table of the source.
        types: For each column, the one of the source whose type it has; None for float64.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    arrays = {}
    for name, source in types.items():
        kind = pa.float64() if source is None else like.schema.field(source).type
        array = pa.array(columns[name].tolist() if columns[name].dtype.kind in "OU" else columns[name])
        zone = getattr(kind, "tz", None)
        if zone:
            array = pc.assume_timezone(array, zone, ambiguous="earliest", nonexistent="earliest")
        arrays[name] = array if array.type == kind else array.cast(kind)
    return pa.table(arrays)


def empty_arrow(like: ArrowTable, types: Mapping[str, str | None]) -> ArrowTable:
    """Return a table without rows, of the types of `to_arrow`."""
    import pyarrow as pa

    kinds = {name: pa.float64() if source is None else like.schema.field(source).type for name, source in types.items()}
    return pa.table({name: pa.array([], kind) for name, kind in kinds.items()})


def in_utc(table: ArrowTable) -> ArrowTable:
    """Return a table whose times with a zone have the zone UTC: the same instants."""
    import pyarrow as pa

    for k, field in enumerate(table.schema):
        if getattr(field.type, "tz", None):
            table = table.set_column(k, field.name, table.column(k).cast(pa.timestamp("us", "UTC")))
    return table


def distinct_rows(table: ArrowTable, ids: Sequence[str], time: str) -> tuple[ColumnTable, Any, Any]:
    """Return the id columns, the first and the last time of each series of a table sorted by id and time."""
    columns = to_columns(table, time)
    starts = _starts(columns, ids)
    times = _as_times(columns[time])
    stops = np.concatenate((starts[1:], [len(times)])) - 1
    return {name: columns[name][starts] for name in ids}, times[starts], times[stops.astype(np.int64)]


def n_distinct(table: ArrowTable, ids: Sequence[str]) -> int:
    """Return how many different ids a table has."""
    return sum(text is not None for text in _texts(table, ids)[0])


def series_starts(table: ArrowTable, ids: Sequence[str], time: str) -> list[int]:
    """Return the rows at which series begin, of a table sorted by id."""
    return _starts(to_columns(table.select([*ids, time]), time), ids).tolist()  # type: ignore[no-any-return]


def _starts(columns: ColumnTable, ids: Sequence[str]) -> IntArray:
    """Rows at which a series begins."""
    n = len(columns[ids[0]])
    is_new = np.zeros(n, bool)
    is_new[:1] = True
    for name in ids:
        is_new[1:] |= columns[name][1:] != columns[name][:-1]
    return np.flatnonzero(is_new)


def _as_times(column: Any) -> Any:
    """Times as panels have them."""
    return column.astype("M8[us]") if column.dtype.kind == "M" else column.astype(np.int64)


def to_bytes(table: ArrowTable) -> bytes:
    """Return a table as bytes of the Arrow stream format."""
    import pyarrow as pa

    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def from_bytes(content: Any) -> ArrowTable:
    """Return the table of bytes."""
    import pyarrow as pa

    with pa.ipc.open_stream(content) as reader:
        return reader.read_all()


def bytes_table(content: Sequence[bytes], *, is_large: bool = True) -> ArrowTable:
    """Return a table with bytes in its only column, "bytes", of 2 GB each or more if they are large."""
    import pyarrow as pa

    return pa.table({"bytes": pa.array(content, pa.large_binary() if is_large else pa.binary())})


def part_table(parts: Sequence[tuple[bytes, ArrowTable]], *, is_large: bool = True) -> ArrowTable:
    """Return a row for each part: what is known of it in "facts", and its table in "bytes"."""
    import pyarrow as pa

    facts, contents = [facts for facts, _ in parts], [to_bytes(table) for _, table in parts]
    kind = pa.large_binary() if is_large else pa.binary()
    return pa.table({"facts": pa.array(facts, pa.binary()), "bytes": pa.array(contents, kind)})


def from_batch(batch: Any) -> ArrowTable:
    """Return the table of one record batch."""
    import pyarrow as pa

    return pa.Table.from_batches([batch])


def join_tables(tables: Sequence[ArrowTable]) -> ArrowTable:
    """Return tables one after another.

    Raises:
        DataError: They have different columns or types.
    """
    import pyarrow as pa

    first = tables[0].schema
    types = {name: str(first.field(name).type) for name in first.names}
    for table in tables:
        check_arrow(table, tuple(types), types)
    return pa.concat_tables(tables)


def _texts(table: ArrowTable, ids: Sequence[str]) -> tuple[list[str | None], IntArray]:
    """The different ids as text, joined where there are several columns, and which of them each row has."""
    columns = [_encoded(table.column(name)) for name in ids]
    if len(columns) == 1:
        return columns[0]
    combined = np.zeros(table.num_rows, np.int64)
    for texts, codes in columns:
        combined = combined * len(texts) + codes
    present, inverse = np.unique(combined, return_inverse=True)
    names: list[Any] = []
    for texts, _ in reversed(columns):
        names.append(np.array([str(text) for text in texts], object)[present % len(texts)])
        present //= len(texts)
    return join_ids(names[::-1]).tolist(), inverse


def _encoded(column: Any) -> tuple[list[str | None], IntArray]:
    """The different values of a column as text, and which of them each row has."""
    import pyarrow as pa

    encoded = column.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks() if encoded.num_chunks != 1 else encoded.chunk(0)
    # A missing id is a value of its own: what counts the parts refuses it.
    texts = [*encoded.dictionary.cast(pa.string()).to_pylist(), None]
    codes = encoded.indices.fill_null(len(texts) - 1).to_numpy(zero_copy_only=False)
    return texts, codes.astype(np.int64)


def hashed_ids(table: ArrowTable, ids: Sequence[str], hash_of: Any) -> dict[str, Any]:
    """Return what a function of text makes of each different id."""
    if not table.num_rows:
        return {}
    return {text: hash_of(text) for text in _texts(table, ids)[0] if text is not None}


def select_ids(table: ArrowTable, ids: Sequence[str], wanted: frozenset[str]) -> ArrowTable:
    """Return the rows whose ids are wanted."""
    if not table.num_rows:
        return table
    texts, codes = _texts(table, ids)
    return table.filter(np.array([text in wanted for text in texts])[codes])


def divide_rows(table: ArrowTable, ids: Sequence[str], n_parts: int) -> dict[int, ArrowTable]:
    """Return the rows of each part, by a hash of their ids that is the same in all processes."""
    if not table.num_rows:
        return {}
    texts, codes = _texts(table, ids)
    part = np.array([zlib.crc32(str(text).encode("utf-8", "surrogatepass")) % n_parts for text in texts])[codes]
    return _divided(table, part)


def divide_by(table: ArrowTable, name: str) -> list[ArrowTable]:
    """Return the rows of each number in a column, without the column."""
    return list(_divided(table.drop_columns([name]), table.column(name).to_numpy()).values())


def _divided(table: ArrowTable, part: IntArray) -> dict[int, ArrowTable]:
    """Return the rows of each part, in the order that they have, by its number."""
    # Small numbers are sorted in one pass.
    order = np.argsort(part.astype(np.uint16) if part.max() < 2**16 else part, kind="stable")
    stops = np.cumsum(np.bincount(part)).tolist()
    taken, starts = table.take(order), [0, *stops[:-1]]
    return {
        number: taken.slice(start, stop - start)
        for number, (start, stop) in enumerate(zip(starts, stops, strict=True))
        if stop > start
    }


def numbered_bytes(name: str, numbers: Sequence[int], content: Sequence[bytes]) -> ArrowTable:
    """Return a table of numbers, and of bytes in the column "bytes"."""
    import pyarrow as pa

    return pa.table({name: pa.array(numbers, pa.int64()), "bytes": pa.array(content, pa.large_binary())})
