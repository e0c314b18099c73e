"""Columns of periods, of named months and of counted hours."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.data.frequency import format_times
from gatecast.data.parsing.raw_table import RawTable, to_text
from gatecast.data.parsing.time_columns import join_time_columns
from gatecast.data.reader import read

MONTHS = [(year, month) for year in (2021, 2022) for month in range(1, 13)]
GERMAN = ["Januar", "Februar", "März", "April", "Mai", "Juni"]
GERMAN += ["Juli", "August", "September", "Oktober", "November", "Dezember"]
Y = 100.0 + np.arange(24) % 5


def monthly(columns):
    panel, notes = read(columns)
    assert (len(panel), str(panel.freq), format_times(panel.start)) == (1, "MS", ["2021-01-01"])
    assert panel.series(0).tolist() == Y.tolist()
    return notes


@pytest.mark.parametrize(
    ("year", "period"),
    [("Fiscal Year", "Posting Period"), ("fiscal_year", "period"), ("Geschäftsjahr", "Periode"), ("FY", "Period")],
)
@pytest.mark.parametrize("form", ["{}", "P{:02d}", "{:03d}"])
def test_posting_periods_are_months(year, period, form):
    periods = [form.format(month) for _, month in MONTHS]
    monthly({year: [year for year, _ in MONTHS], period: periods, "Amount": Y})


def test_years_may_be_written_as_fiscal():
    monthly({"Fiscal Year": [f"FY{year}" for year, _ in MONTHS], "Period": [m for _, m in MONTHS], "y": Y})


def test_annual_averages_among_months_are_left_out():
    years, periods, values = [], [], []
    for (year, month), y in zip(MONTHS, Y, strict=True):
        years.append(year), periods.append(f"M{month:02d}"), values.append(y)
        if month in (6, 12):
            years.append(year), periods.append(f"S{month // 6:02d}"), values.append(1e3)
        if month == 12:
            years.append(year), periods.append("M13"), values.append(1e3)
    notes = monthly({"Series ID": ["CU0"] * len(years), "Year": years, "Period": periods, "Value": values})
    assert "Rows of other periods of a year are left out: 'S01', 'S02', 'M13'." in notes


@pytest.mark.parametrize(
    "months",
    [
        [f"MONAT{m:02d}" for _, m in MONTHS],
        [GERMAN[m - 1] for _, m in MONTHS],
    ],
)
def test_months_of_a_column_of_any_name(months):
    notes = monthly({"Zeit": [year for year, _ in MONTHS], "2_Auspraegung": months, "Wert": Y})
    assert "Times are joined from the columns 'Zeit', '2_Auspraegung'." in notes


def test_a_column_of_months_next_to_dates_is_no_part_of_them():
    days = np.arange("2021-01-01", "2022-01-01", dtype="M8[D]")
    names = to_text(np.datetime64(f"2021-{m:02d}-01").item().strftime("%B") for m in range(1, 13))
    months = names[days.astype("M8[M]").astype(int) % 12]
    names_of_columns, columns = ("year", "called", "day", "y"), (np.full(365, 2021), months, to_text(days.astype(str)))
    table = RawTable(names_of_columns, (*columns, np.ones(365)))
    assert join_time_columns(table).names == table.names


def hours_of(n_days, change, n_hours):
    """Day and hour of each row, counted from 1; the day of the change has another number of hours."""
    days = np.datetime64(change) + np.arange(n_days) - n_days // 2
    return [(str(day), hour) for day in days for hour in range(1, 1 + (n_hours if str(day) == change else 24))]


@pytest.mark.parametrize("text", [True, False])
def test_hours_from_1_to_25_where_clocks_are_set_back(text):
    rows = hours_of(9, "2023-10-29", 25)
    hours = [str(hour) if text else hour for _, hour in rows]
    panel, notes = read({"Date": [day for day, _ in rows], "Hour": hours, "Load": np.arange(len(rows), dtype=float)})
    assert (str(panel.freq), len(panel.values), format_times(panel.start)) == ("h", 216, ["2023-10-25 01:00:00"])
    assert any("hours 3 and 4 of these days as 03:00" in note for note in notes)
    first = 4 * 24
    # The third and the fourth hour of that day both end at 3 on the clock.
    assert panel.values[first : first + 5].tolist() == [first, first + 1, first + 2.5, first + 4, first + 5]


def test_hours_of_a_short_day_go_on_after_the_hour_that_is_skipped():
    rows = [*hours_of(9, "2023-03-26", 23), *hours_of(9, "2023-10-29", 25)]
    columns = to_text(day for day, _ in rows), to_text(hour for _, hour in rows), np.ones(len(rows))
    table = join_time_columns(RawTable(("Date", "Hour", "y"), columns))
    day = [str(time.astype("M8[h]"))[11:] for time in table.columns[0][4 * 24 : 4 * 24 + 23]]
    assert day[:4] == ["01", "02", "04", "05"]
    assert day[-1] == "00"


@pytest.mark.parametrize("last", [14, 16])
def test_special_periods_of_fiscal_years_are_left_out(last):
    rows = [(year, f"{period:03d}") for year in (2019, 2020, 2021) for period in range(1, last + 1)]
    y = [float(100 * year + int(period)) for year, period in rows]
    panel, notes = read({"Fiscal Year": [year for year, _ in rows], "Period": [p for _, p in rows], "y": y})
    assert panel.values.tolist() == [value for value, (_, period) in zip(y, rows, strict=True) if int(period) <= 12]
    assert f"Rows of the special periods 13 to {last} at the ends of fiscal years are left out." in notes
