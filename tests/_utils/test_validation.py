"""Checks of arguments: valid values come back, errors name the argument."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast._utils.validation import (
    check_fraction,
    check_levels,
    check_optional_positive_int,
    check_positive,
    check_positive_int,
    check_seed,
    check_type,
)
from gatecast.config import NetworkConfig
from gatecast.errors import ConfigError


@pytest.mark.parametrize("bad", [0, -1, np.inf, np.nan, "1", None, 1j])
def test_check_positive_refuses_other_values(bad):
    with pytest.raises(ConfigError, match=r"^Invalid rate .*: expected a number above 0\.$"):
        check_positive(bad, "rate")


@pytest.mark.parametrize("bad", [-0.1, 1.0, np.nan, "0.5", None])
def test_check_fraction_refuses_other_values(bad):
    with pytest.raises(ConfigError, match=r"^Invalid rate .*: expected a number from 0 to less than 1\.$"):
        check_fraction(bad, "rate")


@pytest.mark.parametrize("bad", [0, -1, 1.0, True, "1", None])
def test_check_positive_int_refuses_other_values(bad):
    with pytest.raises(ConfigError, match=r"^Invalid units .*: expected a positive integer\.$"):
        check_positive_int(bad, "units")


def test_check_optional_positive_int_takes_none():
    assert check_optional_positive_int(None, "h") is None
    assert check_optional_positive_int(3, "h") == 3
    with pytest.raises(ConfigError, match="Invalid h 0"):
        check_optional_positive_int(0, "h")


def test_numbers_of_numpy_are_numbers():
    assert check_positive(np.float32(0.5), "a") == 0.5
    assert check_fraction(np.float32(0.5), "a") == 0.5
    assert check_positive_int(np.int64(5), "a") == 5
    assert check_seed(np.int64(5)) == 5
    assert check_levels(np.float64(80)) == (80,)
    assert check_levels(np.array([95, 80])) == (80, 95)


@pytest.mark.parametrize("bad", [-1, 0.5, True, "a", None])
def test_check_seed_refuses_other_values(bad):
    with pytest.raises(ConfigError, match=r"^Invalid seed .*: expected a non-negative integer\.$"):
        check_seed(bad)


@pytest.mark.parametrize(
    ("level", "text"),
    [
        (0.8, r"^Invalid level 0\.8: expected a percentage from 1 to less than 100\. Did you mean level=80\?$"),
        ([80, 0.955], r"^Invalid level 0\.955: .*level=95\.5\?$"),
        (100, "Invalid level 100"),
        (0, "Invalid level 0"),
        ("80", r"Invalid level '80': .* For example, level=\(80, 95\)\.$"),
        ([80, 80], "different percentages"),
        ([None], "Invalid level None"),
    ],
)
def test_check_levels_refuses_other_values_with_a_fix(level, text):
    with pytest.raises(ConfigError, match=text):
        check_levels(level)


def test_check_type_makes_a_default_record_and_refuses_other_objects():
    assert check_type(None, "network", NetworkConfig) == NetworkConfig()
    config = NetworkConfig(units=3)
    assert check_type(config, "network", NetworkConfig) is config
    with pytest.raises(ConfigError, match=r"^Invalid network 3: expected a NetworkConfig\."):
        check_type(3, "network", NetworkConfig)


def test_errors_name_the_argument_and_its_owner():
    with pytest.raises(ConfigError, match=r"^Invalid units 0 \(LSTM\): expected a positive integer\.$") as caught:
        check_positive_int(0, "units", where="LSTM")
    assert caught.value.argument == "units"
    with pytest.raises(ConfigError) as caught:
        check_positive_int(0, "the number of seeds")
    assert caught.value.argument is None
