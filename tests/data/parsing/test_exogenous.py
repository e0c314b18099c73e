"""Columns beside the target: how they come along in a panel, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from gatecast.data.panel import ColumnNames, check_outputs, from_values
from gatecast.data.read import read
from gatecast.errors import ConfigError, DataError

DAYS = ["2024-01-01", "2024-01-02", "2024-01-04"]
SHOPS = {
    "shop": ["a"] * 3 + ["b"] * 3,
    "ds": [*DAYS, "2024-01-02", "2024-01-03", "2024-01-04"],
    "y": [1.0, 2.0, 3.0, 5.0, 6.0, 8.0],
    "visits": [10, 20, 30, 40, 50, 60],
    "price": [1.5, 1.5, 1.25, 2.0, 2.0, 2.5],
    "event": ["fair", None, "ball", "", "fair", "NA"],
    "open": [True, True, False, True, False, True],
    "city": ["Oslo"] * 3 + ["Bern"] * 3,
    "size": [3, 3, 3, 4, 4, 4],
}
ROLES = {
    "id_col": "shop",
    "target_col": "y",
    "historic": ["visits"],
    "known": ["price", "event", "open"],
    "static": ["city", "size"],
}


def check(panel):
    """The panel of `SHOPS`."""
    nan = np.nan
    assert panel.ids.tolist() == ["a", "b"]
    assert panel.categories == {"event": ("ball", "fair"), "open": ("False", "True"), "city": ("Bern", "Oslo")}
    np.testing.assert_array_equal(panel.historic["visits"], [10, 20, nan, 30, 40, 50, 60])
    np.testing.assert_array_equal(panel.known["price"], [1.5, 1.5, nan, 1.25, 2, 2, 2.5])
    np.testing.assert_array_equal(panel.known["event"], [1, nan, nan, 0, nan, 1, nan])
    np.testing.assert_array_equal(panel.known["open"], [1, 1, nan, 0, 1, 0, 1])
    assert panel.static["city"].tolist() == [1.0, 0.0]
    assert panel.static["size"].tolist() == [3.0, 4.0]


@pytest.mark.parametrize("make", [dict, pd.DataFrame, pl.DataFrame, pa.table])
def test_columns_of_every_role_come_along(make):
    panel, _ = read(make(SHOPS), **ROLES)
    check(panel)


def test_text_files_and_rows_in_any_order(tmp_path):
    rows = [*zip(*SHOPS.values(), strict=True)]
    for order in (range(6), (5, 1, 3, 0, 2, 4)):
        lines = [",".join("" if cell is None else str(cell) for cell in rows[i]) for i in order]
        (tmp_path / "a.csv").write_text("\n".join([",".join(SHOPS), *lines]) + "\n")
        panel, _ = read(tmp_path / "a.csv", **ROLES)
        check(panel if order == range(6) else panel.take([1, 0]))


def test_heads_tails_and_selections_carry_them():
    panel, _ = read(SHOPS, **ROLES)
    head, tail, chosen = panel.drop_last(1), panel.keep_last(2), panel.take([1])
    np.testing.assert_array_equal(head.futr_exog["price"], [1.5, 1.5, np.nan, 2, 2])
    np.testing.assert_array_equal(tail.hist_exog["visits"], [np.nan, 30, 50, 60])
    assert head.stat_exog["size"].tolist() == tail.stat_exog["size"].tolist() == [3.0, 4.0]
    assert chosen.stat_exog["city"].tolist() == [0.0]
    assert chosen.futr_exog["price"].tolist() == [2.0, 2.0, 2.5]
    assert chosen.categories == panel.categories


def test_panels_without_them_have_none():
    panel = from_values([1.0, 2.0])
    assert (panel.hist_exog, panel.futr_exog, panel.stat_exog, panel.categories, panel.utc_offset_minutes) == (
        {},
        {},
        {},
        {},
        None,
    )


def test_one_name_need_not_be_a_list():
    panel, _ = read(SHOPS, "shop", "ds", "y", futr_exog="price", stat_exog="city")
    assert (list(panel.futr_exog), list(panel.stat_exog)) == (["price"], ["city"])


def test_columns_beside_the_target_are_not_taken_for_it():
    panel, _ = read({"ds": DAYS, "value": [1, 2, 3], "sales": [4, 5, 6]}, futr_exog="value")
    assert panel.columns.target == "sales"
    panel, _ = read({"year": [2024] * 3, "month": [1, 2, 3], "n": [4, 5, 6]}, futr_exog="month")
    assert panel.futr_exog["month"].tolist() == [1.0, 2.0, 3.0]


def test_categories_of_an_earlier_panel():
    first, _ = read(SHOPS, **ROLES)
    later = {name: column[3:] for name, column in SHOPS.items()}
    panel, _ = read(later, **ROLES, categories=first.categories)
    assert panel.categories == first.categories
    assert panel.stat_exog["city"].tolist() == [0.0]
    with pytest.raises(DataError) as error:
        read(later | {"city": ["Rome"] * 3}, **ROLES, categories=first.categories)
    assert str(error.value) == (
        "a category was not seen in training (position 0, column 'city'): got 'Rome', expected one of 'Bern', 'Oslo'. "
        "Correct it, leave the cell empty, or train again on data that have it."
    )


def test_static_columns_that_change_are_refused():
    with pytest.raises(DataError) as error:
        read(SHOPS | {"city": ["Oslo", "Oslo", "Bern", *["Bern"] * 3]}, **ROLES)
    assert str(error.value) == (
        "a static column changes within a series (series 'a', column 'city'): got 'Oslo' and 'Bern', expected one "
        "value for each series. Correct it, or name the column in historic or known; such series in all: 1."
    )
    with pytest.raises(DataError, match=r"series 'b', column 'size'\): got 4 and 2.5, expected one value"):
        read(SHOPS | {"size": [3, 3, 3, 4, 2.5, 4]}, **ROLES)
    panel, _ = read(SHOPS | {"size": [3, np.nan, 3, np.nan, np.nan, np.nan]}, **ROLES)
    np.testing.assert_array_equal(panel.stat_exog["size"], [3.0, np.nan])


@pytest.mark.parametrize("role", ["historic", "known", "static"])
def test_columns_that_are_not_there(role):
    with pytest.raises(ConfigError) as error:
        read({"ds": DAYS, "y": [1, 2, 3], "price": [1, 2, 3]}, target_col="y", **{role: ["prise"]})
    assert str(error.value) == (
        f"there is no column of this name ({role}): got 'prise', expected one of 'ds', 'y', 'price'. "
        "Did you mean 'price'?"
    )


@pytest.mark.parametrize(
    ("options", "got"),
    [
        ({"known": "price", "historic": "price"}, r"column 'price'\): got historic and known"),
        ({"known": ["price", "price"]}, r"column 'price'\): got known twice"),
        ({"known": "y"}, r"column 'y'\): got known and target"),
        ({"static": "shop"}, r"column 'shop'\): got static and series"),
        ({"time_col": "y"}, r"column 'y'\): got time and target"),
    ],
)
def test_columns_with_two_roles(options, got):
    with pytest.raises(ConfigError, match=rf"a column cannot be two things at once \({got}, expected one of them\."):
        read(SHOPS, **({"id_col": "shop", "target_col": "y"} | options))


def test_cells_that_are_no_numbers_among_numbers():
    table = {"ds": list(range(20)), "y": [1.0] * 20, "price": ["1.5"] * 19 + ["x"]}
    with pytest.raises(DataError, match=r"a value is not a number \(position 19, column 'price'\): got 'x'"):
        read(table, target_col="y", futr_exog="price")


def test_infinite_values_and_times_beside_the_target():
    with pytest.raises(DataError, match=r"a value is infinite \(position 1, column 'price', time 2024-01-02\)"):
        read(SHOPS | {"price": [1, np.inf, 1, 1, 1, 1]}, **ROLES)
    with pytest.raises(DataError, match=r"the known column does not hold numbers \(column 'price'\): got times"):
        read(SHOPS | {"price": np.array([0] * 6, "M8[D]")}, **ROLES)


def test_columns_called_like_outputs():
    outputs = ["LSTM", "LSTM-lo-80", "LSTM-hi-80"]
    check_outputs(ColumnNames("id", "ds", "y"), outputs)
    with pytest.raises(ConfigError) as error:
        check_outputs(ColumnNames("id", "ds", "LSTM"), outputs)
    assert str(error.value) == (
        "a column of the data is called like a column of the forecast (target_col): got 'LSTM', expected another name "
        "than 'LSTM', 'LSTM-lo-80', 'LSTM-hi-80'. Rename the column in the data."
    )
    panel, _ = read({"ds": DAYS, "y": [1, 2, 3], "LSTM": [1, 2, 3]}, target_col="y", futr_exog="LSTM")
    check_outputs(panel.columns, outputs)
