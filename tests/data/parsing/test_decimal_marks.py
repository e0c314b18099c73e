"""Decimal marks of tables: what other columns, dates and whole numbers tell of numbers that could have either."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import gatecast as gc
from gatecast.data.parsing.decimal_marks import find_decimal_mark
from gatecast.data.parsing.raw_table import RawTable, to_text
from gatecast.data.reader import read

GROUPED, PLAIN = ["1.004", "850", "912", "1.150"], ["12,5", "11,75", "9", "8,1"]
DAYS = ["30.01.2024", "31.01.2024", "01.02.2024", "02.02.2024"]


def table(**columns):
    return RawTable(tuple(columns), tuple(to_text(column) for column in columns.values()))


@pytest.mark.parametrize(
    ("columns", "mark"),
    [
        ({"a": GROUPED}, ","),
        ({"a": ["1.004", "1.150", "1.220", "1.333"]}, ""),
        ({"a": ["1.004", "850", "912", "1200"]}, ""),
        ({"a": ["1.998", "2", "2.003", "3"]}, ""),
        ({"a": ["0", "0", "1.234", "2.345"]}, ""),
        ({"a": ["-850", "912", "-1.004", "1.150"]}, ","),
        ({"a": ["850", "1.300"], "b": ["912", "950"], "c": ["1.004", "1.010"], "d": ["1.150", "870"]}, ","),
        # Whole numbers of other columns, such as ids, say nothing.
        ({"shop": ["101", "102", "103", "104"], "price": ["1.004", "1.150", "1.220", "1.333"]}, ""),
        ({"a": ["1.004", "1.150", "1.220", "1.333"], "b": PLAIN}, ","),
        ({"a": ["1,004", "1,150", "1,220", "1,333"], "b": ["12.5", "11.75", "9", "8.1"]}, "."),
        ({"a": ["1,004", "1,150"], "b": ["12.5", "11,75"]}, ""),
        ({"day": DAYS, "a": ["1.004", "1.150", "1.220", "1.333"]}, ""),
        # What stands for missing or full, two kinds of quantities, codes, and clock times say nothing.
        ({"a": ["10.856", "10.911", "-999", "-999", "10.877", "100"]}, ""),
        (
            {"kind": ["density", "flow"] * 3, "a": ["1.024", "386", "1.021", "402", "1.027", "377"]},
            "",
        ),
        ({"channel": ["1,2"] * 4, "a": ["22.858", "22.761", "22.904", "22.877"]}, ""),
        ({"pack": ["1,5 L", "2,5 L", "0,7 L", "1,2 L"], "a": ["22.858", "22.761", "22.904", "22.877"]}, ""),
        ({"clock": ["08.30", "09.00", "09.30", "10.00"], "a": GROUPED}, ","),
        ({"day": ["2024-01-30"] * 4, "a": ["1,004", "1,150", "1,220", "1,333"]}, ""),
        ({"month": ["01.2024", "02.2024", "03.2024", "04.2024"], "a": GROUPED}, ","),
        ({"text": ["see 1,5", "none", "b", "c"]}, ""),
    ],
)
def test_find_decimal_mark(columns, mark):
    assert find_decimal_mark(table(**columns)) == mark


def test_numbers_of_data_frames_have_no_marks():
    assert find_decimal_mark(RawTable(("a",), (np.array([1.5, 2.25]),))) == ""


def sales(values, separator=";", day="{:02d}.01.2024", name="y"):
    rows = [f"{day.format(k + 1)}{separator}{value}" for k, value in enumerate(values)]
    return "\n".join([f"day{separator}{name}", *rows]) + "\n"


@pytest.mark.parametrize(
    ("values", "day", "expected", "note"),
    [
        (["1.764", "1.727", "1.803"], "{:02d}.01.2024", [1.764, 1.727, 1.803], "If they are thousands separators"),
        (["12,850", "11,912", "13,004"], "{:02d}.01.2024", [12.85, 11.912, 13.004], "'12,850' is 12.85"),
        (["12,850", "11,912", "13,004"], "2024-01-{:02d}", [12.85, 11.912, 13.004], "If they are thousands separators"),
        (["12.850", "911", "13.004"], "2024-01-{:02d}", [12.85, 911, 13.004], "If they are thousands separators"),
        (["12.850", "911", "13.004", "870"], "2024-01-{:02d}", [12850, 911, 13004, 870], "'12.850' is 12850"),
        (["1,352E+01", "2,5E1", "7"], "2024-01-{:02d}", [13.52, 25, 7], "'1,352E+01' is 13.52"),
    ],
)
def test_read_takes_the_mark_of_the_table(tmp_path, values, day, expected, note):
    path = tmp_path / "sales.csv"
    path.write_text(sales(values, day=day))
    panel, notes = read(path)
    assert panel.values.tolist() == expected
    assert any(note in each for each in notes)


def test_new_rows_and_future_columns_have_the_mark_of_fit():
    days = pd.date_range("2024-01-01", periods=70).strftime("%Y-%m-%d")
    price = [f"{10 + k % 7},5" for k in range(70)]
    old = pd.DataFrame({"ds": days[:60], "y": [f"{900 + k % 7},25" for k in range(60)], "price": price[:60]})
    forecaster = gc.Forecaster(5, model="dot", futr_exog="price").fit(old)
    new = pd.DataFrame({"ds": days[60:65], "y": ["901,250", "902,125", "903,375", "904,500", "905,750"]})
    updated = forecaster.update(new.assign(price=["11,500"] * 5))
    assert updated.panel_.values[-5:].tolist() == [901.25, 902.125, 903.375, 904.5, 905.75]
    future = pd.DataFrame({"ds": days[65:], "price": ["11,500"] * 5})
    other = pd.DataFrame({"ds": days[65:], "price": ["11,5"] * 5})
    for name, column in updated.predict(futr_df=other).items():
        assert updated.predict(futr_df=future)[name].tolist() == column.tolist()
