"""Tables with rows of several levels: pivot tables, and files with years next to their quarters and months."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.data.parsing.outlines import drop_subtotals, fill_merged_cells, find_outline
from gatecast.data.parsing.raw_table import RawTable, to_text
from gatecast.data.reader import read
from gatecast.errors import DataError

MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
GERMAN = ["Jan", "Feb", "Mrz", "Apr", "Mai", "Jun", "Jul", "Aug", "Sep", "Okt", "Nov", "Dez"]
YEARS = range(2018, 2022)
Y = 100 + np.arange(48) % 7


def check(path, lines, freq="MS", first="2018-01", values=Y):
    """The file is one series with these values; returns the notes."""
    path.write_text("\n".join(lines) + "\n", "utf-8")
    panel, notes = read(path)
    assert (len(panel), str(panel.freq), str(panel.start[0].astype("M8[M]"))) == (1, freq, first)
    np.testing.assert_allclose(panel.series(0), values)
    return notes


def of_year(k):
    return Y[12 * k : 12 * k + 12]


@pytest.mark.parametrize("names", [MONTHS, GERMAN])
@pytest.mark.parametrize("total", ["Grand Total", "Gesamtergebnis"])
def test_months_below_years_are_one_series(tmp_path, names, total):
    lines = ["Row Labels,Sum of Sales"]
    for k, year in enumerate(YEARS):
        lines += [f"{year},{of_year(k).sum()}", *(f"{name},{y}" for name, y in zip(names, of_year(k), strict=True))]
    notes = check(tmp_path / "pivot.csv", [*lines, f"{total},{Y.sum()}"])
    assert "Rows of years, such as '2018', are left out next to those of months." in notes


@pytest.mark.parametrize("finest", ["months", "quarters"])
def test_quarters_between_years_and_months(tmp_path, finest):
    lines = ["Row Labels,Sum of Sales"]
    for k, year in enumerate(YEARS):
        lines.append(f"{year},{of_year(k).sum()}")
        for q in range(4):
            part = of_year(k)[3 * q : 3 * q + 3]
            lines.append(f"Qtr{q + 1},{part.sum()}")
            if finest == "months":
                lines += [f"{name},{y}" for name, y in zip(MONTHS[3 * q : 3 * q + 3], part, strict=True)]
    if finest == "months":
        check(tmp_path / "pivot.csv", lines)
    else:
        check(tmp_path / "pivot.csv", lines, "QS", values=Y.reshape(-1, 3).sum(1))


def test_subtotals_of_years_and_quarters_in_columns_of_their_own(tmp_path):
    lines = ["Years,Quarters,Date,Sum of Sales"]
    for k, year in enumerate(YEARS):
        for m in range(12):
            quarter = f"Qtr{m // 3 + 1}"
            lines.append(f"{'' if m else year},{'' if m % 3 else quarter},{MONTHS[m]},{of_year(k)[m]}")
            if m % 3 == 2:
                lines.append(f",{quarter} Total,,{of_year(k)[m - 2 : m + 1].sum()}")
        lines.append(f"{year} Total,,,{of_year(k).sum()}")
    notes = check(tmp_path / "pivot.csv", [*lines, f"Grand Total,,,{Y.sum()}"])
    assert any("rows of subtotals left out" in note for note in notes)


def test_subtotals_of_regions(tmp_path):
    lines = ["Region,Month,Sales"]
    for region in ("North", "South"):
        cells = [f"{year}-{m:02d}" for year in YEARS for m in range(1, 13)]
        lines += [f"{region if k == 0 else ''},{cell},{y}" for k, (cell, y) in enumerate(zip(cells, Y, strict=True))]
        lines.append(f"{region} Total,,{Y.sum()}")
    path = tmp_path / "pivot.csv"
    path.write_text("\n".join([*lines, f"Grand Total,,{2 * Y.sum()}"]) + "\n")
    panel, _ = read(path)
    assert panel.ids.tolist() == ["North", "South"]
    assert all((panel.series(s) == Y).all() for s in range(2))


def test_years_quarters_and_months_one_after_the_other_below_a_description(tmp_path):
    described = ['"Title","Prices, all items"', '"CDID","L522"', '"PreUnit",""', '"Unit","Index"', '"Notes",""']
    years = [f'"{year}","{of_year(k).mean():.1f}"' for k, year in enumerate(YEARS)]
    quarters = [f'"{2018 + q // 4} Q{q % 4 + 1}","{Y[3 * q : 3 * q + 3].mean():.1f}"' for q in range(16)]
    months = [f'"{2018 + m // 12} {MONTHS[m % 12].upper()}","{y}"' for m, y in enumerate(Y)]
    notes = check(tmp_path / "a.csv", [*described, *years, *quarters, *months])
    assert "target: 'Prices, all items'" in notes[0]
    assert any(note.startswith("Rows of years and quarters, such as '2018'") for note in notes)


def test_totals_that_have_times_are_series():
    ids = to_text(["Solar", "Solar total"] * 12)
    table = RawTable(("kind", "ds", "y"), (ids, np.repeat(np.arange(12), 2), np.ones(24)))
    assert drop_subtotals(table) is table


@pytest.mark.parametrize("labels", [["2018", "2019", "2020"], ["2018", "North", "South"], ["Jan", "Feb", "Mar"]])
def test_rows_of_one_level_stay(labels):
    table = RawTable(("label", "y"), (to_text(labels * 4), np.arange(12.0)))
    assert find_outline(table) is None


@pytest.mark.parametrize("mark", ["{}E", "{} (p)", "{}*", "FY{}"])
@pytest.mark.parametrize("n_marked", [1, 3, 4])
def test_years_in_two_notations_are_no_levels(tmp_path, n_marked, mark):
    if mark == "FY{}" and n_marked < 3:
        pytest.skip("two of them are mistakes")
    years = [str(year) for year in range(2012, 2020)]
    years += [mark.format(year) for year in range(2020, 2020 + n_marked)]
    lines = ["Year,Sales", *(f"{year},{y}" for year, y in zip(years, Y, strict=False))]
    check(tmp_path / "a.csv", lines, "YS", "2012-01", Y[: len(years)])


def test_marked_years_above_their_months_are_totals(tmp_path):
    lines = ["Row Labels,Sum of Sales"]
    for k, year in enumerate(YEARS):
        total = f"{year}E" if k == 3 else str(year)
        lines += [f"{total},{of_year(k).sum()}", *(f"{name},{y}" for name, y in zip(MONTHS, of_year(k), strict=True))]
    check(tmp_path / "a.csv", lines)


def test_months_below_other_years_are_no_level_of_theirs():
    labels = [*map(str, range(2000, 2020)), *(f"{month} 2020" for month in MONTHS[:5])]
    assert find_outline(RawTable(("label", "y"), (to_text(labels), np.arange(25.0)))) is None


@pytest.mark.parametrize("label", ["Total {}", "{} Total", "Summe {}", "Total: {}", "Total", "Gesamt"])
@pytest.mark.parametrize("notation", ["{0}-{1:02d}", "{1:02d}.{0}", "{2} {0}"])
def test_totals_in_a_column_of_times_are_left_out(tmp_path, label, notation):
    lines = ["Month,Sales"]
    for k, year in enumerate(YEARS):
        lines += [f"{notation.format(year, m + 1, MONTHS[m])},{y}" for m, y in enumerate(of_year(k))]
        lines.append(f"{label.format(year)},{of_year(k).sum()}")
    notes = check(tmp_path / "totals.csv", lines)
    assert any("subtotals left out" in note or "below the table" in note for note in notes)


def test_totals_between_times_and_a_footer_below_them(tmp_path):
    lines = ["Sales of the north", "", "Month,Sales"]
    for k, year in enumerate(YEARS):
        lines += [*(f"{m + 1:02d}/{year},{y}" for m, y in enumerate(of_year(k))), f"Total {year},{of_year(k).sum()}"]
    notes = check(tmp_path / "report.csv", [*lines, "", "Source: ledger", "* preliminary"])
    assert "3 rows of subtotals left out, such as 'Total 2018'." in notes
    assert any("'Total 2021', 'Source: ledger', '* preliminary'" in note for note in notes)


@pytest.mark.parametrize("cell", ["Summer 2019", "2019-99", "closed"])
def test_other_cells_in_a_column_of_times_are_invalid(tmp_path, cell):
    lines = ["Month,Sales", *(f"2019-{m:02d},{m}" for m in range(1, 13))]
    (tmp_path / "t.csv").write_text("\n".join([*lines[:6], f"{cell},5", *lines[6:]]) + "\n")
    with pytest.raises(DataError, match="Invalid time"):
        read(tmp_path / "t.csv")


def merged(names, *, n=5, name="Store"):
    """A table with the name of each series at its first row alone."""
    cells = [name if k == 0 else None for name in names for k in range(n)]
    months = [f"2024-{k + 1:02d}" for _ in names for k in range(n)]
    return {name: cells, "Month": months, "Sales": [float(k) for k in range(len(cells))]}


@pytest.mark.parametrize("names", [["A", "B"], ["001", "002", "010"], [1, 2]])
@pytest.mark.parametrize("is_newest_first", [False, True])
def test_ids_of_merged_cells_hold_for_the_rows_below(names, is_newest_first):
    table = merged(names)
    if is_newest_first:
        table["Month"] = table["Month"][:5][::-1] * len(names)
    panel, notes = read(table)
    assert [str(each) for each in panel.ids.tolist()] == [str(name) for name in names]
    assert panel.lengths.tolist() == [5] * len(names)
    assert any("Empty cells of 'Store' are filled" in note for note in notes)


def test_merged_cells_of_two_levels_with_years_and_months_in_columns(tmp_path):
    lines = ["Region,Store,Year,Month,Sales"]
    for region in ("N", "S"):
        for store in ("1", "2"):
            for k in range(24):
                cells = (region if store == "1" and k == 0 else "", store if k == 0 else "")
                lines.append(f"{cells[0]},{cells[1]},{2020 + k // 12},{k % 12 + 1},{k}")
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    panel, _ = read(tmp_path / "t.csv", id_col="Region,Store")
    assert panel.ids.tolist() == ["N/1", "N/2", "S/1", "S/2"]
    assert panel.lengths.tolist() == [24] * 4


@pytest.mark.parametrize(
    "cells",
    [
        ["A", "A", None, "A", "A", "B", "B", "B", "B", "B"],
        # No id where times begin, one where they go on, and none above.
        ["A", *[None] * 9],
        ["A", None, "A", None, None, "B", *[None] * 4],
        [None, None, None, None, None, "B", *[None] * 4],
    ],
)
def test_ids_that_are_missing_elsewhere_are_refused(cells):
    with pytest.raises(DataError, match="Missing series id"):
        read({**merged(["A", "B"]), "Store": cells}, id_col="Store")


def test_flags_of_first_rows_are_no_merged_cells():
    table = merged(["A", "B"]) | {"Store": ["A"] * 5 + ["B"] * 5}
    flagged = {**table, "launch": ["yes", *[None] * 4] * 2}
    panel, notes = read(flagged, hist_exog="launch")
    assert np.isnan(panel.hist_exog["launch"]).sum() == 8
    assert not any("are filled" in note for note in notes)


def test_values_of_first_rows_are_no_merged_cells():
    stores, months = to_text(["A"] * 3 + ["B"] * 3), to_text(["2024-01", "2024-02", "2024-03"] * 2)
    table = RawTable(("Store", "Month", "opened"), (stores, months, to_text(["7.5", "", "", "8.5", "", ""])))
    assert fill_merged_cells(table) is table
