"""Types in which DuckDB reads the columns of a large text file, decided on its first rows and checked in every row.

DuckDB's own types are not taken: it reads 1.5 as the integer 2 where all rows before it hold integers, and chooses an
order for 01/02/2024. Here a column is converted only if each of its cells has the one notation of that type.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from gatecast.data.parsing.iso_times import IsoForm, find_iso_form
from gatecast.data.parsing.raw_table import RawColumn, RawTable

__all__ = ["MISSING", "TextColumn", "plan_columns"]

MISSING = ("", "NA", "NaN")
"""Cells that DuckDB reads as missing; columns of texts are read once more, since NA may be a name, as of Namibia."""

_INTEGER = re.compile(r"-?(?:0|[1-9]\d{0,17})")
_DECIMAL = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_CODE = re.compile(r"\d{16,}|0\d+")
"""Integers that are no exact floats, or begin with a zero: codes of things, which would become one."""
_MAY_BE_NUMBER = re.compile(r"\s*[+-]?(?:[\d_.]+(?:e[+-]?[\d_]+)?|0[xb][\da-f_]+|inf(?:inity)?|nan)\s*", re.IGNORECASE)


class TextColumn(NamedTuple):
    """How a column of a text file is read.

    Args:
        type: DuckDB type of its cells.
        value: SQL expression of its values, in which {0} is a cell.
        check: SQL condition that holds for every cell of the type; empty if DuckDB refuses the others.
        form: Form of its times; None for other columns.
    """

    type: str
    value: str = "{0}"
    check: str = ""
    form: IsoForm | None = None


# Integers are read as text first: DuckDB rounds 1.5 to one.
_TEXT = TextColumn("VARCHAR")
_INTEGERS = TextColumn(
    "VARCHAR", "TRY_CAST({0} AS BIGINT)", "{0} IS NULL OR coalesce(TRY_CAST({0} AS BIGINT)::VARCHAR = {0}, false)"
)
_DECIMALS = TextColumn("DOUBLE")


def plan_columns(top: RawTable) -> list[TextColumn] | None:
    """Return how each column is read; None if the first rows do not show the type of one.

    Args:
        top: The first rows, as texts.

    >>> import numpy as np
    >>> top = RawTable(("t", "y"), (np.array(["2024-01-31"], object), np.array(["1.5"], object)))
    >>> [column.type for column in plan_columns(top)], plan_columns(top)[0].form
    (['VARCHAR', 'DOUBLE'], IsoForm(size=10, separator='', suffix=''))
    """
    plans = [_plan(column) for column in top.columns]
    known = [plan for plan in plans if plan is not None]
    return known if len(known) == len(plans) else None


def _plan(cells: RawColumn) -> TextColumn | None:
    """How a column is read; None if its cells do not show it."""
    texts = cells.tolist()
    form = find_iso_form(texts)
    if form is not None:
        return _times(form)
    present = [text for text in texts if text not in MISSING]
    if present and all(map(_INTEGER.fullmatch, present)):
        return _INTEGERS
    if any(map(_CODE.fullmatch, present)):
        return _TEXT
    if present and all(map(_DECIMAL.fullmatch, present)):
        return _DECIMALS
    return None if all(map(_MAY_BE_NUMBER.fullmatch, present)) else _TEXT


def _times(form: IsoForm) -> TextColumn:
    """How times of a form are read: each of them, written again, is the same text."""
    body = "{0}" if not form.suffix else f"{{0}}[1:{form.size}]"
    kind = "DATE" if form.size == 10 else "TIMESTAMP"
    time = f"TRY_CAST({body} AS {kind})"
    text = f"replace({body}, 'T', ' ')" if form.separator == "T" else body
    text = f"{text} || ':00'" if form.size == 16 else text
    conditions = [f"strlen({{0}}) = {form.size + len(form.suffix)}", f"{time}::VARCHAR = {text}"]
    if form.separator == "T":
        conditions.append("{0}[11] = 'T'")
    if form.suffix:
        conditions.append(f"{{0}}[{form.size + 1}] = '{form.suffix}'")
    return TextColumn("VARCHAR", f"{time}::TIMESTAMP", f"coalesce({' AND '.join(conditions)}, false)", form)
