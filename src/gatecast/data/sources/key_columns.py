"""Record the types of columns in their library, and restore those of the id and time columns in tables of results."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import numpy.typing as npt

from gatecast._utils.arrays import sorted_unique
from gatecast._utils.formatting import format_times, time_unit
from gatecast._utils.typing import ColumnTable, IntArray
from gatecast.data.parsing.decimal_times import numbers_to_steps, steps_to_numbers
from gatecast.data.parsing.digit_dates import numbers_to_times, times_to_numbers
from gatecast.data.parsing.raw_table import ColumnType, factorize
from gatecast.data.parsing.time_zones import format_offset, offsets_of_local, offsets_of_utc

if TYPE_CHECKING:
    from gatecast.data.panel import Panel

__all__ = ["add_offsets", "column_type", "label_times", "read_numbers", "restore_arrays", "restore_frame"]

Array = npt.NDArray[Any]

CLOCK_UNITS = ("us", "ms", "s", "min", "h")
SAMPLE_SIZE = 100
TIME_COLUMNS = ("cutoff",)
"""Columns of results that hold times, besides the time column."""
DATES = ("date", "Date", "date32[day]", "date64[ms]")
"""Types of dates in pandas, polars and Arrow."""
NANOSECOND_YEARS = (1678, 2261)
"""Years that datetimes in nanoseconds can represent in full."""

_INTEGER = re.compile(r"(u?int)(8|16|32|64|128)(\[pyarrow\])?", re.IGNORECASE)
_FLOAT = re.compile(r"float(32|64)(\[pyarrow\])?", re.IGNORECASE)
_DATETIME = re.compile(r"(?:datetime64|Datetime|timestamp)\[(s|ms|us|ns)\]")
_DICTIONARY = re.compile(r"dictionary<values=(\w+), indices=(\w+), ordered=([01])>")
_FIXED_OFFSET = re.compile(r"(?:UTC)?([+-]\d\d:\d\d)")


def column_type(column: Any, kind: str) -> ColumnType:
    """Return the type of a column in its library.

    Args:
        column: A pandas, polars or Arrow column, or an array; other columns have no type to restore.
        kind: Kind of the table, from `kind_of`.

    >>> column_type(np.array([1, 2], np.int32), "dict").name
    'int32'
    """
    describe = _DESCRIBERS.get(kind)
    return ColumnType() if describe is None else describe(column)


def restore_arrays(columns: ColumnTable, panel: Panel, kind: str) -> ColumnTable:
    """Restore times that were numbers and, in a dict of arrays, the types of ids and times.

    Args:
        columns: Columns of results.
        panel: The panel that their ids and times come from.
        kind: Kind of the table to make.
    """
    key_types = panel.key_types
    restored = dict(columns)
    for name in _time_columns(columns, panel):
        if key_types.number_format and columns[name].dtype.kind == "M":
            numbers = times_to_numbers(columns[name], key_types.number_format)
            restored[name] = columns[name] if numbers is None else numbers
        if key_types.decimal_format and columns[name].dtype.kind in "iu":
            decimals = steps_to_numbers(columns[name], key_types.decimal_format)
            restored[name] = columns[name] if decimals is None else decimals
        if kind == key_types.source == "dict":
            restored[name] = _cast_array(restored[name], key_types.time)
    if kind == key_types.source == "dict":
        for name, id_type in _id_types(columns, panel).items():
            read = _ids_as_times(columns[name], id_type.name)
            restored[name] = _cast_array(columns[name] if read is None else read, id_type.name)
    return restored


def read_numbers(columns: ColumnTable, panel: Panel) -> ColumnTable:
    """Return columns of results with numbers that stand for times, as `restore_arrays` writes them, as these times.

    Args:
        columns: Columns of results.
        panel: The panel that their times come from.
    """
    read = dict(columns)
    for name in _time_columns(columns, panel):
        if panel.key_types.number_format and columns[name].dtype.kind in "iu":
            read[name] = numbers_to_times(columns[name].astype(np.int64), panel.key_types.number_format)
        elif panel.key_types.decimal_format and columns[name].dtype.kind in "iuf":
            steps = numbers_to_steps(columns[name], panel.key_types.decimal_format)
            read[name] = columns[name] if steps is None else steps
    return read


def restore_frame(frame: Any, kind: str, columns: ColumnTable, panel: Panel) -> Any:
    """Restore the types of ids and times in a pandas, polars or Arrow table; tables of other libraries stay as is.

    Args:
        frame: The table.
        kind: Its library.
        columns: Its columns, from `restore_arrays`.
        panel: The panel that its ids and times come from.
    """
    if kind not in _LIBRARIES:
        return frame
    library, key_types = _LIBRARIES[kind], panel.key_types
    # Names of types are those of the source's library. A time zone is common to all libraries.
    is_source = key_types.source == kind
    time_type = key_types.time if is_source else ""
    for name in _time_columns(columns, panel):
        times, zone = columns[name], ""
        if key_types.time_zone and times.dtype.kind == "M":
            times, zone = _to_utc(times, panel, kind)
        if time_type or zone:
            frame = library.replace(frame, name, library.times(times, time_type, zone))
    for name, id_type in _id_types(columns, panel).items() if is_source else ():
        if id_type.name:
            read = _ids_as_times(columns[name], id_type.name)
            column = library.ids(columns[name], id_type) if read is None else library.times(read, id_type.name, "")
            frame = library.replace(frame, name, column)
    return frame


def add_offsets(columns: ColumnTable, panel: Panel) -> ColumnTable:
    """Return columns of results with their times as ISO 8601 with the UTC offset, if the source had a time zone.

    Args:
        columns: Columns of results.
        panel: The panel that their times come from.

    >>> from dataclasses import replace
    >>> from gatecast.data.panel import KeyTypes, from_values
    >>> panel = from_values([1.0, 2.0], start="2024-01-01", freq="D")
    >>> panel = replace(panel, utc_offset_minutes=330, key_types=KeyTypes(time_zone="+05:30"))
    >>> add_offsets(panel.future_columns(1), panel)["ds"].tolist()
    ['2024-01-03T00:00:00+05:30']
    """
    written = dict(columns)
    for name in _time_columns(columns, panel):
        clock = _on_clock(columns[name], panel)
        if clock is not None:
            written[name] = _with_offsets(clock, "T", _unit(clock.times))
    return written


def label_times(times: Array, panel: Panel) -> Array:
    """Return times as people read them: as text with the UTC offset if the source had a time zone, else as they are.

    Times that are all midnights of its clock are dates, without an offset.

    Args:
        times: Times of results.
        panel: The panel that they come from.

    >>> from dataclasses import replace
    >>> from gatecast.data.panel import KeyTypes, from_values
    >>> panel = from_values([1.0, 2.0], start="2024-03-31T00:00", freq="h")
    >>> panel = replace(panel, utc_offset_minutes=0, key_types=KeyTypes(time_zone="Europe/Berlin", is_utc=True))
    >>> label_times(panel.times(0), panel).tolist()
    ['2024-03-31 01:00+01:00', '2024-03-31 03:00+02:00']
    """
    clock = _on_clock(times, panel)
    if clock is None:
        return times
    if _are_dates(clock.times):
        return np.array(format_times(clock.times, unit="D"), object)
    return _with_offsets(clock, " ", time_unit(clock.times))


class _ClockTimes(NamedTuple):
    """Local times, and the UTC offset of each as text."""

    times: Array
    offsets: list[str]


def _on_clock(times: Array, panel: Panel) -> _ClockTimes | None:
    """Times on the clock of the source; None if it had no time zone or results have none."""
    if not panel.key_types.time_zone or times.dtype.kind != "M":
        return None
    utc, zone = _to_utc(times, panel, "pyarrow")
    if not zone:
        return None
    if zone == "UTC":
        return _ClockTimes(utc, ["Z"] * len(utc))
    minutes = _minutes_ahead(utc, zone)
    return _ClockTimes(utc + minutes.astype("m8[m]"), list(map(format_offset, minutes.tolist())))


def _with_offsets(clock: _ClockTimes, separator: str, unit: str) -> Array:
    """Local times as text that ends in their UTC offsets."""
    texts = format_times(clock.times, separator, unit)
    return np.array([text + offset for text, offset in zip(texts, clock.offsets, strict=True)], object)


def _unit(times: Array) -> str:
    """The unit of times of day: a second or shorter."""
    unit = time_unit(times)
    return "s" if unit in ("D", "m") else unit


def _minutes_ahead(utc: Array, zone: str) -> IntArray:
    """Minutes by which clocks of a zone, or at an offset such as "+05:30", are ahead of UTC."""
    if _FIXED_OFFSET.fullmatch(zone) is None:
        return offsets_of_utc(utc, ZoneInfo(zone))
    sign = -1 if zone[0] == "-" else 1
    return np.full(len(utc), sign * (int(zone[1:3]) * 60 + int(zone[4:6])), np.int64)


def _id_types(columns: ColumnTable, panel: Panel) -> dict[str, ColumnType]:
    """Types of the id columns that the table has."""
    return {name: kind for name, kind in panel.key_types.id_types(panel.columns.ids).items() if name in columns}


def _time_columns(columns: ColumnTable, panel: Panel) -> list[str]:
    """Columns that hold times."""
    return [name for name in (panel.columns.time, *TIME_COLUMNS) if name in columns]


def _to_utc(times: Array, panel: Panel, kind: str) -> tuple[Array, str]:
    """Times in UTC, and the zone to show them in; unchanged times and "" if it is unknown or has not all of them."""
    key_types = panel.key_types
    try:
        zone: ZoneInfo | None = ZoneInfo(key_types.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        zone = None
    name = key_types.time_zone if zone is not None else _fixed_offset_name(key_types.time_zone, kind)
    if key_types.is_utc:
        return times, name
    minutes = panel.utc_offset_minutes
    # Hours go on at the offset of the data, also across a change to daylight saving time; days begin at local midnight.
    if minutes is not None and (zone is None or panel.freq.unit in CLOCK_UNITS):
        return times - np.timedelta64(minutes, "m"), name
    if zone is None:
        return times, ""
    utc = times - offsets_of_local(times, zone).astype("m8[m]")
    # A date that a zone skipped, to cross the date line, begins at no instant of its own.
    return (utc, name) if len(sorted_unique(utc)) == len(sorted_unique(times)) else (times, "")


def _fixed_offset_name(time_zone: str, kind: str) -> str:
    """Name of a fixed UTC offset, such as UTC+05:30, in a library; polars has none."""
    match = _FIXED_OFFSET.fullmatch(time_zone)
    if match is None or kind == "polars":
        return "UTC"
    return match[1] if kind == "pyarrow" else f"UTC{match[1]}"


def _fits(values: Array, type_name: str) -> bool:
    """Whether numbers can be converted to a numeric type."""
    match = _INTEGER.fullmatch(type_name)
    if match is None or values.dtype.kind not in "iu":
        return _FLOAT.fullmatch(type_name) is not None
    n_bits = int(match[2])
    low, high = (0, 2**n_bits) if match[1][0] in "uU" else (-(2 ** (n_bits - 1)), 2 ** (n_bits - 1))
    return not len(values) or low <= int(values.min()) <= int(values.max()) < high


def _datetime_unit(times: Array, type_name: str) -> str:
    """Resolution of a datetime type, "" for another type or for times that it cannot represent."""
    match = _DATETIME.fullmatch(type_name)
    if match is None or times.dtype.kind != "M":
        return ""
    if match[1] == "ns" and len(times):
        years = np.array([times.min(), times.max()]).astype("M8[Y]").astype(np.int64) + 1970
        return "ns" if years[0] >= NANOSECOND_YEARS[0] and years[1] <= NANOSECOND_YEARS[1] else ""
    return match[1] if np.array_equal(times.astype(f"M8[{match[1]}]").astype("M8[us]"), times) else ""


def _are_dates(times: Array) -> bool:
    """Whether all times are at midnight."""
    return times.dtype.kind == "M" and np.array_equal(times.astype("M8[D]").astype("M8[us]"), times)


def _ids_as_times(ids: Array, type_name: str) -> Array | None:
    """Ids that were dates or times in the source, which panels hold as text; None for all others."""
    are_times = _DATETIME.fullmatch(type_name) or type_name in (*DATES, "datetime64[D]")
    if ids.dtype.kind != "O" or not are_times:
        return None
    try:
        return ids.astype("M8[us]")
    except ValueError:
        return None


def _extended_categories(ids: Array, id_type: ColumnType) -> list[str | int]:
    """Categories of the source, and ids that are not among them."""
    by_text = {str(category) for category in id_type.categories}
    unique, _ = factorize(ids)
    return [*id_type.categories, *(name for name in unique.tolist() if str(name) not in by_text)]


def _cast_array(column: Array, type_name: str) -> Array:
    """An array in a NumPy type, if that loses nothing."""
    if type_name == "str":
        return column.astype(str)
    if type_name.startswith("datetime64") and column.dtype.kind == "M":
        cast = column.astype(type_name)
        return cast if np.array_equal(cast.astype(column.dtype), column) else column
    is_number = column.dtype.kind in "iu" or _FLOAT.fullmatch(type_name) is not None
    return column.astype(type_name) if is_number and _fits(column, type_name) else column


def _describe_array(column: Any) -> ColumnType:
    """Type of an array."""
    if not isinstance(column, np.ndarray):
        return ColumnType()
    return ColumnType("str" if column.dtype.kind == "U" else column.dtype.name)


def _describe_pandas(column: Any) -> ColumnType:
    """Type of a pandas column; "date" and "object[int]" for object columns of dates and integers."""
    dtype = column.dtype
    if str(dtype) == "category":
        categories = tuple(dtype.categories.tolist())
        if all(isinstance(category, str | int) for category in categories):
            return ColumnType("category", categories=categories, ordered=bool(dtype.ordered))
        return ColumnType()
    if getattr(dtype, "tz", None) is not None:
        return ColumnType(f"datetime64[{dtype.unit}]", str(dtype.tz))
    if str(dtype) == "object":
        present = column.head(SAMPLE_SIZE).dropna()
        value_type = type(present.iloc[0]) if len(present) else str
        return ColumnType({date: "date", int: "object[int]"}.get(value_type, "object"))
    return ColumnType(str(dtype))


def _pandas_times(times: Array, type_name: str, zone: str) -> Any:
    """Times as a pandas column."""
    import pandas  # type: ignore[import-untyped]

    column = pandas.Series(times)
    if times.dtype.kind != "M":
        return column.astype(type_name) if _fits(times, type_name) else column
    if zone:
        column = column.dt.tz_localize("UTC").dt.tz_convert(zone)
    if type_name.startswith("period[") and not zone:
        return column.dt.to_period(type_name[len("period[") : -1])
    if type_name == "date" and _are_dates(times):
        return column.dt.date
    unit = _datetime_unit(times, type_name)
    return column.dt.as_unit(unit) if unit else column


def _pandas_ids(ids: Array, id_type: ColumnType) -> Any:
    """Ids as a pandas column."""
    import pandas

    if id_type.name == "category":
        categories = _extended_categories(ids, id_type)
        index = {str(category): k for k, category in enumerate(categories)}
        unique, codes = factorize(ids)
        positions = np.array([index[str(name)] for name in unique.tolist()], np.int64)[codes]
        return pandas.Series(pandas.Categorical.from_codes(positions, categories, ordered=id_type.ordered))
    if id_type.name == "object[int]":
        return pandas.Series(
            [int(name) if name.lstrip("-").isdigit() else name for name in map(str, ids)], dtype=object
        )
    column = pandas.Series(ids)
    is_text = id_type.name in ("object", "str", "string") or id_type.name.startswith("string[")
    return column.astype(id_type.name) if is_text or _fits(ids, id_type.name) else column


def _replace_in_pandas(frame: Any, name: str, column: Any) -> Any:
    """A pandas table with a new column in place of an old one."""
    return frame.assign(**{name: column})


def _describe_polars(column: Any) -> ColumnType:
    """Type of a polars column."""
    dtype = column.dtype
    name = type(dtype).__name__
    if name == "Datetime":
        return ColumnType(f"Datetime[{dtype.time_unit}]", dtype.time_zone or "")
    return ColumnType(name, categories=tuple(dtype.categories.to_list()) if name == "Enum" else ())


def _polars_times(times: Array, type_name: str, zone: str) -> Any:
    """Times as a polars column."""
    import polars

    column = polars.Series(times)
    if times.dtype.kind != "M":
        return column.cast(getattr(polars, type_name)) if _fits(times, type_name) else column
    if zone:
        column = column.dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
    if type_name == "Date" and _are_dates(times):
        return column.cast(polars.Date)
    unit: Any = _datetime_unit(times, type_name)
    return column.cast(polars.Datetime(unit, zone or None)) if unit else column


def _polars_ids(ids: Array, id_type: ColumnType) -> Any:
    """Ids as a polars column."""
    import polars

    column = polars.Series(ids if ids.dtype.kind in "iu" else ids.tolist())
    if id_type.name == "Categorical":
        return column.cast(polars.String).cast(polars.Categorical)
    if id_type.name == "Enum":
        return column.cast(polars.String).cast(polars.Enum(list(map(str, _extended_categories(ids, id_type)))))
    return column.cast(getattr(polars, id_type.name)) if _fits(ids, id_type.name) else column


def _replace_in_polars(frame: Any, name: str, column: Any) -> Any:
    """A polars table with a new column in place of an old one."""
    return frame.with_columns(column.alias(name))


def _describe_arrow(column: Any) -> ColumnType:
    """Type of an Arrow column."""
    time_zone = getattr(column.type, "tz", None)
    if time_zone:
        return ColumnType(f"timestamp[{column.type.unit}]", time_zone)
    return ColumnType(str(column.type))


def _arrow_times(times: Array, type_name: str, zone: str) -> Any:
    """Times as an Arrow column."""
    import pyarrow  # type: ignore[import-untyped]

    column = pyarrow.array(times)
    if times.dtype.kind != "M":
        return column.cast(type_name) if _fits(times, type_name) else column
    if type_name in DATES and _are_dates(times):
        return column.cast(type_name)
    unit = _datetime_unit(times, type_name) or "us"
    if zone:
        column = column.cast(pyarrow.timestamp("us", "UTC"))
    return column.cast(pyarrow.timestamp(unit, zone or None))


def _arrow_ids(ids: Array, id_type: ColumnType) -> Any:
    """Ids as an Arrow column."""
    import pyarrow

    column = pyarrow.array(ids if ids.dtype.kind in "iu" else ids.tolist())
    match = _DICTIONARY.fullmatch(id_type.name)
    if match is not None:
        value_type = pyarrow.type_for_alias(match[1])
        indices = pyarrow.type_for_alias(match[2])
        return (
            column.cast(value_type).dictionary_encode().cast(pyarrow.dictionary(indices, value_type, match[3] == "1"))
        )
    is_text = id_type.name in ("string", "large_string")
    return column.cast(id_type.name) if is_text or _fits(ids, id_type.name) else column


def _replace_in_arrow(frame: Any, name: str, column: Any) -> Any:
    """An Arrow table with a new column in place of an old one."""
    return frame.set_column(frame.column_names.index(name), name, column)


class _Library(NamedTuple):
    """How to make columns of a library."""

    times: Callable[[Array, str, str], Any]
    ids: Callable[[Array, ColumnType], Any]
    replace: Callable[[Any, str, Any], Any]


_DESCRIBERS: dict[str, Callable[[Any], ColumnType]] = {
    "dict": _describe_array,
    "pandas": _describe_pandas,
    "polars": _describe_polars,
    "pyarrow": _describe_arrow,
}
_LIBRARIES = {
    "pandas": _Library(_pandas_times, _pandas_ids, _replace_in_pandas),
    "polars": _Library(_polars_times, _polars_ids, _replace_in_polars),
    "pyarrow": _Library(_arrow_times, _arrow_ids, _replace_in_arrow),
}
