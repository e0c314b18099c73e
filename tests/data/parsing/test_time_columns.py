"""Times that are spread over several columns."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.data.frequency import format_times
from gatecast.data.parsing.raw_table import RawTable, to_text
from gatecast.data.parsing.time_columns import join_time_columns
from gatecast.data.reader import read

MONTH_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
HOURS = np.arange("2024-01-30T00", "2024-02-02T00", dtype="M8[h]")
DATES = [time.item() for time in HOURS.astype("M8[s]")]


def joined(**columns) -> RawTable:
    """A table with a target, after its times are joined."""
    values = [column if isinstance(column, np.ndarray) else to_text(column) for column in columns.values()]
    return join_time_columns(RawTable((*columns, "y"), (*values, np.arange(len(values[0]), dtype=float))))


@pytest.mark.parametrize("day", ["%Y-%m-%d", "%d/%m/%Y", "%d.%m.%y", "%Y%m%d", "%A, %d %B %Y"])
@pytest.mark.parametrize("clock", ["%H:%M", "%H:%M:%S", "%H.%M.%S", "%I:%M %p", "%I %p", "%Hh%M", "%H%M", "%H"])
def test_join_time_columns_date_and_clock_are_one_time(day, clock):
    table = joined(Date=[t.strftime(day) for t in DATES], Time=[t.strftime(clock) for t in DATES])
    assert table.names == ("Date-Time", "y")
    assert (table.columns[0] == HOURS).all()
    assert table.notes[0] == "Times are joined from the columns 'Date', 'Time'."


@pytest.mark.parametrize(
    ("name", "span"),
    [
        ("von", "{0:02d}:00"),
        ("Start time", "{0:02d}:00:00"),
        ("Interval", "{0:02d}:00-{1:02d}:00"),
        ("Hour", "{0:02d}:00 - {0:02d}:59"),
        ("hour", "{0:02d}-{1:02d}"),
        ("time", "{0:02d}:00 to {1:02d}:00"),
    ],
)
def test_join_time_columns_spans_of_a_day_begin_at_their_first_time(name, span):
    hours = [t.hour for t in DATES]
    table = joined(Date=[t.strftime("%Y-%m-%d") for t in DATES], **{name: [span.format(h, h + 1) for h in hours]})
    assert (table.columns[0] == HOURS).all()


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("start_time", ["06:53", "07:10", "06:41", "18:05"]),
        ("Start", ["22:30", "23:05", "22:50", "23:40"]),
        ("begin", ["7", "12", "3", "9"]),
        ("interval", ["7", "7", "7", "7"]),
        ("from", ["1", "2", "3", "1"]),
    ],
)
def test_join_time_columns_what_begins_once_a_day_is_no_part_of_the_time(name, cells):
    days = ["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04"]
    assert joined(date=days, **{name: cells}).names == ("date", name, "y")


def test_join_time_columns_settlement_periods_are_half_hours_from_midnight():
    days = np.repeat(["2024-01-30", "2024-01-31"], 48).tolist()
    table = joined(settlement_date=days, settlement_period=np.tile(np.arange(1, 49), 2))
    assert (table.columns[0] == np.datetime64("2024-01-30") + 30 * np.arange(96).astype("m8[m]")).all()


def test_join_time_columns_hours_are_numbers_or_names():
    days = np.array([t.strftime("%Y-%m-%d") for t in DATES], object)
    hours = np.array([t.hour for t in DATES])
    assert (joined(Date=days, Hour=hours).columns[0] == HOURS).all()
    assert (joined(date=days, hour=[f"HE{h:02d}" for h in hours]).columns[0] == HOURS).all()
    table = joined(Date=days, Hour=hours + 1)
    assert (table.columns[0] == HOURS + 1).all()
    assert "hour 24 as midnight of the next day" in table.notes[1]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"year": [2024, 2024], "month": [1, 2]}, ["2024-01-01", "2024-02-01"]),
        ({"Year": ["2024", "2024"], "Month": ["January", "February"]}, ["2024-01-01", "2024-02-01"]),
        ({"Jahr": [2024, 2024], "Monat": ["Jan", "Mrz"]}, ["2024-01-01", "2024-03-01"]),
        ({"año": [2024, 2024], "mes": ["enero", "febrero"]}, ["2024-01-01", "2024-02-01"]),
        ({"year": [2024, 2024], "quarter": [1, 2]}, ["2024-01-01", "2024-04-01"]),
        ({"year": [2024, 2024], "qtr": ["Q3", "Q4"]}, ["2024-07-01", "2024-10-01"]),
        ({"year": [2024, 2024], "week": [1, 2]}, ["2024-01-01", "2024-01-08"]),
        ({"year": [2024, 2024], "Week Number": [1, 2]}, ["2024-01-01", "2024-01-08"]),
        ({"Kalenderjahr": [2024, 2024], "Kalenderwoche": ["KW 01", "KW 02"]}, ["2024-01-01", "2024-01-08"]),
        ({"year": [2024, 2024], "week": ["Week 1", "Week 2"]}, ["2024-01-01", "2024-01-08"]),
        ({"Year": [2024, 2024], "MonthNum": [1, 2]}, ["2024-01-01", "2024-02-01"]),
        ({"Jahr": [2024, 2024], "Halbjahr": ["1. Halbjahr", "2. Halbjahr"]}, ["2024-01-01", "2024-07-01"]),
        ({"year": [24, 24], "month": [1, 1], "day": [30, 31]}, ["2024-01-30", "2024-01-31"]),
        ({"year": [99, 0], "month": [12, 1]}, ["1999-12-01", "2000-01-01"]),
        ({"year": [2024, 2024], "half": ["H1", "H2"]}, ["2024-01-01", "2024-07-01"]),
        ({"Jahr": [2024, 2024], "Halbjahr": [1, 2]}, ["2024-01-01", "2024-07-01"]),
        ({"year": [2024, 2024], "period": ["M01", "M12"]}, ["2024-01-01", "2024-12-01"]),
        ({"Year": [2024, 2024], "Period": ["P11", "P12"]}, ["2024-11-01", "2024-12-01"]),
        ({"year": [2024, 2024], "month": [1, 1], "day": [30, 31]}, ["2024-01-30", "2024-01-31"]),
        ({"year": [2024, 2024], "doy": [31, 32]}, ["2024-01-31", "2024-02-01"]),
        (
            {"YEAR": [2024] * 2, "MO": [1] * 2, "DY": [30] * 2, "HR": [0, 1]},
            ["2024-01-30 00:00:00", "2024-01-30 01:00:00"],
        ),
        (
            {"year": [2024] * 2, "month": [1] * 2, "day": [30] * 2, "hour": [5] * 2, "minute": [0, 30]},
            ["2024-01-30 05:00:00", "2024-01-30 05:30:00"],
        ),
    ],
)
def test_join_time_columns_parts_are_one_time(columns, expected):
    table = joined(**{name: np.array(part) if isinstance(part[0], int) else part for name, part in columns.items()})
    assert table.names == ("-".join(columns), "y")
    assert format_times(table.columns[0]) == expected


@pytest.mark.parametrize(
    ("name", "cell", "first", "keep", "is_zone"),
    [
        ("region", "west", "2024-01-01T05:00", (), False),
        ("region", "WEST", "2024-01-01T05:00", (), False),
        ("grade", "Z", "2024-01-01T05:00", (), False),
        ("region", "EST", "2024-01-01", (), False),
        ("store", "CET", "2024-01-01T05:00", ("store",), False),
        ("remark", "CET", "2024-01-01T05:00", (), True),
        ("tz", "west", "2024-01-01T05:00", (), True),
        ("tz", "CET", "2024-01-01", (), True),
    ],
)
def test_join_time_columns_takes_no_region_or_id_for_a_zone(name, cell, first, keep, is_zone):
    times = to_text([str(time) for time in np.datetime64(first) + np.arange(5)])
    table = RawTable(("time", name, "y"), (times, to_text([cell] * 5), np.arange(5.0)))
    joined = join_time_columns(table, keep=keep)
    assert (len(joined.utc_offsets) == 1) == is_zone
    assert (joined.names == table.names) != is_zone


def test_join_time_columns_years_of_the_first_month_hold_for_the_rows_below():
    months = ["Nov", "Dec", "Jan", "Feb", "Mar"]
    table = joined(Year=["2023", "", "2024", "", ""], Month=months)
    assert format_times(table.columns[0])[::2] == ["2023-11-01", "2024-01-01", "2024-03-01"]
    assert table.notes[-1] == "Empty years are those of the rows above."
    for years in (["", "", "2024", "", ""], ["2023", "", "", "", ""], ["x", "", "2024", "", ""]):
        assert joined(Year=years, Month=months).names == ("Year", "Month", "y")


def test_join_time_columns_zone_becomes_the_offset():
    texts = ["2024-10-27 01:00", "2024-10-27 02:00", "2024-10-27 02:00", "2024-10-27 03:00"]
    for name in ("zone", "remark"):
        table = joined(time=texts, **{name: ["CEST", "CEST", "CET", "CET"]})
        assert table.names == ("time", "y")
        assert table.utc_offsets["time"].tolist() == [120, 120, 60, 60]


@pytest.mark.parametrize(
    "columns",
    [
        {"date": ["2024-01-01", "2024-01-02"], "shop": ["north", "south"]},
        {"date": ["2024-01-01", "2024-01-02"], "time": ["fast", "slow"]},
        {"year": [2024, 2024], "month": [13, 14]},
        {"year": [2024, 2024], "period": ["P01", "P13"]},
        {"year": [2024, 2024], "period": ["P1", "P2"]},
        {"time": ["2024-01-01 05:00", "2024-01-01 06:00"], "hour": [5, 6]},
        {"date": ["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04"], "h": [3, 17, 5, 11]},
    ],
)
def test_join_time_columns_other_columns_stay(columns):
    table = joined(**{name: np.array(part) if isinstance(part[0], int) else part for name, part in columns.items()})
    assert table.names == (*columns, "y")


def test_join_time_columns_named_time_column_joins_nothing():
    table = RawTable(("Year", "Month"), (np.array([2024]), np.array([1])))
    assert join_time_columns(table, time_col="Year") is table
    assert join_time_columns(table, keep=("Month",)).names == ("Year-Month", "Month")


def test_join_time_columns_date_that_does_not_exist_shows_its_cells():
    table = joined(year=np.array([2023, 2023]), month=np.array([2, 2]), day=np.array([28, 29]))
    assert table.columns[0].tolist()[1] == "2023 2 29"


@pytest.mark.parametrize(
    ("date", "clock", "layout"),
    [
        ("<DATE>", "<TIME>", "%H:%M:%S"),
        ("<DATE>", "<TIME>", "%H%M%S"),
        ("Datum", "Tijd", "%H:%M"),
        ("Date", "Time (UTC)", "%H:%M"),
        ("Date", "Slot", "%H:%M"),
    ],
)
def test_clocks_of_any_name_are_joined_to_dates(date, clock, layout):
    times = (np.datetime64("2024-01-01T00", "h") + np.arange(72)).astype("M8[s]")
    cells = [time.strftime(layout) for time in times.tolist()]
    days = to_text(times.astype("M8[D]").astype(str).tolist())
    joined = join_time_columns(RawTable((date, clock, "load"), (days, to_text(cells), np.arange(72.0))))
    assert joined.names == (f"{date}-{clock}", "load")
    assert joined.columns[0].astype("M8[s]").tolist() == times.tolist()


def test_clocks_that_do_not_make_times_regular_are_no_part_of_them():
    days = to_text([str(day) for day in np.datetime64("2024-01-01") + np.arange(40)])
    opened = to_text(["08:00", "09:30"] * 20)
    joined = join_time_columns(RawTable(("date", "opened", "visits"), (days, opened, np.arange(40.0))))
    assert joined.names == ("date", "opened", "visits")


@pytest.mark.parametrize("hours", [["08:00"] * 80, ["08:00", "20:00"] * 40])
def test_opening_times_of_shops_are_no_part_of_the_times(hours):
    days = to_text([str(day) for day in np.repeat(np.datetime64("2024-01-01") + np.arange(40), 2)])
    table = RawTable(("date", "shop", "opened", "y"), (days, to_text(["a", "b"] * 40), to_text(hours), np.arange(80.0)))
    assert join_time_columns(table).names == table.names


FISCAL = [(2021 + k // 12 + (k % 12 >= 9), k % 12 + 1) for k in range(6, 42)]
"""Fiscal years that begin in October, and months, from July 2021 to June 2024."""


@pytest.mark.parametrize(("name", "form"), [("Fiscal Year", "{}"), ("FY", "FY{}"), ("Year", "FY{}")])
@pytest.mark.parametrize("by", ["month", "shop", "newest"])
def test_join_time_columns_fiscal_years_begin_where_the_order_of_their_rows_does(name, form, by):
    rows = FISCAL[::-1] if by == "newest" else FISCAL * 2 if by == "shop" else FISCAL
    table = joined(**{name: [form.format(year) for year, _ in rows], "Month": [MONTH_NAMES[m - 1] for _, m in rows]})
    months = np.datetime64("2021-07") + np.arange(36)
    expected = months[::-1] if by == "newest" else np.tile(months, len(rows) // 36)
    assert (table.columns[0] == expected).all()
    assert "Fiscal years are called after the year in which they end" in table.notes[1]
    assert table.fiscal_month == 10


@pytest.mark.parametrize("form", ["{0}/{1:02d}", "{0}-{1:02d}", "{0}/{2}", "FY{0}/{1:02d}"])
def test_join_time_columns_years_that_end_in_the_next_begin_where_the_order_of_their_rows_does(form):
    years = [form.format(year - 1, year % 100, year) for year, _ in FISCAL]
    table = joined(Year=years, Month=[MONTH_NAMES[month - 1] for _, month in FISCAL])
    assert (table.columns[0] == np.datetime64("2021-07") + np.arange(36)).all()
    assert table.notes[1].endswith(f"{years[0]} begins in 2020-10.")


def test_join_time_columns_quarters_of_years_that_end_in_the_next():
    table = joined(Year=["2019/20", "2020/21"], Quarter=["Q1", "Q4"])
    assert format_times(table.columns[0]) == ["2019-01-01", "2020-10-01"]
    assert "are read as the year in which they begin: '2019/20' is 2019." in table.notes[1]


def test_join_time_columns_new_rows_of_fiscal_years_go_on_with_the_first():
    def rows(of):
        return {"FY": [f"FY{y}" for y, _ in of], "Month": [MONTH_NAMES[m - 1] for _, m in of], "y": range(len(of))}

    first, _ = read(rows(FISCAL[:30]))
    following, _ = read(rows(FISCAL[30:32]), known=first.known_notation)
    assert str(following.start[0].astype("M8[M]")) == "2024-01"
    # Without a wrap, fiscal years are calendar years, then too.
    calendar, _ = read(rows([(year, month) for year in (2021, 2022) for month in range(1, 13)]))
    following, _ = read(rows([(2023, 10), (2023, 11)]), known=calendar.known_notation)
    assert str(following.start[0].astype("M8[M]")) == "2023-10"


@pytest.mark.parametrize(
    ("name", "cells"), [("Quarter", ["Q1", "Q4"]), ("Qtr", ["1", "4"]), ("Period", ["P01", "P12"])]
)
def test_join_time_columns_fiscal_years_of_two_digits(name, cells):
    table = joined(FY=["FY99", "FY24"], **{name: cells})
    assert format_times(table.columns[0]) == ["1999-01-01", "2024-12-01" if name == "Period" else "2024-10-01"]
    assert table.notes[-1] == "Fiscal years are read as the calendar year of the same number: 'FY99' is 1999."


@pytest.mark.parametrize("names", ["YM", "ym", "YQ", "YMD", "YMDH"])
def test_join_time_columns_single_letters_are_parts_of_times_together(names):
    step = {"M": "M", "Q": "M", "D": "D", "H": "h"}[names[-1].upper()]
    times = np.datetime64("2022-11", step) + np.arange(200 if step != "M" else 30) * (3 if names == "YQ" else 1)
    moments = [time.item() for time in times.astype("M8[s]")]
    parts = {"Y": "%Y", "M": "%m", "D": "%d", "H": "%H"}
    cells = {
        name: [str((t.month + 2) // 3) if name == "Q" else t.strftime(parts[name.upper()]) for t in moments]
        for name in names
    }
    table = RawTable((*names, "kW"), (*map(to_text, cells.values()), np.arange(len(times), dtype=float)))
    first = join_time_columns(table).columns[0]
    expected = times.astype("M8[M]").astype(np.int64) // 3 * 3 if names == "YQ" else times
    assert (first == (expected.astype("M8[M]") if names == "YQ" else expected)).all()


@pytest.mark.parametrize("names", ["YMQ", "YMW", "YMD", "YWQ", "YQW", "YMDH"])
@pytest.mark.parametrize("values", [[*range(100, 148)], [4.5, *range(47)]], ids=["integers", "decimals"])
def test_join_time_columns_a_letter_next_to_those_of_times_may_be_what_is_forecast(names, values):
    step = {"M": "M", "Q": "M", "W": "W", "D": "D"}[names[-2]]
    times = np.datetime64("2022-01-03", step) + np.arange(48) * (3 if names == "YQW" else 1)
    moments = [time.item() for time in times.astype("M8[s]")]
    numbers = {
        "Y": [time.isocalendar().year if "YW" in names else time.year for time in moments],
        "M": [time.month for time in moments],
        "Q": [(time.month + 2) // 3 for time in moments],
        "W": [time.isocalendar().week for time in moments],
        "D": [time.day for time in moments],
    }
    columns = [np.array(numbers[name]) for name in names[:-1]]
    table = join_time_columns(RawTable((*names,), (*columns, np.array(values))))
    assert table.names == ("-".join(names[:-1]), names[-1])
    expected = times - np.timedelta64(3, "D") if step == "W" else times
    assert (table.columns[0].astype("M8[D]") == expected.astype("M8[D]")).all()
    assert table.columns[1].tolist() == values


@pytest.mark.parametrize("values", [range(2000, 2012), [1812, 1790, 1903, 2011, 1655, 1987, 1720, 2101, 1873]])
def test_join_time_columns_a_letter_alone_is_what_is_forecast(values):
    values = np.array([*values], float)
    steps = np.arange(1, len(values) + 1)
    dates = to_text(np.datetime64("2024-01") + np.arange(len(values)))
    for names, columns in (
        (("ds", "y", "m"), (dates, values, steps)),
        (("m", "y"), (steps, values)),
        (("t", "y", "x"), (steps, values, values)),
    ):
        table = RawTable(names, columns)
        assert join_time_columns(table) is table
