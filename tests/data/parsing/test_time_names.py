"""Names of columns that tell what their cells are."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.data.frequency import format_times
from gatecast.data.parsing.raw_table import to_text
from gatecast.data.parsing.time_names import NAMES, is_called, is_called_time, is_part_of_time, tells
from gatecast.data.parsing.timestamps import parse_times

NOTATIONS = ("{}{:02d}", "{}/{:02d}", "{}-{:02d}", "{}.{:02d}")


@pytest.mark.parametrize(
    "name", [*sorted(NAMES["week"]), "Jahr/KW", "ISO Week", "Kalenderwoche", "YearWeek", "Jahr_KW"]
)
@pytest.mark.parametrize("notation", NOTATIONS)
def test_weeks_of_few_months_are_read_by_the_name_in_every_notation(name, notation):
    parsed = parse_times(to_text(notation.format(2023, week) for week in range(1, 12)), name=name)
    assert (parsed.values == np.datetime64("2023-01-02") + 7 * np.arange(11)).all()


@pytest.mark.parametrize("name", [*sorted(NAMES["quarter"]), "Fiscal Quarter", "YearQuarter", "Jahr/Quartal"])
@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize("n", [6, 40])
def test_quarters_of_two_digits_are_read_by_the_name_in_every_notation(name, notation, n):
    parsed = parse_times(to_text(notation.format(2010 + q // 4, q % 4 + 1) for q in range(n)), name=name)
    assert (parsed.values.astype("M8[M]") == np.datetime64("2010-01") + 3 * np.arange(n)).all()


@pytest.mark.parametrize("notation", NOTATIONS[:3])
@pytest.mark.parametrize("name", ["", "Month", "Date", "kWh"])
def test_without_such_a_name_they_are_months(name, notation):
    parsed = parse_times(to_text(notation.format(2010 + k // 4, k % 4 + 1) for k in range(40)), name=name)
    assert format_times(parsed.values[:4]) == ["2010-01-01", "2010-02-01", "2010-03-01", "2010-04-01"]


@pytest.mark.parametrize("name", ["Quarter", "Quartal"])
def test_months_in_which_quarters_end_are_months(name):
    parsed = parse_times(to_text(f"{2010 + k // 4}{3 * (k % 4) + 3:02d}" for k in range(12)), name=name)
    assert format_times(parsed.values[:3]) == ["2010-03-01", "2010-06-01", "2010-09-01"]


@pytest.mark.parametrize(
    ("part", "name", "expected"),
    [("week", "kWh", False), ("week", "KW", True), ("week", "CW 2024", True), ("quarter", "qty", False)],
)
def test_abbreviations_are_whole_words(part, name, expected):
    assert tells(part, name) is expected


@pytest.mark.parametrize("part", ["quarter", "month", "week"])
@pytest.mark.parametrize(
    "qualified", ["Calendar {}", "kalender{}", "ISO_{}", "{} Number", "{}Num", "{} No.", "{}-Nr", "{} #", "{}_name"]
)
def test_names_of_parts_may_be_qualified(part, qualified):
    for word in sorted(NAMES[part]):
        name = qualified.format(word)
        assert is_called(part, name)
        assert is_called_time(name)
        assert is_part_of_time(name)


@pytest.mark.parametrize(
    "name", ["mono", "piano", "techno", "Number", "No.", "name", "calendar", "ISO", "#", "kWh", ""]
)
def test_other_names_with_such_ends_are_no_parts(name):
    assert not is_called_time(name)
    assert not is_part_of_time(name)
