"""`gatecast compare`."""

import csv
import json
import os

import pytest

from gatecast.cli.main import main

QUICK = ("-n", "3", "--n-members", "1", "--max-steps", "5")


@pytest.mark.slow
def test_compare_ranks_models_and_recommends_one(workdir, capsys):
    args = ["compare", "sales.csv", *QUICK, "--n-windows", "2", "--models", "rnn, gru", "--season-length", "12"]
    assert main([*args, "--out", "folds.csv", "--plot", "chart.svg"]) == 0
    findings, table, recommendation, note, written = capsys.readouterr().out.split("\n\n")
    assert findings.startswith("data: time column: 'month', target: 'sold', ")
    header, *lines = table.splitlines()
    assert header.split() == ["model", "mae", "rmse", "mase", "skill", "p_value", "p_best", "seconds", "parameters"]
    assert sorted(line.split()[0] for line in lines) == ["Drift", "Mean", "Naive", "SeasonalNaive", "gru", "rnn"]
    assert "MASE" in recommendation
    assert note
    assert written == "written: folds.csv\nwritten: chart.svg\n"
    with open("folds.csv") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["id", "cutoff", "model", "mae", "mase"]
    assert len(rows) == 6 * 2
    assert {row["cutoff"] for row in rows} == {"2019-06-01", "2019-09-01"}
    assert (workdir / "chart.svg").read_text().startswith("<?xml")


def test_compare_as_json_has_all_scores(workdir, capsys):
    args = ["compare", "sales.csv", *QUICK, "--n-windows", "1", "--models", "rnn", "--level", "90", "--json"]
    assert main(args) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["horizon"], document["cutoffs"], document["files"]) == (3, 1, [])
    assert document["best"] == document["scores"][0]["model"]
    assert document["units"]["rnn"] > 1
    rnn = next(row for row in document["scores"] if row["model"] == "rnn")
    assert 0 <= rnn["coverage_90"] <= 100
    assert document["scores"][0]["p_best"] is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("args", "code", "text"),
    [
        (["absent.csv"], 2, "FILE not found (absent.csv)"),
        (["sales.csv", "--models", "lstm,arima"], 2, ""),
        (["sales.csv", "--models", ","], 2, ""),
        (["sales.csv", "--n-windows", "0"], 2, "invalid --n-windows '0'"),
        (["sales.csv", "--n-windows", "40"], 1, ""),
        (["sales.csv", "--out", "folds.xlsx"], 2, "invalid --out (folds.xlsx): got '.xlsx'"),
        (["sales.csv", "--plot", "chart.bmp"], 2, "invalid --plot (chart.bmp): got '.bmp'"),
        (["sales.csv", "--out", "sales.csv"], 2, "--out would overwrite the input (sales.csv)"),
    ],
)
def test_compare_refuses_what_cannot_be(workdir, capsys, args, code, text):
    before = sorted(os.listdir(workdir))
    assert main(["compare", *args, *QUICK]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"error: {text}")
    assert err.count("\n") == 1
    assert sorted(os.listdir(workdir)) == before
