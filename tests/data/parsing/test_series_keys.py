"""Columns that name series."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.data.parsing.column_roles import ColumnRoles
from gatecast.data.parsing.raw_table import RawTable, to_text
from gatecast.data.parsing.series_keys import (
    are_zones,
    find_id_columns,
    infer_id_columns,
    join_ids,
    naming_columns,
    note_similar_ids,
    parse_keys,
    propose_id_columns,
    split_names,
)
from gatecast.errors import ConfigError, DataError

SHOPS = to_text(["a", "a", "b", "b"])
NOTES = to_text(["sun", "rain", "fog", "hail"])
DAYS = to_text(["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04"])
NUMBERS = np.array([5.0, 3.0, 8.0, 3.5])


def table(**columns) -> RawTable:
    """A table with a header."""
    return RawTable(tuple(columns), tuple(columns.values()))


def grid(n_times=12, **keys) -> RawTable:
    """A table with every combination of keys at every time, in a column t, and y."""
    rows = list(itertools.product(range(n_times), *keys.values()))
    columns = list(zip(*rows, strict=True))
    arrays = {
        name: to_text(column) if isinstance(column[0], str) else np.array(column)
        for name, column in zip(keys, columns[1:], strict=True)
    }
    return table(t=np.array(columns[0]), **arrays, y=np.arange(len(rows)) * 1.5)


def inferred(data: RawTable, named: int | None = None) -> tuple[str, ...]:
    """Names of the inferred id columns of a table with t and y."""
    roles = ColumnRoles(named, data.names.index("t"), data.names.index("y"))
    return tuple(data.names[i] for i in infer_id_columns(data, roles, data.columns[roles.time]))


def test_infer_id_columns_of_repeated_times_returns_the_text_that_tells_rows_apart():
    columns = table(kind=NOTES, shop=SHOPS, ds=DAYS, y=NUMBERS)
    assert infer_id_columns(columns, ColumnRoles(None, 2, 3), np.array([1, 2, 1, 2])) == (1,)
    assert infer_id_columns(columns, ColumnRoles(None, 2, 3), np.array([1, 2, 3, 4])) == ()
    assert infer_id_columns(table(shop=SHOPS, y=NUMBERS), ColumnRoles(None, None, 1), np.array([1, 1, 1, 2])) == ()


@pytest.mark.parametrize(
    ("keys", "proposal"),
    [
        ({"store": [1, 2], "item": [1, 2, 3]}, "id_col=['store', 'item']"),
        ({"store": ["1", "2"], "item": ["1", "2", "3"]}, "id_col=['store', 'item']"),
        ({"city": ["Bonn", "Ulm"], "fuel": ["gas", "oil"]}, "id_col=['city', 'fuel']"),
        ({"branch": [7, 8, 9]}, "id_col='branch'"),
        ({"a": ["x", "y"], "b": [1, 2], "c": ["p", "q"]}, "id_col=['a', 'b', 'c']"),
    ],
)
def test_infer_id_columns_of_numbers_or_several_columns_proposes_them(keys, proposal):
    with pytest.raises(DataError, match="Several rows have the same time") as raised:
        inferred(grid(**keys))
    assert str(raised.value).endswith(f"Set id_col, for example {proposal}.")
    assert raised.value.argument == "id_col"


def test_infer_id_columns_of_a_usual_name_under_which_times_repeat_proposes_both():
    data = grid(store=[1, 2], item=[1, 2, 3])
    with pytest.raises(DataError, match=r"id_col=\['store', 'item'\]"):
        inferred(data, named=data.names.index("item"))


@pytest.mark.parametrize(
    "other",
    [
        ["CEST", "CEST", "CET", "CET", "CET", "CET"],
        ["+02:00", "+02:00", "+01:00", "+01:00", "+01:00", "+01:00"],
        ["", "first", "second", "", "", ""],
        ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat"],
    ],
)
def test_infer_id_columns_of_one_repeated_time_is_no_name(other):
    assert inferred(table(t=np.array([1, 2, 2, 3, 4, 5]), note=to_text(other), y=np.arange(6.0))) == ()


def test_infer_id_columns_of_a_usual_name_that_alternates_over_times_is_no_name():
    days = table(t=np.arange(14), name=to_text(list("MTWTFSS") * 2), y=np.arange(14.0))
    assert inferred(days, named=1) == ()
    runs = table(t=np.arange(14), name=to_text(["a"] * 7 + ["b"] * 7), y=np.arange(14.0))
    assert inferred(runs, named=1) == ("name",)


def test_infer_id_columns_with_few_duplicates_returns_the_text_so_that_they_can_be_reported():
    data = grid(n_times=40, shop=["a", "b"])
    doubled = np.concatenate([np.arange(len(data)), [3]])
    data = RawTable(data.names, tuple(column[doubled] for column in data.columns))
    assert inferred(data) == ("shop",)


def test_propose_id_columns_adds_to_the_named_ones():
    data = grid(store=[1, 2], item=[1, 2, 3])
    with pytest.raises(DataError, match=r"id_col=\['store', 'item'\]"):
        propose_id_columns(data, [1], data.columns[0], [0, 3], named=True)
    propose_id_columns(data, [1, 2], data.columns[0], [0, 3], named=True)


def test_find_id_columns_takes_lists_and_commas():
    data = table(store=NUMBERS, item=NUMBERS)
    for names in (["store", "item"], ("store", "item"), "store,item", "store, item"):
        assert find_id_columns(data, names) == (0, 1)
    assert find_id_columns(data, "item") == (1,)
    assert find_id_columns(data, None) == ()


@pytest.mark.parametrize("names", ["store,store", [], ","])
def test_find_id_columns_of_no_or_equal_names_raises(names):
    with pytest.raises(ConfigError, match="Invalid id_col"):
        find_id_columns(table(store=NUMBERS, item=NUMBERS), names)


def test_find_id_columns_of_an_unknown_name_raises_with_a_suggestion():
    with pytest.raises(ConfigError, match="Did you mean 'item'"):
        find_id_columns(table(store=NUMBERS, item=NUMBERS), "store,itm")


def test_split_names_keeps_a_column_whose_name_has_a_comma():
    assert split_names(table(**{"Sales, EUR": NUMBERS}), "Sales, EUR") == ("Sales, EUR",)


def test_parse_keys_of_several_columns_keeps_their_types_in_order_of_appearance():
    keys = parse_keys(table(store=np.array([2, 2, 1]), item=to_text(["b", "a", "a"])), [0, 1])
    assert keys.ids.tolist() == ["2/b", "2/a", "1/a"]
    assert keys.columns["store"].tolist() == [2, 2, 1]
    assert keys.columns["store"].dtype.kind == "i"
    assert keys.columns["item"].tolist() == ["b", "a", "a"]


@given(st.lists(st.tuples(st.text("a/\\b", max_size=4), st.text("a/\\b", max_size=4)), min_size=1, unique=True))
def test_join_ids_of_different_keys_differ(pairs):
    first, second = (to_text(part) for part in zip(*pairs, strict=True))
    assert len(set(join_ids([first, second]).tolist())) == len(pairs)


def test_naming_columns_is_the_smallest_set_that_is_unique():
    data = table(province=to_text(["x", "y", "", ""]), country=to_text(["A", "A", "B", "C"]))
    assert naming_columns(data, [0, 1]) == (0, 1)
    assert naming_columns(data, [1]) == ()


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["CET", "CEST"], True),
        (["+01:00", "+0200"], True),
        (["UTC", "Z"], True),
        (["UTC+1"], True),
        (["north", "south"], False),
        (["A", "B"], False),
        ([], False),
    ],
)
def test_are_zones(texts, expected):
    assert are_zones(to_text(texts)) is expected


def test_infer_id_columns_prefers_one_text_to_several_columns():
    data = grid(store=[1, 2], item=[1, 2])
    code = to_text([f"{s}-{i}" for s, i in zip(data.columns[1].tolist(), data.columns[2].tolist(), strict=True)])
    assert inferred(RawTable((*data.names, "code"), (*data.columns, code))) == ("code",)


def test_infer_id_columns_of_blocks_that_share_few_times_returns_the_text():
    shops = table(shop=to_text(["a"] * 9 + ["b"] * 2), t=np.array([*range(9), 1, 2]), y=np.arange(11.0))
    assert inferred(shops) == ("shop",)
    seasons = table(
        clock=to_text(["summer"] * 5 + ["winter"] * 5), t=np.array([*range(5), *range(4, 9)]), y=np.ones(10)
    )
    assert inferred(seasons) == ()


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (["North", "north"], "'North' and 'north'"),
        (["North", "North "], "'North' and 'North '"),
        (["A  b", "a b"], "'A  b' and 'a b'"),
        (["North", "South", "7"], None),
    ],
)
def test_note_similar_ids(ids, expected):
    notes = note_similar_ids([to_text(ids)])
    assert notes == ((f"Ids that differ only by case or spaces are different series: {expected}.",) if expected else ())
