"""Notes on columns without a use."""

from __future__ import annotations

import numpy as np

from gatecast.data.parsing.raw_table import RawTable, to_text
from gatecast.data.parsing.unused_columns import note_unused


def test_note_unused_names_at_most_three_columns_that_have_values():
    columns = tuple(np.arange(2.0) for _ in range(6))
    table = RawTable(("t", "a", "b", "c", "d", "e"), columns)
    assert note_unused(table, [0, 1, 2, 3, 4, 5]) == ()
    assert note_unused(table, [0], "hist_exog") == (
        "Columns 'a', 'b', 'c' and 2 more are not used; hist_exog=['a', 'b', 'c'] would use them.",
    )
    assert note_unused(RawTable(("t", "e"), (np.arange(2), to_text(["", " "]))), [0]) == ()
