"""Tables of others as Arrow streams: read within limits, for what they claim need not be so."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

from gatecast.errors import DataError

__all__ = ["parquet_size", "read_stream", "write_stream"]

RECORD_BATCH, DICTIONARY_BATCH = 3, 2
"""Kinds of messages, as Arrow's Message.fbs numbers them."""


def parquet_size(path: Path) -> tuple[int, int]:
    """Return the numbers of rows and columns that a Parquet file says it has, without reading them.

    Raises:
        DataError: No Parquet file.
    """
    try:
        from pyarrow import ArrowException, parquet  # type: ignore[import-untyped]
    except ImportError:
        raise DataError("Parquet cannot be read: pyarrow is not installed", fix="Run: pip install pyarrow") from None
    try:
        metadata = parquet.read_metadata(path)
    except (ArrowException, OSError, ValueError) as error:
        raise DataError(
            "The Parquet file cannot be read", where=str(path), got=str(error)[:200], fix="Write it again, or send CSV."
        ) from None
    return metadata.num_rows, metadata.num_columns


def read_stream(data: bytes, max_rows: int, max_columns: int) -> Any:
    """Return the table of an Arrow stream whose columns hold numbers, truth values, texts and times.

    Args:
        data: The stream, as `pyarrow.ipc.new_stream` writes it.
        max_rows: Rows that it may have.
        max_columns: Columns that it may have.

    Raises:
        DataError: No Arrow stream, one that is compressed, too large or altered, or columns of other types.
    """
    try:
        import pyarrow as pa
    except ImportError:
        raise DataError("Arrow cannot be read: pyarrow is not installed", fix="Run: pip install pyarrow") from None
    try:
        return _read(pa, data, max_rows, max_columns)
    except (pa.ArrowException, OSError, struct.error, IndexError, ValueError, EOFError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            "The body is no Arrow stream that can be read",
            got=str(error)[:200],
            expected="an Arrow IPC stream without compression",
            fix="Write it with pyarrow.ipc.new_stream.",
        ) from None


def _read(pa: Any, data: bytes, max_rows: int, max_columns: int) -> Any:
    """Return the table, or raise whatever says that it is none."""
    _refuse_compression(pa, data)
    reader = pa.ipc.open_stream(pa.BufferReader(data))
    _check_schema(pa, reader.schema, max_columns)
    batches, n_rows = [], 0
    for batch in reader:
        n_rows += batch.num_rows
        if n_rows > max_rows:
            raise DataError(
                "The table has too many rows", got=f"more than {max_rows:,}", expected=f"at most {max_rows:,}"
            )
        # Offsets and indices that point outside of their buffers would be read otherwise.
        batch.validate(full=True)
        batches.append(batch)
    return pa.Table.from_batches(batches, reader.schema)


def _check_schema(pa: Any, schema: Any, max_columns: int) -> None:
    """Refuse too many columns, columns of one name, and types that are no series."""
    if len(schema) > max_columns or len(set(schema.names)) < len(schema):
        raise DataError("The table has too many columns, or two of one name", got=f"{len(schema):,} columns")
    for field in schema:
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        tests = ("is_integer", "is_floating", "is_boolean", "is_string", "is_large_string", "is_date", "is_timestamp")
        if not any(getattr(pa.types, test)(kind) for test in tests):
            raise DataError(
                "A column has a type that no series has",
                where=f"column {field.name!r}",
                got=str(field.type),
                expected="numbers, truth values, texts or times",
            )


def _refuse_compression(pa: Any, data: bytes) -> None:
    """Refuse compressed messages, which may be a thousand times larger than they are here."""
    source = pa.BufferReader(data)
    while True:
        try:
            message = pa.ipc.read_message(source)
        except EOFError:
            return
        if _is_compressed(message.metadata.to_pybytes()):
            raise DataError(
                "The Arrow stream is compressed",
                expected="a stream without compression",
                fix="Write it with pyarrow.ipc.IpcWriteOptions(compression=None).",
            )


def _is_compressed(metadata: bytes) -> bool:
    """Return whether the flatbuffer of a message names a compression of its buffers."""
    message = _offset(metadata, 0)
    kind_at = _field(metadata, message, 1)
    kind = metadata[kind_at] if kind_at else 0
    header_at = _field(metadata, message, 2)
    if kind not in (RECORD_BATCH, DICTIONARY_BATCH) or not header_at:
        return False
    batch = _offset(metadata, header_at)
    if kind == DICTIONARY_BATCH:
        batch_at = _field(metadata, batch, 1)
        if not batch_at:
            return False
        batch = _offset(metadata, batch_at)
    return _field(metadata, batch, 3) != 0


def _offset(data: bytes, at: int) -> int:
    """Return where the table is that an offset points to."""
    return at + int(struct.unpack_from("<I", data, at)[0])


def _field(data: bytes, table: int, number: int) -> int:
    """Return where a field of a table is; 0 if it is absent."""
    vtable = table - struct.unpack_from("<i", data, table)[0]
    if 4 + 2 * number >= struct.unpack_from("<H", data, vtable)[0]:
        return 0
    inside = struct.unpack_from("<H", data, vtable + 4 + 2 * number)[0]
    return table + inside if inside else 0


def write_stream(columns: dict[str, Any]) -> bytes:
    """Return columns as an Arrow stream.

    Raises:
        DataError: pyarrow is not installed.
    """
    try:
        import pyarrow as pa
    except ImportError:
        raise DataError("Arrow cannot be written: pyarrow is not installed", fix="Run: pip install pyarrow") from None
    table = pa.table(columns)
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()
