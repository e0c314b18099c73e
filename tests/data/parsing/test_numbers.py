"""Numbers as people write them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.data.parsing.numbers import parse_numbers
from gatecast.data.parsing.raw_table import to_text


def values(*cells: str) -> list[float]:
    """Numbers parsed from strings, all of them valid."""
    read = parse_numbers(to_text(cells))
    assert read.is_valid.all()
    return read.values.tolist()


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (("1", " 2.5 ", "-3e2", "+4"), [1.0, 2.5, -300.0, 4.0]),
        (("1,5", "2"), [1.5, 2.0]),
        (("1.234,5", "12"), [1234.5, 12.0]),
        (("1.234.567,5", "0,001"), [1234567.5, 0.001]),
        (("1,234", "2,345.5"), [1234.0, 2345.5]),
        (("1 234", "12 345.5"), [1234.0, 12345.5]),
        (("1\u202f234,5", "7,25"), [1234.5, 7.25]),
        (("1'234.5", "2'000"), [1234.5, 2000.0]),
        (("$1,234.50", "-$3", "£ 7"), [1234.5, -3.0, 7.0]),
        (("12 %", "7.5%"), [12.0, 7.5]),
        (("\u22121.5", "€2"), [-1.5, 2.0]),
        ((",5", "1,25"), [0.5, 1.25]),
    ],
)
def test_parse_numbers_in_a_format(cells, expected):
    assert values(*cells) == expected


def test_parse_numbers_chooses_one_format_per_column():
    assert values("1,234", "2.5")[0] == 1234.0
    assert values("1,234", "2,5")[0] == 1.234


def test_parse_numbers_with_commas_adds_a_note():
    assert parse_numbers(to_text(["1,234", "5,678"])).notes == (
        "Commas are read as thousands separators: '1,234' is 1234. If they are decimal separators, replace them with "
        "points.",
    )
    assert parse_numbers(to_text(["1,5"])).notes == ("Commas are read as decimal separators: '1,5' is 1.5.",)
    assert parse_numbers(to_text(["1.5"])).notes == ()


@pytest.mark.parametrize("word", ["", " ", "NA", "n/a", "NaN", "null", "None", "-", ".", "?", "#N/A", "<NA>"])
def test_parse_numbers_of_missing_markers_returns_nan(word):
    read = parse_numbers(to_text(["1", word, "2,5"]))
    assert read.is_valid.all()
    assert np.isnan(read.values).tolist() == [False, True, False]


@pytest.mark.parametrize("word", ["abc", "1.2.3", "12:30", "2024-01-01", "1,23,4", "True", "1 2", "--5", "0,123,456.5"])
def test_parse_numbers_of_other_text_is_invalid(word):
    assert parse_numbers(to_text(["1.5", word, "2"])).is_valid.tolist() == [True, False, True]


def test_parse_numbers_accepts_infinity():
    assert values("inf", "-Infinity") == [np.inf, -np.inf]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=20))
def test_parse_numbers_round_trips_python_literals(numbers):
    assert values(*map(repr, numbers)) == numbers


@given(st.lists(st.floats(-1e15, 1e15).map(lambda x: round(x, 3)), min_size=1, max_size=20))
def test_parse_numbers_round_trips_decimal_commas(numbers):
    cells = [f"{number:,.3f}".translate(str.maketrans(",.", ".,")) for number in numbers]
    # Without the last cell a column such as 1,234 alone would be ambiguous.
    assert values(*cells, "0,5") == [*numbers, 0.5]


def test_parse_numbers_of_typed_columns():
    assert parse_numbers(np.array([1, 2])).values.tolist() == [1.0, 2.0]
    assert not parse_numbers(np.array([True, False])).is_valid.any()
    assert not parse_numbers(np.array(["2024-01-01"], "M8[us]")).is_valid.any()
