"""Codes for missing values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gatecast.data.parsing.missing_codes import find_missing_codes
from gatecast.errors import ConfigError

N = 200


def with_code(values: np.ndarray, code: float, count: int) -> np.ndarray:
    """Values of which some are replaced by a code."""
    values = np.asarray(values, float).copy()
    values[np.random.default_rng(1).choice(len(values), count, replace=False)] = code
    return values


def found(values: np.ndarray) -> list[float]:
    """The codes that are recognized."""
    return [code.value for code in find_missing_codes(np.asarray(values, float))]


RNG = np.random.default_rng(0)
TEMPERATURES = RNG.normal(10, 8, N).round(1)
SENSOR = RNG.uniform(647, 2040, N).round()
SALES = RNG.poisson(300, N).astype(float)
LOAD = RNG.lognormal(3, 1, N)


@pytest.mark.parametrize("values", [TEMPERATURES, SENSOR, SALES, LOAD])
@pytest.mark.parametrize("code", [-999, -9999, -99999, -999.9, -9999.0, -32768, -8888, 99999, 9999999, -1e30, 1e20])
@pytest.mark.parametrize("count", [6, 40])
def test_find_missing_codes_recognizes_known_codes_outside_the_values(values, code, count):
    assert found(with_code(values, code, count)) == [code]


@pytest.mark.parametrize(
    ("values", "code"), [(SENSOR, -200), (TEMPERATURES, -200), (SALES, -1), (SALES, -99), (TEMPERATURES, 999.9)]
)
def test_find_missing_codes_recognizes_small_codes_that_repeat(values, code):
    assert found(with_code(values, code, 5)) == [code]


def test_find_missing_codes_recognizes_several():
    values = with_code(TEMPERATURES, -999, 5)
    values[[3, 9]] = -9999
    assert sorted(found(values)) == [-9999, -999]


@pytest.mark.parametrize(
    "values",
    [
        np.arange(9900, 10100),
        np.minimum(np.arange(9900, 10100), 9999),
        with_code(RNG.normal(-95, 8, N).round(), -99, 5),
        with_code(RNG.integers(-3, 4, N), -1, 30),
        with_code(RNG.integers(0, 50, N), -1, 2),
        with_code(RNG.integers(0, 2000, N), 999, 3),
        with_code(RNG.uniform(10, 120, N).round(2), 99.99, 20),
        with_code(RNG.normal(0, 5000, N), -999, 4),
        with_code(RNG.uniform(0, 3000, N), -999, 1),
        with_code(TEMPERATURES, 85, 5),
        with_code(SALES, 0, 20),
        np.array([-999.0, -999.0, 5.0]),
        np.full(20, 999.0),
        np.full(20, np.nan),
        np.exp(np.arange(20) / 2),
    ],
)
def test_find_missing_codes_keeps_values_that_are_possible(values):
    assert found(values) == []


@given(
    st.lists(st.integers(-2000, 2000), min_size=2, max_size=60),
    st.floats(0.1, 10),
    st.sampled_from([-999.0, -99.0, -1.0, 999.0, 0.0]),
)
def test_find_missing_codes_of_a_column_without_known_codes_is_empty(steps, scale, offset):
    # The half makes every value one that is not a code.
    values = np.rint(np.array(steps) * scale + offset) + 0.25
    assert found(values) == []


@given(st.lists(st.integers(-30, 60), min_size=10, max_size=60), st.integers(2, 6), st.sampled_from([-999, -9999]))
def test_find_missing_codes_ignores_order_and_leaves_nothing_to_find(values, count, code):
    column = np.array([*values, *[code] * count], float)
    assume(not {*values} & {-1, -9})
    shuffled = np.random.default_rng(len(values)).permutation(column)
    assert find_missing_codes(column) == find_missing_codes(shuffled) == ((code, count),)
    assert found(column[column != code]) == []


@given(st.lists(st.integers(-30, 60), min_size=10, max_size=60), st.integers(-5, 5))
def test_find_missing_codes_keeps_a_ramp_to_the_code(values, offset):
    # With values in between, the code is a possible value.
    ramp = np.linspace(min(values), -999 + offset, 400).round()
    assert -999 not in found(np.array([*values, *ramp, -999, -999], float))


def test_find_missing_codes_of_given_numbers():
    values = np.array([0.0, 5.0, -1.0, 0.0, np.nan])
    assert find_missing_codes(values, [0, -1, 77]) == ((-1.0, 1), (0.0, 2))
    assert find_missing_codes(values, False) == ()
    assert find_missing_codes(with_code(SALES, -999, 5), False) == ()


@pytest.mark.parametrize("codes", ["all", True, ["a"], 5, None])
def test_find_missing_codes_with_an_invalid_setting_raises(codes):
    with pytest.raises(ConfigError, match=r"Invalid missing_codes .*: expected 'auto', False or a list of numbers"):
        find_missing_codes(np.zeros(3), codes)
