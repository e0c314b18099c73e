"""Columns that a reader does not use, for a note."""

from __future__ import annotations

from collections.abc import Collection

from gatecast.data.messages import abridge
from gatecast.data.parsing.raw_table import RawTable, is_missing

__all__ = ["note_unused"]

MAX_LISTED = 3


def note_unused(table: RawTable, used: Collection[int]) -> tuple[str, ...]:
    """Return a note that names columns without a use, none if all are used; columns without a value need none.

    Args:
        table: The table.
        used: Columns with a use.

    >>> import numpy as np
    >>> note_unused(RawTable(("t", "y", "Lat"), (np.arange(2), np.arange(2), np.ones(2))), [0, 1])
    ("Column 'Lat' is not used.",)
    """
    names = [table.names[i] for i, column in enumerate(table.columns) if i not in used and not is_missing(column).all()]
    if not names:
        return ()
    listed = abridge([repr(name) for name in names[:MAX_LISTED]], len(names))
    return (f"Column {listed} is not used.",) if len(names) == 1 else (f"Columns {listed} are not used.",)
