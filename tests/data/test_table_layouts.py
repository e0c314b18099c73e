"""Tables in many layouts, written in many ways, are read right or refused: never wrong without a word."""

from __future__ import annotations

import pytest
from table_layouts import LAYOUTS, difference, make

from gatecast.data.reader import read
from gatecast.errors import GatecastError

SEEDS = range(6)


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_read_of_a_mutated_layout_is_right_or_refused(layout, tmp_path):
    n_refused = 0
    for seed in SEEDS:
        table, mutations = make(layout, seed)
        path = tmp_path / f"{seed}.csv"
        path.write_bytes(table.text().encode(table.encoding))
        try:
            panel, _ = read(path, **table.arguments)
        except GatecastError:
            n_refused += 1
            continue
        assert difference(panel, table.truth) == "", (seed, mutations)
    assert n_refused == 0


def test_difference_names_what_is_wrong():
    table, _ = make("months", 0)
    panel, _ = read({"ds": list(table.truth[""]), "y": list(table.truth[""].values())})
    assert difference(panel, table.truth) == ""
    first = next(iter(table.truth[""]))
    assert "instead of" in difference(panel, {"": table.truth[""] | {first: 0.0}})
    assert "times" in difference(panel, {"": {first: 1.0}})
    assert "series" in difference(panel, {"a": table.truth[""]})
