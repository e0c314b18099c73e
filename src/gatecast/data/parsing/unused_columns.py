"""Columns that a reader does not use, for a note."""

from __future__ import annotations

from collections.abc import Collection

from gatecast.data.messages import abridge
from gatecast.data.parsing.column_roles import ROW_NUMBER_NAMES
from gatecast.data.parsing.raw_table import RawTable, is_missing

__all__ = ["note_unused"]

MAX_LISTED = 3


def note_unused(table: RawTable, used: Collection[int], argument: str = "futr_exog") -> tuple[str, ...]:
    """Return a note that names columns without a use, none if all are used.

    Columns without a value and row numbers are not worth a note.

    Args:
        table: The table.
        used: Columns with a use.
        argument: Argument that would use them.

    >>> import numpy as np
    >>> note_unused(RawTable(("t", "y", "promo"), (np.arange(2), np.arange(2), np.ones(2))), [0, 1])
    ("Column 'promo' is not used; futr_exog=['promo'] (known ahead) or hist_exog would use it.",)
    """
    if not table.has_header:
        return ()
    names = [table.names[i] for i in range(len(table.names)) if i not in used and _is_worth_a_note(table, i)]
    if not names:
        return ()
    first = names[:MAX_LISTED]
    listed = abridge([repr(name) for name in first], len(names))
    other = " (known ahead) or hist_exog" if argument == "futr_exog" else ""
    advice = f"{argument}=[{', '.join(map(repr, first))}]{other} would use"
    if len(names) == 1:
        return (f"Column {listed} is not used; {advice} it.",)
    return (f"Columns {listed} are not used; {advice} them.",)


def _is_worth_a_note(table: RawTable, i: int) -> bool:
    """Whether a column has values that are not row numbers."""
    column = table.columns[i]
    if table.names[i].lower() in ROW_NUMBER_NAMES and len(set(column.tolist())) == len(column):
        return False
    return not is_missing(column).all()
