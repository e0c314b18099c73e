"""The table within a JSON value, wherever it lies: what services answer, and what charts are drawn from.

A table is a list of records, a list of rows, columns of equal length, columns of cells by row, or values by date.
Tables of several series next to each other, each with its labels, are put one below the other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import product
from math import prod
from typing import Any

from gatecast.data.parsing.raw_table import to_text
from gatecast.data.parsing.timestamps import looks_like_dates

__all__ = ["begins_plainly", "find_records"]

Record = dict[str, Any]

_EPOCH = re.compile(r"\d{10}|\d{13}")
MAX_DEPTH = 8
MAX_NODES = 10_000
"""Objects and lists that are searched for tables."""
MAX_CELLS = 5_000_000
"""Cells of a cube, most of which may be missing in the file."""
MIN_ROWS = 2
NAMES_OF_ROWS = ("columns", "fields", "header", "headers", "names")
"""Keys next to rows that name their columns."""


def find_records(value: Any) -> list[Record] | None:
    """Return the records of the largest table within a JSON value; None if there is none.

    Keys of rows that are no numbers from 0 on, such as dates, are the first column.

    Args:
        value: What `json.loads` returned.

    >>> find_records({"meta": {"unit": "MW"}, "data": {"rows": [[1, 5.0], [2, 6.0]], "columns": ["t", "y"]}})
    [{'t': 1, 'y': 5.0}, {'t': 2, 'y': 6.0}]
    >>> find_records({"result": [{"metric": {"host": "a"}, "values": [[1, "5"], [2, "6"]]}]})
    [{'column 1': 1, 'column 2': '5'}, {'column 1': 2, 'column 2': '6'}]
    """
    if isinstance(value, Mapping) and (records := _of_cells_by_row(value)) is not None:
        return records
    tables = [records for each in _walk(value) if (records := _records_of(each)) is not None]
    return max(tables, key=_size, default=None)


def begins_plainly(text: str) -> bool:
    r"""Return whether a text begins with a record of cells alone, in a list or in a line of its own.

    Args:
        text: The beginning of a JSON file.

    >>> begins_plainly('[{"t": 1, "y": 2}, {"t"'), begins_plainly('[{"t": 1, "y": {"mean": 2}}]')
    (True, False)
    >>> begins_plainly('{"t": 1}\n{"t": 2}'), begins_plainly('{"t": [1]}')
    (True, False)
    """
    text = text.lstrip()
    start = 1 if text.startswith("[") else 0
    with suppress(ValueError, RecursionError):
        record, end = json.JSONDecoder().raw_decode(text[start:].lstrip())
        rest = text[start:].lstrip()[end:].lstrip()
        is_one_of_several = rest.startswith("{") or (start == 1 and rest.lstrip(", \r\n\t")[:1] in ("", "{", "]"))
        return is_one_of_several and isinstance(record, Mapping) and all(map(_is_scalar, record.values()))
    return False


def _walk(value: Any) -> Iterator[Any]:
    """Yield objects and lists, the outer ones first."""
    level: list[Any] = [value] if isinstance(value, Mapping | list) else []
    n_nodes = 0
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for each in level:
            n_nodes += 1
            if n_nodes > MAX_NODES:
                return
            yield each
            inner = each.values() if isinstance(each, Mapping) else each
            # Of a list of records the first tells what is within them.
            inner = list(inner)[:1] if isinstance(each, list) and _are_records(each) else inner
            below += [item for item in inner if isinstance(item, Mapping | list)]
        level = below


def _size(records: Sequence[Record]) -> int:
    """The cells of a table."""
    return len(records) * len(records[0])


def _records_of(value: Any) -> list[Record] | None:
    """The records of one object or list, if it is a table."""
    if isinstance(value, list):
        return _of_series(value) or _of_records(value) or _of_rows(value, ())
    if not isinstance(value, Mapping):
        return None
    for read in (_of_json_stat, _of_named_rows, _of_named_data, _of_columns, _of_dates):
        if (records := read(value)) is not None:
            return records
    return None


def _is_scalar(value: Any) -> bool:
    """Whether a value is a cell."""
    return value is None or isinstance(value, str | int | float)


def _are_records(value: Sequence[Any]) -> bool:
    """Whether a list is one of objects."""
    return len(value) > 0 and all(isinstance(item, Mapping) for item in value)


def _flat(record: Mapping[str, Any]) -> Record:
    """The cells of a record, those of objects within it under their own names; a date may be an object: $date."""
    flat: Record = {}
    for key, value in record.items():
        if isinstance(value, Mapping):
            inner = {name: cell for name, cell in value.items() if _is_scalar(cell)}
            if len(inner) == 1 and next(iter(inner)).startswith("$"):
                flat[key] = next(iter(inner.values()))
                continue
            for name, cell in inner.items():
                flat[f"{key}.{name}" if name in record or name in flat else name] = cell
        elif _is_scalar(value):
            flat[key] = value
    return flat


def _of_records(value: list[Any]) -> list[Record] | None:
    """A list of objects."""
    if len(value) < MIN_ROWS or not _are_records(value):
        return None
    records = [_flat(record) for record in value]
    return records if len(records[0]) > 1 else None


def _of_rows(value: Any, names: Sequence[Any]) -> list[Record] | None:
    """A list of lists of equal length, whose first row may hold the names."""
    if not isinstance(value, list) or len(value) < MIN_ROWS or not all(isinstance(row, list) for row in value):
        return None
    width = len(value[0])
    if width < 2 or any(len(row) != width or not all(map(_is_scalar, row)) for row in value):
        return None
    first, second = value[0], value[1]
    if not names and all(isinstance(cell, str) for cell in first) and not all(isinstance(c, str) for c in second):
        names, value = first, value[1:]
    keys = [str(name) for name in names] if len(names) == width else [f"column {k + 1}" for k in range(width)]
    return [dict(zip(keys, row, strict=True)) for row in value]


def _of_named_rows(value: Mapping[str, Any]) -> list[Record] | None:
    """Rows next to the names of their columns, as pandas and databases write them; an index goes before them."""
    given = next((value[key] for key in NAMES_OF_ROWS if isinstance(value.get(key), list)), None)
    if given is None:
        return None
    names = [name.get("name", "") if isinstance(name, Mapping) else name for name in given]
    for rows in value.values():
        records = None if rows is given else _of_rows(rows, names)
        if records is not None and len(records[0]) == len(names):
            index = value.get("index")
            if isinstance(index, list) and len(index) == len(records):
                return [{"index": key} | record for key, record in zip(index, records, strict=True)]
            return records
    return None


def _of_series(value: list[Any]) -> list[Record] | None:
    """Objects of one series each, with a table within each and labels next to it."""
    if not _are_records(value):
        return None
    joined: list[Record] = []
    for series in value:
        tables = [key for key, inner in series.items() if isinstance(inner, list) and _table_within(series, key)]
        if len(tables) != 1:
            return None
        # Records that have times of their own are rows, whatever else is within them.
        if any(isinstance(cell, str) and looks_like_dates(to_text([cell])) for cell in series.values()):
            return None
        labels = _flat({key: cell for key, cell in series.items() if key != tables[0]}) if len(value) > 1 else {}
        records = _table_within(series, tables[0])
        joined += [labels | record for record in records or []]
    return joined or None


def _table_within(series: Mapping[str, Any], key: str) -> list[Record] | None:
    """The table that an object of one series has under a key."""
    names = next((series[name] for name in NAMES_OF_ROWS if isinstance(series.get(name), list)), ())
    return _of_rows(series[key], names) or _of_records(series[key])


def _of_named_data(value: Mapping[str, Any]) -> list[Record] | None:
    """Labels, and objects with a name and as many numbers, as charts have them."""
    lists = {key: cells for key, cells in value.items() if isinstance(cells, list) and len(cells) >= MIN_ROWS}
    labels = next(((key, cells) for key, cells in lists.items() if all(map(_is_scalar, cells))), None)
    named = next((cells for cells in value.values() if isinstance(cells, list) and _are_records(cells)), None)
    if labels is None or named is None:
        return None
    columns = {labels[0]: labels[1]}
    for k, item in enumerate(named):
        data = next((c for c in item.values() if isinstance(c, list) and len(c) == len(labels[1])), None)
        name = next((cell for cell in item.values() if isinstance(cell, str)), f"column {k + 2}")
        if data is not None and all(map(_is_scalar, data)):
            columns[name] = data
    return _transposed(columns) if len(columns) > 1 else None


def _of_columns(value: Mapping[str, Any]) -> list[Record] | None:
    """Lists of equal length by name: the most that have one length."""
    lists = {key: cells for key, cells in value.items() if isinstance(cells, list) and all(map(_is_scalar, cells))}
    lengths = [len(cells) for cells in lists.values() if len(cells) >= MIN_ROWS]
    length = max(lengths, key=lengths.count, default=0)
    columns = {key: cells for key, cells in lists.items() if len(cells) == length}
    if len(columns) < len(lengths):
        return None
    return _transposed(columns) if length and len(columns) > 1 else None


def _of_cells_by_row(value: Mapping[str, Any]) -> list[Record] | None:
    """Objects of cells by row for each column, as pandas writes them, or of cells by column for each numbered row."""
    inner = [cells for cells in value.values() if isinstance(cells, Mapping)]
    if not inner or len(inner) < len(value) or not all(map(_is_scalar, inner[0].values())):
        return None
    keys = list(inner[0])
    if not all(list(cells) == keys and all(map(_is_scalar, cells.values())) for cells in inner):
        return None
    if _are_row_numbers(list(value)) and not _are_row_numbers(keys):
        return [dict(cells) for cells in inner]
    columns = {name: list(cells.values()) for name, cells in value.items()}
    return _transposed(columns if _are_row_numbers(keys) else {"index": keys} | columns)


def _are_row_numbers(keys: Sequence[str]) -> bool:
    """Whether keys number rows from 0 on."""
    return list(keys) == [str(k) for k in range(len(keys))]


def _of_dates(value: Mapping[str, Any]) -> list[Record] | None:
    """Numbers, or objects of them, by date."""
    keys = list(value)[:50]
    if len(value) < MIN_ROWS or not (looks_like_dates(to_text(keys)) or all(map(_EPOCH.fullmatch, keys))):
        return None
    # A position of each date is an index of something else.
    if list(value.values()) == list(range(len(value))):
        return None
    if all(map(_is_scalar, value.values())):
        return [{"index": key, "value": cell} for key, cell in value.items()]
    records = [{"index": key} | _flat(cells) for key, cells in value.items() if isinstance(cells, Mapping)]
    return records if len(records) == len(value) and len(records[0]) > 1 else None


def _of_json_stat(value: Mapping[str, Any]) -> list[Record] | None:
    """A cube of JSON-stat, as statistical offices write it: a value for each combination of categories."""
    dimensions, values = value.get("dimension"), value.get("value")
    names = value.get("id") or (dimensions.get("id") if isinstance(dimensions, Mapping) else None)
    if not isinstance(dimensions, Mapping) or not isinstance(names, list) or not isinstance(values, list | Mapping):
        return None
    if not all(isinstance(name, str) for name in names):
        return None
    categories = [_codes_of(dimensions.get(name)) for name in names]
    if not all(categories) or prod(map(len, categories)) > MAX_CELLS:
        return None
    n_cells = prod(map(len, categories))
    cells = values if isinstance(values, list) else [values.get(str(k)) for k in range(n_cells)]
    # Dimensions with one category say nothing of the rows.
    varying = [k for k, codes in enumerate(categories) if len(codes) > 1]
    if len(cells) != n_cells or not varying:
        return None
    places = zip(product(*categories), cells, strict=True)
    return [{names[k]: codes[k] for k in varying} | {"value": cell} for codes, cell in places]


def _codes_of(dimension: Any) -> list[str]:
    """The categories of a dimension of JSON-stat, in order; none of something else."""
    category = dimension.get("category") if isinstance(dimension, Mapping) else None
    if not isinstance(category, Mapping):
        return []
    index = category.get("index")
    if isinstance(index, Mapping):
        places = {code: place for code, place in index.items() if isinstance(place, int)}
        return sorted(places, key=places.__getitem__) if len(places) == len(index) else []
    codes = index or category.get("label") or []
    return [str(code) for code in codes] if isinstance(codes, list | Mapping) else []


def _transposed(columns: Mapping[str, Sequence[Any]]) -> list[Record]:
    """Columns as records."""
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
