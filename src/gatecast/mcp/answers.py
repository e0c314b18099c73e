"""Answers of tools: a short text for the model, and the same facts as an object; both leave out what is long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from gatecast._printable import printable
from gatecast._utils.formatting import finite_or_none, format_count, format_times, number_formatter

__all__ = ["MAX_ROWS", "Answer", "left_out", "rows_of", "text_of", "text_table"]

MAX_ROWS = 24
"""Rows of a table in an answer, at most."""
MAX_NOTES = 8
"""Notes on the data in an answer, at most."""
MAX_CELL = 60
"""Characters of a text in a table, at most."""
DIGITS = 6
"""Significant digits of numbers in an object; files have all."""


class Answer(NamedTuple):
    """The answer of a tool.

    Args:
        text: A few sentences and a small table.
        facts: The same as an object.
    """

    text: str
    facts: dict[str, Any]


def rows_of(columns: Mapping[str, Any], limit: int = MAX_ROWS) -> list[dict[str, Any]]:
    """Return the first rows of a table as objects: times as text, numbers with six digits, None for no number.

    >>> rows_of({"ds": np.array(["2020-01-01"], "M8[s]"), "y": np.array([1234567.8])})
    [{'ds': '2020-01-01', 'y': 1234570.0}]
    """
    cells = [_cells(np.asarray(column)[:limit]) for column in columns.values()]
    return [dict(zip(map(str, columns), row, strict=True)) for row in zip(*cells, strict=True)]


def _cells(column: Any) -> list[Any]:
    """Return values as JSON has them."""
    if column.dtype.kind == "M":
        return format_times(column)
    return [_plain(value) for value in column.tolist()]


def _plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    if isinstance(value, float):
        value = finite_or_none(value)
        return None if value is None else float(f"{value:.{DIGITS}g}")
    if isinstance(value, str):
        return _short(value)
    return value if isinstance(value, bool | int | type(None)) else _short(str(value))


def _short(text: str) -> str:
    """Return a name of others in one line of limited length."""
    text = " ".join(printable(text).split())
    return text if len(text) <= MAX_CELL else f"{text[:MAX_CELL]}..."


def text_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows of the same names as lines, numbers of a column with equal decimals.

    >>> print(text_table([{"model": "LSTM", "mae": 1.25}, {"model": "Naive", "mae": None}]))
    model |   mae
    LSTM  | 1.250
    Naive |     -
    """
    if not rows:
        return ""
    columns = []
    for name in rows[0]:
        values = [row[name] for row in rows]
        numbers = np.array([value for value in values if isinstance(value, float)])
        write = number_formatter(numbers)
        texts = ["-" if v is None else write(v) if isinstance(v, float) else str(v) for v in values]
        width = max(map(len, (name, *texts)))
        is_text = all(isinstance(value, str) for value in values)
        columns.append([f"{text:<{width}}" if is_text else f"{text:>{width}}" for text in (name, *texts)])
    return "\n".join(" | ".join(line).rstrip() for line in zip(*columns, strict=True))


def text_of(*parts: str, notes: Sequence[str] = ()) -> str:
    """Return paragraphs, and the notes on the data after them; empty ones are left out."""
    shown = [f"Note: {printable(note)}" for note in notes[:MAX_NOTES]]
    more = len(notes) - MAX_NOTES
    shown += [f"{more} more notes are left out; inspect_table has them."] if more > 0 else []
    return "\n\n".join(part for part in (*map(printable, parts), "\n".join(shown)) if part)


def left_out(n_rows: int, n_shown: int, what: str, file: str | None, out: str = "result.csv") -> str:
    """Return what an answer does not show, and how to get it.

    >>> left_out(30, 24, "row", None)
    "6 rows are left out; call again with out='result.csv' to write all 30 rows to a file."
    >>> left_out(30, 24, "row", "all.csv"), left_out(2, 2, "row", None)
    ('All 30 rows are in the file all.csv.', '')
    """
    count = partial(format_count, noun=what) if what != "series" else "{:,} series".format
    if file is not None:
        return f"All {count(n_rows)} are in the file {file}."
    n = n_rows - n_shown
    if n <= 0:
        return ""
    if not n_shown:
        return f"{count(n)} are not shown; call again with out={out!r} to write them to a file."
    verb = "is" if n == 1 else "are"
    return f"{count(n)} {verb} left out; call again with out={out!r} to write all {count(n_rows)} to a file."
