"""Time zones of a Parquet file: Parquet itself knows UTC alone; Arrow, pandas and polars write the zone next to it."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gatecast.data.parsing.raw_table import ColumnType, RawTable
from gatecast.data.parsing.time_zones import is_named, offsets_of_utc

__all__ = ["restore_zones"]


def restore_zones(table: RawTable, path: Path) -> RawTable:
    """Return the table of a Parquet file with its times in the zones that its writer noted; needs pyarrow.

    Args:
        table: The table, times with a zone in UTC.
        path: The file.
    """
    zones = _read_zones(path) if table.utc_offsets and find_spec("pyarrow") is not None else {}
    for name, zone in zones.items():
        if name in table.utc_offsets:
            table = _in_zone(table, name, zone)
    return table


def _read_zones(path: Path) -> dict[str, ZoneInfo]:
    """Zones of the columns, but for UTC and offsets."""
    import pyarrow  # type: ignore[import-untyped]
    import pyarrow.parquet  # type: ignore[import-untyped]

    try:
        schema: Any = pyarrow.parquet.read_schema(path)
    except (pyarrow.ArrowException, OSError):
        return {}
    zones: dict[str, ZoneInfo] = {}
    for column in schema:
        name = getattr(column.type, "tz", None) or ""
        if is_named(name):
            try:
                zones[column.name] = ZoneInfo(name)
            except (ZoneInfoNotFoundError, ValueError, OSError):
                continue
    return zones


def _in_zone(table: RawTable, name: str, zone: ZoneInfo) -> RawTable:
    """The table with a column of times in UTC as local times of a zone."""
    position = table.names.index(name)
    utc = table.columns[position]
    minutes = offsets_of_utc(utc, zone)
    columns = list(table.columns)
    columns[position] = utc + minutes.astype("m8[m]")
    return replace(
        table,
        columns=tuple(columns),
        utc_offsets={**table.utc_offsets, name: minutes},
        types={**table.types, name: ColumnType(time_zone=str(zone))},
    )
