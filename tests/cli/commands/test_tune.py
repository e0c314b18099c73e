"""`gatecast tune`."""

import json
import os

import pytest

from gatecast.cli.main import main
from gatecast.forecaster import Forecaster
from gatecast.selection import study

pytest.importorskip("optuna")

QUICK = ("-n", "3", "--n-windows", "1", "--max-steps", "2", "--n-members", "1")


@pytest.mark.slow
def test_tune_prints_trials_writes_files_and_resumes(workdir, capsys):
    pytest.importorskip("matplotlib")
    before = set(os.listdir(workdir))
    args = ["tune", "sales.csv", *QUICK, "--n-trials", "2", "--study", "a.db"]
    assert main([*args, "--out", "a.gatecast", "--plot", "a.png"]) == 0
    findings, rest = capsys.readouterr().out.split("\n\n")
    assert findings.startswith("data: time column: 'month', target: 'sold', ")
    lines = rest.splitlines()
    columns = lines[0].split()
    assert columns[:3] == ["trial", "MASE", "cell"]
    assert {line.split()[0] for line in lines[1:3]} == {"0", "1"}
    assert float(lines[1].split()[1]) <= float(lines[2].split()[1])
    assert lines[3] == "trials: 2, 0 of them stopped early; trial 0 is the default setting"
    assert "On the newest rows" in lines[5]
    assert lines[6:] == ["written: a.gatecast", "written: a.png"]
    assert len(Forecaster.load("a.gatecast").predict(output="dict")["month"]) == 3
    assert (workdir / "a.png").read_bytes().startswith(b"\x89PNG")
    assert set(os.listdir(workdir)) - before == {"a.db", "a.gatecast", "a.png"}
    # The study has both trials: none is made again.
    assert main([*args, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [row["number"] for row in document["trials"]] == [0, 1]
    assert set(document["best"]) == set(columns[2:-1])
    assert (document["files"], document["measure"], document["importance"]) == ([], "MASE", {})
    assert document["validation"]["tuned"] == min(row["value"] for row in document["trials"])


@pytest.mark.slow
def test_tune_has_a_page(workdir):
    pytest.importorskip("plotly")
    assert main(["tune", "sales.csv", *QUICK, "--n-trials", "1", "--report", "a.html"]) == 0
    assert 'id="search' in (workdir / "a.html").read_text("utf-8")


def test_tune_tries_the_named_cell(workdir, capsys):
    assert main(["tune", "sales.csv", *QUICK, "--n-trials", "2", "--model", "gru", "--json"]) == 0
    assert [row["cell"] for row in json.loads(capsys.readouterr().out)["trials"]] == ["lstm", "gru"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("args", "text"),
    [
        (["--n-trials", "0"], "invalid --n-trials '0': expected a whole number of at least 1"),
        (["--n-windows", "x"], "invalid --n-windows 'x'"),
        (["--timeout", "0"], "invalid --timeout '0'"),
        (["--model", "es-lstm"], "invalid --model 'es-lstm': expected lstm, gru, rnn"),
        (["--out", "a.csv"], "invalid --out (a.csv)"),
        (["--plot", "a.html"], "invalid --plot (a.html)"),
        (["--report", "a.png"], "invalid --report (a.png)"),
        (["--report", "a.html", "--futr-exog", "p"], "missing --futr-df"),
        (["--study", "sales.csv"], "--study would overwrite the input (sales.csv)"),
        (["--study", "a.gatecast", "--out", "a.gatecast"], "--study would overwrite --out (a.gatecast)"),
        (["--study", "sales.csv", "--out", "sales.csv"], "invalid --out (sales.csv)"),
        (["--study", "none/a.db"], "'none/a.db'"),
    ],
)
def test_tune_refuses_what_cannot_be(workdir, capsys, args, text):
    before = sorted(os.listdir(workdir))
    assert main(["tune", "sales.csv", *QUICK, *args]) == 2
    assert text in capsys.readouterr().err
    assert sorted(os.listdir(workdir)) == before


def test_tune_of_a_short_series_is_a_problem_of_the_data(workdir, capsys):
    assert main(["tune", "sales.csv", "-n", "20"]) == 1
    assert "too short to tune" in capsys.readouterr().err


def test_tune_without_optuna_says_how_to_install_it(workdir, monkeypatch, capsys):
    monkeypatch.setattr(study, "find_spec", lambda _: None)
    assert main(["tune", "sales.csv"]) == 2
    assert 'pip install "gatecast[tune]"' in capsys.readouterr().err
