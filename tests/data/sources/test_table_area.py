"""Titles, headers, units and footers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.data.parsing.raw_table import RawTable
from gatecast.data.reader import read, read_raw
from gatecast.data.sources.delimited import read_delimited
from gatecast.errors import DataError

MONTHS = [f"{2015 + k // 12}-{k % 12 + 1:02d}" for k in range(36)]
ROWS = [f"{month},{100 + k % 17}" for k, month in enumerate(MONTHS)]


def table_of(*lines: str) -> RawTable:
    """The table of a text; its rows are all 36."""
    table = read_delimited("\n".join(lines) + "\n")
    assert len(table) == 36
    assert set(MONTHS) <= {cell for column in table.columns for cell in column}
    return table


@pytest.mark.parametrize(
    ("titles", "note"),
    [
        (["Export of sales"], "Row 1 above the table is skipped: 'Export of sales'."),
        (["Export;;"], "Row 1 above the table is skipped: 'Export'."),
        (["Export;;", "Branch: north;;", ";;"], "Rows 1 to 2 above the table are skipped: 'Export', 'Branch: north'."),
        (["Branch:;north;"], "Row 1 above the table is skipped: 'Branch:'."),
        (["Report;Sales;2024"], "Row 1 above the table is skipped: 'Report'."),
        (["2024-01-31;Report;"], "Row 1 above the table is skipped: '2024-01-31'."),
        (["a;b;c;d;e"], "Row 1 above the table is skipped: 'a'."),
        ([f"T{k};;" for k in range(9)], "Rows 1 to 9 above the table are skipped: 'T0', 'T1', 'T2', ...."),
        (["A", "", "B"], "Rows 1 and 3 above the table are skipped: 'A', 'B'."),
    ],
)  # fmt: skip
def test_find_table_skips_titles_with_one_note(titles, note):
    table = table_of(*titles, "Month;Sales;Note", *(f"{row.replace(',', ';')};" for row in ROWS))
    assert (table.names, table.notes) == (("Month", "Sales", "Note"), (note,))


@pytest.mark.parametrize(
    ("units", "text"),
    [
        (",°C,MWh", "°C, MWh"),
        ("[-],[°C],[MWh]", "[-], [°C], [MWh]"),
        ("UTC,kW,EUR", "UTC, kW, EUR"),
        ("----,---,---", "----, ---, ---"),
    ],
)
def test_find_table_skips_units_below_the_header(units, text):
    table = table_of("Month,Temp,Load", units, *(f"{row},5" for row in ROWS))
    assert table.names == ("Month", "Temp", "Load")
    assert table.notes == (f"Row 2 below the header is skipped: {text!r}.",)


@pytest.mark.parametrize(
    "top",
    [
        [",Sales,,Stock,", "Month,North,South,North,South"],
        ["Month,Sales,,Stock,", ",North,South,North,South"],
    ],
)
def test_find_table_joins_group_titles_with_the_names_below(top):
    table = table_of(*top, *(f"{row},1,2,3" for row in ROWS))
    assert table.names == ("Month", "Sales North", "Sales South", "Stock North", "Stock South")
    assert table.notes == ("Rows 1 and 2 are read as one header: column 2 is 'Sales North'.",)


def test_find_table_takes_the_name_of_the_index_from_a_row_of_its_own():
    table = table_of("Price,Close,High", "Ticker,AAPL,AAPL", "Date,,", *(f"{row},7" for row in ROWS))
    assert table.names == ("Date", "Close", "High")


@pytest.mark.parametrize(
    ("footer", "note"),
    [
        (["Total,5000"], "Row 38 below the table is left out: 'Total'."),
        (["Total,5", "Source: ours,"], "Rows 38 to 39 below the table are left out: 'Total', 'Source: ours'."),
        ([",5000"], "Row 38 below the table is left out: '5000'."),
        (["------,----", "Sum,5"], "Rows 38 to 39 below the table are left out: '------', 'Sum'."),
        (["Source: a, b, c"], "Row 38 below the table is left out: 'Source: a'."),
        (["Total 2015-2017,9"], "Row 38 below the table is left out: 'Total 2015-2017'."),
        (["Generated on 2024-01-05"], "Row 38 below the table is left out: 'Generated on 2024-01-05'."),
        (["", "1) preliminary"], "Row 39 below the table is left out: '1) preliminary'."),
        (["(36 rows)"], "Row 38 below the table is left out: '(36 rows)'."),
    ],
)
def test_find_table_leaves_out_footers_with_a_note(footer, note):
    assert table_of("Month,Sales", *ROWS, *footer).notes == (note,)


@pytest.mark.parametrize("line", ["2018-13,5", "30 Feb 2018,5", "2018-01-32,5", "31.02.2018,5", "2018,5"])
def test_find_table_keeps_an_invalid_time_at_the_end(line):
    assert len(read_delimited("\n".join(["Month,Sales", *ROWS, line]))) == 37


@pytest.mark.parametrize(
    ("times", "last"),
    [
        ([f"Jan {year}" for year in range(2000, 2020)], ["Jan 2020 (est.)", "Jan 2021 F"]),
        ([str(year) for year in range(2000, 2020)], ["FY2020", "FY2021", "FY2022"]),
        ([str(year) for year in range(2000, 2020)], ["2020A", "2021E"]),
    ],
)
def test_find_table_keeps_times_in_another_notation_at_the_end(times, last):
    lines = ["Year,n", *(f"{time},{k}" for k, time in enumerate([*times, *last])), "Source: ours,"]
    table = read_delimited("\n".join(lines) + "\n")
    assert table.columns[0].tolist() == [*times, *last]


@pytest.mark.slow
@given(st.integers(1, 34), st.sampled_from(["Total,99", ",99", "Source: ours,", "someday,5"]))
def test_find_table_keeps_a_row_without_time_in_the_middle(row, line):
    table = read_delimited("\n".join(["Month,Sales", *ROWS[:row], line, *ROWS[row:]]))
    assert (len(table), table.notes) == (37, ())


@pytest.mark.parametrize("line", ["someday,3", "someday,lots"])
def test_find_table_keeps_an_invalid_first_row(line):
    table = read_delimited("\n".join(["Month,Sales", line, *ROWS]))
    assert (table.names, len(table), table.notes) == (("Month", "Sales"), 37, ())


def test_find_table_of_few_rows_leaves_out_a_total():
    table = read_delimited("Sales;;\nMonth;Sales;Note\n2024-01;1;\n2024-02;2;\n2024-03;3;\nTotal;6;\n")
    assert (table.names, len(table)) == (("Month", "Sales", "Note"), 3)


def test_find_table_keeps_the_rows_of_the_future():
    assert len(read_delimited("\n".join(["Month,Sales,Promo", *(f"{row},1" for row in ROWS), "2018-01,,1"]))) == 37


def test_find_table_of_integer_times_leaves_out_words_alone():
    rows = [f"{k},{k % 7}" for k in range(30)]
    assert len(read_delimited("\n".join(["t,y", *rows, "Total,77"]))) == 30
    assert len(read_delimited("\n".join(["year,y", *(f"{1980 + k},{k}" for k in range(30)), ",435"]))) == 30
    assert len(read_delimited("\n".join(["y,x", *rows, ",5", "NA,6"]))) == 32
    assert len(read_delimited("\n".join(["y", *"1234567", "8l"]))) == 8


def test_find_table_aligns_a_header_without_a_name_for_the_rows():
    table = table_of("Month Sales".replace(" ", ","), *(f"{k},{row}" for k, row in enumerate(ROWS, 1)))
    assert table.names == ("column 1", "Month", "Sales")
    assert table.notes == ("The header has a name less than the rows have cells: 'Month' names column 2.",)
    assert table_of("Month;Sales", *(f"{row.replace(',', ';')};" for row in ROWS)).names[:2] == ("Month", "Sales")
    assert table_of("Month,Sales", *(f"{row},5" for row in ROWS)).names[:2] == ("Month", "Sales")


def test_find_table_drops_copies_of_the_header():
    table = table_of("Export,", "Month,Sales", *ROWS[:12], "Export,", "\ufeffMonth,Sales", *ROWS[12:])
    assert table.notes[1:] == ("Rows 15 to 16 repeat the header and are left out.",)
    assert table_of("Month,Sales", *ROWS[:12], "month,SALES", *ROWS[12:]).notes == (
        "Row 14 repeats the header and is left out.",
    )


@pytest.mark.slow
@given(
    st.lists(st.sampled_from(["Export", "Branch: north;", "Unit: EUR;;", "Report;of sales;"]), max_size=5),
    st.lists(st.sampled_from(["Total;99;", ";99;", "Source: ours", "---;---;---"]), max_size=5),
)
def test_find_table_reads_the_same_values_with_anything_around_them(titles, footers):
    lines = [*titles, "Month;Sales;Note", *(f"{row.replace(',', ';')};" for row in ROWS), *footers]
    table = table_of(*lines)
    assert table.columns[1].tolist() == [row.partition(",")[2] for row in ROWS]
    assert table.line_numbers is not None
    assert table.line_numbers[0] == len(titles) + 2
    assert len(table.notes) == bool(titles) + bool(footers)


def test_advice_on_a_remark_in_the_middle_works(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("\n".join(["Month,Sales", *ROWS[:12], "Inventory,99", *ROWS[12:]]))
    with pytest.raises(DataError, match=r"Invalid time \(row 14, column 'Month'\): got 'Inventory'.*Correct or remove"):
        read(path)


@pytest.mark.parametrize("label", ["Grand Total", "Summe"])
def test_a_sum_below_the_numbers_is_no_value(tmp_path, label):
    rows = [f"{name},{10 * k}" for k, name in enumerate("ABCDEFGH", start=1)]
    path = tmp_path / "pivot.csv"
    path.write_text("\n".join(["region,sales", *rows, f"{label},360"]) + "\n", encoding="utf-8")
    table = read_raw(path)
    assert len(table) == 8
    assert f"Row 10 below the table is left out: '{label}'." in table.notes
    path.write_text("\n".join(["region,sales", *rows, f"{label},45"]) + "\n", encoding="utf-8")
    assert len(read_raw(path)) == 9


def test_find_table_skips_rows_of_words_below_the_names_of_a_logger():
    top = ['"TOA5","CR1000","Std.27",""', "TIMESTAMP,RECORD,AirT_Avg,RH", "TS,RN,Deg C,%", ",,Avg,Smp"]
    table = table_of(*top, *(f"{row[:7]},{k},{row[8:]},{80 - k}" for k, row in enumerate(ROWS)))
    assert table.names == ("TIMESTAMP", "RECORD", "AirT_Avg", "RH")
    assert table.notes[1] == "Rows 3 to 4 below the header are skipped: 'TS, RN, Deg C, %', 'Avg, Smp'."


@pytest.mark.parametrize("title", ["Title", "Libellé", "Titel"])
def test_find_table_names_a_series_by_its_title_among_descriptions(title):
    described = [f"{title};All items", "idBank;001759970", "Updated;15/06/2023"]
    table = table_of(*described, *(row.replace(",", ";") for row in ROWS))
    assert (table.names, len(table)) == ((title, "All items"), len(ROWS))
