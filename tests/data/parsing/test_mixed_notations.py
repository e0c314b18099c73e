"""Columns of times in two notations."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from gatecast.data.parsing.raw_table import to_text
from gatecast.data.parsing.timestamps import parse_times

DAYS = [date(2024, 1, 1) + timedelta(days=k) for k in range(60)]
EPOCH = date(1899, 12, 30)


def serial(day: date) -> str:
    return str((day - EPOCH).days)


def european(day: date) -> str:
    return f"{day:%d/%m/%Y}"


def swapped(day: date) -> str:
    """What a spreadsheet that expects month/day makes of a text."""
    return date(day.year, day.day, day.month).isoformat() if day.day <= 12 else european(day)


def parse(texts, name="Date"):
    return parse_times(to_text(texts), name=name)


@pytest.mark.parametrize(
    ("write", "others"),
    [(serial, european), (date.isoformat, european), (date.isoformat, serial), (european, serial)],
)
def test_parse_times_in_two_notations_reads_both(write, others):
    parsed = parse([write(day) if k % 3 else others(day) for k, day in enumerate(DAYS)])
    assert parsed.is_valid.all()
    assert parsed.values.astype("M8[D]").tolist() == DAYS
    assert f"20 of 60 times are written in another way than the others: {others(DAYS[0])!r}" in parsed.notes[-1]


def test_parse_times_that_a_spreadsheet_swapped_are_swapped_back():
    parsed = parse([swapped(day) for day in DAYS])
    assert parsed.values.astype("M8[D]").tolist() == DAYS
    assert "days and months of 24 times are swapped back: '2024-02-01' is read as 2024-01-02" in parsed.notes[-1]


@pytest.mark.parametrize(
    "texts",
    [
        [day.isoformat() for day in DAYS[:20]] + ["2024-13-01", "2024-13-02", "2024-13-03"],
        [day.isoformat() for day in DAYS[:20]] + [european(DAYS[20])],
        [day.isoformat() for day in DAYS[:20]] + ["17", "4", "999"],
        [day.isoformat() for day in DAYS[:20]] + ["25/04/1999", "26/07/1971", "27/04/2050"],
    ],
)
def test_parse_times_that_are_typing_errors_are_none(texts):
    assert not parse(texts).is_valid.all()


def test_parse_times_in_two_notations_keeps_missing_times():
    texts = [european(day) if k % 3 else day.isoformat() for k, day in enumerate(DAYS)]
    texts[7] = ""
    assert np.flatnonzero(~parse(texts).is_valid).tolist() == [7]


def test_parse_times_of_serials_in_another_column_stay_apart():
    assert not parse([european(day) if k % 3 else serial(day) for k, day in enumerate(DAYS)], "code").is_valid.all()
