"""`gatecast simulate`."""

import csv
import json

import pytest

from gatecast.cli.main import main


def test_simulate_writes_a_row_for_each_series_path_and_step(workdir, capsys):
    assert main(["simulate", "shops.gatecast", "--n-paths", "4", "-n", "2", "--out", "paths.csv"]) == 0
    assert capsys.readouterr().out.split("\n\n")[1] == "written: paths.csv\n"
    with open("paths.csv") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["shop", "month", "path", "LSTM"]
    assert [row["path"] for row in rows[:4]] == ["1", "1", "2", "2"]
    assert len(rows) == 2 * 4 * 2


def test_simulate_with_a_seed_is_reproducible(workdir, capsys):
    values = []
    for seed in ("1", "1", "2"):
        assert main(["simulate", "sales.gatecast", "--n-paths", "2", "--seed", seed, "--json"]) == 0
        values.append([row["LSTM"] for row in json.loads(capsys.readouterr().out)["forecast"]])
    assert values[0] == values[1] != values[2]


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (["--n-paths", "0"], "invalid --n-paths '0'"),
        (["--seed", "-1"], "invalid --seed '-1'"),
        (["--out", "paths.txt"], "invalid --out (paths.txt)"),
        (["absent.csv"], "FILE not found (absent.csv)"),
    ],
)
def test_simulate_refuses_what_cannot_be(workdir, capsys, args, text):
    assert main(["simulate", "sales.gatecast", *args]) == 2
    assert capsys.readouterr().err.startswith(f"error: {text}")
