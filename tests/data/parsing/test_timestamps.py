"""Times as people write them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.data.frequency import format_times
from gatecast.data.parsing.digit_dates import numbers_to_times, times_to_numbers
from gatecast.data.parsing.raw_table import to_text
from gatecast.data.parsing.timestamps import looks_like_dates, parse_times

ORDER = "If the order is wrong, write dates as YYYY-MM-DD."


def read(*cells: str) -> list[str]:
    """Times parsed from strings, all of them valid, in ISO 8601."""
    stamps = parse_times(to_text(cells))
    assert stamps.is_valid.all(), stamps
    return format_times(stamps.values)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("2024-03-05", "2024-03-05"),
        ("2024-03", "2024-03-01"),
        ("2024-03-05T06:30", "2024-03-05 06:30:00"),
        ("2024-03-05 06:30:15.25", "2024-03-05 06:30:15.250"),
        ("2024-03-05 06:30:15.123456789", "2024-03-05 06:30:15.123456"),
        ("2024/3/5", "2024-03-05"),
        ("2024.03.05 6:30", "2024-03-05 06:30:00"),
        ("25/03/2024", "2024-03-25"),
        ("03/25/2024", "2024-03-25"),
        ("25.3.2024", "2024-03-25"),
        ("25-03-24 18:30", "2024-03-25 18:30:00"),
        ("3/25/24 6:30 PM", "2024-03-25 18:30:00"),
        ("3/25/24 12:05 a.m.", "2024-03-25 00:05:00"),
        ("5 March 2024", "2024-03-05"),
        ("5-Mar-24", "2024-03-05"),
        ("05Mar2024", "2024-03-05"),
        ("March 5, 2024", "2024-03-05"),
        ("Sept. 5, 2024 10:00", "2024-09-05 10:00:00"),
        ("Mar 2024", "2024-03-01"),
        ("Mar-49", "1949-03-01"),
        ("2024 March", "2024-03-01"),
        ("2024-Mar", "2024-03-01"),
        ("03/2024", "2024-03-01"),
        ("2024/03", "2024-03-01"),
        ("2024M3", "2024-03-01"),
        ("2024Q2", "2024-04-01"),
        ("2024-Q2", "2024-04-01"),
        ("Q2 2024", "2024-04-01"),
        ("2024-W10", "2024-03-04"),
        ("2020W53", "2020-12-28"),
        ("1066-10-14", "1066-10-14"),
        ("9999-12-31", "9999-12-31"),
    ],
)
def test_parse_times_in_a_format(cell, expected):
    assert read(cell) == [expected]
    assert looks_like_dates(to_text([cell]))


@pytest.mark.parametrize(
    "cell",
    ["abc", "2024-02-30", "2024-13-01", "13/13/2024", "2024-03-05 25:00", "12:30", "now", "today", "5 Xyz 2024", "1,5"],
)
def test_parse_times_of_other_text_is_invalid(cell):
    assert parse_times(to_text(["2024-03-05", cell, "2024-03-06"])).is_valid.tolist() == [True, False, True]
    assert not looks_like_dates(to_text([cell]))


def test_parse_times_of_missing_values_is_invalid():
    assert parse_times(to_text(["2024-03-05", "", "NA"])).is_valid.tolist() == [True, False, False]
    assert not parse_times(to_text(["", "NA"])).is_valid.any()
    assert parse_times(np.array(["2024-03-05", "NaT"], "M8[s]")).is_valid.tolist() == [True, False]


@given(st.lists(st.datetimes(), min_size=1, max_size=20))
def test_parse_times_round_trips_isoformat(times):
    texts = [time.isoformat() for time in times]
    assert parse_times(to_text(texts)).values.tolist() == times


class TestOrderOfDayAndMonth:
    """Dates such as 01/02/2024, whose month is ambiguous."""

    def test_number_above_12_decides(self):
        stamps = parse_times(to_text(["01/02/2024", "13/02/2024"]))
        assert format_times(stamps.values) == ["2024-02-01", "2024-02-13"]
        assert stamps.notes == ()

    def test_even_steps_decide_with_a_note(self):
        months = [f"01/{month:02d}/{year}" for year in (2023, 2024) for month in range(1, 13)]
        stamps = parse_times(to_text(months))
        assert format_times(stamps.values)[:2] == ["2023-01-01", "2023-02-01"]
        assert stamps.notes == (f"Dates are read as day/month/year: '01/01/2023' is 2023-01-01. {ORDER}",)

    def test_convention_decides_otherwise_with_a_note(self):
        assert parse_times(to_text(["01/02/2024"])).notes == (
            f"Dates are read as month/day/year: '01/02/2024' is 2024-01-02. {ORDER}",
        )
        assert parse_times(to_text(["01.02.2024"])).notes == (
            f"Dates are read as day/month/year: '01.02.2024' is 2024-02-01. {ORDER}",
        )


def test_parse_times_of_two_digit_years_adds_a_note():
    stamps = parse_times(to_text(["Jan-49", "Feb-24"]))
    assert format_times(stamps.values) == ["1949-01-01", "2024-02-01"]
    assert stamps.notes == ("Two-digit years: '49' is read as 1949.",)


class TestZones:
    """Times with a UTC offset."""

    def test_constant_offset_keeps_local_times(self):
        stamps = parse_times(to_text(["2024-01-01T00:00:00+05:30", "2024-01-01T01:00:00+0530"]))
        assert format_times(stamps.values) == ["2024-01-01 00:00:00", "2024-01-01 01:00:00"]
        assert stamps.notes == ("Times are in UTC+05:30 and are treated as local times.",)
        assert (stamps.utc_offset_minutes, stamps.is_utc) == (330, False)
        assert parse_times(to_text(["2024-01-01T00:00Z"])).notes == ("Times are in UTC.",)

    def test_changing_offset_with_one_time_of_day_keeps_local_times(self):
        stamps = parse_times(to_text(["2024-03-31T00:00:00+01:00", "2024-04-01T00:00:00+02:00"]))
        assert format_times(stamps.values) == ["2024-03-31", "2024-04-01"]
        assert "All share the same local time of day" in stamps.notes[0]
        assert (stamps.utc_offset_minutes, stamps.is_utc) == (None, False)

    def test_days_that_begin_at_one_because_clocks_skip_midnight_are_days(self):
        days = np.arange("2024-04-20", "2024-05-03", dtype="M8[D]").astype(str)
        texts = [f"{day}T{'01' if day == '2024-04-26' else '00'}:00+0{2 + (day >= '2024-04-26')}:00" for day in days]
        stamps = parse_times(to_text(texts))
        assert format_times(stamps.values) == days.tolist()
        assert (stamps.utc_offset_minutes, stamps.is_utc, stamps.time_zone) == (None, False, "Africa/Cairo")

    def test_days_of_utc_that_end_where_clocks_change_are_no_local_days(self):
        # In London clocks skip the second hour of 31 March, not midnight of 1 April.
        texts = ["2024-03-29T00:00+00:00", "2024-03-30T00:00+00:00", "2024-03-31T00:00+00:00", "2024-04-01T01:00+01:00"]
        stamps = parse_times(to_text(texts))
        assert (stamps.utc_offset_minutes, stamps.is_utc) == (0, True)

    def test_changing_offset_of_hours_converts_to_utc(self):
        local = ["2024-10-27T02:00:00+02:00", "2024-10-27T02:00:00+01:00", "2024-10-27T03:00:00+01:00"]
        stamps = parse_times(to_text(local))
        assert np.diff(stamps.values).tolist() == [np.timedelta64(1, "h")] * 2
        assert stamps.notes[0].endswith("so they are converted to UTC.")
        assert (stamps.utc_offset_minutes, stamps.is_utc) == (0, True)


class TestNumbers:
    """Numbers as times."""

    @pytest.mark.parametrize(
        ("numbers", "expected", "note"),
        [
            ((1949, 1950), ["1949-01-01", "1950-01-01"], "Times are read as years"),
            ((202401, 202402), ["2024-01-01", "2024-02-01"], "Times are read as YYYYMM."),
            ((20240131, 20240201), ["2024-01-31", "2024-02-01"], "Times are read as YYYYMMDD"),
            ((1704067200, 1704070800), ["2024-01-01 00:00:00", "2024-01-01 01:00:00"], "seconds since 1970"),
            ((1704067200000,), ["2024-01-01"], "milliseconds since 1970"),
            ((1704067200000000,), ["2024-01-01"], "microseconds since 1970"),
            ((1704067200000000000,), ["2024-01-01"], "nanoseconds since 1970"),
            ((1949.0, 1949.083, 1949.17), ["1949-01-01", "1949-02-01", "1949-03-01"], "decimal years: 1949 is 1949-01"),
            ((1949.25, 1949.5), ["1949-04-01", "1949-07-01"], "decimal years"),
        ],
    )
    def test_numbers_in_the_range_of_dates_are_dates(self, numbers, expected, note):
        for cells in (np.array(numbers), to_text(str(number) for number in numbers)):
            stamps = parse_times(cells)
            assert format_times(stamps.values) == expected
            assert note in stamps.notes[0]
            if stamps.number_format:
                assert times_to_numbers(stamps.values, stamps.number_format).tolist() == list(numbers)
                assert (numbers_to_times(np.asarray(numbers), stamps.number_format) == stamps.values).all()
            else:
                assert "decimal" in note

    @pytest.mark.parametrize(
        "numbers", [(1, 2, 3), (-5, 0), (1499, 1500), (202413, 202414), (20240230,), (10**6, 10**6 + 1)]
    )
    def test_other_numbers_are_time_steps(self, numbers):
        for cells in (np.array(numbers), to_text(str(number) for number in numbers), np.array(numbers, float)):
            assert parse_times(cells).values.tolist() == list(numbers)

    def test_as_integers_reads_years_as_time_steps(self):
        stamps = parse_times(np.array([1949, 1950]), as_integers=True)
        assert stamps.values.tolist() == [1949, 1950]
        assert stamps.notes == ()

    def test_fractions_are_invalid(self):
        assert not parse_times(np.array([0.1, 0.2])).is_valid.any()
        assert not parse_times(np.array([2000.001, 2000.002])).is_valid.any()

    def test_missing_numbers_are_invalid(self):
        assert parse_times(np.array([1.0, np.nan, 3.0])).is_valid.tolist() == [True, False, True]
        assert not parse_times(np.array([True, False])).is_valid.any()

    def test_numbers_beyond_64_bits_are_invalid(self):
        assert parse_times(np.array([1.0, 1e19, -1e30, np.inf, 4.0])).is_valid.tolist() == [
            True,
            False,
            False,
            False,
            True,
        ]


@pytest.mark.parametrize(
    ("time", "number_format"), [("2024-02-01", "YYYY"), ("2024-02-02", "YYYYMM"), ("2024-02-02T01", "YYYYMMDD")]
)
def test_times_to_numbers_of_times_between_steps_returns_none(time, number_format):
    assert times_to_numbers(np.array(["2024-01-01", time], "M8[us]"), number_format) is None


@pytest.mark.parametrize("mistake", ["2021-13", "2021-00", "20021-12"])
def test_a_month_that_does_not_exist_does_not_turn_months_into_weeks(mistake):
    months = [str(month) for month in np.datetime64("2020-01") + np.arange(36)]
    months[20] = mistake
    parsed = parse_times(to_text(months))
    assert np.flatnonzero(~parsed.is_valid).tolist() == [20]
    assert format_times(parsed.values[:2]) == ["2020-01-01", "2020-02-01"]


@pytest.mark.parametrize("layout", ["%y-%m-%d", "%y/%m/%d", "%d-%m-%y", "%m/%d/%y", "%y.%m.%d"])
@pytest.mark.parametrize("step", ["D", "M"])
def test_two_digit_years_stand_where_times_are_regular(layout, step):
    days = (np.datetime64("2024-01-01", step) + np.arange(60)).astype("M8[D]")
    assert read(*(day.strftime(layout) for day in days.tolist())) == days.astype(str).tolist()


def test_spreadsheet_dates_with_a_time_need_the_name_of_their_column():
    cells = to_text([f"{45292 + k / 24:.5f}" for k in range(48)])
    assert format_times(parse_times(cells, name="Date").values[:2]) == ["2024-01-01 00:00:00", "2024-01-01 01:00:00"]


@pytest.mark.parametrize("cells", [np.array([1949.0, 1949.25, 1949.5]), to_text(["1949.0", "1949.25", "1949.5"])])
def test_as_integers_reads_decimal_years_as_time_steps(cells):
    assert np.diff(parse_times(cells, as_integers=True).values).tolist() == [1, 1]
