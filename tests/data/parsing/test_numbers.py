"""Numbers as people write them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.data.parsing.numbers import read_numbers
from gatecast.data.parsing.raw_table import text_cells


def values(*cells: str) -> list[float]:
    """Numbers read from cells, all of them readable."""
    read = read_numbers(text_cells(cells))
    assert read.readable.all()
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
def test_styles(cells, expected):
    assert values(*cells) == expected


def test_the_style_of_a_column_decides_about_a_cell():
    assert values("1,234", "2.5")[0] == 1234.0
    assert values("1,234", "2,5")[0] == 1.234


def test_doubtful_commas_are_said():
    assert read_numbers(text_cells(["1,234", "5,678"])).notes == (
        "The comma separates thousands: '1,234' is read as 1234; if it marks decimals, write a point.",
    )
    assert read_numbers(text_cells(["1,5"])).notes == ("The comma marks decimals: '1,5' is read as 1.5.",)
    assert read_numbers(text_cells(["1.5"])).notes == ()


@pytest.mark.parametrize("word", ["", " ", "NA", "n/a", "NaN", "null", "None", "-", ".", "?", "#N/A", "<NA>"])
def test_words_for_missing_values(word):
    read = read_numbers(text_cells(["1", word, "2,5"]))
    assert read.readable.all()
    assert np.isnan(read.values).tolist() == [False, True, False]


@pytest.mark.parametrize("word", ["abc", "1.2.3", "12:30", "2024-01-01", "1,23,4", "True", "1 2", "--5", "0,123,456.5"])
def test_what_is_no_number(word):
    assert read_numbers(text_cells(["1.5", word, "2"])).readable.tolist() == [True, False, True]


def test_infinities_are_numbers_here():
    assert values("inf", "-Infinity") == [np.inf, -np.inf]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=20))
def test_what_python_writes_is_read_back(numbers):
    assert values(*map(repr, numbers)) == numbers


@given(st.lists(st.floats(-1e15, 1e15).map(lambda x: round(x, 3)), min_size=1, max_size=20))
def test_what_german_writers_write_is_read_back(numbers):
    cells = [f"{number:,.3f}".translate(str.maketrans(",.", ".,")) for number in numbers]
    assert values(*cells) == numbers


def test_typed_columns():
    assert read_numbers(np.array([1, 2])).values.tolist() == [1.0, 2.0]
    assert not read_numbers(np.array([True, False])).readable.any()
    assert not read_numbers(np.array(["2024-01-01"], "M8[us]")).readable.any()
