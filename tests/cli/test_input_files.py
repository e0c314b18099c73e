"""Input files that cannot be read are refused at once."""

import sys

import pytest

from gatecast.cli.input_files import check_input, check_model, check_source
from gatecast.errors import ConfigError


def test_check_input_suggests_a_similar_name(tmp_path):
    file = tmp_path / "sales.csv"
    file.touch()
    with pytest.raises(ConfigError, match=r"FILE not found") as error:
        check_input(str(file.with_name("sale.csv")))
    assert f"Did you mean '{file}'?" in str(error.value)


def test_check_input_without_a_similar_name_shows_the_folder(tmp_path):
    with pytest.raises(ConfigError, match=r"Check the spelling; the current folder is"):
        check_input(str(tmp_path / "nowhere" / "data.csv"))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (".", "got a directory"),
        ("", "got an empty name"),
        pytest.param(
            "/dev/zero", "got a device", marks=pytest.mark.skipif(sys.platform != "linux", reason="a file of Linux")
        ),
    ],
)
def test_check_input_refuses_what_is_no_file(name, reason):
    with pytest.raises(ConfigError, match=f"Invalid FILE.*{reason}"):
        check_input(name)


def test_check_source_leaves_patterns_and_queries_as_text():
    assert check_source("data/*.csv") == "data/*.csv"
    assert check_source("SELECT 1") == "SELECT 1"


def test_check_model_sends_a_table_to_train(tmp_path):
    file = tmp_path / "sales.csv"
    file.touch()
    with pytest.raises(ConfigError, match=r"got a table.* Write gatecast train .*sales\.csv --out .*sales\.gatecast"):
        check_model(str(file))
