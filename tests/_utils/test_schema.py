"""Schemas: what fits an annotation is returned, anything else is refused with its place and what is expected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple, TypedDict

import numpy as np
import pytest

from gatecast._utils.schema import (
    AnyNumber,
    Count,
    Level,
    Range,
    SchemaError,
    Share,
    check_array,
    check_fields,
    from_json,
)


@dataclass(frozen=True)
class Record:
    """A record with a default."""

    size: int
    rates: tuple[float, ...] = ()


class Pair(NamedTuple):
    """A pair."""

    low: float | None
    high: float = 1.0


class Old(TypedDict):
    """What every version has."""

    name: str


class New(Old, total=False):
    """What newer versions have as well."""

    record: Record


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (int, 3, 3),
        (float, 3, 3),
        (AnyNumber, float("inf"), float("inf")),
        (bool, True, True),
        (str | None, None, None),
        (int | str, "a", "a"),
        (Sequence[str], ["a"], ("a",)),
        (str | Sequence[str] | None, ["a", "b"], ("a", "b")),
        (tuple[int, str], [1, "a"], (1, "a")),
        (list[int | None], [1, None], [1, None]),
        (dict[str, list[float]], {"a": [0.5]}, {"a": [0.5]}),
        (Literal["a", 1], 1, 1),
        (Record, {"size": 2, "rates": [1, 2]}, Record(2, (1, 2))),
        (Pair, {"low": None}, Pair(None)),
        (Pair, [1, 2], Pair(1, 2)),
        (New, {"name": "a", "record": {"size": 1}}, {"name": "a", "record": Record(1)}),
        (Any, {"anything": [None]}, {"anything": [None]}),
        (Annotated[list[int], Range(1, 2)], [5], [5]),
    ],
)
def test_from_json_returns_what_fits(kind, value, expected):
    result = from_json(kind, value, "a")
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (int, True, "a is True, expected an integer"),
        (int, 1.0, "a is 1.0, expected an integer"),
        (int, 10**100, "a is an integer of many digits, expected an integer"),
        (float, float("nan"), "a is nan, expected a finite number"),
        (float, "1", "a is '1', expected a number"),
        (float, 10**400, "a is an integer of many digits, expected a number"),
        (AnyNumber, None, "a is None, expected a number"),
        (bool, 1, "a is 1, expected true or false"),
        (str, b"x", "a is b'x', expected text"),
        (Literal["a", 1], True, "a is True, expected 'a' or 1"),
        (Count, 0, "a is 0, expected a number from 1 to 1e"),
        (Level, 100, "a is 100, expected a number from 1 to 100"),
        (Count | None, "x", "a is 'x', expected an integer or null"),
        (list[int] | None, [1, "x"], "a.1 is 'x', expected an integer"),
        (list[int], {"0": 1}, "a is {'0': 1}, expected a list"),
        (Annotated[list[int], Range(1, 2)], [], r"a is \[\], expected as many items from 1 to 2"),
        (tuple[int, str], [1], r"a is \[1\], expected a list of 2"),
        (dict[str, int], [], r"a is \[\], expected an object"),
        (Record, [], r"a is \[\], expected an object"),
        (Record, {}, "a.size is missing"),
        (Record, {"size": 1, "__class__": 2}, "a.'__class__' is unknown, expected one of size, rates"),
        (Record, {"size": 1, "rates": [None]}, "a.rates.0 is None, expected a number"),
        (Pair, [1], r"a is \[1\], expected a list of 2"),
        (New, {"record": {"size": 1}}, "a.name is missing"),
        (str, 0, "a is 0, expected text"),
    ],
)
def test_from_json_refuses_the_rest(kind, value, text):
    with pytest.raises(SchemaError, match=text):
        from_json(kind, value, "a")


def test_from_json_quotes_the_beginning_of_a_value():
    with pytest.raises(SchemaError) as caught:
        from_json(int, "secret " * 1000, "a")
    assert len(str(caught.value)) < 120


def test_check_fields_of_a_class_whose_annotations_are_unknown_checks_names():
    class Plugin:
        """A class of another package."""

    plugin = dataclass(type("Plugin", (), {"__annotations__": {"size": "Missing"}, "size": 1}))
    assert check_fields(plugin, {"size": "anything"}, "a") == {"size": "anything"}
    with pytest.raises(SchemaError, match="unknown"):
        check_fields(plugin, {"length": 1}, "a")


@pytest.mark.parametrize(
    ("array", "options", "text"),
    [
        (np.zeros(3), {}, "expected float64 of shape"),
        (np.zeros((2, 4)), {}, r"expected float64 of shape \(2, 3\)"),
        (np.zeros((2, 3), np.float32), {}, "is float32"),
        (np.full((2, 3), np.nan), {}, "has 6 numbers that are not finite"),
        (np.full((2, 3), np.inf), {"finite": False}, "has 6 numbers that are infinite"),
        (None, {}, "array 'x' is missing"),
    ],
)
def test_check_array_refuses_other_arrays(array, options, text):
    with pytest.raises(SchemaError, match=text):
        check_array({} if array is None else {"x": array}, "x", float, (2, 3), **options)


def test_check_array_returns_arrays_that_fit():
    gaps = np.array([[1.0, np.nan]])
    assert check_array({"x": gaps}, "x", np.float64, (1, None), finite=False) is gaps


@pytest.mark.parametrize("annotation", ["Unknown", "1 / 0", "np.nothing", "int | 'text'", "not python"])
def test_check_fields_of_a_class_whose_annotations_cannot_be_evaluated_takes_its_values(annotation):
    """Also those of the fields that it inherits."""

    @dataclass
    class Base:
        inherited: int = 1

    @dataclass
    class Config(Base):
        size: int = 2

    Config.__annotations__["size"] = annotation
    assert check_fields(Config, {"inherited": 3, "size": 4}, "") == {"inherited": 3, "size": 4}


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (int, [2**128, -(2**128)], [2**128 + 1, -(2**128) - 1]),
        (float, [2**128, -(2**128), 1e308], [2**128 + 1, float("inf"), float("-inf")]),
        (Count, [1, 10**9], [0, 10**9 + 1]),
        (Share, [0, 1, 0.5], [-0.001, 1.001]),
        (Level, [1, 99.9999999], [0.99, 100]),
        (Annotated[list[int], Range(1, 2)], [[1], [1, 2]], [[], [1, 2, 3]]),
        (Annotated[str, Range(2, 3)], ["ab", "abc"], ["a", "abcd"]),
        (Annotated[int | None, Range(1, 2)], [None, 1, 2], [0, 3]),
        (Literal["mean", "median"], ["mean", "median"], ["a", "me", "z", "", 1]),
        (tuple[int], [[1]], [[], [1, 2]]),
        (tuple[int, str, int], [[1, "a", 2]], [[1, "a"], [1, "a", "b"]]),
        (tuple[int, ...], [[], [1], [1, 2, 3]], [["a"]]),
    ],
)
def test_from_json_takes_limits_and_refuses_what_lies_beyond(kind, good, bad):
    for value in good:
        assert from_json(kind, value, "a") in (value, tuple(value) if isinstance(value, list) else value)
    for value in bad:
        with pytest.raises(SchemaError, match=r"a(\.\d)? is "):
            from_json(kind, value, "a")


@pytest.mark.parametrize(
    ("value", "quoted"),
    [
        ("s" * 59, repr("s" * 59)),
        ("s" * 60, repr("s" * 60)),
        ("s" * 61, repr("s" * 60)),
        ([1] * 20, str([1] * 20)),
        ([10, 10, *[1] * 18], str([10, 10, *[1] * 18])),
        ([100, 10, *[1] * 18], str([100, 10, *[1] * 18])[:60] + "..."),
        (2**128, str(2**128)),
        (-(2**128), str(-(2**128))),
        (2**128 + 1, "an integer of many digits"),
    ],
)
def test_from_json_quotes_sixty_characters_of_a_value(value, quoted):
    with pytest.raises(SchemaError) as caught:
        from_json(bool, value, "a")
    assert str(caught.value) == f"a is {quoted}, expected true or false"


def test_from_json_of_several_kinds_has_the_error_of_the_first_that_goes_deepest():
    for kind in (tuple[int, int] | tuple[str, str], int | tuple[int, int] | tuple[str, str]):
        with pytest.raises(SchemaError) as caught:
            from_json(kind, ["x", 1], "a")
        assert str(caught.value) == "a.0 is 'x', expected an integer"
    with pytest.raises(SchemaError) as caught:
        from_json(int | str | None, [], "a")
    assert str(caught.value) == "a is [], expected an integer or text or null"


def test_from_json_of_any_other_class_takes_objects_but_no_data():
    class Thing:
        """A class of its own."""

    thing = Thing()
    assert from_json(Thing, thing, "a") is thing
    record = Record(3)
    assert from_json(Record, record, "a") is record
    for value in ("x", 1, 0.5, [], {}, None):
        with pytest.raises(SchemaError, match=r"a is .*, expected Thing"):
            from_json(Thing, value, "a")


def test_check_array_of_fewer_or_more_axes_is_refused():
    for shape in ((2,), (2, 3, 1), ()):
        with pytest.raises(SchemaError, match=r"expected float64 of shape \(2, any\)"):
            check_array({"x": np.zeros(shape)}, "x", float, (2, None))
    assert check_array({"x": np.zeros(())}, "x", float, ()).shape == ()
    endless = np.array([np.inf, np.nan])
    assert check_array({"x": endless}, "x", float, (2,), finite=False, infinite=True) is endless
    with pytest.raises(SchemaError, match="has 1 numbers that are not finite, expected none"):
        check_array({"x": np.array([1.0, np.nan])}, "x", float, (2,))
    with pytest.raises(SchemaError, match="has 1 numbers that are infinite, expected none"):
        check_array({"x": endless}, "x", float, (2,), finite=False)
