"""Columns beside the target: numbers as they are, words and truth values as positions in a list of categories.

Letters: N rows, S series.

`historic` columns are known only for the past, `known` ones for the future too, `static` ones are one value a series.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast.data.parsing.column_roles import find_column
from gatecast.data.parsing.columns import parse_booleans, parse_number_column
from gatecast.data.parsing.numbers import ParsedNumbers, read_numbers
from gatecast.data.parsing.raw_table import Cells, RawTable, factorise, missing, text_cells
from gatecast.errors import ConfigError, DataError

__all__ = ["Categories", "ExogenousColumns", "encode", "find_exogenous", "read_exogenous", "refuse_two_roles", "shown"]

Array = npt.NDArray[np.float64]
Categories = Mapping[str, tuple[str, ...]]

TRUTH = ("False", "True")
# Beyond this share of numbers a word among them is a slip of the pen, not a category.
SLIP = 0.9


class ExogenousColumns(NamedTuple):
    """Columns beside the target, as numbers.

    Args:
        historic: (N,) columns known for the past.
        known: (N,) columns known for the future too.
        static: (N,) columns that are constant within a series.
        categories: The words of each column that holds words.
        notes: How they were read, in sentences, if that needs saying.
    """

    historic: dict[str, Array]
    known: dict[str, Array]
    static: dict[str, Array]
    categories: dict[str, tuple[str, ...]]
    notes: tuple[str, ...] = ()

    @property
    def columns(self) -> dict[str, Array]:
        """(N,) all of them."""
        return {**self.historic, **self.known, **self.static}


def find_exogenous(table: RawTable, roles: Mapping[str, str | Sequence[str]]) -> dict[str, list[int]]:
    """Positions of the columns that are named for each role.

    Args:
        table: The table.
        roles: Names by role: one, or several.

    Raises:
        ConfigError: No column has the name; one column has two roles.

    >>> find_exogenous(Table(("t", "price"), (np.zeros(2), np.ones(2))), {"known": "price", "static": ()})
    {'known': [1], 'static': []}
    """
    places: dict[str, list[int]] = {}
    taken: dict[int, str] = {}
    for role, names in roles.items():
        places[role] = [find_column(table, name, role) for name in ((names,) if isinstance(names, str) else names)]
        for i in places[role]:
            refuse_two_roles(table, i, role, taken)
    return places


def refuse_two_roles(table: RawTable, column: int, role: str, taken: dict[int, str]) -> None:
    """Refuse a column that is something else already; else note what it is.

    Raises:
        ConfigError: It is.
    """
    if column in taken:
        raise ConfigError(
            "a column cannot be two things at once",
            where=table.column(column),
            got=f"{taken[column]} and {role}" if taken[column] != role else f"{role} twice",
            expected="one of them",
        )
    taken[column] = role


def read_exogenous(table: RawTable, places: Mapping[str, Sequence[int]], categories: Categories) -> ExogenousColumns:
    """The columns of each role as numbers.

    Args:
        table: The table.
        places: Positions by role, from `find_extras`.
        categories: Words that are known already, by column: others are refused.

    Raises:
        DataError: A cell that cannot be read, a category that is not known.
    """
    read: dict[str, dict[str, Array]] = {}
    words: dict[str, tuple[str, ...]] = {}
    notes: list[str] = []
    for role, columns in places.items():
        read[role] = {}
        for i in columns:
            name = table.names[i]
            number, own = encode(table, i, role, categories.get(name))
            read[role][name] = number.values
            notes += number.notes
            if own is not None:
                words[name] = own
    return ExogenousColumns(read["historic"], read["known"], read["static"], words, tuple(notes))


def encode(
    table: RawTable, column: int, role: str, categories: Sequence[str] | None = None
) -> tuple[ParsedNumbers, tuple[str, ...] | None]:
    """A column as numbers: words and truth values by their position among the categories, which are sorted.

    Args:
        table: The table.
        column: Position of the column.
        role: What the column is, for messages.
        categories: Words that are known already; worked out if None.

    Returns:
        (N,) numbers, NaN where a cell is missing, and the categories, None for a column of numbers.

    Raises:
        DataError: A cell that is no number among numbers, a word that is not among the categories, times.

    >>> table = Table(("event",), (text_cells(["fair", "", "ball", "fair"]),))
    >>> encode(table, 0, "known")[0].values.tolist(), encode(table, 0, "known")[1]
    ([1.0, nan, 0.0, 1.0], ('ball', 'fair'))
    """
    cells = table.columns[column]
    if categories is not None:
        return _among(table, column, tuple(categories)), tuple(categories)
    truths = parse_booleans(cells)
    if truths is not None:
        return ParsedNumbers(truths, np.ones(len(cells), bool)), TRUTH
    if cells.dtype.kind != "O":
        return parse_number_column(table, column, role), None
    different, codes = factorise(cells)
    read = read_numbers(different)
    there = ~missing(different)
    words, rows = different[there], np.bincount(codes, minlength=len(different))
    if read.readable.all():
        return ParsedNumbers(read.values[codes], np.ones(len(cells), bool), read.notes), None
    if rows[there & read.readable].sum() > SLIP * rows[there].sum():
        return parse_number_column(table, column, role), None
    own = tuple(sorted({word.strip() for word in words}))
    return _among(table, column, own), own


def shown(value: float, categories: Sequence[str] | None) -> str:
    """A value as it was in the table, for messages.

    >>> shown(1.0, ("a", "b")), shown(2.5, None)
    ("'b'", '2.5')
    """
    return f"{value:.12g}" if categories is None else repr(categories[int(value)])


def _among(table: RawTable, column: int, categories: tuple[str, ...]) -> ParsedNumbers:
    """The position of every cell among the categories."""
    different, codes = factorise(_words(table.columns[column], categories))
    gone = missing(different)
    place = {word: float(k) for k, word in enumerate(categories)}
    values = np.array(
        [np.nan if no else place.get(word.strip(), -1.0) for word, no in zip(different, gone, strict=True)]
    )
    values = values[codes]
    unseen = np.flatnonzero(values < 0)
    if len(unseen):
        words = list(dict.fromkeys(different[codes[unseen[:10_000]]].tolist()))
        first = categories[:10]
        raise DataError(
            "a category was not seen in training",
            where=f"{table.where(int(unseen[0]))}, {table.column(column)}",
            got=", ".join(repr(word.strip()) for word in words[:5]) + (", ..." if len(words) > 5 else ""),
            expected=f"one of {', '.join(map(repr, first))}" + (", ..." if len(categories) > 10 else ""),
            fix="Correct it, leave the cell empty, or train again on data that have it.",
        )
    return ParsedNumbers(values, np.ones(len(values), bool))


def _words(cells: Cells, categories: tuple[str, ...]) -> Cells:
    """Cells as text: whole numbers without a point, truth values as Python writes them."""
    truths = parse_booleans(cells) if categories == TRUTH else None
    if truths is not None:
        return np.array([*TRUTH, ""], object)[np.where(np.isnan(truths), 2, truths).astype(np.int64)]
    if cells.dtype.kind == "O":
        return cells
    if cells.dtype.kind == "f":
        return text_cells(["" if value != value else f"{value:.12g}" for value in cells.tolist()])
    return text_cells(cells.astype(str))
