"""Dates that are not ISO 8601."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.data.parsing.dates import DATE_PATTERNS, make_dates, parse_dates


@pytest.mark.slow
@given(st.lists(st.dates(), min_size=1, max_size=10))
def test_make_dates_equals_the_calendar_of_python(dates):
    parts = (np.array([getattr(date, part) for date in dates]) for part in ("year", "month", "day"))
    assert make_dates(*parts).astype("M8[D]").tolist() == dates


@pytest.mark.parametrize(("month", "day"), [(0, 1), (13, 1), (1, 0), (2, 30), (4, 31)])
def test_make_dates_that_do_not_exist_returns_nat(month, day):
    assert np.isnat(make_dates(np.array([2024]), np.array([month]), np.array([day]))).all()


def test_parse_dates_of_other_formats_returns_nat():
    times, notes = parse_dates(DATE_PATTERNS[0], ["5 March 2024", "2024/3/5"])
    assert np.isnat(times).tolist() == [True, False]
    assert notes == ()
