"""Times written as decimal numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecast.data.parsing.decimal_times import decimal_steps, decimal_years, numbers_to_steps, steps_to_numbers
from gatecast.data.parsing.raw_table import to_text
from gatecast.data.parsing.timestamps import parse_times


def decimal_date(times: pd.DatetimeIndex) -> np.ndarray:
    """Year and its elapsed part, as `decimal_date` of R's lubridate writes times."""
    start = pd.to_datetime(times.year.astype(str) + "-01-01")
    length = np.where(times.is_leap_year, 366, 365)
    return np.asarray(times.year + (times - start) / pd.Timedelta("1D") / length)


def days(times) -> list[str]:
    return times.astype("M8[D]").astype(str).tolist()


@pytest.mark.parametrize("decimals", [3, 4, 6, 12])
@pytest.mark.parametrize("freq", ["D", "W-WED", "14D", "MS", "QS", "YS"])
def test_dates_written_as_decimal_years_come_back(freq, decimals):
    dates = pd.date_range("2018-03-01", periods=900 if freq == "D" else 60, freq=freq)
    read = decimal_years(decimal_date(dates).round(decimals))
    assert read is not None
    if freq == "D" and decimals == 3:
        # A day is .0027 of a year: which of 365 or 366 there are does not show.
        assert len(np.unique(read.values)) == len(dates)
        assert np.abs(read.values - dates.to_numpy()).max() <= np.timedelta64(1, "D")
    else:
        assert read.values.tolist() == dates.to_numpy().astype("M8[us]").tolist()


def test_hours_written_as_decimal_years_come_back():
    hours = pd.date_range("2020-02-27", periods=200, freq="h")
    read = decimal_years(decimal_date(hours))
    assert read is not None
    assert read.values.tolist() == hours.to_numpy().astype("M8[us]").tolist()


@pytest.mark.parametrize(("per_year", "step_days"), [(52, 7), (365, 1), (365.25, 1)])
def test_series_of_r_have_periods_of_equal_length(per_year, step_days):
    numbers = 1990 + np.arange(3 * int(per_year)) / per_year
    read = decimal_years(numbers)
    assert read is not None
    steps = np.diff(read.values.astype("M8[D]").astype(int))
    # A 53rd week, and the last day of a leap year, are missing.
    assert (steps == step_days).mean() > 0.99
    assert set(steps) <= {step_days, 2 * step_days}
    assert abs(read.values[0] - np.datetime64("1990-01-01")) <= np.timedelta64(1, "D")
    assert abs(read.values[-1] - np.datetime64("1992-12-31")) <= np.timedelta64(10, "D")


def test_weeks_of_365_25_days_follow_each_other():
    numbers = 1991.1 + np.arange(1_355) * 7 / 365.25
    read = decimal_years(numbers)
    assert read is not None
    assert set(np.diff(read.values.astype("M8[D]").astype(int))) == {7}
    assert days(read.values[:1]) == ["1991-02-11"]
    # A later row is read alone as it was among the others.
    assert decimal_years(numbers[-1:], read.number_format).values[0] == read.values[-1]


@given(
    first=st.integers(-1_000, 1_000),
    step=st.sampled_from([0.001, 0.05, 0.1, 0.25, 1 / 7, 1 / 3, 1.5, 2.5, 12.5]),
    phase=st.sampled_from([0.0, 0.0, 0.3]),
    gaps=st.lists(st.integers(1, 200), max_size=5, unique=True),
)
@settings(max_examples=200, deadline=None)
def test_steps_come_back_as_their_numbers(first, step, phase, gaps):
    counts = np.array([k for k in range(first, first + 300) if k - first not in gaps])
    numbers = (counts + phase) * step
    read = decimal_steps(numbers)
    assert read is not None
    assert np.diff(read.values).tolist() == np.diff(counts).tolist()
    np.testing.assert_allclose(steps_to_numbers(read.values, read.number_format), numbers, rtol=1e-9, atol=1e-9 * step)
    assert numbers_to_steps(numbers, read.number_format).tolist() == read.values.tolist()
    assert decimal_steps(numbers[-1:], read.number_format).values[0] == read.values[-1]


@pytest.mark.parametrize(
    "numbers",
    [
        [0.3, 1.7, 2.2, 9.1],
        [26.2, 25.3, 24.3, 29.9],
        [0.5, 0.7],
        [1.5],
        # Months and years that were read as numbers.
        [10.2024, 11.2024, 12.2024],
    ],
)
def test_other_numbers_are_no_steps(numbers):
    assert decimal_steps(np.array(numbers)) is None
    assert not parse_times(np.array(numbers)).is_valid.any()


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["0.0", "0.1", "0.2"], [0, 1, 2]),
        (["0,0", "0,1", "0,2", "0,4"], [0, 1, 2, 4]),
        (["1.42857142857143", "1.57142857142857", "1.71428571428571"], [10, 11, 12]),
    ],
)
def test_texts_are_steps(cells, expected):
    parsed = parse_times(to_text(cells))
    assert parsed.values.tolist() == expected
    assert "steps of" in parsed.notes[0]


@pytest.mark.parametrize("cells", [["10.2024", "11.2024", "12.2024"], ["01.2024", "02.2024", "03.2024"]])
def test_months_are_no_steps(cells):
    assert parse_times(to_text(cells)).values.dtype.kind == "M"


@pytest.mark.parametrize(
    ("numbers", "first", "last", "kind"),
    [
        ([year + quarter / 10 for year in (1947, 1948) for quarter in (1, 2, 3, 4)], "1947-01", "1948-10", "quarters"),
        ([year + half / 10 for year in (1990, 1991) for half in (1, 2)], "1990-01", "1991-07", "halves"),
        ([year + month / 100 for year in (2021, 2022) for month in range(1, 13)], "2021-01", "2022-12", "months"),
    ],
)
def test_digits_after_years_number_their_parts(numbers, first, last, kind):
    read = decimal_years(np.array(numbers))
    assert read is not None
    assert read.values.astype("M8[M]").astype(str).tolist()[:: len(numbers) - 1] == [first, last]
    assert read.number_format == f"years and {kind}"
    assert decimal_years(np.array(numbers[:1]), read.number_format).values[0] == read.values[0]


@pytest.mark.parametrize("days", [1, 7])
def test_a_few_rounded_numbers_are_the_days_that_they_were_among_others(days):
    numbers = (2000.3 + days * np.arange(900) / 365.25).round(4)
    read = decimal_years(numbers)
    assert read is not None
    assert np.unique(np.diff(read.values.astype("M8[D]").astype(int))).tolist() == [days]
    for k in range(0, 900, 7):
        assert decimal_years(numbers[k : k + 1], read.number_format).values[0] == read.values[k]


@pytest.mark.parametrize("parts", [3, 7, 24, 96])
def test_parts_of_one_are_exact(parts):
    numbers = 1 + np.arange(200) / parts
    read = decimal_steps(numbers)
    assert read is not None
    assert float(read.number_format.partition("+")[2]) == 1 / parts
    later = 1 + np.arange(5_000) / parts
    assert np.diff(numbers_to_steps(later, read.number_format)).tolist() == [1] * 4_999
    np.testing.assert_allclose(steps_to_numbers(np.array([5_000]), read.number_format), 5_000 / parts, rtol=1e-11)
