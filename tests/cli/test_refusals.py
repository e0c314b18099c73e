"""What cannot work is refused at once, with one line, and what cannot be told does no harm."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from gatecast.cli.commands import forecast
from gatecast.cli.facts import score_table
from gatecast.cli.json_output import document
from gatecast.cli.main import main
from gatecast.cli.options import Options
from gatecast.cli.terminal import show
from gatecast.errors import DataError
from gatecast.results import Score

linux = pytest.mark.skipif(sys.platform != "linux", reason="speaks of Linux' own files")


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("time,value\n2020-01-01,1\n")
    return "a.csv"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("a.csv", "--out", "."), "--out is a directory (.): expected the name of a file."),
        (("a.csv", "--out", ""), "--out is empty: expected the name of a file."),
        (("a.csv", "--plot", ""), "--plot is empty: expected the name of a file."),
        (("",), "FILE is empty: expected the name of a file."),
        pytest.param(
            ("/dev/zero",),
            "FILE is not a regular file (/dev/zero): expected a file with a table, or a pipe.",
            marks=linux,
        ),
        pytest.param(
            ("a.csv", "--out", "/proc/x.csv"),
            "--out cannot be written (/proc/x.csv): got No such file or directory.",
            marks=linux,
        ),
        pytest.param(
            ("a.csv", "--plot", "/proc/x.png"),
            "--plot cannot be written (/proc/x.png): got No such file or directory.",
            marks=linux,
        ),
    ],
)
def test_refused_before_the_work(file, capsys, monkeypatch, words, said):
    monkeypatch.setattr(forecast, "_fit", lambda _: pytest.fail("worked"))
    if "/proc/x.csv" in words or "/proc/x.png" in words:
        # Without root's rights the folder is refused even before.
        monkeypatch.setattr(os, "access", lambda *_: True)
    assert main(["forecast", *words]) == 2
    assert capsys.readouterr().err == f"error: {said}\n"


@linux
@pytest.mark.parametrize("words", [["--version"], ["forecast", "--json"], ["forecast", "no.csv", "--json"], ["doctor"]])
def test_a_full_output(words):
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "gatecast", *words]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    if "forecast" not in words:
        assert done.stderr == "error: the output cannot be written: No space left on device.\n"


def test_a_write_that_fails_names_the_users_file(make_result, tmp_path, monkeypatch):
    def fail(*_):
        raise DataError("the file cannot be written", where="draft", got="No space left on device")

    monkeypatch.setattr("gatecast.data.sources.writers.write", fail)
    out = tmp_path / "a.csv"
    with pytest.raises(ValueError, match=r"--out cannot be written \(.*a\.csv\): got No space left on device"):
        forecast._write(make_result(), Options(tmp_path / "b.csv", out=out), None)


@pytest.mark.parametrize("factor", [7e8, 1e9, 1e15])
def test_large_scores_stay_on_their_line(make_result, monkeypatch, capsys, factor):
    monkeypatch.setenv("COLUMNS", "80")
    result = make_result()
    scores = tuple(
        replace(score, mae=score.mae / 8 * factor, rmse=score.rmse / 8 * factor) for score in result.evaluation.scores
    )
    result = replace(result, evaluation=replace(result.evaluation, scores=scores))
    show(result, ())
    lines = capsys.readouterr().out.splitlines()
    for row in score_table(result.evaluation).rows:
        assert any(all(cell in line for cell in row) for line in lines)


def test_without_a_season_the_baseline_is_naive(make_result, tmp_path):
    result = make_result()
    evaluation = result.evaluation
    table = {**evaluation.table, "Naive": evaluation.table["SeasonalNaive"]}
    del table["SeasonalNaive"]
    scores = (evaluation.scores[0], Score("Naive", 8.0, 10.0, 1.0, 0.0))
    result = replace(result, season=1, evaluation=replace(evaluation, scores=scores, table=table))
    rows = document(result, Options(tmp_path), ())["forecast"]
    assert "Naive" in rows[0]
    assert "SeasonalNaive" not in rows[0]
    assert score_table(result.evaluation).rows[1][0] == result.baseline == "last value"
    assert replace(result, evaluation=None).naive_col == "Naive"


def test_an_interruption_in_disguise(file, capsys, monkeypatch):
    def work(_):
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            raise DataError("the file cannot be read") from None

    monkeypatch.setattr(forecast, "_fit", work)
    assert main(["forecast", file]) == 130
    assert capsys.readouterr().err == "error: interrupted\n"


@pytest.mark.skipif(os.name == "nt", reason="signals differ there")
@pytest.mark.parametrize("after", [0.0, 0.1, 0.3])
def test_interrupted_while_running(tmp_path, after):
    """A pipe that nobody writes to keeps the program in its first step for as long as we like."""
    code = "import sys, gatecast.cli.main as cli; print('ready', flush=True); sys.exit(cli.main())"
    os.mkfifo(tmp_path / "a.csv")
    command = [sys.executable, "-c", code, "forecast", str(tmp_path / "a.csv")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.02 + after)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert err.strip() == "error: interrupted"
