"""Exogenous columns: numbers as they are, categories and booleans as codes into a list of categories.

Roles carry the names of the arguments that declare them: `hist_exog` columns are known only for the past, `futr_exog`
columns for the future too, and `stat_exog` columns have one value per series.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from gatecast._utils.typing import FloatArray, IntArray
from gatecast.data.categories import order_categories
from gatecast.data.parsing.column_roles import find_column
from gatecast.data.parsing.columns import parse_booleans, parse_number_column
from gatecast.data.parsing.numbers import ParsedNumbers, parse_numbers
from gatecast.data.parsing.raw_table import RawColumn, RawTable, factorize, is_missing, to_text
from gatecast.data.parsing.time_names import is_part_of_time
from gatecast.data.parsing.truth_values import are_truth_values, parse_truth_values, truth_of
from gatecast.errors import ConfigError, DataError

__all__ = [
    "Categories",
    "ExogenousColumns",
    "encode_column",
    "find_exogenous",
    "format_value",
    "parse_exogenous",
    "reserve_column",
]

Categories = Mapping[str, tuple[str, ...]]
"""Categories of each categorical column, by name; none for a column of numbers."""

ARGUMENTS = {"id": "id_col", "time": "time_col", "target": "target_col"}
"""Arguments that declare a role, where they have another name than the role."""

BOOLEAN_CATEGORIES = ("False", "True")
# If more than this fraction of rows are numbers, a string among them is a typing error rather than a category.
MIN_NUMERIC_FRACTION = 0.9

NOTE_PADDED = (
    "Integers of {column} begin with a zero, such as {text!r}, and are read as categories. To read them as numbers, "
    "write them without it."
)

_PADDED = re.compile(r"0\d+")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


class ExogenousColumns(NamedTuple):
    """Exogenous columns as numbers, each of shape (n_rows,).

    Args:
        hist_exog: Columns known only for the past.
        futr_exog: Columns known for the future too.
        stat_exog: Columns that are constant within a series.
        categories: Categories of each categorical column.
        notes: How the columns were read, where that is not obvious, one sentence each.
    """

    hist_exog: dict[str, FloatArray]
    futr_exog: dict[str, FloatArray]
    stat_exog: dict[str, FloatArray]
    categories: dict[str, tuple[str, ...]]
    notes: tuple[str, ...] = ()

    @property
    def columns(self) -> dict[str, FloatArray]:
        """All columns by name."""
        return {**self.hist_exog, **self.futr_exog, **self.stat_exog}

    def take(self, rows: IntArray) -> ExogenousColumns:
        """The columns at some rows.

        >>> ExogenousColumns({}, {"p": np.array([1.0, 2.0])}, {}, {}).take(np.array([1])).futr_exog
        {'p': array([2.])}
        """
        hist, futr, stat = (
            {name: column[rows] for name, column in part.items()}
            for part in (self.hist_exog, self.futr_exog, self.stat_exog)
        )
        return self._replace(hist_exog=hist, futr_exog=futr, stat_exog=stat)


def find_exogenous(table: RawTable, roles: Mapping[str, str | Sequence[str]]) -> dict[str, list[int]]:
    """Return the indices of the columns of each role.

    Args:
        table: The table.
        roles: One column name or several for each role.

    Raises:
        ConfigError: No column has the name, or a column has two roles.

    >>> find_exogenous(RawTable(("t", "price"), (np.zeros(2), np.ones(2))), {"futr_exog": "price", "stat_exog": ()})
    {'futr_exog': [1], 'stat_exog': []}
    """
    indices: dict[str, list[int]] = {}
    reserved: dict[int, str] = {}
    for role, names in roles.items():
        indices[role] = [find_column(table, name, role) for name in ((names,) if isinstance(names, str) else names)]
        for i in indices[role]:
            reserve_column(table, i, role, reserved)
    return indices


def reserve_column(table: RawTable, column: int, role: str, reserved: dict[int, str]) -> None:
    """Record the role of a column in `reserved`.

    Raises:
        ConfigError: The column has a role already.
    """
    if column in reserved:
        other = reserved[column]
        raise ConfigError(
            "A column has two roles",
            where=table.describe_column(column),
            got=f"{other} and {role}" if other != role else f"{role} twice",
            expected="one role per column",
            argument=ARGUMENTS.get(role, role),
        )
    reserved[column] = role


def parse_exogenous(table: RawTable, indices: Mapping[str, Sequence[int]], categories: Categories) -> ExogenousColumns:
    """Parse the columns of each role as numbers.

    Args:
        table: The table.
        indices: Columns of each role, from `find_exogenous`.
        categories: Categories of columns of an earlier table, none for numbers; others are refused.

    Raises:
        DataError: A value that cannot be parsed, or an unknown category.
    """
    parsed: dict[str, dict[str, FloatArray]] = {}
    all_categories: dict[str, tuple[str, ...]] = {}
    notes: list[str] = []
    for role, columns in indices.items():
        parsed[role] = {}
        for i in columns:
            name = table.names[i]
            numbers, column_categories = encode_column(table, i, role, categories.get(name))
            parsed[role][name] = numbers.values
            notes += numbers.notes
            if column_categories is not None:
                all_categories[name] = column_categories
    return ExogenousColumns(parsed["hist_exog"], parsed["futr_exog"], parsed["stat_exog"], all_categories, tuple(notes))


def encode_column(
    table: RawTable, column: int, role: str, categories: Sequence[str] | None = None
) -> tuple[ParsedNumbers, tuple[str, ...] | None]:
    """Encode a column as numbers: categories and booleans by their index in `order_categories`.

    Args:
        table: The table.
        column: Index of the column.
        role: Role of the column, for messages.
        categories: Categories of an earlier table, none of them for numbers; inferred if None. Truth values may have
            another spelling than there: 1 for "True", "no" for 0.

    Returns:
        Numbers of shape (n_rows,), NaN where a value is missing; and the categories, None for a numeric column.

    Raises:
        DataError: A value that is not a number among numbers, an unknown category, or times.

    >>> table = RawTable(("event",), (to_text(["fair", "", "ball", "fair"]),))
    >>> numbers, categories = encode_column(table, 0, "futr_exog")
    >>> numbers.values.tolist(), categories
    ([1.0, nan, 0.0, 1.0], ('ball', 'fair'))
    """
    cells, name = table.source_column(column), table.names[column]
    if categories:
        return _encode_known(table, column, tuple(categories)), tuple(categories)
    booleans = parse_booleans(cells)
    if booleans is not None and categories is None:
        return ParsedNumbers(booleans, np.ones(len(cells), bool)), BOOLEAN_CATEGORIES
    is_declared = categories is None and name in table.categorical
    if is_declared:
        cells = _as_categories(cells, ())
    if cells.dtype.kind != "O":
        return parse_number_column(table, column, role), None
    unique, codes = factorize(cells)
    present = ~is_missing(unique)
    n_rows = np.bincount(codes, minlength=len(unique))
    is_inferred = not is_declared and categories is None and not is_part_of_time(name)
    padded = _find_padded(unique[present].tolist(), n_rows[present]) if is_inferred else ""
    if is_declared or padded:
        inferred = _infer_categories(unique[present], n_rows[present])
        notes = (NOTE_PADDED.format(column=table.describe_column(column), text=padded),) if padded else ()
        return _encode_known(table, column, inferred)._replace(notes=notes), inferred
    parsed = parse_numbers(unique, table.decimal_mark)
    if parsed.is_valid.all():
        return ParsedNumbers(parsed.values[codes], np.ones(len(cells), bool), parsed.notes), None
    if categories is not None:
        return _parse_known_numbers(table, column, role), None
    if n_rows[present & parsed.is_valid].sum() > MIN_NUMERIC_FRACTION * n_rows[present].sum():
        return parse_number_column(table, column, role), None
    inferred = _infer_categories(unique[present], n_rows[present])
    return _encode_known(table, column, inferred), inferred


def format_value(value: float, categories: Sequence[str] | None) -> str:
    """Write a value as it is in the table, for messages.

    >>> format_value(1.0, ("a", "b")), format_value(2.5, None)
    ("'b'", '2.5')
    """
    return f"{value:.12g}" if categories is None else repr(categories[int(value)])


def _infer_categories(texts: RawColumn, n_rows: IntArray) -> tuple[str, ...]:
    """Return the categories that texts are, less the spaces around them, in the order of their codes."""
    counts: Counter[str] = Counter()
    for text, n in zip(texts.tolist(), n_rows.tolist(), strict=True):
        counts[text.strip()] += n
    return order_categories(counts)


def _find_padded(texts: Sequence[str], n_rows: IntArray) -> str:
    """Return an integer that begins with a zero, where all texts are integers that recur; else an empty string.

    Numbers of a fixed width, as 00090 to 00111 are, hardly recur.

    >>> twice = np.array([2, 2])
    >>> _find_padded(["1", "02"], twice), _find_padded(["0", "10"], twice), _find_padded(["1.5", "02"], twice)
    ('02', '', '')
    """
    stripped = [text.strip() for text in texts]
    if not all(map(str.isdecimal, stripped)) or 2 * len(texts) > n_rows.sum():
        return ""
    return next(filter(_PADDED.fullmatch, stripped), "")


def _parse_known_numbers(table: RawTable, column: int, role: str) -> ParsedNumbers:
    """Texts of a column that held numbers before: truth values are 1 and 0, anything else is refused."""
    truth = parse_truth_values(table.columns[column])
    if truth is None:
        return parse_number_column(table, column, role)
    note = f"Truth values in the {role} {table.describe_column(column)} are read as 1 (true) and 0 (false)."
    return ParsedNumbers(truth, np.ones(len(truth), bool), (note,))


def _encode_known(table: RawTable, column: int, categories: tuple[str, ...]) -> ParsedNumbers:
    """Index of every value in the categories."""
    unique, codes = factorize(_as_categories(table.source_column(column), categories))
    code_of = {category: float(k) for k, category in enumerate(categories)}
    values = np.array(
        [
            np.nan if missing else code_of.get(text.strip(), -1.0)
            for text, missing in zip(unique, is_missing(unique), strict=True)
        ]
    )[codes]
    unknown = np.flatnonzero(values < 0)
    if len(unknown):
        texts = list(dict.fromkeys(unique[codes[unknown[:10_000]]].tolist()))
        raise DataError(
            "Unknown category",
            where=f"{table.describe_row(int(unknown[0]))}, {table.describe_column(column)}",
            got=", ".join(repr(text.strip()) for text in texts[:5]) + (", ..." if len(texts) > 5 else ""),
            expected="a category of the training data: "
            + ", ".join(map(repr, categories[:10]))
            + (", ..." if len(categories) > 10 else ""),
            fix="Correct the value, leave the cell empty, or fit again on data with this category.",
        )
    return ParsedNumbers(values, np.ones(len(values), bool))


def _as_categories(column: RawColumn, categories: tuple[str, ...]) -> RawColumn:
    """Values as strings: numbers and truth values as the categories spell them, others without a decimal point."""
    truth = parse_truth_values(column) if are_truth_values(categories) else None
    if truth is not None and not _are_among(column, categories):
        spellings = {truth_of(category): category for category in reversed(categories)}
        texts = np.array([spellings[0.0], spellings[1.0], ""], object)
        return texts[np.where(np.isnan(truth), 2, truth).astype(np.int64)]
    if column.dtype.kind == "O":
        return column
    if column.dtype.kind not in "fiu":
        return to_text(column.astype(str))
    spellings = {float(category): category for category in reversed(categories) if _NUMBER.fullmatch(category)}
    unique, codes = np.unique(column, return_inverse=True)
    spelled = []
    for value in unique.tolist():
        text = "" if value != value else f"{value:.12g}" if isinstance(value, float) else str(value)
        spelled.append(text if text in categories else spellings.get(value, text))
    return to_text(spelled)[codes]


def _are_among(column: RawColumn, categories: tuple[str, ...]) -> bool:
    """Whether all texts that are not missing are categories as they are spelled."""
    if column.dtype.kind != "O":
        return False
    unique, _ = factorize(column)
    return {text.strip() for text in unique[~is_missing(unique)].tolist()} <= set(categories)
