"""`gatecast evaluate`."""

import csv
import json

import pytest

from gatecast.cli.main import main


def test_evaluate_scores_the_new_rows(workdir, capsys):
    assert main(["evaluate", "old.gatecast", "shops.csv", "--out", "test.csv"]) == 0
    out = capsys.readouterr().out
    findings, table, *_ = out.split("\n\n")
    assert findings.startswith("data: id column: 'shop', time column: 'month', target: 'sold', ")
    assert table.split()[:4] == ["model", "MAE", "RMSE", "MASE"]
    assert "On the last 6 rows of each of 2 series" in out
    assert out.endswith("written: test.csv\n")
    with open("test.csv") as file:
        rows = list(csv.DictReader(file))
    assert {"shop", "month", "sold", "LSTM", "Naive"} <= set(rows[0])
    assert len(rows) == 12


def test_evaluate_takes_a_number_of_rows(workdir, capsys):
    assert main(["evaluate", "old.gatecast", "shops.csv", "--n-rows", "3", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["evaluation"]["rows"]["test"] == 3
    assert document["evaluation"]["scores"][0]["model"] == "LSTM"
    assert len(document["forecast"]) == 6


@pytest.mark.parametrize(
    ("args", "code", "text"),
    [
        (["shops.csv", "--n-rows", "0"], 2, "invalid --n-rows '0'"),
        (["absent.csv"], 2, "FILE not found (absent.csv)"),
        (["shops.csv", "--out", "shops.csv"], 2, "--out would overwrite the input"),
        (["shops.csv", "--n-rows", "70"], 1, ""),
    ],
)
def test_evaluate_refuses_what_cannot_be(workdir, capsys, args, code, text):
    assert main(["evaluate", "old.gatecast", *args]) == code
    assert capsys.readouterr().err.startswith(f"error: {text}")
