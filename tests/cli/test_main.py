"""Exit codes, messages, and what happens when something goes wrong that nobody foresaw."""

import io
import json
import sys

import pytest

from gatecast import __version__
from gatecast.cli.commands import forecast
from gatecast.cli.main import main
from gatecast.cli.options import OPTION_OF_ARGUMENT
from gatecast.errors import ConfigError, DataError, FormatError, NotFittedError


@pytest.fixture
def failing(monkeypatch, workdir):
    """A command whose work ends in the given error."""

    def fail(error, *args):
        def work(*_, **__):
            raise error

        monkeypatch.setattr(forecast, "_fit", work)
        return main(["forecast", "sales.csv", *args])

    return fail


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (["nowhere.csv"], "error: FILE not found (nowhere.csv)"),
        (
            ["sales.csv", "-h", "0"],
            "error: invalid --horizon '0': expected a whole number of at least 1. Write --horizon",
        ),
        (["sales.csv", "-h", "-3"], "error: invalid --horizon '-3': expected a whole number"),
        (["sales.csv", "-n", "ten"], "error: invalid --horizon 'ten': expected a whole number"),
        (["sales.csv", "--season-length", "0"], "error: invalid --season-length '0'"),
        (["sales.csv", "--level", "101"], "error: invalid --level '101'"),
        (["sales.csv", "--n-members", "0"], "error: invalid --n-members '0'"),
        (["sales.csv", "--freq", "bogus"], "error: "),
        (["sales.csv", "--model", "arima"], "error: "),
        (["sales.csv", "--out", "a.xlsx"], "error: invalid --out (a.xlsx): got '.xlsx'"),
        (["sales.csv", "--futr-exog", "price"], "error: unknown column (--futr-exog): got 'price'"),
        (["sales.csv", "--report", "a.html", "--language", "fr"], "error: unknown --language 'fr': expected 'en'"),
        (
            ["prices.csv", "--futr-exog", "price", "--target-col", "sold"],
            "error: missing --futr-df: expected a table with 'price'",
        ),
        (["sales.csv", "--futr-df", "no.csv"], "error: --futr-df not found (no.csv)"),
    ],
)
def test_wrong_use_is_refused_before_the_work(args, text, workdir, capsys, monkeypatch):
    monkeypatch.setattr(forecast, "_fit", lambda *_, **__: pytest.fail("worked"))
    assert main(["forecast", *args]) == 2
    out, err = capsys.readouterr()
    assert err.startswith(text)
    assert err.count("\n") == 1
    assert out == ""


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (DataError("bad data"), 1),
        (FormatError("bad file"), 1),
        (ConfigError("bad"), 2),
        (NotFittedError("bad"), 2),
    ],
)
def test_exit_code_is_that_of_the_kind_of_error(capsys, failing, error, code):
    assert failing(error) == code
    assert capsys.readouterr().err == f"error: {error}\n"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            DataError("a time occurs twice", fix="Name their column with id_col, or write freq='MS'."),
            "Name their column with --id-col, or write --freq 'MS'.",
        ),
        (ConfigError("Invalid level 0.8", expected="percentages", argument="level"), "invalid --level 0.8: expected"),
        (ConfigError("Invalid h 0", fix="The level is fine.", argument="h"), "invalid --horizon 0. The level is fine."),
        (DataError("no such column", where="time_col", got="'time_col'"), "(--time-col): got 'time_col'."),
        (DataError("a column 'freq' at the model"), "a column 'freq' at the model"),
        (ConfigError("LSTM needs units", argument="units"), "LSTM needs --units"),
    ],
)
def test_messages_name_options(capsys, failing, error, text):
    failing(error)
    assert text in capsys.readouterr().err


def test_messages_name_only_options_that_the_command_has(workdir, monkeypatch, capsys):
    def fail(*_, **__):
        raise DataError("a time occurs twice", fix="Name their column with id_col.", argument="id_col")

    monkeypatch.setattr("gatecast.forecaster.Forecaster.predict", fail)
    assert main(["predict", "sales.gatecast"]) == 1
    assert capsys.readouterr().err.endswith("with id_col.\n")


def test_option_of_argument_is_a_small_table():
    assert OPTION_OF_ARGUMENT["h"] == "--horizon"
    assert OPTION_OF_ARGUMENT["season_length"] == "--season-length"


def test_errors_as_json_have_their_parts_and_the_option(capsys, failing):
    error = DataError(
        "a time occurs twice", where="row 3", got="2020", expected="one row", fix="Name id_col.", argument="id_col"
    )
    assert failing(error, "--json") == 1
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert document["schema_version"] == 2
    assert document["error"]["kind"] == "DataError"
    assert document["error"]["exit_code"] == 1
    assert document["error"]["where"] == "row 3"
    assert document["error"]["option"] == "--id-col"
    assert document["error"]["fix"] == "Name --id-col."
    assert err == f"error: {document['error']['message']}\n"


def test_usage_errors_as_json(capsys):
    assert main(["forecast", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["kind"] == "ConfigError"


def test_defect_asks_for_a_report(capsys, failing):
    assert failing(KeyError("x")) == 70
    assert capsys.readouterr().err == (
        "error: gatecast has a defect (KeyError: 'x'). Please report it together with the traceback "
        "that GATECAST_DEBUG=1 adds to the same command.\n"
    )


def test_defect_with_its_traceback(capsys, failing, monkeypatch):
    monkeypatch.setenv("GATECAST_DEBUG", "1")
    assert failing(ZeroDivisionError("x")) == 70
    err = capsys.readouterr().err
    assert err.startswith("Traceback")
    assert "error: gatecast has a defect (ZeroDivisionError: x)." in err


def test_defect_as_json(capsys, failing):
    assert failing(RuntimeError("x"), "--json") == 70
    assert json.loads(capsys.readouterr().out)["error"]["kind"] == "InternalError"


def test_refusal_of_the_system_names_the_file(capsys, failing):
    assert failing(PermissionError(13, "Permission denied", "sales.csv")) == 2
    assert capsys.readouterr().err == "error: sales.csv: Permission denied.\n"


def test_memory_that_runs_out_is_a_problem_of_the_data(capsys, failing):
    assert failing(MemoryError()) == 1
    assert "more memory than is available" in capsys.readouterr().err


def test_interruption_is_one_message(capsys, failing):
    assert failing(KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == "error: interrupted\n"


def test_interruption_that_a_library_disguised_is_one_message(workdir, capsys, monkeypatch):
    def work(*_, **__):
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            raise DataError("the file cannot be read") from None

    monkeypatch.setattr(forecast, "_fit", work)
    assert main(["forecast", "sales.csv"]) == 130
    assert capsys.readouterr().err == "error: interrupted\n"


@pytest.mark.slow
def test_missing_library_is_reported_before_the_work(capsys, failing, monkeypatch):
    monkeypatch.setattr("gatecast.plotting.charts.find_spec", lambda _: None)
    assert failing(AssertionError("worked"), "--plot", "a.png") == 2
    assert 'pip install "gatecast[' in capsys.readouterr().err


def test_stream_that_cannot_be_reconfigured_is_written_to(monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert main(["--version"]) == 0
    assert sys.stdout.getvalue() == f"gatecast {__version__}\n"
