"""Errors: the order of the components of a message, and the fields of an error."""

from __future__ import annotations

import pickle

import pytest

from gatecast.errors import ConfigError, DataError, FormatError, GatecastError, NotFittedError


def test_message_has_all_components_in_order():
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
def test_message_components_are_optional(parts, text):
    assert str(ConfigError("something", **parts)) == text


def test_argument_is_a_field_and_not_added_to_the_message():
    error = ConfigError("Invalid freq 'x'", argument="freq")
    assert error.argument == "freq"
    assert str(error) == "Invalid freq 'x'"
    assert DataError("a").argument is None


@pytest.mark.parametrize("kind", [ConfigError, DataError, FormatError, NotFittedError])
def test_every_kind_is_a_gatecast_error_and_can_be_pickled(kind):
    error = kind("a", got="b", argument="c")
    assert isinstance(error, GatecastError)
    restored = pickle.loads(pickle.dumps(error))
    assert (str(restored), vars(restored)) == (str(error), vars(error))
