"""Tables of requests and answers: JSON, CSV and Arrow, within limits; nothing of them is a path or SQL."""

from __future__ import annotations

import csv
import io
import json
import math
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from pydantic import ValidationError

from gatecast._utils import formatting
from gatecast._utils.suggestions import suggestion
from gatecast._utils.typing import ColumnTable
from gatecast.data.reader import read_raw
from gatecast.data.sources import arrow_ipc
from gatecast.data.sources.trust import trusting
from gatecast.errors import DataError, GatecastError
from gatecast.pipeline.arguments import OTHER_NAMES
from gatecast.server.problems import ProblemError
from gatecast.server.schemas import Form
from gatecast.server.settings import Settings

__all__ = [
    "ARROW",
    "CSV",
    "FILES",
    "JSON",
    "PARQUET",
    "XLSX",
    "Body",
    "check_columns",
    "encode",
    "parse",
    "source_of",
    "to_lists",
]

JSON, CSV, ARROW = "application/json", "text/csv", "application/vnd.apache.arrow.stream"
PARQUET = "application/vnd.apache.parquet"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
UPLOAD = "upload.csv"
FILES = {PARQUET: ("upload.parquet", b"PAR1"), XLSX: ("upload.xlsx", b"PK\x03\x04")}
"""Files that are no text, with how they begin. They may be far larger than they look: a worker alone reads them."""

FormType = TypeVar("FormType", bound=Form)

LISTS = ("level", "futr_exog", "hist_exog", "stat_exog")
"""Settings that a query string writes as a list with commas."""
TEXTS = ("id_col", "time_col", "target_col", "freq", "model", "name", "intervals", "point", "method", "id", "sheet")
"""Settings that are texts there; the others are numbers or truth values."""

MAX_DEPTH = 16
"""How deep objects and lists of JSON may be in one another."""

MAGIC = (b"\x1f\x8b", b"PK\x03\x04", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"PAR1", b"%PDF")
"""Beginnings of files that are no text: most can be far larger than they look."""


class Body(NamedTuple):
    """What a request brings.

    Args:
        kind: `JSON`, `CSV`, `ARROW`, `PARQUET` or `XLSX`.
        data: JSON as a whole, or a table.
        fields: Settings next to a table, as texts.
    """

    kind: str
    data: bytes
    fields: dict[str, str]


def parse(body: Body, form: type[FormType]) -> FormType:
    """Return the settings of a body.

    Raises:
        ValidationError: Members of other types, or that are missing.
        ProblemError: JSON that is too deep, or members that the form does not have.
    """
    try:
        if body.kind != JSON:
            return form.model_validate({name: _of_text(name, text) for name, text in body.fields.items()})
        _check_depth(body.data)
        return form.model_validate_json(body.data or b"{}")
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        if first["type"] != "extra_forbidden":
            raise
        name = ".".join(map(str, first["loc"]))
        other = OTHER_NAMES.get(name)
        fix = f"Write {other}." if other in form.model_fields else suggestion(name, form.model_fields)
        raise ProblemError(422, "schema", "Unknown setting", where="body", got=name, fix=fix) from None


def _of_text(name: str, text: str) -> Any:
    """Return a setting from a query string."""
    if name in LISTS:
        return [part.strip() for part in text.split(",") if part.strip()]
    if name in TEXTS:
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _check_depth(data: bytes) -> None:
    """Refuse JSON with more brackets in one another than any form has."""
    text = np.frombuffer(data, np.uint8)
    brackets = text[(text == 0x5B) | (text == 0x7B) | (text == 0x5D) | (text == 0x7D)]
    # Brackets inside of texts count too: what closes them is refused at worst.
    depth = np.cumsum(np.where((brackets == 0x5B) | (brackets == 0x7B), 1, -1))
    if depth.size and int(depth.max()) > MAX_DEPTH:
        raise ProblemError(
            413,
            "too-deep",
            "The JSON is nested too deeply",
            where="body",
            got=f"{int(depth.max()):,} levels",
            expected=f"at most {MAX_DEPTH}",
            fix="Write a table as an object of lists.",
        )


@contextmanager
def source_of(body: Body, form: Any, settings: Settings) -> Iterator[Any]:
    """Provide the table of a request for `Forecaster`; None if there is none.

    A CSV file lies in a folder of its own meanwhile. Errors do not name the folder.

    Raises:
        ProblemError: More rows or columns than the limits.
        DataError: A table that cannot be read.
    """
    with trusting(False):
        if body.kind == JSON:
            columns = getattr(form, "series", None)
            yield None if columns is None else check_columns(columns, settings, "series")
        elif body.kind == ARROW:
            yield arrow_ipc.read_stream(body.data, settings.max_rows, settings.max_columns)
        else:
            name, magic = FILES.get(body.kind, (UPLOAD, b""))
            if body.kind == CSV:
                _check_text(body.data, settings)
            elif not body.data.startswith(magic):
                raise _no_file(body)
            folder = Path(tempfile.mkdtemp(prefix="upload-"))
            try:
                (folder / name).write_bytes(body.data)
                sheet = getattr(form, "sheet", None)
                path: Any = folder / name
                if sheet is not None:
                    if body.kind != XLSX:
                        raise DataError("Only .xlsx has sheets", where="sheet", got=sheet, fix="Leave it out.")
                    path = f"{path}::{sheet}"
                if body.kind in FILES:
                    _check_file(path, settings)
                yield path
            except GatecastError as error:
                raise error.within(folder) from None
            finally:
                shutil.rmtree(folder, ignore_errors=True)


def _no_file(body: Body) -> DataError:
    """Return the refusal of a file that is not what its type of content says."""
    what = "Parquet" if body.kind == PARQUET else "Excel"
    return DataError(
        f"The upload is no file of {what}",
        where="upload",
        got=repr(body.data[:8]),
        expected=f"a file that begins with {FILES[body.kind][1]!r}",
        fix="Say in Content-Type what the body is, or send it as CSV.",
    )


def _check_file(path: Any, settings: Settings) -> None:
    """Refuse files of more rows or columns than the limits; those that are no text say less of themselves."""
    if isinstance(path, Path) and path.suffix == ".parquet":
        n_rows, n_columns = arrow_ipc.parquet_size(path)
        check_size(n_rows, n_columns, settings, "upload")
        return
    table = read_raw(path, trusted=False)
    check_size(len(table), len(table.names), settings, "upload")


def check_columns(columns: Mapping[str, list[Any]], settings: Settings, where: str) -> dict[str, Any]:
    """Return columns of JSON as arrays, or as lists where they hold texts.

    Raises:
        ProblemError: Too many rows or columns.
        DataError: Columns of different lengths, or cells that are no single values.
    """
    n_rows = len(next(iter(columns.values()), ()))
    check_size(n_rows, len(columns), settings, where)
    table: dict[str, Any] = {}
    for name, cells in columns.items():
        if len(cells) != n_rows:
            raise DataError(
                "The columns are not equally long",
                where=f"{where}.{name}",
                got=f"{len(cells):,} rows",
                expected=f"{n_rows:,}, as the first column has",
                fix="Write null for what is missing.",
            )
        table[name] = _to_column(cells, f"{where}.{name}")
    return table


def _to_column(cells: list[Any], where: str) -> Any:
    """Return cells as an array of numbers, or as they are."""
    kinds = set(map(type, cells))
    if kinds <= {int, float, type(None)}:
        try:
            values = np.array([math.nan if cell is None else cell for cell in cells], np.float64)
        except OverflowError:
            values = np.array([math.inf])
        has_nan = np.isnan(values).sum() > cells.count(None)
        if np.isinf(values).any() or has_nan:
            raise DataError("A number is not finite", where=where, expected="finite numbers", fix="Write null.")
        # Whole numbers may be times or ids.
        return np.array(cells) if kinds == {int} and all(-(2**63) <= cell < 2**63 for cell in cells) else values
    if not kinds <= {int, float, str, bool, type(None)}:
        unknown = sorted(kind.__name__ for kind in kinds - {int, float, str, bool, type(None)})
        raise DataError(
            "A cell is no single value", where=where, got=unknown[0], expected="numbers, texts, truth values or null"
        )
    return cells


def check_size(n_rows: int, n_columns: int, settings: Settings, where: str) -> None:
    """Refuse tables beyond the limits.

    Raises:
        ProblemError: Too many rows or columns.
    """
    limits = (("rows", n_rows, settings.max_rows), ("columns", n_columns, settings.max_columns))
    for what, got, limit in limits:
        if got > limit:
            raise ProblemError(
                413,
                "too-large",
                f"The table has too many {what}",
                where=where,
                got=f"{got:,}",
                expected=f"at most {limit:,}",
                fix=f"Send the series in several requests, or start the server with a larger --max-{what}.",
            )


def _check_text(data: bytes, settings: Settings) -> None:
    """Refuse what is no text, and tables beyond the limits, before any parser sees them."""
    if data.startswith(MAGIC) or b"\0" in data[:1_000_000]:
        raise DataError(
            "The upload is no text",
            where="upload",
            got=repr(data[:8]),
            expected="a CSV file in UTF-8, not compressed",
            fix="Unpack it first, or send JSON or Arrow.",
        )
    lines = data.split(b"\n")
    separators = max(max(map(line.count, (b",", b";", b"\t", b"|"))) for line in lines) if lines else 0
    check_size(max(len(lines) - 1, 0), separators + 1, settings, "upload")


def to_lists(columns: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return columns as lists that JSON can hold: times in ISO 8601, null where nothing is known.

    >>> to_lists({"ds": np.array(["2024-01-01"], "M8[us]"), "y": np.array([np.nan])})
    {'ds': ['2024-01-01'], 'y': [None]}
    >>> to_lists({"ds": np.array(["2024-01-01T00:00:00.250"], "M8[us]")})
    {'ds': ['2024-01-01T00:00:00.250']}
    """
    return {str(name): _to_list(np.asarray(column)) for name, column in columns.items()}


def _to_list(column: Any) -> list[Any]:
    """Return a column as a list."""
    if column.dtype.kind == "M":
        unit = formatting.time_unit(column)
        return formatting.format_times(column, "T", "s" if unit == "m" else unit)
    if column.dtype.kind == "f":
        values = column.tolist()
        return values if np.isfinite(column).all() else [value if math.isfinite(value) else None for value in values]
    return [value.isoformat() if hasattr(value, "isoformat") else value for value in column.tolist()]


def encode(columns: ColumnTable, kind: str) -> bytes:
    """Return a table as CSV or Arrow."""
    if kind == ARROW:
        return arrow_ipc.write_stream({name: np.asarray(column) for name, column in columns.items()})
    lists, out = to_lists(columns), io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(lists)
    writer.writerows(zip(*lists.values(), strict=True))
    return out.getvalue().encode()
