"""Roles of columns, inferred from names and contents."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.data.parsing.column_roles import ColumnRoles, find_time_column, infer_roles
from gatecast.data.parsing.raw_table import RawTable, to_text
from gatecast.errors import ConfigError, DataError

DAYS = to_text(["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04"])
UP = np.array([1, 2, 3, 4])
NUMBERS = np.array([5.0, 3.0, 8.0, 3.5])
SHOPS = to_text(["a", "a", "b", "b"])
NOTES = to_text(["sun", "rain", "fog", "hail"])


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
        ({"date": DAYS, "n": to_text(["", "", "", ""])}, ColumnRoles(None, 0, 1)),
        ({"shop": SHOPS, "year": UP + 2000, "n": to_text(["", "", "", ""])}, ColumnRoles(None, 1, 2)),
        ({"shop": SHOPS, "year": UP + 2000, "sales": NOTES}, ColumnRoles(None, 1, 2)),
        ({"year": UP + 2000}, ColumnRoles(None, None, 0)),
        ({"Umsatz": NUMBERS, "Jahr": UP + 2000}, ColumnRoles(None, 1, 0)),
        ({"Jahr": UP[::-1] + 2000, "Umsatz": NUMBERS}, ColumnRoles(None, 0, 1)),
        ({"销量": NUMBERS, "年月": UP + 202400}, ColumnRoles(None, 1, 0)),
        ({"ventas": NUMBERS, "mes": UP[::-1] + 202400}, ColumnRoles(None, 1, 0)),
        ({"Filiale": UP % 2, "Jahr": UP // 3 + 2000, "Umsatz": NUMBERS}, ColumnRoles(0, 1, 2)),
        ({"product": SHOPS, "day": UP // 3, "sales": NUMBERS}, ColumnRoles(0, 1, 2)),
        # Ids are no target where what is forecast has booleans, texts or nothing.
        ({"unique_id": UP // 2, "ds": DAYS, "y": NUMBERS > 4}, ColumnRoles(0, 1, 2)),
        ({"unique_id": UP // 9, "ds": DAYS, "sold": NUMBERS > 4}, ColumnRoles(0, 1, 2)),
        ({"unique_id": UP // 9, "ds": DAYS, "y": NOTES}, ColumnRoles(0, 1, 2)),
        ({"store": UP // 9, "date": DAYS, "sales": to_text(["", "", "", ""])}, ColumnRoles(0, 1, 2)),
        ({"date": DAYS, "item": UP // 2, "weather": NOTES}, ColumnRoles(None, 0, 1)),
        # A column of things that change within one series.
        ({"device": SHOPS, "day": DAYS, "power": NUMBERS}, ColumnRoles(None, 1, 2)),
        ({"shop": SHOPS, "product": SHOPS, "day": to_text(["2024-01-01"] * 4), "n": NUMBERS}, ColumnRoles(None, 2, 3)),
    ],
)
def test_infer_roles_from_names_and_contents(columns, roles):
    assert infer_roles(table(**columns)) == roles


def test_infer_roles_of_ids_and_times_alone_says_that_the_target_is_missing():
    with pytest.raises(DataError, match="No numeric column for the target"):
        infer_roles(table(unique_id=UP // 9, ds=DAYS))


def test_infer_roles_of_named_columns_uses_the_names():
    columns = table(shop=SHOPS, day=DAYS, order=UP, a=NUMBERS, b=NUMBERS)
    assert infer_roles(columns, "shop", "order", "b") == ColumnRoles(0, 2, 4)


def test_infer_roles_takes_numbers_for_times_where_they_are_dates_too():
    with pytest.raises(DataError, match="Ambiguous target"):
        infer_roles(table(Umsatz=NUMBERS, Jahr=UP[::-1]))


def test_infer_roles_of_several_numeric_columns_raises_with_their_names():
    with pytest.raises(DataError, match="Ambiguous target") as error:
        infer_roles(table(ds=DAYS, a=NUMBERS, b=NUMBERS))
    assert error.value.got == "the numeric columns 'b', 'a'"
    assert error.value.fix == (
        "Set target_col, for example target_col='b'. To forecast several, set target_col='b,a', "
        "or target_col='*' for all."
    )
    assert infer_roles(table(ds=DAYS, a=NUMBERS, b=NUMBERS), target_col="b").target == 2


def test_infer_roles_without_numeric_column_raises():
    with pytest.raises(DataError, match="No numeric column for the target: got the columns 'ds'"):
        infer_roles(table(ds=DAYS))


@pytest.mark.parametrize("argument", ["id_col", "time_col", "target_col"])
def test_infer_roles_of_unknown_name_raises_with_a_suggestion(argument):
    with pytest.raises(ConfigError, match="Unknown column") as error:
        infer_roles(table(Month=DAYS, Sales=NUMBERS), **{argument: "sale"})
    message = error.value
    assert (message.where, message.got, message.expected) == (argument, "'sale'", "one of 'Month', 'Sales'")
    assert message.fix == "Did you mean 'Sales'?"


def test_infer_roles_of_several_numeric_columns_lists_the_likeliest_first():
    constant, sparse = np.ones(4), np.array([np.nan, np.nan, np.nan, 2.0])
    columns = table(
        ds=DAYS, near=NUMBERS, constant=constant, net_sales=NUMBERS, sparse=sparse, other=NUMBERS, last=NUMBERS
    )
    with pytest.raises(DataError) as error:
        infer_roles(columns)
    assert error.value.got == "the numeric columns 'net_sales', 'last', 'near', 'other', 'constant', 'sparse'"


def test_infer_roles_of_many_numeric_columns_lists_a_few():
    columns = table(ds=DAYS, **{f"a_long_name_of_a_column_{k}": NUMBERS + k for k in range(40)})
    with pytest.raises(DataError) as error:
        infer_roles(columns)
    assert len(str(error.value)) < 500
    assert "more" in error.value.got


@pytest.mark.parametrize("name", ["store_nbr", "Dept", "branch", "Product Code", "sensor"])
def test_infer_roles_of_codes_that_repeat_takes_the_other_number(name):
    codes = np.array([1, 1, 2, 2])
    assert infer_roles(table(ds=DAYS, **{name: codes}, units=NUMBERS)).target == 2
    assert infer_roles(table(ds=DAYS, product_price=NUMBERS, **{name: codes})).target == 1


@pytest.mark.parametrize("order", [("order", "ship"), ("ship", "order")])
def test_find_time_column_of_several_dates_is_the_one_that_repeats_least(order):
    days = np.datetime64("2024-01-01") + np.arange(80)
    columns = {"order": days, "ship": days + np.random.default_rng(0).integers(1, 6, 80)}
    table = RawTable((*order, "units"), (*(to_text(columns[name].astype(str)) for name in order), np.ones(80)))
    assert table.names[find_time_column(table, None, ())] == "order"


def test_advice_about_several_targets_leaves_out_names_with_a_comma():
    columns = (to_text(["2024-01", "2024-02"]), np.array([1.5, 2.5]), np.array([3.5, 4.5]))
    with pytest.raises(DataError) as caught:
        infer_roles(RawTable(("month", "Sales, USD", "Sales, EUR"), columns))
    assert "To forecast several, set target_col='*' for all." in str(caught.value)


@pytest.mark.parametrize("sold", ["units", "Units", "quantity", "qty", "sales", "demand"])
@pytest.mark.parametrize("order", [1, -1])
def test_infer_roles_what_is_sold_comes_before_its_price(sold, order):
    days = to_text(np.datetime64("2024-01-01") + np.arange(30))
    names, columns = (sold, "price")[::order], (np.arange(30.0) % 7, np.arange(30.0) % 3)
    table = RawTable(("date", *names), (days, *columns))
    assert table.names[infer_roles(table).target] == sold


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"price": 1, "units": 0}, "price"),
        ({"units": 0, "close": 1}, "close"),
        ({"units": 1, "close": 1, "volume": 1}, "close"),
        ({"price": 1, "load": 1, "units": 1}, "load"),
        ({"price": 1, "load": 1}, "price"),
        ({"price": 1, "units": 1}, "units"),
    ],
)
def test_target_is_what_is_sold_before_its_price_unless_it_never_varies(columns, expected):
    days = to_text(np.datetime64("2024-01-01") + np.arange(60))
    values = {name: np.arange(60.0) % 7 if varies else np.full(60, 4.0) for name, varies in columns.items()}
    roles = infer_roles(table(ds=days, **values))
    assert ["ds", *columns][roles.target] == expected
