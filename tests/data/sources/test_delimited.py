"""Text files: encodings, separators, headers, rows."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.data.sources.delimited import decode, has_header, read_delimited, separator
from gatecast.errors import DataError

ROWS = ["2024-01-01,1", "2024-01-02,2", "2024-01-03,3"]


def cells(text: str) -> list[list[str]]:
    """Columns of a text."""
    return [column.tolist() for column in read_delimited(text).columns]


@pytest.mark.parametrize("mark", ["\t", ";", "|", ",", " "])
def test_separators(mark):
    lines = [f"2024-01-0{day}{mark}{day}.5" for day in range(1, 5)]
    assert separator(lines) == mark
    assert cells("\n".join(lines)) == [[f"2024-01-0{day}" for day in range(1, 5)], ["1.5", "2.5", "3.5", "4.5"]]


def test_a_decimal_comma_does_not_separate():
    assert cells("a;1,5\nb;2,5\n") == [["a", "b"], ["1,5", "2,5"]]


def test_one_column_has_no_separator():
    table = read_delimited("sales\n1\n2\n")
    assert (table.names, table.named) == (("sales",), True)
    assert table.columns[0].tolist() == ["1", "2"]


@pytest.mark.parametrize(
    ("rows", "header"),
    [
        ([["time", "value"], ["2024-01-01", "1"]], True),
        ([["2024-01-01", "0"], ["2024-01-02", "1"]], False),
        ([["2024-01-01", "abc"], ["2024-01-02", "1"]], False),
        ([["date", "0"], ["2024-01-02", "1"], ["2024-01-03", "1"]], True),
        ([["1", "5"], ["2", "6"]], False),
        ([["a", "2024-01-01", "5"], ["a", "2024-01-02", "6"]], False),
        ([["id", "ds", "y"], ["a", "2024-01-02", "6"]], True),
        ([["", "y"], ["1", "6"]], True),
        ([["time", "value"]], True),
        ([["2024-01-01", "5"]], False),
        ([["sales"], ["abc"], ["def"]], True),
        ([["time", "value"], ["2024-01-01", ""], ["2024-01-02", "NA"]], True),
    ],
)
def test_headers(rows, header):
    assert has_header(rows) is header


def test_rows_keep_their_lines():
    text = "# made by hand\n\nds,y\n2024-01-01,1\n\n# a remark\n" + '"2024-01-02","2\n3"\n2024-01-03,4\n'
    table = read_delimited(text)
    assert table.names == ("ds", "y")
    assert table.rows is not None
    assert table.rows.tolist() == [4, 7, 9]
    assert table.columns[1].tolist() == ["1", "2\n3", "4"]


def test_titles_above_the_table_are_passed_over_and_said():
    table = read_delimited("Air passengers\n\nmonth,n\n" + "\n".join(ROWS))
    assert table.names == ("month", "n")
    assert table.notes == ("Row 1 above the table is passed over: 'Air passengers'.",)


def test_short_rows_are_filled_and_empty_ends_cut():
    assert cells("\n".join([*ROWS, "2024-01-04", "2024-01-05,5,,"]))[1] == ["1", "2", "3", "", "5"]


def test_long_rows_are_refused():
    with pytest.raises(DataError) as error:
        read_delimited("\n".join(["ds,y", *ROWS, "2024-01-04,1,5"]))
    assert str(error.value) == (
        "a row has too many cells (row 5): got 3 cells: '2024-01-04,1,5', expected 2, separated by ','. "
        "Put cells that contain ',' in quotation marks."
    )


def test_names_are_unique():
    table = read_delimited("y,y,\n1,2,3\n4,5,6")
    assert table.names == ("y", "y (2)", "column 3")
    assert table.notes == ("The header names 'y' more than once: column 2 is called 'y (2)'.",)
    assert read_delimited("y (3),y,y\n1,2,3\n4,5,6").names == ("y (3)", "y", "y (3)'")


@pytest.mark.parametrize("text", ["", "\n \n", "# only a remark\n"])
def test_nothing_is_refused(text):
    with pytest.raises(DataError, match=r"the file is empty \(a.csv\): expected a column of times"):
        read_delimited(text, "a.csv")


def test_a_header_alone_is_refused():
    with pytest.raises(DataError, match=r"the file has a header and no rows \(a.csv\): got the columns 'ds', 'y'"):
        read_delimited("ds,y\n", "a.csv")


def test_a_quotation_mark_left_open_is_refused():
    with pytest.raises(DataError, match=r"cannot be split into cells \(a.csv, near row \d+\): got field larger than"):
        read_delimited('ds,y\n2024-01-01,"1\n' + "2024-01-02,1\n" * 20_000, "a.csv")


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"a,1", "a,1"),
        ("Märkte".encode(), "Märkte"),
        ("\ufeffds".encode(), "ds"),
        ("Märkte".encode("utf-16"), "Märkte"),
        (b"", ""),
    ],
)
def test_encodings(raw, text):
    assert decode(raw, "a.csv") == (text, ())


def test_what_is_not_unicode_is_latin_1_and_said():
    assert decode("Märkte".encode("latin-1"), "a.csv") == (
        "Märkte",
        ("The text is not UTF-8; it is read as Latin-1.",),
    )


@pytest.mark.parametrize(
    ("raw", "got"),
    [
        (b"PK\x03\x04rest", r"a zip archive or a spreadsheet, expected CSV or TSV\. Save the sheet as CSV\."),
        (b"\x1f\x8b\x08", r"a gzip archive, expected CSV or TSV\. Unpack it first\."),
        (b"%PDF-1.7", "a PDF document"),
        (b"\x89PNG\r\n\x1a\n\0\0", "binary data, expected CSV or TSV; Parquet and JSON by their suffix"),
        (b"\x01\x02\x03" * 9, "binary data"),
    ],
)
def test_what_is_no_text_is_refused(raw, got):
    with pytest.raises(DataError, match=rf"this is not a text file \(a.csv\): got {got}"):
        decode(raw, "a.csv")


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=8).filter(
    lambda word: not word.startswith("#")
)


@given(st.lists(st.tuples(st.dates(), WORDS), min_size=3, max_size=20))
def test_what_the_csv_module_writes_is_read_back(rows):
    file = io.StringIO()
    csv.writer(file, quoting=csv.QUOTE_ALL).writerows(
        [("ds", "note"), *((day.isoformat(), word) for day, word in rows)]
    )
    assert cells(file.getvalue()) == [[day.isoformat() for day, _ in rows], [word for _, word in rows]]
