"""Exogenous columns: encoding, categories, and invalid columns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from gatecast.data.parsing.exogenous import encode_column
from gatecast.data.parsing.raw_table import RawTable, to_text
from gatecast.data.reader import read, read_future
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
    "hist_exog": ["visits"],
    "futr_exog": ["price", "event", "open"],
    "stat_exog": ["city", "size"],
}


def check(panel):
    """The panel of `SHOPS`."""
    nan = np.nan
    assert panel.ids.tolist() == ["a", "b"]
    assert panel.categories == {"event": ("ball", "fair"), "open": ("False", "True"), "city": ("Bern", "Oslo")}
    np.testing.assert_array_equal(panel.hist_exog["visits"], [10, 20, nan, 30, 40, 50, 60])
    np.testing.assert_array_equal(panel.futr_exog["price"], [1.5, 1.5, nan, 1.25, 2, 2, 2.5])
    np.testing.assert_array_equal(panel.futr_exog["event"], [1, nan, nan, 0, nan, 1, nan])
    np.testing.assert_array_equal(panel.futr_exog["open"], [1, 1, nan, 0, 1, 0, 1])
    assert panel.stat_exog["city"].tolist() == [1.0, 0.0]
    assert panel.stat_exog["size"].tolist() == [3.0, 4.0]


@pytest.mark.parametrize("make", [dict, pd.DataFrame, pl.DataFrame, pa.table])
def test_read_exogenous_from_every_kind_of_table(make):
    panel, _ = read(make(SHOPS), **ROLES)
    check(panel)


def test_read_exogenous_from_csv_in_any_order_of_rows(tmp_path):
    rows = [*zip(*SHOPS.values(), strict=True)]
    for order in (range(6), (5, 1, 3, 0, 2, 4)):
        lines = [",".join("" if cell is None else str(cell) for cell in rows[i]) for i in order]
        (tmp_path / "a.csv").write_text("\n".join([",".join(SHOPS), *lines]) + "\n")
        panel, _ = read(tmp_path / "a.csv", **ROLES)
        check(panel if order == range(6) else panel.take([1, 0]))


def test_panel_slices_keep_exogenous_columns():
    panel, _ = read(SHOPS, **ROLES)
    head, tail, chosen = panel.drop_last(1), panel.keep_last(2), panel.take([1])
    np.testing.assert_array_equal(head.futr_exog["price"], [1.5, 1.5, np.nan, 2, 2])
    np.testing.assert_array_equal(tail.hist_exog["visits"], [np.nan, 30, 50, 60])
    assert head.stat_exog["size"].tolist() == tail.stat_exog["size"].tolist() == [3.0, 4.0]
    assert chosen.stat_exog["city"].tolist() == [0.0]
    assert chosen.futr_exog["price"].tolist() == [2.0, 2.0, 2.5]
    assert chosen.categories == panel.categories


def test_read_accepts_a_single_name_for_a_role():
    panel, _ = read(SHOPS, "shop", "ds", "y", futr_exog="price", stat_exog="city")
    assert (list(panel.futr_exog), list(panel.stat_exog)) == (["price"], ["city"])


def test_read_exogenous_column_is_not_inferred_as_target():
    panel, _ = read({"ds": DAYS, "value": [1, 2, 3], "sales": [4, 5, 6]}, futr_exog="value")
    assert panel.columns.target == "sales"
    panel, _ = read({"year": [2024] * 3, "month": [1, 2, 3], "n": [4, 5, 6]}, futr_exog="month")
    assert panel.futr_exog["month"].tolist() == [1.0, 2.0, 3.0]


def test_read_with_categories_uses_their_codes_and_raises_on_others():
    first, _ = read(SHOPS, **ROLES)
    later = {name: column[3:] for name, column in SHOPS.items()}
    panel, _ = read(later, **ROLES, categories=first.categories)
    assert panel.categories == first.categories
    assert panel.stat_exog["city"].tolist() == [0.0]
    with pytest.raises(DataError, match="Unknown category") as error:
        read(later | {"city": ["Rome"] * 3}, **ROLES, categories=first.categories)
    assert (error.value.where, error.value.got) == ("row index 0, column 'city'", "'Rome'")
    assert "'Bern', 'Oslo'" in error.value.expected


def test_read_static_column_that_varies_raises():
    with pytest.raises(DataError, match="static column varies") as error:
        read(SHOPS | {"city": ["Oslo", "Oslo", "Bern", *["Bern"] * 3]}, **ROLES)
    assert (error.value.where, error.value.got) == ("series 'a', column 'city'", "'Oslo' and 'Bern'")
    assert "hist_exog or futr_exog (series affected: 1)" in error.value.fix
    with pytest.raises(DataError, match=r"series 'b', column 'size'\): got 4 and 2.5"):
        read(SHOPS | {"size": [3, 3, 3, 4, 2.5, 4]}, **ROLES)
    panel, _ = read(SHOPS | {"size": [3, np.nan, 3, np.nan, np.nan, np.nan]}, **ROLES)
    np.testing.assert_array_equal(panel.stat_exog["size"], [3.0, np.nan])


@pytest.mark.parametrize("role", ["hist_exog", "futr_exog", "stat_exog"])
def test_read_unknown_exogenous_column_raises_with_a_suggestion(role):
    with pytest.raises(ConfigError, match="Unknown column") as error:
        read({"ds": DAYS, "y": [1, 2, 3], "price": [1, 2, 3]}, target_col="y", **{role: ["prise"]})
    assert (error.value.where, error.value.got) == (role, "'prise'")
    assert error.value.fix == "Did you mean 'price'?"


@pytest.mark.parametrize(
    ("options", "got"),
    [
        ({"futr_exog": "price", "hist_exog": "price"}, r"column 'price'\): got hist_exog and futr_exog"),
        ({"futr_exog": ["price", "price"]}, r"column 'price'\): got futr_exog twice"),
        ({"futr_exog": "y"}, r"column 'y'\): got futr_exog and target"),
        ({"stat_exog": "shop"}, r"column 'shop'\): got stat_exog and id"),
        ({"time_col": "y"}, r"column 'y'\): got time and target"),
    ],
)
def test_read_column_with_two_roles_raises(options, got):
    with pytest.raises(ConfigError, match=rf"two roles \({got}, expected one role"):
        read(SHOPS, **({"id_col": "shop", "target_col": "y"} | options))


def test_read_invalid_number_in_exogenous_column_raises():
    table = {"ds": list(range(20)), "y": [1.0] * 20, "price": ["1.5"] * 19 + ["x"]}
    with pytest.raises(DataError, match=r"Invalid number \(row index 19, column 'price'\): got 'x'"):
        read(table, target_col="y", futr_exog="price")


def test_read_infinite_or_temporal_exogenous_column_raises():
    with pytest.raises(DataError, match=r"Infinite value \(row index 1, column 'price', time 2024-01-02\)"):
        read(SHOPS | {"price": [1, np.inf, 1, 1, 1, 1]}, **ROLES)
    with pytest.raises(DataError, match=r"futr_exog column is not numeric \(column 'price'\): got times"):
        read(SHOPS | {"price": np.array([0] * 6, "M8[D]")}, **ROLES)


KINDS = {
    "integers": ["1", "2", "10"],
    "versions": ["1.0", "1.1", "1.10"],
    "leading zeros": ["01", "02", "10"],
}
DECLARED = {
    "pandas": lambda texts: pd.DataFrame({"kind": pd.Categorical(texts)}),
    "pandas, ordered": lambda texts: pd.DataFrame({"kind": pd.Categorical(texts, texts[:3], ordered=True)}),
    "polars": lambda texts: pl.DataFrame({"kind": pl.Series(texts, dtype=pl.Categorical)}),
    "polars Enum": lambda texts: pl.DataFrame({"kind": pl.Series(texts, dtype=pl.Enum(texts[:3]))}),
    "Arrow": lambda texts: pa.table({"kind": pa.array(texts).dictionary_encode()}),
    "dict": lambda texts: {"kind": pd.Categorical(texts)},
    "dict of Series": lambda texts: {"kind": pl.Series(texts, dtype=pl.Categorical)},
}


def with_kind(table):
    """A table of nine times and values with a column `kind`."""
    columns = {"ds": np.arange(9), "y": np.arange(9.0)}
    if isinstance(table, dict):
        return columns | table
    if isinstance(table, pa.Table):
        return pa.table(columns | {"kind": table["kind"]})
    return table.assign(**columns) if isinstance(table, pd.DataFrame) else table.with_columns(**columns)


@pytest.mark.parametrize("declare", DECLARED.values(), ids=list(DECLARED))
@pytest.mark.parametrize("texts", KINDS.values(), ids=list(KINDS))
@pytest.mark.parametrize("role", ["hist_exog", "futr_exog"])
def test_columns_that_are_declared_categorical_are_categories_whatever_their_texts(role, texts, declare):
    panel, _ = read(with_kind(declare(texts * 3)), target_col="y", **{role: "kind"})
    assert panel.categories == {"kind": tuple(sorted(texts))}
    codes = getattr(panel, role)["kind"]
    assert [panel.categories["kind"][int(code)] for code in codes] == texts * 3


@pytest.mark.parametrize("values", [[1, 2, 10], [1.0, 2.5, 10.0]], ids=["integers", "floats"])
def test_categories_that_are_numbers_are_found_again_in_a_column_of_numbers(values):
    panel, _ = read(with_kind(pd.DataFrame({"kind": pd.Categorical(values * 3)})), target_col="y", futr_exog="kind")
    for later in (values[::-1], [float(value) for value in values[::-1]], pd.Categorical(values[::-1])):
        codes = read_future({"ds": [9, 10, 11], "kind": later}, panel, 3)["kind"][0].astype(int)
        assert [float(panel.categories["kind"][code]) for code in codes] == values[::-1]


def test_a_number_means_the_category_that_is_spelled_so_or_the_first_of_its_value():
    panel, _ = read(
        with_kind(pd.DataFrame({"kind": pd.Categorical(["1.1", "1.10", "2"] * 3)})), None, "ds", "y", futr_exog="kind"
    )
    assert read_future({"ds": [9, 10], "kind": [1.1, 2.0]}, panel, 2)["kind"].tolist() == [[0.0, 2.0]]
    with pytest.raises(DataError, match=r"Unknown category .*: got '3'"):
        read_future({"ds": [9, 10], "kind": [1.1, 3.0]}, panel, 2)


@pytest.mark.parametrize(
    ("texts", "is_category"),
    [
        (["01", "2", "10"], True),
        (["00", "07", "11"], True),
        (["0", "1", "10"], False),
        (["0.5", "02", "10"], False),
        (["-01", "2", "10"], False),
    ],
)
def test_integers_that_begin_with_a_zero_are_categories_in_every_source(tmp_path, texts, is_category):
    frame = with_kind(pd.DataFrame({"kind": texts * 3}))
    frame.to_csv(tmp_path / "a.csv", index=False)
    for source in (frame, frame.to_dict("list"), pl.from_pandas(frame), tmp_path / "a.csv"):
        panel, notes = read(source, target_col="y", futr_exog="kind")
        assert panel.categories == ({"kind": tuple(sorted(texts))} if is_category else {})
        told = [note for note in notes if "begin with a zero" in note]
        assert told == is_category * [
            f"Integers of column 'kind' begin with a zero, such as {min(texts)!r}, and are read as categories. To read "
            "them as numbers, write them without it."
        ]


def test_a_column_of_earlier_numbers_stays_one_whatever_is_declared_later():
    panel, _ = read(with_kind({"kind": [1, 2, 10] * 3}), target_col="y", futr_exog="kind")
    for later in (["01", "10"], pd.Categorical(["1", "10"])):
        assert read_future({"ds": [9, 10], "kind": later}, panel, 2)["kind"].tolist() == [[1.0, 10.0]]


def test_enum_columns_of_a_database_are_categories(tmp_path):
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect(str(tmp_path / "a.duckdb")) as connection:
        connection.execute(
            "CREATE TABLE a AS SELECT i AS ds, i::DOUBLE AS y,"
            " ['1.0', '1.1', '1.10'][1 + i % 3]::ENUM('1.0', '1.1', '1.10') AS kind FROM range(9) t(i)"
        )
    panel, _ = read(tmp_path / "a.duckdb", target_col="y", futr_exog="kind")
    assert panel.categories == {"kind": ("1.0", "1.1", "1.10")}


@pytest.mark.parametrize(
    ("name", "texts"), [("hour", [f"{k % 24:02d}" for k in range(96)]), ("price", [f"{k:05d}" for k in range(90, 186)])]
)
def test_padded_numbers_of_hours_and_of_a_fixed_width_are_numbers(name, texts):
    table = RawTable((name,), (to_text(texts),))
    numbers, categories = encode_column(table, 0, "futr_exog")
    assert categories is None
    assert numbers.values.tolist() == [float(text) for text in texts]
