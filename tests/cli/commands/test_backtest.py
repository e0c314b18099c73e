"""`gatecast backtest`."""

import csv
import json

import pytest

from gatecast.cli.main import main


@pytest.mark.slow
def test_backtest_scores_models_next_to_baselines(workdir, quick, capsys):
    args = ["backtest", "shops.csv", "-h", "3", "--n-windows", "2", "--no-refit", *quick]
    assert main([*args, "--out", "folds.csv"]) == 0
    findings, *parts = capsys.readouterr().out.split("\n\n")
    assert findings.startswith("data: id column: 'shop', time column: 'month', target: 'sold', ")
    lines = "\n".join(parts).splitlines()
    assert lines[0].split()[:5] == ["model", "mae", "rmse", "smape", "skill"]
    assert [line.split()[0] for line in lines[1:6]] == ["LSTM", "SeasonalNaive", "Naive", "Drift", "Mean"]
    assert lines[-1] == "written: folds.csv"
    with open("folds.csv") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 2 * 3
    assert {row["cutoff"] for row in rows} == {"2019-06-01", "2019-09-01"}
    assert main([*args, "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)["scores"]
    assert scores[1]["skill"] == 0
    assert scores[0]["in 80 %"] == scores[0]["coverage"]["80"] >= 0
    assert scores[1]["in 80 %"] is None


def test_backtest_moves_by_the_step_size(workdir, quick):
    args = ["backtest", "sales.csv", "-n", "3", "--n-windows", "2", "--step-size", "1", "--no-refit", *quick]
    assert main([*args, "--out", "folds.csv"]) == 0
    with open("folds.csv") as file:
        assert sorted({row["cutoff"] for row in csv.DictReader(file)}) == ["2019-08-01", "2019-09-01"]


def test_backtest_has_a_page(workdir, quick):
    pytest.importorskip("plotly")
    assert main(["backtest", "shops.csv", "-h", "3", "--n-windows", "1", *quick, "--report", "folds.html"]) == 0
    assert "backtest" in (workdir / "folds.html").read_text()


@pytest.mark.parametrize(
    ("args", "code", "text"),
    [
        (["--n-windows", "0"], 2, "invalid --n-windows '0'"),
        (["--step-size", "x"], 2, "invalid --step-size 'x'"),
        (["--n-windows", "60"], 1, ""),
    ],
)
def test_backtest_refuses_what_cannot_be(workdir, quick, capsys, args, code, text):
    assert main(["backtest", "sales.csv", "-n", "3", *quick, *args]) == code
    assert capsys.readouterr().err.startswith(f"error: {text}")
