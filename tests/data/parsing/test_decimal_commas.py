"""Numbers with a decimal comma."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.data.parsing import numbers
from gatecast.data.parsing.decimal_commas import parse_decimal_commas
from gatecast.data.parsing.numbers import parse_numbers
from gatecast.data.parsing.raw_table import to_text

CELLS = st.from_regex(r"-?\d{1,4}(,\d{1,4})?", fullmatch=True) | st.from_regex(r"-?\d{1,18},\d{1,18}", fullmatch=True)
OTHERS = st.sampled_from(
    ["", "NA", "1.234,5", "1,5 kg", "12,", ",5", "--1,5", "1,2,3", "-", "1e5", " 1,5", "+1,5", "x"]
)


def parse_both(monkeypatch, cells):
    """The numbers of a column, parsed at once and each for itself."""
    at_once = parse_numbers(to_text(cells))
    with monkeypatch.context() as context:
        context.setattr(numbers, "parse_decimal_commas", lambda _: None)
        return at_once, parse_numbers(to_text(cells))


@given(st.lists(CELLS | OTHERS, max_size=8) | st.lists(CELLS, max_size=8))
def test_parse_numbers_of_decimal_commas_equals_the_parser_of_all_notations(cells):
    at_once, each = parse_both(pytest.MonkeyPatch(), cells)
    assert at_once.values.tobytes() == each.values.tobytes()
    assert at_once.is_valid.tolist() == each.is_valid.tolist()
    assert at_once.notes == each.notes


def test_parse_decimal_commas_rounds_correctly():
    texts = ["0,1", "9007199254740993,0", "123456789012345678,9", "-0,0"]
    values = parse_decimal_commas(texts).values
    expected = np.array([float(text.replace(",", ".")) for text in texts])
    assert values.tobytes() == expected.tobytes()


@pytest.mark.parametrize(
    "cells", [["1,500", "2,250"], ["1", "2"], ["1.5", "1,5"], ["1,", "1,5"], [",5", "1,5"]], ids=str
)
def test_parse_decimal_commas_of_other_notations_is_none(cells):
    assert parse_decimal_commas(cells) is None
