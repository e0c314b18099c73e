"""Messages: every part in its place, and checks of settings that say what they wanted."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from gatecast.errors import (
    ConfigError,
    DataError,
    FormatError,
    GatecastError,
    NotFittedError,
    check_fraction,
    check_positive,
    check_positive_int,
)


def test_a_full_message_has_all_parts_in_order():
    error = DataError("text in y", where="row 3", got="'a'", expected="a number", fix="Remove the row.")
    assert str(error) == "text in y (row 3): got 'a', expected a number. Remove the row."
    assert (error.what, error.where, error.fix) == ("text in y", "row 3", "Remove the row.")


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ({}, "something"),
        ({"fix": "Do this."}, "something. Do this."),
        ({"where": "row 3"}, "something (row 3)"),
        ({"got": 0}, "something: got 0."),
    ],
)
def test_parts_may_be_left_out(parts, text):
    assert str(ConfigError("something", **parts)) == text


@pytest.mark.parametrize("kind", [ConfigError, DataError, FormatError, NotFittedError])
def test_every_kind_is_a_gatecast_error_and_survives_another_process(kind):
    error = kind("a", got="b")
    assert isinstance(error, GatecastError)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


@pytest.mark.parametrize("bad", [0, -1, np.inf, np.nan, "1", None, 1j])
def test_a_positive_number_is_required(bad):
    with pytest.raises(ConfigError, match=r"rate is not a positive number: got .*a number above 0"):
        check_positive(bad, "rate")


@pytest.mark.parametrize("bad", [-0.1, 1.0, np.nan, "0.5", None])
def test_a_share_is_required(bad):
    with pytest.raises(ConfigError, match=r"rate is not a share: got .*from 0 up to, not including, 1"):
        check_fraction(bad, "rate")


@pytest.mark.parametrize("bad", [0, -1, 1.0, True, "1", None])
def test_a_count_is_required(bad):
    with pytest.raises(ConfigError, match=r"units is not a count: got .*a whole number of at least 1"):
        check_positive_int(bad, "units")


def test_numpy_numbers_are_numbers():
    assert check_positive(np.float32(0.5), "a") == 0.5
    assert check_fraction(np.float32(0.5), "a") == 0.5
    assert check_positive_int(np.int64(5), "a") == 5
