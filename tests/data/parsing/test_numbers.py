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


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (("15.136,00 EUR", "9,50 EUR"), [15136.0, 9.5]),
        (("CHF 1'234.50", "CHF 2’000", "CHF 12.-"), [1234.5, 2000.0, 12.0]),
        (("1.234 kr", "12,5 kr"), [1234.0, 12.5]),
        (("zł 5", "R$ 6", "7 ₽", "Rs.500", "₩ 8", "US$ 9"), [5.0, 6.0, 7.0, 500.0, 8.0, 9.0]),
        (("₹12,34,567.89", "₹1,234.00"), [1234567.89, 1234.0]),
        (("5 kWh", "6 kWh"), [5.0, 6.0]),
        (("12 °C", "13°C", "14"), [12.0, 13.0]),
        (("5 €/MWh", "6,5 €/MWh"), [5.0, 6.5]),
        (("1.2k", "800", "1.5M"), [1200.0, 800.0, 1500000.0]),
        (("5 Mio. €", "7,5 Mio. €"), [5e6, 7.5e6]),
        (("5m", "6m"), [5.0, 6.0]),
        (("$5m", "$6.1bn"), [5e6, 6.1e9]),
        (("5m", "6k"), [5e6, 6000.0]),
        (("5 TEUR", "7,5 TEUR"), [5000.0, 7500.0]),
        (("3K", "1.1K"), [3000.0, 1100.0]),
        (("300 K", "301 K"), [300.0, 301.0]),
        (("(1,234.50)", "($5)", "$(6)"), [-1234.5, -5.0, -6.0]),
        (("5-", "1,234.50-", "6"), [-5.0, -1234.5, 6.0]),
        (("–5", "−5,5", "‎6"), [-5.0, -5.5, 6.0]),
        (("1 234", "2 345,5", "1 000"), [1234.0, 2345.5, 1000.0]),
        (("１２３", "４，５６７"), [123.0, 4567.0]),
        (("١٢٣٫٥", "١٬٢٣٤٫٥", "۵"), [123.5, 1234.5, 5.0]),
        (("1,5E+03", "+2,5"), [1500.0, 2.5]),
        (("'5'", '"6"', '="7"', "'8"), [5.0, 6.0, 7.0, 8.0]),
        ((" $ -   ", "$5"), [0.0, 5.0]),
        (("<1", "5", "<1"), [0.5, 5.0, 0.5]),
        (("≤ 0.5", ">100", "-1"), [0.5, 100.0, -1.0]),
        (("1万", "2.5万"), [10000.0, 25000.0]),
    ],
)
def test_parse_numbers_with_affixes(cells, expected):
    assert values(*cells)[: len(expected)] == expected


@pytest.mark.parametrize(
    ("cells", "notes"),
    [
        (
            ("<1", "<1", "7", ">9"),
            ("Values below a bound are half of it: '<1' in 2 cells is read as 0.5, '>9' in 1 cell is read as 9.",),
        ),
        (("<-20", "-30"), ("Bounds are read as the bound itself: '<-20' in 1 cell is read as -20.",)),
        (("5 kWh", "6 kWh"), ("The unit 'kWh' is ignored: '5 kWh' is 5.",)),
        (("1.2k", "3"), ("'k' is read as a factor of 1000: '1.2k' is 1200.",)),
        (("(5)", "6"), ("Parentheses mark negative numbers: '(5)' is -5.",)),
        (("5-", "6"), ("A minus sign after a number makes it negative: '5-' is -5.",)),
        (("1.234", "1.234.567"), ("Points are read as thousands separators: '1.234' is 1234.",)),
        (
            ("1.234-", "2.345-"),
            (
                "Points are read as decimal separators: '1.234-' is -1.234. If they are thousands separators, remove "
                "them.",
                "A minus sign after a number makes it negative: '1.234-' is -1.234.",
            ),
        ),
        (("$5", "€6"), ("Currency and percent signs are ignored: '$5' is 5. The column has several: $, €.",)),
    ],
)
def test_parse_numbers_with_affixes_adds_notes(cells, notes):
    assert parse_numbers(to_text(cells)).notes == notes


def test_parse_numbers_of_another_unit_is_invalid():
    cells = to_text(["5 kWh", "6 kWh", "7 MWh", "8 kWh", "9 kWh"])
    assert parse_numbers(cells).is_valid.tolist() == [True, True, False, True, True]


@pytest.mark.parametrize(
    "cell", ["12A", "1st", "Store 1", "5 pm", "5-10", "2024-Jan", "12:30", "v1.2", "0x1F", "(5", "+-5", "1 2 kWh", "#5"]
)
def test_parse_numbers_of_codes_and_other_text_is_invalid(cell):
    assert not parse_numbers(to_text([cell] * 5)).is_valid.any()


@pytest.mark.parametrize("text", [" ", "1", "1,", "a ", "(", "$ ", "1 ", "- ", "<", "1.", "'", "٣"])
@pytest.mark.parametrize("end", ["", "x", "5", " 5 kWh "])
def test_parse_numbers_of_long_cells_finishes(text, end):
    # Each of these would take hours with a pattern that backtracks over repeated characters.
    cell = text * 100_000 + end
    parsed = parse_numbers(to_text([cell, "1,5"]))
    assert parsed.values[1] == 1.5
    assert all(len(note) < 300 for note in parsed.notes)


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


def test_parse_numbers_with_points_that_may_group_thousands_adds_a_note():
    for cells in (["987", "1.234", "12.345"], ["1.234", "2.345"], ["1.234", "2.345", "NA"], ["$1.234", "$2.345"]):
        assert (
            "Points are read as decimal separators: '1.234' is 1.234. If they are thousands separators, remove them."
        ) in [note.replace("$", "") for note in parse_numbers(to_text(cells)).notes]
    for cells in (["987", "1.234", "1.5"], ["1.234", "1.2345"], ["1.234"], ["0.125", "3", "0.250"]):
        assert parse_numbers(to_text(cells)).notes == ()


@pytest.mark.parametrize(
    "word", ["", " ", "NA", "n/a", "NaN", "null", "None", "-", ".", "?", "#N/A", "<NA>", "—", "..", "#DIV/0!"]
)
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


@pytest.mark.parametrize("flag", [" b", " ep", " p", "p", "r", "e", "*", " (p)", "(r)", "**"])
def test_flags_of_single_values_are_no_part_of_the_numbers(flag):
    parsed = parse_numbers(to_text(["110.0", f"112.5{flag}", "113.0", "114", ":", ": c"]))
    np.testing.assert_array_equal(parsed.values, [110, 112.5, 113, 114, np.nan, np.nan])
    assert parsed.is_valid.all()
    assert parsed.notes == (f"Flags behind 1 number are ignored ('{flag.strip()}'): '112.5{flag}' is 112.5.",)


@pytest.mark.parametrize("texts", [["1p", "2p", "3p"], ["12e", "13e", "14"], ["5 x", "6", "7", "8"]])
def test_letters_behind_most_numbers_or_of_no_flag_are_none(texts):
    assert not parse_numbers(to_text(texts)).is_valid.all()


def test_parse_numbers_of_which_some_have_a_percent_sign_says_so():
    parsed = parse_numbers(to_text(["9.76%", "10.65%", "0", "0.0956", "0.1063"]))
    assert parsed.values.tolist() == [9.76, 10.65, 0, 0.0956, 0.1063]
    assert parsed.notes[-1] == (
        "Percent signs are missing behind 2 numbers: '0.0956' is 0.0956. If these are fractions of 1, multiply them by "
        "100."
    )
    for cells in (["9.76%", "10.65%", "0"], ["9.76", "10.65"], ["$5", "6"]):
        assert not any("missing" in note for note in parse_numbers(to_text(cells)).notes)
