"""Input files that cannot be read are refused at once."""

import sys

import pytest

from gatecast.cli.input_files import check_futr_df, check_input, check_model, check_source
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


def test_check_model_sends_the_name_of_a_model_to_forecast(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"got the name of a model.* Write gatecast forecast FILE --model dot, or"):
        check_model("dot")
    (tmp_path / "dot").touch()
    assert check_model("dot").name == "dot"


def test_check_source_of_a_part_checks_its_file(tmp_path):
    file = tmp_path / "book.xlsx"
    file.touch()
    assert check_source(f"{file}::Sales") == f"{file}::Sales"
    with pytest.raises(ConfigError, match=r"FILE not found \(.*bok\.xlsx\)\. Did you mean '.*book\.xlsx'\?"):
        check_source(f"{tmp_path}/bok.xlsx::Sales")


def test_check_source_refuses_a_terminal(monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    with pytest.raises(ConfigError, match=r"got a terminal, expected a file or a pipe\. Write gatecast forecast -"):
        check_source("-")


def test_check_futr_df_takes_what_file_takes(monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)
    assert check_futr_df(None, "-") is None
    assert check_futr_df("-", "sales.csv") == "-"
    assert check_futr_df("SELECT 1", "-") == "SELECT 1"
    with pytest.raises(ConfigError, match=r"--futr-df not found"):
        check_futr_df("no.csv")


def test_check_futr_df_refuses_standard_input_for_both():
    with pytest.raises(ConfigError, match=r"Invalid --futr-df: got standard input, as FILE"):
        check_futr_df("-", "-")
