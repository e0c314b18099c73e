"""Totals: which levels there are, what they sum, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gatecast.data import hierarchy as hierarchies
from gatecast.data.hierarchy import add_totals, base_series, check_hierarchy, mean_of_members, with_siblings
from gatecast.data.panel import Panel
from gatecast.data.parsing.raw_table import ColumnType
from gatecast.data.reader import read
from gatecast.errors import ConfigError, DataError


def stores(regions: str = "aab", numbers: str = "121", n_times: int = 3) -> Panel:
    """Series of stores in regions, with values 1, 2, ... one after another."""
    n = len(regions)
    table = {
        "region": np.repeat(list(regions), n_times),
        "store": np.repeat(list(numbers), n_times),
        "ds": np.tile(np.arange(1, n_times + 1), n),
        "y": np.arange(1.0, n * n_times + 1),
    }
    return read(table, id_col=["region", "store"])[0]


def test_add_totals_of_two_keys_makes_each_prefix_a_level() -> None:
    panel = add_totals(stores(), True, [])
    assert panel.hierarchy is not None
    assert panel.hierarchy.levels == ((), ("region",))
    assert panel.keys["region"].tolist() == ["total", "a", "b", "a", "a", "b"]
    assert panel.keys["store"].tolist() == ["total", "total", "total", "1", "2", "1"]
    assert panel.series(0).tolist() == [12.0, 15.0, 18.0]
    assert panel.series(1).tolist() == [5.0, 7.0, 9.0]


def test_add_totals_of_crossed_levels_sums_each_of_them() -> None:
    panel = add_totals(stores("aabb", "1212"), check_hierarchy(["region", "store"]), [])
    assert panel.hierarchy is not None
    assert panel.hierarchy.levels == (("region",), ("store",))
    assert panel.hierarchy.n_totals == 4
    assert panel.values[:12].reshape(2, 2, 3).sum(axis=1).tolist() == [[22.0, 26.0, 30.0]] * 2


def test_base_series_of_totals_are_the_series_themselves() -> None:
    panel = stores()
    assert base_series(add_totals(panel, True, [])).values.tolist() == panel.values.tolist()
    assert base_series(panel) is panel


def test_add_totals_with_gaps_and_late_series_notes_what_counts() -> None:
    table = {"shop": list("aaabb"), "ds": [1, 2, 3, 2, 3], "y": [1.0, np.nan, 3.0, 10.0, 20.0]}
    notes: list[str] = []
    panel = add_totals(read(table, id_col="shop")[0], True, notes)
    assert panel.series(0).tolist() == [1.0, 11.0, 23.0]
    assert notes[0] == "totals: total (1); forecasts and sample paths of all levels add up."
    assert any("begins later than others and counts as 0" in note for note in notes)
    assert any(note.startswith("1 missing value of series 'a' counts") for note in notes)


def test_add_totals_of_an_unknown_column_names_it() -> None:
    with pytest.raises(ConfigError, match="Unknown column 'city' in hierarchy") as error:
        add_totals(stores(), (("city",),), [])
    assert "'region', 'store'" in str(error.value)


def test_add_totals_of_a_level_that_sums_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="no level has sums of several series"):
        add_totals(stores(), (("region", "store"),), [])


def test_add_totals_of_a_single_series_is_refused() -> None:
    with pytest.raises(ConfigError, match="there is a single series"):
        add_totals(stores("a", "1"), True, [])


def test_add_totals_of_data_with_totals_is_refused() -> None:
    table = {"shop": ["a", "a", "Total", "Total"], "ds": [1, 2, 1, 2], "y": [1.0, 2.0, 3.0, 4.0]}
    with pytest.raises(DataError, match="The data hold totals already") as error:
        add_totals(read(table, id_col="shop")[0], True, [])
    assert "'Total'" in str(error.value)


@pytest.mark.parametrize("value", [3, [], [3], [["a", 3]], {"a": 1}])
def test_check_hierarchy_of_anything_else_is_refused(value: Any) -> None:
    with pytest.raises(ConfigError, match="Invalid hierarchy"):
        check_hierarchy(value)


@pytest.mark.parametrize("value", [None, False])
def test_check_hierarchy_without_levels_is_false(value: Any) -> None:
    assert check_hierarchy(value) is False


def panel_of(rows, **columns):
    """A panel of (store, item, time, value)."""
    store, item, ds, y = zip(*rows, strict=True)
    table = {"store": list(store), "item": list(item), "ds": list(ds), "y": np.array(y, float), **columns}
    return read(table, id_col=["store", "item"], time_col="ds", target_col="y", futr_exog=tuple(columns))[0]


GRID = [(s, i, t, 10 * k + t) for k, (s, i) in enumerate([(1, "a"), (1, "b"), (2, "a"), (2, "b")]) for t in (1, 2, 3)]


def ids(panel):
    return list(zip(*(column.tolist() for column in panel.id_columns().values()), strict=True))


def test_add_totals_true_is_the_total_and_every_prefix():
    notes = []
    panel = add_totals(panel_of(GRID), True, notes)
    assert ids(panel)[:4] == [("total", "total"), ("1", "total"), ("2", "total"), ("1", "a")]
    assert panel.ids.tolist()[:2] == ["total/total", "1/total"]
    assert panel.series(0).tolist() == [64.0, 68.0, 72.0]
    assert panel.series(2).tolist() == [52.0, 54.0, 56.0]
    assert notes == ["totals: total (1), store (2); forecasts and sample paths of all levels add up."]


def test_add_totals_named_levels_may_cross():
    panel = add_totals(panel_of(GRID), (("item",), ("store",), ("store", "item")), [])
    assert ids(panel)[:4] == [("total", "a"), ("total", "b"), ("1", "total"), ("2", "total")]
    assert panel.series(0).tolist() == [22.0, 24.0, 26.0]


def test_add_totals_of_totals_starts_from_the_series():
    panel = add_totals(panel_of(GRID), True, [])
    again = add_totals(base_series(panel), True, [])
    assert again.values.tolist() == panel.values.tolist()
    assert again.ids.tolist() == panel.ids.tolist()


def test_add_totals_a_missing_value_counts_as_the_last_before():
    rows = [row for row in GRID if row[:3] != (1, "a", 2)]
    notes = []
    panel = add_totals(panel_of(rows), True, notes)
    assert panel.series(0).tolist() == [64.0, 67.0, 72.0]
    assert notes[1].startswith("1 missing value of series '1/a' counts in totals as the last value")


def test_add_totals_is_missing_where_most_of_it_is():
    rows = [row for row in GRID if row[2] != 2 or row[:2] == (1, "a")]
    panel = add_totals(panel_of(rows), True, [])
    assert np.isnan(panel.series(0)[1])
    assert panel.series(1)[1] == 2 + 11  # one of two is known: the last value of the other


def test_add_totals_a_late_series_counts_as_0_before():
    rows = [row for row in GRID if row[:2] != (2, "b") or row[2] == 3]
    notes = []
    panel = add_totals(panel_of(rows), True, notes)
    assert panel.series(0).tolist() == [33.0, 36.0, 72.0]
    assert "series '2/b' begins later than others and counts as 0 in totals before." in notes


def test_add_totals_a_series_that_ends_early_is_continued():
    rows = [row for row in GRID if row[:2] != (2, "b") or row[2] < 3]
    notes = []
    panel = add_totals(panel_of(rows), True, notes)
    assert panel.series(0).tolist() == [64.0, 68.0, 71.0]
    assert panel.lengths.tolist() == [3] * 7
    assert any(note.startswith("series '2/b' ends before the others") for note in notes)


def test_add_totals_repeated_levels_are_left_out_and_noted():
    notes = []
    panel = add_totals(panel_of([row for row in GRID if row[0] == 1]), True, notes)
    assert ids(panel) == [("total", "total"), ("1", "a"), ("1", "b")]
    assert notes[0] == "the level store has the same series as another one and is left out."


def test_add_totals_takes_means_of_exogenous_columns():
    panel = add_totals(panel_of(GRID, price=np.arange(12.0)), True, [])
    assert panel.futr_exog["price"][:3].tolist() == [4.5, 5.5, 6.5]


@pytest.mark.parametrize("name", ["total", "Total", "TOTAL "])
def test_add_totals_data_with_totals_are_refused(name):
    rows = [*GRID, *((name, "a", t, 1.0) for t in (1, 2, 3))]
    with pytest.raises(DataError, match="The data hold totals already \\(column 'store'\\)"):
        add_totals(panel_of(rows), True, [])


def test_add_totals_an_unknown_column_is_refused():
    with pytest.raises(ConfigError, match="Unknown column 'shop' in hierarchy: expected id columns: 'store', 'item'"):
        add_totals(panel_of(GRID), (("shop",),), [])


def test_add_totals_levels_without_sums_are_refused():
    with pytest.raises(ConfigError, match="no level has sums of several series"):
        add_totals(panel_of(GRID), (("store", "item"),), [])


def test_add_totals_a_single_series_is_refused():
    with pytest.raises(ConfigError, match="there is a single series"):
        add_totals(read([1.0, 2.0, 3.0])[0], True, [])


def test_add_totals_times_off_a_common_grid_are_refused():
    table = {"id": ["a"] * 3 + ["b"] * 3, "ds": [0, 2, 4, 1, 3, 5], "y": np.ones(6)}
    panel = read(table, id_col="id", freq=2)[0]
    with pytest.raises(DataError, match="have no totals"):
        add_totals(panel, True, [])


def test_add_totals_keeps_several_targets_apart():
    table = {"shop": ["a", "a", "b", "b"], "ds": [1, 2, 1, 2], "sold": [1.0, 2, 3, 4], "price": [9.0, 9, 9, 9]}
    panel = read(table, id_col="shop", time_col="ds", target_col=["sold", "price"])[0]
    panel = add_totals(panel, True, [], unsummed=panel.columns.ids[-1:])
    assert ids(panel)[:2] == [("total", "sold"), ("total", "price")]
    assert panel.series(0).tolist() == [4.0, 6.0]


@pytest.mark.parametrize(
    ("value", "levels"),
    [
        (None, False),
        (False, False),
        (True, True),
        ("total", ((),)),
        ("store", (("store",),)),
        (["total", "store", "store/item"], ((), ("store",), ("store", "item"))),
        ([["store"], ["store", "item"]], (("store",), ("store", "item"))),
        ([()], ((),)),
    ],
)
def test_check_hierarchy_takes_names_and_lists(value, levels):
    assert check_hierarchy(value) == levels


@pytest.mark.parametrize("value", [3, [], {}, [1], [["a", 2]], 1.5])
def test_check_hierarchy_refuses_everything_else(value):
    with pytest.raises(ConfigError, match="Invalid hierarchy"):
        check_hierarchy(value)


def test_with_siblings_adds_the_others_up_to_the_same_time():
    old = panel_of(GRID)
    some = panel_of([(2, "a", 1, 5.0), (2, "a", 2, 6.0)])
    whole = with_siblings(some, old)
    assert whole.ids.tolist() == old.ids.tolist()
    assert whole.lengths.tolist() == [2, 2, 2, 2]
    assert whole.series(2).tolist() == [5.0, 6.0]


def test_with_siblings_of_strangers_are_these():
    some = panel_of([(7, "a", 1, 5.0), (7, "a", 2, 6.0)])
    assert with_siblings(some, panel_of(GRID)) is some


def test_with_siblings_of_other_starts_end_where_the_given_series_do():
    starts = {(1, "a"): 1, (1, "b"): 2, (2, "a"): 3}
    old = panel_of([(*key, t, 10 * t) for key, first in starts.items() for t in range(first, first + 6)])
    some = panel_of([*((2, "a", t, t) for t in (4, 5, 6)), *((3, "a", t, -t) for t in (5, 6, 7))])
    whole = with_siblings(some, old)
    assert whole.ids.tolist() == ["1/a", "1/b", "2/a", "3/a"]
    assert [whole.series(s).tolist() for s in range(4)] == [
        [10.0, 20.0, 30.0, 40.0, 50.0, 60.0],
        [20.0, 30.0, 40.0, 50.0, 60.0, 70.0],
        [4.0, 5.0, 6.0],
        [-5.0, -6.0, -7.0],
    ]
    assert whole.start.tolist() == [1, 2, 4, 5]
    assert with_siblings(panel_of([(1, "b", t, t) for t in (2, 3)]), old).lengths.tolist() == [3, 2, 1]


def test_with_siblings_of_all_series_are_these():
    old = panel_of(GRID)
    assert with_siblings(old, old) is old


def test_mean_of_members_is_that_of_what_is_known():
    panel = add_totals(panel_of(GRID), True, [])
    column = np.array([[1.0, np.nan, 5.0], [3.0, np.nan, np.nan], [8.0, 2.0, 9.0], [4.0, 4.0, np.nan]])
    means = mean_of_members({"a": column, "b": column[:, 0]}, panel)
    totals = [[4.0, 3.0, 7.0], [2.0, np.nan, 5.0], [6.0, 3.0, 9.0]]
    np.testing.assert_array_equal(means["a"], np.concatenate([totals, column]))
    np.testing.assert_array_equal(means["b"], [4.0, 2.0, 6.0, 1.0, 3.0, 8.0, 4.0])
    assert mean_of_members({"b": column[:, 0]}, panel_of(GRID))["b"].tolist() == [1.0, 3.0, 8.0, 4.0]


def test_mean_of_members_of_categories_is_missing():
    day = np.tile(["Mo", "Tu", "We"], 4).astype(object)
    panel = add_totals(panel_of(GRID, day=day), True, [])
    assert np.isnan(panel.futr_exog["day"][:9]).all()
    assert panel.futr_exog["day"][9:].tolist() == [0.0, 1.0, 2.0] * 4
    means = mean_of_members({"day": np.ones((4, 7))}, panel)["day"]
    assert means.shape == (7, 7)
    assert np.isnan(means[:3]).all()


def test_add_totals_joins_columns_of_series_that_begin_and_end_at_other_times():
    rows = [row for row in GRID if row[:3] not in ((1, "a", 1), (2, "b", 3))]
    price = np.array(
        [
            100.0 * k + t
            for k, (s, i) in enumerate([(1, "a"), (1, "b"), (2, "a"), (2, "b")])
            for t in (1, 2, 3)
            if (s, i, t) not in ((1, "a", 1), (2, "b", 3))
        ]
    )
    panel = add_totals(panel_of(rows, price=price), True, [])
    assert panel.start.tolist() == [1, 1, 1, 2, 1, 1, 1]
    assert panel.lengths.tolist() == [3, 3, 3, 2, 3, 3, 3]
    expected = [
        [(11 + 21 + 31), (2 + 12 + 22 + 32), (3 + 13 + 23 + 32)],
        [11.0, 14.0, 16.0],
        [52.0, 54.0, 55.0],
        [2.0, 3.0],
        [11.0, 12.0, 13.0],
        [21.0, 22.0, 23.0],
        [31.0, 32.0, np.nan],
    ]
    prices = [
        [(101 + 201 + 301) / 3, (2 + 102 + 202 + 302) / 4, (3 + 103 + 203) / 3],
        [101.0, 52.0, 53.0],
        [251.0, 252.0, 203.0],
        [2.0, 3.0],
        [101.0, 102.0, 103.0],
        [201.0, 202.0, 203.0],
        [301.0, 302.0, np.nan],
    ]
    np.testing.assert_array_equal(panel.values, np.concatenate(expected))
    np.testing.assert_allclose(panel.futr_exog["price"], np.concatenate(prices))
    assert panel.known_future == {}


@pytest.mark.parametrize(("n_known", "total"), [(1, np.nan), (2, 2 + 11 + 21 + 32), (3, 2 + 11 + 22 + 32)])
def test_add_totals_needs_half_of_the_series_that_have_begun(n_known, total):
    order = [(2, "b", 2), (1, "a", 2), (2, "a", 2)][:n_known]
    rows = [row for row in GRID if row[2] != 2 or row[:3] in order]
    panel = add_totals(panel_of(rows), ((),), [])
    np.testing.assert_array_equal(panel.series(0)[1], total)


def test_add_totals_before_any_series_has_a_value_is_missing():
    table = {"shop": list("aaabbb"), "ds": [1, 2, 3] * 2, "y": [np.nan, 1.0, 2.0, np.nan, np.nan, 5.0]}
    notes = []
    panel = add_totals(read(table, id_col="shop")[0], True, notes)
    assert panel.series(0).tolist() == [1.0, 7.0]
    assert panel.start.tolist()[:1] == [2]


def test_add_totals_of_series_without_a_value_says_so():
    table = {"shop": list("aaabbbccc"), "ds": [1, 2, 3] * 3, "y": [1.0, 2.0, 3.0] + [np.nan] * 3 + [1.0, np.nan, 9.0]}
    notes = []
    panel = add_totals(read(table, id_col="shop")[0], True, notes)
    assert panel.series(0).tolist() == [2.0, 3.0, 12.0]
    assert "series 'b' without a value counts as 0 in totals." in notes
    assert any(note.startswith("1 missing value of series 'c' counts") for note in notes)
    assert not any("later than others" in note or "before the others" in note for note in notes)


def test_add_totals_notes_the_last_time_of_all_series():
    rows = [row for row in GRID if row[:2] != (2, "b") or row[2] < 3]
    notes = []
    add_totals(panel_of(rows), True, notes)
    assert "series '2/b' ends before the others: its missing values up to 3 are forecast from its last values." in notes


def test_add_totals_off_the_grid_names_the_first_such_series():
    table = {"id": np.repeat(list("abc"), 3), "ds": [0, 2, 4, 1, 3, 5, 3, 5, 7], "y": np.ones(9)}
    with pytest.raises(DataError, match="series 'b'") as caught:
        add_totals(read(table, id_col="id", freq=2)[0], True, [])
    assert "got a first time of 1" in str(caught.value)


def test_add_totals_too_many_are_refused(monkeypatch):
    monkeypatch.setattr(hierarchies, "MAX_TOTALS", 3)
    assert add_totals(panel_of(GRID), True, []).hierarchy.n_totals == 3
    monkeypatch.setattr(hierarchies, "MAX_TOTALS", 2)
    with pytest.raises(DataError, match="The levels have 3 totals") as caught:
        add_totals(panel_of(GRID), True, [])
    assert "at most 2" in str(caught.value)


def test_add_totals_has_the_members_of_each_sum():
    panel = add_totals(panel_of(GRID), (("item",), (), ("store",)), [])
    assert panel.hierarchy.levels == (("item",), (), ("store",))
    assert panel.hierarchy.parents.tolist() == [[0, 1, 0, 1], [2, 2, 2, 2], [3, 3, 4, 4]]
    assert panel.indptr.tolist() == list(range(0, 28, 3))
    assert panel.keys["item"].tolist() == ["a", "b", "total", "total", "total", "a", "b", "a", "b"]


def test_add_totals_keeps_known_future_columns_where_all_series_end_together():
    known = {"price": np.array([[12.0, 13.0], [14.0, 15.0], [16.0, 17.0], [18.0, 19.0]])}
    panel = replace(panel_of(GRID, price=np.arange(12.0)), known_future=known)
    totals = add_totals(panel, True, []).known_future["price"]
    assert totals[:3].tolist() == [[15.0, 16.0], [13.0, 14.0], [17.0, 18.0]]
    np.testing.assert_array_equal(totals[3:], known["price"])


def test_add_totals_has_ids_of_text():
    shop = pd.Categorical(list("aabb"), categories=["b", "a"], ordered=True)
    single = read(pd.DataFrame({"shop": shop, "ds": [1, 2, 1, 2], "y": [1.0, 2.0, 5.0, 7.0]}), id_col="shop")[0]
    assert single.key_types.ordered
    text = add_totals(single, True, []).key_types
    assert (text.id, text.categories, text.ordered, text.keys) == ("", (), False, ())
    several = panel_of(GRID)
    assert len(several.key_types.keys) == 2
    assert add_totals(several, True, []).key_types.keys == (ColumnType(), ColumnType())
