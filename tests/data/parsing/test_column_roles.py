"""Which column is what."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.data.parsing.column_roles import ColumnRoles, assign_roles, join_parts, series_column
from gatecast.data.parsing.raw_table import RawTable, text_cells
from gatecast.errors import ConfigError, DataError

DAYS = text_cells(["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04"])
UP = np.array([1, 2, 3, 4])
NUMBERS = np.array([5.0, 3.0, 8.0, 3.5])
SHOPS = text_cells(["a", "a", "b", "b"])
NOTES = text_cells(["sun", "rain", "fog", "hail"])


def table(**columns) -> RawTable:
    """A table with a header."""
    return RawTable(tuple(columns), tuple(columns.values()))


@pytest.mark.parametrize(
    ("columns", "roles"),
    [
        ({"Month": DAYS, "Passengers": NUMBERS}, ColumnRoles(None, 0, 1)),
        ({"y": NUMBERS, "ds": DAYS}, ColumnRoles(None, 1, 0)),
        ({"unique_id": SHOPS, "ds": DAYS, "y": NUMBERS}, ColumnRoles(0, 1, 2)),
        ({"unique_id": UP // 2, "ds": UP, "y": NUMBERS}, ColumnRoles(0, 1, 2)),
        ({"rownames": UP, "time": UP, "value": NUMBERS}, ColumnRoles(None, 1, 2)),
        ({"": UP, "date": DAYS, "n": NUMBERS}, ColumnRoles(None, 1, 2)),
        ({"k": UP, "n": NUMBERS}, ColumnRoles(None, 0, 1)),
        ({"n": NUMBERS}, ColumnRoles(None, None, 0)),
        ({"time": NUMBERS}, ColumnRoles(None, None, 0)),
        ({"date": DAYS, "a": NUMBERS, "y": NUMBERS}, ColumnRoles(None, 0, 2)),
        ({"created": DAYS, "date": DAYS, "n": NUMBERS}, ColumnRoles(None, 1, 2)),
        ({"date": DAYS, "weather": NOTES, "n": NUMBERS}, ColumnRoles(None, 0, 2)),
        ({"name": NOTES, "date": DAYS, "n": NUMBERS}, ColumnRoles(None, 1, 2)),
        ({"stamp": NOTES, "n": NUMBERS}, ColumnRoles(None, 0, 1)),
        ({"date": DAYS, "n": NOTES}, ColumnRoles(None, 0, 1)),
        ({"date": DAYS, "n": text_cells(["", "", "", ""])}, ColumnRoles(None, 0, 1)),
    ],
)
def test_worked_out(columns, roles):
    assert assign_roles(table(**columns)) == roles


def test_given_by_name():
    columns = table(shop=SHOPS, day=DAYS, order=UP, a=NUMBERS, b=NUMBERS)
    assert assign_roles(columns, "shop", "order", "b") == ColumnRoles(0, 2, 4)


def test_several_targets_are_refused():
    with pytest.raises(DataError) as error:
        assign_roles(table(ds=DAYS, a=NUMBERS, b=NUMBERS))
    assert str(error.value) == (
        "several columns could be the target: got numbers in 'a', 'b', expected one column of values. "
        "Name it, as in target_col='b'."
    )


def test_no_target_is_refused():
    with pytest.raises(
        DataError, match="there is no column of values: got the columns 'ds', expected a column of numb"
    ):
        assign_roles(table(ds=DAYS))


@pytest.mark.parametrize("argument", ["id_col", "time_col", "target_col"])
def test_names_that_are_not_there_get_a_hint(argument):
    with pytest.raises(ConfigError) as error:
        assign_roles(table(Month=DAYS, Sales=NUMBERS), **{argument: "sale"})
    assert str(error.value) == (
        f"there is no column of this name ({argument}): got 'sale', expected one of 'Month', 'Sales'. "
        "Did you mean 'Sales'?"
    )


def test_repeated_times_ask_for_a_column_of_series():
    columns = table(kind=NOTES, shop=SHOPS, ds=DAYS, y=NUMBERS)
    assert series_column(columns, ColumnRoles(None, 2, 3), np.array([1, 2, 1, 2])) == 0
    assert series_column(columns, ColumnRoles(None, 2, 3), np.array([1, 2, 3, 4])) is None
    assert series_column(table(shop=SHOPS, y=NUMBERS), ColumnRoles(None, None, 1), np.array([1, 1, 1, 2])) is None


def test_parts_of_a_date_are_joined_and_it_is_said():
    parts = table(Year=np.array([2024] * 4), Month=UP, Day=text_cells("5678"), y=NUMBERS)
    joined = join_parts(parts)
    assert joined.names == ("Year-Month-Day", "y")
    assert joined.columns[0].tolist() == ["2024-01-05", "2024-02-06", "2024-03-07", "2024-04-08"]
    assert joined.notes == ("The time is made of the columns Year, Month, Day.",)
    assert join_parts(parts, time_col="Year") is parts
    assert join_parts(table(year=DAYS, month=UP)).names == ("year", "month")
