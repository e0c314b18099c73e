"""The door: exit codes, messages, and what happens when things go wrong that nobody foresaw."""

import io
import json
import os
import re
import subprocess
import sys
import time

import pytest

from gatecast import __version__
from gatecast.cli.commands import forecast
from gatecast.cli.main import main
from gatecast.errors import ConfigError, DataError, FormatError, NotFittedError


def run(*words, **options):
    """The program as a user starts it."""
    command = [sys.executable, "-m", "gatecast", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **options)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "sales.csv"
    path.write_text("time,value\n2020-01-01,1\n")
    return str(path)


@pytest.fixture
def failing(monkeypatch, file):
    """A command whose work ends in the given error."""

    def fail(error, *words):
        def work(options):
            raise error

        monkeypatch.setattr(forecast, "_fit", work)
        return main(["forecast", file, *words])

    return fail


def test_version():
    done = run("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"gatecast {__version__}\n", "")


def test_version_is_quick():
    # 0.25 s is promised; the best of five leaves out what else the machine is doing.
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        run("--version")
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.25


def test_the_door_itself_loads_nothing_heavy():
    code = "import sys, gatecast.cli.main; print(*{'typer', 'rich', 'duckdb', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize("words", [[], ["--help"], ["forecast", "--help"], ["doctor", "--help"]])
def test_help(capsys, words):
    assert main(words) == 0
    out, err = capsys.readouterr()
    assert out.startswith("Usage: gatecast")
    assert err == ""


def test_help_names_every_option(capsys):
    main(["forecast", "--help"])
    text = capsys.readouterr().out
    for option in (
        "-h, --horizon",
        "--time-col",
        "--id-col",
        "--target-col",
        "--freq",
        "--season",
        "--level",
        "--out",
        "--plot",
        "--report",
        "--json",
        "--seed",
        "--quiet",
    ):
        assert option in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["forecast"], "error: Missing argument 'FILE'. gatecast forecast --help lists the options.\n"),
        (["forcast"], "error: No such command 'forcast'. Did you mean 'forecast'? gatecast forecast --help"),
        (["forecast", "FILE", "--bogus"], "error: No such option: --bogus"),
        (["forecast", "FILE", "-h"], "error: Option '-h' requires an argument."),
        (["forecast", "FILE", "more"], "error: Got unexpected extra argument"),
        (["forecast", "nowhere.csv"], "error: there is no such file (nowhere.csv)"),
        (
            ["forecast", "FILE", "-h", "0"],
            "error: --horizon makes no sense: got '0', expected a whole number",
        ),
        (
            ["forecast", "FILE", "-h", "-3"],
            "error: --horizon makes no sense: got '-3', expected a whole number",
        ),
        (
            ["forecast", "FILE", "-h", "ten"],
            "error: --horizon makes no sense: got 'ten', expected a whole number",
        ),
        (["forecast", "FILE", "--season", "0"], "error: --season makes no sense: got '0'"),
        (["forecast", "FILE", "--level", "101"], "error: --level makes no sense: got '101'"),
        (["forecast", "FILE", "--freq", "bogus"], "error: "),
        (["forecast", "FILE", "--out", "a.xlsx"], "error: --out has an unknown file type (a.xlsx)"),
        (["doctor", "--bogus"], "error: No such option: --bogus"),
    ],
)
def test_wrong_use(capsys, file, words, said):
    assert main([file if word == "FILE" else word for word in words]) == 2
    out, err = capsys.readouterr()
    assert err.startswith(said)
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
def test_errors_of_ours(capsys, failing, error, code):
    assert failing(error) == code
    assert capsys.readouterr().err == f"error: {error}\n"


def test_messages_speak_of_options(capsys, failing):
    failing(DataError("a time occurs twice", fix="Name their column with id_col, or say freq='MS'."))
    assert capsys.readouterr().err.endswith("Name their column with --id-col, or say --freq 'MS'.\n")


def test_errors_as_json(capsys, failing):
    error = DataError("a time occurs twice", where="row 3", got="2020", expected="one row", fix="Remove it.")
    assert failing(error, "--json") == 1
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert told["schema_version"] == 2
    assert told["error"]["kind"] == "DataError"
    assert told["error"]["exit_code"] == 1
    assert told["error"]["where"] == "row 3"
    assert err == f"error: {told['error']['message']}\n"


def test_wrong_use_as_json(capsys):
    assert main(["forecast", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["kind"] == "ConfigError"


def test_a_defect_asks_for_a_report(capsys, failing):
    assert failing(KeyError("x")) == 70
    err = capsys.readouterr().err
    assert err == (
        "error: gatecast has a defect (KeyError: 'x'). Please report it together with the traceback "
        "that GATECAST_DEBUG=1 adds to the same command.\n"
    )


def test_a_defect_with_its_traceback(capsys, failing, monkeypatch):
    monkeypatch.setenv("GATECAST_DEBUG", "1")
    assert failing(ZeroDivisionError("x")) == 70
    err = capsys.readouterr().err
    assert err.startswith("Traceback")
    assert "error: gatecast has a defect (ZeroDivisionError: x)." in err


def test_a_defect_as_json(capsys, failing):
    assert failing(RuntimeError("x"), "--json") == 70
    assert json.loads(capsys.readouterr().out)["error"]["kind"] == "InternalError"


def test_what_the_system_refuses(capsys, failing):
    assert failing(PermissionError(13, "Permission denied", "sales.csv")) == 2
    assert capsys.readouterr().err == "error: sales.csv: Permission denied.\n"


def test_out_of_memory(capsys, failing):
    assert failing(MemoryError()) == 1
    assert "more memory than there is" in capsys.readouterr().err


def test_interrupted(capsys, failing):
    assert failing(KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == "error: interrupted\n"


def test_a_plot_without_matplotlib_is_refused_before_the_work(capsys, failing, monkeypatch, tmp_path):
    monkeypatch.setattr("gatecast.plotting.charts.find_spec", lambda _: None)
    assert failing(AssertionError("worked"), "--plot", str(tmp_path / "a.png")) == 2
    assert 'Install it: pip install "gatecast[plot]"' in capsys.readouterr().err


def test_a_report_without_plotly_is_refused_before_the_work(capsys, failing, monkeypatch, tmp_path):
    monkeypatch.setattr("gatecast.reporting.html_report.find_spec", lambda _: None)
    assert failing(AssertionError("worked"), "--report", str(tmp_path / "a.html")) == 2
    said = 'error: a report needs plotly, which is not installed. Install it: pip install "gatecast[report]"\n'
    assert capsys.readouterr().err == said


def test_letters_that_the_terminal_has_not(file, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    done = run("forecast", file, "--freq", "月")
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="pipes close otherwise there")
def test_a_reader_that_leaves_early():
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "gatecast", "doctor"]
    with open(writer, "w") as pipe:
        done = subprocess.run(command, stdout=pipe, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_doctor(capsys):
    assert main(["doctor"]) == 0
    lines = dict(line.split("  ", 1) for line in capsys.readouterr().out.splitlines())
    told = {name: fact.strip() for name, fact in lines.items()}
    assert told["gatecast"] == __version__
    assert "GATECAST_ISA chooses" in told["instruction set"]
    assert "GATECAST_THREADS chooses" in told["threads"]
    assert told["kernels"].startswith("equal to the reference within ")
    assert "matplotlib" in told["extra plot"]


def test_doctor_as_json(capsys):
    assert main(["doctor", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["healthy"] is True
    assert told["difference"] < 1e-5
    assert told["isa"] in told["isas"]
    assert told["versions"]["gatecast"] == __version__
    assert set(told["extras"]) == {"plot", "report", "stats", "tune"}


def test_doctor_finds_broken_kernels(capsys, monkeypatch):
    monkeypatch.setattr("gatecast.cli.commands.doctor._difference", lambda: float("nan"))
    assert main(["doctor"]) == 1
    assert re.search("^kernels +the kernels differ from the reference by nan", capsys.readouterr().out, re.MULTILINE)


def test_a_stream_that_cannot_be_reconfigured(monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert main(["--version"]) == 0
    assert sys.stdout.getvalue() == f"gatecast {__version__}\n"
