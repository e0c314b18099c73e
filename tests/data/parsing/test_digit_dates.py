"""Dates written as one number."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.data.frequency import format_times
from gatecast.data.parsing.digit_dates import fractional_dates, integer_dates
from gatecast.data.parsing.raw_table import to_text
from gatecast.data.parsing.timestamps import looks_like_dates, parse_times

HOURS = np.arange("2024-01-30T20", "2024-02-02T00", dtype="M8[h]")


def digits(times: np.ndarray, layout: str) -> np.ndarray:
    """Times as numbers."""
    return np.array([int(time.item().strftime(layout)) for time in times.astype("M8[s]")])


@pytest.mark.parametrize("layout", ["%Y%m%d%H", "%Y%m%d%H%M", "%Y%m%d%H%M%S"])
def test_integer_dates_digits_are_not_seconds_since_1970(layout):
    dates = integer_dates(digits(HOURS, layout))
    assert (dates.values == HOURS).all()
    assert dates.meaning.startswith("YYYYMMDDHH")


@pytest.mark.parametrize("layout", ["%d%m%Y", "%m%d%Y", "%y%m%d", "%Y%j"])
def test_integer_dates_rare_notation_is_taken_where_it_is_regular(layout):
    days = np.arange("2023-11-20", "2024-03-05", dtype="M8[D]")
    assert (integer_dates(digits(days, layout)).values == days).all()


def test_integer_dates_weeks_are_read_by_their_numbers_or_by_the_name():
    weeks = np.array([202350, 202351, 202352, 202401, 202402, 202403])
    mondays = ["2023-12-11", "2023-12-18", "2023-12-25", "2024-01-01", "2024-01-08", "2024-01-15"]
    assert format_times(integer_dates(weeks).values) == mondays
    assert format_times(integer_dates(weeks[3:], "week").values) == mondays[3:]
    assert format_times(integer_dates(weeks[3:]).values) == ["2024-01-01", "2024-02-01", "2024-03-01"]


@pytest.mark.parametrize(("layout", "first", "unit"), [("%Y%m", "2019-06", "M"), ("%Y%m%d", "2023-12-20", "D")])
def test_integer_dates_of_which_nearly_all_are_dates_have_no_date_for_the_others(layout, first, unit):
    times = np.datetime64(first) + np.arange(30)
    numbers = digits(times, layout)
    wrong = numbers // 100 * 100 + (13 if unit == "M" else 32)
    dates = integer_dates(np.where(np.arange(30) == 17, wrong, numbers))
    assert np.flatnonzero(np.isnat(dates.values)).tolist() == [17]
    assert np.delete(dates.values, 17).astype(f"M8[{unit}]").tolist() == np.delete(times, 17).tolist()
    # Too many, or too few numbers to tell.
    assert integer_dates(np.where(np.arange(30) % 5 == 0, wrong, numbers)) is None
    assert integer_dates(np.append(numbers[:8], wrong[:1])) is None


@pytest.mark.parametrize("steps", [range(202001, 202014), range(20200101, 20200133), range(202001, 202041)])
def test_integer_dates_of_one_year_or_month_and_others_are_steps(steps):
    assert integer_dates(np.array(steps)) is None


def test_integer_dates_serials_need_the_name_of_a_date():
    serials = np.arange(45000, 45020)
    dates = integer_dates(serials, "Date")
    assert format_times(dates.values[:2]) == ["2023-03-15", "2023-03-16"]
    assert "1899" in dates.meaning
    assert integer_dates(serials, "visits") is None


@given(st.integers(-(10**6), 10**12), st.integers(1, 50), st.integers(1, 30))
def test_integer_dates_of_even_steps_are_never_rare_notations(first, step, n):
    numbers = first + step * np.arange(n)
    dates = integer_dates(numbers)
    assert dates is None or dates.meaning.startswith(("YYYYMM", "years", "seconds", "milli", "YYYYMMDD"))


@pytest.mark.parametrize(
    ("numbers", "name", "expected"),
    [
        ([1704067200.5, 1704067201.5], "t", "2024-01-01 00:00:00.500"),
        ([45292.5, 45292.75], "date", "2024-01-01 12:00:00"),
    ],
)
def test_fractional_dates_have_a_time_of_day(numbers, name, expected):
    assert format_times(fractional_dates(np.array(numbers), name).values[:1]) == [expected]


def test_fractional_dates_of_other_numbers_are_none():
    assert fractional_dates(np.array([1.5, 2.5]), "date") is None
    assert fractional_dates(np.array([45292.5, 45293.5]), "price") is None


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["1-2012", "2-2012", "3-2012", "4-2012", "1-2013", "2-2013"], "2013-04-01"),
        (["2012q1", "2012q2"], "2012-04-01"),
        (["1Q2012", "2Q2012"], "2012-04-01"),
        (["Q1-12", "Q2-12"], "2012-04-01"),
        (["T1 2012", "T2 2012"], "2012-04-01"),
        (["2012K1", "2012K2"], "2012-04-01"),
        (["1-2012", "2-2012", "3-2012", "4-2012", "5-2012", "6-2012"], "2012-06-01"),
        (["20240101T000000", "20240101T013000"], "2024-01-01 01:30:00"),
        (["2024-01-01 23:00", "2024-01-01 24:00"], "2024-01-02"),
        (["2024-W01", "2024-W02"], "2024-01-08"),
        (["W01 2024", "W02 2024"], "2024-01-08"),
        (["2024-W01-1", "2024-W01-3"], "2024-01-03"),
        (["KW 1/2024", "KW 2/2024"], "2024-01-08"),
        (["01.2024", "02.2024"], "2024-02-01"),
        (["2024-001", "2024-032"], "2024-02-01"),
        (["01/02/2024 1 AM", "01/02/2024 2 PM"], "2024-01-02 14:00:00"),
    ],
)
def test_parse_times_notation_is_read(texts, expected):
    parsed = parse_times(to_text(texts))
    assert parsed.is_valid.all()
    assert format_times(parsed.values[-1:]) == [expected]


def test_parse_times_name_of_the_column_tells_quarters():
    assert format_times(parse_times(to_text(["1-2012", "2-2012"]), name="Quarter").values)[1] == "2012-04-01"
    assert format_times(parse_times(to_text(["1-2012", "2-2012"]), name="period").values)[1] == "2012-02-01"


@pytest.mark.parametrize(
    "texts", [["3.1415", "2.7182"], ["10.1234", "11.5678"], ["2024.5", "2013.25"], ["1.2012", "2.2012"]]
)
def test_parse_times_decimal_numbers_are_no_dates(texts):
    assert not looks_like_dates(to_text(texts))


def test_parse_times_time_of_day_tells_the_order_of_day_and_month():
    times = np.arange("2024-03-01T00:00", "2024-03-05T00:00", 15, dtype="M8[m]")
    texts = [time.item().strftime("%d/%m/%Y %H:%M") for time in times.astype("M8[s]")]
    assert (parse_times(to_text(texts)).values == times).all()


@pytest.mark.parametrize(("winter", "summer", "shift"), [(8, 7, 0), (23, 22, 1)])
def test_parse_times_midnights_in_utc_are_dates(winter, summer, shift):
    days = np.arange("2022-01", "2024-01", dtype="M8[M]").astype("M8[D]")
    texts = [f"{day - shift}T{summer if 4 <= day.item().month <= 10 else winter:02d}:00:00.000Z" for day in days]
    parsed = parse_times(to_text(texts))
    assert (parsed.values == days).all()
    assert "summer time" in parsed.notes[0]


@pytest.mark.parametrize(
    ("name", "numbers", "expected"),
    [
        ("Month", [100 * (k % 12 + 1) + 19 + k // 12 for k in range(20)], np.datetime64("2019-01", "M")),
        ("Monat", [100 * (1 + k // 12) + k % 12 + 1 for k in range(11, 20)], np.datetime64("2001-12", "M")),
        ("Year", [(90 + k) % 100 for k in range(20)], np.datetime64("1990", "Y")),
        ("Week", [*range(2201, 2253), *range(2301, 2319)], np.datetime64("2022-01-03")),
    ],
)
def test_integer_dates_without_a_century_are_read_where_the_name_says_what_they_are(name, numbers, expected):
    dates = integer_dates(np.array(numbers), name)
    step = 7 if name == "Week" else 1
    assert (dates.values == expected + step * np.arange(len(numbers))).all()
    again = integer_dates(np.array(numbers[-1:]), name, dates.number_format)
    assert (again.values == dates.values[-1:]).all()
    assert integer_dates(np.array(numbers), "x") is None


@pytest.mark.parametrize(
    ("name", "numbers"),
    [("Year", range(1, 21)), ("Week", range(1, 53)), ("Week", range(101, 150)), ("Month", range(1, 13))],
)
def test_integer_dates_of_consecutive_numbers_are_steps_whatever_the_name(name, numbers):
    assert integer_dates(np.array(numbers), name) is None


@pytest.mark.parametrize(
    ("numbers", "months"),
    [
        ([202303, 202306, 202309, 202312], ["2023-03", "2023-06", "2023-09", "2023-12"]),
        ([202301, 202304, 202307], ["2023-01", "2023-04", "2023-07"]),
        ([202401, 202402, 202403, 202404], ["2024-01", "2024-04", "2024-07", "2024-10"]),
        ([202203, 202204, 202301], ["2022-07", "2022-10", "2023-01"]),
    ],
)
def test_numbers_of_a_column_of_quarters_are_quarters_or_their_months(numbers, months):
    dates = integer_dates(np.array(numbers), "Quarter")
    assert dates.values.astype("M8[M]").astype(str).tolist() == months
