"""Digests: equal content has equal ones, anything else another one."""

from __future__ import annotations

import datetime as dt
import math
import pickle
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import pytest

from gatecast._utils.digests import digest_of
from gatecast.layers import LSTM, Dense
from gatecast.models import Sequential


@dataclass(frozen=True)
class Record:
    """A record that remembers something."""

    values: np.ndarray = field(default_factory=lambda: np.zeros(3))
    name: str = "a"

    @cached_property
    def total(self):
        return self.values.sum()


DIFFERENT = [
    1,
    1.0,
    True,
    "1",
    b"1",
    None,
    np.float32(1),
    np.int64(1),
    np.ones(1),
    np.ones((1, 1)),
    [1],
    (1,),
    ["1", ""],
    ["", "1"],
    ["1"],
    {"a": 1},
    {"a": 1, "b": None},
    {1},
    np.array(["1"], object),
    np.empty(0),
    np.empty((0, 2)),
    np.array(["2020-01"], "M8[M]"),
    int,
    Record(),
    replace(Record(), name="b"),
    Record(np.ones(3)),
]


def test_digest_of_different_values_differs():
    digests = [digest_of(value) for value in DIFFERENT]
    assert len(set(digests)) == len(DIFFERENT)


def test_digest_of_equal_values_is_equal():
    again = [digest_of(value) for value in DIFFERENT]
    assert again == [digest_of(value) for value in DIFFERENT]
    assert digest_of(np.arange(6).reshape(2, 3).T) == digest_of(np.arange(6).reshape(2, 3).T.copy())


def test_digest_of_a_record_does_not_depend_on_what_it_has_cached():
    record = Record()
    before = digest_of(record)
    assert record.total == 0
    assert digest_of(record) == before


def network(units=4, loss="mae"):
    model = Sequential([LSTM(units), Dense(3)])
    model.compile(loss=loss, optimizer="adam")
    return model


def test_digest_of_networks_is_that_of_their_layers_and_optimizers():
    assert digest_of(network()) == digest_of(network())
    assert len({digest_of(network()), digest_of(network(5)), digest_of(network(loss="mse"))}) == 3


def adding(number):
    return lambda x: x + number


def test_digest_of_functions_is_that_of_their_code_and_of_what_they_enclose():
    assert digest_of(adding(1)) == digest_of(adding(1))
    assert digest_of(adding(1)) != digest_of(adding(2))
    assert digest_of(adding) != digest_of(network)


def test_digest_of_a_class_without_source_is_never_the_same():
    made = type("Made", (), {"__module__": "nowhere"})
    assert digest_of(made()) != digest_of(made())


def test_digest_of_a_generator_is_never_the_same():
    assert digest_of(number for number in ()) != digest_of(number for number in ())


def test_digest_of_partial_functions_is_that_of_their_arguments():
    assert digest_of(partial(adding, 1)) == digest_of(partial(adding, 1))
    assert len({digest_of(partial(adding, 1)), digest_of(partial(adding, 2)), digest_of(partial(network, 1))}) == 3


class Slots:
    """An object without a dict."""

    __slots__ = ("value",)

    def __init__(self, value):
        self.value = value


class Counting(dict):
    """A dict with an attribute."""

    def __init__(self, n):
        super().__init__(a=1)
        self.n = n


@pytest.mark.parametrize("make", [Slots, Counting, slice, range, Decimal])
def test_digest_of_objects_is_that_of_all_that_they_hold(make):
    assert digest_of(make(1)) == digest_of(make(1)) != digest_of(make(2))


@pytest.mark.parametrize("value", [dt.date(2020, 1, 2), np.tanh, math.sqrt, len, Decimal("1.5"), Path("a"), range(3)])
def test_digest_of_what_is_written_in_c_is_that_of_its_value(value):
    assert digest_of(value) == digest_of(pickle.loads(pickle.dumps(value)))


def test_digest_of_an_object_that_refers_to_itself_ends():
    first, second = Record(), Record()
    for record in (first, second):
        object.__setattr__(record, "name", record)
    assert digest_of(first) == digest_of(second)


@pytest.mark.parametrize("text", ["\ud800", "ä", "a:1"])
def test_digest_of_any_text_is_made(text):
    assert len(digest_of(text)) == 64
