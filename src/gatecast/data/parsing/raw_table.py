"""A table as read from its source: named columns of raw values, and the row of the source behind each value.

Equal strings share one Python object: ten million rows of a hundred thousand ids are as many pointers to a hundred
thousand strings.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast._utils.typing import BoolArray, IntArray
from gatecast.data.parsing.iso_times import IsoForm
from gatecast.data.parsing.missing_codes import MissingCodes
from gatecast.errors import DataError

__all__ = [
    "MISSING_MARKERS",
    "ROWS_PER_CHUNK",
    "ColumnType",
    "FileSpans",
    "RawColumn",
    "RawTable",
    "check_column_count",
    "factorize",
    "is_missing",
    "is_mostly_distinct",
    "take_rows",
    "to_text",
]

RawColumn = npt.NDArray[Any]
"""Values of one column: float64, int64, uint64 (2**63 and above), bool, datetime64[us], or an object array of str."""

MISSING_MARKERS = frozenset(
    {
        *("", "na", "n/a", "n.a.", "nan", "null", "(null)", "none", "nil", "nat", "<na>", "#n/a", "missing"),
        *("-", "--", "\N{EN DASH}", "\N{EM DASH}", ".", "..", "...", "\N{HORIZONTAL ELLIPSIS}", ":", "?"),
        *("unavailable", "n/e", "\\n", "***", "**", "mq"),
        *("#div/0!", "#value!", "#ref!", "#name?", "#num!", "#null!"),
        # Eurostat's missing values, with the flag that says why: confidential, unreliable, not applicable, ...
        *(f":{space}{flag}" for space in ("", " ") for flag in "bcdefimnprsuz"),
    }
)
"""Strings that mark a missing value, in lower case."""

# A column for each of a hundred thousand series is a valid wide table; a million columns are a transposed long one.
MAX_COLUMNS = 250_000

ROWS_PER_CHUNK = 1_000_000
"""Rows of text converted at a time: only these are held in memory twice."""

MIN_ROWS_OF_DISTINCT = 10_000
SAMPLE_SIZE = 1_000
MIN_DISTINCT = 0.9
"""Share of a random sample that must be different strings for a column to be mostly distinct."""


class FileSpans(NamedTuple):
    """The rows of a table that each of several files contributed.

    Args:
        names: Unique name of each file, shape (n_files,).
        bounds: Row offsets, shape (n_files + 1,): file f holds rows ``bounds[f]`` to ``bounds[f + 1]``.
    """

    names: tuple[str, ...]
    bounds: IntArray

    def to_column(self) -> RawColumn:
        """Return the file name of every row, shape (n_rows,).

        >>> FileSpans(("a", "b"), np.array([0, 2, 3])).to_column().tolist()
        ['a', 'a', 'b']
        """
        return np.repeat(np.array(self.names, object), np.diff(self.bounds))


class ColumnType(NamedTuple):
    """Type of a column in the library it comes from.

    Args:
        name: Name of the type, such as "int32", "category" or "Date"; empty if it needs no record.
        time_zone: Time zone of a column of aware datetimes.
        categories: Categories of a categorical column, in order.
        ordered: Whether these categories are ordered.
    """

    name: str = ""
    time_zone: str = ""
    categories: tuple[str | int, ...] = ()
    ordered: bool = False


@dataclass(frozen=True, eq=False)
class RawTable:
    """Columns of equal length.

    Args:
        names: Column names.
        columns: Values of each column, shape (n_rows,).
        line_numbers: Line of each row in its text file, counted from 1; None if the source has no lines.
        has_header: Whether the names come from the source rather than being generated.
        notes: What reading the source assumed or changed, one sentence each.
        files: The files of a table that was read from several.
        utc_offsets: Minutes ahead of UTC for every row, for each column of local times with a time zone.
        source_rows: Rows of the source that this table holds; None for all of them.
        types: Types of the columns in their library, where restoring the column needs them.
        categorical: Columns that their library declares categorical, whatever their texts look like.
        missing_codes: Numbers that stand for missing values: "auto" recognizes them in a target, False keeps all.
        iso_forms: How the times of a column are written in the source, for each column of text that was read as times.
        decimal_mark: "," or "." where the table shows which mark separates decimals; else empty.
        date_order: Order of day and month in dates that were joined with a clock; else empty.
        separator: What separates the cells of a text file; else empty.
        too_fine: Columns with datetimes that differ by less than a microsecond, the resolution of `columns`.
        fiscal_month: Month in which fiscal years begin, as in `KnownNotation`, where times were joined from them.
    """

    names: tuple[str, ...]
    columns: tuple[RawColumn, ...]
    line_numbers: IntArray | None = None
    has_header: bool = True
    notes: tuple[str, ...] = ()
    files: FileSpans | None = None
    utc_offsets: Mapping[str, IntArray] = field(default_factory=dict)
    source_rows: IntArray | None = None
    types: Mapping[str, ColumnType] = field(default_factory=dict)
    categorical: frozenset[str] = frozenset()
    missing_codes: MissingCodes = "auto"
    iso_forms: Mapping[str, IsoForm] = field(default_factory=dict)
    decimal_mark: str = ""
    date_order: str = ""
    separator: str = ""
    too_fine: frozenset[str] = frozenset()
    fiscal_month: int = 0

    def __len__(self) -> int:
        return len(self.columns[0]) if self.columns else 0

    def source_column(self, i: int) -> RawColumn:
        """Return column i as in the source: times that were read from text are texts.

        >>> times = np.array(["2024-01-31"], "M8[us]")
        >>> RawTable(("t",), (times,), iso_forms={"t": IsoForm(10)}).source_column(0).tolist()
        ['2024-01-31']
        """
        column, form = self.columns[i], self.iso_forms.get(self.names[i])
        return column if form is None or column.dtype.kind != "M" else to_text(form.write(column))

    def describe_column(self, i: int) -> str:
        """Return how messages refer to column i: by its name, or by its position from 1 without a header.

        >>> RawTable(("y",), (np.zeros(2),)).describe_column(0)
        "column 'y'"
        >>> RawTable(("1",), (np.zeros(2),), has_header=False).describe_column(0)
        'column 1'
        """
        return f"column {self.names[i]!r}" if self.has_header else f"column {i + 1}"

    def describe_row(self, i: int) -> str:
        """Return how messages refer to row i: by its line in a text file, or by its index from 0.

        >>> RawTable(("y",), (np.zeros(2),)).describe_row(1)
        'row index 1'
        >>> RawTable(("y",), (np.zeros(2),), np.array([2, 5])).describe_row(1)
        'row 5'
        """
        i = i if self.source_rows is None else int(self.source_rows[i])
        file, first = "", 0
        if self.files is not None:
            f = int(np.searchsorted(self.files.bounds, i, side="right")) - 1
            file, first = f" of {self.files.names[f]}", int(self.files.bounds[f])
        return f"row index {i - first}{file}" if self.line_numbers is None else f"row {self.line_numbers[i]}{file}"


def take_rows(table: RawTable, rows: IntArray) -> RawTable:
    """Select rows of a table; messages still refer to their rows in the source.

    >>> take_rows(RawTable(("y",), (np.array([5, 6, 7]),)), np.array([2])).describe_row(0)
    'row index 2'
    """
    return replace(
        table,
        columns=tuple(column[rows] for column in table.columns),
        utc_offsets={name: minutes[rows] for name, minutes in table.utc_offsets.items()},
        source_rows=rows if table.source_rows is None else table.source_rows[rows],
    )


def check_column_count(n_columns: int, source: str = "") -> None:
    """Check that a table is not so wide that it must be transposed.

    Raises:
        DataError: Too many columns.

    >>> check_column_count(2)
    """
    if n_columns > MAX_COLUMNS:
        raise DataError(
            "Too many columns",
            where=source,
            got=f"{n_columns} columns",
            expected=f"at most {MAX_COLUMNS}",
            fix="Reshape the table to long format: one row per series and time, with columns for id, time and value.",
        )


def to_text(values: Iterable[Any]) -> RawColumn:
    """Convert values of any type to strings; None becomes the empty string.

    >>> to_text(["a", None, 1.5]).tolist()
    ['a', '', '1.5']
    """
    if isinstance(values, np.ndarray):
        return _array_to_text(values)
    texts = [value if isinstance(value, str) else "" if value is None else str(value) for value in values]
    column = np.empty(len(texts), object)
    column[:] = texts
    return column


def factorize(column: RawColumn) -> tuple[RawColumn, IntArray]:
    """Encode a column as codes into its unique values, in order of appearance.

    Runs of equal values cost next to nothing, so a table sorted by id is encoded quickly.

    Args:
        column: Numbers or strings without NaN, shape (n_rows,).

    Returns:
        Unique values, shape (n_unique,), integers as such and everything else as objects; and the code of every
        row, shape (n_rows,), from 0.

    >>> unique, codes = factorize(to_text(["b", "b", "a", "b"]))
    >>> unique.tolist(), codes.tolist()
    (['b', 'a'], [0, 0, 1, 0])
    """
    n = len(column)
    run_starts = _run_starts(column)
    heads = column[run_starts]
    run_lengths = np.diff(np.append(run_starts, n))
    if heads.dtype.kind in "iu":
        unique, first_index, codes = np.unique(heads, return_index=True, return_inverse=True)
        order = np.argsort(first_index, kind="stable")
        rank = np.empty(len(unique), np.int64)
        rank[order] = np.arange(len(unique))
        return unique[order], np.repeat(rank[codes], run_lengths)
    # A value that the dictionary does not have yet gets the next code.
    code_of: defaultdict[Any, int] = defaultdict(count().__next__)
    codes = np.empty(len(heads), np.int64)
    for start in range(0, len(heads), ROWS_PER_CHUNK):
        chunk = heads[start : start + ROWS_PER_CHUNK].tolist()
        codes[start : start + len(chunk)] = np.fromiter(map(code_of.__getitem__, chunk), np.int64, len(chunk))
    unique = np.empty(len(code_of), object)
    unique[:] = list(code_of)
    return unique, codes if len(heads) == n else np.repeat(codes, run_lengths)


def is_mostly_distinct(column: RawColumn) -> bool:
    """Return whether a long column has so many different strings that finding them saves no work.

    >>> is_mostly_distinct(to_text(range(20_000))), is_mostly_distinct(to_text(["a"] * 20_000))
    (True, False)
    """
    if len(column) < MIN_ROWS_OF_DISTINCT:
        return False
    sample = column[np.random.default_rng(0).integers(0, len(column), SAMPLE_SIZE)].tolist()
    return len(set(sample)) > MIN_DISTINCT * SAMPLE_SIZE


def is_missing(column: RawColumn) -> BoolArray:
    """Return where a column is missing: NaN, NaT, or a string that marks a missing value.

    >>> is_missing(to_text(["1", "NA", " - ", "0"])).tolist()
    [False, True, True, False]
    """
    if column.dtype.kind == "f":
        return np.isnan(column)
    if column.dtype.kind == "M":
        return np.isnat(column)
    if column.dtype.kind == "O":
        # Unique strings are few, or none of them marks a missing value: both cases are quick.
        cells = column.tolist()
        unique = cells if is_mostly_distinct(column) else set(cells)
        if not MISSING_MARKERS.isdisjoint(map(str.lower, map(str.strip, unique))):
            markers = {text for text in unique if text.strip().lower() in MISSING_MARKERS}
            return np.fromiter((text in markers for text in cells), bool, len(column))
    return np.zeros(len(column), bool)


def _array_to_text(values: npt.NDArray[Any]) -> RawColumn:
    """Convert an array to strings; equal neighbors share one string."""
    if values.dtype.kind not in "US":
        items = values.tolist()
        return values if set(map(type, items)) == {str} else to_text(items)
    n = len(values)
    run_starts = _run_starts(values)
    if 2 * len(run_starts) > n:
        run_starts = np.arange(n)
    shared: dict[str, str] = {}
    column = np.empty(len(run_starts), object)
    for start in range(0, len(run_starts), ROWS_PER_CHUNK):
        chunk = [str(value) for value in values[run_starts[start : start + ROWS_PER_CHUNK]].tolist()]
        column[start : start + len(chunk)] = [shared.setdefault(text, text) for text in chunk]
    return np.repeat(column, np.diff(np.append(run_starts, n)))


def _run_starts(values: RawColumn) -> IntArray:
    """First index of every run of equal values."""
    if not len(values):
        return np.zeros(0, np.int64)
    return np.flatnonzero(np.concatenate(([True], np.asarray(values[1:] != values[:-1], bool))))
