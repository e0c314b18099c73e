"""Tables within JSON values: any value has records, or none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.data.sources.json_tables import begins_plainly, find_records

SCALARS = (
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.sampled_from(["", "2024-01", "a"])
)
KEYS = st.sampled_from(
    [
        "data",
        "columns",
        "values",
        "id",
        "dimension",
        "category",
        "index",
        "label",
        "value",
        "2024-01",
        "2024-02",
        "metric",
    ]
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=25
)


@pytest.mark.slow
@given(VALUES)
def test_any_value_has_records_of_cells_or_none(value):
    records = find_records(value)
    for record in records or []:
        assert all(isinstance(key, str) for key in record)
        assert not any(isinstance(cell, list | dict) for cell in record.values())


def test_cubes_of_too_many_cells_are_none():
    category = {"category": {"index": {str(k): k for k in range(1000)}}}
    cube = {"id": ["a", "b", "c"], "dimension": {name: category for name in "abc"}, "value": {"0": 1}}
    assert find_records(cube) is None


def test_cells_of_a_cube_are_in_the_order_of_their_categories():
    dimension = {
        "geo": {"category": {"index": {"FR": 1, "DE": 0}}},
        "time": {"category": {"index": ["2023", "2024"]}},
        "unit": {"category": {"label": {"EUR": "euros"}}},
    }
    records = find_records({"id": ["geo", "unit", "time"], "dimension": dimension, "value": [1, 2, 3, None]})
    assert [tuple(record.values()) for record in records] == [
        ("DE", "2023", 1),
        ("DE", "2024", 2),
        ("FR", "2023", 3),
        ("FR", "2024", None),
    ]


@pytest.mark.parametrize(
    "text", ["", "[", "[{", "0", '"a"', "[[1, 2]]", '{"a": {"b": 1}}', '[{"a": [1]}]', '[{"a": 1}, [2]]']
)
def test_what_does_not_begin_with_records_of_cells(text):
    assert not begins_plainly(text)
