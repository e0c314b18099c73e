import math

import numpy as np
import pytest

from gatecast._utils.formatting import finite_or_none, format_count, format_times, number_formatter, time_unit


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([112.0, 622.0], ["112.0", "622.0"]),
        ([41234.5, 3.0], ["41234", "3"]),
        ([0.00123, 0.5], ["0.0012", "0.5000"]),
        ([-9.5, 9.4], ["-9.500", "9.400"]),
        ([1e-12, 2e-12], ["1e-12", "2e-12"]),
        ([1e12], ["1e+12"]),
        ([0.0], ["0.000"]),
        ([math.nan, math.inf], ["-", "-"]),
        ([1.5, math.nan], ["1.500", "-"]),
    ],
)
def test_numbers_of_a_column_share_their_decimals(values, expected):
    write = number_formatter(np.array(values))
    assert [write(value) for value in values] == expected


@pytest.mark.parametrize(
    ("times", "unit", "texts"),
    [
        (["2020-01-01", "2020-02-01"], "D", ["2020-01-01", "2020-02-01"]),
        (["2020-01-01", "2020-01-01T12"], "m", ["2020-01-01 00:00", "2020-01-01 12:00"]),
        (["2020-01-01T00:00:01"], "s", ["2020-01-01 00:00:01"]),
        (["2020-01-01T00:00:00.25"], "ms", ["2020-01-01 00:00:00.250"]),
        (["1749-01-01"], "D", ["1749-01-01"]),
    ],
)
def test_times_are_as_fine_as_needed(times, unit, texts):
    array = np.array(times, "datetime64[us]")
    assert time_unit(array) == unit
    assert format_times(array) == texts


def test_integers_are_written_as_they_are():
    assert format_times(np.array([7, 8])) == ["7", "8"]
    assert time_unit(np.array([7]), np.array(["2020-01-01"], "datetime64[s]")) == "D"


def test_one_unit_for_several_arrays():
    days, hours = np.array(["2020-01-01"], "M8[s]"), np.array(["2020-01-01T05"], "M8[s]")
    assert time_unit(days, hours) == "m"
    assert format_times(days, unit="m") == ["2020-01-01 00:00"]


def test_plain_knows_no_infinity():
    assert [finite_or_none(value) for value in (math.nan, math.inf, -math.inf, 0.0, "nan")] == [
        None,
        None,
        None,
        0.0,
        "nan",
    ]


def test_counts():
    assert [format_count(n, "row") for n in (0, 1, 2, 1234)] == ["0 rows", "1 row", "2 rows", "1,234 rows"]
