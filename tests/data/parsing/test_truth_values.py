"""Truth values in their spellings."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.data.parsing.raw_table import to_text
from gatecast.data.parsing.truth_values import are_truth_values, parse_truth_values, truth_of


@pytest.mark.parametrize(
    ("true", "false"),
    [
        ("true", "FALSE"),
        ("Yes", "no"),
        ("t", "F"),
        ("Y", "n"),
        ("on", "off"),
        ("1", "0"),
        ("1.0", "0.00"),
        ("WAHR", "nein"),
    ],
)
def test_truth_of_words_and_numbers(true, false):
    assert (truth_of(true), truth_of(f" {false} ")) == (1.0, 0.0)
    assert are_truth_values((false, true))
    assert parse_truth_values(to_text([true, "", false, "NA"])).tolist() == pytest.approx(
        [1, np.nan, 0, np.nan], nan_ok=True
    )


@pytest.mark.parametrize("text", ["2", "-1", "0.5", "yess", "", "nan", "inf", "fair"])
def test_truth_of_other_text_is_none(text):
    assert truth_of(text) is None
    assert not are_truth_values(("yes", "no", text))
    assert not are_truth_values(("yes", text))


def test_are_truth_values_needs_both():
    assert not are_truth_values(("yes", "true"))
    assert not are_truth_values(())
    assert not are_truth_values(None)


@pytest.mark.parametrize("column", [np.array([True, False]), np.array([1, 0]), np.array([1.0, 0.0])])
def test_parse_truth_values_of_every_type(column):
    assert parse_truth_values(column).tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    "column", [np.array([1, 2]), np.array([0.5]), np.array(["2024"], "M8[Y]"), to_text(["yes", "2"])]
)
def test_parse_truth_values_of_anything_else_is_none(column):
    assert parse_truth_values(column) is None
