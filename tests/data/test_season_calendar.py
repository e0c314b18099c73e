"""Places of days and weeks in a year."""

from __future__ import annotations

import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.data.frequency import parse
from gatecast.data.panel import from_values
from gatecast.data.season_calendar import SeasonCalendar, day_of_year, week_of_year

DATES = st.dates(min_value=datetime.date(1600, 1, 1), max_value=datetime.date(2400, 12, 31))


@given(DATES)
def test_day_of_year_is_the_same_every_year(date):
    day = 28 if (date.month, date.day) == (2, 29) else date.day
    expected = datetime.date(2023, date.month, day) - datetime.date(2023, 1, 1)
    assert day_of_year(np.datetime64(date)) == expected.days


@given(DATES)
def test_week_of_year_is_the_iso_week(date):
    assert week_of_year(np.datetime64(date)) == min(date.isocalendar().week, 52) - 1


@pytest.mark.parametrize(
    ("freq", "season_length"),
    [("D", 365), ("W-SUN", 52), ("W-WED", 52), *((freq, 0) for freq in ("2D", "2W", "D@0-5", "B", "h", "MS", 1))],
)
def test_season_calendar_is_of_days_and_weeks(freq, season_length):
    start = 1 if freq == 1 else parse(freq).anchored("2024-01-31").range(np.datetime64("2024-01-31"), 1)[0]
    calendar = SeasonCalendar.of(from_values(np.ones(9), start=start, freq=freq))
    assert (0 if calendar is None else calendar.season_length) == season_length
    if calendar is not None:
        assert calendar.for_season(season_length) is calendar
        assert calendar.for_season(7) is None


@given(DATES, st.integers(-800, 800), st.integers(1, 30))
def test_season_calendar_shift_moves_the_places(date, steps, n):
    calendar = SeasonCalendar(np.array([date], "M8[D]"), 1)
    k = np.arange(-n, n)
    np.testing.assert_array_equal(calendar.shift(steps).places(k), calendar.places(k + steps))


def test_season_calendar_shift_by_several_repeats_the_series():
    calendar = SeasonCalendar(np.array(["2024-03-01", "2023-03-01"], "M8[D]"), 1)
    earlier = calendar.shift(np.array([[-1], [0]]))
    assert earlier.last.astype(str).tolist() == ["2024-02-29", "2023-02-28", "2024-03-01", "2023-03-01"]
    assert earlier.take([0, 2]).places(np.array([-1, 0])).tolist() == [[58, 59], [59, 60]]
    assert calendar.take(np.array([False, True])).last.astype(str).tolist() == ["2023-03-01"]


def test_season_calendar_of_a_panel_is_at_the_end_of_each_series():
    panel = from_values(np.ones(60), start="2024-01-01", freq="D")
    calendar = SeasonCalendar.of(panel)
    assert calendar is not None
    assert calendar.last.astype(str).tolist() == ["2024-02-29"]
    assert calendar.places(np.arange(-2, 2)).tolist() == [[58, 58, 59, 60]]
    weeks = SeasonCalendar.of(from_values(np.ones(4), start="2020-12-13", freq="W-SUN"))
    assert weeks is not None
    assert weeks.places(np.arange(-4, 2)).tolist() == [[49, 50, 51, 51, 0, 1]]
