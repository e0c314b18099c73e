"""Reading files and tables of every kind, and invalid data."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from gatecast.data.frequency import format_times, parse
from gatecast.data.panel import ColumnNames
from gatecast.data.reader import list_files, read, write
from gatecast.data.sources import files
from gatecast.errors import ConfigError, DataError

EXAMPLES = Path(__file__).parents[2] / "examples"
MONTHS = format_times(parse("MS").range(np.datetime64("1949-01-01"), 24))
ROWS = [f"{month},{100 + k}" for k, month in enumerate(MONTHS)]


@pytest.fixture
def file(tmp_path):
    """Write a text to a file and return its path."""

    def make(content: str | bytes | list[str], name: str = "a.csv") -> Path:
        path = tmp_path / name
        text = "\n".join(content) + "\n" if isinstance(content, list) else content
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return make


def refusal(source, **options) -> str:
    """The message of the error that a source raises."""
    with pytest.raises(DataError) as error:
        read(source, **options)
    return str(error.value)


class TestFiles:
    """Files that are read."""

    @pytest.mark.parametrize("header", [["Month,Passengers"], []])
    def test_with_and_without_a_header(self, file, header):
        panel, notes = read(file([*header, *ROWS]))
        assert panel.values.tolist() == list(range(100, 124))
        assert format_times(panel.times(0)) == MONTHS
        assert (str(panel.freq), panel.freq.season_length) == ("MS", 12)
        if header:
            assert (panel.columns.time, panel.columns.target) == ("Month", "Passengers")
            assert notes == (
                "time column: 'Month', target: 'Passengers', frequency: monthly (MS); "
                "24 points from 1949-01-01 to 1950-12-01.",
            )
        else:
            assert (panel.columns.time, panel.columns.target) == ("time", "value")
            assert notes[0].startswith("no header; time column: 1, target: 2, frequency: monthly (MS); 24 points")

    def test_the_examples(self):
        panel, notes = read(EXAMPLES / "air_passengers.csv")
        assert (len(panel.values), panel.values[0], panel.values[-1]) == (144, 112.0, 432.0)
        assert len(notes) == 1
        panel, notes = read(str(EXAMPLES / "M50.csv"))
        assert (len(panel.values), str(panel.freq)) == (600, "D")
        assert notes[0].startswith("no header; ")

    def test_values_alone(self, file):
        panel, notes = read(file(["5", "6", "8"]))
        assert panel.times(0).tolist() == [1, 2, 3]
        assert notes[0].startswith("no header; no time column (rows are numbered), target: 1, frequency: integer")

    def test_integer_times(self, file):
        panel, _ = read(file(["1,266.0", "2,145.9", "3,183.1"]))
        assert panel.times(0).tolist() == [1, 2, 3]
        assert str(panel.freq) == "1"

    def test_years_are_years_unless_told_otherwise(self, file):
        path = file(["year,n", "1821,269", "1822,321", "1823,585"])
        assert str(read(path)[0].freq) == "YS"
        panel, notes = read(path, freq=1)
        assert panel.start.tolist() == [1821]
        assert "frequency: integer steps" in notes[0]

    def test_a_german_spreadsheet(self, file):
        text = "Datum;Umsatz\r\n31.01.2024;1.234,5\r\n29.02.2024;987,25\r\n31.03.2024;-\r\n30.04.2024;1.000\r\n"
        panel, notes = read(file(("\ufeff" + text).encode()))
        np.testing.assert_array_equal(panel.values, [1234.5, 987.25, np.nan, 1000.0])
        assert str(panel.freq) == "ME"
        assert notes[1:] == (
            "Commas are read as decimal separators: '1.234,5' is 1234.5.",
            "1 of 4 rows has no value.",
        )

    def test_a_table_exported_by_r(self, file):
        rows = ['"","time","value"', '"1",1949,112', '"2",1949.08333333333,118', '"3",1949.16666666667,132']
        panel, _ = read(file(rows))
        assert format_times(panel.times(0)) == ["1949-01-01", "1949-02-01", "1949-03-01"]
        assert panel.values.tolist() == [112.0, 118.0, 132.0]

    def test_year_and_month_in_columns_of_their_own(self, file):
        panel, notes = read(file(["year,month,n", "2023,11,5", "2023,12,6", "2024,1,7"]))
        assert format_times(panel.times(0)) == ["2023-11-01", "2023-12-01", "2024-01-01"]
        assert "Times are joined from the columns 'year', 'month'." in notes

    def test_days_that_are_absent(self, file):
        days = parse("D").range(np.datetime64("1984-01-01"), 731)
        kept = [day for day in format_times(days) if day not in ("1984-12-31", "1985-06-01")]
        panel, notes = read(file([f"{day},{k}" for k, day in enumerate(kept)]))
        assert (len(panel.values), str(panel.freq)) == (731, "D")
        assert notes[1] == "2 of 731 times have no row and are treated as missing: 1984-12-31, 1985-06-01."

    @pytest.mark.parametrize("order", [["id,ds,y"], []])
    def test_several_series(self, file, order):
        panel, notes = read(file([*order, *(f"{shop},{row}" for shop in "AB" for row in ROWS)]))
        assert panel.ids.tolist() == ["A", "B"]
        assert panel.columns.id == ("id" if order else "unique_id")
        assert "2 series of 24 points" in notes[0]

    def test_series_without_times(self, file):
        panel, _ = read(file(["id,y", "A,1", "B,2", "A,3", "B,4"]))
        assert panel.series(0).tolist() == [1.0, 3.0]
        assert panel.times(1).tolist() == [1, 2]

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("a.json", '[{"ds": "2024-01-01", "y": 1.5}, {"ds": "2024-01-02", "y": null}]'),
            ("a.jsonl", '{"ds": "2024-01-01", "y": 1.5}\n{"ds": "2024-01-02", "y": null}\n'),
            ("a.json", '{"ds": ["2024-01-01", "2024-01-02"], "y": [1.5, null]}'),
            ("a.tsv", "ds\ty\n2024-01-01\t1.5\n2024-01-02\t\n"),
            ("no suffix", "ds,y\n2024-01-01,1.5\n2024-01-02,NA\n"),
        ],
    )
    def test_other_kinds(self, file, name, content):
        panel, _ = read(file(content, name))
        np.testing.assert_array_equal(panel.values, [1.5, np.nan])
        assert format_times(panel.times(0)) == ["2024-01-01", "2024-01-02"]

    def test_parquet_under_another_name(self, tmp_path):
        path = write({"ds": ["2024-01-01", "2024-01-02"], "y": [1.0, 2.0]}, tmp_path / "a.parquet")
        assert read(path.rename(tmp_path / "a.csv"))[0].values.tolist() == [1.0, 2.0]

    def test_large_files_are_read_alike(self, file, monkeypatch):
        for text in (
            ["# note", "id;ds;y", *(f"{shop};{row.replace(',', ';')},5" for shop in "AB" for row in ROWS)],
            ["A title", "", *ROWS],
            ["ds,y", *(f"{k + 1}/1/{year},{k}.5" for year in (2023, 2024) for k in range(12)), "1/1/2025,NA"],
        ):
            path = file(text)
            small, notes = read(path)
            with monkeypatch.context() as patch:
                patch.setattr(files, "LARGE_FILE_BYTES", 0)
                large, large_notes = read(path)
            np.testing.assert_array_equal(large.values, small.values)
            assert (large.all_times() == small.all_times()).all()
            assert large.columns == small.columns
            assert large_notes == notes

    def test_large_files_name_the_row(self, file, monkeypatch):
        monkeypatch.setattr(files, "LARGE_FILE_BYTES", 0)
        path = file(["ds,y", *ROWS[:5], "1949-06-01,abc", *ROWS[6:]])
        assert refusal(path).startswith("Invalid number (row 7, column 'y'): got 'abc'")


class TestRefusals:
    """Each bad input gets one message that says what, where, and what to do."""

    def test_one_cell_that_is_no_number(self, file):
        rows = [*ROWS[:5], "1949-06-01,abc", *ROWS[6:]]
        assert refusal(file(["ds,y", *rows])) == (
            "Invalid number (row 7, column 'y'): got 'abc', expected a number, or an empty cell for a missing value. "
            "Correct or empty the cell (invalid cells in total: 1)."
        )
        assert refusal(file(rows)).startswith("Invalid number (row 6, column 2): got 'abc'")

    def test_a_column_that_holds_no_numbers(self, file):
        message = refusal(file(["ds,y", *(f"{month},abc" for month in MONTHS)]))
        assert message.startswith("The target column is not numeric (column 'y'): got 'abc', 'abc', 'abc', ...")
        assert "set target_col" in message

    def test_times_that_cannot_be_read(self, file):
        message = refusal(file(["ds,y", *(f"step{k},{k}" for k in range(5))]))
        assert message.startswith(
            "The time column does not hold times (column 'ds'): got 'step0', 'step1', 'step2', ..."
        )
        assert "set time_col" in message
        message = refusal(file(["ds,y", *ROWS[:5], "1949-13-01,5", *ROWS[5:]]))
        assert message.startswith(
            "Invalid time (row 7, column 'ds'): got '1949-13-01', expected a time such as '1949-01-"
        )
        assert refusal(file([*ROWS[:9], "Source: Box & Jenkins", *ROWS[9:]])).startswith(
            "Invalid time (row 10, column 1)"
        )

    def test_a_time_that_is_missing(self, file):
        assert refusal(file(["ds,y", *ROWS[:5], ",5", *ROWS[6:]])).startswith(
            "Missing time (row 7, column 'ds'): expected a"
        )

    def test_a_series_without_a_name(self, file):
        message = refusal(file(["id,ds,y", *(f"A,{row}" for row in ROWS), ",1951-01-01,5"]), id_col="id")
        assert message.startswith("Missing series id (row 26, column 'id')")

    @pytest.mark.parametrize(
        ("source", "name"),
        [
            (pd.DataFrame([[1, 2.0, 3.0]] * 3, columns=["ds", "y", "y"]), "y"),
            (pd.DataFrame([[1, 2.0]] * 3, columns=["ds", "y"]).set_index("ds", drop=False), "ds"),
            (pd.Series([1.0, 2.0], index=pd.Index([1, 2], name="y"), name="y"), "y"),
            (pa.table([[1, 2], [1.0, 2.0]], names=["y", "y"]), "y"),
            (pa.record_batch([pa.array([1, 2]), pa.array([1.0, 2.0])], names=["y", "y"]), "y"),
            ({0: [1, 2], "0": [1.0, 2.0]}, "0"),
        ],
    )
    def test_columns_of_one_name(self, source, name):
        assert refusal(source).startswith(f"Duplicate column name: got 2 columns named {name!r}")

    def test_columns_of_one_name_in_a_file_are_said(self, file):
        panel, notes = read(file(["value,value", *ROWS]))
        assert notes[1] == "The header repeats 'value': column 2 is renamed to 'value (2)'."
        assert (panel.columns.time, panel.columns.target) == ("value", "value (2)")

    def test_rows_out_of_order_are_said(self, file):
        panel, notes = read(file(["ds,y", *ROWS[3:], *ROWS[:3]]))
        assert notes[1] == "Rows were not in time order and have been sorted."
        assert panel.values.tolist() == list(range(100, 124))

    @pytest.mark.parametrize("argument", ["id_col", "time_col", "target_col"])
    def test_columns_that_are_not_there(self, file, argument):
        with pytest.raises(ConfigError, match=rf"Unknown column \({argument}\): got 'nope', expected one of 'ds', 'y'"):
            read(file(["ds,y", *ROWS]), **{argument: "nope"})

    def test_values_too_large_to_compute_with(self, file):
        message = refusal(file(["ds,y", *ROWS[:5], "1949-06-01,1e308", *ROWS[6:]]))
        assert message.startswith("Value too large (row 7, column 'y', time 1949-06-01): got 1e+308, expected numbers")

    def test_infinite_values(self, file):
        message = refusal(file(["ds,y", *ROWS[:5], "1949-06-01,inf"]))
        assert message.startswith("Infinite value (row 7, column 'y', time 1949-06-01): got inf, expected a finite")

    def test_repeated_times(self, file):
        message = refusal(file(["ds,y", *ROWS, ROWS[3]]))
        assert message.startswith("Duplicate time (row 5 and row 26): got 1949-04-01 in both")

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("", "The file is empty"),
            ("ds,y\n", "The file has a header but no rows"),
            ("ds,y\n2024-01-01,5\n", "Too few rows: got one row"),
            ("2024-01-01,5\n", "Too few rows: got one row"),
            ("ds,y\n2024-01-01,\n2024-01-02,NA\n", "All values are missing (column 'y'): got 2 rows"),
            (b"\x89PNG\r\n\x1a\n\0\0", "Not a text file"),
            ("2024-01-01\n2024-01-02\n", "No numeric column for the target"),
            (
                "ds,a,b\n2024-01-01,1,2\n2024-01-02,1,2\n",
                "Ambiguous target: got the numeric columns 'b', 'a'",
            ),
        ],
    )
    def test_files_without_a_series(self, file, content, message):
        assert refusal(file(content)).startswith(message)

    def test_files_that_are_not_there(self, file, tmp_path):
        file(ROWS, "sales.csv")
        assert refusal(tmp_path / "sale.csv") == f"File not found ({tmp_path / 'sale.csv'}). Did you mean 'sales.csv'?"
        assert "the current folder is" in refusal(tmp_path / "x" / "y.csv")
        message = refusal(tmp_path)
        assert message.startswith(f"The path is a directory ({tmp_path})")
        # The advice works.
        assert f"{tmp_path}/*.csv" in message
        assert len(read(f"{tmp_path}/*.csv")[0].values) == len(ROWS)

    @pytest.mark.parametrize("name", ["a.parquet", "a.json"])
    def test_files_that_are_broken(self, file, name):
        message = refusal(file('{"ds": [1, 2', name))
        assert message.startswith(f"Cannot read the file ({file('x', 'b.csv').parent / name}): got ")
        assert "\n" not in message

    @pytest.mark.parametrize(
        ("source", "message"),
        [
            (5, "Unsupported source: got int, expected a path, a pandas, polars or Arrow table, or a dict of columns"),
            (None, "Unsupported source: got NoneType"),
            (
                np.zeros((2, 2)),
                "A column must have one dimension: got the shape (2, 2), expected (n_rows,). Pass each column by its "
                'name, such as {"y": values[:, 0]}.',
            ),
            (
                {"ds": [1, 2], "y": [1]},
                "Columns have different lengths: got 'ds' 2, 'y' 1",
            ),
            ({}, "The table has no columns"),
            ([], "Too few rows: got no rows"),
        ],
    )
    def test_things_that_are_no_tables(self, source, message):
        assert refusal(source).startswith(message)

    def test_positions_in_tables_count_from_0(self):
        message = refusal(pd.DataFrame({"ds": ["2024-01-01", "2024-01-02", "2024-01-03"], "y": ["1", "x", "2"]}))
        assert message.startswith("Invalid number (row index 1, column 'y'): got 'x'")


@pytest.mark.slow
def test_reading_text_imports_no_table_library():
    code = (
        "import sys; from gatecast.data.reader import read; "
        f"read({str(EXAMPLES / 'air_passengers.csv')!r}); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & {"duckdb", "narwhals", "pandas", "polars", "pyarrow"}


def test_read_of_two_id_columns_makes_a_series_of_each_pair():
    table = {"t": [1, 2] * 3, "store": [1, 1, 1, 1, 2, 2], "item": list("aabbaa"), "y": np.arange(6.0)}
    panel, notes = read(table, id_col=["store", "item"])
    assert panel.ids.tolist() == ["1/a", "1/b", "2/a"]
    assert panel.columns == ColumnNames(("store", "item"), "t", "y")
    assert {name: column.tolist() for name, column in panel.keys.items()} == {"store": [1, 1, 2], "item": list("aba")}
    assert notes[0].startswith("id columns: 'store', 'item', time column: 't', target: 'y'")
    assert list(panel.future_columns(1)) == ["store", "item", "t"]
    assert panel.take([2, 0]).to_columns()["store"].tolist() == [2, 2, 1, 1]
    assert read(table, id_col="store,item")[0].ids.tolist() == panel.ids.tolist()


def test_read_of_too_few_id_columns_proposes_the_others():
    table = {"t": [1, 2] * 3, "store": [1, 1, 1, 1, 2, 2], "item": list("aabbaa"), "y": np.arange(6.0)}
    with pytest.raises(DataError, match=r"Set id_col, for example id_col=\['store', 'item'\]"):
        read(table, id_col="store")


def test_read_of_two_id_columns_and_an_empty_one_raises_with_its_row():
    table = {"t": [1, 2, 1, 2], "a": ["x", "x", "y", ""], "b": ["p"] * 4, "y": np.arange(4.0)}
    with pytest.raises(DataError, match=r"Missing series id \(row index 3, column 'a'\)"):
        read(table, id_col=["a", "b"])


MISSING_IDS = {
    "NaN": pd.Series(["a", "a", np.nan, "b"], dtype=object),
    "None": pd.Series(["a", "a", None, "b"], dtype=object),
    "NA": pd.Series(["a", "a", pd.NA, "b"], dtype=object),
    "empty": pd.Series(["a", "a", "", "b"]),
    "blank": pd.Series(["a", "a", "  ", "b"]),
    "category": pd.Series(pd.Categorical(["a", "a", None, "b"])),
    "string": pd.Series(["a", "a", None, "b"], dtype="string"),
    "nullable integer": pd.Series([1, 1, None, 2], dtype="Int64"),
    "float": pd.Series([1.0, 1.0, np.nan, 2.0]),
    "time": pd.Series(pd.to_datetime(["2020-01-01", "2020-01-01", None, "2020-01-02"])),
}


@pytest.mark.parametrize("kind", MISSING_IDS)
@pytest.mark.parametrize(
    "make", [pd.DataFrame, lambda rows: {name: column.to_numpy() for name, column in rows.items()}]
)
def test_read_of_a_missing_id_names_the_row(kind, make):
    rows = {"t": pd.Series([1, 2, 1, 2]), "shop": MISSING_IDS[kind], "y": pd.Series([1.0, 2.0, 3.0, 4.0])}
    assert refusal(make(rows), id_col="shop").startswith("Missing series id (row index 2, column 'shop')")
    other = {**rows, "item": pd.Series([1, 1, 1, 1])}
    assert refusal(make(other), id_col=["shop", "item"]).startswith("Missing series id (row index 2, column 'shop')")


def test_read_of_the_id_na_keeps_it(file):
    path = file("t,land,y\n1,NA,1\n2,NA,2\n1,NE,3\n2,NE,4\n")
    assert read(path, id_col="land")[0].ids.tolist() == ["NA", "NE"]


def test_read_of_ids_that_differ_by_case_notes_it():
    rows = {"t": [1, 2, 1, 2], "shop": ["North", "North", "north", "north"], "y": [1.0, 2.0, 3.0, 4.0]}
    note = "Ids that differ only by case or spaces are different series: 'North' and 'north'."
    assert note in read(rows, id_col="shop")[1]
    assert note in read(rows | {"item": [1, 1, 1, 1]}, id_col="shop,item")[1]


def test_read_notes_columns_without_a_use():
    rows = {"t": [1, 2, 3], "y": [1.0, 2.0, 3.0], "promo": [0, 1, 0], "text": ["a", "b", "c"], "void": [None] * 3}
    note = (
        "Columns 'promo', 'text' are not used; futr_exog=['promo', 'text'] (known ahead) or hist_exog would use them."
    )
    assert note in read(rows, target_col="y")[1]
    assert note not in read(rows, target_col="y", futr_exog="promo", hist_exog="text")[1]
    assert (
        "Column 'text' is not used; futr_exog=['text'] (known ahead) or hist_exog would use it."
        in read(rows, target_col="y,promo")[1]
    )


def test_list_files_of_a_file_that_is_named_like_a_query_is_that_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "from here.csv"
    path.write_text("ds,y\n1,2\n2,3\n")
    assert list_files("from here.csv") == (Path("from here.csv"),)
    assert list_files(path) == (path,)


def test_read_of_padded_ids_in_a_text_file_leaves_the_spaces_out(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id,ds,y\n a ,1,2\na,2,3\n b,1,4\nb ,2,5\n")
    assert read(path, id_col="id")[0].ids.tolist() == ["a", "b"]


@pytest.mark.parametrize("name", ["month", "when", "年月"])
def test_read_of_a_month_13_among_months_names_the_value(tmp_path, name):
    months = [100 * (2020 + k // 12) + k % 12 + 1 for k in range(40)]
    months[15] = 202113
    path = tmp_path / "months.csv"
    path.write_text(f"{name},y\n" + "".join(f"{month},{k % 7}\n" for k, month in enumerate(months)))
    with pytest.raises(DataError, match="Invalid time") as error:
        read(path)
    assert error.value.where == f"row 17, column {name!r}"
    assert (error.value.got, error.value.expected) == ("'202113'", "a time such as '202001'")


def test_read_of_digits_newest_first_finds_the_times(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("stamp,y\n2024010103,4\n2024010102,3\n2024010101,2\n2024010100,1\n")
    panel, _ = read(path)
    assert (str(panel.freq), panel.values.tolist()) == ("h", [1.0, 2.0, 3.0, 4.0])
