"""Public holidays as columns."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from gatecast.data.frequency import parse
from gatecast.data.holidays import holiday_columns
from gatecast.errors import ConfigError, DataError

pytest.importorskip("holidays")


def days(start: str, n: int, freq: str = "D"):
    """Times of a frequency."""
    return parse(freq).range(np.datetime64(start, "us"), n)


def test_holiday_columns_of_days_are_indicators_with_leads_and_lags():
    columns = holiday_columns(days("2024-04-29", 5), "D", "DE", lead=2, lag=1)
    assert {name: column.tolist() for name, column in columns.items()} == {
        "holiday_DE": [0, 0, 1, 0, 0],
        "holiday_DE_lead1": [0, 1, 0, 0, 0],
        "holiday_DE_lead2": [1, 0, 0, 0, 0],
        "holiday_DE_lag1": [0, 0, 0, 1, 0],
    }
    assert all(column.dtype == np.float64 for column in columns.values())


def test_holiday_columns_of_hours_are_those_of_the_day():
    hours = days("2024-04-30T18:00", 36, "h")
    columns = holiday_columns(hours, "h", "DE")
    assert columns["holiday_DE"].tolist() == [0] * 6 + [1] * 24 + [0] * 6
    assert columns["holiday_DE_lead1"].tolist() == [1] * 6 + [0] * 30
    assert columns["holiday_DE_lag1"].tolist() == [0] * 30 + [1] * 6


def test_holiday_columns_know_parts_of_a_country():
    day = days("2024-01-06", 1)
    assert holiday_columns(day, "D", "DE-BY", lead=0, lag=0) == {"holiday_DE-BY": [1.0]}
    assert holiday_columns(day, "D", " de-be ", lead=0, lag=0) == {"holiday_DE-BE": [0.0]}
    august = holiday_columns(days("2024-08-08", 1), "D", "DE-AUGSBURG", lead=0, lag=0)
    assert august == {"holiday_DE-AUGSBURG": [1.0]}


@pytest.mark.parametrize(
    ("freq", "start", "expected"),
    [
        ("MS", "2024-03-01", [1, 1, 3, 0]),  # Good Friday; Easter Monday; May 1, 9, 20
        ("ME", "2024-03-31", [1, 1, 3, 0]),
        ("QS", "2024-01-01", [2, 4, 0, 3]),
        ("QE", "2024-03-31", [2, 4, 0, 3]),
        ("YS", "2024-01-01", [9, 9]),
        ("W-MON", "2024-03-25", [1, 1, 0, 0]),
        ("W-SUN", "2024-03-31", [1, 1, 0, 0]),
        ("2D", "2024-03-29", [1, 1, 0]),
    ],
)
def test_holiday_columns_of_periods_are_counts(freq, start, expected):
    times = days(start, len(expected), freq)
    columns = holiday_columns(times, freq, "DE", lead=1, lag=1)
    assert columns["holiday_DE"].tolist() == expected
    assert columns["holiday_DE_lead1"][:-1].tolist() == expected[1:]
    assert columns["holiday_DE_lag1"][1:].tolist() == expected[:-1]


def test_holiday_columns_of_business_days_lead_by_days():
    columns = holiday_columns(days("2024-12-23", 5, "B"), "B", "DE")
    assert columns["holiday_DE"].tolist() == [0, 0, 1, 1, 0]
    assert columns["holiday_DE_lead1"].tolist() == [0, 1, 1, 0, 0]


def test_holiday_columns_continue_into_the_future():
    past, future = days("2024-12-20", 10), days("2024-12-30", 10)
    whole = holiday_columns(days("2024-12-20", 20), "D", "US")
    parts = [holiday_columns(part, "D", "US") for part in (past, future)]
    for name, column in whole.items():
        assert column.tolist() == [*parts[0][name], *parts[1][name]]
    assert whole["holiday_US"].sum() == 2


def test_holiday_columns_without_times():
    assert holiday_columns(days("2024-01-01", 0), "D", "DE")["holiday_DE"].shape == (0,)


@pytest.mark.parametrize(
    ("country", "message"),
    [
        ("Germany", r"^Unknown country 'GERMANY': expected a code of two letters.* Did you mean 'DE'\?$"),
        ("United States", r"Did you mean 'US'\?$"),
        ("XX", r"^Unknown country 'XX'"),
        ("", r"^Unknown country ''"),
        ("DE-XX", r"^Unknown part of the country 'DE-XX': expected one of 'BB', 'BE'"),
    ],
)
def test_holiday_columns_of_an_unknown_country_raise(country, message):
    with pytest.raises(ConfigError, match=message):
        holiday_columns(days("2024-01-01", 3), "D", country)


def test_holiday_columns_without_the_library_raise_with_advice(monkeypatch):
    monkeypatch.setitem(sys.modules, "holidays", None)
    with pytest.raises(ConfigError, match=r'not installed\. Install it: pip install "gatecast\[holidays\]"$'):
        holiday_columns(days("2024-01-01", 3), "D", "DE")


def test_holiday_columns_of_times_that_are_no_dates_raise():
    with pytest.raises(DataError, match=r"^Holidays need dates: got times of the type int64"):
        holiday_columns(np.arange(3), "1", "DE")


def test_holiday_columns_with_a_negative_lead_raise():
    with pytest.raises(ConfigError, match=r"^Invalid lead -1"):
        holiday_columns(days("2024-01-01", 3), "D", "DE", lead=-1)
