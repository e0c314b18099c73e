"""Tables of web pages."""

from __future__ import annotations

import pytest

from gatecast.data.reader import read
from gatecast.data.sources.html_tables import read_html
from gatecast.errors import DataError

ROWS = "".join(f"<tr><td>2024-0{month}</td><td align=right>{month},5</td></tr>" for month in range(1, 9))
TABLE = f"<table><thead><tr><th>Monat</th><th>Umsatz</th></tr></thead><tbody>{ROWS}</tbody></table>"


def columns(text: str) -> list[list[str]]:
    """The cells of the columns of a page."""
    return [column.tolist() for column in read_html(text, "a.xls").columns]


@pytest.mark.parametrize("name", ["a.xls", "a.html", "a.csv"])
def test_read_of_a_page_takes_its_table_with_a_note(tmp_path, name):
    (tmp_path / name).write_text(f"<html><meta charset=utf-8><body><h1>Umsätze</h1>{TABLE}</body></html>")
    panel, notes = read(tmp_path / name)
    assert panel.values.tolist() == [month + 0.5 for month in range(1, 9)]
    assert (panel.columns.time, panel.columns.target) == ("Monat", "Umsatz")
    assert "The file is a web page, whose first table is read." in notes


def test_read_html_takes_the_table_with_times_and_numbers():
    menu = "<table><tr><td>Home<td>Contact<tr><td>News<td>Jobs</table>"
    table = read_html(menu + TABLE, "a.xls")
    assert table.names == ("Monat", "Umsatz")
    assert table.notes[0] == "The file is a web page, whose table 2 of 2 is read."
    assert read_html(f"<table><tr><td>{TABLE}</td></tr></table>", "a").names == ("Monat", "Umsatz")


def test_read_html_joins_lines_and_resolves_entities():
    text = "<table><tr><td>a<br>b &amp;\n  c<td>1<tr><td>x<td><b>2</b></table>"
    assert columns(text) == [["a b & c", "x"], ["1", "2"]]


def test_read_html_repeats_cells_that_cover_rows():
    text = "<tr><th>shop<th>t<th>y<tr><td rowspan=2>A<td>1<td>5<tr><td>2<td>6<tr><td rowspan=0>B<td>1<td>7"
    assert columns(f"<table>{text}</table>")[0] == ["A", "A", "B"]


def test_read_html_fills_cells_that_cover_columns():
    text = "<tr><td colspan=2>Sales<tr><th>t<th>y<tr><td>2024-01<td>5<tr><td>2024-02<td>6"
    assert read_html(f"<table>{text}</table>", "a").names == ("t", "y")


def test_read_html_without_a_table_raises():
    with pytest.raises(DataError, match=r"^Not a table \(a\): got a web page without a table, .*"):
        read_html("<html><form>Password</form></html>", "a")
    with pytest.raises(DataError, match=r"^The table is empty \(a\)"):
        read_html("<table><tr><td></table>", "a")
