"""Adding rows and series to panels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gatecast.data.panel import ColumnNames, KeyTypes, from_values
from gatecast.data.panel_builder import build_panel
from gatecast.data.panel_update import (
    Changes,
    complete_history,
    count_changes,
    extend_panel,
    match_series,
    note_changes,
    prepend_history,
)
from gatecast.errors import DataError


@pytest.fixture(name="old")
def _old():
    return build_panel([1, 2, 3, 1, 2], [1.0, 2, 3, 4, 5], ["a", "a", "a", "b", "b"])[0]


def test_match_series_finds_ids_and_steps_by_which_they_end_later(old):
    new, _ = build_panel([3, 4, 5, 1, 2], [9.0, 8, 7, 6, 5], ["b", "b", "b", "c", "c"])
    matches, steps_later = match_series(new, old)
    assert matches.tolist() == [1, -1]
    assert steps_later.tolist() == [3, 0]


def test_extend_panel_replaces_rows_and_fills_gaps_with_missing_values(old):
    new, _ = build_panel([2, 3, 5, 6, 0, 1], [20.0, 30, 70, 80, 6, 7], ["a", "a", "b", "b", "c", "c"])
    extended = extend_panel(old, new)
    assert extended.ids.tolist() == ["a", "b", "c"]
    assert [extended.series(s).tolist() for s in (0, 2)] == [[1, 20, 30], [6, 7]]
    np.testing.assert_array_equal(extended.series(1), [4, 5, np.nan, np.nan, 70, 80])
    assert extended.start.tolist() == [1, 1, 0]


def test_extend_panel_by_rows_with_a_gap_keeps_the_values_within_it(old):
    around, _ = build_panel([0, 1, 4], [9.0, 10.0, 40.0], ["a"] * 3)
    assert extend_panel(old, around).series(0).tolist() == [9, 10, 2, 3, 40]


@pytest.mark.parametrize(
    ("times", "values", "ids", "expected"),
    [
        ([2, 3, 4], [2.0, 30.0, 40.0], ["a"] * 3, (1, 1, 0)),
        ([6, 7], [6.0, 7.0], ["a"] * 2, (2, 0, 2)),
        ([-3, -2], [6.0, 7.0], ["a"] * 2, (2, 0, 2)),
        ([4, 5, 7], [6.0, 7.0, 8.0], ["a"] * 3, (3, 0, 1)),
        ([9, 10], [6.0, 7.0], ["c"] * 2, (2, 0, 0)),
    ],
)
def test_count_changes_of_new_replaced_and_missing_values(old, times, values, ids, expected):
    new, _ = build_panel(times, values, ids)
    assert count_changes(old, new)[:3] == expected
    n_after = int(extend_panel(old, new).mask.sum())
    assert n_after - int(old.mask.sum()) == expected[0]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (Changes(3, 0, 0, "y"), ()),
        (Changes(1, 2, 0, "y"), ("2 known values are replaced by new ones.",)),
        (Changes(1, 0, 1, "y"), ("1 time between the known rows and the new ones has no value.",)),
        (Changes(1, 0, 0, "z"), ("The new values are those of 'z', the known ones those of 'y'.",)),
    ],
)
def test_note_changes_says_what_a_user_may_not_expect(changes, expected):
    assert note_changes(changes, "y") == expected


def test_extend_panel_by_earlier_rows_moves_the_start(old):
    earlier, _ = build_panel([-1, 0], [8.0, 9.0], ["a", "a"])
    extended = extend_panel(old, earlier)
    assert extended.series(0).tolist() == [8, 9, 1, 2, 3]
    assert extended.start.tolist() == [-1, 1]


def test_extend_panel_merges_exogenous_columns_and_raises_if_they_differ():
    old = replace(from_values([1.0, 2.0], start=1), futr_exog={"price": np.array([5.0, 6.0])})
    new = replace(from_values([3.0], start=3), futr_exog={"price": np.array([7.0])})
    assert extend_panel(old, new).futr_exog["price"].tolist() == [5, 6, 7]
    with pytest.raises(DataError, match=r"other futr_exog columns: got \[\], expected \['price'\]"):
        extend_panel(old, from_values([3.0], start=3))


def test_extend_panel_by_times_between_the_steps_raises():
    old = from_values([1.0, 2.0], start="2024-01-01", freq="h")
    new = from_values([3.0], start="2024-01-01T02:30", freq="h")
    with pytest.raises(DataError, match="do not continue the series"):
        extend_panel(old, new)


def test_extend_panel_keeps_the_key_types_of_the_old_panel(old):
    old = replace(old, key_types=KeyTypes("pandas", id="category"))
    assert extend_panel(old, replace(old, key_types=KeyTypes())).key_types == old.key_types


def test_complete_history_returns_the_new_series_with_their_old_rows(old):
    new, _ = build_panel([3, 4, 1, 2], [9.0, 8, 6, 5], ["b", "b", "c", "c"])
    completed = complete_history(new, old)
    assert completed.ids.tolist() == ["b", "c"]
    assert completed.series(0).tolist() == [4, 5, 9, 8]
    assert completed.series(1).tolist() == [6, 5]


def test_prepend_history_puts_known_rows_before_new_ones_and_nothing_after():
    old = build_panel([1, 2, 3, 4] * 2, [1.0, 2, 3, 4, 5, 6, 7, 8], ["a"] * 4 + ["b"] * 4)[0]
    columns = ColumnNames("id", "t", "y")
    new = replace(build_panel([3, 4, 3, 4], [9.0, 9.5, 3.0, 3.5], ["b", "b", "c", "c"])[0], columns=columns)
    joined = prepend_history(new, old)
    assert [joined.series(s).tolist() for s in range(2)] == [[5.0, 6.0, 9.0, 9.5], [3.0, 3.5]]
    assert joined.start.tolist() == [1, 3]


def test_prepend_history_gap_before_a_named_series_is_missing():
    old, new = (
        build_panel(t, y, ["a", "a"], columns=ColumnNames("id", "t", "y"))[0]
        for t, y in (([1, 2], [1, 2]), ([5, 6], [9, 8]))
    )
    np.testing.assert_array_equal(prepend_history(new, old).values, [1.0, 2.0, np.nan, np.nan, 9.0, 8.0])


@pytest.mark.parametrize(
    ("values", "start"),
    [([7.0, 8.0, 9.0], 2), ([1.0, 2.0], 1), ([1.0, 2.0], -3), ([1.0, 2.0], 6)],
    ids=["other values", "same start", "earlier", "after a gap"],
)
def test_prepend_history_single_series_that_does_not_continue_stays_alone(values, start):
    new = from_values(values, start=start)
    assert prepend_history(new, from_values([1.0, 2.0, 3.0, 4.0], start=1)) is new


def test_prepend_history_single_series_with_equal_overlap_is_the_same():
    joined = prepend_history(from_values([3.0, 4.0, 5.0], start=3), from_values([1.0, 2.0, 3.0, 4.0], start=1))
    assert joined.values.tolist() == [1.0, 2.0, 3.0, 4.0, 5.0]


@pytest.mark.parametrize(
    ("old_ids", "new_ids", "expected"),
    [
        ([1, 2], ["new"], ["1", "2", "new"]),
        ([1, 2], ["3"], [1, 2, 3]),
        ([1, 2], [2.5], ["1", "2", "2.5"]),
        (np.array([1, 2], np.int8), [300], [1, 2, 300]),
        (["a", "b"], [3], ["a", "b", "3"]),
        ([1, 2], [2**63], [1, 2, 2**63]),
        (np.array([1, 2**64 - 1], np.uint64), ["3"], [1, 2**64 - 1, 3]),
        ([-1, 2], [2**63], ["-1", "2", str(2**63)]),
    ],
)
def test_joined_ids_are_integers_where_all_of_them_can_be(old_ids, new_ids, expected):
    old = from_values([1.0, 2.0]).take(np.zeros(2, np.int64))
    old = replace(old, ids=np.array(old_ids), columns=ColumnNames(id="id"))
    new = replace(from_values([1.0, 2.0]), ids=np.array(new_ids, object), columns=ColumnNames(id="id"))
    assert extend_panel(old, new).ids.tolist() == expected
