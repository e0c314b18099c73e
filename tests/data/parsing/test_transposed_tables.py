"""Tables with a row for each series and a column for each period."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gatecast.data.frequency import format_times
from gatecast.data.parsing.raw_table import RawTable, to_text
from gatecast.data.parsing.transposed_tables import are_period_names, find_periods
from gatecast.data.reader import read
from gatecast.errors import ConfigError, DataError


def table(*names, text=("a", "b"), n_keys=1) -> RawTable:
    """A table whose first columns are texts and whose others are numbers."""
    columns = [to_text(text) if k < n_keys else np.array([k, 2.0 * k]) for k in range(len(names))]
    return RawTable(names, tuple(columns))


@pytest.mark.parametrize(
    ("names", "first", "last"),
    [
        (("1/22/20", "1/23/20", "1/24/20"), "2020-01-22", "2020-01-24"),
        (("2020-01", "2020-02", "2020-03"), "2020-01-01", "2020-03-01"),
        (("Jan 2020", "Feb 2020"), "2020-01-01", "2020-02-01"),
        (("1960", "1961", "1962"), "1960-01-01", "1962-01-01"),
        (("1960 [YR1960]", "1961 [YR1961]", "1962 [YR1962]"), "1960-01-01", "1962-01-01"),
        (("X1960", "X1961", "X1962"), "1960-01-01", "1962-01-01"),
        (("X1.22.20", "X1.23.20"), "2020-01-22", "2020-01-23"),
        (("X2020.01.22", "X2020.01.23"), "2020-01-22", "2020-01-23"),
        (("FY2019", "FY2020", "FY2021"), "2019-01-01", "2021-01-01"),
        (("202001", "202002", "202003"), "2020-01-01", "2020-03-01"),
        (("20200101", "20200102", "20200103"), "2020-01-01", "2020-01-03"),
        (("Q1 2020", "Q2 2020"), "2020-01-01", "2020-04-01"),
        (("2020-01-01 00:00:00", "2020-02-01 00:00:00"), "2020-01-01", "2020-02-01"),
        (("d_1", "d_2", "d_3"), "1", "3"),
        (("week 1", "week 2", "week 3"), "1", "3"),
        (("P01", "P02", "P03"), "1", "3"),
        (("W0", "W1", "W2"), "0", "2"),
        (("0", "1", "2", "3", "4"), "0", "4"),
    ],
)
def test_find_periods_of_names_that_are_times_returns_them(names, first, last):
    periods = find_periods(table("key", *names))
    assert periods.columns == tuple(range(1, len(names) + 1))
    assert [*format_times(periods.times.values[:1]), *format_times(periods.times.values[-1:])] == [first, last]
    assert periods.are_numbered == first.isdigit()


@pytest.mark.parametrize(
    "names",
    [
        ("shop", "web", "post"),
        ("item_1", "item_2", "item_3", "item_4"),
        ("lag_1", "lag_2", "lag_3"),
        ("d_1", "d_2", "d_4"),
        ("1", "2", "3"),
        ("2020", "price", "2021"),
    ],
)
def test_find_periods_of_other_names_is_none(names):
    assert find_periods(table("key", *names)) is None


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("date", ["2020-01-01", "2020-01-02"]),
        ("when", ["01.01.2020", "02.01.2020"]),
        ("month", ["Jan", "Feb"]),
        ("quarter", ["Q1", "Q2"]),
    ],
)
def test_find_periods_next_to_a_column_of_times_is_none(name, texts):
    assert find_periods(table(name, "2020", "2021", "2022", text=texts)) is None
    assert find_periods(table(name, "d1", "d2", "d3", text=texts)) is None


def test_find_periods_of_numbered_columns_without_names_of_series_is_none():
    frame = RawTable(tuple(f"t{k}" for k in range(8)), tuple(np.random.default_rng(0).normal(size=(8, 5))))
    assert find_periods(frame) is None


def test_are_period_names_of_a_row_of_data_is_false():
    assert are_period_names(["Chad", "2020-01", "2020-02", "2020-03"])
    assert are_period_names(["Chad", "2021", "2020", "2019"])
    assert not are_period_names(["Chad", "2020", "2031", "2007"])
    assert not are_period_names(["2020-01-01", "3", "5"])


def csv(tmp_path, text) -> str:
    """A file."""
    path = tmp_path / "a.csv"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_read_of_provinces_and_countries_takes_both_as_ids(tmp_path):
    text = "Province/State,Country/Region,Lat,Long,1/22/20,1/23/20,1/24/20\n"
    text += ",Chad,1.5,2.5,,3,4\nHubei,China,1.2,5.5,6,7,8\nTibet,China,1,5,1,,2\n"
    panel, notes = read(csv(tmp_path, text))
    assert panel.ids.tolist() == ["/Chad", "Hubei/China", "Tibet/China"]
    assert panel.keys["Province/State"].tolist() == ["", "Hubei", "Tibet"]
    assert panel.lengths.tolist() == [2, 3, 3]
    assert panel.series(0).tolist() == [3.0, 4.0]
    assert notes[0] == (
        "one series per row, id columns: 'Province/State', 'Country/Region', times: 3 columns from '1/22/20' to "
        "'1/24/20', "
        "frequency: daily (D); 3 series of 2 to 3 points from 2020-01-22 to 2020-01-24."
    )
    assert notes[1] == "Columns 'Lat', 'Long' are not used; stat_exog=['Lat', 'Long'] would use them."
    assert notes[-1] == "1 of 8 values is missing."


def test_read_of_countries_whose_provinces_are_all_empty_takes_the_countries(tmp_path):
    panel, _ = read(csv(tmp_path, "Province,Country,1/22/20,1/23/20,1/24/20\n,Chad,1,2,3\n,Mali,1,2,3\n"))
    assert panel.columns.id == "Country"


def test_read_of_yearly_indicators_with_titles_and_an_empty_last_column(tmp_path):
    text = (
        '"Data Source","World Development Indicators",\n\n'
        '"Country Name","Country Code","Indicator Name","1960","1961","1962",\n'
        '"Aruba","ABW","Population","..","54608","55811",\n"Chad","TCD","Population","3","4","5",\n'
    )
    panel, notes = read(csv(tmp_path, text))
    assert panel.ids.tolist() == ["Aruba", "Chad"]
    assert panel.lengths.tolist() == [2, 3]
    assert notes[1] == (
        "Columns 'Country Code', 'Indicator Name' are not used; "
        "stat_exog=['Country Code', 'Indicator Name'] would use them."
    )


def test_read_of_numbered_periods_gives_integer_times_and_ends_series_at_their_last_value(tmp_path):
    panel, notes = read(csv(tmp_path, "V1,V2,V3,V4,V5\nY1,1,2,3,4\nY2,5,6,7,\n"))
    assert panel.times(0).tolist() == [2, 3, 4, 5]
    assert panel.lengths.tolist() == [4, 3]
    assert not any("missing" in note for note in notes)


def test_read_of_sales_of_items_in_stores_finds_the_smallest_names(tmp_path):
    days = ",".join(f"d_{k}" for k in range(1, 7))
    rows = "".join(f"{item},FOODS,{store},1,2,3,4,5,6\n" for item in ("x", "y") for store in ("CA", "TX"))
    panel, notes = read(csv(tmp_path, f"item_id,dept_id,store_id,{days}\n{rows}"))
    assert panel.columns.id == ("item_id", "store_id")
    assert notes[1] == "Column 'dept_id' is not used; stat_exog=['dept_id'] would use it."


def test_read_of_rows_with_equal_names_raises_with_the_rows(tmp_path):
    path = csv(tmp_path, "shop,item,2020-01,2020-02,2020-03\na,x,1,2,3\na,x,2,3,4\n")
    with pytest.raises(DataError, match=r"Two rows name the same series \(row 2 and row 3\).*Aggregate these rows"):
        read(path)
    path = csv(tmp_path, "shop,item,2020-01,2020-02,2020-03\na,x,1,2,3\na,y,2,3,4\n")
    with pytest.raises(DataError, match=r"Set id_col, for example id_col='item'"):
        read(path, id_col="shop")
    assert read(path, id_col="shop,item")[0].ids.tolist() == ["a/x", "a/y"]


def test_read_of_one_row_is_one_series(tmp_path):
    panel, _ = read(csv(tmp_path, "2020-01,2020-02,2020-03\n1,2,4\n"))
    assert (len(panel), panel.columns.id, panel.values.tolist()) == (1, None, [1.0, 2.0, 4.0])


def test_read_of_an_invalid_cell_names_it(tmp_path):
    with pytest.raises(DataError, match=r"Invalid number \(row 3, column '2021'\): got 'two'"):
        read(csv(tmp_path, "shop,2020,2021,2022\na,1,2,3\nb,1,two,3\nc,1,1,1\n"))


@pytest.mark.parametrize(
    "columns",
    [
        pd.date_range("2020-01-01", periods=4, freq="MS"),
        pd.period_range("2020-01", periods=4, freq="M"),
        ["2020-01", "2020-02", "2020-03", "2020-04"],
    ],
)
def test_read_of_a_dataframe_with_times_as_columns(columns):
    frame = pd.DataFrame(
        np.arange(8.0).reshape(2, 4), columns=columns, index=pd.Index([7, 9], name="shop", dtype="int8")
    )
    panel, _ = read(frame)
    assert panel.ids.tolist() == [7, 9]
    assert panel.key_types.id == "int8"
    assert str(panel.freq) == "MS"
    assert panel.series(1).tolist() == [4.0, 5.0, 6.0, 7.0]


def test_read_of_years_as_columns_gives_years_or_steps():
    frame = pd.DataFrame([["a", 1, 2, 4], ["b", 2, 3, 4]], columns=["shop", 2001, 2002, 2003])
    assert str(read(frame)[0].freq) == "YS"
    panel, _ = read(frame, freq=1)
    assert panel.times(0).tolist() == [2001, 2002, 2003]


def test_read_of_static_columns_next_to_periods_keeps_them():
    frame = pd.DataFrame({"shop": ["a", "b"], "size": [3.0, 5.0], "2020-01": [1, 2], "2020-02": [3, 4]})
    assert read(frame, stat_exog="size")[0].stat_exog["size"].tolist() == [3.0, 5.0]
    with pytest.raises(ConfigError, match=r"has only static columns \(futr_exog\): got 'size'"):
        read(frame, futr_exog="size")


def test_read_of_named_targets_keeps_a_wide_table():
    frame = pd.DataFrame({"2020": [1.0, 2.0, 1.0], "2021": [2.0, 3.0, 4.0], "2022": [5.0, 6.0, 9.0]})
    assert read(frame, target_col="*")[0].ids.tolist() == ["2020", "2021", "2022"]


@pytest.mark.parametrize("footer", ["Total,,,,9", "Source: own books,,,,", "Sum,,,,", "数据来源：国家统计局,,,,"])
def test_read_of_footers_below_rows_of_series_leaves_them_out_with_a_note(tmp_path, footer):
    days = ",".join(f"2024-01-{k:02d}" for k in range(1, 21))
    rows = "".join(f"{name},{','.join(map(str, range(20)))}\n" for name in "abc")
    panel, notes = read(csv(tmp_path, f"shop,{days}\n{rows}{footer.split(',')[0]},{',' * 18}{footer[-1].strip(',')}\n"))
    assert panel.ids.tolist() == ["a", "b", "c"]
    assert any("Below the table 1 row left out" in note for note in notes)


@pytest.mark.parametrize("label", ["Total", "Grand Total", "Gesamt", "Summe", "TOTAL SALES"])
def test_read_of_rows_with_their_total_leaves_it_out(tmp_path, label):
    rows = "shop,2020,2021,2022\na,1,2,3\nb,1,2,3\n"
    panel, notes = read(csv(tmp_path, f"{rows}{label},2,4,6\n"))
    assert panel.ids.tolist() == ["a", "b"]
    assert f"Left out as totals of others, or as headings without values: '{label}'." in notes
    # What is called so, and is no sum, is a series.
    assert read(csv(tmp_path, f"{rows}{label},2,5,7\n"))[0].ids.tolist() == ["a", "b", label]


def test_read_of_a_profit_and_loss_account_leaves_headings_and_totals_out(tmp_path):
    rows = "account,2020,2021,2022\nIncome,,,\nSales,5,6,7\nServices,1,1,2\nTotal Income,6,7,9\nExpenses,,,\n"
    panel, _ = read(csv(tmp_path, f"{rows}Payroll,3,3,3\nTotal Expenses,3,3,3\nNet Income,3,4,6\n"))
    assert panel.ids.tolist() == ["Sales", "Services", "Payroll", "Net Income"]
