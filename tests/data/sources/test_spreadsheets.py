"""Spreadsheets as sources of tables."""

from __future__ import annotations

import sys
import zipfile
from datetime import date, datetime, time
from pathlib import Path

import numpy as np
import pytest

from gatecast.data.reader import list_files, read
from gatecast.data.sources import spreadsheets
from gatecast.data.sources.files import from_file
from gatecast.errors import ConfigError, DataError

pytest.importorskip("python_calamine")
from spreadsheet_files import write_ods, write_xlsx

DAYS = [date(2024, 1, day) for day in range(1, 29)]
ROWS = [["day", "sold"], *([day, 1.5 * k] for k, day in enumerate(DAYS))]
VALUES = [1.5 * k for k in range(28)]
WRITERS = {".xlsx": write_xlsx, ".ods": write_ods}


@pytest.fixture(params=WRITERS)
def write(request, tmp_path):
    """Write sheets as a spreadsheet of each kind."""
    return lambda **sheets: WRITERS[request.param](tmp_path / f"a{request.param}", sheets)


@pytest.fixture
def xlsx(tmp_path):
    """Write sheets as .xlsx."""
    return lambda **sheets: write_xlsx(tmp_path / "a.xlsx", sheets)


def refusal(source, kind=DataError) -> str:
    """The message of the error that a source raises."""
    with pytest.raises(kind) as error:
        read(source)
    return str(error.value)


class TestCells:
    """Types of cells."""

    def test_dates_and_numbers_keep_their_types(self, write):
        table = from_file(write(Sales=ROWS))
        assert table.names == ("day", "sold")
        assert [column.dtype.name for column in table.columns] == ["datetime64[us]", "float64"]
        assert table.columns[0].astype("M8[D]").tolist() == DAYS
        assert table.columns[1].tolist() == VALUES
        assert table.notes == ()

    def test_every_type_of_cell(self, write):
        rows = [["t", "hour", "n", "x", "flag", "text", "mixed"]]
        rows += [
            [datetime(2024, 1, 1, hour, 30), time(hour, 30), hour, 0.5, True, "a\nb", "x" if hour else 1.234]
            for hour in range(3)
        ]
        table = from_file(write(S=rows))
        assert [column.dtype.name for column in table.columns] == [
            *("datetime64[us]", "object", "int64", "float64", "bool", "object", "object")
        ]
        assert str(table.columns[0][2]) == "2024-01-01T02:30:00.000000"
        assert table.columns[1].tolist() == ["00:30:00", "01:30:00", "02:30:00"]
        # Not 1.234, which could be read as 1234 next to texts.
        assert [column[0] for column in table.columns[5:]] == ["a b", "1.2340"]

    def test_empty_cells_and_missing_codes_are_missing(self, write):
        rows = [
            ["day", "sold"],
            *([day, None if k == 3 else "n/a" if k == 5 else float(k)] for k, day in enumerate(DAYS)),
        ]
        table = from_file(write(S=rows))
        assert table.columns[1].dtype.name == "float64"
        assert np.flatnonzero(np.isnan(table.columns[1])).tolist() == [3, 5]

    def test_numbers_that_are_text_are_read_as_in_text_files(self, write):
        rows = [["day", "sold"], *([f"{day:%d.%m.%Y}", f"{k},5"] for k, day in enumerate(DAYS))]
        panel, _ = read(write(S=rows))
        assert panel.values.tolist() == [k + 0.5 for k in range(28)]
        assert panel.start[0].astype("M8[D]").item() == DAYS[0]

    def test_whole_numbers_name_series_without_a_point(self, write):
        rows = [["id", "day", "sold"], *([shop, day, 1.5 * day.day] for shop in (101, 205) for day in DAYS)]
        assert read(write(S=rows))[0].ids.tolist() in ([101, 205], ["101", "205"])

    def test_serial_numbers_without_a_format_stay_numbers(self, write):
        table = from_file(write(S=[["day", "sold"], *([45000 + k, 1.0 + k] for k in range(9))]))
        assert table.columns[0].tolist() == list(range(45000, 45009))

    def test_errors_of_formulas_are_missing_with_a_note(self, xlsx):
        rows = [list(row) for row in ROWS]
        rows[4][1], rows[9][1] = "#DIV/0!", "#N/A"
        panel, notes = read(xlsx(S=rows))
        assert np.flatnonzero(np.isnan(panel.values)).tolist() == [3, 8]
        assert "2 cells hold errors of formulas and are missing: #DIV/0! in B5, #N/A in B10." in notes

    def test_messages_name_the_row_of_the_sheet(self, write):
        rows = [[], ["", None], ["day", "sold"], [], *ROWS[1:]]
        rows[7] = [rows[7][0], "lots"]
        assert refusal(write(S=rows)).startswith("Invalid number (row 8, column 'sold'): got 'lots'")


class TestAroundTheTable:
    """Titles, blank rows and columns, remarks."""

    def test_titles_and_blank_rows_and_columns_are_left_out(self, write):
        rows = [["Sales of 2024", None, None], [None] * 3, [None, None, None], *([None, *row] for row in ROWS)]
        rows[0] = [None, "Sales of 2024", None]
        panel, notes = read(write(S=rows))
        assert panel.values.tolist() == VALUES
        assert (panel.columns.time, panel.columns.target) == ("day", "sold")
        assert notes[1:] == ("Row 1 above the table is skipped: 'Sales of 2024'.",)

    def test_remarks_next_to_the_table_are_left_out_with_a_note(self, write):
        rows = [[*row, None, "Source: our books" if k == 4 else None] for k, row in enumerate(ROWS)]
        panel, notes = read(write(S=rows))
        assert panel.values.tolist() == VALUES
        assert notes[1:] == ("Column D is not part of the table and left out: 'Source: our books'.",)

    def test_another_table_next_to_it_is_left_out_with_a_note(self, write):
        panel, notes = read(write(S=[[*row, None, *row] for row in ROWS]))
        assert panel.values.tolist() == VALUES
        assert notes[1:] == ("Columns D to E are another table and left out: 'day'.",)

    def test_empty_column_within_the_table_is_dropped(self, write):
        table = from_file(write(S=[[row[0], None, row[1], None, "x"] for row in ROWS]))
        assert table.names == ("day", "sold", "x")

    def test_cells_with_separators_stay_cells(self, write):
        rows = [["day", "sold", "note"], *([*row, 'a,b;c|"d"'] for row in ROWS[1:])]
        table = from_file(write(S=rows))
        assert table.columns[2][0] == 'a,b;c|"d"'
        assert from_file(write(S=[["1,5"], ["2,5"], ["3,5"]])).columns[0].tolist() == ["1,5", "2,5", "3,5"]

    def test_table_without_a_header(self, write):
        panel, notes = read(write(S=ROWS[1:]))
        assert panel.values.tolist() == VALUES
        assert notes[0].startswith("no header; time column: 1, target: 2")


class TestSheets:
    """Several sheets."""

    def test_first_sheet_with_times_and_numbers_is_read_and_the_others_are_named(self, write):
        path = write(About=[["Made by", "us"], ["on", "Monday"]], Empty=[], Sales=ROWS, Old=ROWS[:9])
        panel, notes = read(path)
        assert panel.values.tolist() == VALUES
        assert (
            notes[1] == "The sheet 'Sales' is read, not 'About', 'Empty', 'Old': append ::NAME to the file to choose."
        )

    def test_a_sheet_of_figures_is_not_the_first_with_times(self, write):
        figures = [["KPI", "Value"], ["Revenue", 1200.5], ["Orders", 40], ["Returns", 3]]
        panel, _ = read(write(Summary=figures, Data=ROWS))
        assert panel.series(0).tolist() == VALUES

    def test_selection_of_a_sheet(self, write):
        path = write(**{"Sales": ROWS, "Old sales": ROWS[:9]})
        for name in ("Old sales", "old sales", " Old sales "):
            panel, notes = read(f"{path}::{name}")
            assert (len(panel.values), len(notes)) == (8, 1)
        assert list_files(f"{path}::Old sales") == (path,)

    def test_unknown_sheet_raises_with_the_nearest(self, write):
        path = write(Sales=ROWS, Old=ROWS)
        assert refusal(f"{path}::Sale") == (
            f"Unknown sheet ({path}): got 'Sale', expected one of 'Sales', 'Old'. Did you mean '{path}::Sales'?"
        )

    def test_hidden_sheets_are_read_only_by_name(self, tmp_path):
        path = write_xlsx(tmp_path / "a.xlsx", {"Old": ROWS[:9], "Sales": ROWS}, hidden=["Old"])
        assert len(read(path)[0].values) == 28
        assert len(read(f"{path}::Old")[0].values) == 8

    def test_messages_name_the_sheet(self, write):
        assert refusal(f"{write(Sales=ROWS, Old=[['a', 'b']])}::Old").startswith("The file has a header but no rows (")
        assert "::Old)" in refusal(f"{write(Sales=ROWS, Old=[['a', 'b']])}::Old")

    def test_no_cells_raise(self, write):
        assert refusal(write(S=[])).startswith("The table is empty (")
        assert refusal(write(S=[], T=[[None]])).startswith("The table is empty (")

    def test_files_of_a_pattern(self, write, tmp_path):
        path = write(Sales=ROWS, Old=ROWS[:9])
        other = path.with_name(f"b{path.suffix}")
        other.write_bytes(path.read_bytes())
        assert read(f"{tmp_path}/*{path.suffix}::old")[0].ids.tolist() == ["a", "b"]


class TestFiles:
    """Files that are no spreadsheets, or cannot be read."""

    def test_suffix_plays_no_part(self, write):
        path = write(S=ROWS)
        for suffix in (".csv", ".xls", ""):
            assert read(path.rename(path.with_suffix(suffix)))[0].values.tolist() == VALUES
            path = path.with_suffix(suffix)

    def test_spreadsheet_in_an_archive(self, write, tmp_path):
        with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
            archive.write(write(Sales=ROWS, Old=ROWS[:9]), "book.xlsx")
        assert len(read(tmp_path / "all.zip")[0].values) == 28
        assert len(read(f"{tmp_path}/all.zip::book.xlsx::Old")[0].values) == 8

    def test_text_with_the_suffix_of_a_spreadsheet_is_read_with_a_note(self, tmp_path):
        (tmp_path / "a.xls").write_text("day\tsold\n2024-01-01\t1\n2024-01-02\t2\n")
        panel, notes = read(tmp_path / "a.xls")
        assert panel.values.tolist() == [1.0, 2.0]
        assert notes[1:] == ("The file is named .xls but holds text, and is read as text.",)

    def test_missing_library_raises_with_advice(self, write, monkeypatch):
        path = write(S=ROWS)
        monkeypatch.setitem(sys.modules, "python_calamine", None)
        assert refusal(path, ConfigError) == (
            f"Reading a spreadsheet needs python-calamine, which is not installed ({path}). "
            'Install it: pip install "gatecast[excel]"'
        )

    def test_encrypted_file_raises(self, tmp_path):
        path = tmp_path / "a.xlsx"
        path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le"))
        assert refusal(path) == (f"The spreadsheet is encrypted ({path}). Save it without a password, or as CSV.")

    def test_damaged_file_raises(self, xlsx, tmp_path):
        (tmp_path / "a.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
        assert refusal(tmp_path / "a.xls").startswith(
            f"Cannot read the spreadsheet ({tmp_path}/a.xls): got a damaged file"
        )
        path = xlsx(S=ROWS)
        path.write_bytes(path.read_bytes()[:-40])
        assert refusal(path).startswith(
            f"Cannot read the file ({path}): got a zip archive or a spreadsheet that is damaged"
        )

    def test_file_above_the_limit_raises(self, xlsx, monkeypatch):
        monkeypatch.setattr(spreadsheets, "MAX_BYTES", 1000)
        assert refusal(xlsx(S=ROWS)).startswith("The spreadsheet is too large when decompressed")


def test_xls_of_old_versions_is_read_with_its_dates():
    # Written by Excel's binary format of 1997; months in date cells, numbers in the other column.
    panel, notes = read(str(Path(__file__).parent / "files" / "sales.xls"))
    assert (str(panel.freq), panel.lengths.tolist()) == ("MS", [36])
    assert panel.values[:3].tolist() == [100.0, 104.0, 108.0]
    assert panel.start[0] == np.datetime64("2020-01-01")
    assert panel.columns.target == "sold"
    assert any("month" in note for note in notes)
