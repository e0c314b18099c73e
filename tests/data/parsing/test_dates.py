"""Dates that are not ISO 8601."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.data.frequency import format_times
from gatecast.data.parsing.dates import DATE_PATTERNS, MONTHS, make_dates, parse_dates
from gatecast.data.parsing.raw_table import to_text
from gatecast.data.parsing.timestamps import parse_times


@pytest.mark.slow
@given(st.lists(st.dates(), min_size=1, max_size=10))
def test_make_dates_equals_the_calendar_of_python(dates):
    parts = (np.array([getattr(date, part) for date in dates]) for part in ("year", "month", "day"))
    assert make_dates(*parts).astype("M8[D]").tolist() == dates


@pytest.mark.parametrize(("month", "day"), [(0, 1), (13, 1), (1, 0), (2, 30), (4, 31)])
def test_make_dates_that_do_not_exist_returns_nat(month, day):
    assert np.isnat(make_dates(np.array([2024]), np.array([month]), np.array([day]))).all()


def test_parse_dates_of_other_formats_returns_nat():
    times, notes, _ = parse_dates(DATE_PATTERNS[0], ["5 March 2024", "2024/3/5"])
    assert np.isnat(times).tolist() == [True, False]
    assert notes == ()


@pytest.mark.parametrize(
    ("first", "last", "expected", "note"),
    [
        *(("FY2019", "FY2021", "2021-01-01", "Fiscal years"), ("FY19", "FY21", "2021-01-01", "Two-digit years")),
        *(("2019/20", "2021/22", "2021-01-01", "next calendar year"), ("2001-02", "2003-04", "2003-01-01", "next")),
        *(("2008/9", "2010/11", "2010-01-01", "next"), ("2000/1", "2002/3", "2002-01-01", "next")),
        *(("1999-2000", "2001-2002", "2001-01-01", "next"), ("1990s", "2010s", "2010-01-01", "")),
        *(("2024H1", "2025H2", "2025-07-01", ""), ("H1 2024", "H2 2024", "2024-07-01", "")),
        *(("1H24", "2H24", "2024-07-01", "Two-digit"), ("1. Halbjahr 2024", "2. Halbjahr 2024", "2024-07-01", "")),
        *(("2024-S1", "2025-S2", "2025-07-01", ""), ("2024-S1", "2024-S3", "2024-01-15", "")),
        *(("M01 2024", "M12 2024", "2024-12-01", ""), ("2024:01", "2024:12", "2024-12-01", "")),
        *(("KW05/24", "KW06/24", "2024-02-05", "Two-digit"), ("5. KW 2024", "6. KW 2024", "2024-02-05", "")),
        *(("1. Quartal 2024", "4. Quartal 2024", "2024-10-01", ""), ("I/2024", "IV/2024", "2024-10-01", "")),
        *(("1st quarter 2024", "4th quarter 2024", "2024-10-01", ""), ("Q1 FY2024", "Q4 FY2024", "2024-10-01", "Fis")),
        *(("2022", "2024p", "2024-01-01", "Marks behind times"), ("2022", "2024 (e)", "2024-01-01", "Marks")),
        ("2024-01-01 - 2024-01-07", "2024-01-08 - 2024-01-14", "2024-01-08", "Ranges of dates"),
    ],
)
def test_parse_times_of_a_period_is_its_first_day(first, last, expected, note):
    between = {
        "FY2019": "FY2020",
        "2019/20": "2020/21",
        "2001-02": "2002-03",
        "2008/9": "2009/10",
        "2000/1": "2001/2",
        "1999-2000": "2000-2001",
    }.get(first, last)
    parsed = parse_times(to_text([first, between, last]), name="Period")
    assert parsed.is_valid.all()
    assert format_times(parsed.values[-1:]) == [expected]
    assert note in " ".join(parsed.notes)


@pytest.mark.parametrize("mark", ["E", "e", "P", "p", "r", "A", "*", " E", " F", "(e)", " (p)", " (est.)", " prelim."])
@pytest.mark.parametrize("n_marked", [1, 3, 12])
@pytest.mark.parametrize(
    "texts",
    [
        [str(year) for year in range(2010, 2022)],
        [f"{month} 2024" for month in MONTHS],
        [f"{month[:3]}-24" for month in MONTHS],
        [f"Q{q} {year}" for year in (2022, 2023, 2024) for q in (1, 2, 3, 4)],
        [f"{day:02d}.03.2024" for day in range(1, 13)],
    ],
)
def test_parse_times_ignores_marks_behind_them(texts, n_marked, mark):
    plain = parse_times(to_text(texts))
    parsed = parse_times(to_text([*texts[:-n_marked], *(text + mark for text in texts[-n_marked:])]))
    assert parsed.is_valid.all()
    assert (parsed.values == plain.values).all()
    # In some languages, a letter behind a month is a weekday.
    assert any(note.startswith("Marks behind times are ignored") for note in parsed.notes) or "24" in texts[0]


def test_parse_times_ignores_marks_beyond_the_sample():
    texts = [str(year) for year in range(1900, 2024)]
    parsed = parse_times(to_text([*texts, "2024E"]))
    assert format_times(parsed.values[-1:]) == ["2024-01-01"]


@pytest.mark.parametrize("texts", [["12 A", "14 B", "15 E"], ["10:30 P", "11:30 P"], ["Room 12 (a)", "Room 13 (b)"]])
def test_parse_times_of_letters_behind_other_numbers_are_none(texts):
    assert not parse_times(to_text(texts)).is_valid.any()


def test_parse_times_of_years_and_quarters_with_a_colon_are_quarters():
    texts = [f"{year}:{quarter}" for year in range(2000, 2010) for quarter in (1, 2, 3, 4)]
    assert format_times(parse_times(to_text(texts)).values[-1:]) == ["2009-10-01"]


def test_parse_times_of_months_a_year_and_a_month_apart_with_another_between_are_months():
    parsed = parse_times(to_text(["2001-02", "2001-03", "2002-03"]))
    assert format_times(parsed.values) == ["2001-02-01", "2001-03-01", "2002-03-01"]


@pytest.mark.parametrize(
    ("today", "last", "reason"),
    [
        ("2026-11-26", "2026-11-12", "(as month/day/year, 1 of 12 would be after 2026-11-26)"),
        ("2027-01-01", "2026-12-11", "'01/11/2026' is 2026-01-11. If"),
    ],
)
def test_parse_dates_of_either_order_prefers_the_one_without_dates_to_come(today, last, reason):
    texts = [f"{k:02d}/11/2026" for k in range(1, 13)]
    dates, notes, _ = parse_dates(DATE_PATTERNS[1], texts, np.datetime64(today))
    assert format_times(dates[-1:]) == [last]
    assert reason in notes[-1]
