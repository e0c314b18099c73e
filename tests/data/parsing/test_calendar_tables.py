"""Tables with a row for each year and a column for each month, and others like them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecast.data.frequency import parse
from gatecast.data.reader import read
from gatecast.errors import DataError

MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
GERMAN = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
]
DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
YEARS = [*range(2010, 2020)]
N = 12 * len(YEARS)
Y = np.round(100 + np.sin(np.arange(N)), 3)


def write(path, header, rows, above="", below=""):
    path.write_text(above + "\n".join(",".join(map(str, row)) for row in [header, *rows]) + "\n" + below)
    return path


def rows_of(labels, values, n, *more):
    """A label, n values, and more cells of each row."""
    return [
        [label, *values[n * k : n * k + n], *(f(values[n * k : n * k + n]) for f in more)]
        for k, label in enumerate(labels)
    ]


def check(panel, freq, first, values):
    assert (len(panel), str(panel.freq), str(panel.start[0].astype("M8[h]"))) == (1, freq, first)
    np.testing.assert_allclose(panel.series(0), values)


@pytest.mark.parametrize(
    "names",
    [MONTHS, GERMAN, [name.upper() for name in MONTHS], [*map(str, range(1, 13))], [f"M{m:02d}" for m in range(1, 13)]],
)
@pytest.mark.parametrize("totals", [(), (("Total", np.sum),), (("Annual", np.mean), ("DJF", np.max))])
def test_read_of_years_by_months_is_one_monthly_series(names, totals, tmp_path):
    header = ["Year", *names, *(name for name, _ in totals)]
    path = write(tmp_path / "a.csv", header, rows_of(YEARS, Y, 12, *(f for _, f in totals)), "Rain in mm\n\n")
    panel, notes = read(path)
    check(panel, "MS", "2010-01-01T00", Y)
    assert any("a row for each year and a column for each month" in note for note in notes)
    assert any("Left out as totals" in note and totals[0][0] in note for note in notes) == bool(totals)


@pytest.mark.parametrize(
    ("labels", "names", "freq", "first"),
    [
        (YEARS, ["Q1", "Q2", "Q3", "Q4"], "QS", "2010-01-01T00"),
        (YEARS, ["Trimestre 1", "Trimestre 2", "Trimestre 3", "Trimestre 4"], "QS", "2010-01-01T00"),
        (YEARS, ["H1", "H2"], "2QS", "2010-01-01T00"),
        ([f"2024-01-{d:02d}" for d in range(1, 21)], [*map(str, range(24))], "h", "2024-01-01T00"),
        ([f"2024-01-{d:02d}" for d in range(1, 21)], [f"{h:02d}:00" for h in range(24)], "h", "2024-01-01T00"),
        ([f"2024-01-{d:02d}" for d in range(1, 21)], [f"HE{h}" for h in range(1, 25)], "h", "2024-01-01T01"),
        (
            ["2024-01-01", "2024-01-08", "2024-01-15"],
            ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
            "D",
            "2024-01-01T00",
        ),
        (
            ["2023-12-31", "2024-01-07", "2024-01-14"],
            ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"],
            "D",
            "2023-12-31T00",
        ),
    ],
)
def test_read_of_other_calendar_tables_is_one_series(labels, names, freq, first, tmp_path):
    values = np.round(50 + np.random.default_rng(0).normal(size=len(labels) * len(names)), 3)
    panel, _ = read(write(tmp_path / "a.csv", ["period", *names], rows_of(labels, values, len(names))))
    check(panel, freq, first, values)


def test_read_of_months_by_days_leaves_days_out_that_do_not_exist(tmp_path):
    days = np.arange("2023-01-01", "2024-01-01", dtype="M8[D]")
    cells = [["" for _ in range(31)] for _ in range(12)]
    for k, day in enumerate(days.tolist()):
        cells[day.month - 1][day.day - 1] = k
    rows = [[f"2023-{m + 1:02d}", *cells[m]] for m in range(12)]
    panel, _ = read(write(tmp_path / "a.csv", ["Month", *range(1, 32)], rows))
    check(panel, "D", "2023-01-01T00", np.arange(365.0))
    rows[1][30] = 5
    with pytest.raises(DataError, match="Ambiguous target"):
        read(write(tmp_path / "a.csv", ["Month", *range(1, 32)], rows))


def test_read_of_years_by_months_with_keys_is_several_series(tmp_path):
    rows = [[shop, *row] for shop in "AB" for row in rows_of(YEARS, Y, 12)]
    panel, _ = read(write(tmp_path / "a.csv", ["Shop", "Year", *MONTHS], rows))
    assert (panel.ids.tolist(), panel.lengths.tolist()) == (["A", "B"], [N, N])


def test_read_of_years_by_months_ends_at_the_last_value_and_above_a_mean(tmp_path):
    rows = rows_of(YEARS, Y.astype(object), 12)
    rows[-1][-4:] = [""] * 4
    path = write(tmp_path / "a.csv", ["Year", *MONTHS], rows, below="Mean," + ",".join(["100"] * 12) + "\n")
    panel, notes = read(path)
    check(panel, "MS", "2010-01-01T00", Y[:-4])
    assert any("Mean" in note for note in notes)


def test_read_of_months_by_years_is_one_monthly_series(tmp_path):
    rows = [[month, *Y[m::12]] for m, month in enumerate(MONTHS)]
    panel, notes = read(write(tmp_path / "a.csv", ["Month", *YEARS], [*rows, ["Total", *[5] * len(YEARS)]]))
    check(panel, "MS", "2010-01-01T00", Y)
    assert any("a row for each month and a column for each year" in note for note in notes)


@pytest.mark.parametrize(("name", "form"), [("Week", "{}"), ("KW", "{}"), ("Woche", "W{:02d}"), ("", "KW {}")])
@pytest.mark.parametrize("n", [52, 53])
def test_read_of_weeks_by_years_is_one_weekly_series(tmp_path, name, form, n):
    """2020 has 53 weeks of ISO 8601, 2021 and 2022 have 52: cells of the others are empty."""
    years, y = [2020, 2021, 2022], np.arange(157.0)
    columns = [y[:53], np.append(y[53:105], np.nan), np.append(y[105:], np.nan)]
    rows = [[form.format(w + 1), *("" if np.isnan(column[w]) else column[w] for column in columns)] for w in range(n)]
    panel, notes = read(write(tmp_path / "a.csv", [name, *years], rows))
    check(panel, "W-MON", "2019-12-30T00", y if n == 53 else np.where(np.arange(157) == 52, np.nan, y))
    assert any("a row for each week and a column for each year" in note for note in notes)


def test_read_of_a_value_in_a_week_that_does_not_exist_is_no_calendar(tmp_path):
    rows = [[w + 1, w, w + 1] for w in range(53)]
    with pytest.raises(DataError, match="Ambiguous target"):
        read(write(tmp_path / "a.csv", ["Week", 2021, 2022], rows))


@pytest.mark.parametrize("n", [12, 13, 40])
@pytest.mark.parametrize("columns", [["Rank", "Country"], ["", "Country"], ["Store"], ["Age"]])
def test_read_of_numbered_things_by_years_is_a_series_of_each(tmp_path, n, columns):
    """What is numbered from 1 on is no month, unless its column is called so and no other says what rows are."""
    rows = [[k + 1, *[f"land {k}"] * (len(columns) - 1), *(10 * k + np.arange(8.0))] for k in range(n)]
    panel, _ = read(write(tmp_path / "a.csv", [*columns, *range(2015, 2023)], rows))
    assert (len(panel), str(panel.freq)) == (n, "YS")
    assert sorted(panel.values.tolist()) == sorted(10.0 * k + j for k in range(n) for j in range(8))


@pytest.mark.parametrize(
    "name",
    [
        "Month",
        "Month No",
        "MonthNum",
        "Fiscal Month",
        "Monat-Nr.",
        "Måned",
        "Měsíc",
        "moy",
        "",
        "Row Labels",
        "Nr",
        "Period",
    ],
)
def test_read_of_numbered_months_by_years_by_the_name_of_their_column(tmp_path, name):
    rows = [[m + 1, *Y[m::12]] for m in range(12)]
    panel, _ = read(write(tmp_path / "a.csv", [name, *YEARS], [*rows, ["Total", *[5] * len(YEARS)]]))
    check(panel, "MS", "2010-01-01T00", Y)


@pytest.mark.parametrize("n", [0, 1])
def test_read_of_months_by_years_leaves_out_what_describes_the_months(tmp_path, n):
    """A quarter, a season; or a number before the name."""
    notes = [["winter" if m in (0, 1, 11) else "rest", m + 1][n] for m in range(12)]
    rows = [[month, note, *Y[m::12]] for m, (month, note) in enumerate(zip(MONTHS, notes, strict=True))]
    header = ["Month", "Note", *YEARS]
    if n:
        rows, header = [[row[1], row[0], *row[2:]] for row in rows], ["No", "Month", *YEARS]
    panel, notes = read(write(tmp_path / "a.csv", header, rows))
    check(panel, "MS", "2010-01-01T00", Y)
    assert any("Left out" in note for note in notes)


@pytest.mark.parametrize(("name", "first"), [("year_id", 2015), ("Series", 2015)])
def test_read_of_years_whose_column_is_called_an_id(tmp_path, name, first):
    years = [first + k for k in range(len(YEARS))]
    panel, _ = read(write(tmp_path / "a.csv", [name, *MONTHS], rows_of(years, Y, 12)))
    check(panel, "MS", f"{first}-01-01T00", Y)


def test_read_of_things_by_numbered_columns_is_a_series_of_each(tmp_path):
    rows = [[f"c{k}", *(10.0 * k + np.arange(12))] for k in range(5)]
    panel, _ = read(write(tmp_path / "a.csv", ["customer", *range(1, 13)], rows))
    assert (len(panel), panel.lengths.tolist()) == (5, [12] * 5)


@pytest.mark.parametrize("below", ["13,1,2\n", "13,1,2\n14,1,2\n"])
def test_read_of_months_by_years_does_not_leave_out_what_goes_on(tmp_path, below):
    rows = [[m + 1, m, m + 12.0] for m in range(12)]
    with pytest.raises(DataError, match="Ambiguous target"):
        read(write(tmp_path / "a.csv", ["Month", 2021, 2022], rows, below=below))


def test_read_of_fiscal_years_by_months_from_april(tmp_path):
    labels = [f"{year}/{(year + 1) % 100:02d}" for year in YEARS]
    path = write(tmp_path / "a.csv", ["FY", *MONTHS[3:], *MONTHS[:3]], rows_of(labels, Y, 12))
    check(read(path)[0], "MS", "2010-04-01T00", Y)
    path = write(tmp_path / "a.csv", ["Year", *MONTHS[3:], *MONTHS[:3]], rows_of(YEARS, Y, 12))
    with pytest.raises(DataError, match="Ambiguous target"):
        read(path)


def test_read_of_new_rows_of_a_calendar_table_takes_the_names_that_it_was_given(tmp_path):
    path = write(tmp_path / "a.csv", ["Year", *MONTHS], rows_of(YEARS, Y, 12))
    check(read(path, time_col="Year", target_col="value")[0], "MS", "2010-01-01T00", Y)
    path = write(tmp_path / "b.csv", ["Year", *MONTHS], rows_of([2020], Y[:12], 12))
    check(read(path, freq="MS")[0], "MS", "2020-01-01T00", Y[:12])


def test_read_of_years_by_months_with_a_named_target_is_that_column(tmp_path):
    path = write(tmp_path / "a.csv", ["Year", *MONTHS], rows_of(YEARS, Y, 12))
    check(read(path, target_col="Feb")[0], "YS", "2010-01-01T00", Y[1::12])


@pytest.mark.parametrize("names", [MONTHS[:11], ["north", "south", "east"], ["1", "2", "3"], ["Q1", "Q2", "Q4"]])
def test_read_of_columns_that_are_no_full_calendar_is_no_calendar_table(names, tmp_path):
    path = write(tmp_path / "a.csv", ["Year", *names], rows_of(YEARS, Y, len(names)))
    with pytest.raises(DataError, match="Ambiguous target"):
        read(path)


@settings(max_examples=20)
@given(st.integers(2, 30), st.integers(0, 11), st.integers(1500, 2100))
def test_read_of_a_dict_of_months_is_in_the_order_of_time(n_years, n_missing, first):
    cells = np.arange(12.0 * n_years)
    cells[len(cells) - n_missing :] = np.nan
    table = {"year": np.arange(first, first + n_years), **{name: cells[k::12] for k, name in enumerate(MONTHS)}}
    panel, _ = read(table)
    assert panel.series(0).tolist() == list(range(12 * n_years - n_missing))
    assert panel.start[0].astype("M8[Y]") == np.datetime64(str(first))


def clock(minute):
    return f"{minute // 60:02d}:{minute % 60:02d}"


@pytest.mark.parametrize(
    ("names", "first"),
    [
        ([clock(60 * k) for k in range(24)], 0),
        ([clock(30 * k) for k in range(48)], 0),
        ([clock(15 * k) + ":00" for k in range(96)], 0),
        ([clock(15 * k + 15) for k in range(96)], 15),
        ([clock((15 * k + 15) % 1440) for k in range(96)], 15),
        ([f"{clock(30 * k)} - {clock(30 * k + 30)}" for k in range(48)], 0),
        ([f"SP{k}" for k in range(1, 49)], 0),
        ([f"P{k}" for k in range(1, 97)], 0),
        ([str(k) for k in range(1, 97)], 0),
        ([clock(5 * k) for k in range(288)], 0),
    ],
)
def test_read_of_a_row_for_each_day_and_columns_for_times_of_day(tmp_path, names, first):
    n, days = len(names), np.datetime64("2024-01-01") + np.arange(3)
    values = np.round(np.sin(np.arange(3 * n)), 3)
    rows = [[day, *values[k * n : (k + 1) * n]] for k, day in enumerate(days)]
    panel, notes = read(write(tmp_path / "load.csv", ["Date", *names], rows))
    assert panel.values.tolist() == values.tolist()
    assert panel.start[0] == np.datetime64("2024-01-01T00:00") + np.timedelta64(first, "m")
    assert panel.freq == parse("h" if n == 24 else f"{1440 // n}min")
    assert any("a column for each time of day" in note for note in notes)


@pytest.mark.parametrize(
    "names",
    [
        [clock(30 * k) for k in range(47)],
        [clock(30 * k + (k > 20)) for k in range(48)],
        [str(k) for k in range(1, 49)],
    ],
)
def test_read_of_times_that_do_not_divide_a_day_joins_none(tmp_path, names):
    rows = [[f"2024-01-0{d}", *range(len(names))] for d in range(1, 4)]
    with pytest.raises(DataError):
        read(write(tmp_path / "load.csv", ["Date", *names], rows))


def test_read_of_months_and_two_years(tmp_path):
    rows = [[name, k, 20 + k, f"{k} %"] for k, name in enumerate(MONTHS)]
    panel, notes = read(write(tmp_path / "sales.csv", ["Month", 2022, 2023, "YoY %"], rows))
    assert panel.values.tolist() == [*range(12), *range(20, 32)]
    assert "Left out: 'YoY %'." in notes


def test_read_takes_whole_numbers_below_a_header_for_values(tmp_path):
    path = write(
        tmp_path / "sales.csv",
        ["day", "a", "b", "c", "d", "e"],
        [[f"2024-01-0{k}", 1, 2, 3, 4, k] for k in range(1, 9)],
    )
    panel, _ = read(path, target_col="e")
    assert panel.values.tolist() == [*range(1, 9)]


def test_read_of_a_row_without_a_name_names_it(tmp_path):
    path = write(
        tmp_path / "sku.csv", ["SKU", "2020-01", "2020-02", "2020-03"], [["A", 1, 2, 3], ["B", 2, 3, 4], ["", 3, 5, 7]]
    )
    with pytest.raises(DataError, match="Missing series id") as error:
        read(path)
    assert error.value.where == "row 4, column 'SKU'"


def test_read_of_weekly_rows_takes_numbered_columns_for_no_times_of_day(tmp_path):
    rows = [[np.datetime64("2024-01-01") + 7 * k, *range(96)] for k in range(4)]
    with pytest.raises(DataError, match="Ambiguous target"):
        read(write(tmp_path / "load.csv", ["Date", *range(1, 97)], rows))


@pytest.mark.parametrize(
    ("first_row", "days", "first_day"),
    [
        ("2024-01-07", "Mon,Tue,Wed,Thu,Fri,Sat,Sun", "2024-01-01"),
        ("2024-01-01", "Mon,Tue,Wed,Thu,Fri,Sat,Sun", "2024-01-01"),
        ("2024-01-05", "Mon,Tue,Wed,Thu,Fri", "2024-01-01"),
        ("2024-01-06", "Sun,Mon,Tue,Wed,Thu,Fri,Sat", "2023-12-31"),
        ("2024-01-03", "Mon,Tue,Wed,Thu,Fri,Sat,Sun", "2024-01-01"),
    ],
)
def test_days_of_weekly_rows_follow_each_other(tmp_path, first_row, days, first_day):
    n_days = days.count(",") + 1
    weeks = np.datetime64(first_row) + 7 * np.arange(10)
    rows = [f"{week},{','.join(str(k * n_days + d) for d in range(n_days))}" for k, week in enumerate(weeks)]
    path = tmp_path / "weeks.csv"
    path.write_text("Week," + days + "\n" + "\n".join(rows) + "\n", encoding="utf-8")
    panel, _ = read(path)
    values = panel.series(0)
    assert str(panel.times(0)[0].astype("M8[D]")) == first_day
    assert values[np.isfinite(values)].tolist() == list(range(10 * n_days))


@pytest.mark.parametrize(
    ("name", "form"), [("FY", "{}"), ("Fiscal Year", "FY{}"), ("financial_year", "{}"), ("Year", "FY{}")]
)
def test_fiscal_years_are_called_after_the_year_in_which_they_end(tmp_path, name, form):
    labels = [form.format(year) for year in YEARS]
    header = [name, *MONTHS[3:], *MONTHS[:3], "Total"]
    panel, notes = read(write(tmp_path / "a.csv", header, rows_of(labels, Y, 12, np.sum)))
    check(panel, "MS", "2009-04-01T00", Y)
    assert any(f"{labels[0]} begins in 2009-04" in note for note in notes)


@pytest.mark.parametrize(
    ("name", "numbers"), [("SKU", range(1500, 1540, 7)), ("Store", [2001, 2002, 2003]), ("id", [7, 8])]
)
def test_numbers_of_things_are_no_years(tmp_path, name, numbers):
    months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    rows = [",".join(map(str, [number, *range(number, number + 12)])) for number in numbers]
    path = tmp_path / "a.csv"
    path.write_text("\n".join([",".join([name, *months]), *rows]))
    with pytest.raises(DataError, match=r"Months without a year.*as in 'Jan 2024'"):
        read(path)
    path.write_text("\n".join([",".join([name, *(f"{month} 2024" for month in months)]), *rows]))
    panel, _ = read(path)
    assert panel.ids.tolist() == [str(number) for number in numbers]
    assert str(panel.start[0].astype("M8[M]")) == "2024-01"
