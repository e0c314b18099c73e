"""Text files: encodings, separators, headers, rows."""

from __future__ import annotations

import contextlib
import csv
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.data.reader import read
from gatecast.data.sources.delimited import detect_separator, has_header, read_delimited
from gatecast.errors import DataError, GatecastError

ROWS = ["2024-01-01,1", "2024-01-02,2", "2024-01-03,3"]


def cells(text: str) -> list[list[str]]:
    """Columns of a delimited text."""
    return [column.tolist() for column in read_delimited(text).columns]


@pytest.mark.parametrize("mark", ["\t", ";", "|", ",", " "])
def test_detect_separator(mark):
    lines = [f"2024-01-0{day}{mark}{day}.5" for day in range(1, 5)]
    assert detect_separator(lines) == mark
    assert cells("\n".join(lines)) == [[f"2024-01-0{day}" for day in range(1, 5)], ["1.5", "2.5", "3.5", "4.5"]]


def test_detect_separator_ignores_decimal_commas():
    assert cells("a;1,5\nb;2,5\n") == [["a", "b"], ["1,5", "2,5"]]


def test_read_delimited_of_a_single_column():
    table = read_delimited("sales\n1\n2\n")
    assert (table.names, table.has_header) == (("sales",), True)
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
def test_has_header(rows, header):
    assert has_header(rows) is header


def test_read_delimited_keeps_line_numbers():
    text = "# made by hand\n\nds,y\n2024-01-01,1\n\n# a remark\n" + '"2024-01-02","2\n3"\n2024-01-03,4\n'
    table = read_delimited(text)
    assert table.names == ("ds", "y")
    assert table.line_numbers is not None
    assert table.line_numbers.tolist() == [4, 7, 9]
    assert table.columns[1].tolist() == ["1", "2\n3", "4"]


def test_read_delimited_skips_titles_with_a_note():
    table = read_delimited("Air passengers\n\nmonth,n\n" + "\n".join(ROWS))
    assert table.names == ("month", "n")
    assert table.notes == ("Row 1 above the table is skipped: 'Air passengers'.",)


def test_read_delimited_pads_short_rows_and_trims_empty_cells():
    assert cells("\n".join([*ROWS, "2024-01-04", "2024-01-05,5,,"]))[1] == ["1", "2", "3", "", "5"]


def test_read_delimited_with_a_long_row_raises():
    with pytest.raises(DataError, match="Too many cells in a row") as error:
        read_delimited("\n".join(["ds,y", *ROWS, "2024-01-04,1,5"]))
    assert (error.value.where, error.value.got) == ("row 5", "3 cells: '2024-01-04,1,5'")
    assert error.value.expected == "2 cells, separated by ','"


def test_read_delimited_makes_column_names_unique():
    table = read_delimited("y,y,\n1,2,3\n4,5,6")
    assert table.names == ("y", "y (2)", "column 3")
    assert table.notes == ("The header repeats 'y': column 2 is renamed to 'y (2)'.",)
    assert read_delimited("y (3),y,y\n1,2,3\n4,5,6").names == ("y (3)", "y", "y (3)'")


@pytest.mark.parametrize("text", ["", "\n \n", "# only a remark\n"])
def test_read_delimited_of_an_empty_text_raises(text):
    with pytest.raises(DataError, match=r"The file is empty \(a.csv\): expected a column of times"):
        read_delimited(text, "a.csv")


def test_read_delimited_of_a_header_alone_raises():
    with pytest.raises(DataError, match=r"header but no rows \(a.csv\): got the columns 'ds', 'y'"):
        read_delimited("ds,y\n", "a.csv")


def test_read_delimited_with_an_unclosed_quotation_mark_raises():
    with pytest.raises(
        DataError, match=r"Cannot split the file into cells \(a.csv, near row \d+\): got field larger than"
    ):
        read_delimited('ds,y\n2024-01-01,"1\n' + "2024-01-02,1\n" * 20_000, "a.csv")


def test_read_delimited_with_an_unclosed_quotation_mark_in_a_short_text_raises():
    with pytest.raises(DataError, match=r"Cannot split .* near row 3\): got an unclosed quotation mark"):
        read_delimited('ds,y\n2024-01-01,1\n2024-01-02,"2\n2024-01-03,3\n', "a.csv")


@pytest.mark.parametrize(
    ("mark", "comment"),
    [
        (",", "# a remark"),
        (",", "#a, b, c"),
        (";", "// a remark"),
        (",", "% a remark"),
        ("\t", "; a remark"),
        (",", '# 5", or, "6'),
        (",", '"# a remark",'),
    ],
)
def test_read_delimited_skips_comments_with_a_note(mark, comment):
    rows = [row.replace(",", mark) for row in ROWS]
    table = read_delimited("\n".join([comment, f"ds{mark}y", rows[0], comment, *rows[1:]]))
    assert (table.names, table.columns[1].tolist()) == (("ds", "y"), ["1", "2", "3"])
    assert table.line_numbers is not None
    assert table.line_numbers.tolist() == [3, 5, 6]
    assert len(table.notes) == 1
    assert table.notes[0].startswith("Rows 1 and 4 are comments and are skipped: ")


def test_read_delimited_takes_a_commented_header():
    assert read_delimited("\n".join(["# made", "# ds,y", *ROWS])).names == ("ds", "y")
    assert read_delimited("\n".join(["#,ds,y", *(f"{k},{row}" for k, row in enumerate(ROWS))])).names[1:] == ("ds", "y")


def test_read_delimited_keeps_ids_that_begin_like_comments():
    assert cells("\n".join(["id,ds,y", *(f"#1,{row}" for row in ROWS)]))[0] == ["#1"] * 3


def test_read_delimited_keeps_lines_in_a_quoted_cell_that_begin_like_comments():
    assert cells('ds,y,note\n2024-01-01,1,"a\n# b ""c"" "\n2024-01-02,2,d\n')[2] == ['a\n# b "c" ', "d"]


@pytest.mark.parametrize("n_columns", [20_000])
def test_read_delimited_of_long_lines(n_columns):
    names = [f"series number {k}" for k in range(n_columns)]
    lines = [",".join(["ds", *names]), *(",".join([f"2024-01-0{k}", *["1.5"] * n_columns]) for k in range(1, 4))]
    table = read_delimited("\n".join(lines))
    assert (len(table.names), len(table)) == (n_columns + 1, 3)


@pytest.mark.parametrize("cell", ["x" * 200_000, " " * 200_000 + "5", "1," * 100_000, '"' + "a,b " * 50_000 + '"'])
def test_read_delimited_of_long_cells(cell):
    limit = csv.field_size_limit()
    table = read_delimited("\n".join(["ds;y;note", *(f"2024-01-0{k};{k};{cell}" for k in range(1, 5))]))
    assert (table.names, len(table)) == (("ds", "y", "note"), 4)
    assert csv.field_size_limit() == limit


def test_read_delimited_abridges_notes_on_repeated_names():
    notes = read_delimited(
        "\n".join([",".join(["ds", *["y"] * 9]), *(f"2024-01-0{k}" + ",1" * 9 for k in (1, 2))])
    ).notes
    assert notes[-1] == "5 more columns with repeated names are renamed."
    assert len(notes) == 4


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=8).filter(
    lambda word: not word.startswith("#")
)


@pytest.mark.slow
@given(st.lists(st.tuples(st.dates(), WORDS), min_size=3, max_size=20))
def test_read_delimited_round_trips_the_csv_module(rows):
    file = io.StringIO()
    csv.writer(file, quoting=csv.QUOTE_ALL).writerows(
        [("ds", "note"), *((day.isoformat(), word) for day, word in rows)]
    )
    assert cells(file.getvalue()) == [[day.isoformat() for day, _ in rows], [word for _, word in rows]]


def test_a_carriage_return_inside_a_row_is_refused_or_read_and_no_defect(tmp_path):
    """The csv module raises an error of its own, also while the separator is looked for."""
    path = tmp_path / "a.csv"
    for text in ("ds\ty\n2024-01\t1\rx\n2024-02\t2\n", "ds,y\n2024-01,1\r2\n2024-02,2\n", 'ds,y\n"a\r'):
        path.write_bytes(text.encode())
        with contextlib.suppress(GatecastError):
            read(path)
    detect_separator(["a\rb;c", "1;2", "3;4"])


def test_decimal_commas_between_commas_are_refused(tmp_path):
    rows = [f"2024-01-0{k},{10 + k},{k}2" for k in range(1, 6)]
    text = "\n".join(["date,val", *rows]) + "\n"
    with pytest.raises(DataError, match="Rows have more cells than the header") as error:
        read_delimited(text)
    assert (error.value.where, error.value.got) == ("row 2", "3 cells: '2024-01-01,11,12'")
    # Row numbers that R writes, and flags in a column without a name.
    assert len(read_delimited("t,y\n" + "".join(f"{k},{k},{k + 11}\n" for k in range(1, 9)))) == 8
    assert len(read_delimited("date,val\n" + "".join(f"2024-01-0{k},{10 + k},{k % 2}\n" for k in range(1, 9)))) == 8
    for follow in (text.replace(",", ";", 1).replace("\n", "\n"), text.replace("date,val", "date,val,rest")):
        assert len(read_delimited(follow)) >= 5


@pytest.mark.parametrize(
    ("header", "row", "joined"),
    [
        ("year month sales", "{t:%Y} {t.month} {y:.2f}", "year-month"),
        ("year month sales", "{t:%Y} {t:%m} {y:.2f}", "year-month"),
        ("YY  MM DD hh mm WSPD", "{t:%Y %m %d %H %M} {y:6.2f}", "YY-MM-DD-hh-mm"),
        ("#YY  MM DD hh mm WSPD WVHT\n#yr  mo dy hr mn m m", "{t:%Y %m %d %H %M} {y:6.2f}  MM", "YY-MM-DD-hh-mm"),
    ],
)
def test_spaces_between_parts_of_times_and_numbers_separate_cells(tmp_path, header, row, joined):
    step, n = ("M8[M]", 40) if joined == "year-month" else ("M8[m]", 60)
    times = (np.datetime64("2019-11").astype(step) + (1 if n == 40 else 10) * np.arange(n)).astype("M8[s]")
    lines = [row.format(t=t.item(), y=98.4 + k) for k, t in enumerate(times)]
    (tmp_path / "a.txt").write_text("\n".join([header, *lines]))
    panel, notes = read(tmp_path / "a.txt")
    assert f"time column: '{joined}'" in notes[0]
    assert panel.start[0] == times[0]
    assert panel.values.tolist() == [98.4 + k for k in range(n)]


@pytest.mark.parametrize("cells", ["1 234 567", "1 234.50", "200 kWh"])
def test_spaces_within_numbers_separate_no_cells(cells):
    assert detect_separator([cells] * 5) == ","


def test_spaces_do_not_show_which_cell_is_empty():
    lines = ["year n m", *(f"{year} 1.5 2.5" for year in range(2000, 2010)), "2010 3.5", "2011 1.5 2.5"]
    with pytest.raises(
        DataError, match=r"Too few cells in a row \(row 12\): got 2 words: '2010 3.5', expected 3 words"
    ):
        read_delimited("\n".join(lines))
    assert len(read_delimited("\n".join(lines).replace("2010", "2010 NA"))) == 12
